mod any_bytes;

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::render::theme::ThemeShade;

use super::{InputDecoder, TerminalInput, paste::MAX_PASTE_BYTES};

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn letter(c: char, modifiers: KeyModifiers) -> Event {
    press(KeyCode::Char(c), modifiers)
}

/// Decodes reads that follow each other at once.
fn decode(reads: &[&[u8]]) -> Vec<Event> {
    let mut decoder = InputDecoder::default();
    let now = Instant::now();
    let mut events: Vec<TerminalInput> = reads.iter().flat_map(|bytes| decoder.push(bytes, now)).collect();
    events.extend(decoder.flush(now));
    events.into_iter().filter_map(input).collect()
}

/// A decoder with a clock, which decodes what is due before each read, as the thread that reads the keyboard does.
struct TimedDecoder {
    decoder: InputDecoder,
    start: Instant,
    now: Instant,
    /// What was decoded, and after how many milliseconds.
    events: Vec<(u128, TerminalInput)>,
}

impl TimedDecoder {
    fn new() -> Self {
        let start = Instant::now();
        Self { decoder: InputDecoder::default(), start, now: start, events: Vec::new() }
    }

    /// A terminal that has confirmed the keyboard protocol.
    fn with_keyboard_protocol() -> Self {
        let mut timed = Self::new();
        timed.read(b"\x1b[?5u");
        timed.wait(1000);
        timed
    }

    fn read(&mut self, bytes: &[u8]) {
        let events = self.decoder.push(bytes, self.now);
        self.record(events);
    }

    fn wait(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        while let Some(deadline) = self.decoder.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            let events = self.decoder.flush(self.now);
            self.record(events);
        }
        self.now = end;
    }

    fn record(&mut self, events: Vec<TerminalInput>) {
        let elapsed = (self.now - self.start).as_millis();
        self.events.extend(events.into_iter().map(|event| (elapsed, event)));
    }

    /// What was decoded up to now.
    fn events(&self) -> Vec<Event> {
        self.events.iter().filter_map(|(_, decoded)| input(decoded.clone())).collect()
    }

    /// What a composer would hold: the text typed and pasted, with `⏎` for an Enter that sends, `⎋` for Esc and
    /// `^` before a letter with Ctrl.
    fn typed(&self) -> String {
        self.events.iter().map(|(_, decoded)| typed_text(decoded)).collect()
    }

    /// Waits until everything is decided.
    fn settle(&mut self) -> String {
        self.wait(5000);
        self.typed()
    }
}

fn typed_text(decoded: &TerminalInput) -> String {
    match decoded {
        TerminalInput::Input { event: Event::Paste(text), .. } => text.clone(),
        TerminalInput::Input { event: Event::Key(key), more } => match key.code {
            KeyCode::Char(c) if key.modifiers.contains(CTRL) => format!("^{c}"),
            KeyCode::Char(c) if key.modifiers.contains(ALT) => format!("⌥{c}"),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Enter if *more => "\n".into(),
            KeyCode::Enter => "⏎".into(),
            KeyCode::Esc => "⎋".into(),
            code => format!("<{code:?}>"),
        },
        _ => String::new(),
    }
}

/// Plays reads and the pauses between them, in milliseconds.
macro_rules! play {
    ($decoder:expr, $($step:expr),+ $(,)?) => {{
        let mut timed = $decoder;
        $(PlayStep::play($step, &mut timed);)+
        timed
    }};
}

trait PlayStep {
    fn play(self, timed: &mut TimedDecoder);
}

impl PlayStep for u64 {
    fn play(self, timed: &mut TimedDecoder) {
        timed.wait(self);
    }
}

impl PlayStep for &str {
    fn play(self, timed: &mut TimedDecoder) {
        timed.read(self.as_bytes());
    }
}

impl PlayStep for &[u8] {
    fn play(self, timed: &mut TimedDecoder) {
        timed.read(self);
    }
}

fn input(decoded: TerminalInput) -> Option<Event> {
    match decoded {
        TerminalInput::Input { event, .. } => Some(event),
        TerminalInput::Background(_) | TerminalInput::ColoursChanged => None,
    }
}

