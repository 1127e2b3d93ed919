//! One message as sections of rows, each with an identity that survives changes to the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use super::{
    CitationTarget, CursorTarget, ReadingOptions,
    anchor::{RowAnchor, SectionPart},
    answer,
    citation_walk::CitationState,
    folds::AnswerFolds,
    part_text,
};
use crate::{
    chat::{Conversation, ItemSlot, Message, MessageBody, MessageId, Prompt, Timestamp},
    citations::annotations::AnswerCitations,
    render::{
        highlight,
        markdown::{LayoutWork, MarkdownLayout},
        row::{GutterMark, LineJoin, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
};

/// The layout parameters that all messages share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LayoutParams {
    /// The width of the text in cells, without the gutter.
    pub width: usize,
    /// The window is tall enough for two blank rows before a prompt.
    pub is_tall: bool,
    pub options: ReadingOptions,
}

/// What the layout of one message depends on besides the message.
pub(crate) struct LayoutCx<'a> {
    pub conversation: &'a Conversation,
    pub layout: &'a LayoutParams,
    /// The number of calls to `Transcript::sync`; each call checks a message at most once.
    pub frame: u64,
    pub now: Timestamp,
    pub folds: AnswerFolds,
    pub is_first: bool,
    pub is_last: bool,
    /// The cursor's target, if it is in this message.
    pub target: Option<CursorTarget>,
    pub citation_state: &'a CitationState,
}

/// The rows of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageRows {
    checked_frame: u64,
    layout_key: Option<LayoutKey>,
    sections: Vec<MessageSection>,
    height: usize,
    /// The layouts of texts and reasoning, which may grow.
    pub texts: BTreeMap<(ItemSlot, usize), MarkdownLayout>,
    /// More text arrived at once than one frame can lay out.
    pub is_behind: bool,
    pub citations: AnswerCitations,
}

/// The inputs of the layout: the rows are unchanged while these are.
#[derive(Debug, Clone, PartialEq)]
struct LayoutKey {
    rev: u32,
    layout: LayoutParams,
    folds: AnswerFolds,
    is_first: bool,
    is_last: bool,
    siblings: (usize, usize),
    day: jiff::civil::Date,
    selected_citation: Option<CitationTarget>,
    source_card: Option<(u64, Option<i64>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct MessageSection {
    pub part: SectionPart,
    /// The number of rows of the same part in earlier sections.
    pub rows_above: usize,
    /// The number of blank rows above it.
    pub gap: usize,
    pub rows: SectionRows,
    /// A bar to the left of the rows, which indents them by two cells.
    pub bar: Option<GutterMark>,
}

#[derive(Debug, Clone)]
pub(crate) enum SectionRows {
    Owned(Vec<StyledRow>),
    /// A range of the rows of a text's layout.
    OfText((ItemSlot, usize), Range<usize>),
}

/// A row and the bar to its left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedRow<'a> {
    pub row: &'a StyledRow,
    pub bar: Option<GutterMark>,
}

impl Default for PlacedRow<'_> {
    fn default() -> Self {
        static BLANK: StyledRow = StyledRow {
            spans: Vec::new(),
            lead_spans: 0,
            gutter: None,
            background: None,
            kind: RowKind::Blank,
            join: LineJoin::LineEnd,
            source: 0..0,
            is_rtl: false,
            scrolled_cells: 0,
        };
        Self { row: &BLANK, bar: None }
    }
}

