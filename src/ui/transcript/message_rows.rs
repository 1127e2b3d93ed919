//! One message as sections of rows, each with an identity that survives changes to the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use super::{
    CitationTarget, CursorTarget, ReadingOptions,
    anchor::RowAnchor,
    answer,
    approval::CallRows,
    citation_walk::CitationState,
    folds::AnswerFolds,
    parts::{AnswerPart, MessageParts, PartKey, PartKind},
};
use crate::{
    chat::choices::EmptyEnter,
    chat::{Conversation, ItemSlot, Message, MessageBody, MessageId, Timestamp},
    citations::annotations::AnswerCitations,
    render::{
        highlight,
        markdown::{LayoutBudget, LayoutJob, LayoutWork, MarkdownLayout},
        row::{GutterMark, LineJoin, RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::{SourceMap, SourcePos},
        theme::ColourRole,
    },
    ui::reading::text_focus::{TextFocus, TextKey},
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
    /// The message is the one with the live card, and the card has the focus.
    pub is_card_focused: bool,
    /// What `Enter` does with the choices of the last message.
    pub enter: EmptyEnter,
    /// The cursor's target, if it is in this message.
    pub target: Option<CursorTarget>,
    pub citation_state: &'a CitationState,
    pub focus: TextFocus,
}

/// The rows of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageRows {
    checked_frame: u64,
    layout_key: Option<LayoutKey>,
    sections: Vec<MessageSection>,
    height: usize,
    /// The layouts of texts and reasoning, which may grow.
    pub texts: BTreeMap<TextKey, MarkdownLayout>,
    /// More text arrived at once than one frame can lay out.
    pub is_behind: bool,
    /// What the frame may still lay out.
    pub budget: LayoutBudget,
    /// Texts that are too much for a frame, and the layouts that have come back.
    pub jobs: Vec<(TextKey, LayoutJob)>,
    pub finished: BTreeMap<TextKey, MarkdownLayout>,
    /// The last frame in which the rows of a text were replaced by others for the same source.
    pub replaced_frame: Option<u64>,
    pub citations: AnswerCitations,
    /// The long part of the card of a call that waits for approval.
    pub call_rows: Option<CallRows>,
}

/// The inputs of the layout: the rows are unchanged while these are.
#[derive(Debug, Clone, PartialEq)]
struct LayoutKey {
    rev: u32,
    layout: LayoutParams,
    folds: AnswerFolds,
    is_first: bool,
    is_last: bool,
    /// What `Enter` does, which the last card shows.
    enter: Option<EmptyEnter>,
    is_card_focused: bool,
    siblings: (usize, usize),
    day: jiff::civil::Date,
    selected_citation: Option<CitationTarget>,
    source_card: Option<(u64, Option<i64>)>,
    checks: Option<(u64, Option<i64>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct MessageSection {
    pub key: PartKey,
    /// What its first row folds.
    pub folds: Option<CursorTarget>,
    /// The item whose row folds it.
    pub folded_by: Option<ItemSlot>,
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
    OfText(TextKey, Range<usize>),
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
            source_map: SourceMap::EMPTY,
            is_rtl: false,
            scrolled_cells: 0,
        };
        Self { row: &BLANK, bar: None }
    }
}

/// What of its message is being read, if this is the top row.
pub(super) fn focus_of(anchor: &RowAnchor) -> TextFocus {
    match (anchor.part.kind, anchor.part.slot) {
        (PartKind::Text, Some(slot)) => TextFocus::At((slot, anchor.part.index), anchor.source_start),
        (PartKind::Details, Some(slot)) => {
            TextFocus::At(answer::reasoning_key(slot, anchor.part.index), anchor.source_start)
        }
        (PartKind::Head | PartKind::Notes, _) => TextFocus::Start,
        (_, Some(slot)) => TextFocus::At((slot, 0), 0),
        (_, None) => TextFocus::End,
    }
}

