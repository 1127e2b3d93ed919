//! The branches of a conversation: siblings and how they are created.

use std::collections::BTreeSet;

use super::{
    AnswerEnd, ChatEffect, ChatSettings, Conversation, ConversationChange, IdGenerator, Message, MessageBody,
    MessageId, Prompt, Timestamp, request::RequestContext, title,
};
use crate::tools::ToolMode;

impl Conversation {
    /// Asks for a sibling of an answer, optionally from another model.
    pub fn answer_again(
        &mut self,
        answer: MessageId,
        model: Option<String>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        let model = model.unwrap_or_else(|| self.settings.model.clone());
        self.ask_again(answer, ChatSettings { model, ..self.settings.clone() }, ids, now)
    }

    /// Asks for a sibling of an answer with a token limit that the credit covers.
    pub fn answer_again_within(
        &mut self,
        answer: MessageId,
        max_output_tokens: u32,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        let settings = ChatSettings { max_output_tokens: Some(max_output_tokens), ..self.settings.clone() };
        self.ask_again(answer, settings, ids, now)
    }

    fn ask_again(
        &mut self,
        answer: MessageId,
        settings: ChatSettings,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        self.ask_again_with(answer, settings, self.context.clone(), Vec::new(), ids, now)
    }

    /// Asks for a sibling of an answer with another context, which the notes explain.
    pub(super) fn ask_again_with(
        &mut self,
        answer: MessageId,
        settings: ChatSettings,
        context: RequestContext,
        notes: Vec<String>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        let Some(Message { parent: Some(parent), body: MessageBody::Answer(_), .. }) = self.messages.get(&answer)
        else {
            return Vec::new();
        };
        self.branch = self.path_to(*parent);
        vec![self.begin_turn_with(settings, context, notes, Vec::new(), ids, now)]
    }

    /// Whether the branch ends in a prompt, because its answers were pruned or it was forked there.
    pub fn has_unanswered_prompt(&self) -> bool {
        let last = self.branch.last().and_then(|id| self.messages.get(id));
        last.is_some_and(|message| message.as_answer().is_none())
    }

    /// Asks for an answer to the prompt at the end of the branch.
    pub fn answer_last_prompt(&mut self, ids: &mut IdGenerator, now: Timestamp) -> Vec<ChatEffect> {
        if !self.has_unanswered_prompt() {
            return Vec::new();
        }
        vec![self.begin_turn(self.settings.clone(), Vec::new(), ids, now)]
    }

    /// Lets the model continue a cut answer, as a second answer below it without a prompt in between.
    pub fn continue_answer(&mut self, answer: MessageId, ids: &mut IdGenerator, now: Timestamp) -> Vec<ChatEffect> {
        if !self.can_continue(answer) {
            return Vec::new();
        }
        self.branch = self.path_to(answer);
        vec![self.begin_turn(self.settings.clone(), Vec::new(), ids, now)]
    }

    /// Whether an answer has text and was cut before its end.
    pub fn can_continue(&self, answer: MessageId) -> bool {
        let Some(answer) = self.messages.get(&answer).and_then(Message::as_answer) else { return false };
        let was_cut = match answer.end {
            AnswerEnd::Open | AnswerEnd::Complete => false,
            AnswerEnd::Incomplete { .. } | AnswerEnd::Stopped | AnswerEnd::Interrupted | AnswerEnd::Failed(_) => true,
        };
        was_cut && !answer.text().is_empty()
    }

    /// Adds an edited prompt as a sibling of an earlier one, with its own answer.
    pub fn edit_prompt(
        &mut self,
        prompt: MessageId,
        text: String,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        let Some(Message { parent, body: MessageBody::Prompt(_), .. }) = self.messages.get(&prompt) else {
            return Vec::new();
        };
        if text.trim().is_empty() {
            return Vec::new();
        }
        self.branch = parent.map_or_else(Vec::new, |parent| self.path_to(parent));
        vec![self.begin_prompt(text, Vec::new(), ids, now)]
    }

