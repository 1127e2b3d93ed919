//! The tokens by which an index finds the documents that may match.
//!
//! A word gives all pieces of three letters in it, and its first one and two letters, marked as a beginning. A sign of a
//! script without spaces gives itself and the pair that it begins; any other sign gives itself.

use super::SearchDocument;
use crate::text::{
    FoldedText, SearchTerm, TermRule,
    folding::{LetterKind, letter_kind},
};

/// Marks a token as the beginning of a word, and moves ASCII signs out of the way of the index's own syntax.
const MARKED: u32 = 0xe000;

/// The most tokens that are looked up for one term; more do not narrow it down much.
const MAX_TERM_TOKENS: usize = 12;

/// A token of up to three characters.
type PackedToken = u64;

/// Returns the tokens of a document, each once, separated by spaces.
pub fn document_tokens(document: &SearchDocument) -> String {
    let mut tokens = Vec::new();
    for text in &document.texts {
        collect_tokens(&FoldedText::new(&text.text).text, &mut tokens);
        tokens.sort_unstable();
        tokens.dedup();
    }
    let mut joined = String::with_capacity(tokens.len() * 4);
    for token in tokens {
        push_token(token, &mut joined);
        joined.push(' ');
    }
    joined
}

/// Returns tokens that every document with the term has.
pub fn term_tokens(term: &SearchTerm) -> Vec<String> {
    let letters: Vec<char> = term.text.chars().collect();
    let mut tokens = Vec::new();
    for run in letters.chunk_by(|a, b| run_kind(*a) == run_kind(*b)) {
        let follows = run.as_ptr() != letters.as_ptr();
        match run_kind(run[0]) {
            RunKind::Space => (),
            RunKind::Other => tokens.extend(run.iter().map(|sign| packed(&[*sign]))),
            RunKind::Sign => push_signs(run, run.len() == 1, &mut tokens),
            RunKind::Word if run.len() >= 3 => push_pieces(run, &mut tokens),
            // At the front it may be the end of a longer word.
            RunKind::Word if follows || term.rule == TermRule::WordStart => tokens.push(packed_start(run)),
            RunKind::Word => (),
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    let step = tokens.len().div_ceil(MAX_TERM_TOKENS).max(1);
    let unpacked = |token: &PackedToken| {
        let mut text = String::new();
        push_token(*token, &mut text);
        text
    };
    tokens.iter().step_by(step).map(unpacked).collect()
}

/// How a run of characters becomes tokens.
type RunKind = LetterKind;

fn run_kind(letter: char) -> RunKind {
    letter_kind(letter)
}

fn collect_tokens(folded: &str, tokens: &mut Vec<PackedToken>) {
    let mut run: Vec<char> = Vec::new();
    let mut kind = RunKind::Space;
    for letter in folded.chars() {
        let next = run_kind(letter);
        if next != kind {
            push_run(&run, kind, tokens);
            run.clear();
            kind = next;
        }
        run.push(letter);
    }
    push_run(&run, kind, tokens);
}

fn push_run(run: &[char], kind: RunKind, tokens: &mut Vec<PackedToken>) {
    match kind {
        RunKind::Space => (),
        RunKind::Other => tokens.extend(run.iter().map(|sign| packed(&[*sign]))),
        RunKind::Sign => push_signs(run, true, tokens),
        RunKind::Word => {
            for length in 1..=run.len().min(2) {
                tokens.push(packed_start(&run[..length]));
            }
            push_pieces(run, tokens);
        }
    }
}

fn push_signs(run: &[char], singly: bool, tokens: &mut Vec<PackedToken>) {
    if singly {
        tokens.extend(run.iter().map(|sign| packed(&[*sign])));
    }
    tokens.extend(run.windows(2).map(packed));
}

fn push_pieces(run: &[char], tokens: &mut Vec<PackedToken>) {
    tokens.extend(run.windows(3).map(packed));
}

fn packed_start(letters: &[char]) -> PackedToken {
    letters.iter().fold(u64::from(MARKED), |token, letter| token << 21 | u64::from(u32::from(*letter)))
}

fn packed(letters: &[char]) -> PackedToken {
    letters.iter().fold(0, |token, letter| token << 21 | u64::from(u32::from(index_letter(*letter))))
}

/// What stands for a character in the index, where ASCII signs would separate tokens.
fn index_letter(letter: char) -> char {
    match letter {
        _ if letter.is_ascii_punctuation() => char::from_u32(MARKED + u32::from(letter)).unwrap_or(letter),
        _ => letter,
    }
}

fn push_token(token: PackedToken, text: &mut String) {
    let letters = [token >> 42, token >> 21 & 0x1f_ffff, token & 0x1f_ffff];
    text.extend(letters.into_iter().filter(|letter| *letter != 0).filter_map(|letter| char::from_u32(letter as u32)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{DocumentField, DocumentText};

    fn tokens_of(text: &str) -> Vec<String> {
        let texts = vec![DocumentText { field: DocumentField::Prompt, text: text.into() }];
        let document = SearchDocument { texts, ..SearchDocument::default() };
        let shown = document_tokens(&document).replace('\u{e000}', "^");
        shown.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn words_give_their_beginning_and_their_pieces_and_signs_give_pairs() {
        let sorted = |mut tokens: Vec<String>| {
            tokens.sort();
            tokens
        };
        assert_eq!(sorted(tokens_of("Lock a")), ["^a", "^l", "^lo", "loc", "ock"]);
        assert_eq!(sorted(tokens_of("日本語")), ["日", "日本", "本", "本語", "語"]);
        assert_eq!(tokens_of("c+ +"), ["\u{e02b}", "^c"]);
    }

    #[test]
    fn every_term_that_matches_has_its_tokens_in_the_document() {
        let text = "Why std::vec<T> isn't C++; 日本語のNFS ロック, ที่นี่มาก x_1 Straße 100% ok?";
        let folded = FoldedText::new(text).text;
        let tokens: std::collections::BTreeSet<String> =
            tokens_of(text).into_iter().map(|token| token.replace('^', "\u{e000}")).collect();
        let letters: Vec<(usize, char)> = folded.char_indices().collect();
        for (index, (start, _)) in letters.iter().enumerate() {
            for (end, letter) in &letters[index..] {
                let part = &folded[*start..end + letter.len_utf8()];
                let Some(term) = SearchTerm::phrase(part) else { continue };
                for token in term_tokens(&term) {
                    assert!(tokens.contains(&token), "{part:?}: {token:?}");
                }
            }
        }
    }
}
