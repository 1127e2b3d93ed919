//! A conversation as plain text, to be read as it is.

use super::document::{AnswerBlock, AnswerEntry, DocumentEntry, EntryBody, ExportDocument};
use crate::{
    config::LineBreaks,
    render::markdown::{
        copied_text,
        marked_text::{self, ReferenceForms},
    },
    text,
};

/// Writes a document as plain text.
pub(super) fn write(document: &ExportDocument<'_>) -> String {
    let mut out = format!("{}\n{}\n", document.title, "=".repeat(text::width(&document.title)));
    let mut facts = vec![document.local_time(document.whole.header.updated_at)];
    facts.push(document.options.part.scope().title().to_owned());
    facts.push(document.options.density.title().to_owned());
    facts.extend(document.cost().map(|cost| cost.to_string()));
    if document.masked_count > 0 {
        facts.push(format!("{} secrets masked", document.masked_count));
    }
    out.extend([format!("{}\n", facts.join(" · "))]);
    if let Some(prompt) = document.system_prompt() {
        push_block(&mut out, &labelled("System prompt", &prompt));
    }
    for entry in &document.entries {
        write_entry(document, entry, &mut out);
    }
    out
}

fn write_entry(document: &ExportDocument<'_>, entry: &DocumentEntry<'_>, out: &mut String) {
    let mut facts = vec![match &entry.body {
        EntryBody::Prompt(_) => "You".to_owned(),
        EntryBody::Answer(answer) => answer.model(),
    }];
    facts.push(document.local_time(entry.message.created_at));
    if let EntryBody::Answer(answer) = &entry.body {
        facts.extend(answer.facts());
    }
    facts.extend(entry.place_words());
    let head = format!("{}. {}", entry.number, facts.join(" · "));
    out.extend([format!("\n\n{head}\n{}\n", "-".repeat(text::width(&head).min(80)))]);
    match &entry.body {
        EntryBody::Prompt(text) => push_block(out, &text::clean(text)),
        EntryBody::Answer(answer) => write_answer(answer, document.setting.line_breaks, out),
    }
}

fn write_answer(answer: &AnswerEntry<'_>, line_breaks: LineBreaks, out: &mut String) {
    for note in &answer.answer.notes {
        push_block(out, &text::one_line(note));
    }
    for block in &answer.blocks {
        push_block(out, &block_text(block, line_breaks));
    }
    if let Some(ending) = &answer.ending {
        push_block(out, &format!("({ending})"));
    }
    for entry in &answer.sources {
        let source = &entry.source;
        let mut words = format!("[{}] {}", source.number, source.title);
        words.extend(source.url.as_deref().map(|url| format!("\n    {}", text::one_line(url))));
        words.extend(source.excerpt.as_deref().map(|excerpt| format!("\n    “{excerpt}”")));
        words.extend(entry.verdict.as_deref().map(|verdict| format!("\n    checked: {verdict}")));
        push_block(out, &words);
    }
}

fn block_text(block: &AnswerBlock<'_>, line_breaks: LineBreaks) -> String {
    let plain = |markdown: &str| copied_text::to_plain_text(markdown, line_breaks);
    match block {
        AnswerBlock::Reasoning { title, texts } => {
            let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
            labelled(title, &texts.join("\n\n"))
        }
        AnswerBlock::Searches { title, lines } => labelled(title, &lines.join("\n")),
        AnswerBlock::Call(call) => {
            let status = if call.status.is_empty() { String::new() } else { format!(", {}", call.status) };
            let result = call.result.as_deref().map(|result| format!("\n{result}")).unwrap_or_default();
            labelled(&format!("Called {}{status}", call.tool), &format!("{}{result}", call.arguments))
        }
        AnswerBlock::Other { title, json } => labelled(title, json),
        AnswerBlock::Text { markdown, marks, is_commentary } => {
            let forms =
                ReferenceForms { citation: &|source| format!("\\[{source}\\]"), footnote: &|label| label.to_owned() };
            let text = plain(&marked_text::with_references(markdown, marks, &forms));
            if *is_commentary { labelled("Commentary", &text) } else { text }
        }
        AnswerBlock::Refusal(text) => format!("The model declined. {}", text::clean(text)),
    }
}

/// A text behind bars, below its name.
fn labelled(title: &str, text: &str) -> String {
    let lines = text.lines().map(|line| format!("  | {line}").trim_end().to_owned());
    std::iter::once(format!("[{title}]")).chain(lines).collect::<Vec<_>>().join("\n")
}

fn push_block(out: &mut String, text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        out.extend(["\n", text, "\n"]);
    }
}
