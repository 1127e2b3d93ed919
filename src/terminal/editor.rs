//! The user's editor, working on a file that nobody else can read.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use tokio::process::{Child, Command};

use crate::{files, processes, text};

/// A running editor.
#[derive(Debug)]
pub struct ExternalEditor {
    /// The command that was started, for error messages.
    program: String,
    child: Child,
    draft: DraftFile,
}

/// A text file in its own folder, deleted when this is dropped.
#[derive(Debug)]
struct DraftFile {
    folder: PathBuf,
}

impl ExternalEditor {
    /// Opens a text in the editor named by `$VISUAL` or `$EDITOR`.
    ///
    /// # Errors
    /// One sentence: there is no such program, or the file cannot be created.
    pub fn open(program: &str, text: &str) -> Result<Self, String> {
        let draft = DraftFile::write(text)
            .map_err(|error| format!("cannot create a file for the editor: {}", text::error_words(&error)))?;
        let child = processes::start_in_terminal(editor_process(program, &draft.path()))
            .map_err(|error| start_error(program, &text::error_words(&error)))?;
        Ok(Self { program: program.to_owned(), child, draft })
    }

    /// Waits for the editor to close and returns the saved text.
    ///
    /// # Errors
    /// One sentence: the editor failed, or its file cannot be read.
    pub async fn edited_text(&mut self) -> Result<String, String> {
        let status = self
            .child
            .wait()
            .await
            .map_err(|error| format!("cannot wait for {}: {}", self.program, text::error_words(&error)))?;
        if !status.success() {
            return Err(self.failure_message(status));
        }
        let text = files::read(&self.draft.path())
            .map_err(|error| format!("the edited text cannot be read: {}", text::error_words(&error)))?;
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        // Editors end the last line with a newline; a prompt has none.
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    fn failure_message(&self, status: ExitStatus) -> String {
        match status.code() {
            Some(126 | 127) => start_error(&self.program, "no such program"),
            _ => format!("{} failed ({status}): the draft is unchanged", self.program),
        }
    }
}

/// Returns the editor named by the environment, else the one every system has.
pub fn editor_command(env: impl Fn(&str) -> Option<String>) -> String {
    let named = |name: &str| env(name).filter(|program| !program.trim().is_empty());
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| usual.to_owned())
}

fn start_error(program: &str, why: &str) -> String {
    format!("the editor {program} cannot be started ({why}); set $VISUAL or $EDITOR")
}

/// Builds the command with a shell, because the variable may contain arguments and quotes.
#[cfg(unix)]
fn editor_process(program: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{program} \"$1\"")).arg("ibid").arg(file);
    command
}

#[cfg(not(unix))]
fn editor_process(program: &str, file: &Path) -> Command {
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words).arg(file);
    command
}

impl DraftFile {
    fn write(text: &str) -> io::Result<Self> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("ibid-{:016x}", u64::from_be_bytes(name)));
        files::create_new_folder(&folder)?;
        let draft = Self { folder };
        files::write_new(&draft.path(), text.as_bytes())?;
        Ok(draft)
    }

    /// The path of the file; its extension makes editors treat it as Markdown.
    fn path(&self) -> PathBuf {
        self.folder.join("prompt.md")
    }
}

impl Drop for DraftFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // The system cleans up what is left.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visual_wins_over_editor_and_an_empty_one_counts_as_unset() {
        let program = |set: &'static [(&str, &str)]| {
            editor_command(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(program(&[("VISUAL", "code -w"), ("EDITOR", "nano")]), "code -w");
        assert_eq!(program(&[("VISUAL", " "), ("EDITOR", "nano")]), "nano");
        assert_eq!(program(&[]), if cfg!(windows) { "notepad" } else { "vi" });
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_edited_text_is_returned_and_its_private_file_is_deleted() {
        use std::os::unix::fs::PermissionsExt;
        let mut editor = ExternalEditor::open("printf ' and more\\n' >>", "a draft").unwrap();
        let folder = editor.draft.folder.clone();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&editor.draft.path())), (0o700, 0o600));
        assert_eq!(editor.edited_text().await, Ok("a draft and more".to_owned()));
        drop(editor);
        assert!(!folder.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_editor_that_fails_says_so_and_what_to_do() {
        let mut missing = ExternalEditor::open("/nowhere/no-such-editor", "a draft").unwrap();
        assert_eq!(
            missing.edited_text().await,
            Err("the editor /nowhere/no-such-editor cannot be started (no such program); set $VISUAL or $EDITOR".into())
        );
        let mut failing = ExternalEditor::open("exit 3;", "a draft").unwrap();
        assert_eq!(failing.edited_text().await, Err("exit 3; failed (exit status: 3): the draft is unchanged".into()));
    }
}
