//! The arguments of a call that needs approval: each in full, with nothing hidden, and edits as line diffs.

use serde_json::{Map, Value};

use super::OWN_LABELS;
use crate::{
    render::{
        card,
        row::{RowKind, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text::{
        self,
        diff::{self, LineChange},
        show_invisible, show_invisible_in_line,
    },
    ui::reading::result_text::pretty_json,
};

/// The longest JSON that is shown on one line, in bytes.
const MAX_INLINE_JSON_BYTES: usize = 60;

/// Names that tools use for a text and its replacement.
const REPLACEMENT_KEYS: [(&str, &str); 12] = [
    ("old_str", "new_str"),
    ("old_string", "new_string"),
    ("old_text", "new_text"),
    ("oldStr", "newStr"),
    ("oldString", "newString"),
    ("oldText", "newText"),
    ("old", "new"),
    ("before", "after"),
    ("search", "replace"),
    ("find", "replace"),
    ("original", "updated"),
    ("original", "replacement"),
];

/// An argument on the card, or something that ibid says about the call.
#[derive(Debug, Clone)]
pub(super) enum ArgumentEntry<'a> {
    Field {
        label: String,
        value: Vec<StyledSpan>,
    },
    /// A text and its replacement, or a diff.
    Change {
        label: String,
        lines: Vec<NumberedLine<'a>>,
    },
}

/// A line of a diff with its numbers in the old and the new text.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberedLine<'a> {
    old: Option<usize>,
    new: Option<usize>,
    change: LineChange<'a>,
}

/// The narrowest card whose diffs have line numbers.
const MIN_NUMBERED_WIDTH: usize = 40;

/// Returns all arguments in order.
pub(super) fn argument_entries(arguments: &Value) -> Vec<ArgumentEntry<'_>> {
    match arguments {
        Value::Object(fields) if fields.is_empty() => {
            vec![ArgumentEntry::text(String::new(), "no arguments", ColourRole::Muted)]
        }
        Value::Object(named) => field_entries("", named),
        value => value_entries(String::new(), value),
    }
}

/// Returns the fields of an object, each with its name; a text and its replacement become one diff.
fn field_entries<'a>(prefix: &str, fields: &'a Map<String, Value>) -> Vec<ArgumentEntry<'a>> {
    let pair = replacement_pair(fields);
    let named = fields.iter().flat_map(|(name, value)| match pair {
        Some((old, _, before, after)) if name == old => {
            let label = if prefix.is_empty() { "change".into() } else { prefix.trim_end_matches(", ").to_owned() };
            vec![ArgumentEntry::change(label, &diff::diff_lines(before, after))]
        }
        Some((_, new, ..)) if name == new => Vec::new(),
        _ => value_entries(format!("{prefix}{}", argument_label(name)), value),
    });
    named.collect()
}

/// Returns an argument's name for display; a name that ibid uses itself is in quotes.
fn argument_label(name: &str) -> String {
    let shown = show_invisible_in_line(name);
    if OWN_LABELS.contains(&shown.trim()) || shown.is_empty() { format!("{shown:?}") } else { shown }
}

/// Returns the names of a text and its replacement, and both texts.
fn replacement_pair(fields: &Map<String, Value>) -> Option<(&'static str, &'static str, &str, &str)> {
    REPLACEMENT_KEYS
        .into_iter()
        .find_map(|(old, new)| Some((old, new, fields.get(old)?.as_str()?, fields.get(new)?.as_str()?)))
}

fn value_entries(label: String, value: &Value) -> Vec<ArgumentEntry<'_>> {
    let text = match value {
        Value::String(text) if is_diff(text) => {
            return vec![ArgumentEntry::Change { label, lines: parse_diff(text) }];
        }
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => show_invisible(text).into_owned(),
        Value::Array(values)
            if values.iter().any(|value| value.as_object().is_some_and(|it| replacement_pair(it).is_some())) =>
        {
            let several = values.iter().zip(1..).flat_map(|(value, nth)| {
                let label = format!("{label} {nth} of {}", values.len());
                match value {
                    Value::Object(named) => field_entries(&format!("{label}, "), named),
                    value => value_entries(label, value),
                }
            });
            return several.collect();
        }
        value => {
            let short = Some(value.to_string()).filter(|json| json.len() <= MAX_INLINE_JSON_BYTES);
            show_invisible(&short.unwrap_or_else(|| pretty_json(value))).into_owned()
        }
    };
    vec![ArgumentEntry::text(label, text, ColourRole::Text)]
}

/// Returns whether a text is a diff or a patch.
fn is_diff(text: &str) -> bool {
    let is_hunk =
        |line: &str| line.strip_prefix("@@ -").is_some_and(|rest| rest.contains(" +") && rest.contains(" @@"));
    text.starts_with("diff --git ")
        || text.starts_with("*** Begin Patch")
        || text.lines().any(is_hunk)
        || text.starts_with("--- ") && text.lines().nth(1).is_some_and(|line| line.starts_with("+++ "))
}

