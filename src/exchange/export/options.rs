//! What can be chosen about an export.

use crate::chat::MessageId;
pub use crate::exchange::portable::{ExportDensity, ExportScope};

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportForm {
    #[default]
    Markdown,
    /// A page that needs nothing else.
    Html,
    /// ibid's own form, which is read back without loss.
    Json,
    PlainText,
}

/// Which messages are exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ExportedPart {
    /// Every message with all its versions.
    Tree,
    /// The messages on the screen.
    #[default]
    Branch,
    /// One answer; `None` is the newest of the branch.
    Answer(Option<MessageId>),
    /// What is selected, in the order of the branch.
    Selection(Vec<SelectedText>),
}

/// What is selected of a message, as Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedText {
    pub message: MessageId,
    pub markdown: String,
}

/// What becomes of what looks like a secret. The keys that ibid uses are masked in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretHandling {
    #[default]
    Keep,
    Mask,
}

/// What was chosen about an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportOptions {
    pub form: ExportForm,
    pub part: ExportedPart,
    pub density: ExportDensity,
    pub secrets: SecretHandling,
}

impl ExportForm {
    pub const ALL: [Self; 4] = [Self::Markdown, Self::Html, Self::Json, Self::PlainText];

    /// The name after `--format` and `/export`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Json => "json",
            Self::PlainText => "txt",
        }
    }

    /// The name in full.
    pub fn title(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Html => "a web page",
            Self::Json => "JSON",
            Self::PlainText => "plain text",
        }
    }

    /// The scope of an export for which none was chosen.
    pub fn usual_scope(self) -> ExportScope {
        match self {
            Self::Json => ExportScope::Tree,
            Self::Markdown | Self::Html | Self::PlainText => ExportScope::Branch,
        }
    }

    /// Whether `ibid import` reads it.
    pub fn is_importable(self) -> bool {
        matches!(self, Self::Json | Self::Html)
    }

    /// Finds a form by its name or by the extension of a file.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" => Self::Html,
            "json" => Self::Json,
            "txt" | "text" | "plain" => Self::PlainText,
            _ => return None,
        })
    }

    /// Returns the form that the name of a file asks for.
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next()?;
        Self::from_name(name.rsplit_once('.')?.1)
    }
}

impl ExportedPart {
    pub fn scope(&self) -> ExportScope {
        match self {
            Self::Tree => ExportScope::Tree,
            Self::Branch => ExportScope::Branch,
            Self::Answer(_) => ExportScope::Answer,
            Self::Selection(_) => ExportScope::Selection,
        }
    }
}

impl ExportScope {
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Tree, Self::Branch, Self::Answer, Self::Selection].into_iter().find(|scope| scope.name() == name)
    }

    /// The name after `--scope`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Branch => "branch",
            Self::Answer => "answer",
            Self::Selection => "selection",
        }
    }

    /// The scope in words, for the document.
    pub fn title(self) -> &'static str {
        match self {
            Self::Tree => "the whole tree",
            Self::Branch => "the active branch",
            Self::Answer => "one answer",
            Self::Selection => "a selection",
        }
    }
}

impl ExportDensity {
    pub const ALL: [Self; 3] = [Self::Full, Self::Answers, Self::Prompts];

    /// The name after `--density`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Answers => "answers",
            Self::Prompts => "prompts",
        }
    }

    /// The density in words, for the document.
    pub fn title(self) -> &'static str {
        match self {
            Self::Full => "everything",
            Self::Answers => "prompts and answers",
            Self::Prompts => "prompts",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|density| density.name() == name)
    }
}

/// Returns the name of a file for a conversation: its title in lower case, the words joined by hyphens.
pub fn file_stem(title: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut stem = String::new();
    for char in title.chars() {
        if char.is_alphanumeric() {
            stem.extend(char.to_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
        if stem.chars().count() >= MAX_CHARS {
            break;
        }
    }
    let stem = stem.trim_matches('-');
    if stem.is_empty() { "conversation".into() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_the_title() {
        for (title, stem) in [
            ("SQLite on NFS: is WAL safe?", "sqlite-on-nfs-is-wal-safe"),
            ("../../etc/passwd", "etc-passwd"),
            ("「日本語」の題名", "日本語-の題名"),
            ("<script>", "script"),
            ("…", "conversation"),
        ] {
            assert_eq!(file_stem(title), stem);
        }
        assert_eq!(file_stem(&"word ".repeat(40)).chars().count(), 59);
    }

    #[test]
    fn a_form_is_known_by_its_name_and_by_the_name_of_a_file() {
        for form in ExportForm::ALL {
            assert_eq!(ExportForm::from_name(form.name()), Some(form));
            assert_eq!(ExportForm::of_path(&format!("~/a.b/notes.{}", form.name())), Some(form));
        }
        assert_eq!((ExportForm::of_path("a.md/notes"), ExportForm::from_name("pdf")), (None, None));
    }
}
