//! Copies rows as text, with wraps undone and decoration left out.

use std::ops::Range;

use super::{LayoutPass, RowOffset, RowPos, part_source, text_without_lead};
use crate::{
    render::{
        row::{LineJoin, RowKind, StyledRow},
        theme::ThemeMarks,
    },
    text,
};

impl LayoutPass<'_> {
    /// The text from one character up to another.
    ///
    /// Bullets, numbers and quotation bars become Markdown; code is copied verbatim, without its bar.
    pub(crate) fn copy_text(&mut self, from: RowOffset, to: RowOffset) -> String {
        let mut text = String::new();
        let mut before: Option<StyledRow> = None;
        let mut is_copied_whole = false;
        for index in from.row_pos.message_index..=to.row_pos.message_index {
            let first = if index == from.row_pos.message_index { from.row_pos.row } else { 0 };
            let last = if index == to.row_pos.message_index {
                to.row_pos.row
            } else {
                self.message_height(index).saturating_sub(1)
            };
            self.message_height(index);
            for row in first..=last {
                let spot = RowPos { message_index: index, row };
                let row = self.row(spot).cloned().unwrap_or_else(StyledRow::blank);
                if let Some(hidden) = self.folded_diagram_source(spot, &row) {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(&hidden);
                    before = Some(row);
                    continue;
                }
                if is_decoration(&row) {
                    continue;
                }
                let row_text = text_without_lead(&row);
                let start = if spot == from.row_pos { from.byte } else { 0 };
                let end = if spot == to.row_pos { to.byte } else { row_text.len() };
                let is_copied_above = is_copied_whole && is_continuation(&row);
                let copied = span_text_to_copy(&row, start..end.max(start), &mut is_copied_whole);
                match before.as_ref().map(|before| before.join) {
                    Some(_) if is_copied_above => (),
                    Some(joint @ LineJoin::Wrapped(_)) => text.push_str(&joint.to_text()),
                    joint => {
                        trim_end(&mut text);
                        text.push_str(&joint.map(LineJoin::to_text).unwrap_or_default());
                        if start == 0 {
                            text.push_str(&self.markdown_lead(&row));
                        }
                    }
                }
                text.push_str(&copied);
                before = Some(row);
            }
        }
        trim_end(&mut text);
        text::clean(text.trim_matches('\n')).into_owned()
    }

    /// The source of a folded diagram, of which only one row is shown.
    pub(crate) fn folded_diagram_source(&self, spot: RowPos, row: &StyledRow) -> Option<String> {
        let RowKind::CodeHead { .. } = row.kind else { return None };
        let id = *self.conversation.branch.get(spot.message_index)?;
        let part = self.transcript.message_rows.get(&id)?.anchor_at(id, spot.message_index, spot.row).part;
        let source = part_source(self.conversation, id, part)?;
        let lines = source.get(row.source.clone())?.trim();
        lines.contains('\n').then(|| lines.to_owned())
    }

    /// The bullets and bars of a row, as Markdown.
    fn markdown_lead(&self, row: &StyledRow) -> String {
        if matches!(row.kind, RowKind::Code { .. }) {
            return String::new();
        }
        let marks = self.transcript.layout.as_ref().map_or(ThemeMarks::UNICODE, |layout| layout.options.look.marks);
        let mut lead = String::new();
        for span in row.spans.get(..row.lead_spans).unwrap_or_default() {
            let markdown = lead_to_markdown(&span.text, &marks);
            // A task in a numbered list already has its number.
            let is_numbered = lead.trim_end().ends_with('.');
            lead.push_str(if is_numbered { markdown.strip_prefix("- ").unwrap_or(&markdown) } else { &markdown });
        }
        lead
    }
}

/// The text to copy for a range of a row. A span that stands for something else, such as LaTeX, is copied as that if
/// its first row is fully selected, which the flag remembers for the following rows; otherwise its visible text is.
fn span_text_to_copy(row: &StyledRow, range: Range<usize>, is_copied_whole: &mut bool) -> String {
    let mut text = String::new();
    let mut offset = 0;
    for span in row.spans.get(row.lead_spans..).unwrap_or_default() {
        let (from, to) = (range.start.max(offset), range.end.min(offset + span.text.len()));
        let letters = span.text.get(from.saturating_sub(offset)..to.saturating_sub(offset)).unwrap_or_default();
        match span.copy_as.as_deref() {
            Some("") if *is_copied_whole => (),
            None | Some("") => text.push_str(letters),
            Some(copied) => {
                // Selecting any part of a rule selects all of it.
                *is_copied_whole = letters == span.text || row.kind == RowKind::Rule && !letters.is_empty();
                text.push_str(if *is_copied_whole { copied } else { letters });
            }
        }
        offset += span.text.len();
    }
    text
}

/// Whether a row continues a span that a row above copies in full, such as the rest of a formula.
fn is_continuation(row: &StyledRow) -> bool {
    row.spans.get(row.lead_spans).is_some_and(|span| span.copy_as.as_deref() == Some(""))
}

fn lead_to_markdown(mark: &str, marks: &ThemeMarks) -> String {
    let sign = mark.trim();
    let blanks = &mark[mark.trim_end().len()..];
    match sign {
        "" => mark.to_owned(),
        _ if marks.bullets.contains(&sign) => mark.replacen(sign, "-", 1),
        _ if sign == marks.task_open => format!("- [ ]{blanks}"),
        _ if sign == marks.task_done => format!("- [x]{blanks}"),
        _ if sign == marks.quote_bar || sign == marks.bar => "> ".into(),
        _ => mark.to_owned(),
    }
}

/// Whether a row is the head of a code block, or the rule below a table's head or a heading.
fn is_decoration(row: &StyledRow) -> bool {
    match row.kind {
        RowKind::CodeHead { .. } => true,
        RowKind::Table => {
            let said = text_without_lead(row);
            !said.is_empty() && said.chars().all(|letter| matches!(letter, ' ' | '─' | '-'))
        }
        RowKind::Rule => row.spans.iter().all(|span| span.copy_as.is_none()),
        _ => false,
    }
}

fn trim_end(text: &mut String) {
    let end = text.trim_end_matches(' ').len();
    text.truncate(end);
}
