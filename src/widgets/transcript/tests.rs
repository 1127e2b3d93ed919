//! What a reader sees of a conversation, and where the window goes.

mod moving;

use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use uuid::Uuid;

use super::*;
use crate::{
    api::{Annotation, Error, Fault, Usage, Usd},
    chat::{
        Answer, Body, End, Header, Item, Kind, Message, Phase, Prompt, Settings, Slot, Turn, TurnId,
        answer::{Call, Part, Reasoning, Search},
    },
    widgets::screen,
};

fn at(seconds: f64) -> Timestamp {
    let start: Timestamp = "2026-11-22T12:02:00Z".parse().expect("a time");
    start + jiff::SignedDuration::from_millis((seconds * 1000.0) as i64)
}

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn prompt(text: &str) -> Body {
    Body::Prompt(Prompt { text: text.into() })
}

fn item(index: u32, opened: f64, closed: Option<f64>, kind: Kind) -> (Slot, Item) {
    (Slot { step: 0, index }, Item { raw: None, opened: at(opened), closed: closed.map(at), kind: kind.into() })
}

fn said(text: &str, annotations: Vec<Annotation>) -> Kind {
    Kind::Message { parts: vec![Part::Text { text: text.into(), annotations }], phase: None }
}

fn thought(text: &str) -> Kind {
    Kind::Reasoning(Reasoning { content: vec![text.into()], ..Reasoning::default() })
}

