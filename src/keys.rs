//! API keys: where they come from, and the file that stores one.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

use crate::{
    config::EnvLookup,
    files::{self, FileAccess},
    processes::{BoundedOutput, LeftoverProcesses, ProcessFailure, ProcessRun},
    text,
};

/// Where the key of one endpoint may be, in the order in which the places are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySources {
    /// An environment variable.
    pub variable: Option<String>,
    /// A program that prints the key, and its arguments. Empty means none.
    pub command: Vec<String>,
    pub file: PathBuf,
}

/// A server as the connect screen lists it, with the key that there is for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyListing {
    /// The name of the endpoint.
    pub server: String,
    /// The host and port, unless it is the built-in address.
    pub host: Option<String>,
    pub key: Option<LocatedKey>,
}

/// Where a key is, and the end of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedKey {
    pub place: KeyPlace,
    /// Its last four characters, if they are known and give nothing away.
    pub ending: Option<String>,
}

/// The place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// An environment variable.
    Variable(String),
    /// The output of this program, which is not run only to be shown.
    Command(String),
    /// The endpoint's own file, which only its owner can read.
    File,
}

/// A shorter key could be guessed from its end.
const MIN_LENGTH_FOR_ENDING: usize = 16;

/// Why a key cannot be read or saved.
///
/// The message is one sentence without a full stop and never contains the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key in {place} {what}; {hint}")]
    Invalid { place: String, what: &'static str, hint: &'static str },
    #[error("the key command {program} {what}")]
    Command { program: String, what: String },
    #[error("the key file {} {what}", path.display())]
    File { path: PathBuf, what: String },
}

/// How long a key command may take: enough to type a passphrase into a dialog.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

impl KeySources {
    /// Returns whether a key can be expected, without running a program or reading a file.
    pub fn may_have_key(&self, env: EnvLookup) -> bool {
        // Whatever is in the file's place: why it cannot be used is said when it is read.
        self.find_in_environment(env).is_some() || !self.command.is_empty() || self.file.exists()
    }

    /// Returns the key from the first place that has one. It may run a program, so do not call it on the loop's thread.
    ///
    /// # Errors
    /// Fails if a place exists but has no usable key. Later places are not tried then.
    pub fn find(&self, env: EnvLookup) -> Result<Option<SecretString>, KeyError> {
        if let Some((variable, key)) = self.find_in_environment(env) {
            return validated(&key, &format!("${variable}")).map(Some);
        }
        if let Some((program, arguments)) = self.command.split_first() {
            let printed = run_command(program, arguments, COMMAND_TIMEOUT)
                .map_err(|what| KeyError::Command { program: program.clone(), what })?;
            return validated(&printed, &format!("the output of {program}")).map(Some);
        }
        match files::read_to_string(&self.file) {
            Ok(key) => validated(&key, &self.file.display().to_string()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.file_error("cannot be read", &error)),
        }
    }

    /// Returns the place that takes precedence over the file, if any: the variable or the program.
    pub fn overriding_source(&self, env: EnvLookup) -> Option<String> {
        let variable = self.find_in_environment(env).map(|(variable, _)| format!("${variable}"));
        variable.or_else(|| self.command.first().cloned())
    }

    /// Returns where the key is, without running a program.
    pub fn locate(&self, env: EnvLookup) -> Option<LocatedKey> {
        let (place, key) = match (self.find_in_environment(env), self.command.first()) {
            (Some((variable, key)), _) => (KeyPlace::Variable(variable.to_owned()), Some(key)),
            (None, Some(program)) => (KeyPlace::Command(program.clone()), None),
            (None, None) if self.file.exists() => (KeyPlace::File, files::read_to_string(&self.file).ok()),
            (None, None) => return None,
        };
        Some(LocatedKey { place, ending: key.and_then(|key| key_ending(key.trim())) })
    }

    /// Removes the key from the endpoint's file, and returns whether there was one. A key of another place stays.
    ///
    /// # Errors
    /// Fails if the file cannot be removed.
    pub fn forget(&self) -> Result<bool, KeyError> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.file_error("cannot be removed", &error)),
        }
    }

    /// Saves a key in the endpoint's file, readable only by its owner.
    ///
    /// # Errors
    /// Fails if this cannot be a key or the file cannot be written.
    pub fn save(&self, key: &SecretString) -> Result<(), KeyError> {
        let key = validated(key.expose_secret(), "the field")?;
        files::write_atomically(&self.file, format!("{}\n", key.expose_secret()).as_bytes(), FileAccess::Owner)
            .map_err(|error| self.file_error("cannot be written", &error))
    }

    /// Returns the variable's name and value. An empty variable counts as unset.
    fn find_in_environment(&self, env: EnvLookup) -> Option<(&str, String)> {
        let variable = self.variable.as_deref()?;
        let key = env(variable)?.to_string_lossy().into_owned();
        (!key.trim().is_empty()).then_some((variable, key))
    }

    fn file_error(&self, what: &str, error: &io::Error) -> KeyError {
        KeyError::File { path: self.file.clone(), what: format!("{what} ({})", text::error_words(error)) }
    }
}

