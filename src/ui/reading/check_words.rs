//! What the checks of cited pages found, in words: for the rail, the source card and the row under an answer's head.

use jiff::tz::TimeZone;

use super::{facts, limited_text::wrap_limited};
use crate::{
    chat::Timestamp,
    citations::{
        check::{CheckOutcome, CheckResult, CheckSummary, CheckVerdict, CheckedPage, JudgedVerdict, ModelJudgement},
        quote::{MatchQuality, QuotePlace},
    },
    render::{
        row::{StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// The most rows of the words on the page, and of an explanation.
const MAX_CONTEXT_ROWS: usize = 4;
const MAX_REASON_ROWS: usize = 3;

/// The sign of a verdict. Only what is false stands out.
pub(crate) fn verdict_sign(verdict: CheckVerdict, marks: &ThemeMarks) -> StyledSpan {
    StyledSpan::new(marks.verdict(verdict), TextStyle::of(verdict_role(verdict)))
}

fn verdict_role(verdict: CheckVerdict) -> ColourRole {
    match verdict {
        CheckVerdict::NotFound => ColourRole::Error,
        CheckVerdict::Found | CheckVerdict::Similar | CheckVerdict::Unread => ColourRole::Muted,
    }
}

/// Lays out what was found on the page of a source: the verdict with its place, the words there or the reason, and what a
/// model said about it.
pub(crate) fn result_rows(result: &CheckResult, width: usize, marks: &ThemeMarks) -> Vec<Vec<StyledSpan>> {
    let (muted, plain) = (TextStyle::of(ColourRole::Muted), TextStyle::of(ColourRole::Text));
    let verdict = result.outcome.verdict();
    let head =
        [verdict_sign(verdict, marks), StyledSpan::new(format!(" {}", verdict_words(&result.outcome, marks)), plain)];
    let mut rows = wrap_limited(&head, width, 2, marks);
    if let Some(place) = context(&result.outcome) {
        let words = [
            StyledSpan::new(format!("“{}", text::clean(&place.before)), muted),
            StyledSpan::new(&*text::clean(&place.matched), plain),
            StyledSpan::new(format!("{}”", text::clean(&place.after)), muted),
        ];
        rows.extend(wrap_limited(&words, width, MAX_CONTEXT_ROWS, marks));
    } else {
        let words = StyledSpan::new(explanation(&result.outcome), muted);
        rows.extend(wrap_limited(&[words], width, MAX_REASON_ROWS, marks));
    }
    if let Some(judgement) = &result.judgement {
        rows.extend(wrap_limited(&judgement_spans(judgement), width, MAX_REASON_ROWS, marks));
    }
    rows
}

/// Words on the page that show the verdict.
fn context(outcome: &CheckOutcome) -> Option<&QuotePlace> {
    match (outcome, outcome.verdict()) {
        (CheckOutcome::Read(page), CheckVerdict::Found | CheckVerdict::Similar) => page.best()?.place.as_ref(),
        _ => None,
    }
}

fn verdict_words(outcome: &CheckOutcome, marks: &ThemeMarks) -> String {
    let dot = marks.dot;
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

fn explanation(outcome: &CheckOutcome) -> String {
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

fn judgement_spans(judgement: &ModelJudgement) -> [StyledSpan; 2] {
    let verdict = match judgement.verdict {
        JudgedVerdict::Supported => "supported",
        JudgedVerdict::Partly => "partly supported",
        JudgedVerdict::NotSupported => "not supported",
        JudgedVerdict::CannotTell => "cannot tell",
    };
    let model = facts::short_model_name(&judgement.model);
    [
        StyledSpan::new(format!("{model} says: {verdict}. "), TextStyle::of(ColourRole::Text)),
        StyledSpan::new(text::one_line(&judgement.reason), TextStyle::of(ColourRole::Muted)),
    ]
}

/// Says how the checks of an answer stand.
pub(crate) fn summary_spans(
    summary: &CheckSummary,
    now: Timestamp,
    zone: &TimeZone,
    marks: &ThemeMarks,
) -> Vec<StyledSpan> {
    let muted = TextStyle::of(ColourRole::Muted);
    let dot = marks.dot;
    let done = summary.read + summary.unread;
    if summary.running > 0 {
        let spent = summary.at.map_or(0, |since| facts::millis_between(since, now) / 1000 * 1000);
        let words = format!(
            " checking {} {dot} {done} done {dot} {}",
            count_with_noun(summary.running + done, "source"),
            facts::format_whole_seconds(spent)
        );
        return vec![StyledSpan::new(marks.running, TextStyle::of(ColourRole::Accent)), StyledSpan::new(words, muted)];
    }
    let mut facts_of_check = Vec::new();
    if summary.read > 0 {
        let verb = if summary.confirmed == 1 { "says" } else { "say" };
        facts_of_check.push(format!("{} of {} {verb} so", summary.confirmed, count_with_noun(summary.read, "source")));
    }
    match (summary.unread, summary.read) {
        (0, _) => (),
        (1, 0) => facts_of_check.push("its page could not be read".to_owned()),
        (pages, 0) => facts_of_check.push(format!("none of {pages} pages could be read")),
        (pages, _) => facts_of_check.push(format!("{} could not be read", count_with_noun(pages, "page"))),
    }
    facts_of_check.extend(summary.at.map(|at| format!("checked {}", facts::time_of_day(at, now, zone))));
    let words = format!(" {}", facts_of_check.join(&format!(" {dot} ")));
    vec![verdict_sign(summary.verdict(), marks), StyledSpan::new(words, muted)]
}

fn count_with_noun(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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

    fn words(summary: CheckSummary) -> String {
        let now = Timestamp::from_second(1_764_000_000).expect("a time");
        let summary = CheckSummary { at: Some(now), ..summary };
        let spans = summary_spans(&summary, now, &TimeZone::UTC, &ThemeMarks::UNICODE);
        spans.iter().map(|span| &*span.text).collect()
    }

    #[test]
    fn the_summary_counts_what_could_not_be_read_apart() {
        let done = |confirmed, read, not_found, unread| CheckSummary {
            confirmed,
            read,
            unread,
            not_found,
            ..CheckSummary::default()
        };
        assert_eq!(words(done(2, 3, 1, 1)), "~ 2 of 3 sources say so · 1 page could not be read · checked 16:00");
        assert_eq!(words(done(1, 1, 0, 0)), "✓ 1 of 1 source says so · checked 16:00");
        assert_eq!(words(done(0, 2, 1, 0)), "✗ 0 of 2 sources say so · checked 16:00");
        assert_eq!(words(done(0, 2, 0, 0)), "~ 0 of 2 sources say so · checked 16:00", "only paraphrases");
        assert_eq!(words(done(0, 0, 0, 4)), "– none of 4 pages could be read · checked 16:00");
        assert_eq!(words(done(0, 0, 0, 1)), "– its page could not be read · checked 16:00");
        let running = CheckSummary { running: 3, ..done(1, 1, 0, 0) };
        assert_eq!(words(running), "◐ checking 4 sources · 1 done · 0 s");
    }

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
