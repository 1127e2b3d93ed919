//! The settings that a start of the program uses, from the arguments, the environment and the config.

use std::{
    io,
    path::{Path, PathBuf},
};

use ratatui::layout::Size;

use super::{
    CliError, ProgramExit,
    args::{CliArgs, RequestArgs},
    env, env_text,
};
use crate::{
    clock,
    config::{self, AppPaths, AutoSwitch, Config},
    files, log, mcp,
    runtime::servers::{ApiServers, ServerChoice},
    terminal, text,
    ui::{InitialConversation, StartOptions, State},
};

/// The settings from the arguments, the environment and the config.
pub(super) struct LaunchSettings {
    pub config: Config,
    /// Problems in the config that do not prevent the program from running.
    config_warnings: Vec<String>,
    pub paths: AppPaths,
    request_args: RequestArgs,
    open: InitialConversation,
    /// The `--config` and `--data-dir` flags, which the line that resumes the conversation must repeat.
    path_flags: String,
    _log: Option<log::LogGuard>,
}

impl LaunchSettings {
    /// Loads the settings. Flags override the environment, which overrides the config.
    pub(super) fn load(cli: &CliArgs, open: InitialConversation) -> Result<Self, CliError> {
        if cli.choices.temporary && open != InitialConversation::New {
            let message = "--temporary begins a conversation; leave out -c or --resume".into();
            return Err(CliError { exit: ProgramExit::Usage, message });
        }
        let mut paths =
            AppPaths::find(&env).ok_or_else(|| CliError::failure("there is no home folder; set HOME".into()))?;
        if let Some(config) = &cli.places.config {
            if !config.exists() {
                let message =
                    format!("--config: {} does not exist; name a config, or leave --config out", config.display());
                return Err(CliError { exit: ProgramExit::Usage, message });
            }
            paths.config_file.clone_from(config);
        }
        if let Some(folder) = &cli.places.data_dir {
            paths.data_dir.clone_from(folder);
        }
        let log_path = log::log_path(cli.places.log.clone(), env_text("IBID_LOG").as_deref(), paths.log_file());
        let log = match log_path {
            Some(path) => Some(
                log::start(&path, cli.places.verbose, env_text("IBID_LOG_CONTENT").as_deref() == Some("1")).map_err(
                    |error| {
                        CliError::failure(format!(
                            "the log {} cannot be written: {}; name another with --log",
                            path.display(),
                            text::error_words(&error)
                        ))
                    },
                )?,
            ),
            None => None,
        };
        let (config, warnings) =
            Config::load(&paths.config_file).map_err(|complaint| CliError::failure(complaint.to_string()))?;
        Ok(Self {
            config,
            config_warnings: warnings.iter().map(ToString::to_string).collect(),
            paths,
            request_args: cli.choices.clone(),
            open,
            path_flags: path_flags(cli),
            _log: log,
        })
    }

    /// Finds the servers and the chosen one.
    ///
    /// # Errors
    /// Fails if the chosen server does not exist.
    pub(super) fn servers(&self) -> Result<ApiServers, CliError> {
        let choice = match (&self.request_args.endpoint, &self.request_args.base_url) {
            (Some(name), _) => ServerChoice::Named(name.clone()),
            (None, Some(url)) => ServerChoice::Address(url.clone()),
            (None, None) => ServerChoice::Config,
        };
        ApiServers::find(&self.config, &self.paths, &env, &choice)
            .map_err(|what| CliError { exit: ProgramExit::Usage, message: what })
    }

    /// Returns what the user should know about the config, the servers and the files.
    pub(super) fn warnings(&self, servers: &ApiServers) -> Vec<String> {
        let folder = &self.paths.data_dir;
        let is_open = files::is_open_to_others(folder);
        let folder = is_open.then(|| {
            format!("others can look into the folder of the conversations, {}; `chmod 700` closes it", folder.display())
        });
        self.config_warnings.iter().cloned().chain(servers.exposures()).chain(folder).collect()
    }

    /// Returns where to look for MCP servers.
    pub(super) fn mcp_places(&self) -> mcp::ServerDiscovery {
        mcp::ServerDiscovery {
            config_file: self.paths.config_file.clone(),
            servers: self.config.mcp.clone(),
            working_dir: std::env::current_dir().unwrap_or_default(),
            trust_file: self.paths.data_dir.join("trusted.json"),
        }
    }

    pub(super) fn start_args(&self, servers: &ApiServers, size: Size) -> StartOptions {
        let mut seed = [0; 8];
        // Without randomness, two instances could create the same ids; the clock and the process id make them differ.
        if getrandom::fill(&mut seed).is_err() {
            let nanoseconds = clock::now().as_nanosecond().to_le_bytes();
            seed.copy_from_slice(&nanoseconds[..8]);
        }
        let links = terminal::links::should_write_links(self.config.links, |name| std::env::var(name).ok());
        let links = if links { AutoSwitch::On } else { AutoSwitch::Off };
        StartOptions {
            config: Config { links, ..self.config.clone() },
            endpoints: servers.infos(&env),
            is_demo: false,
            seed: u64::from_le_bytes(seed) ^ u64::from(std::process::id()),
            time_zone: jiff::tz::TimeZone::system(),
            initial_conversation: self.open.clone(),
            is_temporary: self.request_args.temporary,
            overrides: self.request_args.to_overrides(),
            colours: terminal::colour_support::supported_colours(env_text),
            themes: config::read_themes(&self.paths.themes_dir()),
            complaints: self.warnings(servers),
            size,
        }
    }

    /// Reads the config again, for a start from the connect screen, which ignores the command line.
    pub(super) fn reloaded(&self) -> io::Result<(ApiServers, Self)> {
        let settings = self.without_flags();
        let servers = settings.servers().map_err(|error| io::Error::other(error.message))?;
        Ok((servers, settings))
    }

    fn without_flags(&self) -> Self {
        let (config, warnings) =
            Config::load(&self.paths.config_file).unwrap_or_else(|problem| (self.config.clone(), vec![problem]));
        Self {
            config,
            config_warnings: warnings.iter().map(ToString::to_string).collect(),
            paths: self.paths.clone(),
            request_args: RequestArgs::default(),
            open: InitialConversation::New,
            path_flags: self.path_flags.clone(),
            _log: None,
        }
    }

    /// Returns the command line that resumes the conversation on the screen.
    pub(super) fn resume_line(&self, state: &State, program: &str) -> Option<String> {
        let conversation = state
            .chats
            .current_conversation()
            .filter(|conversation| !conversation.is_new() && !conversation.is_temporary())?;
        Some(format!("{program}{} --resume {}", self.path_flags, conversation.id))
    }
}

fn path_flags(cli: &CliArgs) -> String {
    let flag = |name: &str, path: &Option<PathBuf>| match path {
        Some(path) => format!(" {name} {}", shell_quoted(path)),
        None => String::new(),
    };
    flag("--config", &cli.places.config) + &flag("--data-dir", &cli.places.data_dir)
}

/// Quotes a path for a shell.
fn shell_quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+:\\".contains(c));
    if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_resume_line_survives_a_shell() {
        assert_eq!(shell_quoted(Path::new("/home/me/data")), "/home/me/data");
        assert_eq!(shell_quoted(Path::new("my data/it's")), "'my data/it'\\''s'");
    }
}
