//! Turns whole Markdown blocks into rows.

mod containers;
mod figures;
mod html;
mod inline_events;
mod links;
mod list_items;
mod row_breaks;

use crate::citations::annotations::{CitationMark, HighlightedCitation};
use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, Event, HeadingLevel, LinkType, Tag, TagEnd};
use ratatui::style::Modifier;

use self::{
    containers::{BlockContainer, is_block_tag, is_too_deep},
    figures::{OpenCodeBlock, OpenImage},
    html::OpenHtml,
    links::OpenLink,
    list_items::OpenList,
    row_breaks::RowBreaks,
};
use super::{
    BlockCounts, MarkdownOptions,
    code_style::{CodeColours, ScrollOffsets},
    inline::{InlineText, WrapCache},
    layout_budget::CELLS_PER_ROW,
    prepare::{prepare, prepare_growing},
    table::MarkdownTable,
};
use crate::{
    render::{
        row::{LineJoin, MappedSpans, RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::{SourceKind, SourceMap},
        theme::ColourRole,
    },
    text::{self, bidi},
};

pub(crate) use figures::{fence_language, is_diagram};

/// The indent of a formula on its own rows.
const FORMULA_INDENT: usize = 4;

/// The blocks to lay out, and how.
pub(crate) struct BlockInput<'a> {
    /// Clean text that begins with a block.
    pub source: &'a str,
    /// Its last block may go on.
    pub may_grow: bool,
    pub output: WalkOutput,
    pub width: usize,
    pub options: &'a MarkdownOptions,
    /// Citations, with positions in `source`.
    pub citation_marks: &'a [CitationMark],
    pub colours: &'a CodeColours,
    /// How far code blocks are scrolled sideways.
    pub scroll_offsets: &'a ScrollOffsets,
    /// The counts before this text.
    pub counts_before: BlockCounts,
    /// The highlighted citation, with its claim in `source`.
    pub highlighted: Option<HighlightedCitation>,
    /// How the text was wrapped before, which may have grown since.
    pub wrap_cache: Option<&'a WrapCache>,
    /// Where to stop: a few bytes may ask for many rows.
    pub max_cells: usize,
}

/// What is made of the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkOutput {
    Rows,
    /// Their text and their code, without rows.
    Text,
}

/// The rows of some blocks. All positions are in the source of the input.
#[derive(Debug, Default)]
pub(crate) struct BlockRows {
    pub rows: Vec<StyledRow>,
    /// The top-level blocks.
    pub blocks: Vec<BlockStart>,
    pub code_blocks: Vec<CodeBlockRows>,
    /// The number of images and diagrams.
    pub figures: u32,
    /// How the last long text was wrapped.
    pub wrap_cache: Option<WrapCache>,
    /// The text of the blocks, and its sources, if the options say so.
    pub text: String,
    pub source_map: SourceMap,
    /// Where the last block begins that text which is appended can change.
    pub last_block: usize,
    /// The cells of the rows, and of all tables.
    pub cells: usize,
    /// There were too many of them, so rows are missing.
    pub is_cut: bool,
}

/// Where a top-level block begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BlockStart {
    pub source_start: usize,
    pub first_row: usize,
    /// Code blocks and figures of the input before it.
    pub code_blocks_before: usize,
    pub figures_before: u32,
    pub cells_before: usize,
}

#[derive(Debug, Default)]
pub(crate) struct CodeBlockRows {
    pub number: u32,
    pub language: String,
    pub text: String,
    pub source_map: SourceMap,
    /// The first row of each line.
    pub line_rows: Vec<usize>,
}

/// Returns the start of the line that contains `at`.
pub(crate) fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |end| end + 1)
}

impl BlockRows {
    /// Leaves out a block and what comes after it.
    pub(super) fn before(mut self, block: &BlockStart) -> Self {
        self.rows.truncate(block.first_row);
        self.code_blocks.truncate(block.code_blocks_before);
        self.figures = block.figures_before;
        self.cells = block.cells_before;
        self.blocks.retain(|other| other.source_start < block.source_start);
        self
    }
}

