//! Rows know their source: what is drawn has a range of it or is inserted, and copying follows the ranges.

use std::ops::Range;

use ibid::{
    citations::annotations::{CitationMark, CitedAnnotation},
    render::{
        markdown::{MarkdownLayout, MarkdownOptions, TextStage},
        row::{LineJoin, RowCopier, RowKind, StyledRow},
        source_map::{SourceKind, SourceRun},
    },
    text,
};
use proptest::{prelude::*, sample::Index};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{layout::document, meant_markdown::loose_document};

/// Generates strict Markdown, and what models write instead.
fn any_document() -> impl Strategy<Value = String> {
    prop_oneof![document(), loose_document()]
}

fn laid_out(source: &str, width: usize) -> MarkdownLayout {
    cited(source, width, &[])
}

/// Lays out a text with citations that end at some of its clusters.
fn cited(source: &str, width: usize, ends: &[Index]) -> MarkdownLayout {
    let clusters: Vec<usize> = text::cluster_indices(source).map(|(at, cluster)| at + cluster.len()).collect();
    let mut ends: Vec<usize> = ends.iter().map(|end| clusters[end.index(clusters.len())]).collect();
    ends.sort_unstable();
    let mark = |(nth, end): (usize, &usize)| CitationMark {
        range: source.floor_char_boundary(end.saturating_sub(5))..*end,
        insert_at: *end,
        cited: Some(CitedAnnotation {
            number: nth as u32 + 1,
            is_from_server: true,
            annotation_index: nth,
            key: "https://x.example".into(),
            verdict: None,
        }),
    };
    let marks: Vec<CitationMark> = ends.iter().enumerate().map(mark).collect();
    let mut layout = MarkdownLayout::new(MarkdownOptions { diagrams_open: true, ..MarkdownOptions::default() });
    layout.sync(source, width, TextStage::Complete, &marks);
    layout
}

/// The rows from the first to the last that are selected, and the selected range of the text of each.
struct Selection<'a> {
    rows: &'a [StyledRow],
    texts: Vec<Range<usize>>,
}

impl<'a> Selection<'a> {
    /// Selects from one cluster to another.
    fn new(rows: &'a [StyledRow], ends: [Index; 2]) -> Option<Self> {
        let clusters: Vec<(usize, Range<usize>)> = rows.iter().enumerate().flat_map(clusters_of_row).collect();
        if clusters.is_empty() {
            return None;
        }
        let mut ends = ends.map(|end| end.index(clusters.len()));
        ends.sort_unstable();
        let [(first, from), (last, to)] = ends.map(|end| clusters[end].clone());
        let mut texts: Vec<Range<usize>> = rows[first..=last].iter().map(|row| 0..row.content().len()).collect();
        texts[0].start = from.start;
        texts[last - first].end = to.end;
        Some(Self { rows: &rows[first..=last], texts })
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a StyledRow, Range<usize>)> + '_ {
        self.rows.iter().zip(self.texts.iter().cloned())
    }

    fn copied(&self, source: &str) -> String {
        let mut copier = RowCopier::default();
        self.pairs().for_each(|(row, text)| copier.push(row, text, source));
        copier.finish()
    }

    fn markdown_range(&self) -> Range<usize> {
        let sources = self.pairs().filter_map(|(row, text)| row.source_of(text));
        sources.reduce(|all, next| all.start.min(next.start)..all.end.max(next.end)).unwrap_or_default()
    }

    /// The cleaned source of the selected ranges, in order, with bullets and bars as Markdown.
    fn source_text(&self, source: &str) -> String {
        let mut out = String::new();
        // What was copied as its source although a row shows other text for it: nothing else of it is copied.
        let mut whole: Vec<SourceRun> = Vec::new();
        let mut join = LineJoin::LineEnd;
        for (row, selected) in self.pairs().filter(|(row, _)| is_folded(row, source) || !is_decoration(row)) {
            if is_folded(row, source) {
                out.push_str(&text::clean(&source[row.source.clone()]));
                join = row.join;
                continue;
            }
            let content = row.content();
            let is_rest = |whole: &[SourceRun], run: &SourceRun| {
                let is_within = |it: &SourceRun| it.source.start <= run.source.start && run.source.end <= it.source.end;
                let is_first = |it: &SourceRun| it.source == run.source && run.skipped == 0;
                run.kind != SourceKind::Inserted && whole.iter().any(|it| is_within(it) && !is_first(it))
            };
            let goes_on = row.source_map.runs().next().is_some_and(|run| is_rest(&whole, &run));
            let begins_line = std::mem::replace(&mut join, row.join) == LineJoin::LineEnd && !goes_on;
            if begins_line && selected.start == 0 && !matches!(row.kind, RowKind::Code { .. }) {
                let lead = &row.spans[..row.lead_spans];
                for span in lead {
                    out.push_str(span.markdown().unwrap_or(&span.text));
                }
            }
            for run in row.source_map.runs() {
                let text = run.text.start.max(selected.start)..run.text.end.min(selected.end);
                if text.is_empty() || is_rest(&whole, &run) {
                    continue;
                }
                let is_whole = text == run.text && run.skipped == 0 || row.kind == RowKind::Rule;
                match run.kind {
                    SourceKind::Verbatim => {
                        let start = run.source.start + text.start - run.text.start;
                        out.push_str(&text::clean(&source[start..start + text.len()]));
                    }
                    SourceKind::StandIn if is_whole => {
                        out.push_str(&text::clean(&source[run.source.clone()]));
                        whole.push(run);
                    }
                    SourceKind::StandIn | SourceKind::Rewritten | SourceKind::Inserted => out.push_str(&content[text]),
                }
            }
        }
        out
    }
}

