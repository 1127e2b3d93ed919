//! The config file: plain data with its defaults, and every complaint about it with its line.

mod complaint;
mod mcp;
mod paths;
mod provider;
mod read;
mod themes;
mod tools;
mod write;

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

pub use mcp::{McpServer, read_servers};
pub use paths::{Env, Paths};
pub use provider::{Cutoff, DataCollection, MaxPrice, Partition, Percentile, Price, Provider};
pub use read::check_address;
pub use themes::{ThemeFile, read_themes};
pub use tools::{CommandTool, Hosted, Tools};

/// Every setting, commented, with its default.
pub const EXAMPLE: &str = include_str!("../assets/config.toml");

/// What the config file says, or the defaults. Flags and environment come on top elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The slug as it is sent; without one the endpoint's own choice.
    pub model: Option<String>,
    /// The name of the endpoint of new conversations.
    pub endpoint: Option<String>,
    /// One of `EFFORTS`.
    pub effort: Option<String>,
    /// Whether new conversations search the web.
    pub web: bool,
    /// The system prompt of new conversations.
    pub system: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// The name of a theme, or `auto`: the one of the next two that suits the terminal's background.
    pub theme: String,
    pub theme_dark: String,
    pub theme_light: String,
    pub glyphs: Glyphs,
    /// Whether the list of conversations is docked where there is room, always, or never at first.
    pub list: Show,
    /// In cells, without the rule beside them.
    pub list_width: u16,
    pub rail_width: u16,
    pub text_width: u16,
    /// What the program takes of the mouse; what it does not take is the terminal's.
    pub mouse: Mouse,
    /// Where text goes that was selected with the mouse.
    pub copy_on_select: CopyOnSelect,
    /// Whether addresses are links of the terminal's own.
    pub links: Switch,
    pub code: Code,
    pub bidi: Bidi,
    pub reasoning: Reasoning,
    pub search: Search,
    pub timeouts: Timeouts,
    /// Which providers OpenRouter may ask; sent to no other server.
    pub provider: Provider,
    pub sources: Sources,
    pub xray: Xray,
    pub notify: Notify,
    pub tools: Tools,
    /// Programs as functions.
    pub tool: Vec<CommandTool>,
    /// Favourite models on the keys 1 to 9.
    pub slots: BTreeMap<u8, String>,
    /// By name. `openrouter` may be here for its key and its timeouts; its address is built in.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Servers that offer tools, by name.
    pub mcp: BTreeMap<String, McpServer>,
    /// Other keys for actions, by the name of the action.
    pub keys: BTreeMap<String, Keys>,
}

/// A server as the config names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Without a slash at its end. Empty only for `openrouter`.
    pub base_url: String,
    /// The environment variable that holds its key.
    pub key_env: Option<String>,
    /// A program and its arguments; the first line that it prints is the key.
    pub key_command: Vec<String>,
    /// Known by the address where it is not given.
    pub dialect: Option<Dialect>,
    /// `false` asks for whole answers.
    pub stream: bool,
    /// Instead of the common ones.
    pub timeouts: Timeouts,
}

/// What may be done about cited pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Sources {
    pub check: Consent,
}

/// Whether a cited page may be fetched when a check is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// The reader is asked once in each run.
    #[default]
    Ask,
    Always,
}

/// What is kept of requests and events, for the x-ray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Xray {
    pub record: bool,
    /// Of one answer; of all together a hundred times that.
    pub max_bytes: u32,
}

/// What a reader who looks elsewhere is told by, when an answer ends, fails or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Notify {
    pub when: When,
    pub bell: bool,
    pub desktop: Desktop,
    /// The state in the title of the window.
    pub title: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// While the terminal has said that it lost the focus.
    #[default]
    Elsewhere,
    Always,
}

/// The form in which a terminal is asked for a notification of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desktop {
    /// The one that the terminal is known to take, else OSC 9.
    #[default]
    Auto,
    Osc9,
    Osc777,
    Off,
}

/// Limits in seconds; `None` is the common limit of `Limits::default`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    pub connect: Option<f64>,
    pub first_byte: Option<f64>,
    pub silence_warn: Option<f64>,
    pub silence_stop: Option<f64>,
}

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    pub first_byte: Duration,
    /// Without a byte, comments included: say so, then give up.
    pub silence_warn: Duration,
    pub silence_stop: Duration,
}

/// How the web is searched when a conversation has that switched on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    pub form: SearchForm,
    /// One of `ENGINES`; only OpenRouter knows it.
    pub engine: Option<String>,
    pub max_results: Option<u32>,
    pub max_total_results: Option<u32>,
    pub context_size: Option<ContextSize>,
    pub allowed_domains: Vec<String>,
    pub excluded_domains: Vec<String>,
}

