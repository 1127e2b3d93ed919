//! What survives a restart, with a real database: where one was reading, what is folded, typed, queued and shown.

use std::{
    path::Path,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use ibid::{
    chat::{StreamId, Timestamp},
    store::{StoreHandle, StoreJob, StoreReply},
    ui::{Effect, InitialConversation, StartOptions},
};

use crate::support::harness::{Harness, default_start};

/// The program with its database. Dropping it is a kill: nothing is saved that was not saved before.
struct StoredApp {
    app: Harness,
    store: StoreHandle,
    replies: Receiver<StoreReply>,
    streams: Vec<StreamId>,
}

impl StoredApp {
    fn start(file: &Path, size: (u16, u16), initial_conversation: InitialConversation) -> Self {
        Self::start_at(file, size, initial_conversation, None)
    }

    fn start_at(file: &Path, (width, height): (u16, u16), open: InitialConversation, now: Option<Timestamp>) -> Self {
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open(file, move |reply| {
            let _ = sender.send(reply); // The test may be over.
        });
        let mut app = Harness::with_start(StartOptions { initial_conversation: open, ..default_start(width, height) });
        app.confirms_saves = false;
        app.now = now.unwrap_or(app.now);
        let mut stored = Self { app, store, replies, streams: Vec::new() };
        let opened = stored.replies.recv_timeout(Duration::from_mins(1)).expect("the database opens");
        stored.app.store_reply(opened);
        stored.settle();
        stored
    }

    /// Carries out what the program wants of the database, until it wants nothing more.
    fn settle(&mut self) {
        loop {
            let mut jobs = 0;
            for effect in self.app.effects() {
                match effect {
                    Effect::RunStoreJob(job) => {
                        jobs += 1;
                        self.store.send(job);
                    }
                    Effect::OpenStream { stream, .. } => self.streams.push(stream),
                    _ => (),
                }
            }
            if jobs == 0 {
                return;
            }
            // Some jobs have no reply: the one to this comes after all others.
            self.store.send(StoreJob::SumCosts { since: Timestamp::MIN });
            loop {
                let reply = self.replies.recv_timeout(Duration::from_mins(1)).expect("a reply");
                if matches!(reply, StoreReply::CostsSummed { since, .. } if since == Timestamp::MIN) {
                    break;
                }
                self.app.store_reply(reply);
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.app.press(keys);
        self.settle();
    }

    fn enter_text(&mut self, text: &str) {
        self.app.enter_text(text);
        self.settle();
    }

    fn wait(&mut self, seconds: u64) {
        self.app.wait(Duration::from_secs(seconds));
        self.settle();
    }

    /// Sends a prompt and answers it.
    fn exchange(&mut self, prompt: &str, answer: &str) {
        self.enter_text(prompt);
        self.press("enter");
        let stream = self.streams.pop().expect("a saved prompt opens a stream");
        self.app.stream_answer(stream, answer);
        self.settle();
    }

    /// The screen without the status line.
    fn panes(&self) -> String {
        self.app.screen().lines().take(usize::from(self.app.size().height) - 1).collect::<Vec<_>>().join("\n")
    }

    /// The rows of the text, without those around it.
    fn text_rows(&self) -> Vec<String> {
        let area = self.app.areas().transcript;
        (area.y..area.bottom()).map(|y| self.app.row(y).chars().skip(area.x.into()).collect()).collect()
    }
}

fn database() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ibid.db");
    (folder, file)
}

fn long_answer() -> String {
    (1..=60)
        .map(|n| format!("Paragraph {n} says one thing about lifetimes, and then it says another one.\n\n"))
        .collect()
}

#[test]
fn the_place_of_the_reader_survives_a_kill_also_at_another_width() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (100, 30), InitialConversation::New);
    first.exchange("About lifetimes", &long_answer());
    first.exchange("And more", &long_answer());
    first.press("pgup pgup pgup pgup");
    first.wait(3);
    let rows = first.text_rows();
    let top = rows.iter().find(|row| row.contains("Paragraph")).cloned().expect("a paragraph");
    drop(first);
    let again = StoredApp::start(&file, (100, 30), InitialConversation::Latest);
    assert_eq!(again.text_rows(), rows);
    drop(again);
    let narrow = StoredApp::start(&file, (50, 30), InitialConversation::Latest);
    let words: String = top.trim().chars().take(12).collect();
    assert!(narrow.text_rows()[..4].iter().any(|row| row.contains(&words)), "{words}: {}", narrow.app.screen());
}

