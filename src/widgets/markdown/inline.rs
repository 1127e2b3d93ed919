//! The words of one paragraph, heading or cell with their looks, and their rows.

use std::{ops::Range, sync::Arc};

use crate::{
    text::{self, wrap},
    widgets::row::{Cited, Ink, Joint, Span},
};

/// A shorter text is wrapped as fast as it is remembered.
const LONG: usize = 512;

/// Text in runs of one look, and where it came from.
#[derive(Debug, Clone, Default)]
pub(super) struct Inline {
    pub text: String,
    runs: Vec<Run>,
    /// Citation marks, which keep to the word before them, and the signs around LaTeX, which keep to it.
    glued: Vec<Range<usize>>,
    /// Those of them that stand in place of a link.
    replaced: Vec<Range<usize>>,
    places: Places,
}

#[derive(Debug, Clone)]
struct Run {
    end: usize,
    ink: Ink,
    link: Option<Arc<str>>,
    citation: Option<Cited>,
    copied: Option<Arc<str>>,
}

/// How words look, what they lead to and what they stand for.
pub(super) struct Style<'a> {
    pub ink: Ink,
    pub link: Option<&'a Arc<str>>,
    /// What a copy has in their place.
    pub copied: Option<Arc<str>>,
}

/// Leads from a place in a text back to the source.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Vec<Place>);

#[derive(Debug, Clone, Copy)]
struct Place {
    text: usize,
    source: usize,
    /// Where the piece ends in the source; one that was not copied letter by letter is indivisible.
    end: usize,
    copied: bool,
}

/// One row of an inline.
#[derive(Debug)]
pub(super) struct Line {
    pub spans: Vec<Span>,
    /// Where its part of the source ends.
    pub source_end: usize,
    pub joint: Joint,
}

/// How a long text was wrapped, so that one which begins alike is not wrapped from its beginning.
#[derive(Debug, Clone)]
pub(super) struct Wrapped {
    text: String,
    room: usize,
    glued: Vec<Range<usize>>,
    pieces: Vec<wrap::Piece>,
}

impl Wrapped {
    /// How many bytes an inline has in common with it, from the beginning on.
    fn common(&self, inline: &Inline) -> usize {
        let same = if inline.text.starts_with(&self.text) {
            self.text.len()
        } else {
            self.text.bytes().zip(inline.text.bytes()).take_while(|(a, b)| a == b).count()
        };
        let known = self.glued.iter().zip(&inline.glued).take_while(|(a, b)| a == b).count();
        let differing = self.glued.get(known).into_iter().chain(inline.glued.get(known));
        differing.map(|glue| glue.start).fold(same, usize::min)
    }
}

impl Places {
    pub fn note(&mut self, text: usize, source: Range<usize>, length: usize) {
        let copied = source.len() == length;
        self.0.push(Place { text, source: source.start, end: source.end, copied });
    }

    /// The place in the source of the byte `at` of the text.
    pub fn source(&self, at: usize) -> usize {
        let index = self.0.partition_point(|place| place.text <= at);
        let Some(place) = index.checked_sub(1).map(|index| self.0[index]) else { return 0 };
        match at - place.text {
            0 => place.source,
            past if place.copied => (place.source + past).min(place.end),
            _ => place.end,
        }
    }

    fn cut(&mut self, range: &Range<usize>) {
        for place in &mut self.0 {
            place.text -= place.text.min(range.end).saturating_sub(range.start);
        }
    }
}

impl Inline {
    pub fn push(&mut self, words: &str, style: &Style, source: Range<usize>) {
        if words.is_empty() {
            return;
        }
        self.places.note(self.text.len(), source, words.len());
        self.text.push_str(words);
        let Style { ink, link, copied } = style;
        let goes_on =
            |run: &Run| run.ink == *ink && run.link.as_ref() == *link && run.citation.is_none() && run.copied.is_none();
        match self.runs.last_mut().filter(|run| goes_on(run) && copied.is_none()) {
            Some(run) => run.end = self.text.len(),
            None => self.runs.push(Run {
                end: self.text.len(),
                ink: *ink,
                link: link.cloned(),
                citation: None,
                copied: copied.clone(),
            }),
        }
    }

    /// Puts the mark of a source behind the words so far; `source` is what it stands for, if anything.
    pub fn cite(&mut self, cited: Cited, ink: Ink, source: Range<usize>) {
        // A claim within an image ends before the image does.
        let before = self.places.0.last().map_or(0, |place| place.source);
        let source = source.start.max(before)..source.end.max(before);
        let apart = self.text.ends_with(|char: char| !char.is_whitespace() && !matches!(char, '(' | '（' | '['));
        let after_mark = self.runs.last().is_some_and(|run| run.citation.is_some());
        if apart && !after_mark && source.is_empty() {
            self.push(" ", &Style { ink: Ink::of(ink.role), link: None, copied: None }, source.clone());
        }
        let start = self.text.len();
        self.places.note(start, source.clone(), 0);
        self.text.extend(["[", &cited.number.to_string(), "]"]);
        self.glued.push(start..self.text.len());
        if !source.is_empty() {
            self.replaced.push(start..self.text.len());
        }
        self.runs.push(Run { end: self.text.len(), ink, link: None, citation: Some(cited), copied: None });
    }

