//! Looks up the price of answers whose stream did not report it, by the id of each response, some seconds after it
//! has ended.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Answer, AnswerEnd, ChatEffect, Conversation, MessageBody, MessageId, Timestamp, Turn, TurnPhase,
    conversation::{is_billable, save_effect},
};
use crate::api::{ApiError, ErrorFact, FaultKind, FreeQuota, Usage};

/// The delays between lookups, because the server knows a request only some seconds after its end (reference: 9.3).
const LOOKUP_DELAYS: [SignedDuration; 3] =
    [SignedDuration::from_secs(1), SignedDuration::from_millis(1500), SignedDuration::from_secs(2)];

/// The most responses left unpriced by an earlier run that are looked up when their conversation is opened.
const MAX_LEFTOVER_LOOKUPS: usize = 16;

/// The note on an answer whose price the server does not know; it also prevents another lookup.
const PRICE_UNKNOWN_NOTE: &str = "cost unknown; the provider may have billed the whole answer";

/// The price lookups in progress, by answer and id of the response; never stored.
#[derive(Debug, Clone, Default)]
pub(super) struct PriceLookups(BTreeMap<(MessageId, String), PriceLookup>);

#[derive(Debug, Clone)]
struct PriceLookup {
    endpoint: String,
    /// Lookups made so far.
    attempts: usize,
    /// When the next lookup is due; `None` while one is running.
    due: Option<Timestamp>,
    /// An earlier run left it, so the user is not waiting for it.
    is_leftover: bool,
}

impl PriceLookups {
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|asking| asking.due).min()
    }
}

impl Conversation {
    /// Whether the price of an answer is being looked up; until it is known, the provider may keep billing.
    pub fn is_price_pending(&self, answer: MessageId) -> bool {
        self.price_lookups.0.iter().any(|((of, _), asking)| *of == answer && !asking.is_leftover)
    }

    /// Schedules price lookups for the answer of a turn that has ended, if its cost is unknown.
    pub(super) fn schedule_price_lookups(&mut self, turn: &Turn, now: Timestamp) {
        if !turn.context.dialect.supports_openrouter_fields() {
            return; // Only OpenRouter can look up prices.
        }
        let Some(answer) = self.messages.get(&turn.answer).and_then(super::Message::as_answer) else { return };
        if !is_billable(answer) {
            return;
        }
        let endpoint = &turn.settings.endpoint;
        let lookup = PriceLookup {
            endpoint: endpoint.clone(),
            attempts: 0,
            due: Some(now + LOOKUP_DELAYS[0]),
            is_leftover: false,
        };
        let unpriced = answer.unpriced_ids().map(|generation| ((turn.answer, generation.to_owned()), lookup.clone()));
        self.price_lookups.0.extend(unpriced);
    }

    /// Schedules price lookups for the newest answers that an earlier run left unpriced, at known endpoints. Called
    /// when the conversation has been read from disk.
    pub fn schedule_leftover_lookups(&mut self, now: Timestamp, is_known_endpoint: impl Fn(&str) -> bool) {
        let answers = self.messages.values().rev().filter_map(|message| Some((message.id, message.as_answer()?)));
        let left = answers.filter(|(_, answer)| is_known_endpoint(&answer.endpoint) && needs_price_lookup(answer));
        let left = left.flat_map(|(id, answer)| {
            let lookup =
                PriceLookup { endpoint: answer.endpoint.clone(), attempts: 0, due: Some(now), is_leftover: true };
            answer.unpriced_ids().map(move |generation| ((id, generation.to_owned()), lookup.clone()))
        });
        let left: Vec<_> =
            left.filter(|(key, _)| !self.price_lookups.0.contains_key(key)).take(MAX_LEFTOVER_LOOKUPS).collect();
        self.price_lookups.0.extend(left);
    }

    /// Starts the price lookups that are due.
    pub(super) fn due_price_lookups(&mut self, now: Timestamp) -> Vec<ChatEffect> {
        let mut next = Vec::new();
        for ((answer, generation), lookup) in &mut self.price_lookups.0 {
            if lookup.due.take_if(|due| *due <= now).is_some() {
                lookup.attempts += 1;
                let (endpoint, generation) = (lookup.endpoint.clone(), generation.clone());
                next.push(ChatEffect::FetchPrice { answer: *answer, endpoint, generation });
            }
        }
        next
    }

