//! The ranking of every fuzzy list: which rows match what was typed, and in which order.
//!
//! Where a word of the query stands in a row in one piece, only such rows are listed. Letters strewn over a title count
//! only when nothing else matches.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};

/// A row as the ranking sees it.
#[derive(Debug, Clone, Copy)]
pub struct RankCandidate<'a> {
    /// The text that is shown, whose matching clusters are lit.
    pub title: &'a str,
    /// Further text that the query may match in one piece: other names, the rest of a prompt.
    pub terms: &'a str,
}

/// A row that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedMatch {
    /// The position of the row in what was ranked.
    pub index: usize,
    pub grade: MatchGrade,
    /// The clusters of the title that match, in order.
    pub clusters: Vec<u32>,
}

/// How well a row matches, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchGrade {
    /// The title is the query.
    Whole,
    /// The title begins with the query.
    Beginning,
    /// Every word of the query begins a word of the title.
    Words,
    /// Every word of the query stands somewhere in the title in one piece.
    Pieces,
    /// The further text is needed as well.
    Terms,
    /// Letters are strewn over the title.
    Strewn,
}

/// Returns the rows that match, the best grade first; rows of one grade keep their order. An empty query matches
/// nothing in particular: all rows stay where they are.
pub fn rank<'a>(query: &str, rows: impl Iterator<Item = RankCandidate<'a>> + Clone) -> Vec<RankedMatch> {
    let words: Vec<QueryWord> = query.split_whitespace().map(QueryWord::new).collect();
    if words.is_empty() {
        let all = (0..rows.count()).map(|index| RankedMatch { index, grade: MatchGrade::Whole, clusters: Vec::new() });
        return all.collect();
    }
    let mut ranking = RowRanking { matcher: Matcher::new(Config::DEFAULT), words, query: query.trim().to_lowercase() };
    for strewn in [StrewnWords::None, StrewnWords::Some, StrewnWords::All] {
        let mut found: Vec<RankedMatch> = rows
            .clone()
            .enumerate()
            .filter_map(|(index, row)| {
                ranking.match_row(row, strewn).map(|(grade, clusters)| RankedMatch { index, grade, clusters })
            })
            .collect();
        if !found.is_empty() {
            found.sort_by_key(|found| found.grade);
            return found;
        }
    }
    Vec::new()
}

/// What was typed as a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedChoice {
    One(usize),
    /// It fits several equally well.
    Several(Vec<usize>),
    Unknown,
}

/// The fewest letters that name something by a piece in the middle of a word.
const MIN_PIECE: usize = 3;

/// Returns which of some names was typed: the whole of one, maybe without the folder before its last `/`, else the
/// beginning of one, of a word in one, or a piece of one that is not too short.
pub fn named_choice<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> NamedChoice {
    let typed = typed.trim();
    if typed.is_empty() {
        return NamedChoice::Unknown;
    }
    let is_whole = |name: &str| name.to_lowercase() == typed.to_lowercase();
    let mut whole = (0..).zip(names.clone()).filter(|(_, name)| is_whole(name.rsplit('/').next().unwrap_or(name)));
    let exact =
        names.clone().position(is_whole).or_else(|| whole.next().filter(|_| whole.next().is_none()).map(|(at, _)| at));
    if let Some(index) = exact {
        return NamedChoice::One(index);
    }
    let least = match typed.chars().count() {
        1 => MatchGrade::Beginning,
        2..MIN_PIECE => MatchGrade::Words,
        _ => MatchGrade::Pieces,
    };
    let found = rank(typed, names.map(|title| RankCandidate { title, terms: "" }));
    let with = |grade: MatchGrade| -> Vec<usize> {
        found.iter().filter(|found| found.grade <= grade.min(least)).map(|found| found.index).collect()
    };
    let begun = with(MatchGrade::Words);
    let fitting = if begun.is_empty() { with(MatchGrade::Pieces) } else { begun };
    match fitting[..] {
        [] => NamedChoice::Unknown,
        [only] => NamedChoice::One(only),
        _ => NamedChoice::Several(fitting),
    }
}

