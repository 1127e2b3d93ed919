//! Prints the answer of `ibid ask` while it streams.

use std::io::{self, Write};

use super::{AskOutcome, PrintMode};
use crate::{
    chat::{Answer, Item, answer::ContentPart},
    citations::leftovers::{FilterStage, LeftoverFilter, without_leftovers},
    text::{self, TextCleaner, work},
};

/// Prints an answer, and records what has been printed, which is always a beginning of the answer as the program copies
/// it: cleaned, and without what a server left of its citations.
pub(super) struct AnswerPrinter {
    mode: PrintMode,
    /// The text that was taken in, as it came.
    raw: String,
    leftovers: LeftoverFilter,
    /// The same without leftover citations, as far as that is decided.
    filtered: String,
    /// The same as it was printed.
    printed: String,
    cleaner: TextCleaner,
    /// The answer's `text_rewrites` when what has been printed was last known to be its beginning.
    compared: Option<u64>,
}

/// Whether what has been printed is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrintResult {
    Whole,
    /// The server replaced text that had been printed already.
    Replaced,
    /// Some of the text could not be read.
    Unreadable,
}

impl PrintResult {
    pub(super) fn failure(self) -> Option<AskOutcome> {
        let why = match self {
            Self::Whole => return None,
            Self::Replaced => "the server changed what was already printed; see the whole answer with ibid --continue",
            Self::Unreadable => "a part of the answer could not be read, so only what came before it was printed",
        };
        Some(AskOutcome::Failed(why.into()))
    }
}

impl AnswerPrinter {
    pub(super) fn new(mode: PrintMode) -> Self {
        Self {
            mode,
            raw: String::new(),
            leftovers: LeftoverFilter::default(),
            filtered: String::new(),
            printed: String::new(),
            cleaner: TextCleaner::default(),
            compared: None,
        }
    }

    pub(super) fn print_progress(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        match self.mode {
            PrintMode::Streaming => self.print_new_text(answer, out),
            PrintMode::WhenComplete => Ok(()),
        }
    }

