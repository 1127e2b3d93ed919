//! Decodes the bytes of a stream into an answer, in two pieces; the first byte selects the split. The journal of the
//! same events replays to the same answer.

#![no_main]

use ibid::{
    api::{
        Event,
        sse::{SseDecoder, SseFrame},
    },
    chat::{Answer, AnswerEnd, Timestamp, journal::AnswerJournal},
    store::replay_journal,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % bytes.len());
    let now = Timestamp::UNIX_EPOCH;
    let new_answer = || Answer::new("openrouter", "some/model", now);
    let (mut answer, mut journal) = (new_answer(), AnswerJournal::default());
    let mut decoder = SseDecoder::default();
    let mut take = |frame: SseFrame<'_>| {
        if let SseFrame::Data(json) = frame {
            let event = Event::parse(&json);
            answer.apply(0, now, &event);
            journal.push(0, now, &event);
        }
    };
    decoder.push(&bytes[..cut], &mut take);
    decoder.push(&bytes[cut..], &mut take);
    decoder.finish(&mut take);
    let text = answer.text();
    let mut replayed = new_answer();
    replay_journal(&mut replayed, &journal.take().map(|chunk| chunk.to_json_lines()).unwrap_or_default());
    assert_eq!(replayed.text(), text);
    answer.finish(now, Ok(()));
    assert!(answer.end != AnswerEnd::Open && answer.text() == text);
});
