//! Turns annotations into numbered sources and citation marks in the text.

mod addresses;
mod offset_index;
mod wanted_addresses;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use unicode_segmentation::UnicodeSegmentation;

use super::{
    check::CheckVerdict,
    leftovers::{self, LeftoverForm},
};
use crate::{
    api::Annotation,
    chat::{
        Answer, ItemKind, ItemSlot,
        answer::{ContentPart, ReasoningItem},
    },
    text::{self, work},
};
pub use addresses::{address_key, only_names_address};
use addresses::{host, last_path_segment, without_trackers};
use offset_index::{MAX_LINK_BYTES, OffsetIndex, annotation_range};
use wanted_addresses::{MAX_ADDRESS_BYTES, WantedAddresses};

/// A passage of a text that a source supports, or what is hidden because it only repeats a citation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitationMark {
    /// The claim, the link or what is hidden, in bytes of the source.
    pub range: Range<usize>,
    /// Where `[n]` goes if there is no link.
    pub insert_at: usize,
    /// What is cited; `None` hides the range.
    pub cited: Option<CitedAnnotation>,
}

/// The annotation that a mark stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedAnnotation {
    pub number: u32,
    /// The server gave the position; otherwise the address was found in the text.
    pub is_from_server: bool,
    /// The index of its annotation in the text.
    pub annotation_index: usize,
    /// See `citation::key`.
    pub key: Arc<str>,
    /// What a check of the source says.
    pub verdict: Option<CheckVerdict>,
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
    /// What the checks say, by the number of the source.
    verdicts: BTreeMap<u32, CheckVerdict>,
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
    /// Citations that the server left in the text.
    leftovers: Vec<LeftoverForm>,
    /// No more text will come.
    is_complete: bool,
}

#[derive(Debug, Clone)]
struct PlacedAnnotation {
    range: Range<usize>,
    annotation: usize,
    /// The server gave no range; a leftover citation names the source.
    is_at_leftover: bool,
}

impl PlacedAnnotation {
    fn overlaps(&self, range: &Range<usize>) -> bool {
        self.range.start < range.end && range.start < self.range.end
    }
}

