//! Reads a query as it is typed: words, phrases, exclusions and filters.

use std::{cmp::Ordering, fmt, ops::Range};

use jiff::{Span, Zoned, civil::Date};

use super::{DocumentFeature, DocumentField, FILTER_NAMES, SearchFilter, SearchQuery, filters::CostLimit};
use crate::{
    api::Usd,
    chat::Timestamp,
    text::{SearchTerm, folding::fold},
};

/// A query, and what of it cannot be understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedQuery {
    /// What is understood.
    pub query: SearchQuery,
    pub problems: Vec<QueryProblem>,
}

/// A part of a query that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryProblem {
    /// The bytes of the query.
    pub range: Range<usize>,
    /// The character where it begins, counted from 1.
    pub column: usize,
    pub message: String,
}

/// One word, phrase or filter as typed.
struct QueryWord<'a> {
    range: Range<usize>,
    is_excluded: bool,
    is_phrase: bool,
    /// Without the minus and the quotes.
    text: &'a str,
}

/// Understands a query as far as possible. Days are those of the time zone of `now`.
pub fn parse_query(text: &str, now: &Zoned) -> ParsedQuery {
    let mut parsed = ParsedQuery::default();
    for word in query_words(text) {
        parsed.add(&word, now);
    }
    for problem in &mut parsed.problems {
        problem.column = text[..problem.range.start].chars().count() + 1;
    }
    parsed
}

/// Returns the bytes of a query that are filters.
pub fn filter_ranges(text: &str) -> Vec<Range<usize>> {
    let is_filter = |word: &QueryWord| {
        let name = word.text.split_once(':').map(|(name, _)| name);
        !word.is_phrase && name.and_then(filter_name).is_some()
    };
    query_words(text).into_iter().filter(is_filter).map(|word| word.range).collect()
}

impl fmt::Display for QueryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (character {})", self.message, self.column)
    }
}

impl ParsedQuery {
    fn add(&mut self, word: &QueryWord, now: &Zoned) {
        let filter = (!word.is_phrase).then(|| word.text.split_once(':')).flatten();
        let filter = filter.map(|(name, value)| (name, value, filter_name(name)));
        let result = match filter {
            Some((_, value, Some(name))) => parse_filter(name, unquoted(value), now).map(|filter| {
                let filters = if word.is_excluded { &mut self.query.excluded_filters } else { &mut self.query.filters };
                filters.push(filter);
            }),
            Some((name, value, None)) if let Some(message) = misspelt_filter(name, value) => Err(message),
            _ => self.add_term(word),
        };
        if let Err(message) = result {
            self.problems.push(QueryProblem { range: word.range.clone(), column: 0, message });
        }
    }

    fn add_term(&mut self, word: &QueryWord) -> Result<(), String> {
        let term = if word.is_phrase { SearchTerm::phrase(word.text) } else { SearchTerm::word(word.text) };
        let Some(term) = term else {
            return Err(format!("there is nothing to look for in \"{}\"", word.text));
        };
        let terms = if word.is_excluded { &mut self.query.excluded_terms } else { &mut self.query.terms };
        if !terms.contains(&term) {
            terms.push(term);
        }
        Ok(())
    }
}

/// Splits a query at white space, except within quotes.
fn query_words(text: &str) -> Vec<QueryWord<'_>> {
    let mut words = Vec::new();
    let mut position = 0;
    while let Some(start) = text[position..].find(|letter: char| !letter.is_whitespace()).map(|at| position + at) {
        let rest = &text[start..];
        let minus = rest.strip_prefix('-').filter(|after| after.starts_with(|letter: char| !letter.is_whitespace()));
        let body = start + usize::from(minus.is_some());
        let after = &text[body..];
        let is_phrase = after.starts_with(is_quote);
        let length = if is_phrase { quoted_len(after) } else { word_len(after) };
        let word = &text[body..body + length];
        words.push(QueryWord {
            range: start..body + length,
            is_excluded: minus.is_some(),
            is_phrase,
            text: if is_phrase { unquoted(word) } else { word },
        });
        position = body + length;
    }
    words
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„')
}

