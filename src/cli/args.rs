//! The command-line arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{list::ListArgs, show::ShowArgs};
use crate::{
    chat::Effort,
    exchange::export::{ExportDensity, ExportForm, ExportScope},
    tools::{ToolMode, toolbox},
    ui,
};

/// Every model in your terminal, every answer with its sources.
#[derive(Debug, Parser)]
#[command(name = "ibid", bin_name = "ibid", version, max_term_width = 100, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct CliArgs {
    #[command(flatten)]
    pub resume: ResumeArgs,
    #[command(flatten)]
    pub choices: RequestArgs,
    #[command(flatten)]
    pub places: PathArgs,
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

const EXAMPLES: &str = "\
Examples:
  ibid                                     the app
  ibid -c                                  ... with the last conversation open
  ibid demo                                ... against the built-in server: no key, no network
  ibid export 0199 -o talk.html            a conversation as a web page
  git diff | ibid ask \"what changed?\"      one answer on stdout

The key comes from OPENROUTER_API_KEY, or is requested once and saved in a file that only you can read.";

const IMPORT_FORMS: &str = "\
A file's form is recognised by its content:
  ibid          JSON and pages of `ibid export`, of whole conversations
  ChatGPT       the data export: the zip, its folder or conversations.json
  Claude        the data export: the zip, its folder or conversations.json
  OpenRouter    the export of a chat
  Open WebUI    the export of chats
  aichat        session files, and messages.md
  llm           logs.db
  elia          elia.sqlite
  Claude Code   ~/.claude/projects
  codex         ~/.codex/sessions
  pi            ~/.pi/agent/sessions
  opencode      its export, ~/.local/share/opencode/storage or opencode.db

