//! What the transcript shows, and where the window goes.

mod moving;

use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use uuid::Uuid;

use super::*;
use crate::{
    api::{Annotation, ApiError, FaultKind, Usage, Usd},
    chat::{
        Answer, AnswerEnd, ChatSettings, ConversationHeader, Item, ItemKind, ItemSlot, Message, MessageBody, Prompt,
        QueueHolder, QueuedId, QueuedPrompt, Turn, TurnId, TurnPhase,
        answer::{ContentPart, FunctionCall, ReasoningItem, SearchCall},
    },
    config::ShowMode,
    render::theme::Theme,
    ui::test_buffer,
};

fn time_at(seconds: f64) -> Timestamp {
    let start: Timestamp = "2026-11-22T12:02:00Z".parse().expect("a time");
    start + jiff::SignedDuration::from_millis((seconds * 1000.0) as i64)
}

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn prompt(text: &str) -> MessageBody {
    MessageBody::Prompt(Prompt { text: text.into() })
}

fn item(index: u32, opened: f64, closed: Option<f64>, kind: ItemKind) -> (ItemSlot, Item) {
    (
        ItemSlot { step: 0, index },
        Item { raw: None, opened_at: time_at(opened), closed_at: closed.map(time_at), kind: kind.into() },
    )
}

fn text_item(text: &str, annotations: Vec<Annotation>) -> ItemKind {
    ItemKind::Message { parts: vec![ContentPart::Text { text: text.into(), annotations }], phase: None }
}

fn reasoning_item(text: &str) -> ItemKind {
    ItemKind::Reasoning(ReasoningItem { content: vec![text.into()], ..ReasoningItem::default() })
}

fn search_item(query: &str, pages: &[&str]) -> ItemKind {
    let urls = pages.iter().map(ToString::to_string).collect();
    ItemKind::Search(SearchCall {
        kind: "openrouter:web_search".into(),
        query: Some(query.into()),
        urls,
        ..SearchCall::default()
    })
}

fn citation(url: &str, title: &str, range: std::ops::Range<u64>) -> Annotation {
    Annotation {
        kind: "url_citation".into(),
        url: Some(url.into()),
        title: Some(title.into()),
        content: None,
        filename: None,
        start: Some(range.start),
        end: Some(range.end),
    }
}

fn answer(end: AnswerEnd, items: impl IntoIterator<Item = (ItemSlot, Item)>) -> Answer {
    let ended = (end != AnswerEnd::Open).then(|| time_at(6.1));
    Answer {
        items: items.into_iter().collect(),
        end,
        ended_at: ended,
        ..Answer::new("openrouter", "anthropic/claude-opus-5", time_at(0.0))
    }
}

fn conversation(bodies: Vec<MessageBody>) -> Conversation {
    let messages: Vec<Message> = bodies
        .into_iter()
        .zip(1..)
        .map(|(body, number)| Message {
            id: id(number),
            parent: (number > 1).then(|| id(number - 1)),
            created_at: time_at(0.0),
            rev: 0,
            body,
        })
        .collect();
    let header = ConversationHeader {
        id: ConversationId(Uuid::from_u128(99)),
        title: "t".into(),
        renamed: false,
        settings: ChatSettings::default(),
        branch: messages.iter().map(|message| message.id).collect(),
        updated_at: time_at(0.0),
        unread: false,
        left_out: <_>::default(),
    };
    Conversation::restore(header, messages, String::new(), Vec::new())
}

fn answer_of(conversation: &mut Conversation, number: u128) -> &mut Answer {
    let message = conversation.messages.get_mut(&id(number)).expect("the message exists");
    message.rev += 1;
    match &mut message.body {
        MessageBody::Answer(answer) => answer,
        MessageBody::Prompt(_) => panic!("message {number} is a prompt"),
    }
}

fn options() -> ReadingOptions {
    ReadingOptions::new(
        &Theme::bundled("ink").expect("bundled"),
        ShowMode::Auto,
        jiff::tz::TimeZone::fixed(jiff::tz::offset(2)),
    )
}

/// A window onto a conversation.
struct TestWindow {
    transcript: Transcript,
    width: u16,
    height: u16,
    now: f64,
    options: ReadingOptions,
}

impl TestWindow {
    fn new(width: u16, height: u16) -> Self {
        Self { transcript: Transcript::default(), width, height, now: 8.0, options: options() }
    }

