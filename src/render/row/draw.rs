//! Draws a row into one line of the screen.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::Rect,
    style::{Modifier, Style},
};

use super::{RowKind, StyledRow, StyledSpan, cell_map::RtlLead};
use crate::{
    render::theme::{ColourRole, Theme},
    text::{self, bidi, link},
};

impl StyledRow {
    /// Draws the row into one line of the buffer.
    pub fn draw(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if let Some(ground) = self.background {
            // Code in a list begins at its bar.
            let is_code = matches!(self.kind, RowKind::Code { .. } | RowKind::CodeHead { .. });
            let indent = self.spans.iter().take_while(|span| is_code && span.style.background.is_none());
            let indent = (indent.map(StyledSpan::width).sum::<usize>() as u16).min(area.width);
            let ground_area = Rect { x: area.x + indent, width: area.width - indent, height: 1, ..area };
            buf.set_style(ground_area, theme.style(ground));
        }
        let (lead, words) = self.spans.split_at(self.lead_spans.min(self.spans.len()));
        let mut pen = RowPen { x: area.x, area, theme, buf };
        let order = self.visual_order(words, theme.rendering.reorders_rtl);
        if order.is_some() && self.is_rtl && self.rtl_lead() == RtlLead::Right {
            let cells = |spans: &[StyledSpan]| spans.iter().map(StyledSpan::width).sum::<usize>() as u16;
            pen.x = area.right().saturating_sub(cells(lead)).max(area.x);
            let text: String = lead.iter().map(|span| span.text.as_str()).collect();
            draw_reordered(lead, &bidi::visual_order(&text, true), &mut pen);
            pen.x = area.right().saturating_sub(cells(lead) + cells(words)).max(area.x);
        } else {
            for span in lead {
                pen.draw_span(span);
            }
            if order.is_some() && self.is_rtl {
                let cells: usize = words.iter().map(StyledSpan::width).sum();
                pen.x = area.right().saturating_sub(cells as u16).max(pen.x);
            }
        }
        match order {
            Some(order) => draw_reordered(words, &order, &mut pen),
            None if self.scrolled_cells > 0 => self.draw_scrolled(words, &mut pen),
            None => {
                for span in words {
                    pen.draw_span(span);
                }
            }
        }
        if matches!(self.kind, RowKind::Code { .. }) {
            self.draw_cut_marks(lead, area, theme, buf);
        }
    }

    /// Draws the visible rest of code that is scrolled sideways.
    fn draw_scrolled(&self, words: &[StyledSpan], pen: &mut RowPen) {
        let mut hidden = self.scrolled_cells;
        for span in words {
            let style = pen.cluster_style(span);
            for cluster in text::clusters(&span.text) {
                let cells = text::cluster_width(cluster);
                if hidden > 0 {
                    // A wide cluster that is half scrolled off is not drawn.
                    pen.x += cells.saturating_sub(hidden) as u16;
                    hidden = hidden.saturating_sub(cells);
                } else if !pen.draw_cluster(cluster, &style) {
                    return;
                }
            }
        }
    }

    /// Marks the edges at which a row of code is cut off.
    fn draw_cut_marks(&self, lead: &[StyledSpan], area: Rect, theme: &Theme, buf: &mut Buffer) {
        let left = area.x + (lead.iter().map(StyledSpan::width).sum::<usize>() as u16).min(area.width);
        let hidden: usize = self.spans[lead.len()..].iter().map(StyledSpan::width).sum();
        let room = usize::from(area.right().saturating_sub(left));
        let style = theme.style(ColourRole::Muted);
        if self.scrolled_cells > 0 && left > area.x {
            // The margin between the bar and the code.
            set_cell(&mut buf[(left - 1, area.y)], theme.marks.sibling_left, style);
        }
        if hidden > self.scrolled_cells + room {
            if room > 1 && text::cluster_width(buf[(area.right() - 2, area.y)].symbol()) > 1 {
                set_cell(&mut buf[(area.right() - 2, area.y)], " ", style);
            }
            set_cell(&mut buf[(area.right() - 1, area.y)], theme.marks.sibling_right, style);
        }
    }
}

