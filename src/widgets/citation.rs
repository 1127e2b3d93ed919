//! From annotations to numbered sources, and the places in the text that name them.

use std::{collections::HashMap, ops::Range, sync::Arc};

use unicode_segmentation::UnicodeSegmentation;

use super::markdown::{Lit, Mark};
use crate::{
    api::Annotation,
    chat::{Answer, Slot, answer::Part},
    text,
};

mod claim;

/// A cited page or file, or whatever else a server names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// By first use in the answer, from 1.
    pub number: u32,
    /// The type of its first annotation, as it came.
    pub kind: String,
    pub title: String,
    /// Where it is, in short: `sqlite.org/wal`.
    pub site: String,
    /// Absent for files and the like.
    pub url: Option<String>,
    pub excerpt: Option<String>,
    /// How many places in the answer it supports.
    pub claims: usize,
}

/// Words that a source supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub place: Place,
    /// The mark behind them.
    pub annotation: usize,
    /// Without Markdown, in one line.
    pub words: String,
}

impl Source {
    /// What it is: a file only where its annotation says so, else the name of a type that we do not know.
    pub fn what(&self) -> String {
        if self.is_file() {
            return "a file".into();
        }
        let words = match self.kind.as_str() {
            "url_citation" => "a page".into(),
            kind => one_line(&text::clean(&kind.replace('_', " "))),
        };
        if words.is_empty() { "a source".into() } else { words }
    }

    /// Its address, where it leads to a page: only those are opened and fetched.
    pub fn page(&self) -> Option<&str> {
        let (scheme, _) = self.url.as_deref()?.split_once("://")?;
        let is_page = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        self.url.as_deref().filter(|_| is_page)
    }

    pub fn is_file(&self) -> bool {
        matches!(self.kind.as_str(), "file_citation" | "container_file_citation" | "file_path")
    }
}

/// The sources of an answer, in order of first use.
pub fn sources(answer: &Answer) -> Vec<Source> {
    let mut citations = Citations::default();
    citations.sync(answer);
    citations.sources().to_vec()
}

/// The citations of an answer that may still be growing: what is new is looked at once.
#[derive(Debug, Clone, Default)]
pub struct Citations {
    parts: Vec<PartUses>,
    sources: Vec<Source>,
    /// The marks of each part, sorted by where they stand.
    marks: Vec<Vec<Mark>>,
}

/// A text part of an answer: its item, and which of the item's parts.
pub type Place = (Slot, usize);

/// What the annotations of one part say about its text.
#[derive(Debug, Clone, Default)]
struct PartUses {
    place: Option<Place>,
    /// Bytes of the text and annotations that were looked at.
    seen: usize,
    annotations: Vec<Annotation>,
    index: Offsets,
    /// Annotations that say where they belong, resolved.
    spans: Vec<Use>,
    /// Addresses that say nothing about their place, and where they were found.
    wanted: Vec<Wanted>,
}

#[derive(Debug, Clone)]
struct Use {
    range: Range<usize>,
    annotation: usize,
}

#[derive(Debug, Clone)]
struct Wanted {
    annotation: usize,
    address: String,
    found: Option<Range<usize>>,
}

/// Leads from a count of characters or UTF-16 units to a byte, without counting from the start.
#[derive(Debug, Clone, Default)]
struct Offsets {
    stops: Vec<Stop>,
    end: Stop,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stop {
    byte: usize,
    chars: usize,
    units: usize,
}

impl Citations {
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The marks of a text part of the answer.
    pub fn marks(&self, place: Place) -> &[Mark] {
        let at = self.parts.iter().position(|part| part.place == Some(place));
        at.and_then(|at| self.marks.get(at)).map_or(&[], Vec::as_slice)
    }

    /// A mark and the words that it supports; `text` is the part's.
    pub fn lit(&self, place: Place, annotation: usize, text: &str) -> Option<Lit> {
        let mark = self.marks(place).iter().find(|mark| mark.annotation == annotation)?;
        Some(Lit { annotation, claim: claim::of(text, mark) })
    }

