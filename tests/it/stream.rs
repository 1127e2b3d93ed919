//! From the bytes of a stream to the items of an answer, however the bytes are split.
//!
//! `tests/streams` has a stream for every form that servers use, with our own texts. Recordings of real servers are
//! read too if they are beside the project.

mod decoder;
mod journal_replay;
#[cfg(unix)]
mod many_items;
mod real_recordings;

use std::{fmt::Write as _, fs, path::Path};

use ibid::{
    api::{
        Event,
        sse::{SseDecoder, SseFrame},
    },
    chat::{Answer, ItemKind, Timestamp, answer::ContentPart},
};

/// Returns the composed streams and bodies, by name.
fn composed_streams() -> Vec<(String, Vec<u8>)> {
    let streams = read_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams"), &["sse", "json"]);
    assert!(streams.len() > 40, "the composed streams are present");
    streams
}

fn read_files(folder: &Path, kinds: &[&str]) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kinds.iter().any(|known| kind == *known)))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a readable file"))
        })
        .collect();
    files.sort();
    files
}

/// A frame that owns its data.
#[derive(Debug, Clone, PartialEq)]
enum OwnedFrame {
    Data(String),
    Comment,
    Done,
    TooLong,
}

fn decode_frames<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<OwnedFrame> {
    let mut frames = Vec::new();
    let mut decoder = SseDecoder::default();
    let mut collect = |frame: SseFrame<'_>| {
        frames.push(match frame {
            SseFrame::Data(json) | SseFrame::Stray(json) => OwnedFrame::Data(json),
            SseFrame::Comment(_) => OwnedFrame::Comment,
            SseFrame::Done => OwnedFrame::Done,
            SseFrame::TooLong => OwnedFrame::TooLong,
        });
    };
    for chunk in chunks {
        decoder.push(chunk, &mut collect);
    }
    decoder.finish(&mut collect);
    frames
}

/// Returns the events of a stream, or the single event of a body.
fn parse_events(name: &str, bytes: &[u8]) -> Vec<Event> {
    if is_body(name) {
        return vec![Event::parse(String::from_utf8_lossy(bytes).trim())];
    }
    events_of_frames(&decode_frames([bytes]))
}

fn is_body(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind == "json")
}

fn events_of_frames(frames: &[OwnedFrame]) -> Vec<Event> {
    let events = frames.iter().map(|frame| match frame {
        OwnedFrame::Data(json) => Some(Event::parse(json)),
        OwnedFrame::Comment => Some(Event::KeepAlive),
        OwnedFrame::Done => None,
        OwnedFrame::TooLong => panic!("no frame here is too long"),
    });
    events.take_while(Option::is_some).flatten().collect()
}

/// Returns the time of an event: one every tenth of a second.
fn event_time(event: usize) -> Timestamp {
    let tenths = i64::try_from(event).expect("there are few events");
    Timestamp::from_millisecond(1_790_000_000_000 + tenths * 100).expect("a valid time")
}

fn new_answer() -> Answer {
    Answer::new("openrouter", "some/model", event_time(0))
}

fn assemble(events: &[Event]) -> Answer {
    let mut answer = new_answer();
    for (number, event) in events.iter().enumerate() {
        answer.apply(0, event_time(number), event);
    }
    answer.finish(event_time(events.len()), Ok(()));
    answer
}

