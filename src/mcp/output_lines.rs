//! The lines that a server prints, in bounded memory: which of them are messages of the protocol.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::replies::{MessageShape, TOO_LONG_CODE};
use crate::processes::BoundedOutput;

/// The longest message that is read, in bytes with its line end. It is as much as the SDK accepts, here and over HTTP.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// A line that is still longer has no end, and what follows counts as the next line.
const MAX_LINE_BYTES: usize = 16 * MAX_MESSAGE_BYTES;

/// How many bytes at each end of a message are searched for its id.
const ENVELOPE_BYTES: usize = 1 << 10;

/// How many bytes are shown of a line that is not a message.
const MAX_NOISE_BYTES: usize = 300;

/// In how many places of a line a message may begin, and how far from its beginning: a banner may stand before it.
const MAX_MESSAGE_STARTS: usize = 8;
const MAX_BANNER_BYTES: usize = 4096;

/// Reads lines, of which it keeps a beginning and an end.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    from: BufReader<R>,
    head_limit: usize,
    tail_limit: usize,
}

/// A line that a server printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OutputLine {
    Blank,
    /// Messages of the protocol, and what stands before them.
    Messages(Vec<Value>, String),
    /// A message that was dropped because it is too long. If it answers a request, this is an error answer instead.
    TooLong(Option<Value>),
    /// A line that has no end. Nothing after it can be understood.
    Endless,
    /// Anything else: its beginning.
    Noise(String),
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Reads lines that may be messages.
    pub(super) fn for_messages(from: R) -> Self {
        Self { from: buffered(from), head_limit: MAX_MESSAGE_BYTES - 1 - ENVELOPE_BYTES, tail_limit: ENVELOPE_BYTES }
    }

    /// Reads lines for a log, which shows only their beginnings.
    pub(super) fn for_log(from: R) -> Self {
        Self { from: buffered(from), head_limit: 4096, tail_limit: 0 }
    }

    /// Returns the next line without its end, or `None` at the end of the output.
    pub(super) async fn next_line(&mut self) -> Option<BoundedOutput> {
        let mut line = BoundedOutput::new(self.head_limit, self.tail_limit);
        while let Ok(bytes @ [_, ..]) = self.from.fill_buf().await {
            let end = memchr::memchr(b'\n', bytes);
            line.push(&bytes[..end.unwrap_or(bytes.len())]);
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.from.consume(used);
            if end.is_some() || line.total_bytes() >= MAX_LINE_BYTES {
                return Some(line);
            }
        }
        (line.total_bytes() > 0).then_some(line)
    }
}

fn buffered<R: AsyncRead>(from: R) -> BufReader<R> {
    BufReader::with_capacity(1 << 16, from)
}

impl OutputLine {
    pub(super) fn new(mut line: BoundedOutput) -> Self {
        let (is_too_long, is_endless) = (line.bytes_left_out() > 0, line.total_bytes() >= MAX_LINE_BYTES);
        let (head, tail) = line.ends();
        let start = head.trim_ascii_start();
        if is_endless {
            return Self::Endless;
        }
        if start.is_empty() && tail.trim_ascii_start().is_empty() {
            return Self::Blank;
        }
        if is_too_long {
            return match memchr::memchr(b'{', &start[..start.len().min(MAX_BANNER_BYTES)]) {
                Some(brace) => Self::TooLong(too_long_answer(&start[brace..], tail)),
                None => Self::Noise(beginning(&String::from_utf8_lossy(&start[..MAX_BANNER_BYTES]))),
            };
        }
        let bytes = line.into_bytes();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        match find_messages(text) {
            Some((messages, banner)) => Self::Messages(messages, beginning(banner)),
            None => Self::Noise(beginning(text)),
        }
    }
}

fn beginning(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_NOISE_BYTES)].trim_end().to_owned()
}

/// Finds the messages of a line, and what stands before the first.
fn find_messages(text: &str) -> Option<(Vec<Value>, &str)> {
    let head = &text.as_bytes()[..text.len().min(MAX_BANNER_BYTES)];
    memchr::memchr2_iter(b'{', b'[', head).take(MAX_MESSAGE_STARTS).find_map(|start| {
        let values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>().map_while(Result::ok);
        let values = values.flat_map(|value| match value {
            Value::Array(all) => all,
            one => vec![one],
        });
        let messages: Vec<Value> = values.filter(|value| MessageShape::of(value).is_some()).collect();
        (!messages.is_empty()).then_some((messages, &text[..start]))
    })
}

