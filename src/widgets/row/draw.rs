//! Writes a row into one line of the screen.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::Rect,
    style::{Modifier, Style},
};

use super::{Row, RowKind, Span};
use crate::{
    text::{self, bidi, link},
    widgets::theme::{Role, Theme},
};

impl Row {
    /// Writes the row into one line of the buffer.
    pub fn draw(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if let Some(ground) = self.fill {
            buf.set_style(Rect { height: 1, ..area }, theme.style(ground));
        }
        let (lead, words) = self.spans.split_at(self.lead.min(self.spans.len()));
        let mut pen = Pen { x: area.x, area, theme, buf };
        for span in lead {
            pen.span(span);
        }
        match self.seen_order(words, theme.painting.reorder) {
            Some(order) => self.reordered(words, &order, &mut pen),
            None if self.shift > 0 => self.shifted(words, &mut pen),
            None => {
                for span in words {
                    pen.span(span);
                }
            }
        }
        if matches!(self.kind, RowKind::Code { .. }) {
            self.mark_cuts(lead, area, theme, buf);
        }
    }

    fn reordered(&self, words: &[Span], order: &[bidi::Seen], pen: &mut Pen) {
        if self.is_set_right() {
            let cells: usize = words.iter().map(Span::width).sum();
            pen.x = pen.area.right().saturating_sub(cells as u16).max(pen.x);
        }
        let mut ends = Vec::with_capacity(words.len());
        for span in words {
            ends.push(ends.last().copied().unwrap_or(0) + span.text.len());
        }
        for seen in order {
            let at = ends.partition_point(|end| *end <= seen.at);
            let span = &words[at];
            let begins = ends[at] - span.text.len();
            let cluster = text::clusters(&span.text[seen.at - begins..]).next().unwrap_or("");
            let look = pen.look(span);
            match seen.mirrored {
                Some(mirrored) => pen.cluster(mirrored.encode_utf8(&mut [0; 4]), &look),
                None => pen.cluster(cluster, &look),
            };
        }
    }

    /// Writes what is left of code that was scrolled sideways.
    fn shifted(&self, words: &[Span], pen: &mut Pen) {
        let mut hidden = self.shift;
        for span in words {
            let look = pen.look(span);
            for cluster in text::clusters(&span.text) {
                let cells = text::cluster_width(cluster);
                if hidden > 0 {
                    // Of a wide cluster that is half out of sight nothing is seen.
                    pen.x += cells.saturating_sub(hidden) as u16;
                    hidden = hidden.saturating_sub(cells);
                } else if !pen.cluster(cluster, &look) {
                    return;
                }
            }
        }
    }

    /// Shows at the edges that a row of code goes on there.
    fn mark_cuts(&self, lead: &[Span], area: Rect, theme: &Theme, buf: &mut Buffer) {
        let left = area.x + (lead.iter().map(Span::width).sum::<usize>() as u16).min(area.width);
        let hidden: usize = self.spans[lead.len()..].iter().map(Span::width).sum();
        let room = usize::from(area.right().saturating_sub(left));
        let style = theme.style(Role::Muted);
        if self.shift > 0 && left > area.x {
            // In the margin between the bar and the code.
            set(&mut buf[(left - 1, area.y)], theme.marks.sibling_left, style);
        }
        if hidden > self.shift + room {
            if room > 1 && text::cluster_width(buf[(area.right() - 2, area.y)].symbol()) > 1 {
                set(&mut buf[(area.right() - 2, area.y)], " ", style);
            }
            set(&mut buf[(area.right() - 1, area.y)], theme.marks.sibling_right, style);
        }
    }
}

/// Writes clusters from left to right as far as they fit.
struct Pen<'a> {
    x: u16,
    area: Rect,
    theme: &'a Theme,
    buf: &'a mut Buffer,
}

/// How the clusters of a span are written.
struct Look {
    style: Style,
    /// What begins a link in the terminal.
    opening: Option<String>,
}

