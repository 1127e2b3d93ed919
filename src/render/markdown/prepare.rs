//! Rewrites a text for the parser, so that it reads what was meant, and gives its events back as they were written.
//!
//! Models do not write strict Markdown. Each pass, in a file of its own, changes what the parser would take wrongly: it
//! hides a sign behind a stand-in of the same length, or inserts what is missing. The events that come back speak of
//! the written text only: their ranges are mapped to it, and their words are taken from it.
//!
//! A pass runs only if the text has what triggers it, and its work is linear. A pass must not hide signs in the address
//! of a link: the parser accepts no control characters there.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag};

use super::{
    cjk_emphasis, definitions, emphasis_signs, fence_nesting, formulas, held_line, html_tags, list_indents,
    table_repair,
};

/// A text in the form that is passed to the parser.
#[derive(Debug)]
pub(crate) struct PreparedMarkdown<'a> {
    source: &'a str,
    text: Cow<'a, str>,
    insertions: Vec<TextInsertion>,
    /// Where a formula, details or a comment begin that may still end: nothing after them is final.
    pub open_formula: usize,
    /// The formulas that span several lines, and the details.
    pub formulas: Vec<Range<usize>>,
    /// The `<details>` that are closed.
    pub details: Vec<Range<usize>>,
}

/// A text while the passes rewrite it. All positions are in its source.
#[derive(Debug, Clone)]
pub(super) struct ParserDraft<'a> {
    pub source: &'a str,
    /// The source with its hidden signs, if there are any.
    hidden: Option<Vec<u8>>,
    inserted: Vec<(usize, Cow<'static, str>)>,
    /// The code and HTML of the text, once it was asked for, until the text changes.
    found: Option<Vec<FoundCode>>,
    /// What hangs below items has its indent: before that, code is looked for as if it had.
    pub is_indented: bool,
    pub open_formula: usize,
    pub formulas: Vec<Range<usize>>,
    /// The `<details>` that are closed.
    pub details: Vec<Range<usize>>,
}

/// Code or HTML, in which nothing is syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodeRange {
    pub range: Range<usize>,
    /// It is between backticks.
    pub is_inline: bool,
}

/// Code or HTML as the parser finds it; HTML may contain more of it.
#[derive(Debug, Clone)]
struct FoundCode {
    range: Range<usize>,
    kind: CodeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodeKind {
    Block,
    Inline,
    HtmlBlock,
    InlineHtml,
}

/// Text that is not in the source.
#[derive(Debug)]
struct TextInsertion {
    /// Where it stands in the prepared text.
    start: usize,
    len: usize,
    /// Where it stands in the source.
    source_pos: usize,
}

/// The signs that can be hidden; each has the control character of the same index as its stand-in.
const SIGNS: &[u8] = b"$|*_~`[]<>#-+=.)(!:\\&^@{}\"";
/// Characters that mean nothing to the parser and that no clean text contains.
const STAND_INS: &[u8] =
    &[1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

pub(crate) fn parser_options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

/// Changes a text before the parser reads it.
pub(super) type ParserPass = fn(&mut ParserDraft);

/// The passes in their order: blocks first, because what is code or a cell decides what is a sign.
pub(super) const PASSES: [ParserPass; 8] = [
    fence_nesting::hide_inner_fences,
    table_repair::repair_tables,
    formulas::rewrite_formulas,
    html_tags::hide_tags,
    list_indents::indent_children,
    definitions::show_unused_definitions,
    emphasis_signs::hide_signs,
    cjk_emphasis::adapt_neighbours,
];

/// Prepares clean text for the parser.
pub(crate) fn prepare(source: &str) -> PreparedMarkdown<'_> {
    prepare_with(source, &PASSES)
}

/// Prepares clean text whose last line goes on.
pub(crate) fn prepare_growing(source: &str) -> PreparedMarkdown<'_> {
    let close: ParserPass = held_line::close_newest_line;
    prepare_with(source, [close].iter().chain(&PASSES))
}