/// How a search is asked for: a tool of the model's, or OpenRouter's older plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchForm {
    #[default]
    Tool,
    Plugin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContextSize {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    pub show: Show,
    pub summary: Summary,
}

/// Whether something is shown: as it fits, always, or folded away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    #[default]
    Auto,
    Show,
    Hide,
}

/// The summary of its reasoning that a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    #[default]
    Auto,
    Concise,
    Detailed,
    /// The field is not sent.
    None,
}

/// The marks of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    #[default]
    Unicode,
    Ascii,
}

/// What was chosen on the screen and is kept in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    Theme(String),
    Mouse(Mouse),
    Code(Code),
    /// The model of a slot, 1 to 9.
    Slot(u8, String),
    /// A tool that runs without asking, by its rule.
    Tool(String),
    /// Cited pages are fetched without a question.
    Checks,
}

/// How much of the mouse the program takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mouse {
    #[default]
    On,
    /// It scrolls; clicks do nothing.
    Wheel,
    Off,
}

/// What selecting with the mouse copies by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyOnSelect {
    #[default]
    Off,
    /// To the selection that the middle button pastes.
    Primary,
    Clipboard,
}

/// On or off, or as it seems best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    #[default]
    Auto,
    On,
    Off,
}

/// What becomes of a line of code that is longer than the text is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Code {
    #[default]
    Wrap,
    Scroll,
}

/// Who turns round what is read from right to left: the terminal, or this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bidi {
    #[default]
    Off,
    Reorder,
}

/// What a server speaks, where its address does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    OpenRouter,
    OpenAi,
    Other,
}

/// The keys of one action; none at all unbinds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    pub keys: Vec<String>,
    /// Where in the file, for a complaint about an unknown action or key.
    pub line: u32,
}

/// The values of `effort`, from least to most.
pub const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The values of `search.engine`.
pub const ENGINES: [&str; 6] = ["auto", "native", "exa", "parallel", "firecrawl", "perplexity"];

/// The values of `provider.sort`.
pub const SORTS: [&str; 4] = ["price", "throughput", "latency", "exacto"];

/// What is wrong with the config, where, and what to do about it: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub path: PathBuf,
    /// From 1.
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Dotted, as in `search.engine`.
    pub key: Option<String>,
    pub what: String,
    pub hint: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: None,
            endpoint: None,
            effort: None,
            web: false,
            system: None,
            temperature: None,
            top_p: None,
            max_output_tokens: None,
            theme: "terminal".into(),
            theme_dark: "ink".into(),
            theme_light: "paper".into(),
            glyphs: Glyphs::default(),
            list: Show::default(),
            list_width: 28,
            rail_width: 44,
            text_width: 98,
            mouse: Mouse::default(),
            copy_on_select: CopyOnSelect::default(),
            links: Switch::default(),
            code: Code::default(),
            bidi: Bidi::default(),
            reasoning: Reasoning::default(),
            search: Search::default(),
            timeouts: Timeouts::default(),
            provider: Provider::default(),
            sources: Sources::default(),
            xray: Xray::default(),
            notify: Notify::default(),
            tools: Tools::default(),
            tool: Vec::new(),
            slots: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            mcp: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}

impl Default for Xray {
    fn default() -> Self {
        Self { record: true, max_bytes: 512 * 1024 }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self { when: When::default(), bell: true, desktop: Desktop::default(), title: true }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            key_env: None,
            key_command: Vec::new(),
            dialect: None,
            stream: true,
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(2),
            silence_warn: Duration::from_mins(1),
            silence_stop: Duration::from_mins(3),
        }
    }
}

impl Config {
    /// The limits for one endpoint: its own, else the common ones, else the defaults.
    pub fn limits(&self, endpoint: &str) -> Limits {
        let own = self.endpoints.get(endpoint).map_or_else(Timeouts::default, |endpoint| endpoint.timeouts);
        self.timeouts.over(Limits::default()).then(own)
    }
}

impl Timeouts {
    fn over(self, limits: Limits) -> Limits {
        let or = |seconds: Option<f64>, default| seconds.map_or(default, Duration::from_secs_f64);
        Limits {
            connect: or(self.connect, limits.connect),
            first_byte: or(self.first_byte, limits.first_byte),
            silence_warn: or(self.silence_warn, limits.silence_warn),
            silence_stop: or(self.silence_stop, limits.silence_stop),
        }
    }
}

impl Limits {
    fn then(self, timeouts: Timeouts) -> Self {
        timeouts.over(self)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.what)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Complaint {}
