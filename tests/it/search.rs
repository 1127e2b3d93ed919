//! The search of everything that was said: typed in the overlay, answered by a real database.

use std::sync::mpsc::{self, Receiver};

use crate::support::harness::Harness;
use ibid::{
    api::Annotation,
    chat::{
        Answer, AnswerEnd, ChatSettings, ConversationChange, ConversationHeader, ConversationId, Item, ItemKind,
        ItemSlot, Message, MessageBody, MessageId, Prompt, Timestamp, answer::ContentPart,
    },
    store::{FoundPortion, SaveTicket, SearchTicket, StoreHandle, StoreJob, StoreReply},
    ui::{Effect, keymap::KeyContext},
};
use insta::assert_snapshot;
use ratatui::style::Modifier;
use uuid::Uuid;

/// The program with a database that answers its searches.
struct SearchBench {
    app: Harness,
    store: StoreHandle,
    replies: Receiver<StoreReply>,
    _folder: tempfile::TempDir,
}

/// A conversation: its title, model, day, and its messages in turn, prompts first.
struct SampleChat<'a>(&'a str, &'a str, &'a str, &'a [&'a str]);

const SAMPLES: &[SampleChat] = &[
    SampleChat(
        "SQLite on a file server",
        "anthropic/claude-opus-5",
        "2026-11-22T13:30:00Z",
        &[
            "Can two hosts share one SQLite file over NFS? I need locks that hold.",
            "No. **Locks on NFS** are advisory at best, and a write-ahead log needs shared memory [1].\n\n- Copy the file to a local disk.\n- Or let one host own the locks and serve the rest.",
            "And with a single host?",
            "Then it works, as long as nobody mounts the share a second time.",
        ],
    ),
    SampleChat(
        "Backups hang at night",
        "anthropic/claude-opus-4.8",
        "2026-11-12T08:00:00Z",
        &[
            "The job waits in flock on /mnt/nfs, and lsof shows two locks on one inode.",
            "With `local_lock=all` the locks never leave this client, so the NFS server sees none of them.",
            "Which mount option then?",
            "Use `local_lock=none` and NFS 4.2, whose locks are part of the protocol.",
            "Do the locks survive a restart of the NFS server?",
            "Yes, in the grace period each client takes its locks again over NFS.",
        ],
    ),
    SampleChat(
        "Mail for four people",
        "openai/gpt-5.6-luna",
        "2025-07-18T10:00:00Z",
        &["Maildir or mbox?", "Maildir needs no locks at all, which is why people put it on NFS."],
    ),
    SampleChat(
        "NFS and locks, a summary",
        "acme/small",
        "2026-10-03T10:00:00Z",
        &["Sum it up.", "日本語の答え: ファイルのロックは難しい。"],
    ),
];

impl SearchBench {
    fn new(width: u16, height: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open(&folder.path().join("ibid.db"), move |reply| {
            let _ = sender.send(reply); // The test may be over.
        });
        assert!(matches!(replies.recv(), Ok(StoreReply::Opened { .. })));
        let bench = Self { app: Harness::new(width, height), store, replies, _folder: folder };
        for (n, sample) in (1..).zip(SAMPLES) {
            bench.save(conversation_changes(n, sample));
        }
        bench
    }

    fn save(&self, changes: Vec<ConversationChange>) {
        self.store.send(StoreJob::Save { ticket: SaveTicket(0), changes });
        let reply = self.replies.recv();
        assert!(matches!(reply, Ok(StoreReply::Saved(_))), "{reply:?}");
    }

    /// Presses keys and lets the database answer.
    fn press(&mut self, keys: &str) {
        self.app.press(keys);
        self.answer();
    }

    fn enter_text(&mut self, text: &str) {
        self.app.enter_text(text);
        self.answer();
    }

