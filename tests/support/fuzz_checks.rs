//! What must hold for any bytes: the bodies of the fuzz targets, which `fuzz/` runs with coverage and `tests/it/fuzz.rs`
//! with plain mutations.

use std::time::{Duration, Instant};

use ibid::{
    api::{
        Annotation, Event,
        sse::{SseDecoder, SseFrame},
    },
    chat::{Answer, AnswerEnd, Item, ItemKind, ItemSlot, Timestamp, answer::ContentPart, journal::AnswerJournal},
    citations::annotations::AnswerCitations,
    render::{
        markdown::{CodeLineMode, MarkdownLayout, MarkdownOptions, TextStage},
        row::StyledRow,
    },
    store::replay_journal,
    terminal::input::{InputDecoder, TerminalInput},
};

/// The longest text that is laid out, in bytes. Longer ones only cost time.
const MAX_TEXT_BYTES: usize = 6000;
/// How many times a text that grows is laid out.
const MAX_GROWTH_STEPS: usize = 12;

/// Frames do not depend on how the bytes are split, and no byte order of them panics; the first byte selects the split.
pub fn check_decoder(bytes: &[u8]) {
    let whole = decode([bytes]);
    let cut = selected(bytes, 0, bytes.len() + 1);
    assert_eq!(decode([&bytes[..cut], &bytes[cut..]]), whole, "split at {cut}");
    assert_eq!(decode(bytes.chunks(1)), whole, "byte by byte");
    for frame in whole {
        if let Some(json) = frame.strip_prefix("data ") {
            Event::parse(json);
        }
    }
}

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut frames = Vec::new();
    let mut take = |frame: SseFrame<'_>| {
        frames.push(match frame {
            SseFrame::Data(json) => format!("data {json}"),
            SseFrame::Comment(text) => format!("comment {text}"),
            SseFrame::Stray(text) => format!("stray {text}"),
            SseFrame::Done => "done".to_owned(),
            SseFrame::TooLong => "too long".to_owned(),
        });
    };
    // So short that the limit is reached too.
    let mut decoder = SseDecoder::with_max_frame_bytes(3000);
    for chunk in chunks {
        decoder.push(chunk, &mut take);
    }
    decoder.finish(&mut take);
    frames
}

/// The events of a stream make an answer that ends, and their journal replays to the same answer.
pub fn check_assembly(bytes: &[u8]) {
    let now = Timestamp::UNIX_EPOCH;
    let new_answer = || Answer::new("openrouter", "some/model", now);
    let (mut answer, mut journal) = (new_answer(), AnswerJournal::default());
    let mut decoder = SseDecoder::default();
    let mut take = |frame: SseFrame<'_>| {
        if let SseFrame::Data(json) = frame {
            let event = Event::parse(&json);
            answer.apply(0, now, &event);
            journal.push(0, now, &event);
        }
    };
    decoder.push(bytes, &mut take);
    decoder.finish(&mut take);
    let text = answer.text();
    let mut replayed = new_answer();
    replay_journal(&mut replayed, &journal.take().map(|chunk| chunk.to_json_lines()).unwrap_or_default());
    assert_eq!(replayed.text(), text);
    answer.finish(now, Ok(()));
    assert!(answer.end != AnswerEnd::Open && answer.text() == text);
    answer.cost();
}

/// A text is laid out the same however it arrives; no row is wider than the page, and selecting all copies all.
/// The first bytes select the width, the options, the steps and what is cited.
pub fn check_markdown(bytes: &[u8]) {
    let (head, rest) = bytes.split_at(bytes.len().min(8));
    let text = String::from_utf8_lossy(rest);
    let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    let width = 3 + selected(head, 0, 128);
    let flags = head.get(1).copied().unwrap_or_default();
    let options = MarkdownOptions {
        plain_code: flags & 1 != 0,
        shows_addresses: flags & 2 != 0,
        diagrams_open: flags & 4 != 0,
        code_lines: if flags & 8 != 0 { CodeLineMode::Scrolled } else { CodeLineMode::Wrapped },
        ..MarkdownOptions::default()
    };
    let mut citations = AnswerCitations::default();
    citations.refresh(&cited_answer(text, head));
    let marks = citations.marks((ItemSlot { step: 0, index: 0 }, 0));

    let mut whole = MarkdownLayout::new(options);
    whole.sync(text, width, TextStage::Complete, marks);
    let mut grown = MarkdownLayout::new(options);
    let step = (1 + selected(head, 2, 256)).max(text.len().div_ceil(MAX_GROWTH_STEPS));
    let mut end = 0;
    while end < text.len() {
        end = text.ceil_char_boundary((end + step).min(text.len()));
        grown.sync(&text[..end], width, TextStage::Growing, &[]);
        assert_fits(&grown, width, options.code_lines);
    }
    grown.sync(text, width, TextStage::Complete, marks);
    if grown.rows() != whole.rows() {
        let different = grown.rows().iter().zip(whole.rows()).find(|(grown, whole)| grown != whole);
        panic!("in steps of {step} at {width}: {different:#?}");
    }
    assert_fits(&whole, width, options.code_lines);
    let copied: String = whole.rows().iter().map(|row| &text[row.source.clone()]).collect();
    assert_eq!(copied, text);
}

