//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    app,
    chat::Effort,
    tools::{Choice, toolbox},
};

/// Every model in your terminal, every answer with its sources.
#[derive(Debug, Parser)]
#[command(name = "ibid", version, max_term_width = 100, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub resume: Resume,
    #[command(flatten)]
    pub choices: Choices,
    #[command(flatten)]
    pub places: Places,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  ibid                                     the app
  ibid -c                                  ... with the last conversation open
  ibid demo                                ... against the built-in server: no key, no network
  git diff | ibid ask \"what changed?\"      one answer on stdout

The key comes from OPENROUTER_API_KEY, or is asked for once and kept in a file that only you can read.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The app against the built-in offline server: no key, no network, a database of its own
    Demo {
        #[command(flatten)]
        resume: Resume,
    },
    /// One answer on stdout; what is piped in is appended to the prompt
    Ask {
        /// What to ask
        #[arg(value_name = "PROMPT")]
        words: Vec<String>,
        /// Whether tools are used at first: a tool that must be, `required`, `none`, or `auto`
        #[arg(long, value_name = "NAME|required|none|auto")]
        tool: Option<String>,
        /// Let this tool run without asking (SERVER/TOOL, SERVER/*, the name of a command, or * for all); what else would ask is denied
        #[arg(long, value_name = "NAME")]
        allow: Vec<String>,
        /// Ask for the whole answer at once, and print it when it is there
        #[arg(long)]
        no_stream: bool,
    },
}

/// Which conversation is open at first.
#[derive(Debug, Clone, Default, Args)]
pub struct Resume {
    /// Open the last conversation
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Open the conversation with this id, its beginning, or this title
    #[arg(long, value_name = "ID|TITLE")]
    pub resume: Option<String>,
}

/// What goes with the requests of a new conversation.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What is asked")]
pub struct Choices {
    /// The model, as its server names it
    #[arg(short, long, global = true)]
    pub model: Option<String>,
    /// How hard it thinks: none, minimal, low, medium, high, xhigh or max
    #[arg(long, global = true, value_parser = effort)]
    pub effort: Option<Effort>,
    /// Let it search the web
    #[arg(long, global = true)]
    pub web: bool,
    /// The system prompt
    #[arg(long, global = true, value_name = "TEXT")]
    pub system: Option<String>,
    /// From 0 to 2
    #[arg(long, global = true, value_name = "T", value_parser = |text: &str| number(text, 2.0))]
    pub temperature: Option<f64>,
    /// From 0 to 1
    #[arg(long, global = true, value_name = "P", value_parser = |text: &str| number(text, 1.0))]
    pub top_p: Option<f64>,
    /// The most tokens of an answer, reasoning included
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_output_tokens: Option<u32>,
    /// A server of the config, or `openrouter`
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "base_url")]
    pub endpoint: Option<String>,
    /// A server that need not be in the config; it gets no other server's key
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
}

/// Where things are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
pub struct Places {
    #[arg(long, global = true, value_name = "FILE", help = "Instead of the usual config file [env: IBID_CONFIG]")]
    pub config: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Instead of the usual folder of the database [env: IBID_DATA_DIR]"
    )]
    pub data_dir: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Log into this file: no keys, nothing of what was said [env: IBID_LOG; with IBID_LOG_CONTENT=1 what was said too]"
    )]
    pub log: Option<PathBuf>,
    /// With a log: say more in it; twice for most
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Resume {
    pub fn open(&self) -> app::Open {
        match (&self.resume, self.continue_last) {
            (Some(name), _) => app::Open::Named(name.clone()),
            (None, true) => app::Open::Latest,
            (None, false) => app::Open::New,
        }
    }
}

impl Choices {
    pub fn overrides(&self) -> app::Overrides {
        app::Overrides {
            model: self.model.clone(),
            effort: self.effort,
            web: self.web,
            instructions: self.system.clone(),
            temperature: self.temperature,
            top_p: self.top_p,
            max_output_tokens: self.max_output_tokens,
            ..app::Overrides::default()
        }
    }
}

/// What `--tool` says.
pub fn tool_choice(name: &str) -> Choice {
    match name {
        "auto" => Choice::Auto,
        "none" => Choice::None,
        "required" => Choice::Required,
        name => Choice::One(toolbox::named(name)),
    }
}

/// What `--allow` says, as a rule: a name alone is that of a command.
pub fn rule(name: &str) -> String {
    if name == "*" { name.to_owned() } else { toolbox::named(name).to_string() }
}

fn effort(name: &str) -> Result<Effort, String> {
    Effort::from_name(name).ok_or_else(|| {
        let all = Effort::ALL.map(Effort::name).join(", ");
        format!("the efforts are {all}")
    })
}

fn number(text: &str, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "this is not a number".to_owned())?;
    if (0.0..=most).contains(&number) { Ok(number) } else { Err(format!("it goes from 0 to {most}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("ibid").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_and_behind_the_command() {
        for line in [
            "--model m --effort high ask why not",
            "ask why --model m not --effort high",
            "ask -m m --effort=high why not",
        ] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.choices.overrides().model.as_deref(), Some("m"), "{line}");
            assert_eq!(cli.choices.effort, Some(Effort::High), "{line}");
            assert!(matches!(cli.command, Some(Command::Ask { words, .. }) if words == ["why", "not"]), "{line}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_what_is_right() {
        let complaint = |line: &str| parse(line).unwrap_err().to_string();
        assert!(complaint("--temperature 3").contains("it goes from 0 to 2"), "{}", complaint("--temperature 3"));
        assert!(complaint("--top-p NaN").contains("it goes from 0 to 1"));
        assert!(complaint("--effort hard").contains("the efforts are none, minimal, low, medium, high, xhigh, max"));
        assert!(complaint("--max-output-tokens 0").contains("0 is not in 1.."));
        assert!(complaint("--endpoint a --base-url http://b").contains("cannot be used with"));
        assert!(complaint("-c --resume x").contains("cannot be used with"));
    }

    #[test]
    fn resuming_names_what_is_opened() {
        assert_eq!(parse("").unwrap().resume.open(), app::Open::New);
        assert_eq!(parse("-c").unwrap().resume.open(), app::Open::Latest);
        assert_eq!(parse("--resume 0199").unwrap().resume.open(), app::Open::Named("0199".into()));
        let demo = parse("demo -c").unwrap();
        assert!(matches!(demo.command, Some(Command::Demo { resume }) if resume.open() == app::Open::Latest));
    }
}
