//! A short message at the bottom right of the text, above the composer's rule, for four seconds.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::key_hints;
use crate::render::theme::{ColourRole, Theme};
use crate::{
    chat::{ConversationId, Timestamp},
    text,
};

/// How long a toast is shown.
pub const TOAST_DURATION: jiff::SignedDuration = jiff::SignedDuration::from_secs(4);

/// What a toast is about; it ends when that is no longer so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastSubject {
    /// A conversation is in the trash.
    Trashed(ConversationId),
}

/// The current toast. A new one replaces it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToastState {
    current: Option<CurrentToast>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CurrentToast {
    text: String,
    /// The part of the text that is shortened first, such as a title: the key after it must stay.
    title: Range<usize>,
    /// What it is about, if it ends with that.
    subject: Option<ToastSubject>,
    role: ColourRole,
    ends_at: Timestamp,
}

impl ToastState {
    /// Shows a toast; `role` is its severity: text, warning or error.
    pub fn show(&mut self, now: Timestamp, role: ColourRole, words: impl Into<String>) {
        let ends_at = now.saturating_add(TOAST_DURATION).unwrap_or(now);
        self.current = Some(CurrentToast { text: words.into(), title: 0..0, subject: None, role, ends_at });
    }

    /// Shows a toast about something with a title, which is shortened where there is no room for all of it.
    pub fn show_about(&mut self, now: Timestamp, subject: ToastSubject, [before, title, after]: [&str; 3]) {
        self.show(now, ColourRole::Text, [before, title, after].concat());
        if let Some(toast) = &mut self.current {
            toast.title = before.len()..before.len() + title.len();
            toast.subject = Some(subject);
        }
    }

    /// Ends a toast whose subject is no longer so.
    pub fn end(&mut self, subject: ToastSubject) {
        self.current.take_if(|toast| toast.subject == Some(subject));
    }

    /// Appends `more` to the current toast if it contains `word`.
    pub fn append_to(&mut self, word: &str, more: &str) {
        if let Some(toast) = self.current.as_mut().filter(|toast| toast.text.contains(word)) {
            toast.text.push_str(more);
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
        self.current.as_ref().map(|toast| toast.text.as_str())
    }
}

impl CurrentToast {
    /// Returns the text in at most `room` cells.
    fn fit(&self, room: usize) -> String {
        let all = text::join_lines(&self.text);
        if text::width(&all) <= room || self.title.is_empty() {
            return text::truncate(&shorten_paths(&all, room), room).into_owned();
        }
        let (before, after) = (&self.text[..self.title.start], &self.text[self.title.end..]);
        let title_room = room.saturating_sub(text::width(before) + text::width(after));
        let title = text::join_lines(&self.text[self.title.clone()]);
        let short = [before, &*text::truncate(&title, title_room), after].concat();
        text::truncate(&short, room).into_owned()
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
        let said = toast.fit(usize::from(area.width) - 2);
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

    #[test]
    fn a_toast_lasts_four_seconds_and_the_next_replaces_it() {
        let mut toasts = ToastState::default();
        toasts.show(at(10), ColourRole::Text, "copied");
        assert_eq!(drawn(&toasts, 20), "             copied");
        assert!(!toasts.expire(at(13)));
        toasts.show(at(13), ColourRole::Error, "not saved: the disk is full");
        assert_eq!(drawn(&toasts, 20), " not saved: the di…");
        assert_eq!(toasts.ends_at(), Some(at(17)));
        assert!(toasts.expire(at(17)));
        assert_eq!(drawn(&toasts, 20), "");
    }

    #[test]
    fn a_narrow_toast_shortens_paths_at_their_front_and_keeps_the_advice() {
        let mut toasts = ToastState::default();
        let show = |toasts: &mut ToastState, words: &str, width: u16| {
            toasts.show(at(0), ColourRole::Text, words);
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
    fn a_narrow_toast_shortens_the_title_and_keeps_the_key() {
        let mut toasts = ToastState::default();
        let id = crate::chat::IdGenerator::new(1).conversation(at(0));
        let subject = ToastSubject::Trashed(id);
        toasts.show_about(
            at(0),
            subject,
            ["moved “", "SQL window functions for running totals", "” to the trash · u undo"],
        );
        assert_eq!(drawn(&toasts, 50).trim(), "moved “SQL window functi…” to the trash · u undo");
        toasts.end(subject);
        assert_eq!(toasts.text(), None);
    }

    #[test]
    fn it_draws_at_every_size() {
        let mut toasts = ToastState::default();
        toasts.show(at(0), ColourRole::Text, "日本語\n\u{1b}[31mred");
        test_buffer::draw_at_every_size(|area, buf| {
            ToastView { toasts: &toasts, theme: &Theme::default() }.render(area, buf);
        });
    }
}
