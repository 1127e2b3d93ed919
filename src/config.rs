//! The config file: plain data with its defaults, and its problems with their line numbers.

mod documented_keys;
mod edit;
mod lenient_json;
mod load;
mod mcp_json;
mod mcp_servers;
mod paths;
mod problem;
mod themes;
mod tool_settings;

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, path::PathBuf, time::Duration};

use serde::Deserialize;

pub use load::check_base_url;
pub use mcp_json::parse_mcp_servers;
pub use mcp_servers::McpServerConfig;
pub use paths::{AppPaths, EnvLookup};
pub use themes::{ThemeFile, read_themes};
pub use tool_settings::{CommandTool, ToolsConfig};

use crate::api::local_servers::well_known_ports;
use crate::chat::{
    provider_prefs::ProviderPrefs,
    request_options::{ReasoningSummary, SearchOptions},
};

/// Every setting, commented, with its default.
pub const EXAMPLE_CONFIG: &str = include_str!("../assets/config.toml");

/// The settings of the config file, or their defaults. Flags and environment variables are applied on top elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The model slug as it is sent; `None` leaves the choice to the endpoint.
    pub model: Option<String>,
    /// The name of the endpoint for new conversations.
    pub endpoint: Option<String>,
    /// One of `EFFORTS`.
    pub effort: Option<String>,
    /// Whether new conversations search the web.
    pub web: bool,
    /// The system prompt for new conversations.
    pub system: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// The name of a theme, or `auto` to choose one of the next two by the terminal's background.
    pub theme: String,
    pub theme_dark: String,
    pub theme_light: String,
    pub glyphs: GlyphSet,
    /// Whether the list of conversations starts docked: where there is room, always, or never.
    pub list: ShowMode,
    /// In cells, without the rule beside it.
    pub list_width: u16,
    pub rail_width: u16,
    pub text_width: u16,
    /// Which mouse events the program handles; the rest are left to the terminal.
    pub mouse: MouseMode,
    /// Where text selected with the mouse is copied.
    pub copy_on_select: CopyOnSelect,
    /// Whether addresses are written as terminal hyperlinks.
    pub links: AutoSwitch,
    pub code: CodeOverflow,
    pub bidi: BidiMode,
    /// What becomes of a single newline in a paragraph.
    pub line_breaks: LineBreaks,
    /// The form in which answers and selections are copied.
    pub copy_as: CopyForm,
    pub reasoning: ReasoningConfig,
    pub search: SearchOptions,
    pub timeouts: TimeoutsConfig,
    /// Which providers OpenRouter may use; sent to no other server.
    pub provider: ProviderPrefs,
    /// After how many days what is in the trash is deleted for good; 0 keeps it.
    pub trash_days: u32,
    /// The model that is asked for titles; none unless set.
    pub title_model: Option<String>,
    pub sources: SourcesConfig,
    pub xray: XrayConfig,
    pub notify: NotifyConfig,
    pub tools: ToolsConfig,
    /// Programs offered to models as tools.
    pub tool: Vec<CommandTool>,
    /// Favourite models on the keys 1 to 9.
    pub slots: BTreeMap<u8, String>,
    /// By name. `openrouter` may be listed for its key and timeouts; its address is built in.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// MCP servers by name.
    pub mcp: BTreeMap<String, McpServerConfig>,
    /// The loopback ports that the connect screen asks for models, while it is open.
    pub local_ports: Vec<u16>,
    /// Changed key bindings, by the name of the action.
    pub keys: BTreeMap<String, KeySetting>,
}

/// A server as the config describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct EndpointConfig {
    /// Without a trailing slash. Empty only for `openrouter`.
    pub base_url: String,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// A program and its arguments; the first line it prints is the key.
    pub key_command: Vec<String>,
    /// `None`: guessed from the address.
    pub dialect: Option<DialectSetting>,
    /// `false` requests whole answers instead of streams.
    pub stream: bool,
    /// Overrides the common timeouts.
    pub timeouts: TimeoutsConfig,
}

/// Settings for cited sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SourcesConfig {
    pub check: FetchConsent,
}

/// Whether a cited page may be fetched to check a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FetchConsent {
    /// Ask the user once per run.
    #[default]
    Ask,
    Always,
}

/// How much of requests and events is recorded for the x-ray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct XrayConfig {
    pub record: bool,
    /// The limit for one answer; all answers together may take a hundred times as much.
    pub max_bytes: u32,
}

/// How to notify a user who is looking elsewhere when an answer ends, fails or needs a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NotifyConfig {
    pub when: NotifyWhen,
    pub bell: bool,
    pub desktop: DesktopNotification,
    /// Whether the window title shows the state.
    pub title: bool,
}

/// When notifications are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyWhen {
    /// After the terminal has reported that it lost the focus.
    #[default]
    Elsewhere,
    Always,
}

/// The escape sequence that requests a desktop notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DesktopNotification {
    /// The sequence the terminal is known to support, else OSC 9.
    #[default]
    Auto,
    Osc9,
    Osc777,
    Off,
}

/// Timeouts in seconds; `None` means the limit from `Limits::default`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TimeoutsConfig {
    pub connect: Option<f64>,
    pub first_byte: Option<f64>,
    pub silence_warn: Option<f64>,
    pub silence_stop: Option<f64>,
}

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    pub connect: Duration,
    pub first_byte: Duration,
    /// How long the server may send no byte, comments included, before a warning and before giving up.
    pub silence_warn: Duration,
    pub silence_stop: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ReasoningConfig {
    pub show: ShowMode,
    pub summary: ReasoningSummary,
}

/// Whether something is shown: where it fits, always, or never at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowMode {
    #[default]
    Auto,
    Show,
    Hide,
}

