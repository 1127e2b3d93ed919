//! Markdown as HTML for a page of its own: what ibid shows of a text, without anything that could run or load.
//!
//! Every element and attribute that is written is named here or in `raw_html`, and every text passes `push_escaped`.

mod raw_html;
mod tag_stack;

use std::{collections::BTreeMap, ops::Range};

use pulldown_cmark::{Alignment, BlockQuoteKind, CodeBlockKind, Event, LinkType, Tag, TagEnd};

use self::{raw_html::RawHtml, tag_stack::TagStack};
use super::{
    blocks::{describe_embedded, fence_language, is_too_deep, line_start},
    formulas::{self, FormulaPlace, FormulaText},
    line_breaks::ParagraphBreaks,
    marked_text::{self, ReferenceForms},
    prepare::prepare,
};
use crate::{
    citations::annotations::CitationMark,
    config::LineBreaks,
    render::{
        highlight::{CodeBlockId, CodeHighlighter, CodeOwner, HighlightJob},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// How a text is written for a page.
pub struct WebTextOptions<'a> {
    /// What the ids of its elements begin with; no other text of the page has the same.
    pub id_prefix: &'a str,
    /// What the ids of its sources begin with, before their numbers.
    pub source_prefix: &'a str,
    pub line_breaks: LineBreaks,
}

/// A text as HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebText {
    pub html: String,
    /// The ids of its citation marks, with the numbers of their sources.
    pub marks: Vec<(u32, String)>,
}

/// Signs around the number of a source; a pair is used that the text does not contain.
const MARK_BRACKETS: [(char, char); 4] = [('⁅', '⁆'), ('⸢', '⸣'), ('⸤', '⸥'), ('⧼', '⧽')];
/// The width that formulas are set for, in cells.
const FORMULA_CELLS: usize = 72;
/// The headings of a text come below those of the page.
const HEADING_OFFSET: u8 = 2;

/// Writes Markdown as HTML.
pub fn to_web_text(
    markdown: &str,
    marks: &[CitationMark],
    options: &WebTextOptions<'_>,
    highlighter: &mut CodeHighlighter,
) -> WebText {
    let brackets = MARK_BRACKETS.into_iter().find(|(open, close)| !markdown.contains([*open, *close]));
    let marked = |number: u32| brackets.map(|(open, close)| format!("{open}{number}{close}")).unwrap_or_default();
    let forms = ReferenceForms { citation: &marked, footnote: &str::to_owned };
    let text = marked_text::with_references(markdown, marks, &forms);
    if is_too_deep(&text) {
        return WebText { html: format!("<pre>{}</pre>\n", escaped(&text)), marks: Vec::new() };
    }
    let prepared = prepare(&text);
    let mut writer = WebWriter {
        source: &text,
        options,
        highlighter,
        brackets,
        out: String::new(),
        marks: Vec::new(),
        tags: TagStack::default(),
        raw: RawHtml::default(),
        depth: 0,
        unopened: Vec::new(),
        block_start: 0,
        paragraph: 0..0,
        code: None,
        image: None,
        table: None,
        footnotes: BTreeMap::new(),
    };
    let mut events = prepared.events().peekable();
    while let Some((event, mut range)) = events.next() {
        // The parser splits text at every character that might have been syntax: join the pieces.
        let as_written =
            |event: &Event, range: &Range<usize>| matches!(event, Event::Text(words) if words.len() == range.len());
        if as_written(&event, &range) {
            while let Some((_, next)) =
                events.next_if(|(next, there)| there.start == range.end && as_written(next, there))
            {
                range.end = next.end;
            }
            writer.on_event(Event::Text(text[range.clone()].into()), range);
        } else {
            writer.on_event(event, range);
        }
    }
    writer.finish()
}

/// Text in which nothing is HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text);
    out
}