    /// Handles the result of a price lookup; an error may mean that the price is not known yet.
    pub fn on_price(
        &mut self,
        answer: MessageId,
        generation: String,
        now: Timestamp,
        result: Result<Usage, ApiError>,
    ) -> Vec<ChatEffect> {
        let key = (answer, generation);
        let Some(lookup) = self.price_lookups.0.get_mut(&key) else { return Vec::new() };
        if result.is_err()
            && let Some(pause) = LOOKUP_DELAYS.get(lookup.attempts)
        {
            lookup.due = Some(now + *pause);
            return Vec::new();
        }
        self.price_lookups.0.remove(&key);
        let Some(message) = self.messages.get_mut(&answer) else { return Vec::new() };
        message.rev += 1;
        let MessageBody::Answer(priced_answer) = &mut message.body else { return Vec::new() };
        match result.map_err(|error| error.fault) {
            Ok(usage) => priced_answer.set_usage(&key.1, usage),
            // The server could not be reached; try again when the conversation is next opened.
            Err(FaultKind::Connect | FaultKind::Silence | FaultKind::Cut | FaultKind::Key) => return Vec::new(),
            Err(_) if priced_answer.drop_failed_bill(&key.1) => (),
            Err(_) if has_failed_price_lookup(priced_answer) => (), // Noted for another response of the answer.
            Err(_) if priced_answer.end == AnswerEnd::Complete => priced_answer.notes.push(PRICE_UNKNOWN_NOTE.into()),
            Err(_) => {
                priced_answer.notes.push(format!("{PRICE_UNKNOWN_NOTE}, to its end"));
            }
        }
        self.recompute_cost();
        vec![save_effect(vec![self.header_change(), self.message_change(answer)])]
    }

    /// Adds the remaining free requests to the error of a refused request, for its card.
    pub fn on_free_quota(&mut self, answer: MessageId, quota: FreeQuota) -> Vec<ChatEffect> {
        let add = |error: &mut ApiError| {
            error.facts.retain(|fact| !matches!(fact, ErrorFact::FreeQuota(_)));
            error.facts.push(ErrorFact::FreeQuota(quota));
        };
        let turn = self.turns.iter_mut().find(|turn| turn.answer == answer);
        let Some(message) = self.messages.get_mut(&answer) else { return Vec::new() };
        let MessageBody::Answer(refused_answer) = &mut message.body else { return Vec::new() };
        message.rev += 1;
        match (turn.map(|turn| &mut turn.phase), &mut refused_answer.end) {
            (Some(TurnPhase::AwaitingRetry { error, .. }), _) => {
                add(error);
                Vec::new()
            }
            (_, AnswerEnd::Failed(error)) => {
                add(error);
                vec![save_effect(vec![self.message_change(answer)])]
            }
            (
                _,
                AnswerEnd::Open
                | AnswerEnd::Complete
                | AnswerEnd::Incomplete { .. }
                | AnswerEnd::Stopped
                | AnswerEnd::Interrupted,
            ) => Vec::new(),
        }
    }
}

/// Whether its cost is unknown and no lookup has failed for good.
fn needs_price_lookup(answer: &Answer) -> bool {
    is_billable(answer) && !has_failed_price_lookup(answer)
}

