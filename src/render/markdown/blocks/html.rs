//! Raw HTML, as what it means.

use std::{ops::Range, sync::Arc};

use pulldown_cmark::{Event, Parser};
use ratatui::style::Modifier;

use super::{LeafKind, MarkdownVisitor, WalkOutput, links::OpenLink};
use crate::{
    render::{
        markdown::html_tags::{HtmlElement, HtmlTag},
        markdown::inline::InlineText,
        maths,
        row::{StyledSpan, TextStyle},
        source_map::SourceKind,
        theme::ColourRole,
    },
    text,
};

/// The HTML that is open.
#[derive(Default)]
pub(crate) struct OpenHtml {
    /// The elements that style the text in them, with whether they are code.
    styles: Vec<HtmlElement>,
    /// The links among them, by their depth in the open links.
    links: Vec<usize>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    is_preformatted: bool,
    is_verbatim: bool,
    /// The block of HTML that is being read, and where its pieces are in the source.
    block: String,
    pieces: Vec<(usize, usize)>,
    /// The text up to here is shown already, as a script.
    pub shown_to: usize,
    details: Vec<OpenDetails>,
}

/// Details that are not closed yet.
struct OpenDetails {
    containers: usize,
    /// The rows up to the end of the summary, once it is there.
    head_end: Option<usize>,
    code_blocks: usize,
    is_folded: bool,
}

/// What scripts hold without Markdown or HTML in them.
const SCRIPT_SYNTAX: [char; 8] = ['<', '&', '*', '`', '[', '$', '\\', '\n'];

impl OpenHtml {
    pub(super) fn has_details(&self) -> bool {
        !self.details.is_empty()
    }

    /// Changes a style to that of the open elements.
    pub(super) fn style(&self, style: TextStyle) -> TextStyle {
        self.styles.iter().fold(style, |style, element| match element {
            HtmlElement::Bold | HtmlElement::Heading | HtmlElement::Summary => style.bold(),
            HtmlElement::Italic => style.italic(),
            HtmlElement::Underlined => style.with_modifiers(Modifier::UNDERLINED),
            HtmlElement::Struck => style.with_modifiers(Modifier::CROSSED_OUT),
            HtmlElement::Marked => style.on_background(ColourRole::Mark),
            HtmlElement::Code => style.on_background(ColourRole::Surface),
            HtmlElement::Link => TextStyle { role: ColourRole::Link, ..style }.with_modifiers(Modifier::UNDERLINED),
            _ => style,
        })
    }
}