/// Byte sequences that terminals send, each with its event.
fn known_sequences() -> Vec<(&'static [u8], Event)> {
    let mouse = |kind, column, row, modifiers| Event::Mouse(MouseEvent { kind, column, row, modifiers });
    vec![
        (b"a", letter('a', NONE)),
        (b"A", letter('A', SHIFT)),
        ("é".as_bytes(), letter('é', NONE)),
        ("日".as_bytes(), letter('日', NONE)),
        ("🦀".as_bytes(), letter('🦀', NONE)),
        (b"\n", letter('j', CTRL)),
        (b"\r", press(KeyCode::Enter, NONE)),
        (b"\t", press(KeyCode::Tab, NONE)),
        (b"\x7f", press(KeyCode::Backspace, NONE)),
        (b"\x00", letter(' ', CTRL)),
        (b"\x03", letter('c', CTRL)),
        (b"\x1f", letter('_', CTRL)),
        (b"\x1c", letter('\\', CTRL)),
        (b"\x1b", press(KeyCode::Esc, NONE)),
        (b"\x1bb", letter('b', ALT)),
        (b"\x1bB", letter('B', ALT | SHIFT)),
        ("\x1bö".as_bytes(), letter('ö', ALT)),
        (b"\x1b\r", press(KeyCode::Enter, ALT)),
        (b"\x1b\x7f", press(KeyCode::Backspace, ALT)),
        (b"\x1b[", letter('[', ALT)),
        (b"\x1bO", letter('O', ALT | SHIFT)),
        (b"\x1b]", letter(']', ALT)),
        (b"\x1b[A", press(KeyCode::Up, NONE)),
        (b"\x1bOA", press(KeyCode::Up, NONE)),
        (b"\x1b\x1b[A", press(KeyCode::Up, ALT)),
        (b"\x1b[1;5A", press(KeyCode::Up, CTRL)),
        (b"\x1b[1;3D", press(KeyCode::Left, ALT)),
        (b"\x1b[H", press(KeyCode::Home, NONE)),
        (b"\x1b[1;5H", press(KeyCode::Home, CTRL)),
        (b"\x1b[4~", press(KeyCode::End, NONE)),
        (b"\x1b[3~", press(KeyCode::Delete, NONE)),
        (b"\x1b[3;5~", press(KeyCode::Delete, CTRL)),
        (b"\x1b[5~", press(KeyCode::PageUp, NONE)),
        (b"\x1b[6~", press(KeyCode::PageDown, NONE)),
        (b"\x1b[Z", press(KeyCode::BackTab, SHIFT)),
        (b"\x1bOP", press(KeyCode::F(1), NONE)),
        (b"\x1b[[B", press(KeyCode::F(2), NONE)),
        (b"\x1bOQ", press(KeyCode::F(2), NONE)),
        (b"\x1b[1;2Q", press(KeyCode::F(2), SHIFT)),
        (b"\x1b[12~", press(KeyCode::F(2), NONE)),
        (b"\x1b[1;2R", press(KeyCode::F(3), SHIFT)),
        (b"\x1b[24~", press(KeyCode::F(12), NONE)),
        (b"\x1b[27u", press(KeyCode::Esc, NONE)),
        (b"\x1b[13;2u", press(KeyCode::Enter, SHIFT)),
        (b"\x1b[27;2;13~", press(KeyCode::Enter, SHIFT)),
        (b"\x1b[9;2u", press(KeyCode::BackTab, SHIFT)),
        (b"\x1b[106;5u", letter('j', CTRL)),
        (b"\x1b[120;69u", letter('x', CTRL)), // With caps lock on.
        (b"\x1b[97;2u", letter('A', SHIFT)),
        (b"\x1b[45;6u", letter('_', CTRL)),
        (b"\x1b[98;3u", letter('b', ALT)),
        (b"\x1b[57399u", letter('0', NONE)),
        (b"\x1b[57414u", press(KeyCode::Enter, NONE)),
        (b"\x1bOj", letter('*', NONE)),
        (b"\x1bOo", letter('/', NONE)),
        (b"\x1bOp", letter('0', NONE)),
        (b"\x1bOy", letter('9', NONE)),
        (b"\x1bOX", letter('=', NONE)),
        (b"\x1bOM", press(KeyCode::Enter, NONE)),
        (b"\x1bO5A", press(KeyCode::Up, CTRL)),
        (b"\x1bO1;2P", press(KeyCode::F(1), SHIFT)),
        (b"\x1bOa", press(KeyCode::Up, CTRL)),
        (b"\x1b[1089::99;5u", letter('c', CTRL)),
        (b"\x1b[1089:1057:99;6u", letter('c', CTRL | SHIFT)),
        (b"\x1b[1089;5u", letter('c', CTRL)),
        (b"\x1b[27;5;962~", letter('w', CTRL)),
        (b"\x1b[27;5;1094~", letter('w', CTRL)),
        (b"\x1b[27;6;1062~", letter('W', CTRL | SHIFT)),
        (b"\x1b[1489::99;5u", letter('c', CTRL)),
        (b"\x1b[99::105;5u", letter('c', CTRL)), // Dvorak: the letter counts, not its key.
        (b"\x1b[246::59;5u", letter(';', CTRL)),
        (b"\x1b[49:33;2u", letter('!', NONE)),
        ("\x1bи".as_bytes(), letter('b', ALT)),
        (b"\r\n", press(KeyCode::Enter, NONE)),
        (b"\x1b[97;1:2u", letter('a', NONE)),
        (b"\x1b[I", Event::FocusGained),
        (b"\x1b[O", Event::FocusLost),
        (b"\x1b[<0;3;5M", mouse(MouseEventKind::Down(MouseButton::Left), 2, 4, NONE)),
        (b"\x1b[<0;3;5m", mouse(MouseEventKind::Up(MouseButton::Left), 2, 4, NONE)),
        (b"\x1b[<48;300;5M", mouse(MouseEventKind::Drag(MouseButton::Left), 299, 4, CTRL)),
        (b"\x1b[<65;1;1M", mouse(MouseEventKind::ScrollDown, 0, 0, NONE)),
        (b"\x1b[200~two\rlines\x1b[201~", Event::Paste("two\nlines".into())),
        (b"\x1b[200~\x1b[201~", Event::Paste(String::new())),
        (b"\x1b[200~an \x1b[A inside\r\n\x1b[201~", Event::Paste("an \x1b[A inside\n".into())),
    ]
}