    /// Adds a prompt at the end of the active branch and begins its turn.
    pub(super) fn begin_prompt(
        &mut self,
        text: String,
        changes: Vec<ConversationChange>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> ChatEffect {
        let id = ids.message(now);
        let parent = self.branch.last().copied();
        if !self.renamed && self.is_new() {
            self.title = title::title_from_prompt(&text); // What it began with is the same in every new conversation.
        }
        self.insert(Message { id, parent, created_at: now, rev: 0, body: MessageBody::Prompt(Prompt { text }) });
        self.branch.push(id);
        if !self.renamed && (self.title.is_empty() || parent.is_none()) {
            self.title_from_first_prompt();
        }
        self.unsaved.insert(id);
        let settings = self.settings.clone();
        // The choice was for this message only.
        self.settings.tools.choice = ToolMode::Auto;
        self.begin_turn(settings, changes, ids, now)
    }

    /// The position of a message among its siblings, from 1, and their number.
    pub fn siblings(&self, id: MessageId) -> (usize, usize) {
        let Some(message) = self.messages.get(&id) else { return (1, 1) };
        let siblings = self.children.get(&message.parent).map_or(&[][..], Vec::as_slice);
        (siblings.binary_search(&id).map_or(1, |at| at + 1), siblings.len().max(1))
    }

    /// Shows the branch of a message: the newest below it, unless it is on the branch that is shown already.
    pub fn go_to(&mut self, id: MessageId) -> Vec<ChatEffect> {
        if self.branch.contains(&id) || !self.messages.contains_key(&id) || self.is_pruned(id) {
            return Vec::new();
        }
        self.branch = self.path_to(id);
        self.descend();
        self.save_header()
    }

    /// Shows a sibling of a message and the newest branch below it.
    pub fn go_to_sibling(&mut self, id: MessageId, offset: isize) -> Vec<ChatEffect> {
        let Some(message) = self.messages.get(&id) else { return Vec::new() };
        let siblings = self.children.get(&message.parent).map_or(&[][..], Vec::as_slice);
        let Ok(position) = siblings.binary_search(&id) else { return Vec::new() };
        let target = siblings[position.saturating_add_signed(offset).min(siblings.len() - 1)];
        if target == id {
            return Vec::new();
        }
        self.branch = self.path_to(target);
        self.descend();
        self.save_header()
    }

    /// Goes on from the end of the branch with the newest message below it, to the end.
    pub(super) fn descend(&mut self) {
        let mut last = self.branch.last().copied();
        // No longer than there are messages: damaged parents could form a ring.
        while self.branch.len() < self.messages.len()
            && let Some(newest) = self.children.get(&last).and_then(|children| children.last())
        {
            self.branch.push(*newest);
            last = Some(*newest);
        }
    }

    /// The path from the first prompt to a message, including that message.
    pub fn path_to(&self, id: MessageId) -> Vec<MessageId> {
        let mut path: Vec<MessageId> = self.ancestors(id).collect();
        path.reverse();
        path
    }

    /// A message and those above it, up to the first prompt.
    pub(super) fn ancestors(&self, id: MessageId) -> impl Iterator<Item = MessageId> + '_ {
        let first = self.messages.get(&id).map(|message| message.id);
        let parent = |id: &MessageId| Some(self.messages.get(&self.messages.get(id)?.parent?)?.id);
        // No longer than there are messages: damaged parents could form a ring.
        std::iter::successors(first, parent).take(self.messages.len())
    }

