//! One server or tool in full, and the few words that stand below the rows.

use serde_json::Value;

use super::rows::{self, Facts, Search, Thing, one_line, state};
use crate::{
    mcp::{Known, Standing, State, Voice},
    text,
    tools::{Command, Tool, ToolId, Verdict},
    widgets::{
        approval, card,
        row::{Ink, Row, RowKind, Span},
        source_card,
        theme::Role,
    },
};

/// What is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Thing(Thing),
    /// The file of a project that names this server, before it is trusted.
    Trust(String),
}

/// Cells of the names at the left.
const NAMES: usize = 11;
/// More of a schema is not shown, in bytes.
const MOST: usize = 1 << 17;
/// Rows of the words below.
pub const DETAIL: u16 = 3;

/// Rows that grow from the top, as wide as they may be.
struct Sheet {
    width: usize,
    rows: Vec<Row>,
}

/// The whole of it; empty when it is not there any more.
pub fn of(subject: &Subject, facts: &Facts, width: usize) -> Vec<Row> {
    let mut sheet = Sheet { width: width.max(1), rows: Vec::new() };
    match subject {
        Subject::Thing(Thing::Server(name)) => {
            if let Some(known) = facts.board.servers.get(name) {
                sheet.server(known, facts);
            }
        }
        Subject::Thing(Thing::Tool(id)) => {
            if let Some(tool) = facts.toolbox.get(id) {
                sheet.tool(tool, facts);
            }
        }
        Subject::Thing(Thing::Hosted(name)) => sheet.hosted(name, facts),
        Subject::Thing(Thing::Choice | Thing::Calls) => (),
        Subject::Trust(server) => sheet.trust(server, facts),
    }
    sheet.rows
}

/// The title of its frame.
pub fn title(subject: &Subject, facts: &Facts) -> String {
    match subject {
        Subject::Thing(Thing::Choice | Thing::Calls) => String::new(),
        Subject::Thing(Thing::Server(name) | Thing::Hosted(name)) => text::visible(name).into_owned(),
        Subject::Thing(Thing::Tool(id)) => approval::shown_name(id),
        Subject::Trust(server) => format!("Trust {}?", file(server, facts)),
    }
}

/// A few words for the row under the cursor.
pub fn detail(thing: &Thing, facts: &Facts, width: usize) -> Vec<Row> {
    let text = |words: &str| Span::new(one_line(words), Ink::of(Role::Text));
    let muted = |words: String| Span::new(one_line(&words), Ink::of(Role::Muted));
    let (words, below) = match thing {
        Thing::Choice => (
            vec![text("auto, none, required: Space goes to the next. On a tool, f makes the model call that one.")],
            vec![muted("It holds for the next message only; the tools it is told of stay the same.".into())],
        ),
        Thing::Calls => (
            vec![text("Space changes whether a response may ask for several calls, which then run at the same time.")],
            vec![muted("It holds for this conversation.".into())],
        ),
        Thing::Server(name) => match facts.board.servers.get(name) {
            None => return Vec::new(),
            Some(known) => {
                let words = state(known, facts).into_iter().map(|(role, words)| Span::new(words, Ink::of(role)));
                let verb = if known.configured.settings.command.is_some() { "runs" } else { "is asked at" };
                (words.collect(), vec![muted(format!("{verb} {}", known.configured.how()))])
            }
        },
        Thing::Tool(id) => match facts.toolbox.get(id) {
            None => return Vec::new(),
            Some(tool) => {
                let said =
                    if tool.description.is_empty() { "It does not say what it does." } else { &tool.description };
                (vec![text(said)], vec![muted(format!("{}. {}", judged(id, facts), approval::claims(tool.hints)))])
            }
        },
        Thing::Hosted(name) => (vec![text(&format!("It {}.", hosted_does(name)))], vec![muted(where_it_runs(facts))]),
    };
    let most = usize::from(DETAIL);
    let mut rows = source_card::few(&words, width, most - 1, facts.marks);
    rows.extend(source_card::few(&below, width, most - rows.len(), facts.marks));
    rows.into_iter().map(|spans| Row::new(RowKind::Text, spans).cut(width)).collect()
}