#[test]
fn every_encoding_of_a_key_is_decoded() {
    for (bytes, event) in known_sequences() {
        assert_eq!(decode(&[bytes]), [event], "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_key_split_at_any_byte_is_decoded() {
    for (bytes, event) in known_sequences() {
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(decode(&[head, tail]), std::slice::from_ref(&event), "{} at {cut}", bytes.escape_ascii());
        }
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&bytewise), [event], "{} byte by byte", bytes.escape_ascii());
    }
}

#[test]
fn all_keys_in_one_read_are_decoded() {
    let forms: Vec<(&[u8], Event)> =
        known_sequences().into_iter().filter(|(bytes, _)| !is_ambiguous_prefix(bytes)).collect();
    let bytes: Vec<u8> = forms.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
    let events: Vec<Event> = forms.into_iter().map(|(_, event)| event).collect();
    for size in [1, 2, 3, 7, bytes.len()] {
        let reads: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(decode(&reads), events, "in reads of {size}");
    }
}

fn is_ambiguous_prefix(bytes: &[u8]) -> bool {
    matches!(bytes, b"\x1b" | b"\x1b[" | b"\x1bO" | b"\x1b]")
}

#[test]
fn a_lone_escape_waits_and_then_is_the_key() {
    let mut timed = play!(TimedDecoder::new(), "\x1b", 49);
    assert_eq!(timed.events, []);
    timed.wait(1);
    assert_eq!(timed.events, [(50, TerminalInput::Input { event: press(KeyCode::Esc, NONE), more: false })]);
    timed.read(b"j");
    assert_eq!(timed.typed(), "⎋j");
}

