//! From the bytes of a stream to the items of an answer, however the bytes are cut.
//!
//! `tests/streams` has a stream for every shape that servers use, with our own texts. Where recordings of real servers
//! lie beside the project they are read as well.

mod decoder;
mod disk;
mod recorded;

use std::{fmt::Write as _, fs, path::Path};

use ibid::{
    api::{
        Event,
        sse::{Decoder, Frame},
    },
    chat::{Answer, Kind, Timestamp, answer::Part},
};

/// The composed streams and bodies, by name.
fn composed() -> Vec<(String, Vec<u8>)> {
    let streams = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams"), &["sse", "json"]);
    assert!(streams.len() > 40, "the composed streams are there");
    streams
}

fn files(folder: &Path, kinds: &[&str]) -> Vec<(String, Vec<u8>)> {
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

/// A frame, kept.
#[derive(Debug, Clone, PartialEq)]
enum Kept {
    Data(String),
    Comment,
    Done,
    TooLong,
}

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut decoder = Decoder::default();
    let mut keep = |frame: Frame<'_>| {
        kept.push(match frame {
            Frame::Data(json) => Kept::Data(json),
            Frame::Comment(_) => Kept::Comment,
            Frame::Done => Kept::Done,
            Frame::TooLong => Kept::TooLong,
        });
    };
    for chunk in chunks {
        decoder.push(chunk, &mut keep);
    }
    decoder.finish(&mut keep);
    kept
}

/// The events of a stream, or the one of a body that is none.
fn events(name: &str, bytes: &[u8]) -> Vec<Event> {
    if is_body(name) {
        return vec![Event::parse(String::from_utf8_lossy(bytes).trim())];
    }
    events_of(&decode([bytes]))
}

fn is_body(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind == "json")
}

fn events_of(frames: &[Kept]) -> Vec<Event> {
    let events = frames.iter().map(|frame| match frame {
        Kept::Data(json) => Some(Event::parse(json)),
        Kept::Comment => Some(Event::KeepAlive),
        Kept::Done => None,
        Kept::TooLong => panic!("no frame here is too long"),
    });
    events.take_while(Option::is_some).flatten().collect()
}

/// A tenth of a second for every event.
fn at(event: usize) -> Timestamp {
    let tenths = i64::try_from(event).expect("not so many events");
    Timestamp::from_millisecond(1_790_000_000_000 + tenths * 100).expect("a time")
}

fn blank() -> Answer {
    Answer::new("openrouter", "some/model", at(0))
}

fn assembled(events: &[Event]) -> Answer {
    let mut answer = blank();
    for (number, event) in events.iter().enumerate() {
        answer.apply(0, at(number), event);
    }
    answer.finish(at(events.len()), Ok(()));
    answer
}

/// An answer as a reader of its stream would tell it.
fn told(answer: &Answer) -> String {
    let mut told = String::new();
    let mut say = |line: String| told.extend([line.as_str(), "\n"]);
    say(format!("by {}", answer.answered_by.as_deref().unwrap_or("nobody named")));
    for (slot, item) in &answer.items {
        let open = if item.closed.is_some() { "" } else { " (open)" };
        let raw = if item.raw.is_some() { "" } else { " (no raw form)" };
        let mut head = |words: String| say(format!("\n{}: {words}{open}{raw}", slot.index));
        match &*item.kind {
            Kind::Message { phase, .. } => {
                head(format!("message{}", phase.as_ref().map(|phase| format!(", {phase}")).unwrap_or_default()));
            }
            Kind::Reasoning(reasoning) => {
                head(if reasoning.encrypted { "reasoning, encrypted".into() } else { "reasoning".into() });
            }
            Kind::Call(call) => head(format!("call {} of {}: {:?}", call.call_id, call.name, call.arguments)),
            Kind::Search(search) => {
                head(format!("{} {}: {}", search.kind, search.status, search.query.as_deref().unwrap_or("no query")));
                search.urls.iter().for_each(|url| say(format!("   found {url}")));
            }
            Kind::Other { kind, status } => head(format!("{kind} {}", status.as_deref().unwrap_or("without status"))),
        }
        match &*item.kind {
            Kind::Message { parts, .. } => parts.iter().for_each(|part| match part {
                Part::Refusal(text) => say(format!("   refuses: {text:?}")),
                Part::Text { text, annotations } => {
                    say(format!("   says: {text:?}"));
                    for note in annotations {
                        let place = note.start.zip(note.end).map_or("somewhere".into(), |(start, end)| {
                            let cited: String =
                                text.chars().skip(start as usize).take((end - start) as usize).collect();
                            format!("{start}..{end} {cited:?}")
                        });
                        let page = note.url.as_deref().or(note.filename.as_deref()).unwrap_or("nothing");
                        let title = note.title.as_deref().unwrap_or("no title");
                        let excerpt = note.content.as_deref().map(|text| format!(", {text:?}")).unwrap_or_default();
                        say(format!("   cites {page} ({title}{excerpt}) at {place}"));
                    }
                }
            }),
            Kind::Reasoning(reasoning) => {
                reasoning.summary.iter().for_each(|text| say(format!("   sums up: {text:?}")));
                reasoning.content.iter().for_each(|text| say(format!("   thinks: {text:?}")));
            }
            Kind::Call(_) | Kind::Search(_) | Kind::Other { .. } => (),
        }
    }
    let number = |count: Option<u64>| count.map_or("?".into(), |count| count.to_string());
    say(match &answer.usage {
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
    say(format!("generation: {}", answer.generations().next_back().unwrap_or("none")));
    match &answer.end {
        ibid::chat::End::Failed(error) => {
            say(format!("failed: {:?}, {}", error.fault, error.message));
            let facts = (error.status, error.code.as_deref(), error.retry_after, error.provider.as_deref());
            say(format!("        {facts:?}, attempts {}", error.attempts()));
        }
        end => say(format!("end: {end:?}")),
    }
    told
}

/// Everything of an answer, its times and raw items included, for comparisons.
fn all_of(answer: &Answer) -> String {
    let mut all = told(answer);
    for (slot, item) in &answer.items {
        // The journal keeps a line a line.
        let raw = item.raw.as_ref().map(|raw| raw.get().replace(['\n', '\r'], " "));
        let _ = writeln!(all, "{slot:?} {} {:?} {raw:?} {:?}", item.opened, item.closed, item.kind);
    }
    let _ = write!(all, "{:?} {:?} {:?}", answer.first_text, answer.ended, answer.usage);
    all
}

#[test]
fn each_stream_is_told_as_a_reader_of_its_file_expects() {
    for (name, bytes) in composed() {
        let answer = assembled(&events(&name, &bytes));
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../streams/expected");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.clone(), told(&answer)));
    }
}

#[test]
fn the_items_are_the_same_byte_by_byte() {
    for (name, bytes) in composed().iter().filter(|(name, _)| !is_body(name)) {
        let whole = assembled(&events(name, bytes));
        let bytewise = assembled(&events_of(&decode(bytes.chunks(1))));
        assert_eq!(all_of(&whole), all_of(&bytewise), "{name}");
    }
}
