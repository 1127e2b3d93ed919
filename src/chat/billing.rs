//! What an answer cost that did not say so itself: asked for by the id of each response, some seconds after its end.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Answer, Body, Conversation, End, MessageId, Next, Phase, Timestamp, Turn,
    conversation::{may_have_cost, save},
};
use crate::api::{Error, Fact, Fault, FreeQuota, Usage};

/// The server knows nothing of a request for some seconds after its end (reference: 9.3).
const PAUSES: [SignedDuration; 3] =
    [SignedDuration::from_secs(1), SignedDuration::from_millis(1500), SignedDuration::from_secs(2)];

/// So many responses that an earlier run left without a price are asked for when their conversation is opened.
const MOST_LEFT: usize = 16;

/// What an answer says whose price the server does not know: it is not asked for again.
const NOT_LEARNT: &str = "what it cost could not be learnt";

/// The responses whose price is being asked for, by answer and id; never stored.
#[derive(Debug, Clone, Default)]
pub struct Billing(BTreeMap<(MessageId, String), Asking>);

#[derive(Debug, Clone)]
struct Asking {
    endpoint: String,
    /// How often it was asked for.
    tries: usize,
    /// When it is asked for next; `None` while the server is being asked.
    due: Option<Timestamp>,
    /// An earlier run left it: nobody waits for it.
    left: bool,
}

impl Billing {
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|asking| asking.due).min()
    }
}

impl Conversation {
    /// The price of an answer is being asked for: until it is known the provider may bill on.
    pub fn asks_price(&self, answer: MessageId) -> bool {
        self.billing.0.iter().any(|((of, _), asking)| *of == answer && !asking.left)
    }

    /// A turn is over: if nobody has said what its answer cost, somebody is asked.
    pub(super) fn ask_price(&mut self, turn: &Turn, now: Timestamp) {
        if !turn.context.dialect.has_own_fields() {
            return; // Only OpenRouter knows.
        }
        let Some(answer) = self.messages.get(&turn.answer).and_then(super::Message::answer) else { return };
        if !may_have_cost(answer) {
            return;
        }
        let endpoint = &turn.settings.endpoint;
        let asking = Asking { endpoint: endpoint.clone(), tries: 0, due: Some(now + PAUSES[0]), left: false };
        let unpriced = answer.unpriced().map(|generation| ((turn.answer, generation.to_owned()), asking.clone()));
        self.billing.0.extend(unpriced);
    }

    /// The conversation was read from the disk: what the answers cost that were cut with an earlier run is asked for,
    /// of the newest, from endpoints that `know`.
    pub fn ask_left_prices(&mut self, now: Timestamp, know: impl Fn(&str) -> bool) {
        let answers = self.messages.values().rev().filter_map(|message| Some((message.id, message.answer()?)));
        let left = answers.filter(|(_, answer)| know(&answer.endpoint) && is_left_unpriced(answer));
        let left = left.flat_map(|(id, answer)| {
            let asking = Asking { endpoint: answer.endpoint.clone(), tries: 0, due: Some(now), left: true };
            answer.unpriced().map(move |generation| ((id, generation.to_owned()), asking.clone()))
        });
        let left: Vec<_> = left.filter(|(key, _)| !self.billing.0.contains_key(key)).take(MOST_LEFT).collect();
        self.billing.0.extend(left);
    }

    /// The questions that are due.
    pub(super) fn ask_prices(&mut self, now: Timestamp) -> Vec<Next> {
        let mut next = Vec::new();
        for ((answer, generation), asking) in &mut self.billing.0 {
            if asking.due.take_if(|due| *due <= now).is_some() {
                asking.tries += 1;
                let (endpoint, generation) = (asking.endpoint.clone(), generation.clone());
                next.push(Next::AskPrice { answer: *answer, endpoint, generation });
            }
        }
        next
    }

