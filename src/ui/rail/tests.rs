//! Tests of the drawn rail.

use crate::ui::rail::Rail;
use insta::assert_snapshot;
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
    widgets::Widget,
};
use uuid::Uuid;

use super::*;
use crate::{
    api::Annotation,
    chat::{
        AnswerEnd, ChatSettings, ConversationHeader, ConversationId, Item, ItemSlot, MessageBody, Prompt,
        answer::{ContentPart, ItemKind, ReasoningItem, SearchCall},
    },
    citations::check::SourceChecks,
    config::ShowMode,
    render::theme::Theme,
    ui::test_buffer,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds)
}

fn item(index: u32, opened: i64, closed: Option<i64>, kind: ItemKind) -> (ItemSlot, Item) {
    (
        ItemSlot { step: 0, index },
        Item { raw: None, opened_at: at(opened), closed_at: closed.map(at), kind: kind.into() },
    )
}

fn conversation(end: AnswerEnd, items: Vec<(ItemSlot, Item)>) -> Conversation {
    let mut answer = Answer::new("openrouter", "a/b", at(0));
    answer.ended_at = (end != AnswerEnd::Open).then(|| at(6));
    answer.end = end;
    answer.items = items.into_iter().collect();
    let ids = [MessageId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2))];
    let bodies = [MessageBody::Prompt(Prompt { text: "Go".into() }), MessageBody::Answer(answer)];
    let messages = ids.into_iter().zip(bodies).zip([None, Some(ids[0])]);
    let messages = messages.map(|((id, body), parent)| Message { id, parent, created_at: at(0), rev: 0, body });
    let header = ConversationHeader {
        id: ConversationId(Uuid::from_u128(9)),
        title: "t".into(),
        renamed: false,
        settings: ChatSettings::default(),
        branch: ids.to_vec(),
        updated_at: at(0),
        unread: false,
        left_out: <_>::default(),
    };
    Conversation::restore(header, messages.collect(), String::new(), Vec::new())
}

fn drawn(rail: &mut Rail, chat: &Conversation, size: Size) -> String {
    let theme = Theme::bundled("ink").expect("the theme is bundled");
    let options = ReadingOptions::new(&theme, ShowMode::Auto, jiff::tz::TimeZone::UTC);
    rail.sync(chat, RailFocus::default(), size, at(4), &options, &SourceChecks::default());
    let mut buf = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, size)));
    RailView { rail, theme: &theme, focused: false }.render(buf.area, &mut buf);
    test_buffer::buffer_text(&buf)
}

fn thinking() -> Conversation {
    let text = "**Looking at the question**\n\nThe user asks about WAL over NFS. The shm index needs shared memory.\n\n**Checking what the page says**\n\nI should check the current page before I say so.";
    let (before, after) = text.split_at(text.find("**Checking").expect("the text contains the headline"));
    let reasoning = ReasoningItem { summary: vec![before.into(), after.into()], ..ReasoningItem::default() };
    let search =
        SearchCall { kind: "web_search_call".into(), query: Some("sqlite wal nfs".into()), ..SearchCall::default() };
    conversation(
        AnswerEnd::Open,
        vec![item(0, 0, Some(3), ItemKind::Reasoning(reasoning)), item(1, 3, None, ItemKind::Search(search))],
    )
}