    /// The number of the source that a mark names.
    pub fn number_of(&self, place: Place, annotation: usize) -> Option<u32> {
        self.marks(place).iter().find(|mark| mark.annotation == annotation).map(|mark| mark.number)
    }

    /// The words that a source supports, in reading order, each with the mark that says so.
    pub fn claims(&self, number: u32, answer: &Answer) -> Vec<Claim> {
        let claims = texts(answer).flat_map(|(place, text, _)| {
            let marks = self.marks(place).iter().filter(move |mark| mark.number == number);
            marks.map(move |mark| Claim {
                place,
                annotation: mark.annotation,
                words: claim::plain(text, claim::of(text, mark)),
            })
        });
        claims.collect()
    }

    /// Takes in what is new; tells whether anything is numbered or placed differently.
    pub fn sync(&mut self, answer: &Answer) -> bool {
        let mut changed = false;
        let mut count = 0;
        for (place, text, annotations) in texts(answer) {
            if self.parts.len() == count {
                self.parts.push(PartUses::default());
            }
            self.parts[count].place = Some(place);
            changed |= self.parts[count].sync(text, annotations);
            count += 1;
        }
        changed |= self.parts.len() > count;
        self.parts.truncate(count);
        if !changed {
            return false;
        }
        let texts: Vec<&str> = texts(answer).map(|(_, text, _)| text).collect();
        self.number(&texts);
        true
    }

    fn number(&mut self, texts: &[&str]) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut marks = Vec::new();
        for (part, text) in self.parts.iter().zip(texts) {
            let mut placed: Vec<(Range<usize>, usize, bool)> =
                part.spans.iter().map(|one| (one.range.clone(), one.annotation, true)).collect();
            placed.extend(part.wanted.iter().filter_map(|one| Some((one.found.clone()?, one.annotation, false))));
            placed.sort_by_key(|(range, ..)| (range.end, range.start));
            let mut here: Vec<Mark> = Vec::new();
            for (range, nth, given) in placed {
                let annotation = &part.annotations[nth];
                let key = identity(annotation);
                let at = *numbers.entry(key.clone()).or_insert_with(|| add(&mut sources, annotation));
                enrich(&mut sources[at], annotation);
                let point = point(text, range.end);
                let number = sources[at].number;
                if here.iter().rev().take_while(|mark| mark.point >= point).any(|mark| mark.number == number) {
                    continue;
                }
                sources[at].claims += 1;
                here.push(Mark { range, point, number, given, annotation: nth, key: Arc::from(key) });
            }
            here.sort_by_key(|mark| mark.point);
            marks.push(here);
        }
        // Whatever names no place comes last.
        for part in &self.parts {
            for annotation in &part.annotations {
                let at = *numbers.entry(identity(annotation)).or_insert_with(|| add(&mut sources, annotation));
                enrich(&mut sources[at], annotation);
            }
        }
        shorten_sites(&mut sources);
        self.sources = sources;
        self.marks = marks;
    }
}

/// The text parts of an answer, in order.
fn texts(answer: &Answer) -> impl Iterator<Item = (Place, &str, &[Annotation])> {
    answer.items.iter().flat_map(|(&slot, item)| {
        let parts = item.parts().unwrap_or_default().iter().enumerate();
        parts.filter_map(move |(nth, part)| match part {
            Part::Text { text, annotations } => Some(((slot, nth), text.as_str(), annotations.as_slice())),
            Part::Refusal(_) => None,
        })
    })
}

impl PartUses {
    fn sync(&mut self, text: &str, annotations: &[Annotation]) -> bool {
        let known = self.annotations.len();
        let grown =
            text.len() >= self.seen && annotations.len() >= known && annotations[..known] == self.annotations[..];
        if !grown {
            *self = Self { place: self.place, ..Self::default() };
        }
        let fresh = self.annotations.len();
        if text.len() == self.seen && annotations.len() == fresh {
            return !grown;
        }
        self.index.extend(text);
        let mut changed = !grown;
        for annotation in &annotations[fresh..] {
            changed = true;
            self.take(text, annotation);
        }
        changed |= self.look_for_addresses(text, fresh);
        self.seen = text.len();
        changed
    }

