//! Lets emphasis begin and end beside the punctuation of Chinese, Japanese and Korean.
//!
//! `CommonMark` wants white space or punctuation on the other side of a run that touches punctuation, and these scripts
//! have no spaces: in `**「甲」**は` the second run would end nothing. As in the CJK-friendly rule of GFM, their
//! punctuation counts as a letter beside a run, and beside their letters a run may touch any punctuation. The parser gets
//! other characters of the same length in their place.

use super::{
    delimiter_runs::{DelimiterRun, NeighbourKind, find_runs},
    prepare::ParserDraft,
};

/// A letter and a punctuation mark that the parser may see in the place of another one, in three and in four bytes.
const LETTER: &str = "一";
const MARKS: [&str; 2] = ["。", "\u{10100}"];

/// Shows the parser other neighbours of the runs in a text.
pub(super) fn adapt_neighbours(draft: &mut ParserDraft) {
    if draft.source.is_ascii() || memchr::memchr2(b'*', b'~', draft.source.as_bytes()).is_none() {
        return;
    }
    let runs = find_runs(draft.source).into_iter();
    let adapted: Vec<(usize, &str)> = runs.filter(|run| run.sign != b'_').flat_map(stand_ins).flatten().collect();
    if adapted.is_empty() {
        return;
    }
    let mut code = draft.code_ranges().into_iter().peekable();
    for (at, stand_in) in adapted {
        while code.next_if(|code| code.range.end <= at).is_some() {}
        if code.peek().is_none_or(|code| !code.range.contains(&at)) {
            draft.bytes_mut()[at..at + stand_in.len()].copy_from_slice(stand_in.as_bytes());
        }
    }
}

/// Returns what the parser must see before and after a run, with the positions.
fn stand_ins(run: DelimiterRun) -> [Option<(usize, &'static str)>; 2] {
    use NeighbourKind::{CjkPunctuation, CjkWord, Punctuation, Word};
    let (Some(before), Some(after)) = (run.before, run.after) else { return [None, None] };
    let before_at = run.start - before.len_utf8();
    match (NeighbourKind::of(Some(before)), NeighbourKind::of(Some(after))) {
        // The end of emphasis.
        (CjkPunctuation, Word | CjkWord) if !is_opening(before) => [Some((before_at, LETTER)), None],
        (Punctuation, CjkWord) if is_wide_quote(before) && !is_opening(before) => [Some((before_at, LETTER)), None],
        (Punctuation, CjkWord) if can_end_with(before) => [None, mark_in_place_of(after, run.end)],
        // Its beginning.
        (Word | CjkWord, CjkPunctuation) if !is_closing(after) => [None, Some((run.end, LETTER))],
        (CjkWord, Punctuation) if is_wide_quote(after) && !is_closing(after) => [None, Some((run.end, LETTER))],
        (CjkWord, Punctuation) if can_begin_with(after) => [mark_in_place_of(before, before_at), None],
        _ => [None, None],
    }
}

fn mark_in_place_of(letter: char, at: usize) -> Option<(usize, &'static str)> {
    MARKS.into_iter().find(|mark| mark.len() == letter.len_utf8()).map(|mark| (at, mark))
}

fn is_opening(char: char) -> bool {
    matches!(char, '「' | '『' | '（' | '【' | '《' | '〈' | '〔' | '〖' | '〘' | '［' | '｛' | '｢' | '“' | '‘')
}

fn is_closing(char: char) -> bool {
    matches!(
        char,
        '」' | '』'
            | '）'
            | '】'
            | '》'
            | '〉'
            | '〕'
            | '〗'
            | '〙'
            | '］'
            | '｝'
            | '｣'
            | '”'
            | '’'
            | '。'
            | '．'
            | '，'
            | '、'
            | '：'
            | '；'
            | '！'
            | '？'
            | '｡'
            | '､'
    )
}

/// A quotation mark of three bytes, which these scripts write in full width.
fn is_wide_quote(char: char) -> bool {
    matches!(char, '“' | '”' | '‘' | '’' | '…' | '—')
}

fn can_end_with(char: char) -> bool {
    !matches!(char, '(' | '[' | '{' | '<' | '|' | '/' | '=' | '\\')
}

fn can_begin_with(char: char) -> bool {
    !matches!(char, ')' | ']' | '}' | '>' | '|' | '/' | '=' | '.' | ',' | ':' | ';' | '?')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(source: &str) -> String {
        let mut draft = ParserDraft::new(source);
        adapt_neighbours(&mut draft);
        String::from_utf8(draft.bytes().to_vec()).expect("stand-ins have the same length")
    }

    #[test]
    fn punctuation_beside_a_run_is_shown_as_a_letter() {
        assert_eq!(adapted("これは**「重要」**な"), "これは**一重要一**な");
        assert_eq!(adapted("**括弧(注)**の"), "**括弧(注)**。");
        assert_eq!(adapted("是**“引用”**的"), "是**一引用一**的");
        assert_eq!(adapted("**甲**，乙"), "**甲**，乙", "a comma begins nothing");
        assert_eq!(adapted("`は**「甲」**な`"), "`は**「甲」**な`", "code is left alone");
        assert_eq!(adapted("a **b** c"), "a **b** c");
    }
}
