//! The release binary as a whole: how soon it shows something, how soon it asks, what it costs while nothing happens.
//!
//! `cargo bench --bench program` measures and prints a table; with `-- --test` each thing is done once, to see that it
//! works. Times are taken from outside, in a pseudo-terminal: from before the program is started, or from before a key
//! is sent, until the whole frame or the whole request is there.

#[cfg(unix)]
mod support;

#[cfg(not(unix))]
fn main() {
    println!("needs a pseudo-terminal of Unix");
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
        chat::{Body, Change, Header, Ids, Message, Prompt, Settings, Timestamp},
        store::{Job, Reply as Stored, Store, Ticket},
    };

    use super::support::{
        compose::Response,
        cpu,
        fake_server::{FakeServer, Reply},
        kilobytes,
        pty::{Home, Run},
        quit, row, settle, show,
    };

    /// How often, how much, how long.
    struct Effort {
        runs: usize,
        conversations: usize,
        idle: Duration,
    }

    pub fn measure() {
        let once = std::env::args().any(|arg| arg == "--test");
        let effort = if once {
            Effort { runs: 1, conversations: 200, idle: Duration::from_millis(300) }
        } else {
            Effort { runs: 20, conversations: 10_000, idle: Duration::from_secs(3) }
        };
        println!("{:<46} {:>10} {:>10} {:>10}  target", "", "median", "least", "most");
        start(&effort);
        list(&effort);
        request(&effort);
        rest(&effort);
    }

    /// From exec to a frame that one can type into.
    fn start(effort: &Effort) {
        let server = FakeServer::start();
        let home = Home::empty();
        let times = (0..effort.runs).map(|_| {
            let before = Instant::now();
            let mut ibid = Run::in_home(&home).against(&server).start();
            let time = ibid.time_to("type a message", before);
            quit(&mut ibid);
            time
        });
        show("exec to the first frame", times.collect(), "10 ms");
    }

    /// From exec to a frame with the list of a large database.
    fn list(effort: &Effort) {
        let server = FakeServer::start();
        let home = Home::empty();
        let newest = fill(&home.database(), effort.conversations);
        let times = (0..effort.runs).map(|_| {
            let before = Instant::now();
            let mut ibid = Run::in_home(&home).against(&server).size(120, 40).start();
            let time = ibid.time_to(&newest, before);
            quit(&mut ibid);
            time
        });
        show(&format!("exec to the list of {} conversations", effort.conversations), times.collect(), "20 ms");
    }

    /// From Enter to the whole request at the server: the prompt is on disk by then.
    fn request(effort: &Effort) {
        let server = FakeServer::start();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for _ in 0..effort.runs {
            let home = Home::empty();
            let mut ibid = Run::in_home(&home).against(&server).start();
            ibid.wait_for("type a message");
            for (times, answer) in [(&mut first, "one."), (&mut second, "two.")] {
                ibid.type_keys("hello");
                ibid.wait_for("› hello");
                server.answer(Reply::stream(Response::by("openai/gpt-4.1-mini").text(&[answer]).completed()));
                let before = Instant::now();
                ibid.type_keys("<enter>");
                server.next_request();
                times.push(before.elapsed());
                ibid.wait_for(answer);
            }
            quit(&mut ibid);
        }
        show("Enter to the first request at the server", first, "100 ms");
        show("Enter to the second request", second, "100 ms");
    }

    /// CPU and memory while nothing happens, before and after a first highlighted answer.
    fn rest(effort: &Effort) {
        let server = FakeServer::start();
        let home = Home::empty();
        let mut ibid = Run::in_home(&home).against(&server).size(120, 40).start();
        ibid.wait_for("type a message");
        settle();
        let before = kilobytes(&ibid, "VmRSS:");
        let code = "```rust\nfn main() {\n    println!(\"{}\", 1 + 1);\n}\n```\n\nThat was all.";
        server.answer(Reply::stream(Response::by("openai/gpt-4.1-mini").text(&[code]).completed()));
        ibid.type_keys("hello<enter>");
        ibid.wait_for("That was all.");
        settle();
        let after = kilobytes(&ibid, "VmRSS:");
        let (ticks, bytes) = (cpu(&ibid), ibid.bytes().len());
        thread::sleep(effort.idle);
        let (used, written) = (cpu(&ibid).zip(ticks).map(|(now, then)| now - then), ibid.bytes().len() - bytes);
        quit(&mut ibid);
        let unknown = || "not known here".to_owned();
        let of = |value: Option<u64>, unit: &str| value.map_or_else(unknown, |value| format!("{value} {unit}"));
        row("resident before the first highlighting", of(before, "kB"), "12,288 kB");
        row("resident after a highlighted answer", of(after, "kB"), "20,480 kB");
        row(&format!("CPU in {:.1} s of rest", effort.idle.as_secs_f32()), of(used, "ticks of 10 ms"), "0");
        row("bytes written in that time", written.to_string(), "0");
    }

    /// Fills a database by the program's own store; the title of the newest conversation.
    fn fill(database: &Path, count: usize) -> String {
        fs::create_dir_all(database.parent().expect("it has a folder")).expect("a folder for the data");
        let (saved, replies) = mpsc::channel();
        let store = Store::open(database, move |reply| {
            if let Stored::Saved(ticket) = reply {
                let _ = saved.send(ticket);
            }
        });
        let mut ids = Ids::new(7);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let mut title = String::new();
        for number in 0..count {
            let at = start + Duration::from_mins(10 * number as u64);
            title = format!("Matter no. {number}");
            let (id, prompt) = (ids.conversation(at), ids.message(at));
            let body =
                Body::Prompt(Prompt { text: format!("{title}: {}", "what is there to say about it? ".repeat(20)) });
            let message = Message { id: prompt, parent: None, at, rev: 0, body };
            let settings =
                Settings { endpoint: "openrouter".into(), model: "openai/gpt-4.1-mini".into(), ..Settings::default() };
            let header = Header {
                id,
                title: title.clone(),
                renamed: false,
                settings,
                branch: vec![prompt],
                updated: at,
                unread: false,
                left_out: std::collections::BTreeSet::new(),
            };
            let changes = vec![
                Change::Conversation(Box::new(header)),
                Change::Message { conversation: id, message: Box::new(message) },
            ];
            store.send(Job::Save { ticket: Ticket(number as u64), changes });
        }
        let last = Ticket(count as u64 - 1);
        while replies.recv_timeout(Duration::from_mins(1)).expect("the store saves") != last {}
        title
    }
}
