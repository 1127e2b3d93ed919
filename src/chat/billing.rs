//! What an answer cost that did not say so itself: asked for by its generation, some seconds after its end.

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

/// So many answers that an earlier run left without a price are asked for when their conversation is opened.
const MOST_LEFT: usize = 8;

/// What an answer says whose price the server does not know: it is not asked for again.
const NOT_LEARNT: &str = "what it cost could not be learnt";

/// The answers whose price is being asked for; never stored.
#[derive(Debug, Clone, Default)]
pub struct Billing(BTreeMap<MessageId, Asking>);

#[derive(Debug, Clone)]
struct Asking {
    endpoint: String,
    generation: String,
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
        self.billing.0.get(&answer).is_some_and(|asking| !asking.left)
    }

    /// A turn is over: if nobody has said what its answer cost, somebody is asked.
    pub(super) fn ask_price(&mut self, turn: &Turn, now: Timestamp) {
        if !turn.context.dialect.has_own_fields() {
            return; // Only OpenRouter knows.
        }
        let Some(answer) = self.messages.get(&turn.answer).and_then(super::Message::answer) else { return };
        let told = answer.usage.as_ref().is_some_and(|usage| usage.cost.is_some());
        if let Some(generation) = answer.generation.clone().filter(|_| !told && may_have_cost(answer)) {
            let endpoint = turn.settings.endpoint.clone();
            let asking = Asking { endpoint, generation, tries: 0, due: Some(now + PAUSES[0]), left: false };
            self.billing.0.insert(turn.answer, asking);
        }
    }

    /// The conversation was read from the disk: what the answers cost that were cut with an earlier run is asked for,
    /// of the newest, from endpoints that `know`.
    pub fn ask_left_prices(&mut self, now: Timestamp, know: impl Fn(&str) -> bool) {
        let left = self.messages.values().rev().filter_map(|message| {
            let answer = message.answer().filter(|answer| know(&answer.endpoint) && is_left_unpriced(answer))?;
            if self.billing.0.contains_key(&message.id) {
                return None;
            }
            let (endpoint, generation) = (answer.endpoint.clone(), answer.generation.clone()?);
            Some((message.id, Asking { endpoint, generation, tries: 0, due: Some(now), left: true }))
        });
        let left: Vec<_> = left.take(MOST_LEFT).collect();
        self.billing.0.extend(left);
    }

    /// The questions that are due.
    pub(super) fn ask_prices(&mut self, now: Timestamp) -> Vec<Next> {
        let mut next = Vec::new();
        for (answer, asking) in &mut self.billing.0 {
            if asking.due.take_if(|due| *due <= now).is_some() {
                asking.tries += 1;
                let (endpoint, generation) = (asking.endpoint.clone(), asking.generation.clone());
                next.push(Next::AskPrice { answer: *answer, endpoint, generation });
            }
        }
        next
    }

    /// The server said what an answer cost, or that it does not know yet.
    pub fn priced(&mut self, answer: MessageId, now: Timestamp, result: Result<Usage, Error>) -> Vec<Next> {
        let Some(asking) = self.billing.0.get_mut(&answer) else { return Vec::new() };
        if result.is_err()
            && let Some(pause) = PAUSES.get(asking.tries)
        {
            asking.due = Some(now + *pause);
            return Vec::new();
        }
        self.billing.0.remove(&answer);
        let Some(message) = self.messages.get_mut(&answer) else { return Vec::new() };
        message.rev += 1;
        let Body::Answer(of) = &mut message.body else { return Vec::new() };
        match result.map_err(|error| error.fault) {
            Ok(usage) => of.bill(usage),
            // Nobody could be asked: when it is opened again, perhaps.
            Err(Fault::Connect | Fault::Silence | Fault::Cut | Fault::Key) => return Vec::new(),
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

/// It may have cost something, nobody said what, and the server was not asked in vain. Of several steps only the last
/// is known by its id.
fn is_left_unpriced(answer: &Answer) -> bool {
    let told = answer.usage.as_ref().is_some_and(|usage| usage.cost.is_some());
    let one_step = answer.items.keys().all(|slot| slot.step == 0);
    let asked = answer.notes.iter().any(|note| note.starts_with(NOT_LEARNT));
    !told && !asked && one_step && may_have_cost(answer)
}

impl Answer {
    /// Takes in what its newest response used and cost.
    fn bill(&mut self, usage: Usage) {
        self.usage = Some(match self.earlier() {
            Some(earlier) => earlier.plus(&usage),
            None => usage,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;
    use super::*;
    use crate::api::{Dialect, Fault, Usd};

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
        let saved = asked(bench.chat.priced(answer, bench.now, Ok(usage("0.0031"))));
        assert_eq!(saved.saved, ["conversation", "answer"]);
        assert!(!bench.chat.asks_price(answer));
        assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.0031", 0));
        assert!(bench.chat.priced(answer, bench.now, Ok(usage("1"))).is_empty(), "once");
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
            bench.chat.priced(answer, bench.now, not_yet());
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
        assert_eq!(asked(next.chat.priced(answer, next.now, Ok(usage("0.002")))).saved, ["conversation", "answer"]);
        assert_eq!((next.chat.cost().known.digits(), next.chat.cost().unknown), ("0.102", 0));
        let mut priced = restored(&next);
        priced.chat.ask_left_prices(priced.now, |_| true);
        assert_eq!(priced.wakes_in(), None, "it is known");

        for (fault, again) in [(Fault::Connect, true), (Fault::Model, false)] {
            unreachable.chat.ask_left_prices(unreachable.now, |_| true);
            for _ in PAUSES {
                unreachable.chat.tick(unreachable.now, &mut unreachable.ids);
                unreachable.chat.priced(answer, unreachable.now, Err(error(fault, None)));
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
