//! From the bytes of a stream to the items of an answer, however the bytes are cut.
//!
//! `tests/streams` has a stream for every shape that servers use, with our own texts. Where recordings of real servers
//! lie beside the project they are read as well.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::mpsc,
};

use ibid::{
    api::{
        Event,
        sse::{Decoder, Frame},
    },
    chat::{
        Answer, Body, Change, Conversation, Ids, Kind, Message, Settings, Timestamp,
        answer::Part,
        journal::{self, Journal},
    },
    store::{Job, Reply, Store, Ticket},
};
use proptest::prelude::*;
use serde_json::Value;

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
            Frame::Data(json) => Kept::Data(json.to_owned()),
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
        match &item.kind {
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
        match &item.kind {
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
    say(format!("generation: {}", answer.generation.as_deref().unwrap_or("none")));
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

/// Whether these chunks give exactly these frames; nothing is copied, for it is asked at every cut of every stream.
fn decodes_to(expected: &[Kept], chunks: [&[u8]; 2]) -> bool {
    let mut rest = expected.iter();
    let mut same = true;
    let mut decoder = Decoder::default();
    let mut compare = |frame: Frame<'_>| {
        same &= match (rest.next(), frame) {
            (Some(Kept::Data(expected)), Frame::Data(json)) => expected == json,
            (Some(Kept::Comment), Frame::Comment(_))
            | (Some(Kept::Done), Frame::Done)
            | (Some(Kept::TooLong), Frame::TooLong) => true,
            _ => false,
        };
    };
    for chunk in chunks {
        decoder.push(chunk, &mut compare);
    }
    decoder.finish(&mut compare);
    same && rest.next().is_none()
}

#[test]
fn the_decoder_gives_the_same_frames_at_every_cut_and_byte_by_byte() {
    for (name, bytes) in composed().iter().filter(|(name, _)| !is_body(name)) {
        let whole = decode([bytes.as_slice()]);
        assert!(whole.len() > 3, "{name} has frames");
        for cut in 0..=bytes.len() {
            assert!(decodes_to(&whole, [&bytes[..cut], &bytes[cut..]]), "{name} cut at {cut}");
        }
        assert_eq!(decode(bytes.chunks(1)), whole, "{name} byte by byte");
    }
}

/// Other servers name their events, end lines in CRLF and send comments where they like: nothing of it matters.
#[test]
fn the_decoder_does_not_mind_the_habits_of_other_servers() {
    for (name, bytes) in composed().iter().filter(|(name, _)| !is_body(name)) {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let text = text.replace("\r\n", "\n");
        let data = |text: &str| -> Vec<Kept> {
            decode([text.as_bytes()]).into_iter().filter(|frame| *frame != Kept::Comment).collect()
        };
        let expected = data(&text);
        for (habit, other) in [
            ("CRLF", text.replace('\n', "\r\n")),
            ("CR", text.replace('\n', "\r")),
            ("event lines", text.replace("data: {", "event: response.something\ndata: {")),
            ("comments", text.replace('\n', "\n: still here\n")),
            ("no space", text.replace("data: ", "data:")),
            ("a byte order mark", format!("\u{feff}{text}")),
        ] {
            // A comment within an event of two lines does not end it, but a blank line that it splits does nothing.
            assert_eq!(data(&other), expected, "{name} with {habit}");
        }
    }
}

#[test]
fn each_stream_is_told_as_a_reader_of_its_file_expects() {
    for (name, bytes) in composed() {
        let answer = assembled(&events(&name, &bytes));
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("streams/expected");
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

/// At every event boundary the journal so far is replayed, as after a crash, and then the rest comes.
#[test]
fn an_answer_that_is_replayed_at_any_event_boundary_ends_the_same() {
    for (name, bytes) in composed() {
        let events = events(&name, &bytes);
        let whole = all_of(&assembled(&events));
        for boundary in 0..=events.len() {
            let mut journal = Journal::default();
            let mut live = blank();
            for (number, event) in events[..boundary].iter().enumerate() {
                live.apply(0, at(number), event);
                journal.push(0, at(number), event);
            }
            let mut replayed = blank();
            journal::replay(&mut replayed, &journal.take().unwrap_or_default());
            assert_eq!(all_of(&replayed), all_of(&live), "{name} replayed after {boundary} events");
            if events[boundary..]
                .iter()
                .chain(&events[..boundary])
                .any(|event| matches!(event, Event::Unreadable { .. } | Event::Other { .. }))
            {
                // What was strange is not journalled, and it only matters to an answer that never began.
                continue;
            }
            for (number, event) in events.iter().enumerate().skip(boundary) {
                replayed.apply(0, at(number), event);
            }
            replayed.finish(at(events.len()), Ok(()));
            assert_eq!(all_of(&replayed), whole, "{name} replayed after {boundary} events, then continued");
        }
    }
}

/// Answers as another run reads them from the disk.
fn restarted(answers: &[Answer]) -> Vec<Answer> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (replies, said) = mpsc::channel();
    let open = || {
        let replies = replies.clone();
        Store::open(&folder.path().join("ibid.db"), move |reply| {
            let _ = replies.send(reply); // The test may be over.
        })
    };
    let mut ids = Ids::new(1);
    let chat = Conversation::new(ids.conversation(at(0)), Settings::default(), at(0));
    let mut changes = vec![Change::Conversation(Box::new(chat.header()))];
    changes.extend(answers.iter().map(|answer| {
        let body = Body::Answer(answer.clone());
        let message = Message { id: ids.message(at(0)), parent: None, at: at(0), rev: 0, body };
        Change::Message { conversation: chat.id, message: Box::new(message) }
    }));
    open().send(Job::Save { ticket: Ticket(1), changes }); // Dropping it waits for the disk.
    open().send(Job::Load(chat.id));
    let loaded = said.iter().find_map(|reply| match reply {
        Reply::Loaded(chat) => Some(*chat),
        Reply::NotSaved { error, .. } | Reply::NotLoaded { error, .. } | Reply::Broken(error) => panic!("{error}"),
        _ => None,
    });
    let messages = loaded.expect("it is on the disk").messages;
    messages.values().map(|message| message.answer().expect("an answer").clone()).collect()
}

/// The store keeps a half item as what came of it; read back it is the same item, and not taken for the server's own.
#[test]
fn every_item_survives_the_way_to_the_disk_and_back() {
    for (name, bytes) in composed() {
        let events = events(&name, &bytes);
        let answers: Vec<Answer> = (0..=events.len()).map(|end| assembled(&events[..end])).collect();
        for (before, after) in answers.iter().zip(restarted(&answers)) {
            assert_eq!(all_of(&after), all_of(before), "{name}");
            for (slot, item) in &before.items {
                assert_eq!(after.items[slot].raw.is_some(), item.raw.is_some(), "{name}: {item:?}");
            }
        }
    }
}

#[test]
fn a_citation_that_comes_behind_its_message_is_kept() {
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Four legs.","annotations":[]}]}}"#;
    let page = r#""annotation":{"type":"url_citation","url":"https://example.org","title":"Legs","start_index":0,"end_index":4}"#;
    for whose in [r#""output_index":0,"#, r#""item_id":"m","#, ""] {
        let cited = format!(r#"{{"type":"response.output_text.annotation.added",{whose}{page}}}"#);
        let answer = assembled(&[done, &cited].map(Event::parse));
        assert_eq!((answer.items.len(), answer.annotations().count()), (1, 1), "{whose}: {answer:?}");
        let after = restarted(std::slice::from_ref(&answer)).remove(0);
        assert_eq!(all_of(&after), all_of(&answer), "{whose}");
        let mut journal = Journal::default();
        for json in [done, &cited] {
            journal.push(0, at(0), &Event::parse(json));
        }
        let mut killed = blank();
        journal::replay(&mut killed, &journal.take().expect("lines"));
        assert_eq!(killed.annotations().collect::<Vec<_>>(), answer.annotations().collect::<Vec<_>>(), "{whose}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a bad connection does to a stream: no panic, one end, and the journal tells the same story.
    #[test]
    fn a_mangled_stream_still_has_one_end_and_replays(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
        takes in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let streams = composed();
        let (name, bytes) = which.get(&streams);
        let mut events = events(name, bytes);
        for (change, one, other) in changes {
            if events.is_empty() {
                break;
            }
            let (one, other) = (one.index(events.len()), other.index(events.len()));
            match change {
                0 => drop(events.remove(one)),
                1 => events.insert(other, events[one].clone()),
                2 => events.swap(one, other),
                3 => events.truncate(one + 1),
                _ => events.insert(one, Event::parse("{\"type\":\"response.out")),
            }
        }
        let takes: Vec<_> = takes.iter().map(|take| take.index(events.len() + 1)).collect();
        let (mut journal, mut lines, mut live) = (Journal::default(), String::new(), blank());
        let mut ends = 0;
        for (number, event) in events.iter().enumerate() {
            let was_over = live.is_over();
            ends += usize::from(live.apply(0, at(number), event).over && !was_over);
            journal.push(0, at(number), event);
            if takes.contains(&number) {
                lines.extend(journal.take());
            }
        }
        lines.extend(journal.take());
        prop_assert!(ends <= 1);
        let mut replayed = blank();
        journal::replay(&mut replayed, &lines);
        prop_assert_eq!(all_of(&replayed), all_of(&live));
        live.finish(at(events.len()), Ok(()));
        prop_assert!(live.is_over());
        let end = live.end.clone();
        live.finish(at(events.len() + 1), Ok(()));
        live.stop(at(events.len() + 1));
        live.interrupt(at(events.len() + 1));
        prop_assert_eq!(live.end, end);
    }
}

/// The folder with recordings of real servers, where it lies beside the project.
fn beside(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    // Not with `eprintln`, which a passing test swallows.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} does not lie beside the project", path.display());
    None
}

/// What a file says of an answer, found without any of our code but a JSON parser.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    reasoning: String,
    calls: Vec<(String, String)>,
    citations: usize,
    cost: Option<String>,
    failed: bool,
}

fn facts_of_file(payloads: &[Value]) -> Facts {
    let last = payloads.iter().rev().find(|event| {
        ["response.completed", "response.incomplete", "response.failed"].iter().any(|kind| event["type"] == *kind)
    });
    let response =
        last.map(|event| &event["response"]).or_else(|| payloads.iter().find(|body| body["object"] == "response"));
    let mut output: Vec<Value> =
        response.and_then(|response| response["output"].as_array()).cloned().unwrap_or_default();
    // What was closed while it streamed counts more than the copy at the end.
    for event in payloads.iter().filter(|event| event["type"] == "response.output_item.done") {
        let index = usize::try_from(event["output_index"].as_u64().unwrap_or(0)).expect("an index");
        if index >= output.len() {
            output.resize(index + 1, Value::Null);
        }
        output[index] = event["item"].clone();
    }
    let mut facts = Facts {
        failed: last.is_some_and(|event| event["type"] == "response.failed")
            || payloads.iter().any(|event| !event["error"].is_null() && event["object"] != "response"),
        cost: response.map(|response| response["usage"]["cost"].to_string()).filter(|cost| cost != "null"),
        ..Facts::default()
    };
    let texts = |list: &Value| -> String {
        list.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
    };
    for item in &output {
        match item["type"].as_str() {
            Some("message") => {
                facts.text += &texts(&item["content"]);
                for part in item["content"].as_array().into_iter().flatten() {
                    let mut known: Vec<&Value> = part["annotations"].as_array().into_iter().flatten().collect();
                    known.dedup_by_key(|note| {
                        (note["start_index"].clone(), note["end_index"].clone(), note["url"].clone())
                    });
                    facts.citations += known.len();
                }
            }
            Some("reasoning") => {
                facts.reasoning += &texts(&item["summary"]);
                facts.reasoning += &texts(&item["content"]);
            }
            Some("function_call") => facts.calls.push((
                item["name"].as_str().expect("a name").to_owned(),
                item["arguments"].as_str().expect("arguments").to_owned(),
            )),
            Some("custom_tool_call") => facts.calls.push((
                item["name"].as_str().expect("a name").to_owned(),
                item["input"].as_str().expect("an input").to_owned(),
            )),
            _ => (),
        }
    }
    facts
}

fn facts_of_answer(answer: &Answer) -> Facts {
    let mut facts = Facts {
        failed: matches!(answer.end, ibid::chat::End::Failed(_)),
        cost: answer.usage.as_ref().and_then(|usage| usage.cost.as_ref()).map(|cost| {
            let digits: Value = serde_json::from_str(cost.digits()).expect("the server's digits");
            digits.to_string()
        }),
        citations: answer.annotations().count(),
        ..Facts::default()
    };
    for item in answer.items.values() {
        match &item.kind {
            Kind::Message { parts, .. } => {
                for part in parts {
                    if let Part::Text { text, .. } = part {
                        facts.text += text;
                    }
                }
            }
            Kind::Reasoning(reasoning) => facts.reasoning.extend(reasoning.texts()),
            Kind::Call(call) => facts.calls.push((call.name.clone(), call.arguments.clone())),
            Kind::Search(_) | Kind::Other { .. } => (),
        }
    }
    facts
}

#[test]
fn recorded_streams_give_what_their_files_say() {
    for folder in ["recordings", "examples"] {
        let Some(path) = beside(folder) else { continue };
        let mut read = 0;
        for (name, bytes) in files(&path, &["sse", "jsonl"]) {
            if name == "real-error-bodies.jsonl" {
                continue;
            }
            // A `.jsonl` is a stream whose frames were taken off; they are put on again.
            let bytes = if Path::new(&name).extension().is_some_and(|kind| kind == "jsonl") {
                let text = String::from_utf8(bytes).expect("text");
                text.lines().flat_map(|line| ["data: ", line, "\n\n"]).collect::<String>().into_bytes()
            } else {
                bytes
            };
            let frames = decode([bytes.as_slice()]);
            // Everywhere would take minutes for the long ones: an odd step meets every kind of place.
            for cut in (0..=bytes.len()).step_by(bytes.len() / 300 + 1) {
                assert!(decodes_to(&frames, [&bytes[..cut], &bytes[cut..]]), "{name} cut at {cut}");
            }
            assert!(decode(bytes.chunks(1)) == frames, "{name} byte by byte");
            let payloads: Vec<Value> = String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
                .collect();
            check_responses(&name, &events_of(&frames), &payloads);
            read += 1;
        }
        for (name, bytes) in
            files(&path, &["json"]).iter().filter(|(name, _)| name.starts_with("or-") && name.contains("nonstream"))
        {
            let payload: Value = serde_json::from_slice(bytes).expect("a body");
            check_responses(name, &events(name, bytes), &[payload]);
            read += 1;
        }
        assert!(read >= 8, "{folder} has streams");
    }
}

/// A file may have several responses of one tool loop, each a step of the same answer.
fn check_responses(name: &str, events: &[Event], payloads: &[Value]) {
    if name.starts_with("orchat-web-search") {
        // The chat API speaks another language; that is said, and nothing is made up.
        let answer = assembled(events);
        assert!(
            matches!(&answer.end, ibid::chat::End::Failed(error) if error.fault == ibid::api::Fault::Garbage),
            "{name}"
        );
        return;
    }
    let is_begin = |kind: Option<&str>| kind == Some("response.created");
    let starts: Vec<_> = (0..payloads.len()).filter(|at| is_begin(payloads[*at]["type"].as_str())).collect();
    let steps = starts.len().max(1);
    let events: Vec<_> = events.iter().filter(|event| !matches!(event, Event::KeepAlive)).collect();
    assert_eq!(events.len(), payloads.len(), "{name}: every payload is an event");
    let mut answer = blank();
    for step in 0..steps {
        let from = starts.get(step).copied().unwrap_or(0);
        let to = starts.get(step + 1).copied().unwrap_or(payloads.len());
        let number = u32::try_from(step).expect("few steps");
        let mut ends = 0;
        for (count, event) in events[from..to].iter().enumerate() {
            assert!(!matches!(event, Event::Unreadable { .. }), "{name}: {event:?}");
            let was_over = answer.is_over() && count > 0;
            ends += usize::from(answer.apply(number, at(from + count), event).over && !was_over);
        }
        assert_eq!(ends, 1, "{name} ends once");
        let mut of_step = answer.clone();
        of_step.items.retain(|slot, _| slot.step == number);
        let mut ours = facts_of_answer(&of_step);
        let mut theirs = facts_of_file(&payloads[from..to]);
        if steps > 1 {
            // The usage of an answer is that of all its steps.
            (ours.cost, theirs.cost) = (None, None);
        }
        if payloads[from..to].iter().any(|event| event["type"] == "response.failed") || theirs.failed {
            // The partial text of a failure stands in its deltas, not always in its last event.
            theirs.text = payloads[from..to]
                .iter()
                .filter(|event| event["type"] == "response.output_text.delta")
                .filter_map(|event| event["delta"].as_str())
                .collect();
        }
        assert_eq!(ours, theirs, "{name}, response {step}");
        for item in of_step.items.values().filter(|_| !theirs.failed) {
            let raw: Value = serde_json::from_str(item.raw.as_ref().expect("a raw item").get()).expect("JSON");
            let sent = payloads[from..to].iter().any(|event| event["item"] == raw);
            let listed = payloads[from..to].iter().any(|event| {
                let output = if event["response"].is_null() { &event["output"] } else { &event["response"]["output"] };
                output.as_array().is_some_and(|output| output.contains(&raw))
            });
            assert!(sent || listed, "{name}: an item is kept as it was sent");
        }
    }
}
