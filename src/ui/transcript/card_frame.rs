//! The frame of a card in the text: rounded, with its title in the top edge and its keys in the bottom edge.

use crate::{
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// Cards at least this wide have wide margins.
const WIDE: usize = 56;

/// The frame of a card that is `width` cells wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct CardFrame<'a> {
    pub role: ColourRole,
    pub width: usize,
    pub marks: &'a ThemeMarks,
}

impl CardFrame<'_> {
    /// The blank cells between the frame and its content.
    fn margin(&self) -> usize {
        if self.width >= WIDE { 3 } else { 2 }
    }

    /// Returns the width of the content.
    pub(super) fn inner_width(&self) -> usize {
        self.width.saturating_sub(2 * (self.margin() + 1)).max(1)
    }

    /// Returns the width of a title beside a label of this width at the right.
    pub(super) fn title_width(&self, label: usize) -> usize {
        self.inner_width().saturating_sub(if label == 0 { 0 } else { label + 3 })
    }

    /// Returns the top edge: the title at the left, a label at the right.
    pub(super) fn top(&self, title: Vec<StyledSpan>, label: &str) -> StyledRow {
        let label = (!label.is_empty()).then(|| StyledSpan::new(label, TextStyle::of(ColourRole::Muted)));
        self.edge((self.marks.top_left, self.marks.top_right), title, label.into_iter().collect())
    }

    /// Returns the bottom edge with a label at the right.
    pub(super) fn bottom(&self, label: Vec<StyledSpan>) -> StyledRow {
        self.edge((self.marks.bottom_left, self.marks.bottom_right), Vec::new(), label)
    }

    fn edge(&self, corners: (&str, &str), left: Vec<StyledSpan>, right: Vec<StyledSpan>) -> StyledRow {
        let line = |cells: usize| StyledSpan::new(self.marks.rule.repeat(cells), TextStyle::of(self.role));
        let blank = || StyledSpan::new(" ", TextStyle::of(self.role));
        let cells = |spans: &[StyledSpan]| match spans {
            [] => 0,
            spans => spans.iter().map(StyledSpan::width).sum::<usize>() + 2,
        };
        let lead = self.margin() - 1;
        let used = 2 + 2 * lead + cells(&left) + cells(&right);
        let mut spans = vec![StyledSpan::new(corners.0, TextStyle::of(self.role)), line(lead)];
        let apart = |content: Vec<StyledSpan>| {
            if content.is_empty() { content } else { [vec![blank()], content, vec![blank()]].concat() }
        };
        spans.extend(apart(left));
        spans.push(line(self.width.saturating_sub(used)));
        spans.extend(apart(right));
        spans.push(line(lead));
        spans.push(StyledSpan::new(corners.1, TextStyle::of(self.role)));
        self.on_surface(RowKind::CardEdge, spans)
    }

    /// Returns a row of content between the sides of the frame.
    pub(super) fn row(&self, content: Vec<StyledSpan>) -> StyledRow {
        let used: usize = content.iter().map(StyledSpan::width).sum();
        let margin = " ".repeat(self.margin());
        let side = |words: String| StyledSpan::new(words, TextStyle::of(self.role));
        let mut spans = vec![side(format!("{}{margin}", self.marks.vertical))];
        spans.extend(content);
        spans.push(side(" ".repeat(self.inner_width().saturating_sub(used))));
        spans.push(side(format!("{margin}{}", self.marks.vertical)));
        StyledRow { lead_spans: 1, ..self.on_surface(RowKind::Card, spans) }
    }

    fn on_surface(&self, kind: RowKind, spans: Vec<StyledSpan>) -> StyledRow {
        StyledRow { background: Some(ColourRole::Surface), ..StyledRow::new(kind, spans) }.truncated(self.width)
    }
}

/// Truncates a title to a width; `None` if all of it fits.
pub(super) fn shortened_title(title: &str, width: usize) -> Option<String> {
    (text::width(title) > width).then(|| text::truncate(title, width).into_owned())
}
