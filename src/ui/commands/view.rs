//! Draws the commands: the field, the rows in groups, and what the selected row does.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{CommandEntry, CommandList, CommandRow, CommandSide, CommandTarget};
use crate::{
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame},
            list_browser,
            query_field::QueryField,
        },
    },
};

/// Draws the commands over everything else; its area is the whole screen.
pub struct CommandListView<'a> {
    pub list: &'a CommandList,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const WIDTH: u16 = 84;
/// The width on a screen that has room for two panes.
const WIDE_WIDTH: u16 = 100;
const WIDE_SCREEN: u16 = 160;
/// Rows of text below the list.
const ABOUT_ROWS: u16 = 3;
/// Blanks before the keys at the right.
const SIDE_GAP: usize = 3;
/// A row that is narrower shows its title and its keys only.
const NARROW: u16 = 50;

struct CommandAreas {
    frame: Rect,
    field: Rect,
    list: Rect,
    rule: Rect,
    about: Rect,
}

fn areas(screen: Rect) -> CommandAreas {
    let width = if screen.width < WIDE_SCREEN { WIDTH } else { WIDE_WIDTH };
    let height = if screen.height > 24 { screen.height * 7 / 10 } else { screen.height.saturating_sub(1) };
    let frame = frame::overlay_area(screen, width, height);
    let inner = frame::inside_frame(frame);
    let row = |y: u16, height: u16| Rect { y: inner.y + y, height, ..inner };
    let above = if inner.height > 8 { 2 } else { 1 }.min(inner.height);
    let below = if inner.height >= 14 { ABOUT_ROWS + 3 } else { 0 };
    let list = row(above, inner.height - above - below);
    let (rule, about) = match below {
        0 => (Rect::default(), Rect::default()),
        _ => (row(above + list.height + 1, 1), row(above + list.height + 2, ABOUT_ROWS)),
    };
    CommandAreas { frame, field: row(0, inner.height.min(1)), list, rule, about }
}

pub(super) fn list_area(screen: Rect) -> Rect {
    areas(screen).list
}

pub(super) fn list_height(screen: Rect) -> u16 {
    list_area(screen).height
}

