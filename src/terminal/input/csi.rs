//! Control sequences (`ESC [ …`): named keys, modifiers, the keyboard protocols, mouse and focus.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{DecodeEnd, DecodeStep, ESC, MAX_SEQUENCE_LEN, layouts, plain_key, typed_char, utf8_len};

/// Decodes the sequence whose bytes after ESC are `rest`, which begins with `[`.
pub(crate) fn decode_csi(rest: &[u8], end: DecodeEnd) -> DecodeStep {
    // The Linux console's first five function keys.
    if let [_, b'[', tail @ ..] = rest {
        return match tail {
            [code @ b'A'..=b'E', ..] => DecodeStep::Key(plain_key(KeyCode::F(code - b'A' + 1)), 4),
            [] if end == DecodeEnd::Open => DecodeStep::Incomplete,
            _ => DecodeStep::Skip(3),
        };
    }
    let body = &rest[1..];
    let Some(length) = body.iter().position(|byte| !(0x20..=0x3f).contains(byte)) else {
        let is_hopeless = end == DecodeEnd::Final || body.len() > MAX_SEQUENCE_LEN;
        return if is_hopeless { unfinished_sequence(body) } else { DecodeStep::Incomplete };
    };
    let used = length + 3;
    let parameters = &body[..length];
    match body[length] {
        // Another sequence began in the middle: this one was cut off.
        ESC | 0..=0x1f | 0x7f.. => DecodeStep::Skip(length + 2),
        b'~' if *parameters == *b"200" => DecodeStep::PasteStart(used),
        b'~' if *parameters == *b"201" => DecodeStep::PasteEnd(used),
        b'n' if parameters.starts_with(b"?997;") => DecodeStep::ColoursChanged(used),
        b'u' if parameters.starts_with(b"?") => keyboard_flags(&parameters[1..])
            .map_or(DecodeStep::Skip(used), |flags| DecodeStep::KeyboardFlags(flags, used)),
        b'M' if parameters.is_empty() => old_mouse_report(&body[1..], end),
        last => csi_event(parameters, last).map_or(DecodeStep::Skip(used), |event| DecodeStep::Key(event, used)),
    }
}

fn keyboard_flags(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Skips the three characters of a mouse report in the old form (X10), which was not requested.
fn old_mouse_report(tail: &[u8], end: DecodeEnd) -> DecodeStep {
    let mut used = 0;
    for _ in 0..3 {
        match tail.get(used..).unwrap_or_default() {
            [] if end == DecodeEnd::Open => return DecodeStep::Incomplete,
            // It was cut off.
            [] | [ESC, ..] => break,
            // Coordinates beyond 95 are characters of two bytes in some terminals, and one byte in others.
            [first, second, ..] if utf8_len(*first) == Some(2) && second & 0xc0 == 0x80 => used += 2,
            [_, ..] => used += 1,
        }
    }
    DecodeStep::Skip(used + 3)
}

/// Decodes the key whose bytes after ESC are `rest`, which begins with `O`.
pub(crate) fn decode_ss3(rest: &[u8], end: DecodeEnd) -> DecodeStep {
    let body = &rest[1..];
    // Old terminals put the modifiers before the letter.
    let length = body.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';').unwrap_or(body.len());
    let Some(&code) = body.get(length) else {
        let is_hopeless = end == DecodeEnd::Final || body.len() > MAX_SEQUENCE_LEN;
        return if is_hopeless { DecodeStep::Skip(rest.len() + 1) } else { DecodeStep::Incomplete };
    };
    let used = length + 3;
    if !(b' '..=b'~').contains(&code) {
        return match length {
            0 => DecodeStep::Key(key_with(KeyCode::Char('O'), KeyModifiers::ALT | KeyModifiers::SHIFT), 2),
            _ => DecodeStep::Skip(length + 2),
        };
    }
    let modifiers = std::str::from_utf8(&body[..length]).ok().and_then(|text| text.rsplit(';').next()?.parse().ok());
    let modifiers = parse_modifiers(modifiers.unwrap_or(1));
    match (application_key(code), code) {
        (Some(code), _) => DecodeStep::Key(key_with(code, modifiers), used),
        // Cursor keys with Ctrl in rxvt.
        (None, b'a'..=b'd') => cursor_key(code.to_ascii_uppercase())
            .map_or(DecodeStep::Skip(used), |code| DecodeStep::Key(key_with(code, KeyModifiers::CONTROL), used)),
        (None, _) => DecodeStep::Skip(used),
    }
}