Files of other programs are only read. The first pass reads everything; if a file that you named cannot be read, nothing
is written. docs/import.md says what is taken from each form.";
const SEARCH_HELP: &str = "\
All words must be there, parts of words too; a word of one or two letters begins a word.
Filters:
  model:opus  tag:rust  before:2026-11  after:2w  from:chatgpt  cost:>0.1
  in:title|prompt|answer|reasoning|source|tool|file   has:code|citation|image|file|error
  A minus excludes: -word, -\"a phrase\", -tag:rust; then quote the query, or write -- before it";

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// The app with the built-in offline server: no key, no network, its own database
    Demo {
        #[command(flatten)]
        resume: ResumeArgs,
    },
    /// One answer on stdout; piped input is appended to the prompt
    Ask {
        /// The prompt
        #[arg(value_name = "PROMPT")]
        words: Vec<String>,
        /// Tool use in the first request: `auto`, `none`, `required`, or the name of a tool to force
        #[arg(long, value_name = "NAME|required|none|auto")]
        tool: Option<String>,
        /// Let this tool run without asking (SERVER/TOOL, SERVER/*, the name of a command, or * for all); other calls are denied
        #[arg(long, value_name = "NAME")]
        allow: Vec<String>,
        /// Request the answer without streaming, and print it when it is complete
        #[arg(long)]
        no_stream: bool,
    },
    /// The models of the server, with their prices
    Models {
        /// Words of their names
        #[arg(value_name = "QUERY")]
        query: Vec<String>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Sign in with OpenRouter in the browser, or with a code from one on another machine
    Login {
        /// Open no browser: print the address that gives a code
        #[arg(long)]
        no_browser: bool,
    },
    /// Remove the saved key from this machine
    Logout,
    /// Search everything that was said: prompts, answers, reasoning, sources, tools, files and titles
    #[command(after_help = SEARCH_HELP)]
    Search {
        /// Words, "phrases", -excluded words and filters
        #[arg(value_name = "QUERY", required = true)]
        query: Vec<String>,
        /// Print the places as JSON
        #[arg(long)]
        json: bool,
        /// The newest first, instead of the best
        #[arg(long)]
        newest: bool,
        /// Print at most so many places
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// The conversations, newest first
    List(ListArgs),
    /// A conversation on stdout
    Show(ShowArgs),
    /// A conversation as Markdown, JSON, plain text or a web page
    Export(ExportArgs),
    /// The completions of a shell, to be read when it starts
    Completions { shell: clap_complete::Shell },
    /// The manual page: `ibid man | man -l -`
    Man,
    /// Conversations of other programs: files, zip archives or folders; what is here already is not imported again
    #[command(after_help = IMPORT_FORMS)]
    Import {
        /// The files or folders
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Read everything and report, but write nothing
        #[arg(long)]
        dry_run: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Serve the text on stdin to the desktop until something else is copied; the app starts this when it copies
    #[command(hide = true)]
    HoldClipboard {
        /// Serve the selection that the middle button pastes
        #[arg(long)]
        primary: bool,
        /// HTML follows the text
        #[arg(long)]
        html: bool,
    },
}

/// What is exported, and where to.
#[derive(Debug, Clone, Args)]
pub(super) struct ExportArgs {
    /// The conversation, by its id, the beginning of its id, or its title
    #[arg(value_name = "ID|TITLE", conflicts_with = "all")]
    pub conversation: Option<String>,
    /// The form: md, json, html or txt; without it, what the name of the file says, else md
    #[arg(long, value_name = "FORM", value_parser = export_form)]
    pub format: Option<ExportForm>,
    /// What is exported: tree (all versions), branch (what is on the screen) or answer (the newest); usually branch, and
    /// tree for json
    #[arg(long, value_name = "SCOPE", value_parser = export_scope)]
    pub scope: Option<ExportScope>,
    /// How much of each message: full, answers (no reasoning, calls and results) or prompts
    #[arg(long, value_name = "DENSITY", value_parser = export_density)]
    pub density: Option<ExportDensity>,
    /// Write to this file instead of stdout; `-` is stdout
    #[arg(short, long, value_name = "PATH", conflicts_with = "all")]
    pub output: Option<String>,
    /// Replace the file if there is one
    #[arg(long, requires = "output")]
    pub overwrite: bool,
    /// Mask what looks like a key, a token or a password; without it, suspects are only listed on stderr
    #[arg(long)]
    pub mask_secrets: bool,
    /// Write every conversation to a new file in this folder
    #[arg(long, value_name = "DIR")]
    pub all: Option<PathBuf>,
}

/// The conversation to open at startup.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ResumeArgs {
    /// Open the last conversation
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Open the conversation with this id, id prefix or title
    #[arg(long, value_name = "ID|TITLE")]
    pub resume: Option<String>,
}

/// Settings for the requests of a new conversation.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct RequestArgs {
    /// The model, by its name on the server
    #[arg(short, long, global = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// Keep nothing of the new conversation but what it costs
    #[arg(long, global = true)]
    pub temporary: bool,
    /// Reasoning effort: none, minimal, low, medium, high, xhigh or max
    #[arg(long, global = true, value_parser = effort)]
    pub effort: Option<Effort>,
    /// Let the model search the web
    #[arg(long, global = true)]
    pub web: bool,
    /// The system prompt
    #[arg(long, global = true, value_name = "TEXT")]
    pub system: Option<String>,
    /// The sampling temperature, from 0 to 2
    #[arg(long, global = true, value_name = "T", value_parser = |text: &str| number(text, 2.0))]
    pub temperature: Option<f64>,
    /// Nucleus sampling: the probability mass to consider, from 0 to 1
    #[arg(long, global = true, value_name = "P", value_parser = |text: &str| number(text, 1.0))]
    pub top_p: Option<f64>,
    /// The maximum number of tokens in an answer, including reasoning
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_output_tokens: Option<u32>,
    /// A server from the config, or `openrouter`
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "base_url")]
    pub endpoint: Option<String>,
    /// The address of a server that need not be in the config; it is not sent any other server's key
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
}

/// Where files are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
pub(super) struct PathArgs {
    #[arg(long, global = true, value_name = "FILE", help = "Use this config file [env: IBID_CONFIG]")]
    pub config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR", help = "Use this data folder [env: IBID_DATA_DIR]")]
    pub data_dir: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Write a log to FILE, without keys and message text [env: IBID_LOG; IBID_LOG_CONTENT=1 adds message text]"
    )]
    pub log: Option<PathBuf>,
    /// Log more; twice for the most detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl ResumeArgs {
    pub(super) fn to_open(&self) -> ui::InitialConversation {
        match (&self.resume, self.continue_last) {
            (Some(name), _) => ui::InitialConversation::Named(name.clone()),
            (None, true) => ui::InitialConversation::Latest,
            (None, false) => ui::InitialConversation::New,
        }
    }
}

