//! A word at the bottom right of the text, above the composer's rule, for four seconds.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{
    theme::{Role, Theme},
    words,
};
use crate::{chat::Timestamp, text};

/// How long a toast stays.
pub const STAYS: jiff::SignedDuration = jiff::SignedDuration::from_secs(4);

/// The newest thing worth a word. A new one takes the place of the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toasts {
    newest: Option<Toast>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    words: String,
    role: Role,
    until: Timestamp,
}

impl Toasts {
    /// Says it; `role` is the weight of the words: text, warning, error.
    pub fn say(&mut self, now: Timestamp, role: Role, words: impl Into<String>) {
        self.newest = Some(Toast { words: words.into(), role, until: now.saturating_add(STAYS).unwrap_or(now) });
    }

    /// Adds to what was said last, if it is still there and holds that word.
    pub fn add(&mut self, word: &str, more: &str) {
        if let Some(toast) = self.newest.as_mut().filter(|toast| toast.words.contains(word)) {
            toast.words.push_str(more);
        }
    }

    /// Forgets what has been there long enough; says whether anything changed.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        self.newest.take_if(|toast| toast.until <= now).is_some()
    }

    /// When the next one ends.
    pub fn until(&self) -> Option<Timestamp> {
        self.newest.as_ref().map(|toast| toast.until)
    }

    pub fn words(&self) -> Option<&str> {
        self.newest.as_ref().map(|toast| toast.words.as_str())
    }
}

/// Draws the toast at the right of its row.
pub struct ToastView<'a> {
    pub toasts: &'a Toasts,
    pub theme: &'a Theme,
}

impl Widget for ToastView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        let Some(toast) = self.toasts.newest.as_ref().filter(|_| area.width > 4) else { return };
        let said = text::clean(&toast.words).replace('\n', " ");
        let said = text::truncate(&said, usize::from(area.width) - 2);
        let width = u16::try_from(text::width(&said) + 2).unwrap_or(area.width).min(area.width);
        let place = Rect { x: area.right() - width, width, ..area };
        self.theme.clear(place, Role::Raised, buf);
        words::run(format!(" {said} "), self.theme.style(toast.role)).render(place, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::screen;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a timestamp")
    }

    fn drawn(toasts: &Toasts, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        ToastView { toasts, theme: &Theme::default() }.render(area, &mut buf);
        screen::rows(&buf).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn a_toast_stays_four_seconds_and_the_next_takes_its_place() {
        let mut toasts = Toasts::default();
        toasts.say(at(10), Role::Text, "copied");
        assert_eq!(drawn(&toasts, 20), "             copied");
        assert!(!toasts.expire(at(13)));
        toasts.say(at(13), Role::Error, "not saved: the disk is full");
        assert_eq!(drawn(&toasts, 20), " not saved: the di…");
        assert_eq!(toasts.until(), Some(at(17)));
        assert!(toasts.expire(at(17)));
        assert_eq!(drawn(&toasts, 20), "");
    }

    #[test]
    fn it_draws_at_every_size() {
        let mut toasts = Toasts::default();
        toasts.say(at(0), Role::Text, "日本語\n\u{1b}[31mred");
        screen::at_every_size(|area, buf| ToastView { toasts: &toasts, theme: &Theme::default() }.render(area, buf));
    }
}