/// Decodes a sequence without an end: `Alt-[` if there is nothing more, else bytes to ignore.
fn unfinished_sequence(body: &[u8]) -> DecodeStep {
    match body {
        [] => DecodeStep::Key(Event::Key(KeyEvent::new(KeyCode::Char('['), KeyModifiers::ALT)), 2),
        _ => DecodeStep::Skip(body.len() + 2),
    }
}

/// Returns the key that some terminals send as `ESC O x`.
pub(crate) fn application_key(code: u8) -> Option<KeyCode> {
    match code {
        b'M' => Some(KeyCode::Enter),
        b'P'..=b'S' => Some(KeyCode::F(code - b'P' + 1)),
        // The keypad, in its order of ASCII: `* + , - . / 0` to `9`.
        b'j'..=b'y' => Some(KeyCode::Char(char::from(code - b'j' + b'*'))),
        b'X' => Some(KeyCode::Char('=')),
        b'I' => Some(KeyCode::Tab),
        b' ' => Some(KeyCode::Char(' ')),
        _ => cursor_key(code),
    }
}

fn cursor_key(code: u8) -> Option<KeyCode> {
    Some(match code {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        _ => return None,
    })
}

fn csi_event(parameters: &[u8], final_byte: u8) -> Option<Event> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(mouse) = text.strip_prefix('<') {
        return mouse_event(mouse, final_byte);
    }
    match (text, final_byte) {
        ("", b'I') => return Some(Event::FocusGained),
        ("", b'O') => return Some(Event::FocusLost),
        _ => (),
    }
    let numbers = CsiParams::parse(text)?;
    if numbers.is_release() {
        return None;
    }
    match final_byte {
        b'Z' => Some(key_with(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b'u' => unicode_key(&numbers),
        b'~' if numbers.first == 27 => unicode_key(&CsiParams { first: numbers.third?, ..numbers }),
        b'~' => Some(key_with(numbered_key(numbers.first)?, numbers.modifiers)),
        b'P' | b'Q' | b'S' => Some(key_with(KeyCode::F(final_byte - b'P' + 1), numbers.modifiers)),
        // Without modifiers this would be a reply to a query of the cursor position.
        b'R' if numbers.first == 1 => Some(key_with(KeyCode::F(3), numbers.modifiers)),
        _ => Some(key_with(cursor_key(final_byte)?, numbers.modifiers)),
    }
}

/// The parameters `first : shifted : base ; modifiers : kind ; third`, all of them optional.
struct CsiParams {
    first: u32,
    /// What the key sends with Shift.
    shifted: Option<char>,
    /// What the key sends on a US keyboard.
    base: Option<char>,
    modifiers: KeyModifiers,
    kind: u32,
    third: Option<u32>,
}

impl CsiParams {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(';');
        let mut first = fields.next().unwrap_or("").split(':');
        let mut second = fields.next().unwrap_or("").split(':');
        let number = |field: Option<&str>, default: u32| match field {
            None | Some("") => Some(default),
            Some(digits) => digits.parse().ok(),
        };
        let letter = |field: Option<&str>| char::from_u32(field?.parse().ok()?);
        Some(Self {
            first: number(first.next(), 1)?,
            shifted: letter(first.next()),
            base: letter(first.next()),
            modifiers: parse_modifiers(number(second.next(), 1)?),
            kind: number(second.next(), 1)?,
            third: fields.next().and_then(|digits| digits.parse().ok()),
        })
    }

    fn is_release(&self) -> bool {
        self.kind == 3
    }
}