/// Returns an error answer to the request that a message answers, given the beginning and the end of the message.
fn too_long_answer(head: &[u8], tail: &[u8]) -> Option<Value> {
    let id = answered_id(head, tail)?;
    let error = json!({ "code": TOO_LONG_CODE, "message": "its answer is larger than 16 MB" });
    Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

/// Returns the id of the request that a message answers. Servers write it before the result or after it.
fn answered_id(head: &[u8], tail: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    struct AnswerEnvelope {
        id: Value,
    }
    let head = String::from_utf8_lossy(&head[..head.len().min(ENVELOPE_BYTES)]);
    let (before, _) = head.split_once("\"result\"").or_else(|| head.split_once("\"error\""))?;
    if before.contains("\"method\"") {
        return None; // A request or a notification.
    }
    let tail = String::from_utf8_lossy(tail);
    let before = format!("{}}}", before.trim_end().trim_end_matches(','));
    // If this id belongs to a value within the result, more than one bracket follows, and it is no object.
    let after = tail.rfind("\"id\"").map(|start| format!("{{{}", &tail[start..]));
    let parse = |json: String| serde_json::from_str::<AnswerEnvelope>(&json).ok();
    parse(before).or_else(|| parse(after?)).map(|answer| answer.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(output: &[u8]) -> Vec<OutputLine> {
        let mut lines = LineReader::for_messages(output);
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().await {
            read.push(OutputLine::new(line));
        }
        read
    }

    async fn read_one(line: &str) -> OutputLine {
        read_all(line.as_bytes()).await.swap_remove(0)
    }

    #[tokio::test]
    async fn only_messages_pass_and_all_other_lines_are_noise() {
        let output = b"Listening on port 8\n \r\n  {\"jsonrpc\": \"2.0\", \"method\": \"ping\"}\r\n[1]\n\xff\xfe\n{ not json\n{\"level\": \"info\"}\n";
        let noise = |text: &str| OutputLine::Noise(text.into());
        let expected = [
            noise("Listening on port 8"),
            OutputLine::Blank,
            OutputLine::Messages(vec![json!({ "jsonrpc": "2.0", "method": "ping" })], String::new()),
            noise("[1]"),
            noise("\u{fffd}\u{fffd}"),
            noise("{ not json"),
            noise("{\"level\": \"info\"}"),
        ];
        assert_eq!(read_all(output).await, expected);
        assert_eq!(read_all(b"no line end").await, [noise("no line end")]);
        assert_eq!(read_one(&"x".repeat(100_000)).await, noise(&"x".repeat(MAX_NOISE_BYTES)));
    }

    #[tokio::test]
    async fn a_message_is_found_behind_a_banner_and_beside_others() {
        let reply = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "result": {} });
        for (line, banner) in [
            (format!("Starting server... {}", reply(1)), "Starting server..."),
            (format!("\u{feff}{}", reply(1)), ""),
            (format!("[INFO] {{ready}} {}", reply(1)), "[INFO] {ready}"),
            (format!("{{\"level\": \"info\"}} {}", reply(1)), ""),
            (format!("{} done", reply(1)), ""),
            (format!("\u{1b}[2K{{}}{}", reply(1)), "\u{1b}[2K"),
        ] {
            assert_eq!(read_one(&line).await, OutputLine::Messages(vec![reply(1)], banner.into()), "{line}");
        }
        let both = OutputLine::Messages(vec![reply(1), reply(2)], String::new());
        assert_eq!(read_one(&format!("{}{}", reply(1), reply(2))).await, both);
        assert_eq!(read_one(&json!([reply(1), "x", reply(2)]).to_string()).await, both);
        let mut latin = reply(1).to_string().replace("{}", "{\"a\": \"?\"}").into_bytes();
        *latin.iter_mut().find(|byte| **byte == b'?').expect("there is one") = 0xe9;
        assert!(matches!(&read_all(&latin).await[..], [OutputLine::Messages(..)]), "one odd byte costs itself");
    }

    #[tokio::test]
    async fn a_message_passes_unchanged_up_to_the_limit() {
        let message = |line_bytes: usize| {
            let (start, end) = ("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"", "\"}\n");
            format!("{start}{}{end}", "é".repeat((line_bytes - start.len() - end.len()) / 2))
        };
        let longest = message(MAX_MESSAGE_BYTES);
        let read = serde_json::from_str(&longest).expect("it is JSON");
        assert!(
            read_one(&longest).await == OutputLine::Messages(vec![read], String::new()),
            "the longest message is passed on"
        );
        let OutputLine::TooLong(Some(answer)) = read_one(&message(MAX_MESSAGE_BYTES + 2)).await else {
            panic!("the message is longer than the limit")
        };
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(TOO_LONG_CODE)));
    }

    #[tokio::test]
    async fn the_id_of_a_long_answer_is_found_on_either_side_of_its_result() {
        let long = format!("[\"{}\"]", "\\\",\\\"id\\\":9".repeat(MAX_MESSAGE_BYTES / 8));
        let id = async |message: &str| {
            let line = message.replace("LONG", &long);
            let mut lines = LineReader::for_messages(line.as_bytes());
            let mut line = lines.next_line().await.expect("there is a line");
            assert!(line.bytes_left_out() > 0);
            let (head, tail) = line.ends();
            assert!(head.len() + tail.len() < MAX_MESSAGE_BYTES);
            answered_id(head, tail)
        };
        assert_eq!(id(r#"{"jsonrpc": "2.0", "id": 5, "result": {"a": LONG, "id": 9}}"#).await, Some(json!(5)));
        assert_eq!(id(r#"{"result": {"a": LONG, "id": 9}, "jsonrpc": "2.0", "id": "x"}"#).await, Some(json!("x")));
        assert_eq!(id(r#"{"result": {"a": LONG}, "id": 6, "jsonrpc": "2.0"}"#).await, Some(json!(6)));
        assert_eq!(id(r#"{"error": {"data": LONG}, "id": 6}"#).await, Some(json!(6)));
        // None of these answers a request that has this id.
        assert_eq!(id(r#"{"jsonrpc": "2.0", "result": [LONG, {"id": 9}]}"#).await, None);
        assert_eq!(id(r#"{"method": "m", "params": {"result": LONG}, "jsonrpc": "2.0", "id": 6}"#).await, None);
        assert_eq!(id(r#"{"jsonrpc": "2.0", "method": "m", "params": LONG}"#).await, None);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_read_for_ever() {
        let mut lines = LineReader::for_messages(tokio::io::repeat(b'{'));
        let line = lines.next_line().await.expect("it is given up");
        assert_eq!(OutputLine::new(line), OutputLine::Endless);
    }
}
