//! Benches of the release binary: its time to the first frame and to the first request, and its cost at rest.
//!
//! `cargo bench --bench program` prints a table of measurements; with `-- --test` each runs once, as a check. Times are
//! measured from outside, in a pseudo-terminal: from before the program starts, or from before a key is sent, until the
//! whole frame or the whole request has arrived.
#![allow(unreachable_pub, reason = "nothing outside uses a bench")]
#![allow(clippy::disallowed_methods, reason = "a bench starts the program, and waits while it rests")]

#[cfg(unix)]
mod support;

#[cfg(not(unix))]
fn main() {
    println!("this bench needs a Unix pseudo-terminal");
}

#[cfg(unix)]
fn main() {
    whole::measure();
}

#[cfg(unix)]
mod whole {
    use std::{
        fs,
        path::Path,
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use ibid::{
        chat::{
            ChatSettings, ConversationChange, ConversationHeader, IdGenerator, Message, MessageBody, Prompt, Timestamp,
        },
        store::{SaveTicket, StoreHandle, StoreJob, StoreReply as Stored},
    };

    use super::support::{
        compose::ResponseBuilder,
        cpu_ticks,
        fake_server::{FakeReply, FakeServer},
        print_row, print_times,
        pty::{ProgramLaunch, TestHome},
        quit, settle, status_kilobytes,
    };

    /// The scale of the measurements.
    struct ProgramScale {
        runs: usize,
        conversations: usize,
        idle: Duration,
    }

    pub fn measure() {
        let is_check = std::env::args().any(|arg| arg == "--test");
        let scale = if is_check {
            ProgramScale { runs: 1, conversations: 200, idle: Duration::from_millis(300) }
        } else {
            ProgramScale { runs: 20, conversations: 10_000, idle: Duration::from_secs(3) }
        };
        println!("{:<46} {:>10} {:>10} {:>10}  target", "", "median", "min", "max");
        measure_first_frame(&scale);
        measure_list(&scale);
        measure_requests(&scale);
        measure_idle(&scale);
    }

    /// From exec to a frame that accepts input.
    fn measure_first_frame(scale: &ProgramScale) {
        let server = FakeServer::start();
        let home = TestHome::empty();
        let times = (0..scale.runs).map(|_| {
            let before = Instant::now();
            let mut ibid = ProgramLaunch::in_home(&home).against(&server).start();
            let time = ibid.time_until("type a message", before);
            quit(&mut ibid);
            time
        });
        print_times("exec to the first frame", times.collect(), "10 ms");
    }

    /// From exec to a frame that lists the conversations of a large database.
    fn measure_list(scale: &ProgramScale) {
        let server = FakeServer::start();
        let home = TestHome::empty();
        let newest = fill_database(&home.database(), scale.conversations);
        let times = (0..scale.runs).map(|_| {
            let before = Instant::now();
            let mut ibid = ProgramLaunch::in_home(&home).against(&server).size(120, 40).start();
            let time = ibid.time_until(&newest, before);
            quit(&mut ibid);
            time
        });
        print_times(&format!("exec to the list of {} conversations", scale.conversations), times.collect(), "20 ms");
    }

    /// From Enter to the whole request at the server; by then the prompt is on disk.
    fn measure_requests(scale: &ProgramScale) {
        let server = FakeServer::start();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..scale.runs {
            let home = TestHome::empty();
            let mut ibid = ProgramLaunch::in_home(&home).against(&server).start();
            ibid.wait_for("type a message");
            for (times, answer) in [(&mut first, "one."), (&mut second, "two.")] {
                ibid.type_keys("hello");
                ibid.wait_for("› hello");
                server.queue_reply(FakeReply::stream(
                    ResponseBuilder::new("openai/gpt-4.1-mini").text(&[answer]).completed(),
                ));
                let before = Instant::now();
                ibid.type_keys("<enter>");
                server.next_request();
                times.push(before.elapsed());
                ibid.wait_for(answer);
            }
            quit(&mut ibid);
        }
        print_times("Enter to the first request at the server", first, "100 ms");
        print_times("Enter to the second request", second, "100 ms");
    }

    /// CPU and memory at rest, before and after a first highlighted answer.
    fn measure_idle(scale: &ProgramScale) {
        let server = FakeServer::start();
        let home = TestHome::empty();
        let mut ibid = ProgramLaunch::in_home(&home).against(&server).size(120, 40).start();
        ibid.wait_for("type a message");
        let first = status_kilobytes(&ibid, "VmRSS:");
        settle();
        let before = status_kilobytes(&ibid, "VmRSS:");
        let code = "```rust\nfn main() {\n    println!(\"{}\", 1 + 1);\n}\n```\n\nThat was all.";
        server.queue_reply(FakeReply::stream(ResponseBuilder::new("openai/gpt-4.1-mini").text(&[code]).completed()));
        ibid.type_keys("hello<enter>");
        ibid.wait_for("That was all.");
        settle();
        let after = status_kilobytes(&ibid, "VmRSS:");
        let (ticks, bytes) = (cpu_ticks(&ibid), ibid.bytes().len());
        thread::sleep(scale.idle);
        let (used, written) = (cpu_ticks(&ibid).zip(ticks).map(|(now, then)| now - then), ibid.bytes().len() - bytes);
        quit(&mut ibid);
        let unknown = || "unknown on this system".to_owned();
        let format_value =
            |value: Option<u64>, unit: &str| value.map_or_else(unknown, |value| format!("{value} {unit}"));
        print_row("resident memory at the first frame", format_value(first, "kB"), "16,384 kB");
        print_row("resident memory before any highlighting", format_value(before, "kB"), "12,288 kB");
        print_row("resident memory after a highlighted answer", format_value(after, "kB"), "20,480 kB");
        print_row(
            &format!("CPU in {:.1} s at rest", scale.idle.as_secs_f32()),
            format_value(used, "ticks of 10 ms"),
            "0",
        );
        print_row("bytes written in that time", written.to_string(), "0");
    }

    /// Fills a database through the program's own store; returns the title of the newest conversation.
    fn fill_database(database: &Path, count: usize) -> String {
        fs::create_dir_all(database.parent().expect("the file has a parent directory"))
            .expect("the data directory can be created");
        let (saved, replies) = mpsc::channel();
        let store = StoreHandle::open(database, move |reply| {
            if let Stored::Saved(ticket) = reply {
                let _ = saved.send(ticket);
            }
        });
        let mut ids = IdGenerator::new(7);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("the timestamp is valid");
        let mut title = String::new();
        for number in 0..count {
            let timestamp = start + Duration::from_mins(10 * number as u64);
            title = format!("Matter no. {number}");
            let (id, prompt) = (ids.conversation(timestamp), ids.message(timestamp));
            let body = MessageBody::Prompt(Prompt {
                text: format!("{title}: {}", "what is there to say about it? ".repeat(20)),
            });
            let message = Message { id: prompt, parent: None, created_at: timestamp, rev: 0, body };
            let settings = ChatSettings {
                endpoint: "openrouter".into(),
                model: "openai/gpt-4.1-mini".into(),
                ..ChatSettings::default()
            };
            let header = ConversationHeader {
                id,
                title: title.clone(),
                renamed: false,
                settings,
                branch: vec![prompt],
                updated_at: timestamp,
                unread: false,
                left_out: std::collections::BTreeSet::new(),
            };
            let changes = vec![
                ConversationChange::Conversation(Box::new(header)),
                ConversationChange::Message { conversation: id, message: Box::new(message) },
            ];
            store.send(StoreJob::Save { ticket: SaveTicket(number as u64), changes });
        }
        let last = SaveTicket(count as u64 - 1);
        while replies.recv_timeout(Duration::from_mins(1)).expect("the store saves") != last {}
        title
    }
}