fn hosted_does(name: &str) -> &'static str {
    Some(rows::does(name)).filter(|does| !does.is_empty()).unwrap_or("does what its maker says")
}

fn where_it_runs(facts: &Facts) -> String {
    let who = if facts.openrouter { "OpenRouter" } else { "The server" };
    format!("{who} runs it while it answers, and does not ask.")
}

/// What happens to its calls.
fn judged(id: &ToolId, facts: &Facts) -> &'static str {
    match facts.toolbox.policy.verdict(id, &facts.chosen.grants) {
        Verdict::Allow => "It runs without asking",
        Verdict::Ask => "It asks before it runs",
        Verdict::Deny => "The rules of the config deny it",
    }
}

fn file(server: &str, facts: &Facts) -> String {
    let known = facts.board.servers.get(server);
    let name = known.and_then(|known| known.configured.source.path().file_name());
    text::clean(&name.unwrap_or_default().to_string_lossy()).into_owned()
}

impl Sheet {
    fn server(&mut self, known: &Known, facts: &Facts) {
        let words: Vec<Span> =
            state(known, facts).into_iter().map(|(role, words)| Span::new(words, Ink::of(role))).collect();
        self.fact("state", &words);
        if let State::Ready(identity) = &known.state {
            self.words("protocol", &identity.protocol);
        }
        self.how(known);
        self.words("named in", &known.configured.source.path().display().to_string());
        if let State::Ready(identity) = &known.state
            && let Some(said) = &identity.instructions
        {
            self.heading("What it says of itself");
            self.text(&text::visible(said), Role::Text);
        }
        self.heading("Log, the newest first");
        if known.log.is_empty() {
            self.text("Nothing was said yet.", Role::Muted);
        }
        for line in known.log.iter().rev() {
            let (voice, role) = match line.voice {
                Voice::Stderr => ("stderr", Role::Text),
                Voice::Stdout => ("stdout", Role::Warning),
                Voice::Server => ("log", Role::Text),
                Voice::Warning => ("warning", Role::Warning),
                Voice::Refused => ("refused", Role::Warning),
                Voice::Ibid => ("ibid", Role::Warning),
            };
            let at = Span::new(format!("{}  {voice:<9}", rows::clock(line.at, facts.zone)), Ink::of(Role::Muted));
            self.hanging(at, &[Span::new(text::visible(&line.text), Ink::of(role))]);
        }
    }

    /// What is run or asked, and what it sees.
    fn how(&mut self, known: &Known) {
        let settings = &known.configured.settings;
        match &settings.command {
            Some(command) => {
                let argv: Vec<String> =
                    std::iter::once(command).chain(&settings.args).map(|word| approval::quoted(word)).collect();
                self.words("runs", &argv.join(" "));
            }
            None => self.words("asked at", settings.url.as_deref().unwrap_or_default()),
        }
        let sees: Vec<&str> = settings.env.keys().chain(&settings.inherit).map(String::as_str).collect();
        if settings.command.is_some() {
            let sees = if sees.is_empty() { "no variables".to_owned() } else { sees.join(", ") };
            self.words("sees", &sees);
        } else {
            let sends = settings.headers.keys().chain(&settings.bearer_env).map(String::as_str);
            self.words("sends", &sends.collect::<Vec<_>>().join(", "));
        }
        if let Some(folder) = &settings.cwd {
            self.words("works in", &folder.display().to_string());
        }
    }

    fn tool(&mut self, tool: &Tool, facts: &Facts) {
        if let Some(title) = &tool.title {
            self.text(&text::visible(title), Role::Text);
        }
        if tool.description.trim().is_empty() {
            self.text("It does not say what it does.", Role::Muted);
        } else {
            self.text(&text::visible(&tool.description), Role::Text);
        }
        self.rows.push(Row::blank());
        self.words("policy", judged(&tool.id, facts));
        self.words("claims", &approval::claims(tool.hints));
        self.words("sent as", facts.toolbox.wire(&tool.id).unwrap_or_default());
        if let Some(command) = facts.toolbox.command(&tool.id) {
            self.command(command);
        }
        self.heading("Schema of its arguments");
        self.json(&tool.parameters);
    }

