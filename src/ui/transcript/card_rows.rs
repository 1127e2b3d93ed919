//! Error and retry cards: what happened, a countdown, and the choices.

use crate::{
    chat::{Timestamp, Turn, TurnPhase, explain::CardText},
    render::{
        card::wrap_spans,
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// A scheduled retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RetryWait {
    /// The milliseconds until the next attempt, and the length of the whole wait.
    pub millis_left: u64,
    pub total_millis: u64,
    /// The number of the next attempt, and the most attempts there will be.
    pub attempt: u32,
    pub max_attempts: u32,
}

/// A choice on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceHint {
    /// Its keys as they are displayed; without keys it is not shown.
    pub keys: String,
    pub label: String,
    /// Its keys work only while the card has the focus.
    pub needs_focus: bool,
}

/// The choices on a card, and the keys that give it the focus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardHints {
    pub choices: Vec<ChoiceHint>,
    pub focus_keys: String,
    /// The keys that scroll up, from anywhere.
    pub scroll_keys: String,
    /// The card has the focus, so all of its keys work.
    pub is_focused: bool,
}

/// The wait of a turn for its next attempt, if it is waiting.
pub(super) fn retry_wait(turn: Option<&Turn>, now: Timestamp) -> Option<RetryWait> {
    let turn = turn?;
    let TurnPhase::AwaitingRetry { until, error } = &turn.phase else { return None };
    let millis = |from: Timestamp| u64::try_from(until.as_millisecond() - from.as_millisecond()).unwrap_or(0);
    let attempt = turn.attempt + 1;
    let of = error.max_attempts().max(attempt);
    Some(RetryWait {
        millis_left: millis(now),
        total_millis: millis(turn.phase_started).max(1),
        attempt,
        max_attempts: of,
    })
}

/// The rows of a card, without its bar. Without choices, it is just the explanation.
pub(super) fn card_rows(
    explanation: &CardText,
    role: ColourRole,
    hints: &CardHints,
    wait: Option<RetryWait>,
    width: usize,
    marks: &ThemeMarks,
) -> Vec<StyledRow> {
    let mut headline = vec![StyledSpan::new(&*text::clean(&explanation.headline), TextStyle::of(role).bold())];
    if let Some(fact) = &explanation.fact {
        headline.push(StyledSpan::new(format!("  {}", text::clean(fact)), TextStyle::of(ColourRole::Muted)));
    }
    let mut rows = wrap_spans(&headline, width, RowKind::Card);
    if let Some(quote) = &explanation.quote {
        let quote = StyledSpan::new(&*text::clean(quote), TextStyle::of(ColourRole::Muted));
        rows.extend(wrap_spans(&[quote], width, RowKind::Card));
    }
    if let Some(wait) = wait {
        rows.extend(countdown_rows(wait, width, marks));
    }
    if !explanation.advice.is_empty() {
        rows.extend(wrap_spans(
            &[StyledSpan::new(&*text::clean(&explanation.advice), TextStyle::of(ColourRole::Text))],
            width,
            RowKind::Card,
        ));
    }
    if !hints.choices.is_empty() {
        rows.push(StyledRow::new(RowKind::Card, Vec::new()));
        rows.extend(choice_rows(hints, width, marks));
    }
    if let Some(first) = rows.first_mut().filter(|_| hints.is_focused) {
        first.gutter = Some(GutterMark { mark: marks.bar, role: ColourRole::Accent });
    }
    rows
}

fn countdown_rows(wait: RetryWait, width: usize, marks: &ThemeMarks) -> Vec<StyledRow> {
    const GAUGE_CELLS: u64 = 12;
    let seconds = format!("{} s", wait.millis_left.div_ceil(1000));
    let full = (wait.millis_left * GAUGE_CELLS).div_ceil(wait.total_millis).min(GAUGE_CELLS) as usize;
    let spans = vec![
        StyledSpan::new("Trying again in ", TextStyle::of(ColourRole::Text)),
        StyledSpan::new(format!("{seconds:<5}"), TextStyle::of(ColourRole::Text).bold()),
        StyledSpan::new(marks.gauge_full.repeat(full), TextStyle::of(ColourRole::Warning)),
        StyledSpan::new(marks.gauge_empty.repeat(GAUGE_CELLS as usize - full), TextStyle::of(ColourRole::Faint)),
        StyledSpan::new(
            format!("  attempt {} of {}", wait.attempt, wait.max_attempts),
            TextStyle::of(ColourRole::Muted),
        ),
    ];
    vec![StyledRow::new(RowKind::Card, spans).truncated(width)]
}

/// Words with the choices at their right, or below them where both do not fit.
pub(crate) fn line_with_choices(
    words: Vec<StyledSpan>,
    hints: &CardHints,
    width: usize,
    marks: &ThemeMarks,
) -> Vec<StyledRow> {
    let mut rows = vec![StyledRow::new(RowKind::Card, words).truncated(width)];
    let choices = choice_rows(hints, width, marks);
    let left = rows[0].width();
    match choices.as_slice() {
        [only] if left + 3 + only.width() <= width => {
            let gap = " ".repeat(width - left - only.width());
            rows[0].spans.push(StyledSpan::new(gap, TextStyle::of(ColourRole::Text)));
            rows[0].spans.extend(only.spans.iter().cloned());
        }
        _ => rows.extend(choices),
    }
    rows
}

/// `↵ try again   Tab, then  c continue   m another model`; the first choice needs no focus, and with it none does.
pub(crate) fn choice_rows(hints: &CardHints, width: usize, marks: &ThemeMarks) -> Vec<StyledRow> {
    let spans = |choice: &ChoiceHint| {
        let keys = if choice.keys == "Enter" { marks.enter } else { &choice.keys };
        vec![
            StyledSpan::new(keys, TextStyle::of(ColourRole::Accent).bold()),
            StyledSpan::new(format!(" {}", choice.label), TextStyle::of(ColourRole::Text)),
        ]
    };
    let (after_focus, direct): (Vec<&ChoiceHint>, Vec<&ChoiceHint>) =
        hints.choices.iter().filter(|choice| !choice.keys.is_empty()).partition(|choice| choice.needs_focus);
    let mut after_focus: Vec<Vec<StyledSpan>> = after_focus.into_iter().map(spans).collect();
    if let Some(first) = after_focus.first_mut().filter(|_| !hints.is_focused) {
        let keys = StyledSpan::new(&*hints.focus_keys, TextStyle::of(ColourRole::Accent).bold());
        first.splice(0..0, [keys, StyledSpan::new(", then ", TextStyle::of(ColourRole::Muted))]);
    }
    let hints = direct.into_iter().map(spans).chain(after_focus);
    let mut rows: Vec<StyledRow> = Vec::new();
    let mut used = 0;
    for hint in hints {
        let cells: usize = hint.iter().map(StyledSpan::width).sum();
        if rows.is_empty() || used + 3 + cells > width {
            rows.push(StyledRow::new(RowKind::Card, Vec::new()));
            used = 0;
        }
        let Some(row) = rows.last_mut() else { continue };
        if used > 0 {
            row.spans.push(StyledSpan::new("   ", TextStyle::of(ColourRole::Text)));
            used += 3;
        }
        used += cells;
        row.spans.extend(hint);
    }
    rows.into_iter().map(|row| row.truncated(width)).collect()
}