    /// Carries out what the app asks of the database until it asks nothing more.
    fn answer(&mut self) {
        loop {
            let jobs: Vec<StoreJob> = self.app.effects().into_iter().filter_map(asked_job).collect();
            let newest = jobs.iter().rposition(|job| matches!(job, StoreJob::Search(_)));
            // A search that a newer one follows need not be answered.
            let is_superseded = |index: usize, job: &StoreJob| {
                matches!(job, StoreJob::Search(_) | StoreJob::SearchOn(_))
                    && newest.is_some_and(|newest| index < newest)
            };
            let jobs: Vec<StoreJob> =
                (0..).zip(jobs).filter(|(index, job)| !is_superseded(*index, job)).map(|(_, job)| job).collect();
            if jobs.is_empty() {
                return;
            }
            let count = jobs.len();
            for job in jobs {
                self.store.send(job);
            }
            for _ in 0..count {
                let reply = self.replies.recv().expect("the database answers");
                self.app.store_reply(reply);
            }
        }
    }

    /// The text of the row that the cursor is on.
    fn selected_row(&self) -> String {
        let screen = self.app.screen();
        screen.lines().find(|line| line.contains("│▌")).map(|line| line.trim().to_owned()).unwrap_or_default()
    }

    /// The words that are marked on the screen, row by row.
    fn marked(&self) -> Vec<String> {
        let buffer = self.app.buffer();
        let mark = self.app.env().theme.style(ibid::render::theme::ColourRole::Mark);
        let modifiers = mark.add_modifier | Modifier::BOLD;
        let is_marked = |cell: &ratatui::buffer::Cell| cell.modifier.contains(modifiers) && !cell.symbol().is_empty();
        let mut words = Vec::new();
        for y in 0..buffer.area.height {
            let mut word = String::new();
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                if is_marked(cell) {
                    word.push_str(cell.symbol());
                } else if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
        }
        words
    }
}

fn asked_job(effect: Effect) -> Option<StoreJob> {
    match effect {
        Effect::RunStoreJob(
            job @ (StoreJob::Search(_)
            | StoreJob::SearchOn(_)
            | StoreJob::LoadPreview(_)
            | StoreJob::LoadFilterValues
            | StoreJob::Load(_)),
        ) => Some(job),
        _ => None,
    }
}

fn conversation_changes(n: u64, SampleChat(title, model, day, texts): &SampleChat) -> Vec<ConversationChange> {
    let begun: Timestamp = day.parse().expect("a time");
    let mut messages = Vec::new();
    for (index, text) in (0..).zip(*texts) {
        let at = begun + jiff::SignedDuration::from_mins(2 * i64::try_from(index).expect("small"));
        let body = if index % 2 == 0 {
            MessageBody::Prompt(Prompt { text: (*text).to_owned() })
        } else {
            MessageBody::Answer(text_answer(text, model, at, n == 1 && index == 1))
        };
        let parent = (index > 0).then(|| message_id(n, index - 1));
        messages.push(Message { id: message_id(n, index), parent, created_at: at, rev: 0, body });
    }
    if n == 1 {
        // Another version of the first answer, on a branch that is not shown.
        let at = begun + jiff::SignedDuration::from_mins(1);
        let body = MessageBody::Answer(text_answer("A zebra would say: no locks on NFS, ever.", model, at, false));
        messages.push(Message { id: message_id(n, 9), parent: Some(message_id(n, 0)), created_at: at, rev: 0, body });
    }
    let branch = (0..texts.len() as u64).map(|index| message_id(n, index)).collect();
    let header = ConversationHeader {
        id: conversation_id(n),
        title: (*title).to_owned(),
        renamed: false,
        settings: ChatSettings { endpoint: "openrouter".into(), model: (*model).to_owned(), ..ChatSettings::default() },
        branch,
        updated_at: begun,
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    };
    let mut changes = vec![ConversationChange::Conversation(Box::new(header))];
    changes.extend(
        messages.into_iter().map(|message| ConversationChange::Message {
            conversation: conversation_id(n),
            message: Box::new(message),
        }),
    );
    changes
}

fn text_answer(text: &str, model: &str, at: Timestamp, is_cited: bool) -> Answer {
    let annotation = Annotation {
        kind: "url_citation".into(),
        url: Some("https://www.example.org/locking".into()),
        title: Some("File locking".into()),
        content: Some("Many NFS servers do not implement byte-range locks correctly.".into()),
        filename: None,
        start: None,
        end: None,
    };
    let annotations = if is_cited { vec![annotation] } else { Vec::new() };
    let kind = ItemKind::Message { parts: vec![ContentPart::Text { text: text.into(), annotations }], phase: None };
    let item = Item { raw: None, opened_at: at, closed_at: Some(at), kind: kind.into() };
    Answer {
        items: [(ItemSlot { step: 0, index: 0 }, item)].into(),
        end: AnswerEnd::Complete,
        ended_at: Some(at),
        ..Answer::new("openrouter", model, at)
    }
}

