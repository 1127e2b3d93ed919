//! The card of a call that asks: which tool of which server, every argument in full, what it says of itself.

use serde_json::Value;

use super::{
    card,
    row::{Ink, Row, RowKind, Span},
    theme::{Marks, Role},
};
use crate::{
    chat::{Run, choices::Choice},
    text::visible,
    tools::{Command, Hints, Tool, ToolId},
};

/// What is known of the call besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub run: &'a Run,
    pub tool: Option<&'a Tool>,
    /// The program, where it is one of the config's.
    pub command: Option<&'a Command>,
    /// How many calls of this step wait to be decided after this one.
    pub more: usize,
}

/// The longest JSON that stands on one line, in bytes.
const SHORT: usize = 60;

/// The rows of the card, without its bar. Nothing in them is left out or hidden.
pub fn rows(asked: Asked, choices: &[Choice], width: usize, marks: &Marks) -> Vec<Row> {
    let Asked { run, tool, command, more } = asked;
    let name = run.tool.as_ref().map(shown_name).unwrap_or_default();
    let mut headline = vec![Span::new(format!("Run {name}?"), Ink::of(Role::Warning).bold())];
    if run.edited {
        headline.push(Span::new("  with your arguments", Ink::of(Role::Muted)));
    }
    if more > 0 {
        let calls = if more == 1 { "1 more call asks" } else { &format!("{more} more calls ask") };
        headline.push(Span::new(format!("  {calls}"), Ink::of(Role::Muted)));
    }
    let mut rows = card::wrapped(&headline, width, RowKind::Card);
    if let Some(tool) = tool {
        rows.extend(card::wrapped(&[Span::new(claims(tool.hints), Ink::of(Role::Muted))], width, RowKind::Card));
    }
    if let Some(command) = command {
        rows.extend(argv(command, run, width));
    }
    rows.extend(arguments(&run.arguments, width));
    if !choices.is_empty() {
        rows.push(Row::new(RowKind::Card, Vec::new()));
        rows.extend(card::keys(choices, width, marks));
    }
    rows
}

/// A tool as one reads it, with all that could deceive made visible.
pub fn shown_name(id: &ToolId) -> String {
    visible(&id.to_string()).replace('\n', "⟨U+000A⟩")
}

/// The hints as what they are: claims.
pub fn claims(hints: Hints) -> String {
    let says = |hint: Option<bool>, yes: &'static str, no: &'static str| hint.map(|hint| if hint { yes } else { no });
    let all = [
        says(hints.read_only, "reads only", "changes things"),
        says(hints.destructive.filter(|_| hints.read_only != Some(true)), "may destroy", "destroys nothing"),
        says(hints.open_world, "reaches the outside", "stays on this machine"),
    ];
    let all: Vec<&str> = all.into_iter().flatten().collect();
    if all.is_empty() {
        return "It does not say what it touches.".into();
    }
    format!("It says of itself: {}.", all.join(", "))
}

/// What will be run, word by word.
fn argv(command: &Command, run: &Run, width: usize) -> Vec<Row> {
    let spans = match command.invocation(&run.arguments) {
        Ok(invocation) => {
            let words: Vec<String> = invocation.argv.iter().map(|word| quoted(word)).collect();
            let input = if invocation.stdin.is_some() { "  with the arguments as JSON on its input" } else { "" };
            vec![Span::new(words.join(" "), Ink::of(Role::Text).bold()), Span::new(input, Ink::of(Role::Muted))]
        }
        Err(failure) => {
            vec![Span::new(format!("It will not run: {}", visible(&failure.words())), Ink::of(Role::Error))]
        }
    };
    card::wrapped(&spans, width, RowKind::Card)
}

/// A word of an argv, in quotes where one could not see its ends.
pub fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_=+:,./@%^".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        visible(&format!("{word:?}")).into_owned()
    }
}

/// Every argument, in full.
fn arguments(arguments: &Value, width: usize) -> Vec<Row> {
    let Some(fields) = arguments.as_object() else {
        return value_rows(&Span::new("", Ink::of(Role::Muted)), arguments, width);
    };
    if fields.is_empty() {
        return vec![Row::new(RowKind::Card, vec![Span::new("without arguments", Ink::of(Role::Muted))])];
    }
    let named = fields.iter().flat_map(|(name, value)| {
        let name = visible(name).replace('\n', "⟨U+000A⟩");
        value_rows(&Span::new(format!("{name}  "), Ink::of(Role::Muted)), value, width)
    });
    named.collect()
}

/// A value behind its name; one of several lines below it.
fn value_rows(name: &Span, value: &Value, width: usize) -> Vec<Row> {
    let text = match value {
        Value::String(text) => visible(text).into_owned(),
        value => {
            let short = Some(value.to_string()).filter(|json| json.len() <= SHORT);
            visible(&short.or_else(|| serde_json::to_string_pretty(value).ok()).unwrap_or_default()).into_owned()
        }
    };
    let ink = Ink::of(Role::Text);
    if !text.contains('\n') {
        return card::wrapped(&[name.clone(), Span::new(text, ink)], width, RowKind::Card);
    }
    let mut rows = vec![Row::new(RowKind::Card, vec![name.clone()]).cut(width)];
    for line in text.split('\n') {
        rows.extend(card::wrapped(&[Span::new(format!("  {line}"), ink)], width, RowKind::Card));
    }
    rows
}
