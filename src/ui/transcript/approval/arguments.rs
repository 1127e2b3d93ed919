//! The arguments of a call that needs approval: each in full, with nothing hidden, and edits as line diffs.

use serde_json::{Map, Value};

use crate::{
    render::{
        card,
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text::{
        diff::{self, LineChange},
        show_invisible, show_invisible_in_line,
    },
    ui::transcript::result_text::pretty_json,
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

/// Returns the rows of all arguments.
pub(super) fn argument_rows(arguments: &Value, width: usize) -> Vec<StyledRow> {
    match arguments {
        Value::Object(fields) if fields.is_empty() => {
            vec![StyledRow::new(RowKind::Card, vec![StyledSpan::new("no arguments", TextStyle::of(ColourRole::Muted))])]
        }
        Value::Object(named) => field_rows("", named, width),
        value => value_rows("", value, width),
    }
}

/// Returns the fields of an object, each after its name; a text and its replacement become one diff.
fn field_rows(prefix: &str, fields: &Map<String, Value>, width: usize) -> Vec<StyledRow> {
    let pair = replacement_pair(fields);
    let named = fields.iter().flat_map(|(name, value)| {
        let label = format!("{prefix}{}", visible_line(name));
        match pair {
            Some((old, new, before, after)) if name == old => {
                diff_rows(&format!("{prefix}{old} and {new}"), &diff::diff_lines(before, after), width)
            }
            Some((_, new, ..)) if name == new => Vec::new(),
            _ => value_rows(&label, value, width),
        }
    });
    named.collect()
}

/// Returns the names of a text and its replacement, and both texts.
fn replacement_pair(fields: &Map<String, Value>) -> Option<(&'static str, &'static str, &str, &str)> {
    REPLACEMENT_KEYS
        .into_iter()
        .find_map(|(old, new)| Some((old, new, fields.get(old)?.as_str()?, fields.get(new)?.as_str()?)))
}

/// Returns a value after its name, or below it if the value has several lines.
fn value_rows(name: &str, value: &Value, width: usize) -> Vec<StyledRow> {
    let text = match value {
        Value::String(text) if is_diff(text) => return diff_rows(name, &parse_diff(text), width),
        Value::String(text) => show_invisible(text).into_owned(),
        Value::Array(values)
            if values.iter().any(|value| value.as_object().is_some_and(|it| replacement_pair(it).is_some())) =>
        {
            let several = values.iter().zip(1..).flat_map(|(value, nth)| {
                let label = format!("{name} {nth} of {}", values.len());
                match value {
                    Value::Object(named) => field_rows(&format!("{label}, "), named, width),
                    value => value_rows(&label, value, width),
                }
            });
            return several.collect();
        }
        value => {
            let short = Some(value.to_string()).filter(|json| json.len() <= MAX_INLINE_JSON_BYTES);
            show_invisible(&short.unwrap_or_else(|| pretty_json(value))).into_owned()
        }
    };
    let (label, ink) = (label_span(name), TextStyle::of(ColourRole::Text));
    if !text.contains('\n') {
        return card::wrap_spans(&[label, StyledSpan::new(text, ink)], width, RowKind::Card);
    }
    let mut rows = card::wrap_spans(&[label], width, RowKind::Card);
    for line in text.split('\n') {
        rows.extend(card::wrap_spans(&[StyledSpan::new(format!("  {line}"), ink)], width, RowKind::Card));
    }
    rows
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

/// Splits a diff into its changes, without their signs.
fn parse_diff(text: &str) -> Vec<LineChange<'_>> {
    let line = |line| match line {
        line if ["+++", "---", "***"].iter().any(|head| str::starts_with(line, head)) => LineChange::Unchanged(line),
        line => match line.split_at_checked(1) {
            Some(("+", rest)) => LineChange::Added(rest),
            Some(("-", rest)) => LineChange::Removed(rest),
            Some((" ", rest)) => LineChange::Unchanged(rest),
            _ => LineChange::Unchanged(line),
        },
    };
    text.split('\n').map(line).collect()
}

/// Returns the lines of a diff, with their signs in a separate column.
fn diff_rows(name: &str, changes: &[LineChange], width: usize) -> Vec<StyledRow> {
    let mut rows = card::wrap_spans(&[label_span(name)], width, RowKind::Card);
    // Both texts usually end with a newline, which would show as an empty line.
    let changes = changes.strip_suffix(&[LineChange::Unchanged("")]).unwrap_or(changes);
    for change in changes {
        let (sign, line, role) = match change {
            LineChange::Unchanged(line) => ("  ", line, ColourRole::Muted),
            LineChange::Removed(line) => ("- ", line, ColourRole::Error),
            LineChange::Added(line) => ("+ ", line, ColourRole::Ok),
        };
        let ink = TextStyle::of(role);
        let wrapped = card::wrap_spans(
            &[StyledSpan::new(&*show_invisible(line), ink)],
            width.saturating_sub(2).max(1),
            RowKind::Card,
        );
        rows.extend(wrapped.into_iter().enumerate().map(|(nth, mut row)| {
            row.spans.insert(0, StyledSpan::new(if nth == 0 { sign } else { "  " }, ink));
            row
        }));
    }
    rows
}

fn label_span(name: &str) -> StyledSpan {
    StyledSpan::new(if name.is_empty() { String::new() } else { format!("{name}  ") }, TextStyle::of(ColourRole::Muted))
}

fn visible_line(name: &str) -> String {
    show_invisible_in_line(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(arguments: &Value) -> String {
        argument_rows(arguments, 60).iter().map(|row| row.text().trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn a_text_and_its_replacement_are_shown_as_a_diff() {
        let arguments =
            json!({ "path": "a.rs", "old_str": "fn a() {\n    1\n}\n", "new_str": "fn a() {\n    2\n}\n", "n": 3 });
        insta::assert_snapshot!(shown(&arguments), @r"
        path  a.rs
        old_str and new_str
          fn a() {
        -     1
        +     2
          }
        n  3
        ");
        let several = json!({ "edits": [{ "oldText": "one", "newText": "two" }, { "oldText": "x", "newText": "" }, 7], "dryRun": false });
        insta::assert_snapshot!(shown(&several), @r"
        edits 1 of 3, oldText and newText
        - one
        + two
        edits 2 of 3, oldText and newText
        - x
        +
        edits 3 of 3  7
        dryRun  false
        ");
        assert_eq!(shown(&json!({ "old": 1, "new": "x" })), "old  1\nnew  x\n", "only texts are compared");
    }

    #[test]
    fn a_diff_keeps_its_headers_and_shows_invisible_characters() {
        let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n same\n-old\u{200b}\n+new\u{202e}\n\\ No newline";
        insta::assert_snapshot!(shown(&json!({ "patch": text })), @r"
        patch
          --- a/x
          +++ b/x
          @@ -1,2 +1,2 @@ fn
          same
        - old⟨U+200B⟩
        + new⟨U+202E⟩
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
        let rows = argument_rows(&json!({ "old": "", "new": "word ".repeat(20).trim_end() }), 30);
        assert!(rows.iter().all(|row| row.width() <= 30));
        assert_eq!(rows.iter().filter(|row| row.text().starts_with('+')).count(), 1);
        assert_eq!(rows.iter().filter(|row| row.text().contains("word")).count(), 4);
    }
}
