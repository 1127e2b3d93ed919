//! The rows of the tool list: settings of tool use, MCP servers with their tools, commands, the endpoint's own tools.

use jiff::tz::TimeZone;

use super::weights::SchemaWeights;
use crate::{
    chat::Timestamp,
    mcp::{RunPermission, ServerState, ServerStatus, ServerStatuses},
    render::theme::{ColourRole, ThemeMarks},
    text,
    tools::{
        COMMAND_SERVER, PolicyVerdict, ToolDefinition, ToolId, ToolMode, ToolSelection, Toolbox, toolbox::WEB_SEARCH,
    },
    ui::reading::{facts::format_token_count, tool_text::visible_tool_name},
};

/// The state of all tools, for the conversation on the screen.
#[derive(Debug, Clone, Copy)]
pub struct ToolFacts<'a> {
    pub statuses: &'a ServerStatuses,
    pub toolbox: &'a Toolbox,
    /// A revision that changes with the servers, the tools and their states.
    pub rev: u64,
    pub selection: &'a ToolSelection,
    pub web_search: WebSearchState,
    /// Whether the endpoint is OpenRouter, which has more tools than the web search.
    pub is_openrouter: bool,
    pub marks: &'a ThemeMarks,
    pub zone: &'a TimeZone,
}

/// The web search of the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebSearchState {
    On,
    Off,
    /// The model always searches, because of the suffix of its name.
    BySlug,
}

/// An item that keys act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolListItem {
    /// Whether the next message may use tools, or must.
    ToolMode,
    /// Whether a response may contain more than one call.
    ParallelCalls,
    Server(String),
    Tool(ToolId),
    /// A tool of the endpoint, by its name after `openrouter:`. The web search is one at every endpoint.
    Hosted(String),
}

