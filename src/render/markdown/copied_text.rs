//! Markdown in the forms in which it is copied for other programs: plain text without marks, and HTML.

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, Tag, TagEnd};

use super::prepare::prepare;
use crate::{config::LineBreaks, text};

/// Returns the text of Markdown without its marks; tables are columns of text, and links have their address behind them.
pub fn to_plain_text(markdown: &str, line_breaks: LineBreaks) -> String {
    let mut writer = PlainWriter { line_breaks, ..PlainWriter::default() };
    let clean = text::clean(markdown);
    let prepared = prepare(&clean);
    prepared.events().for_each(|(event, range)| writer.on_event(event, &clean[range]));
    writer.finish()
}

/// Returns Markdown as HTML. What the text has of HTML is text, and only links that can be opened are links.
pub fn to_html(markdown: &str, line_breaks: LineBreaks) -> String {
    let mut writer = HtmlWriter { line_breaks, ..HtmlWriter::default() };
    let clean = text::clean(markdown);
    let prepared = prepare(&clean);
    prepared.events().for_each(|(event, range)| writer.on_event(event, &clean[range]));
    writer.out.trim_end().to_owned()
}

/// Tags of HTML that only form the text between them.
const FORM_TAGS: [&str; 12] = ["b", "i", "u", "s", "em", "strong", "sub", "sup", "kbd", "mark", "small", "code"];

/// What HTML in the text means.
enum HtmlMeaning {
    Nothing,
    LineBreak,
    /// One of `FORM_TAGS`, without attributes.
    Form,
    Words,
}

fn html_meaning(html: &str) -> HtmlMeaning {
    let tag = html.trim().trim_start_matches("</").trim_matches(['<', '>', '/', ' ']).to_ascii_lowercase();
    match tag.as_str() {
        _ if html.trim_start().starts_with("<!--") => HtmlMeaning::Nothing,
        "br" => HtmlMeaning::LineBreak,
        tag if FORM_TAGS.contains(&tag) => HtmlMeaning::Form,
        _ => HtmlMeaning::Words,
    }
}

#[derive(Default)]
struct PlainWriter {
    out: String,
    line_breaks: LineBreaks,
    /// What each row begins with: the indents of lists, the bars of quotations.
    indent: Vec<&'static str>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The address of each open link, and where its text begins.
    links: Vec<(String, usize)>,
    table: Option<TextTable>,
    /// The next block is separated from the last by a blank row.
    needs_gap: bool,
}

/// A table whose cells are collected.
#[derive(Default)]
struct TextTable {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
    /// Where the text of the open cell begins.
    cell_start: usize,
}

impl PlainWriter {
    /// Takes an event and what was written for it.
    fn on_event(&mut self, event: Event<'_>, written: &str) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(words) | Event::Code(words) => self.push(&words),
            Event::InlineMath(_) | Event::DisplayMath(_) => self.push(written),
            Event::Html(html) | Event::InlineHtml(html) => match html_meaning(&html) {
                HtmlMeaning::Nothing | HtmlMeaning::Form => (),
                HtmlMeaning::LineBreak => self.push(if self.table.is_some() { " " } else { "\n" }),
                HtmlMeaning::Words => self.push(&html),
            },
            Event::FootnoteReference(name) => self.push(&format!("[{name}]")),
            Event::SoftBreak if self.line_breaks == LineBreaks::Markdown || self.table.is_some() => self.push(" "),
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => {
                self.begin_block();
                self.push("---");
                self.needs_gap = true;
            }
            Event::TaskListMarker(is_done) => self.push(if is_done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock => self.begin_block(),
            Tag::BlockQuote(_) => {
                self.begin_block();
                self.indent.push("> ");
                self.push("> ");
            }
            Tag::List(first) => {
                self.needs_gap &= self.lists.is_empty();
                self.lists.push(first);
            }
            Tag::Item => self.start_item(),
            Tag::Link { dest_url, .. } => self.links.push((dest_url.into_string(), self.out.len())),
            Tag::Table(alignments) => {
                self.begin_block();
                self.table = Some(TextTable { alignments, ..TextTable::default() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::TableCell => {
                if let Some(table) = &mut self.table {
                    table.cell_start = self.out.len();
                }
            }
            Tag::FootnoteDefinition(name) => {
                self.begin_block();
                self.push(&format!("[{name}] "));
            }
            _ => (),
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::HtmlBlock => self.needs_gap = true,
            TagEnd::CodeBlock => {
                self.out.truncate(self.out.trim_end_matches('\n').len());
                self.needs_gap = true;
            }
            TagEnd::BlockQuote(_) => {
                self.indent.pop();
                self.needs_gap = true;
            }
            TagEnd::Item => {
                self.indent.pop();
                self.needs_gap = false;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.needs_gap = self.lists.is_empty();
            }
            TagEnd::Link => self.end_link(),
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    let cell = self.out.split_off(table.cell_start);
                    if let Some(row) = table.rows.last_mut() {
                        row.push(cell);
                    }
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.push(&table.to_text());
                }
                self.needs_gap = true;
            }
            _ => (),
        }
    }

    fn start_item(&mut self) {
        if !self.out.is_empty() {
            let gap = if self.needs_gap { "\n\n" } else { "\n" };
            self.needs_gap = false;
            self.push(gap);
        }
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number += 1;
                marker
            }
            Some(None) | None => "• ".to_owned(),
        };
        self.out.push_str(&marker);
        self.indent.push(match marker.chars().count() {
            2 => "  ",
            3 => "   ",
            _ => "    ",
        });
    }

    /// Writes the address behind the text of a link, unless that is the address.
    fn end_link(&mut self) {
        let Some((address, start)) = self.links.pop() else { return };
        let words = self.out[start..].trim();
        let bare = address.trim_start_matches("mailto:");
        if text::link::can_open(&address) && words != bare && words != address {
            self.push(&format!(" ({address})"));
        }
    }

    /// Ends the block before, if there is one on this row.
    fn begin_block(&mut self) {
        if std::mem::take(&mut self.needs_gap) && !self.out.is_empty() {
            self.push("\n\n");
        }
    }

    /// Adds text; each new row begins with the indent.
    fn push(&mut self, words: &str) {
        for (nth, row) in words.split('\n').enumerate() {
            if nth > 0 {
                self.out.truncate(self.out.trim_end_matches(' ').len());
                self.out.push('\n');
                self.out.extend(self.indent.iter().copied());
            }
            self.out.push_str(row);
        }
    }

    fn finish(self) -> String {
        let rows = self.out.lines().map(str::trim_end);
        rows.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
    }
}