/// Returns whether a text is a whole word of a name.
pub fn is_whole_word(text: &str, name: &str) -> bool {
    name.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(text))
}

/// Returns a title in which articles, prepositions and the like are blanked out, so that `th` does not find every "the".
/// Its clusters stand where they did.
pub fn blank_small_words(title: &str) -> String {
    const SMALL_WORDS: &[&str] = &[
        "a", "all", "an", "and", "as", "at", "but", "by", "for", "from", "how", "if", "in", "into", "is", "it", "its",
        "may", "no", "not", "of", "on", "or", "so", "than", "that", "the", "their", "then", "there", "they", "this",
        "those", "to", "what", "where", "which", "who", "with",
    ];
    let blank = |word: &str| {
        if SMALL_WORDS.iter().any(|small| word.eq_ignore_ascii_case(small)) {
            " ".repeat(word.len())
        } else {
            word.to_owned()
        }
    };
    title.split(' ').map(blank).collect::<Vec<_>>().join(" ")
}

/// How many words of the query may match by strewn letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StrewnWords {
    None,
    /// All but one.
    Some,
    All,
}

struct QueryWord {
    piece: Atom,
    strewn: Atom,
}

impl QueryWord {
    fn new(word: &str) -> Self {
        let atom = |kind| Atom::new(word, CaseMatching::Ignore, Normalization::Smart, kind, false);
        Self { piece: atom(AtomKind::Substring), strewn: atom(AtomKind::Fuzzy) }
    }
}

/// How one word of the query matches a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordMatch {
    /// It begins a word of the title.
    Word,
    /// It stands within a word of the title.
    Piece,
    /// It stands in the further text.
    Term,
    Strewn,
}

struct RowRanking {
    matcher: Matcher,
    words: Vec<QueryWord>,
    /// The whole query in lower case.
    query: String,
}

impl RowRanking {
    fn match_row(&mut self, row: RankCandidate, allowed: StrewnWords) -> Option<(MatchGrade, Vec<u32>)> {
        let (mut title_chars, mut term_chars) = (Vec::new(), Vec::new());
        let title = Utf32Str::new(row.title, &mut title_chars);
        let terms = Utf32Str::new(row.terms, &mut term_chars);
        let mut clusters = Vec::new();
        let mut matches = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let found = match_word(word, title, terms, &mut self.matcher, &mut clusters);
            matches.push(found.filter(|found| *found != WordMatch::Strewn || allowed != StrewnWords::None)?);
        }
        if allowed == StrewnWords::Some && matches.iter().all(|found| *found == WordMatch::Strewn) {
            return None;
        }
        clusters.sort_unstable();
        clusters.dedup();
        Some((self.grade(row.title, &matches), clusters))
    }

    fn grade(&self, title: &str, matches: &[WordMatch]) -> MatchGrade {
        if matches.contains(&WordMatch::Strewn) {
            return MatchGrade::Strewn;
        }
        if matches.contains(&WordMatch::Term) {
            return MatchGrade::Terms;
        }
        let title = title.to_lowercase();
        match title.strip_prefix(&self.query) {
            Some("") => MatchGrade::Whole,
            Some(_) => MatchGrade::Beginning,
            None if matches.iter().all(|found| *found == WordMatch::Word) => MatchGrade::Words,
            None => MatchGrade::Pieces,
        }
    }
}

