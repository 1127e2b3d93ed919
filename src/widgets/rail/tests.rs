//! What a reader sees in the rail.

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
        Body, ConversationId, End, Header, Item, Prompt, Settings,
        answer::{Kind, Part, Reasoning, Search},
    },
    config::Show,
    widgets::{screen, theme::Theme},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds)
}

fn item(index: u32, opened: i64, closed: Option<i64>, kind: Kind) -> (Slot, Item) {
    (Slot { step: 0, index }, Item { raw: None, opened: at(opened), closed: closed.map(at), kind: kind.into() })
}

fn conversation(end: End, items: Vec<(Slot, Item)>) -> Conversation {
    let mut answer = Answer::new("openrouter", "a/b", at(0));
    answer.ended = (end != End::Open).then(|| at(6));
    answer.end = end;
    answer.items = items.into_iter().collect();
    let ids = [MessageId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2))];
    let bodies = [Body::Prompt(Prompt { text: "Go".into() }), Body::Answer(answer)];
    let messages = ids.into_iter().zip(bodies).zip([None, Some(ids[0])]);
    let messages = messages.map(|((id, body), parent)| Message { id, parent, at: at(0), rev: 0, body });
    let header = Header {
        id: ConversationId(Uuid::from_u128(9)),
        title: "t".into(),
        renamed: false,
        settings: Settings::default(),
        branch: ids.to_vec(),
        updated: at(0),
        unread: false,
        left_out: <_>::default(),
    };
    Conversation::restore(header, messages.collect(), String::new(), Vec::new())
}

fn show(rail: &mut Rail, chat: &Conversation, size: Size) -> String {
    let theme = Theme::bundled("ink").expect("bundled");
    let options = ReadingOptions::new(&theme, Show::Auto, jiff::tz::TimeZone::UTC);
    rail.sync(chat, Looking::default(), size, at(4), &options);
    let mut buf = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, size)));
    RailView { rail, theme: &theme, focused: false }.render(buf.area, &mut buf);
    screen::rows(&buf)
}

fn thinking() -> Conversation {
    let text = "**Looking at the question**\n\nThe user asks about WAL over NFS. The shm index needs shared memory.\n\n**Checking what the page says**\n\nI should check the current page before I say so.";
    let (before, after) = text.split_at(text.find("**Checking").expect("it is there"));
    let reasoning = Reasoning { summary: vec![before.into(), after.into()], ..Reasoning::default() };
    let search = Search { kind: "web_search_call".into(), query: Some("sqlite wal nfs".into()), ..Search::default() };
    conversation(
        End::Open,
        vec![item(0, 0, Some(3), Kind::Reasoning(reasoning)), item(1, 3, None, Kind::Search(search))],
    )
}

#[test]
fn reasoning_comes_live_under_its_newest_headline() {
    let mut rail = Rail::default();
    assert_snapshot!(show(&mut rail, &thinking(), Size::new(44, 20)), @"
    Reasoning  Sources  Details

    ◐ Checking what the page says            3 s

    Looking at the question

    The user asks about WAL over NFS. The shm
    index needs shared memory.

    Checking what the page says

    I should check the current page before I say
    so.

    ⌕ sqlite wal nfs




    a summary
    ");
    // Too long for the rail, it shows its end, until the reader goes elsewhere.
    assert_snapshot!(show(&mut rail, &thinking(), Size::new(44, 8)), @"
    Reasoning  Sources  Details


    I should check the current page before I say
    so.

    ⌕ sqlite wal nfs
    a summary
    ");
    rail.scroll(Move::Top);
    assert_snapshot!(show(&mut rail, &thinking(), Size::new(44, 6)), @"
    Reasoning  Sources  Details

    ◐ Checking what the page says            3 s

    Looking at the question
    a summary
    ");
    rail.scroll(Move::Pages(9));
    let end = show(&mut rail, &thinking(), Size::new(44, 6));
    assert!(end.contains("sqlite wal nfs"), "{end}");
}

#[test]
fn sources_say_what_they_support() {
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
    let text = Kind::Message { parts: vec![Part::Text { text: "Claim other".into(), annotations }], phase: None };
    let chat = conversation(End::Complete, vec![item(0, 0, Some(1), text)]);
    let mut rail = Rail { tab: Tab::Sources, ..Rail::default() };
    assert_snapshot!(show(&mut rail, &chat, Size::new(44, 16)), @"
    Reasoning  Sources 2  Details

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
    rail.show(Tab::Reasoning);
    assert_snapshot!(show(&mut rail, &chat, Size::new(44, 4)), @"
    Reasoning  Sources 2  Details

    The model told no reasoning.
    ");
}

#[test]
fn nothing_panics_at_any_size() {
    let chat = thinking();
    let theme = Theme::default();
    let options = ReadingOptions::new(&theme, Show::Auto, jiff::tz::TimeZone::UTC);
    for tab in [Tab::Reasoning, Tab::Sources] {
        screen::at_every_size(|area, buf| {
            let mut rail = Rail { tab, ..Rail::default() };
            rail.sync(&chat, Looking::default(), area.as_size(), at(4), &options);
            RailView { rail: &rail, theme: &theme, focused: true }.render(area, buf);
        });
    }
}