fn conversation_id(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u64_pair(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 + n))
}

fn message_id(n: u64, index: u64) -> MessageId {
    MessageId(Uuid::from_u64_pair(0x0199_1111_0000_7000 + n, 0x8000_0000_0000_0000 + index))
}

#[test]
fn results_are_grouped_by_conversation_with_the_message_beside_or_below() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut bench = SearchBench::new(width, height);
        bench.press("ctrl-x /");
        bench.enter_text("locks nfs");
        bench.press("down");
        assert_snapshot!(format!("search-{width}x{height}"), bench.app.screen());
    }
}

#[test]
fn arrows_walk_the_places_while_letters_go_to_the_field() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("loc");
    let first = bench.selected_row();
    bench.press("down down");
    assert_ne!(bench.selected_row(), first);
    bench.enter_text("al");
    assert!(bench.app.row(2).contains("› local"), "{}", bench.app.row(2));
    assert!(bench.selected_row().contains("local"), "the first place of the new results: {}", bench.selected_row());
    assert_eq!(bench.app.key_context(), KeyContext::SearchAll);
}

#[test]
fn matches_are_lit_whatever_their_case_and_within_words() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("maildir ロック");
    assert_eq!(bench.marked(), [""; 0], "both words must be in one message");
    bench.press("ctrl-u");
    bench.enter_text("ロッ");
    assert_eq!(bench.marked().concat(), "ロッロッ", "in the list and below it");
}

#[test]
fn results_of_an_older_search_never_replace_newer_ones() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("maildir");
    let shown = bench.app.screen();
    bench.app.store_reply(StoreReply::Found(Box::new(FoundPortion {
        ticket: SearchTicket(1),
        is_last: true,
        ..FoundPortion::default()
    })));
    assert_eq!(bench.app.screen(), shown);
}

#[test]
fn enter_opens_the_message_on_its_branch_with_every_match_marked() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("zebra nfs");
    assert!(bench.app.screen().contains("on another branch ‹2/2›"), "{}", bench.app.screen());
    bench.press("enter");
    assert_eq!(bench.app.conversation_id(), Some(conversation_id(1)));
    let branch = &bench.app.conversation().expect("a conversation").branch;
    assert_eq!(branch[..], [message_id(1, 0), message_id(1, 9)]);
    assert_eq!(bench.app.key_context(), KeyContext::Matches);
    let screen = bench.app.screen();
    assert!(screen.contains("A zebra would say"), "{screen}");
    assert!(screen.contains("2 of 3") && screen.contains("⌕ zebra nfs"), "{screen}");
    bench.press("n");
    assert!(bench.app.screen().contains("3 of 3"), "{}", bench.app.screen());
    bench.press("n");
    assert!(bench.app.screen().contains("1 of 3"), "{}", bench.app.screen());
}

#[test]
fn a_source_leads_to_the_answer_that_cites_it() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("in:source byte-range");
    assert!(bench.selected_row().contains("source"), "{}", bench.selected_row());
    bench.press("enter");
    assert_eq!(bench.app.conversation_id(), Some(conversation_id(1)));
    assert!(bench.app.screen().contains("Locks on NFS are advisory"), "{}", bench.app.screen());
}

#[test]
fn enter_before_the_results_are_there_opens_the_first_of_them() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.app.enter_text("maildir");
    bench.app.press("enter");
    assert_eq!(bench.app.conversation_id(), None);
    bench.answer();
    assert_eq!(bench.app.conversation_id(), Some(conversation_id(3)));
}

