//! A recording as rows: each request with its headers and its body, each event on a row of its own.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    api::Head,
    chat::{
        Recording, Timestamp,
        recording::{Piece, What},
    },
    text::{self, Needle},
};

/// One row, cleaned; it may be longer than the screen is wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    /// When it came, for an event.
    pub time: String,
    /// The name of a header or of an event.
    pub name: String,
    pub text: String,
    /// The piece of the recording that it belongs to.
    pub piece: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The address that was asked.
    Address,
    Header,
    Body,
    /// The status and headers of what was answered, on one row.
    Answer,
    Event,
    /// A sign of life between events.
    Comment,
    Failure,
    /// What was not kept.
    Gap,
    Blank,
}

/// Whether rows belong to what was sent or to what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Request,
    Events,
}

/// More than this of an event's payload is not looked at for a row; all of it is searched and can be opened.
pub const SEEN: usize = 600;

impl Row {
    fn new(kind: Kind, piece: usize, text: &str) -> Self {
        Self { kind, time: String::new(), name: String::new(), text: one_line(text), piece: Some(piece) }
    }

    fn blank() -> Self {
        Self { kind: Kind::Blank, time: String::new(), name: String::new(), text: String::new(), piece: None }
    }

    pub fn matches(&self, needle: &Needle) -> bool {
        needle.next(&self.name, 0).is_some() || needle.next(&self.text, 0).is_some()
    }

    pub fn section(&self) -> Option<Section> {
        match self.kind {
            Kind::Address | Kind::Header | Kind::Body => Some(Section::Request),
            Kind::Answer | Kind::Event | Kind::Comment | Kind::Failure | Kind::Gap => Some(Section::Events),
            Kind::Blank => None,
        }
    }
}

/// All rows of a recording.
pub fn of(recording: &Recording) -> Vec<Row> {
    let (head, tail) = recording.parts();
    let began = began(recording);
    let mut rows = Vec::new();
    for (nth, piece) in head.iter().enumerate() {
        add(&mut rows, nth, piece, began);
    }
    if recording.dropped.pieces > 0 {
        let dropped = recording.dropped;
        let text = format!("{} more events, {} kB, were not kept", dropped.pieces, dropped.bytes.div_ceil(1000));
        rows.push(Row { kind: Kind::Gap, text, ..Row::blank() });
    }
    for (nth, piece) in (head.len()..).zip(tail) {
        add(&mut rows, nth, piece, began);
    }
    rows
}

/// One piece in full, in rows of that width.
pub fn of_piece(recording: &Recording, piece: usize, width: u16) -> Vec<Row> {
    let Some(of) = recording.pieces().nth(piece) else { return Vec::new() };
    let mut rows = Vec::new();
    match &of.what {
        What::Sent(_) => add_request(&mut rows, piece, of),
        What::Answered(head) => add_head(&mut rows, piece, head, of.cut),
        What::Received(payload) => add_body(&mut rows, piece, payload, of.cut),
        What::Comment(words) => rows.push(Row::new(Kind::Comment, piece, &comment(words))),
        What::Failed(why) => rows.push(Row::new(Kind::Failure, piece, why)),
    }
    rows.into_iter().flat_map(|row| wrapped(row, usize::from(width.max(8)))).collect()
}

/// What stands over a piece that is opened.
pub fn title(recording: &Recording, piece: usize) -> String {
    let Some(of) = recording.pieces().nth(piece) else { return String::new() };
    let time = time(began(recording), of.at);
    let name = match &of.what {
        What::Sent(_) => "Request".into(),
        What::Answered(_) => "Headers".into(),
        What::Received(payload) => name(payload),
        What::Comment(_) => "Comment".into(),
        What::Failed(_) => "Failure".into(),
    };
    format!("{name}  {time}")
}

fn began(recording: &Recording) -> Timestamp {
    recording.pieces().next().map(|piece| piece.at).unwrap_or_default()
}

fn add(rows: &mut Vec<Row>, nth: usize, piece: &Piece, began: Timestamp) {
    match &piece.what {
        What::Sent(_) => {
            if !rows.is_empty() {
                rows.push(Row::blank());
            }
            add_request(rows, nth, piece);
            rows.push(Row::blank());
        }
        What::Answered(head) => {
            let headers: Vec<_> = by_weight(head).map(|(name, value)| format!("{name}: {value}")).collect();
            rows.push(Row {
                time: time(began, piece.at),
                name: head.status_in_words(),
                ..Row::new(Kind::Answer, nth, &headers.join("  "))
            });
        }
        What::Comment(words) => {
            rows.push(Row { time: time(began, piece.at), ..Row::new(Kind::Comment, nth, &comment(words)) });
        }
        What::Received(payload) => rows.push(Row {
            time: time(began, piece.at),
            name: name(payload),
            ..Row::new(Kind::Event, nth, &without_name(payload))
        }),
        What::Failed(why) => rows.push(Row { time: time(began, piece.at), ..Row::new(Kind::Failure, nth, why) }),
    }
}

fn add_request(rows: &mut Vec<Row>, nth: usize, piece: &Piece) {
    let What::Sent(sent) = &piece.what else { return };
    rows.push(Row { name: "POST".into(), ..Row::new(Kind::Address, nth, &sent.url) });
    for (name, value) in &sent.headers {
        rows.push(Row { name: one_line(name), ..Row::new(Kind::Header, nth, value) });
    }
    rows.push(Row::blank());
    add_body(rows, nth, &sent.body, piece.cut);
}