/// Returns the path of the file that stores an endpoint's key.
///
/// Characters that cannot be in a file name, such as the `:` of an address on Windows, are escaped.
pub fn key_file(folder: &Path, endpoint: &str) -> PathBuf {
    folder.join(endpoint.replace('%', "%25").replace(':', "%3A").replace(['/', '\\'], "%2F"))
}

/// Returns the last four characters of a key that is long enough to show them.
pub fn key_ending(key: &str) -> Option<String> {
    let is_long = key.is_ascii() && key.len() >= MIN_LENGTH_FOR_ENDING;
    is_long.then(|| key[key.len() - 4..].to_owned())
}

/// Trims a key and checks that it can be sent in a header.
fn validated(key: &str, place: &str) -> Result<SecretString, KeyError> {
    let unfit = |what, hint| KeyError::Invalid { place: place.to_owned(), what, hint };
    match key.trim() {
        "" => Err(unfit("is empty", "put the key there, or remove it")),
        key if key.contains(char::is_whitespace) => {
            Err(unfit("contains white space", "copy only the key, without a word before it or a line break"))
        }
        key if key.contains(['"', '\'']) => Err(unfit("contains quotation marks", "remove them")),
        key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(unfit("contains characters that cannot be in a key", "copy it again"))
        }
        key if key.len() > 8192 => Err(unfit("is longer than any key", "copy only the key")),
        key => Ok(SecretString::from(key)),
    }
}

/// Runs a program and returns the first line of its output.
///
/// Errors never include its standard output, but they do include its standard error.
fn run_command(program: &str, arguments: &[String], time_limit: Duration) -> Result<String, String> {
    const MAX_OUTPUT_BYTES: usize = 64 * 1024;
    let mut command = Command::new(program);
    command.args(arguments);
    let run = ProcessRun {
        command,
        input: None,
        stdout: BoundedOutput::new(MAX_OUTPUT_BYTES, 0),
        stderr: BoundedOutput::new(MAX_OUTPUT_BYTES, 0),
        time_limit,
        leftovers: LeftoverProcesses::Keep, // A password manager may have started its daemon.
    };
    let finished = run.run_blocking().map_err(|failure| match failure {
        ProcessFailure::Start(error) => format!("cannot be started ({})", text::error_words(&error)),
        ProcessFailure::TimedOut => format!("did not finish within {} seconds", time_limit.as_secs_f32()),
        ProcessFailure::Lost(error) => format!("was lost ({})", text::error_words(&error)),
    })?;
    let status = finished.status;
    if !status.success() {
        let complaint: String = first_line(finished.stderr).trim().chars().take(200).collect();
        return Err(if complaint.is_empty() { format!("failed ({status})") } else { format!("failed: {complaint}") });
    }
    let line = first_line(finished.stdout);
    if line.trim().is_empty() { Err("printed nothing".into()) } else { Ok(line) }
}