/// The length of a phrase with its quotes; one that is not closed ends with the query.
fn quoted_len(text: &str) -> usize {
    let mut quotes = text.char_indices().filter(|(_, letter)| is_quote(*letter)).skip(1);
    quotes.next().map_or(text.len(), |(at, quote)| at + quote.len_utf8())
}

/// The length of a word, in which a quoted part after a colon may contain spaces.
fn word_len(text: &str) -> usize {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    match text[..end].split_once(':') {
        Some((name, value)) if value.starts_with(is_quote) && filter_name(name).is_some() => {
            let value_start = name.len() + 1;
            value_start + quoted_len(&text[value_start..])
        }
        _ => end,
    }
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix(is_quote).unwrap_or(text);
    if inner.len() < text.len() { inner.strip_suffix(is_quote).unwrap_or(inner) } else { text }
}

pub(super) fn filter_name(name: &str) -> Option<&'static str> {
    FILTER_NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// Says what was probably meant, if a word looks like a filter but is none. Anything else with a colon is text.
fn misspelt_filter(name: &str, value: &str) -> Option<String> {
    if value.is_empty()
        || value.starts_with([':', '/', '\\'])
        || !name.chars().all(|letter| letter.is_ascii_lowercase())
    {
        return None;
    }
    let quote = "quote it to look for it as text";
    if let Some(field) = DocumentField::ALL.into_iter().find(|field| field.name() == name) {
        return Some(format!("{name}: is not a filter; write in:{} {value}, or {quote}", field.name()));
    }
    let near = FILTER_NAMES.into_iter().find(|known| is_near(name, known))?;
    Some(format!("{name}: is not a filter; {near}: is, or {quote}"))
}

/// Whether two words differ by one letter added, left out, changed or swapped.
fn is_near(typed: &str, known: &str) -> bool {
    let (typed, known) = (typed.as_bytes(), known.as_bytes());
    if typed.len().min(known.len()) < 3 {
        return false;
    }
    let same = typed.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (typed, known) = (&typed[same..], &known[same..]);
    typed.get(1..) == known.get(1..)
        || typed.get(1..) == Some(known)
        || Some(typed) == known.get(1..)
        || matches!((typed, known), ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && rest == other)
}

fn parse_filter(name: &str, value: &str, now: &Zoned) -> Result<SearchFilter, String> {
    if value.is_empty() {
        return Err(format!("{name}: needs a value, such as {name}:{}", example(name)));
    }
    let words = |value: &str| Some(fold(value).trim().to_owned()).filter(|value| !value.is_empty());
    let filter = match name {
        "model" => words(value).map(SearchFilter::Model),
        "tag" => words(value.trim_start_matches('#')).map(SearchFilter::Tag),
        "from" => words(value).map(SearchFilter::From),
        "before" => day_start(value, now).map(SearchFilter::Before),
        "after" => day_start(value, now).map(SearchFilter::After),
        "cost" => cost_limit(value).map(SearchFilter::Cost),
        "in" => named(value, DocumentField::ALL, DocumentField::name).map(SearchFilter::In),
        _ => named(value, DocumentFeature::ALL, DocumentFeature::name).map(SearchFilter::Has),
    };
    filter.ok_or_else(|| match name {
        "in" => format!("in: cannot be \"{value}\"; it is one of {}", names(DocumentField::ALL, DocumentField::name)),
        "has" => {
            format!("has: cannot be \"{value}\"; it is one of {}", names(DocumentFeature::ALL, DocumentFeature::name))
        }
        "before" | "after" => {
            format!("{name}: cannot be \"{value}\"; it is a day such as 2026-11-30, 2026-11, 2026, yesterday or 2w")
        }
        "cost" => format!("cost: cannot be \"{value}\"; it is an amount in dollars such as >0.1 or <=2"),
        _ => format!("{name}: cannot be \"{value}\""),
    })
}