impl MessageRows {
    /// Brings the rows up to date. Returns the work that took.
    pub fn sync(&mut self, message: &Message, context: &LayoutCx) -> LayoutWork {
        if std::mem::replace(&mut self.checked_frame, context.frame) == context.frame {
            return LayoutWork::default();
        }
        let cited = match context.target {
            Some(CursorTarget::Citation(citation)) => Some(citation),
            Some(
                CursorTarget::Message
                | CursorTarget::Reasoning(_)
                | CursorTarget::Call(_)
                | CursorTarget::OtherItem(_)
                | CursorTarget::Code(_),
            )
            | None => None,
        };
        let key = LayoutKey {
            rev: message.rev,
            layout: context.layout.clone(),
            folds: context.folds.clone(),
            is_first: context.is_first,
            is_last: context.is_last,
            siblings: context.conversation.siblings(message.id),
            day: context.now.to_zoned(context.layout.options.zone.clone()).date(),
            selected_citation: cited,
            source_card: cited.and_then(|_| context.citation_state.layout_key(context.now)),
        };
        let is_live = message.as_answer().is_some_and(|answer| !answer.is_over());
        if !is_live && !self.is_behind && self.layout_key.as_ref() == Some(&key) {
            return LayoutWork::default();
        }
        self.is_behind = false;
        let before = self.text_work();
        let siblings = key.siblings;
        self.layout_key = Some(key);
        self.sections = match &message.body {
            MessageBody::Prompt(prompt) => {
                prompt_sections(prompt, siblings, context.conversation.is_left_out(message.id), context)
            }
            MessageBody::Answer(answer) => answer::answer_sections(self, message, answer, siblings, context),
        };
        if let Some(first) = self.sections.first_mut() {
            first.gap = match (&message.body, context.is_first) {
                (_, true) => 0,
                (MessageBody::Prompt(_), false) if context.layout.is_tall => 2,
                (MessageBody::Prompt(_) | MessageBody::Answer(_), false) => 1,
            };
        }
        self.height = self.sections.iter().map(|section| section.gap + section.rows.len()).sum();
        let after = self.text_work();
        let owned_rows: usize = self.sections.iter().map(|section| section.rows.owned_len()).sum();
        // The count of a removed text goes with it, so the difference may be negative.
        LayoutWork {
            rows: after.rows.saturating_sub(before.rows) + owned_rows as u64,
            bytes: after.bytes.saturating_sub(before.bytes),
        }
    }

    /// Makes the next `sync` check the message, even in the same frame.
    pub fn invalidate(&mut self) {
        self.checked_frame = 0;
    }

    /// The row that shows an offset of a part's source, if it is shown.
    pub fn row_at_source(&self, part: SectionPart, source: usize) -> Option<usize> {
        let mut above = 0;
        let mut found = None;
        for section in &self.sections {
            let rows = self.rows_of(&section.rows);
            let first = above + section.gap;
            above = first + rows.len();
            if section.part != part || rows.first().is_none_or(|row| row.source.start > source) {
                continue;
            }
            let row = rows.partition_point(|row| row.source.end <= source);
            if rows.get(row).is_some_and(|row| row.source.start <= source) {
                return Some(first + row);
            }
            // Trailing source without text belongs to the last row of a text; other rows may have been truncated.
            if matches!(section.rows, SectionRows::OfText(..)) {
                found = Some(first + rows.len() - 1);
            }
        }
        found
    }

