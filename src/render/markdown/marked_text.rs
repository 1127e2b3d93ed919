//! Markdown with its citations written into it, for texts that leave ibid.

use std::ops::Range;

use pulldown_cmark::{Event, Tag};

use super::{blocks::is_too_deep, open_text::OpenText, prepare::prepare};
use crate::citations::annotations::{self, CitationMark};

/// What is written for what a text refers to.
pub struct ReferenceForms<'a> {
    /// The mark of a source, by its number.
    pub citation: &'a dyn Fn(u32) -> String,
    /// The label of a footnote of the text itself.
    pub footnote: &'a dyn Fn(&str) -> String,
}

/// Returns clean Markdown in which each citation is written where ibid shows its mark. Links that ibid replaces by a mark,
/// and what it hides, are left out.
pub fn with_references(markdown: &str, marks: &[CitationMark], forms: &ReferenceForms<'_>) -> String {
    let mut open = OpenText::default();
    open.grow(markdown);
    if is_too_deep(&open.text) {
        return open.text;
    }
    let marks: Vec<CitationMark> = marks.iter().map(|mark| open.map_mark(mark)).collect();
    let mut writer = ReferenceWriter {
        text: &open.text,
        is_placed: vec![false; marks.len()],
        marks: &marks,
        forms,
        edits: Vec::new(),
        whole: Vec::new(),
        code: Vec::new(),
    };
    let prepared = prepare(&open.text);
    prepared.events().for_each(|(event, range)| writer.on_event(&event, range));
    writer.place_rest();
    writer.remove_link_brackets();
    writer.finish()
}

/// Returns what closes the code block that is open at the end of a text.
pub fn open_fence(markdown: &str) -> Option<String> {
    let prepared = prepare(markdown);
    let (_, last) = prepared.events().filter(|(event, _)| matches!(event, Event::Start(Tag::CodeBlock(_)))).last()?;
    let block = markdown[last.start..].trim_end();
    let sign = block.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let length = block.len() - block.trim_start_matches(sign).len();
    let fence = sign.to_string().repeat(length);
    let is_closed = || {
        let line = block.rsplit('\n').next().unwrap_or_default().trim_start_matches([' ', '>']);
        block.contains('\n') && line.len() >= length && line.chars().all(|char| char == sign)
    };
    (last.end >= markdown.trim_end().len() && !is_closed()).then_some(fence)
}

/// A change of the text.
struct TextEdit {
    range: Range<usize>,
    words: String,
    /// It replaces a link by its mark.
    is_link: bool,
}

struct ReferenceWriter<'a> {
    text: &'a str,
    marks: &'a [CitationMark],
    is_placed: Vec<bool>,
    forms: &'a ReferenceForms<'a>,
    edits: Vec<TextEdit>,
    /// Spans that nothing is written into: code, formulas, links.
    whole: Vec<Range<usize>>,
    code: Vec<Range<usize>>,
}