pub(crate) fn lay_out(input: &BlockInput) -> BlockRows {
    if is_too_deep(input.source) {
        return BlockRows { is_cut: true, ..BlockRows::default() };
    }
    let prepared = if input.may_grow { prepare_growing(input.source) } else { prepare(input.source) };
    let mut visitor = MarkdownVisitor {
        input,
        out: BlockRows::default(),
        containers: Vec::new(),
        lists: Vec::new(),
        bullet_depth: 0,
        styles: vec![input.options.base_style],
        links: Vec::new(),
        images: Vec::new(),
        inline: None,
        leaf: LeafKind::Text,
        table: None,
        cell_row: Vec::new(),
        code_block: None,
        skipped_link: None,
        needs_gap: false,
        is_under_title: false,
        source_end: 0,
        depth: 0,
        paragraph_range: 0..0,
        item_ends: Vec::new(),
        row_breaks: None,
        placed_marks: vec![false; input.citation_marks.len()],
        html: OpenHtml::default(),
        input_details: &prepared.details,
    };
    let mut events = prepared.events().peekable();
    while let Some((event, mut range)) = events.next() {
        if visitor.depth == 0 && !matches!(event, Event::End(_)) && prepared.can_split_at(range.start) {
            visitor.out.last_block = range.start;
        }
        // The parser splits text at every character that might have been syntax: join the pieces.
        let as_written =
            |event: &Event, range: &Range<usize>| matches!(event, Event::Text(words) if words.len() == range.len());
        if as_written(&event, &range) {
            while let Some((_, next)) =
                events.next_if(|(next, there)| there.start == range.end && as_written(next, there))
            {
                range.end = next.end;
            }
            visitor.on_event(Event::Text(input.source[range.clone()].into()), range);
        } else {
            visitor.on_event(event, range);
        }
        if visitor.out.cells > input.max_cells {
            visitor.out.is_cut = true;
            return visitor.out;
        }
    }
    visitor.end_leaf(input.source.len());
    visitor.close_details(input.source.len());
    visitor.extend_last_row(input.source.len());
    visitor.out
}

struct MarkdownVisitor<'a> {
    input: &'a BlockInput<'a>,
    out: BlockRows,
    containers: Vec<BlockContainer>,
    lists: Vec<OpenList>,
    /// How many of them have bullets.
    bullet_depth: usize,
    styles: Vec<TextStyle>,
    links: Vec<OpenLink>,
    images: Vec<OpenImage>,
    inline: Option<InlineText>,
    leaf: LeafKind,
    table: Option<MarkdownTable>,
    cell_row: Vec<InlineText>,
    code_block: Option<OpenCodeBlock>,
    /// The source of a link that is replaced by its citation mark.
    skipped_link: Option<Range<usize>>,
    /// A blank row is due before the next leaf.
    needs_gap: bool,
    /// The next leaf directly follows its title.
    is_under_title: bool,
    /// Where the source of the rows so far ends.
    source_end: usize,
    depth: usize,
    /// The source of the current paragraph.
    paragraph_range: Range<usize>,
    /// Where the open items end, the outermost first.
    item_ends: Vec<usize>,
    /// The line ends of the current paragraph, once it has one.
    row_breaks: Option<RowBreaks>,
    placed_marks: Vec<bool>,
    html: OpenHtml,
    /// The `<details>` that are closed.
    input_details: &'a [Range<usize>],
}

enum LeafKind {
    Text,
    Heading(u8),
    Html,
    Formula,
    Figure(u32),
    /// The summary of details.
    Summary {
        is_folded: bool,
    },
}

