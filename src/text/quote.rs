//! Whether words stand in a text, how well they match, and where: in time linear in both.

use std::{borrow::Cow, collections::HashMap};

use unicode_segmentation::UnicodeSegmentation;

use super::clusters;

/// What was found of one passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub how: How,
    pub place: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Word for word; only white space may differ.
    Exactly,
    /// All its words in order; punctuation, case or white space differ.
    Loosely,
    /// So many of its words in a row, of so many.
    Partly(usize, usize),
    Not,
}

/// Where in a text something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub before: String,
    pub words: String,
    pub after: String,
    /// How far down the text, in hundredths of it.
    pub percent: u8,
}

/// A text in which words are sought.
#[derive(Debug)]
pub struct Haystack {
    /// With single blanks for all white space.
    text: String,
    words: Vec<Word>,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

/// Fewer words in a row say nothing.
const FEWEST: usize = 4;
/// Words of a passage that are looked for.
const MOST: usize = 2000;
/// Characters around a place, and of its own words.
const AROUND: usize = 60;
const WITHIN: usize = 220;

/// The passages of an excerpt, which is cut where it says so: `[...]`, `…`.
pub fn passages(excerpt: &str) -> Vec<String> {
    let cut = excerpt.replace("[...]", "…").replace("[…]", "…").replace("...", "…");
    let pieces = cut.split('…').map(|piece| one_line(bare(piece)));
    let mut pieces: Vec<String> = pieces.filter(|piece| piece.contains(char::is_alphanumeric)).collect();
    // What is left of a cut in the middle of a sentence says little where there is more.
    if pieces.iter().any(|piece| piece.unicode_words().count() >= FEWEST) {
        pieces.retain(|piece| piece.unicode_words().count() >= FEWEST);
    }
    pieces
}

/// Without the quotation marks around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '“' | '”' | '„' | '«' | '»'))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Haystack {
    pub fn new(text: &str) -> Self {
        let text = one_line(text);
        let words = text.unicode_word_indices().map(|(start, word)| Word { start, end: start + word.len() }).collect();
        Self { text, words }
    }

    pub fn find(&self, passage: &str) -> Found {
        let passage = one_line(bare(passage));
        if let Some(at) = self.exactly(&passage) {
            return Found { how: How::Exactly, place: Some(self.place(at, at + passage.len())) };
        }
        let wanted: Vec<&str> = passage.unicode_words().take(MOST).collect();
        let (last, length) = self.longest_run(&wanted);
        let how = match length {
            0 => How::Not,
            all if all == wanted.len() => How::Loosely,
            some if some >= FEWEST => How::Partly(some, wanted.len()),
            _ => How::Not,
        };
        let place = (how != How::Not).then(|| self.place(self.words[last + 1 - length].start, self.words[last].end));
        Found { how, place }
    }

    fn exactly(&self, passage: &str) -> Option<usize> {
        if !passage.contains(char::is_alphanumeric) {
            return None;
        }
        // Within a word it is another word.
        let joins = |inner: Option<char>, outer: Option<char>| {
            inner.is_some_and(char::is_alphanumeric) && outer.is_some_and(|c| c.is_alphanumeric() && !is_wide(c))
        };
        memchr::memmem::find_iter(self.text.as_bytes(), passage.as_bytes()).find(|&at| {
            let (before, after) = (&self.text[..at], &self.text[at + passage.len()..]);
            !joins(passage.chars().next(), before.chars().next_back())
                && !joins(passage.chars().next_back(), after.chars().next())
        })
    }

