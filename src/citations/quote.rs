//! Finds a passage in a text, and how well it matches, in time linear in both.

use std::{collections::HashMap, ops::Range};

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::html::{HtmlText, PageHeading};
use crate::text::{clusters, collapse_spaces};

/// The result of looking for one passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteMatch {
    pub quality: MatchQuality,
    pub place: Option<QuotePlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchQuality {
    /// The passage is there; only case, punctuation and white space may differ.
    Exact,
    /// So much of its letters is there in one piece, in percent.
    Similar(u8),
    NotFound,
}

/// A match with its context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotePlace {
    pub before: String,
    pub matched: String,
    pub after: String,
    /// Which paragraph of the page it is in, counted from 1.
    pub paragraph: usize,
    /// The heading above it.
    pub heading: Option<String>,
}

/// A text that is searched for passages.
#[derive(Debug)]
pub struct PageText {
    text: String,
    letters: ComparedText,
    /// Where each paragraph begins.
    paragraphs: Vec<usize>,
    headings: Vec<PageHeading>,
}

/// A text reduced to what is compared: lower-case letters and digits, and one space between words.
#[derive(Debug, Default)]
struct ComparedText {
    text: String,
    /// The byte of the original for each byte of the text.
    origins: Vec<u32>,
    /// Where the original ends behind each byte of the text.
    ends: Vec<u32>,
}

/// The fewest words of a passage of an excerpt, if there are longer ones.
const MIN_PASSAGE_WORDS: usize = 4;
/// The least of a passage that counts as similar: its letters, and their share in percent.
const MIN_SIMILAR_LETTERS: usize = 12;
const MIN_SIMILAR_PERCENT: usize = 85;
/// The longest passage that is looked for, in characters.
const MAX_PASSAGE_CHARS: usize = 8000;
/// The most characters shown on each side of a match, and of the match itself.
const MAX_CONTEXT_CHARS: usize = 60;
const MAX_MATCH_CHARS: usize = 220;
/// How many paragraphs are evidence for a claim, and how long each may be in characters.
const MAX_EVIDENCE: usize = 3;
const MAX_EVIDENCE_CHARS: usize = 600;
/// Words of a claim that are shorter do not distinguish a paragraph.
const MIN_TELLING_CHARS: usize = 4;

/// Splits an excerpt into passages at its ellipses: `[...]`, `…`.
pub fn passages(excerpt: &str) -> Vec<String> {
    let cut = excerpt.replace("[...]", "…").replace("[…]", "…").replace("...", "…");
    let pieces = cut.split('…').map(|piece| collapse_spaces(strip_quotes(piece)));
    let mut pieces: Vec<String> = pieces.filter(|piece| piece.contains(char::is_alphanumeric)).collect();
    // Fragments of a sentence are dropped if there are longer passages.
    if pieces.iter().any(|piece| piece.unicode_words().count() >= MIN_PASSAGE_WORDS) {
        pieces.retain(|piece| piece.unicode_words().count() >= MIN_PASSAGE_WORDS);
    }
    pieces
}

/// Strips the quotation marks and white space around a text.
fn strip_quotes(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '“' | '”' | '„' | '«' | '»'))
}

impl PageText {
    /// A text whose paragraphs are separated by blank lines.
    pub fn new(text: &str) -> Self {
        let breaks = text.match_indices("\n\n").map(|(at, _)| at + 2);
        let paragraphs = std::iter::once(0).chain(breaks).collect();
        Self::with_parts(text.to_owned(), paragraphs, Vec::new())
    }

    /// The text of a page, with a paragraph on each line.
    pub fn from_html(page: HtmlText) -> Self {
        let lines = page.text.match_indices('\n').map(|(at, _)| at + 1);
        let is_heading = |start: &usize| page.headings.iter().any(|heading| heading.range.contains(start));
        let paragraphs = std::iter::once(0).chain(lines).filter(|start| !is_heading(start)).collect();
        Self::with_parts(page.text, paragraphs, page.headings)
    }

