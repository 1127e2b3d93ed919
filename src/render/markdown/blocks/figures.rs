//! Code blocks, and the figures that are shown as one row: diagrams and images.

use std::{ops::Range, sync::Arc};

use pulldown_cmark::CodeBlockKind;

use super::{CodeBlockRows, LeafKind, MarkdownVisitor, line_start};
use crate::{
    render::{
        markdown::{
            code_style::{self, CodeHeader, CodeLinePos},
            inline::{RunStyle, SourceMap},
        },
        row::TextStyle,
        theme::ColourRole,
    },
    text,
};

/// A code block that is being parsed.
pub(crate) struct OpenCodeBlock {
    language: String,
    text: String,
    source_map: SourceMap,
}

/// An image whose alternative text is being parsed.
pub(crate) struct OpenImage {
    number: u32,
    address: String,
    pub alt: String,
    /// It is the only content of its paragraph.
    is_alone: bool,
    range: Range<usize>,
}

/// The address of an image is truncated to this many cells.
const MAX_ADDRESS: usize = 240;

impl OpenCodeBlock {
    pub(crate) fn new(kind: &CodeBlockKind) -> Self {
        let language = match kind {
            CodeBlockKind::Fenced(info) => fence_language(info),
            CodeBlockKind::Indented => String::new(),
        };
        Self { language, text: String::new(), source_map: SourceMap::default() }
    }

    pub(crate) fn push(&mut self, words: &str, range: &Range<usize>) {
        self.source_map.record(self.text.len(), range.clone(), words.len());
        self.text.push_str(words);
    }
}

