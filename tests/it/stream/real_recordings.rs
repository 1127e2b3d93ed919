//! Recordings of real servers: our answers match facts extracted from the files without our code.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use ibid::{
    api::Event,
    chat::{Answer, ItemKind, answer::ContentPart},
};
use serde_json::Value;

use super::{
    assemble, decode_frames, decoder::decodes_to, event_time, events_of_frames, new_answer, parse_events, read_files,
};

/// Returns the folder with recordings of real servers, if it is beside the project.
fn reference_folder(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    // Not with `eprintln`, which a passing test swallows.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is not beside the project", path.display());
    None
}

/// The facts about an answer in a file, extracted with only a JSON parser.
#[derive(Debug, Default, PartialEq)]
struct AnswerFacts {
    text: String,
    reasoning: String,
    calls: Vec<(String, String)>,
    citations: usize,
    cost: Option<String>,
    failed: bool,
}

fn facts_of_file(payloads: &[Value]) -> AnswerFacts {
    let last = payloads.iter().rev().find(|event| {
        ["response.completed", "response.incomplete", "response.failed"].iter().any(|kind| event["type"] == *kind)
    });
    let response =
        last.map(|event| &event["response"]).or_else(|| payloads.iter().find(|body| body["object"] == "response"));
    let mut output: Vec<Value> =
        response.and_then(|response| response["output"].as_array()).cloned().unwrap_or_default();
    // The items closed during the stream take precedence over the copy at its end.
    for event in payloads.iter().filter(|event| event["type"] == "response.output_item.done") {
        let index = usize::try_from(event["output_index"].as_u64().unwrap_or(0)).expect("an index");
        if index >= output.len() {
            output.resize(index + 1, Value::Null);
        }
        output[index] = event["item"].clone();
    }
    let mut facts = AnswerFacts {
        failed: last.is_some_and(|event| event["type"] == "response.failed")
            || payloads.iter().any(|event| !event["error"].is_null() && event["object"] != "response"),
        cost: response.map(|response| response["usage"]["cost"].to_string()).filter(|cost| cost != "null"),
        ..AnswerFacts::default()
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

fn facts_of_answer(answer: &Answer) -> AnswerFacts {
    let mut facts = AnswerFacts {
        failed: matches!(answer.end, ibid::chat::AnswerEnd::Failed(_)),
        cost: answer.usage.as_ref().and_then(|usage| usage.cost.as_ref()).map(|cost| {
            let digits: Value = serde_json::from_str(cost.digits()).expect("the server's digits");
            digits.to_string()
        }),
        citations: answer.annotations().count(),
        ..AnswerFacts::default()
    };
    for item in answer.items.values() {
        match &*item.kind {
            ItemKind::Message { parts, .. } => {
                for part in parts {
                    if let ContentPart::Text { text, .. } = part {
                        facts.text += text;
                    }
                }
            }
            ItemKind::Reasoning(reasoning) => facts.reasoning.extend(reasoning.texts()),
            ItemKind::Call(call) => facts.calls.push((call.name.clone(), call.arguments.clone())),
            ItemKind::Search(_) | ItemKind::Other { .. } => (),
        }
    }
    facts
}

#[test]
fn recorded_streams_match_their_files() {
    for folder in ["recordings", "examples"] {
        let Some(path) = reference_folder(folder) else { continue };
        let mut read_count = 0;
        for (name, bytes) in read_files(&path, &["sse", "jsonl"]) {
            if name == "real-error-bodies.jsonl" {
                continue;
            }
            // A `.jsonl` file is a stream without its framing; this adds it again.
            let bytes = if Path::new(&name).extension().is_some_and(|kind| kind == "jsonl") {
                let text = String::from_utf8(bytes).expect("text");
                text.lines().flat_map(|line| ["data: ", line, "\n\n"]).collect::<String>().into_bytes()
            } else {
                bytes
            };
            let frames = decode_frames([bytes.as_slice()]);
            // Every split of the long streams would take minutes; a step still hits every kind of position.
            for cut in (0..=bytes.len()).step_by(bytes.len() / 300 + 1) {
                assert!(decodes_to(&frames, [&bytes[..cut], &bytes[cut..]]), "{name} split at {cut}");
            }
            assert!(decode_frames(bytes.chunks(1)) == frames, "{name} byte by byte");
            let payloads: Vec<Value> = String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
                .collect();
            check_responses(&name, &events_of_frames(&frames), &payloads);
            read_count += 1;
        }
        for (name, bytes) in read_files(&path, &["json"])
            .iter()
            .filter(|(name, _)| name.starts_with("or-") && name.contains("nonstream"))
        {
            let payload: Value = serde_json::from_slice(bytes).expect("a body");
            check_responses(name, &parse_events(name, bytes), &[payload]);
            read_count += 1;
        }
        assert!(read_count >= 8, "{folder} has streams");
    }
}

/// Checks every response of a file; several are the steps of one answer in a tool loop.
fn check_responses(name: &str, events: &[Event], payloads: &[Value]) {
    if name.starts_with("orchat-web-search") {
        // The chat API has another format; this is reported, and nothing is made up.
        let answer = assemble(events);
        assert!(
            matches!(&answer.end, ibid::chat::AnswerEnd::Failed(error) if error.fault == ibid::api::FaultKind::Garbage),
            "{name}"
        );
        return;
    }
    let is_begin = |kind: Option<&str>| kind == Some("response.created");
    let starts: Vec<_> = (0..payloads.len()).filter(|at| is_begin(payloads[*at]["type"].as_str())).collect();
    let steps = starts.len().max(1);
    let events: Vec<_> = events.iter().filter(|event| !matches!(event, Event::KeepAlive)).collect();
    assert_eq!(events.len(), payloads.len(), "{name}: every payload is an event");
    let mut answer = new_answer();
    for step in 0..steps {
        let from = starts.get(step).copied().unwrap_or(0);
        let to = starts.get(step + 1).copied().unwrap_or(payloads.len());
        let number = u32::try_from(step).expect("few steps");
        let mut ends = 0;
        for (count, event) in events[from..to].iter().enumerate() {
            assert!(!matches!(event, Event::Unreadable { .. }), "{name}: {event:?}");
            let was_over = answer.is_over() && count > 0;
            ends += usize::from(answer.apply(number, event_time(from + count), event).ended && !was_over);
        }
        assert_eq!(ends, 1, "{name} ends once");
        let mut step_answer = answer.clone();
        step_answer.items.retain(|slot, _| slot.step == number);
        let mut actual = facts_of_answer(&step_answer);
        let mut expected = facts_of_file(&payloads[from..to]);
        if steps > 1 {
            // The usage of an answer is the sum of all its steps.
            (actual.cost, expected.cost) = (None, None);
        }
        if payloads[from..to].iter().any(|event| event["type"] == "response.failed") || expected.failed {
            // The partial text of a failure is in its deltas, not always in its last event.
            expected.text = payloads[from..to]
                .iter()
                .filter(|event| event["type"] == "response.output_text.delta")
                .filter_map(|event| event["delta"].as_str())
                .collect();
        }
        assert_eq!(actual, expected, "{name}, response {step}");
        for item in step_answer.items.values().filter(|_| !expected.failed) {
            let raw: Value = serde_json::from_str(item.raw.as_ref().expect("a raw item").get()).expect("JSON");
            let sent = payloads[from..to].iter().any(|event| event["item"] == raw);
            let listed = payloads[from..to].iter().any(|event| {
                let output = if event["response"].is_null() { &event["output"] } else { &event["response"]["output"] };
                output.as_array().is_some_and(|output| output.contains(&raw))
            });
            assert!(sent || listed, "{name}: an item is stored as it was sent");
        }
    }
}