    fn show(&mut self, conversation: &Conversation) -> String {
        self.transcript.sync(conversation, self.width, self.height, time_at(self.now), &self.options);
        let area = Rect::new(0, 0, self.width, self.height);
        let mut buf = Buffer::empty(area);
        let theme = Theme::bundled("ink").expect("bundled");
        let is_answer = |id: &MessageId| conversation.messages[id].as_answer().is_some();
        TranscriptView {
            transcript: &self.transcript,
            theme: &theme,
            code_keys_of: conversation.branch.iter().rev().copied().find(is_answer),
            focused: false,
            pill_row: None,
            end_key: "^End",
        }
        .render(area, &mut buf);
        test_buffer::buffer_text(&buf)
    }

    fn scroll(&mut self, to: ScrollMove, conversation: &Conversation) -> String {
        self.transcript.scroll(to);
        self.show(conversation)
    }
}

const WAL: &str = "**No, not with more than one machine.** WAL keeps an index in shared memory, and processes on different hosts cannot share memory over a network file system ([sqlite.org](https://sqlite.org/wal.html?utm_source=openai)). Even with one host, advisory locks on NFS are the weak point.

## What to do instead

- Put the file on a local disk and copy it out with `VACUUM INTO`.

```sql
PRAGMA synchronous = FULL;
```";

fn wal_conversation() -> Conversation {
    let link = WAL.find("([sqlite").expect("the text has a link") as u64;
    let claim = WAL.find(" are the weak").expect("the text has a claim") as u64;
    let citations = vec![
        citation("https://sqlite.org/wal.html?utm_source=openai", "Write-Ahead Logging", link..link + 59),
        citation("https://www.sqlite.org/faq.html#q5", "Frequently Asked Questions", claim - 14..claim + 15),
        citation("https://www.kernel.org/nfs", "NFS client caching", 0..0),
    ];
    let mut answer = answer(
        AnswerEnd::Complete,
        [
            item(0, 0.2, Some(4.2), reasoning_item("The user asks about WAL over NFS.")),
            item(
                1,
                4.2,
                Some(4.9),
                search_item("sqlite wal nfs", &["https://sqlite.org/wal.html", "https://sqlite.org/faq.html"]),
            ),
            item(2, 4.9, Some(5.0), search_item("nfs locks", &["https://kernel.org/nfs"])),
            item(3, 5.0, Some(6.1), text_item(WAL, citations)),
        ],
    );
    answer.usage = Some(Usage {
        output_tokens: Some(342),
        reasoning_tokens: Some(312),
        cost: Usd::parse("0.0184"),
        ..Usage::default()
    });
    conversation(vec![
        prompt("Is it safe to run SQLite in WAL mode on NFS? Be brief, and give sources."),
        MessageBody::Answer(answer),
    ])
}

