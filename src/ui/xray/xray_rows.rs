//! The rows of a recording: each request with its headers and its body, and one row for each event.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    api::ResponseHead,
    chat::{
        Timestamp, WireRecording,
        recording::{FrameContent, RecordedFrame},
    },
    text::{self, SearchNeedle},
};

/// A row of clean text; it may be wider than the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct XrayRow {
    pub kind: XrayRowKind,
    /// The time of arrival, for an event.
    pub time: String,
    /// The name of a header or of an event.
    pub name: String,
    pub text: String,
    /// The index of the row's frame in the recording.
    pub frame_index: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XrayRowKind {
    /// The address of a request.
    Address,
    Header,
    Body,
    /// The status and headers of a response, on one row.
    Response,
    Event,
    /// A keep-alive comment between events.
    Comment,
    Failure,
    /// A gap in the recording.
    Gap,
    Blank,
}

/// Whether a row belongs to a request or to its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XraySection {
    Request,
    Events,
}

/// The most bytes of an event's payload that its row shows; all of it is searched and can be opened.
pub(super) const MAX_SHOWN_BYTES: usize = 600;

impl XrayRow {
    fn new(kind: XrayRowKind, frame_index: usize, text: &str) -> Self {
        Self {
            kind,
            time: String::new(),
            name: String::new(),
            text: text::join_lines(text),
            frame_index: Some(frame_index),
        }
    }

    fn blank() -> Self {
        Self {
            kind: XrayRowKind::Blank,
            time: String::new(),
            name: String::new(),
            text: String::new(),
            frame_index: None,
        }
    }

    pub(super) fn matches(&self, needle: &SearchNeedle) -> bool {
        needle.find_from(&self.name, 0).is_some() || needle.find_from(&self.text, 0).is_some()
    }

    pub(super) fn section(&self) -> Option<XraySection> {
        match self.kind {
            XrayRowKind::Address | XrayRowKind::Header | XrayRowKind::Body => Some(XraySection::Request),
            XrayRowKind::Response
            | XrayRowKind::Event
            | XrayRowKind::Comment
            | XrayRowKind::Failure
            | XrayRowKind::Gap => Some(XraySection::Events),
            XrayRowKind::Blank => None,
        }
    }
}

/// Builds the rows of a recording.
pub(super) fn build_rows(recording: &WireRecording) -> Vec<XrayRow> {
    let (head, tail) = recording.head_and_tail();
    let start = recording_start(recording);
    let mut rows = Vec::new();
    for (frame_index, frame) in head.iter().enumerate() {
        push_frame(&mut rows, frame_index, frame, start);
    }
    if recording.dropped.pieces > 0 {
        let dropped = recording.dropped;
        let text = format!("{} more events, {} kB, were not recorded", dropped.pieces, dropped.bytes.div_ceil(1000));
        rows.push(XrayRow { kind: XrayRowKind::Gap, text, ..XrayRow::blank() });
    }
    for (nth, piece) in (head.len()..).zip(tail) {
        push_frame(&mut rows, nth, piece, start);
    }
    rows
}

/// One frame in full, in rows of this width.
pub(super) fn frame_rows(recording: &WireRecording, frame_index: usize, width: u16) -> Vec<XrayRow> {
    let Some(frame) = recording.frames().nth(frame_index) else { return Vec::new() };
    let mut rows = Vec::new();
    match &frame.what {
        FrameContent::Sent(_) => push_request(&mut rows, frame_index, frame),
        FrameContent::Answered(head) => push_head(&mut rows, frame_index, head, frame.cut),
        FrameContent::Received(payload) => push_body(&mut rows, frame_index, payload, frame.cut),
        FrameContent::Comment(words) => {
            rows.push(XrayRow::new(XrayRowKind::Comment, frame_index, &comment_text(words)));
        }
        FrameContent::Failed(why) => rows.push(XrayRow::new(XrayRowKind::Failure, frame_index, why)),
    }
    rows.into_iter().flat_map(|row| wrap_row(row, usize::from(width.max(8)))).collect()
}