    /// Prints the rest of the answer and its sources.
    pub(super) fn finish(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<PrintResult> {
        self.print_new_text(answer, out)?;
        let whole: String = answer_texts(answer).collect();
        if whole == self.raw {
            self.leftovers.push(&whole, FilterStage::Complete, &mut self.filtered);
        } else {
            self.filtered = without_leftovers(&whole).into_owned();
        }
        let whole = text::clean(&self.filtered);
        let result = if answer.has_text_gap() {
            PrintResult::Unreadable
        } else if let Some(rest) = whole.strip_prefix(&self.printed) {
            self.printed += rest;
            out.write_all(rest.as_bytes())?;
            PrintResult::Whole
        } else {
            PrintResult::Replaced
        };
        if !self.printed.is_empty() && !self.printed.ends_with('\n') {
            writeln!(out)?;
        }
        if result == PrintResult::Whole {
            print_sources(answer, out)?;
        }
        out.flush()?;
        Ok(result)
    }

    /// Prints the text that is new since the last call, as long as it continues what has been printed.
    fn print_new_text(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        if answer.has_text_gap() {
            return Ok(()); // What follows a gap may not be the next text.
        }
        let Some(new) = self.new_text(answer).filter(|new| !new.is_empty()) else { return Ok(()) };
        self.raw += &new;
        let (passed, start) = (self.filtered.len(), self.printed.len());
        self.leftovers.push(&self.raw, FilterStage::Growing, &mut self.filtered);
        self.cleaner.push(&self.filtered[passed..], &mut self.printed);
        out.write_all(&self.printed.as_bytes()[start..])?;
        out.flush()
    }

    /// Returns the text behind what has been printed; `None` if the server took some of that back. What has been
    /// printed is compared only if it may have changed.
    fn new_text(&mut self, answer: &Answer) -> Option<String> {
        let must_compare = self.compared != Some(answer.text_rewrites());
        let mut known = self.raw.as_str();
        let mut new = String::new();
        for text in answer_texts(answer) {
            let (same, more) = text.split_at(text.floor_char_boundary(known.len()));
            work::count_steps(more.len() + if must_compare { same.len() } else { 0 });
            if must_compare {
                known = known.strip_prefix(same)?;
            } else {
                known = known.get(same.len()..)?;
            }
            new += more;
        }
        self.compared = known.is_empty().then(|| answer.text_rewrites());
        self.compared.map(|_| new)
    }
}

fn print_sources(answer: &Answer, out: &mut impl Write) -> io::Result<()> {
    let sources = cited_sources(answer);
    if !sources.is_empty() {
        writeln!(out)?;
    }
    for (number, (title, url)) in (1..).zip(sources) {
        let line = format!("{title}  {url}");
        writeln!(out, "[{number}] {}", text::join_lines(&line).trim_start())?;
    }
    Ok(())
}

/// Returns the parts of `Answer::text`.
fn answer_texts(answer: &Answer) -> impl Iterator<Item = &str> {
    let messages = answer.items.values().filter_map(Item::parts);
    let messages = messages.filter(|parts| parts.iter().any(|part| !part.text().is_empty()));
    messages.enumerate().flat_map(|(number, parts)| {
        let gap = (number > 0).then_some("\n\n");
        gap.into_iter().chain(parts.iter().map(ContentPart::text))
    })
}

/// Returns the titles and addresses of the sources, in order of first citation, each address once.
pub(crate) fn cited_sources(answer: &Answer) -> Vec<(&str, &str)> {
    let mut sources: Vec<(&str, &str)> = Vec::new();
    for annotation in answer.annotations() {
        let Some(url) = annotation.url.as_deref() else { continue };
        if !sources.iter().any(|(_, known)| *known == url) {
            sources.push((annotation.title.as_deref().unwrap_or_default(), url));
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Timestamp;

    /// Prints an answer after each of these events, then its end; returns what was printed and how that went.
    fn printed(events: &[serde_json::Value]) -> (String, PrintResult) {
        let mut answer = Answer::new("openrouter", "m", Timestamp::UNIX_EPOCH);
        let mut printer = AnswerPrinter::new(PrintMode::Streaming);
        let mut out = Vec::new();
        for event in events {
            answer.apply(0, Timestamp::UNIX_EPOCH, &crate::api::Event::parse(&event.to_string()));
            printer.print_progress(&answer, &mut out).expect("memory can be written");
        }
        let result = printer.finish(&answer, &mut out).expect("memory can be written");
        (String::from_utf8(out).expect("text"), result)
    }

    fn delta(text: &serde_json::Value) -> serde_json::Value {
        serde_json::json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text })
    }

    fn item_done(text: &str) -> serde_json::Value {
        serde_json::json!({ "type": "response.output_item.done", "output_index": 0, "item": { "type": "message",
            "role": "assistant", "content": [{ "type": "output_text", "text": text, "annotations": [] }] } })
    }

    #[test]
    fn what_is_printed_is_always_a_beginning_of_the_answer() {
        let (one, two) = (delta(&"One ".into()), delta(&"two".into()));
        let unreadable = delta(&7.into());
        for (events, output, result) in [
            (vec![one.clone(), two.clone(), item_done("One two")], "One two\n", PrintResult::Whole),
            (vec![one.clone(), two.clone(), item_done("One two three")], "One two three\n", PrintResult::Whole),
            (vec![one.clone(), two.clone(), item_done("One 2")], "One two\n", PrintResult::Replaced),
            (vec![one.clone(), two.clone(), item_done("One")], "One two\n", PrintResult::Replaced),
            (vec![one.clone(), two.clone(), item_done("1 two and more")], "One two\n", PrintResult::Replaced),
            (
                vec![one.clone(), unreadable.clone(), two.clone(), item_done("One and two")],
                "One and two\n",
                PrintResult::Whole,
            ),
            (vec![one.clone(), unreadable.clone(), two.clone()], "One\n", PrintResult::Unreadable),
            (vec![unreadable.clone(), two.clone()], "", PrintResult::Unreadable),
            (
                vec![delta(&"a\u{1b}[31".into()), delta(&"mb\r".into()), delta(&"\nc".into())],
                "ab\nc\n",
                PrintResult::Whole,
            ),
            (vec![one.clone(), item_done("One \u{1b}[1mtwo")], "One two\n", PrintResult::Whole),
        ] {
            assert_eq!(printed(&events), (output.to_owned(), result), "{events:?}");
        }
    }

    #[test]
    fn what_a_server_left_of_its_citations_is_never_printed() {
        let text = "Paris 【4†source】 is large citeturn0search1, `【1†source】` is code【2†source】.\n\n```\n【3†source】\n```\n[oai_citation:1‡Rome](https://a.example) is :contentReference[oaicite:0]{index=0} not \u{e200}cite\u{e202}turn0search1\u{e201}.";
        let expected =
            "Paris is large, `【1†source】` is code.\n\n```\n【3†source】\n```\n[Rome](https://a.example) is not.\n";
        for size in 1..12 {
            let letters: Vec<char> = text.chars().collect();
            let mut deltas: Vec<serde_json::Value> =
                letters.chunks(size).map(|piece| delta(&piece.iter().collect::<String>().into())).collect();
            deltas.push(item_done(text));
            assert_eq!(printed(&deltas), (expected.to_owned(), PrintResult::Whole), "in pieces of {size}");
        }
    }

    #[test]
    fn a_delta_costs_no_look_at_what_has_been_printed() {
        let stream = |deltas: &usize| {
            let mut answer = Answer::new("openrouter", "m", Timestamp::UNIX_EPOCH);
            let mut printer = AnswerPrinter::new(PrintMode::Streaming);
            for number in 0..*deltas {
                let event = crate::api::Event::parse(&delta(&format!("{number:07} ").into()).to_string());
                answer.apply(0, Timestamp::UNIX_EPOCH, &event);
                printer.print_progress(&answer, &mut Vec::new()).expect("memory can be written");
            }
            printer.finish(&answer, &mut Vec::new()).expect("memory can be written");
        };
        work::assert_linear("deltas", 100, |deltas| deltas, stream);
    }

    #[test]
    fn text_that_grows_before_the_end_is_noticed_at_once() {
        let at = |output: u32, content: u32, text: &str| {
            serde_json::json!({ "type": "response.output_text.delta", "output_index": output, "content_index": content,
                "delta": text })
        };
        for (events, output) in [
            (vec![at(0, 0, "One "), at(0, 1, "two"), at(0, 0, "and "), at(0, 1, " three")], "One two\n"),
            (vec![at(3, 0, "One"), at(1, 0, "Zero"), at(3, 0, " two")], "One\n"),
            (vec![at(1, 0, "One"), at(3, 0, "two"), at(1, 0, "!"), at(3, 0, "?")], "One\n\ntwo\n"),
        ] {
            assert_eq!(printed(&events), (output.to_owned(), PrintResult::Replaced), "{events:?}");
        }
    }
}
