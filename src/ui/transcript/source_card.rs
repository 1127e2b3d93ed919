//! The card of a source: its address and excerpt, the claims it supports, and the check of its page.

use jiff::tz::TimeZone;

use crate::ui::reading::{
    check_words, facts,
    limited_text::{address_spans, wrap_limited},
};
use crate::{
    chat::Timestamp,
    citations::quote,
    text,
    ui::{
        Action,
        key_hints::KeyHint,
        keymap::{KeyContext, Keymap},
    },
};
use crate::{
    citations::{
        annotations::{CitedClaim, Source, TextPartId, address_key},
        check::{CheckOutcome, CheckQuestion, PageCheck},
    },
    render::{
        card::wrap_spans,
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
};

/// The card of a source.
pub struct SourceCard<'a> {
    pub source: &'a Source,
    /// The claims that the source supports.
    pub claims: &'a [CitedClaim],
    /// The mark from which the card was opened.
    pub opened_from: Option<(TextPartId, usize)>,
    /// The question that a check would answer, if a check is possible.
    pub question: Option<&'a CheckQuestion>,
    pub check: Option<&'a PageCheck>,
    /// The command that opens the page, if no browser was found.
    pub browse_command: Option<&'a str>,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub marks: &'a ThemeMarks,
}

/// The most rows of an excerpt, of a claim and of an address.
const MAX_EXCERPT_ROWS: usize = 8;
const MAX_CLAIM_ROWS: usize = 2;
const MAX_ADDRESS_ROWS: usize = 3;
/// The most claims shown.
const MAX_CLAIMS: usize = 4;