fn first_line(output: BoundedOutput) -> String {
    let bytes = output.into_bytes();
    String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_env(_: &str) -> Option<std::ffi::OsString> {
        None
    }

    fn shown(result: Result<Option<SecretString>, KeyError>) -> String {
        match result {
            Ok(Some(key)) => key.expose_secret().to_owned(),
            Ok(None) => "none".into(),
            Err(error) => format!("error: {error}"),
        }
    }

    fn sources(folder: &tempfile::TempDir, command: &[&str]) -> KeySources {
        KeySources {
            variable: Some("KEY".into()),
            command: command.iter().map(ToString::to_string).collect(),
            file: key_file(&folder.path().join("keys"), "work"),
        }
    }

    #[test]
    fn a_key_is_trimmed_and_an_invalid_one_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let find = |key: &'static str| shown(sources(&folder, &[]).find(&|_| Some(key.into())));
        assert_eq!(find(" sk-or-1\r\n"), "sk-or-1");
        assert_eq!(find("  "), "none");
        assert_eq!(
            find("Bearer sk-secret"),
            "error: the key in $KEY contains white space; copy only the key, without a word before it or a line break"
        );
        assert_eq!(find("\"sk-secret\""), "error: the key in $KEY contains quotation marks; remove them");
        assert_eq!(
            find("sk-sécret"),
            "error: the key in $KEY contains characters that cannot be in a key; copy it again"
        );
    }

    #[test]
    fn a_saved_key_is_found_after_all_other_sources() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sources = sources(&folder, &[]);
        assert_eq!((shown(sources.find(&empty_env)), sources.may_have_key(&empty_env)), ("none".into(), false));
        sources.save(&SecretString::from(" sk-kept\n")).expect("a saved key");
        assert_eq!((shown(sources.find(&empty_env)), sources.may_have_key(&empty_env)), ("sk-kept".into(), true));
        assert_eq!(shown(sources.find(&|_| Some("sk-env".into()))), "sk-env");
        sources.save(&SecretString::from("a b")).expect_err("this is not a key");
        assert_eq!(shown(sources.find(&empty_env)), "sk-kept");
    }

    #[test]
    fn a_key_file_that_is_a_folder_gives_a_one_sentence_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let places = KeySources { variable: None, command: vec![], file: folder.path().to_owned() };
        let message = shown(places.find(&empty_env));
        assert!(
            message.starts_with(&format!("error: the key file {} cannot be read (", folder.path().display())),
            "{message}"
        );
        assert!(!message.contains("os error"), "{message}");
        assert!(places.may_have_key(&empty_env), "it is not taken for a missing key");
    }

    #[test]
    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "a test makes a pipe")]
    fn a_pipe_in_the_place_of_a_key_file_is_said_and_not_taken_for_a_missing_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sources = sources(&folder, &[]);
        std::fs::create_dir(folder.path().join("keys")).expect("a folder");
        assert!(std::process::Command::new("mkfifo").arg(&sources.file).status().is_ok_and(|made| made.success()));
        assert!(sources.may_have_key(&empty_env));
        let in_file = Some(LocatedKey { place: KeyPlace::File, ending: None });
        assert_eq!(sources.locate(&empty_env), in_file);
        let message = shown(sources.find(&empty_env));
        assert!(message.ends_with("/keys/work cannot be read (it is a pipe, not a file)"), "{message}");
    }

    #[test]
    fn a_key_is_located_by_its_end_and_forgotten_only_in_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sources = sources(&folder, &[]);
        assert_eq!(sources.locate(&empty_env), None);
        sources.save(&SecretString::from("sk-or-v1-0123456789abcdef")).expect("a saved key");
        let in_file = Some(LocatedKey { place: KeyPlace::File, ending: Some("cdef".into()) });
        assert_eq!(sources.locate(&empty_env), in_file);
        let short: EnvLookup = &|_| Some("sk-short".into());
        let in_variable = Some(LocatedKey { place: KeyPlace::Variable("KEY".into()), ending: None });
        assert_eq!(sources.locate(short), in_variable, "the end of a short key is not shown");
        sources.forget().expect("the key is removed");
        sources.forget().expect("there is nothing left to remove");
        assert_eq!((sources.locate(&empty_env), sources.locate(short)), (None, in_variable));
    }

    #[test]
    fn a_name_cannot_escape_the_folder() {
        assert_eq!(key_file(Path::new("keys"), "localhost:8080"), Path::new("keys/localhost%3A8080"));
        assert_eq!(key_file(Path::new("keys"), "../a\\b%"), Path::new("keys/..%2Fa%2Fb%25"));
    }

    #[cfg(unix)]
    mod command {
        use std::time::Instant;

        use crate::keys::tests::*;

        #[test]
        fn the_first_line_is_the_key_and_no_shell_reads_the_arguments() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let find = |command: &[&str]| shown(sources(&folder, command).find(&empty_env));
            assert_eq!(find(&["printf", "%s\nsecond line\n", "sk-$HOME;x"]), "sk-$HOME;x");
            assert_eq!(find(&["printf", "sk-no-newline"]), "sk-no-newline");
        }

        #[test]
        fn a_command_without_a_key_reports_why_and_the_file_is_not_tried() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            sources(&folder, &[]).save(&SecretString::from("sk-kept")).expect("a saved key");
            let find = |command: &[&str]| shown(sources(&folder, command).find(&empty_env));
            assert_eq!(find(&["true"]), "error: the key command true printed nothing");
            assert_eq!(
                find(&["sh", "-c", "echo sk-secret; echo not in the store >&2; exit 3"]),
                "error: the key command sh failed: not in the store"
            );
            assert_eq!(find(&["false"]), "error: the key command false failed (exit status: 1)");
            assert_eq!(
                find(&["/nowhere/pass"]),
                "error: the key command /nowhere/pass cannot be started (no such file or directory)"
            );
            assert_eq!(
                find(&["echo", "Password: sk-secret"]),
                "error: the key in the output of echo contains white space; copy only the key, without a word before it or a line break"
            );
        }

        #[test]
        fn a_command_that_does_not_end_is_killed_at_the_limit() {
            let begun = Instant::now();
            let result = run_command("sleep", &["60".into()], Duration::from_millis(50));
            assert_eq!(result, Err("did not finish within 0.05 seconds".into()));
            assert!(begun.elapsed() < Duration::from_secs(30));
        }

        #[test]
        fn a_command_that_prints_more_than_a_pipe_holds_still_ends() {
            let script = "echo sk-1; i=0; while [ $i -lt 3000 ]; do echo a line of more than forty characters, again; i=$((i+1)); done";
            let result = run_command("sh", &["-c".into(), script.into()], Duration::from_secs(30));
            assert_eq!(result.as_deref(), Ok("sk-1"));
        }
    }
}
