//! Streams with very many items, however they refer to each other: eight times as many take at most twenty times as
//! long, in time that only this thread used.

use ibid::{
    api::Event,
    chat::{Answer, Timestamp, journal::AnswerJournal},
    store::replay_journal,
};
use serde_json::{Value, json};

use crate::heavy::least_time;

/// How many items a short stream has.
const COUNT: usize = 150;

fn message(id: &str, text: &str) -> Value {
    json!({ "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

/// Items that are only ever named by their ids, opened together and closed together.
fn items_by_id(count: usize) -> Vec<Value> {
    let id = |n: usize| format!("msg_{n}");
    let opened = (0..count).map(|n| {
        json!({ "type": "response.output_item.added",
            "item": { "type": "message", "id": id(n), "role": "assistant", "status": "in_progress", "content": [] } })
    });
    let grown = (0..count).map(
        |n| json!({ "type": "response.output_text.delta", "item_id": id(n), "content_index": 0, "delta": "word " }),
    );
    let closed = (0..count).map(|n| json!({ "type": "response.output_item.done", "item": message(&id(n), "word ") }));
    opened.chain(grown).chain(closed).collect()
}

/// One item that is sent whole again and again.
fn repeated_item(count: usize) -> Vec<Value> {
    let done = |n: usize| json!({ "type": "response.output_item.done", "output_index": 0, "item": message("msg", &format!("Word {n}.")) });
    (0..count).map(done).collect()
}

/// Calls that all have the same id.
fn repeated_calls(count: usize) -> Vec<Value> {
    let call = |n: usize| {
        json!({ "type": "response.output_item.done", "output_index": n, "item":
            { "type": "function_call", "id": "fc", "call_id": "call_0", "name": "look", "arguments": "{}" } })
    };
    (0..count).map(call).collect()
}

/// Deltas of items that were never opened, by ids that nobody knows.
fn unknown_ids(count: usize) -> Vec<Value> {
    let closed = (0..count).map(
        |n| json!({ "type": "response.output_item.done", "output_index": n, "item": message(&format!("m{n}"), "A.") }),
    );
    let closed_again = closed.clone().map(|mut event| {
        event.as_object_mut().expect("an object").remove("output_index");
        event
    });
    let lost = (0..count)
        .map(|n| json!({ "type": "response.output_text.delta", "item_id": format!("x{n}"), "content_index": 0, "delta": "w" }));
    closed.chain(closed_again).chain(lost).collect()
}

/// Builds the answer of a stream, and again from its journal.
fn assemble(events: &[String]) {
    let now = Timestamp::UNIX_EPOCH;
    let new_answer = || Answer::new("openrouter", "m", now);
    let (mut answer, mut journal, mut lines) = (new_answer(), AnswerJournal::default(), String::new());
    for json in events {
        let event = Event::parse(json);
        answer.apply(0, now, &event);
        journal.push(0, now, &event);
        lines += &journal.take().map(|chunk| chunk.to_json_lines()).unwrap_or_default();
    }
    let mut replayed = new_answer();
    replay_journal(&mut replayed, &lines);
    assert_eq!(replayed.text(), answer.text());
}

#[test]
fn no_number_of_items_takes_much_longer_than_its_share() {
    type EventBuilder = fn(usize) -> Vec<Value>;
    let kinds: [(&str, EventBuilder); 4] = [
        ("items by id", items_by_id),
        ("one item again and again", repeated_item),
        ("calls with one id", repeated_calls),
        ("ids that nobody knows", unknown_ids),
    ];
    let is_slow = |(kind, stream): (&str, fn(usize) -> Vec<Value>)| {
        let events = |count: usize| stream(count).iter().map(Value::to_string).collect::<Vec<String>>();
        let (short, long) = (events(COUNT), events(8 * COUNT));
        let (once, eight) = (least_time(|| assemble(&short)), least_time(|| assemble(&long)));
        (eight > 20 * once).then(|| format!("{kind}: {once:?}, but {eight:?} for eight times as many"))
    };
    let slow: Vec<String> = kinds.into_iter().filter_map(is_slow).collect();
    assert_eq!(slow, [""; 0]);
}
