//! Turns that are no longer sent: a conversation that is too long for its model goes on without its oldest.

use std::collections::BTreeSet;

use super::{Body, Conversation, Ids, Message, MessageId, Next, Timestamp};

impl Conversation {
    /// Whether a message stays out of the requests that follow.
    pub fn is_left_out(&self, id: MessageId) -> bool {
        self.left_out.contains(&id)
    }

    /// Leaves the oldest turns out of what is sent, as many as half of its text, and asks again.
    pub fn leave_out_oldest(&mut self, answer: MessageId, ids: &mut Ids, now: Timestamp) -> Vec<Next> {
        let path = self.path_to(answer);
        let oldest = self.oldest_half(&path);
        if oldest.is_empty() {
            return Vec::new(); // Only the last prompt is left.
        }
        for id in &oldest {
            self.left_out.insert(*id);
            self.touch(*id);
        }
        let mut next = self.answer_again(answer, None, ids, now); // Its save has the marks.
        if next.is_empty() {
            next = self.save_header();
        }
        next
    }

    /// Sends everything again that was left out; `None` when nothing was.
    pub fn put_back(&mut self) -> Option<Vec<Next>> {
        if self.left_out.is_empty() {
            return None;
        }
        for id in std::mem::take(&mut self.left_out) {
            self.touch(id);
        }
        Some(self.save_header())
    }

    /// Of the turns that are still sent, without the last: the oldest that make up half of the text, at least one.
    fn oldest_half(&self, path: &[MessageId]) -> BTreeSet<MessageId> {
        let mut turns: Vec<(usize, Vec<MessageId>)> = Vec::new();
        for id in path.iter().filter(|id| !self.is_left_out(**id)) {
            let Some(message) = self.messages.get(id) else { continue };
            match &message.body {
                Body::Prompt(prompt) => turns.push((prompt.text.len(), vec![*id])),
                Body::Answer(answer) => {
                    if let Some((size, turn)) = turns.last_mut() {
                        *size += answer.text().len();
                        turn.push(*id);
                    }
                }
            }
        }
        turns.pop();
        let half = turns.iter().map(|(size, _)| size).sum::<usize>().div_ceil(2);
        let mut taken = 0;
        let mut oldest = BTreeSet::new();
        for (size, turn) in turns {
            if !oldest.is_empty() && taken + size > half {
                break;
            }
            taken += size;
            oldest.extend(turn);
        }
        oldest
    }

    fn touch(&mut self, id: MessageId) {
        if let Some(Message { rev, .. }) = self.messages.get_mut(&id) {
            *rev += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;
    use super::*;
    use crate::api::Fault;

    fn words(request: &crate::api::Request) -> Vec<String> {
        let text = |item: &serde_json::value::RawValue| {
            let item: serde_json::Value = serde_json::from_str(item.get()).expect("JSON");
            let part = item["content"].as_str().or_else(|| item["content"][0]["text"].as_str());
            part.expect("a text").to_owned()
        };
        request.input.iter().map(|item| text(item)).collect()
    }

    /// Four turns, the last of which was too long.
    fn too_long() -> (Bench, MessageId) {
        let mut bench = Bench::new();
        for (prompt, answer) in [("one", "1"), ("two", "2"), ("three", "3")] {
            bench.exchange(prompt, answer, "0");
        }
        let stream = bench.send("four");
        bench.end(stream, Err(error(Fault::Length, 400)));
        let failed = bench.newest();
        (bench, failed)
    }

    #[test]
    fn the_oldest_turns_are_left_out_by_halves_and_the_last_prompt_never() {
        let (mut bench, mut failed) = too_long();
        for expected in [&["two", "2", "three", "3", "four"][..], &["three", "3", "four"], &["four"]] {
            let again = asked(bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now));
            let saved = bench.saved(&again);
            let (stream, request) = asked_one(&saved);
            assert_eq!(words(request), expected);
            bench.end(stream, Err(error(Fault::Length, 400)));
            failed = bench.newest();
        }
        assert!(bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now).is_empty());
    }

    #[test]
    fn what_was_left_out_is_marked_kept_and_can_be_put_back() {
        let (mut bench, failed) = too_long();
        let oldest = bench.chat.branch[..2].to_vec();
        let revs: Vec<u32> = oldest.iter().map(|id| bench.chat.messages[id].rev).collect();
        bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now);
        assert!(oldest.iter().all(|id| bench.chat.is_left_out(*id)));
        assert!(oldest.iter().zip(revs).all(|(id, rev)| bench.chat.messages[id].rev > rev), "drawn anew");
        let chat = &bench.chat;
        let messages = chat.messages.values().cloned().collect();
        let restored = Conversation::restore(chat.header(), messages, String::new(), Vec::new());
        assert!(oldest.iter().all(|id| restored.is_left_out(*id)));
        let turn = bench.chat.turns[0].id;
        bench.chat.stop(turn, bench.now);
        let back = bench.chat.put_back().expect("something was left out");
        assert_eq!(asked(back).saved, ["conversation"]);
        let stream = bench.submit("five");
        let saved = bench.saved(&stream);
        assert_eq!(words(asked_one(&saved).1)[..2], ["one", "1"]);
        assert!(bench.chat.put_back().is_none());
    }
}