/// The title of an opened frame.
pub(super) fn frame_title(recording: &WireRecording, frame_index: usize) -> String {
    let Some(frame) = recording.frames().nth(frame_index) else { return String::new() };
    let time = relative_time(recording_start(recording), frame.at);
    let name = match &frame.what {
        FrameContent::Sent(_) => "Request".into(),
        FrameContent::Answered(_) => "Headers".into(),
        FrameContent::Received(payload) => event_name(payload),
        FrameContent::Comment(_) => "Comment".into(),
        FrameContent::Failed(_) => "Failure".into(),
    };
    format!("{name}  {time}")
}

fn recording_start(recording: &WireRecording) -> Timestamp {
    recording.frames().next().map(|piece| piece.at).unwrap_or_default()
}

fn push_frame(rows: &mut Vec<XrayRow>, frame_index: usize, frame: &RecordedFrame, start: Timestamp) {
    match &frame.what {
        FrameContent::Sent(_) => {
            if !rows.is_empty() {
                rows.push(XrayRow::blank());
            }
            push_request(rows, frame_index, frame);
            rows.push(XrayRow::blank());
        }
        FrameContent::Answered(head) => {
            let headers: Vec<_> = headers_by_importance(head).map(|(name, value)| format!("{name}: {value}")).collect();
            rows.push(XrayRow {
                time: relative_time(start, frame.at),
                name: head.status_text(),
                ..XrayRow::new(XrayRowKind::Response, frame_index, &headers.join("  "))
            });
        }
        FrameContent::Comment(words) => {
            rows.push(XrayRow {
                time: relative_time(start, frame.at),
                ..XrayRow::new(XrayRowKind::Comment, frame_index, &comment_text(words))
            });
        }
        FrameContent::Received(payload) => rows.push(XrayRow {
            time: relative_time(start, frame.at),
            name: event_name(payload),
            ..XrayRow::new(XrayRowKind::Event, frame_index, &without_type(payload))
        }),
        FrameContent::Failed(why) => rows.push(XrayRow {
            time: relative_time(start, frame.at),
            ..XrayRow::new(XrayRowKind::Failure, frame_index, why)
        }),
    }
}

fn push_request(rows: &mut Vec<XrayRow>, frame_index: usize, frame: &RecordedFrame) {
    let FrameContent::Sent(sent) = &frame.what else { return };
    rows.push(XrayRow { name: "POST".into(), ..XrayRow::new(XrayRowKind::Address, frame_index, &sent.url) });
    for (name, value) in &sent.headers {
        rows.push(XrayRow { name: text::join_lines(name), ..XrayRow::new(XrayRowKind::Header, frame_index, value) });
    }
    rows.push(XrayRow::blank());
    push_body(rows, frame_index, &sent.body, frame.cut);
}

fn push_head(rows: &mut Vec<XrayRow>, frame_index: usize, head: &ResponseHead, cut: usize) {
    rows.push(XrayRow { name: head.status_text(), ..XrayRow::new(XrayRowKind::Response, frame_index, "") });
    for (name, value) in headers_by_importance(head) {
        rows.push(XrayRow { name: text::join_lines(name), ..XrayRow::new(XrayRowKind::Header, frame_index, value) });
    }
    push_cut(rows, frame_index, cut);
}

/// The headers of a response. Those that identify it, or concern rate limits, come first.
fn headers_by_importance(head: &ResponseHead) -> impl Iterator<Item = &(String, String)> {
    let is_important = |(name, _): &&(String, String)| {
        ["generation", "ratelimit", "retry-after", "request-id"].iter().any(|word| name.contains(word))
    };
    head.headers.iter().filter(is_important).chain(head.headers.iter().filter(move |header| !is_important(header)))
}

fn comment_text(words: &str) -> String {
    format!(": {words}").trim_end().to_owned()
}

