//! The lines of the connect screen, as many as fit.

use ratatui::{
    style::{Style, Stylize},
    text::{Line, Span},
};

use super::{ConnectView, connect_rows};
use crate::{
    render::theme::ColourRole,
    text::{self, wrap::WrapOptions},
    ui::{
        Action,
        connect::{ConnectChoice, ConnectProgress, ConnectRow, ConnectStage},
        key_hints::styled_line,
        keymap::KeyContext,
    },
};

/// How much is left out on a small screen; each level also leaves out everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TrimLevel {
    Nothing,
    /// The blank rows between the choices.
    ChoiceGaps,
    /// The servers that are not running.
    AbsentServers,
    /// The footnote, and its mark beside the logo.
    Footnote,
    Logo,
    Tagline,
    Question,
    /// The blank rows between the parts.
    Gaps,
}

pub(super) enum ConnectLine<'a> {
    Text(Line<'a>),
    Row(ConnectRow),
    Rule,
    Field,
}

const LOGO: [&str; 4] = ["▗▖ ▗▖    ▗▖   ▗▖", "▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌", "▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌", "▐▌ ▐▙▄▛  ▐▌▝▙▄█▌"];
const TAGLINE: &str = "Every model in your terminal, every answer with its sources.";
const QUESTION: &str = "How do you want to connect?";
const FOOTNOTE_NAME: &str = "ibid., ";
const FOOTNOTE: &str = "in the same place: what a footnote says when the source is the one above.";
/// How much of the footnote is in italics.
const FOOTNOTE_ITALICS: usize = "in the same place".len();

/// Lines being collected, with what decides about them.
pub(super) struct ConnectLines<'a> {
    pub(super) lines: Vec<ConnectLine<'a>>,
    level: TrimLevel,
    pub(super) width: usize,
}

impl<'a> ConnectLines<'a> {
    pub(super) fn push_gap(&mut self) {
        if self.level < TrimLevel::Gaps && !self.lines.is_empty() {
            self.lines.push(ConnectLine::Text(Line::default()));
        }
    }

    /// Whether what is nice to know has a place.
    pub(super) fn has_room_for_details(&self) -> bool {
        self.level < TrimLevel::Gaps
    }

    pub(super) fn push_text(&mut self, line: Line<'a>) {
        self.lines.push(ConnectLine::Text(line));
    }

    pub(super) fn push_wrapped(&mut self, words: &str, style: Style) {
        for piece in wrapped(words, self.width, self.width) {
            self.push_text(styled_line(piece, style));
        }
    }
}

