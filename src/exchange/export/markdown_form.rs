//! A conversation as Markdown, with its citations as footnotes.

use std::fmt::Write;

use super::{
    document::{AnswerBlock, AnswerEntry, CallEntry, DocumentEntry, EntryBody, ExportDocument, SourceEntry},
    front_matter,
};
use crate::{
    render::markdown::marked_text::{self, ReferenceForms},
    text,
};

/// Writes a document as Markdown.
pub(super) fn write(document: &ExportDocument<'_>) -> String {
    let mut out = front_matter::write(document);
    out.push('\n');
    push_block(&mut out, &format!("# {}", escaped(&document.title)));
    if let Some(prompt) = document.system_prompt() {
        push_details(&mut out, "System prompt", &closed(&prompt));
    }
    for entry in &document.entries {
        write_entry(document, entry, &mut out);
    }
    out.truncate(out.trim_end().len() + 1);
    out
}

fn write_entry(document: &ExportDocument<'_>, entry: &DocumentEntry<'_>, out: &mut String) {
    let name = match &entry.body {
        EntryBody::Prompt(_) => "You".to_owned(),
        EntryBody::Answer(answer) => escaped(&answer.model()),
    };
    let mut facts = vec![document.local_time(entry.message.created_at)];
    if let EntryBody::Answer(answer) = &entry.body {
        facts.extend(answer.facts());
    }
    facts.extend(entry.place_words());
    let number = entry.number;
    let facts = escaped(&facts.join(" · "));
    let _ = write!(out, "## {number}. {name}\n\n<sub>{facts}</sub>\n\n"); // Writing to a string cannot fail.
    match &entry.body {
        EntryBody::Prompt(text) => push_block(out, &closed(&text::clean(text))),
        EntryBody::Answer(answer) => write_answer(entry, answer, out),
    }
}

fn write_answer(entry: &DocumentEntry<'_>, answer: &AnswerEntry<'_>, out: &mut String) {
    for note in &answer.answer.notes {
        push_block(out, &format!("*{}*", escaped(&text::one_line(note))));
    }
    for block in &answer.blocks {
        write_block(entry.number, block, out);
    }
    if let Some(ending) = &answer.ending {
        push_block(out, &format!("> **{}**", escaped(ending)));
    }
    for source in &answer.sources {
        push_footnote(out, entry.number, source);
    }
}

fn write_block(number: usize, block: &AnswerBlock<'_>, out: &mut String) {
    match block {
        AnswerBlock::Reasoning { title, texts } => {
            let texts: Vec<String> = texts.iter().map(|text| closed(&text::clean(text))).collect();
            push_details(out, title, &texts.join("\n\n"));
        }
        AnswerBlock::Searches { title, lines } => {
            let line = |line: &String| {
                if text::link::can_open(line) { format!("- <{line}>") } else { format!("- {}", escaped(line)) }
            };
            let lines = lines.iter().map(line);
            push_details(out, title, &lines.collect::<Vec<_>>().join("\n"));
        }
        AnswerBlock::Call(call) => push_call(out, call),
        AnswerBlock::Other { title, json } => push_details(out, title, &fenced("json", json)),
        AnswerBlock::Text { markdown, marks, is_commentary } => {
            let forms = ReferenceForms {
                citation: &|source| format!("[^{}]", source_label(number, source)),
                footnote: &|label| format!("{number}-{label}"),
            };
            let text = closed(&marked_text::with_references(markdown, marks, &forms));
            push_block(out, &if *is_commentary { format!("*Commentary*\n\n{text}") } else { text });
        }
        AnswerBlock::Refusal(text) => {
            push_block(out, &format!("**The model declined.** {}", escaped(&text::clean(text))));
        }
    }
}

fn push_call(out: &mut String, call: &CallEntry) {
    let status = if call.status.is_empty() { String::new() } else { format!(", {}", call.status) };
    let mut body = fenced("json", &call.arguments);
    if let Some(result) = &call.result {
        body.extend([format!("\n\nResult:\n\n{}", fenced("", result))]);
    }
    push_details(out, &format!("Called {}{status}", call.tool), &body);
}

/// A footnote: the page, its excerpt and what its check found.
fn push_footnote(out: &mut String, number: usize, entry: &SourceEntry) {
    let source = &entry.source;
    let title = escaped(&source.title);
    let mut words = match source.page_url() {
        Some(url) => format!("[{title}](<{}>)", url.replace(['<', '>', '\n'], "")),
        None => title,
    };
    if let Some(excerpt) = &source.excerpt {
        let _ = write!(words, " — “{}”", escaped(excerpt)); // As above.
    }
    if let Some(verdict) = &entry.verdict {
        let _ = write!(words, " — *checked: {}*", escaped(verdict)); // As above.
    }
    push_block(out, &format!("[^{}]: {words}", source_label(number, source.number)));
}

fn source_label(number: usize, source: u32) -> String {
    format!("{number}.{source}")
}

fn push_details(out: &mut String, title: &str, body: &str) {
    let title = escaped_html(title);
    push_block(out, &format!("<details><summary>{title}</summary>\n\n{body}\n\n</details>"));
}

/// Adds a block and the blank line before the next one.
fn push_block(out: &mut String, text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        out.extend([text, "\n\n"]);
    }
}

/// Text as code, whatever is in it.
fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// Closes a fence that is open at the end of a text, so that what follows is no code.
fn closed(text: &str) -> String {
    match marked_text::open_fence(text) {
        Some(fence) => format!("{}\n{fence}", text.trim_end_matches('\n')),
        None => text.to_owned(),
    }
}

/// Text in which nothing is Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '$' => out.extend(['\\', char]),
            other => out.push(other),
        }
    }
    out
}

fn escaped_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