impl SourceCard<'_> {
    /// Lays out the card with its frame.
    pub fn rows(&self, width: usize) -> Vec<StyledRow> {
        let inner = width.saturating_sub(4).max(1);
        let muted = TextStyle::of(ColourRole::Muted);
        let mut body = self.address_rows(inner);
        if let Some(excerpt) = &self.source.excerpt {
            body.push(Vec::new());
            body.extend(wrap_limited(
                &[StyledSpan::new(format!("“{excerpt}”"), TextStyle::of(ColourRole::Text))],
                inner,
                MAX_EXCERPT_ROWS,
                self.marks,
            ));
        } else if self.source.url.is_some() {
            body.push(Vec::new());
            body.extend(row_spans(wrap_spans(
                &[StyledSpan::new("no excerpt came with the answer", muted)],
                inner,
                RowKind::Text,
            )));
        }
        body.push(Vec::new());
        body.extend(self.claim_rows(inner));
        let check_rows = self.check_rows(inner);
        if !check_rows.is_empty() {
            body.push(Vec::new());
            body.extend(check_rows);
        }
        let mut rows = vec![self.top_border(width)];
        rows.extend(body.into_iter().map(|spans| self.framed_row(spans, inner)));
        rows.push(self.bottom_border(width));
        rows.into_iter()
            .map(|row| StyledRow { background: Some(ColourRole::Surface), ..row }.truncated(width))
            .collect()
    }

    /// Lays out `sqlite.org › wal.html      supports 2 claims`.
    fn address_rows(&self, width: usize) -> Vec<Vec<StyledSpan>> {
        let muted = TextStyle::of(ColourRole::Muted);
        let claims = match self.claims.len() {
            0 => String::new(),
            1 => "supports 1 claim".into(),
            count => format!("supports {count} claims"),
        };
        let address = match &self.source.url {
            Some(url) => address_spans(url, self.marks),
            None => vec![StyledSpan::new(format!("{}, without an address", self.source.description()), muted)],
        };
        let cells: usize = address.iter().map(StyledSpan::width).sum();
        if cells + 2 + claims.len() <= width {
            return vec![justified(address, &claims, width)];
        }
        let mut rows = wrap_limited(&address, width, MAX_ADDRESS_ROWS, self.marks);
        if !claims.is_empty() {
            rows.push(vec![StyledSpan::new(claims, muted)]);
        }
        rows
    }

    fn claim_rows(&self, width: usize) -> Vec<Vec<StyledSpan>> {
        let muted = TextStyle::of(ColourRole::Muted);
        if self.claims.is_empty() {
            let words = "No text in the answer cites this source.";
            return row_spans(wrap_spans(&[StyledSpan::new(words, muted)], width, RowKind::Text));
        }
        let mut rows = Vec::new();
        // The claim from which the card was opened is always shown.
        let is_opened = |claim: &CitedClaim| self.opened_from == Some((claim.part, claim.annotation));
        let opened = self.claims.iter().position(is_opened).unwrap_or(0);
        let first = opened.saturating_sub(MAX_CLAIMS - 1);
        for claim in self.claims.iter().skip(first).take(MAX_CLAIMS) {
            let ink = if is_opened(claim) { TextStyle::of(ColourRole::Text) } else { muted };
            let words = if claim.text.is_empty() { "(no text before the mark)" } else { &claim.text };
            let hang = width.saturating_sub(2).max(1);
            for (nth, row) in
                wrap_limited(&[StyledSpan::new(words, ink)], hang, MAX_CLAIM_ROWS, self.marks).into_iter().enumerate()
            {
                let lead = if nth == 0 { format!("{} ", self.marks.bullets[0]) } else { "  ".into() };
                rows.push([vec![StyledSpan::new(lead, TextStyle::of(ColourRole::Accent))], row].concat());
            }
        }
        if self.claims.len() > MAX_CLAIMS {
            rows.push(vec![StyledSpan::new(format!("  and {} more", self.claims.len() - MAX_CLAIMS), muted)]);
        }
        rows
    }

    /// Lays out the state of the check, its result, and the command that opens the page.
    fn check_rows(&self, width: usize) -> Vec<Vec<StyledSpan>> {
        let (muted, plain) = (TextStyle::of(ColourRole::Muted), TextStyle::of(ColourRole::Text));
        let mut rows = Vec::new();
        let mut push_text = |content: &[StyledSpan]| rows.extend(row_spans(wrap_spans(content, width, RowKind::Text)));
        match self.question.zip(self.check) {
            None => (),
            Some((question, PageCheck::Asking { .. })) => {
                push_text(&[
                    StyledSpan::new(format!("{} ", self.marks.asking), TextStyle::of(ColourRole::Warning)),
                    StyledSpan::new("Let ibid fetch ", plain),
                    StyledSpan::new(&*text::clean(question.page()), TextStyle::of(ColourRole::Link)),
                    StyledSpan::new(format!(" and look for {} there?", question.label()), plain),
                ]);
                push_text(&[StyledSpan::new("The site will see your IP address; no key or cookies are sent.", muted)]);
            }
            Some((question, PageCheck::Running { since })) => {
                let spent = facts::format_whole_seconds(facts::millis_between(*since, self.now) / 1000 * 1000);
                let words = format!("reading {}  {spent}", text::clean(host(&question.source)));
                push_text(&[
                    StyledSpan::new(format!("{} ", self.marks.running), TextStyle::of(ColourRole::Accent)),
                    StyledSpan::new(words, muted),
                ]);
            }
            Some((question, PageCheck::Done { at, result })) => {
                let time = facts::time_of_day(*at, self.now, self.zone);
                rows.extend(check_words::result_rows(result, width, self.marks));
                let mut notes = vec![format!("Checked {time}.")];
                if let CheckOutcome::Read(page) = &result.outcome {
                    if address_key(&page.url) != address_key(question.page()) {
                        notes.push(format!("The address redirects to {}", text::clean(&page.url)));
                    }
                    if let Some(megabytes) = page.truncated_at_mb {
                        notes.push(format!("Only the first {megabytes} MB of the page were read."));
                    }
                }
                for note in notes {
                    rows.extend(row_spans(wrap_spans(&[StyledSpan::new(note, muted)], width, RowKind::Text)));
                }
            }
        }
        let mut push_text = |content: &[StyledSpan]| rows.extend(row_spans(wrap_spans(content, width, RowKind::Text)));
        if let Some(command) = self.browse_command {
            push_text(&[StyledSpan::new("There is no browser here. On a computer with one, run:", muted)]);
            push_text(&[StyledSpan::new(&*text::clean(command), plain)]);
        }
        rows
    }

    fn top_border(&self, width: usize) -> StyledRow {
        let frame = TextStyle::of(ColourRole::Accent);
        let mark = format!("[{}] ", self.source.number);
        let title = text::truncate(&self.source.title, width.saturating_sub(mark.len() + 6)).into_owned();
        let used = 3 + mark.len() + text::width(&title) + 2;
        let spans = vec![
            StyledSpan::new(format!("{}{} ", self.marks.top_left, self.marks.rule), frame),
            StyledSpan::new(mark, frame),
            StyledSpan::new(title, TextStyle::of(ColourRole::Text).bold()),
            StyledSpan::new(
                format!(" {}{}", self.marks.rule.repeat(width.saturating_sub(used)), self.marks.top_right),
                frame,
            ),
        ];
        StyledRow::new(RowKind::SourceCard, spans)
    }

    fn framed_row(&self, content: Vec<StyledSpan>, inner: usize) -> StyledRow {
        let frame = TextStyle::of(ColourRole::Accent);
        let used: usize = content.iter().map(StyledSpan::width).sum();
        let mut spans = vec![StyledSpan::new(format!("{} ", self.marks.vertical), frame)];
        spans.extend(content);
        spans.push(StyledSpan::new(" ".repeat(inner.saturating_sub(used)), TextStyle::of(ColourRole::Text)));
        spans.push(StyledSpan::new(format!(" {}", self.marks.vertical), frame));
        StyledRow { lead_spans: 1, ..StyledRow::new(RowKind::SourceCard, spans) }
    }

    fn bottom_border(&self, width: usize) -> StyledRow {
        let mut keys = match self.check {
            Some(PageCheck::Asking { .. }) => self.keymap.hints(
                KeyContext::Question,
                &[(&[Action::FetchOnce], "yes"), (&[Action::FetchAlways], "always"), (&[Action::FetchNever], "no")],
            ),
            Some(PageCheck::Running { .. } | PageCheck::Done { .. }) | None => {
                let mut labels: Vec<(&[Action], &str)> = Vec::new();
                labels.extend(self.source.page_url().map(|_| (&[Action::OpenInBrowser][..], "open")));
                labels.extend(self.question.map(|_| (&[Action::CheckSource][..], "check")));
                labels.push((&[Action::Copy], "copy"));
                labels.push((&[Action::NextCitation, Action::PreviousCitation], "next"));
                self.keymap.hints(KeyContext::Source, &labels)
            }
        };
        let cells = |keys: &[KeyHint]| {
            keys.iter().map(|(key, word)| text::width(key) + 1 + word.len()).sum::<usize>()
                + 2 * keys.len().saturating_sub(1)
        };
        while cells(&keys) + 6 > width && keys.pop().is_some() {}
        let frame = TextStyle::of(ColourRole::Accent);
        let rule = width.saturating_sub(cells(&keys) + 5);
        let mut spans =
            vec![StyledSpan::new(format!("{}{} ", self.marks.bottom_left, self.marks.rule.repeat(rule)), frame)];
        for (nth, (key, word)) in keys.into_iter().enumerate() {
            spans.push(StyledSpan::new(if nth > 0 { "  " } else { "" }, frame));
            spans.push(StyledSpan::new(&*key, frame));
            spans.push(StyledSpan::new(format!(" {word}"), TextStyle::of(ColourRole::Text)));
        }
        spans.push(StyledSpan::new(format!(" {}{}", self.marks.rule, self.marks.bottom_right), frame));
        StyledRow::new(RowKind::SourceCard, spans)
    }
}

