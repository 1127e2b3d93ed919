//! The page of one server or tool, and the details below the list.

use std::path::PathBuf;

use serde_json::Value;

use super::{
    rows::{self, ToolFacts, ToolListItem, WebSearchState, server_state_text, short_line},
    weights,
};
use crate::{
    mcp::{LogSource, RunPermission, ServerState, ServerStatus, TextSegment, names_secret, text_segments},
    render::{
        card,
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    tools::{GrantState, PolicyVerdict, ToolCommand, ToolDefinition, ToolId},
    ui::reading::{
        facts::{format_size, format_token_count},
        limited_text, tool_text,
    },
};

/// The subject of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageSubject {
    Item(ToolListItem),
    /// The file of a project that defines this server, before it is trusted.
    Trust(String),
}

/// The width of the names at the left, in cells.
const NAMES: usize = 11;
/// The most bytes of a schema that are shown.
const MAX_SCHEMA_BYTES: usize = 1 << 17;
/// The height of the details below the list.
pub(super) const DETAIL_ROWS: u16 = 3;

/// The rows of a page, added from the top, and their width.
struct PageBuilder {
    width: usize,
    rows: Vec<StyledRow>,
}

/// The rows of a page; empty if its subject no longer exists.
pub(super) fn page_rows(subject: &PageSubject, facts: &ToolFacts, width: usize) -> Vec<StyledRow> {
    let mut page = PageBuilder { width: width.max(1), rows: Vec::new() };
    match subject {
        PageSubject::Item(ToolListItem::Server(name)) => {
            if let Some(known) = facts.statuses.servers.get(name) {
                page.push_server(known, facts);
            }
        }
        PageSubject::Item(ToolListItem::Tool(id)) => {
            if let Some(tool) = facts.toolbox.get(id) {
                page.push_tool(tool, facts);
            }
        }
        PageSubject::Item(ToolListItem::Hosted(name)) => page.push_hosted(name, facts),
        PageSubject::Item(ToolListItem::ToolMode | ToolListItem::ParallelCalls) => (),
        PageSubject::Trust(server) => page.push_trust(server, facts),
    }
    page.rows
}

/// The file that a page asks to trust, with the hash that stands for what it shows.
pub(super) fn asked_file(subject: &PageSubject, facts: &ToolFacts) -> Option<(PathBuf, String)> {
    let PageSubject::Trust(server) = subject else { return None };
    let configured = &facts.statuses.servers.get(server)?.configured;
    let is_asked = configured.permission == RunPermission::Untrusted;
    Some((configured.origin.path().to_owned(), configured.file_hash.clone().filter(|_| is_asked)?))
}

/// Whether the page is about a tool that the user allowed on a card.
pub(super) fn has_grant(subject: &PageSubject, facts: &ToolFacts) -> bool {
    let PageSubject::Item(ToolListItem::Tool(id)) = subject else { return false };
    facts.toolbox.grant_state(id, &facts.selection.grants) != GrantState::Absent
}

/// The title of the page's frame.
pub(super) fn page_title(subject: &PageSubject, facts: &ToolFacts) -> String {
    match subject {
        PageSubject::Item(ToolListItem::ToolMode | ToolListItem::ParallelCalls) => String::new(),
        PageSubject::Item(ToolListItem::Server(name) | ToolListItem::Hosted(name)) => {
            text::show_invisible(name).into_owned()
        }
        PageSubject::Item(ToolListItem::Tool(id)) => tool_text::visible_tool_name(id),
        PageSubject::Trust(server) => format!("Trust {}?", file_name(server, facts)),
    }
}

/// The details for the row under the cursor.
pub(super) fn detail_rows(thing: &ToolListItem, facts: &ToolFacts, width: usize) -> Vec<StyledRow> {
    let text = |words: &str| StyledSpan::new(short_line(words), TextStyle::of(ColourRole::Text));
    let muted = |words: String| StyledSpan::new(short_line(&words), TextStyle::of(ColourRole::Muted));
    let (words, below) = match thing {
        ToolListItem::ToolMode => (
            vec![text("Space cycles auto, none, required; f on a tool forces that one.")],
            vec![muted("Next message only; the model still sees the same tools.".into())],
        ),
        ToolListItem::ParallelCalls => (
            vec![text("Space switches whether a response may make several calls, which then run at the same time.")],
            vec![muted("This conversation only.".into())],
        ),
        ToolListItem::Server(name) => match facts.statuses.servers.get(name) {
            None => return Vec::new(),
            Some(known) => {
                let words = server_state_text(known, facts)
                    .into_iter()
                    .map(|(role, words)| StyledSpan::new(words, TextStyle::of(role)));
                let verb = if known.configured.settings.command.is_some() { "runs" } else { "connects to" };
                (words.collect(), vec![muted(format!("{verb} {}", known.configured.target_line()))])
            }
        },
        ToolListItem::Tool(id) => match facts.toolbox.get(id) {
            None => return Vec::new(),
            Some(tool) => {
                let said = if tool.description.is_empty() { "No description." } else { &tool.description };
                (
                    vec![text(said)],
                    vec![muted(format!("{}. {}", verdict_text(id, facts), tool_text::claimed_effects(tool.hints)))],
                )
            }
        },
        ToolListItem::Hosted(name) => {
            (vec![text(&format!("It {}.", hosted_purpose(name)))], vec![muted(hosting_note(facts))])
        }
    };
    let max_rows = usize::from(DETAIL_ROWS);
    let mut rows = limited_text::wrap_limited(&words, width, max_rows - 1, facts.marks);
    rows.extend(limited_text::wrap_limited(&below, width, max_rows - rows.len(), facts.marks));
    rows.into_iter().map(|spans| StyledRow::new(RowKind::Text, spans).truncated(width)).collect()
}