    /// A message and all below it, without pruned branches.
    pub(super) fn below(&self, id: MessageId) -> BTreeSet<MessageId> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            if found.insert(id) {
                waiting.extend(self.children_of(Some(id)));
            }
        }
        found
    }

    /// The messages right below one, or the first prompts; the oldest first, without pruned branches.
    pub fn children_of(&self, parent: Option<MessageId>) -> &[MessageId] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// Messages whose parent could not be read.
    pub fn orphans(&self) -> impl Iterator<Item = MessageId> + '_ {
        let is_lost = |parent: &MessageId| !self.messages.contains_key(parent);
        let lost = self.children.iter().filter(move |(parent, _)| parent.as_ref().is_some_and(is_lost));
        lost.flat_map(|(_, children)| children.iter().copied())
    }

    /// Increases with every change of the tree.
    pub fn tree_rev(&self) -> u64 {
        self.tree_rev
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::test_support::*;

    fn input(request: &crate::api::Request) -> Vec<serde_json::Value> {
        request.input.iter().map(|item| serde_json::from_str(item.get()).expect("items are JSON")).collect()
    }

    #[test]
    fn answering_again_makes_a_sibling_by_another_model_and_leaves_the_settings_alone() {
        let mut bench = TestChat::new();
        let first = bench.exchange("Why?", "Because.", "0");
        let other = Some("anthropic/claude-sonnet-5".to_owned());
        let again = collect_effects(bench.chat.answer_again(first, other, &mut bench.ids, bench.now));
        assert_eq!(again.saved, ["conversation", "answer"]);
        let saved = bench.confirm_saved(&again);
        let (_, request) = only_request(&saved);
        assert_eq!(request.model, "anthropic/claude-sonnet-5");
        assert_eq!(input(request).len(), 1, "the first answer is not history of the second");
        let second = bench.newest();
        assert_eq!((bench.chat.siblings(first), bench.chat.siblings(second)), ((1, 2), (2, 2)));
        assert_eq!((bench.answer().model.as_str(), &bench.chat.settings), ("anthropic/claude-sonnet-5", &settings()));
    }

    #[test]
    fn siblings_can_stream_in_parallel() {
        let mut bench = TestChat::new();
        let left = bench.send("Why?");
        let answer = bench.newest();
        let again = collect_effects(bench.chat.answer_again(answer, None, &mut bench.ids, bench.now));
        let right = bench.confirm_and_open(&again);
        bench.apply(left, &[delta("left"), item_done(0, &message_item("m1", "left")), completed("0")]);
        assert_eq!(bench.chat.turns.len(), 1);
        bench.apply(right, &[delta("right"), item_done(0, &message_item("m2", "right")), completed("0")]);
        assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("right"));
        assert_eq!(collect_effects(bench.chat.go_to_sibling(bench.newest(), -1)).saved, ["conversation"]);
        assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("left"));
        assert!(bench.chat.go_to_sibling(bench.newest(), -1).is_empty(), "there is none before the first");
    }

    #[test]
    fn an_edited_prompt_begins_a_branch_and_going_back_shows_the_old_one() {
        let mut bench = TestChat::new();
        bench.exchange("one", "1", "0");
        let second = bench.exchange("two", "2", "0");
        let prompt = bench.chat.branch[0];
        let edited = collect_effects(bench.chat.edit_prompt(prompt, "eins".into(), &mut bench.ids, bench.now));
        let saved = bench.confirm_saved(&edited);
        let (stream, request) = only_request(&saved);
        assert_eq!(input(request), [serde_json::json!({ "role": "user", "content": "eins" })]);
        bench.end(stream, Ok(()));
        assert_eq!(bench.chat.title, "eins");
        bench.chat.go_to_sibling(bench.chat.branch[0], -1);
        assert_eq!((prompts(&bench.chat), bench.newest()), (vec!["one", "two"], second));
        assert!(bench.chat.edit_prompt(prompt, "  ".into(), &mut bench.ids, bench.now).is_empty());
    }

    #[test]
    fn a_cut_answer_is_continued_below_itself() {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.apply(stream, &[delta("Becau")]);
        assert!(bench.chat.continue_answer(bench.newest(), &mut bench.ids, bench.now).is_empty(), "it still streams");
        bench.stop();
        let cut = bench.newest();
        let more = collect_effects(bench.chat.continue_answer(cut, &mut bench.ids, bench.now));
        let saved = bench.confirm_saved(&more);
        let (stream, request) = only_request(&saved);
        let input = input(request);
        assert_eq!(input[1], serde_json::json!({ "role": "assistant", "content": "Becau" }));
        assert_eq!((input.len(), &input[2]["role"]), (3, &serde_json::json!("user")));
        assert_eq!(bench.chat.messages[&bench.newest()].parent, Some(cut));
        bench.apply(stream, &[delta("se."), item_done(0, &message_item("m", "se.")), completed("0")]);
        assert!(!bench.chat.can_continue(bench.newest()));
    }

    #[test]
    fn a_token_limit_for_low_credit_applies_only_to_that_answer() {
        let mut bench = TestChat::new();
        let first = bench.exchange("Why?", "Because.", "0");
        let again = collect_effects(bench.chat.answer_again_within(first, 900, &mut bench.ids, bench.now));
        assert_eq!(only_request(&bench.confirm_saved(&again)).1.max_output_tokens, Some(900));
        assert_eq!(bench.chat.settings.max_output_tokens, None);
    }

    #[test]
    fn a_cycle_in_the_tree_ends_the_walk() {
        let mut bench = TestChat::new();
        let answer = bench.exchange("Why?", "Because.", "0");
        let prompt = bench.chat.branch[0];
        bench.chat.messages.get_mut(&prompt).expect("it is there").parent = Some(answer);
        assert_eq!(bench.chat.path_to(answer).len(), 2);
    }
}
