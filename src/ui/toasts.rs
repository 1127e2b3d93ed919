//! A short message at the bottom right of the text, above the composer's rule, for four seconds.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::key_hints;
use crate::render::theme::{ColourRole, Theme};
use crate::{
    chat::{ConversationId, MessageId, Timestamp},
    text,
};

/// How long a toast is shown.
pub const TOAST_DURATION: jiff::SignedDuration = jiff::SignedDuration::from_secs(4);

/// What a toast is about; it ends when that is no longer so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToastSubject {
    /// It was so and stays so.
    Event,
    /// The conversation on the screen; without an id, a new one.
    Conversation(Option<ConversationId>),
    /// A conversation is in the trash, and the list has the focus or not.
    ListChange { count: usize, in_list: bool },
    /// A branch was pruned.
    Pruned(MessageId),
    /// Nothing is being edited in the composer but a new prompt.
    NothingEdited,
    /// Text is selected.
    Selection,
    /// A card has the focus and waits for a choice.
    CardKeys,
    /// This many overlays are open.
    Overlays(usize),
    /// The composer has the focus in this conversation.
    Writing(Option<ConversationId>),
    /// No model is chosen.
    NoModel,
    /// This model is chosen.
    Model(String),
    /// No slot is filled, or this one is not, from 0.
    EmptySlot(Option<usize>),
    /// Whether all tools run without asking in this conversation.
    AutoApproval(Option<ConversationId>, bool),
    /// Something could not be saved.
    Unsaved,
    /// A text is being piped to a command.
    Command,
}

/// The words of a toast. Where there is no room for all of them, the title is shortened first, then everything before
/// the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToastText {
    text: String,
    title: Range<usize>,
    keys_start: Option<usize>,
}

impl From<String> for ToastText {
    fn from(text: String) -> Self {
        Self { text, title: 0..0, keys_start: None }
    }
}

impl From<&str> for ToastText {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl ToastText {
    /// Words around a title.
    pub fn about(before: &str, title: &str, after: &str) -> Self {
        let end = before.len() + title.len();
        Self { text: [before, title, after].concat(), title: before.len()..end, keys_start: None }
    }

    /// The same words with the keys that go on from there.
    #[must_use]
    pub fn with_keys(mut self, keys: &str) -> Self {
        self.keys_start = Some(self.text.len());
        self.text.push_str(keys);
        self
    }

    /// Returns the text in at most `room` cells.
    fn fit(&self, room: usize) -> String {
        let all = text::join_lines(&self.text);
        if text::width(&all) <= room || self.title.is_empty() && self.keys_start.is_none() {
            return text::truncate(&shorten_paths(&all, room), room).into_owned();
        }
        let (before, after) = (&self.text[..self.title.start], &self.text[self.title.end..]);
        let title_room = room.saturating_sub(text::width(before) + text::width(after)).max(1);
        let title = text::join_lines(&self.text[self.title.clone()]);
        let short = [before, &*text::truncate(&title, title_room), after].concat();
        let keys = self.keys_start.map_or("", |start| &self.text[start..]);
        match short.strip_suffix(keys).filter(|_| text::width(&short) > room) {
            Some(words) => {
                let words = text::truncate(words, room.saturating_sub(text::width(keys)));
                text::truncate(&[&*words, keys].concat(), room).into_owned()
            }
            None => short,
        }
    }
}

/// The current toast. A new one replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToastState {
    current: Option<CurrentToast>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CurrentToast {
    words: ToastText,
    subject: ToastSubject,
    role: ColourRole,
    ends_at: Timestamp,
}

impl ToastState {
    /// Shows a toast; `role` is its severity: text, warning or error.
    pub fn show(&mut self, now: Timestamp, role: ColourRole, subject: ToastSubject, words: impl Into<ToastText>) {
        let ends_at = now.saturating_add(TOAST_DURATION).unwrap_or(now);
        self.current = Some(CurrentToast { words: words.into(), subject, role, ends_at });
    }

    /// Ends the toast if its subject is no longer so.
    pub fn end_unless(&mut self, is_so: impl FnOnce(&ToastSubject) -> bool) {
        self.current.take_if(|toast| !is_so(&toast.subject));
    }

    /// Appends `more` to the current toast if it contains `word`.
    pub fn append_to(&mut self, word: &str, more: &str) {
        if let Some(toast) = self.current.as_mut().filter(|toast| toast.words.text.contains(word)) {
            toast.words.text.push_str(more);
        }
    }

    /// Removes a toast whose time is over; returns whether anything changed.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        self.current.take_if(|toast| toast.ends_at <= now).is_some()
    }

    /// Returns when the current toast ends.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.current.as_ref().map(|toast| toast.ends_at)
    }

    pub fn text(&self) -> Option<&str> {
        self.current.as_ref().map(|toast| toast.words.text.as_str())
    }
}

/// Shortens the longest paths of a text until it has room: their folders go first, because the end of a path and the
/// advice after it say more.
fn shorten_paths(all: &str, room: usize) -> String {
    let mut words: Vec<String> = all.split(' ').map(str::to_owned).collect();
    while words.iter().map(|word| text::width(word) + 1).sum::<usize>() > room + 1 {
        let shorter = |word: &String| without_first_folder(word);
        let longest = words.iter_mut().filter(|word| shorter(word).is_some()).max_by_key(|word| text::width(word));
        let Some((word, short)) = longest.and_then(|word| shorter(word).map(|short| (word, short))) else { break };
        *word = short;
    }
    words.join(" ")
}

