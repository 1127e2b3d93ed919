//! The source of each piece of a laid-out text.

use std::ops::Range;

/// Where the clusters of a text come from.
///
/// Runs cover the text without gaps. Text that goes on verbatim is always one run, so the map of a text does not depend
/// on how the text arrived. A row without a source, such as one of a card, has an empty map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    runs: Vec<RunStart>,
    /// The length of the text in bytes.
    text_len: u32,
}

/// How a run shows its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Byte for byte.
    Verbatim,
    /// As other text, which is also what is copied: an entity, a tab.
    Rewritten,
    /// As something that stands for it; copied as it was written: a formula, an image, a rule.
    StandIn,
    /// Not at all: decoration, padding, the mark of a citation. Its range of the source is empty and means nothing.
    Inserted,
}

/// A piece of a text and the source that it shows, both in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRun {
    pub text: Range<usize>,
    pub source: Range<usize>,
    pub kind: SourceKind,
    /// How much other text for the same source comes before it, such as on the rows above.
    pub skipped: usize,
}

/// A character of the source or, where other text is shown for it, a byte of that text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePos {
    pub byte: usize,
    /// The offset in the text that is shown for the source at `byte`; 0 in verbatim text.
    pub within: usize,
}

/// A range of the source, from one position up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceSpan {
    pub start: SourcePos,
    pub end: SourcePos,
}

/// A run without its end, which is where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RunStart {
    text_start: u32,
    source: SourceRange,
    skipped: u32,
    kind: SourceKind,
}

/// A range of the source in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SourceRange {
    start: u32,
    len: u32,
}

impl SourceMap {
    pub const EMPTY: Self = Self { runs: Vec::new(), text_len: 0 };

    /// The map of a text that is a range of its source.
    pub fn verbatim(source: Range<usize>) -> Self {
        let mut map = Self::EMPTY;
        map.push(source.len(), source, SourceKind::Verbatim);
        map
    }

    pub fn shrink_to_fit(&mut self) {
        self.runs.shrink_to_fit();
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The length of the text in bytes.
    pub fn text_len(&self) -> usize {
        self.text_len as usize
    }

    /// Whether no cluster shows any of the source.
    pub fn is_all_inserted(&self) -> bool {
        self.runs.iter().all(|run| run.kind == SourceKind::Inserted)
    }

    /// Appends text that shows a range of the source.
    pub fn push(&mut self, text_len: usize, source: Range<usize>, kind: SourceKind) {
        let source = if kind == SourceKind::Inserted { 0..0 } else { source };
        let same = self.runs.last().filter(|last| last.source.range() == source && last.kind.is_indivisible());
        let skipped = same.map_or(0, |last| last.skipped + self.text_len - last.text_start) as usize;
        self.push_run(&SourceRun { text: 0..text_len, source, kind, skipped });
    }

    /// Appends text that is not in the source.
    pub fn push_inserted(&mut self, text_len: usize) {
        self.push(text_len, 0..0, SourceKind::Inserted);
    }

    pub fn append(&mut self, other: &Self) {
        other.runs().for_each(|run| self.push_run(&run));
    }

    /// Appends a run; of its text only the length counts.
    pub fn push_run(&mut self, run: &SourceRun) {
        if run.text.is_empty() {
            return;
        }
        let next = RunStart {
            text_start: self.text_len,
            source: SourceRange { start: run.source.start as u32, len: run.source.len() as u32 },
            skipped: run.skipped as u32,
            kind: run.kind,
        };
        self.text_len += run.text.len() as u32;
        match self.runs.last_mut().filter(|last| last.is_continued_by(&next)) {
            Some(last) if next.kind == SourceKind::Verbatim => last.source.len += next.source.len,
            Some(_) => (),
            None => self.runs.push(next),
        }
    }

    /// The map of a range of the text.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let first = self.runs.partition_point(|run| run.text_start as usize <= range.start).saturating_sub(1);
        let mut map = Self::EMPTY;
        for run in self.runs_from(first).take_while(|run| run.text.start < range.end) {
            let text = run.text.start.max(range.start)..run.text.end.min(range.end);
            if text.is_empty() {
                continue;
            }
            let before = text.start - run.text.start;
            let (source, skipped) = match run.kind {
                SourceKind::Verbatim => (run.source.start + before..run.source.start + before + text.len(), 0),
                SourceKind::Inserted => (run.source, 0),
                SourceKind::Rewritten | SourceKind::StandIn => (run.source, run.skipped + before),
            };
            map.push_run(&SourceRun { text, source, kind: run.kind, skipped });
        }
        map
    }