    fn with_parts(text: String, paragraphs: Vec<usize>, headings: Vec<PageHeading>) -> Self {
        let letters = ComparedText::new(&text);
        Self { text, letters, paragraphs, headings }
    }

    pub fn has_words(&self) -> bool {
        !self.letters.text.is_empty()
    }

    pub fn word_count(&self) -> usize {
        self.text.split_whitespace().count()
    }

    pub fn find(&self, passage: &str) -> QuoteMatch {
        let sought = ComparedText::new(passage).text;
        let sought = sought.char_indices().nth(MAX_PASSAGE_CHARS).map_or(&*sought, |(end, _)| &sought[..end]);
        if let Some(range) = self.letters.find_whole(sought) {
            return QuoteMatch { quality: MatchQuality::Exact, place: Some(self.place(self.letters.original(&range))) };
        }
        let run = self.letters.longest_run(sought);
        let (found, all) = (letter_count(&self.letters.text[run.clone()]), letter_count(sought));
        if found < MIN_SIMILAR_LETTERS || found * 100 < all * MIN_SIMILAR_PERCENT {
            return QuoteMatch { quality: MatchQuality::NotFound, place: None };
        }
        let percent = u8::try_from(found * 100 / all).unwrap_or(100).min(99);
        QuoteMatch { quality: MatchQuality::Similar(percent), place: Some(self.place(self.letters.original(&run))) }
    }

    /// Returns the paragraphs that have most words of a claim, for whoever judges whether the page supports it.
    pub fn evidence(&self, claim: &str) -> String {
        let claim = ComparedText::new(claim).text;
        let mut telling: Vec<&str> =
            claim.split(' ').filter(|word| word.chars().count() >= MIN_TELLING_CHARS).collect();
        telling.sort_unstable();
        telling.dedup();
        let ends = self.paragraphs.iter().skip(1).copied().chain([self.text.len()]);
        let paragraphs = self.paragraphs.iter().zip(ends).map(|(start, end)| self.text[*start..end].trim());
        let rank = |(nth, paragraph): (usize, &str)| {
            let words = ComparedText::new(paragraph).text;
            let shared = telling.iter().filter(|word| words.split(' ').any(|other| other == **word)).count();
            (shared, nth)
        };
        let texts: Vec<&str> = paragraphs.collect();
        let mut ranks: Vec<(usize, usize)> =
            texts.iter().copied().enumerate().map(rank).filter(|(shared, _)| *shared > 0).collect();
        ranks.sort_by_key(|(shared, nth)| (std::cmp::Reverse(*shared), *nth));
        ranks.truncate(MAX_EVIDENCE);
        ranks.sort_by_key(|(_, nth)| *nth);
        let best = ranks.into_iter().map(|(_, nth)| texts[nth].chars().take(MAX_EVIDENCE_CHARS).collect::<String>());
        best.map(|paragraph| collapse_spaces(&paragraph)).collect::<Vec<_>>().join(" … ")
    }

    fn place(&self, range: Range<usize>) -> QuotePlace {
        let Range { start, end } = range;
        let before = &self.text[..start];
        let from = before.graphemes(true).rev().take(MAX_CONTEXT_CHARS).map(str::len).sum::<usize>();
        let before = &before[start - from..];
        let before =
            if from < start { before.split_once(char::is_whitespace).map_or("", |(_, rest)| rest) } else { before };
        let after = &self.text[end..];
        let to = clusters(after).take(MAX_CONTEXT_CHARS).map(str::len).sum::<usize>();
        let cut = &after[..to];
        let cut =
            if to < after.len() { cut.rsplit_once(char::is_whitespace).map_or("", |(words, _)| words) } else { cut };
        let words = &self.text[start..end];
        let within = clusters(words).take(MAX_MATCH_CHARS).map(str::len).sum::<usize>();
        let (words, after) = if within < words.len() {
            let kept = words[..within].rsplit_once(char::is_whitespace).map_or(&words[..within], |(kept, _)| kept);
            (in_one_row(kept), "…".to_owned())
        } else {
            (in_one_row(words), if to < after.len() { format!("{} …", in_one_row(cut)) } else { in_one_row(cut) })
        };
        let before = if from < start { format!("… {}", in_one_row(before)) } else { in_one_row(before) };
        QuotePlace {
            before,
            matched: words,
            after,
            paragraph: self.paragraphs.partition_point(|paragraph| *paragraph <= start).max(1),
            heading: self.heading_above(start),
        }
    }

