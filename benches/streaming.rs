//! Reading while it streams, in the release binary: what a long answer costs, how soon a key and a word are seen, what
//! goes to the terminal. `cargo bench --bench streaming` prints a table; with `-- --test` each thing is done once.
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

#[cfg(unix)]
mod support;

#[cfg(not(unix))]
fn main() {
    println!("needs a pseudo-terminal of Unix");
}

#[cfg(unix)]
fn main() {
    match std::env::var(whole::READS) {
        Ok(url) => whole::only_read(&url),
        Err(_) => whole::measure(),
    }
}

#[cfg(unix)]
mod whole {
    use std::{
        env, fs,
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        path::Path,
        process::Command,
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use ibid::{
        api::{Client, Dialect, Endpoint, Request, request::Role, request::message},
        chat::Change,
        store::{Job, Reply as Stored, Store, Ticket},
    };

    use super::support::{
        compose::Response,
        cpu,
        harness::Harness,
        kilobytes, long, ms,
        pty::{Home, KEY, Pty, Run},
        quit, row, settle, show_tail, ticks,
    };

    /// Names the server for the child that does nothing but read.
    pub const READS: &str = "IBID_BENCH_READS";
    const MODEL: &str = "openai/gpt-4.1-mini";
    const A_SECOND: usize = 200;

    /// How much.
    struct Effort {
        deltas: usize,
        rounds: usize,
        seconds: usize,
        messages: u128,
        resizes: u64,
    }

    pub fn measure() {
        let effort = if env::args().any(|arg| arg == "--test") {
            Effort { deltas: 2_000, rounds: 1, seconds: 1, messages: 100, resizes: 4 }
        } else {
            Effort { deltas: 100_000, rounds: 5, seconds: 10, messages: 5_000, resizes: 40 }
        };
        as_fast_as_it_comes(&effort);
        frames(&effort);
        at_two_hundred_a_second(&effort);
        resizes(&effort);
        one_line(&effort);
    }

    /// A long answer at once: its cost beside that of only reading, decoding and parsing it.
    fn as_fast_as_it_comes(effort: &Effort) {
        let source = Source::start(stream(effort.deltas), None);
        let itself = env::current_exe().expect("a bench knows its file");
        // A tick of the clock is 10 ms, and one run of either is off by several: the middle one of a few counts.
        let (mut all, mut only, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            let home = Home::empty();
            let mut ibid = open(&home, &source, &[]);
            let before = cpu(&ibid);
            ibid.type_keys("all of it<enter>");
            ibid.wait_for(LAST);
            settle();
            all.extend(cpu(&ibid).zip(before).map(|(now, then)| 10 * (now - then)));
            peaks.extend(kilobytes(&ibid, "VmHWM:"));
            quit(&mut ibid);
            let output = Command::new(&itself).env(READS, &source.url).output().expect("the bench starts itself");
            only.extend(String::from_utf8_lossy(&output.stdout).trim().parse::<u64>());
        }
        let middle = |mut values: Vec<u64>, unit: &str| {
            values.sort_unstable();
            values.get(values.len() / 2).map_or("not known here".into(), |value| format!("{value} {unit}"))
        };
        row(&format!("CPU of {} deltas at once", effort.deltas), middle(all, "ms"), "3 times the next");
        row("CPU of only reading, decoding, parsing them", middle(only, "ms"), "");
        row("most memory while they came", middle(peaks, "kB"), "81,920 kB");
    }

    /// The child's part: prints the milliseconds of CPU that reading takes.
    pub fn only_read(url: &str) {
        let endpoint = Endpoint {
            name: "bench".into(),
            base_url: url.into(),
            dialect: Dialect::OpenRouter,
            key: Some(KEY.into()),
        };
        let client = Client::new(endpoint).expect("a client");
        let request = Request {
            model: MODEL.into(),
            input: vec![message(Role::User, "all of it")],
            stream: true,
            ..Request::default()
        };
        let before = ticks("self");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut opened = client.open(&request).await.expect("the server answers");
            let mut events = Vec::new();
            while opened.next_batch(&mut events).await.expect("the stream is whole") {
                events.clear();
            }
        });
        if let Some((now, then)) = ticks("self").zip(before) {
            println!("{}", 10 * (now - then));
        }
    }

    /// The frames of that answer, a thousand deltas in each: more than come in a frame's time.
    fn frames(effort: &Effort) {
        let mut ibid = Harness::new(120, 40);
        let stream_id = ibid.prompt("all of it");
        let frames = stream(effort.deltas);
        let payloads: Vec<&str> =
            frames.iter().filter_map(|frame| frame.split_once("data: ")).map(|(_, json)| json.trim_end()).collect();
        let times = payloads.chunks(1_000).map(|payloads| {
            let begun = Instant::now();
            ibid.events(stream_id, payloads);
            ibid.effects.clear();
            begun.elapsed()
        });
        show_tail("a frame with a thousand deltas, parsing included", times.collect(), "16 ms at 99 %");
    }

    /// A calm stream into a conversation of a megabyte: keys, words, CPU and bytes.
    fn at_two_hundred_a_second(effort: &Effort) {
        let words: Vec<String> = (0..effort.seconds * A_SECOND).map(|n| format!("w{n} ")).collect();
        let deltas: Vec<&str> = words.iter().map(String::as_str).collect();
        let frames = Response::by(MODEL).text(&deltas).completed();

        let source = Source::start(frames.clone(), Some(Duration::from_secs(1) / A_SECOND as u32));
        let home = Home::empty();
        fill(&home.database(), 1_000, &long::mixed(2_000));
        let mut ibid = open(&home, &source, &["--continue"]);
        ibid.type_keys("calmly<enter>");
        let mut late = Vec::new();
        let (mut used, mut written) = (None, 0);
        for _ in 0..words.len() {
            let (number, at) = source
                .sent
                .recv_timeout(Duration::from_secs(30))
                .unwrap_or_else(|_| panic!("no request:\n{}", ibid.screen()));
            if number == 20 {
                (used, written) = (cpu(&ibid), ibid.look(|screen| screen.bytes.len()));
            }
            late.push(ibid.time_to(words[number].trim_end(), at));
        }
        let seconds = (words.len() - 20) as f64 / A_SECOND as f64;
        let percent = cpu(&ibid).zip(used).map(|(now, then)| (now - then) as f64 / seconds);
        let written = (ibid.look(|screen| screen.bytes.len()) - written) as f64 / 1024.0 / seconds;
        show_tail("a word from the server to the screen", late, "22 ms at 99 %");
        row(
            "CPU at 200 deltas a second",
            percent.map_or("not known here".into(), |percent| format!("{percent:.1} %")),
            "5 %",
        );
        row("written to the terminal in a second", format!("{written:.1} KiB"), "15 KiB");
        quit(&mut ibid);

        let source = Source::start(frames, Some(Duration::from_secs(1) / A_SECOND as u32));
        let mut ibid = open(&home, &source, &["--continue"]);
        ibid.type_keys("and again<enter>");
        ibid.wait_for("w5 ");
        show_tail("a key to the screen meanwhile", keys(&mut ibid, effort.seconds * 20), "2 ms, 8 ms at 99 %");
        quit(&mut ibid);
    }

    /// The keys of a reader while megabytes come that are one line, and when they end.
    fn one_line(effort: &Effort) {
        let piece = "a".repeat(20_000);
        let mut pieces = vec![piece.as_str(); effort.deltas / 200];
        let last = format!(" {LAST}");
        pieces.push(&last);
        let source = Source::start(Response::by(MODEL).text(&pieces).completed(), None);
        let home = Home::empty();
        let mut ibid = open(&home, &source, &[]);
        ibid.type_keys("a line<enter>");
        ibid.wait_for("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        let mut times = keys(&mut ibid, effort.seconds * 10);
        ibid.wait_for(LAST);
        times.sort();
        let most = times.last().copied().unwrap_or_default();
        let what = format!("a key while {} MB come in one line", pieces.len() / 50);
        row(&what, format!("median {}, at most {}", ms(times[times.len() / 2]), ms(most)), "16 ms");
        quit(&mut ibid);
    }

    /// How long each of so many keys takes to the screen.
    fn keys(ibid: &mut Pty, count: usize) -> Vec<Duration> {
        let mut times = Vec::new();
        let mut typed = String::new();
        for letter in "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(count) {
            if typed.len() == 26 {
                ibid.type_keys("<ctrl-u>");
                ibid.wait_without("› a");
                typed.clear();
            }
            typed.push(letter);
            let begun = Instant::now();
            ibid.type_keys(&letter.to_string());
            times.push(ibid.time_to(&format!("› {typed}"), begun));
            // As fast as somebody types very fast.
            thread::sleep(Duration::from_millis(37));
        }
        times
    }

    /// Every fiftieth of two seconds another size.
    fn resizes(effort: &Effort) {
        let source = Source::start(Vec::new(), None);
        let home = Home::empty();
        fill(&home.database(), effort.messages, &long::mixed(700));
        let mut ibid = open(&home, &source, &["--continue"]);
        settle();
        let before = cpu(&ibid);
        for step in 0..effort.resizes {
            let (columns, rows) = (80 + step as u16 * 7 % 90, 24 + step as u16 * 5 % 30);
            ibid.resize(columns, rows);
            thread::sleep(Duration::from_millis(50));
        }
        ibid.resize(120, 40);
        ibid.wait_for("type a message");
        let used = cpu(&ibid).zip(before).map(|(now, then)| 10 * (now - then));
        let used = used.map_or("not known here".into(), |used| ms(Duration::from_millis(used)));
        row(&format!("CPU of {} resizes, {} messages", effort.resizes, effort.messages), used, "100 ms");
        quit(&mut ibid);
    }

    const LAST: &str = "That was all of it.";

    /// An answer of so many deltas of four bytes, as the wire has it.
    fn stream(deltas: usize) -> Vec<String> {
        let text = long::mixed(4 * deltas);
        let mut pieces = Vec::with_capacity(deltas + 1);
        let mut at = 0;
        while at < text.len() && pieces.len() < deltas {
            let end = text.ceil_char_boundary((at + 4).min(text.len()));
            pieces.push(&text[at..end]);
            at = end;
        }
        let last = format!("\n```\n\n{LAST}");
        pieces.push(&last);
        Response::by(MODEL).text(&pieces).completed()
    }

    fn open(home: &Home, source: &Source, args: &[&str]) -> Pty {
        let run = Run::in_home(home).args(args.iter().copied()).size(120, 40);
        let ibid = run.env("OPENROUTER_BASE_URL", &source.url).env("OPENROUTER_API_KEY", KEY).start();
        ibid.wait_for("type a message");
        ibid
    }

    /// Writes a conversation by the program's own store.
    fn fill(database: &Path, messages: u128, text: &str) {
        fs::create_dir_all(database.parent().expect("it has a folder")).expect("a folder for the data");
        let (saved, replies) = mpsc::channel();
        let store = Store::open(database, move |reply| {
            if let Stored::Saved(ticket) = reply {
                let _ = saved.send(ticket);
            }
        });
        let (header, messages) = long::parts(messages, text);
        let conversation = header.id;
        let mut changes = vec![Change::Conversation(Box::new(header))];
        changes
            .extend(messages.into_iter().map(|message| Change::Message { conversation, message: Box::new(message) }));
        store.send(Job::Save { ticket: Ticket(1), changes });
        replies.recv_timeout(Duration::from_mins(1)).expect("the store saves");
    }

    /// A server that answers every prompt with the same frames, and tells when each delta of a paced one left.
    struct Source {
        url: String,
        sent: mpsc::Receiver<(usize, Instant)>,
    }

    impl Source {
        fn start(frames: Vec<String>, pace: Option<Duration>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("it is bound"));
            let (send, sent) = mpsc::channel();
            thread::spawn(move || {
                for connection in listener.incoming().map_while(Result::ok) {
                    // Whoever hangs up has what it wanted.
                    let _ = serve(connection, &frames, pace, &send);
                }
            });
            Self { url, sent }
        }
    }

    /// One request: a prompt gets the frames, anything else nothing.
    fn serve(
        mut connection: TcpStream,
        frames: &[String],
        pace: Option<Duration>,
        sent: &mpsc::Sender<(usize, Instant)>,
    ) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        if !first.starts_with("POST") {
            return connection.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        reader.read_exact(&mut vec![0; length])?;
        connection.set_nodelay(true)?;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        let Some(pace) = pace else { return connection.write_all(frames.concat().as_bytes()) };
        let begun = Instant::now();
        let mut number = 0;
        for frame in frames {
            if frame.contains("output_text.delta") {
                thread::sleep(
                    (begun + pace * u32::try_from(number).unwrap_or(0)).saturating_duration_since(Instant::now()),
                );
                let _ = sent.send((number, Instant::now())); // Nobody may care.
                number += 1;
            }
            connection.write_all(frame.as_bytes())?;
        }
        Ok(())
    }
}
