//! One message as sections of rows, each of which keeps its name while others come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use super::{
    Citation, ReadingOptions, Target, answer,
    citing::Citing,
    folds::Folding,
    place::{Anchor, Part},
    said,
};
use crate::{
    chat::{Body, Conversation, Message, MessageId, Prompt, Slot, Timestamp},
    text,
    widgets::{
        citation::Citations,
        highlight,
        markdown::{MarkdownLayout, Work},
        row::{Gutter, Ink, Joint, Row, RowKind, Span},
        theme::Role,
    },
};

/// What decides how all messages are laid out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Of the text, without the gutter.
    pub width: usize,
    /// There is room for two blank rows before a prompt.
    pub roomy: bool,
    pub options: ReadingOptions,
}

/// What decides how one message is laid out.
pub(super) struct Context<'a> {
    pub conversation: &'a Conversation,
    pub layout: &'a Layout,
    /// Counts calls of `Transcript::sync`: in one of them a message is looked at once.
    pub frame: u64,
    pub now: Timestamp,
    pub folding: Folding,
    pub is_first: bool,
    pub is_last: bool,
    /// What the cursor stands on, if it is in this message.
    pub target: Option<Target>,
    pub citing: &'a Citing,
}

/// The rows of one message.
#[derive(Debug, Clone, Default)]
pub(super) struct Laid {
    frame: u64,
    key: Option<Key>,
    sections: Vec<Section>,
    height: usize,
    /// Texts and reasonings, which may grow.
    pub texts: BTreeMap<(Slot, usize), MarkdownLayout>,
    /// More of a text came at once than a frame can lay out.
    pub behind: bool,
    pub citations: Citations,
}

/// When none of this has changed, nor have the rows.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    rev: u32,
    layout: Layout,
    folding: Folding,
    is_first: bool,
    is_last: bool,
    siblings: (usize, usize),
    day: jiff::civil::Date,
    cited: Option<Citation>,
    card: Option<(u64, Option<i64>)>,
}

#[derive(Debug, Clone)]
pub(super) struct Section {
    pub part: Part,
    /// Rows of the same part in the sections above it.
    pub above: usize,
    /// Blank rows above.
    pub gap: usize,
    pub rows: Rows,
    /// A bar left of the rows, which then stand two cells further in.
    pub bar: Option<Gutter>,
}

#[derive(Debug, Clone)]
pub(super) enum Rows {
    Own(Vec<Row>),
    /// These rows of a text.
    Of((Slot, usize), Range<usize>),
}

/// A row and the bar left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub row: &'a Row,
    pub bar: Option<Gutter>,
}

impl Default for Placed<'_> {
    fn default() -> Self {
        static BLANK: Row = Row {
            spans: Vec::new(),
            lead: 0,
            gutter: None,
            fill: None,
            kind: RowKind::Blank,
            joint: Joint::LineEnd,
            source: 0..0,
            rtl: false,
            shift: 0,
        };
        Self { row: &BLANK, bar: None }
    }
}

impl Laid {
    /// Brings the rows up to date; gives what had to be done.
    pub fn sync(&mut self, message: &Message, context: &Context) -> Work {
        if std::mem::replace(&mut self.frame, context.frame) == context.frame {
            return Work::default();
        }
        let in_title = context.conversation.told_in_title() == Some(message.id);
        let cited = match context.target {
            Some(Target::Citation(citation)) => Some(citation),
            Some(Target::Message | Target::Reasoning(_) | Target::Call(_) | Target::Item(_) | Target::Code(_))
            | None => None,
        };
        let key = Key {
            rev: message.rev,
            layout: context.layout.clone(),
            folding: context.folding.clone(),
            is_first: context.is_first,
            is_last: context.is_last,
            siblings: if in_title { (1, 1) } else { context.conversation.siblings(message.id) },
            day: context.now.to_zoned(context.layout.options.zone.clone()).date(),
            cited,
            card: cited.and_then(|_| context.citing.key(context.now)),
        };
        let is_live = message.answer().is_some_and(|answer| !answer.is_over());
        if !is_live && !self.behind && self.key.as_ref() == Some(&key) {
            return Work::default();
        }
        self.behind = false;
        let before = self.text_work();
        let siblings = key.siblings;
        self.key = Some(key);
        self.sections = match &message.body {
            Body::Prompt(prompt) => {
                prompt_sections(prompt, siblings, context.conversation.is_left_out(message.id), context)
            }
            Body::Answer(answer) => answer::sections(self, message, answer, siblings, context),
        };
        if let Some(first) = self.sections.first_mut() {
            first.gap = match (&message.body, context.is_first) {
                (_, true) => 0,
                (Body::Prompt(_), false) if context.layout.roomy => 2,
                (Body::Prompt(_) | Body::Answer(_), false) => 1,
            };
        }
        self.height = self.sections.iter().map(|section| section.gap + section.rows.len()).sum();
        let after = self.text_work();
        let own: usize = self.sections.iter().map(|section| section.rows.own()).sum();
        // A text that is gone takes its own count with it.
        Work {
            rows: after.rows.saturating_sub(before.rows) + own as u64,
            bytes: after.bytes.saturating_sub(before.bytes),
        }
    }

