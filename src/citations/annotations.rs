//! Turns annotations into numbered sources and citation marks in the text.

mod wanted_addresses;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    api::Annotation,
    chat::{Answer, ItemSlot, answer::ContentPart},
    text::{self, work},
};
use wanted_addresses::{MAX_ADDRESS_BYTES, WantedAddresses};

/// A passage of a text that a source supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitationMark {
    /// The claim or the link, in bytes of the source.
    pub range: Range<usize>,
    /// Where `[n]` goes if there is no link.
    pub insert_at: usize,
    pub number: u32,
    /// The server gave the position; otherwise the address was found in the text.
    pub is_from_server: bool,
    /// The index of its annotation in the text.
    pub annotation_index: usize,
    /// See `citation::key`.
    pub key: Arc<str>,
}

/// The citation that is currently highlighted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightedCitation {
    pub annotation_index: usize,
    /// The text that it supports, in bytes of the source.
    pub claim: Range<usize>,
}

/// A cited page or file, or whatever else a server cites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Counted from 1, in the order of first use in the answer.
    pub number: u32,
    /// The type of its first annotation, unchanged.
    pub kind: String,
    pub title: String,
    /// A short form of its address: `sqlite.org/wal`.
    pub site: String,
    /// `None` for files and other sources without an address.
    pub url: Option<String>,
    pub excerpt: Option<String>,
    /// The number of claims in the answer that it supports.
    pub claim_count: usize,
}

/// A passage of an answer that a source supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedClaim {
    pub part: TextPartId,
    /// The index of the annotation whose mark follows it.
    pub annotation: usize,
    /// The text of the claim, without Markdown, on one line.
    pub text: String,
}

impl Source {
    /// Describes the kind of source: "a file", "a page", or the type of an unknown annotation as text.
    pub fn description(&self) -> String {
        if self.is_file() {
            return "a file".into();
        }
        let words = match self.kind.as_str() {
            "url_citation" => "a page".into(),
            kind => text::one_line(&kind.replace('_', " ")),
        };
        if words.is_empty() { "a source".into() } else { words }
    }

    /// Its address if it is a web page; only those are opened and fetched.
    pub fn page_url(&self) -> Option<&str> {
        let (scheme, _) = self.url.as_deref()?.split_once("://")?;
        let is_page = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        self.url.as_deref().filter(|_| is_page)
    }

    pub fn is_file(&self) -> bool {
        matches!(self.kind.as_str(), "file_citation" | "container_file_citation" | "file_path")
    }
}

/// Returns the sources of an answer, in order of first use.
pub fn sources(answer: &Answer) -> Vec<Source> {
    let mut citations = AnswerCitations::default();
    citations.refresh(answer);
    citations.sources().to_vec()
}

/// The citations of an answer that may still be growing. New text and annotations are processed only once.
#[derive(Debug, Clone, Default)]
pub struct AnswerCitations {
    parts: Vec<PartCitations>,
    sources: Vec<Source>,
    /// The marks of each part, sorted by position.
    marks: Vec<Vec<CitationMark>>,
}

/// Identifies a text part of an answer: its item and the index of the part in the item.
pub type TextPartId = (ItemSlot, usize);

/// The annotations of one text part, resolved to ranges of its text.
#[derive(Debug, Clone, Default)]
struct PartCitations {
    part: Option<TextPartId>,
    /// The number of bytes of the text already processed.
    processed_bytes: usize,
    /// The annotations already processed.
    annotations: Vec<Annotation>,
    offsets: OffsetIndex,
    /// Annotations with a valid range.
    placed: Vec<PlacedAnnotation>,
    /// Annotations without a range, and where their addresses were found.
    unplaced: Vec<UnplacedAddress>,
    /// The keys of their addresses.
    unplaced_keys: HashSet<String>,
    wanted: WantedAddresses,
}

#[derive(Debug, Clone)]
struct PlacedAnnotation {
    range: Range<usize>,
    annotation: usize,
}

#[derive(Debug, Clone)]
struct UnplacedAddress {
    annotation: usize,
    range: Option<Range<usize>>,
}