    /// The server said what a response cost, or that it does not know yet.
    pub fn priced(
        &mut self,
        answer: MessageId,
        generation: String,
        now: Timestamp,
        result: Result<Usage, Error>,
    ) -> Vec<Next> {
        let key = (answer, generation);
        let Some(asking) = self.billing.0.get_mut(&key) else { return Vec::new() };
        if result.is_err()
            && let Some(pause) = PAUSES.get(asking.tries)
        {
            asking.due = Some(now + *pause);
            return Vec::new();
        }
        self.billing.0.remove(&key);
        let Some(message) = self.messages.get_mut(&answer) else { return Vec::new() };
        message.rev += 1;
        let Body::Answer(of) = &mut message.body else { return Vec::new() };
        match result.map_err(|error| error.fault) {
            Ok(usage) => of.priced(&key.1, usage),
            // Nobody could be asked: when it is opened again, perhaps.
            Err(Fault::Connect | Fault::Silence | Fault::Cut | Fault::Key) => return Vec::new(),
            Err(_) if asked_in_vain(of) => (), // For another of its responses.
            Err(_) if of.end == End::Complete => of.notes.push(NOT_LEARNT.into()),
            Err(_) => of.notes.push(format!("{NOT_LEARNT}; the provider may have billed it to its end")),
        }
        self.count_cost();
        vec![save(vec![self.header_change(), self.message_change(answer)])]
    }

    /// The server said how many free requests are left; the card of a refused one tells.
    pub fn free_quota(&mut self, answer: MessageId, quota: FreeQuota) -> Vec<Next> {
        let add = |error: &mut Error| {
            error.facts.retain(|fact| !matches!(fact, Fact::FreeQuota(_)));
            error.facts.push(Fact::FreeQuota(quota));
        };
        let turn = self.turns.iter_mut().find(|turn| turn.answer == answer);
        let Some(message) = self.messages.get_mut(&answer) else { return Vec::new() };
        let Body::Answer(of) = &mut message.body else { return Vec::new() };
        message.rev += 1;
        match (turn.map(|turn| &mut turn.phase), &mut of.end) {
            (Some(Phase::Waiting { error, .. }), _) => {
                add(error);
                Vec::new()
            }
            (_, End::Failed(error)) => {
                add(error);
                vec![save(vec![self.message_change(answer)])]
            }
            (_, End::Open | End::Complete | End::Incomplete { .. } | End::Stopped | End::Interrupted) => Vec::new(),
        }
    }
}

/// It may have cost something that nobody said, and the server was not asked in vain.
fn is_left_unpriced(answer: &Answer) -> bool {
    may_have_cost(answer) && !asked_in_vain(answer)
}