impl ConnectView<'_> {
    /// Returns the most complete lines that fit, from a level on.
    pub(super) fn fitting_lines(&self, from: TrimLevel, width: usize, height: u16) -> Vec<ConnectLine<'_>> {
        let levels = [
            TrimLevel::Nothing,
            TrimLevel::ChoiceGaps,
            TrimLevel::AbsentServers,
            TrimLevel::Footnote,
            TrimLevel::Logo,
            TrimLevel::Tagline,
            TrimLevel::Question,
            TrimLevel::Gaps,
        ];
        let mut lines = Vec::new();
        for level in levels.into_iter().filter(|level| *level >= from) {
            lines = self.lines_at_level(level, width);
            if lines.len() <= usize::from(height) {
                break;
            }
        }
        lines
    }

    fn lines_at_level(&self, level: TrimLevel, width: usize) -> Vec<ConnectLine<'_>> {
        let mut list = ConnectLines { lines: Vec::new(), level, width };
        if self.is_welcome() {
            self.push_head(&mut list);
        }
        if let Some(stage) = self.connect.sign_in() {
            self.push_sign_in(stage, &mut list);
        } else if self.connect.is_typing() {
            self.push_field(&mut list);
        } else {
            self.push_choices(&mut list);
            self.push_keys(&mut list);
            self.push_local_servers(&mut list);
            if let Some((words, style)) = self.message() {
                list.push_gap();
                list.push_wrapped(&words, style);
            }
        }
        if self.is_welcome() && level < TrimLevel::Footnote {
            self.push_footnote(&mut list);
        }
        list.lines
    }

    fn push_head<'a>(&'a self, list: &mut ConnectLines<'a>) {
        if list.level < TrimLevel::Logo {
            let has_footnote = list.level < TrimLevel::Footnote;
            self.logo(has_footnote).into_iter().for_each(|line| list.push_text(line));
            list.push_gap();
        }
        if list.level < TrimLevel::Tagline {
            list.push_wrapped(TAGLINE, self.theme.style(ColourRole::Text).bold());
            list.push_gap();
        }
    }

    fn push_choices<'a>(&'a self, list: &mut ConnectLines<'a>) {
        if list.level < TrimLevel::Question {
            list.push_wrapped(QUESTION, self.theme.style(ColourRole::Text));
            list.push_gap();
        }
        for choice in ConnectChoice::ALL {
            if list.level < TrimLevel::ChoiceGaps && choice != ConnectChoice::SignIn {
                list.push_gap();
            }
            list.lines.push(ConnectLine::Row(ConnectRow::Choice(choice)));
        }
    }

    fn push_keys<'a>(&'a self, list: &mut ConnectLines<'a>) {
        let count = self.connect.listed.keys.len();
        if count == 0 {
            return;
        }
        list.push_gap();
        list.push_text(self.keys_heading(list.width));
        list.lines.extend((0..count).map(|index| ConnectLine::Row(ConnectRow::Key(index))));
    }

    fn keys_heading(&self, width: usize) -> Line<'_> {
        let heading = format!("{:<column$}", "Keys", column = self.place_column(width));
        Line::from(vec![
            Span::styled(heading, self.theme.style(ColourRole::Text)).bold(),
            Span::styled(
                if connect_rows::has_places(width) { "kept in" } else { "" },
                self.theme.style(ColourRole::Muted),
            ),
        ])
    }

    fn push_local_servers<'a>(&'a self, list: &mut ConnectLines<'a>) {
        let listed = &self.connect.listed;
        let is_shown = |index: &usize| {
            list.level < TrimLevel::AbsentServers
                || listed.local.get(*index).is_some_and(|local| local.port().is_some())
        };
        let shown: Vec<usize> = (0..listed.local.len()).filter(is_shown).collect();
        if shown.is_empty() {
            return;
        }
        list.push_gap();
        if !self.is_welcome() && list.level < TrimLevel::AbsentServers {
            list.lines.push(ConnectLine::Rule);
        }
        if list.level < TrimLevel::Question {
            self.push_local_note(list);
        }
        let wide_from = if self.is_welcome() { TrimLevel::ChoiceGaps } else { TrimLevel::AbsentServers };
        if list.level < wide_from {
            list.push_gap();
        }
        list.lines.extend(shown.into_iter().map(|index| ConnectLine::Row(ConnectRow::Local(index))));
    }

    /// Adds what the search on this machine has found so far.
    fn push_local_note<'a>(&'a self, list: &mut ConnectLines<'a>) {
        let listed = &self.connect.listed;
        let (muted, accent) = (self.theme.style(ColourRole::Muted), self.theme.style(ColourRole::Accent));
        let (before, key, after) = if listed.has_found() {
            ("Found on this machine just now. ", self.theme.marks.enter.to_owned(), " on one uses it.")
        } else if listed.is_looking() {
            ("Looking for servers on this machine", self.theme.marks.ellipsis.to_owned(), "")
        } else {
            let key = self.keymap.keys_for(KeyContext::Connect, Action::LookAgain).unwrap_or_default();
            ("No server is running on this machine. Start one, then press ", key, " to look again.")
        };
        let is_key = !after.is_empty();
        let words = format!("{before}{key}{after}");
        if is_key && text::width(&words) <= list.width {
            let spans = [(before.to_owned(), muted), (key, accent), (after.to_owned(), muted)];
            list.push_text(Line::from_iter(spans.map(|(words, style)| Span::styled(words, style))));
        } else {
            list.push_wrapped(&words, muted);
        }
    }

    fn push_field<'a>(&'a self, list: &mut ConnectLines<'a>) {
        let (title, advice) = match &self.connect.stage {
            ConnectStage::Address(_) => (
                "The address of the server".to_owned(),
                "For example http://localhost:11434/v1. Without a path, /v1 is added.".to_owned(),
            ),
            ConnectStage::Key { title, .. } if title == "OpenRouter" => (
                "Paste your OpenRouter key".to_owned(),
                "Create one at openrouter.ai/keys. It is stored in a file only you can read.".to_owned(),
            ),
            ConnectStage::Key { title, .. } => (
                format!("The key for {}", text::clean(title)),
                "It is stored in a file only you can read, and sent only to this server.".to_owned(),
            ),
            ConnectStage::SignIn(_) | ConnectStage::Choosing | ConnectStage::ConfirmForget { .. } => return,
        };
        list.push_wrapped(&title, self.theme.style(ColourRole::Text).bold());
        list.push_gap();
        list.lines.push(ConnectLine::Field);
        list.push_gap();
        let muted = self.theme.style(ColourRole::Muted);
        let (words, style) = self.message().unwrap_or((advice.clone(), muted));
        list.push_wrapped(&words, style);
        if matches!(self.connect.progress, ConnectProgress::Notice(_)) {
            list.push_wrapped(&advice, muted);
        }
    }

    /// Returns how the attempt is going, or the question about a key.
    pub(super) fn message(&self) -> Option<(String, Style)> {
        let (marks, style) = (&self.theme.marks, |role| self.theme.style(role));
        if let ConnectStage::ConfirmForget { server } = &self.connect.stage {
            let listing = self.connect.listed.keys.iter().find(|listing| listing.server == *server)?;
            let words = format!(
                "Forget the key of {}? It is removed from this machine.",
                connect_rows::key_name(listing, marks)
            );
            return Some((format!("{} {words}", marks.asking), style(ColourRole::Warning)));
        }
        match &self.connect.progress {
            ConnectProgress::Idle => None,
            ConnectProgress::Trying => {
                let what = if self.connect.is_typing() { "checking" } else { "connecting" };
                Some((format!("{} {what}{}", self.situation.spinner, marks.ellipsis), style(ColourRole::Muted)))
            }
            ConnectProgress::Failed(why) => {
                Some((format!("{} {}", marks.failed, text::clean(why)), style(ColourRole::Error)))
            }
            ConnectProgress::Unchecked(question) => {
                Some((format!("{} {}", marks.asking, text::clean(question)), style(ColourRole::Warning)))
            }
            ConnectProgress::Notice(words) => Some((text::clean(words).into_owned(), style(ColourRole::Text))),
        }
    }

    /// Returns the logo: block characters, or plain letters in ASCII.
    fn logo(&self, has_footnote: bool) -> Vec<Line<'_>> {
        let accent = self.theme.style(ColourRole::Accent);
        let mark = if has_footnote { self.theme.marks.footnote } else { "" };
        if self.theme.marks.bar.is_ascii() {
            return vec![Line::default(), styled_line(format!("i b i d {mark}"), accent.bold())];
        }
        let mut lines = LOGO.map(|row| styled_line(row, accent));
        lines[1].spans.push(Span::styled(format!("  {mark}"), accent));
        lines.into()
    }

    /// Adds the footnote of the logo, hanging under its first word.
    fn push_footnote<'a>(&'a self, list: &mut ConnectLines<'a>) {
        let muted = self.theme.style(ColourRole::Muted);
        let indent = text::width(self.theme.marks.footnote) + 1;
        let room = list.width.saturating_sub(indent).max(1);
        let mut italics = FOOTNOTE_ITALICS;
        list.push_gap();
        if list.level < TrimLevel::ChoiceGaps {
            list.push_gap();
        }
        let pieces = wrapped(FOOTNOTE, room.saturating_sub(FOOTNOTE_NAME.len()).max(1), room);
        for (nth, piece) in pieces.into_iter().enumerate() {
            let lead =
                if nth == 0 { format!("{} {FOOTNOTE_NAME}", self.theme.marks.footnote) } else { " ".repeat(indent) };
            let (slanted, plain) = piece.split_at(italics.min(piece.len()));
            italics -= slanted.len();
            list.push_text(Line::from(vec![
                Span::styled(lead, muted),
                Span::styled(slanted.to_owned(), muted).italic(),
                Span::styled(plain.to_owned(), muted),
            ]));
        }
    }
}

fn wrapped(words: &str, first_width: usize, rest_width: usize) -> Vec<String> {
    let pieces = text::wrap::wrap(words, WrapOptions { first_width, rest_width, glued: &[] });
    pieces.into_iter().map(|piece| words[piece.start..piece.end].to_owned()).collect()
}