fn hosted_purpose(name: &str) -> &'static str {
    Some(rows::hosted_description(name)).filter(|does| !does.is_empty()).unwrap_or("has no description")
}

fn hosting_note(facts: &ToolFacts) -> String {
    let who = if facts.is_openrouter { "OpenRouter" } else { "The server" };
    format!("{who} runs it during the answer, without asking.")
}

/// The verdict on calls of a tool, as a sentence without a full stop.
fn verdict_text(id: &ToolId, facts: &ToolFacts) -> String {
    let grants = &facts.selection.grants;
    match (facts.toolbox.verdict(id, grants), facts.toolbox.grant_state(id, grants)) {
        (PolicyVerdict::Allow, GrantState::Valid) => "Runs without asking, as you allowed it".into(),
        (PolicyVerdict::Allow, _) => "Runs without asking".into(),
        (PolicyVerdict::Ask, state) => tool_text::doubted_grant(&state, facts.toolbox.policy.is_unconfirmed(id))
            .map_or_else(|| "Needs your approval before it runs".into(), |why| format!("Asks again: {why}")),
        (PolicyVerdict::Deny, _) => "Denied by a rule in the config".into(),
    }
}

fn file_name(server: &str, facts: &ToolFacts) -> String {
    let known = facts.statuses.servers.get(server);
    let name = known.and_then(|known| known.configured.origin.path().file_name());
    text::clean(&name.unwrap_or_default().to_string_lossy()).into_owned()
}

/// A setting as it is written; a variable that names a secret stands out.
fn written_spans(written: &str) -> Vec<StyledSpan> {
    let span = |segment| match segment {
        TextSegment::Plain(plain) => (plain, ColourRole::Text),
        TextSegment::Variable { name, written, .. } if names_secret(name) => (written, ColourRole::Warning),
        TextSegment::Variable { written, .. } => (written, ColourRole::Text),
    };
    let spans = text_segments(written).into_iter().map(span);
    spans.map(|(words, role)| StyledSpan::new(text::show_invisible_in_line(words), TextStyle::of(role))).collect()
}

/// The name of an inherited variable, after a comma unless it is the first.
fn inherited_spans((index, name): (usize, &String)) -> [StyledSpan; 2] {
    let role = if names_secret(name) { ColourRole::Warning } else { ColourRole::Text };
    let comma = if index == 0 { "" } else { ", " };
    [
        StyledSpan::new(comma, TextStyle::of(ColourRole::Text)),
        StyledSpan::new(text::show_invisible_in_line(name), TextStyle::of(role)),
    ]
}

impl PageBuilder {
    fn push_server(&mut self, known: &ServerStatus, facts: &ToolFacts) {
        let words: Vec<StyledSpan> = server_state_text(known, facts)
            .into_iter()
            .map(|(role, words)| StyledSpan::new(words, TextStyle::of(role)))
            .collect();
        self.push_fact("state", &words);
        if let ServerState::Ready(identity) = &known.state {
            self.push_value("protocol", &identity.protocol);
        }
        self.push_connection(known);
        self.push_value("named in", &known.configured.origin.path().display().to_string());
        if let ServerState::Ready(identity) = &known.state
            && let Some(said) = &identity.instructions
        {
            self.push_heading("Instructions from the server");
            self.push_text(&text::show_invisible(said), ColourRole::Text);
        }
        self.push_heading("Log, newest first");
        if known.log.is_empty() {
            self.push_text("Nothing has been logged yet.", ColourRole::Muted);
        }
        for line in known.log.iter().rev() {
            let (voice, role) = match line.source {
                LogSource::Stderr => ("stderr", ColourRole::Text),
                LogSource::Stdout => ("stdout", ColourRole::Warning),
                LogSource::Server => ("log", ColourRole::Text),
                LogSource::Warning => ("warning", ColourRole::Warning),
                LogSource::Refused => ("refused", ColourRole::Warning),
                LogSource::Ibid => ("ibid", ColourRole::Warning),
            };
            let at = StyledSpan::new(
                format!("{}  {voice:<9}", rows::time_of_day(line.at, facts.zone)),
                TextStyle::of(ColourRole::Muted),
            );
            self.push_hanging(at, &[StyledSpan::new(text::show_invisible(&line.text), TextStyle::of(role))]);
        }
    }