    /// The last word and the length of the longest run of the wanted words.
    fn longest_run(&self, wanted: &[&str]) -> (usize, usize) {
        let mut names: HashMap<Cow<str>, u32> = HashMap::new();
        let mut runs = Runs::default();
        for word in wanted {
            let next = names.len() as u32;
            let name = *names.entry(plain(word)).or_insert(next);
            runs.extend(name);
        }
        let (mut state, mut length) = (0, 0);
        let mut best = (0, 0);
        for (at, word) in self.words.iter().enumerate() {
            (state, length) = match names.get(&plain(&self.text[word.start..word.end])) {
                Some(&name) => runs.step(state, length, name),
                None => (0, 0),
            };
            if length > best.1 {
                best = (at, length);
            }
        }
        best
    }

    fn place(&self, start: usize, end: usize) -> Place {
        let before = &self.text[..start];
        let from = before.graphemes(true).rev().take(AROUND).map(str::len).sum::<usize>();
        let before = &before[start - from..];
        let before = if from < start { before.split_once(' ').map_or("", |(_, rest)| rest) } else { before };
        let after = &self.text[end..];
        let to = clusters(after).take(AROUND).map(str::len).sum::<usize>();
        let cut = &after[..to];
        let cut = if to < after.len() { cut.rsplit_once(' ').map_or("", |(words, _)| words) } else { cut };
        let words = &self.text[start..end];
        let within = clusters(words).take(WITHIN).map(str::len).sum::<usize>();
        let (words, after) = if within < words.len() {
            let kept = words[..within].rsplit_once(' ').map_or(&words[..within], |(kept, _)| kept);
            (kept.to_owned(), "…".to_owned())
        } else {
            (words.to_owned(), if to < after.len() { format!("{cut} …") } else { cut.to_owned() })
        };
        let before = if from < start { format!("… {before}") } else { before.to_owned() };
        let percent = u8::try_from(start * 100 / self.text.len().max(1)).unwrap_or(100);
        Place { before, words, after, percent }
    }
}

/// A word as it is compared.
fn plain(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.to_lowercase().replace('’', "'"))
}

fn is_wide(char: char) -> bool {
    unicode_width::UnicodeWidthChar::width(char) == Some(2)
}

/// All runs of a list of words: its suffix automaton, made and walked in linear time.
#[derive(Debug)]
struct Runs {
    states: Vec<State>,
    last: usize,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The longest run that ends here.
    length: usize,
    /// Where its longest proper ending leads that can be followed by something else.
    link: Option<usize>,
    next: HashMap<u32, usize>,
}

impl Default for Runs {
    fn default() -> Self {
        Self { states: vec![State::default()], last: 0 }
    }
}

impl Runs {
    fn extend(&mut self, word: u32) {
        let new = self.states.len();
        self.states.push(State { length: self.states[self.last].length + 1, ..State::default() });
        let mut at = Some(self.last);
        self.last = new;
        while let Some(state) = at.filter(|&state| !self.states[state].next.contains_key(&word)) {
            self.states[state].next.insert(word, new);
            at = self.states[state].link;
        }
        let Some(from) = at else {
            self.states[new].link = Some(0);
            return;
        };
        let to = self.states[from].next[&word];
        if self.states[to].length == self.states[from].length + 1 {
            self.states[new].link = Some(to);
            return;
        }
        let copy = self.states.len();
        self.states.push(State { length: self.states[from].length + 1, ..self.states[to].clone() });
        let mut at = Some(from);
        while let Some(state) = at.filter(|&state| self.states[state].next.get(&word) == Some(&to)) {
            self.states[state].next.insert(word, copy);
            at = self.states[state].link;
        }
        self.states[to].link = Some(copy);
        self.states[new].link = Some(copy);
    }