/// A row of the list; its text is clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolRow {
    pub depth: RowDepth,
    /// The item that keys act on; the cursor skips rows without one.
    pub item: Option<ToolListItem>,
    pub switch: Option<ToolSwitch>,
    pub name: String,
    pub text: Vec<(ColourRole, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowDepth {
    Heading,
    Row,
    /// A tool below its server.
    Tool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolSwitch {
    On,
    Off,
    /// It cannot be switched here, for this reason.
    Locked(&'static str),
}

/// The tools of OpenRouter that are always listed, with their descriptions. Others come from the config.
const USUAL_HOSTED: [(&str, &str); 4] = [
    (WEB_SEARCH, "searches the web and cites what it found"),
    ("web_fetch", "reads a page by its address"),
    ("datetime", "gives the current date and time"),
    ("image_generation", "makes images"),
];

/// The reason why a server of a project cannot be switched.
pub(super) const UNTRUSTED_REASON: &str = "not trusted yet";

/// The most characters of a text that a row shows.
const MAX_TEXT_CHARS: usize = 300;

/// All rows, from the top.
pub(super) fn build_rows(facts: &ToolFacts, weights: &SchemaWeights) -> Vec<ToolRow> {
    let mut rows = vec![heading_row("Tool use"), mode_row(facts.selection), parallel_calls_row(facts.selection)];
    rows.extend(weight_row(facts, weights));
    rows.push(heading_row("MCP servers"));
    let ToolFacts { statuses: board, toolbox, .. } = *facts;
    if board.servers.is_empty() {
        rows.push(note_row(
            ColourRole::Muted,
            "None yet. Add [mcp.NAME] to config.toml, or a .mcp.json to the project.",
        ));
    }
    rows.extend(
        board.complaints.iter().map(|said| note_row(ColourRole::Warning, &format!("{} {said}", facts.marks.failed))),
    );
    for known in board.servers.values() {
        rows.push(server_row(known, facts));
        let own = toolbox.tools().filter(|(_, tool)| tool.id.server == known.configured.name);
        rows.extend(own.map(|(_, tool)| tool_row(tool, RowDepth::Tool, facts)));
    }
    rows.push(heading_row("Commands"));
    let before = rows.len();
    let commands = toolbox.tools().filter(|(_, tool)| tool.id.server == COMMAND_SERVER);
    rows.extend(commands.map(|(_, tool)| tool_row(tool, RowDepth::Row, facts)));
    if rows.len() == before {
        rows.push(note_row(ColourRole::Muted, "None yet. [[tool]] in config.toml turns any program into one."));
    }
    rows.push(heading_row(if facts.is_openrouter { "OpenRouter's own" } else { "The server's own" }));
    rows.extend(hosted_rows(facts));
    rows
}

/// The number of tools that are on for the next message, and of all tools.
pub(super) fn count_tools(rows: &[ToolRow]) -> (usize, usize) {
    let tools = rows.iter().filter(|row| matches!(row.item, Some(ToolListItem::Tool(_) | ToolListItem::Hosted(_))));
    tools.fold((0, 0), |(on, all), row| (on + usize::from(row.is_on()), all + 1))
}

impl ToolRow {
    pub(super) fn is_on(&self) -> bool {
        matches!(self.switch, Some(ToolSwitch::On))
    }

    /// Returns `true` if the row contains the query, ignoring case.
    pub(super) fn matches(&self, query: &str) -> bool {
        let query = query.to_lowercase();
        let has = |words: &str| words.to_lowercase().contains(&query);
        has(&self.name) || self.text.iter().any(|(_, words)| has(words))
    }
}

fn heading_row(name: &str) -> ToolRow {
    ToolRow { depth: RowDepth::Heading, item: None, switch: None, name: name.into(), text: Vec::new() }
}

fn note_row(role: ColourRole, words: &str) -> ToolRow {
    ToolRow {
        depth: RowDepth::Row,
        item: None,
        switch: None,
        name: String::new(),
        text: vec![(role, short_line(words))],
    }
}

fn mode_row(chosen: &ToolSelection) -> ToolRow {
    let (word, means) = match &chosen.choice {
        ToolMode::Auto => ("auto", "the model decides".to_owned()),
        ToolMode::None => ("none", "no tools are used".into()),
        ToolMode::Required => ("required", "the model must use a tool".into()),
        ToolMode::One(id) => ("one", format!("{} is forced", visible_tool_name(id))),
    };
    setting_row(ToolListItem::ToolMode, "choice", word, &means)
}

fn parallel_calls_row(chosen: &ToolSelection) -> ToolRow {
    let (word, means) = if chosen.one_by_one {
        ("off", "at most one call in a response")
    } else {
        ("on", "several calls in a response")
    };
    setting_row(ToolListItem::ParallelCalls, "parallel calls", word, means)
}

/// What the tools that are on add to every request; `None` if there are none.
fn weight_row(facts: &ToolFacts, weights: &SchemaWeights) -> Option<ToolRow> {
    let (tokens, heaviest) = weights.of_selection(facts.selection)?;
    let names: Vec<String> = heaviest
        .iter()
        .map(|(id, tokens)| format!("{} {}", visible_tool_name(id), format_token_count(*tokens)))
        .collect();
    let words = vec![
        (ColourRole::Text, format!("schemas weigh ~{} tokens", format_token_count(tokens))),
        (ColourRole::Muted, format!("  in every request, most {}", names.join(", "))),
    ];
    Some(ToolRow { depth: RowDepth::Row, item: None, switch: None, name: String::new(), text: words })
}

fn setting_row(thing: ToolListItem, name: &str, word: &str, means: &str) -> ToolRow {
    let words = vec![(ColourRole::Text, word.to_owned()), (ColourRole::Muted, format!("  {means}"))];
    ToolRow { depth: RowDepth::Row, item: Some(thing), switch: None, name: name.into(), text: words }
}

fn server_row(known: &ServerStatus, facts: &ToolFacts) -> ToolRow {
    let configured = &known.configured;
    let switch = match configured.permission {
        RunPermission::On if facts.selection.off.contains(&configured.name) => ToolSwitch::Off,
        RunPermission::On => ToolSwitch::On,
        RunPermission::Off => ToolSwitch::Locked("switched off in its file"),
        RunPermission::Untrusted => ToolSwitch::Locked(UNTRUSTED_REASON),
    };
    ToolRow {
        depth: RowDepth::Row,
        item: Some(ToolListItem::Server(configured.name.clone())),
        switch: Some(switch),
        name: text::show_invisible(&configured.name).into_owned(),
        text: server_state_text(known, facts),
    }
}

/// The state of a server as text, with its last problem.
pub(super) fn server_state_text(known: &ServerStatus, facts: &ToolFacts) -> Vec<(ColourRole, String)> {
    let (marks, dot) = (facts.marks, facts.marks.dot);
    let configured = &known.configured;
    let file = || text::clean(&configured.origin.path().file_name().unwrap_or_default().to_string_lossy()).into_owned();
    match (configured.permission, &known.state) {
        (RunPermission::Off, _) => vec![(ColourRole::Muted, format!("switched off in {}", file()))],
        (RunPermission::Untrusted, _) => vec![
            (ColourRole::Warning, format!("{} not trusted", marks.asking)),
            (ColourRole::Muted, format!("  {} would run {}", file(), short_line(&configured.target_line()))),
        ],
        (RunPermission::On, ServerState::Idle) => vec![(ColourRole::Muted, "not started".into())],
        (RunPermission::On, ServerState::Starting) => {
            let mut words = vec![(ColourRole::Accent, format!("{} starting", marks.running))];
            let downloads = known.downloader().map(|program| format!("  {program} may be downloading"));
            words.extend(downloads.map(|words| (ColourRole::Muted, words)));
            words
        }
        (RunPermission::On, ServerState::Ready(identity)) => {
            let mut words = vec![(ColourRole::Ok, format!("{} ready", marks.done))];
            let identity_text = short_line(&format!("{} {}", identity.name, identity.version));
            if !identity_text.trim().is_empty() {
                words.push((ColourRole::Muted, format!("  {}", identity_text.trim())));
            }
            let trouble = known.problem().map(|trouble| format!(" {dot} {}", short_line(trouble)));
            words.extend(trouble.map(|trouble| (ColourRole::Warning, trouble)));
            words
        }
        (RunPermission::On, ServerState::Waiting { until, why }) => vec![
            (ColourRole::Warning, format!("{} retry at {}", marks.waiting, time_of_day(*until, facts.zone))),
            (ColourRole::Muted, format!("  {}", short_line(why))),
        ],
        (RunPermission::On, ServerState::Failed { why }) => {
            vec![
                (ColourRole::Error, format!("{} failed", marks.failed)),
                (ColourRole::Muted, format!("  {}", short_line(why))),
            ]
        }
    }
}

fn tool_row(tool: &ToolDefinition, depth: RowDepth, facts: &ToolFacts) -> ToolRow {
    let chosen = facts.selection;
    let mut words = Vec::new();
    if facts.toolbox.policy.verdict(&tool.id, &chosen.grants) == PolicyVerdict::Deny {
        words.push((ColourRole::Warning, "denied by the config  ".to_owned()));
    }
    if chosen.choice == ToolMode::One(tool.id.clone()) {
        words.push((ColourRole::Accent, "forced  ".to_owned()));
    }
    let description = if tool.description.trim().is_empty() {
        tool.title.as_deref().unwrap_or_default()
    } else {
        tool.description.as_str()
    };
    words.push((ColourRole::Muted, short_line(description)));
    ToolRow {
        depth,
        item: Some(ToolListItem::Tool(tool.id.clone())),
        switch: Some(if chosen.is_on(&tool.id) { ToolSwitch::On } else { ToolSwitch::Off }),
        name: visible_local_name(&tool.id),
        text: words,
    }
}

fn hosted_rows(facts: &ToolFacts) -> Vec<ToolRow> {
    let usual = USUAL_HOSTED.iter().filter(|(name, _)| facts.is_openrouter || *name == WEB_SEARCH);
    let usual = usual.map(|(name, does)| (*name, *does));
    let is_usual = |name: &str| USUAL_HOSTED.iter().any(|(usual, _)| *usual == name);
    let others = facts.selection.hosted.iter().filter(|name| facts.is_openrouter && !is_usual(name));
    let row = |(name, does): (&str, &str)| {
        let switch = match facts.web_search {
            WebSearchState::BySlug if name == WEB_SEARCH => {
                ToolSwitch::Locked("this model always searches (its name ends in :online)")
            }
            WebSearchState::On if name == WEB_SEARCH => ToolSwitch::On,
            WebSearchState::On | WebSearchState::Off | WebSearchState::BySlug
                if facts.selection.hosted.contains(name) =>
            {
                ToolSwitch::On
            }
            WebSearchState::On | WebSearchState::Off | WebSearchState::BySlug => ToolSwitch::Off,
        };
        ToolRow {
            depth: RowDepth::Row,
            item: Some(ToolListItem::Hosted(name.to_owned())),
            switch: Some(switch),
            name: text::show_invisible(name).into_owned(),
            text: vec![(ColourRole::Muted, does.to_owned())],
        }
    };
    usual.chain(others.map(|name| (name.as_str(), "named in the config"))).map(row).collect()
}

/// The description of one of OpenRouter's tools; empty if it is unknown.
pub(super) fn hosted_description(name: &str) -> &'static str {
    USUAL_HOSTED.iter().find(|(usual, _)| *usual == name).map_or("", |(_, does)| does)
}

/// The name of a tool without its server, with deceptive characters made visible.
pub(super) fn visible_local_name(id: &ToolId) -> String {
    text::show_invisible_in_line(&id.name)
}

/// The beginning of a text as one clean line.
pub(super) fn short_line(said: &str) -> String {
    let end = said.char_indices().nth(MAX_TEXT_CHARS).map_or(said.len(), |(at, _)| at);
    let more = if end < said.len() { "…" } else { "" };
    text::show_invisible(&text::one_line(&said[..end])).into_owned() + more
}

/// The time of day to the second, as a log needs it.
pub(super) fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}
