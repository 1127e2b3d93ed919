//! The arguments of a call that asks: every one in full, with nothing hidden, and changes as what they change.

use serde_json::{Map, Value};

use crate::{
    text::{
        diff::{self, Change},
        visible,
    },
    widgets::{
        card,
        result::pretty,
        row::{Ink, Row, RowKind, Span},
        theme::Role,
    },
};

/// The longest JSON that stands on one line, in bytes.
const SHORT: usize = 60;

/// What tools call a text and the one in its place.
const PAIRS: [(&str, &str); 12] = [
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

pub fn rows(arguments: &Value, width: usize) -> Vec<Row> {
    match arguments {
        Value::Object(fields) if fields.is_empty() => {
            vec![Row::new(RowKind::Card, vec![Span::new("without arguments", Ink::of(Role::Muted))])]
        }
        Value::Object(named) => fields("", named, width),
        value => value_rows("", value, width),
    }
}

/// The fields of an object, each behind its name; two that are a text before and after are one change.
fn fields(of: &str, fields: &Map<String, Value>, width: usize) -> Vec<Row> {
    let pair = pair(fields);
    let named = fields.iter().flat_map(|(name, value)| {
        let label = format!("{of}{}", one_line(name));
        match pair {
            Some((old, new, before, after)) if name == old => {
                change(&format!("{of}{old} and {new}"), &diff::lines(before, after), width)
            }
            Some((_, new, ..)) if name == new => Vec::new(),
            _ => value_rows(&label, value, width),
        }
    });
    named.collect()
}

/// The names of a text and of the one in its place, and both texts.
fn pair(fields: &Map<String, Value>) -> Option<(&'static str, &'static str, &str, &str)> {
    PAIRS.into_iter().find_map(|(old, new)| Some((old, new, fields.get(old)?.as_str()?, fields.get(new)?.as_str()?)))
}

/// A value behind its name; one of several lines below it.
fn value_rows(name: &str, value: &Value, width: usize) -> Vec<Row> {
    let text = match value {
        Value::String(text) if is_diff(text) => return change(name, &written(text), width),
        Value::String(text) => visible(text).into_owned(),
        Value::Array(values) if values.iter().any(|value| value.as_object().is_some_and(|it| pair(it).is_some())) => {
            let several = values.iter().zip(1..).flat_map(|(value, nth)| {
                let label = format!("{name} {nth} of {}", values.len());
                match value {
                    Value::Object(named) => fields(&format!("{label}, "), named, width),
                    value => value_rows(&label, value, width),
                }
            });
            return several.collect();
        }
        value => {
            let short = Some(value.to_string()).filter(|json| json.len() <= SHORT);
            visible(&short.unwrap_or_else(|| pretty(value))).into_owned()
        }
    };
    let (label, ink) = (label(name), Ink::of(Role::Text));
    if !text.contains('\n') {
        return card::wrapped(&[label, Span::new(text, ink)], width, RowKind::Card);
    }
    let mut rows = card::wrapped(&[label], width, RowKind::Card);
    for line in text.split('\n') {
        rows.extend(card::wrapped(&[Span::new(format!("  {line}"), ink)], width, RowKind::Card));
    }
    rows
}

/// Whether a text says itself what is taken out and what is put in.
fn is_diff(text: &str) -> bool {
    let is_hunk =
        |line: &str| line.strip_prefix("@@ -").is_some_and(|rest| rest.contains(" +") && rest.contains(" @@"));
    text.starts_with("diff --git ")
        || text.starts_with("*** Begin Patch")
        || text.lines().any(is_hunk)
        || text.starts_with("--- ") && text.lines().nth(1).is_some_and(|line| line.starts_with("+++ "))
}

/// Its lines by what they say of themselves, without their sign.
fn written(text: &str) -> Vec<Change<'_>> {
    let line = |line| match line {
        line if ["+++", "---", "***"].iter().any(|head| str::starts_with(line, head)) => Change::Kept(line),
        line => match line.split_at_checked(1) {
            Some(("+", rest)) => Change::In(rest),
            Some(("-", rest)) => Change::Out(rest),
            Some((" ", rest)) => Change::Kept(rest),
            _ => Change::Kept(line),
        },
    };
    text.split('\n').map(line).collect()
}

/// Lines with their sign, which stands alone in its column.
fn change(name: &str, changes: &[Change], width: usize) -> Vec<Row> {
    let mut rows = card::wrapped(&[label(name)], width, RowKind::Card);
    // Both end with a line end.
    let changes = changes.strip_suffix(&[Change::Kept("")]).unwrap_or(changes);
    for change in changes {
        let (sign, line, role) = match change {
            Change::Kept(line) => ("  ", line, Role::Muted),
            Change::Out(line) => ("- ", line, Role::Error),
            Change::In(line) => ("+ ", line, Role::Ok),
        };
        let ink = Ink::of(role);
        let wrapped = card::wrapped(&[Span::new(&*visible(line), ink)], width.saturating_sub(2).max(1), RowKind::Card);
        rows.extend(wrapped.into_iter().enumerate().map(|(nth, mut row)| {
            row.spans.insert(0, Span::new(if nth == 0 { sign } else { "  " }, ink));
            row
        }));
    }
    rows
}

fn label(name: &str) -> Span {
    Span::new(if name.is_empty() { String::new() } else { format!("{name}  ") }, Ink::of(Role::Muted))
}

fn one_line(name: &str) -> String {
    visible(name).replace('\n', "⟨U+000A⟩")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(arguments: &Value) -> String {
        rows(arguments, 60).iter().map(|row| row.text().trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn a_text_and_the_one_in_its_place_are_shown_as_what_changes() {
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
        assert_eq!(shown(&json!({ "old": 1, "new": "x" })), "old  1\nnew  x\n", "no texts, no change");
    }

    #[test]
    fn a_written_diff_keeps_its_heads_and_nothing_in_it_hides() {
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
    fn a_long_line_of_a_change_goes_on_under_itself() {
        let rows = rows(&json!({ "old": "", "new": "word ".repeat(20).trim_end() }), 30);
        assert!(rows.iter().all(|row| row.width() <= 30));
        assert_eq!(rows.iter().filter(|row| row.text().starts_with('+')).count(), 1);
        assert_eq!(rows.iter().filter(|row| row.text().contains("word")).count(), 4);
    }
}
