//! The Sources tab: each source with its excerpt and the number of claims that cite it.

use std::collections::BTreeSet;

use super::{Rail, RailBlock};
use crate::{
    chat::{Answer, ItemKind},
    citations::{
        annotations::Source,
        check::{PageCheck, SourceChecks},
    },
    render::{
        card,
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::reading::{ReadingOptions, check_words, limited_text},
};

/// The most rows of an excerpt.
const MAX_EXCERPT_ROWS: usize = 6;
/// The most rows of an address.
const MAX_ADDRESS_ROWS: usize = 2;
/// The most pages listed that were read but not cited.
const MAX_READ_PAGES: usize = 50;

impl Rail {
    pub(crate) fn lay_out_sources(&mut self, answer: &Answer, checks: &SourceChecks, options: &ReadingOptions) {
        let sources = self.citations.sources().to_vec();
        if sources.is_empty() {
            self.push_message("The answer cites no sources.");
        }
        for (nth, source) in sources.iter().enumerate() {
            if nth > 0 {
                self.push_blank();
            }
            let is_highlighted = self.highlighted_source == Some(source.number);
            let gutter = is_highlighted.then_some(GutterMark { mark: options.look.marks.bar, role: ColourRole::Muted });
            let fill = is_highlighted.then_some(ColourRole::Raised);
            let check = self.answer_id.zip(source.url.as_deref()).and_then(|(id, url)| checks.get(id, url));
            let rows = source_rows(source, check, is_highlighted, self.width, options);
            for (nth, row) in rows.into_iter().enumerate() {
                self.blocks.push(RailBlock::Row(StyledRow {
                    gutter: gutter.filter(|_| nth == 0),
                    background: fill,
                    ..row
                }));
            }
        }
        self.lay_out_read_pages(&read_pages(answer, &sources), options);
    }

    /// Lists the pages that the model's searches found, below the sources that it cites.
    fn lay_out_read_pages(&mut self, pages: &[&str], options: &ReadingOptions) {
        if pages.is_empty() {
            return;
        }
        self.push_blank();
        let marks = &options.look.marks;
        let heading = StyledSpan::new("read, not cited", TextStyle::of(ColourRole::Muted));
        let more = pages.len().saturating_sub(MAX_READ_PAGES);
        let addresses = pages.iter().take(MAX_READ_PAGES).map(|url| limited_text::address_spans(url, marks));
        let more =
            (more > 0).then(|| vec![StyledSpan::new(format!("and {more} more"), TextStyle::of(ColourRole::Muted))]);
        for spans in std::iter::once(vec![heading]).chain(addresses).chain(more) {
            for line in limited_text::wrap_limited(&spans, self.width, 1, marks) {
                self.blocks.push(RailBlock::Row(StyledRow::new(RowKind::Other, line).truncated(self.width)));
            }
        }
    }
}

/// Returns the pages that were found or read but are no source of the answer, each once, in order.
fn read_pages<'a>(answer: &'a Answer, sources: &[Source]) -> Vec<&'a str> {
    let mut seen: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.url.as_deref()).map(without_tracking).collect();
    let urls = answer.items.values().filter_map(|item| match &*item.kind {
        ItemKind::Search(search) => Some(&search.urls),
        ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Call(_) | ItemKind::Other { .. } => None,
    });
    let mut pages = Vec::new();
    for url in urls.flatten() {
        if seen.insert(without_tracking(url)) {
            pages.push(url.as_str());
        }
    }
    pages
}

/// Returns an address without what servers add to count visits, and without a last slash.
fn without_tracking(url: &str) -> &str {
    let end = ["?utm_source=", "&utm_source="].iter().filter_map(|mark| url.find(mark)).min().unwrap_or(url.len());
    url[..end].trim_end_matches('/')
}

fn source_rows(
    source: &Source,
    check: Option<&PageCheck>,
    is_highlighted: bool,
    width: usize,
    options: &ReadingOptions,
) -> Vec<StyledRow> {
    let muted = TextStyle::of(ColourRole::Muted);
    let claims = match source.claim_count {
        0 => String::new(),
        1 => "1 claim".into(),
        claims => format!("{claims} claims"),
    };
    let mark = StyledSpan::source_number(source.number, is_highlighted);
    let room = width.saturating_sub(mark.width() + 1 + claims.len() + 2 * usize::from(!claims.is_empty()));
    let title = text::truncate(&source.title, room).into_owned();
    let pad = width.saturating_sub(mark.width() + 1 + text::width(&title) + claims.len());
    let head = vec![
        mark,
        StyledSpan::new(" ", muted),
        StyledSpan::new(title, TextStyle::of(ColourRole::Text).bold()),
        StyledSpan::new(" ".repeat(pad), muted),
        StyledSpan::new(claims, muted),
    ];
    let mut rows = vec![StyledRow::new(RowKind::Sources, head).truncated(width)];
    let mut push_lines = |lines: Vec<Vec<StyledSpan>>| {
        rows.extend(lines.into_iter().map(|spans| StyledRow::new(RowKind::Sources, spans).truncated(width)));
    };
    if let Some(url) = &source.url {
        push_lines(limited_text::wrap_limited(
            &limited_text::address_spans(url, &options.look.marks),
            width,
            MAX_ADDRESS_ROWS,
            &options.look.marks,
        ));
    }
    let marks = &options.look.marks;
    if let Some(PageCheck::Done { result, .. }) = check {
        push_lines(check_words::result_rows(result, width, marks));
        return rows;
    }
    if let Some(PageCheck::Running { .. }) = check {
        let running = StyledSpan::new(marks.running, TextStyle::of(ColourRole::Accent));
        push_lines(vec![vec![running, StyledSpan::new(" reading the page", muted)]]);
    }
    if let Some(excerpt) = &source.excerpt {
        let ink = if is_highlighted { TextStyle::of(ColourRole::Text) } else { muted };
        push_lines(limited_text::wrap_limited(
            &[StyledSpan::new(format!("“{excerpt}”"), ink)],
            width,
            MAX_EXCERPT_ROWS,
            &options.look.marks,
        ));
    } else {
        let message = StyledSpan::new("no excerpt came with the answer", muted);
        rows.extend(card::wrap_spans(&[message], width, RowKind::Sources));
    }
    rows
}
