//! ibid's own JSON form: nothing is lost, and what a newer version adds does no harm.

use ibid::{
    chat::{AnswerEnd, WholeConversation},
    exchange::portable::{PortableConversation, PortableError},
    store::{ExchangeDatabase, ImportOutcome},
    tools::grants::ToolGrants,
};
use insta::assert_snapshot;
use proptest::prelude::*;

use super::random_tree::{any_whole, has_open_answer, whole_text};
use crate::store::test_database::{TestDatabase, answer, full_answer, header, prompt, timestamp};

fn read(json: &str) -> WholeConversation {
    let read = PortableConversation::parse(json).expect("a conversation");
    assert_eq!(read.notes, [""; 0]);
    read.conversation.into_whole()
}

fn small() -> WholeConversation {
    let mut chat = header(1, "A <title>");
    chat.branch = vec![prompt(1, "").id, answer(2, 1, full_answer(AnswerEnd::Complete)).id];
    WholeConversation {
        header: chat,
        created_at: timestamp(0),
        origin: Some("chatgpt".into()),
        messages: vec![prompt(1, "Why </script>?"), answer(2, 1, full_answer(AnswerEnd::Complete))],
        full_results: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        side_costs: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_reads_back_from_its_json(whole in any_whole()) {
        let portable = PortableConversation::new(&whole);
        prop_assert_eq!(whole_text(&read(&portable.to_json())), whole_text(&whole));
    }

    #[test]
    fn every_tree_reads_back_from_a_page(whole in any_whole()) {
        let portable = PortableConversation::new(&whole);
        let page = format!("<!doctype html><p>&lt;/script&gt;{}<p>after", portable.to_page_element());
        let json = PortableConversation::find_in_page(&page).expect("the page has it");
        prop_assert!(!json.contains('<'));
        let as_values = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        let back = PortableConversation::new(&read(json));
        prop_assert_eq!(as_values(&back.to_json()), as_values(&portable.to_json()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_reads_back_from_the_database(whole in any_whole()) {
        prop_assume!(!has_open_answer(&whole));
        let disk = TestDatabase::new();
        let mut database = ExchangeDatabase::open(&disk.file()).expect("a database");
        prop_assert_eq!(database.import(whole.clone(), "hash"), Ok(ImportOutcome::New));
        let back = database.load(whole.header.id).expect("the conversation");
        prop_assert_eq!(whole_text(&back), whole_text(&sorted(whole)));
    }
}

/// The order in which the database returns what belongs to messages.
fn sorted(mut whole: WholeConversation) -> WholeConversation {
    whole.checks.sort_by(|a, b| (a.message, &a.source).cmp(&(b.message, &b.source)));
    whole
}

#[test]
fn the_form_stays_what_it_is() {
    assert_snapshot!("the_json_form", PortableConversation::new(&small()).to_json());
}

#[test]
fn what_was_allowed_to_run_is_neither_handed_on_nor_taken_in() {
    let mut whole = small();
    whole.header.settings.tools.grants.all = true;
    let mut portable = PortableConversation::new(&whole);
    assert_eq!(portable.settings.tools.grants, ToolGrants::default());
    portable.settings.tools.grants.all = true;
    assert_eq!(read(&portable.to_json()).header.settings.tools.grants, ToolGrants::default());
}

#[test]
fn fields_of_a_newer_minor_version_are_ignored_with_a_note() {
    let json = PortableConversation::new(&small()).to_json();
    let json = json.replace("\"1.0\"", "\"1.7\"").replace("\"role\": ", "\"mood\": {\"a\": 1}, \"role\": ");
    let read = PortableConversation::parse(&json).expect("a conversation");
    assert_eq!(read.notes, ["the field messages.mood of the newer form 1.7 is not known and was ignored"]);
    assert_eq!(whole_text(&read.conversation.into_whole()), whole_text(&small()));
}

#[test]
fn a_newer_major_version_is_refused_with_both_versions() {
    let json = PortableConversation::new(&small()).to_json().replace("\"1.0\"", "\"2.3\"");
    let error = PortableConversation::parse(&json).expect_err("it is newer");
    assert_snapshot!(error, @"this conversation has the form 2.3, and this ibid reads up to 1.0; a newer ibid can read it");
}

#[test]
fn other_json_is_no_conversation_and_broken_ones_say_what_is_wrong() {
    for json in ["", "[]", "{\"format\": \"pdf\", \"version\": \"1.0\"}", "{\"title\": \"x\"}"] {
        assert_eq!(PortableConversation::parse(json).map(|_| ()), Err(PortableError::Foreign), "{json}");
    }
    let json = PortableConversation::new(&small()).to_json().replace("\"title\"", "\"name\"");
    let error = PortableConversation::parse(&json).expect_err("it has no title");
    assert_snapshot!(error.to_string().split(" at line").next().expect("words"), @"this conversation of ibid cannot be read: missing field `title`");
}
