//! The help: the keys of the current context in groups, in a scrollable overlay.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Action, key_hints,
    keymap::{KeyContext, Keymap},
    overlay::frame::{self, OverlayFrame},
};
use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// The state of the help: its groups of keys and the scroll position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyHelp {
    pub title: String,
    pub groups: Vec<KeyGroup>,
    top_row: usize,
}

/// A titled group of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGroup {
    pub title: String,
    /// Keys as they are displayed, with what they do.
    pub keys: Vec<(String, String)>,
}

/// Draws the help above everything else; its area is the whole screen.
pub struct HelpView<'a> {
    pub help: &'a KeyHelp,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

#[derive(Debug, Clone, Copy)]
enum HelpRow<'a> {
    Blank,
    Title(&'a str),
    Key(&'a str, &'a str),
}

impl KeyHelp {
    pub fn new(title: &str, groups: Vec<KeyGroup>) -> Self {
        Self { title: title.to_owned(), groups, top_row: 0 }
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action, screen: Rect) {
        let page = self.page_rows(screen);
        match action {
            Action::RowUp => self.scroll(-1, screen),
            Action::RowDown => self.scroll(1, screen),
            Action::PageUp => self.scroll(-page, screen),
            Action::PageDown => self.scroll(page, screen),
            Action::FirstRow => self.scroll(isize::MIN, screen),
            Action::LastRow => self.scroll(isize::MAX, screen),
            _ => (),
        }
    }

    /// Scrolls by rows, down if positive, as far as the end of the text.
    pub fn scroll(&mut self, rows: isize, screen: Rect) {
        let last = self.rows().count().saturating_sub(self.body_height(screen));
        self.top_row = self.top_row.saturating_add_signed(rows).min(last);
    }

    /// Returns the number of rows in a page.
    pub fn page_rows(&self, screen: Rect) -> isize {
        isize::try_from(self.body_height(screen).max(1)).unwrap_or(1)
    }

    fn rows(&self) -> impl Iterator<Item = HelpRow<'_>> {
        self.groups.iter().enumerate().flat_map(|(nth, group)| {
            let before = (nth > 0).then_some(HelpRow::Blank);
            let keys = group.keys.iter().map(|(key, word)| HelpRow::Key(key, word));
            before.into_iter().chain([HelpRow::Title(&group.title)]).chain(keys)
        })
    }

    fn frame(&self, screen: Rect) -> Rect {
        let rows = u16::try_from(self.rows().count() + 4).unwrap_or(u16::MAX);
        let max_height = if screen.height > 24 { screen.height - 4 } else { screen.height };
        frame::overlay_area(screen, 76, rows.min(max_height))
    }

    fn body_height(&self, screen: Rect) -> usize {
        body_area(self.frame(screen)).height.into()
    }
}

fn body_area(frame: Rect) -> Rect {
    let (columns, rows) = if frame.height > 8 { (3, 2) } else { (3, 1) };
    frame.inner(ratatui::layout::Margin::new(columns, rows))
}

