//! The branches of a conversation: siblings, and what makes them.

use super::{
    Body, Change, Conversation, End, Ids, Message, MessageId, Next, Prompt, Settings, Timestamp, request::Context,
};
use crate::tools::Choice;

impl Conversation {
    /// Asks once more, for a sibling of that answer, perhaps another model.
    pub fn answer_again(
        &mut self,
        answer: MessageId,
        model: Option<String>,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Vec<Next> {
        let model = model.unwrap_or_else(|| self.settings.model.clone());
        self.again(answer, Settings { model, ..self.settings.clone() }, ids, now)
    }

    /// The same with a limit, for a credit that can afford only so many tokens.
    pub fn answer_again_within(
        &mut self,
        answer: MessageId,
        max_output_tokens: u32,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Vec<Next> {
        let settings = Settings { max_output_tokens: Some(max_output_tokens), ..self.settings.clone() };
        self.again(answer, settings, ids, now)
    }

    fn again(&mut self, answer: MessageId, settings: Settings, ids: &mut Ids, now: Timestamp) -> Vec<Next> {
        self.again_as(answer, settings, self.context.clone(), Vec::new(), ids, now)
    }

    /// The same, asked in a way that the notes tell of.
    pub(super) fn again_as(
        &mut self,
        answer: MessageId,
        settings: Settings,
        context: Context,
        notes: Vec<String>,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Vec<Next> {
        let Some(Message { parent: Some(parent), body: Body::Answer(_), .. }) = self.messages.get(&answer) else {
            return Vec::new();
        };
        self.branch = self.path_to(*parent);
        vec![self.begin_as(settings, context, notes, Vec::new(), ids, now)]
    }

    /// Lets the model go on where an answer was cut: a second answer below it, without a prompt between.
    pub fn continue_answer(&mut self, answer: MessageId, ids: &mut Ids, now: Timestamp) -> Vec<Next> {
        if !self.can_continue(answer) {
            return Vec::new();
        }
        self.branch = self.path_to(answer);
        vec![self.begin(self.settings.clone(), Vec::new(), ids, now)]
    }

    /// It has text, and was cut before its end.
    pub fn can_continue(&self, answer: MessageId) -> bool {
        let Some(answer) = self.messages.get(&answer).and_then(Message::answer) else { return false };
        let was_cut = match answer.end {
            End::Open | End::Complete => false,
            End::Incomplete { .. } | End::Stopped | End::Interrupted | End::Failed(_) => true,
        };
        was_cut && !answer.text().is_empty()
    }

    /// Another prompt in the place of an earlier one: a sibling, with an answer of its own.
    pub fn edit_prompt(&mut self, prompt: MessageId, text: String, ids: &mut Ids, now: Timestamp) -> Vec<Next> {
        let Some(Message { parent, body: Body::Prompt(_), .. }) = self.messages.get(&prompt) else {
            return Vec::new();
        };
        if text.trim().is_empty() {
            return Vec::new();
        }
        self.branch = parent.map_or_else(Vec::new, |parent| self.path_to(parent));
        vec![self.ask(text, Vec::new(), ids, now)]
    }

    /// Puts a prompt at the end of the active branch and begins its turn.
    pub(super) fn ask(&mut self, text: String, changes: Vec<Change>, ids: &mut Ids, now: Timestamp) -> Next {
        let id = ids.message(now);
        let parent = self.branch.last().copied();
        self.insert(Message { id, parent, at: now, rev: 0, body: Body::Prompt(Prompt { text }) });
        self.branch.push(id);
        if !self.renamed && (self.title.is_empty() || parent.is_none()) {
            self.take_title();
        }
        self.unsaved.insert(id);
        let settings = self.settings.clone();
        // It was chosen for this message.
        self.settings.tools.choice = Choice::Auto;
        self.begin(settings, changes, ids, now)
    }

    /// Which of its siblings a message is, from 1, and how many there are.
    pub fn siblings(&self, id: MessageId) -> (usize, usize) {
        let Some(message) = self.messages.get(&id) else { return (1, 1) };
        let siblings = self.children.get(&message.parent).map_or(&[][..], Vec::as_slice);
        (siblings.binary_search(&id).map_or(1, |at| at + 1), siblings.len().max(1))
    }

    /// The message whose siblings the title tells of: the newest answer, or else its prompt. Others tell of theirs
    /// themselves.
    pub fn told_in_title(&self) -> Option<MessageId> {
        self.branch.iter().rev().take(2).copied().find(|id| self.siblings(*id).1 > 1)
    }

    /// Shows a sibling of a message, and below it what was last said there.
    pub fn go_to_sibling(&mut self, id: MessageId, by: isize) -> Vec<Next> {
        let Some(message) = self.messages.get(&id) else { return Vec::new() };
        let siblings = self.children.get(&message.parent).map_or(&[][..], Vec::as_slice);
        let Ok(at) = siblings.binary_search(&id) else { return Vec::new() };
        let to = siblings[at.saturating_add_signed(by).min(siblings.len() - 1)];
        if to == id {
            return Vec::new();
        }
        self.branch = self.path_to(to);
        let mut last = to;
        while let Some(newest) = self.children.get(&Some(last)).and_then(|children| children.last()) {
            last = *newest;
            self.branch.push(last);
        }
        self.save_header()
    }

    /// The way from the first prompt to a message, that message included.
    pub fn path_to(&self, id: MessageId) -> Vec<MessageId> {
        let mut path = Vec::new();
        let mut at = self.messages.get(&id);
        while let Some(message) = at.filter(|_| path.len() < self.messages.len()) {
            path.push(message.id);
            at = message.parent.and_then(|parent| self.messages.get(&parent));
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;

    fn input(request: &crate::api::Request) -> Vec<serde_json::Value> {
        request.input.iter().map(|item| serde_json::from_str(item.get()).expect("items are JSON")).collect()
    }

    #[test]
    fn answering_again_makes_a_sibling_by_another_model_and_leaves_the_settings_alone() {
        let mut bench = Bench::new();
        let first = bench.exchange("Why?", "Because.", "0");
        let other = Some("anthropic/claude-sonnet-5".to_owned());
        let again = asked(bench.chat.answer_again(first, other, &mut bench.ids, bench.now));
        assert_eq!(again.saved, ["conversation", "answer"]);
        let saved = bench.saved(&again);
        let (_, request) = asked_one(&saved);
        assert_eq!(request.model, "anthropic/claude-sonnet-5");
        assert_eq!(input(request).len(), 1, "the first answer is not history of the second");
        let second = bench.newest();
        assert_eq!((bench.chat.siblings(first), bench.chat.siblings(second)), ((1, 2), (2, 2)));
        assert_eq!((bench.answer().model.as_str(), &bench.chat.settings), ("anthropic/claude-sonnet-5", &settings()));
    }

    #[test]
    fn siblings_may_stream_side_by_side_and_each_goes_its_own_way() {
        let mut bench = Bench::new();
        let left = bench.send("Why?");
        let answer = bench.newest();
        let again = asked(bench.chat.answer_again(answer, None, &mut bench.ids, bench.now));
        let right = bench.confirm(&again);
        bench.apply(left, &[delta("left"), done(0, &said("m1", "left")), completed("0")]);
        assert_eq!(bench.chat.turns.len(), 1);
        bench.apply(right, &[delta("right"), done(0, &said("m2", "right")), completed("0")]);
        assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("right"));
        assert_eq!(asked(bench.chat.go_to_sibling(bench.newest(), -1)).saved, ["conversation"]);
        assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("left"));
        assert!(bench.chat.go_to_sibling(bench.newest(), -1).is_empty(), "there is none before the first");
    }

    #[test]
    fn an_edited_prompt_begins_a_branch_and_going_back_shows_what_was_last_said_there() {
        let mut bench = Bench::new();
        bench.exchange("one", "1", "0");
        let second = bench.exchange("two", "2", "0");
        let prompt = bench.chat.branch[0];
        let edited = asked(bench.chat.edit_prompt(prompt, "eins".into(), &mut bench.ids, bench.now));
        let saved = bench.saved(&edited);
        let (stream, request) = asked_one(&saved);
        assert_eq!(input(request), [serde_json::json!({ "role": "user", "content": "eins" })]);
        bench.end(stream, Ok(()));
        assert_eq!(bench.chat.title, "eins");
        bench.chat.go_to_sibling(bench.chat.branch[0], -1);
        assert_eq!((prompts(&bench.chat), bench.newest()), (vec!["one", "two"], second));
        assert!(bench.chat.edit_prompt(prompt, "  ".into(), &mut bench.ids, bench.now).is_empty());
    }

    #[test]
    fn a_cut_answer_is_continued_below_itself() {
        let mut bench = Bench::new();
        let stream = bench.send("Why?");
        bench.apply(stream, &[delta("Becau")]);
        assert!(bench.chat.continue_answer(bench.newest(), &mut bench.ids, bench.now).is_empty(), "it still streams");
        bench.stop();
        let cut = bench.newest();
        let more = asked(bench.chat.continue_answer(cut, &mut bench.ids, bench.now));
        let saved = bench.saved(&more);
        let (stream, request) = asked_one(&saved);
        let input = input(request);
        assert_eq!(input[1], serde_json::json!({ "role": "assistant", "content": "Becau" }));
        assert_eq!((input.len(), &input[2]["role"]), (3, &serde_json::json!("user")));
        assert_eq!(bench.chat.messages[&bench.newest()].parent, Some(cut));
        bench.apply(stream, &[delta("se."), done(0, &said("m", "se.")), completed("0")]);
        assert!(!bench.chat.can_continue(bench.newest()));
    }

    #[test]
    fn a_credit_for_fewer_tokens_limits_only_that_answer() {
        let mut bench = Bench::new();
        let first = bench.exchange("Why?", "Because.", "0");
        let again = asked(bench.chat.answer_again_within(first, 900, &mut bench.ids, bench.now));
        assert_eq!(asked_one(&bench.saved(&again)).1.max_output_tokens, Some(900));
        assert_eq!(bench.chat.settings.max_output_tokens, None);
    }

    #[test]
    fn a_tree_that_bites_its_own_tail_ends_the_walk() {
        let mut bench = Bench::new();
        let answer = bench.exchange("Why?", "Because.", "0");
        let prompt = bench.chat.branch[0];
        bench.chat.messages.get_mut(&prompt).expect("it is there").parent = Some(answer);
        assert_eq!(bench.chat.path_to(answer).len(), 2);
    }
}