    /// The next `sync` looks at the message even if it is in the same frame.
    pub fn look_again(&mut self) {
        self.frame = 0;
    }

    /// The row that shows a place of a part's source, if it is shown.
    pub fn row_of(&self, part: Part, source: usize) -> Option<usize> {
        let mut above = 0;
        let mut found = None;
        for section in &self.sections {
            let rows = self.rows(&section.rows);
            let first = above + section.gap;
            above = first + rows.len();
            if section.part != part || rows.first().is_none_or(|row| row.source.start > source) {
                continue;
            }
            let row = rows.partition_point(|row| row.source.end <= source);
            if rows.get(row).is_some_and(|row| row.source.start <= source) {
                return Some(first + row);
            }
            // What has no words at its end belongs to the last row of a text; other rows may have been cut.
            if matches!(section.rows, Rows::Of(..)) {
                found = Some(first + rows.len() - 1);
            }
        }
        found
    }

    /// The rows that fold something, and what.
    pub fn folds(&self) -> impl Iterator<Item = (usize, Target)> + '_ {
        let mut above = 0;
        self.sections.iter().filter_map(move |section| {
            let first = above + section.gap;
            above = first + section.rows.len();
            Some((first, fold(section.part)?))
        })
    }

    /// What a row folds.
    pub fn fold_at(&self, row: usize) -> Option<Target> {
        self.folds().find(|(first, _)| *first == row).map(|(_, target)| target)
    }

    /// The rows over the code blocks, and the numbers of the blocks.
    pub fn code_heads(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut above = 0;
        self.sections.iter().flat_map(move |section| {
            let first = above + section.gap;
            above = first + section.rows.len();
            self.rows(&section.rows).iter().enumerate().filter_map(move |(nth, row)| match row.kind {
                RowKind::CodeHead { block, .. } if matches!(section.part, Part::Text(..)) => Some((first + nth, block)),
                _ => None,
            })
        })
    }

    /// The code block that a row of the answer belongs to.
    pub fn code_at(&self, row: usize) -> Option<u32> {
        let (section, at) = self.locate(row)?;
        let row = self.rows(&section.rows).get(at.checked_sub(section.gap)?)?;
        match row.kind {
            RowKind::CodeHead { block, .. } | RowKind::Code { block, .. } if matches!(section.part, Part::Text(..)) => {
                Some(block)
            }
            _ => None,
        }
    }

    /// The item that says a block, if that is a diagram, whose row folds it.
    pub fn diagram(&self, block: u32) -> Option<Slot> {
        let of = |section: &Section| match section.part {
            Part::Text(slot, _) => Some(slot),
            _ => None,
        };
        let head = RowKind::CodeHead { block, diagram: true };
        let holds = |section: &Section| self.rows(&section.rows).iter().any(|row| row.kind == head);
        self.sections.iter().filter(|section| of(section).is_some()).find(|section| holds(section)).and_then(of)
    }

    /// What a row belongs to that can be folded: the row that folds it, or one below that.
    pub fn fold_around(&self, row: usize) -> Option<Target> {
        let (mut above, mut around) = (0, None);
        for section in &self.sections {
            around = match section.part {
                Part::Reasoning(..) | Part::FailedSearch(_) | Part::Pages(_) | Part::Result(_) | Part::Raw(_) => around,
                part => fold(part),
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

    /// Rows from the top, blank rows included.
    pub fn row(&self, at: usize) -> Option<Placed<'_>> {
        let (section, row) = self.locate(at)?;
        let row = row.checked_sub(section.gap)?;
        self.rows(&section.rows).get(row).map(|row| Placed { row, bar: section.bar })
    }

    /// The first row that is not blank.
    pub fn first_row(&self) -> usize {
        self.sections.first().map_or(0, |section| section.gap)
    }

    /// The first row of the card, if there is one.
    pub fn card(&self) -> Option<usize> {
        let at = self.sections.iter().position(|section| section.part == Part::Card)?;
        let above: usize = self.sections[..at].iter().map(|section| section.gap + section.rows.len()).sum();
        Some(above + self.sections[at].gap)
    }

    /// What stands on the card, as a number.
    pub fn card_shown(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for section in self.sections.iter().filter(|section| section.part == Part::Card) {
            for row in self.rows(&section.rows) {
                row.text().hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The marks in the text and, of sources without one, the entries below it: each with its row.
    pub fn citations_shown(&self) -> Vec<(usize, Citation)> {
        let (mut above, mut shown, mut marked) = (0, Vec::new(), BTreeSet::new());
        for section in &self.sections {
            let rows = self.rows(&section.rows);
            for (row, span) in
                rows.iter().enumerate().flat_map(|(row, it)| it.spans.iter().map(move |span| (row, span)))
            {
                let Some(cited) = span.citation else { continue };
                let row = above + section.gap + row;
                match (section.part, cited.annotation) {
                    (Part::Text(slot, part), Some(annotation)) => {
                        marked.insert(cited.number);
                        shown.push((row, Citation::Mark { place: (slot, part), annotation }));
                    }
                    (Part::Sources, _) if !marked.contains(&cited.number) => {
                        shown.push((row, Citation::Entry(cited.number)));
                    }
                    _ => (),
                }
            }
            above += section.gap + section.rows.len();
        }
        shown
    }

    /// The rows of the source that stands open.
    pub fn source_card(&self) -> Option<Range<usize>> {
        let at = self.sections.iter().position(|section| section.part == Part::SourceCard)?;
        let above: usize = self.sections[..at].iter().map(|section| section.gap + section.rows.len()).sum();
        Some(above..above + self.sections[at].gap + self.sections[at].rows.len())
    }

    pub fn anchor(&self, message: MessageId, index: usize, row: usize) -> Anchor {
        let (part, row, source) = match self.locate(row) {
            Some((section, row)) => {
                let here = row.checked_sub(section.gap).and_then(|row| self.rows(&section.rows).get(row));
                (section.part, section.above + row, here.map_or(0, |row| row.source.start))
            }
            None => (Part::Head, 0, 0),
        };
        Anchor { message, index, part, row, source }
    }

    /// The row of an anchor: by its number in its section, or, wrapped anew, by its source.
    pub fn find(&self, anchor: &Anchor, rewrapped: bool) -> usize {
        let (mut above, mut folded) = (0, 0);
        for (nth, section) in self.sections.iter().enumerate() {
            let height = section.gap + section.rows.len();
            if section.part == anchor.part {
                let rows = self.rows(&section.rows);
                let has_source = rows.last().is_some_and(|row| row.source.end > 0);
                let row = if rewrapped && anchor.row >= section.gap && has_source {
                    section.gap + rows.partition_point(|row| row.source.end <= anchor.source)
                } else {
                    anchor.row.saturating_sub(section.above)
                };
                // A card may stand between two sections of a part.
                let goes_on = self.sections[nth + 1..].iter().any(|later| later.part == anchor.part);
                if row < height || !goes_on {
                    return above + row.min(height.saturating_sub(1));
                }
            }
            // What was folded away was below the row that folds it; nothing else disappears.
            if matches!((section.part, anchor.part), (Part::Thought(here), Part::Reasoning(there, _)) if here <= there)
            {
                folded = above + section.gap;
            }
            above += height;
        }
        folded
    }

    pub fn paint(&mut self, painted: &highlight::Painted) -> bool {
        self.texts.values_mut().any(|text| text.paint(painted))
    }

    /// The code in some rows that should be coloured.
    pub fn take_jobs(
        &mut self,
        message: MessageId,
        wanted: &Range<usize>,
        newest: &mut Option<highlight::BlockId>,
    ) -> Vec<highlight::Job> {
        let mut jobs = Vec::new();
        let mut above = 0;
        for section in &self.sections {
            let first = above + section.gap;
            above = first + section.rows.len();
            let (Part::Text(..), Rows::Of(key, rows)) = (section.part, &section.rows) else { continue };
            let (from, to) = (wanted.start.max(first), wanted.end.min(above));
            if from < to
                && let Some(text) = self.texts.get_mut(key)
            {
                jobs.extend(text.take_jobs(message, rows.start + from - first..rows.start + to - first, newest));
            }
        }
        jobs
    }

    fn locate(&self, at: usize) -> Option<(&Section, usize)> {
        let mut left = at;
        for section in &self.sections {
            let height = section.gap + section.rows.len();
            if left < height {
                return Some((section, left));
            }
            left -= height;
        }
        None
    }

    fn rows<'a>(&'a self, rows: &'a Rows) -> &'a [Row] {
        match rows {
            Rows::Own(rows) => rows,
            Rows::Of(key, range) => self.texts.get(key).and_then(|text| text.rows().get(range.clone())).unwrap_or(&[]),
        }
    }

    fn text_work(&self) -> Work {
        self.texts
            .values()
            .map(MarkdownLayout::work)
            .fold(Work::default(), |sum, work| Work { rows: sum.rows + work.rows, bytes: sum.bytes + work.bytes })
    }
}

/// What the row of a part folds.
fn fold(part: Part) -> Option<Target> {
    match part {
        Part::Thought(slot) => Some(Target::Reasoning(slot)),
        Part::Search(slot) | Part::Other(slot) => Some(Target::Item(slot)),
        Part::Call(slot) => Some(Target::Call(slot)),
        Part::Head
        | Part::Notes
        | Part::Prompt
        | Part::Reasoning(..)
        | Part::FailedSearch(_)
        | Part::Pages(_)
        | Part::Result(_)
        | Part::Raw(_)
        | Part::Commentary(_)
        | Part::Text(..)
        | Part::Refusal(..)
        | Part::Sources
        | Part::SourceCard
        | Part::Card => None,
    }
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Own(rows) => rows.len(),
            Self::Of(_, range) => range.len(),
        }
    }

    fn own(&self) -> usize {
        match self {
            Self::Own(rows) => rows.len(),
            Self::Of(..) => 0,
        }
    }
}

impl Section {
    pub fn new(part: Part, rows: Rows) -> Self {
        Self { part, above: 0, gap: 0, rows, bar: None }
    }

    pub fn own(part: Part, gap: usize, rows: Vec<Row>) -> Self {
        Self { gap, ..Self::new(part, Rows::Own(rows)) }
    }
}

/// `‹1/2›` where a message has siblings of which the title does not tell.
pub(super) fn sibling_mark((nth, of): (usize, usize), options: &ReadingOptions) -> Option<String> {
    (of > 1).then(|| format!("{}{nth}/{of}{}", options.look.marks.sibling_left, options.look.marks.sibling_right))
}

/// The words of a message that is no longer sent.
pub(super) fn left_out_mark(left_out: bool) -> Option<Span> {
    left_out.then(|| Span::new("  left out of the next request", Ink::of(Role::Muted)))
}

fn prompt_sections(prompt: &Prompt, siblings: (usize, usize), left_out: bool, context: &Context) -> Vec<Section> {
    let Layout { width, options, .. } = context.layout;
    let gutter = Some(Gutter { mark: options.look.marks.bar, role: Role::You });
    let mut head = vec![Span::new("you", Ink::of(Role::You).bold())];
    if let Some(mark) = sibling_mark(siblings, options) {
        head.push(Span::new(format!("  {mark}"), Ink::of(Role::Muted)));
    }
    head.extend(left_out_mark(left_out));
    let head = Row { gutter, ..Row::new(RowKind::Head, head).cut(*width) };
    let words = text::clean(&prompt.text);
    let words = words.trim_end_matches('\n');
    let rows = said::rows(words, *width, RowKind::Prompt, Ink::of(Role::Text));
    let rows = rows.into_iter().map(|row| Row { gutter, ..row }).collect();
    vec![Section::own(Part::Head, 0, vec![head]), Section::own(Part::Prompt, 0, rows)]
}
