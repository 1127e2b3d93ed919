//! The reader's own editor, on a file that nobody else can read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::process::{Child, Command};

/// An editor at work.
#[derive(Debug)]
pub struct Editor {
    /// What was started, for a complaint.
    program: String,
    child: Child,
    draft: Draft,
}

/// A text in a folder of its own, gone when this is dropped.
#[derive(Debug)]
struct Draft {
    folder: PathBuf,
}

impl Editor {
    /// Starts the program that `$VISUAL` or `$EDITOR` names on a text.
    ///
    /// # Errors
    /// In one sentence: there is no such program, or no room for the file.
    pub fn open(program: &str, text: &str) -> Result<Self, String> {
        let draft = Draft::write(text).map_err(|error| format!("no file for the editor: {error}"))?;
        let child = command(program, &draft.file())
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_start(program, &error.to_string()))?;
        Ok(Self { program: program.to_owned(), child, draft })
    }

    /// The text as it was saved, once the editor has closed.
    ///
    /// # Errors
    /// In one sentence: the editor failed, or its file cannot be read.
    pub async fn closed(&mut self) -> Result<String, String> {
        let status = self.child.wait().await.map_err(|error| format!("{} was lost: {error}", self.program))?;
        if !status.success() {
            return Err(self.failed(status));
        }
        let text = fs::read(self.draft.file()).map_err(|error| format!("the edited text cannot be read: {error}"))?;
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        // Editors end the last line; a prompt does not.
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    fn failed(&self, status: ExitStatus) -> String {
        match status.code() {
            Some(126 | 127) => cannot_start(&self.program, "no such program"),
            _ => format!("{} failed ({status}): the draft is as it was", self.program),
        }
    }
}

/// The editor that the environment names, else the one that is always there.
pub fn program(env: impl Fn(&str) -> Option<String>) -> String {
    let named = |name: &str| env(name).filter(|program| !program.trim().is_empty());
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| usual.to_owned())
}

fn cannot_start(program: &str, why: &str) -> String {
    format!("the editor {program} cannot be started ({why}); set $VISUAL or $EDITOR")
}

/// The variable may hold arguments and quotes: a shell knows what they mean.
#[cfg(unix)]
fn command(program: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{program} \"$1\"")).arg("ibid").arg(file);
    command
}

#[cfg(not(unix))]
fn command(program: &str, file: &Path) -> Command {
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words).arg(file);
    command
}

impl Draft {
    fn write(text: &str) -> io::Result<Self> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("ibid-{:016x}", u64::from_be_bytes(name)));
        private_folder(&folder)?;
        let draft = Self { folder };
        private_file(&draft.file())?.write_all(text.as_bytes())?;
        Ok(draft)
    }

    /// Its name tells editors that it is Markdown.
    fn file(&self) -> PathBuf {
        self.folder.join("prompt.md")
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // The system cleans what is left.
    }
}

/// Fails where something of that name is there already.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visual_wins_over_editor_and_an_empty_one_counts_as_unset() {
        let program = |set: &'static [(&str, &str)]| {
            program(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(program(&[("VISUAL", "code -w"), ("EDITOR", "nano")]), "code -w");
        assert_eq!(program(&[("VISUAL", " "), ("EDITOR", "nano")]), "nano");
        assert_eq!(program(&[]), if cfg!(windows) { "notepad" } else { "vi" });
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_text_comes_back_as_the_editor_left_it_and_its_file_is_private_and_gone() {
        use std::os::unix::fs::PermissionsExt;
        let mut editor = Editor::open("printf ' and more\\n' >>", "a draft").unwrap();
        let folder = editor.draft.folder.clone();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&editor.draft.file())), (0o700, 0o600));
        assert_eq!(editor.closed().await, Ok("a draft and more".to_owned()));
        drop(editor);
        assert!(!folder.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_editor_that_fails_says_so_and_what_to_do() {
        let mut missing = Editor::open("/nowhere/no-such-editor", "a draft").unwrap();
        assert_eq!(
            missing.closed().await,
            Err("the editor /nowhere/no-such-editor cannot be started (no such program); set $VISUAL or $EDITOR".into())
        );
        let mut failing = Editor::open("exit 3;", "a draft").unwrap();
        assert_eq!(failing.closed().await, Err("exit 3; failed (exit status: 3): the draft is as it was".into()));
    }
}