fn row_spans(rows: Vec<StyledRow>) -> Vec<Vec<StyledSpan>> {
    rows.into_iter().map(|row| row.spans).collect()
}

/// Puts one text at the left edge and another at the right edge.
fn justified(mut left: Vec<StyledSpan>, right: &str, width: usize) -> Vec<StyledSpan> {
    let used: usize = left.iter().map(StyledSpan::width).sum();
    let pad = width.saturating_sub(used + text::width(right));
    left.push(StyledSpan::new(" ".repeat(pad), TextStyle::of(ColourRole::Text)));
    left.push(StyledSpan::new(right, TextStyle::of(ColourRole::Muted)));
    left
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// Formats a source as a Markdown footnote.
pub fn footnote(source: &Source) -> String {
    let number = source.number;
    let title = source.title.replace(['[', ']'], "");
    let named = match &source.url {
        Some(url) if url.contains([' ', '(', ')']) => format!("[{title}](<{}>)", text::clean(url)),
        Some(url) => format!("[{title}]({})", text::clean(url)),
        None => title,
    };
    let excerpt = source.excerpt.as_ref().and_then(|excerpt| quote::passages(excerpt).into_iter().next());
    match excerpt {
        Some(excerpt) => format!("[^{number}]: {named} “{}”", text::clean(&excerpt)),
        None => format!("[^{number}]: {named}"),
    }
}

#[cfg(test)]
mod tests;