impl TextTable {
    /// The columns as text, two spaces apart, with a rule below the head.
    fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| text::width(cell)).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut lines = self.rows.iter().map(|row| {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map_or("", String::as_str);
                let blanks = width.saturating_sub(text::width(cell));
                let before = match self.alignments.get(column) {
                    Some(Alignment::Right) => blanks,
                    Some(Alignment::Center) => blanks / 2,
                    Some(Alignment::Left | Alignment::None) | None => 0,
                };
                format!("{}{cell}{}", " ".repeat(before), " ".repeat(blanks - before))
            });
            cells.collect::<Vec<_>>().join("  ")
        });
        let head = lines.next().unwrap_or_default();
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
        [head, rule].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Default)]
struct HtmlWriter {
    out: String,
    line_breaks: LineBreaks,
    alignments: Vec<Alignment>,
    column: usize,
    is_in_head: bool,
    /// For each open link, whether it is written as one.
    links: Vec<bool>,
}

impl HtmlWriter {
    /// Takes an event and what was written for it.
    fn on_event(&mut self, event: Event<'_>, written: &str) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(words) => self.push_escaped(&words),
            Event::Html(html) | Event::InlineHtml(html) => match html_meaning(&html) {
                HtmlMeaning::Nothing => (),
                HtmlMeaning::LineBreak => self.out.push_str("<br>"),
                HtmlMeaning::Form => self.out.push_str(&html),
                HtmlMeaning::Words => self.push_escaped(&html),
            },
            Event::InlineMath(_) | Event::DisplayMath(_) => self.push_escaped(written),
            Event::Code(words) => {
                self.out.push_str("<code>");
                self.push_escaped(&words);
                self.out.push_str("</code>");
            }
            Event::FootnoteReference(name) => self.push_escaped(&format!("[{name}]")),
            Event::SoftBreak if self.line_breaks == LineBreaks::Markdown => self.out.push(' '),
            Event::SoftBreak | Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(is_done) => self.out.push_str(if is_done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out.push_str("<p>"),
            Tag::Heading { level, .. } => self.out.extend(["<h", heading_digit(level), ">"]),
            Tag::BlockQuote(_) => self.out.push_str("<blockquote>\n"),
            Tag::CodeBlock(kind) => {
                self.out.push_str("<pre><code");
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                if !language.is_empty() {
                    self.out.push_str(" class=\"language-");
                    self.push_escaped(&language);
                    self.out.push('"');
                }
                self.out.push('>');
            }
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::List(Some(1)) => self.out.push_str("<ol>\n"),
            Tag::List(Some(first)) => self.out.extend(["<ol start=\"", &first.to_string(), "\">\n"]),
            Tag::Item => self.out.push_str("<li>"),
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Strikethrough => self.out.push_str("<del>"),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.out.push_str("<table>\n");
            }
            Tag::TableHead | Tag::TableRow => {
                self.is_in_head = matches!(tag, Tag::TableHead);
                self.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => {
                let align = match self.alignments.get(self.column) {
                    Some(Alignment::Right) => " align=\"right\"",
                    Some(Alignment::Center) => " align=\"center\"",
                    Some(Alignment::Left | Alignment::None) | None => "",
                };
                self.out.extend(["<", self.cell_name(), align, ">"]);
                self.column += 1;
            }
            Tag::FootnoteDefinition(name) => {
                self.out.push_str("<p>");
                self.push_escaped(&format!("[{name}] "));
                self.out.push_str("</p>\n");
            }
            _ => (),
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Paragraph => self.out.push_str("</p>\n"),
            TagEnd::Heading(level) => self.out.extend(["</h", heading_digit(level), ">\n"]),
            TagEnd::BlockQuote(_) => self.out.push_str("</blockquote>\n"),
            TagEnd::CodeBlock => self.out.push_str("</code></pre>\n"),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</del>"),
            TagEnd::Link if self.links.pop() == Some(true) => self.out.push_str("</a>"),
            TagEnd::Table => self.out.push_str("</table>\n"),
            TagEnd::TableHead | TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.out.extend(["</", self.cell_name(), ">"]),
            _ => (),
        }
    }