/// Prepares clean text with some of the passes.
pub(super) fn prepare_with<'a, 'p>(
    source: &'a str,
    passes: impl IntoIterator<Item = &'p ParserPass>,
) -> PreparedMarkdown<'a> {
    let mut draft = ParserDraft::new(source);
    passes.into_iter().for_each(|pass| pass(&mut draft));
    draft.finish()
}

impl<'a> ParserDraft<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            hidden: None,
            inserted: Vec::new(),
            found: None,
            is_indented: false,
            open_formula: usize::MAX,
            formulas: Vec::new(),
            details: Vec::new(),
        }
    }

    /// The bytes that the parser will see, at their positions in the source.
    pub(super) fn bytes(&self) -> &[u8] {
        self.hidden.as_deref().unwrap_or(self.source.as_bytes())
    }

    /// The same bytes, to be replaced by others that keep the text valid.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.found = None;
        self.hidden.get_or_insert_with(|| self.source.as_bytes().to_vec())
    }

    /// Hides the sign at a position from the parser; it is shown as it was written.
    pub(super) fn hide(&mut self, position: usize) {
        let sign = self.bytes()[position];
        if let Some(nth) = SIGNS.iter().position(|known| *known == sign) {
            // These signs decide nothing about code.
            let found = if b"$*_".contains(&sign) { self.found.take() } else { None };
            self.bytes_mut()[position] = STAND_INS[nth];
            self.found = found;
        }
    }

    /// Passes `text` to the parser before the byte at a position. It is never shown, so it must be syntax.
    pub(super) fn insert(&mut self, position: usize, text: impl Into<Cow<'static, str>>) {
        self.found = None;
        self.inserted.push((position, text.into()));
    }

    /// Finds the blocks of HTML of the text as it is now, in order.
    pub(super) fn html_blocks(&mut self) -> Vec<Range<usize>> {
        let bytes = self.source.as_bytes();
        let is_first = |at: usize| {
            let before = bytes[..at].iter().rev().find(|byte| !b" >-*+.)0123456789".contains(byte));
            before.is_none_or(|byte| *byte == b'\n')
        };
        if !memchr::memchr_iter(b'<', bytes).any(is_first) {
            return Vec::new();
        }
        let blocks = self.found_code().iter().filter(|found| found.kind == CodeKind::HtmlBlock);
        blocks.map(|found| found.range.clone()).collect()
    }

    /// Finds the code and HTML of the text as it is now, in order and without overlaps.
    pub(super) fn code_ranges(&mut self) -> Vec<CodeRange> {
        self.ranges_of(|_| true)
    }

    /// Finds the code of the text as it is now, in order and without overlaps.
    pub(super) fn code_without_html(&mut self) -> Vec<CodeRange> {
        self.ranges_of(|kind| matches!(kind, CodeKind::Block | CodeKind::Inline))
    }

    fn ranges_of(&mut self, is_wanted: impl Fn(CodeKind) -> bool) -> Vec<CodeRange> {
        let mut ranges: Vec<CodeRange> = Vec::new();
        for found in self.found_code().iter().filter(|found| is_wanted(found.kind)) {
            if ranges.last().is_none_or(|last| last.range.end <= found.range.start) {
                ranges.push(CodeRange { range: found.range.clone(), is_inline: found.kind == CodeKind::Inline });
            }
        }
        ranges
    }

    fn found_code(&mut self) -> &[FoundCode] {
        if self.found.is_none() {
            self.found = Some(self.find_code());
        }
        self.found.as_deref().unwrap_or_default()
    }

    fn find_code(&self) -> Vec<FoundCode> {
        let mut draft = self.clone();
        if !draft.is_indented {
            list_indents::indent_children(&mut draft);
        }
        let prepared = draft.finish();
        let events = prepared.events_with(parser_options() - Options::ENABLE_MATH);
        let found = events.filter_map(|(event, range)| {
            let kind = match event {
                Event::Start(Tag::CodeBlock(_)) => CodeKind::Block,
                Event::Code(_) => CodeKind::Inline,
                Event::Start(Tag::HtmlBlock) => CodeKind::HtmlBlock,
                Event::InlineHtml(_) => CodeKind::InlineHtml,
                _ => return None,
            };
            Some(FoundCode { range, kind })
        });
        found.collect()
    }

    pub(super) fn finish(self) -> PreparedMarkdown<'a> {
        let Self { source, hidden, mut inserted, found: _, is_indented: _, open_formula, formulas, details } = self;
        let formulas = merged(formulas, &details);
        let same_length =
            hidden.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(source), Cow::Owned);
        if inserted.is_empty() {
            return PreparedMarkdown {
                source,
                text: same_length,
                insertions: Vec::new(),
                open_formula,
                formulas,
                details,
            };
        }
        inserted.sort_by_key(|(position, _)| *position);
        let mut text = String::with_capacity(source.len() + inserted.iter().map(|(_, text)| text.len()).sum::<usize>());
        let mut insertions = Vec::with_capacity(inserted.len());
        let mut done = 0;
        for (source_pos, words) in inserted {
            text.push_str(&same_length[done..source_pos]);
            insertions.push(TextInsertion { start: text.len(), len: words.len(), source_pos });
            text.push_str(&words);
            done = source_pos;
        }
        text.push_str(&same_length[done..]);
        PreparedMarkdown { source, text: Cow::Owned(text), insertions, open_formula, formulas, details }
    }
}

