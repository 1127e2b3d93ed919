//! API keys: where they come from, and the file that keeps one.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::Env,
    files::{self, Readers},
    processes,
};

/// The places of one endpoint's key, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// An environment variable.
    pub variable: Option<String>,
    /// A program and its arguments; empty is none.
    pub command: Vec<String>,
    pub file: PathBuf,
}

/// Why a key cannot be had or kept, in one sentence without a full stop; never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key in {place} {what}; {hint}")]
    Unfit { place: String, what: &'static str, hint: &'static str },
    #[error("the key command {program} {what}")]
    Command { program: String, what: String },
    #[error("the key file {} {what}", path.display())]
    File { path: PathBuf, what: String },
}

/// How long a key command may take: long enough to type a passphrase in a window.
const LIMIT: Duration = Duration::from_secs(10);

impl Places {
    /// Whether a key is to be expected, without running a program or reading a file.
    pub fn promise(&self, env: Env) -> bool {
        self.in_environment(env).is_some() || !self.command.is_empty() || self.file.is_file()
    }

    /// The first key there is. It may run a program, so not on the loop's thread.
    ///
    /// # Errors
    /// A place that is there gives no usable key; the later ones are not asked then.
    pub fn find(&self, env: Env) -> Result<Option<SecretString>, Error> {
        if let Some((variable, key)) = self.in_environment(env) {
            return sane(&key, &format!("${variable}")).map(Some);
        }
        if let Some((program, arguments)) = self.command.split_first() {
            let printed =
                run(program, arguments, LIMIT).map_err(|what| Error::Command { program: program.clone(), what })?;
            return sane(&printed, &format!("what {program} printed")).map(Some);
        }
        match fs::read_to_string(&self.file) {
            Ok(key) => sane(&key, &self.file.display().to_string()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.file_error("cannot be read", &error)),
        }
    }

    /// What is asked for a key before the file is: the variable that has one, or a program.
    pub fn before_the_file(&self, env: Env) -> Option<String> {
        let variable = self.in_environment(env).map(|(variable, _)| format!("${variable}"));
        variable.or_else(|| self.command.first().cloned())
    }

    /// Keeps a key in the file of the endpoint, readable by its owner only.
    ///
    /// # Errors
    /// It is no key, or the file cannot be written.
    pub fn save(&self, key: &SecretString) -> Result<(), Error> {
        let key = sane(key.expose_secret(), "the field")?;
        files::replace(&self.file, format!("{}\n", key.expose_secret()).as_bytes(), Readers::Owner)
            .map_err(|error| self.file_error("cannot be written", &error))
    }

    /// An empty variable counts as unset.
    fn in_environment(&self, env: Env) -> Option<(&str, String)> {
        let variable = self.variable.as_deref()?;
        let key = env(variable)?.to_string_lossy().into_owned();
        (!key.trim().is_empty()).then_some((variable, key))
    }

    fn file_error(&self, what: &str, error: &io::Error) -> Error {
        Error::File { path: self.file.clone(), what: format!("{what} ({error})") }
    }
}

/// The file that keeps the key of an endpoint. A `:` (of an address used as a name) is no file name on Windows.
pub fn file(folder: &Path, endpoint: &str) -> PathBuf {
    folder.join(endpoint.replace('%', "%25").replace(':', "%3A").replace(['/', '\\'], "%2F"))
}

/// A key fit for a header: what surrounds it is cut off, what cannot be in one is refused.
fn sane(key: &str, place: &str) -> Result<SecretString, Error> {
    let unfit = |what, hint| Error::Unfit { place: place.to_owned(), what, hint };
    match key.trim() {
        "" => Err(unfit("is empty", "put the key there, or remove the place")),
        key if key.contains(char::is_whitespace) => {
            Err(unfit("has white space in it", "copy the key alone, without a word before it or a line break"))
        }
        key if key.contains(['"', '\'']) => Err(unfit("has quotation marks in it", "take them away")),
        key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(unfit("has characters in it that no key has", "copy it once more"))
        }
        key if key.len() > 8192 => Err(unfit("is longer than any key", "copy the key alone")),
        key => Ok(SecretString::from(key)),
    }
}

/// The first line that a program prints. What it printed is in no error, what it complained of is.
fn run(program: &str, arguments: &[String], limit: Duration) -> Result<String, String> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be started ({error})"))?;
    let line = child.stdout.take().map(first_line);
    let complaint = child.stderr.take().map(first_line);
    let late = || format!("did not end within {} seconds", limit.as_secs_f32());
    let receive = |lines: Option<mpsc::Receiver<String>>| {
        lines?.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    };
    let Ok(status) = processes::wait_until(&mut child, deadline) else { return Err(late()) };
    if !status.success() {
        let complaint = receive(complaint).unwrap_or_default();
        let complaint: String = complaint.trim().chars().take(200).collect();
        return Err(if complaint.is_empty() { format!("failed ({status})") } else { format!("failed: {complaint}") });
    }
    match receive(line) {
        Some(line) if !line.trim().is_empty() => Ok(line),
        Some(_) => Err("printed nothing".into()),
        // Something that it left behind holds its output open, and it printed no whole line.
        None => Err(late()),
    }
}