#[test]
fn at_the_end_a_conversation_is_opened_at_its_end_again() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (100, 30), InitialConversation::New);
    first.exchange("About lifetimes", &long_answer());
    first.press("pgup");
    first.wait(3);
    first.press("ctrl-end");
    first.wait(3);
    drop(first);
    let again = StoredApp::start(&file, (100, 30), InitialConversation::Latest);
    assert!(again.app.transcript().is_following(), "{}", again.app.screen());
}

#[test]
fn what_is_folded_or_open_survives() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (100, 30), InitialConversation::New);
    first.enter_text("Think");
    first.press("enter");
    let stream = first.streams.pop().expect("a stream");
    let item = serde_json::json!({"type": "reasoning", "id": "r", "summary": [],
        "content": [{"type": "reasoning_text", "text": "First I wonder, then I know."}]});
    let payloads = [
        serde_json::json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "r", "summary": []}}),
        serde_json::json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
    ];
    let payloads: Vec<String> = payloads.iter().map(ToString::to_string).collect();
    first.app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    first.app.stream_answer(stream, "Yes.");
    first.settle();
    let is_open = |stored: &StoredApp| stored.app.screen().contains("First I wonder");
    let was_open = is_open(&first);
    first.press("ctrl-t");
    first.wait(3);
    assert_ne!(is_open(&first), was_open);
    drop(first);
    let again = StoredApp::start(&file, (100, 30), InitialConversation::Latest);
    assert_ne!(is_open(&again), was_open, "{}", again.app.screen());
}

#[test]
fn drafts_the_queue_and_the_open_branch_survive() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (100, 30), InitialConversation::New);
    first.exchange("One wording", "The first answer.");
    first.press("ctrl-x u enter ctrl-u");
    first.exchange("Another wording", "The second answer.");
    first.press("tab K K <");
    assert!(first.app.screen().contains("The first answer."), "{}", first.app.screen());
    first.press("esc");
    first.enter_text("Go on");
    first.press("enter");
    first.enter_text("then this");
    first.press("enter");
    first.enter_text("half a dra");
    first.wait(2);
    assert!(first.app.screen().contains("then this"), "{}", first.app.screen());
    drop(first);
    let mut again = StoredApp::start(&file, (100, 30), InitialConversation::Latest);
    let screen = again.app.screen();
    assert!(screen.contains("The first answer.") && screen.contains("Go on"), "{screen}");
    assert!(screen.contains("then this") && !screen.contains("The second answer."), "{screen}");
    assert_eq!(again.app.draft(), "half a dra");
    again.press("ctrl-n");
    again.enter_text("a new thought");
    again.wait(2);
    drop(again);
    let third = StoredApp::start(&file, (100, 30), InitialConversation::New);
    assert_eq!(third.app.draft(), "a new thought");
}

#[test]
fn the_panes_survive_unless_the_config_has_changed() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (130, 30), InitialConversation::New);
    first.exchange("Hello", "Yes.");
    assert!(first.app.screen().contains("Conversations"), "{}", first.app.screen());
    first.press("ctrl-x b ctrl-x i");
    let shown = first.panes();
    assert!(!shown.contains("Conversations") && shown.contains("Details"), "{shown}");
    drop(first);
    let again = StoredApp::start(&file, (130, 30), InitialConversation::Latest);
    assert_eq!(again.panes(), shown);
    drop(again);
    let mut zen = StoredApp::start(&file, (130, 30), InitialConversation::Latest);
    zen.press("ctrl-x z");
    drop(zen);
    let zen = StoredApp::start(&file, (130, 30), InitialConversation::Latest);
    assert!(!zen.app.screen().contains("Details"), "{}", zen.app.screen());
}

#[test]
fn continue_opens_what_was_open_unless_something_happened_elsewhere_since() {
    let (_folder, file) = database();
    let mut first = StoredApp::start(&file, (100, 30), InitialConversation::New);
    first.exchange("The older one", "Yes.");
    first.wait(60);
    first.press("ctrl-n");
    first.exchange("The newer one", "Yes.");
    first.wait(60);
    first.press("ctrl-x l G enter");
    let now = first.app.now;
    drop(first);
    let mut again = StoredApp::start_at(&file, (100, 30), InitialConversation::Latest, Some(now));
    assert_eq!(again.app.conversation().map(|open| open.title.as_str()), Some("The older one"));
    again.wait(60);
    again.press("ctrl-n");
    again.exchange("The newest one", "Yes.");
    let now = again.app.now;
    drop(again);
    let third = StoredApp::start_at(&file, (100, 30), InitialConversation::Latest, Some(now));
    assert_eq!(third.app.conversation().map(|open| open.title.as_str()), Some("The newest one"));
}