impl MessageRows {
    /// Brings the rows up to date. Returns the work that took.
    pub(super) fn sync(&mut self, message: &Message, context: &LayoutCx) -> LayoutWork {
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
                | CursorTarget::Details(..)
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
            enter: context.is_last.then_some(context.enter),
            is_card_focused: context.is_card_focused,
            siblings: context.conversation.siblings(message.id),
            day: context.now.to_zoned(context.layout.options.zone.clone()).date(),
            selected_citation: cited,
            source_card: cited.and_then(|_| context.citation_state.layout_key(context.now)),
            checks: context.citation_state.checks_key(message.id, context.now),
        };
        let is_live = message.as_answer().is_some_and(|answer| !answer.is_over());
        if !is_live && !self.is_behind && self.finished.is_empty() && self.layout_key.as_ref() == Some(&key) {
            return LayoutWork::default();
        }
        self.is_behind = false;
        let before = self.text_work();
        let siblings = key.siblings;
        self.layout_key = Some(key);
        self.sections = match &message.body {
            MessageBody::Prompt(_) => prompt_sections(message, siblings, context),
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
            longest_step: after.longest_step,
        }
    }

    /// Makes the next `sync` check the message, even in the same frame.
    pub(super) fn invalidate(&mut self) {
        self.checked_frame = 0;
    }

    /// The row that shows a position in a part's source, if it is shown.
    pub(super) fn row_at_source(&self, part: PartKey, source: SourcePos) -> Option<usize> {
        let mut found = None;
        for (first, section) in placed(&self.sections).filter(|(_, section)| section.key == part) {
            let rows = self.rows_of(&section.rows);
            if rows.first().is_none_or(|row| row.source.start > source.byte) {
                continue;
            }
            let row = row_with(rows, source);
            if rows.get(row).is_some_and(|row| row.source.start <= source.byte) {
                return Some(first + row);
            }
            // Trailing source without text belongs to the last row of a text; other rows may have been truncated.
            if matches!(section.rows, SectionRows::OfText(..)) {
                found = Some(first + rows.len() - 1);
            }
        }
        found
    }

    /// The rows of a part, each with its index from the top.
    pub(super) fn rows_of_part(&self, part: PartKey) -> impl Iterator<Item = (usize, &StyledRow)> {
        let sections = placed(&self.sections).filter(move |(_, section)| section.key == part);
        sections.flat_map(|(first, section)| (first..).zip(self.rows_of(&section.rows)))
    }

    /// The rows that fold something, each with its target.
    pub(super) fn fold_rows(&self) -> impl Iterator<Item = (usize, CursorTarget)> + '_ {
        placed(&self.sections).flat_map(|(first, section)| {
            let details = section.folded_by.filter(|_| section.key.kind == PartKind::Text);
            let rows = details.map(|slot| (slot, self.rows_of(&section.rows)));
            let heads = rows.into_iter().flat_map(move |(slot, rows)| {
                let is_head = |row: &StyledRow| matches!(row.kind, RowKind::DetailsHead { .. });
                let heads = (first..).zip(rows).filter(move |(_, row)| is_head(row));
                heads.map(move |(index, row)| (index, CursorTarget::Details(slot, row.source.start)))
            });
            section.folds.map(|target| (first, target)).into_iter().chain(heads)
        })
    }

    /// The target that a row folds, if any.
    pub(super) fn fold_at(&self, row: usize) -> Option<CursorTarget> {
        self.fold_rows().find(|(first, _)| *first == row).map(|(_, target)| target)
    }

    /// The rows above the code blocks, each with its block's number.
    pub(super) fn code_head_rows(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let texts = placed(&self.sections).filter(|(_, section)| section.key.kind == PartKind::Text);
        let rows = texts.flat_map(|(first, section)| (first..).zip(self.rows_of(&section.rows)));
        rows.filter_map(|(index, row)| match row.kind {
            RowKind::CodeHead { block, .. } => Some((index, block)),
            _ => None,
        })
    }

    /// The code block that a row of the answer belongs to.
    pub(super) fn code_at(&self, row: usize) -> Option<u32> {
        let (section, row_in_section) = self.section_at(row)?;
        let row = self.rows_of(&section.rows).get(row_in_section.checked_sub(section.gap)?)?;
        match row.kind {
            RowKind::CodeHead { block, .. } | RowKind::Code { block, .. } if section.key.kind == PartKind::Text => {
                Some(block)
            }
            _ => None,
        }
    }

    /// The item that contains a code block, if the block is a diagram that can be folded.
    pub(crate) fn diagram_slot(&self, block: u32) -> Option<ItemSlot> {
        let is_head =
            |row: &StyledRow| matches!(row.kind, RowKind::CodeHead { block: at, diagram: true, .. } if at == block);
        let mut texts = self.sections.iter().filter(|section| section.key.kind == PartKind::Text);
        texts.find(|section| self.rows_of(&section.rows).iter().any(is_head))?.folded_by
    }

    /// The foldable part that a row belongs to, either as its head or below it.
    pub(super) fn fold_around(&self, row: usize) -> Option<CursorTarget> {
        let sections = placed(&self.sections).take_while(|(first, section)| first - section.gap <= row);
        sections.fold(None, |around, (_, section)| match section.key.kind {
            PartKind::Details => around,
            PartKind::ItemRow => section.folds.or(around),
            PartKind::Head
            | PartKind::Notes
            | PartKind::Label
            | PartKind::Checks
            | PartKind::Text
            | PartKind::Sources
            | PartKind::SourceCard
            | PartKind::Card => None,
        })
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// The row at an index from the top, blank rows included.
    pub(super) fn row(&self, index: usize) -> Option<PlacedRow<'_>> {
        let (section, row) = self.section_at(index)?;
        let row = row.checked_sub(section.gap)?;
        self.rows_of(&section.rows).get(row).map(|row| PlacedRow { row, bar: section.bar })
    }

    /// The first row that is not blank.
    pub(super) fn first_row(&self) -> usize {
        self.sections.first().map_or(0, |section| section.gap)
    }

    /// The first row of the card, if there is one.
    pub(crate) fn card_row(&self) -> Option<usize> {
        self.section_of(PartKind::Card).map(|(first, _)| first)
    }

    /// A hash of the text on the card, without its frame: that changes with the focus.
    pub(super) fn card_text_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some((_, section)) = self.section_of(PartKind::Card) {
            let content = self.rows_of(&section.rows).iter().filter(|row| row.kind != RowKind::CardEdge);
            content.for_each(|row| row.text().hash(&mut hasher));
        }
        hasher.finish()
    }

    /// The marks in the text and, for sources without a mark, their entries below it, each with its row.
    pub(super) fn citation_rows(&self) -> Vec<(usize, CitationTarget)> {
        let (mut shown, mut marked) = (Vec::new(), BTreeSet::new());
        for (first, section) in placed(&self.sections) {
            let rows = (first..).zip(self.rows_of(&section.rows));
            for (row, span) in rows.flat_map(|(row, it)| it.spans.iter().map(move |span| (row, span))) {
                let Some(cited) = span.citation() else { continue };
                match (section.key, cited.annotation) {
                    (PartKey { kind: PartKind::Text, slot: Some(slot), index }, Some(annotation)) => {
                        marked.insert(cited.number);
                        shown.push((row, CitationTarget::Mark { place: (slot, index), annotation }));
                    }
                    (PartKey { kind: PartKind::Sources, .. }, _) if !marked.contains(&cited.number) => {
                        shown.push((row, CitationTarget::Entry(cited.number)));
                    }
                    _ => (),
                }
            }
        }
        shown
    }

    /// The rows of the open source card.
    pub(crate) fn source_card_rows(&self) -> Option<Range<usize>> {
        let (first, section) = self.section_of(PartKind::SourceCard)?;
        Some(first - section.gap..first + section.rows.len())
    }

    /// The only section of a kind, and the index of its first row.
    fn section_of(&self, kind: PartKind) -> Option<(usize, &MessageSection)> {
        placed(&self.sections).find(|(_, section)| section.key.kind == kind)
    }

    pub(crate) fn anchor_at(&self, message: MessageId, index: usize, row: usize) -> RowAnchor {
        let head = RowAnchor {
            message,
            message_index: index,
            part: PartKey::new(PartKind::Head),
            folded_by: None,
            part_row: 0,
            source_start: 0,
        };
        let Some((section, row)) = self.section_at(row) else { return head };
        let here = row.checked_sub(section.gap).and_then(|row| self.rows_of(&section.rows).get(row));
        RowAnchor {
            part: section.key,
            folded_by: section.folded_by,
            part_row: section.rows_above + row,
            source_start: here.map_or(0, |row| row.source.start),
            ..head
        }
    }

    /// The row of an anchor: by its number in its part or, if the text was laid out again, by its source.
    pub(super) fn row_of_anchor(&self, anchor: &RowAnchor, rewrapped: bool) -> usize {
        let rewrapped = rewrapped || self.replaced_frame == Some(self.checked_frame);
        let mut folded_row = 0;
        for (nth, (first, section)) in placed(&self.sections).enumerate() {
            let (above, height) = (first - section.gap, section.gap + section.rows.len());
            if section.key == anchor.part {
                let rows = self.rows_of(&section.rows);
                let has_source = rows.last().is_some_and(|row| row.source.end > 0);
                let row = if rewrapped && anchor.part_row >= section.gap && has_source {
                    section.gap + rows.partition_point(|row| row.source.end <= anchor.source_start)
                } else {
                    anchor.part_row.saturating_sub(section.rows_above)
                };
                // A card may separate two sections of a part.
                let is_continued = self.sections[nth + 1..].iter().any(|later| later.key == anchor.part);
                if row < height || !is_continued {
                    return above + row.min(height.saturating_sub(1));
                }
            }
            // A part that has disappeared is folded, and was below the row that folds it.
            if section.key.kind == PartKind::ItemRow && section.key.slot == anchor.folded_by {
                folded_row = first;
            }
        }
        folded_row
    }

    pub(super) fn apply_highlighting(&mut self, painted: &highlight::HighlightedLines) -> bool {
        self.texts.values_mut().any(|text| text.apply_colours(painted))
    }

    /// Takes the code in a range of rows that needs highlighting.
    pub(super) fn take_highlight_jobs(
        &mut self,
        owner: highlight::CodeOwner,
        wanted: &Range<usize>,
        newest: &mut Option<highlight::CodeBlockId>,
    ) -> Vec<highlight::HighlightJob> {
        let mut jobs = Vec::new();
        for (first, section) in placed(&self.sections).filter(|(_, section)| section.key.kind == PartKind::Text) {
            let SectionRows::OfText(key, rows) = &section.rows else { continue };
            let (from, to) = (wanted.start.max(first), wanted.end.min(first + rows.len()));
            if from < to
                && let Some(text) = self.texts.get_mut(key)
            {
                let wanted = rows.start + from - first..rows.start + to - first;
                jobs.extend(text.take_highlight_jobs(owner, wanted, newest));
            }
        }
        jobs
    }

    /// The section of a row, and the index of the row in it, blank rows above it included.
    fn section_at(&self, row: usize) -> Option<(&MessageSection, usize)> {
        let (first, section) = placed(&self.sections).find(|(first, section)| row < first + section.rows.len())?;
        Some((section, row + section.gap - first))
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
            longest_step: sum.longest_step.max(work.longest_step),
        })
    }
}

