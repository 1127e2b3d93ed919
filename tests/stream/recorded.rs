//! Recordings of real servers, compared with what their files say, found by other means.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use ibid::{
    api::Event,
    chat::{Answer, Kind, answer::Part},
};
use serde_json::Value;

use crate::{assembled, at, blank, decode, decoder::decodes_to, events, events_of, files};

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
        match &*item.kind {
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