fn clusters_of_row((nth, row): (usize, &StyledRow)) -> Vec<(usize, Range<usize>)> {
    let content = row.content();
    text::cluster_indices(&content).map(|(at, cluster)| (nth, at..at + cluster.len())).collect()
}

/// Whether a row is only the head of a code block or the rule below a heading or a table's head.
fn is_decoration(row: &StyledRow) -> bool {
    let is_inserted = row.source_map.runs().all(|run| run.kind == SourceKind::Inserted);
    is_inserted && matches!(row.kind, RowKind::CodeHead { .. } | RowKind::Rule | RowKind::Table)
}

/// Whether a row is the head of a code block whose source has more lines, but no rows.
fn is_folded(row: &StyledRow, source: &str) -> bool {
    matches!(row.kind, RowKind::CodeHead { .. } | RowKind::DetailsHead { is_folded: true })
        && source[row.source.clone()].trim().contains('\n')
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Returns the ranges of all text that Markdown shows, by a plain parse of the source.
fn shown_ranges(source: &str) -> Vec<Range<usize>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let (mut ranges, mut images, mut head_cells) = (Vec::new(), 0, None);
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images -= 1,
            Event::Start(Tag::TableHead) => head_cells = Some(0),
            Event::End(TagEnd::TableHead) => head_cells = None,
            Event::End(TagEnd::TableCell) => head_cells = head_cells.map(|cells| cells + 1),
            // Records have no name for their first column.
            Event::Text(_) | Event::Code(_) if images > 0 || head_cells == Some(0) => (),
            Event::Text(_) => ranges.push(range),
            Event::Code(_) => {
                let inside = source[range.clone()].trim_matches('`');
                let start = range.end - source[range.clone()].trim_start_matches('`').len();
                ranges.push(start..start + inside.len());
            }
            _ => (),
        }
    }
    ranges
}

fn line_around(source: &str, at: usize) -> &str {
    let start = source[..at].rfind('\n').map_or(0, |end| end + 1);
    source[start..].lines().next().unwrap_or_default()
}

