//! Who may run without being asked: rules of the config, and what the reader allowed in a conversation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ToolId;

/// What a policy says of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Allow,
    #[default]
    Ask,
    Deny,
}

/// The rules of the config: `server/tool`, `server/*` or `*` to what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    rules: BTreeMap<String, Verdict>,
    /// Nobody is there to be asked: only what one of these names is allowed, and the rest is denied.
    unattended: Option<Vec<String>>,
}

/// What the reader allowed in one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Everything that would ask; what is denied stays denied.
    pub all: bool,
    pub tools: BTreeSet<ToolId>,
}

/// Why a tool's name is not to be trusted at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It has letters that one does not see or takes for others, or it reads like a rule for many.
    Hides,
    /// It reads like this one, which is another tool.
    Twin(ToolId),
}

impl Doubt {
    /// The doubt about a tool among all that there are.
    pub fn about<'a>(id: &ToolId, all: impl IntoIterator<Item = &'a ToolId>) -> Option<Self> {
        if rule_for(id).is_none() {
            return Some(Self::Hides);
        }
        let name = id.to_string();
        // One that hides something is seen to do so, and takes nothing from the others.
        let is_twin = |other: &&ToolId| *other != id && rule_for(other).is_some_and(|other| reads_like(&other, &name));
        let twin = all.into_iter().find(is_twin);
        twin.cloned().map(Self::Twin)
    }
}

impl Policy {
    pub fn new(rules: BTreeMap<String, Verdict>) -> Self {
        Self { rules, unattended: None }
    }

    /// Nobody will be there to be asked. What would ask is denied, unless one of these rules allows it.
    pub fn leave_alone(&mut self, allowed: Vec<String>) {
        self.unattended = Some(allowed);
    }

    /// The reader allowed it once and for all; gives the rule that says so. `None` for a tool whose name may deceive or
    /// would mean others as well.
    pub fn always(&mut self, id: &ToolId) -> Option<String> {
        let rule = rule_for(id)?;
        self.rules.insert(rule.clone(), Verdict::Allow);
        Some(rule)
    }

    /// What happens to a call of that tool. The rule that names it most closely counts, and without any it asks.
    ///
    /// To allow, a rule must name a tool exactly, or with a star a tool whose name hides nothing. To deny, it is enough
    /// that a name reads the same: without what is invisible, in small letters, with `0` for `o` and `1` for `l`.
    pub fn verdict(&self, id: &ToolId, grants: &Grants) -> Verdict {
        let verdict = self.by_rule(id);
        match verdict {
            Verdict::Ask if grants.all || grants.tools.contains(id) => Verdict::Allow,
            Verdict::Ask => self.unattended.as_ref().map_or(Verdict::Ask, |allowed| unattended(allowed, id)),
            verdict => verdict,
        }
    }

    fn by_rule(&self, id: &ToolId) -> Verdict {
        let name = id.to_string();
        if let Some(verdict) = self.rules.get(&name).filter(|_| !is_pattern(&name)) {
            return *verdict;
        }
        let is_like = |rule: &str| !is_pattern(rule) && reads_like(rule, &name);
        if self.rules.iter().any(|(rule, verdict)| *verdict == Verdict::Deny && is_like(rule)) {
            return Verdict::Deny;
        }
        let by_star = self.rules.get(&format!("{}/*", id.server)).or_else(|| self.rules.get("*"));
        match by_star.copied().unwrap_or_default() {
            Verdict::Allow if !hides_nothing(&name) => Verdict::Ask,
            verdict => verdict,
        }
    }
}

fn unattended(allowed: &[String], id: &ToolId) -> Verdict {
    let rules = allowed.iter().map(|rule| (rule.clone(), Verdict::Allow)).collect();
    match Policy::new(rules).by_rule(id) {
        Verdict::Allow => Verdict::Allow,
        Verdict::Ask | Verdict::Deny => Verdict::Deny,
    }
}

/// Whether a rule can mean something: a tool, all of a server, or all.
pub fn is_rule(rule: &str) -> bool {
    rule == "*" || rule.parse::<ToolId>().is_ok()
}

fn is_pattern(rule: &str) -> bool {
    rule == "*" || rule.split_once('/').is_some_and(|(_, name)| name == "*")
}