    /// The longest run that ends with this word, after one of `length` that ended in `state`.
    fn step(&self, mut state: usize, mut length: usize, word: u32) -> (usize, usize) {
        loop {
            if let Some(&next) = self.states[state].next.get(&word) {
                return (next, length + 1);
            }
            let Some(link) = self.states[state].link else { return (0, 0) };
            state = link;
            length = self.states[link].length;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "WAL mode\nAll processes using a database must be on the same host computer;\n  WAL does not work \
        over a network filesystem. This is because WAL requires all processes to share memory.";

    fn how(passage: &str) -> How {
        Haystack::new(PAGE).find(passage).how
    }

    #[test]
    fn words_are_found_as_they_stand_or_nearly_or_in_part_or_not() {
        assert_eq!(how("must be on the same host computer; WAL does not work"), How::Exactly);
        assert_eq!(how("“must be on the same host computer”"), How::Exactly);
        assert_eq!(how("Must be on the same host-computer. WAL does not work"), How::Loosely);
        assert_eq!(how("WAL does not work over a slow network"), How::Partly(6, 8));
        assert_eq!(how("over a distant planet"), How::Not);
        assert_eq!(how("art of war"), How::Not);
        assert_eq!(how("proces"), How::Not, "a part of a word is another word");
        assert_eq!(how("…"), How::Not);
        assert_eq!(how(""), How::Not);
        assert_eq!(Haystack::new("").find("anything at all here").how, How::Not);
    }

    #[test]
    fn a_place_has_its_surroundings_and_how_far_down_it_is() {
        let place = Haystack::new(PAGE).find("same host computer").place.expect("it is there");
        assert_eq!(place.words, "same host computer");
        assert_eq!(place.before, "WAL mode All processes using a database must be on the ");
        assert_eq!(place.after, "; WAL does not work over a network filesystem. This is …");
        assert_eq!(place.percent, 30);
        let late = Haystack::new(&format!("{} the very end of it", "word ".repeat(500)));
        let place = late.find("the very end").place.expect("it is there");
        assert_eq!((place.percent, place.after.as_str()), (99, " of it"));
        assert!(place.before.starts_with("… word"), "{}", place.before);
    }

    #[test]
    fn an_excerpt_is_cut_where_it_says_so() {
        let excerpt = "First it was so and so. [...] “Then it was not so” … ok";
        assert_eq!(passages(excerpt), ["First it was so and so.", "Then it was not so"]);
        assert_eq!(passages("ok …"), ["ok"]);
        assert_eq!(passages(" … [...] "), Vec::<String>::new());
    }

    #[test]
    fn text_without_blanks_is_found_too() {
        let page = Haystack::new("これは日本語の文章です。とても長い文章ではありません。");
        assert_eq!(page.find("日本語の文章です").how, How::Exactly);
        assert_eq!(page.find("日本語の文章です、とても長い").how, How::Loosely);
    }

    /// The longest common run, the slow way.
    fn slowly(page: &[&str], wanted: &[&str]) -> usize {
        let starts = (0..page.len()).flat_map(|at| (0..wanted.len()).map(move |from| (at, from)));
        starts
            .map(|(at, from)| page[at..].iter().zip(&wanted[from..]).take_while(|(one, other)| one == other).count())
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_longest_run_is_the_longest(page in "([abc] ){0,30}", wanted in "([abcd] ){0,12}") {
            let wanted: Vec<&str> = wanted.split_whitespace().collect();
            let words: Vec<&str> = page.split_whitespace().collect();
            prop_assert_eq!(Haystack::new(&page).longest_run(&wanted).1, slowly(&words, &wanted));
        }

        #[test]
        fn anything_can_be_sought_in_anything(page in ".{0,200}", passage in ".{0,60}") {
            let _ = Haystack::new(&page).find(&passage);
            let _ = passages(&passage);
        }

        #[test]
        fn what_was_cut_out_of_a_text_is_found_in_it(page in "[a-z .,日本é]{20,200}", from in 0usize..20, size in 1usize..60) {
            let words: Vec<&str> = page.split_whitespace().collect();
            let end = (from + size).min(words.len());
            let cut = words[from.min(end)..end].join(" ");
            prop_assume!(cut.contains(char::is_alphanumeric));
            prop_assert_ne!(Haystack::new(&page).find(&cut).how, How::Not);
        }
    }
}
