//! The promises over time: random kills, many instances on one database, hostile text on every screen. Short by
//! default; `IBID_KILLS`, `IBID_SECONDS` and `IBID_SEED` make them longer and repeat a run.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

use crate::{
    MODEL, Stage, eventually, newest_prompt, quit,
    safety::stored_text,
    start_ready,
    support::{
        compose::ResponseBuilder,
        fake_server::{FakeReply, FakeServer, ReceivedRequest},
        pty::{ProgramLaunch, Pty},
    },
    text_reply,
};

pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Random numbers that a seed repeats.
pub struct Dice(u64);

impl Dice {
    /// A number below the limit.
    pub fn roll(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// The dice of a test; their seed is printed.
pub fn dice() -> Dice {
    let clock = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let seed = setting("IBID_SEED", clock);
    println!("IBID_SEED={seed}");
    Dice(seed)
}

pub fn open_database(stage: &Stage) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(stage.home.database(), flags).expect("the database can be opened")
}

pub fn count(database: &Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).expect("a number")
}

pub fn assert_sound(database: &Connection) {
    let verdict: String = database.query_row("pragma integrity_check", [], |row| row.get(0)).expect("a verdict");
    assert_eq!(verdict, "ok");
}

/// A reply whose words are on no other reply; each is one delta.
fn reply_of_words(number: u64) -> FakeReply {
    let words: Vec<String> = (0..200).map(|n| format!("w{number}x{n} ")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    FakeReply::stream(ResponseBuilder::new(MODEL).text(&words).completed()).gated()
}

fn is_word(word: &&str) -> bool {
    word.strip_prefix('w')
        .is_some_and(|rest| rest.split('x').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
}

/// What arrived at the server and what was seen on the screen until the program was killed.
#[derive(Default)]
struct Witness {
    /// How often each prompt was sent.
    sent: BTreeMap<String, u32>,
    /// When each word was seen first.
    seen: BTreeMap<String, Instant>,
    streaming: Option<ReceivedRequest>,
}

impl Witness {
    fn take_requests(&mut self, stage: &Stage) {
        while let Some(request) = stage.server.try_next_request() {
            *self.sent.entry(newest_prompt(&request)).or_default() += 1;
            self.streaming = Some(request);
        }
    }

    /// Lets the program run until its end is due, with a word every few milliseconds.
    fn watch(&mut self, stage: &Stage, ibid: &Pty, until: Instant) {
        while Instant::now() < until {
            self.take_requests(stage);
            if let Some(request) = &self.streaming {
                request.release_if_any();
            }
            for word in ibid.screen().split_whitespace().filter(is_word) {
                self.seen.entry(word.to_owned()).or_insert_with(Instant::now);
            }
            thread::park_timeout(Duration::from_millis(12));
        }
    }
}

#[test]
fn no_kill_loses_a_prompt_sends_one_twice_or_costs_more_than_a_second_of_an_answer() {
    let kills = setting("IBID_KILLS", 4);
    let mut dice = dice();
    let (stage, mut witness) = (Stage::set_up(), Witness::default());
    quit(&mut stage.open()); // The database is there from now on.
    for round in 0..kills {
        let mut ibid = if dice.roll(4) == 0 { stage.open() } else { stage.reopen() };
        if round > 0 {
            let open_answers = "select count(*) from message where owner is not null";
            eventually("the end of every open answer", || count(&open_database(&stage), open_answers) == 0);
        }
        // One more than there are prompts, because a connection that was cut may have taken one.
        for number in 0..3 {
            stage.server.queue_reply(reply_of_words(3 * round + number));
        }
        let prompts = [format!("prompt {round} one"), format!("prompt {round} two")];
        ibid.type_keys(&format!("{}<enter>", prompts[0]));
        let life = Duration::from_millis(if dice.roll(2) == 0 { dice.roll(120) } else { dice.roll(2600) });
        let born = Instant::now();
        if dice.roll(3) == 0 {
            witness.watch(&stage, &ibid, born + life / 2);
            ibid.type_keys(&format!("{}<enter>", prompts[1]));
        }
        witness.watch(&stage, &ibid, born + life);
        let killed = Instant::now();
        ibid.send_signal(Signal::KILL);
        ibid.wait_exit();

        witness.take_requests(&stage);
        let database = open_database(&stage);
        assert_sound(&database);
        let stored = stored_text(&database);
        for (prompt, times) in &witness.sent {
            assert!(stored.contains(prompt.as_str()), "round {round}: {prompt} was sent and is not on disk");
            assert_eq!(*times, 1, "round {round}: {prompt} was sent again");
        }
        for (word, seen) in std::mem::take(&mut witness.seen) {
            let is_old = killed.saturating_duration_since(seen) >= Duration::from_secs(1);
            assert!(!is_old || stored.contains(&word), "round {round}: {word} was seen a second before the kill");
        }
        let twice =
            "select count(*) from (select text from message where role = 'prompt' group by text having count(*) > 1)";
        assert_eq!(count(&database, twice), 0, "round {round}: a prompt is a message twice");
        let both = "select count(*) from queued join message on message.text = queued.text";
        assert_eq!(count(&database, both), 0, "round {round}: a prompt waits and is a message");
        witness.streaming = None;
    }
    println!("{} prompts were sent, each once", witness.sent.len());
}

#[test]
fn eight_instances_that_write_at_once_lose_nothing() {
    let stage = Stage::set_up();
    let until = Instant::now() + Duration::from_secs(setting("IBID_SECONDS", 1));
    let write_from = |number: usize| {
        let server = FakeServer::start();
        let mut ibid = start_ready(ProgramLaunch::in_home(&stage.home).against(&server));
        let mut turns = 0_i64;
        while turns == 0 || Instant::now() < until {
            let answer = format!("Answer {turns} of {number}.");
            server.queue_reply(text_reply(&[&answer]));
            ibid.type_keys(&format!("Prompt {turns} of {number}<enter>"));
            server.next_request();
            ibid.wait_for(&answer);
            assert!(!ibid.screen().contains("not saved"), "{}", ibid.screen());
            turns += 1;
        }
        crate::wait_idle(&ibid);
        quit(&mut ibid);
        turns
    };
    let turns: i64 = thread::scope(|scope| {
        let writers: Vec<_> = (0..8).map(|number| scope.spawn(move || write_from(number))).collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).sum()
    });
    let database = open_database(&stage);
    assert_sound(&database);
    assert_eq!(count(&database, "select count(*) from conversation"), 8);
    assert_eq!(count(&database, "select count(*) from message where role = 'prompt'"), turns);
    assert_eq!(count(&database, "select count(*) from message where ending = '\"complete\"' and owner is null"), turns);
    println!("{turns} turns of 8 instances");
}

/// What a terminal might obey, what it might draw in other widths, and what has no end.
const HOSTILE: &[&str] = &[
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]52;c;b3duZWQ=\u{1b}\\",
    "\u{1b}[2J\u{1b}[6n\u{1b}[?1049l\u{1b}c",
    "\u{9b}2J\u{9d}0;owned\u{9c}",
    "\u{1b}P1$r\u{1b}\\\u{1b}_owned\u{1b}\\\u{1b}^owned\u{1b}\\",
    "\u{202e}gnp.exe\u{2066}\u{e0041}\u{feff}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦🇫🇷👍🏽",
    "한국어日本語｡ﾊﾝｶｸ",
    "\0\u{7}\u{8}\u{b}\u{c}\u{e}\u{f}\u{7f}",
    "[[[[[[[[((((((((`````<<<<<<<>>>>>>|||||$$$$\\(\\[",
];

