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
        let rule = id.to_string();
        let means_one = hides_nothing(&rule) && !is_pattern(&rule) && rule.parse().as_ref() == Ok(id);
        means_one.then(|| {
            self.rules.insert(rule.clone(), Verdict::Allow);
            rule
        })
    }

    /// What happens to a call of that tool. The rule that names it most closely counts, and without any it asks.
    ///
    /// To allow, a rule must name a tool exactly, or with a star a tool whose name hides nothing. To deny, it is enough
    /// that a name reads the same: without what is invisible, in small letters.
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
        let reads_like = |rule: &str| !is_pattern(rule) && folded(rule) == folded(&name);
        if self.rules.iter().any(|(rule, verdict)| *verdict == Verdict::Deny && reads_like(rule)) {
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
    fn nothing_is_allowed_for_ever_whose_name_means_more_than_it() {
        let mut policy = Policy::default();
        for (server, name) in [("web", "*"), ("web", "get\u{200b}"), ("web", "g\u{435}t"), ("a/b", "c"), ("web", "a b")]
        {
            assert_eq!(policy.always(&ToolId::new(server, name)), None, "{server:?} {name:?}");
        }
        assert_eq!(policy, Policy::default());
    }
}