fn assert_fits(layout: &MarkdownLayout, width: usize, code_lines: CodeLineMode) {
    let is_wide = |row: &&StyledRow| row.width() > width;
    if code_lines == CodeLineMode::Wrapped
        && let Some(row) = layout.rows().iter().find(is_wide)
    {
        panic!("{:?} is wider than {width}", row.text());
    }
}

/// An answer of one text, which cites up to three addresses at selected places.
fn cited_answer(text: &str, head: &[u8]) -> Answer {
    let count = selected(head, 3, 4);
    let annotation = |number: usize| {
        let start = selected(head, 4 + number, 256) as u64;
        Annotation {
            kind: "url_citation".into(),
            url: Some(format!("https://{number}.example/")),
            title: None,
            content: None,
            filename: None,
            start: Some(start),
            end: Some(start + selected(head, 5 + number, 64) as u64),
        }
    };
    let annotations = (0..count).map(annotation).collect();
    let part = ContentPart::Text { text: text.into(), annotations };
    let kind = ItemKind::Message { parts: vec![part], phase: None };
    let item = Item { raw: None, opened_at: Timestamp::UNIX_EPOCH, closed_at: None, kind: kind.into() };
    let mut answer = Answer::new("openrouter", "a/b", Timestamp::UNIX_EPOCH);
    answer.items.insert(ItemSlot { step: 0, index: 0 }, item);
    answer
}

/// What a terminal sends is decoded within a second, in reads and with pauses that the first bytes select; characters
/// arrive as they were typed, however the reads split them.
pub fn check_input(bytes: &[u8]) {
    let (head, rest) = bytes.split_at(bytes.len().min(8));
    assert_text_arrives(rest);
    let mut decoder = InputDecoder::default();
    let mut now = Instant::now();
    let mut rest = rest;
    for step in head.iter().cycle().take(rest.len()) {
        let (read, behind) = rest.split_at(rest.len().min(usize::from(step & 15) + 1));
        rest = behind;
        decoder.push(read, now);
        now += Duration::from_millis(u64::from(step >> 4) * 25);
        while let Some(deadline) = decoder.deadline().filter(|deadline| *deadline <= now) {
            decoder.flush(deadline);
        }
    }
    for _ in 0..4 {
        let Some(deadline) = decoder.deadline() else { return };
        assert!(deadline <= now + Duration::from_secs(1));
        now = now.max(deadline);
        decoder.flush(now);
    }
    assert_eq!(decoder.deadline(), None);
}

/// Text without control characters arrives whole, in one read or byte by byte.
fn assert_text_arrives(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let now = Instant::now();
    let typed = |chunks: &mut dyn Iterator<Item = &[u8]>| -> String {
        let mut decoder = InputDecoder::default();
        let mut inputs: Vec<TerminalInput> = chunks.flat_map(|chunk| decoder.push(chunk, now)).collect();
        inputs.extend(decoder.flush(now + Duration::from_secs(1)));
        inputs.iter().filter_map(typed_character).collect()
    };
    assert_eq!(typed(&mut std::iter::once(text.as_bytes())), text);
    assert_eq!(typed(&mut text.as_bytes().chunks(1)), text);
}

fn typed_character(input: &TerminalInput) -> Option<char> {
    match input {
        TerminalInput::Input { event: crossterm::event::Event::Key(key), .. } => key.code.as_char(),
        TerminalInput::Input { .. } | TerminalInput::Background(_) | TerminalInput::ColoursChanged => None,
    }
}

/// The byte at this index as a number below the limit; 0 if there is none.
fn selected(bytes: &[u8], index: usize, limit: usize) -> usize {
    bytes.get(index).map_or(0, |byte| usize::from(*byte) % limit)
}