/// The character set for the marks of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GlyphSet {
    #[default]
    Unicode,
    Ascii,
}

/// A setting changed on the screen, to be saved in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingChange {
    Theme(String),
    Mouse(MouseMode),
    Code(CodeOverflow),
    /// In cells.
    TextWidth(u16),
    LineBreaks(LineBreaks),
    CopyAs(CopyForm),
    /// The model of a slot, 1 to 9.
    Slot(u8, String),
    /// Cited pages may be fetched without asking.
    AllowPageChecks,
}

/// Which mouse events the program handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MouseMode {
    #[default]
    On,
    /// The wheel scrolls; clicks do nothing.
    Wheel,
    Off,
}

/// Where text selected with the mouse is copied automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyOnSelect {
    #[default]
    Off,
    /// The selection that the middle button pastes.
    Primary,
    Clipboard,
}

/// On, off, or decided from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoSwitch {
    #[default]
    Auto,
    On,
    Off,
}

/// How a line of code longer than the text width is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeOverflow {
    #[default]
    Wrap,
    Scroll,
}

/// Whether the program reorders right-to-left text or leaves that to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BidiMode {
    #[default]
    Off,
    Reorder,
}

/// What becomes of a single newline in a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineBreaks {
    /// A row stays a row where the text is a list of rows; in prose that was wrapped by hand it becomes a space.
    #[default]
    Auto,
    /// Every newline begins a new row.
    Keep,
    /// A newline is a space, as in `CommonMark`.
    Markdown,
}

/// The form in which answers and selections are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyForm {
    /// An answer as Markdown, a selection as the text that is shown.
    #[default]
    Auto,
    Markdown,
    /// Without Markdown's signs, and tables as text.
    Plain,
    /// As HTML beside the plain text, where the clipboard takes both.
    Rich,
}

/// The API dialect of a server, where its address does not determine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DialectSetting {
    OpenRouter,
    OpenAi,
    Other,
}

/// An entry of `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySetting {
    /// The keys of an action, in every context that has it.
    Action(ActionKeys),
    /// The keys of actions in the context that the entry names.
    Context(BTreeMap<String, ActionKeys>),
}

/// The keys of one action; an empty list unbinds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionKeys {
    pub keys: Vec<String>,
    /// The line in the file, for reporting an unknown action or key.
    pub line: u32,
}

/// The values of `text_width`, in cells.
pub const TEXT_WIDTHS: RangeInclusive<u16> = 30..=400;

/// The values of `effort`, from least to most.
pub const EFFORT_NAMES: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The values of `search.engine`.
pub const SEARCH_ENGINES: [&str; 6] = ["auto", "native", "exa", "parallel", "firecrawl", "perplexity"];

/// The values of `provider.sort`.
pub const PROVIDER_SORTS: [&str; 4] = ["price", "throughput", "latency", "exacto"];

/// A problem with the config: what is wrong, where, and how to fix it, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    pub path: PathBuf,
    /// Counted from 1.
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Dotted, as in `search.engine`.
    pub key: Option<String>,
    pub message: String,
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
            glyphs: GlyphSet::default(),
            list: ShowMode::default(),
            list_width: 28,
            rail_width: 44,
            text_width: 98,
            mouse: MouseMode::default(),
            copy_on_select: CopyOnSelect::default(),
            links: AutoSwitch::default(),
            code: CodeOverflow::default(),
            bidi: BidiMode::default(),
            line_breaks: LineBreaks::default(),
            copy_as: CopyForm::default(),
            reasoning: ReasoningConfig::default(),
            search: SearchOptions::default(),
            timeouts: TimeoutsConfig::default(),
            provider: ProviderPrefs::default(),
            sources: SourcesConfig::default(),
            xray: XrayConfig::default(),
            trash_days: 30,
            title_model: None,
            notify: NotifyConfig::default(),
            tools: ToolsConfig::default(),
            tool: Vec::new(),
            slots: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            mcp: BTreeMap::new(),
            local_ports: well_known_ports(),
            keys: BTreeMap::new(),
        }
    }
}

impl Default for XrayConfig {
    fn default() -> Self {
        Self { record: true, max_bytes: 512 * 1024 }
    }
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self { when: NotifyWhen::default(), bell: true, desktop: DesktopNotification::default(), title: true }
    }
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            key_env: None,
            key_command: Vec::new(),
            dialect: None,
            stream: true,
            timeouts: TimeoutsConfig::default(),
        }
    }
}

impl Default for TimeLimits {
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
    /// Returns the limits for one endpoint: its own, else the common ones.
    pub fn time_limits(&self, endpoint: &str) -> TimeLimits {
        let limits = self.common_limits();
        self.endpoints.get(endpoint).map_or(limits, |endpoint| endpoint.timeouts.apply_to(limits))
    }

    /// Returns the limits for endpoints that have none of their own.
    pub fn common_limits(&self) -> TimeLimits {
        self.timeouts.apply_to(TimeLimits::default())
    }
}

impl TimeoutsConfig {
    fn apply_to(self, limits: TimeLimits) -> TimeLimits {
        let or_default = |seconds: Option<f64>, default| seconds.map_or(default, Duration::from_secs_f64);
        TimeLimits {
            connect: or_default(self.connect, limits.connect),
            first_byte: or_default(self.first_byte, limits.first_byte),
            silence_warn: or_default(self.silence_warn, limits.silence_warn),
            silence_stop: or_default(self.silence_stop, limits.silence_stop),
        }
    }
}

impl fmt::Display for ConfigProblem {
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
        write!(f, ": {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for ConfigProblem {}