/// Returns a path without its first folder, `…` in its place; `None` if only the name is left, or it is no path.
fn without_first_folder(word: &str) -> Option<String> {
    let path = word.trim_start_matches(['“', '(', '"', '\'', '`']);
    let quote = &word[..word.len() - path.len()];
    let inner = ["…/", "~/", "/"].iter().find_map(|root| path.strip_prefix(root))?;
    let (_, rest) = inner.split_once('/')?;
    (!rest.is_empty()).then(|| format!("{quote}…/{rest}"))
}

/// Draws the toast at the right of its row.
pub struct ToastView<'a> {
    pub toasts: &'a ToastState,
    pub theme: &'a Theme,
}

impl Widget for ToastView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        let Some(toast) = self.toasts.current.as_ref().filter(|_| area.width > 4) else { return };
        let said = toast.words.fit(usize::from(area.width) - 2);
        let width = u16::try_from(text::width(&said) + 2).unwrap_or(area.width).min(area.width);
        let toast_area = Rect { x: area.right() - width, width, ..area };
        self.theme.clear_area(toast_area, ColourRole::Raised, buf);
        key_hints::styled_line(format!(" {said} "), self.theme.style(toast.role)).render(toast_area, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::test_buffer;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a timestamp")
    }

    fn drawn(toasts: &ToastState, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        ToastView { toasts, theme: &Theme::default() }.render(area, &mut buf);
        test_buffer::buffer_text(&buf).trim_end_matches('\n').to_owned()
    }

    fn show(toasts: &mut ToastState, now: i64, role: ColourRole, words: impl Into<ToastText>) {
        toasts.show(at(now), role, ToastSubject::Event, words);
    }

    #[test]
    fn a_toast_lasts_four_seconds_and_the_next_replaces_it() {
        let mut toasts = ToastState::default();
        show(&mut toasts, 10, ColourRole::Text, "copied");
        assert_eq!(drawn(&toasts, 20), "             copied");
        assert!(!toasts.expire(at(13)));
        show(&mut toasts, 13, ColourRole::Error, "not saved: the disk is full");
        assert_eq!(drawn(&toasts, 20), " not saved: the di…");
        assert_eq!(toasts.ends_at(), Some(at(17)));
        assert!(toasts.expire(at(17)));
        assert_eq!(drawn(&toasts, 20), "");
    }

    #[test]
    fn a_narrow_toast_shortens_paths_at_their_front_and_keeps_the_advice() {
        let mut toasts = ToastState::default();
        let show = |toasts: &mut ToastState, words: &str, width: u16| {
            super::tests::show(toasts, 0, ColourRole::Text, words);
            drawn(toasts, width).trim().to_owned()
        };
        let open = "others can read the key in /home/someone/.local/share/ibid/keys/openrouter; `chmod 600` closes it";
        assert_eq!(show(&mut toasts, open, 120), open);
        assert_eq!(
            show(&mut toasts, open, 80),
            "others can read the key in …/share/ibid/keys/openrouter; `chmod 600` closes it"
        );
        assert_eq!(show(&mut toasts, open, 64), "others can read the key in …/openrouter; `chmod 600` closes it");
        assert_eq!(show(&mut toasts, "saved as /a/b/c/ibid-xray-1.json", 30), "saved as …/ibid-xray-1.json");
        assert_eq!(show(&mut toasts, "moved /a/long/one.md to “~/b/two.md”", 30), "moved …/one.md to “…/two.md”");
        assert!(show(&mut toasts, "and/or either/or neither/nor", 20).starts_with("and/or either/or"));
    }

    #[test]
    fn a_narrow_toast_shortens_the_title_then_its_words_and_keeps_the_keys() {
        let mut toasts = ToastState::default();
        let words = ToastText::about("moved “", "SQL window functions for running totals", "” to the trash");
        show(&mut toasts, 0, ColourRole::Text, words.with_keys(" · /undo-trash undo"));
        assert_eq!(drawn(&toasts, 60).trim(), "moved “SQL window functi…” to the trash · /undo-trash undo");
        assert_eq!(drawn(&toasts, 38).trim(), "moved “…” to the… · /undo-trash undo");
        assert_eq!(drawn(&toasts, 24).trim(), "mo… · /undo-trash undo");
    }

    #[test]
    fn a_toast_ends_with_what_it_is_about() {
        let mut toasts = ToastState::default();
        toasts.show(at(0), ColourRole::Text, ToastSubject::Command, "running wc");
        toasts.end_unless(|subject| *subject == ToastSubject::Command);
        assert_eq!(toasts.text(), Some("running wc"));
        toasts.end_unless(|_| false);
        assert_eq!(toasts.text(), None);
    }

    #[test]
    fn it_draws_at_every_size() {
        let mut toasts = ToastState::default();
        show(&mut toasts, 0, ColourRole::Text, "日本語\n\u{1b}[31mred");
        test_buffer::draw_at_every_size(|area, buf| {
            ToastView { toasts: &toasts, theme: &Theme::default() }.render(area, buf);
        });
    }
}