    fn command(&mut self, command: &Command) {
        let argv: Vec<String> = command.argv.iter().map(|word| approval::quoted(word)).collect();
        self.words("runs", &argv.join(" "));
        self.words("at most", &format!("{} s, {} bytes of output", command.timeout, command.max_output));
        if let Some(folder) = &command.folder {
            self.words("works in", &folder.display().to_string());
        }
        self.words("sees", &command.env.join(", "));
    }

    fn hosted(&mut self, name: &str, facts: &Facts) {
        self.text(&format!("It {}.", hosted_does(name)), Role::Text);
        self.rows.push(Row::blank());
        self.text(&where_it_runs(facts), Role::Text);
        self.text("[tools.hosted] in the config bounds how often, and for how much.", Role::Muted);
        if facts.search == Search::BySlug {
            self.text("This model searches by itself, for its name ends in :online.", Role::Muted);
        }
        self.rows.push(Row::blank());
        let sent = if facts.openrouter { format!("openrouter:{name}") } else { name.to_owned() };
        self.words("sent as", &sent);
    }

    fn trust(&mut self, server: &str, facts: &Facts) {
        let Some(source) = facts.board.servers.get(server).map(|known| &known.configured.source) else { return };
        self.text(
            "This file came with a project. Once you trust it, its programs run with your rights, until it changes.",
            Role::Text,
        );
        self.rows.push(Row::blank());
        self.words("file", &source.path().display().to_string());
        let same =
            |known: &&Known| known.configured.source == *source && known.configured.standing == Standing::Untrusted;
        for known in facts.board.servers.values().filter(same) {
            self.heading(&text::visible(&known.configured.name));
            self.how(known);
        }
    }

    fn heading(&mut self, words: &str) {
        self.rows.push(Row::blank());
        self.rows.extend(card::wrapped(&[Span::new(words, Ink::of(Role::Text).bold())], self.width, RowKind::Text));
    }

    fn text(&mut self, words: &str, role: Role) {
        for line in words.trim_end().split('\n') {
            self.rows.extend(card::wrapped(&[Span::new(line, Ink::of(role))], self.width, RowKind::Text));
        }
    }

    /// A name and what it is, where there is something.
    fn words(&mut self, name: &str, words: &str) {
        let words = text::visible(words).replace('\n', "⟨U+000A⟩");
        if !words.is_empty() {
            self.fact(name, &[Span::new(words, Ink::of(Role::Text))]);
        }
    }

    fn fact(&mut self, name: &str, words: &[Span]) {
        self.hanging(Span::new(format!("{name:<NAMES$}"), Ink::of(Role::Muted)), words);
    }

    /// Words that hang behind what stands before them.
    fn hanging(&mut self, before: Span, words: &[Span]) {
        let indent = before.width();
        let room = self.width.saturating_sub(indent).max(1);
        let mut before = Some(before);
        for row in card::wrapped(words, room, RowKind::Text) {
            let lead = before.take().unwrap_or_else(|| Span::new(" ".repeat(indent), Ink::of(Role::Text)));
            let spans = std::iter::once(lead).chain(row.spans).collect();
            self.rows.push(Row::new(RowKind::Text, spans).cut(self.width));
        }
    }

    fn json(&mut self, value: &Value) {
        let json = serde_json::to_string_pretty(value).unwrap_or_default();
        let end = (0..=json.len().min(MOST)).rev().find(|at| json.is_char_boundary(*at)).unwrap_or(0);
        for line in json[..end].lines() {
            let line = text::visible(line);
            self.rows.extend(card::wrapped(&[Span::new(line, Ink::of(Role::Text))], self.width, RowKind::Text));
        }
        if end < json.len() {
            self.text(&format!("{} more bytes", json.len() - end), Role::Muted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_row_are_one_clean_line() {
        assert_eq!(one_line(" a\n\tb\u{1b}[31m  c\u{200b} "), "a b c⟨U+200B⟩");
        let id = ToolId::new("s", "a\n\u{202e}b");
        assert_eq!(rows::shown_tool(&id), "a⟨U+000A⟩⟨U+202E⟩b");
    }
}