#[test]
fn hostile_text_on_every_screen_controls_no_terminal_and_ends_no_program() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let text: String = HOSTILE
        .iter()
        .map(|attack| format!("# {attack}\n\n> {attack} | `{attack}`\n\n| {attack} |\n|-|\n| {attack} |\n\n"))
        .collect();
    let pieces: Vec<&str> = text.split_inclusive('\n').chain(["The end."]).collect();
    stage.server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&pieces).completed()).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    for (columns, rows) in [(80, 24), (40, 10), (20, 5), (161, 50), (300, 80), (121, 40), (41, 11), (80, 24)] {
        request.release_many(12);
        ibid.resize(columns, rows);
        ibid.type_keys("<pgup><tab>kd<esc><pgdn><ctrl-x>r<ctrl-x>i");
    }
    request.release_all();
    // A signal ends it wherever the keys have led, after them.
    ibid.send_signal(Signal::TERM);
    assert_eq!(ibid.wait_exit().signal(), None, "it ended by itself");
    let again = stage.reopen();
    again.wait_for("^P");
    let bytes = String::from_utf8_lossy(&[ibid.bytes(), again.bytes()].concat()).into_owned();
    for control in [
        "]0;owned",
        "b3duZWQ",
        "\u{1b}[6n",
        "\u{1b}c",
        "\u{1b}_",
        "\u{1b}^",
        "\u{9b}",
        "\u{9d}",
        "\u{202e}",
        "\u{2066}",
    ] {
        assert!(!bytes.contains(control), "{control:?} reached the terminal");
    }
}