    /// Moves all sources by `bytes`.
    pub fn shift(&mut self, bytes: usize) {
        let shown = self.runs.iter_mut().filter(|run| run.kind != SourceKind::Inserted);
        shown.for_each(|run| run.source.start += bytes as u32);
    }

    pub fn remove_range(&mut self, range: &Range<usize>) {
        let rest = self.slice(range.end..self.text_len as usize);
        *self = self.slice(0..range.start);
        self.append(&rest);
    }

    pub fn runs(&self) -> impl Iterator<Item = SourceRun> + '_ {
        self.runs_from(0)
    }

    fn runs_from(&self, first: usize) -> impl Iterator<Item = SourceRun> + '_ {
        self.runs.iter().enumerate().skip(first).map(|(nth, run)| {
            let end = self.runs.get(nth + 1).map_or(self.text_len, |next| next.text_start);
            SourceRun {
                text: run.text_start as usize..end as usize,
                source: run.source.range(),
                kind: run.kind,
                skipped: run.skipped as usize,
            }
        })
    }

    /// Where the source of the text before `at` ends. Source without text, such as a marker, belongs to the text before
    /// it.
    pub fn source_before(&self, at: usize) -> usize {
        let run = self.run_at(at).filter(|run| run.kind != SourceKind::Inserted);
        match run {
            Some(run) if at >= run.text.end => run.source.end,
            Some(run) if run.kind == SourceKind::Verbatim => run.source.start + at - run.text.start,
            Some(run) if at - run.text.start + run.skipped == 0 => run.source.start,
            Some(run) => run.source.end,
            None => self.source_around_inserted(at),
        }
    }

    /// Where the source before inserted text ends or, if there is none, where the next one begins.
    fn source_around_inserted(&self, at: usize) -> usize {
        let mut shown = self.runs().filter(|run| run.kind != SourceKind::Inserted);
        let before = shown.by_ref().take_while(|run| run.text.end <= at).last();
        before.map(|run| run.source.end).or_else(|| self.first_source()).unwrap_or(0)
    }

    fn first_source(&self) -> Option<usize> {
        self.runs().find(|run| run.kind != SourceKind::Inserted).map(|run| run.source.start)
    }

    /// Whether the text shows the source at a position.
    pub fn shows(&self, pos: SourcePos) -> bool {
        let span = SourceSpan { start: pos, end: SourcePos { within: pos.within + 1, ..pos } };
        self.runs().any(|run| !run.text_showing(span).is_empty())
    }

    /// The run that contains a byte of the text, or else the last one.
    fn run_at(&self, at: usize) -> Option<SourceRun> {
        let after = self.runs.partition_point(|run| run.text_start as usize <= at);
        self.runs_from(after.checked_sub(1)?).next()
    }

    /// The position in the source of a byte of the text.
    pub fn pos_at(&self, at: usize) -> SourcePos {
        match self.run_at(at).filter(|run| run.kind != SourceKind::Inserted) {
            Some(run) => run.pos_at(at),
            None => SourcePos { byte: self.source_before(at), within: 0 },
        }
    }

    /// The source that a range of the text shows.
    pub fn span_of(&self, text: Range<usize>) -> SourceSpan {
        let last = self.run_at(text.end.saturating_sub(1));
        SourceSpan {
            start: self.pos_at(text.start),
            end: last.map_or_else(SourcePos::default, |run| run.pos_at(text.end)),
        }
    }

    /// The first byte of the text that shows the source at `pos` or after it.
    pub fn text_at(&self, pos: SourcePos) -> usize {
        let rest = SourceSpan { start: pos, end: SourcePos { byte: usize::MAX, within: 0 } };
        let mut shown = self.runs().map(|run| run.text_showing(rest));
        shown.find(|text| !text.is_empty()).map_or(self.text_len as usize, |text| text.start)
    }
}

impl RunStart {
    /// Whether the run that begins at `next` shows what follows in the source, in the same way.
    fn is_continued_by(&self, next: &Self) -> bool {
        self.kind == next.kind
            && match next.kind {
                SourceKind::Verbatim => self.source.start + self.source.len == next.source.start,
                SourceKind::Inserted => self.source == next.source,
                SourceKind::Rewritten | SourceKind::StandIn => {
                    self.source == next.source && self.skipped + next.text_start - self.text_start == next.skipped
                }
            }
    }
}

