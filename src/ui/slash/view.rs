//! Draws the commands that begin with what was typed, above the composer's rule.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{MAX_ROWS, SlashList, SlashRow};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        areas::GUTTER_WIDTH,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
    },
};

/// Blanks between the names and what they do.
const LABEL_GAP: usize = 3;

/// Draws the list, its keys, and why a command was not sent. The areas are in the column of the text.
pub struct SlashListView<'a> {
    pub list: &'a SlashList,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl SlashListView<'_> {
    /// Returns the rows of the list above the rule, gutter included; empty if there is no list.
    pub fn area(list: &SlashList, rule: Rect) -> Rect {
        let bottom = rule.y.saturating_sub(u16::from(list.refusal().is_some()));
        let rows = u16::try_from(list.rows.len().min(MAX_ROWS)).unwrap_or(0).min(bottom);
        let gutter = GUTTER_WIDTH.min(rule.x);
        Rect { x: rule.x - gutter, y: bottom - rows, width: rule.width + gutter, height: rows }
    }

    /// Draws the list above the composer's rule, and its keys in the rule.
    pub fn draw(&self, rule: Rect, buf: &mut Buffer) {
        if let Some(reason) = self.list.refusal() {
            let area = Rect { y: rule.y.saturating_sub(1), ..rule }.intersection(buf.area);
            self.theme.clear_area(area, ColourRole::Background, buf);
            let words = text::truncate(reason, area.width.into());
            key_hints::styled_line(words, self.theme.style(ColourRole::Muted)).render(area, buf);
        }
        let area = Self::area(self.list, rule).intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let widest = self.list.rows.iter().map(|row| text::width(&row.label)).max().unwrap_or(0);
        let label_width = widest.min(usize::from(area.width) / 2);
        let shown = self.list.rows.iter().enumerate().skip(self.list.top());
        for ((index, row), place) in shown.zip(area.rows()) {
            self.draw_row(row, Some(index) == self.list.cursor, label_width, place, buf);
        }
        self.draw_keys(rule.intersection(buf.area), buf);
    }

    fn draw_row(&self, row: &SlashRow, is_selected: bool, label_width: usize, area: Rect, buf: &mut Buffer) {
        self.theme.clear_area(area, ColourRole::Surface, buf);
        if is_selected {
            buf.set_style(area, self.theme.style(ColourRole::Selection));
            let bar = self.theme.style(ColourRole::Accent).remove_modifier(Modifier::REVERSED);
            key_hints::styled_line(self.theme.marks.bar, bar).render(area, buf);
        }
        let gutter = GUTTER_WIDTH.min(area.width);
        // One cell stays blank at the right.
        let room = Rect { x: area.x + gutter, width: (area.width - gutter).saturating_sub(1), ..area };
        let label = text::truncate(&row.label, label_width);
        Self::lit_line(&label, &row.label_clusters, self.theme.style(ColourRole::Accent)).render(room, buf);
        let offset = cells(label_width + LABEL_GAP).min(room.width);
        let keys = row.keys.replace('–', self.theme.marks.range_dash);
        let keys_width = cells(text::width(&keys)).min(room.width);
        let about_area = Rect {
            x: room.x + offset,
            width: (room.width - offset).saturating_sub(if keys_width > 0 { keys_width + 2 } else { 0 }),
            ..room
        };
        let about = text::truncate(&row.about, about_area.width.into());
        Self::lit_line(&about, &row.about_clusters, self.theme.style(ColourRole::Text)).render(about_area, buf);
        key_hints::styled_line(keys, self.theme.style(ColourRole::Accent))
            .render(Rect { x: room.right() - keys_width, width: keys_width, ..room }, buf);
        if is_selected {
            self.theme.even_selected_row(area, buf);
        }
    }

    /// A text with the clusters that match in bold.
    fn lit_line(words: &str, lit: &[u32], style: Style) -> Line<'static> {
        let spans = (0..).zip(text::clusters(words)).map(|(nth, cluster): (u32, &str)| {
            let style = if lit.binary_search(&nth).is_ok() { style.bold() } else { style };
            Span::styled(cluster.to_owned(), style)
        });
        spans.collect()
    }

    fn draw_keys(&self, rule: Rect, buf: &mut Buffer) {
        let labels: [(&[Action], &str); 3] =
            [(&[Action::Accept], "run"), (&[Action::Complete], "complete"), (&[Action::Back], "close")];
        // Enter runs nothing that nobody named or chose.
        let labels = if self.list.cursor.is_some() { &labels[..] } else { &labels[1..] };
        let hints = self.keymap.hints(KeyContext::Slash, labels);
        draw_rule_keys(&hints, rule, self.theme, buf);
        let below = self.list.rows.len().saturating_sub(self.list.top() + MAX_ROWS);
        if below > 0 && rule.width > 60 {
            let more = format!(" {} {below} more ", self.theme.marks.more_below);
            let area = Rect { x: rule.x + 1, width: rule.width - 1, ..rule };
            key_hints::styled_line(more, self.theme.style(ColourRole::Muted)).render(area, buf);
        }
    }
}

/// Draws keys at the right of the composer's rule, before its last cell.
fn draw_rule_keys(hints: &[KeyHint], rule: Rect, theme: &Theme, buf: &mut Buffer) {
    let mut line = key_hints::hint_line(hints, usize::from(rule.width).saturating_sub(3), theme);
    if line.spans.is_empty() {
        return;
    }
    line.spans.insert(0, Span::raw(" "));
    line.spans.push(Span::raw(" "));
    let width = cells(line.width()).min(rule.width.saturating_sub(1));
    line.render(Rect { x: rule.right() - 1 - width, width, ..rule }, buf);
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