fn draw_reordered(words: &[StyledSpan], order: &[bidi::VisualCluster], pen: &mut RowPen) {
    let mut ends = Vec::with_capacity(words.len());
    for span in words {
        ends.push(ends.last().copied().unwrap_or(0) + span.text.len());
    }
    for seen in order {
        let index = ends.partition_point(|end| *end <= seen.offset);
        let span = &words[index];
        let span_start = ends[index] - span.text.len();
        let cluster = text::clusters(&span.text[seen.offset - span_start..]).next().unwrap_or("");
        let style = pen.cluster_style(span);
        match seen.mirrored {
            Some(mirrored) => pen.draw_cluster(mirrored.encode_utf8(&mut [0; 4]), &style),
            None => pen.draw_cluster(cluster, &style),
        };
    }
}

/// Writes clusters from left to right, as far as they fit.
struct RowPen<'a> {
    x: u16,
    area: Rect,
    theme: &'a Theme,
    buf: &'a mut Buffer,
}

/// How the clusters of a span are drawn.
struct ClusterStyle {
    style: Style,
    /// The escape sequence that opens the span's link, if it has one.
    link_opening: Option<String>,
}

impl RowPen<'_> {
    fn cluster_style(&self, span: &StyledSpan) -> ClusterStyle {
        let mut style = self.theme.style(span.style.role);
        if span.link().is_none() {
            // A theme may underline links, but a span that only has their colour is not a link.
            style = style.remove_modifier(Modifier::UNDERLINED);
        }
        if let Some(ground) = span.style.background {
            // It may underline what it marks.
            style = style.patch(self.theme.style(ground));
        }
        let links = self.theme.rendering.has_links;
        let opening = span.link().filter(|_| links).and_then(|address| link::open_sequence(address));
        ClusterStyle { style: style.add_modifier(span.style.modifiers), link_opening: opening }
    }

    fn draw_span(&mut self, span: &StyledSpan) {
        let style = self.cluster_style(span);
        if style.link_opening.is_none() && text::is_printable_ascii(&span.text) {
            return self.draw_ascii(&span.text, style.style);
        }
        for cluster in text::clusters(&span.text) {
            if !self.draw_cluster(cluster, &style) {
                break;
            }
        }
    }

    /// Writes printable ASCII, which takes one cell per byte.
    fn draw_ascii(&mut self, letters: &str, style: Style) {
        let room = usize::from(self.area.right().saturating_sub(self.x));
        let fit = letters.len().min(room);
        if fit > 0 {
            let first = self.buf.index_of(self.x, self.area.y);
            for (cell, at) in self.buf.content[first..first + fit].iter_mut().zip(0..) {
                set_cell(cell, &letters[at..=at], style);
            }
        }
        self.x += fit as u16;
    }

    /// Writes a cluster. Returns `false` if there is no room for it.
    fn draw_cluster(&mut self, cluster: &str, style: &ClusterStyle) -> bool {
        let cells = text::cluster_width(cluster) as u16;
        let Some(wide) = NonZeroU16::new(cells) else { return true };
        if self.x + cells > self.area.right() {
            self.x = self.area.right();
            return false;
        }
        let symbol = if cluster == "\u{a0}" { " " } else { cluster };
        let cell = &mut self.buf[(self.x, self.area.y)];
        set_cell(cell, symbol, style.style);
        if let Some(opening) = &style.link_opening {
            // Each cell is a separate link, so that any of them can be redrawn without the others.
            cell.set_symbol(&[opening, symbol, link::OSC8_CLOSE].concat());
            cell.set_diff_option(CellDiffOption::ForcedWidth(wide));
        }
        for hidden in self.x + 1..self.x + cells {
            set_cell(&mut self.buf[(hidden, self.area.y)], " ", style.style);
        }
        self.x += cells;
        true
    }
}