impl SourceRange {
    fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

impl SourceKind {
    /// Whether the run as a whole shows its source, so that no piece of the run shows a piece of the source.
    fn is_indivisible(self) -> bool {
        matches!(self, Self::Rewritten | Self::StandIn)
    }
}

impl SourceRun {
    /// The position in the source of a byte of the text; behind the run, where its source ends.
    pub fn pos_at(&self, at: usize) -> SourcePos {
        let past = at.min(self.text.end) - self.text.start;
        match self.kind {
            SourceKind::Verbatim => SourcePos { byte: self.source.start + past, within: 0 },
            SourceKind::Rewritten | SourceKind::StandIn | SourceKind::Inserted => {
                SourcePos { byte: self.source.start, within: self.skipped + past }
            }
        }
    }

    /// The part of the text that shows a range of the source. A range within source that was rewritten covers all of the
    /// text for it, as a citation mark is all there is of a link.
    pub fn text_showing(&self, span: SourceSpan) -> Range<usize> {
        let len = self.text.len();
        let offset = |pos: SourcePos, inside: usize| match self.kind {
            SourceKind::Verbatim => {
                (pos.byte + usize::from(pos.within > 0)).clamp(self.source.start, self.source.end) - self.source.start
            }
            SourceKind::Inserted => 0,
            SourceKind::Rewritten | SourceKind::StandIn => match pos.byte {
                byte if byte == self.source.start => pos.within.saturating_sub(self.skipped).min(len),
                byte if byte < self.source.start => 0,
                byte if byte < self.source.end && self.kind == SourceKind::Rewritten => inside,
                _ => len,
            },
        };
        let start = offset(span.start, 0);
        self.text.start + start..self.text.start + offset(span.end, len).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The map of `a α+β b & c [1]` for ``a $\alpha+\beta$ b `&amp;` c``.
    fn map() -> SourceMap {
        let mut map = SourceMap::verbatim(0..2);
        map.push(5, 2..16, SourceKind::StandIn);
        map.push(3, 16..19, SourceKind::Verbatim);
        map.push(1, 20..25, SourceKind::Rewritten);
        map.push(2, 26..28, SourceKind::Verbatim);
        map.push_inserted(4);
        map
    }

    fn pos(byte: usize, within: usize) -> SourcePos {
        SourcePos { byte, within }
    }

    #[test]
    fn verbatim_text_is_one_run() {
        let mut map = SourceMap::verbatim(3..5);
        map.push(2, 5..7, SourceKind::Verbatim);
        assert_eq!(map, SourceMap::verbatim(3..7));
        map.append(&SourceMap::verbatim(9..10));
        assert_eq!(map.runs().map(|run| run.source).collect::<Vec<_>>(), [3..7, 9..10]);
    }

    #[test]
    fn slices_put_together_again_are_the_whole() {
        let map = map();
        for cut in 0..=17 {
            let mut both = map.slice(0..cut);
            both.append(&map.slice(cut..17));
            assert_eq!(both, map, "at {cut}");
        }
    }

    #[test]
    fn positions_map_to_the_source_and_back() {
        let map = map();
        let positions: Vec<SourcePos> = [0, 2, 4, 7, 10, 11, 13].map(|at| map.pos_at(at)).into();
        assert_eq!(positions, [pos(0, 0), pos(2, 0), pos(2, 2), pos(16, 0), pos(20, 0), pos(26, 0), pos(28, 0)]);
        for at in 0..13 {
            assert_eq!(map.text_at(map.pos_at(at)), at);
            let row = map.slice(at..17);
            assert_eq!(row.text_at(map.pos_at(at)), 0, "a row that begins at {at}");
        }
        assert_eq!((map.text_at(pos(19, 0)), map.text_at(pos(40, 0))), (10, 17), "markers have no text");
        assert_eq!([1, 2, 3, 10, 17].map(|at| map.source_before(at)), [1, 2, 16, 20, 28]);
    }

    #[test]
    fn a_range_of_the_source_has_the_text_that_shows_it() {
        let shown = |from, to| {
            map()
                .runs()
                .map(|run| run.text_showing(SourceSpan { start: from, end: to }))
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(pos(2, 2), pos(18, 0)), [4..7, 7..9]);
        assert_eq!(shown(pos(22, 0), pos(23, 0)), vec![10..11], "inside an entity");
        assert_eq!(shown(pos(18, 0), pos(27, 0)), [9..10, 10..11, 11..12]);
        assert_eq!(shown(pos(28, 0), pos(99, 0)), [0..0; 0], "nothing shows what is inserted");
        let span = map().span_of(4..9);
        assert_eq!((span.start, span.end), (pos(2, 2), pos(18, 0)));
    }
}
