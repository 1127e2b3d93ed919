//! The keys of the context one is in, grouped, in an overlay that scrolls.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    overlay::{self, Overlay},
    theme::{Role, Theme},
    words,
};
use crate::text;

/// What the help says, and how far it is scrolled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Help {
    pub title: String,
    pub groups: Vec<Group>,
    top: usize,
}

/// Keys that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    pub title: String,
    /// Keys as they are written, and what they do.
    pub keys: Vec<(String, String)>,
}

/// Draws the help above everything else; its area is the whole screen.
pub struct HelpView<'a> {
    pub help: &'a Help,
    pub theme: &'a Theme,
}

#[derive(Debug, Clone, Copy)]
enum Row<'a> {
    Blank,
    Title(&'a str),
    Key(&'a str, &'a str),
}

impl Help {
    pub fn new(title: &str, groups: Vec<Group>) -> Self {
        Self { title: title.to_owned(), groups, top: 0 }
    }

    /// Scrolls by rows, down when positive; it ends where the text ends.
    pub fn scroll(&mut self, rows: isize, screen: Rect) {
        let last = self.rows().count().saturating_sub(self.height_inside(screen));
        self.top = self.top.saturating_add_signed(rows).min(last);
    }

    /// How many rows a page has.
    pub fn page(&self, screen: Rect) -> isize {
        isize::try_from(self.height_inside(screen).max(1)).unwrap_or(1)
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.groups.iter().enumerate().flat_map(|(nth, group)| {
            let before = (nth > 0).then_some(Row::Blank);
            let keys = group.keys.iter().map(|(key, word)| Row::Key(key, word));
            before.into_iter().chain([Row::Title(&group.title)]).chain(keys)
        })
    }

    fn frame(&self, screen: Rect) -> Rect {
        let rows = u16::try_from(self.rows().count() + 4).unwrap_or(u16::MAX);
        let most = if screen.height > 24 { screen.height - 4 } else { screen.height };
        overlay::placed(screen, 76, rows.min(most))
    }

    fn height_inside(&self, screen: Rect) -> usize {
        inside(self.frame(screen)).height.into()
    }
}

fn inside(frame: Rect) -> Rect {
    let (columns, rows) = if frame.height > 8 { (3, 2) } else { (3, 1) };
    frame.inner(ratatui::layout::Margin::new(columns, rows))
}

impl Widget for HelpView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let frame = self.help.frame(area);
        let (rows, body) = (self.help.rows().count(), inside(frame));
        let top = self.help.top.min(rows.saturating_sub(body.height.into()));
        let left_out = rows - (top + usize::from(body.height)).min(rows);
        let more = format!("{} {left_out} more", self.theme.marks.more_below);
        let scrolls = rows > usize::from(body.height);
        let keys: &[words::Hint] = if scrolls { &[("j k", "scroll"), ("esc", "back")] } else { &[("esc", "back")] };
        let notice = (left_out > 0).then_some(more.as_str());
        Overlay { title: &self.help.title, keys, notice, theme: self.theme }.draw(frame, buf);
        let widest = self.help.groups.iter().flat_map(|group| &group.keys).map(|(key, _)| text::width(key)).max();
        let keys_width = widest.unwrap_or(0).min(usize::from(body.width) / 2);
        for (row, place) in self.help.rows().skip(top).zip(body.rows()) {
            let line = match row {
                Row::Blank => Line::default(),
                Row::Title(title) => words::run(title, self.theme.style(Role::Text).bold()),
                Row::Key(key, word) => {
                    let key = text::truncate(key, keys_width);
                    let gap = " ".repeat(keys_width - text::width(&key) + 2);
                    let room = usize::from(place.width).saturating_sub(keys_width + 2);
                    Line::from(vec![
                        Span::styled(key, self.theme.style(Role::Accent)),
                        Span::raw(gap),
                        Span::styled(text::truncate(word, room), self.theme.style(Role::Text)),
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
    use crate::widgets::screen;

    fn help() -> Help {
        let group = |title: &str, keys: &[(&str, &str)]| Group {
            title: title.to_owned(),
            keys: keys.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect(),
        };
        Help::new(
            "Keys",
            vec![
                group(
                    "Prompt",
                    &[("↵", "Send the prompt; while a turn runs, queue it"), ("^J alt-↵ shift-↵", "Begin a new line")],
                ),
                group(
                    "Everywhere",
                    &[
                        ("^P", "Menu of everything"),
                        ("^N", "New conversation"),
                        ("esc", "Close, leave, or stop the turn"),
                    ],
                ),
            ],
        )
    }

    fn drawn(help: &Help, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        HelpView { help, theme: &Theme::default() }.render(area, &mut buf);
        screen::rows(&buf)
    }

    #[test]
    fn keys_stand_in_groups_in_one_column() {
        assert_snapshot!(drawn(&help(), 70, 12), @"
        ╭─ Keys ─────────────────────────────────────────────────────────────╮
        │                                                                    │
        │  Prompt                                                            │
        │  ↵                 Send the prompt; while a turn runs, queue it    │
        │  ^J alt-↵ shift-↵  Begin a new line                                │
        │                                                                    │
        │  Everywhere                                                        │
        │  ^P                Menu of everything                              │
        │  ^N                New conversation                                │
        │  esc               Close, leave, or stop the turn                  │
        │                                                                    │
        ╰───────────────────────────────────────────────────────── esc back ─╯
        ");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_can_be_scrolled_to() {
        let mut help = help();
        let screen = Rect::new(0, 0, 50, 7);
        assert_snapshot!(drawn(&help, 50, 7), @"
        ╭─ Keys ─────────────────────────────────────────╮
        │  Prompt                                        │
        │  ↵                 Send the prompt; while a…   │
        │  ^J alt-↵ shift-↵  Begin a new line            │
        │                                                │
        │  Everywhere                                    │
        ╰─ ↓ 3 more ────────────── j k scroll  esc back ─╯
        ");
        help.scroll(100, screen);
        assert_snapshot!(drawn(&help, 50, 7), @"
        ╭─ Keys ─────────────────────────────────────────╮
        │                                                │
        │  Everywhere                                    │
        │  ^P                Menu of everything          │
        │  ^N                New conversation            │
        │  esc               Close, leave, or stop the…  │
        ╰───────────────────────── j k scroll  esc back ─╯
        ");
        help.scroll(-help.page(screen), screen);
        assert!(drawn(&help, 50, 7).contains("Prompt"));
    }

    #[test]
    fn it_draws_at_every_size() {
        let help = help();
        screen::at_every_size(|area, buf| HelpView { help: &help, theme: &Theme::default() }.render(area, buf));
    }
}
