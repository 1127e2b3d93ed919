//! Rows as a text to be copied: wraps undone, decoration left out.

use std::ops::Range;

use super::{Page, Place, Spot, source_of, words};
use crate::{
    text,
    widgets::{
        row::{Joint, Row, RowKind},
        theme::Marks,
    },
};

impl Page<'_> {
    /// The text from one letter up to another.
    ///
    /// Bullets, numbers and bars of quotations become those of Markdown; code is what it is, without its bar.
    pub fn copied(&mut self, from: Place, to: Place) -> String {
        let mut text = String::new();
        let mut before: Option<Row> = None;
        let mut whole = false;
        for index in from.spot.index..=to.spot.index {
            let first = if index == from.spot.index { from.spot.row } else { 0 };
            let last = if index == to.spot.index { to.spot.row } else { self.height(index).saturating_sub(1) };
            self.height(index);
            for row in first..=last {
                let spot = Spot { index, row };
                let row = self.row(spot).cloned().unwrap_or_else(Row::blank);
                if let Some(hidden) = self.hidden(spot, &row) {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(&hidden);
                    before = Some(row);
                    continue;
                }
                if is_decoration(&row) {
                    continue;
                }
                let said = words(&row);
                let start = if spot == from.spot { from.byte } else { 0 };
                let end = if spot == to.spot { to.byte } else { said.len() };
                let is_copied_above = whole && is_rest(&row);
                let taken = taken(&row, start..end.max(start), &mut whole);
                match before.as_ref().map(|before| before.joint) {
                    Some(_) if is_copied_above => (),
                    Some(joint @ Joint::Blanks(_)) => text.push_str(&joint.words()),
                    joint => {
                        trim_end(&mut text);
                        text.push_str(&joint.map(Joint::words).unwrap_or_default());
                        if start == 0 {
                            text.push_str(&self.lead(&row));
                        }
                    }
                }
                text.push_str(&taken);
                before = Some(row);
            }
        }
        trim_end(&mut text);
        text::clean(text.trim_matches('\n')).into_owned()
    }

    /// The source of a diagram, of which only one row is shown.
    pub fn hidden(&self, spot: Spot, row: &Row) -> Option<String> {
        let RowKind::CodeHead { .. } = row.kind else { return None };
        let id = *self.conversation.branch.get(spot.index)?;
        let part = self.transcript.laid.get(&id)?.anchor(id, spot.index, spot.row).part;
        let source = source_of(self.conversation, id, part)?;
        let lines = source.get(row.source.clone())?.trim();
        lines.contains('\n').then(|| lines.to_owned())
    }

    /// The bullets and bars of a row as Markdown has them.
    fn lead(&self, row: &Row) -> String {
        if matches!(row.kind, RowKind::Code { .. }) {
            return String::new();
        }
        let marks = self.transcript.layout.as_ref().map_or(Marks::UNICODE, |layout| layout.options.look.marks);
        let mut lead = String::new();
        for span in row.spans.get(..row.lead).unwrap_or_default() {
            let said = in_markdown(&span.text, &marks);
            // A task of a numbered list has its number already.
            let numbered = lead.trim_end().ends_with('.');
            lead.push_str(if numbered { said.strip_prefix("- ").unwrap_or(&said) } else { &said });
        }
        lead
    }
}

/// The words of a range of a row; what stands for something else is copied as that if its first row is taken as a
/// whole, which `whole` keeps for the rows behind it, else by its letters.
fn taken(row: &Row, range: Range<usize>, whole: &mut bool) -> String {
    let mut text = String::new();
    let mut at = 0;
    for span in row.spans.get(row.lead..).unwrap_or_default() {
        let (from, to) = (range.start.max(at), range.end.min(at + span.text.len()));
        let letters = span.text.get(from.saturating_sub(at)..to.saturating_sub(at)).unwrap_or_default();
        match span.copied.as_deref() {
            Some("") if *whole => (),
            None | Some("") => text.push_str(letters),
            Some(copied) => {
                // A rule has no letters.
                *whole = letters == span.text || row.kind == RowKind::Rule && !letters.is_empty();
                text.push_str(if *whole { copied } else { letters });
            }
        }
        at += span.text.len();
    }
    text
}

/// Whether a row begins within what a row above stands for, as the rest of a formula does.
fn is_rest(row: &Row) -> bool {
    row.spans.get(row.lead).is_some_and(|span| span.copied.as_deref() == Some(""))
}

fn in_markdown(mark: &str, marks: &Marks) -> String {
    let sign = mark.trim();
    let blanks = &mark[mark.trim_end().len()..];
    match sign {
        "" => mark.to_owned(),
        _ if marks.bullets.contains(&sign) => mark.replacen(sign, "-", 1),
        _ if sign == marks.task_open => format!("- [ ]{blanks}"),
        _ if sign == marks.task_done => format!("- [x]{blanks}"),
        _ if sign == marks.quotation || sign == marks.bar => "> ".into(),
        _ => mark.to_owned(),
    }
}

/// The head of a code block, the rule under the head of a table or under a heading.
fn is_decoration(row: &Row) -> bool {
    match row.kind {
        RowKind::CodeHead { .. } => true,
        RowKind::Table => {
            let said = words(row);
            !said.is_empty() && said.chars().all(|letter| matches!(letter, ' ' | '─' | '-'))
        }
        RowKind::Rule => row.spans.iter().all(|span| span.copied.is_none()),
        _ => false,
    }
}

fn trim_end(text: &mut String) {
    let end = text.trim_end_matches(' ').len();
    text.truncate(end);
}