impl ReferenceWriter<'_> {
    fn on_event(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => self.on_link(dest_url, range),
            Event::Start(Tag::Image { .. })
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::InlineHtml(_) => self.whole.push(range),
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => self.code.push(range),
            Event::FootnoteReference(label) => {
                let words = format!("[^{}]", (self.forms.footnote)(label));
                self.whole.push(range.clone());
                self.edits.push(TextEdit { range, words, is_link: false });
            }
            Event::Start(Tag::FootnoteDefinition(label)) => {
                if let Some(end) = self.text[range.clone()].find("]:") {
                    let words = format!("[^{}", (self.forms.footnote)(label));
                    self.edits.push(TextEdit { range: range.start..range.start + end, words, is_link: false });
                }
            }
            _ => (),
        }
    }

    /// Writes the mark of a cited link, in its place if it says nothing else.
    fn on_link(&mut self, address: &str, range: Range<usize>) {
        self.whole.push(range.clone());
        let key = annotations::address_key(address);
        let fits = |mark: &CitationMark| {
            let is_near = mark.range.start + 4 >= range.start && mark.range.end <= range.end + 4;
            let overlaps = mark.range.start < range.end && range.start < mark.range.end;
            let is_meant =
                mark.cited.as_ref().is_some_and(|cited| *cited.key == *key || cited.is_from_server && is_near);
            overlaps && is_meant
        };
        let found = (0..self.marks.len()).find(|index| !self.is_placed[*index] && fits(&self.marks[*index]));
        let Some((index, cited)) = found.and_then(|index| Some((index, self.marks[index].cited.as_ref()?))) else {
            return;
        };
        self.is_placed[index] = true;
        let is_link = cited.is_from_server || annotations::only_names_address(&self.text[range.clone()]);
        let range = if is_link { range } else { range.end..range.end };
        self.edits.push(TextEdit { range, words: (self.forms.citation)(cited.number), is_link });
    }

    /// Writes the marks that belong to no link, and takes out what is hidden.
    fn place_rest(&mut self) {
        for (mark, is_placed) in self.marks.iter().zip(&self.is_placed) {
            let Some(cited) = &mark.cited else {
                self.edits.push(TextEdit { range: mark.range.clone(), words: String::new(), is_link: false });
                continue;
            };
            let is_inside = |code: &Range<usize>| code.start < mark.insert_at && mark.insert_at <= code.end;
            if *is_placed || self.code.iter().any(is_inside) {
                continue;
            }
            let around = self.whole.iter().filter(|span| span.start < mark.insert_at && mark.insert_at < span.end);
            let point = around.map(|span| span.end).max().unwrap_or(mark.insert_at);
            let words = (self.forms.citation)(cited.number);
            self.edits.push(TextEdit { range: point..point, words, is_link: false });
        }
        self.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    }

    /// Takes out the brackets and commas that a model wrote around links that became marks.
    fn remove_link_brackets(&mut self) {
        let mut index = 0;
        while index < self.edits.len() {
            let first = index;
            let is_next = |at: usize, edits: &[TextEdit]| {
                let between = edits.get(at + 1).filter(|next| next.is_link)?.range.start;
                let words = self.text.get(edits[at].range.end..between)?;
                words.trim_matches([' ', ',', ';']).is_empty().then_some(between)
            };
            while self.edits[index].is_link
                && let Some(next) = is_next(index, &self.edits)
            {
                self.edits[index].range.end = next;
                index += 1;
            }
            if self.edits[first].is_link {
                let group = self.edits[first].range.start..self.edits[index].range.end;
                let (before, after) = (&self.text[..group.start], &self.text[group.end..]);
                let brackets = [('(', ')'), ('（', '）')].into_iter();
                let around =
                    brackets.into_iter().find(|(open, close)| before.ends_with(*open) && after.starts_with(*close));
                if let Some((open, close)) = around {
                    self.edits[first].range.start -= open.len_utf8();
                    self.edits[index].range.end += close.len_utf8();
                }
            }
            index += 1;
        }
    }

    fn finish(self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut done = 0;
        for edit in self.edits {
            if edit.range.start > done {
                out.push_str(&self.text[done..edit.range.start]);
            }
            out.push_str(&edit.words);
            done = done.max(edit.range.end);
        }
        out.push_str(&self.text[done..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::citations::annotations::{CitedAnnotation, address_key};

    fn written(text: &str, marks: &[CitationMark]) -> String {
        let forms =
            ReferenceForms { citation: &|number| format!("[^s{number}]"), footnote: &|label| format!("own-{label}") };
        with_references(text, marks, &forms)
    }

    fn mark(text: &str, words: &str, number: u32, url: &str) -> CitationMark {
        let start = text.find(words).expect("the words are there");
        CitationMark {
            range: start..start + words.len(),
            insert_at: start + words.len(),
            cited: Some(CitedAnnotation {
                number,
                is_from_server: true,
                annotation_index: 0,
                key: Arc::from(address_key(url)),
                verdict: None,
            }),
        }
    }

    #[test]
    fn a_mark_follows_its_claim_and_replaces_its_link() {
        let text = "WAL is local, they say ([a.example](https://a.example), [b.example](https://b.example)). More.";
        let marks = [
            mark(text, "WAL is local", 1, "https://a.example"),
            mark(text, "[a.example](https://a.example)", 2, "https://a.example"),
            mark(text, "[b.example](https://b.example)", 3, "https://b.example"),
        ];
        assert_eq!(written(text, &marks), "WAL is local[^s1], they say [^s2][^s3]. More.");
    }

    #[test]
    fn a_mark_is_never_written_into_code_or_a_formula() {
        let text = "Call `open now` and $a + b$.\n\n```\nfn main() {}\n```\n";
        let marks = [mark(text, "open", 1, "a"), mark(text, "a +", 2, "b"), mark(text, "fn main", 3, "c")];
        assert_eq!(written(text, &marks), "Call `open now`[^s1] and $a + b$[^s2].\n\n```\nfn main() {}\n```\n");
    }

    #[test]
    fn a_fence_that_is_open_at_the_end_is_found() {
        assert_eq!(open_fence("a\n\n````rust\nfn x() {}\n```\n").as_deref(), Some("````"));
        assert_eq!(open_fence("~~~\ncode").as_deref(), Some("~~~"));
        assert_eq!(open_fence("```").as_deref(), Some("```"));
        for text in ["a\n\n```\ncode\n```\n", "```\ncode\n```\n\nmore", "    indented", "`code`", ""] {
            assert_eq!(open_fence(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_hidden_is_left_out_and_footnotes_get_their_labels() {
        let text = "Paris【4†source】 is large[^1].\n\n[^1]: By area.\n";
        let hidden = text.find('【').expect("it is there")..text.find(" is").expect("it is there");
        let marks = [CitationMark { insert_at: hidden.end, range: hidden, cited: None }];
        assert_eq!(written(text, &marks), "Paris is large[^own-1].\n\n[^own-1]: By area.\n");
        assert_eq!(written("a\u{1b}[31mb", &[]), "ab");
    }
}
