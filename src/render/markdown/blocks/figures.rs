//! Code blocks, and the figures that are shown as one row: diagrams and images.

use std::{ops::Range, sync::Arc};

use pulldown_cmark::CodeBlockKind;

use super::{CodeBlockRows, LeafKind, MarkdownVisitor, WalkOutput, line_start};
use crate::{
    render::{
        markdown::{
            code_style::{self, CodeHeader, CodeLinePos},
            inline::RunStyle,
        },
        row::TextStyle,
        source_map::{SourceKind, SourceMap},
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
    alt: String,
    /// The source of the alternative text.
    alt_range: Range<usize>,
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

    pub(crate) fn push(&mut self, words: &str, range: &Range<usize>, source: &str) {
        let is_verbatim = source.get(range.clone()) == Some(words);
        let kind = if is_verbatim { SourceKind::Verbatim } else { SourceKind::Rewritten };
        self.source_map.push(words.len(), range.clone(), kind);
        self.text.push_str(words);
    }

    fn into_rows(self, number: u32, line_rows: Vec<usize>) -> CodeBlockRows {
        let Self { language, text, source_map } = self;
        CodeBlockRows { number, language, text, source_map, line_rows }
    }
}

impl OpenImage {
    /// Adds to the alternative text.
    pub(crate) fn push_alt(&mut self, words: &str, range: &Range<usize>) {
        let start = if self.alt.is_empty() { range.start } else { self.alt_range.start };
        self.alt_range = start..range.end.max(start);
        self.alt.push_str(words);
    }
}

impl MarkdownVisitor<'_> {
    pub(crate) fn end_code_block(&mut self, range: &Range<usize>) {
        let Some(code) = self.code_block.take() else { return };
        let number = self.input.counts_before.code_blocks + self.out.code_blocks.len() as u32 + 1;
        if self.input.output == WalkOutput::Text {
            self.collect_text(&code.text, &code.source_map);
            self.out.code_blocks.push(code.into_rows(number, Vec::new()));
            return;
        }
        self.push_gap(range.start);
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
        let first = line_start(self.input.source, code.source_map.source_before(0).max(range.start));
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
                let (map, end) = (&code.source_map, offset + line.len());
                let source_start = map.source_before(offset);
                let source_end = map.source_before(end + 1).min(map.source_before(end) + 1);
                let source = source_start..source_end.max(source_start);
                let runs = code_style::known_colours(self.input.colours, number, nth as u32, line);
                let shift = self.input.scroll_offsets.get(&number).copied().unwrap_or(0);
                let source_map = map.slice(offset..end);
                let pos =
                    CodeLinePos { block: number, line: nth as u32, start: 0, source, source_map, scroll_offset: shift };
                for row in code_style::code_line_rows(pos, line, runs, room, options) {
                    let end = row.source.end;
                    self.push_row(row, end);
                }
                offset += line.len() + 1;
            }
        }
        self.extend_last_row(range.end);
        self.out.code_blocks.push(code.into_rows(number, starts));
    }

    pub(crate) fn start_image(&mut self, address: &str, range: Range<usize>) {
        self.place_marks_until(range.start);
        let number = self.next_figure_number();
        let is_alone = self.table.is_none()
            && matches!(self.leaf, LeafKind::Text)
            && self.input.source[self.paragraph_range.clone()].trim_end().len() == range.len()
            && self.paragraph_range.start == range.start;
        let address = text::clean(address).into_owned();
        let alt_range = range.start + "![".len()..range.start + "![".len();
        self.images.push(OpenImage { number, address, alt: String::new(), alt_range, is_alone, range });
    }

    /// Adds an image as text; one that is alone in its paragraph gets its own numbered row.
    pub(crate) fn end_image(&mut self) {
        let Some(image) = self.images.pop() else { return };
        if let Some(outer) = self.images.last_mut() {
            outer.push_alt(&image.alt, &image.alt_range);
            return;
        }
        if self.skipped_link.as_ref().is_some_and(|skip| image.range.start < skip.end) {
            return;
        }
        if image.is_alone {
            self.leaf = LeafKind::Figure(image.number);
        }
        let alt = text::collapse_spaces(&image.alt);
        let link = TextStyle { role: ColourRole::Link, ..self.current_style() };
        let plain = if image.is_alone {
            TextStyle { role: ColourRole::Muted, ..self.current_style() }
        } else {
            self.current_style()
        };
        let muted = TextStyle { role: ColourRole::Muted, ..plain };
        let can_open = text::link::can_open(&image.address);
        let target: Option<Arc<str>> = can_open.then(|| image.address.as_str().into());
        let outer = self.links.last().and_then(|link| link.target.clone());
        let gap = if image.is_alone { "  " } else { " " };
        let shown = match image.address.strip_prefix("data:") {
            Some(data) => describe_embedded(data),
            None => text::truncate(&image.address, MAX_ADDRESS).into_owned(),
        };
        let address_style = if can_open { link.with_modifiers(ratatui::style::Modifier::UNDERLINED) } else { muted };
        let label = format!("{} Image {}", self.input.options.marks.image, image.number);
        let inline = self.inline.get_or_insert_default();
        let mut put = |words: &str, style: TextStyle, link: Option<&Arc<str>>, source: Range<usize>, kind| {
            inline.push(words, &RunStyle { style, link }, source, kind);
        };
        let (range, alt_range) = (image.range, image.alt_range);
        let is_verbatim = self.input.source.get(alt_range.clone()) == Some(&*alt);
        let alt_kind = if is_verbatim { SourceKind::Verbatim } else { SourceKind::Rewritten };
        if self.input.output == WalkOutput::Text {
            put(&alt, plain, None, alt_range, alt_kind);
            return;
        }
        // The label stands for the whole image; the rest shows parts of it.
        let (opening, rest) = (range.start..alt_range.start, alt_range.end..range.end);
        put(&label, link, outer.as_ref(), range.clone(), SourceKind::StandIn);
        if !alt.is_empty() {
            put(gap, plain, outer.as_ref(), opening, SourceKind::Rewritten);
            put(&alt, plain, outer.as_ref(), alt_range, alt_kind);
        }
        put(gap, muted, None, rest.clone(), SourceKind::Rewritten);
        put(&shown, address_style, target.as_ref(), rest, SourceKind::Rewritten);
        self.place_marks_until(range.end);
    }

    fn next_figure_number(&mut self) -> u32 {
        self.out.figures += 1;
        self.input.counts_before.figures + self.out.figures
    }
}

/// Describes an image that is embedded in its address, by type and size.
pub(crate) fn describe_embedded(data: &str) -> String {
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