impl Widget for HelpView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let frame = self.help.frame(area);
        let (rows, body) = (self.help.rows().count(), body_area(frame));
        let top = self.help.top_row.min(rows.saturating_sub(body.height.into()));
        let left_out = rows - (top + usize::from(body.height)).min(rows);
        let more = format!("{} {left_out} more", self.theme.marks.more_below);
        let can_scroll = rows > usize::from(body.height);
        let labels: [(&[Action], &str); 2] = [(&[Action::RowDown, Action::RowUp], "scroll"), (&[Action::Back], "back")];
        let keys = self.keymap.hints(KeyContext::Help, if can_scroll { &labels } else { &labels[1..] });
        let notice = (left_out > 0).then_some(more.as_str());
        OverlayFrame { title: &self.help.title, keys: &keys, notice, theme: self.theme }.draw(frame, buf);
        let widest = self.help.groups.iter().flat_map(|group| &group.keys).map(|(key, _)| text::width(key)).max();
        let keys_width = widest.unwrap_or(0).min(usize::from(body.width) / 2);
        for (row, place) in self.help.rows().skip(top).zip(body.rows()) {
            let line = match row {
                HelpRow::Blank => Line::default(),
                HelpRow::Title(title) => key_hints::styled_line(title, self.theme.style(ColourRole::Text).bold()),
                HelpRow::Key(key, word) => {
                    let key = text::truncate(key, keys_width);
                    let gap = " ".repeat(keys_width - text::width(&key) + 2);
                    let room = usize::from(place.width).saturating_sub(keys_width + 2);
                    Line::from(vec![
                        Span::styled(key, self.theme.style(ColourRole::Accent)),
                        Span::raw(gap),
                        Span::styled(text::truncate(word, room), self.theme.style(ColourRole::Text)),
                    ])
                }
            };
            line.render(place, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::ui::test_buffer;

    fn help() -> KeyHelp {
        let group = |title: &str, keys: &[(&str, &str)]| KeyGroup {
            title: title.to_owned(),
            keys: keys.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect(),
        };
        KeyHelp::new(
            "Keys",
            vec![
                group(
                    "Prompt",
                    &[("↵", "Send the prompt; while a turn runs, queue it"), ("^J Alt-↵ Shift-↵", "Begin a new line")],
                ),
                group(
                    "Everywhere",
                    &[("^P", "All commands"), ("^N", "New conversation"), ("Esc", "Close, leave, or stop the turn")],
                ),
            ],
        )
    }

    fn drawn(help: &KeyHelp, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        HelpView { help, keymap: &Keymap::default(), theme: &Theme::default() }.render(area, &mut buf);
        test_buffer::buffer_text(&buf)
    }

    #[test]
    fn keys_of_all_groups_are_aligned_in_one_column() {
        assert_snapshot!(drawn(&help(), 70, 12), @"
        ╭── Keys ────────────────────────────────────────────────────────────╮
        │                                                                    │
        │  Prompt                                                            │
        │  ↵                 Send the prompt; while a turn runs, queue it    │
        │  ^J Alt-↵ Shift-↵  Begin a new line                                │
        │                                                                    │
        │  Everywhere                                                        │
        │  ^P                All commands                                    │
        │  ^N                New conversation                                │
        │  Esc               Close, leave, or stop the turn                  │
        │                                                                    │
        ╰──────────────────────────────────────────────────────── Esc back ──╯
        ");
    }

    #[test]
    fn hidden_rows_are_counted_and_can_be_scrolled_into_view() {
        let mut help = help();
        let screen = Rect::new(0, 0, 50, 7);
        assert_snapshot!(drawn(&help, 50, 7), @"
        ╭── Keys ────────────────────────────────────────╮
        │  Prompt                                        │
        │  ↵                 Send the prompt; while a…   │
        │  ^J Alt-↵ Shift-↵  Begin a new line            │
        │                                                │
        │  Everywhere                                    │
        ╰── ↓ 3 more ──────────── j k scroll  Esc back ──╯
        ");
        help.scroll(100, screen);
        assert_snapshot!(drawn(&help, 50, 7), @"
        ╭── Keys ────────────────────────────────────────╮
        │                                                │
        │  Everywhere                                    │
        │  ^P                All commands                │
        │  ^N                New conversation            │
        │  Esc               Close, leave, or stop the…  │
        ╰──────────────────────── j k scroll  Esc back ──╯
        ");
        help.scroll(-help.page_rows(screen), screen);
        assert!(drawn(&help, 50, 7).contains("Prompt"));
    }

    #[test]
    fn the_help_draws_at_every_size() {
        let help = help();
        test_buffer::draw_at_every_size(|area, buf| {
            HelpView { help: &help, keymap: &Keymap::default(), theme: &Theme::default() }.render(area, buf);
        });
    }
}