impl Pen<'_> {
    fn look(&self, span: &Span) -> Look {
        let mut style = self.theme.style(span.ink.role);
        if let Some(ground) = span.ink.ground {
            style = style.patch(self.theme.style(ground));
        }
        if span.link.is_none() {
            // A theme may underline links; what only has their colour is not one.
            style = style.remove_modifier(Modifier::UNDERLINED);
        }
        let links = self.theme.painting.links;
        let opening = span.link.as_ref().filter(|_| links).and_then(|address| link::opening(address));
        Look { style: style.add_modifier(span.ink.emphasis), opening }
    }

    fn span(&mut self, span: &Span) {
        let look = self.look(span);
        if look.opening.is_none() && text::printable_ascii(&span.text) {
            return self.letters(&span.text, look.style);
        }
        for cluster in text::clusters(&span.text) {
            if !self.cluster(cluster, &look) {
                break;
            }
        }
    }

    /// Writes what takes a cell a byte.
    fn letters(&mut self, letters: &str, style: Style) {
        let room = usize::from(self.area.right().saturating_sub(self.x));
        let fit = letters.len().min(room);
        if fit > 0 {
            let first = self.buf.index_of(self.x, self.area.y);
            for (cell, at) in self.buf.content[first..first + fit].iter_mut().zip(0..) {
                set(cell, &letters[at..=at], style);
            }
        }
        self.x += fit as u16;
    }

    /// Writes a cluster, or says that there is no room for it.
    fn cluster(&mut self, cluster: &str, look: &Look) -> bool {
        let cells = text::cluster_width(cluster) as u16;
        let Some(wide) = NonZeroU16::new(cells) else { return true };
        if self.x + cells > self.area.right() {
            self.x = self.area.right();
            return false;
        }
        let symbol = if cluster == "\u{a0}" { " " } else { cluster };
        let cell = &mut self.buf[(self.x, self.area.y)];
        set(cell, symbol, look.style);
        if let Some(opening) = &look.opening {
            // Each cell is a link of its own, so that any of them can be drawn again without the others.
            cell.set_symbol(&[opening, symbol, link::CLOSING].concat());
            cell.set_diff_option(CellDiffOption::ForcedWidth(wide));
        }
        for hidden in self.x + 1..self.x + cells {
            set(&mut self.buf[(hidden, self.area.y)], " ", look.style);
        }
        self.x += cells;
        true
    }
}

fn set(cell: &mut ratatui::buffer::Cell, symbol: &str, style: Style) {
    cell.set_symbol(symbol).set_style(style).set_diff_option(CellDiffOption::None);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::widgets::row::Ink;

    fn cells(row: &Row, theme: &Theme, width: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        row.draw(buf.area, theme, &mut buf);
        buf.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn wide_clusters_are_written_whole_or_not_at_all() {
        let theme = Theme::default();
        let row = Row::new(
            RowKind::Text,
            vec![Span::new("a日本", Ink::of(Role::Text)), Span::new("語", Ink::of(Role::Link))],
        );
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        row.draw(Rect::new(0, 0, 6, 1), &theme, &mut buf);
        let cells: Vec<&str> = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(cells, ["a", "日", " ", "本", " ", " ", " ", " "]);
        assert_eq!(row.clone().cut(4).text(), "a日…");
    }

    #[test]
    fn only_links_are_underlined() {
        let theme = Theme::default();
        assert!(theme.style(Role::Link).add_modifier.contains(Modifier::UNDERLINED));
        let mark = Span::new("x", Ink::of(Role::Link));
        let link = Span { link: Some(Arc::from("https://x.example")), ..mark.clone() };
        let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
        Row::new(RowKind::Text, vec![mark, link]).draw(buf.area, &theme, &mut buf);
        let underlined: Vec<bool> =
            buf.content.iter().map(|cell| cell.modifier.contains(Modifier::UNDERLINED)).collect();
        assert_eq!(underlined, [false, true]);
    }

    #[test]
    fn with_reordering_a_row_is_seen_as_it_is_written_by_hand() {
        let mut theme = Theme::default();
        theme.painting.reorder = true;
        let ink = Ink::of(Role::Text);
        let mut row = Row::new(RowKind::Text, vec![Span::new("a שלום (", ink), Span::new("עולם) b", ink.bold())]);
        assert_eq!(cells(&row, &theme, 17).concat(), "a (םלוע) םולש b  ");
        let mut buf = Buffer::empty(Rect::new(0, 0, 17, 1));
        row.draw(buf.area, &theme, &mut buf);
        let bold: String =
            (0..17).map(|x| if buf[(x, 0)].modifier.contains(Modifier::BOLD) { 'b' } else { '.' }).collect();
        assert_eq!(bold, "..bbbbb......bb..", "each cluster keeps its look");
        row.rtl = true;
        assert_eq!(cells(&row, &theme, 17).concat(), "  b (םלוע) םולש a");
        theme.painting.reorder = false;
        assert_eq!(cells(&row, &theme, 17).concat(), "a שלום (עולם) b  ");
    }

    #[test]
    fn code_scrolled_sideways_shows_where_it_goes_on() {
        let theme = Theme::default();
        let ink = Ink::of(Role::Text);
        let spans = vec![Span::new("▏ ", ink), Span::new("let x = ", ink), Span::new("日本語;", ink)];
        let row =
            |shift| Row { lead: 1, shift, ..Row::new(RowKind::Code { block: 1, line: 0, from: 0 }, spans.clone()) };
        assert_eq!(cells(&row(0), &theme, 12).concat(), "▏ let x =  ›");
        assert_eq!(cells(&row(4), &theme, 12).concat(), "▏‹x = 日 本  ›");
        assert_eq!(cells(&row(8), &theme, 12).concat(), "▏‹日 本 語 ;   ");
    }
}