#[test]
fn a_turn_reads_like_a_page() {
    assert_snapshot!(TestWindow::new(84, 30).show(&wal_conversation()), @"
    ▌ you
    ▌ Is it safe to run SQLite in WAL mode on NFS? Be brief, and give sources.

      claude-opus-5  14:02 · 6.1 s · 58 t/s · $0.018
      ▸ Thought for 4 s · 312 tokens
      ⌕ Searched the web · 2 queries · 3 pages

      No, not with more than one machine. WAL keeps an index in shared memory, and
      processes on different hosts cannot share memory over a network file system [1].
      Even with one host, advisory locks on NFS are the weak point [2].

      What to do instead

      • Put the file on a local disk and copy it out with VACUUM INTO.

      ▏ sql                                                                 copy ^X c 1
      ▏ PRAGMA synchronous = FULL;

      Sources  [1] sqlite.org/wal  [2] sqlite.org/faq  [3] kernel.org/nfs
    ");
}

#[test]
fn a_narrow_screen_leaves_out_facts_but_no_text() {
    assert_snapshot!(TestWindow::new(60, 22).show(&wal_conversation()), @"
    ▌ you
    ▌ Is it safe to run SQLite in WAL mode on NFS? Be brief, and
    ▌ give sources.

      claude-opus-5  14:02 · 6.1 s · $0.018
      ▸ Thought for 4 s   ⌕ Searched the web · 3 pages

      No, not with more than one machine. WAL keeps an index in
      shared memory, and processes on different hosts cannot
      share memory over a network file system [1]. Even with one
      host, advisory locks on NFS are the weak point [2].

      What to do instead

      • Put the file on a local disk and copy it out with VACUUM
        INTO.

      ▏ sql                                         copy ^X c 1
      ▏ PRAGMA synchronous = FULL;

      Sources  [1] sqlite.org/wal  [2] sqlite.org/faq
               [3] kernel.org/nfs
    ");
}

#[test]
fn live_reasoning_shows_its_last_rows_and_folds_with_the_first_text() {
    let text = "The user asks about WAL over NFS. The shm index needs shared memory, so two hosts cannot see the same index. One host may work, but lockd is a known problem. I should check";
    let mut chat = conversation(vec![
        prompt("Is it safe?"),
        MessageBody::Answer(answer(AnswerEnd::Open, [item(0, 0.2, None, reasoning_item(text))])),
    ]);
    let mut window = TestWindow::new(60, 10);
    window.now = 4.3;
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it safe?

          claude-opus-5  14:02
          ▾ Thinking 4 s
          ┊ shared memory, so two hosts cannot see the same index.
          ┊ One host may work, but lockd is a known problem. I
          ┊ should check
        ");
    window.options.reasoning_in_rail = true;
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it safe?

          claude-opus-5  14:02
          ▸ Thinking 4 s
        ");
    window.options.reasoning_in_rail = false;
    let open = answer_of(&mut chat, 2);
    open.items.values_mut().for_each(|item| item.closed_at = Some(time_at(4.2)));
    open.items.extend([item(1, 4.2, None, text_item("No", Vec::new()))]);
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it safe?

          claude-opus-5  14:02
          ▸ Thought for 4 s

          No
        ");
    window.transcript.toggle_fold(id(2));
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it safe?

          claude-opus-5  14:02
          ▾ Thought for 4 s
          ┊ The user asks about WAL over NFS. The shm index needs
          ┊ shared memory, so two hosts cannot see the same index.
          ┊ One host may work, but lockd is a known problem. I
          ┊ should check
        ");
}

#[test]
fn a_live_summary_shows_its_headline_in_its_head() {
    let summary = vec!["**Looking at locks**\n\nThe user asks.".into(), "**Reading the page on WAL**\n\nIt".into()];
    let reasoning = ItemKind::Reasoning(ReasoningItem { summary, ..ReasoningItem::default() });
    let mut chat = conversation(vec![
        prompt("Is it safe?"),
        MessageBody::Answer(answer(AnswerEnd::Open, [item(0, 0.2, None, reasoning)])),
    ]);
    let mut window = TestWindow::new(60, 10);
    window.now = 4.3;
    let shown = window.show(&chat);
    assert!(shown.contains("▾ Reading the page on WAL 4 s"), "{shown}");
    let open = answer_of(&mut chat, 2);
    open.items.values_mut().for_each(|item| item.closed_at = Some(time_at(4.2)));
    open.items.extend([item(1, 4.2, None, text_item("No", Vec::new()))]);
    let shown = window.show(&chat);
    assert!(shown.contains("▸ Thought for 4 s"), "{shown}");
}

#[test]
fn searches_calls_and_unknown_items_take_a_row_each() {
    let mut call = FunctionCall {
        name: "files__read".into(),
        arguments: "{\"path\":\n \"src/parser.rs\"}".into(),
        ..FunctionCall::default()
    };
    call.call_id = "c1".into();
    let chat = conversation(vec![
        prompt("Go"),
        MessageBody::Answer(answer(
            AnswerEnd::Open,
            [
                item(
                    0,
                    0.2,
                    Some(1.0),
                    ItemKind::Reasoning(ReasoningItem { has_encrypted: true, ..ReasoningItem::default() }),
                ),
                item(1, 1.0, None, search_item("sqlite wal\nnetwork filesystem", &[])),
                item(2, 1.0, Some(1.0), ItemKind::Call(call)),
                item(
                    3,
                    1.0,
                    None,
                    ItemKind::Other { kind: "image_generation_call".into(), status: Some("in_progress".into()) },
                ),
            ],
        )),
    ]);
    let mut window = TestWindow::new(60, 9);
    window.now = 2.2;
    assert_snapshot!(window.show(&chat), @r#"
    ▌ you
    ▌ Go

      claude-opus-5  14:02
      ▸ Thought briefly · encrypted
      ⌕ Searching the web “sqlite wal network filesystem” 1.2 s
      ⚙ files__read "src/parser.rs"
      ▸ image generation call · in progress
    "#);
}

#[test]
fn a_failed_answer_keeps_its_text_and_offers_choices() {
    let error = ApiError { status: Some(502), provider: Some("Anthropic".into()), ..ApiError::new(FaultKind::Cut, "") };
    let failed = || {
        MessageBody::Answer(answer(
            AnswerEnd::Failed(error.clone()),
            [item(0, 0.2, None, text_item("No, not with", Vec::new()))],
        ))
    };
    let chat = conversation(vec![prompt("Is it?"), failed(), prompt("And?"), failed()]);
    let mut window = TestWindow::new(70, 30);
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it?

          claude-opus-5  14:02 · interrupted after 6.1 s

          No, not with

          ▌ The provider hung up in mid-answer.  Anthropic, 502, after ~3
          ▌ tokens
          ▌ The partial answer is saved. It may be billed. Continue it, or ask
          ▌ again.


        ▌ you
        ▌ And?

          claude-opus-5  14:02 · interrupted after 6.1 s

          No, not with

          ▌ The provider hung up in mid-answer.  Anthropic, 502, after ~3
          ▌ tokens
          ▌ The partial answer is saved. It may be billed. Continue it, or ask
          ▌ again.
          ▌
          ▌ ↵ continue   Tab, then r try again   m another model
        ");
    assert_eq!(
        window.transcript.live_card(),
        Some(LiveCard { answer: id(4), approval: None, text_hash: 0, since: time_at(8.0) })
    );
    window.now = 9.0;
    window.scroll(ScrollMove::Top, &chat);
    assert_eq!(window.transcript.live_card().map(|card| card.since), Some(time_at(8.0)));
}

#[test]
fn a_retry_counts_down() {
    let mut chat = conversation(vec![prompt("And in a container?"), MessageBody::Answer(answer(AnswerEnd::Open, []))]);
    let error = ApiError { status: Some(429), ..ApiError::new(FaultKind::Rate, "20 a minute on this key") };
    let mut turn =
        Turn::new(TurnId(Uuid::from_u128(7)), id(2), ChatSettings::default(), chat.context.clone(), time_at(0.0));
    turn.phase = TurnPhase::AwaitingRetry { until: time_at(12.0), error };
    turn.attempt = 1;
    chat.turns.push(turn);
    let mut window = TestWindow::new(70, 12);
    window.now = 3.0;
    assert_snapshot!(window.show(&chat), @"
    ▌ you
    ▌ And in a container?

      claude-opus-5  14:02

      ▌ Too many requests.  429
      ▌ “20 a minute on this key”
      ▌ Trying again in 9 s  ▰▰▰▰▰▰▰▰▰▱▱▱  attempt 2 of 4
      ▌ Nothing has been shown or billed yet.
      ▌
      ▌ ↵ now   Esc give up   Tab, then m another model
    ");
}

#[test]
fn stopped_refused_and_truncated_answers_say_so() {
    let stopped = answer(AnswerEnd::Stopped, [item(0, 0.2, None, text_item("One, two,", Vec::new()))]);
    let refusal =
        ItemKind::Message { parts: vec![ContentPart::Refusal("I cannot help with that.".into())], phase: None };
    let refused = answer(AnswerEnd::Complete, [item(0, 0.2, Some(1.0), refusal)]);
    let reason = Some("max_output_tokens".into());
    let cut = answer(AnswerEnd::Incomplete { reason }, [item(0, 0.2, None, text_item("A long", Vec::new()))]);
    let mut chat =
        conversation(vec![MessageBody::Answer(stopped), MessageBody::Answer(refused), MessageBody::Answer(cut)]);
    chat.queue = [
        (1, QueueHolder::Elsewhere, "already there"),
        (2, QueueHolder::Here, "and then?"),
        (3, QueueHolder::Here, "a\nb\nc\nd"),
    ]
    .map(|(n, holder, text)| QueuedPrompt { id: QueuedId(Uuid::from_u128(n)), text: text.into(), holder })
    .into();
    assert_snapshot!(TestWindow::new(70, 31).show(&chat), @"
    claude-opus-5  14:02 · stopped after 6.1 s

    One, two,

    ▌ stopped by you · you may still be billed

    claude-opus-5  14:02 · 6.1 s

    ▌ The model declined.
    ▌ I cannot help with that.

    claude-opus-5  14:02 · 6.1 s

    A long

    ▌ The answer hit its token limit.  after ~2 tokens
    ▌ The partial answer is saved. It may be billed. Continue it, or
    ▌ raise max_output_tokens.
    ▌
    ▌ ↵ continue   Tab, then r try again   s sampling   m another model

    ◔ queued in another running ibid, which sends it
    already there

    ◔ queued
    and then?

    ◔ queued                                                      ↑ edit
    a
    b
    c…
    ");
}

#[test]
fn nothing_panics_at_any_size_and_nothing_is_drawn_outside() {
    let chat = wal_conversation();
    let theme = Theme::default();
    test_buffer::draw_at_every_size(|area, buf| {
        let mut transcript = Transcript::default();
        transcript.sync(&chat, area.width, area.height, time_at(8.0), &options());
        transcript.scroll(ScrollMove::Top);
        transcript.sync(&chat, area.width, area.height, time_at(8.0), &options());
        TranscriptView {
            transcript: &transcript,
            theme: &theme,
            code_keys_of: None,
            focused: true,
            pill_row: None,
            end_key: "^End",
        }
        .render(area, buf);
    });
}