    fn start_link(&mut self, address: &CowStr<'_>) {
        let can_open = text::link::can_open(address);
        self.links.push(can_open);
        if can_open {
            self.out.push_str("<a href=\"");
            self.push_escaped(address);
            self.out.push_str("\">");
        }
    }

    fn cell_name(&self) -> &'static str {
        if self.is_in_head { "th" } else { "td" }
    }

    fn push_escaped(&mut self, words: &str) {
        for char in words.chars() {
            match char {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                other => self.out.push(other),
            }
        }
    }
}

fn heading_digit(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "1",
        HeadingLevel::H2 => "2",
        HeadingLevel::H3 => "3",
        HeadingLevel::H4 => "4",
        HeadingLevel::H5 => "5",
        HeadingLevel::H6 => "6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n\nSome **bold** and `code`, see [the page](https://a.example/x) or <https://b.example>.\n\n\
        - one\n  - two\n    more\n- three\n\n10. ten\n11. eleven\n\n| a | bb |\n|---|--:|\n| long cell | 1 |\n| 日本 | 22 |\n\n\
        > quoted\n> twice\n\n```rust\nfn x() {\n    y();\n}\n```\n\nThe <b>end</b><!-- x -->, <i x=1>, $x^2$ & [bad](javascript:alert(1)).";

    #[test]
    fn plain_text_has_no_marks_and_tables_are_columns() {
        let plain = "Title\n\nSome bold and code, see the page (https://a.example/x) or https://b.example.\n\n\
            • one\n  • two\n    more\n• three\n\n10. ten\n11. eleven\n\n\
            a          bb\n---------  --\nlong cell   1\n日本       22\n\n\
            > quoted\n> twice\n\nfn x() {\n    y();\n}\n\nThe end, <i x=1>, $x^2$ & bad.";
        assert_eq!(to_plain_text(TEXT, LineBreaks::Auto), plain);
        assert_eq!(to_plain_text("one\ntwo", LineBreaks::Markdown), "one two");
        assert_eq!(
            to_plain_text("- [x] done\n- [ ] open\n\nA[^1]\n\n[^1]: note", LineBreaks::Auto),
            "• [x] done\n• [ ] open\n\nA[1]\n\n[1] note"
        );
        assert_eq!(to_plain_text("$5 or *$9*", LineBreaks::Auto), "$5 or $9");
        assert_eq!(to_plain_text("a\u{1b}[31mb", LineBreaks::Auto), "ab");
    }

    #[test]
    fn html_has_the_form_and_nothing_of_the_html_in_the_text() {
        let html = "<h1>Title</h1>\n<p>Some <strong>bold</strong> and <code>code</code>, see <a href=\"https://a.example/x\">the page</a> \
            or <a href=\"https://b.example\">https://b.example</a>.</p>\n<ul>\n<li>one<ul>\n<li>two<br>\nmore</li>\n</ul>\n</li>\n<li>three</li>\n</ul>\n\
            <ol start=\"10\">\n<li>ten</li>\n<li>eleven</li>\n</ol>\n<table>\n<tr><th>a</th><th align=\"right\">bb</th></tr>\n\
            <tr><td>long cell</td><td align=\"right\">1</td></tr>\n<tr><td>日本</td><td align=\"right\">22</td></tr>\n</table>\n\
            <blockquote>\n<p>quoted<br>\ntwice</p>\n</blockquote>\n<pre><code class=\"language-rust\">fn x() {\n    y();\n}\n</code></pre>\n\
            <p>The <b>end</b>, &lt;i x=1&gt;, $x^2$ &amp; bad.</p>";
        assert_eq!(to_html(TEXT, LineBreaks::Auto), html);
        assert_eq!(to_html("<script>alert(1)</script>", LineBreaks::Auto), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(to_html("one\ntwo ![alt](https://a.example/i.png)", LineBreaks::Markdown), "<p>one two alt</p>");
    }
}