#[test]
fn a_lone_escape_waits_longer_among_reports() {
    let escape_time = |timed: &TimedDecoder| timed.events.last().map(|(elapsed, _)| *elapsed);
    let after_mouse = play!(TimedDecoder::new(), "\x1b[<65;1;1M", 100, "\x1b", 400);
    assert_eq!(escape_time(&after_mouse), Some(330));
    let long_after = play!(TimedDecoder::new(), "\x1b[<65;1;1M", 300, "\x1b", 400);
    assert_eq!(escape_time(&long_after), Some(350));
    let mut asked = TimedDecoder::new();
    asked.decoder.on_query_sent(asked.now);
    assert_eq!(escape_time(&play!(asked, 100, "\x1b", 400)), Some(330));
    let mut answered = TimedDecoder::new();
    answered.decoder.on_query_sent(answered.now);
    assert_eq!(escape_time(&play!(answered, "\x1b[?0u", 100, "\x1b", 400)), Some(150));
}

#[test]
fn with_the_keyboard_protocol_a_lone_escape_byte_is_never_the_key() {
    let protocol = TimedDecoder::with_keyboard_protocol;
    assert_eq!(play!(protocol(), "\x1b", 5000).events, []);
    assert_eq!(play!(protocol(), "\x1b\x1b", 5000, "\x1b", 5000).events, []);
    assert_eq!(play!(protocol(), "\x1b", 1000, "j").settle(), "j");
    assert_eq!(play!(protocol(), "\x1b", 100, "j").settle(), "j");
    assert_eq!(play!(protocol(), "\x1b", 100, "\x1b[27u", "j").settle(), "⎋j");
    assert_eq!(play!(protocol(), "\x1b", 100, "\r").settle(), "⏎");
    assert_eq!(play!(protocol(), "\x1b", 200, "[<65;1;1M", "j").settle(), "j");
    assert_eq!(play!(protocol(), "\x1b[200~text", 300, "\x1b", 500, "k").settle(), "textk");
    for escape in ["\x1b[27u", "\x1b[27;1u", "\x1b[27;1:1u"] {
        assert_eq!(play!(protocol(), escape).typed(), "⎋", "at once");
        assert_eq!(play!(protocol(), "\x1b", 30, &escape[1..]).typed(), "⎋", "at once, in two pieces");
    }
    let mut taken_again = TimedDecoder::with_keyboard_protocol();
    taken_again.decoder.on_terminal_retaken();
    assert_eq!(play!(taken_again, "\x1b").settle(), "⎋");
}

#[test]
fn enter_reports_whether_more_bytes_came_with_it() {
    let enter = press(KeyCode::Enter, NONE);
    let expected = [(letter('a', NONE), true), (enter.clone(), true), (letter('b', NONE), true), (enter, false)];
    let timed = play!(TimedDecoder::new(), "a\rb\r", 10);
    let inputs = timed.events.into_iter().map(|(_, decoded)| decoded).collect::<Vec<_>>();
    assert_eq!(inputs, expected.map(|(event, more)| TerminalInput::Input { event, more }));
    for report in ["\x1b[O", "\x1b[<35;10;5M", "\x1b[?1u", "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"] {
        let sent = |rest: &str| play!(TimedDecoder::new(), &format!("yes\r{report}{rest}")[..], 500).settle();
        assert_eq!([sent(report), sent("no\r")], ["yes⏎", "yes\nno⏎"], "{report:?}");
    }
}

#[test]
fn carriage_return_and_line_feed_are_one_line_end_that_sends_nothing() {
    let text = "one\r\ntwo\r\n\r\nthree\r\n";
    for cut in 0..text.len() {
        let (head, tail) = text.split_at(cut);
        for pause in [0, 5] {
            let mut timed = play!(TimedDecoder::new(), head, pause, tail);
            assert_eq!(timed.settle(), text.replace("\r\n", "\n"), "at {cut} after {pause} ms");
        }
    }
    assert_eq!(play!(TimedDecoder::new(), "one", 100, "\r", 100, "\n").settle(), "one⏎^j");
    assert_eq!(play!(TimedDecoder::new(), "one\r", 5, "\x1b").settle(), "one⏎⎋");
}

