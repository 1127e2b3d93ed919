//! HTML in a text, as what it means: only elements without a script, a style or an address to load.

use super::{WebWriter, escaped, link_tag, push_escaped};
use crate::render::markdown::{
    blocks::{decoded_html, next_html_token},
    html_tags::{HtmlElement, HtmlTag},
};

/// The HTML that is open.
#[derive(Debug, Default)]
pub(super) struct RawHtml {
    /// The block of HTML that is read.
    pub block: String,
    /// The element that holds the text of the block.
    holder: Option<&'static str>,
    /// Text stands in the current line.
    has_text: bool,
    is_verbatim: bool,
    is_preformatted: bool,
    /// How many `<details>` are open.
    details: usize,
}

impl WebWriter<'_, '_> {
    pub(super) fn on_inline_html(&mut self, html: &str) {
        if html.starts_with("<!--") {
            return;
        }
        match HtmlTag::parse(html).and_then(|(tag, _)| Some((tag, tag.element()?))) {
            Some((tag, element)) => self.on_inline_tag(tag, element, html),
            None => self.on_text(html),
        }
    }

    /// Writes an element that can be in a line; one that cannot is left out.
    fn on_inline_tag(&mut self, tag: HtmlTag<'_>, element: HtmlElement, html: &str) {
        if self.image.is_some() {
            return;
        }
        let name = match element {
            HtmlElement::LineBreak if tag.name.eq_ignore_ascii_case("wbr") => return,
            HtmlElement::LineBreak => return self.out.push_str("<br>"),
            HtmlElement::Image => {
                let value = |name| decoded_html(tag.attribute(name).unwrap_or_default());
                return self.push_image(&value("alt"), &value("src"));
            }
            HtmlElement::Link => return self.on_raw_link(tag),
            HtmlElement::Verbatim => return push_escaped(&mut self.out, html),
            HtmlElement::Bold => "b",
            HtmlElement::Italic => "i",
            HtmlElement::Underlined => "u",
            HtmlElement::Struck => "s",
            HtmlElement::Marked => "mark",
            HtmlElement::Code => "code",
            HtmlElement::Superscript => "sup",
            HtmlElement::Subscript => "sub",
            HtmlElement::Rule
            | HtmlElement::Block
            | HtmlElement::Heading
            | HtmlElement::List { .. }
            | HtmlElement::ListItem
            | HtmlElement::Cell
            | HtmlElement::Preformatted
            | HtmlElement::Details
            | HtmlElement::Summary
            | HtmlElement::Plain => return,
        };
        self.toggle_raw(name, tag.is_closing);
    }

    fn toggle_raw(&mut self, name: &'static str, is_closing: bool) {
        if is_closing {
            self.tags.close_raw_named(name, &mut self.out);
        } else {
            self.tags.open_raw(name, &format!("<{name}>"), &mut self.out);
        }
    }

    fn on_raw_link(&mut self, tag: HtmlTag<'_>) {
        if tag.is_closing {
            return self.tags.close_raw_named("a", &mut self.out);
        }
        let address = decoded_html(tag.attribute("href").unwrap_or_default());
        let opening = link_tag(&address).filter(|_| !self.tags.has_link()).unwrap_or_default();
        self.tags.open_raw("a", &opening, &mut self.out);
    }

    /// Writes the block of HTML that was read.
    pub(super) fn end_html_block(&mut self) {
        let block = std::mem::take(&mut self.raw.block);
        let mut rest = block.as_str();
        while !rest.is_empty() {
            let (length, tag) = next_html_token(rest, self.raw.is_verbatim);
            match tag.and_then(|tag| Some((tag, tag.element()?))) {
                Some((tag, element)) => self.on_block_tag(tag, element, &rest[..length]),
                None if rest.starts_with("<!--") => (),
                None => self.push_block_text(&rest[..length]),
            }
            rest = &rest[length..];
        }
        self.end_holder();
        (self.raw.is_verbatim, self.raw.is_preformatted) = (false, false);
    }

    fn on_block_tag(&mut self, tag: HtmlTag<'_>, element: HtmlElement, html: &str) {
        match element {
            HtmlElement::Details if tag.is_closing => self.end_details(),
            HtmlElement::Details => self.start_details(),
            HtmlElement::Summary => self.on_summary(tag.is_closing),
            HtmlElement::Rule => {
                self.end_holder();
                self.out.push_str("<hr>\n");
            }
            HtmlElement::Block | HtmlElement::List { .. } => self.start_line(),
            HtmlElement::Heading => {
                self.start_line();
                self.hold();
                self.toggle_raw("b", tag.is_closing);
            }
            HtmlElement::ListItem => {
                self.start_line();
                if !tag.is_closing {
                    self.push_block_text("• ");
                    self.raw.has_text = false; // The text of the item stands beside its bullet.
                }
            }
            HtmlElement::Cell if !tag.is_closing && self.raw.has_text => self.push_block_text("\u{2003}"),
            HtmlElement::Preformatted => {
                self.start_line();
                self.raw.is_preformatted = !tag.is_closing;
            }
            HtmlElement::Verbatim => {
                self.raw.is_verbatim = !tag.is_closing;
                self.hold();
                self.out.push_str(&escaped(html));
            }
            HtmlElement::LineBreak if self.raw.holder.is_none() => (),
            _ => {
                self.hold();
                self.on_inline_tag(tag, element, html);
            }
        }
    }

    fn push_block_text(&mut self, text: &str) {
        if text.trim().is_empty() && !self.raw.has_text && !text.contains('\u{2003}') {
            return;
        }
        self.hold();
        self.raw.has_text = true;
        if self.raw.is_preformatted || self.raw.is_verbatim {
            self.out.push_str(&escaped(text).replace('\n', "<br>"));
        } else {
            self.push_with_marks(&decoded_html(text));
        }
    }

    /// Opens the element that holds the text of the block.
    fn hold(&mut self) {
        if self.raw.holder.is_none() {
            self.raw.holder = Some("div");
            self.out.push_str("<div class=\"raw\" dir=\"auto\">");
        }
    }

    fn end_holder(&mut self) {
        self.raw.has_text = false;
        if let Some(name) = self.raw.holder.take() {
            self.tags.close_raw(&mut self.out);
            self.out.extend(["</", name, ">\n"]);
        }
    }

    fn start_line(&mut self) {
        if std::mem::take(&mut self.raw.has_text) && self.raw.holder.is_some() {
            self.out.push_str("<br>\n");
        }
    }

    fn start_details(&mut self) {
        // In a list or quotation they are plain text.
        if self.depth > 0 {
            return;
        }
        self.end_holder();
        self.raw.details += 1;
        self.out.push_str("<details class=\"part\">");
    }

    fn on_summary(&mut self, is_closing: bool) {
        if self.raw.details == 0 {
            return self.start_line();
        }
        if is_closing {
            if self.raw.holder == Some("summary") {
                self.end_holder();
            }
        } else if self.out.ends_with("<details class=\"part\">") {
            self.raw.holder = Some("summary");
            self.out.push_str("<summary>");
        }
    }

    fn end_details(&mut self) {
        if self.depth > 0 || self.raw.details == 0 {
            return;
        }
        self.end_holder();
        self.raw.details -= 1;
        self.out.push_str("</details>\n");
    }

    pub(super) fn close_details(&mut self) {
        self.end_holder();
        while self.raw.details > 0 {
            self.raw.details -= 1;
            self.out.push_str("</details>\n");
        }
    }
}