    /// The rows that fold something, each with its target.
    pub fn fold_rows(&self) -> impl Iterator<Item = (usize, CursorTarget)> + '_ {
        let mut above = 0;
        self.sections.iter().filter_map(move |section| {
            let first = above + section.gap;
            above = first + section.rows.len();
            Some((first, fold_target(section.part)?))
        })
    }

    /// The target that a row folds, if any.
    pub fn fold_at(&self, row: usize) -> Option<CursorTarget> {
        self.fold_rows().find(|(first, _)| *first == row).map(|(_, target)| target)
    }

    /// The rows above the code blocks, each with its block's number.
    pub fn code_head_rows(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut above = 0;
        self.sections.iter().flat_map(move |section| {
            let first = above + section.gap;
            above = first + section.rows.len();
            self.rows_of(&section.rows).iter().enumerate().filter_map(move |(nth, row)| match row.kind {
                RowKind::CodeHead { block, .. } if matches!(section.part, SectionPart::Text(..)) => {
                    Some((first + nth, block))
                }
                _ => None,
            })
        })
    }

    /// The code block that a row of the answer belongs to.
    pub fn code_at(&self, row: usize) -> Option<u32> {
        let (section, row_in_section) = self.section_at(row)?;
        let row = self.rows_of(&section.rows).get(row_in_section.checked_sub(section.gap)?)?;
        match row.kind {
            RowKind::CodeHead { block, .. } | RowKind::Code { block, .. }
                if matches!(section.part, SectionPart::Text(..)) =>
            {
                Some(block)
            }
            _ => None,
        }
    }

    /// The item that contains a code block, if the block is a diagram that can be folded.
    pub fn diagram_slot(&self, block: u32) -> Option<ItemSlot> {
        let of = |section: &MessageSection| match section.part {
            SectionPart::Text(slot, _) => Some(slot),
            _ => None,
        };
        let head = RowKind::CodeHead { block, diagram: true };
        let holds = |section: &MessageSection| self.rows_of(&section.rows).iter().any(|row| row.kind == head);
        self.sections.iter().filter(|section| of(section).is_some()).find(|section| holds(section)).and_then(of)
    }

    /// The foldable part that a row belongs to, either as its head or below it.
    pub fn fold_around(&self, row: usize) -> Option<CursorTarget> {
        let (mut above, mut around) = (0, None);
        for section in &self.sections {
            around = match section.part {
                SectionPart::Reasoning(..)
                | SectionPart::FailedSearch(_)
                | SectionPart::SearchPages(_)
                | SectionPart::Result(_)
                | SectionPart::RawJson(_) => around,
                part => fold_target(part),
            };
            above += section.gap + section.rows.len();
            if row < above {
                return around;
            }
        }
        None
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// The row at an index from the top, blank rows included.
    pub fn row(&self, index: usize) -> Option<PlacedRow<'_>> {
        let (section, row) = self.section_at(index)?;
        let row = row.checked_sub(section.gap)?;
        self.rows_of(&section.rows).get(row).map(|row| PlacedRow { row, bar: section.bar })
    }

    /// The first row that is not blank.
    pub fn first_row(&self) -> usize {
        self.sections.first().map_or(0, |section| section.gap)
    }

    /// The first row of the card, if there is one.
    pub fn card_row(&self) -> Option<usize> {
        let position = self.sections.iter().position(|section| section.part == SectionPart::Card)?;
        let above: usize = self.sections[..position].iter().map(|section| section.gap + section.rows.len()).sum();
        Some(above + self.sections[position].gap)
    }

    /// A hash of the text on the card.
    pub fn card_text_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for section in self.sections.iter().filter(|section| section.part == SectionPart::Card) {
            for row in self.rows_of(&section.rows) {
                row.text().hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The marks in the text and, for sources without a mark, their entries below it, each with its row.
    pub fn citation_rows(&self) -> Vec<(usize, CitationTarget)> {
        let (mut above, mut shown, mut marked) = (0, Vec::new(), BTreeSet::new());
        for section in &self.sections {
            let rows = self.rows_of(&section.rows);
            for (row, span) in
                rows.iter().enumerate().flat_map(|(row, it)| it.spans.iter().map(move |span| (row, span)))
            {
                let Some(cited) = span.citation else { continue };
                let row = above + section.gap + row;
                match (section.part, cited.annotation) {
                    (SectionPart::Text(slot, part), Some(annotation)) => {
                        marked.insert(cited.number);
                        shown.push((row, CitationTarget::Mark { place: (slot, part), annotation }));
                    }
                    (SectionPart::Sources, _) if !marked.contains(&cited.number) => {
                        shown.push((row, CitationTarget::Entry(cited.number)));
                    }
                    _ => (),
                }
            }
            above += section.gap + section.rows.len();
        }
        shown
    }

    /// The rows of the open source card.
    pub fn source_card_rows(&self) -> Option<Range<usize>> {
        let position = self.sections.iter().position(|section| section.part == SectionPart::SourceCard)?;
        let above: usize = self.sections[..position].iter().map(|section| section.gap + section.rows.len()).sum();
        Some(above..above + self.sections[position].gap + self.sections[position].rows.len())
    }

    pub fn anchor_at(&self, message: MessageId, index: usize, row: usize) -> RowAnchor {
        let (part, row, source) = match self.section_at(row) {
            Some((section, row)) => {
                let here = row.checked_sub(section.gap).and_then(|row| self.rows_of(&section.rows).get(row));
                (section.part, section.rows_above + row, here.map_or(0, |row| row.source.start))
            }
            None => (SectionPart::Head, 0, 0),
        };
        RowAnchor { message, message_index: index, part, part_row: row, source_start: source }
    }

    /// The row of an anchor: by its number in its part or, if the text was wrapped again, by its source.
    pub fn row_of_anchor(&self, anchor: &RowAnchor, rewrapped: bool) -> usize {
        let (mut above, mut folded_row) = (0, 0);
        for (nth, section) in self.sections.iter().enumerate() {
            let height = section.gap + section.rows.len();
            if section.part == anchor.part {
                let rows = self.rows_of(&section.rows);
                let has_source = rows.last().is_some_and(|row| row.source.end > 0);
                let row = if rewrapped && anchor.part_row >= section.gap && has_source {
                    section.gap + rows.partition_point(|row| row.source.end <= anchor.source_start)
                } else {
                    anchor.part_row.saturating_sub(section.rows_above)
                };
                // A card may separate two sections of a part.
                let is_continued = self.sections[nth + 1..].iter().any(|later| later.part == anchor.part);
                if row < height || !is_continued {
                    return above + row.min(height.saturating_sub(1));
                }
            }
            // Only folded reasoning can disappear, and it was below the row that folds it.
            if matches!((section.part, anchor.part), (SectionPart::ReasoningHead(here), SectionPart::Reasoning(there, _)) if here <= there)
            {
                folded_row = above + section.gap;
            }
            above += height;
        }
        folded_row
    }

    pub fn apply_highlighting(&mut self, painted: &highlight::HighlightedLines) -> bool {
        self.texts.values_mut().any(|text| text.apply_colours(painted))
    }

    /// Takes the code in a range of rows that needs highlighting.
    pub fn take_highlight_jobs(
        &mut self,
        owner: highlight::CodeOwner,
        wanted: &Range<usize>,
        newest: &mut Option<highlight::CodeBlockId>,
    ) -> Vec<highlight::HighlightJob> {
        let mut jobs = Vec::new();
        let mut above = 0;
        for section in &self.sections {
            let first = above + section.gap;
            above = first + section.rows.len();
            let (SectionPart::Text(..), SectionRows::OfText(key, rows)) = (section.part, &section.rows) else {
                continue;
            };
            let (from, to) = (wanted.start.max(first), wanted.end.min(above));
            if from < to
                && let Some(text) = self.texts.get_mut(key)
            {
                jobs.extend(text.take_highlight_jobs(
                    owner,
                    rows.start + from - first..rows.start + to - first,
                    newest,
                ));
            }
        }
        jobs
    }

    fn section_at(&self, row: usize) -> Option<(&MessageSection, usize)> {
        let mut left = row;
        for section in &self.sections {
            let height = section.gap + section.rows.len();
            if left < height {
                return Some((section, left));
            }
            left -= height;
        }
        None
    }

    fn rows_of<'a>(&'a self, rows: &'a SectionRows) -> &'a [StyledRow] {
        match rows {
            SectionRows::Owned(rows) => rows,
            SectionRows::OfText(key, range) => {
                self.texts.get(key).and_then(|text| text.rows().get(range.clone())).unwrap_or(&[])
            }
        }
    }

    fn text_work(&self) -> LayoutWork {
        self.texts.values().map(MarkdownLayout::work).fold(LayoutWork::default(), |sum, work| LayoutWork {
            rows: sum.rows + work.rows,
            bytes: sum.bytes + work.bytes,
        })
    }
}

/// The target that the first row of a part folds, if any.
fn fold_target(part: SectionPart) -> Option<CursorTarget> {
    match part {
        SectionPart::ReasoningHead(slot) => Some(CursorTarget::Reasoning(slot)),
        SectionPart::SearchSummary(slot) | SectionPart::UnknownItem(slot) => Some(CursorTarget::OtherItem(slot)),
        SectionPart::Call(slot) => Some(CursorTarget::Call(slot)),
        SectionPart::Head
        | SectionPart::Notes
        | SectionPart::Prompt
        | SectionPart::Reasoning(..)
        | SectionPart::FailedSearch(_)
        | SectionPart::SearchPages(_)
        | SectionPart::Result(_)
        | SectionPart::RawJson(_)
        | SectionPart::CommentaryLabel(_)
        | SectionPart::Text(..)
        | SectionPart::Refusal(..)
        | SectionPart::Sources
        | SectionPart::SourceCard
        | SectionPart::Card => None,
    }
}

impl SectionRows {
    fn len(&self) -> usize {
        match self {
            Self::Owned(rows) => rows.len(),
            Self::OfText(_, range) => range.len(),
        }
    }

    fn owned_len(&self) -> usize {
        match self {
            Self::Owned(rows) => rows.len(),
            Self::OfText(..) => 0,
        }
    }
}

impl MessageSection {
    pub fn new(part: SectionPart, rows: SectionRows) -> Self {
        Self { part, rows_above: 0, gap: 0, rows, bar: None }
    }

    pub fn with_rows(part: SectionPart, gap: usize, rows: Vec<StyledRow>) -> Self {
        Self { gap, ..Self::new(part, SectionRows::Owned(rows)) }
    }
}

/// The first row of a message, with `‹1/2›` at its right if there are several versions.
pub(crate) fn head_row(spans: Vec<StyledSpan>, (nth, of): (usize, usize), layout: &LayoutParams) -> StyledRow {
    let marks = &layout.options.look.marks;
    let row = StyledRow::new(RowKind::MessageHead, spans);
    if of < 2 {
        return row.truncated(layout.width);
    }
    let mark = format!("{}{nth}/{of}{}", marks.sibling_left, marks.sibling_right);
    let room = layout.width.saturating_sub(text::width(&mark));
    let mut row = row.truncated(room.saturating_sub(2));
    let gap = room.saturating_sub(row.width());
    row.spans.push(StyledSpan::new(format!("{}{mark}", " ".repeat(gap)), TextStyle::of(ColourRole::Muted)));
    row.truncated(layout.width)
}

/// The mark on a message that is no longer sent.
pub(crate) fn left_out_mark(left_out: bool) -> Option<StyledSpan> {
    left_out.then(|| StyledSpan::new("  left out of the next request", TextStyle::of(ColourRole::Muted)))
}

fn prompt_sections(
    prompt: &Prompt,
    siblings: (usize, usize),
    left_out: bool,
    context: &LayoutCx,
) -> Vec<MessageSection> {
    let LayoutParams { width, options, .. } = context.layout;
    let gutter = Some(GutterMark { mark: options.look.marks.bar, role: ColourRole::You });
    let mut head = vec![StyledSpan::new("you", TextStyle::of(ColourRole::You).bold())];
    head.extend(left_out_mark(left_out));
    let head = StyledRow { gutter, ..head_row(head, siblings, context.layout) };
    let prompt_text = text::clean(&prompt.text);
    let words = prompt_text.trim_end_matches('\n');
    let rows = part_text::wrap_rows(words, *width, RowKind::Prompt, TextStyle::of(ColourRole::Text));
    let rows = rows.into_iter().map(|row| StyledRow { gutter, ..row }).collect();
    vec![
        MessageSection::with_rows(SectionPart::Head, 0, vec![head]),
        MessageSection::with_rows(SectionPart::Prompt, 0, rows),
    ]
}