impl PreparedMarkdown<'_> {
    /// Whether the text before `at` and the text after it can be laid out separately.
    pub(super) fn can_split_at(&self, at: usize) -> bool {
        let before = self.formulas.partition_point(|formula| formula.start < at);
        at <= self.open_formula && before.checked_sub(1).is_none_or(|last| self.formulas[last].end <= at)
    }

    /// Reads the text; words and positions are those of the source.
    pub(super) fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        self.events_with(parser_options())
    }

    fn events_with(&self, options: Options) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        let is_rewritten = matches!(self.text, Cow::Owned(_));
        Parser::new_ext(&self.text, options)
            .into_offset_iter()
            .map(move |(event, range)| if is_rewritten { self.as_written(event, range) } else { (event, range) })
    }

    /// Returns an event with its words as they were written and its range in the source.
    fn as_written<'e>(&'e self, event: Event<'e>, range: Range<usize>) -> (Event<'e>, Range<usize>) {
        let written = self.source_pos(range.start)..self.source_pos(range.end);
        let words = |words: CowStr<'e>| -> CowStr<'e> {
            let is_same = *words == self.text[range.clone()];
            if is_same { CowStr::Borrowed(&self.source[written.clone()]) } else { with_signs(words) }
        };
        let event = match event {
            // What differs from the text is an entity, which may name any character.
            Event::Text(text) if *text != self.text[range.clone()] => Event::Text(text),
            Event::Text(text) => Event::Text(words(text)),
            Event::Code(code) => Event::Code(words(code)),
            Event::Html(html) => Event::Html(words(html)),
            Event::InlineHtml(html) => Event::InlineHtml(words(html)),
            Event::InlineMath(latex) => Event::InlineMath(words(latex)),
            Event::DisplayMath(latex) => Event::DisplayMath(words(latex)),
            Event::FootnoteReference(label) => Event::FootnoteReference(with_signs(label)),
            Event::Start(tag) => Event::Start(tag_with_signs(tag)),
            Event::End(_) | Event::SoftBreak | Event::HardBreak | Event::Rule | Event::TaskListMarker(_) => event,
        };
        (event, written)
    }

    /// Returns the position in the source of a position in the prepared text.
    fn source_pos(&self, position: usize) -> usize {
        let after = self.insertions.partition_point(|insertion| insertion.start <= position);
        let Some(last) = after.checked_sub(1).map(|index| &self.insertions[index]) else { return position };
        last.source_pos + (position - last.start).saturating_sub(last.len)
    }
}

