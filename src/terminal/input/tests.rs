use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use crate::render::theme::ThemeShade;

use super::{InputDecoder, MAX_PASTE_BYTES, TerminalInput, UndecidedInput};

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

fn decode(reads: &[&[u8]]) -> Vec<Event> {
    let mut decoder = InputDecoder::default();
    let mut events: Vec<TerminalInput> = reads.iter().flat_map(|bytes| decoder.push(bytes)).collect();
    events.extend(decoder.flush());
    events.into_iter().filter_map(input).collect()
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
        (b"\r", press(KeyCode::Enter, NONE)),
        (b"\n", letter('j', CTRL)),
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
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.push(b"\x1b"), []);
    assert_eq!(decoder.undecided_input(), UndecidedInput::Escape);
    assert_eq!(decoder.flush(), [TerminalInput::Input { event: press(KeyCode::Esc, NONE), more: false }]);
    assert_eq!(decoder.undecided_input(), UndecidedInput::Nothing);
    assert_eq!(decoder.push(b"j"), [TerminalInput::Input { event: letter('j', NONE), more: false }]);
}

#[test]
fn enter_reports_whether_more_bytes_followed() {
    let mut decoder = InputDecoder::default();
    let enter = press(KeyCode::Enter, NONE);
    let expected = [(letter('a', NONE), true), (enter.clone(), true), (letter('b', NONE), true), (enter, false)];
    assert_eq!(decoder.push(b"a\rb\r"), expected.map(|(event, more)| TerminalInput::Input { event, more }));
}

#[test]
fn replies_of_the_terminal_and_released_keys_are_ignored() {
    let silent: [&[u8]; 8] = [
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
fn the_background_is_decoded_wherever_its_reply_is_split() {
    for bytes in [DARK, b"\x1b]11;rgb:1515/1717/1c1c\x07"] {
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let mut decoder = InputDecoder::default();
            let mut decoded = decoder.push(head);
            decoded.extend(decoder.push(tail));
            decoded.extend(decoder.push(b"x"));
            let x = TerminalInput::Input { event: letter('x', NONE), more: false };
            assert_eq!(decoded, [TerminalInput::Background(ThemeShade::Dark), x], "at {cut}");
        }
    }
}

#[test]
fn a_late_reply_is_never_typed_text() {
    for cut in 1..DARK.len() - 1 {
        let (head, tail) = DARK.split_at(cut);
        let mut decoder = InputDecoder::default();
        let mut events = decoder.push(head);
        if decoder.undecided_input() != UndecidedInput::Unterminated {
            events.extend(decoder.flush()); // Too late for a key; a reply may take longer.
        }
        events.extend(decoder.push(tail));
        events.extend(decoder.push(b"x"));
        let is_text = |decoded: &TerminalInput| match decoded {
            TerminalInput::Input { event: Event::Key(key), .. } => {
                matches!(key.code, KeyCode::Char(c) if c != 'x' && key.modifiers.is_empty())
            }
            TerminalInput::Input { .. } | TerminalInput::Background(_) | TerminalInput::ColoursChanged => false,
        };
        assert_eq!(events.iter().find(|told| is_text(told)), None, "at {cut}: {events:?}");
        assert!(events.contains(&TerminalInput::Background(ThemeShade::Dark)), "at {cut}: {events:?}");
    }
}

#[test]
fn an_unterminated_reply_loses_only_itself() {
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.push(b"\x1b]11;rgb:15"), []);
    assert_eq!(decoder.undecided_input(), UndecidedInput::Unterminated);
    assert_eq!(decoder.flush(), []);
    assert_eq!((decoder.undecided_input(), decoder.push(b"j").len()), (UndecidedInput::Nothing, 1));
    assert_eq!(decode(&[b"\x1b]11;rgb:15", b"\x1b[A"]), [press(KeyCode::Up, NONE)]);
    assert_eq!(decode(&[b"\x1b]11;rgb:15", b"\x1b"]), [press(KeyCode::Esc, NONE)]);
}

#[test]
fn a_colour_change_report_is_decoded() {
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.push(b"\x1b[?997;1n"), [TerminalInput::ColoursChanged]);
    assert_eq!(decoder.push(b"\x1b[?997;2n"), [TerminalInput::ColoursChanged]);
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
    let mut decoder = InputDecoder::default();
    assert_eq!(decoder.push(b"\x1b[200~first\r"), []);
    assert_eq!(decoder.undecided_input(), UndecidedInput::Unterminated);
    assert_eq!(decoder.flush(), [TerminalInput::Input { event: Event::Paste("first".into()), more: false }]);
    assert_eq!(decoder.undecided_input(), UndecidedInput::Nothing);
    let rest = decoder.push(b"second\r\x1b[201~\r");
    let expected = [
        TerminalInput::Input { event: Event::Paste("\nsecond\n".into()), more: true },
        TerminalInput::Input { event: press(KeyCode::Enter, NONE), more: false },
    ];
    assert_eq!(rest, expected);
}

#[test]
fn escape_leaves_a_paste_whose_end_mark_was_lost() {
    let mut decoder = InputDecoder::default();
    decoder.push(b"\x1b[200~text");
    decoder.flush();
    decoder.push(b"\x1b");
    assert_eq!(decoder.flush(), [TerminalInput::Input { event: press(KeyCode::Esc, NONE), more: false }]);
    assert_eq!(decoder.push(b"k"), [TerminalInput::Input { event: letter('k', NONE), more: false }]);
}

fn terminal_bytes() -> impl Strategy<Value = Vec<u8>> {
    let likely = prop::sample::select(b"\x1b\x1b\x1b[[O]P<>?;:0129~uAMRZ\r\x07\\".to_vec());
    prop::collection::vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..40)
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_events_in_any_two_reads(bytes in terminal_bytes(), cut in 0_usize..40) {
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(decode(&[head, tail]), decode(&[&bytes]));
    }
}