    fn heading_above(&self, position: usize) -> Option<String> {
        let above = self.headings.iter().rev().find(|heading| heading.range.start <= position && !heading.is_title)?;
        let words = collapse_spaces(self.text.get(above.range.clone())?.trim());
        (!words.is_empty()).then_some(words)
    }
}

/// Replaces white space by single spaces; those at the ends stay.
fn in_one_row(text: &str) -> String {
    let space = |is_there: bool| if is_there { " " } else { "" };
    let words = collapse_spaces(text.trim());
    let (first, last) = (text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace));
    if words.is_empty() { space(first).to_owned() } else { format!("{}{words}{}", space(first), space(last)) }
}

fn letter_count(compared: &str) -> usize {
    compared.chars().filter(|char| *char != ' ').count()
}

impl ComparedText {
    fn new(original: &str) -> Self {
        let mut compared = Self::default();
        let mut has_gap = false;
        let mut chars = original.char_indices().peekable();
        let mut note_end = 0;
        while let Some((at, char)) = chars.next() {
            if at < note_end || is_invisible(char) {
                continue;
            }
            let end = at + char.len_utf8();
            if char == '[' {
                // The number of a footnote is not part of the words.
                note_end = footnote_end(original, at).unwrap_or(0);
            }
            let next = chars.peek().map(|(_, next)| *next);
            match compared_char(char, compared.text.chars().next_back().filter(|_| !has_gap), next) {
                Some(char) => {
                    compared.push(char, at..end, std::mem::take(&mut has_gap));
                }
                None => has_gap = true,
            }
        }
        compared
    }

    fn push(&mut self, char: char, origin: Range<usize>, after_gap: bool) {
        let last = self.text.chars().next_back();
        if after_gap && last.is_some_and(|last| !(is_wide(last) && is_wide(char))) {
            self.push_char(' ', origin.start..origin.start);
        }
        match LIGATURES.iter().find(|(ligature, _)| *ligature == char) {
            Some((_, letters)) => letters.chars().for_each(|letter| self.push_char(letter, origin.clone())),
            None => char.to_lowercase().for_each(|letter| self.push_char(letter, origin.clone())),
        }
    }

    fn push_char(&mut self, char: char, origin: Range<usize>) {
        self.text.push(char);
        let number = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        self.origins.resize(self.text.len(), number(origin.start));
        self.ends.resize(self.text.len(), number(origin.end));
    }

    /// Returns the range of the original that a range shows.
    fn original(&self, range: &Range<usize>) -> Range<usize> {
        let trimmed = &self.text[range.clone()];
        let start = range.start + trimmed.len() - trimmed.trim_start_matches(' ').len();
        let end = range.start + trimmed.trim_end_matches(' ').len();
        if start >= end {
            return 0..0;
        }
        self.origins[start] as usize..self.ends[end - 1] as usize
    }