fn push_escaped(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// A link that leads out of the page and tells nobody where it is.
pub fn link_tag(address: &str) -> Option<String> {
    let address = text::clean(address);
    text::link::can_open(&address)
        .then(|| format!("<a href=\"{}\" rel=\"noopener noreferrer nofollow\">", escaped(&address)))
}

/// Code with its colours, as spans of the class of each role.
pub fn highlighted_code(code: &str, language: &str, highlighter: &mut CodeHighlighter) -> String {
    let job = HighlightJob {
        block: CodeBlockId { owner: CodeOwner(0), number: 0 },
        language: language.to_owned(),
        first_line: 0,
        text: code.to_owned(),
    };
    let lines = highlighter.highlight(job).lines;
    let mut out = String::with_capacity(code.len() * 2);
    for (line, runs) in code.split_inclusive('\n').zip(&lines) {
        let mut at = 0;
        for (length, role) in runs {
            let end = line.len().min(at + length);
            let words = line.get(at..end).unwrap_or_default();
            at = end;
            if *role == ColourRole::Text || words.trim().is_empty() {
                push_escaped(&mut out, words);
            } else {
                out.extend(["<span class=\"", role.name(), "\">"]);
                push_escaped(&mut out, words);
                out.push_str("</span>");
            }
        }
        push_escaped(&mut out, line.get(at..).unwrap_or_default());
    }
    out
}

struct WebWriter<'a, 'h> {
    source: &'a str,
    options: &'a WebTextOptions<'a>,
    highlighter: &'h mut CodeHighlighter,
    brackets: Option<(char, char)>,
    out: String,
    marks: Vec<(u32, String)>,
    tags: TagStack,
    raw: RawHtml,
    depth: usize,
    /// For each open link its address, if it leads nowhere.
    unopened: Vec<Option<String>>,
    /// Where the current paragraph or item begins.
    block_start: usize,
    paragraph: Range<usize>,
    /// The language and the text of the open code block.
    code: Option<(String, String)>,
    image: Option<OpenWebImage>,
    table: Option<OpenWebTable>,
    footnotes: BTreeMap<String, WebFootnote>,
}

/// An image whose alternative text is read.
struct OpenWebImage {
    address: String,
    alt: String,
    /// Images in it.
    depth: usize,
}

struct OpenWebTable {
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
}

/// A footnote of the text itself.
#[derive(Default)]
struct WebFootnote {
    number: usize,
    references: usize,
    is_defined: bool,
}

impl WebWriter<'_, '_> {
    fn on_event(&mut self, event: Event<'_>, range: Range<usize>) {
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            _ => (),
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(end) => self.end(end),
            Event::Text(words) => self.on_text(&words),
            Event::Code(words) => self.on_code(&words),
            Event::InlineMath(latex) | Event::DisplayMath(latex) => self.on_formula(&latex, range),
            Event::Html(html) => self.raw.block.push_str(&html),
            Event::InlineHtml(html) => self.on_inline_html(&html),
            Event::FootnoteReference(label) => self.on_footnote_reference(&label),
            Event::SoftBreak => self.on_soft_break(range),
            Event::HardBreak => self.push_inline("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(is_done) => self.out.push_str(if is_done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => {
                self.block_start = range.start;
                self.paragraph = range;
                self.out.push_str("<p dir=\"auto\">");
            }
            Tag::Heading { level, .. } => {
                self.block_start = range.start;
                let level = (level as u8 + HEADING_OFFSET).min(6);
                self.out.extend([format!("<h{level} dir=\"auto\">")]);
            }
            Tag::BlockQuote(kind) => self.start_quote(kind),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => fence_language(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::HtmlBlock => self.raw.block.clear(),
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::List(Some(1)) => self.out.push_str("<ol>\n"),
            Tag::List(Some(first)) => self.out.extend([format!("<ol start=\"{first}\">\n")]),
            Tag::Item => {
                self.block_start = range.start;
                self.out.push_str("<li dir=\"auto\">");
            }
            Tag::FootnoteDefinition(label) => self.start_footnote(&label),
            Tag::Table(alignments) => {
                self.table = Some(OpenWebTable { alignments, column: 0, is_head: false });
                self.out.push_str("<div class=\"table\"><table>\n");
            }
            Tag::TableHead => self.start_row(true),
            Tag::TableRow => self.start_row(false),
            Tag::TableCell => self.start_cell(),
            Tag::Emphasis => self.open_tag("em"),
            Tag::Strong => self.open_tag("strong"),
            Tag::Strikethrough => self.open_tag("del"),
            Tag::Link { link_type: LinkType::Email, dest_url, .. } => self.start_link(&format!("mailto:{dest_url}")),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url),
            Tag::Image { dest_url, .. } => self.start_image(&dest_url),
            Tag::MetadataBlock(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => (),
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Paragraph => self.end_block("</p>\n"),
            TagEnd::Heading(level) => {
                let level = (level as u8 + HEADING_OFFSET).min(6);
                self.end_block(&format!("</h{level}>\n"));
            }
            TagEnd::BlockQuote(_) => self.out.push_str("</blockquote>\n"),
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::HtmlBlock => self.end_html_block(),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::Item => self.end_block("</li>\n"),
            TagEnd::FootnoteDefinition => self.end_block("</div>\n"),
            TagEnd::Table => {
                self.table = None;
                self.out.push_str("</tbody></table></div>\n");
            }
            TagEnd::TableHead => self.out.push_str("</tr></thead><tbody>\n"),
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Emphasis => self.close_tag("em"),
            TagEnd::Strong => self.close_tag("strong"),
            TagEnd::Strikethrough => self.close_tag("del"),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::MetadataBlock(_)
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => (),
        }
    }

    fn start_quote(&mut self, kind: Option<BlockQuoteKind>) {
        let Some(kind) = kind else { return self.out.push_str("<blockquote>\n") };
        let (class, name) = match kind {
            BlockQuoteKind::Note => ("note", "Note"),
            BlockQuoteKind::Tip => ("tip", "Tip"),
            BlockQuoteKind::Important => ("important", "Important"),
            BlockQuoteKind::Warning => ("warning", "Warning"),
            BlockQuoteKind::Caution => ("caution", "Caution"),
        };
        self.out.extend([format!("<blockquote class=\"{class}\">\n<p class=\"kind\">{name}</p>\n")]);
    }

    // Inline elements.

    fn open_tag(&mut self, name: &'static str) {
        if self.image.is_none() {
            self.tags.open(name, &mut self.out);
        }
    }

    fn close_tag(&mut self, name: &'static str) {
        if self.image.is_none() {
            self.tags.close(name, &mut self.out);
        }
    }

    /// Ends a block with what is still open in it.
    fn end_block(&mut self, closing: &str) {
        self.tags.close_raw(&mut self.out);
        self.out.push_str(closing);
    }

    /// Writes HTML into the line, unless it is part of an alternative text.
    fn push_inline(&mut self, html: &str) {
        match &mut self.image {
            Some(image) => image.alt.push(' '),
            None => self.out.push_str(html),
        }
    }

    fn start_link(&mut self, address: &str) {
        if self.image.is_some() {
            return;
        }
        let shown = (!text::link::can_open(address)).then(|| text::clean(address).into_owned());
        self.unopened.push(shown.filter(|address| !address.is_empty()));
        match link_tag(address).filter(|_| !self.tags.has_link()) {
            Some(tag) => self.tags.open_with("a", &tag, &mut self.out),
            None => self.tags.open_silent("a"),
        }
    }

    /// Ends a link; an address that leads nowhere stands behind it.
    fn end_link(&mut self) {
        if self.image.is_some() {
            return;
        }
        self.close_tag("a");
        if let Some(address) = self.unopened.pop().flatten() {
            self.out.extend([format!(" <span class=\"facts\">{}</span>", escaped(&address))]);
        }
    }

    fn on_text(&mut self, words: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(words);
        } else if let Some(image) = &mut self.image {
            image.alt.push_str(words);
        } else {
            self.push_with_marks(words);
        }
    }

    /// Writes text with its citation marks.
    fn push_with_marks(&mut self, mut words: &str) {
        let Some((open, close)) = self.brackets else { return self.push_with_links(words) };
        while let Some((before, rest)) = words.split_once(open) {
            let Some((number, after)) = rest.split_once(close) else { break };
            let Ok(number) = number.parse::<u32>() else { break };
            self.push_with_links(before);
            self.push_mark(number);
            words = after;
        }
        self.push_with_links(words);
    }

    fn push_mark(&mut self, number: u32) {
        let id = format!("{}c{}", self.options.id_prefix, self.marks.len() + 1);
        let source = self.options.source_prefix;
        if self.tags.has_link() {
            self.out.extend([format!("<sup class=\"cite\" id=\"{id}\">[{number}]</sup>")]);
        } else {
            self.out.extend([format!(
                "<sup class=\"cite\" id=\"{id}\"><a href=\"#{source}{number}\">[{number}]</a></sup>"
            )]);
        }
        self.marks.push((number, id));
    }

    /// Writes text with its bare addresses as links.
    fn push_with_links(&mut self, words: &str) {
        let mut from = 0;
        let found = if self.tags.has_link() { Vec::new() } else { text::link::find_addresses(words) };
        for bare in found {
            push_escaped(&mut self.out, &words[from..bare.start]);
            let shown = &words[bare.clone()];
            let address = if shown.starts_with("www.") { format!("http://{shown}") } else { shown.to_owned() };
            let tag = link_tag(&address);
            self.out.push_str(tag.as_deref().unwrap_or_default());
            push_escaped(&mut self.out, shown);
            self.out.push_str(if tag.is_some() { "</a>" } else { "" });
            from = bare.end;
        }
        push_escaped(&mut self.out, &words[from..]);
    }

    fn on_code(&mut self, words: &str) {
        if let Some(image) = &mut self.image {
            return image.alt.push_str(words);
        }
        self.out.push_str("<code>");
        push_escaped(&mut self.out, words);
        self.out.push_str("</code>");
    }

    fn on_soft_break(&mut self, range: Range<usize>) {
        let is_row = match self.options.line_breaks {
            LineBreaks::Keep => true,
            LineBreaks::Markdown => false,
            LineBreaks::Auto => self.begins_row(&range),
        };
        self.push_inline(if is_row && self.table.is_none() { "<br>\n" } else { "\n" });
    }

    /// Whether the line end was meant, by the lines of its paragraph.
    fn begins_row(&self, range: &Range<usize>) -> bool {
        let ink = |line: &str| line.trim_start_matches([' ', '>']).trim_end().to_owned();
        let first = line_start(self.source, self.block_start);
        let rows: Vec<String> =
            self.source[first..].lines().take(3).map(ink).take_while(|row| !row.is_empty()).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let above = ink(&self.source[line_start(self.source, range.start)..range.start]);
        let below = ink(self.source[range.end..].lines().next().unwrap_or_default());
        ParagraphBreaks::of(&rows, false).begin_row(&above, &below)
    }

    fn on_formula(&mut self, latex: &str, range: Range<usize>) {
        let written = &self.source[range.clone()];
        let next_char = self.source[range.end..].chars().next();
        let is_alone = self.paragraph.start == range.start
            && self.source.get(range.end..self.paragraph.end).is_some_and(|rest| rest.trim().len() <= 1);
        let place = match () {
            () if self.table.is_some() || self.tags.has_link() || self.image.is_some() => FormulaPlace::InText,
            () if ["$$", "\\[", "\\begin{"].iter().any(|sign| written.starts_with(sign)) => {
                FormulaPlace::Display { width: FORMULA_CELLS }
            }
            () if is_alone => FormulaPlace::Paragraph { width: FORMULA_CELLS },
            () => FormulaPlace::InText,
        };
        let formula = formulas::formula_text(latex, written, next_char, place, &ThemeMarks::UNICODE);
        if let Some(image) = &mut self.image {
            return image.alt.push_str(written);
        }
        let (class, words) = match &formula {
            FormulaText::PlainText => return self.push_with_marks(written),
            FormulaText::InLine(words) if place == FormulaPlace::InText => ("math", words.as_str()),
            FormulaText::InLine(words) | FormulaText::OwnRows(words) => ("math display", words.as_str()),
            FormulaText::Latex => ("math latex", written),
        };
        self.out.extend([format!("<span class=\"{class}\">")]);
        push_escaped(&mut self.out, words);
        self.out.push_str("</span>");
    }

    // Images, code, tables, footnotes.

    fn start_image(&mut self, address: &str) {
        match &mut self.image {
            Some(image) => image.depth += 1,
            None => self.image = Some(OpenWebImage { address: address.to_owned(), alt: String::new(), depth: 0 }),
        }
    }

    /// Writes an image as its name and its address: nothing is loaded.
    fn end_image(&mut self) {
        match self.image.take() {
            Some(image) if image.depth > 0 => self.image = Some(OpenWebImage { depth: image.depth - 1, ..image }),
            Some(image) => self.push_image(&image.alt, &image.address),
            None => (),
        }
    }

    fn push_image(&mut self, alt: &str, address: &str) {
        let address = text::clean(address);
        let alt = text::collapse_spaces(&text::clean(alt));
        self.out.push_str("<span class=\"image\">Image");
        if !alt.is_empty() {
            self.out.extend([format!(" “{}”", escaped(&alt))]);
        }
        self.out.push_str(": ");
        let shown = match address.strip_prefix("data:") {
            Some(data) => describe_embedded(data),
            None => address.to_string(),
        };
        let tag = link_tag(&address).filter(|_| !self.tags.has_link());
        self.out.push_str(tag.as_deref().unwrap_or_default());
        push_escaped(&mut self.out, &shown);
        self.out.push_str(if tag.is_some() { "</a></span>" } else { "</span>" });
    }

    fn end_code(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        self.out.push_str("<div class=\"code\">");
        if !language.is_empty() {
            self.out.extend([format!("<div class=\"language\">{}</div>", escaped(&language))]);
        }
        let code = code.strip_suffix('\n').unwrap_or(&code);
        let html = highlighted_code(code, &language, self.highlighter);
        self.out.extend([format!("<pre><code>{html}</code></pre></div>\n")]);
    }

    fn start_row(&mut self, is_head: bool) {
        if let Some(table) = &mut self.table {
            (table.column, table.is_head) = (0, is_head);
        }
        self.out.push_str(if is_head { "<thead><tr>" } else { "<tr>" });
    }

    fn start_cell(&mut self) {
        let Some(table) = &mut self.table else { return };
        let class = match table.alignments.get(table.column) {
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::Center) => " class=\"center\"",
            Some(Alignment::Left | Alignment::None) | None => "",
        };
        table.column += 1;
        let name = if table.is_head { "th" } else { "td" };
        self.out.extend([format!("<{name}{class} dir=\"auto\">")]);
    }

    fn end_cell(&mut self) {
        let is_head = self.table.as_ref().is_some_and(|table| table.is_head);
        self.end_block(if is_head { "</th>" } else { "</td>" });
    }

    fn footnote(&mut self, label: &str) -> &mut WebFootnote {
        let next = self.footnotes.len() + 1;
        self.footnotes.entry(label.to_owned()).or_insert_with(|| WebFootnote { number: next, ..WebFootnote::default() })
    }

    fn on_footnote_reference(&mut self, label: &str) {
        if let Some(image) = &mut self.image {
            return image.alt.push_str(label);
        }
        let (prefix, is_in_link) = (self.options.id_prefix, self.tags.has_link());
        let note = self.footnote(label);
        note.references += 1;
        let (number, nth) = (note.number, note.references);
        let words = escaped(&format!("[^{label}]"));
        let words = if is_in_link { words } else { format!("<a href=\"#{prefix}f{number}\">{words}</a>") };
        self.out.extend([format!("<sup class=\"note\" id=\"{prefix}g{number}-{nth}\">{words}</sup>")]);
    }

    fn start_footnote(&mut self, label: &str) {
        let prefix = self.options.id_prefix;
        let note = self.footnote(label);
        let number = note.number;
        let id = if std::mem::replace(&mut note.is_defined, true) {
            String::new()
        } else {
            format!(" id=\"{prefix}f{number}\"")
        };
        let label = escaped(&format!("[^{label}]"));
        self.out.extend([format!("<div class=\"footnote\"{id}><a href=\"#{prefix}g{number}-1\">{label}</a> ")]);
    }

    fn finish(mut self) -> WebText {
        self.tags.close_raw(&mut self.out);
        self.close_details();
        WebText { html: self.out, marks: self.marks }
    }
}

#[cfg(test)]
mod tests;