#[test]
fn live_reasoning_appears_under_its_newest_headline() {
    let mut rail = Rail::default();
    assert_snapshot!(drawn(&mut rail, &thinking(), Size::new(44, 20)), @"
    Reasoning  Sources  Details  Tree

    ◐ Checking what the page says            3 s

    Looking at the question

    The user asks about WAL over NFS. The shm
    index needs shared memory.

    Checking what the page says

    I should check the current page before I say
    so.

    ⌕ sqlite wal nfs




    summary
    ");
    // Reasoning too long for the rail shows its end until the user scrolls.
    assert_snapshot!(drawn(&mut rail, &thinking(), Size::new(44, 8)), @"
    Reasoning  Sources  Details  Tree


    I should check the current page before I say
    so.

    ⌕ sqlite wal nfs
    summary
    ");
    rail.scroll(ScrollMove::Top);
    assert_snapshot!(drawn(&mut rail, &thinking(), Size::new(44, 6)), @"
    Reasoning  Sources  Details  Tree

    ◐ Checking what the page says            3 s

    Looking at the question
    summary
    ");
    rail.scroll(ScrollMove::Pages(9));
    let end = drawn(&mut rail, &thinking(), Size::new(44, 6));
    assert!(end.contains("sqlite wal nfs"), "{end}");
}

#[test]
fn pages_that_were_read_but_not_cited_stand_below_the_sources() {
    let url = "https://sqlite.org/wal.html".to_owned();
    let annotations = vec![Annotation {
        kind: "url_citation".into(),
        url: Some(url.clone()),
        title: Some("WAL".into()),
        ..Annotation::default()
    }];
    let text = ItemKind::Message { parts: vec![ContentPart::Text { text: "Claim".into(), annotations }], phase: None };
    let found = |urls: &[&str]| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        ItemKind::Search(SearchCall { kind: "web_search_call".into(), urls, ..SearchCall::default() })
    };
    let (first, second) =
        (found(&[&url, "https://a.example/x"]), found(&["https://a.example/x/", "https://b.example"]));
    let items = vec![item(0, 0, Some(1), first), item(1, 0, Some(1), second), item(2, 0, Some(1), text)];
    let chat = conversation(AnswerEnd::Complete, items);
    let mut rail = Rail { tab: RailTab::Sources, ..Rail::default() };
    assert_snapshot!(drawn(&mut rail, &chat, Size::new(44, 12)), @"
    Reasoning  Sources 1  Details  Tree

    [1] WAL
    sqlite.org › wal.html
    no excerpt came with the answer

    read, not cited
    a.example › x
    b.example
    ");
    assert_eq!(rail.source_at_row(2).map(|(_, number)| number), Some(1));
    assert_eq!(rail.source_at_row(7), None, "a page that was only read is no source");
}

#[test]
fn sources_show_their_excerpts_and_claim_counts() {
    let annotation = |url: &str, title: &str, content: Option<&str>, place: Option<(u64, u64)>| Annotation {
        kind: "url_citation".into(),
        url: Some(url.into()),
        title: Some(title.into()),
        content: content.map(str::to_owned),
        filename: None,
        start: place.map(|place| place.0),
        end: place.map(|place| place.1),
    };
    let excerpt =
        "All processes using a database must be on the same host; WAL does not work over a network filesystem. "
            .repeat(4);
    let annotations = vec![
        annotation("https://sqlite.org/wal.html", "Write-Ahead Logging", Some(&excerpt), Some((0, 5))),
        annotation("https://sqlite.org/wal.html", "", None, Some((6, 11))),
        annotation("https://www.kernel.org/", "NFS client caching and some more words", None, None),
    ];
    let text =
        ItemKind::Message { parts: vec![ContentPart::Text { text: "Claim other".into(), annotations }], phase: None };
    let chat = conversation(AnswerEnd::Complete, vec![item(0, 0, Some(1), text)]);
    let mut rail = Rail { tab: RailTab::Sources, ..Rail::default() };
    assert_snapshot!(drawn(&mut rail, &chat, Size::new(44, 16)), @"
    Reasoning  Sources 2  Details  Tree

    [1] Write-Ahead Logging             2 claims
    sqlite.org › wal.html
    “All processes using a database must be on
    the same host; WAL does not work over a
    network filesystem. All processes using a
    database must be on the same host; WAL does
    not work over a network filesystem. All
    processes using a database must be on the …”

    [2] NFS client caching and some more words
    kernel.org
    no excerpt came with the answer
    ");
    rail.select_tab(RailTab::Reasoning);
    assert_snapshot!(drawn(&mut rail, &chat, Size::new(44, 4)), @"
    Reasoning  Sources 2  Details  Tree

    This model did not share its reasoning.
    ");
}

#[test]
fn the_rail_draws_at_every_size() {
    let chat = thinking();
    let theme = Theme::default();
    let options = ReadingOptions::new(&theme, ShowMode::Auto, jiff::tz::TimeZone::UTC);
    for tab in [RailTab::Reasoning, RailTab::Sources] {
        test_buffer::draw_at_every_size(|area, buf| {
            let mut rail = Rail { tab, ..Rail::default() };
            rail.sync(&chat, RailFocus::default(), area.as_size(), at(4), &options, &SourceChecks::default());
            RailView { rail: &rail, theme: &theme, focused: true }.render(area, buf);
        });
    }
}
