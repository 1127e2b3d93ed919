//! Finds a passage in a text, and how well it matches, in time linear in both.

use std::{borrow::Cow, collections::HashMap};

use unicode_segmentation::UnicodeSegmentation;

use crate::text::{clusters, collapse_spaces};

/// The result of looking for one passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteMatch {
    pub quality: MatchQuality,
    pub place: Option<QuotePlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchQuality {
    /// The passage is there word for word; only white space may differ.
    Exact,
    /// All its words are there in order; punctuation, case or white space differ.
    Loose,
    /// The number of its words found in a row, and the number of all its words.
    Partial(usize, usize),
    NotFound,
}

/// A match with its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotePlace {
    pub before: String,
    pub matched: String,
    pub after: String,
    /// How far down the text it begins, in percent.
    pub percent: u8,
}

/// A text that is searched for passages.
#[derive(Debug)]
pub struct PageText {
    /// The text with every run of white space replaced by one space.
    text: String,
    words: Vec<WordSpan>,
}

#[derive(Debug, Clone, Copy)]
struct WordSpan {
    start: usize,
    end: usize,
}

/// The fewest words in a row that count as a match.
const MIN_RUN_WORDS: usize = 4;
/// The most words of a passage that are looked for.
const MAX_PASSAGE_WORDS: usize = 2000;
/// The most characters shown on each side of a match, and of the match itself.
const MAX_CONTEXT_CHARS: usize = 60;
const MAX_MATCH_CHARS: usize = 220;

/// Splits an excerpt into passages at its ellipses: `[...]`, `…`.
pub fn passages(excerpt: &str) -> Vec<String> {
    let cut = excerpt.replace("[...]", "…").replace("[…]", "…").replace("...", "…");
    let pieces = cut.split('…').map(|piece| collapse_spaces(strip_quotes(piece)));
    let mut pieces: Vec<String> = pieces.filter(|piece| piece.contains(char::is_alphanumeric)).collect();
    // Fragments of a sentence are dropped if there are longer passages.
    if pieces.iter().any(|piece| piece.unicode_words().count() >= MIN_RUN_WORDS) {
        pieces.retain(|piece| piece.unicode_words().count() >= MIN_RUN_WORDS);
    }
    pieces
}

/// Strips the quotation marks and white space around a text.
fn strip_quotes(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '“' | '”' | '„' | '«' | '»'))
}

impl PageText {
    pub fn new(text: &str) -> Self {
        let text = collapse_spaces(text);
        let words =
            text.unicode_word_indices().map(|(start, word)| WordSpan { start, end: start + word.len() }).collect();
        Self { text, words }
    }

    pub fn find(&self, passage: &str) -> QuoteMatch {
        let passage = collapse_spaces(strip_quotes(passage));
        if let Some(at) = self.find_exact(&passage) {
            return QuoteMatch { quality: MatchQuality::Exact, place: Some(self.place(at, at + passage.len())) };
        }
        let wanted: Vec<&str> = passage.unicode_words().take(MAX_PASSAGE_WORDS).collect();
        let (last, length) = self.longest_run(&wanted);
        let how = match length {
            0 => MatchQuality::NotFound,
            all if all == wanted.len() => MatchQuality::Loose,
            some if some >= MIN_RUN_WORDS => MatchQuality::Partial(some, wanted.len()),
            _ => MatchQuality::NotFound,
        };
        let place = (how != MatchQuality::NotFound)
            .then(|| self.place(self.words[last + 1 - length].start, self.words[last].end));
        QuoteMatch { quality: how, place }
    }

