//! What is known of all tools as rows: how the next message goes, each server with its tools, commands, the endpoint's own.

use jiff::tz::TimeZone;

use crate::{
    chat::Timestamp,
    mcp::{Board, Known, Standing, State},
    text,
    tools::{COMMANDS, Choice, Chosen, Tool, ToolId, Toolbox, Verdict, toolbox::SEARCH},
    widgets::{
        approval::shown_name,
        theme::{Marks, Role},
    },
};

/// What is known of all tools, for the conversation on the screen.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub board: &'a Board,
    pub toolbox: &'a Toolbox,
    /// Another number, other servers or tools, or other things that were said of them.
    pub rev: u64,
    pub chosen: &'a Chosen,
    pub search: Search,
    /// The endpoint is OpenRouter, which has more tools than the search.
    pub openrouter: bool,
    pub marks: &'a Marks,
    pub zone: &'a TimeZone,
}

/// The web search of the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    On,
    Off,
    /// The model itself searches, by its name.
    BySlug,
}

/// What keys do something to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// Whether the next message may use tools, or must.
    Choice,
    /// Whether a response may ask for more than one call.
    Calls,
    Server(String),
    Tool(ToolId),
    /// By the name behind `openrouter:`; the search is one of them everywhere.
    Hosted(String),
}