#[test]
fn replies_of_the_terminal_and_released_keys_are_ignored() {
    let silent: [&[u8]; 25] = [
        b"\x1bOz",
        b"\x1bO1;5z",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b_anything at all\x07",
        b"\x1b^private\x1b\\",
        b"\x1bXsos\x1b\\",
        b"\x1bP1$r0m\x1b\\",
        b"\x1bP1+r544e=78\x1b\\",
        b"\x1b]4;1;rgb:1/2/3\x07",
        b"\x1b]52;c;aGk=\x1b\\",
        b"\x1b]lTitle\x1b\\",
        b"\x1b[M !!",
        b"\x1b[M`\xc2\x80\xc3\xa9",
        b"\x1b[M \xf0!",
        b"\x1b[32;10;20M",
        b"\x1b[?2026;2$y",
        b"\x1b[8;24;80t",
        b"\x1b[?62;22c",
        b"\x1b[24;80R",
        b"\x1b[?1u",
        b"\x1b]11;rgb:1515/1717/1c1c\x07",
        b"\x1b]11;rgb:1515/1717/1c1c\x1b\\",
        b"\x1bP>|XTerm(380)\x1b\\",
        b"\x1b[97;1:3u",
        b"\xff\x80\xc0",
    ];
    for bytes in silent {
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(decode(&[head, tail, b"x"]), [letter('x', NONE)], "{} at {cut}", bytes.escape_ascii());
        }
    }
}

const DARK: &[u8] = b"\x1b]11;rgb:1515/1717/1c1c\x1b\\";

#[test]
fn the_background_is_decoded_wherever_and_however_late_its_reply_is_split() {
    for bytes in [DARK, b"\x1b]11;rgb:1515/1717/1c1c\x07"] {
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            for pause in [0, 60, 100, 200, 300, 1500] {
                let mut timed = play!(TimedDecoder::new(), "ab", 300, head, pause, tail, 100, "c");
                timed.wait(1000);
                // The head alone may be a key.
                assert_eq!(timed.typed().replace('⎋', "").replace("⌥]", ""), "abc", "at {cut} after {pause} ms");
                let has_background = |(_, decoded): &(_, _)| *decoded == TerminalInput::Background(ThemeShade::Dark);
                assert!(timed.events.iter().any(has_background), "at {cut} after {pause} ms");
            }
        }
    }
}

/// Reports and replies that a slow connection may cut in two.
const REPORTS: [&[u8]; 8] = [
    b"\x1b[<65;12;7M",
    b"\x1b[<0;112;47m",
    b"\x1b[M !!",
    b"\x1b[?5u",
    b"\x1b[I",
    b"\x1b[?997;1n",
    b"\x1bP>|XTerm(380)\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
];

