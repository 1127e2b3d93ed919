//! A conversation as one page that needs nothing else: no script, and nothing to load.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{
    document::{AnswerBlock, AnswerEntry, CallEntry, DocumentEntry, EntryBody, ExportDocument, SourceEntry},
    json_form,
};
use crate::{
    render::{
        highlight::CodeHighlighter,
        markdown::web_text::{self, WebTextOptions, escaped},
    },
    text,
};

const STYLE: &str = include_str!("../../../assets/export/page.css");

/// Writes a document as a page. It holds, as data, exactly what it shows.
pub(super) fn write(document: &ExportDocument<'_>, highlighter: &mut CodeHighlighter) -> String {
    let mut page = PageWriter { document, highlighter, out: String::new() };
    page.head();
    for entry in &document.entries {
        page.entry(entry);
    }
    page.foot();
    page.out
}

/// What the page may do: nothing but use its own style.
fn content_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

struct PageWriter<'a, 'h> {
    document: &'a ExportDocument<'a>,
    highlighter: &'h mut CodeHighlighter,
    out: String,
}

impl PageWriter<'_, '_> {
    fn head(&mut self) {
        let document = self.document;
        let title = escaped(&document.title);
        self.push(&[
            "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n",
            &format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", content_policy()),
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n",
            &format!("<meta name=\"generator\" content=\"ibid {}\">\n", env!("CARGO_PKG_VERSION")),
            &format!("<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"),
            &format!("<header>\n<h1 dir=\"auto\">{title}</h1>\n"),
        ]);
        let mut facts = vec![document.local_time(document.whole.header.updated_at)];
        facts.extend(document.cost().map(|cost| cost.to_string()));
        self.facts(&facts);
        let extent = escaped(&document.extent_words());
        let back = if document.gives_tree_back() {
            "<code>ibid import</code> gives the whole tree back from this page."
        } else {
            "This page does not give the whole tree back."
        };
        self.push(&[&format!("<p class=\"extent\">Exported: {extent}. {back}</p>\n")]);
        if let Some(prompt) = document.system_prompt() {
            self.details("System prompt", &format!("<pre class=\"plain\">{}</pre>", escaped(&prompt)));
        }
        self.push(&["</header>\n<main>\n"]);
    }

    fn foot(&mut self) {
        let document = self.document;
        let when = escaped(&document.local_time(document.setting.now));
        let version = env!("CARGO_PKG_VERSION");
        self.push(&[
            &format!("</main>\n<footer>Exported by ibid {version}, {when}</footer>\n"),
            &json_form::portable(document).to_page_element(),
            "\n</body>\n</html>\n",
        ]);
    }

    fn entry(&mut self, entry: &DocumentEntry<'_>) {
        let number = entry.number;
        let (class, name) = match &entry.body {
            EntryBody::Prompt(_) => ("prompt", "You".to_owned()),
            EntryBody::Answer(answer) => ("answer", escaped(&answer.model())),
        };
        self.push(&[&format!("<article class=\"{class}\" id=\"m{number}\">\n<h2>{number}. {name}</h2>\n")]);
        let mut facts = vec![escaped(&self.document.local_time(entry.message.created_at))];
        if let EntryBody::Answer(answer) = &entry.body {
            facts.extend(answer.facts().iter().map(|fact| escaped(fact)));
            facts.extend(answer.answer.generation_ids().map(escaped));
        }
        facts.extend(place_links(entry));
        self.push(&[&format!("<p class=\"facts\">{}</p>\n", facts.join(" · "))]);
        match &entry.body {
            EntryBody::Prompt(text) => {
                let text = escaped(&text::clean(text));
                self.push(&[&format!("<div class=\"text\" dir=\"auto\">{text}</div>\n")]);
            }
            EntryBody::Answer(answer) => self.answer(number, answer),
        }
        self.push(&["</article>\n"]);
    }

    fn answer(&mut self, number: usize, answer: &AnswerEntry<'_>) {
        for note in &answer.answer.notes {
            self.push(&[&format!("<p class=\"facts\">{}</p>\n", escaped(&text::one_line(note)))]);
        }
        let mut marks = Vec::new();
        for (index, block) in answer.blocks.iter().enumerate() {
            marks.extend(self.block(&format!("m{number}b{index}"), &format!("m{number}s"), block));
        }
        if let Some(ending) = &answer.ending {
            self.push(&[&format!("<p class=\"ending\">{}</p>\n", escaped(ending))]);
        }
        if !answer.sources.is_empty() {
            self.push(&["<section class=\"sources\">\n<h3>Sources</h3>\n<ol>\n"]);
            for source in &answer.sources {
                self.source(number, source, &marks);
            }
            self.push(&["</ol>\n</section>\n"]);
        }
    }