/// An index from characters and UTF-16 units to bytes, so that a lookup need not count from the start.
#[derive(Debug, Clone, Default)]
struct OffsetIndex {
    stops: Vec<OffsetStop>,
    end: OffsetStop,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct OffsetStop {
    byte: usize,
    chars: usize,
    utf16_units: usize,
}

impl AnswerCitations {
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Returns the marks of a text part of the answer.
    pub fn marks(&self, place: TextPartId) -> &[CitationMark] {
        let at = self.parts.iter().position(|part| part.part == Some(place));
        at.and_then(|at| self.marks.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Returns a mark and its claim, for highlighting; `text` is the text of the part.
    pub fn highlight(&self, place: TextPartId, annotation: usize, text: &str) -> Option<HighlightedCitation> {
        let mark = self.marks(place).iter().find(|mark| mark.annotation_index == annotation)?;
        Some(HighlightedCitation {
            annotation_index: annotation,
            claim: crate::citations::claim::claim_range(text, mark),
        })
    }

    /// Returns the number of the source that a mark cites.
    pub fn source_number(&self, place: TextPartId, annotation: usize) -> Option<u32> {
        self.marks(place).iter().find(|mark| mark.annotation_index == annotation).map(|mark| mark.number)
    }

    /// Returns the claims that a source supports, in reading order.
    pub fn claims(&self, number: u32, answer: &Answer) -> Vec<CitedClaim> {
        let claims = text_parts(answer).flat_map(|(place, text, _)| {
            let marks = self.marks(place).iter().filter(move |mark| mark.number == number);
            marks.map(move |mark| CitedClaim {
                part: place,
                annotation: mark.annotation_index,
                text: crate::citations::claim::claim_text(text, crate::citations::claim::claim_range(text, mark)),
            })
        });
        claims.collect()
    }

    /// Processes new text and annotations; returns whether any number or mark changed.
    pub fn refresh(&mut self, answer: &Answer) -> bool {
        let mut changed = false;
        let mut count = 0;
        for (place, text, annotations) in text_parts(answer) {
            if self.parts.len() == count {
                self.parts.push(PartCitations::default());
            }
            self.parts[count].part = Some(place);
            changed |= self.parts[count].sync(text, annotations);
            count += 1;
        }
        changed |= self.parts.len() > count;
        self.parts.truncate(count);
        if !changed {
            return false;
        }
        let texts: Vec<&str> = text_parts(answer).map(|(_, text, _)| text).collect();
        self.number_sources(&texts);
        true
    }

    fn number_sources(&mut self, texts: &[&str]) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut marks = Vec::new();
        for (part, text) in self.parts.iter().zip(texts) {
            let mut placed: Vec<(Range<usize>, usize, bool)> =
                part.placed.iter().map(|one| (one.range.clone(), one.annotation, true)).collect();
            placed.extend(part.unplaced.iter().filter_map(|one| Some((one.range.clone()?, one.annotation, false))));
            placed.sort_by_key(|(range, ..)| (range.end, range.start));
            let mut here: Vec<CitationMark> = Vec::new();
            let mut last_points: HashMap<u32, usize> = HashMap::new();
            for (range, nth, given) in placed {
                let annotation = &part.annotations[nth];
                let key = source_key(annotation);
                let at = *numbers.entry(key.clone()).or_insert_with(|| add_source(&mut sources, annotation));
                fill_in(&mut sources[at], annotation);
                let point = mark_point(text, range.end);
                let number = sources[at].number;
                work::count_steps(1);
                if last_points.get(&number).is_some_and(|last| *last >= point) {
                    continue;
                }
                last_points.insert(number, point);
                sources[at].claim_count += 1;
                here.push(CitationMark {
                    range,
                    insert_at: point,
                    number,
                    is_from_server: given,
                    annotation_index: nth,
                    key: Arc::from(key),
                });
            }
            here.sort_by_key(|mark| mark.insert_at);
            marks.push(here);
        }
        // Sources without a mark come last.
        for part in &self.parts {
            for annotation in &part.annotations {
                let at = *numbers.entry(source_key(annotation)).or_insert_with(|| add_source(&mut sources, annotation));
                fill_in(&mut sources[at], annotation);
            }
        }
        name_sites(&mut sources);
        self.sources = sources;
        self.marks = marks;
    }
}

/// Returns the text parts of an answer, in order.
fn text_parts(answer: &Answer) -> impl Iterator<Item = (TextPartId, &str, &[Annotation])> {
    answer.items.iter().flat_map(|(&slot, item)| {
        let parts = item.parts().unwrap_or_default().iter().enumerate();
        parts.filter_map(move |(nth, part)| match part {
            ContentPart::Text { text, annotations } => Some(((slot, nth), text.as_str(), annotations.as_slice())),
            ContentPart::Refusal(_) => None,
        })
    })
}

impl PartCitations {
    fn sync(&mut self, text: &str, annotations: &[Annotation]) -> bool {
        let known = self.annotations.len();
        let grown = text.len() >= self.processed_bytes
            && annotations.len() >= known
            && annotations[..known] == self.annotations[..];
        if !grown {
            *self = Self { part: self.part, ..Self::default() };
        }
        let fresh = self.annotations.len();
        if text.len() == self.processed_bytes && annotations.len() == fresh {
            return !grown;
        }
        if !annotations.is_empty() {
            self.offsets.extend(text);
        }
        let mut changed = !grown;
        for annotation in &annotations[fresh..] {
            changed = true;
            self.add_annotation(text, annotation);
        }
        changed |= self.find_unplaced(text, fresh);
        self.processed_bytes = text.len();
        changed
    }