    /// Keeps the signs around LaTeX to it, which is all that was pushed from `start` on.
    pub fn glue_signs(&mut self, start: usize, sign: usize) {
        let end = self.text.len().saturating_sub(sign);
        let Some(inside) = self.text.get(start + sign..end) else { return };
        let blanks = inside.len() - inside.trim_start_matches(' ').len();
        if blanks < inside.len() {
            self.glued.push(start + 1..start + sign + blanks + 1);
            self.glued.push(end..self.text.len());
        }
    }

    /// Takes away the brackets and commas that a model wrote around links which became marks.
    pub fn tidy(&mut self) {
        let mut at = 0;
        while at < self.replaced.len() {
            let first = at;
            while at + 1 < self.replaced.len()
                && self.text[self.replaced[at].end..self.replaced[at + 1].start]
                    .trim_matches([' ', ',', ';'])
                    .is_empty()
            {
                at += 1;
            }
            let group = self.replaced[first].start..self.replaced[at].end;
            let between: Vec<_> = (first..at).map(|one| self.replaced[one].end..self.replaced[one + 1].start).collect();
            let brackets = [('(', ')'), ('（', '）')].into_iter().find(|(open, close)| {
                self.text[..group.start].ends_with(*open) && self.text[group.end..].starts_with(*close)
            });
            let mut cuts = Vec::new();
            if let Some((open, close)) = brackets {
                cuts.push(group.end..group.end + close.len_utf8());
                cuts.extend(between.into_iter().rev());
                cuts.push(group.start - open.len_utf8()..group.start);
            } else {
                cuts.extend(between.into_iter().rev());
            }
            for cut in cuts {
                self.delete(&cut);
            }
            at += 1;
        }
    }

    fn delete(&mut self, range: &Range<usize>) {
        self.text.replace_range(range.clone(), "");
        let moved = |at: usize| at - at.min(range.end).saturating_sub(range.start);
        for run in &mut self.runs {
            run.end = moved(run.end);
        }
        for mark in self.glued.iter_mut().chain(&mut self.replaced) {
            *mark = moved(mark.start)..moved(mark.end);
        }
        self.places.cut(range);
    }

    pub fn trim_end(&mut self) {
        let end = self.text.trim_end().len();
        self.delete(&(end..self.text.len()));
    }

    /// Where its source begins.
    pub fn start(&self) -> usize {
        self.places.source(0)
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The cells of its widest line, unwrapped.
    pub fn width(&self) -> usize {
        self.text.lines().map(text::width).max().unwrap_or(0)
    }

    /// The cells of its longest word.
    pub fn longest_word(&self) -> usize {
        self.text.split_whitespace().map(text::width).max().unwrap_or(0)
    }

    /// Its rows, the first of which may have less room.
    pub fn lines(&self, first: usize, rest: usize) -> Vec<Line> {
        self.rows(&wrap::wrap(&self.text, wrap::Measure { first, rest, glued: &self.glued }))
    }

    /// Its rows where it may be the text that was wrapped before and has grown; remembers how a long one is wrapped.
    pub fn lines_after(&self, before: Option<&Wrapped>, room: usize) -> (Vec<Line>, Option<Wrapped>) {
        let measure = wrap::Measure { first: room, rest: room, glued: &self.glued };
        let pieces = match before.filter(|before| before.room == room) {
            Some(before) => wrap::wrap_on(&self.text, measure, before.pieces.clone(), before.common(self)),
            None => wrap::wrap(&self.text, measure),
        };
        let lines = self.rows(&pieces);
        let wrapped = (self.text.len() >= LONG).then(|| Wrapped {
            text: self.text.clone(),
            room,
            glued: self.glued.clone(),
            pieces,
        });
        (lines, wrapped)
    }

    fn rows(&self, pieces: &[wrap::Piece]) -> Vec<Line> {
        let mut run = 0;
        pieces
            .iter()
            .map(|piece| Line {
                spans: self.spans(piece.start..piece.end, &mut run),
                source_end: self.places.source(piece.next),
                joint: Joint::of(piece),
            })
            .collect()
    }

    /// The spans of a piece; `from` is a run not behind its start, and moves on.
    fn spans(&self, piece: Range<usize>, from: &mut usize) -> Vec<Span> {
        while self.runs.get(*from).is_some_and(|run| run.end <= piece.start) {
            *from += 1;
        }
        let mut spans = Vec::new();
        let mut start = piece.start;
        let mut begins = from.checked_sub(1).map_or(0, |before| self.runs[before].end);
        for run in &self.runs[*from..] {
            if start >= piece.end {
                break;
            }
            let end = run.end.min(piece.end);
            let is_whole = begins >= piece.start;
            begins = run.end;
            if end > start {
                spans.push(Span {
                    text: self.text[start..end].to_owned(),
                    ink: run.ink,
                    link: run.link.clone(),
                    citation: run.citation,
                    copied: run.copied.as_ref().map(|copied| if is_whole { Arc::clone(copied) } else { "".into() }),
                    cell: None,
                });
            }
            start = end.max(start);
        }
        spans
    }
}