/// Splits a diff into its changes, without their signs. Its headers say where the lines are.
fn parse_diff(text: &str) -> Vec<NumberedLine<'_>> {
    let mut next: Option<(usize, usize)> = None;
    let line = |line: &'_ str| {
        let is_header = ["+++", "---", "***", "@@", "diff ", "index ", "\\"].iter().any(|head| line.starts_with(head));
        if is_header {
            next = hunk_start(line).or(next);
            return (None, None);
        }
        let Some((old, new)) = &mut next else { return (None, None) };
        let numbers = match line.as_bytes().first() {
            Some(b'+') => (None, Some(*new)),
            Some(b'-') => (Some(*old), None),
            _ => (Some(*old), Some(*new)),
        };
        *old += usize::from(numbers.0.is_some());
        *new += usize::from(numbers.1.is_some());
        numbers
    };
    let numbers: Vec<_> = text.split('\n').map(line).collect();
    let changes = text.split('\n').map(|line| match line {
        line if ["+++", "---", "***"].iter().any(|head| str::starts_with(line, head)) => LineChange::Unchanged(line),
        line => match line.split_at_checked(1) {
            Some(("+", rest)) => LineChange::Added(rest),
            Some(("-", rest)) => LineChange::Removed(rest),
            Some((" ", rest)) => LineChange::Unchanged(rest),
            _ => LineChange::Unchanged(line),
        },
    });
    changes.zip(numbers).map(|(change, (old, new))| NumberedLine { old, new, change }).collect()
}

/// Returns the first lines of a hunk in the old and the new text, from `@@ -12,3 +12,4 @@`.
fn hunk_start(header: &str) -> Option<(usize, usize)> {
    let number = |range: &str| range.split(',').next()?.parse().ok();
    let mut ranges = header.strip_prefix("@@ -")?.split(' ');
    Some((number(ranges.next()?)?, number(ranges.next()?.strip_prefix('+')?)?))
}

impl<'a> ArgumentEntry<'a> {
    fn text(label: String, text: impl Into<String>, role: ColourRole) -> Self {
        Self::Field { label, value: vec![StyledSpan::new(text.into(), TextStyle::of(role))] }
    }

    /// A change of a text; its lines are counted from the beginning of the text that was sent.
    fn change(label: String, changes: &[LineChange<'a>]) -> Self {
        // Both texts usually end with a newline, which would show as an empty line.
        let changes = changes.strip_suffix(&[LineChange::Unchanged("")]).unwrap_or(changes);
        let (mut old, mut new) = (0, 0);
        let lines = changes.iter().map(|change| {
            let is_old = !matches!(change, LineChange::Added(_));
            let is_new = !matches!(change, LineChange::Removed(_));
            old += usize::from(is_old);
            new += usize::from(is_new);
            NumberedLine { old: is_old.then_some(old), new: is_new.then_some(new), change: *change }
        });
        Self::Change { label, lines: lines.collect() }
    }

    pub(super) fn label_width(&self) -> usize {
        match self {
            Self::Field { label, .. } | Self::Change { label, .. } => text::width(label),
        }
    }

    /// Returns the label and, beside it or below it, the value; of a change, how many lines it removes and adds.
    pub(super) fn field_rows(&self, label_width: usize, width: usize) -> Vec<Vec<StyledSpan>> {
        let muted = TextStyle::of(ColourRole::Muted);
        let (label, value) = match self {
            Self::Field { label, value } => (label, value.clone()),
            Self::Change { label, lines } => (label, change_spans(lines)),
        };
        let indent = if label_width == 0 { 0 } else { label_width + 2 };
        let mut rows: Vec<Vec<StyledSpan>> =
            card::wrap_spans(&value, width.saturating_sub(indent).max(1), RowKind::Card)
                .into_iter()
                .map(|row| [vec![StyledSpan::new(" ".repeat(indent), muted)], row.spans].concat())
                .collect();
        let label_row =
            StyledSpan::new(format!("{label}{}", " ".repeat(indent.saturating_sub(text::width(label)))), muted);
        match rows.first_mut() {
            Some(first) if text::width(label) <= label_width => first[0] = label_row,
            _ => {
                let above = card::wrap_spans(&[StyledSpan::new(&**label, muted)], width, RowKind::Card);
                rows.splice(0..0, above.into_iter().map(|row| row.spans));
            }
        }
        rows
    }

    /// Returns the lines of a change, with their numbers and signs in columns; none for a field.
    pub(super) fn diff_rows(&self, width: usize) -> Vec<Vec<StyledSpan>> {
        let Self::Change { lines, .. } = self else { return Vec::new() };
        let digits = lines.iter().flat_map(|line| [line.old, line.new]).flatten().max();
        let digits = digits.filter(|_| width >= MIN_NUMBERED_WIDTH).map_or(0, |most| most.to_string().len());
        lines.iter().flat_map(|line| line.rows(digits, width)).collect()
    }
}

impl NumberedLine<'_> {
    fn rows(&self, digits: usize, width: usize) -> Vec<Vec<StyledSpan>> {
        let (sign, line, role) = match self.change {
            LineChange::Unchanged(line) => (" ", line, ColourRole::Muted),
            LineChange::Removed(line) => ("-", line, ColourRole::Error),
            LineChange::Added(line) => ("+", line, ColourRole::Ok),
        };
        let (ink, muted) = (TextStyle::of(role), TextStyle::of(ColourRole::Muted));
        let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
        let numbers = match digits {
            0 => String::new(),
            _ => format!(" {:>digits$}  {:>digits$}  ", number(self.old), number(self.new)),
        };
        let room = width.saturating_sub(numbers.len() + 2).max(1);
        let blank = " ".repeat(numbers.len());
        let wrapped = card::wrap_spans(&[StyledSpan::new(&*show_invisible(line), ink)], room, RowKind::Card);
        let rows = wrapped.into_iter().enumerate().map(|(nth, row)| {
            let (numbers, sign) = if nth == 0 { (&numbers, sign) } else { (&blank, " ") };
            let lead = [StyledSpan::new(&**numbers, muted), StyledSpan::new(format!("{sign} "), ink)];
            lead.into_iter().chain(row.spans).collect()
        });
        rows.collect()
    }
}