/// Describes an answer for the snapshots.
fn describe(answer: &Answer) -> String {
    let mut out = String::new();
    let mut push_line = |line: String| out.extend([line.as_str(), "\n"]);
    push_line(format!("by {}", answer.answered_by.as_deref().unwrap_or("nobody named")));
    for (slot, item) in &answer.items {
        let open = if item.closed_at.is_some() { "" } else { " (open)" };
        let raw = if item.raw.is_some() { "" } else { " (no raw form)" };
        let mut head = |words: String| push_line(format!("\n{}: {words}{open}{raw}", slot.index));
        match &*item.kind {
            ItemKind::Message { phase, .. } => {
                head(format!("message{}", phase.as_ref().map(|phase| format!(", {phase}")).unwrap_or_default()));
            }
            ItemKind::Reasoning(reasoning) => {
                head(if reasoning.has_encrypted { "reasoning, encrypted".into() } else { "reasoning".into() });
            }
            ItemKind::Call(call) => head(format!("call {} of {}: {:?}", call.call_id, call.name, call.arguments)),
            ItemKind::Search(search) => {
                head(format!("{} {}: {}", search.kind, search.status, search.query.as_deref().unwrap_or("no query")));
                search.urls.iter().for_each(|url| push_line(format!("   found {url}")));
            }
            ItemKind::Other { kind, status } => {
                head(format!("{kind} {}", status.as_deref().unwrap_or("without status")));
            }
        }
        match &*item.kind {
            ItemKind::Message { parts, .. } => parts.iter().for_each(|part| match part {
                ContentPart::Refusal(text) => push_line(format!("   refuses: {text:?}")),
                ContentPart::Text { text, annotations } => {
                    push_line(format!("   says: {text:?}"));
                    for note in annotations {
                        let place = note.start.zip(note.end).map_or("somewhere".into(), |(start, end)| {
                            let cited: String =
                                text.chars().skip(start as usize).take((end - start) as usize).collect();
                            format!("{start}..{end} {cited:?}")
                        });
                        let page = note.url.as_deref().or(note.filename.as_deref()).unwrap_or("nothing");
                        let title = note.title.as_deref().unwrap_or("no title");
                        let excerpt = note.content.as_deref().map(|text| format!(", {text:?}")).unwrap_or_default();
                        push_line(format!("   cites {page} ({title}{excerpt}) at {place}"));
                    }
                }
            }),
            ItemKind::Reasoning(reasoning) => {
                reasoning.summary.iter().for_each(|text| push_line(format!("   sums up: {text:?}")));
                reasoning.content.iter().for_each(|text| push_line(format!("   thinks: {text:?}")));
            }
            ItemKind::Call(_) | ItemKind::Search(_) | ItemKind::Other { .. } => (),
        }
    }
    let number = |count: Option<u64>| count.map_or("?".into(), |count| count.to_string());
    push_line(match &answer.usage {
        None => "\nusage unknown".into(),
        Some(usage) => format!(
            "\nusage: {} in ({} cached), {} out ({} reasoning), {}",
            number(usage.input_tokens),
            number(usage.cached_tokens),
            number(usage.output_tokens),
            number(usage.reasoning_tokens),
            usage.cost.as_ref().map_or("cost unknown".into(), |cost| format!("{cost} ({})", cost.digits())),
        ),
    });
    push_line(format!("generation: {}", answer.generation_ids().next_back().unwrap_or("none")));
    match &answer.end {
        ibid::chat::AnswerEnd::Failed(error) => {
            push_line(format!("failed: {:?}, {}", error.fault, error.message));
            let facts = (error.status, error.code.as_deref(), error.retry_after, error.provider.as_deref());
            push_line(format!("        {facts:?}, attempts {}", error.max_attempts()));
        }
        end => push_line(format!("end: {end:?}")),
    }
    out
}

/// Describes an answer in full, including its times and raw items, for comparisons.
fn describe_fully(answer: &Answer) -> String {
    let mut text = describe(answer);
    for (slot, item) in &answer.items {
        // The journal stores each event on one line.
        let raw = item.raw.as_ref().map(|raw| raw.get().replace(['\n', '\r'], " "));
        let _ = writeln!(text, "{slot:?} {} {:?} {raw:?} {:?}", item.opened_at, item.closed_at, item.kind);
    }
    let _ = write!(text, "{:?} {:?} {:?}", answer.first_text_at, answer.ended_at, answer.usage);
    text
}

#[test]
fn each_stream_is_assembled_as_expected() {
    for (name, bytes) in composed_streams() {
        let answer = assemble(&parse_events(&name, &bytes));
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../streams/expected");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.clone(), describe(&answer)));
    }
}

#[test]
fn the_items_are_the_same_when_decoded_byte_by_byte() {
    for (name, bytes) in composed_streams().iter().filter(|(name, _)| !is_body(name)) {
        let whole = assemble(&parse_events(name, bytes));
        let bytewise = assemble(&events_of_frames(&decode_frames(bytes.chunks(1))));
        assert_eq!(describe_fully(&whole), describe_fully(&bytewise), "{name}");
    }
}