    fn take(&mut self, text: &str, annotation: &Annotation) {
        let at = self.annotations.len();
        self.annotations.push(annotation.clone());
        match span(text, &self.index, annotation) {
            Some(range) => self.spans.push(Use { range, annotation: at }),
            None => {
                if let Some(url) = &annotation.url {
                    let known = self.wanted.iter().any(|one| key(&one.address) == key(url));
                    if !known && !url.is_empty() {
                        self.wanted.push(Wanted { annotation: at, address: url.clone(), found: None });
                    }
                }
            }
        }
    }

    /// Looks for addresses without a place: new ones in the whole text, the others in what is new.
    fn look_for_addresses(&mut self, text: &str, fresh: usize) -> bool {
        let mut changed = false;
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.found.is_none()) {
            let address = bare(&wanted.address);
            let from = if wanted.annotation >= fresh { 0 } else { self.seen.saturating_sub(address.len() + 1) };
            wanted.found = find_address(text, text.floor_char_boundary(from), address);
            changed |= wanted.found.is_some();
        }
        changed
    }
}

/// An address in a text that does not go on with something that would make it another one.
fn find_address(text: &str, from: usize, address: &str) -> Option<Range<usize>> {
    if address.len() < 8 {
        return None;
    }
    memchr::memmem::find_iter(&text.as_bytes()[from..], address.as_bytes()).map(|at| from + at).find_map(|start| {
        let end = start + address.len();
        let rest = &text[end..];
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let ends = rest
            .chars()
            .next()
            .is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '/' | '-' | '_' | '%' | '=' | '~'))
            || rest.starts_with("?utm_");
        // At the end of a growing text the address may not be complete.
        (ends && end < text.len()).then_some(start..end)
    })
}

/// Where an annotation says that it belongs: in code points, else in UTF-16 units.
fn span(text: &str, index: &Offsets, annotation: &Annotation) -> Option<Range<usize>> {
    let (start, end) = (usize::try_from(annotation.start?).ok()?, usize::try_from(annotation.end?).ok()?);
    if start >= end {
        return None;
    }
    let points = index.bytes(text, start, end, |stop| stop.chars, |_| 1);
    let units = index.bytes(text, start, end, |stop| stop.units, char::len_utf16);
    let fits = |range: &Range<usize>| {
        let slice = &text[range.clone()];
        let host = annotation.url.as_deref().map(host).filter(|host| !host.is_empty());
        slice.contains("](") || host.is_some_and(|host| slice.contains(host))
    };
    match (points, units) {
        (Some(points), Some(units)) if points != units && fits(&units) && !fits(&points) => Some(units),
        (Some(points), _) => Some(points),
        (None, Some(units)) => Some(units),
        (None, None) => None,
    }
}

impl Offsets {
    const STRIDE: usize = 1024;

    fn extend(&mut self, text: &str) {
        let mut stop = self.end;
        for char in text[stop.byte..].chars() {
            if self.stops.last().is_none_or(|last| stop.byte - last.byte >= Self::STRIDE) {
                self.stops.push(stop);
            }
            stop.byte += char.len_utf8();
            stop.chars += 1;
            stop.units += char.len_utf16();
        }
        self.end = stop;
    }

    fn bytes(
        &self,
        text: &str,
        start: usize,
        end: usize,
        count: impl Fn(&Stop) -> usize,
        size: impl Fn(char) -> usize,
    ) -> Option<Range<usize>> {
        let byte = |wanted: usize| {
            if wanted >= count(&self.end) {
                return (wanted == count(&self.end)).then_some(self.end.byte);
            }
            let stop = self.stops[self.stops.partition_point(|stop| count(stop) <= wanted).checked_sub(1)?];
            let mut at = count(&stop);
            for (byte, char) in text[stop.byte..].char_indices() {
                if at >= wanted {
                    return (at == wanted).then_some(stop.byte + byte);
                }
                at += size(char);
            }
            None
        };
        let range = byte(start)?..byte(end)?;
        (!range.is_empty()).then_some(range)
    }
}

/// How far before the end of a claim the word is looked for in which it ends.
const REACH: usize = 256;

