//! Finds the range of an annotation, in whatever unit its server counts.

use std::ops::Range;

use super::addresses::host;
use crate::{api::Annotation, text::work};

/// An index from characters and UTF-16 units to bytes, so that a lookup need not count from the start.
#[derive(Debug, Clone, Default)]
pub(super) struct OffsetIndex {
    stops: Vec<OffsetStop>,
    end: OffsetStop,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct OffsetStop {
    byte: usize,
    chars: usize,
    utf16_units: usize,
}

/// The longest link at the end of a claim, in bytes.
pub(super) const MAX_LINK_BYTES: usize = 4096;

/// The range of an annotation in the text. Its offsets count code points, unless only UTF-16 units or bytes give a link or
/// the cited site.
pub(super) fn annotation_range(text: &str, index: &OffsetIndex, annotation: &Annotation) -> Option<Range<usize>> {
    let (start, end) = (usize::try_from(annotation.start?).ok()?, usize::try_from(annotation.end?).ok()?);
    if start >= end {
        return None;
    }
    let points = index.byte_range(text, start, end, |stop| stop.chars, |_| 1);
    let units = index.byte_range(text, start, end, |stop| stop.utf16_units, char::len_utf16);
    let bytes = text.get(start..end).map(|_| start..end);
    if points.is_some() && points == units && units == bytes {
        return points;
    }
    let mut best: Option<(Range<usize>, CitationFit)> = None;
    for range in [points, units, bytes].into_iter().flatten() {
        let fit = citation_fit(text, &range, annotation.url.as_deref());
        if best.as_ref().is_none_or(|(_, so_far)| fit > *so_far) {
            best = Some((range, fit));
        }
    }
    best.map(|(range, _)| range)
}

/// How well a range of the text fits what is cited there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CitationFit {
    Unrelated,
    /// It contains a link or the name of the site.
    Related,
    /// It is a link from its first to its last character.
    Link,
}

fn citation_fit(text: &str, range: &Range<usize>, url: Option<&str>) -> CitationFit {
    // The link stands at the end of what it supports.
    let begin = range.start.max(range.end.saturating_sub(MAX_LINK_BYTES));
    let slice = text[text.floor_char_boundary(begin)..range.end].trim();
    work::count_steps(slice.len());
    let host = url.map(host).filter(|host| !host.is_empty());
    let has_link = slice.contains("](");
    if has_link && slice.starts_with(['[', '(']) && slice.ends_with(')') {
        CitationFit::Link
    } else if has_link || host.is_some_and(|host| slice.contains(host)) {
        CitationFit::Related
    } else {
        CitationFit::Unrelated
    }
}

impl OffsetIndex {
    const STRIDE: usize = 1024;

    pub(super) fn extend(&mut self, text: &str) {
        let mut stop = self.end;
        for char in text[stop.byte..].chars() {
            if self.stops.last().is_none_or(|last| stop.byte - last.byte >= Self::STRIDE) {
                self.stops.push(stop);
            }
            stop.byte += char.len_utf8();
            stop.chars += 1;
            stop.utf16_units += char.len_utf16();
        }
        self.end = stop;
    }

    fn byte_range(
        &self,
        text: &str,
        start: usize,
        end: usize,
        count: impl Fn(&OffsetStop) -> usize,
        size: impl Fn(char) -> usize,
    ) -> Option<Range<usize>> {
        let byte = |wanted: usize| {
            if wanted >= count(&self.end) {
                return (wanted == count(&self.end)).then_some(self.end.byte);
            }
            let stop = self.stops[self.stops.partition_point(|stop| count(stop) <= wanted).checked_sub(1)?];
            let mut position = count(&stop);
            for (byte, char) in text[stop.byte..].char_indices() {
                if position >= wanted {
                    return (position == wanted).then_some(stop.byte + byte);
                }
                position += size(char);
            }
            None
        };
        let range = byte(start)?..byte(end)?;
        (!range.is_empty()).then_some(range)
    }
}