impl MarkdownVisitor<'_> {
    fn on_event(&mut self, event: Event, range: Range<usize>) {
        if self.depth == 0 && !matches!(event, Event::End(_)) {
            // Invisible text between two blocks belongs to the block above.
            self.extend_last_row(line_start(self.input.source, range.start));
            // Details are one block, whatever is in them.
            if !self.html.has_details() {
                self.out.blocks.push(BlockStart {
                    source_start: range.start,
                    first_row: self.out.rows.len(),
                    code_blocks_before: self.out.code_blocks.len(),
                    figures_before: self.out.figures,
                    cells_before: self.out.cells,
                });
            }
            self.needs_gap = !self.out.rows.is_empty();
            self.is_under_title = false;
        }
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            _ => (),
        }
        if range.start < self.html.shown_to && !matches!(event, Event::Start(_) | Event::End(_)) {
            return;
        }
        match event {
            Event::Start(tag) => self.on_start(tag, range),
            Event::End(tag) => self.on_end(tag, range),
            Event::Text(words) => self.on_text(&words, range),
            Event::InlineMath(latex) | Event::DisplayMath(latex) => self.on_formula(&latex, range),
            Event::Code(words) => self.on_inline_code(&words, range),
            Event::Html(words) => self.collect_html(&words, &range),
            Event::InlineHtml(words) => self.on_inline_html(&words, range),
            Event::FootnoteReference(label) => {
                let style = TextStyle { role: ColourRole::Muted, ..self.current_style() };
                self.put_text(&format!("[^{label}]"), style, range);
            }
            Event::SoftBreak => self.on_soft_break(range),
            Event::HardBreak => self.on_hard_break(range),
            Event::Rule => self.push_rule(range),
            Event::TaskListMarker(done) => self.mark_task(done),
        }
    }

    fn on_start(&mut self, tag: Tag, range: Range<usize>) {
        if is_block_tag(&tag) {
            self.end_leaf(range.start);
            if self.lists.is_empty() {
                self.needs_gap |= self.depth == 1 && !self.out.rows.is_empty() || self.depth > 1;
            }
        }
        match tag {
            Tag::Heading { level, .. } => self.start_heading(level),
            Tag::BlockQuote(kind) => self.start_quote(kind, range),
            Tag::CodeBlock(kind) => self.code_block = Some(OpenCodeBlock::new(&kind)),
            Tag::HtmlBlock => self.leaf = LeafKind::Html,
            Tag::List(number) => self.start_list(number.is_some(), range),
            Tag::Item => {
                self.item_ends.push(range.end);
                self.start_item(range.start);
            }
            Tag::FootnoteDefinition(label) => {
                let label = format!("[^{label}] ");
                self.push_container(vec![StyledSpan::new(label, TextStyle::of(ColourRole::Muted))], true);
            }
            Tag::Table(alignments) => {
                self.push_gap(range.start);
                self.table = Some(MarkdownTable { alignments, ..MarkdownTable::default() });
            }
            Tag::TableRow => self.cell_row.clear(),
            Tag::TableCell => {
                self.out.cells += CELLS_PER_ROW;
                self.inline = Some(InlineText::default());
            }
            Tag::Emphasis => self.styles.push(self.current_style().italic()),
            Tag::Strong => self.styles.push(self.current_style().bold()),
            Tag::Strikethrough => self.styles.push(self.current_style().with_modifiers(Modifier::CROSSED_OUT)),
            Tag::Link { link_type: LinkType::Email, dest_url, .. } => {
                self.start_link(&format!("mailto:{dest_url}"), range);
            }
            Tag::Link { dest_url, .. } => self.start_link(&dest_url, range),
            Tag::Image { dest_url, .. } => self.start_image(&dest_url, range),
            Tag::Paragraph => self.paragraph_range = range,
            Tag::TableHead
            | Tag::MetadataBlock(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => (),
        }
    }

    fn on_end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph => {
                self.close_html();
                self.end_leaf(range.end);
            }
            TagEnd::HtmlBlock => self.end_html_block(range.end),
            TagEnd::Heading(_) => {
                self.close_html();
                self.end_leaf(range.end);
                self.styles.pop();
            }
            TagEnd::BlockQuote(kind) => {
                self.end_leaf(range.end);
                self.pop_container(range.start);
                if kind.is_none() {
                    self.styles.pop();
                }
            }
            TagEnd::CodeBlock => self.end_code_block(&range),
            TagEnd::List(ordered) => {
                self.bullet_depth -= usize::from(!ordered);
                self.lists.pop();
            }
            TagEnd::Item | TagEnd::FootnoteDefinition => {
                if tag == TagEnd::Item {
                    self.item_ends.pop();
                }
                self.end_leaf(range.end);
                self.pop_container(range.start);
            }
            TagEnd::Table => self.end_table(range.end),
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut self.cell_row);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.body.push((range, std::mem::take(&mut self.cell_row)));
                }
            }
            TagEnd::TableCell => {
                self.close_html();
                self.place_marks_until(range.end);
                let mut cell = self.inline.take().unwrap_or_default();
                cell.remove_link_brackets();
                self.cell_row.push(cell);
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::MetadataBlock(_)
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => (),
        }
    }

    fn current_style(&self) -> TextStyle {
        self.html.style(self.styles.last().copied().unwrap_or(self.input.options.base_style))
    }

    fn push_rule(&mut self, range: Range<usize>) {
        self.push_gap(range.start);
        let rule = self.input.options.marks.rule.repeat(self.available_width());
        let rule = StyledSpan::new(rule, TextStyle::of(ColourRole::Faint));
        let rule = MappedSpans::new(rule, range.clone(), SourceKind::StandIn);
        self.push_text_row(rule, RowKind::Rule, range.end, LineJoin::LineEnd);
    }

    // Containers and leaves.

    fn start_heading(&mut self, level: HeadingLevel) {
        let level = level as u8;
        let style = if level <= 2 {
            TextStyle { role: ColourRole::Accent, ..self.current_style() }
        } else {
            self.current_style()
        };
        self.styles.push(style.bold());
        self.leaf = LeafKind::Heading(level);
    }

    fn start_quote(&mut self, kind: Option<BlockQuoteKind>, range: Range<usize>) {
        let marks = self.input.options.marks;
        let bar = |bar: &str, role| StyledSpan::marker(format!("{bar} "), TextStyle::of(role), "> ");
        let Some(kind) = kind else {
            self.push_container(vec![bar(marks.quote_bar, ColourRole::Faint)], false);
            self.styles.push(TextStyle { role: ColourRole::Muted, ..self.current_style() }.italic());
            return;
        };
        let (role, name) = match kind {
            BlockQuoteKind::Note => (ColourRole::Link, "Note"),
            BlockQuoteKind::Tip => (ColourRole::Ok, "Tip"),
            BlockQuoteKind::Important => (ColourRole::Accent, "Important"),
            BlockQuoteKind::Warning => (ColourRole::Warning, "Warning"),
            BlockQuoteKind::Caution => (ColourRole::Error, "Caution"),
        };
        self.push_container(vec![bar(marks.bar, role)], false);
        self.push_gap(range.start);
        let end = self.input.source[range.clone()].find('\n').map_or(range.end, |line| range.start + line + 1);
        let name = text::truncate(name, self.available_width()).into_owned();
        let name = StyledSpan::new(name, TextStyle::of(role).bold());
        let title = MappedSpans::new(name, range.start..end, SourceKind::Rewritten);
        if self.input.output == WalkOutput::Text {
            self.collect_text(&title.spans[0].text, &title.source_map);
        }
        self.push_text_row(title, RowKind::Quote, end, LineJoin::LineEnd);
        self.is_under_title = true;
    }

    /// Adds the blank row that is due before a leaf that begins at `start`.
    fn push_gap(&mut self, start: usize) {
        let in_list =
            || is_after_blank_line(self.input.source, start) || self.out.rows.last().is_some_and(has_gap_after);
        let owed = std::mem::take(&mut self.needs_gap) || !self.lists.is_empty() && in_list();
        if owed && !std::mem::take(&mut self.is_under_title) && !self.out.rows.is_empty() {
            let (lead, _) = self.next_lead(true);
            let mut row = StyledRow {
                lead_spans: lead.len(),
                source: self.source_end..self.source_end,
                ..StyledRow::new(RowKind::Blank, lead)
            };
            while row.spans.last().is_some_and(|span| span.text.trim().is_empty()) {
                row.spans.pop();
            }
            row.lead_spans = row.spans.len();
            self.out.rows.push(row);
        }
    }

    fn end_leaf(&mut self, end: usize) {
        let leaf = std::mem::replace(&mut self.leaf, LeafKind::Text);
        self.row_breaks = None;
        self.place_marks_until(end);
        let Some(mut inline) = self.inline.take() else { return };
        inline.remove_link_brackets();
        if matches!(leaf, LeafKind::Html) {
            inline.trim_end();
        }
        if inline.is_empty() {
            return;
        }
        if self.input.output == WalkOutput::Text {
            self.collect_text(&inline.text, &inline.source_map);
            return;
        }
        self.push_gap(inline.source_start());
        let kind = match leaf {
            LeafKind::Text if self.containers.iter().any(|container| !container.is_item) => RowKind::Quote,
            LeafKind::Text => RowKind::Text,
            LeafKind::Heading(level) => RowKind::Heading(level),
            LeafKind::Html => RowKind::Html,
            LeafKind::Formula => RowKind::Formula,
            LeafKind::Figure(number) => RowKind::Figure { number },
            LeafKind::Summary { is_folded } => RowKind::DetailsHead { is_folded },
        };
        let lead = self.leaf_lead(kind);
        let has_lead = lead.is_some();
        if let Some(lead) = lead {
            self.push_container(vec![lead], true);
        }
        let room = self.available_width();
        let first_row = self.out.rows.len();
        let (mut lines, wrapped) = inline.wrapped_lines_cached(self.input.wrap_cache, room);
        self.out.wrap_cache = wrapped.or(self.out.wrap_cache.take());
        if let Some(last) = lines.last_mut() {
            last.source_end = end;
        }
        let words = lines.iter().map(|line| line.text.width()).max().unwrap_or(0);
        for line in lines {
            self.push_text_row(line.text, kind, line.source_end, line.joint);
        }
        if kind == RowKind::Heading(1) {
            let rule = self.input.options.marks.heavy_rule.repeat(words);
            let rule = StyledSpan::new(rule, TextStyle::of(ColourRole::Accent));
            let rule = MappedSpans::new(rule, 0..0, SourceKind::Inserted);
            self.push_text_row(rule, RowKind::Rule, end, LineJoin::LineEnd);
        }
        if has_lead {
            self.containers.pop();
        }
        if bidi::is_rtl(&inline.text) {
            self.out.rows[first_row..].iter_mut().for_each(|row| row.is_rtl = true);
        }
    }

    /// What stands before the rows of a leaf.
    fn leaf_lead(&self, kind: RowKind) -> Option<StyledSpan> {
        match kind {
            RowKind::Formula => {
                let indent = self.formula_indent();
                (indent > 0).then(|| StyledSpan::new(" ".repeat(indent), TextStyle::of(ColourRole::Text)))
            }
            RowKind::DetailsHead { is_folded } => {
                let marks = self.input.options.marks;
                let mark = if is_folded { marks.folded } else { marks.unfolded };
                Some(StyledSpan::marker(format!("{mark} "), TextStyle::of(ColourRole::Accent), ""))
            }
            _ => None,
        }
    }

    fn formula_indent(&self) -> usize {
        FORMULA_INDENT.min(self.available_width() / 8)
    }

    /// Adds what is in the source of a text, as a line.
    pub(crate) fn collect_text(&mut self, text: &str, source_map: &SourceMap) {
        for run in source_map.runs().filter(|run| run.kind != SourceKind::Inserted) {
            self.out.text.push_str(&text[run.text.clone()]);
            self.out.source_map.push_run(&run);
        }
        self.out.text.push('\n');
        self.out.source_map.push_inserted(1);
    }

    fn end_table(&mut self, end: usize) {
        let Some(table) = self.table.take() else { return };
        if self.input.output == WalkOutput::Text {
            for cell in table.head.iter().chain(table.body.iter().flat_map(|(_, cells)| cells)) {
                self.collect_text(&cell.text, &cell.source_map);
            }
            return;
        }
        for line in table.to_lines(self.available_width(), &self.input.options.marks) {
            let to = line.ended_row.and_then(|row| table.body.get(row)).map_or(self.source_end, |(range, _)| range.end);
            self.push_text_row(line.text, RowKind::Table, to, LineJoin::LineEnd);
        }
        self.extend_last_row(end);
    }
}

/// Whether a blank row follows a row in a list even without a blank line in the source.
fn has_gap_after(row: &StyledRow) -> bool {
    matches!(row.kind, RowKind::CodeHead { .. } | RowKind::Code { .. } | RowKind::Table | RowKind::Formula)
}

/// Whether the line before the one that contains `at` is empty apart from the `>` of quotations.
fn is_after_blank_line(source: &str, at: usize) -> bool {
    let Some(line) = source[..at].rfind('\n') else { return false };
    let before = source[..line].rsplit('\n').next().unwrap_or("");
    before.trim_matches([' ', '>']).is_empty()
}