/// Finds a word of the query: in the title, else in the further text, else strewn over the title.
fn match_word(
    word: &QueryWord,
    title: Utf32Str,
    terms: Utf32Str,
    matcher: &mut Matcher,
    clusters: &mut Vec<u32>,
) -> Option<WordMatch> {
    let first = clusters.len();
    if word.piece.indices(title, matcher, clusters).is_some() {
        let begins_word = match clusters.get(first) {
            Some(0) | None => true,
            Some(at) => !title.get(at - 1).is_alphanumeric(),
        };
        return Some(if begins_word { WordMatch::Word } else { WordMatch::Piece });
    }
    if word.piece.score(terms, matcher).is_some() {
        return Some(WordMatch::Term);
    }
    word.strewn.indices(title, matcher, clusters).map(|_| WordMatch::Strewn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles<'a>(query: &str, rows: &[&'a str]) -> Vec<&'a str> {
        let candidates = rows.iter().map(|title| RankCandidate { title, terms: "" });
        rank(query, candidates).into_iter().map(|found| rows[found.index]).collect()
    }

    #[test]
    fn titles_come_before_words_and_words_before_pieces() {
        let rows = ["a reopened plan", "The plan to open", "open the plan", "open", "opener"];
        assert_eq!(titles("open", &rows), ["open", "open the plan", "opener", "The plan to open", "a reopened plan"]);
    }

    #[test]
    fn strewn_letters_count_only_when_nothing_stands_in_one_piece() {
        let rows = ["claude-sonnet-5 plus", "claude-opus-5", "gpt-5"];
        assert_eq!(titles("opus", &rows), ["claude-opus-5"]);
        assert_eq!(titles("cpus", &rows), ["claude-sonnet-5 plus", "claude-opus-5"]);
        assert_eq!(titles("gpt5", &rows), ["gpt-5"]);
        assert_eq!(titles("zebra", &rows), [""; 0]);
    }

    #[test]
    fn one_word_in_one_piece_rules_out_rows_with_strewn_letters_only() {
        let rows = ["claude-opus-5", "claude-sonnet-5", "cool rude ade os 5"];
        assert_eq!(titles("claude os5", &rows), ["claude-opus-5"]);
        assert_eq!(titles("claude 5", &rows), ["claude-opus-5", "claude-sonnet-5"]);
    }

    #[test]
    fn case_and_accents_do_not_matter_and_matching_clusters_are_lit() {
        assert_eq!(titles("cafe", &["Le Café", "coffee"]), ["Le Café"]);
        assert_eq!(titles("敬語", &["日本語の敬語を直して"]), ["日本語の敬語を直して"]);
        let row = RankCandidate { title: "Le Café", terms: "espresso" };
        assert_eq!(rank("café", [row].into_iter())[0].clusters, [3, 4, 5, 6]);
        assert_eq!(rank("espresso le", [row].into_iter())[0].grade, MatchGrade::Terms);
        assert_eq!(rank("eso", [row].into_iter()), [], "strewn letters are searched in the title only");
    }

    #[test]
    fn a_name_is_whole_or_begun_or_a_piece_that_is_not_too_short() {
        use NamedChoice::{One, Several, Unknown};
        let names = ["ink", "paper", "solarized-light", "solarized-dark", "nord", "x/linux", "y/linux-ink"];
        let choice = |typed: &str| named_choice(typed, names.into_iter());
        for (typed, expected) in [
            ("ink", One(0)),
            ("INK", One(0)),
            ("x/linux", One(5)),
            ("linux", One(5)),
            ("p", One(1)),
            ("dark", One(3)),
            ("ape", One(1)),
            ("solar", Several(vec![2, 3])),
            ("solarized", Several(vec![2, 3])),
            ("inux", Several(vec![5, 6])),
        ] {
            assert_eq!(choice(typed), expected, "{typed}");
        }
        for typed in ["", "u", "d", "ux", "or", "ik", "zebra", "nrd"] {
            assert_eq!(choice(typed), Unknown, "{typed}: a slip is no name");
        }
        assert!(is_whole_word("Linux", "y/linux-ink") && !is_whole_word("lin", "y/linux-ink"));
    }

    #[test]
    fn small_words_are_blanked_in_place() {
        assert_eq!(blank_small_words("Choose the theme"), "Choose     theme");
        assert_eq!(blank_small_words("To the first thé"), "       first thé");
    }

    #[test]
    fn an_empty_query_keeps_all_rows_in_place() {
        assert_eq!(titles("  ", &["b", "a"]), ["b", "a"]);
    }
}