    /// Adds the command or address of a server, and the names of the variables or headers that it gets.
    fn push_connection(&mut self, known: &ServerStatus) {
        self.push_target(known);
        let settings = &known.configured.settings;
        let sees: Vec<&str> = settings.env.keys().chain(&settings.inherit).map(String::as_str).collect();
        if settings.command.is_some() {
            let sees = if sees.is_empty() { "no variables".to_owned() } else { sees.join(", ") };
            self.push_value("sees", &sees);
        } else {
            let sends = settings.headers.keys().chain(&settings.bearer_env).map(String::as_str);
            self.push_value("sends", &sends.collect::<Vec<_>>().join(", "));
        }
    }

    /// Adds the command or address of a server as it is written, and what it comes to if that differs.
    fn push_target(&mut self, known: &ServerStatus) {
        let (settings, target) = (&known.configured.settings, &known.configured.target);
        let command_line =
            |words: &[String]| words.iter().map(|word| tool_text::quote_word(word)).collect::<Vec<_>>().join(" ");
        let (label, written, meant) = if let Some(command) = &settings.command {
            let argv = [std::slice::from_ref(command), &settings.args].concat();
            ("runs", command_line(&argv), command_line(&target.argv))
        } else {
            let url = settings.url.clone().unwrap_or_default();
            ("address", url, target.url.clone().unwrap_or_default())
        };
        self.push_fact(label, &written_spans(&written));
        if meant != written && !meant.is_empty() {
            self.push_fact("that is", &written_spans(&meant));
        }
        if let Some(folder) = target.cwd.as_ref().or(settings.cwd.as_ref()) {
            self.push_value("works in", &folder.display().to_string());
        }
    }

    /// Adds the values that a server gets, as they are written.
    fn push_written_values(&mut self, known: &ServerStatus) {
        let settings = &known.configured.settings;
        for (label, values, sign) in [("sets", &settings.env, "="), ("sends", &settings.headers, ": ")] {
            for (name, value) in values {
                let mut spans =
                    vec![StyledSpan::new(text::show_invisible_in_line(name) + sign, TextStyle::of(ColourRole::Text))];
                spans.extend(written_spans(value));
                self.push_fact(label, &spans);
            }
        }
        if let Some(variable) = &settings.bearer_env {
            let token = StyledSpan::new(text::show_invisible_in_line(variable), TextStyle::of(ColourRole::Warning));
            self.push_fact("sends", &[StyledSpan::new("the token in ", TextStyle::of(ColourRole::Text)), token]);
        }
        if settings.command.is_some() {
            let sees: Vec<StyledSpan> = settings.inherit.iter().enumerate().flat_map(inherited_spans).collect();
            let none = StyledSpan::new("no variables of yours", TextStyle::of(ColourRole::Text));
            self.push_fact("sees", if sees.is_empty() { std::slice::from_ref(&none) } else { &sees });
        }
    }

    fn push_tool(&mut self, tool: &ToolDefinition, facts: &ToolFacts) {
        if let Some(title) = &tool.title {
            self.push_text(&text::show_invisible(title), ColourRole::Text);
        }
        if tool.description.trim().is_empty() {
            self.push_text("No description.", ColourRole::Muted);
        } else {
            self.push_text(&text::show_invisible(&tool.description), ColourRole::Text);
        }
        self.rows.push(StyledRow::blank());
        self.push_value("policy", &verdict_text(&tool.id, facts));
        self.push_value("claims", &tool_text::claimed_effects(tool.hints));
        let wire_name = facts.toolbox.wire_name(&tool.id).unwrap_or_default();
        self.push_value("sent as", wire_name);
        let tokens = format_token_count(weights::schema_tokens(wire_name, tool));
        self.push_value("weighs", &format!("~{tokens} tokens in every request"));
        if let Some(command) = facts.toolbox.command(&tool.id) {
            self.push_command(command);
        }
        self.push_heading("Schema of its arguments");
        self.push_json(&tool.parameters);
    }

