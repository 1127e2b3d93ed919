//! A call in the text: one row for what it is and how far, a few for what came of it.

use crate::{
    chat::{Denial, Run, Stage, Timestamp, answer::Call},
    text::{self, visible},
    tools::{Content, Outcome},
    widgets::{
        approval::shown_name,
        card,
        row::{Ink, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

use super::{details::size, facts};

/// Rows of a result that are shown unopened, and opened.
const FEW: usize = 3;
const MANY: usize = 200;

/// `⚙ git/log {"path":"a"}   done · 0.3 s · 2 kB`
pub(super) fn head(call: &Call, run: Option<&Run>, now: Timestamp, width: usize, marks: &Marks) -> Row {
    let mark = Span::new(format!("{} ", marks.tools), Ink::of(Role::Link));
    let wire = || if call.name.is_empty() { "a tool".into() } else { one_line(&call.name) };
    let name = run.and_then(|run| run.tool.as_ref()).map_or_else(wire, shown_name);
    let told = run.map(|run| told(run, now, marks));
    let arguments = match run.filter(|run| run.edited) {
        Some(run) => run.arguments.to_string(),
        None => call.arguments.clone(),
    };
    let taken = text::width(&name) + told.as_ref().map_or(0, |(words, _)| text::width(words) + 3) + 3;
    let room = width.saturating_sub(taken);
    let arguments = text::truncate(&one_line(&arguments), room).into_owned();
    let mut spans = vec![mark, Span::new(name, Ink::of(Role::Text))];
    spans.push(Span::new(format!(" {arguments}"), Ink::of(Role::Muted)));
    if let Some((words, role)) = told {
        spans.push(Span::new(format!("   {words}"), Ink::of(role)));
    }
    Row::new(RowKind::Call, spans).cut(width)
}

/// How far it is, how long it took, how much came.
fn told(run: &Run, now: Timestamp, marks: &Marks) -> (String, Role) {
    let role = match run.stage {
        Stage::Asking => Role::Warning,
        Stage::Failed(_) => Role::Error,
        Stage::Done(Outcome { failed: true, .. }) => Role::Error,
        Stage::Queued | Stage::Running | Stage::Done(_) | Stage::Denied(_) | Stage::Cancelled => Role::Muted,
    };
    let mut words = vec![match &run.stage {
        Stage::Done(Outcome { failed: true, .. }) => "reports an error".to_owned(),
        stage => stage.word().to_owned(),
    }];
    if let Some(began) = run.began {
        words.push(facts::seconds(facts::millis(began, run.ended.unwrap_or(now))));
    }
    match &run.stage {
        Stage::Done(outcome) => words.push(size(outcome.bytes())),
        Stage::Running => {
            words.extend(run.progress.as_deref().map(|words| text::truncate(&one_line(words), 30).into_owned()));
        }
        _ => (),
    }
    (words.join(&format!(" {} ", marks.dot)), role)
}

/// What came of it, by its first rows; opened, by many.
pub(super) fn result(run: &Run, is_open: bool, width: usize) -> Vec<Row> {
    let (text, role) = match &run.stage {
        Stage::Done(outcome) => (said(outcome), if outcome.failed { Role::Error } else { Role::Muted }),
        Stage::Failed(failure) => (failure.words(), Role::Error),
        Stage::Denied(Denial::Because(why)) => (why.clone(), Role::Muted),
        Stage::Denied(Denial::ByRule) => ("by a rule of the config".into(), Role::Muted),
        Stage::Asking | Stage::Queued | Stage::Running | Stage::Denied(Denial::ByReader) | Stage::Cancelled => {
            return Vec::new();
        }
    };
    let most = if is_open { MANY } else { FEW };
    let clean = text::clean(&text);
    let lines = clean.lines().filter(|line| is_open || !line.trim().is_empty());
    let mut rows: Vec<Row> = lines
        .flat_map(|line| {
            let spans = [Span::new(line, Ink::of(role))];
            let rows = card::wrapped(&spans, width, RowKind::Call);
            if is_open { rows } else { vec![Row::new(RowKind::Call, spans.into()).cut(width)] }
        })
        .take(most + 1)
        .collect();
    if rows.len() > most {
        rows.truncate(most);
        rows.push(Row::new(RowKind::Call, vec![Span::new("…", Ink::of(Role::Faint))]));
    }
    rows
}

/// A result as text; what is none by what it is.
fn said(outcome: &Outcome) -> String {
    let words = outcome.content.iter().map(|content| match content {
        Content::Text(text) => text.clone(),
        Content::Image { mime, data } => format!("image {mime}, {}", size(data.len() / 4 * 3)),
        Content::Audio { mime, data } => format!("sound {mime}, {}", size(data.len() / 4 * 3)),
        Content::Resource { uri, text, .. } => format!("{uri}\n{text}"),
        Content::File { uri, data, .. } => format!("{uri}, {}", size(data.len() / 4 * 3)),
        Content::Link { uri, name } => format!("{name} {uri}"),
        Content::Structured(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    });
    words.collect::<Vec<_>>().join("\n")
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
