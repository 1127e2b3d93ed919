//! Error and retry cards: a bar at the left, what happened, what one can do.

use super::{
    row::{Ink, Joint, Row, RowKind, Span},
    theme::{Marks, Role},
};
use crate::{
    chat::{Phase, Timestamp, Turn, choices::Choice, explain::Explanation},
    text::{self, wrap},
};

/// A retry that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Until the next attempt, and of how many in all.
    pub left: u64,
    pub whole: u64,
    /// The next one, and how many there are at most.
    pub attempt: u32,
    pub of: u32,
}

/// The wait of a turn, if it waits.
pub fn wait(turn: Option<&Turn>, now: Timestamp) -> Option<Wait> {
    let turn = turn?;
    let Phase::Waiting { until, error } = &turn.phase else { return None };
    let millis = |from: Timestamp| u64::try_from(until.as_millisecond() - from.as_millisecond()).unwrap_or(0);
    let attempt = turn.attempt + 1;
    let of = error.attempts().max(attempt);
    Some(Wait { left: millis(now), whole: millis(turn.since).max(1), attempt, of })
}

/// The rows of a card, without its bar. Without choices only its words are left.
pub fn rows(
    words: &Explanation,
    role: Role,
    choices: &[Choice],
    wait: Option<Wait>,
    width: usize,
    marks: &Marks,
) -> Vec<Row> {
    let mut headline = vec![Span::new(&*text::clean(&words.headline), Ink::of(role).bold())];
    if let Some(fact) = &words.fact {
        headline.push(Span::new(format!("  {}", text::clean(fact)), Ink::of(Role::Muted)));
    }
    let mut rows = wrapped(&headline, width, RowKind::Card);
    if let Some(wait) = wait {
        rows.extend(countdown(wait, width, marks));
    }
    if !words.advice.is_empty() {
        rows.extend(wrapped(&[Span::new(&*text::clean(&words.advice), Ink::of(Role::Text))], width, RowKind::Card));
    }
    if !choices.is_empty() {
        rows.push(Row::new(RowKind::Card, Vec::new()));
        rows.extend(keys(choices, width, marks));
    }
    rows
}

fn countdown(wait: Wait, width: usize, marks: &Marks) -> Vec<Row> {
    const GAUGE: u64 = 12;
    let seconds = format!("{} s", wait.left.div_ceil(1000));
    let full = (wait.left * GAUGE).div_ceil(wait.whole).min(GAUGE) as usize;
    let spans = vec![
        Span::new("Trying again in ", Ink::of(Role::Text)),
        Span::new(format!("{seconds:<5}"), Ink::of(Role::Text).bold()),
        Span::new(marks.gauge_full.repeat(full), Ink::of(Role::Warning)),
        Span::new(marks.gauge_empty.repeat(GAUGE as usize - full), Ink::of(Role::Faint)),
        Span::new(format!("  attempt {} of {}", wait.attempt, wait.of), Ink::of(Role::Muted)),
    ];
    vec![Row::new(RowKind::Card, spans).cut(width)]
}

/// `↵ try again   tab, then  c continue   m another model`: the first needs no focus.
pub(super) fn keys(choices: &[Choice], width: usize, marks: &Marks) -> Vec<Row> {
    let mut hints: Vec<Vec<Span>> = Vec::new();
    let key = |key: &str, words: String| {
        vec![Span::new(key, Ink::of(Role::Accent)), Span::new(format!(" {words}"), Ink::of(Role::Text))]
    };
    let mut later = Vec::new();
    for (nth, choice) in choices.iter().enumerate() {
        match choice {
            first if nth == 0 && first.by_enter() => hints.push(key(marks.enter, choice.words())),
            Choice::GiveUp if choices.contains(&Choice::Now) => hints.push(key("esc", choice.words())),
            _ => later.push(key(&choice.key().to_string(), choice.words())),
        }
    }
    if let Some(first) = later.first_mut() {
        first.insert(0, Span::new("tab, then  ", Ink::of(Role::Muted)));
    }
    hints.append(&mut later);
    let mut rows: Vec<Row> = Vec::new();
    let mut used = 0;
    for hint in hints {
        let cells: usize = hint.iter().map(Span::width).sum();
        if rows.is_empty() || used + 3 + cells > width {
            rows.push(Row::new(RowKind::Card, Vec::new()));
            used = 0;
        }
        let Some(row) = rows.last_mut() else { continue };
        if used > 0 {
            row.spans.push(Span::new("   ", Ink::of(Role::Text)));
            used += 3;
        }
        used += cells;
        row.spans.extend(hint);
    }
    rows.into_iter().map(|row| row.cut(width)).collect()
}

/// Spans in rows of at most `width` cells.
pub fn wrapped(spans: &[Span], width: usize, kind: RowKind) -> Vec<Row> {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    let pieces = wrap::wrap(&text, wrap::Measure { first: width, rest: width, glued: &[] });
    pieces
        .into_iter()
        .map(|piece| {
            let mut row = Row { joint: Joint::of(&piece), ..Row::new(kind, Vec::new()) };
            let mut at = 0;
            for span in spans {
                let (start, end) = (piece.start.max(at), piece.end.min(at + span.text.len()));
                if start < end {
                    row.spans.push(Span { text: text[start..end].to_owned(), ..span.clone() });
                }
                at += span.text.len();
            }
            row
        })
        .collect()
}
