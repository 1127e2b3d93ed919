//! The journal and the database: an answer that was cut off anywhere is the same when it is read again.

use std::sync::mpsc;

use ibid::{
    api::Event,
    chat::{
        Answer, Body, Change, Conversation, Ids, Message, Settings,
        journal::{self, Journal},
    },
    store::{Job, Reply, Store, Ticket},
};
use proptest::prelude::*;

use crate::{all_of, assembled, at, blank, composed, events};

fn taken(journal: &mut Journal) -> String {
    journal.take().map(|growth| growth.lines()).unwrap_or_default()
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
            journal::replay(&mut replayed, &taken(&mut journal));
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
        journal::replay(&mut killed, &taken(&mut journal));
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
                lines += &taken(&mut journal);
            }
        }
        lines += &taken(&mut journal);
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