    /// Finds a passage that does not begin or end within a word.
    fn find_whole(&self, sought: &str) -> Option<Range<usize>> {
        if sought.is_empty() {
            return None;
        }
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(|char| char != ' ') && outer.is_some_and(|char| char != ' ' && !is_wide(char))
        };
        let found = memchr::memmem::find_iter(self.text.as_bytes(), sought.as_bytes()).find(|&at| {
            let (before, after) = (&self.text[..at], &self.text[at + sought.len()..]);
            !joins(sought.chars().next(), before.chars().next_back())
                && !joins(sought.chars().next_back(), after.chars().next())
        })?;
        Some(found..found + sought.len())
    }

    /// Finds the longest piece of a passage.
    fn longest_run(&self, sought: &str) -> Range<usize> {
        let mut runs = SuffixAutomaton::default();
        sought.chars().for_each(|char| runs.push_symbol(char.into()));
        let (mut state, mut length) = (0, 0);
        let mut best = (0, 0);
        for (index, char) in self.text.char_indices() {
            (state, length) = runs.step(state, length, char.into());
            if length > best.1 {
                best = (index + char.len_utf8(), length);
            }
        }
        let (end, length) = best;
        let start = self.text[..end].char_indices().rev().nth(length.wrapping_sub(1)).map_or(end, |(start, _)| start);
        start..end
    }
}

/// Letters that are printed as one.
const LIGATURES: [(char, &str); 7] =
    [('ﬀ', "ff"), ('ﬁ', "fi"), ('ﬂ', "fl"), ('ﬃ', "ffi"), ('ﬄ', "ffl"), ('ﬅ', "st"), ('ﬆ', "st")];

/// Returns what is compared of a character between two others; `None` if it only separates words.
fn compared_char(char: char, before: Option<char>, after: Option<char>) -> Option<char> {
    let char = match char {
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(char) - 0xfee0).unwrap_or(char),
        '’' | 'ʼ' => '\'',
        other => other,
    };
    let is_between =
        |is: fn(&char) -> bool| before.is_some_and(|char| is(&char)) && after.is_some_and(|char| is(&char));
    match char {
        '\'' => is_between(|char| char.is_alphabetic()).then_some(char),
        '.' | ',' => is_between(char::is_ascii_digit).then_some(char),
        _ => char.is_alphanumeric().then_some(char),
    }
}

/// Soft hyphens, joiners, and accents on their own.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

/// Returns where `[12]` ends.
fn footnote_end(text: &str, at: usize) -> Option<usize> {
    let digits = text[at + 1..].bytes().take(4).take_while(u8::is_ascii_digit).count();
    let end = at + 1 + digits;
    ((1..=3).contains(&digits) && text[end..].starts_with(']')).then_some(end + 1)
}

#[expect(clippy::disallowed_methods, reason = "this asks for the script of a character, not for the cells of a text")]
fn is_wide(char: char) -> bool {
    unicode_width::UnicodeWidthChar::width(char) == Some(2)
}

/// The suffix automaton of a list of symbols, built and walked in linear time.
#[derive(Debug)]
struct SuffixAutomaton {
    states: Vec<AutomatonState>,
    last_state: usize,
}

#[derive(Debug, Clone, Default)]
struct AutomatonState {
    /// The length of the longest run that ends here.
    longest: usize,
    /// The suffix link: the state of the longest suffix that belongs to another state.
    suffix_link: Option<usize>,
    transitions: HashMap<u32, usize>,
}

impl Default for SuffixAutomaton {
    fn default() -> Self {
        Self { states: vec![AutomatonState::default()], last_state: 0 }
    }
}

impl SuffixAutomaton {
    fn push_symbol(&mut self, symbol: u32) {
        let new = self.states.len();
        self.states
            .push(AutomatonState { longest: self.states[self.last_state].longest + 1, ..AutomatonState::default() });
        let mut at = Some(self.last_state);
        self.last_state = new;
        while let Some(state) = at.filter(|&state| !self.states[state].transitions.contains_key(&symbol)) {
            self.states[state].transitions.insert(symbol, new);
            at = self.states[state].suffix_link;
        }
        let Some(from) = at else {
            self.states[new].suffix_link = Some(0);
            return;
        };
        let to = self.states[from].transitions[&symbol];
        if self.states[to].longest == self.states[from].longest + 1 {
            self.states[new].suffix_link = Some(to);
            return;
        }
        let copy = self.states.len();
        self.states.push(AutomatonState { longest: self.states[from].longest + 1, ..self.states[to].clone() });
        let mut at = Some(from);
        while let Some(state) = at.filter(|&state| self.states[state].transitions.get(&symbol) == Some(&to)) {
            self.states[state].transitions.insert(symbol, copy);
            at = self.states[state].suffix_link;
        }
        self.states[to].suffix_link = Some(copy);
        self.states[new].suffix_link = Some(copy);
    }