fn searched(query: &str, pages: &[&str]) -> Kind {
    let urls = pages.iter().map(ToString::to_string).collect();
    Kind::Search(Search { kind: "openrouter:web_search".into(), query: Some(query.into()), urls, ..Search::default() })
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

fn answer(end: End, items: impl IntoIterator<Item = (Slot, Item)>) -> Answer {
    let ended = (end != End::Open).then(|| at(6.1));
    Answer {
        items: items.into_iter().collect(),
        end,
        ended,
        ..Answer::new("openrouter", "anthropic/claude-opus-5", at(0.0))
    }
}

fn conversation(bodies: Vec<Body>) -> Conversation {
    let messages: Vec<Message> = bodies
        .into_iter()
        .zip(1..)
        .map(|(body, number)| Message {
            id: id(number),
            parent: (number > 1).then(|| id(number - 1)),
            at: at(0.0),
            rev: 0,
            body,
        })
        .collect();
    let header = Header {
        id: ConversationId(Uuid::from_u128(99)),
        title: "t".into(),
        renamed: false,
        settings: Settings::default(),
        branch: messages.iter().map(|message| message.id).collect(),
        updated: at(0.0),
        unread: false,
        left_out: <_>::default(),
    };
    Conversation::restore(header, messages, String::new(), Vec::new())
}

fn answer_of(conversation: &mut Conversation, number: u128) -> &mut Answer {
    let message = conversation.messages.get_mut(&id(number)).expect("it is there");
    message.rev += 1;
    match &mut message.body {
        Body::Answer(answer) => answer,
        Body::Prompt(_) => panic!("message {number} is a prompt"),
    }
}

fn options() -> ReadingOptions {
    ReadingOptions::new(
        &Theme::bundled("ink").expect("bundled"),
        Show::Auto,
        jiff::tz::TimeZone::fixed(jiff::tz::offset(2)),
    )
}

/// A window on a conversation.
struct Window {
    transcript: Transcript,
    width: u16,
    height: u16,
    now: f64,
    options: ReadingOptions,
}

impl Window {
    fn new(width: u16, height: u16) -> Self {
        Self { transcript: Transcript::default(), width, height, now: 8.0, options: options() }
    }

    fn show(&mut self, conversation: &Conversation) -> String {
        self.transcript.sync(conversation, self.width, self.height, at(self.now), &self.options);
        let area = Rect::new(0, 0, self.width, self.height);
        let mut buf = Buffer::empty(area);
        let theme = Theme::bundled("ink").expect("bundled");
        TranscriptView {
            transcript: &self.transcript,
            theme: &theme,
            focused: false,
            card_focused: false,
            end_key: "^End",
        }
        .render(area, &mut buf);
        screen::rows(&buf)
    }

    fn scroll(&mut self, to: Move, conversation: &Conversation) -> String {
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

fn wal() -> Conversation {
    let link = WAL.find("([sqlite").expect("it has a link") as u64;
    let claim = WAL.find(" are the weak").expect("it has a claim") as u64;
    let citations = vec![
        citation("https://sqlite.org/wal.html?utm_source=openai", "Write-Ahead Logging", link..link + 59),
        citation("https://www.sqlite.org/faq.html#q5", "Frequently Asked Questions", claim - 14..claim + 15),
        citation("https://www.kernel.org/nfs", "NFS client caching", 0..0),
    ];
    let mut answer = answer(
        End::Complete,
        [
            item(0, 0.2, Some(4.2), thought("The user asks about WAL over NFS.")),
            item(
                1,
                4.2,
                Some(4.9),
                searched("sqlite wal nfs", &["https://sqlite.org/wal.html", "https://sqlite.org/faq.html"]),
            ),
            item(2, 4.9, Some(5.0), searched("nfs locks", &["https://kernel.org/nfs"])),
            item(3, 5.0, Some(6.1), said(WAL, citations)),
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
        Body::Answer(answer),
    ])
}

#[test]
fn a_turn_reads_like_a_page() {
    assert_snapshot!(Window::new(84, 30).show(&wal()), @r"
        ▌ you
        ▌ Is it safe to run SQLite in WAL mode on NFS? Be brief, and give sources.

          claude-opus-5  14:02 · 6.1 s · 58 t/s · $0.0184
          ▸ Thought for 4 s · 312 tokens
          ⌕ Searched the web · 2 queries · 3 pages

          No, not with more than one machine. WAL keeps an index in shared memory, and
          processes on different hosts cannot share memory over a network file system [1].
          Even with one host, advisory locks on NFS are the weak point [2].

          What to do instead

          • Put the file on a local disk and copy it out with VACUUM INTO.

          ▏ sql                                                                     copy c1
          ▏ PRAGMA synchronous = FULL;

          Sources  [1] sqlite.org/wal  [2] sqlite.org/faq  [3] kernel.org/nfs
        ");
}

#[test]
fn a_small_screen_says_less_and_the_same() {
    assert_snapshot!(Window::new(60, 22).show(&wal()), @r"
        ▌ you
        ▌ Is it safe to run SQLite in WAL mode on NFS? Be brief, and
        ▌ give sources.

          claude-opus-5  14:02 · 6.1 s · $0.0184
          ▸ Thought for 4 s   ⌕ Searched the web · 3 pages

          No, not with more than one machine. WAL keeps an index in
          shared memory, and processes on different hosts cannot
          share memory over a network file system [1]. Even with one
          host, advisory locks on NFS are the weak point [2].

          What to do instead

          • Put the file on a local disk and copy it out with VACUUM
            INTO.

          ▏ sql                                             copy c1
          ▏ PRAGMA synchronous = FULL;

          Sources  [1] sqlite.org/wal  [2] sqlite.org/faq
                   [3] kernel.org/nfs
        ");
}

#[test]
fn live_reasoning_shows_its_last_rows_and_folds_with_the_first_text() {
    let text = "The user asks about WAL over NFS. The shm index needs shared memory, so two hosts cannot see the same index. One host may work, but lockd is a known problem. I should check";
    let mut chat =
        conversation(vec![prompt("Is it safe?"), Body::Answer(answer(End::Open, [item(0, 0.2, None, thought(text))]))]);
    let mut window = Window::new(60, 10);
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
    open.items.values_mut().for_each(|item| item.closed = Some(at(4.2)));
    open.items.extend([item(1, 4.2, None, said("No", Vec::new()))]);
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
fn a_summary_that_comes_tells_what_it_is_about_in_its_head() {
    let summary = vec!["**Looking at locks**\n\nThe user asks.".into(), "**Reading the page on WAL**\n\nIt".into()];
    let reasoning = Kind::Reasoning(Reasoning { summary, ..Reasoning::default() });
    let mut chat =
        conversation(vec![prompt("Is it safe?"), Body::Answer(answer(End::Open, [item(0, 0.2, None, reasoning)]))]);
    let mut window = Window::new(60, 10);
    window.now = 4.3;
    let shown = window.show(&chat);
    assert!(shown.contains("▾ Reading the page on WAL 4 s"), "{shown}");
    let open = answer_of(&mut chat, 2);
    open.items.values_mut().for_each(|item| item.closed = Some(at(4.2)));
    open.items.extend([item(1, 4.2, None, said("No", Vec::new()))]);
    let shown = window.show(&chat);
    assert!(shown.contains("▸ Thought for 4 s"), "{shown}");
}

#[test]
fn searches_calls_and_unknown_items_take_a_row_each() {
    let mut call =
        Call { name: "files__read".into(), arguments: "{\"path\":\n \"src/parser.rs\"}".into(), ..Call::default() };
    call.call_id = "c1".into();
    let chat = conversation(vec![
        prompt("Go"),
        Body::Answer(answer(
            End::Open,
            [
                item(0, 0.2, Some(1.0), Kind::Reasoning(Reasoning { encrypted: true, ..Reasoning::default() })),
                item(1, 1.0, None, searched("sqlite wal\nnetwork filesystem", &[])),
                item(2, 1.0, Some(1.0), Kind::Call(call)),
                item(
                    3,
                    1.0,
                    None,
                    Kind::Other { kind: "image_generation_call".into(), status: Some("in_progress".into()) },
                ),
            ],
        )),
    ]);
    let mut window = Window::new(60, 9);
    window.now = 2.2;
    assert_snapshot!(window.show(&chat), @r#"
        ▌ you
        ▌ Go

          claude-opus-5  14:02
          ▸ Thought for < 1 s · encrypted
          ⌕ Searching the web “sqlite wal network filesystem” 1.2 s
          ⚙ files__read {"path": "src/parser.rs"}
          ▸ image generation call · in progress
        "#);
}

#[test]
fn a_failed_answer_keeps_what_came_and_says_what_helps() {
    let error = Error { status: Some(502), provider: Some("Anthropic".into()), ..Error::new(Fault::Cut, "") };
    let failed =
        || Body::Answer(answer(End::Failed(error.clone()), [item(0, 0.2, None, said("No, not with", Vec::new()))]));
    let chat = conversation(vec![prompt("Is it?"), failed(), prompt("And?"), failed()]);
    let mut window = Window::new(70, 30);
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ Is it?

          claude-opus-5  14:02 · interrupted after 6.1 s

          No, not with

          ▌ The provider hung up in mid-answer.  Anthropic, 502, after ~3
          ▌ tokens
          ▌ What came is kept. It may be billed. Continue it, or ask again.


        ▌ you
        ▌ And?

          claude-opus-5  14:02 · interrupted after 6.1 s

          No, not with

          ▌ The provider hung up in mid-answer.  Anthropic, 502, after ~3
          ▌ tokens
          ▌ What came is kept. It may be billed. Continue it, or ask again.
          ▌
          ▌ ↵ continue   tab, then  r try again   m another model
        ");
    assert_eq!(window.transcript.card(), Some(LiveCard { answer: id(4), asked: None, shown: 0, since: at(8.0) }));
    window.now = 9.0;
    window.scroll(Move::Top, &chat);
    assert_eq!(window.transcript.card().map(|card| card.since), Some(at(8.0)));
}

#[test]
fn a_retry_counts_down() {
    let mut chat = conversation(vec![prompt("And in a container?"), Body::Answer(answer(End::Open, []))]);
    let error = Error { status: Some(429), ..Error::new(Fault::Rate, "20 a minute on this key") };
    let mut turn = Turn::new(TurnId(Uuid::from_u128(7)), id(2), Settings::default(), chat.context.clone(), at(0.0));
    turn.phase = Phase::Waiting { until: at(12.0), error };
    turn.attempt = 1;
    chat.turns.push(turn);
    let mut window = Window::new(70, 12);
    window.now = 3.0;
    assert_snapshot!(window.show(&chat), @r"
        ▌ you
        ▌ And in a container?

          claude-opus-5  14:02

          ▌ Too many requests.  429, 20 a minute on this key
          ▌ Trying again in 9 s  ▰▰▰▰▰▰▰▰▰▱▱▱  attempt 2 of 4
          ▌ Nothing was shown or billed so far.
          ▌
          ▌ ↵ now   esc give up   tab, then  m another model
        ");
}

#[test]
fn stopped_refused_and_cut_answers_say_so() {
    let stopped = answer(End::Stopped, [item(0, 0.2, None, said("One, two,", Vec::new()))]);
    let refusal = Kind::Message { parts: vec![Part::Refusal("I cannot help with that.".into())], phase: None };
    let refused = answer(End::Complete, [item(0, 0.2, Some(1.0), refusal)]);
    let reason = Some("max_output_tokens".into());
    let cut = answer(End::Incomplete { reason }, [item(0, 0.2, None, said("A long", Vec::new()))]);
    let mut chat = conversation(vec![Body::Answer(stopped), Body::Answer(refused), Body::Answer(cut)]);
    chat.queue = vec!["and then?".into(), "a\nb\nc\nd".into()];
    assert_snapshot!(Window::new(70, 28).show(&chat), @r"
        claude-opus-5  14:02 · stopped after 6.1 s

        One, two,

        claude-opus-5  14:02 · 6.1 s

        ▌ The model declined.
        ▌ I cannot help with that.

        claude-opus-5  14:02 · 6.1 s

        A long

        ▌ The answer reached its limit of tokens.  after ~2 tokens
        ▌ What came is kept. It may be billed. Continue it, or raise
        ▌ max_output_tokens in the settings.
        ▌
        ▌ ↵ continue   tab, then  r try again   s settings   m another model

        ◔ queued
        and then?

        ◔ queued
        a
        b
        c…
        ");
}

#[test]
fn nothing_panics_at_any_size_and_nothing_is_drawn_outside() {
    let chat = wal();
    let theme = Theme::default();
    screen::at_every_size(|area, buf| {
        let mut transcript = Transcript::default();
        transcript.sync(&chat, area.width, area.height, at(8.0), &options());
        transcript.scroll(Move::Top);
        transcript.sync(&chat, area.width, area.height, at(8.0), &options());
        TranscriptView { transcript: &transcript, theme: &theme, focused: true, card_focused: true, end_key: "^End" }
            .render(area, buf);
    });
}