impl CommandListView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.field(&self.list.count_text()).cursor(areas(screen).field)
    }

    fn field<'a>(&'a self, count: &'a str) -> QueryField<'a> {
        let hints = &["find a command, conversation or model", "find a command"];
        QueryField { query: &self.list.query, hints, count, theme: self.theme }
    }

    fn draw_rows(&self, area: Rect, buf: &mut Buffer) {
        let room = frame::text_column(area).width;
        let side_width = self.list.rows.iter().map(|row| text::width(self.side(row, room).0)).max().unwrap_or(0);
        let muted = self.theme.style(ColourRole::Muted);
        for (place, entry, is_selected) in self.list.browser.visible_rows(area) {
            match entry {
                CommandEntry::Blank => (),
                CommandEntry::Heading(words) => {
                    key_hints::styled_line(*words, muted).render(frame::text_column(place), buf);
                }
                CommandEntry::Row(index, lit) => {
                    self.draw_row(&self.list.rows[*index], lit, is_selected, side_width, place, buf);
                }
                CommandEntry::Search => {
                    if let Some(row) = &self.list.search_row {
                        self.draw_row(row, &[], is_selected, side_width, place, buf);
                    }
                }
            }
        }
    }

    /// What stands at the right of a row. The kind of a row is left out while nothing is typed.
    fn side<'r>(&self, row: &'r CommandRow, room: u16) -> (&'r str, ColourRole) {
        match &row.side {
            CommandSide::Keys(keys) => (keys, ColourRole::Accent),
            CommandSide::Word(_) if room < NARROW => ("", ColourRole::Muted),
            CommandSide::Word(_) if self.list.query.is_empty() && !matches!(row.target, CommandTarget::Action(_)) => {
                ("", ColourRole::Muted)
            }
            CommandSide::Word(word) => (word, ColourRole::Muted),
            CommandSide::Mark(mark, role) => (mark, *role),
            CommandSide::Nothing => ("", ColourRole::Muted),
        }
    }

    fn draw_row(
        &self,
        row: &CommandRow,
        lit: &[u32],
        is_selected: bool,
        side_width: usize,
        area: Rect,
        buf: &mut Buffer,
    ) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let room = frame::text_column(area);
        let (side, role) = self.side(row, room.width);
        key_hints::styled_line(side, self.theme.style(role)).right_aligned().render(room, buf);
        let value_end = room.width.saturating_sub(cells(side_width + SIDE_GAP));
        let value_room = if room.width < NARROW { 0 } else { usize::from(room.width / 4) };
        let value = text::truncate(&row.value, value_room);
        // Without a value the title may reach the side's own text.
        let title_room = match text::width(&value) {
            0 => usize::from(room.width).saturating_sub(text::width(side) + 2),
            width => usize::from(value_end).saturating_sub(width + 2),
        };
        let value_area = Rect { width: value_end, ..room };
        key_hints::styled_line(value, self.theme.style(ColourRole::Muted)).right_aligned().render(value_area, buf);
        let is_warned = matches!(row.target, CommandTarget::Action(action) if action.switches_safeguard());
        let style = self.theme.style(if is_warned { ColourRole::Warning } else { ColourRole::Text });
        let title = text::truncate(&row.title, title_room);
        self.lit_line(&title, lit, if is_selected { style.bold() } else { style })
            .render(Rect { width: cells(title_room).min(room.width), ..room }, buf);
        if is_selected {
            self.theme.even_selected_row(area, buf);
        }
    }

    fn lit_line(&self, words: &str, lit: &[u32], style: Style) -> Line<'static> {
        let hit = style.patch(self.theme.style(ColourRole::Accent)).bold();
        let spans = (0..).zip(text::clusters(words)).map(|(nth, cluster): (u32, &str)| {
            Span::styled(cluster.to_owned(), if lit.binary_search(&nth).is_ok() { hit } else { style })
        });
        spans.collect()
    }

    fn draw_about(&self, row: &CommandRow, rule: Rect, area: Rect, buf: &mut Buffer) {
        let rule = frame::text_column(rule);
        let line = self.theme.marks.rule.repeat(rule.width.into());
        key_hints::styled_line(line, self.theme.style(ColourRole::Faint)).render(rule, buf);
        let area = frame::text_column(area);
        let width = usize::from(area.width.max(1));
        let options = WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let text_style = self.theme.style(ColourRole::Text);
        let wrapped = row.about.iter().flat_map(|words| {
            let pieces = text::wrap::wrap(words, options);
            pieces
                .into_iter()
                .map(|piece| key_hints::styled_line(words[piece.start..piece.end].to_owned(), text_style))
                .collect::<Vec<_>>()
        });
        let ways = self.ways_lines(row, width);
        let about_rows = usize::from(area.height).saturating_sub(ways.len());
        let lines: Vec<Line> = wrapped.take(about_rows).chain(ways).collect();
        for (line, place) in lines.into_iter().zip(area.rows()) {
            line.render(place, buf);
        }
    }

    /// What does the same in the composer and in a shell: in one row, or each in its own.
    fn ways_lines(&self, row: &CommandRow, width: usize) -> Vec<Line<'static>> {
        const GAP: &str = "     ";
        let (muted, text_style) = (self.theme.style(ColourRole::Muted), self.theme.style(ColourRole::Text));
        let ways = [("Composer ", &row.composer), ("Shell ", &row.shell)];
        let line = |(label, way): (&'static str, &Option<String>)| {
            let way = text::truncate(way.as_ref()?, width.saturating_sub(text::width(label))).into_owned();
            Some(Line::from(vec![Span::styled(label, muted), Span::styled(way, text_style)]))
        };
        match ways.into_iter().filter_map(line).collect::<Vec<_>>().as_slice() {
            [first, second] if first.width() + GAP.len() + second.width() <= width => {
                let gap = Span::raw(GAP);
                let spans = first.spans.iter().cloned().chain([gap]).chain(second.spans.iter().cloned());
                vec![spans.collect()]
            }
            lines => lines.to_vec(),
        }
    }
}

impl Widget for CommandListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let parts = areas(area);
        let selected = self.list.selected();
        let verb = match selected.map(|row| &row.target) {
            Some(CommandTarget::Conversation(_)) => "open",
            Some(CommandTarget::Model(_) | CommandTarget::Theme(_)) => "use",
            Some(CommandTarget::Search(_)) => "search",
            Some(CommandTarget::Action(_)) | None => "run",
        };
        let labels: [(&[Action], &str); 2] = [(&[Action::Accept], verb), (&[Action::Back], "close")];
        let keys = self.keymap.hints(KeyContext::Picker, if selected.is_some() { &labels } else { &labels[1..] });
        let below = self.list.browser.rows_below(parts.list.height);
        let more = frame::more_notice(below, self.theme);
        let overlay = OverlayFrame { title: "Commands", keys: &keys, notice: more.as_deref(), theme: self.theme };
        if overlay.draw(parts.frame, buf).is_empty() {
            return;
        }
        self.field(&self.list.count_text()).render(parts.field, buf);
        self.draw_rows(parts.list, buf);
        if let Some(row) = selected.filter(|_| !parts.rule.is_empty()) {
            self.draw_about(row, parts.rule, parts.about, buf);
        }
    }
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