/// One row; its words are clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub depth: Depth,
    /// The cursor passes over rows without one.
    pub thing: Option<Thing>,
    pub switch: Option<Switch>,
    pub name: String,
    pub words: Vec<(Role, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    Heading,
    Row,
    /// A tool below its server.
    Tool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
    /// It cannot be switched here: why.
    Stuck(&'static str),
}

/// OpenRouter's own that everybody is offered, and what they do. Others come from the config.
const HOSTED: [(&str, &str); 4] = [
    (SEARCH, "searches the web and cites what it found"),
    ("web_fetch", "reads a page by its address"),
    ("datetime", "tells the time and the date"),
    ("image_generation", "makes images"),
];

/// Why a server of a project cannot be switched.
pub const UNTRUSTED: &str = "it has to be trusted first: t";

/// Longer words are not looked at for a row.
const SEEN: usize = 300;

/// All rows, from the top.
pub fn of(facts: &Facts) -> Vec<Row> {
    let mut rows =
        vec![heading("How they are used"), choice(facts.chosen), calls(facts.chosen), heading("MCP servers")];
    let Facts { board, toolbox, .. } = *facts;
    if board.servers.is_empty() {
        rows.push(note(Role::Muted, "None. [mcp.NAME] in config.toml, or a project's .mcp.json, names one."));
    }
    rows.extend(board.complaints.iter().map(|said| note(Role::Warning, &format!("{} {said}", facts.marks.failed))));
    for known in board.servers.values() {
        rows.push(server(known, facts));
        let own = toolbox.tools().filter(|(_, tool)| tool.id.server == known.configured.name);
        rows.extend(own.map(|(_, tool)| function(tool, Depth::Tool, facts)));
    }
    rows.push(heading("Commands"));
    let before = rows.len();
    let commands = toolbox.tools().filter(|(_, tool)| tool.id.server == COMMANDS);
    rows.extend(commands.map(|(_, tool)| function(tool, Depth::Row, facts)));
    if rows.len() == before {
        rows.push(note(Role::Muted, "None. [[tool]] in the config makes one of any program."));
    }
    rows.push(heading(if facts.openrouter { "OpenRouter's own" } else { "The server's own" }));
    rows.extend(hosted(facts));
    rows
}

/// How many tools the next message is offered, and of how many.
pub fn count(rows: &[Row]) -> (usize, usize) {
    let tools = rows.iter().filter(|row| matches!(row.thing, Some(Thing::Tool(_) | Thing::Hosted(_))));
    tools.fold((0, 0), |(on, all), row| (on + usize::from(row.is_on()), all + 1))
}

impl Row {
    pub fn is_on(&self) -> bool {
        matches!(self.switch, Some(Switch::On))
    }

    /// Whether the query occurs, in any case.
    pub fn matches(&self, query: &str) -> bool {
        let query = query.to_lowercase();
        let has = |words: &str| words.to_lowercase().contains(&query);
        has(&self.name) || self.words.iter().any(|(_, words)| has(words))
    }
}

fn heading(name: &str) -> Row {
    Row { depth: Depth::Heading, thing: None, switch: None, name: name.into(), words: Vec::new() }
}

fn note(role: Role, words: &str) -> Row {
    Row { depth: Depth::Row, thing: None, switch: None, name: String::new(), words: vec![(role, one_line(words))] }
}

fn choice(chosen: &Chosen) -> Row {
    let (word, means) = match &chosen.choice {
        Choice::Auto => ("auto", "the model decides".to_owned()),
        Choice::None => ("none", "no tool may be used".into()),
        Choice::Required => ("required", "some tool must be used".into()),
        Choice::One(id) => ("one", format!("{} must be called", shown_name(id))),
    };
    setting(Thing::Choice, "choice", word, &means)
}

fn calls(chosen: &Chosen) -> Row {
    let (word, means) = if chosen.one_by_one {
        ("one by one", "a response makes one call at most")
    } else {
        ("parallel", "a response may make several calls")
    };
    setting(Thing::Calls, "calls", word, means)
}

fn setting(thing: Thing, name: &str, word: &str, means: &str) -> Row {
    let words = vec![(Role::Text, word.to_owned()), (Role::Muted, format!("  {means}"))];
    Row { depth: Depth::Row, thing: Some(thing), switch: None, name: name.into(), words }
}

fn server(known: &Known, facts: &Facts) -> Row {
    let configured = &known.configured;
    let switch = match configured.standing {
        Standing::On if facts.chosen.off.contains(&configured.name) => Switch::Off,
        Standing::On => Switch::On,
        Standing::Off => Switch::Stuck("it is switched off in its file"),
        Standing::Untrusted => Switch::Stuck(UNTRUSTED),
    };
    Row {
        depth: Depth::Row,
        thing: Some(Thing::Server(configured.name.clone())),
        switch: Some(switch),
        name: text::visible(&configured.name).into_owned(),
        words: state(known, facts),
    }
}

/// How a server is, and what went wrong with it last.
pub fn state(known: &Known, facts: &Facts) -> Vec<(Role, String)> {
    let (marks, dot) = (facts.marks, facts.marks.dot);
    let configured = &known.configured;
    let file = || text::clean(&configured.source.path().file_name().unwrap_or_default().to_string_lossy()).into_owned();
    match (configured.standing, &known.state) {
        (Standing::Off, _) => vec![(Role::Muted, format!("switched off in {}", file()))],
        (Standing::Untrusted, _) => vec![
            (Role::Warning, format!("{} not trusted", marks.asking)),
            (Role::Muted, format!("  {} would run {}", file(), one_line(&configured.how()))),
        ],
        (Standing::On, State::Idle) => vec![(Role::Muted, "not started".into())],
        (Standing::On, State::Starting) => vec![(Role::Accent, format!("{} starting", marks.running))],
        (Standing::On, State::Ready(identity)) => {
            let mut words = vec![(Role::Ok, format!("{} ready", marks.done))];
            let is = one_line(&format!("{} {}", identity.name, identity.version));
            if !is.trim().is_empty() {
                words.push((Role::Muted, format!("  {}", is.trim())));
            }
            let trouble = known.trouble().map(|trouble| format!(" {dot} {}", one_line(trouble)));
            words.extend(trouble.map(|trouble| (Role::Warning, trouble)));
            words
        }
        (Standing::On, State::Waiting { until, why }) => vec![
            (Role::Warning, format!("{} again at {}", marks.waiting, clock(*until, facts.zone))),
            (Role::Muted, format!("  {}", one_line(why))),
        ],
        (Standing::On, State::Failed { why }) => {
            vec![(Role::Error, format!("{} failed", marks.failed)), (Role::Muted, format!("  {}", one_line(why)))]
        }
    }
}

fn function(tool: &Tool, depth: Depth, facts: &Facts) -> Row {
    let chosen = facts.chosen;
    let mut words = Vec::new();
    if facts.toolbox.policy.verdict(&tool.id, &chosen.grants) == Verdict::Deny {
        words.push((Role::Warning, "denied by the config  ".to_owned()));
    }
    if chosen.choice == Choice::One(tool.id.clone()) {
        words.push((Role::Accent, "must be called  ".to_owned()));
    }
    let said = if tool.description.trim().is_empty() {
        tool.title.as_deref().unwrap_or_default()
    } else {
        tool.description.as_str()
    };
    words.push((Role::Muted, one_line(said)));
    Row {
        depth,
        thing: Some(Thing::Tool(tool.id.clone())),
        switch: Some(if chosen.is_on(&tool.id) { Switch::On } else { Switch::Off }),
        name: shown_tool(&tool.id),
        words,
    }
}

fn hosted(facts: &Facts) -> Vec<Row> {
    let usual = HOSTED.iter().filter(|(name, _)| facts.openrouter || *name == SEARCH);
    let usual = usual.map(|(name, does)| (*name, *does));
    let is_usual = |name: &str| HOSTED.iter().any(|(usual, _)| *usual == name);
    let others = facts.chosen.hosted.iter().filter(|name| facts.openrouter && !is_usual(name));
    let row = |(name, does): (&str, &str)| {
        let switch = match facts.search {
            Search::BySlug if name == SEARCH => {
                Switch::Stuck("this model searches by itself: its name ends in :online")
            }
            Search::On if name == SEARCH => Switch::On,
            Search::On | Search::Off | Search::BySlug if facts.chosen.hosted.contains(name) => Switch::On,
            Search::On | Search::Off | Search::BySlug => Switch::Off,
        };
        Row {
            depth: Depth::Row,
            thing: Some(Thing::Hosted(name.to_owned())),
            switch: Some(switch),
            name: text::visible(name).into_owned(),
            words: vec![(Role::Muted, does.to_owned())],
        }
    };
    usual.chain(others.map(|name| (name.as_str(), "named in the config"))).map(row).collect()
}

/// What one of OpenRouter's own does.
pub fn does(name: &str) -> &'static str {
    HOSTED.iter().find(|(usual, _)| *usual == name).map_or("", |(_, does)| does)
}

/// The name of a tool without its server, with all that could deceive made visible.
pub fn shown_tool(id: &ToolId) -> String {
    text::visible(&id.name).replace('\n', "⟨U+000A⟩")
}

/// The beginning of a text in one clean line.
pub fn one_line(said: &str) -> String {
    let end = said.char_indices().nth(SEEN).map_or(said.len(), |(at, _)| at);
    let more = if end < said.len() { "…" } else { "" };
    let clean = text::clean(&said[..end]);
    let words: Vec<&str> = clean.split_whitespace().collect();
    text::visible(&words.join(" ")).into_owned() + more
}

/// To the second: a log is read with it.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}