fn has_failed_price_lookup(answer: &Answer) -> bool {
    answer.notes.iter().any(|note| note.starts_with(PRICE_UNKNOWN_NOTE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ApiDialect, Event, FaultKind, Usd};
    use crate::chat::test_support::*;

    fn usage(cost: &str) -> Usage {
        Usage { output_tokens: Some(9), cost: Usd::parse(cost), ..Usage::default() }
    }

    fn prices(next: &[ChatEffect]) -> Vec<&str> {
        next.iter()
            .filter_map(|next| match next {
                ChatEffect::FetchPrice { generation, .. } => Some(generation.as_str()),
                _ => None,
            })
            .collect()
    }

    /// A stopped answer that has begun.
    fn stopped() -> TestChat {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.chat.on_opened(stream, Some("gen-1".into()), bench.now);
        bench.apply(stream, &[delta("Becau")]);
        bench.stop();
        bench
    }

    fn not_yet() -> Result<Usage, ApiError> {
        Err(error(FaultKind::Model, 404))
    }

    #[test]
    fn the_price_of_a_stopped_answer_is_looked_up_and_saved() {
        let mut bench = stopped();
        let answer = bench.newest();
        assert!(bench.chat.is_price_pending(answer));
        assert_eq!(bench.wakes_in(), Some(1000));
        bench.wait(1000);
        assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)), ["gen-1"]);
        assert_eq!(bench.wakes_in(), None, "one lookup at a time");
        let saved = collect_effects(bench.chat.on_price(answer, "gen-1".into(), bench.now, Ok(usage("0.0031"))));
        assert_eq!(saved.saved, ["conversation", "answer"]);
        assert!(!bench.chat.is_price_pending(answer));
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.0031", 0));
        assert!(bench.chat.on_price(answer, "gen-1".into(), bench.now, Ok(usage("1"))).is_empty(), "once");
    }

    #[test]
    fn a_price_is_looked_up_three_times_and_then_noted_as_unknown() {
        let mut bench = stopped();
        let answer = bench.newest();
        for wait in [1000, 1500, 2000] {
            assert_eq!(bench.wakes_in(), Some(wait));
            bench.wait(wait);
            assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)).len(), 1);
            assert!(bench.answer().notes.is_empty());
            bench.chat.on_price(answer, "gen-1".into(), bench.now, not_yet());
        }
        assert_eq!((bench.wakes_in(), bench.chat.is_price_pending(answer)), (None, false));
        assert!(bench.answer().notes[0].contains("may have billed"), "{:?}", bench.answer().notes);
        assert_eq!(bench.chat.cost().unpriced_answers, 1);
    }

    /// The conversation as the next run reads it.
    fn restored(bench: &TestChat) -> TestChat {
        let messages = bench.chat.messages.values().cloned().collect();
        let chat = Conversation::restore(bench.chat.header(), messages, String::new(), Vec::new());
        TestChat { chat, ids: bench.ids.clone(), now: bench.now }
    }

    #[test]
    fn the_next_run_looks_up_the_price_of_an_interrupted_answer_in_the_background() {
        let mut cut = TestChat::new();
        cut.exchange("one", "1", "0.1");
        let stream = cut.send("Why?");
        cut.chat.on_opened(stream, Some("gen-7".into()), cut.now);
        cut.apply(stream, &[delta("Becau")]);
        cut.chat.interrupt_all(cut.now);
        let mut next = restored(&cut);
        let answer = next.newest();
        next.chat.schedule_leftover_lookups(next.now, |endpoint| endpoint == "openrouter");
        assert!(!next.chat.is_price_pending(answer), "the user is not waiting for it");
        assert_eq!(prices(&next.chat.tick(next.now, &mut next.ids)), ["gen-7"]);
        let mut unreachable = restored(&next);
        assert_eq!(
            collect_effects(next.chat.on_price(answer, "gen-7".into(), next.now, Ok(usage("0.002")))).saved,
            ["conversation", "answer"]
        );
        assert_eq!((next.chat.cost().known.digits(), next.chat.cost().unpriced_answers), ("0.102", 0));
        let mut priced = restored(&next);
        priced.chat.schedule_leftover_lookups(priced.now, |_| true);
        assert_eq!(priced.wakes_in(), None, "the price is known");

        for (fault, again) in [(FaultKind::Connect, true), (FaultKind::Model, false)] {
            unreachable.chat.schedule_leftover_lookups(unreachable.now, |_| true);
            for _ in LOOKUP_DELAYS {
                unreachable.chat.tick(unreachable.now, &mut unreachable.ids);
                unreachable.chat.on_price(answer, "gen-7".into(), unreachable.now, Err(error(fault, None)));
                unreachable.wait(2000);
            }
            assert_eq!(unreachable.wakes_in(), None, "not for ever");
            let mut later = restored(&unreachable);
            later.chat.schedule_leftover_lookups(later.now, |_| true);
            assert_eq!(later.wakes_in().is_some(), again, "{fault:?}");
        }
        let mut elsewhere = restored(&cut);
        elsewhere.chat.schedule_leftover_lookups(elsewhere.now, |_| false);
        assert_eq!(elsewhere.wakes_in(), None, "only known endpoints are asked");
    }

    fn calls() -> serde_json::Value {
        serde_json::json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" })
    }

    /// The end of a response that reports this price but no id.
    fn ended(cost: &serde_json::Value) -> Event {
        event(&serde_json::json!({ "type": "response.completed", "response": { "status": "completed", "output": [],
            "usage": { "input_tokens": 20, "output_tokens": 5, "cost": cost } } }))
    }

    /// An answer of three responses: the first reported its price, the second did not, the third was cut.
    fn three_steps() -> TestChat {
        let mut bench = TestChat::new();
        bench.chat.submit(&mut bench.ids, bench.now, "Why?".into());
        let (id, now) = (bench.newest(), bench.now);
        let Some(MessageBody::Answer(answer)) = bench.chat.messages.get_mut(&id).map(|message| &mut message.body)
        else {
            panic!("the last message is an answer");
        };
        for (step, generation) in (0..).zip(["gen-a", "gen-b", "gen-c"]) {
            answer.set_generation(step, Some(generation.into()));
            let last_event = ended(&if step == 0 { 0.1.into() } else { serde_json::Value::Null });
            let events = if step < 2 { vec![item_done(0, &calls()), last_event] } else { vec![delta("Becau")] };
            for event in &events {
                answer.apply(step, now, event);
            }
        }
        bench.chat.interrupt_all(bench.now);
        bench
    }

    #[test]
    fn each_response_of_an_answer_with_tools_is_priced_by_its_own_id() {
        let mut bench = restored(&three_steps());
        let answer = bench.newest();
        assert_eq!(bench.answer().generation_ids().collect::<Vec<_>>(), ["gen-a", "gen-b", "gen-c"]);
        assert_eq!(
            (bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers),
            ("0.1", 1),
            "the known price counts"
        );
        bench.chat.schedule_leftover_lookups(bench.now, |_| true);
        assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)), ["gen-b", "gen-c"]);
        bench.chat.on_price(answer, "gen-c".into(), bench.now, Ok(usage("0.03")));
        let cost = |bench: &TestChat| {
            let usage = bench.answer().usage.as_ref();
            usage.and_then(|usage| usage.cost.as_ref()).map(|cost| cost.digits().to_owned())
        };
        assert_eq!((cost(&bench), bench.chat.cost().unpriced_answers), (None, 1), "one is still unknown");
        bench.chat.on_price(answer, "gen-b".into(), bench.now, Ok(usage("0.002")));
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.132", 0));
        assert_eq!(cost(&bench).as_deref(), Some("0.132"));
        let mut again = restored(&bench);
        again.chat.schedule_leftover_lookups(again.now, |_| true);
        assert_eq!(again.wakes_in(), None, "all prices are known");
    }

    #[test]
    fn two_failed_price_lookups_leave_one_note() {
        let mut bench = three_steps();
        let answer = bench.newest();
        bench.chat.schedule_leftover_lookups(bench.now, |_| true);
        for _ in LOOKUP_DELAYS {
            bench.chat.tick(bench.now, &mut bench.ids);
            for generation in ["gen-b", "gen-c"] {
                bench.chat.on_price(answer, generation.into(), bench.now, not_yet());
            }
            bench.wait(2000);
        }
        assert_eq!((bench.wakes_in(), bench.answer().notes.len()), (None, 1), "{:?}", bench.answer().notes);
    }

    #[test]
    fn a_turn_stopped_between_two_responses_costs_what_the_first_did() {
        let mut bench = TestChat::new();
        bench.chat.submit(&mut bench.ids, bench.now, "Why?".into());
        let (id, now) = (bench.newest(), bench.now);
        if let Some(MessageBody::Answer(answer)) = bench.chat.messages.get_mut(&id).map(|message| &mut message.body) {
            answer.set_generation(0, Some("gen-a".into()));
            for event in [item_done(0, &calls()), completed("0.1")] {
                answer.apply(0, now, &event);
            }
            answer.begin_step(1);
        }
        bench.stop();
        assert!(!bench.chat.is_price_pending(id), "the price is known");
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.1", 0));
    }

    #[test]
    fn no_price_is_looked_up_if_it_is_known_or_nothing_began_or_the_server_has_none() {
        let mut known = TestChat::new();
        known.exchange("Why?", "Because.", "0.1");
        let mut refused = TestChat::new();
        let stream = refused.send("Why?");
        refused.end(stream, Err(error(FaultKind::Key, 401)));
        let mut elsewhere = TestChat::new();
        elsewhere.chat.context.dialect = ApiDialect::Other;
        let stream = elsewhere.send("Why?");
        elsewhere.chat.on_opened(stream, Some("gen-1".into()), elsewhere.now);
        elsewhere.apply(stream, &[delta("Becau")]);
        elsewhere.stop();
        for bench in [known, refused, elsewhere] {
            assert!(!bench.chat.is_price_pending(bench.newest()));
        }
    }

    #[test]
    fn a_complete_answer_without_usage_is_priced_too() {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.chat.on_opened(stream, Some("gen-2".into()), bench.now);
        bench.apply(stream, &[delta("So."), item_done(0, &message_item("m", "So."))]);
        bench.end(stream, Ok(()));
        assert_eq!(bench.answer().end, AnswerEnd::Complete);
        assert!(bench.chat.is_price_pending(bench.newest()));
    }

    #[test]
    fn the_quota_is_added_to_waiting_and_to_final_errors() {
        let mut bench = TestChat::new();
        bench.chat.settings.model = "some/model:free".into();
        let quota = FreeQuota { limit: 50, remaining: 49 };
        let stream = bench.send("Why?");
        let next = bench.chat.on_ended(stream, bench.now, Err(error(FaultKind::Rate, 429)), &mut bench.ids);
        let [ChatEffect::FetchQuota { answer, .. }] = next[..] else { panic!("{next:?}") };
        assert!(bench.chat.on_free_quota(answer, quota).is_empty());
        let Some(TurnPhase::AwaitingRetry { error: waiting, .. }) = bench.phase() else { panic!("it waits") };
        assert_eq!(waiting.facts, [ErrorFact::FreeQuota(quota)]);
        bench.stop();
        let later = FreeQuota { remaining: 48, ..quota };
        assert_eq!(collect_effects(bench.chat.on_free_quota(answer, later)).saved, ["answer"]);
        let AnswerEnd::Failed(failed) = &bench.answer().end else { panic!("it failed") };
        assert_eq!(failed.facts, [ErrorFact::FreeQuota(later)]);
    }
}