/// The first line of a stream, when it is there; the rest is read away so that the program can end.
fn first_line(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (found, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        let read = stream.by_ref().take(64 * 1024).read_until(b'\n', &mut bytes);
        if read.is_ok() {
            let _ = found.send(String::from_utf8_lossy(&bytes).into_owned()); // It may be too late.
        }
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere(_: &str) -> Option<std::ffi::OsString> {
        None
    }

    fn shown(result: Result<Option<SecretString>, Error>) -> String {
        match result {
            Ok(Some(key)) => key.expose_secret().to_owned(),
            Ok(None) => "none".into(),
            Err(error) => format!("error: {error}"),
        }
    }

    fn places(folder: &tempfile::TempDir, command: &[&str]) -> Places {
        Places {
            variable: Some("KEY".into()),
            command: command.iter().map(ToString::to_string).collect(),
            file: file(&folder.path().join("keys"), "work"),
        }
    }

    #[test]
    fn a_key_is_trimmed_and_one_that_cannot_be_is_refused_without_being_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let find = |key: &'static str| shown(places(&folder, &[]).find(&|_| Some(key.into())));
        assert_eq!(find(" sk-or-1\r\n"), "sk-or-1");
        assert_eq!(find("  "), "none");
        assert_eq!(
            find("Bearer sk-secret"),
            "error: the key in $KEY has white space in it; copy the key alone, without a word before it or a line break"
        );
        assert_eq!(find("\"sk-secret\""), "error: the key in $KEY has quotation marks in it; take them away");
        assert_eq!(find("sk-sécret"), "error: the key in $KEY has characters in it that no key has; copy it once more");
    }

    #[test]
    fn a_key_is_kept_found_after_all_other_places() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kept = places(&folder, &[]);
        assert_eq!((shown(kept.find(&nowhere)), kept.promise(&nowhere)), ("none".into(), false));
        kept.save(&SecretString::from(" sk-kept\n")).expect("a saved key");
        assert_eq!((shown(kept.find(&nowhere)), kept.promise(&nowhere)), ("sk-kept".into(), true));
        assert_eq!(shown(kept.find(&|_| Some("sk-env".into()))), "sk-env");
        kept.save(&SecretString::from("a b")).expect_err("this is no key");
        assert_eq!(shown(kept.find(&nowhere)), "sk-kept");
    }

    #[test]
    fn a_key_file_that_is_a_folder_is_one_sentence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let places = Places { variable: None, command: vec![], file: folder.path().to_owned() };
        let said = shown(places.find(&nowhere));
        assert!(
            said.starts_with(&format!("error: the key file {} cannot be read (", folder.path().display())),
            "{said}"
        );
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        assert_eq!(file(Path::new("keys"), "localhost:8080"), Path::new("keys/localhost%3A8080"));
        assert_eq!(file(Path::new("keys"), "../a\\b%"), Path::new("keys/..%2Fa%2Fb%25"));
    }

    #[cfg(unix)]
    mod command {
        use super::*;

        #[test]
        fn the_first_line_is_the_key_and_no_shell_reads_the_arguments() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let find = |command: &[&str]| shown(places(&folder, command).find(&nowhere));
            assert_eq!(find(&["printf", "%s\nsecond line\n", "sk-$HOME;x"]), "sk-$HOME;x");
            assert_eq!(find(&["printf", "sk-no-newline"]), "sk-no-newline");
        }

        #[test]
        fn a_command_that_gives_no_key_says_why_and_the_file_is_not_asked_instead() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            places(&folder, &[]).save(&SecretString::from("sk-kept")).expect("a saved key");
            let find = |command: &[&str]| shown(places(&folder, command).find(&nowhere));
            assert_eq!(find(&["true"]), "error: the key command true printed nothing");
            assert_eq!(
                find(&["sh", "-c", "echo sk-secret; echo not in the store >&2; exit 3"]),
                "error: the key command sh failed: not in the store"
            );
            assert_eq!(find(&["false"]), "error: the key command false failed (exit status: 1)");
            assert_eq!(
                find(&["/nowhere/pass"]),
                "error: the key command /nowhere/pass cannot be started (No such file or directory (os error 2))"
            );
            assert_eq!(
                find(&["echo", "Password: sk-secret"]),
                "error: the key in what echo printed has white space in it; copy the key alone, without a word before it or a line break"
            );
        }

        #[test]
        fn a_command_that_does_not_end_is_killed_at_the_limit() {
            let begun = Instant::now();
            let result = run("sleep", &["60".into()], Duration::from_millis(50));
            assert_eq!(result, Err("did not end within 0.05 seconds".into()));
            assert!(begun.elapsed() < Duration::from_secs(30));
        }

        #[test]
        fn a_command_that_prints_more_than_a_pipe_holds_ends_all_the_same() {
            let script = "echo sk-1; i=0; while [ $i -lt 3000 ]; do echo a line of more than forty characters, again; i=$((i+1)); done";
            let result = run("sh", &["-c".into(), script.into()], Duration::from_secs(30));
            assert_eq!(result.as_deref(), Ok("sk-1\n"));
        }
    }
}