fn add_head(rows: &mut Vec<Row>, nth: usize, head: &Head, cut: usize) {
    rows.push(Row { name: head.status_in_words(), ..Row::new(Kind::Answer, nth, "") });
    for (name, value) in by_weight(head) {
        rows.push(Row { name: one_line(name), ..Row::new(Kind::Header, nth, value) });
    }
    add_cut(rows, nth, cut);
}

/// Those first that tell which answer it is and how many more there may be.
fn by_weight(head: &Head) -> impl Iterator<Item = &(String, String)> {
    let is_weighty = |(name, _): &&(String, String)| {
        ["generation", "ratelimit", "retry-after", "request-id"].iter().any(|word| name.contains(word))
    };
    head.headers.iter().filter(is_weighty).chain(head.headers.iter().filter(move |header| !is_weighty(header)))
}

fn comment(words: &str) -> String {
    format!(": {words}").trim_end().to_owned()
}

fn add_body(rows: &mut Vec<Row>, nth: usize, json: &str, cut: usize) {
    let indented = indented(json);
    rows.extend(indented.lines().map(|line| Row::new(Kind::Body, nth, line)));
    add_cut(rows, nth, cut);
}

fn add_cut(rows: &mut Vec<Row>, nth: usize, cut: usize) {
    if cut > 0 {
        rows.push(Row::new(Kind::Gap, nth, &format!("{} kB more were not kept", cut.div_ceil(1000))));
    }
}

fn time(began: Timestamp, at: Timestamp) -> String {
    let milliseconds = at.duration_since(began).as_millis().max(0);
    format!("+{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

fn name(payload: &str) -> String {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow)]
        object: Option<Cow<'a, str>>,
        error: Option<serde::de::IgnoredAny>,
    }
    match serde_json::from_str::<Typed>(payload) {
        Ok(Typed { kind: Some(kind), .. } | Typed { object: Some(kind), .. }) => one_line(&kind),
        Ok(Typed { error: Some(_), .. }) => "error".into(),
        Ok(Typed { .. }) => "no type".into(),
        Err(_) => "no JSON".into(),
    }
}

/// The payload without its type where that comes first: it stands before it on the row.
fn without_name(payload: &str) -> Cow<'_, str> {
    let rest = payload.trim_start().strip_prefix(r#"{"type":"#).and_then(|rest| {
        let (name, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        let rest = rest.trim_start();
        (!name.contains('\\')).then(|| rest.strip_prefix(',').unwrap_or(rest).trim_start())
    });
    rest.map_or(Cow::Borrowed(payload), |rest| Cow::Owned(format!("{{{rest}")))
}

fn one_line(text: &str) -> String {
    let clean = text::clean(text);
    if clean.contains('\n') { clean.replace('\n', " ") } else { clean.into_owned() }
}

/// A row in pieces of that width; what follows the first is set in as far.
fn wrapped(row: Row, width: usize) -> Vec<Row> {
    let before = if row.name.is_empty() { 0 } else { text::width(&row.name) + 2 };
    if before + text::width(&row.text) <= width {
        return vec![row];
    }
    let indent = row.text.len() - row.text.trim_start_matches(' ').len();
    let indent = if indent * 2 > width { 0 } else { indent };
    let mut rest = row.text.as_str();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let lead = if rows.is_empty() { String::new() } else { " ".repeat(indent) };
        let room = width.saturating_sub(if rows.is_empty() { before } else { indent }).max(2);
        let end = match text::prefix(rest, room) {
            0 => text::clusters(rest).next().map_or(rest.len(), str::len),
            end => end,
        };
        let name = if rows.is_empty() { row.name.clone() } else { String::new() };
        rows.push(Row { name, text: lead + &rest[..end], ..row.clone() });
        rest = &rest[end..];
    }
    rows
}

/// JSON, whole or cut, with a line for each member; its strings and numbers stay as they are.
pub fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut chars = json.trim().chars().peekable();
    while let Some(char) = chars.next() {
        if in_string {
            out.push(char);
            in_string = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '"' => {
                in_string = true;
                out.push(char);
            }
            '{' | '[' => {
                out.push(char);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            char if char.is_ascii_whitespace() => (),
            char => out.push(char),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(40)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_is_indented_member_by_member_even_when_it_was_cut() {
        insta::assert_snapshot!(indented(r#" {"a":[1,-2.5e3,{}],"b":"x, \"y\": {","c":{"d":[]}} "#), @r#"
        {
          "a": [
            1,
            -2.5e3,
            {}
          ],
          "b": "x, \"y\": {",
          "c": {
            "d": []
          }
        }
        "#);
        insta::assert_snapshot!(indented(r#"{"a":["cut he"#), @r#"
        {
          "a": [
            "cut he
        "#);
    }

    proptest! {
        #[test]
        fn indented_json_means_the_same(json in r#"\{"[a-z]{0,3}":(null|[0-9]|"[ -~&&[^"\\]]{0,9}"|\[1,"x"\])(,"b":\{"c":true\})?\}"#) {
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            prop_assert_eq!(parse(&indented(&json)), parse(&json));
        }

        #[test]
        fn anything_at_all_can_be_indented_and_named(text in ".{0,60}") {
            indented(&text);
            name(&text);
        }
    }
}