fn asked_in_vain(answer: &Answer) -> bool {
    answer.notes.iter().any(|note| note.starts_with(NOT_LEARNT))
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;
    use super::*;
    use crate::api::{Dialect, Event, Fault, Usd};

    fn usage(cost: &str) -> Usage {
        Usage { output_tokens: Some(9), cost: Usd::parse(cost), ..Usage::default() }
    }

    fn prices(next: &[Next]) -> Vec<&str> {
        next.iter()
            .filter_map(|next| match next {
                Next::AskPrice { generation, .. } => Some(generation.as_str()),
                _ => None,
            })
            .collect()
    }

    /// A stopped answer that has begun.
    fn stopped() -> Bench {
        let mut bench = Bench::new();
        let stream = bench.send("Why?");
        bench.chat.opened(stream, Some("gen-1".into()), bench.now);
        bench.apply(stream, &[delta("Becau")]);
        bench.stop();
        bench
    }

    fn not_yet() -> Result<Usage, Error> {
        Err(error(Fault::Model, 404))
    }

    #[test]
    fn the_price_of_a_stopped_answer_is_asked_for_and_becomes_its_own() {
        let mut bench = stopped();
        let answer = bench.newest();
        assert!(bench.chat.asks_price(answer));
        assert_eq!(bench.wakes_in(), Some(1000));
        bench.wait(1000);
        assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)), ["gen-1"]);
        assert_eq!(bench.wakes_in(), None, "one question at a time");
        let saved = asked(bench.chat.priced(answer, "gen-1".into(), bench.now, Ok(usage("0.0031"))));
        assert_eq!(saved.saved, ["conversation", "answer"]);
        assert!(!bench.chat.asks_price(answer));
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.0031", 0));
        assert!(bench.chat.priced(answer, "gen-1".into(), bench.now, Ok(usage("1"))).is_empty(), "once");
    }

    #[test]
    fn it_is_asked_for_three_times_and_then_said_to_be_unknown() {
        let mut bench = stopped();
        let answer = bench.newest();
        for wait in [1000, 1500, 2000] {
            assert_eq!(bench.wakes_in(), Some(wait));
            bench.wait(wait);
            assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)).len(), 1);
            assert!(bench.answer().notes.is_empty());
            bench.chat.priced(answer, "gen-1".into(), bench.now, not_yet());
        }
        assert_eq!((bench.wakes_in(), bench.chat.asks_price(answer)), (None, false));
        assert!(bench.answer().notes[0].contains("may have billed"), "{:?}", bench.answer().notes);
        assert_eq!(bench.chat.cost().unknown, 1);
    }

    /// The conversation as another run reads it.
    fn restored(bench: &Bench) -> Bench {
        let messages = bench.chat.messages.values().cloned().collect();
        let chat = Conversation::restore(bench.chat.header(), messages, String::new(), Vec::new());
        Bench { chat, ids: bench.ids.clone(), now: bench.now }
    }

    #[test]
    fn the_next_run_asks_once_and_quietly_what_a_cut_answer_cost() {
        let mut cut = Bench::new();
        cut.exchange("one", "1", "0.1");
        let stream = cut.send("Why?");
        cut.chat.opened(stream, Some("gen-7".into()), cut.now);
        cut.apply(stream, &[delta("Becau")]);
        cut.chat.interrupt_all(cut.now);
        let mut next = restored(&cut);
        let answer = next.newest();
        next.chat.ask_left_prices(next.now, |endpoint| endpoint == "openrouter");
        assert!(!next.chat.asks_price(answer), "nobody waits for it");
        assert_eq!(prices(&next.chat.tick(next.now, &mut next.ids)), ["gen-7"]);
        let mut unreachable = restored(&next);
        assert_eq!(
            asked(next.chat.priced(answer, "gen-7".into(), next.now, Ok(usage("0.002")))).saved,
            ["conversation", "answer"]
        );
        assert_eq!((next.chat.cost().known.digits(), next.chat.cost().unknown), ("0.102", 0));
        let mut priced = restored(&next);
        priced.chat.ask_left_prices(priced.now, |_| true);
        assert_eq!(priced.wakes_in(), None, "it is known");

        for (fault, again) in [(Fault::Connect, true), (Fault::Model, false)] {
            unreachable.chat.ask_left_prices(unreachable.now, |_| true);
            for _ in PAUSES {
                unreachable.chat.tick(unreachable.now, &mut unreachable.ids);
                unreachable.chat.priced(answer, "gen-7".into(), unreachable.now, Err(error(fault, None)));
                unreachable.wait(2000);
            }
            assert_eq!(unreachable.wakes_in(), None, "not for ever");
            let mut later = restored(&unreachable);
            later.chat.ask_left_prices(later.now, |_| true);
            assert_eq!(later.wakes_in().is_some(), again, "{fault:?}");
        }
        let mut elsewhere = restored(&cut);
        elsewhere.chat.ask_left_prices(elsewhere.now, |_| false);
        assert_eq!(elsewhere.wakes_in(), None, "only who knows is asked");
    }

    fn calls() -> serde_json::Value {
        serde_json::json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" })
    }

    /// The end of a response that tells this price and no id.
    fn ended(cost: &serde_json::Value) -> Event {
        event(&serde_json::json!({ "type": "response.completed", "response": { "status": "completed", "output": [],
            "usage": { "input_tokens": 20, "output_tokens": 5, "cost": cost } } }))
    }

    /// An answer of three responses: the first told its price, the second did not, the third was cut.
    fn three_steps() -> Bench {
        let mut bench = Bench::new();
        bench.chat.submit(&mut bench.ids, bench.now, "Why?".into());
        let (id, now) = (bench.newest(), bench.now);
        let Some(Body::Answer(answer)) = bench.chat.messages.get_mut(&id).map(|message| &mut message.body) else {
            panic!("an answer stands last");
        };
        for (step, generation) in (0..).zip(["gen-a", "gen-b", "gen-c"]) {
            answer.begun_as(step, Some(generation.into()));
            let told = ended(&if step == 0 { 0.1.into() } else { serde_json::Value::Null });
            let events = if step < 2 { vec![done(0, &calls()), told] } else { vec![delta("Becau")] };
            for event in &events {
                answer.apply(step, now, event);
            }
        }
        bench.chat.interrupt_all(bench.now);
        bench
    }

    #[test]
    fn each_response_of_an_answer_with_tools_is_asked_for_by_its_own_id() {
        let mut bench = restored(&three_steps());
        let answer = bench.newest();
        assert_eq!(bench.answer().generations().collect::<Vec<_>>(), ["gen-a", "gen-b", "gen-c"]);
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.1", 1), "what is known counts");
        bench.chat.ask_left_prices(bench.now, |_| true);
        assert_eq!(prices(&bench.chat.tick(bench.now, &mut bench.ids)), ["gen-b", "gen-c"]);
        bench.chat.priced(answer, "gen-c".into(), bench.now, Ok(usage("0.03")));
        let cost = |bench: &Bench| {
            let usage = bench.answer().usage.as_ref();
            usage.and_then(|usage| usage.cost.as_ref()).map(|cost| cost.digits().to_owned())
        };
        assert_eq!((cost(&bench), bench.chat.cost().unknown), (None, 1), "one is still unknown");
        bench.chat.priced(answer, "gen-b".into(), bench.now, Ok(usage("0.002")));
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.132", 0));
        assert_eq!(cost(&bench).as_deref(), Some("0.132"));
        let mut again = restored(&bench);
        again.chat.ask_left_prices(again.now, |_| true);
        assert_eq!(again.wakes_in(), None, "all is known");
    }

    #[test]
    fn what_cannot_be_learnt_of_two_responses_is_said_once() {
        let mut bench = three_steps();
        let answer = bench.newest();
        bench.chat.ask_left_prices(bench.now, |_| true);
        for _ in PAUSES {
            bench.chat.tick(bench.now, &mut bench.ids);
            for generation in ["gen-b", "gen-c"] {
                bench.chat.priced(answer, generation.into(), bench.now, not_yet());
            }
            bench.wait(2000);
        }
        assert_eq!((bench.wakes_in(), bench.answer().notes.len()), (None, 1), "{:?}", bench.answer().notes);
    }

    #[test]
    fn a_turn_that_is_stopped_between_two_responses_costs_what_the_first_one_did() {
        let mut bench = Bench::new();
        bench.chat.submit(&mut bench.ids, bench.now, "Why?".into());
        let (id, now) = (bench.newest(), bench.now);
        if let Some(Body::Answer(answer)) = bench.chat.messages.get_mut(&id).map(|message| &mut message.body) {
            answer.begun_as(0, Some("gen-a".into()));
            for event in [done(0, &calls()), completed("0.1")] {
                answer.apply(0, now, &event);
            }
            answer.go_on(1);
        }
        bench.stop();
        assert!(!bench.chat.asks_price(id), "it is known");
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.1", 0));
    }

    #[test]
    fn nothing_is_asked_where_the_price_is_known_or_nothing_was_begun_or_nobody_knows() {
        let mut known = Bench::new();
        known.exchange("Why?", "Because.", "0.1");
        let mut refused = Bench::new();
        let stream = refused.send("Why?");
        refused.end(stream, Err(error(Fault::Key, 401)));
        let mut elsewhere = Bench::new();
        elsewhere.chat.context.dialect = Dialect::Other;
        let stream = elsewhere.send("Why?");
        elsewhere.chat.opened(stream, Some("gen-1".into()), elsewhere.now);
        elsewhere.apply(stream, &[delta("Becau")]);
        elsewhere.stop();
        for bench in [known, refused, elsewhere] {
            assert!(!bench.chat.asks_price(bench.newest()));
        }
    }

    #[test]
    fn a_whole_answer_without_usage_is_priced_too() {
        let mut bench = Bench::new();
        let stream = bench.send("Why?");
        bench.chat.opened(stream, Some("gen-2".into()), bench.now);
        bench.apply(stream, &[delta("So."), done(0, &said("m", "So."))]);
        bench.end(stream, Ok(()));
        assert_eq!(bench.answer().end, End::Complete);
        assert!(bench.chat.asks_price(bench.newest()));
    }

    #[test]
    fn the_quota_joins_the_error_that_waits_and_the_one_that_stays() {
        let mut bench = Bench::new();
        bench.chat.settings.model = "some/model:free".into();
        let quota = FreeQuota { limit: 50, remaining: 49 };
        let stream = bench.send("Why?");
        let next = bench.chat.ended(stream, bench.now, Err(error(Fault::Rate, 429)), &mut bench.ids);
        let [Next::AskQuota { answer, .. }] = next[..] else { panic!("{next:?}") };
        assert!(bench.chat.free_quota(answer, quota).is_empty());
        let Some(Phase::Waiting { error: waiting, .. }) = bench.phase() else { panic!("it waits") };
        assert_eq!(waiting.facts, [Fact::FreeQuota(quota)]);
        bench.stop();
        let later = FreeQuota { remaining: 48, ..quota };
        assert_eq!(asked(bench.chat.free_quota(answer, later)).saved, ["answer"]);
        let End::Failed(failed) = &bench.answer().end else { panic!("it failed") };
        assert_eq!(failed.facts, [Fact::FreeQuota(later)]);
    }
}
