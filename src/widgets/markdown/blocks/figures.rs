//! Code blocks, and what is shown as one row that tells of it: diagrams and images.

use std::{ops::Range, sync::Arc};

use pulldown_cmark::CodeBlockKind;

use super::{LaidCode, Layout, Leaf, line_start};
use crate::{
    text,
    widgets::{
        markdown::{
            code::{self, CodeAt, Head},
            inline::{Places, Style},
        },
        row::Ink,
        theme::Role,
    },
};

/// A code block that is being read.
pub(super) struct Code {
    language: String,
    text: String,
    places: Places,
}

/// An image whose words are being read.
pub(super) struct Image {
    number: u32,
    address: String,
    pub alt: String,
    /// It stands alone in its paragraph.
    alone: bool,
    range: Range<usize>,
}

/// An address of an image longer than this is cut.
const ADDRESS: usize = 240;

impl Code {
    pub(super) fn new(kind: &CodeBlockKind) -> Self {
        let language = match kind {
            CodeBlockKind::Fenced(info) => language(info),
            CodeBlockKind::Indented => String::new(),
        };
        Self { language, text: String::new(), places: Places::default() }
    }

    pub(super) fn push(&mut self, words: &str, range: &Range<usize>) {
        self.places.note(self.text.len(), range.clone(), words.len());
        self.text.push_str(words);
    }
}

impl Layout<'_> {
    pub(super) fn end_code(&mut self, range: &Range<usize>) {
        let Some(code) = self.code.take() else { return };
        self.begin_leaf(range.start);
        let number = self.page.counted.codes + self.out.codes.len() as u32 + 1;
        let (room, look) = (self.room(), self.page.look);
        let body = code.text.strip_suffix('\n').unwrap_or(&code.text);
        let lines = if code.text.is_empty() { 0 } else { body.split('\n').count() };
        let mut head = Head { block: number, language: &code.language, diagram: None };
        if is_diagram(&code.language) {
            head.diagram = Some((
                self.next_figure(),
                code::Diagram { kind: code::diagram_kind(&body[..body.floor_char_boundary(code::DIAGRAM)]), lines },
            ));
        }
        let first = line_start(self.page.source, code.places.source(0).max(range.start));
        let mut head_row = head.row(room, look);
        head_row.source = self.at..first;
        let head_at = self.out.rows.len();
        self.place(head_row, first);
        let mut starts = Vec::new();
        if head.is_folded(look) {
            starts = vec![head_at; lines];
        } else {
            let mut at = 0;
            for (nth, line) in body.split('\n').enumerate().take(lines) {
                starts.push(self.out.rows.len());
                let begins = code.places.source(at);
                let ends = code.places.source(at + line.len() + 1).min(code.places.source(at + line.len()) + 1);
                let source = begins..ends.max(begins);
                let runs = code::known(self.page.colours, number, nth as u32, line);
                let shift = self.page.shifts.get(&number).copied().unwrap_or(0);
                let here = CodeAt { block: number, line: nth as u32, from: 0, source, shift };
                for row in code::line(here, line, runs, room, look) {
                    let end = row.source.end;
                    self.place(row, end);
                }
                at += line.len() + 1;
            }
        }
        self.close_source(range.end);
        self.out.codes.push(LaidCode { number, language: code.language, text: code.text, lines: starts });
    }

    pub(super) fn image(&mut self, address: &str, range: Range<usize>) {
        self.cite_until(range.start);
        let number = self.next_figure();
        let alone = self.table.is_none()
            && matches!(self.leaf, Leaf::Text)
            && self.page.source[self.paragraph.clone()].trim_end().len() == range.len()
            && self.paragraph.start == range.start;
        let address = text::clean(address).into_owned();
        self.images.push(Image { number, address, alt: String::new(), alone, range });
    }

    /// An image in words: alone in its paragraph it is a row of its own, with its number.
    pub(super) fn end_image(&mut self) {
        let Some(image) = self.images.pop() else { return };
        if let Some(outer) = self.images.last_mut() {
            outer.alt.push_str(&image.alt);
            return;
        }
        if self.skip.as_ref().is_some_and(|skip| image.range.start < skip.end) {
            return;
        }
        if image.alone {
            self.leaf = Leaf::Figure(image.number);
        }
        let mut copied: Option<Arc<str>> = Some(self.page.source[image.range.clone()].into());
        let alt = image.alt.split_whitespace().collect::<Vec<_>>().join(" ");
        let link = Ink { role: Role::Link, ..self.ink() };
        let plain = if image.alone { Ink { role: Role::Muted, ..self.ink() } } else { self.ink() };
        let opens = text::link::can_open(&image.address);
        let target: Option<Arc<str>> = opens.then(|| image.address.as_str().into());
        let outer = self.links.last().and_then(|link| link.target.clone());
        let mut put = |words: String, ink: Ink, target: Option<&Arc<str>>| {
            let copied = copied.replace("".into());
            let inline = self.inline.get_or_insert_default();
            // All of it stands for the image as it was written.
            let (begins, ends) = (image.range.start, image.range.end);
            let source = if copied.as_deref() == Some("") { ends..ends } else { begins..ends };
            inline.push(&words, &Style { ink, link: target, copied }, source);
        };
        put(format!("{} Image {}", self.page.look.marks.image, image.number), link, outer.as_ref());
        if !alt.is_empty() {
            put(format!("{}{alt}", if image.alone { "  " } else { " " }), plain, outer.as_ref());
        }
        let muted = Ink { role: Role::Muted, ..plain };
        put((if image.alone { "  " } else { " " }).to_owned(), muted, None);
        let shown = match image.address.strip_prefix("data:") {
            Some(data) => embedded(data),
            None => text::truncate(&image.address, ADDRESS).into_owned(),
        };
        let ink = if opens { link.with(ratatui::style::Modifier::UNDERLINED) } else { muted };
        put(shown, ink, target.as_ref());
        self.cite_until(image.range.end);
    }

    fn next_figure(&mut self) -> u32 {
        self.out.figures += 1;
        self.page.counted.figures + self.out.figures
    }
}

/// What stands in an address that holds the image itself.
fn embedded(data: &str) -> String {
    let kind = data.split([';', ',']).next().filter(|kind| !kind.is_empty()).unwrap_or("data");
    let bytes = data.split_once(',').map_or(0, |(_, data)| data.trim_end_matches('=').len() * 3 / 4);
    let size = match bytes {
        1 => "1 byte".to_owned(),
        0..1000 => format!("{bytes} bytes"),
        _ => format!("{} kB", bytes.div_ceil(1000)),
    };
    format!("embedded {} · {size}", text::truncate(kind, 30))
}

/// The first word of what stands behind a fence.
pub(in crate::widgets::markdown) fn language(info: &str) -> String {
    let word = info.split([' ', ',', '{', ':']).find(|word| !word.is_empty()).unwrap_or("");
    word.trim_matches(['}', '.']).to_owned()
}

/// Whether code in this language is a drawing rather than something to read.
pub(in crate::widgets::markdown) fn is_diagram(language: &str) -> bool {
    language.eq_ignore_ascii_case("mermaid")
}