    fn find_exact(&self, passage: &str) -> Option<usize> {
        if !passage.contains(char::is_alphanumeric) {
            return None;
        }
        // A match inside a longer word is not a match.
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(char::is_alphanumeric) && outer.is_some_and(|c| c.is_alphanumeric() && !is_wide(c))
        };
        memchr::memmem::find_iter(self.text.as_bytes(), passage.as_bytes()).find(|&at| {
            let (before, after) = (&self.text[..at], &self.text[at + passage.len()..]);
            !joins(passage.chars().next(), before.chars().next_back())
                && !joins(passage.chars().next_back(), after.chars().next())
        })
    }

    /// Finds the longest run of the wanted words in the text; returns the index of its last word and its length.
    fn longest_run(&self, wanted: &[&str]) -> (usize, usize) {
        let mut names: HashMap<Cow<str>, u32> = HashMap::new();
        let mut runs = SuffixAutomaton::default();
        for word in wanted {
            let next = names.len() as u32;
            let name = *names.entry(normalize_word(word)).or_insert(next);
            runs.push_word(name);
        }
        let (mut state, mut length) = (0, 0);
        let mut best = (0, 0);
        for (index, word) in self.words.iter().enumerate() {
            (state, length) = match names.get(&normalize_word(&self.text[word.start..word.end])) {
                Some(&name) => runs.step(state, length, name),
                None => (0, 0),
            };
            if length > best.1 {
                best = (index, length);
            }
        }
        best
    }

    fn place(&self, start: usize, end: usize) -> QuotePlace {
        let before = &self.text[..start];
        let from = before.graphemes(true).rev().take(MAX_CONTEXT_CHARS).map(str::len).sum::<usize>();
        let before = &before[start - from..];
        let before = if from < start { before.split_once(' ').map_or("", |(_, rest)| rest) } else { before };
        let after = &self.text[end..];
        let to = clusters(after).take(MAX_CONTEXT_CHARS).map(str::len).sum::<usize>();
        let cut = &after[..to];
        let cut = if to < after.len() { cut.rsplit_once(' ').map_or("", |(words, _)| words) } else { cut };
        let words = &self.text[start..end];
        let within = clusters(words).take(MAX_MATCH_CHARS).map(str::len).sum::<usize>();
        let (words, after) = if within < words.len() {
            let kept = words[..within].rsplit_once(' ').map_or(&words[..within], |(kept, _)| kept);
            (kept.to_owned(), "…".to_owned())
        } else {
            (words.to_owned(), if to < after.len() { format!("{cut} …") } else { cut.to_owned() })
        };
        let before = if from < start { format!("… {before}") } else { before.to_owned() };
        let percent = u8::try_from(start * 100 / self.text.len().max(1)).unwrap_or(100);
        QuotePlace { before, matched: words, after, percent }
    }
}

/// Normalizes a word for comparison.
fn normalize_word(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.to_lowercase().replace('’', "'"))
}

#[expect(clippy::disallowed_methods, reason = "this asks for the script of a character, not for the cells of a text")]
fn is_wide(char: char) -> bool {
    unicode_width::UnicodeWidthChar::width(char) == Some(2)
}