fn example(name: &str) -> &'static str {
    match name {
        "model" => "opus",
        "tag" => "rust",
        "before" | "after" => "2026-11",
        "in" => "answer",
        "has" => "code",
        "cost" => ">0.1",
        _ => "chatgpt",
    }
}

fn named<T: Copy>(value: &str, all: impl IntoIterator<Item = T>, name: fn(T) -> &'static str) -> Option<T> {
    let value = value.to_ascii_lowercase();
    let singular = value.strip_suffix('s').unwrap_or(&value);
    all.into_iter().find(|one| name(*one) == value || name(*one) == singular)
}

fn names<T>(all: impl IntoIterator<Item = T>, name: fn(T) -> &'static str) -> String {
    let names: Vec<&str> = all.into_iter().map(name).collect();
    match names.split_last() {
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The beginning of a day, month or year, or of the day that long ago.
fn day_start(value: &str, now: &Zoned) -> Option<Timestamp> {
    let today = now.date();
    let date = match value.to_ascii_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        value => written_date(value).or_else(|| date_ago(value, today)),
    }?;
    Some(date.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

fn written_date(value: &str) -> Option<Date> {
    let mut numbers = value.split(['-', '/', '.']);
    let year = numbers.next().filter(|year| year.len() == 4)?;
    let rest: Vec<i8> = numbers.map(number).collect::<Option<_>>()?;
    let (month, day) = match rest[..] {
        [] => (1, 1),
        [month] => (month, 1),
        [month, day] => (month, day),
        _ => return None,
    };
    Date::new(number(year)?, month, day).ok()
}

/// Reads a number without a sign.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn date_ago(value: &str, today: Date) -> Option<Date> {
    let (count, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let count: i32 = number(count).filter(|count| *count <= 9999)?;
    let span = match unit {
        "d" => Span::new().try_days(count),
        "w" => Span::new().try_weeks(count),
        "m" => Span::new().try_months(count),
        "y" => Span::new().try_years(count),
        _ => return None,
    };
    today.checked_sub(span.ok()?).ok()
}

fn cost_limit(value: &str) -> Option<CostLimit> {
    let (order, rest) = match value.split_at_checked(1)? {
        (">", rest) => (Ordering::Greater, rest),
        ("<", rest) => (Ordering::Less, rest),
        ("=", rest) => (Ordering::Equal, rest),
        _ => return None,
    };
    let amount = rest.strip_prefix('=').unwrap_or(rest);
    let digits = amount.strip_prefix('$').unwrap_or(amount);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let cost = Usd::parse(digits).filter(|_| is_plain)?;
    Some(CostLimit { order, or_equal: amount.len() < rest.len(), cost })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TermRule;

    fn now() -> Zoned {
        "2026-12-01T09:30:00[Europe/Berlin]".parse().expect("a time")
    }

    fn parsed(text: &str) -> ParsedQuery {
        parse_query(text, &now())
    }

    fn problem(text: &str) -> String {
        let problems = parsed(text).problems;
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        problems[0].to_string()
    }

    #[test]
    fn words_phrases_exclusions_and_filters_are_told_apart() {
        let found = parsed("Locks -\"a  Phrase\" go model:Opus -tag:#rust in:nowhere “curly quotes” -x std::vec");
        let word = |text: &str| SearchTerm { text: text.into(), rule: TermRule::Anywhere };
        let start = |text: &str| SearchTerm { text: text.into(), rule: TermRule::WordStart };
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert_eq!(found.query.terms, [word("locks"), start("go"), word("curly quotes"), word("std::vec")]);
        assert_eq!(found.query.excluded_terms, [word("a phrase"), start("x")]);
        assert_eq!(found.query.filters, [SearchFilter::Model("opus".into())]);
        assert_eq!(found.query.excluded_filters, [SearchFilter::Tag("rust".into())]);
    }

    #[test]
    fn a_quoted_value_may_have_spaces_and_an_open_quote_ends_with_the_query() {
        assert_eq!(parsed("tag:\"two words\" x").query.filters, [SearchFilter::Tag("two words".into())]);
        assert_eq!(parsed("\"still typing").query.terms[0].text, "still typing");
        assert_eq!(parsed("don\"t").query.terms[0].text, "don\"t");
    }

    #[test]
    fn days_months_years_and_ages_begin_in_the_readers_zone() {
        let start = |value: &str| match parsed(&format!("after:{value}")).query.filters[..] {
            [SearchFilter::After(time)] => time.to_string(),
            ref other => panic!("{value}: {other:?}"),
        };
        assert_eq!(start("2026-11-30"), "2026-11-29T23:00:00Z");
        assert_eq!(start("2026-07"), "2026-06-30T22:00:00Z");
        assert_eq!(start("2026"), "2025-12-31T23:00:00Z");
        assert_eq!(start("2026/7/4"), "2026-07-03T22:00:00Z");
        assert_eq!(start("today"), "2026-11-30T23:00:00Z");
        assert_eq!(start("Yesterday"), "2026-11-29T23:00:00Z");
        assert_eq!(start("2w"), "2026-11-16T23:00:00Z");
        assert_eq!(start("3m"), "2026-08-31T22:00:00Z");
    }

    #[test]
    fn costs_are_exact_decimals() {
        let holds = |limit: &str, cost: &str| match &parsed(&format!("cost:{limit}")).query.filters[..] {
            [SearchFilter::Cost(limit)] => limit.holds(&Usd::parse(cost).expect("an amount")),
            other => panic!("{limit}: {other:?}"),
        };
        assert!(holds(">0.1", "0.1000001") && !holds(">0.1", "0.1") && holds(">=$0.1", "0.10"));
        assert!(holds("<2", "1.99") && !holds("<2", "2") && holds("<=2", "2.0") && holds("=.5", "0.5"));
    }

    #[test]
    fn what_cannot_be_understood_is_said_with_its_place() {
        assert_eq!(problem("nfs model:"), "model: needs a value, such as model:opus (character 5)");
        assert_eq!(
            problem("日本 has:sound"),
            "has: cannot be \"sound\"; it is one of code, citation, image, file and error (character 4)"
        );
        assert_eq!(
            problem("before:2026-13"),
            "before: cannot be \"2026-13\"; it is a day such as 2026-11-30, 2026-11, 2026, yesterday or 2w (character 1)"
        );
        assert_eq!(
            problem("cost:0.1"),
            "cost: cannot be \"0.1\"; it is an amount in dollars such as >0.1 or <=2 (character 1)"
        );
        for wrong in
            ["cost:>", "cost:>-1", "cost:>1e9x", "after:+2d", "after:26", "in:nowhere", "before:soon", "has:sss"]
        {
            problem(wrong);
        }
        assert_eq!(
            problem("modle:opus"),
            "modle: is not a filter; model: is, or quote it to look for it as text (character 1)"
        );
        assert_eq!(
            problem("title:release"),
            "title: is not a filter; write in:title release, or quote it to look for it as text (character 1)"
        );
        assert_eq!(problem("a **"), "there is nothing to look for in \"**\" (character 3)");
    }

    #[test]
    fn filters_are_told_apart_by_their_place() {
        let text = "日本 model:opus std::vec -tag:\"two words\" \"in:answer\"";
        let shown: Vec<&str> = filter_ranges(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(shown, ["model:opus", "-tag:\"two words\""]);
    }

    #[test]
    fn a_colon_in_a_word_that_is_no_filter_is_text() {
        for text in [
            "http://localhost:8080",
            "std::vec",
            "error:404",
            "localhost:8080",
            "E0308:",
            "\"model:opus\"",
            "file:///etc",
        ] {
            let found = parsed(text);
            assert_eq!((found.problems.len(), found.query.terms.len()), (0, 1), "{text}: {found:?}");
        }
    }
}
