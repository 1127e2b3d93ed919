//! What the check of a cited page found, in words.

use super::{
    check::{CheckOutcome, CheckVerdict, CheckedPage, JudgedVerdict},
    quote::{MatchQuality, QuotePlace},
};
use crate::text;

impl JudgedVerdict {
    /// The verdict of a model in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Partly => "partly supported",
            Self::NotSupported => "not supported",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// Words on the page that show the verdict.
pub fn context(outcome: &CheckOutcome) -> Option<&QuotePlace> {
    match (outcome, outcome.verdict()) {
        (CheckOutcome::Read(page), CheckVerdict::Found | CheckVerdict::Similar) => page.best()?.place.as_ref(),
        _ => None,
    }
}

/// The verdict with its place on the page.
pub fn verdict_words(outcome: &CheckOutcome, dot: &str) -> String {
    let CheckOutcome::Read(page) = outcome else { return "could not be read".to_owned() };
    let place = context(outcome).map(|place| format!(" {dot} {}", place_words(place))).unwrap_or_default();
    match page.verdict() {
        CheckVerdict::Found => format!("exact words found{place}"),
        CheckVerdict::Similar if page.is_only_paraphrased() => "wording not on the page".to_owned(),
        CheckVerdict::Similar => match page.best().map(|best| best.quality) {
            Some(MatchQuality::Similar(percent)) => format!("similar words {dot} {percent} %{place}"),
            _ => format!("{} of {} passages found{place}", found_count(page), page.findings.len()),
        },
        CheckVerdict::NotFound => "not found on the page".to_owned(),
        CheckVerdict::Unread => "could not be read to its end".to_owned(),
    }
}

fn found_count(page: &CheckedPage) -> usize {
    page.findings.iter().filter(|finding| finding.found.quality != MatchQuality::NotFound).count()
}

fn place_words(place: &QuotePlace) -> String {
    match &place.heading {
        Some(heading) => format!("under “{}”", text::truncate(&text::one_line(heading), 40)),
        None => format!("paragraph {}", place.paragraph),
    }
}

/// Why there are no words of the page to show.
pub fn explanation(outcome: &CheckOutcome) -> String {
    match outcome {
        CheckOutcome::Unread(reason) => {
            format!("{}. That says nothing about the claim.", capitalized(&text::one_line(reason)))
        }
        CheckOutcome::Read(page) => match page.verdict() {
            CheckVerdict::NotFound => {
                format!("Read to the end, {} words: the quoted words are not there.", grouped(page.word_count))
            }
            CheckVerdict::Unread => {
                let megabytes = page.truncated_at_mb.unwrap_or_default();
                format!("Not in the first {megabytes} MB. That says nothing about the claim.")
            }
            CheckVerdict::Found | CheckVerdict::Similar => {
                "The answer says it in words of its own; only reading can tell.".to_owned()
            }
        },
    }
}

/// Begins a sentence with a capital, unless it begins with the name of a site.
fn capitalized(sentence: &str) -> String {
    if sentence.split(' ').next().is_some_and(|word| word.contains('.')) {
        return sentence.to_owned();
    }
    let mut letters = sentence.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).collect::<String>() + letters.as_str()
}

/// Writes a number with a comma before each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_keeps_its_name_at_the_beginning_of_a_sentence() {
        let outcome = |reason: &str| CheckOutcome::Unread(reason.into());
        let words = explanation(&outcome("sqlite.example wants a login (403)"));
        assert_eq!(words, "sqlite.example wants a login (403). That says nothing about the claim.");
        assert!(explanation(&outcome("the page did not come within 15 s")).starts_with("The page"));
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1840, 1_234_567].map(grouped), ["0", "999", "1,840", "1,234,567"]);
    }
}