/// Letters that can be told apart by looking at them.
fn hides_nothing(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The rule that means this tool and no other; none for a name that one cannot read for sure.
fn rule_for(id: &ToolId) -> Option<String> {
    let rule = id.to_string();
    let means_one = hides_nothing(&rule) && !is_pattern(&rule) && rule.parse().as_ref() == Ok(id);
    means_one.then_some(rule)
}

/// Whether one name can be taken for the other.
fn reads_like(one: &str, other: &str) -> bool {
    folded(one) == folded(other) || skeleton(one) == skeleton(other)
}

/// A name by its shapes: letters and digits that look alike are one, and so are the signs between words.
fn skeleton(name: &str) -> String {
    let shapes = name.chars().map(|char| match char {
        '0' => 'o',
        '1' | 'I' | '|' => 'l',
        '-' | '.' => '_',
        char => char,
    });
    folded(&shapes.collect::<String>()).replace("rn", "m").replace("vv", "w")
}

/// As it reads: without what has no width, in small letters.
fn folded(name: &str) -> String {
    let visible = crate::text::clean(name).into_owned();
    visible.chars().filter(|char| !char.is_whitespace() && !is_joiner(*char)).flat_map(char::to_lowercase).collect()
}

/// Those that `clean` leaves in, for scripts and emoji need them.
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let rules = [
            ("git/*", Verdict::Allow),
            ("git/push", Verdict::Deny),
            ("git/log", Verdict::Ask),
            ("fs/read", Verdict::Allow),
            ("web/*", Verdict::Deny),
            ("web/get", Verdict::Allow),
        ];
        Policy::new(rules.into_iter().map(|(rule, verdict)| (rule.to_owned(), verdict)).collect())
    }

    #[test]
    fn no_name_tricks_the_policy() {
        use Verdict::{Allow, Ask, Deny};
        let none = Grants::default();
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
            assert_eq!(policy().verdict(&ToolId::new(server, name), &none), expected, "{server:?} {name:?}: {why}");
        }
    }

    #[test]
    fn what_was_allowed_in_a_conversation_counts_for_that_very_tool_and_never_against_a_denial() {
        let one = Grants { all: false, tools: [ToolId::new("other", "get")].into() };
        let all = Grants { all: true, ..Grants::default() };
        let verdict = |server: &str, name: &str, grants| policy().verdict(&ToolId::new(server, name), grants);
        assert_eq!(verdict("other", "get", &one), Verdict::Allow);
        assert_eq!(verdict("other", "get\u{200b}", &one), Verdict::Ask);
        assert_eq!(verdict("other", "Get", &one), Verdict::Ask);
        assert_eq!(verdict("other", "set", &one), Verdict::Ask);
        assert_eq!(verdict("other", "set", &all), Verdict::Allow);
        assert_eq!(verdict("git", "push", &all), Verdict::Deny);
    }

    #[test]
    fn where_nobody_can_be_asked_only_what_was_named_runs() {
        let mut policy = policy();
        policy.leave_alone(vec!["other/get".into(), "more/*".into(), "git/push".into()]);
        let verdict = |server: &str, name: &str| policy.verdict(&ToolId::new(server, name), &Grants::default());
        assert_eq!(verdict("other", "get"), Verdict::Allow);
        assert_eq!(verdict("more", "any"), Verdict::Allow);
        assert_eq!(verdict("other", "set"), Verdict::Deny);
        assert_eq!(verdict("other", "get\u{200b}"), Verdict::Deny);
        assert_eq!(verdict("git", "log"), Verdict::Deny, "the config says that it asks");
        assert_eq!(verdict("git", "push"), Verdict::Deny, "the config denies it");
        assert_eq!(verdict("fs", "read"), Verdict::Allow, "the config allows it");
    }

    #[test]
    fn a_star_for_all_gives_way_to_everything_closer() {
        let mut policy = Policy::new([("*".to_owned(), Verdict::Deny)].into());
        let get = ToolId::new("web", "get");
        assert_eq!(policy.verdict(&get, &Grants::default()), Verdict::Deny);
        assert_eq!(policy.always(&get).as_deref(), Some("web/get"));
        assert_eq!(policy.verdict(&get, &Grants::default()), Verdict::Allow);
        assert_eq!(policy.verdict(&ToolId::new("web", "got"), &Grants::default()), Verdict::Deny);
    }

    #[test]
    fn a_denial_holds_for_what_can_be_taken_for_the_denied() {
        let rules = [("mail/list_all", Verdict::Deny), ("mail/*", Verdict::Allow)];
        let policy = Policy::new(rules.into_iter().map(|(rule, verdict)| (rule.to_owned(), verdict)).collect());
        for (name, expected) in [
            ("list_all", Verdict::Deny),
            ("LIST_ALL", Verdict::Deny),
            ("1ist_all", Verdict::Deny),
            ("list-all", Verdict::Deny),
            ("list_al1", Verdict::Deny),
            ("list_\u{200b}all", Verdict::Deny),
            ("list_any", Verdict::Allow),
            ("last_all", Verdict::Allow),
            ("list_alll", Verdict::Allow),
        ] {
            assert_eq!(policy.verdict(&ToolId::new("mail", name), &Grants::default()), expected, "{name:?}");
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
        let told = all.iter().map(|id| match Doubt::about(id, &all) {
            None => format!("{}: none", id.to_string().escape_debug()),
            Some(Doubt::Hides) => format!("{}: hides", id.to_string().escape_debug()),
            Some(Doubt::Twin(other)) => format!("{id}: like {other}"),
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn nothing_is_allowed_for_ever_whose_name_means_more_than_it() {
        let mut policy = Policy::default();
        for (server, name) in [("web", "*"), ("web", "get\u{200b}"), ("web", "g\u{435}t"), ("a/b", "c"), ("web", "a b")]
        {
            assert_eq!(policy.always(&ToolId::new(server, name)), None, "{server:?} {name:?}");
        }
        assert_eq!(policy, Policy::default());
    }
}