/// Puts ranges in order, and those that overlap together.
fn merged(mut ranges: Vec<Range<usize>>, more: &[Range<usize>]) -> Vec<Range<usize>> {
    if more.is_empty() {
        return ranges;
    }
    ranges.extend_from_slice(more);
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut().filter(|last| range.start < last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

fn tag_with_signs(tag: Tag) -> Tag {
    match tag {
        Tag::Link { link_type, dest_url, title, id } => {
            Tag::Link { link_type, dest_url: with_signs(dest_url), title: with_signs(title), id: with_signs(id) }
        }
        Tag::Image { link_type, dest_url, title, id } => {
            Tag::Image { link_type, dest_url: with_signs(dest_url), title: with_signs(title), id: with_signs(id) }
        }
        Tag::CodeBlock(CodeBlockKind::Fenced(info)) => Tag::CodeBlock(CodeBlockKind::Fenced(with_signs(info))),
        Tag::FootnoteDefinition(label) => Tag::FootnoteDefinition(with_signs(label)),
        other => other,
    }
}

/// Returns words that are not a piece of the text, such as code without its line ends, with their hidden signs.
fn with_signs(words: CowStr) -> CowStr {
    let sign_of = |byte: u8| STAND_INS.iter().position(|stand_in| *stand_in == byte).map(|nth| SIGNS[nth] as char);
    if !words.bytes().any(|byte| sign_of(byte).is_some()) {
        return words;
    }
    words.chars().map(|char| u8::try_from(char).ok().and_then(sign_of).unwrap_or(char)).collect::<String>().into()
}

#[cfg(test)]
impl PreparedMarkdown<'_> {
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_signs_come_back_as_they_were_written() {
        let source = "a *b* `$*` [c*d](x \"*\")\n";
        let mut draft = ParserDraft::new(source);
        memchr::memchr2_iter(b'*', b'$', source.as_bytes()).for_each(|at| draft.hide(at));
        let prepared = draft.finish();
        let events: Vec<(Event, &str)> = prepared.events().map(|(event, range)| (event, &source[range])).collect();
        assert!(events.contains(&(Event::Text("a *b* ".into()), "a *b* ")), "{events:?}");
        assert!(events.contains(&(Event::Code("$*".into()), "`$*`")), "{events:?}");
        assert!(events.contains(&(Event::Text("c*d".into()), "c*d")), "{events:?}");
        let has_title =
            |(event, _): &(Event, &str)| matches!(event, Event::Start(Tag::Link { title, .. }) if **title == *"*");
        assert!(events.iter().any(has_title), "{events:?}");
    }

    #[test]
    fn an_entity_is_no_hidden_sign() {
        let prepared = prepare("&#1; and *.py\n");
        let texts = prepared.events().filter_map(|(event, _)| match event {
            Event::Text(words) => Some(words.into_string()),
            _ => None,
        });
        assert_eq!(texts.collect::<String>(), "\u{1} and *.py");
    }

    #[test]
    fn what_is_inserted_moves_no_position() {
        let source = "1. a\n  - *b*\n\nc\n";
        let mut draft = ParserDraft::new(source);
        draft.insert(source.len(), "\n- x\n");
        draft.insert(5, " ");
        let prepared = draft.finish();
        assert_eq!(prepared.text(), "1. a\n   - *b*\n\nc\n\n- x\n");
        let texts: Vec<&str> = prepared
            .events()
            .filter(|(event, _)| matches!(event, Event::Text(_)))
            .map(|(_, range)| &source[range])
            .collect();
        assert_eq!(texts, ["a", "b", "c", ""]);
        let items = prepared.events().filter(|(event, _)| matches!(event, Event::Start(Tag::Item)));
        assert_eq!(items.map(|(_, range)| range.start).collect::<Vec<_>>(), [0, 7, source.len()]);
    }
}