impl MarkdownVisitor<'_> {
    /// Reads a piece of a block of HTML, which is shown when the block is complete.
    pub(super) fn collect_html(&mut self, words: &str, range: &Range<usize>) {
        self.html.pieces.push((self.html.block.len(), range.start));
        self.html.block.push_str(words);
    }

    /// Shows the block of HTML that was read.
    pub(super) fn end_html_block(&mut self, end: usize) {
        let block = std::mem::take(&mut self.html.block);
        let pieces = std::mem::take(&mut self.html.pieces);
        let position = |at: usize| {
            let piece = pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
            pieces.get(piece).map_or(end, |(start, source)| source + at - start)
        };
        let place = |range: Range<usize>| {
            // The end of a piece is not the beginning of the next one.
            let last = range.end.saturating_sub(1).max(range.start);
            position(range.start)..position(last) + range.end - last
        };
        let mut pos = 0;
        while pos < block.len() {
            let rest = &block[pos..];
            let (len, tag) = next_html_token(rest, self.html.is_verbatim);
            match tag {
                Some(tag) => self.on_tag(tag, place(pos..pos + len)),
                None if rest.starts_with("<!--") => (),
                None => self.push_html_text(&rest[..len], |range| place(pos + range.start..pos + range.end)),
            }
            pos += len;
        }
        self.close_html();
        self.end_leaf(end);
    }

    /// Ends what is still open at the end of a block.
    pub(super) fn close_html(&mut self) {
        self.html.styles.clear();
        while let Some(depth) = self.html.links.pop() {
            self.links.truncate(depth);
        }
        self.html.lists.clear();
        (self.html.is_preformatted, self.html.is_verbatim) = (false, false);
    }

    /// Shows HTML within a text.
    pub(super) fn on_inline_html(&mut self, words: &str, range: Range<usize>) {
        if words.starts_with("<!--") {
            return;
        }
        match HtmlTag::parse(words) {
            Some((tag, _)) if tag.element().is_some() => self.on_tag(tag, range),
            _ => self.put_text(words, self.current_style(), range),
        }
    }

    fn on_tag(&mut self, tag: HtmlTag, range: Range<usize>) {
        let Some(element) = tag.element() else { return };
        match element {
            HtmlElement::LineBreak if tag.name.eq_ignore_ascii_case("wbr") => (),
            HtmlElement::LineBreak => self.put_break(range),
            HtmlElement::Rule => self.put_html_rule(range),
            HtmlElement::Image => self.put_html_image(tag, range),
            HtmlElement::Superscript | HtmlElement::Subscript => self.on_script(element, tag.is_closing, range),
            HtmlElement::Link if tag.is_closing => self.end_html_link(),
            HtmlElement::Link => self.start_html_link(tag, range),
            HtmlElement::List { is_numbered } => self.on_list(is_numbered, tag.is_closing, range),
            HtmlElement::ListItem => self.on_list_item(tag.is_closing, range),
            HtmlElement::Cell if !tag.is_closing && self.has_text_in_line() => {
                self.put_run("  ", self.current_style(), range, SourceKind::Rewritten);
            }
            HtmlElement::Block => self.start_line(range),
            HtmlElement::Preformatted => {
                self.start_line(range);
                self.html.is_preformatted = !tag.is_closing;
            }
            HtmlElement::Verbatim => {
                self.html.is_verbatim = !tag.is_closing;
                let muted = TextStyle { role: ColourRole::Muted, ..self.current_style() };
                let words = self.input.source[range.clone()].to_owned();
                self.put_text(&words, muted, range);
            }
            HtmlElement::Details if tag.is_closing => self.end_details(range.end),
            HtmlElement::Details => self.start_details(range),
            HtmlElement::Summary => self.on_summary(tag.is_closing, range),
            HtmlElement::Heading => {
                self.start_line(range);
                self.toggle_style(element, tag.is_closing);
            }
            HtmlElement::Code => self.on_code_tag(tag.is_closing, &range),
            HtmlElement::Bold
            | HtmlElement::Italic
            | HtmlElement::Underlined
            | HtmlElement::Struck
            | HtmlElement::Marked => self.toggle_style(element, tag.is_closing),
            HtmlElement::Cell | HtmlElement::Plain => (),
        }
    }

    fn toggle_style(&mut self, element: HtmlElement, is_closing: bool) {
        if !is_closing {
            self.html.styles.push(element);
        } else if let Some(open) = self.html.styles.iter().rposition(|style| *style == element) {
            self.html.styles.remove(open);
        }
    }

    fn on_code_tag(&mut self, is_closing: bool, range: &Range<usize>) {
        let sign = if self.input.options.plain_code { "`" } else { "" };
        let place = if is_closing { range.start } else { range.end };
        if is_closing {
            self.put_inserted(sign, self.current_style(), place);
        }
        self.toggle_style(HtmlElement::Code, is_closing);
        if !is_closing {
            self.put_inserted(sign, self.current_style(), place);
        }
    }

    /// Whether something stands in the current line.
    fn has_text_in_line(&self) -> bool {
        self.inline.as_ref().is_some_and(|inline| !inline.text.is_empty() && !inline.text.ends_with('\n'))
    }

    fn start_line(&mut self, range: Range<usize>) {
        // The indent of a tag is no row.
        self.inline.iter_mut().for_each(InlineText::trim_spaces);
        if self.has_text_in_line() {
            self.put_break(range);
        }
    }

    fn put_break(&mut self, range: Range<usize>) {
        self.put_run("\n", self.current_style(), range, SourceKind::Rewritten);
    }

    fn put_html_rule(&mut self, range: Range<usize>) {
        if self.table.is_some() {
            return;
        }
        let leaf = std::mem::replace(&mut self.leaf, LeafKind::Text);
        self.end_leaf(range.start);
        self.needs_gap = !self.out.rows.is_empty();
        self.push_rule(range);
        self.needs_gap = true;
        self.leaf = leaf;
    }

    fn put_html_image(&mut self, tag: HtmlTag, range: Range<usize>) {
        let address = tag.attribute("src").map(decoded_html).unwrap_or_default();
        let alt = tag.attribute("alt").map(decoded_html).filter(|alt| !alt.trim().is_empty());
        let name = text::clean(&alt.unwrap_or_else(|| address.clone())).into_owned();
        let label = format!("{} {}", self.input.options.marks.image, text::collapse_spaces(&name));
        let target: Option<Arc<str>> = text::link::can_open(&address).then(|| address.as_str().into());
        let style = if target.is_some() {
            TextStyle { role: ColourRole::Link, ..self.current_style() }.with_modifiers(Modifier::UNDERLINED)
        } else {
            self.current_style()
        };
        self.links.push(OpenLink { target, shown_address: None, mark: None, range: range.clone() });
        self.put_run(&label, style, range, SourceKind::StandIn);
        self.links.pop();
    }

    /// Shows a script by its Unicode characters, or in brackets behind its sign.
    fn on_script(&mut self, element: HtmlElement, is_closing: bool, range: Range<usize>) {
        let is_raised = element == HtmlElement::Superscript;
        if is_closing {
            self.put_run(")", self.current_style(), range, SourceKind::Rewritten);
            return;
        }
        let name = if is_raised { "sup" } else { "sub" };
        if let Some((words, len)) = script_after(&self.input.source[range.end..], name) {
            let script = maths::script(words, is_raised);
            self.put_run(&script, self.current_style(), range.start..range.end + len, SourceKind::StandIn);
            self.html.shown_to = range.end + len;
        } else {
            let opening = if is_raised { "^(" } else { "_(" };
            self.put_run(opening, self.current_style(), range, SourceKind::Rewritten);
        }
    }

    fn start_html_link(&mut self, tag: HtmlTag, range: Range<usize>) {
        let address = tag.attribute("href").map(decoded_html).unwrap_or_default();
        let address = text::clean(&address).into_owned();
        let can_open = text::link::can_open(&address);
        self.html.links.push(self.links.len());
        let shows_address = self.input.options.shows_addresses && can_open;
        self.links.push(OpenLink {
            target: can_open.then(|| address.as_str().into()),
            shown_address: shows_address.then(|| address.clone()),
            mark: None,
            range,
        });
        if can_open {
            self.html.styles.push(HtmlElement::Link);
        }
    }

    fn end_html_link(&mut self) {
        let Some(depth) = self.html.links.pop() else { return };
        let link = self.links.drain(depth.min(self.links.len())..).next();
        self.toggle_style(HtmlElement::Link, true);
        if let Some((address, place)) = link.and_then(|link| Some((link.shown_address?, link.range.end))) {
            let muted = TextStyle { role: ColourRole::Muted, ..self.current_style() };
            self.put_inserted(&format!(" {address}"), muted, place);
        }
    }

    fn on_list(&mut self, is_numbered: bool, is_closing: bool, range: Range<usize>) {
        self.start_line(range);
        if is_closing {
            self.html.lists.pop();
        } else {
            self.html.lists.push(is_numbered.then_some(1));
        }
    }

    fn on_list_item(&mut self, is_closing: bool, range: Range<usize>) {
        self.start_line(range.clone());
        if is_closing {
            return;
        }
        let bullets = self.input.options.marks.bullets;
        let depth = self.html.lists.len();
        let label = match self.html.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => format!("{} ", bullets[depth.saturating_sub(1).min(bullets.len() - 1)]),
        };
        let label = "  ".repeat(depth.saturating_sub(1)) + &label;
        let inline = self.inline.get_or_insert_default();
        let style = super::super::inline::RunStyle { style: TextStyle::of(ColourRole::Accent), link: None };
        inline.push(&label, &style, range, SourceKind::Rewritten);
    }

    // Details.

    fn start_details(&mut self, range: Range<usize>) {
        if self.depth > 1 || !self.containers.is_empty() && !self.html.has_details() {
            return; // In a list or quotation they are plain text.
        }
        self.end_leaf(range.start);
        let is_closed = self.input_details.iter().any(|details| details.contains(&range.start));
        // Open details are folded while they may still end, so that nothing is taken back then.
        let is_folded = (is_closed || self.input.may_grow)
            && !self.input.options.diagrams_open
            && self.input.output == WalkOutput::Rows;
        self.html.details.push(OpenDetails {
            containers: self.containers.len(),
            head_end: None,
            code_blocks: self.out.code_blocks.len(),
            is_folded,
        });
        let rest = self.input.source[range.end..].trim_start();
        if !rest.get(.."<summary".len()).is_some_and(|tag| tag.eq_ignore_ascii_case("<summary")) {
            self.leaf = LeafKind::Summary { is_folded };
            self.put_inserted("Details", self.current_style().bold(), range.end);
            self.end_summary(range.end);
        }
    }

    fn on_summary(&mut self, is_closing: bool, range: Range<usize>) {
        match self.html.details.last() {
            Some(details) if details.head_end.is_none() => {
                let is_folded = details.is_folded;
                if is_closing {
                    self.toggle_style(HtmlElement::Summary, true);
                    self.end_summary(range.end);
                } else {
                    self.end_leaf(range.start);
                    self.leaf = LeafKind::Summary { is_folded };
                    self.toggle_style(HtmlElement::Summary, false);
                }
            }
            _ => {
                self.start_line(range);
                self.toggle_style(HtmlElement::Summary, is_closing);
            }
        }
    }

    /// Ends the row of a summary; what follows is indented.
    fn end_summary(&mut self, end: usize) {
        if self.inline.is_none() {
            self.put_inserted("Details", self.current_style().bold(), end);
        }
        self.end_leaf(end);
        let rows = self.out.rows.len();
        if let Some(details) = self.html.details.last_mut() {
            details.head_end = Some(rows);
        }
        self.leaf = LeafKind::Html;
        self.needs_gap = true;
        let indent = StyledSpan::new("  ", TextStyle::of(ColourRole::Text));
        self.push_container(vec![indent], true);
    }

    /// Ends the details that are still open at the end of the text.
    pub(super) fn close_details(&mut self, end: usize) {
        while self.html.has_details() {
            self.end_details(end);
        }
    }

    fn end_details(&mut self, end: usize) {
        if self.depth > 1 || !self.html.has_details() {
            return;
        }
        self.end_leaf(end);
        let Some(details) = self.html.details.pop() else { return };
        self.containers.truncate(details.containers);
        self.needs_gap = true;
        let Some(head_end) = details.head_end.filter(|_| details.is_folded) else { return };
        self.out.rows.truncate(head_end);
        self.extend_last_row(end);
        if let Some(row) = self.out.rows.last_mut() {
            row.source.end = self.source_end;
        }
        let head = head_end.saturating_sub(1);
        for block in &mut self.out.code_blocks[details.code_blocks..] {
            block.line_rows.fill(head);
        }
    }

    /// Adds the text of a block of HTML, in which white space only separates words.
    fn push_html_text(&mut self, words: &str, place: impl Fn(Range<usize>) -> Range<usize>) {
        let style = if self.html.is_verbatim {
            TextStyle { role: ColourRole::Muted, ..self.current_style() }
        } else {
            self.current_style()
        };
        if self.html.is_preformatted || self.html.is_verbatim {
            // A line end right behind `<pre>` is not part of it.
            let mut start = usize::from(words.starts_with('\n') && !self.has_text_in_line());
            for line in words[start..].split_inclusive('\n') {
                let text = line.trim_end_matches('\n');
                self.put_text(text, style, place(start..start + text.len()));
                if text.len() < line.len() && (self.has_text_in_line() || text.is_empty()) {
                    self.put_break(place(start + text.len()..start + line.len()));
                }
                start += line.len();
            }
            return;
        }
        let mut pos = 0;
        while pos < words.len() {
            let rest = &words[pos..];
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            if word == 0 {
                let blank = rest.len() - rest.trim_start().len();
                let is_last = blank == rest.len();
                if self.has_text_in_line() && !(is_last && rest.contains('\n')) {
                    self.put_run(" ", style, place(pos..pos + blank), SourceKind::Rewritten);
                }
                pos += blank;
            } else {
                self.put_html_word(&rest[..word], style, |range| place(pos + range.start..pos + range.end));
                pos += word;
            }
        }
    }

    /// Adds a word with its entities.
    fn put_html_word(&mut self, word: &str, style: TextStyle, place: impl Fn(Range<usize>) -> Range<usize>) {
        let mut pos = 0;
        while pos < word.len() {
            let rest = &word[pos..];
            let entity = rest.starts_with('&').then(|| rest.find(';')).flatten().map(|end| end + 1);
            let len = entity
                .unwrap_or_else(|| rest.match_indices('&').map(|(at, _)| at).find(|at| *at > 0).unwrap_or(rest.len()));
            let shown = if entity.is_some() { decoded_html(&rest[..len]) } else { rest[..len].to_owned() };
            self.put_text(&text::clean(&shown), style, place(pos..pos + len));
            pos += len;
        }
    }
}