/// An input at which the property below once failed.
#[test]
fn dollars_around_backticks_lose_nothing() {
    let source = "$`$`ა";
    let layout = laid_out(source, 1);
    let runs: Vec<SourceRun> = layout.rows().iter().flat_map(|row| row.source_map.runs()).collect();
    let is_shown = |at: usize| runs.iter().any(|run| run.kind != SourceKind::Inserted && run.source.contains(&at));
    for range in shown_ranges(source) {
        assert!(range.clone().all(is_shown), "{range:?}: {:?}", layout.rows());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_drawn_cluster_has_a_source_or_is_inserted(source in any_document(), width in 1usize..110, marks in prop::collection::vec(any::<Index>(), 0..8)) {
        for row in cited(&source, width, &marks).rows() {
            let (content, mut end) = (row.content(), 0);
            for run in row.source_map.runs() {
                prop_assert_eq!(run.text.start, end, "runs leave no gap in {:?}", row);
                end = run.text.end;
                let of_source = source.get(run.source.clone());
                match run.kind {
                    SourceKind::Verbatim => prop_assert_eq!(of_source, Some(&content[run.text])),
                    SourceKind::Rewritten | SourceKind::StandIn => prop_assert!(of_source.is_some_and(|it| !it.is_empty()), "{:?}", row),
                    SourceKind::Inserted => prop_assert_eq!(of_source, Some("")),
                }
            }
            prop_assert_eq!(end, content.len(), "{:?}", row);
        }
    }

    #[test]
    fn copying_gives_the_source_of_the_selected_ranges(source in any_document(), width in 1usize..110, ends in any::<[Index; 2]>(), marks in prop::collection::vec(any::<Index>(), 0..8)) {
        let layout = cited(&source, width, &marks);
        if let Some(selection) = Selection::new(layout.rows(), ends) {
            let copied = selection.copied(&source);
            prop_assert_eq!(without_spaces(&copied), without_spaces(&selection.source_text(&source)));
            prop_assert_eq!(text::clean(&copied), &*copied);
        }
    }

    #[test]
    fn copying_as_markdown_gives_the_source_between_the_ends(source in any_document(), width in 1usize..110, ends in any::<[Index; 2]>()) {
        let layout = laid_out(&source, width);
        let Some(selection) = Selection::new(layout.rows(), ends) else { return Ok(()) };
        let range = selection.markdown_range();
        let selected: Vec<Range<usize>> = selection
            .pairs()
            .flat_map(|(row, text)| row.source_map.slice(text).runs().collect::<Vec<_>>())
            .filter(|run| run.kind != SourceKind::Inserted)
            .map(|run| run.source)
            .collect();
        prop_assert!(selected.iter().all(|one| range.start <= one.start && one.end <= range.end), "{:?} of {:?}", selected, range);
        let markdown = text::clean(&source[range.clone()]);
        for one in &selected {
            prop_assert!(markdown.contains(text::clean(&source[one.clone()]).trim()));
        }
        let rows = layout.rows();
        let all = Selection { rows, texts: vec![0..usize::MAX; rows.len()] }.markdown_range();
        prop_assert_eq!(&source[all], &source, "everything selected is the whole source");
    }

    #[test]
    fn every_visible_cluster_of_the_source_can_be_selected(source in document(), width in 1usize..110) {
        let source = text::clean(&source).into_owned();
        let layout = laid_out(&source, width);
        let mut is_shown = vec![false; source.len()];
        let runs = layout.rows().iter().flat_map(|row| row.source_map.runs());
        for run in runs.filter(|run| run.kind != SourceKind::Inserted) {
            is_shown[run.source].fill(true);
        }
        for range in shown_ranges(&source) {
            for (at, cluster) in text::cluster_indices(&source[range.clone()]).filter(|(_, cluster)| !cluster.trim().is_empty()) {
                // Which stars are signs is not for a plain parse to say (`2*3*4`), nor which tildes beside other letters than
                // Latin, tags and dollars.
                let line = line_around(&source, range.start + at);
                let is_plain = line.is_ascii() && !line.contains(['<', '$']);
                let may_be_sign = cluster == "*" || cluster == "~" && !is_plain;
                prop_assert!(may_be_sign || is_shown[range.start + at], "{cluster:?} at {} of {source:?}", range.start + at);
            }
        }
    }

    #[test]
    fn a_selected_cluster_is_copied(source in any_document(), width in 1usize..110, end: Index) {
        let layout = laid_out(&source, width);
        if let Some(selection) = Selection::new(layout.rows(), [end, end])
            && let Some((row, text)) = selection.pairs().next().filter(|(row, _)| !is_decoration(row) && row.kind != RowKind::Rule)
        {
            let copied = selection.copied(&source);
            let is_whole = |run: &SourceRun| run.kind == SourceKind::StandIn && run.text == text && run.skipped == 0;
            let expected = match row.source_map.runs().find(is_whole) {
                Some(run) => text::clean(&source[run.source]).into_owned(),
                None => row.content()[text].to_owned(),
            };
            prop_assert!(copied.ends_with(expected.trim()), "{expected:?} in {copied:?}");
        }
    }
}