#[test]
fn the_order_changes_from_the_best_to_the_newest_and_back() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("nfs locks");
    let order = |bench: &SearchBench| {
        let screen = bench.app.screen();
        let titles = SAMPLES.iter().map(|sample| (screen.find(sample.0), sample.0)).filter(|(at, _)| at.is_some());
        let mut titles: Vec<_> = titles.collect();
        titles.sort_unstable();
        titles.into_iter().map(|(_, title)| title.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(&bench)[0], "NFS and locks, a summary", "its title matches");
    assert!(bench.app.screen().contains("best first") && bench.app.screen().contains("^T newest first"));
    bench.press("ctrl-t");
    assert_eq!(
        order(&bench),
        ["SQLite on a file server", "Backups hang at night", "NFS and locks, a summary", "Mail for four people"]
    );
    bench.press("ctrl-t");
    assert_eq!(order(&bench)[0], "NFS and locks, a summary");
}

#[test]
fn tab_completes_filters_and_their_values_and_goes_on_to_the_next() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("locks mo");
    bench.press("tab");
    assert!(bench.app.row(2).contains("› locks model:"), "{}", bench.app.row(2));
    bench.enter_text("claude");
    bench.press("tab");
    assert!(bench.app.row(2).contains("model:anthropic/claude-opus-5 "), "{}", bench.app.row(2));
    bench.press("tab");
    assert!(bench.app.row(2).contains("model:anthropic/claude-opus-4.8 "), "{}", bench.app.row(2));
    let screen = bench.app.screen();
    assert!(screen.contains("Backups hang") && !screen.contains("SQLite on a file server"), "{screen}");
}

#[test]
fn what_cannot_be_understood_is_said_and_the_results_stay() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-x /");
    bench.enter_text("maildir ");
    bench.enter_text("before:soon");
    let screen = bench.app.screen();
    assert!(screen.contains("before: cannot be \"soon\"; it is a day"), "{screen}");
    assert!(screen.contains("Maildir needs no locks"), "{screen}");
}

#[test]
fn nothing_found_is_said() {
    let mut bench = SearchBench::new(80, 24);
    bench.press("ctrl-x /");
    bench.enter_text("okapi");
    assert!(bench.app.screen().contains("Nothing that was said matches"), "{}", bench.app.screen());
    bench.press("enter");
    assert_eq!(bench.app.key_context(), KeyContext::SearchAll, "there is nowhere to go");
    bench.press("esc");
    assert_eq!(bench.app.key_context(), KeyContext::Empty);
}

#[test]
fn the_commands_and_the_slash_command_lead_here_with_what_was_typed() {
    let mut bench = SearchBench::new(120, 40);
    bench.press("ctrl-p");
    bench.enter_text("maildir");
    assert!(bench.app.screen().contains("Search what was said: maildir"), "{}", bench.app.screen());
    bench.press("enter");
    assert!(bench.app.screen().contains("Maildir needs no locks"), "{}", bench.app.screen());
    bench.press("esc");
    bench.enter_text("/search flock inode");
    bench.press("enter");
    assert!(bench.app.screen().contains("The job waits in"), "{}", bench.app.screen());
}

#[test]
fn the_last_row_of_a_filtered_list_searches_for_what_was_typed() {
    for width in [80, 120] {
        let mut bench = SearchBench::new(width, 24);
        let stream = bench.app.send_prompt("mail here");
        bench.app.stream_answer(stream, "yes");
        bench.app.effects();
        bench.press("ctrl-n ctrl-x l /");
        bench.enter_text("mail");
        assert!(bench.app.screen().contains("Search what was said: m"), "{}", bench.app.screen());
        bench.press("down up enter");
        assert_eq!(bench.app.conversation().map(|conversation| conversation.title.as_str()), Some("mail here"));
        bench.press("ctrl-n ctrl-x l /");
        bench.enter_text("maildir needs");
        assert!(bench.app.screen().contains("No match."), "{}", bench.app.screen());
        bench.press("enter");
        assert!(bench.app.screen().contains("Maildir needs no locks"), "{}", bench.app.screen());
    }
}

#[test]
fn the_search_draws_at_every_size() {
    for (width, height) in [(1, 1), (10, 3), (40, 10), (81, 25), (159, 30), (160, 24), (300, 100)] {
        let mut bench = SearchBench::new(width, height);
        bench.press("ctrl-x /");
        bench.enter_text("locks");
        bench.press("down pgdn tab");
        assert_eq!(bench.app.size().width, width);
    }
}