/// Converts the modifier field; the lock bits (64 and 128) are ignored.
fn parse_modifiers(field: u32) -> KeyModifiers {
    let bits = field.saturating_sub(1);
    let all = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier).collect()
}

fn key_with(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn numbered_key(number: u32) -> Option<KeyCode> {
    let function = |n: u32| u8::try_from(n).map(KeyCode::F).ok();
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(number - 10),
        17..=21 => function(number - 11),
        23..=26 => function(number - 12),
        28..=29 => function(number - 15),
        31..=34 => function(number - 17),
        _ => None,
    }
}

/// Converts a key sent as a code point (`CSI u`), so that the keymap sees one form for every keyboard protocol.
fn unicode_key(numbers: &CsiParams) -> Option<Event> {
    let modifiers = numbers.modifiers;
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let is_text = modifiers.difference(KeyModifiers::SHIFT).is_empty();
    let code = match char::from_u32(numbers.first)? {
        '\x1b' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' if shift => KeyCode::BackTab,
        '\t' => KeyCode::Tab,
        '\x7f' | '\x08' => KeyCode::Backspace,
        '\u{e000}'..='\u{f8ff}' => return Some(key_with(keypad_key(numbers.first)?, modifiers)),
        // Ctrl-_ where the underscore is on the minus key.
        '-' if modifiers == KeyModifiers::CONTROL | KeyModifiers::SHIFT => {
            return Some(key_with(KeyCode::Char('_'), KeyModifiers::CONTROL));
        }
        c if is_text && shift => {
            return Some(typed_char(numbers.shifted.unwrap_or_else(|| c.to_uppercase().next().unwrap_or(c))));
        }
        c if c.is_control() => return None,
        c if is_text || c.is_ascii() => KeyCode::Char(c),
        c => KeyCode::Char(numbers.base.unwrap_or(c)),
    };
    Some(layouts::on_us_layout(key_with(code, modifiers)))
}

fn keypad_key(code: u32) -> Option<KeyCode> {
    const KEYS: [KeyCode; 29] = [
        KeyCode::Char('0'),
        KeyCode::Char('1'),
        KeyCode::Char('2'),
        KeyCode::Char('3'),
        KeyCode::Char('4'),
        KeyCode::Char('5'),
        KeyCode::Char('6'),
        KeyCode::Char('7'),
        KeyCode::Char('8'),
        KeyCode::Char('9'),
        KeyCode::Char('.'),
        KeyCode::Char('/'),
        KeyCode::Char('*'),
        KeyCode::Char('-'),
        KeyCode::Char('+'),
        KeyCode::Enter,
        KeyCode::Char('='),
        KeyCode::Char(','),
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Insert,
        KeyCode::Delete,
        KeyCode::KeypadBegin,
    ];
    code.checked_sub(57_399).and_then(|index| KEYS.get(usize::try_from(index).ok()?)).copied()
}

/// Decodes `button ; column ; row`, with `M` for pressed and `m` for released.
fn mouse_event(fields: &str, final_byte: u8) -> Option<Event> {
    let mut numbers = fields.split(';').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (button, column, row) = (next()?, next()?, next()?);
    let pressed = match final_byte {
        b'M' => true,
        b'm' => false,
        _ => return None,
    };
    let kind = mouse_kind(button, pressed)?;
    let modifier_bits = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers =
        modifier_bits.into_iter().filter(|(bit, _)| button & bit != 0).map(|(_, modifier)| modifier).collect();
    let (column, row) = (column.saturating_sub(1), row.saturating_sub(1));
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers }))
}

fn mouse_kind(button: u16, pressed: bool) -> Option<MouseEventKind> {
    let which = match button & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    match (button & 0b1100_0000, button & 32 != 0) {
        (0, true) => Some(which.map_or(MouseEventKind::Moved, MouseEventKind::Drag)),
        (0, false) if pressed => which.map(MouseEventKind::Down),
        (0, false) => which.map(MouseEventKind::Up),
        (64, _) => Some(match button & 3 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        }),
        _ => None,
    }
}