fn push_body(rows: &mut Vec<XrayRow>, frame_index: usize, json: &str, cut: usize) {
    let indented = indent_json(json);
    rows.extend(indented.lines().map(|line| XrayRow::new(XrayRowKind::Body, frame_index, line)));
    push_cut(rows, frame_index, cut);
}

fn push_cut(rows: &mut Vec<XrayRow>, frame_index: usize, cut: usize) {
    if cut > 0 {
        rows.push(XrayRow::new(
            XrayRowKind::Gap,
            frame_index,
            &format!("{} kB more were not recorded", cut.div_ceil(1000)),
        ));
    }
}

fn relative_time(start: Timestamp, time: Timestamp) -> String {
    let milliseconds = time.duration_since(start).as_millis().max(0);
    format!("+{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

fn event_name(payload: &str) -> String {
    #[derive(Deserialize)]
    struct TypedPayload<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow)]
        object: Option<Cow<'a, str>>,
        error: Option<serde::de::IgnoredAny>,
    }
    match serde_json::from_str::<TypedPayload>(payload) {
        Ok(TypedPayload { kind: Some(kind), .. } | TypedPayload { object: Some(kind), .. }) => text::join_lines(&kind),
        Ok(TypedPayload { error: Some(_), .. }) => "error".into(),
        Ok(TypedPayload { .. }) => "no type".into(),
        Err(_) => "not JSON".into(),
    }
}

/// The payload without its type if that comes first, because the row shows the type before it.
fn without_type(payload: &str) -> Cow<'_, str> {
    let rest = payload.trim_start().strip_prefix(r#"{"type":"#).and_then(|rest| {
        let (name, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        let rest = rest.trim_start();
        (!name.contains('\\')).then(|| rest.strip_prefix(',').unwrap_or(rest).trim_start())
    });
    rest.map_or(Cow::Borrowed(payload), |rest| Cow::Owned(format!("{{{rest}")))
}

/// Wraps a row at this width; continuation rows have the same indent.
fn wrap_row(row: XrayRow, width: usize) -> Vec<XrayRow> {
    let name_width = if row.name.is_empty() { 0 } else { text::width(&row.name) + 2 };
    if name_width + text::width(&row.text) <= width {
        return vec![row];
    }
    let indent = row.text.len() - row.text.trim_start_matches(' ').len();
    let indent = if indent * 2 > width { 0 } else { indent };
    let mut rest = row.text.as_str();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let lead = if rows.is_empty() { String::new() } else { " ".repeat(indent) };
        let room = width.saturating_sub(if rows.is_empty() { name_width } else { indent }).max(2);
        let end = match text::prefix_len(rest, room) {
            0 => text::clusters(rest).next().map_or(rest.len(), str::len),
            end => end,
        };
        let name = if rows.is_empty() { row.name.clone() } else { String::new() };
        rows.push(XrayRow { name, text: lead + &rest[..end], ..row.clone() });
        rest = &rest[end..];
    }
    rows
}

/// Indents JSON, with a line for each member. The JSON may be cut; strings and numbers stay as they are.
pub(super) fn indent_json(json: &str) -> String {
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
    fn json_is_indented_member_by_member_even_if_cut() {
        insta::assert_snapshot!(indent_json(r#" {"a":[1,-2.5e3,{}],"b":"x, \"y\": {","c":{"d":[]}} "#), @r#"
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
        insta::assert_snapshot!(indent_json(r#"{"a":["cut he"#), @r#"
        {
          "a": [
            "cut he
        "#);
    }

    proptest! {
        #[test]
        fn indented_json_means_the_same(json in r#"\{"[a-z]{0,3}":(null|[0-9]|"[ -~&&[^"\\]]{0,9}"|\[1,"x"\])(,"b":\{"c":true\})?\}"#) {
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            prop_assert_eq!(parse(&indent_json(&json)), parse(&json));
        }

        #[test]
        fn any_text_can_be_indented_and_named(text in ".{0,60}") {
            indent_json(&text);
            event_name(&text);
        }
    }
}