    fn add_annotation(&mut self, text: &str, annotation: &Annotation) {
        let index = self.annotations.len();
        self.annotations.push(annotation.clone());
        match annotation_range(text, &self.offsets, annotation) {
            Some(range) => self.placed.push(PlacedAnnotation { range, annotation: index }),
            None => {
                if let Some(url) = &annotation.url
                    && !url.is_empty()
                    && self.unplaced_keys.insert(address_key(url))
                {
                    self.wanted.add(without_trackers(url), self.unplaced.len());
                    self.unplaced.push(UnplacedAddress { annotation: index, range: None });
                }
            }
        }
    }

    /// Looks for addresses that are not found yet: in the whole text if there are new ones, else in the new text.
    fn find_unplaced(&mut self, text: &str, fresh: usize) -> bool {
        let has_fresh = self.unplaced.last().is_some_and(|last| last.annotation >= fresh);
        let from = if has_fresh { 0 } else { self.processed_bytes.saturating_sub(MAX_ADDRESS_BYTES + 1) };
        let found = self.wanted.take_found(text, text.floor_char_boundary(from));
        for (index, range) in &found {
            self.unplaced[*index].range = Some(range.clone());
        }
        !found.is_empty()
    }
}

/// The range of an annotation in the text. Its offsets count code points, unless only UTF-16 units or bytes give a link or
/// the cited site.
fn annotation_range(text: &str, index: &OffsetIndex, annotation: &Annotation) -> Option<Range<usize>> {
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

    fn extend(&mut self, text: &str) {
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

/// How far before the end of a claim its last word may begin, in bytes.
const MAX_WORD_REACH: usize = 256;
/// The longest run of blanks or flags before the end of a claim that is looked through, in bytes.
const MAX_RUN_BYTES: usize = 4096;
/// The longest link at the end of a claim, in bytes.
const MAX_LINK_BYTES: usize = 4096;

/// The position of the mark: after the word in which the claim ends, or after the claim if it ends between words.
fn mark_point(text: &str, end: usize) -> usize {
    let blanks = text.floor_char_boundary(end.saturating_sub(MAX_RUN_BYTES));
    let end = blanks + text[blanks..end].trim_end().len();
    let reach = text.floor_char_boundary(end.saturating_sub(MAX_WORD_REACH));
    // Flags are pairs of regional indicators, counted from the first of a run.
    let flags = text.floor_char_boundary(reach.saturating_sub(MAX_RUN_BYTES));
    let is_half_flag = |char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&char);
    let reach = flags + text[flags..reach].trim_end_matches(is_half_flag).len();
    work::count_steps(end - reach);
    let start = text[reach..end].rfind(char::is_whitespace).map_or(reach, |blank| reach + blank);
    let mut words = text[start..].split_word_bound_indices().map(|(at, word)| start + at + word.len());
    let word = words.find(|after| *after >= end).unwrap_or(end);
    let mut clusters = text::cluster_indices(&text[start..]).map(|(at, cluster)| start + at + cluster.len());
    clusters.find(|after| *after >= word).unwrap_or(word)
}

fn add_source(sources: &mut Vec<Source>, annotation: &Annotation) -> usize {
    let number = sources.len() as u32 + 1;
    let url = annotation.url.as_deref().filter(|url| !url.is_empty()).map(|url| without_trackers(url).to_owned());
    sources.push(Source {
        number,
        kind: annotation.kind.clone(),
        title: String::new(),
        site: String::new(),
        url,
        excerpt: None,
        claim_count: 0,
    });
    sources.len() - 1
}

/// Fills in what earlier annotations of the same source did not have.
fn fill_in(source: &mut Source, annotation: &Annotation) {
    let cleaned = |text: &Option<String>| text.as_deref().map(text::one_line).filter(|text| !text.is_empty());
    if source.title.is_empty() {
        source.title = cleaned(&annotation.title).or_else(|| cleaned(&annotation.filename)).unwrap_or_default();
    }
    if source.excerpt.is_none() {
        source.excerpt = cleaned(&annotation.content);
    }
}

/// Gives every source a short, distinct site name, and a title to those without one: the site or the kind of source.
fn name_sites(sources: &mut [Source]) {
    let hosts: Vec<String> =
        sources.iter().map(|source| source.url.as_deref().map(host).unwrap_or_default().to_owned()).collect();
    let mut page_counts: HashMap<&str, usize> = HashMap::new();
    for host in &hosts {
        *page_counts.entry(host).or_default() += 1;
    }
    for (index, source) in sources.iter_mut().enumerate() {
        let is_only_page = page_counts.get(&*hosts[index]) == Some(&1);
        let Some(url) = &source.url else {
            if source.title.is_empty() {
                source.title = source.description();
            }
            source.site = source.title.clone();
            continue;
        };
        let page = last_path_segment(url);
        let full = if page.is_empty() { hosts[index].clone() } else { format!("{}/{page}", hosts[index]) };
        let brief = if text::width(&full) <= 24 || !is_only_page {
            text::truncate(&full, 32).into_owned()
        } else {
            hosts[index].clone()
        };
        source.site = text::clean(&brief).into_owned();
        if source.title.is_empty() {
            source.title.clone_from(&source.site);
        }
    }
}

/// The last segment of an address's path, without its extension.
fn last_path_segment(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or("");
    let Some((_, path)) = path.split_once('/') else { return "" };
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    last.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && end.len() <= 5).map_or(last, |(stem, _)| stem)
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    host.strip_prefix("www.").unwrap_or(host)
}

/// Cuts tracking parameters off an address.
fn without_trackers(url: &str) -> &str {
    // Trackers come last, so nothing else is lost by cutting at the first one.
    let cut = ["?utm_", "&utm_"].iter().filter_map(|mark| url.find(mark)).min();
    cut.map_or(url, |at| &url[..at])
}

/// Normalizes an address, so that all addresses of one page have the same key.
pub fn address_key(url: &str) -> String {
    let (address, fragment) = url.split_once('#').map_or((url, ""), |(address, fragment)| (address, fragment));
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            !pair.is_empty()
                && !["utm_", "gclid=", "fbclid=", "ref_src="].iter().any(|tracker| pair.starts_with(tracker))
        })
        .collect();
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let scheme = if scheme.eq_ignore_ascii_case("http") { "https" } else { scheme };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let mut key =
        format!("{}://{}{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase(), path.trim_end_matches('/'));
    if !kept.is_empty() {
        key.push('?');
        key.push_str(&kept.join("&"));
    }
    if !fragment.is_empty() && !fragment.starts_with(":~:") {
        key.push('#');
        key.push_str(fragment);
    }
    key
}

fn source_key(annotation: &Annotation) -> String {
    match (annotation.url.as_deref().filter(|url| !url.is_empty()), &annotation.filename) {
        (Some(url), _) => address_key(url),
        (None, Some(file)) => format!("file:{file}"),
        (None, None) => format!("{}:{}", annotation.kind, annotation.title.as_deref().unwrap_or("")),
    }
}

/// Whether the text of an inline link only names its address, so that a mark can replace it.
pub fn only_names_address(link: &str) -> bool {
    let Some((words, address)) = link.strip_prefix('[').and_then(|link| link.rsplit_once("](")) else { return false };
    let words = words.trim_matches(['[', ']', '*', '_', ' ']);
    let is_number = !words.is_empty() && words.chars().all(|char| char.is_ascii_digit() || char == '^');
    let is_host = words.contains('.') && !words.contains(' ') && address.contains(words.trim_start_matches("www."));
    is_number || is_host || matches!(words.to_lowercase().as_str(), "" | "source" | "link")
}

#[cfg(test)]
mod tests;
