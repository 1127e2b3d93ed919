//! The card of a call that asks: which tool of which server, every argument in full, what it says of itself.

mod arguments;

use super::{
    card,
    row::{Ink, Row, RowKind, Span},
    theme::{Marks, Role},
};
use crate::{
    chat::{Run, choices::Choice},
    text::visible,
    tools::{Command, Doubt, Hints, Tool, ToolId},
};

/// What is known of the call besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub run: &'a Run,
    pub tool: Option<&'a Tool>,
    /// The program, where it is one of the config's.
    pub command: Option<&'a Command>,
    /// Why its name is not to be trusted at a glance.
    pub doubt: Option<&'a Doubt>,
    /// How many calls of this step wait to be decided after this one.
    pub more: usize,
}

/// A card with more rows asks again above its keys: its first row may be out of sight.
const LONG: usize = 16;

/// The rows of the card, without its bar. Nothing in them is left out or hidden.
pub fn rows(asked: Asked, choices: &[Choice], width: usize, marks: &Marks) -> Vec<Row> {
    let Asked { run, tool, command, doubt, more } = asked;
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
    if let Some(doubt) = doubt {
        rows.extend(card::wrapped(&[Span::new(doubted(doubt), Ink::of(Role::Warning))], width, RowKind::Card));
    }
    if let Some(tool) = tool {
        rows.extend(card::wrapped(&[Span::new(claims(tool.hints), Ink::of(Role::Muted))], width, RowKind::Card));
    }
    if let Some(command) = command {
        rows.extend(argv(command, run, width));
    }
    rows.extend(arguments::rows(&run.arguments, width));
    if !choices.is_empty() {
        let above = rows.len();
        rows.push(Row::new(RowKind::Card, Vec::new()));
        if above > LONG {
            let again = [
                Span::new(format!("Run {name}?"), Ink::of(Role::Warning).bold()),
                Span::new(format!("  its {above} rows begin above: k scrolls"), Ink::of(Role::Muted)),
            ];
            rows.extend(card::wrapped(&again, width, RowKind::Card));
        }
        rows.extend(card::keys(choices, width, marks));
    }
    rows
}

/// A tool as one reads it, with all that could deceive made visible.
pub fn shown_name(id: &ToolId) -> String {
    visible(&id.to_string()).replace('\n', "⟨U+000A⟩")
}

fn doubted(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Hides => "Its name has letters that hide or look like others: it cannot be allowed for ever.".into(),
        Doubt::Twin(other) => {
            format!("It reads like {}, which is another tool: it cannot be allowed for ever.", shown_name(other))
        }
    }
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