impl RequestArgs {
    pub(super) fn to_overrides(&self) -> ui::CliOverrides {
        ui::CliOverrides {
            model: self.model.clone(),
            effort: self.effort,
            web: self.web,
            instructions: self.system.clone(),
            temperature: self.temperature,
            top_p: self.top_p,
            max_output_tokens: self.max_output_tokens,
            ..ui::CliOverrides::default()
        }
    }
}

/// Parses the value of `--tool`.
pub(super) fn parse_tool_choice(name: &str) -> ToolMode {
    match name {
        "auto" => ToolMode::Auto,
        "none" => ToolMode::None,
        "required" => ToolMode::Required,
        name => ToolMode::One(toolbox::parse_tool_name(name)),
    }
}

/// Converts a value of `--allow` to a rule. A bare name is that of a command tool.
pub(super) fn allow_rule(name: &str) -> String {
    if name == "*" { name.to_owned() } else { toolbox::parse_tool_name(name).to_string() }
}

fn effort(name: &str) -> Result<Effort, String> {
    Effort::from_name(name).ok_or_else(|| {
        let all = Effort::ALL.map(Effort::name).join(", ");
        format!("the efforts are {all}")
    })
}

fn export_form(name: &str) -> Result<ExportForm, String> {
    ExportForm::from_name(name)
        .ok_or_else(|| format!("the forms are {}", ExportForm::ALL.map(ExportForm::name).join(", ")))
}

fn export_scope(name: &str) -> Result<ExportScope, String> {
    ExportScope::from_name(name).ok_or_else(|| "the scopes are tree, branch, answer".into())
}

fn export_density(name: &str) -> Result<ExportDensity, String> {
    let all = || ExportDensity::ALL.map(ExportDensity::name).join(", ");
    ExportDensity::from_name(name).ok_or_else(|| format!("the densities are {}", all()))
}

fn number(text: &str, max: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=max).contains(&number) { Ok(number) } else { Err(format!("must be from 0 to {max}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<CliArgs, clap::Error> {
        CliArgs::try_parse_from(std::iter::once("ibid").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_valid() {
        CliArgs::command().debug_assert();
    }

    #[test]
    fn flags_may_come_before_or_after_the_command() {
        for line in [
            "--model m --effort high ask why not",
            "ask why --model m not --effort high",
            "ask -m m --effort=high why not",
        ] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.choices.to_overrides().model.as_deref(), Some("m"), "{line}");
            assert_eq!(cli.choices.effort, Some(Effort::High), "{line}");
            assert!(matches!(cli.command, Some(CliCommand::Ask { words, .. }) if words == ["why", "not"]), "{line}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_allowed_range() {
        let error_text = |line: &str| parse(line).unwrap_err().to_string();
        assert!(error_text("--temperature 3").contains("must be from 0 to 2"), "{}", error_text("--temperature 3"));
        assert!(error_text("--top-p NaN").contains("must be from 0 to 1"));
        assert!(error_text("--effort hard").contains("the efforts are none, minimal, low, medium, high, xhigh, max"));
        assert!(error_text("--max-output-tokens 0").contains("0 is not in 1.."));
        assert!(error_text("--endpoint a --base-url http://b").contains("cannot be used with"));
        assert!(error_text("-c --resume x").contains("cannot be used with"));
    }

    #[test]
    fn the_resume_flags_choose_the_conversation() {
        assert_eq!(parse("").unwrap().resume.to_open(), ui::InitialConversation::New);
        assert_eq!(parse("-c").unwrap().resume.to_open(), ui::InitialConversation::Latest);
        assert_eq!(parse("--resume 0199").unwrap().resume.to_open(), ui::InitialConversation::Named("0199".into()));
        let demo = parse("demo -c").unwrap();
        assert!(
            matches!(demo.command, Some(CliCommand::Demo { resume }) if resume.to_open() == ui::InitialConversation::Latest)
        );
    }
}