impl MarkdownVisitor<'_> {
    pub(crate) fn end_code_block(&mut self, range: &Range<usize>) {
        let Some(code) = self.code_block.take() else { return };
        self.push_gap(range.start);
        let number = self.input.counts_before.code_blocks + self.out.code_blocks.len() as u32 + 1;
        let (room, options) = (self.available_width(), self.input.options);
        let body = code.text.strip_suffix('\n').unwrap_or(&code.text);
        let lines = if code.text.is_empty() { 0 } else { body.split('\n').count() };
        let mut head = CodeHeader { block: number, language: &code.language, diagram: None };
        if is_diagram(&code.language) {
            head.diagram = Some((
                self.next_figure_number(),
                code_style::DiagramSummary {
                    kind: code_style::diagram_kind(&body[..body.floor_char_boundary(code_style::DIAGRAM_KIND_BYTES)]),
                    lines,
                },
            ));
        }
        let first = line_start(self.input.source, code.source_map.source_at(0).max(range.start));
        let mut head_row = head.to_row(room, options);
        head_row.source = self.source_end..first;
        let head_index = self.out.rows.len();
        self.push_row(head_row, first);
        let mut starts = Vec::new();
        if head.is_folded(options) {
            starts = vec![head_index; lines];
        } else {
            let mut offset = 0;
            for (nth, line) in body.split('\n').enumerate().take(lines) {
                starts.push(self.out.rows.len());
                let source_start = code.source_map.source_at(offset);
                let source_end = code
                    .source_map
                    .source_at(offset + line.len() + 1)
                    .min(code.source_map.source_at(offset + line.len()) + 1);
                let source = source_start..source_end.max(source_start);
                let runs = code_style::known_colours(self.input.colours, number, nth as u32, line);
                let shift = self.input.scroll_offsets.get(&number).copied().unwrap_or(0);
                let pos = CodeLinePos { block: number, line: nth as u32, start: 0, source, scroll_offset: shift };
                for row in code_style::code_line_rows(pos, line, runs, room, options) {
                    let end = row.source.end;
                    self.push_row(row, end);
                }
                offset += line.len() + 1;
            }
        }
        self.extend_last_row(range.end);
        self.out.code_blocks.push(CodeBlockRows {
            number,
            language: code.language,
            text: code.text,
            line_rows: starts,
        });
    }

    pub(crate) fn start_image(&mut self, address: &str, range: Range<usize>) {
        self.place_marks_until(range.start);
        let number = self.next_figure_number();
        let is_alone = self.table.is_none()
            && matches!(self.leaf, LeafKind::Text)
            && self.input.source[self.paragraph_range.clone()].trim_end().len() == range.len()
            && self.paragraph_range.start == range.start;
        let address = text::clean(address).into_owned();
        self.images.push(OpenImage { number, address, alt: String::new(), is_alone, range });
    }

    /// Adds an image as text; one that is alone in its paragraph gets its own numbered row.
    pub(crate) fn end_image(&mut self) {
        let Some(image) = self.images.pop() else { return };
        if let Some(outer) = self.images.last_mut() {
            outer.alt.push_str(&image.alt);
            return;
        }
        if self.skipped_link.as_ref().is_some_and(|skip| image.range.start < skip.end) {
            return;
        }
        if image.is_alone {
            self.leaf = LeafKind::Figure(image.number);
        }
        let mut copied: Option<Arc<str>> = Some(self.input.source[image.range.clone()].into());
        let alt = text::collapse_spaces(&image.alt);
        let link = TextStyle { role: ColourRole::Link, ..self.current_style() };
        let plain = if image.is_alone {
            TextStyle { role: ColourRole::Muted, ..self.current_style() }
        } else {
            self.current_style()
        };
        let can_open = text::link::can_open(&image.address);
        let target: Option<Arc<str>> = can_open.then(|| image.address.as_str().into());
        let outer = self.links.last().and_then(|link| link.target.clone());
        let mut put = |words: String, ink: TextStyle, target: Option<&Arc<str>>| {
            let copied = copied.replace("".into());
            let inline = self.inline.get_or_insert_default();
            // The first piece covers the whole source of the image; the others cover none of it.
            let (begins, ends) = (image.range.start, image.range.end);
            let source = if copied.as_deref() == Some("") { ends..ends } else { begins..ends };
            inline.push(&words, &RunStyle { style: ink, link: target, copied }, source);
        };
        put(format!("{} Image {}", self.input.options.marks.image, image.number), link, outer.as_ref());
        if !alt.is_empty() {
            put(format!("{}{alt}", if image.is_alone { "  " } else { " " }), plain, outer.as_ref());
        }
        let muted = TextStyle { role: ColourRole::Muted, ..plain };
        put((if image.is_alone { "  " } else { " " }).to_owned(), muted, None);
        let shown = match image.address.strip_prefix("data:") {
            Some(data) => describe_embedded(data),
            None => text::truncate(&image.address, MAX_ADDRESS).into_owned(),
        };
        let ink = if can_open { link.with_modifiers(ratatui::style::Modifier::UNDERLINED) } else { muted };
        put(shown, ink, target.as_ref());
        self.place_marks_until(image.range.end);
    }

    fn next_figure_number(&mut self) -> u32 {
        self.out.figures += 1;
        self.input.counts_before.figures + self.out.figures
    }
}

/// Describes an image that is embedded in its address, by type and size.
fn describe_embedded(data: &str) -> String {
    let kind = data.split([';', ',']).next().filter(|kind| !kind.is_empty()).unwrap_or("data");
    let bytes = data.split_once(',').map_or(0, |(_, data)| data.trim_end_matches('=').len() * 3 / 4);
    let size = match bytes {
        1 => "1 byte".to_owned(),
        0..1000 => format!("{bytes} bytes"),
        _ => format!("{} kB", bytes.div_ceil(1000)),
    };
    format!("embedded {} · {size}", text::truncate(kind, 30))
}

/// Returns the language of a fence: the first word of its info string.
pub(crate) fn fence_language(info: &str) -> String {
    let word = info.split([' ', ',', '{', ':']).find(|word| !word.is_empty()).unwrap_or("");
    word.trim_matches(['}', '.']).to_owned()
}

/// Whether code in this language draws a diagram.
pub(crate) fn is_diagram(language: &str) -> bool {
    language.eq_ignore_ascii_case("mermaid")
}
