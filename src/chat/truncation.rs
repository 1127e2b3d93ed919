//! Leaves the oldest turns out of requests, so that a conversation too long for its model can continue.

use std::collections::BTreeSet;

use super::{ChatEffect, Conversation, IdGenerator, Message, MessageBody, MessageId, Timestamp};

impl Conversation {
    /// Whether a message is left out of future requests.
    pub fn is_left_out(&self, id: MessageId) -> bool {
        self.left_out.contains(&id)
    }

    /// Leaves the oldest turns, about half of the text, out of future requests and asks again.
    pub fn leave_out_oldest(&mut self, answer: MessageId, ids: &mut IdGenerator, now: Timestamp) -> Vec<ChatEffect> {
        let path = self.path_to(answer);
        let oldest = self.oldest_half(&path);
        if oldest.is_empty() {
            return Vec::new(); // Only the last prompt is left.
        }
        for id in &oldest {
            self.left_out.insert(*id);
            self.bump_rev(*id);
        }
        let mut next = self.answer_again(answer, None, ids, now); // Its save includes the header.
        if next.is_empty() {
            next = self.save_header();
        }
        next
    }

    /// Puts everything that was left out back into future requests; `None` if nothing was.
    pub fn restore_left_out(&mut self) -> Option<Vec<ChatEffect>> {
        if self.left_out.is_empty() {
            return None;
        }
        for id in std::mem::take(&mut self.left_out) {
            self.bump_rev(id);
        }
        Some(self.save_header())
    }

    /// The oldest turns, at least one, that make up half of the text still sent; never the last turn.
    fn oldest_half(&self, path: &[MessageId]) -> BTreeSet<MessageId> {
        let mut turns: Vec<(usize, Vec<MessageId>)> = Vec::new();
        for id in path.iter().filter(|id| !self.is_left_out(**id)) {
            let Some(message) = self.messages.get(id) else { continue };
            match &message.body {
                MessageBody::Prompt(prompt) => turns.push((prompt.text.len(), vec![*id])),
                MessageBody::Answer(answer) => {
                    if let Some((size, turn)) = turns.last_mut() {
                        *size += answer.text().len();
                        turn.push(*id);
                    }
                }
            }
        }
        turns.pop();
        let half = turns.iter().map(|(size, _)| size).sum::<usize>().div_ceil(2);
        let mut taken_bytes = 0;
        let mut oldest = BTreeSet::new();
        for (size, turn) in turns {
            if !oldest.is_empty() && taken_bytes + size > half {
                break;
            }
            taken_bytes += size;
            oldest.extend(turn);
        }
        oldest
    }

    fn bump_rev(&mut self, id: MessageId) {
        if let Some(Message { rev, .. }) = self.messages.get_mut(&id) {
            *rev += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FaultKind;
    use crate::chat::test_support::*;

    fn input_texts(request: &crate::api::Request) -> Vec<String> {
        let text = |item: &serde_json::value::RawValue| {
            let item: serde_json::Value = serde_json::from_str(item.get()).expect("JSON");
            let part = item["content"].as_str().or_else(|| item["content"][0]["text"].as_str());
            part.expect("a text").to_owned()
        };
        request.input.iter().map(|item| text(item)).collect()
    }

    /// Four turns, the last of which was too long.
    fn too_long_chat() -> (TestChat, MessageId) {
        let mut bench = TestChat::new();
        for (prompt, answer) in [("one", "1"), ("two", "2"), ("three", "3")] {
            bench.exchange(prompt, answer, "0");
        }
        let stream = bench.send("four");
        bench.end(stream, Err(error(FaultKind::Length, 400)));
        let failed = bench.newest();
        (bench, failed)
    }

    #[test]
    fn the_oldest_half_is_left_out_each_time_but_never_the_last_prompt() {
        let (mut bench, mut failed) = too_long_chat();
        for expected in [&["two", "2", "three", "3", "four"][..], &["three", "3", "four"], &["four"]] {
            let again = collect_effects(bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now));
            let saved = bench.confirm_saved(&again);
            let (stream, request) = only_request(&saved);
            assert_eq!(input_texts(request), expected);
            bench.end(stream, Err(error(FaultKind::Length, 400)));
            failed = bench.newest();
        }
        assert!(bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now).is_empty());
    }

    #[test]
    fn left_out_turns_are_marked_saved_and_can_be_restored() {
        let (mut bench, failed) = too_long_chat();
        let oldest = bench.chat.branch[..2].to_vec();
        let revs: Vec<u32> = oldest.iter().map(|id| bench.chat.messages[id].rev).collect();
        bench.chat.leave_out_oldest(failed, &mut bench.ids, bench.now);
        assert!(oldest.iter().all(|id| bench.chat.is_left_out(*id)));
        assert!(oldest.iter().zip(revs).all(|(id, rev)| bench.chat.messages[id].rev > rev), "drawn again");
        let chat = &bench.chat;
        let messages = chat.messages.values().cloned().collect();
        let restored = Conversation::restore(chat.header(), messages, String::new(), Vec::new());
        assert!(oldest.iter().all(|id| restored.is_left_out(*id)));
        let turn = bench.chat.turns[0].id;
        bench.chat.stop(turn, bench.now);
        let back = bench.chat.restore_left_out().expect("something was left out");
        assert_eq!(collect_effects(back).saved, ["conversation"]);
        let stream = bench.submit("five");
        let saved = bench.confirm_saved(&stream);
        assert_eq!(input_texts(only_request(&saved).1)[..2], ["one", "1"]);
        assert!(bench.chat.restore_left_out().is_none());
    }
}
