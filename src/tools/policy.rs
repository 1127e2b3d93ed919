//! Which calls run without asking by the rules of the config.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ToolId;

/// The decision of the policy on a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyVerdict {
    Allow,
    #[default]
    Ask,
    Deny,
}

/// The rules of the config, from `server/tool`, `server/*` or `*` to a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolPolicy {
    rules: BTreeMap<String, PolicyVerdict>,
    /// Rules that ibid may have written itself without keeping what the tool was like: they ask once more.
    unconfirmed: BTreeSet<String>,
    /// Set if nobody can answer a question: calls that match one of these rules are allowed, and others are denied.
    unattended: Option<Vec<String>>,
}

/// Why the name of a tool may be misleading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameDoubt {
    /// It has characters that are invisible or resemble others, or it resembles a pattern for several tools.
    Deceptive,
    /// It resembles the name of this other tool.
    LooksLike(ToolId),
}

impl NameDoubt {
    /// Checks the name of a tool against all tools.
    pub fn about<'a>(id: &ToolId, all: impl IntoIterator<Item = &'a ToolId>) -> Option<Self> {
        if exact_rule(id).is_none() {
            return Some(Self::Deceptive);
        }
        let name = id.to_string();
        // A deceptive name is reported by itself, and does not cast doubt on the others.
        let is_twin =
            |other: &&ToolId| *other != id && exact_rule(other).is_some_and(|other| is_lookalike(&other, &name));
        let twin = all.into_iter().find(is_twin);
        twin.cloned().map(Self::LooksLike)
    }
}

impl ToolPolicy {
    pub fn new(rules: BTreeMap<String, PolicyVerdict>) -> Self {
        Self { rules, unconfirmed: BTreeSet::new(), unattended: None }
    }

    /// Prepares for a run in which nobody can answer a question: a call that would ask is denied unless one of these rules
    /// allows it.
    pub fn set_unattended(&mut self, allowed: Vec<String>) {
        self.unattended = Some(allowed);
    }

    /// Makes the rules that allow one of these tools ask, because nobody knows whether the user wrote them.
    pub fn set_unconfirmed(&mut self, rules: BTreeSet<String>) {
        self.unconfirmed = rules;
    }

    /// Whether the tool asks only because the rule that allows it is not confirmed.
    pub fn is_unconfirmed(&self, id: &ToolId) -> bool {
        let rule = id.to_string();
        self.rules.get(&rule) == Some(&PolicyVerdict::Allow) && self.unconfirmed.contains(&rule)
    }

    /// Decides on a call of this tool. The most specific rule counts; without any rule, the verdict is to ask. A grant
    /// allows what would ask.
    ///
    /// To allow a tool, a rule must name it exactly, or match it with a star if its name is plain ASCII. To deny it, a
    /// rule only has to look the same, ignoring invisible characters and case, and taking `0` for `o` and `1` for `l`.
    pub fn verdict(&self, id: &ToolId, is_granted: bool) -> PolicyVerdict {
        match self.rule_verdict(id) {
            PolicyVerdict::Ask if is_granted => PolicyVerdict::Allow,
            PolicyVerdict::Ask => {
                self.unattended.as_ref().map_or(PolicyVerdict::Ask, |allowed| unattended_verdict(allowed, id))
            }
            verdict => verdict,
        }
    }

    fn rule_verdict(&self, id: &ToolId) -> PolicyVerdict {
        let name = id.to_string();
        if let Some(verdict) = self.rules.get(&name).filter(|_| !is_pattern(&name)) {
            return if self.is_unconfirmed(id) { PolicyVerdict::Ask } else { *verdict };
        }
        let is_like = |rule: &str| !is_pattern(rule) && is_lookalike(rule, &name);
        if self.rules.iter().any(|(rule, verdict)| *verdict == PolicyVerdict::Deny && is_like(rule)) {
            return PolicyVerdict::Deny;
        }
        let by_star = self.rules.get(&format!("{}/*", id.server)).or_else(|| self.rules.get("*"));
        match by_star.copied().unwrap_or_default() {
            PolicyVerdict::Allow if !is_visible_ascii(&name) => PolicyVerdict::Ask,
            verdict => verdict,
        }
    }
}

fn unattended_verdict(allowed: &[String], id: &ToolId) -> PolicyVerdict {
    let rules = allowed.iter().map(|rule| (rule.clone(), PolicyVerdict::Allow)).collect();
    match ToolPolicy::new(rules).rule_verdict(id) {
        PolicyVerdict::Allow => PolicyVerdict::Allow,
        PolicyVerdict::Ask | PolicyVerdict::Deny => PolicyVerdict::Deny,
    }
}