/// Returns the length of the next token, and its tag if it is one.
pub(in crate::render::markdown) fn next_html_token(rest: &str, is_verbatim: bool) -> (usize, Option<HtmlTag<'_>>) {
    if rest.starts_with("<!--")
        && let Some(end) = rest.find("-->")
    {
        return (end + 3, None);
    }
    let tag = HtmlTag::parse(rest).filter(|(tag, _)| match tag.element() {
        Some(element) => !is_verbatim || tag.is_closing && element == HtmlElement::Verbatim,
        None => false,
    });
    match tag {
        Some((tag, len)) => (len, Some(tag)),
        None => (rest.char_indices().skip(1).find(|(_, char)| *char == '<').map_or(rest.len(), |(at, _)| at), None),
    }
}

/// Returns the words up to the closing tag of a script, if they are plain, and the length with that tag.
fn script_after<'a>(rest: &'a str, name: &str) -> Option<(&'a str, usize)> {
    const MAX_SCRIPT: usize = 80;
    let end = rest.find(SCRIPT_SYNTAX).filter(|end| *end > 0 && *end <= MAX_SCRIPT)?;
    let (tag, len) = HtmlTag::parse(&rest[end..])?;
    (tag.is_closing && tag.name.eq_ignore_ascii_case(name)).then(|| (&rest[..end], end + len))
}

/// Returns a text with its entities decoded.
pub(in crate::render::markdown) fn decoded_html(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.split_inclusive(';')
        .map(|piece| match piece.rfind('&').map(|at| piece.split_at(at)) {
            Some((before, entity)) => [before, &decoded_entity(entity)].concat(),
            None => piece.to_owned(),
        })
        .collect()
}

fn decoded_entity(entity: &str) -> String {
    let text = Parser::new(entity).find_map(|event| match event {
        Event::Text(text) => Some(text.into_string()),
        _ => None,
    });
    text.unwrap_or_else(|| entity.to_owned())
}
