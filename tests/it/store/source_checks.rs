//! What checks of cited pages found, and what was paid besides answers.

use ibid::{
    api::Usd,
    chat::{AnswerEnd, ConversationChange, StoredCheck},
    store::{StoreJob, StoreReply},
};

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, empty_answer, header, message_id, timestamp, write_header,
    write_message,
};

fn check(message: u128, source: &str, result: &str) -> StoredCheck {
    StoredCheck {
        message: message_id(message),
        source: source.into(),
        checked_at: timestamp(7),
        page_hash: Some("c0ffee".into()),
        result: result.into(),
    }
}

fn save_check(check: StoredCheck) -> ConversationChange {
    ConversationChange::SourceCheck(Box::new(check))
}

fn checks(run: &StoreRun, conversation: u128) -> Vec<StoredCheck> {
    run.send(StoreJob::LoadChecks(conversation_id(conversation)));
    match run.reply() {
        StoreReply::Checks { conversation: id, checks, .. } if id == conversation_id(conversation) => checks,
        other => panic!("unexpected reply: {other:?}"),
    }
}

/// Two conversations with an answer each.
fn two_answers(run: &StoreRun) {
    run.save_ok(vec![
        write_header(header(1, "one")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Complete))),
        write_header(header(3, "two")),
        write_message(3, answer(4, 3, empty_answer(AnswerEnd::Complete))),
    ]);
}

#[test]
fn the_newest_check_of_each_source_is_kept_with_its_answer() {
    let disk = TestDatabase::new();
    let run = disk.open();
    two_answers(&run);
    run.save_ok(vec![
        save_check(check(2, "https://a.example/", "\"old\"")),
        save_check(check(2, "https://b.example/", "\"b\"")),
        save_check(check(4, "https://a.example/", "\"other\"")),
    ]);
    let newer = StoredCheck { page_hash: None, ..check(2, "https://a.example/", "\"new\"") };
    run.save_ok(vec![save_check(newer.clone())]);
    drop(run);
    let run = disk.open();
    assert_eq!(checks(&run, 1), [newer, check(2, "https://b.example/", "\"b\"")]);
    assert_eq!(checks(&run, 3), [check(4, "https://a.example/", "\"other\"")]);
}

#[test]
fn what_a_second_opinion_cost_counts_for_its_day() {
    let disk = TestDatabase::new();
    let run = disk.open();
    two_answers(&run);
    let paid = |seconds, cost| ConversationChange::SideCost {
        message: message_id(2),
        at: timestamp(seconds),
        cost: Usd::parse(cost).expect("a price"),
    };
    run.save_ok(vec![paid(10, "0.002"), paid(20, "0.03")]);
    let spent = |since| {
        run.send(StoreJob::SumCosts { since: timestamp(since) });
        match run.reply() {
            StoreReply::CostsSummed { cost, .. } => cost,
            other => panic!("unexpected reply: {other:?}"),
        }
    };
    let before = spent(21);
    let with = |cost: &str| before.checked_add(&Usd::parse(cost).expect("a price"));
    assert_eq!((Some(spent(11)), Some(spent(10))), (with("0.03"), with("0.032")));
    run.send(StoreJob::LoadChecks(conversation_id(1)));
    let StoreReply::Checks { side_costs, .. } = run.reply() else { panic!("the costs are loaded") };
    let mut costs: Vec<String> = side_costs.iter().map(|(_, cost)| cost.digits().to_string()).collect();
    costs.sort_unstable();
    assert_eq!(costs, ["0.002", "0.03"]);
}