/// The sections from the top, each with the index of its first row after the gap.
fn placed(sections: &[MessageSection]) -> impl Iterator<Item = (usize, &MessageSection)> {
    let mut above = 0;
    sections.iter().map(move |section| {
        let first = above + section.gap;
        above = first + section.rows.len();
        (first, section)
    })
}

/// The row that shows a position in the source, or the end of the rows.
fn row_with(rows: &[StyledRow], source: SourcePos) -> usize {
    let row = rows.partition_point(|row| row.source.end <= source.byte);
    // Rows without a range of their own share that of a row below, as in a table, or above, as in a formula.
    let is_part = |row: &&StyledRow| row.source.is_empty();
    let above = rows[..row].iter().rev().take_while(is_part).count();
    let below = rows[row..].iter().skip(1).take_while(is_part).count();
    (row - above..(row + below + 1).min(rows.len())).find(|at| rows[*at].source_map.shows(source)).unwrap_or(row)
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
    pub(crate) fn new(part: &AnswerPart, rows: SectionRows) -> Self {
        Self { folds: part.folds, folded_by: part.folded_by, ..Self::with_key(part.key, rows) }
    }

    pub(crate) fn with_key(key: PartKey, rows: SectionRows) -> Self {
        Self { key, folds: None, folded_by: None, rows_above: 0, gap: 0, rows, bar: None }
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
    let room = layout.width.saturating_sub(crate::text::width(&mark));
    let mut row = row.truncated(room.saturating_sub(2));
    let gap = room.saturating_sub(row.width());
    row.spans.push(StyledSpan::new(format!("{}{mark}", " ".repeat(gap)), TextStyle::of(ColourRole::Muted)));
    row.truncated(layout.width)
}

/// The mark on a message that is no longer sent.
pub(crate) fn left_out_mark(left_out: bool) -> Option<StyledSpan> {
    left_out.then(|| StyledSpan::new("  left out of the next request", TextStyle::of(ColourRole::Muted)))
}

fn prompt_sections(message: &Message, siblings: (usize, usize), context: &LayoutCx) -> Vec<MessageSection> {
    let LayoutParams { width, options, .. } = context.layout;
    let gutter = Some(GutterMark { mark: options.look.marks.bar, role: ColourRole::You });
    let mut head = vec![StyledSpan::new("you", TextStyle::of(ColourRole::You).bold())];
    head.extend(left_out_mark(context.conversation.is_left_out(message.id)));
    let head = head_row(head, siblings, context.layout);
    let rows_of = |part: &AnswerPart| match part.content.source() {
        Some(text) => {
            StyledRow::wrapped(text.trim_end_matches('\n'), *width, RowKind::Prompt, TextStyle::of(ColourRole::Text))
        }
        None => vec![head.clone()],
    };
    let section = |part: &AnswerPart| {
        let rows = rows_of(part).into_iter().map(|row| StyledRow { gutter, ..row }).collect();
        MessageSection::new(part, SectionRows::Owned(rows))
    };
    MessageParts::of(message).parts.iter().map(section).collect()
}