#[derive(Debug, Clone)]
struct UnplacedAddress {
    annotation: usize,
    range: Option<Range<usize>>,
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
        let (mark, _) = self.cited_marks(place).find(|(_, cited)| cited.annotation_index == annotation)?;
        Some(HighlightedCitation {
            annotation_index: annotation,
            claim: crate::citations::claim::claim_range(text, mark),
        })
    }

    /// Returns the marks of a text part that cite something, with what they cite.
    fn cited_marks(&self, place: TextPartId) -> impl Iterator<Item = (&CitationMark, &CitedAnnotation)> {
        self.marks(place).iter().filter_map(|mark| Some((mark, mark.cited.as_ref()?)))
    }

    /// Returns the number of the source that a mark cites.
    pub fn source_number(&self, place: TextPartId, annotation: usize) -> Option<u32> {
        self.cited_marks(place).find(|(_, cited)| cited.annotation_index == annotation).map(|(_, cited)| cited.number)
    }

    /// Sets what the checks of the sources say, by address.
    pub fn set_verdicts(&mut self, verdict_of: impl Fn(&str) -> Option<CheckVerdict>) {
        let verdict = |source: &Source| Some((source.number, verdict_of(source.url.as_deref()?)?));
        let verdicts: BTreeMap<u32, CheckVerdict> = self.sources.iter().filter_map(verdict).collect();
        if verdicts.is_empty() && self.verdicts.is_empty() {
            return;
        }
        self.verdicts = verdicts;
        for cited in self.marks.iter_mut().flatten().filter_map(|mark| mark.cited.as_mut()) {
            cited.verdict = self.verdicts.get(&cited.number).copied();
        }
    }

    /// Returns what the check of a source says.
    pub fn verdict(&self, number: u32) -> Option<CheckVerdict> {
        self.verdicts.get(&number).copied()
    }

    /// Returns the claims that a source supports, in reading order.
    pub fn claims(&self, number: u32, answer: &Answer) -> Vec<CitedClaim> {
        let claims = text_parts(answer).flat_map(|(place, text, _)| {
            let marks = self.cited_marks(place).filter(move |(_, cited)| cited.number == number);
            marks.map(move |(mark, cited)| CitedClaim {
                part: place,
                annotation: cited.annotation_index,
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
            let is_complete =
                answer.is_over() || answer.items.get(&place.0).is_some_and(|item| item.closed_at.is_some());
            if self.parts.len() == count {
                self.parts.push(PartCitations::default());
            }
            self.parts[count].part = Some(place);
            changed |= self.parts[count].sync(text, annotations, is_complete);
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
                    cited: Some(CitedAnnotation {
                        number,
                        is_from_server: given,
                        annotation_index: nth,
                        key: Arc::from(key),
                        verdict: None,
                    }),
                });
            }
            here.extend(part.hidden_ranges(text).into_iter().map(|range| CitationMark {
                insert_at: range.end,
                range,
                cited: None,
            }));
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

/// Returns the text parts of an answer and those of its reasoning, which cite nothing, in order.
fn text_parts(answer: &Answer) -> impl Iterator<Item = (TextPartId, &str, &[Annotation])> {
    answer.items.iter().flat_map(|(&slot, item)| {
        let parts = item.parts().unwrap_or_default().iter().enumerate();
        let texts = parts.filter_map(move |(nth, part)| match part {
            ContentPart::Text { text, annotations } => Some(((slot, nth), text.as_str(), annotations.as_slice())),
            ContentPart::Refusal(_) => None,
        });
        let reasoning = match &*item.kind {
            ItemKind::Reasoning(reasoning) => Some(reasoning),
            ItemKind::Message { .. } | ItemKind::Call(_) | ItemKind::Search(_) | ItemKind::Other { .. } => None,
        };
        let thoughts = reasoning.into_iter().flat_map(ReasoningItem::shown_texts).enumerate();
        texts.chain(thoughts.map(move |(nth, text)| ((slot, nth), text, &[][..])))
    })
}

impl PartCitations {
    fn sync(&mut self, text: &str, annotations: &[Annotation], is_complete: bool) -> bool {
        let known = self.annotations.len();
        let grown = text.len() >= self.processed_bytes
            && annotations.len() >= known
            && annotations[..known] == self.annotations[..];
        if !grown {
            *self = Self { part: self.part, ..Self::default() };
        }
        let fresh = self.annotations.len();
        let is_finished = std::mem::replace(&mut self.is_complete, is_complete) != is_complete;
        let mut changed = !grown || is_finished && self.leftovers.iter().any(|form| !form.is_complete);
        if text.len() == self.processed_bytes && annotations.len() == fresh {
            return changed;
        }
        if !annotations.is_empty() {
            self.offsets.extend(text);
        }
        changed |= self.find_leftovers(text);
        for annotation in &annotations[fresh..] {
            changed = true;
            self.add_annotation(text, annotation);
        }
        changed |= self.find_unplaced(text, fresh);
        if changed {
            self.place_at_leftovers(text);
        }
        self.processed_bytes = text.len();
        changed
    }

    /// Looks for leftover citations in the new text; returns whether there are others than before.
    fn find_leftovers(&mut self, text: &str) -> bool {
        let from = leftovers::undecided_from(&text[..self.processed_bytes], &self.leftovers);
        work::count_steps(text.len() - from);
        let kept = self.leftovers.partition_point(|form| form.range.start < from);
        let undecided = self.leftovers.split_off(kept);
        let found = leftovers::find_leftovers(text, from);
        let changed = found != undecided;
        self.leftovers.extend(found);
        changed
    }

    /// Places annotations without a range at the leftover citations that name them.
    fn place_at_leftovers(&mut self, text: &str) {
        self.placed.retain(|placed| !placed.is_at_leftover);
        for form in self.leftovers.iter().take(MAX_NAMED_FORMS) {
            let Some(title) = form.title.clone().map(|title| text[title].trim()) else { continue };
            if self.placed.iter().any(|placed| placed.overlaps(&form.range)) {
                continue;
            }
            let named = self.annotations.iter().position(|annotation| is_named(annotation, title));
            if let Some(annotation) = named {
                let range = form.range.clone();
                self.placed.push(PlacedAnnotation { range, annotation, is_at_leftover: true });
            }
        }
    }

    /// The ranges of the text that are not shown: leftover citations, and links that repeat the citation before them.
    fn hidden_ranges(&self, text: &str) -> Vec<Range<usize>> {
        let is_hidden = |form: &&LeftoverForm| {
            form.is_complete || !self.is_complete || text[form.range.clone()].contains(['†', '\u{e200}'])
        };
        let forms = self.leftovers.iter().filter(is_hidden);
        let mut hidden: Vec<Range<usize>> = forms.map(|form| leftovers::range_with_blanks(text, &form.range)).collect();
        for placed in &self.placed {
            let repeated = self.repeating_links(text, placed);
            hidden.extend(repeated.filter(|range| !self.placed.iter().any(|other| other.overlaps(range))));
        }
        hidden.sort_by_key(|range| (range.start, range.end));
        hidden.dedup_by(|next, range| next.start < range.end);
        hidden
    }

    /// The links right behind a cited claim that lead to nothing but its source: `([site](address))`.
    fn repeating_links(&self, text: &str, placed: &PlacedAnnotation) -> Option<Range<usize>> {
        let url = self.annotations[placed.annotation].url.as_deref().filter(|url| !url.is_empty())?;
        let behind = &text[placed.range.end..];
        let gap = behind.len() - behind.trim_start_matches([' ', '.', ',', ';', ':', '!', '?', '。', '，']).len();
        let end = text.floor_char_boundary((placed.range.end + gap + 2 * MAX_LINK_BYTES).min(text.len()));
        let group = &text[placed.range.end + gap..end];
        let is_bracketed = group.starts_with(['(', '（']);
        let link = group.trim_start_matches(['(', '（']);
        let close = link.strip_prefix('[')?.find("](")? + 1;
        let address_end = link[close..].find(')')? + close;
        let is_repeated = address_key(&link[close + 2..address_end]) == address_key(url);
        let is_name = only_names_address(&link[..=address_end]);
        let rest = &link[address_end + 1..];
        let closing =
            if is_bracketed { rest.chars().next().filter(|char| matches!(char, ')' | '）'))?.len_utf8() } else { 0 };
        let start = placed.range.end + gap - (behind[..gap].len() - behind[..gap].trim_end_matches(' ').len());
        let end = placed.range.end + gap + (group.len() - link.len()) + address_end + 1 + closing;
        (is_repeated && is_name).then_some(start..end)
    }

    fn add_annotation(&mut self, text: &str, annotation: &Annotation) {
        let index = self.annotations.len();
        self.annotations.push(annotation.clone());
        match annotation_range(text, &self.offsets, annotation) {
            Some(range) => {
                self.placed.push(PlacedAnnotation { range, annotation: index, is_at_leftover: false });
            }
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

/// Whether a leftover citation means this annotation by its title, its file or its site.
fn is_named(annotation: &Annotation, title: &str) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(title);
    let url = annotation.url.as_deref().filter(|url| !url.is_empty());
    let has_name = [&annotation.title, &annotation.filename].into_iter().flatten().any(|name| same(name.trim()));
    has_name || url.is_some_and(|url| same(host(url)) || address_key(url) == address_key(title))
}

/// How many leftover citations of a text are matched with the names of sources.
const MAX_NAMED_FORMS: usize = 200;
/// How far before the end of a claim its last word may begin, in bytes.
const MAX_WORD_REACH: usize = 256;
/// The longest run of blanks or flags before the end of a claim that is looked through, in bytes.
const MAX_RUN_BYTES: usize = 4096;

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

fn source_key(annotation: &Annotation) -> String {
    match (annotation.url.as_deref().filter(|url| !url.is_empty()), &annotation.filename) {
        (Some(url), _) => address_key(url),
        (None, Some(file)) => format!("file:{file}"),
        (None, None) => format!("{}:{}", annotation.kind, annotation.title.as_deref().unwrap_or("")),
    }
}

#[cfg(test)]
mod tests;
