//! Benches of streaming in the release binary: the cost of a long answer, the latency of keys and words, and the bytes
//! written to the terminal. `cargo bench --bench streaming` prints a table; with `-- --test` each runs once, and with
//! `-- --heavy` only the row about heavy texts.
#![allow(unreachable_pub, reason = "nothing outside uses a bench")]
#![allow(clippy::disallowed_methods, reason = "a bench starts the program, and waits while it rests")]
#![allow(clippy::cast_precision_loss, reason = "approximate figures are enough")]

#[cfg(unix)]
mod support;

#[cfg(unix)]
#[path = "../tests/support/heavy_inputs.rs"]
#[allow(dead_code, reason = "the library's own tests use all of it")]
mod heavy_inputs;

#[cfg(not(unix))]
fn main() {
    println!("this bench needs a Unix pseudo-terminal");
}

#[cfg(unix)]
fn main() {
    match std::env::var(whole::READER_URL) {
        Ok(url) => whole::run_reader(&url),
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
        api::{
            ApiClient, ApiDialect, Endpoint, Request,
            request::{MessageRole, input_message},
        },
        chat::ConversationChange,
        store::{SaveTicket, StoreHandle, StoreJob, StoreReply as Stored},
    };

    use super::heavy_inputs;
    use super::support::{
        children_ticks,
        compose::ResponseBuilder,
        cpu_ticks, format_ms,
        harness::Harness,
        long_conversation, print_row, print_tail, process_ticks,
        pty::{KEY, ProgramLaunch, Pty, TestHome},
        quit, settle, status_kilobytes,
    };

    /// The environment variable with the server's address for the child that only reads.
    pub const READER_URL: &str = "IBID_BENCH_READS";
    const MODEL: &str = "openai/gpt-4.1-mini";
    const DELTAS_PER_SECOND: usize = 200;

    /// The scale of the measurements.
    struct StreamScale {
        deltas: usize,
        rounds: usize,
        seconds: usize,
        messages: u128,
        resizes: u64,
    }

    pub fn measure() {
        let scale = if env::args().any(|arg| arg == "--test") {
            StreamScale { deltas: 2_000, rounds: 1, seconds: 1, messages: 100, resizes: 4 }
        } else {
            StreamScale { deltas: 100_000, rounds: 5, seconds: 10, messages: 5_000, resizes: 40 }
        };
        if env::args().any(|arg| arg == "--heavy") {
            return measure_heavy_texts(&scale);
        }
        measure_full_speed(&scale);
        measure_frames(&scale);
        measure_steady_stream(&scale);
        measure_resizes(&scale);
        measure_one_line(&scale);
        measure_heavy_texts(&scale);
    }

    /// The cost of a long answer sent at once, compared with only reading, decoding and parsing it.
    fn measure_full_speed(scale: &StreamScale) {
        let frames = answer_frames(scale.deltas);
        let megabytes = frames.iter().map(String::len).sum::<usize>() as f64 / 1e6;
        let source = StreamServer::start(&frames, None);
        let bench_exe = env::current_exe().expect("a bench knows its executable");
        // A clock tick is 10 ms and a single run is off by several, so take the median of a few runs.
        let (mut total_ms, mut reading_ms, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut elapsed_ms, mut ask_ms, mut ask_elapsed_ms) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            let home = TestHome::empty();
            let mut ibid = open(&home, &source, &[]);
            let before = cpu_ticks(&ibid);
            ibid.type_keys("all of it");
            ibid.wait_for("› all of it");
            let started = Instant::now();
            ibid.type_keys("<enter>");
            elapsed_ms.push(ibid.time_until(LAST_LINE, started).as_millis() as u64);
            settle();
            total_ms.extend(cpu_ticks(&ibid).zip(before).map(|(now, then)| 10 * (now - then)));
            peaks.extend(status_kilobytes(&ibid, "VmHWM:"));
            quit(&mut ibid);
            let (used, elapsed) = run_ask(&home, &source);
            ask_ms.extend(used);
            ask_elapsed_ms.push(elapsed.as_millis() as u64);
            let output =
                Command::new(&bench_exe).env(READER_URL, &source.url).output().expect("the bench starts itself");
            reading_ms.extend(String::from_utf8_lossy(&output.stdout).trim().parse::<u64>());
        }
        let median = |mut values: Vec<u64>, unit: &str| {
            values.sort_unstable();
            values.get(values.len() / 2).map_or("unknown on this system".into(), |value| format!("{value} {unit}"))
        };
        let label = format!("CPU for {} deltas ({megabytes:.1} MB) at once", scale.deltas);
        print_row(&label, median(total_ms, "ms"), "500 ms");
        print_row("from Enter to their last word", median(elapsed_ms, "ms"), "700 ms");
        print_row("CPU of `ibid ask` for them", median(ask_ms, "ms"), "");
        print_row("`ibid ask` from exec to its end", median(ask_elapsed_ms, "ms"), "");
        print_row("CPU for only reading, decoding and parsing them", median(reading_ms, "ms"), "");
        print_row("peak memory while receiving them", median(peaks, "kB"), "81,920 kB");
    }

    /// Runs `ibid ask` for the same answer; returns its CPU time in milliseconds and how long it took.
    fn run_ask(home: &TestHome, source: &StreamServer) -> (Option<u64>, Duration) {
        let (before, started) = (children_ticks(), Instant::now());
        let output = Command::new(env!("CARGO_BIN_EXE_ibid"))
            .args(["ask", "all of it"])
            .env_clear()
            .env("HOME", home.path())
            .env("OPENROUTER_BASE_URL", &source.url)
            .env("OPENROUTER_API_KEY", KEY)
            .output()
            .expect("the program starts");
        let elapsed = started.elapsed();
        assert!(output.status.success() && output.stdout.trim_ascii_end().ends_with(LAST_LINE.as_bytes()));
        (children_ticks().zip(before).map(|(now, then)| 10 * (now - then)), elapsed)
    }

    /// Reads the answer in the child process and prints the CPU time in milliseconds.
    pub fn run_reader(url: &str) {
        let endpoint = Endpoint {
            name: "bench".into(),
            base_url: url.into(),
            dialect: ApiDialect::OpenRouter,
            key: Some(KEY.into()),
        };
        let client = ApiClient::new(endpoint).expect("the client can be created");
        let request = Request {
            model: MODEL.into(),
            input: vec![input_message(MessageRole::User, "all of it")],
            stream: true,
            ..Request::default()
        };
        let before = process_ticks("self");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
        runtime.block_on(async {
            let mut opened = client.open(&request).await.expect("the server answers");
            let mut events = Vec::new();
            while opened.next_batch(&mut events).await.expect("the stream is complete") {
                events.clear();
            }
        });
        if let Some((now, then)) = process_ticks("self").zip(before) {
            println!("{}", 10 * (now - then));
        }
    }

    /// The same answer in frames of a thousand deltas each, more than arrive between two frames.
    fn measure_frames(scale: &StreamScale) {
        let mut ibid = Harness::new(120, 40);
        let stream_id = ibid.send_prompt("all of it");
        let frames = answer_frames(scale.deltas);
        let payloads: Vec<&str> =
            frames.iter().filter_map(|frame| frame.split_once("data: ")).map(|(_, json)| json.trim_end()).collect();
        let times = payloads.chunks(1_000).map(|payloads| {
            let begun = Instant::now();
            ibid.receive_events(stream_id, payloads);
            ibid.effects.clear();
            begun.elapsed()
        });
        print_tail("a frame with a thousand deltas, parsing included", times.collect(), "16 ms at 99 %");
    }

    /// A steady stream into a conversation of 1 MB: keys, words, CPU and bytes.
    fn measure_steady_stream(scale: &StreamScale) {
        let words: Vec<String> = (0..scale.seconds * DELTAS_PER_SECOND).map(|n| format!("w{n} ")).collect();
        let deltas: Vec<&str> = words.iter().map(String::as_str).collect();
        let frames = ResponseBuilder::new(MODEL).text(&deltas).completed();

        let source = StreamServer::start(&frames, Some(Duration::from_secs(1) / DELTAS_PER_SECOND as u32));
        let home = TestHome::empty();
        fill_database(&home.database(), 1_000, &long_conversation::mixed_markdown(2_000));
        let mut ibid = open(&home, &source, &["--continue"]);
        ibid.type_keys("calmly<enter>");
        let mut latencies = Vec::new();
        let (mut used, mut written) = (None, 0);
        for _ in 0..words.len() {
            let (number, at) = source
                .sent
                .recv_timeout(Duration::from_secs(30))
                .unwrap_or_else(|_| panic!("no request:\n{}", ibid.screen()));
            if number == 20 {
                (used, written) = (cpu_ticks(&ibid), ibid.with_screen(|screen| screen.bytes.len()));
            }
            latencies.push(ibid.time_until(words[number].trim_end(), at));
        }
        let seconds = (words.len() - 20) as f64 / DELTAS_PER_SECOND as f64;
        let percent = cpu_ticks(&ibid).zip(used).map(|(now, then)| (now - then) as f64 / seconds);
        let written = (ibid.with_screen(|screen| screen.bytes.len()) - written) as f64 / 1024.0 / seconds;
        print_tail("a word from the server to the screen", latencies, "22 ms at 99 %");
        print_row(
            "CPU at 200 deltas a second",
            percent.map_or("unknown on this system".into(), |percent| format!("{percent:.1} %")),
            "5 %",
        );
        print_row("written to the terminal per second", format!("{written:.1} KiB"), "15 KiB");
        quit(&mut ibid);

        let source = StreamServer::start(&frames, Some(Duration::from_secs(1) / DELTAS_PER_SECOND as u32));
        let mut ibid = open(&home, &source, &["--continue"]);
        ibid.type_keys("and again<enter>");
        ibid.wait_for("w5 ");
        print_tail("a key to the screen meanwhile", key_latencies(&mut ibid, scale.seconds * 20), "2 ms, 8 ms at 99 %");
        quit(&mut ibid);
    }

    /// The latency of keys while megabytes arrive in one line, and when the line ends.
    fn measure_one_line(scale: &StreamScale) {
        let piece = "a".repeat(20_000);
        let mut pieces = vec![piece.as_str(); scale.deltas / 200];
        let last = format!(" {LAST_LINE}");
        pieces.push(&last);
        let source = StreamServer::start(&ResponseBuilder::new(MODEL).text(&pieces).completed(), None);
        let home = TestHome::empty();
        let mut ibid = open(&home, &source, &[]);
        ibid.type_keys("a line<enter>");
        ibid.wait_for("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        let mut times = key_latencies(&mut ibid, scale.seconds * 10);
        ibid.wait_for(LAST_LINE);
        times.sort();
        let most = times.last().copied().unwrap_or_default();
        let what = format!("a key while {} MB arrive in one line", pieces.len() / 50);
        print_row(&what, format!("median {}, max {}", format_ms(times[times.len() / 2]), format_ms(most)), "16 ms");
        quit(&mut ibid);
    }

    /// The latency of keys while 1 MB of each heavy kind of text arrives, and after the conversation is opened again.
    fn measure_heavy_texts(scale: &StreamScale) {
        let (mut live, mut reopened, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, text) in heavy_inputs::TEXTS {
            let text = text(10 * scale.deltas) + "\n\n" + LAST_LINE;
            let frames = ResponseBuilder::new(MODEL).text(&pieces_of(&text, 4_000)).completed();
            let source = StreamServer::start(&frames, Some(Duration::from_millis(4)));
            let home = TestHome::empty();
            let mut ibid = open(&home, &source, &[]);
            let idle = status_kilobytes(&ibid, "VmRSS:");
            ibid.type_keys("heavy<enter>");
            source.sent.recv_timeout(Duration::from_secs(30)).expect("the prompt is answered");
            live.extend(key_latencies(&mut ibid, 30).into_iter().map(|time| (time, kind)));
            ibid.wait_for(LAST_LINE);
            settle();
            ibid.type_keys("<ctrl-u>");
            quit(&mut ibid);

            let mut ibid = open(&home, &source, &["--continue"]);
            reopened.extend(key_latencies(&mut ibid, 20).into_iter().map(|time| (time, kind)));
            ibid.wait_for(LAST_LINE);
            let most = status_kilobytes(&ibid, "VmHWM:").zip(idle).map(|(most, idle)| most.saturating_sub(idle));
            memory.extend(most.map(|kilobytes| (kilobytes * 1024 / text.len() as u64, kind)));
            ibid.type_keys("<ctrl-u>");
            quit(&mut ibid);
        }
        for (label, times) in
            [("a key while 1 MB of the worst input is laid out", live), ("the same, reopened", reopened)]
        {
            let (most, kind) = times.iter().max().copied().unwrap_or_default();
            let mut times: Vec<Duration> = times.into_iter().map(|(time, _)| time).collect();
            times.sort();
            let median = format_ms(times[times.len() / 2]);
            print_row(label, format!("median {median}, max {} ({kind})", format_ms(most)), "100 ms");
        }
        let (most, kind) = memory.into_iter().max().unwrap_or_default();
        print_row("its memory when reopened, in times its length", format!("{most} ({kind})"), "20");
    }

    /// A text in pieces of about `size` bytes.
    fn pieces_of(text: &str, size: usize) -> Vec<&str> {
        let mut rest = text;
        let piece = || {
            let (piece, more) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
            rest = more;
            (!piece.is_empty()).then_some(piece)
        };
        std::iter::from_fn(piece).collect()
    }

    /// The time from each of `count` keys to the screen.
    fn key_latencies(ibid: &mut Pty, count: usize) -> Vec<Duration> {
        let mut times = Vec::new();
        let mut typed = String::new();
        for letter in "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(count) {
            if typed.len() == 26 {
                ibid.type_keys("<ctrl-u>");
                ibid.wait_until_gone("› a");
                typed.clear();
            }
            typed.push(letter);
            let started = Instant::now();
            ibid.type_keys(&letter.to_string());
            times.push(ibid.time_until(&format!("› {typed}"), started));
            // The pace of a very fast typist.
            thread::sleep(Duration::from_millis(37));
        }
        times
    }

    /// A new size every 50 ms.
    fn measure_resizes(scale: &StreamScale) {
        let source = StreamServer::start(&[], None);
        let home = TestHome::empty();
        fill_database(&home.database(), scale.messages, &long_conversation::mixed_markdown(700));
        let mut ibid = open(&home, &source, &["--continue"]);
        settle();
        let before = cpu_ticks(&ibid);
        for step in 0..scale.resizes {
            let (columns, rows) = (80 + step as u16 * 7 % 90, 24 + step as u16 * 5 % 30);
            ibid.resize(columns, rows);
            thread::sleep(Duration::from_millis(50));
        }
        ibid.resize(120, 40);
        ibid.wait_for("type a message");
        let used = cpu_ticks(&ibid).zip(before).map(|(now, then)| 10 * (now - then));
        let used = used.map_or("unknown on this system".into(), |used| format_ms(Duration::from_millis(used)));
        print_row(&format!("CPU for {} resizes, {} messages", scale.resizes, scale.messages), used, "100 ms");
        quit(&mut ibid);
    }

    const LAST_LINE: &str = "That was all of it.";

    /// The frames of an answer of `deltas` deltas of about four bytes.
    fn answer_frames(deltas: usize) -> Vec<String> {
        let text = long_conversation::mixed_markdown(4 * deltas);
        let mut pieces = Vec::with_capacity(deltas + 1);
        let mut start = 0;
        while start < text.len() && pieces.len() < deltas {
            let end = text.ceil_char_boundary((start + 4).min(text.len()));
            pieces.push(&text[start..end]);
            start = end;
        }
        let last = format!("\n```\n\n{LAST_LINE}");
        pieces.push(&last);
        ResponseBuilder::new(MODEL).text(&pieces).completed()
    }

    fn open(home: &TestHome, source: &StreamServer, args: &[&str]) -> Pty {
        let run = ProgramLaunch::in_home(home).args(args.iter().copied()).size(120, 40);
        let ibid = run.env("OPENROUTER_BASE_URL", &source.url).env("OPENROUTER_API_KEY", KEY).start();
        ibid.wait_for("type a message");
        ibid
    }

    /// Writes a conversation through the program's own store.
    fn fill_database(database: &Path, messages: u128, text: &str) {
        fs::create_dir_all(database.parent().expect("the file has a parent directory"))
            .expect("the data directory can be created");
        let (saved, replies) = mpsc::channel();
        let store = StoreHandle::open(database, move |reply| {
            if let Stored::Saved(ticket) = reply {
                let _ = saved.send(ticket);
            }
        });
        let (header, messages) = long_conversation::header_and_messages(messages, text);
        let conversation = header.id;
        let mut changes = vec![ConversationChange::Conversation(Box::new(header))];
        changes.extend(
            messages
                .into_iter()
                .map(|message| ConversationChange::Message { conversation, message: Box::new(message) }),
        );
        store.send(StoreJob::Save { ticket: SaveTicket(1), changes });
        replies.recv_timeout(Duration::from_mins(1)).expect("the store saves");
    }

    /// A server that answers every prompt with the same frames, each in its own chunk as OpenRouter sends them; if paced, it reports when each delta was sent.
    struct StreamServer {
        url: String,
        sent: mpsc::Receiver<(usize, Instant)>,
    }

    impl StreamServer {
        fn start(frames: &[String], pace: Option<Duration>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            let url = format!("http://{}", listener.local_addr().expect("the listener is bound"));
            let (send, sent) = mpsc::channel();
            let mut chunks: Vec<_> = frames.iter().map(|frame| format!("{:x}\r\n{frame}\r\n", frame.len())).collect();
            chunks.push("0\r\n\r\n".into());
            thread::spawn(move || {
                for connection in listener.incoming().map_while(Result::ok) {
                    // A client that disconnects has what it needs.
                    let _ = serve(connection, &chunks, pace, &send);
                }
            });
            Self { url, sent }
        }
    }

    /// Answers one request: a prompt gets the chunks, anything else a 404.
    fn serve(
        mut connection: TcpStream,
        chunks: &[String],
        pace: Option<Duration>,
        sent: &mpsc::Sender<(usize, Instant)>,
    ) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let (mut request_line, mut length) = (String::new(), 0);
        reader.read_line(&mut request_line)?;
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
        if !request_line.starts_with("POST") {
            return connection.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        reader.read_exact(&mut vec![0; length])?;
        connection.set_nodelay(true)?;
        connection
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let Some(pace) = pace else { return connection.write_all(chunks.concat().as_bytes()) };
        let begun = Instant::now();
        let mut delta_index = 0;
        for chunk in chunks {
            if chunk.contains("output_text.delta") {
                thread::sleep(
                    (begun + pace * u32::try_from(delta_index).unwrap_or(0)).saturating_duration_since(Instant::now()),
                );
                let _ = sent.send((delta_index, Instant::now())); // The receiver may be gone.
                delta_index += 1;
            }
            connection.write_all(chunk.as_bytes())?;
        }
        Ok(())
    }
}