/// The suffix automaton of a list of words, built and walked in linear time.
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
    fn push_word(&mut self, word: u32) {
        let new = self.states.len();
        self.states
            .push(AutomatonState { longest: self.states[self.last_state].longest + 1, ..AutomatonState::default() });
        let mut at = Some(self.last_state);
        self.last_state = new;
        while let Some(state) = at.filter(|&state| !self.states[state].transitions.contains_key(&word)) {
            self.states[state].transitions.insert(word, new);
            at = self.states[state].suffix_link;
        }
        let Some(from) = at else {
            self.states[new].suffix_link = Some(0);
            return;
        };
        let to = self.states[from].transitions[&word];
        if self.states[to].longest == self.states[from].longest + 1 {
            self.states[new].suffix_link = Some(to);
            return;
        }
        let copy = self.states.len();
        self.states.push(AutomatonState { longest: self.states[from].longest + 1, ..self.states[to].clone() });
        let mut at = Some(from);
        while let Some(state) = at.filter(|&state| self.states[state].transitions.get(&word) == Some(&to)) {
            self.states[state].transitions.insert(word, copy);
            at = self.states[state].suffix_link;
        }
        self.states[to].suffix_link = Some(copy);
        self.states[new].suffix_link = Some(copy);
    }

    /// Adds a word to a run of `length` words that ended in `state`; returns the state and the length of the longest
    /// run that ends with this word.
    fn step(&self, mut state: usize, mut length: usize, word: u32) -> (usize, usize) {
        loop {
            if let Some(&next) = self.states[state].transitions.get(&word) {
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
    fn a_passage_matches_exactly_loosely_in_part_or_not_at_all() {
        assert_eq!(quality_of("must be on the same host computer; WAL does not work"), MatchQuality::Exact);
        assert_eq!(quality_of("“must be on the same host computer”"), MatchQuality::Exact);
        assert_eq!(quality_of("Must be on the same host-computer. WAL does not work"), MatchQuality::Loose);
        assert_eq!(quality_of("WAL does not work over a slow network"), MatchQuality::Partial(6, 8));
        assert_eq!(quality_of("over a distant planet"), MatchQuality::NotFound);
        assert_eq!(quality_of("art of war"), MatchQuality::NotFound);
        assert_eq!(quality_of("proces"), MatchQuality::NotFound, "a part of a word does not match");
        assert_eq!(quality_of("…"), MatchQuality::NotFound);
        assert_eq!(quality_of(""), MatchQuality::NotFound);
        assert_eq!(PageText::new("").find("anything at all here").quality, MatchQuality::NotFound);
    }

    #[test]
    fn a_match_has_its_context_and_its_percentage() {
        let place = PageText::new(PAGE).find("same host computer").place.expect("it is there");
        assert_eq!(place.matched, "same host computer");
        assert_eq!(place.before, "WAL mode All processes using a database must be on the ");
        assert_eq!(place.after, "; WAL does not work over a network filesystem. This is …");
        assert_eq!(place.percent, 30);
        let late = PageText::new(&format!("{} the very end of it", "word ".repeat(500)));
        let place = late.find("the very end").place.expect("it is there");
        assert_eq!((place.percent, place.after.as_str()), (99, " of it"));
        assert!(place.before.starts_with("… word"), "{}", place.before);
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
        assert_eq!(page.find("日本語の文章です、とても長い").quality, MatchQuality::Loose);
    }

    /// The length of the longest common run, by brute force.
    fn longest_run_by_brute_force(page: &[&str], wanted: &[&str]) -> usize {
        let starts = (0..page.len()).flat_map(|at| (0..wanted.len()).map(move |from| (at, from)));
        starts
            .map(|(at, from)| page[at..].iter().zip(&wanted[from..]).take_while(|(one, other)| one == other).count())
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_longest_run_matches_a_brute_force_search(page in "([abc] ){0,30}", wanted in "([abcd] ){0,12}") {
            let wanted: Vec<&str> = wanted.split_whitespace().collect();
            let words: Vec<&str> = page.split_whitespace().collect();
            prop_assert_eq!(PageText::new(&page).longest_run(&wanted).1, longest_run_by_brute_force(&words, &wanted));
        }

        #[test]
        fn searching_any_text_for_any_passage_never_panics(page in ".{0,200}", passage in ".{0,60}") {
            let _ = PageText::new(&page).find(&passage);
            let _ = passages(&passage);
        }

        #[test]
        fn a_passage_cut_from_a_text_is_found_in_it(page in "[a-z .,日本é]{20,200}", from in 0usize..20, size in 1usize..60) {
            let words: Vec<&str> = page.split_whitespace().collect();
            let end = (from + size).min(words.len());
            let cut = words[from.min(end)..end].join(" ");
            prop_assume!(cut.contains(char::is_alphanumeric));
            prop_assert_ne!(PageText::new(&page).find(&cut).quality, MatchQuality::NotFound);
        }
    }
}