    /// Adds a symbol to a run of `length` symbols that ended in `state`; returns the state and the length of the longest
    /// run that ends with this symbol.
    fn step(&self, mut state: usize, mut length: usize, symbol: u32) -> (usize, usize) {
        loop {
            if let Some(&next) = self.states[state].transitions.get(&symbol) {
                return (next, length + 1);
            }
            let Some(link) = self.states[state].suffix_link else { return (0, 0) };
            state = link;
            length = self.states[link].longest;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "WAL mode\nAll processes using a database must be on the same host computer;\n  WAL does not work \
        over a network filesystem. This is because WAL requires all processes to share memory.";

    fn quality_of(passage: &str) -> MatchQuality {
        PageText::new(PAGE).find(passage).quality
    }

    #[test]
    fn a_passage_matches_exactly_nearly_or_not_at_all() {
        for exact in [
            "must be on the same host computer; WAL does not work",
            "“must be on the same host computer”",
            "Must be on the same host-computer. WAL does not work",
            "over a network file\u{ad}system",
            "WAL DOES NOT WORK over a\nnetwork\u{200b} filesystem[12].",
        ] {
            assert_eq!(quality_of(exact), MatchQuality::Exact, "{exact}");
        }
        assert_eq!(quality_of("processes using a database must run on the same host computer"), MatchQuality::NotFound);
        let nearly = "All processes using a database must be on the same host computers today";
        assert_eq!(quality_of(nearly), MatchQuality::Similar(89), "the longest piece has most of its letters");
        assert_eq!(quality_of("WAL does not work over a slow network"), MatchQuality::NotFound);
        assert_eq!(quality_of("over a distant planet"), MatchQuality::NotFound);
        assert_eq!(quality_of("art of war"), MatchQuality::NotFound);
        assert_eq!(quality_of("proces"), MatchQuality::NotFound, "a part of a word does not match");
        assert_eq!(quality_of("same hos"), MatchQuality::NotFound, "too short to be similar");
        assert_eq!(quality_of("…"), MatchQuality::NotFound);
        assert_eq!(quality_of(""), MatchQuality::NotFound);
        assert_eq!(PageText::new("").find("anything at all here").quality, MatchQuality::NotFound);
    }

    #[test]
    fn the_least_that_is_similar_is_85_percent_and_12_letters() {
        let page = PageText::new("abcdefghijklmnopqrstuvwxyz");
        // 17 of 20 letters, and 16 of 19.
        assert_eq!(page.find("abcdefghijklmnopq123").quality, MatchQuality::Similar(85));
        assert_eq!(page.find("abcdefghijklmnop123").quality, MatchQuality::NotFound);
        assert_eq!(page.find("abcdefghijkl1").quality, MatchQuality::Similar(92), "12 letters");
        assert_eq!(page.find("abcdefghijk1").quality, MatchQuality::NotFound, "11 letters");
        assert_eq!(page.find("abcdefghij1klmnopqrst").quality, MatchQuality::NotFound, "in one piece");
    }

    #[test]
    fn numbers_and_apostrophes_are_compared_as_written() {
        let page = PageText::new("It grew by 1.5 million; it doesn’t pay 2,000 € and ﬁnally ends.");
        assert_eq!(page.find("grew by 1.5 million").quality, MatchQuality::Exact);
        assert_eq!(page.find("by 15 million").quality, MatchQuality::NotFound);
        assert_eq!(page.find("it doesn't pay 2,000").quality, MatchQuality::Exact);
        assert_eq!(page.find("and finally ends").quality, MatchQuality::Exact);
        assert_eq!(PageText::new("ＷＡＬ ｉｓ ａ ｌｏｇ").find("WAL is a log").quality, MatchQuality::Exact);
    }

    #[test]
    fn a_match_has_its_context_and_its_place() {
        let place = PageText::new(PAGE).find("same host computer").place.expect("it is there");
        assert_eq!(place.matched, "same host computer");
        assert_eq!(place.before, "WAL mode All processes using a database must be on the ");
        assert_eq!(place.after, "; WAL does not work over a network filesystem. This is …");
        assert_eq!((place.paragraph, place.heading), (1, None));
        let late = PageText::new(&format!("{}\n\n the very end of it", "word ".repeat(500)));
        let place = late.find("the very end").place.expect("it is there");
        assert_eq!((place.paragraph, place.after.as_str()), (2, " of it"));
        assert!(place.before.starts_with("… word"), "{}", place.before);
    }

    #[test]
    fn the_place_on_a_page_is_below_its_heading() {
        let page = "<title>WAL</title><h1>Overview</h1><p>First of all.</p><h2>Cave<b>ats</b></h2><p>Another.</p><p>Not over NFS.</p>";
        let page = PageText::from_html(crate::citations::html::extract_text(page));
        let place = page.find("not over NFS").place.expect("it is there");
        assert_eq!((place.paragraph, place.heading.as_deref()), (3, Some("Caveats")));
        let place = page.find("first of all").place.expect("it is there");
        assert_eq!((place.paragraph, place.heading.as_deref()), (1, Some("Overview")));
        assert_eq!(page.find("WAL").place.expect("the title").heading, None);
    }

    #[test]
    fn the_evidence_is_what_has_most_words_of_the_claim() {
        let page =
            PageText::new("Locks are advisory.\n\nCats sleep.\n\nRemote locks over NFS may be lost.\n\nThe end.");
        assert_eq!(
            page.evidence("Locks on NFS are lost over time"),
            "Locks are advisory. … Remote locks over NFS may be lost."
        );
        assert_eq!(page.evidence("Nothing"), "");
    }

    #[test]
    fn an_excerpt_is_split_at_its_ellipses() {
        let excerpt = "First it was so and so. [...] “Then it was not so” … ok";
        assert_eq!(passages(excerpt), ["First it was so and so.", "Then it was not so"]);
        assert_eq!(passages("ok …"), ["ok"]);
        assert_eq!(passages(" … [...] "), Vec::<String>::new());
    }

    #[test]
    fn text_without_spaces_is_found_too() {
        let page = PageText::new("これは日本語の文章です。とても長い文章ではありません。");
        assert_eq!(page.find("日本語の文章です").quality, MatchQuality::Exact);
        assert_eq!(page.find("日本語の文章です、とても長い").quality, MatchQuality::Exact);
    }

    /// The length of the longest common piece, by brute force.
    fn longest_run_by_brute_force(page: &[char], sought: &[char]) -> usize {
        let starts = (0..page.len()).flat_map(|at| (0..sought.len()).map(move |from| (at, from)));
        starts
            .map(|(at, from)| page[at..].iter().zip(&sought[from..]).take_while(|(one, other)| one == other).count())
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_longest_run_matches_a_brute_force_search(page in "[abcé]{0,30}", sought in "[abcdé]{0,12}") {
            let page = ComparedText::new(&page);
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let run = page.longest_run(&sought);
            prop_assert_eq!(page.text[run.clone()].chars().count(), longest_run_by_brute_force(&chars(&page.text), &chars(&sought)));
            prop_assert!(sought.contains(&page.text[run]));
        }

        #[test]
        fn the_place_of_a_match_is_in_the_page(page in "[abA .,'’\n\u{ad}ﬁ日é\\[\\]1]{0,60}", passage in "[ab .日é1]{1,12}") {
            let place = PageText::new(&page).find(&passage).place;
            let bare = |text: &str| ComparedText::new(text).text;
            if let Some(place) = place {
                prop_assert!(bare(&page).contains(&bare(&place.matched)), "{:?}", place);
            }
        }
    }
}
