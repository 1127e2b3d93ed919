//! The journal and the database: an answer that was cut off at any point reads back the same.

use std::sync::mpsc;

use ibid::{
    api::Event,
    chat::{
        Answer, ChatSettings, Conversation, ConversationChange, IdGenerator, Message, MessageBody,
        journal::AnswerJournal,
    },
    store::{self, SaveTicket, StoreHandle, StoreJob, StoreReply},
};
use proptest::prelude::*;

use super::{assemble, composed_streams, describe_fully, event_time, new_answer, parse_events};

fn take_lines(journal: &mut AnswerJournal) -> String {
    journal.take().map(|growth| growth.to_json_lines()).unwrap_or_default()
}

/// Replays the journal at every event boundary, as after a crash, and then applies the rest.
#[test]
fn an_answer_replayed_at_any_event_boundary_ends_the_same() {
    for (name, bytes) in composed_streams() {
        let events = parse_events(&name, &bytes);
        let whole = describe_fully(&assemble(&events));
        for boundary in 0..=events.len() {
            let mut journal = AnswerJournal::default();
            let mut live = new_answer();
            for (number, event) in events[..boundary].iter().enumerate() {
                live.apply(0, event_time(number), event);
                journal.push(0, event_time(number), event);
            }
            let mut replayed = new_answer();
            store::replay_journal(&mut replayed, &take_lines(&mut journal));
            assert_eq!(describe_fully(&replayed), describe_fully(&live), "{name} replayed after {boundary} events");
            if events[boundary..]
                .iter()
                .chain(&events[..boundary])
                .any(|event| matches!(event, Event::Unreadable { .. } | Event::Other { .. }))
            {
                // Unknown events are not in the journal; they only matter to an answer that never began.
                continue;
            }
            for (number, event) in events.iter().enumerate().skip(boundary) {
                replayed.apply(0, event_time(number), event);
            }
            replayed.finish(event_time(events.len()), Ok(()));
            assert_eq!(describe_fully(&replayed), whole, "{name} replayed after {boundary} events, then continued");
        }
    }
}

/// Returns the answers as another run loads them from disk.
fn reload(answers: &[Answer]) -> Vec<Answer> {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let (replies, received) = mpsc::channel();
    let open = || {
        let replies = replies.clone();
        StoreHandle::open(&folder.path().join("ibid.db"), move |reply| {
            let _ = replies.send(reply); // The test may be over.
        })
    };
    let mut ids = IdGenerator::new(1);
    let chat = Conversation::new(ids.conversation(event_time(0)), ChatSettings::default(), event_time(0));
    let mut changes = vec![ConversationChange::Conversation(Box::new(chat.header()))];
    changes.extend(answers.iter().map(|answer| {
        let body = MessageBody::Answer(answer.clone());
        let message = Message { id: ids.message(event_time(0)), parent: None, created_at: event_time(0), rev: 0, body };
        ConversationChange::Message { conversation: chat.id, message: Box::new(message) }
    }));
    open().send(StoreJob::Save { ticket: SaveTicket(1), changes }); // The drop waits for the disk.
    open().send(StoreJob::Load(chat.id));
    let loaded = received.iter().find_map(|reply| match reply {
        StoreReply::Loaded(chat) => Some(*chat),
        StoreReply::SaveFailed { error, .. } | StoreReply::LoadFailed { error, .. } | StoreReply::OpenFailed(error) => {
            panic!("{error}")
        }
        _ => None,
    });
    let messages = loaded.expect("the conversation is on disk").messages;
    messages.values().map(|message| message.as_answer().expect("an answer").clone()).collect()
}

/// The store saves a partial item as parsed; it reads back the same, and not as the server's own JSON.
#[test]
fn every_item_survives_a_round_trip_to_disk() {
    for (name, bytes) in composed_streams() {
        let events = parse_events(&name, &bytes);
        let answers: Vec<Answer> = (0..=events.len()).map(|end| assemble(&events[..end])).collect();
        for (before, after) in answers.iter().zip(reload(&answers)) {
            assert_eq!(describe_fully(&after), describe_fully(before), "{name}");
            for (slot, item) in &before.items {
                assert_eq!(after.items[slot].raw.is_some(), item.raw.is_some(), "{name}: {item:?}");
            }
        }
    }
}

#[test]
fn a_citation_that_arrives_after_its_message_is_stored() {
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Four legs.","annotations":[]}]}}"#;
    let page = r#""annotation":{"type":"url_citation","url":"https://example.org","title":"Legs","start_index":0,"end_index":4}"#;
    for whose in [r#""output_index":0,"#, r#""item_id":"m","#, ""] {
        let cited = format!(r#"{{"type":"response.output_text.annotation.added",{whose}{page}}}"#);
        let answer = assemble(&[done, &cited].map(Event::parse));
        assert_eq!((answer.items.len(), answer.annotations().count()), (1, 1), "{whose}: {answer:?}");
        let after = reload(std::slice::from_ref(&answer)).remove(0);
        assert_eq!(describe_fully(&after), describe_fully(&answer), "{whose}");
        let mut journal = AnswerJournal::default();
        for json in [done, &cited] {
            journal.push(0, event_time(0), &Event::parse(json));
        }
        let mut killed = new_answer();
        store::replay_journal(&mut killed, &take_lines(&mut journal));
        assert_eq!(killed.annotations().collect::<Vec<_>>(), answer.annotations().collect::<Vec<_>>(), "{whose}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a bad connection does to a stream, nothing panics, the answer ends once, and replay gives the same.
    #[test]
    fn a_mangled_stream_still_has_one_end_and_replays(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
        takes in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let streams = composed_streams();
        let (name, bytes) = which.get(&streams);
        let mut events = parse_events(name, bytes);
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
        let (mut journal, mut lines, mut live) = (AnswerJournal::default(), String::new(), new_answer());
        let mut ends = 0;
        for (number, event) in events.iter().enumerate() {
            let was_over = live.is_over();
            ends += usize::from(live.apply(0, event_time(number), event).ended && !was_over);
            journal.push(0, event_time(number), event);
            if takes.contains(&number) {
                lines += &take_lines(&mut journal);
            }
        }
        lines += &take_lines(&mut journal);
        prop_assert!(ends <= 1);
        let mut replayed = new_answer();
        store::replay_journal(&mut replayed, &lines);
        prop_assert_eq!(describe_fully(&replayed), describe_fully(&live));
        live.finish(event_time(events.len()), Ok(()));
        prop_assert!(live.is_over());
        let end = live.end.clone();
        live.finish(event_time(events.len() + 1), Ok(()));
        live.stop(event_time(events.len() + 1));
        live.interrupt(event_time(events.len() + 1));
        prop_assert_eq!(live.end, end);
    }
}