/// Whether a rule is valid: a tool, all tools of a server, or all tools.
pub fn is_valid_rule(rule: &str) -> bool {
    rule == "*" || rule.parse::<ToolId>().is_ok()
}

fn is_pattern(rule: &str) -> bool {
    rule == "*" || rule.split_once('/').is_some_and(|(_, name)| name == "*")
}

/// Whether the name has only visible ASCII characters.
fn is_visible_ascii(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the rule that matches only this tool, or `None` if its name is deceptive.
fn exact_rule(id: &ToolId) -> Option<String> {
    let rule = id.to_string();
    let means_one = is_visible_ascii(&rule) && !is_pattern(&rule) && rule.parse().as_ref() == Ok(id);
    means_one.then_some(rule)
}

/// Whether one name can be mistaken for the other.
fn is_lookalike(one: &str, other: &str) -> bool {
    fold_name(one) == fold_name(other) || name_skeleton(one) == name_skeleton(other)
}

/// Reduces a name to its shapes: similar letters and digits become equal, and so do separators between words.
fn name_skeleton(name: &str) -> String {
    let shapes = name.chars().map(|char| match char {
        '0' => 'o',
        '1' | 'I' | '|' => 'l',
        '-' | '.' => '_',
        char => char,
    });
    fold_name(&shapes.collect::<String>()).replace("rn", "m").replace("vv", "w")
}

/// Returns the name in lower case, without characters that have no width.
fn fold_name(name: &str) -> String {
    let visible = crate::text::clean(name).into_owned();
    visible.chars().filter(|char| !char.is_whitespace() && !is_joiner(*char)).flat_map(char::to_lowercase).collect()
}

/// Whether this is a joiner or selector, which `clean` keeps because some scripts and emoji need them.
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> ToolPolicy {
        let rules = [
            ("git/*", PolicyVerdict::Allow),
            ("git/push", PolicyVerdict::Deny),
            ("git/log", PolicyVerdict::Ask),
            ("fs/read", PolicyVerdict::Allow),
            ("web/*", PolicyVerdict::Deny),
            ("web/get", PolicyVerdict::Allow),
        ];
        ToolPolicy::new(rules.into_iter().map(|(rule, verdict)| (rule.to_owned(), verdict)).collect())
    }

    #[test]
    fn no_name_tricks_the_policy() {
        use PolicyVerdict::{Allow, Ask, Deny};
        for (server, name, expected, why) in [
            ("git", "status", Allow, "all of the server"),
            ("git", "push", Deny, "the closer rule counts"),
            ("git", "log", Ask, "the closer rule counts"),
            ("git", "Push", Deny, "what reads like a denied name is denied"),
            ("git", "push\u{200b}", Deny, "invisible"),
            ("git", "p\u{200d}ush", Deny, "a joiner"),
            ("git", "pu\u{feff}sh", Deny, "invisible"),
            ("git", "push\u{1b}[0m", Deny, "an escape sequence"),
            ("git", "push ", Deny, "a space at the end"),
            ("git", "p\u{443}sh", Ask, "a letter of another script: a star does not allow what may deceive"),
            ("git", "\u{202e}hsup", Ask, "turned around"),
            ("git", "PUSH", Deny, "capitals"),
            ("g1t", "status", Ask, "a digit for a letter is another server"),
            ("git", "pushy", Allow, "the beginning of a name is another name"),
            ("git", "*", Allow, "a tool that is called like a pattern is one of the server, no more"),
            ("git2", "status", Ask, "the beginning of a server's name is another server"),
            ("gi", "t/status", Ask, "a slash moved"),
            ("Git", "status", Ask, "to allow, a name must be exact"),
            ("git\u{200b}", "status", Ask, "to allow, a name must be exact"),
            ("Git", "push", Deny, "to deny, it need not"),
            ("fs", "read", Allow, "exact"),
            ("fs", "Read", Ask, "another case"),
            ("fs", "read\u{200b}", Ask, "invisible"),
            ("fs", "read_all", Ask, "longer"),
            ("fs", "rea", Ask, "shorter"),
            ("fs", "r\u{435}ad", Ask, "another script"),
            ("fs/read", "", Ask, "a slash in the server's name"),
            ("*", "", Ask, "a server that is called like a pattern"),
            ("*", "x", Ask, "a server that is called like a pattern"),
            ("web", "get", Allow, "exact"),
            ("web", "GET", Deny, "the server is denied"),
            ("web", "post", Deny, "the server is denied"),
            ("other", "get", Ask, "no rule"),
            ("", "", Ask, "nothing"),
        ] {
            assert_eq!(policy().verdict(&ToolId::new(server, name), false), expected, "{server:?} {name:?}: {why}");
        }
    }

    #[test]
    fn a_grant_allows_what_asks_and_never_overrides_a_denial() {
        let verdict = |server: &str, name: &str, granted| policy().verdict(&ToolId::new(server, name), granted);
        assert_eq!(verdict("other", "get", false), PolicyVerdict::Ask);
        assert_eq!(verdict("other", "get", true), PolicyVerdict::Allow);
        assert_eq!(verdict("git", "push", true), PolicyVerdict::Deny);
    }

    #[test]
    fn an_unconfirmed_rule_asks_until_the_tool_is_granted() {
        let mut policy = policy();
        policy.set_unconfirmed(["fs/read".to_owned(), "git/push".to_owned()].into());
        let verdict = |server: &str, name: &str, granted| policy.verdict(&ToolId::new(server, name), granted);
        assert_eq!(verdict("fs", "read", false), PolicyVerdict::Ask);
        assert_eq!(verdict("fs", "read", true), PolicyVerdict::Allow);
        assert_eq!(verdict("git", "push", true), PolicyVerdict::Deny, "only what allows is in doubt");
        assert_eq!(verdict("git", "status", false), PolicyVerdict::Allow, "a star was written by hand");
    }

    #[test]
    fn an_unattended_run_allows_only_the_named_tools() {
        let mut policy = policy();
        policy.set_unattended(vec!["other/get".into(), "more/*".into(), "git/push".into()]);
        let verdict = |server: &str, name: &str| policy.verdict(&ToolId::new(server, name), false);
        assert_eq!(verdict("other", "get"), PolicyVerdict::Allow);
        assert_eq!(verdict("more", "any"), PolicyVerdict::Allow);
        assert_eq!(verdict("other", "set"), PolicyVerdict::Deny);
        assert_eq!(verdict("other", "get\u{200b}"), PolicyVerdict::Deny);
        assert_eq!(verdict("git", "log"), PolicyVerdict::Deny, "the config says that it asks");
        assert_eq!(verdict("git", "push"), PolicyVerdict::Deny, "the config denies it");
        assert_eq!(verdict("fs", "read"), PolicyVerdict::Allow, "the config allows it");
    }

    #[test]
    fn a_star_gives_way_to_every_more_specific_rule() {
        let rules = [("*", PolicyVerdict::Deny), ("web/get", PolicyVerdict::Allow)];
        let policy = ToolPolicy::new(rules.into_iter().map(|(rule, verdict)| (rule.to_owned(), verdict)).collect());
        assert_eq!(policy.verdict(&ToolId::new("web", "get"), false), PolicyVerdict::Allow);
        assert_eq!(policy.verdict(&ToolId::new("web", "got"), false), PolicyVerdict::Deny);
    }

    #[test]
    fn a_denial_also_covers_lookalikes() {
        let rules = [("mail/list_all", PolicyVerdict::Deny), ("mail/*", PolicyVerdict::Allow)];
        let policy = ToolPolicy::new(rules.into_iter().map(|(rule, verdict)| (rule.to_owned(), verdict)).collect());
        for (name, expected) in [
            ("list_all", PolicyVerdict::Deny),
            ("LIST_ALL", PolicyVerdict::Deny),
            ("1ist_all", PolicyVerdict::Deny),
            ("list-all", PolicyVerdict::Deny),
            ("list_al1", PolicyVerdict::Deny),
            ("list_\u{200b}all", PolicyVerdict::Deny),
            ("list_any", PolicyVerdict::Allow),
            ("last_all", PolicyVerdict::Allow),
            ("list_alll", PolicyVerdict::Allow),
        ] {
            assert_eq!(policy.verdict(&ToolId::new("mail", name), false), expected, "{name:?}");
        }
    }

    #[test]
    fn a_name_that_can_be_taken_for_another_is_in_doubt() {
        let all: Vec<ToolId> = [
            ("git", "log"),
            ("glt", "log"),
            ("g1t", "log"),
            ("fs", "read"),
            ("fs2", "read"),
            ("Notes", "write"),
            ("notes", "write"),
            ("shop", "order"),
            ("shop", "returns"),
            ("shop", "retums"),
            ("web", "get\u{200b}"),
            ("web", "\u{202e}teg"),
            ("web", "g\u{435}t"),
            ("web", "get"),
            ("web", "*"),
        ]
        .map(|(server, name)| ToolId::new(server, name))
        .into();
        let doubts = all.iter().map(|id| match NameDoubt::about(id, &all) {
            None => format!("{}: none", id.to_string().escape_debug()),
            Some(NameDoubt::Deceptive) => format!("{}: hides", id.to_string().escape_debug()),
            Some(NameDoubt::LooksLike(other)) => format!("{id}: like {other}"),
        });
        insta::assert_snapshot!(doubts.collect::<Vec<_>>().join("\n"));
    }
}