/// Behind the word in which a claim ends, or behind the claim where it ends between words.
fn point(text: &str, end: usize) -> usize {
    let end = text[..end].trim_end().len();
    let reach = text.floor_char_boundary(end.saturating_sub(REACH));
    // Flags are pairs, counted from the first of a run.
    let reach = text[..reach].trim_end_matches(|char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&char)).len();
    let start = text[reach..end].rfind(char::is_whitespace).map_or(reach, |blank| reach + blank);
    let mut words = text[start..].split_word_bound_indices().map(|(at, word)| start + at + word.len());
    let word = words.find(|after| *after >= end).unwrap_or(end);
    let mut clusters = text::cluster_indices(&text[start..]).map(|(at, cluster)| start + at + cluster.len());
    clusters.find(|after| *after >= word).unwrap_or(word)
}

fn add(sources: &mut Vec<Source>, annotation: &Annotation) -> usize {
    let number = sources.len() as u32 + 1;
    let url = annotation.url.as_deref().filter(|url| !url.is_empty()).map(|url| bare(url).to_owned());
    sources.push(Source {
        number,
        kind: annotation.kind.clone(),
        title: String::new(),
        site: String::new(),
        url,
        excerpt: None,
        claims: 0,
    });
    sources.len() - 1
}

/// Another annotation of the same source may know what the first did not.
fn enrich(source: &mut Source, annotation: &Annotation) {
    let words = |text: &Option<String>| {
        text.as_deref().map(|text| one_line(&text::clean(text))).filter(|text| !text.is_empty())
    };
    if source.title.is_empty() {
        source.title = words(&annotation.title).or_else(|| words(&annotation.filename)).unwrap_or_default();
    }
    if source.excerpt.is_none() {
        source.excerpt = words(&annotation.content);
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names every site as briefly as tells it from the others, and untitled sources by their site, or by what they are.
fn shorten_sites(sources: &mut [Source]) {
    let hosts: Vec<String> =
        sources.iter().map(|source| source.url.as_deref().map(host).unwrap_or_default().to_owned()).collect();
    for at in 0..sources.len() {
        let alone = hosts.iter().filter(|other| **other == hosts[at]).count() == 1;
        let source = &mut sources[at];
        let Some(url) = &source.url else {
            if source.title.is_empty() {
                source.title = source.what();
            }
            source.site = source.title.clone();
            continue;
        };
        let page = page(url);
        let full = if page.is_empty() { hosts[at].clone() } else { format!("{}/{page}", hosts[at]) };
        let brief =
            if text::width(&full) <= 24 || !alone { text::truncate(&full, 32).into_owned() } else { hosts[at].clone() };
        source.site = text::clean(&brief).into_owned();
        if source.title.is_empty() {
            source.title.clone_from(&source.site);
        }
    }
}

/// The last word of an address's path, without its ending.
fn page(url: &str) -> &str {
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

/// An address without what only tracks its reader.
fn bare(url: &str) -> &str {
    // Trackers are appended, so that cutting at the first of them keeps what matters.
    let cut = ["?utm_", "&utm_"].iter().filter_map(|mark| url.find(mark)).min();
    cut.map_or(url, |at| &url[..at])
}

/// What two addresses of the same page have in common.
pub fn key(url: &str) -> String {
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

fn identity(annotation: &Annotation) -> String {
    match (annotation.url.as_deref().filter(|url| !url.is_empty()), &annotation.filename) {
        (Some(url), _) => key(url),
        (None, Some(file)) => format!("file:{file}"),
        (None, None) => format!("{}:{}", annotation.kind, annotation.title.as_deref().unwrap_or("")),
    }
}

/// Whether the words of an inline link only name its place, so that a mark says as much.
pub fn says_nothing(link: &str) -> bool {
    let Some((words, address)) = link.strip_prefix('[').and_then(|link| link.rsplit_once("](")) else { return false };
    let words = words.trim_matches(['[', ']', '*', '_', ' ']);
    let number = !words.is_empty() && words.chars().all(|char| char.is_ascii_digit() || char == '^');
    let named = words.contains('.') && !words.contains(' ') && address.contains(words.trim_start_matches("www."));
    number || named || matches!(words.to_lowercase().as_str(), "" | "source" | "link")
}

#[cfg(test)]
mod tests;