    fn push_command(&mut self, command: &ToolCommand) {
        let argv: Vec<String> = command.argv.iter().map(|word| tool_text::quote_word(word)).collect();
        self.push_value("runs", &argv.join(" "));
        self.push_value(
            "limits",
            &format!("{} s, {} of output", command.timeout_secs, format_size(command.max_output_bytes)),
        );
        if let Some(folder) = &command.working_dir {
            self.push_value("works in", &folder.display().to_string());
        }
        self.push_value("sees", &command.inherited_env.join(", "));
    }

    fn push_hosted(&mut self, name: &str, facts: &ToolFacts) {
        self.push_text(&format!("It {}.", hosted_purpose(name)), ColourRole::Text);
        self.rows.push(StyledRow::blank());
        self.push_text(&hosting_note(facts), ColourRole::Text);
        self.push_text("[tools.hosted] in the config limits the number of calls and their cost.", ColourRole::Muted);
        if facts.web_search == WebSearchState::BySlug {
            self.push_text("This model always searches, because its name ends in :online.", ColourRole::Muted);
        }
        self.rows.push(StyledRow::blank());
        let sent = if facts.is_openrouter { format!("openrouter:{name}") } else { name.to_owned() };
        self.push_value("sent as", &sent);
    }

    fn push_trust(&mut self, server: &str, facts: &ToolFacts) {
        let Some(source) = facts.statuses.servers.get(server).map(|known| &known.configured.origin) else { return };
        self.push_text(
            "This file came with a project. Once you trust it, its programs run with your rights, until it changes.",
            ColourRole::Text,
        );
        self.rows.push(StyledRow::blank());
        self.push_value("file", &source.path().display().to_string());
        let same = |known: &&ServerStatus| {
            known.configured.origin == *source && known.configured.permission == RunPermission::Untrusted
        };
        for known in facts.statuses.servers.values().filter(same) {
            self.push_heading(&text::show_invisible(&known.configured.name));
            self.push_target(known);
            self.push_written_values(known);
        }
    }

    fn push_heading(&mut self, words: &str) {
        self.rows.push(StyledRow::blank());
        self.rows.extend(card::wrap_spans(
            &[StyledSpan::new(words, TextStyle::of(ColourRole::Text).bold())],
            self.width,
            RowKind::Text,
        ));
    }

    fn push_text(&mut self, words: &str, role: ColourRole) {
        for line in words.trim_end().split('\n') {
            self.rows.extend(card::wrap_spans(
                &[StyledSpan::new(line, TextStyle::of(role))],
                self.width,
                RowKind::Text,
            ));
        }
    }

    /// Adds a name and its value, unless the value is empty.
    fn push_value(&mut self, name: &str, value: &str) {
        let words = text::show_invisible_in_line(value);
        if !words.is_empty() {
            self.push_fact(name, &[StyledSpan::new(words, TextStyle::of(ColourRole::Text))]);
        }
    }

    fn push_fact(&mut self, name: &str, words: &[StyledSpan]) {
        self.push_hanging(StyledSpan::new(format!("{name:<NAMES$}"), TextStyle::of(ColourRole::Muted)), words);
    }

    /// Adds text after a label; continuation rows are indented to the end of the label.
    fn push_hanging(&mut self, label: StyledSpan, words: &[StyledSpan]) {
        let indent = label.width();
        let room = self.width.saturating_sub(indent).max(1);
        let mut before = Some(label);
        for row in card::wrap_spans(words, room, RowKind::Text) {
            let lead =
                before.take().unwrap_or_else(|| StyledSpan::new(" ".repeat(indent), TextStyle::of(ColourRole::Text)));
            let spans = std::iter::once(lead).chain(row.spans).collect();
            self.rows.push(StyledRow::new(RowKind::Text, spans).truncated(self.width));
        }
    }

    fn push_json(&mut self, value: &Value) {
        let json = serde_json::to_string_pretty(value).unwrap_or_default();
        let end = (0..=json.len().min(MAX_SCHEMA_BYTES)).rev().find(|at| json.is_char_boundary(*at)).unwrap_or(0);
        for line in json[..end].lines() {
            let line = text::show_invisible(line);
            self.rows.extend(card::wrap_spans(
                &[StyledSpan::new(line, TextStyle::of(ColourRole::Text))],
                self.width,
                RowKind::Text,
            ));
        }
        if end < json.len() {
            self.push_text(&format!("{} more bytes", json.len() - end), ColourRole::Muted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_text_is_one_clean_line() {
        assert_eq!(short_line(" a\n\tb\u{1b}[31m  c\u{200b} "), "a b c⟨U+200B⟩");
        let id = ToolId::new("s", "a\n\u{202e}b");
        assert_eq!(rows::visible_local_name(&id), "a⟨U+000A⟩⟨U+202E⟩b");
    }
}