/// Returns `−2 +2 lines`.
fn change_spans(lines: &[NumberedLine]) -> Vec<StyledSpan> {
    let removed = lines.iter().filter(|line| matches!(line.change, LineChange::Removed(_))).count();
    let added = lines.iter().filter(|line| matches!(line.change, LineChange::Added(_))).count();
    let unit = if removed.max(added) == 1 { " line" } else { " lines" };
    vec![
        StyledSpan::new(format!("−{removed}"), TextStyle::of(ColourRole::Error)),
        StyledSpan::new(format!(" +{added}"), TextStyle::of(ColourRole::Ok)),
        StyledSpan::new(unit, TextStyle::of(ColourRole::Muted)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(arguments: &Value) -> String {
        let rows = super::super::entry_rows(&argument_entries(arguments), 60);
        rows.iter().map(|row| row_text(row).trim_end().to_owned() + "\n").collect()
    }

    fn row_text(spans: &[StyledSpan]) -> String {
        spans.iter().map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn a_text_and_its_replacement_are_shown_as_a_diff() {
        let arguments =
            json!({ "path": "a.rs", "old_str": "fn a() {\n    1\n}\n", "new_str": "fn a() {\n    2\n}\n", "n": 3 });
        insta::assert_snapshot!(shown(&arguments), @"
        path    a.rs
        change  −1 +1 line

         1  1    fn a() {
         2     -     1
            2  +     2
         3  3    }

        n       3
        ");
        let several = json!({ "edits": [{ "oldText": "one", "newText": "two" }, { "oldText": "x", "newText": "" }, 7], "dryRun": false });
        insta::assert_snapshot!(shown(&several), @"
        edits 1 of 3  −1 +1 line

         1     - one
            1  + two

        edits 2 of 3  −1 +1 line

         1     - x
            1  +

        edits 3 of 3  7
        dryRun        false
        ");
        assert_eq!(shown(&json!({ "old": 1, "new": "x" })), "old  1\nnew  x\n", "only texts are compared");
    }

    #[test]
    fn a_diff_keeps_its_headers_and_shows_invisible_characters() {
        let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n same\n-old\u{200b}\n+new\u{202e}\n\\ No newline";
        insta::assert_snapshot!(shown(&json!({ "patch": text })), @r"
        patch  −1 +1 line

                 --- a/x
                 +++ b/x
                 @@ -1,2 +1,2 @@ fn
         1  1    same
         2     - old⟨U+200B⟩
            2  + new⟨U+202E⟩
                 \ No newline
        ");
        let all = [
            ("*** Begin Patch\n-a\n+b", true),
            ("diff --git a/x b/x\n", true),
            ("- a list\n- of things", false),
            ("--- a rule\ntext", false),
            ("mail@@ -1 +1", false),
        ];
        for (text, expected) in all {
            assert_eq!(is_diff(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_changed_line_wraps_under_itself() {
        let arguments = json!({ "old": "", "new": "word ".repeat(20).trim_end() });
        let rows = super::super::entry_rows(&argument_entries(&arguments), 50);
        let rows: Vec<String> = rows.iter().map(|row| row_text(row)).collect();
        assert!(rows.iter().all(|row| text::width(row) <= 50), "{rows:?}");
        assert_eq!(rows.iter().filter(|row| row.contains("+ word")).count(), 1);
        assert_eq!(rows.iter().filter(|row| row.starts_with("         word")).count(), 2, "{rows:?}");
    }

    #[test]
    fn an_argument_cannot_pass_for_a_row_of_ibid() {
        let arguments = json!({ "server": "trusted", "claims": "to be read-only" });
        assert_eq!(shown(&arguments), "\"server\"  trusted\n\"claims\"  to be read-only\n");
    }
}