fn set_cell(cell: &mut ratatui::buffer::Cell, symbol: &str, style: Style) {
    cell.set_symbol(symbol).set_style(style).set_diff_option(CellDiffOption::None);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::render::row::TextStyle;

    fn cells(row: &StyledRow, theme: &Theme, width: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        row.draw(buf.area, theme, &mut buf);
        buf.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn wide_clusters_are_drawn_in_full_or_not_at_all() {
        let theme = Theme::default();
        let row = StyledRow::new(
            RowKind::Text,
            vec![
                StyledSpan::new("a日本", TextStyle::of(ColourRole::Text)),
                StyledSpan::new("語", TextStyle::of(ColourRole::Link)),
            ],
        );
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        row.draw(Rect::new(0, 0, 6, 1), &theme, &mut buf);
        let cells: Vec<&str> = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(cells, ["a", "日", " ", "本", " ", " ", " ", " "]);
        assert_eq!(row.clone().truncated(4).text(), "a日…");
    }

    #[test]
    fn only_links_are_underlined() {
        let theme = Theme::default();
        assert!(theme.style(ColourRole::Link).add_modifier.contains(Modifier::UNDERLINED));
        let mark = StyledSpan::new("x", TextStyle::of(ColourRole::Link));
        let link = mark.clone().with_link(Some(Arc::from("https://x.example")));
        let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
        StyledRow::new(RowKind::Text, vec![mark, link]).draw(buf.area, &theme, &mut buf);
        let underlined: Vec<bool> =
            buf.content.iter().map(|cell| cell.modifier.contains(Modifier::UNDERLINED)).collect();
        assert_eq!(underlined, [false, true]);
    }

    #[test]
    fn reordering_draws_mixed_text_in_visual_order() {
        let mut theme = Theme::default();
        theme.rendering.reorders_rtl = true;
        let ink = TextStyle::of(ColourRole::Text);
        let mut row = StyledRow::new(
            RowKind::Text,
            vec![StyledSpan::new("a שלום (", ink), StyledSpan::new("עולם) b", ink.bold())],
        );
        assert_eq!(cells(&row, &theme, 17).concat(), "a (םלוע) םולש b  ");
        let mut buf = Buffer::empty(Rect::new(0, 0, 17, 1));
        row.draw(buf.area, &theme, &mut buf);
        let bold: String =
            (0..17).map(|x| if buf[(x, 0)].modifier.contains(Modifier::BOLD) { 'b' } else { '.' }).collect();
        assert_eq!(bold, "..bbbbb......bb..", "each cluster keeps its style");
        row.is_rtl = true;
        assert_eq!(cells(&row, &theme, 17).concat(), "  b (םלוע) םולש a");
        theme.rendering.reorders_rtl = false;
        assert_eq!(cells(&row, &theme, 17).concat(), "a שלום (עולם) b  ");
    }

    #[test]
    fn a_right_to_left_item_begins_at_the_right() {
        let mut theme = Theme::default();
        theme.rendering.reorders_rtl = true;
        let ink = TextStyle::of(ColourRole::Text);
        let item = |kind, lead: &str, text: &str| StyledRow {
            lead_spans: 1,
            is_rtl: true,
            ..StyledRow::new(kind, vec![StyledSpan::new(lead, ink), StyledSpan::new(text, ink)])
        };
        let shown = |row: &StyledRow| cells(row, &theme, 12).concat();
        assert_eq!(shown(&item(RowKind::Text, "• ", "שלום")), "      םולש •");
        assert_eq!(shown(&item(RowKind::Text, "10. ", "שלום")), "    םולש .10");
        assert_eq!(shown(&item(RowKind::Text, "    ", "abc")), "     abc    ", "the second row of an item");
        assert_eq!(shown(&item(RowKind::Quote, "▎ ", "שלום")), "▎       םולש", "the bar of a quotation stays");
    }

    #[test]
    fn code_scrolled_sideways_marks_where_it_is_cut() {
        let theme = Theme::default();
        let ink = TextStyle::of(ColourRole::Text);
        let spans = vec![StyledSpan::new("▏ ", ink), StyledSpan::new("let x = ", ink), StyledSpan::new("日本語;", ink)];
        let row = |shift| StyledRow {
            lead_spans: 1,
            scrolled_cells: shift,
            ..StyledRow::new(RowKind::Code { block: 1, line: 0, from: 0 }, spans.clone())
        };
        assert_eq!(cells(&row(0), &theme, 12).concat(), "▏ let x =  ›");
        assert_eq!(cells(&row(4), &theme, 12).concat(), "▏‹x = 日 本  ›");
        assert_eq!(cells(&row(8), &theme, 12).concat(), "▏‹日 本 語 ;   ");
    }
}
