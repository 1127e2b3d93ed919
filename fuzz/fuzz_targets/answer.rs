//! Decodes the bytes of a stream into an answer, in two pieces; the first byte selects the split.

#![no_main]

use ibid::{
    api::{
        Event,
        sse::{Decoder, Frame},
    },
    chat::{Answer, End, Timestamp},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % bytes.len());
    let now = Timestamp::UNIX_EPOCH;
    let mut answer = Answer::new("openrouter", "some/model", now);
    let mut decoder = Decoder::default();
    let mut take = |frame: Frame<'_>| {
        if let Frame::Data(json) = frame {
            answer.apply(0, now, &Event::parse(&json));
        }
    };
    decoder.push(&bytes[..cut], &mut take);
    decoder.push(&bytes[cut..], &mut take);
    decoder.finish(&mut take);
    let text = answer.text();
    answer.finish(now, Ok(()));
    assert!(answer.end != End::Open && answer.text() == text);
});