#[test]
fn a_report_in_two_pieces_types_nothing_and_acts_as_no_escape() {
    for report in REPORTS {
        for cut in 1..report.len() {
            let (head, tail) = report.split_at(cut);
            for pause in [40, 60, 100, 150, 200] {
                let what = format!("{} at {cut} after {pause} ms", report.escape_ascii());
                let reports = play!(TimedDecoder::new(), "ab", 300, "\x1b[<65;1;1M", 20, head, pause, tail, 100, "c");
                let protocol = play!(TimedDecoder::with_keyboard_protocol(), "ab", 300, head, pause, tail, 100, "c");
                let mut asked = TimedDecoder::new();
                asked.decoder.on_query_sent(asked.now);
                let asked = play!(asked, "ab", 40, head, pause, tail, 100, "c");
                for mut timed in [reports, protocol, asked] {
                    assert_eq!(timed.settle(), "abc", "{what}");
                }
                // With nothing before it, a lone ESC may have been the key.
                let mut sudden = play!(TimedDecoder::new(), "ab", 300, head, pause, tail, 100, "c");
                let escapes = if cut == 1 && pause > 40 { "⎋" } else { "" };
                if report != b"\x1b[M !!" || cut > 1 {
                    assert_eq!(sudden.settle(), format!("ab{escapes}c"), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_mouse_report_keeps_its_meaning_in_two_pieces() {
    let report = b"\x1b[<65;12;7M";
    for cut in 1..report.len() {
        let (head, tail) = report.split_at(cut);
        for pause in [200, 400, 1500] {
            let timed = play!(TimedDecoder::new(), head, pause, tail);
            let events = timed.events();
            let is_last = cut + 1 == report.len() && pause > 200; // A letter alone may have been typed.
            assert!(is_last || matches!(events.last(), Some(Event::Mouse(_))), "at {cut} after {pause} ms: {events:?}");
        }
    }
}

#[test]
fn what_is_typed_behind_a_broken_report_shows_in_time() {
    for broken in ["\x1b]11;rgb:1", "\x1b[<65;1", "\x1b[?6", "\x1bP>|XT", "\x1b_Gi=1", "\x1b]4;1;rgb:11/2"] {
        for first in [30_u64, 100, 200, 240, 400, 700] {
            for pause in [60, 100, 250] {
                let mut timed = play!(TimedDecoder::new(), "a", 500, broken, first);
                let begun = (timed.now - timed.start).as_millis();
                for letter in "b1d;e".chars() {
                    timed.read(letter.to_string().as_bytes());
                    timed.wait(pause);
                }
                timed.wait(1000);
                let what = format!("{} {first} {pause}: {:?}", broken.escape_debug(), timed.events);
                assert_eq!(timed.typed(), "ab1d;e", "{what}");
                for (index, (shown, _)) in timed.events.iter().skip(1).enumerate() {
                    let typed = begun + index as u128 * u128::from(pause);
                    assert!(*shown <= typed + 300, "{index} was late: {what}");
                }
            }
        }
    }
    assert_eq!(play!(TimedDecoder::new(), "\x1b]11;rgb:1", 100, "b", 100, "\r").settle(), "b⏎");
    assert_eq!(play!(TimedDecoder::new(), "\x1b[<65;1", 100, "hello").settle(), "hello");
}

#[test]
fn a_key_typed_behind_a_string_that_broke_off_is_not_counted_from_its_start() {
    for pause in [30, 60, 100, 400] {
        let typed = play!(TimedDecoder::new(), "\x1b^never ends\x1b", pause, "^", pause, "x", pause, "y").settle();
        assert!(typed.ends_with('y'), "{pause} ms: {typed}");
    }
}

#[test]
fn an_unterminated_reply_loses_only_itself() {
    assert_eq!(play!(TimedDecoder::new(), "\x1b]11;rgb:15", 300, "j").settle(), "j");
    assert_eq!(decode(&[b"\x1b]11;rgb:15", b"\x1b[A"]), [press(KeyCode::Up, NONE)]);
    assert_eq!(decode(&[b"\x1b]11;rgb:15", b"\x1b"]), [press(KeyCode::Esc, NONE)]);
}

#[test]
fn a_colour_change_report_is_decoded() {
    let timed = play!(TimedDecoder::new(), "\x1b[?997;1n", "\x1b[?997;2n");
    assert_eq!(timed.events, [(0, TerminalInput::ColoursChanged), (0, TerminalInput::ColoursChanged)]);
}

#[test]
fn a_truncated_sequence_loses_only_itself() {
    assert_eq!(decode(&[b"\x1b[1;", b"\x1b[A"]), [press(KeyCode::Up, NONE)]);
    assert_eq!(decode(&[b"\x1b[1;5"]), []);
}

#[test]
fn a_long_paste_is_delivered_completely_in_pieces() {
    let text = "zeilenweise ünd 日本\r\n".repeat(MAX_PASTE_BYTES / 8);
    let bytes = format!("\x1b[200~{text}\x1b[201~").into_bytes();
    for size in [4095, 65_536] {
        let reads: Vec<&[u8]> = bytes.chunks(size).collect();
        let pieces: Vec<String> = decode(&reads)
            .into_iter()
            .map(|event| match event {
                Event::Paste(text) => text,
                other => panic!("{other:?} in a paste"),
            })
            .collect();
        assert!(pieces.len() > 2, "{} pieces", pieces.len());
        assert!(pieces.concat() == text.replace("\r\n", "\n"), "in reads of {size}");
    }
}

#[test]
fn a_stalled_paste_is_shown_and_its_newlines_send_nothing() {
    let mut timed = play!(TimedDecoder::new(), "\x1b[200~first\r", 200);
    assert_eq!(timed.typed(), "first");
    timed.read(b"second\r\x1b[201~\r");
    assert_eq!(timed.settle(), "first\nsecond\n⏎");
}

#[test]
fn a_paste_mark_in_two_pieces_is_still_a_mark() {
    let bytes = b"\x1b[200~one\rtwo\x1b[201~";
    for cut in 1..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        for pause in [0, 40, 60, 100, 160, 200] {
            let mut timed = play!(TimedDecoder::new(), "\x1b[<65;1;1M", 20, head, pause, tail, 100, "x", 100, "\r");
            assert_eq!(timed.settle(), "one\ntwox⏎", "at {cut} after {pause} ms");
        }
    }
    let mut late = play!(TimedDecoder::new(), "\x1b[200~text", 400, "\x1b", 200, "[201~", 100, "x");
    assert_eq!(late.settle(), "textx");
}

#[test]
fn keys_behind_a_lost_end_mark_show_at_once_and_enter_sends() {
    let mut timed = play!(TimedDecoder::new(), "\x1b[200~never ends", 1500, " and typed", 300, "\r");
    assert_eq!(timed.typed(), "never ends and typed⏎");
    assert_eq!(timed.settle(), "never ends and typed⏎");
    for wait in [30, 100, 300, 600, 950, 3000] {
        let mut timed = play!(TimedDecoder::new(), "\x1b[200~lost", wait);
        for letter in ["k", "e", "y"] {
            timed.read(letter.as_bytes());
            timed.wait(200);
            assert!(timed.typed().ends_with(letter), "after {wait} ms: {:?}", timed.events);
        }
        timed.read(b"\r");
        timed.wait(1000_u64.saturating_sub(600));
        assert_eq!(timed.settle(), "lostkey⏎", "after {wait} ms");
        let sent = timed.events.last().map(|(elapsed, _)| *elapsed).unwrap_or_default();
        assert!(sent <= u128::from(wait + 600).max(1000), "after {wait} ms it was sent at {sent} ms");
    }
    // Enter sooner: it waits for the rest of the paste, at most a second.
    let mut sooner = play!(TimedDecoder::new(), "\x1b[200~lost", 50, "\r", 800);
    assert_eq!(sooner.typed(), "lost");
    sooner.wait(100);
    assert_eq!(sooner.typed(), "lost⏎");
    assert_eq!(play!(TimedDecoder::new(), "\x1b[200~not", 300, "\r", 300, "lost\x1b[201~").settle(), "not\nlost");
}

#[test]
fn a_line_that_ends_in_a_longer_read_behind_a_lost_end_mark_sends_nothing() {
    let mut timed = play!(TimedDecoder::new(), "\x1b[200~one", 2000, "\ttwo\rthree\r", 2000, "\r\n", 2000);
    assert_eq!(timed.typed(), "one\ttwo\nthree\n\n");
    timed.read(b"four\x1b[201~");
    timed.wait(1000);
    timed.read(b"five\r");
    assert_eq!(timed.settle(), "one\ttwo\nthree\n\nfourfive⏎");
}

#[test]
fn keys_that_are_no_text_work_behind_a_lost_end_mark() {
    for wait in [300, 2000] {
        let mut timed = play!(TimedDecoder::new(), "\x1b[200~text", wait, "\x7f", 100, "\x1b[D", 100, "\x17", 100, "é");
        timed.wait(200);
        assert_eq!(timed.typed(), "text<Backspace><Left>^wé", "after {wait} ms");
    }
}

#[test]
fn escape_and_control_c_leave_a_paste_whose_end_mark_was_lost() {
    assert_eq!(play!(TimedDecoder::new(), "\x1b[200~text", 300, "\x1b", 500, "k\r").settle(), "text⎋k⏎");
    assert_eq!(play!(TimedDecoder::new(), "\x1b[200~text", 300, "\x03", "k\r").settle(), "text^ck⏎");
    assert_eq!(play!(TimedDecoder::new(), "\x1b[200~text", 2000, "\x1b", 500, "k").settle(), "text⎋k");
}