    /// Writes a block; returns the citation marks in it.
    fn block(&mut self, id_prefix: &str, source_prefix: &str, block: &AnswerBlock<'_>) -> Vec<(u32, String)> {
        let options = WebTextOptions { id_prefix, source_prefix, line_breaks: self.document.setting.line_breaks };
        match block {
            AnswerBlock::Reasoning { title, texts } => {
                let mut html = String::new();
                for (index, text) in texts.iter().enumerate() {
                    let id_prefix = format!("{id_prefix}r{index}");
                    let options = WebTextOptions { id_prefix: &id_prefix, ..options };
                    html += &web_text::to_web_text(text, &[], &options, self.highlighter).html;
                }
                self.details(title, &html);
            }
            AnswerBlock::Searches { title, lines } => {
                let line = |line: &String| match web_text::link_tag(line) {
                    Some(tag) => format!("<li>{tag}{}</a></li>\n", escaped(line)),
                    None => format!("<li>{}</li>\n", escaped(line)),
                };
                let lines: String = lines.iter().map(line).collect();
                self.details(title, &format!("<ul>\n{lines}</ul>"));
            }
            AnswerBlock::Call(call) => self.call(call),
            AnswerBlock::Other { title, json } => {
                let json = web_text::highlighted_code(json, "json", self.highlighter);
                self.details(title, &format!("<pre><code>{json}</code></pre>"));
            }
            AnswerBlock::Text { markdown, marks, is_commentary } => {
                let text = web_text::to_web_text(markdown, marks, &options, self.highlighter);
                if *is_commentary {
                    self.push(&["<div class=\"commentary\">\n<p>Commentary</p>\n", &text.html, "</div>\n"]);
                } else {
                    self.push(&[&text.html]);
                }
                return text.marks;
            }
            AnswerBlock::Refusal(words) => {
                let words = escaped(&text::clean(words));
                self.push(&[&format!(
                    "<p class=\"refusal\" dir=\"auto\"><strong>The model declined.</strong> {words}</p>\n"
                )]);
            }
        }
        Vec::new()
    }

    fn call(&mut self, call: &CallEntry) {
        let status = if call.status.is_empty() { String::new() } else { format!(", {}", call.status) };
        let arguments = web_text::highlighted_code(&call.arguments, "json", self.highlighter);
        let mut html = format!("<pre><code>{arguments}</code></pre>");
        if let Some(result) = &call.result {
            html.extend([format!("\n<pre class=\"plain\">{}</pre>", escaped(result))]);
        }
        self.details(&format!("Called {}{status}", call.tool), &html);
    }

    /// Writes a source with links back to its marks.
    fn source(&mut self, number: usize, entry: &SourceEntry, marks: &[(u32, String)]) {
        let source = &entry.source;
        let title = escaped(&source.title);
        let link = source.page_url().and_then(web_text::link_tag);
        let mut html = match &link {
            Some(tag) => format!("{tag}{title}</a>"),
            None => title,
        };
        let site = escaped(&source.site);
        if link.is_some() && source.site != source.title {
            html.extend([format!(" <span class=\"facts\">{site}</span>")]);
        }
        if let Some(excerpt) = &source.excerpt {
            html.extend([format!("<br>\n<span class=\"excerpt\">“{}”</span>", escaped(excerpt))]);
        }
        if let Some(verdict) = &entry.verdict {
            html.extend([format!("<br>\n<span class=\"verdict\">checked: {}</span>", escaped(verdict))]);
        }
        for (_, id) in marks.iter().filter(|(cited, _)| *cited == source.number) {
            html.extend([format!(" <a class=\"back\" href=\"#{id}\">↩</a>")]);
        }
        self.push(&[&format!("<li id=\"m{number}s{}\" dir=\"auto\">{html}</li>\n", source.number)]);
    }

    fn details(&mut self, title: &str, html: &str) {
        self.push(&[&format!(
            "<details class=\"part\"><summary>{}</summary>\n{html}\n</details>\n",
            escaped(&text::one_line(title))
        )]);
    }

    fn facts(&mut self, facts: &[String]) {
        self.push(&[&format!("<p class=\"facts\">{}</p>\n", escaped(&facts.join(" · ")))]);
    }

    fn push(&mut self, pieces: &[&str]) {
        self.out.extend(pieces.iter().copied());
    }
}

/// Links to the other versions of a message, and to the message above it.
fn place_links(entry: &DocumentEntry<'_>) -> Vec<String> {
    let version = entry.version.as_ref().map(|(at, all)| {
        let others = all.iter().filter(|number| **number != entry.number);
        let links: Vec<String> = others.map(|number| format!("<a href=\"#m{number}\">{number}</a>")).collect();
        format!("version {at} of {}, the others: {}", all.len(), links.join(", "))
    });
    let follows = entry.follows.map(|number| format!("follows <a href=\"#m{number}\">message {number}</a>"));
    version.into_iter().chain(follows).collect()
}
