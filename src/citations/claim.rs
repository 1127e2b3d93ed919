//! Finds the claim of a citation: its span, or the sentence before it.

use crate::citations::annotations::CitationMark;
use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation;

use super::{annotations::only_names_address, leftovers};
use crate::text;

/// What begins and ends a quotation.
const QUOTE_PAIRS: [(char, char); 8] =
    [('“', '”'), ('„', '“'), ('«', '»'), ('»', '«'), ('「', '」'), ('『', '』'), ('"', '"'), ('‹', '›')];
/// The longest quotation, in bytes.
const MAX_QUOTATION_BYTES: usize = 2000;
/// How far from a mark its sentence may reach, in bytes.
const MAX_REACH_BYTES: usize = 4096;

/// The range of a mark's claim in the text.
pub(crate) fn claim_range(text: &str, mark: &CitationMark) -> Range<usize> {
    let span = &text[mark.range.clone()];
    let link = span.trim_matches(['(', ')', '（', '）', ' ']);
    let is_found = mark.cited.as_ref().is_none_or(|cited| !cited.is_from_server);
    let is_leftover = leftovers::without_leftovers(span).trim().is_empty();
    let is_address = link.starts_with("http://") || link.starts_with("https://") || is_found || is_leftover;
    let is_link = link.starts_with('[') && link.contains("](");
    let block = block_range(text, mark.range.start);
    let found = match () {
        () if is_address || is_link && only_names_address(&with_closing_bracket(link)) => {
            sentence_before(text, block.start..mark.range.start)
        }
        () if is_link => sentence_around(text, block, mark.range.start),
        () => mark.range.start..end_of_inline(text, mark.insert_at.max(mark.range.end)),
    };
    trim_range(text, found)
}

/// The end of the code span, link or image around a position, where the mark is drawn, or else the position.
fn end_of_inline(text: &str, at: usize) -> usize {
    let block = block_range(text, at);
    let ends = Parser::new(&text[block.clone()]).into_offset_iter().filter_map(|(event, range)| {
        let range = block.start + range.start..block.start + range.end;
        let is_whole = matches!(event, Event::Code(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. }));
        (is_whole && range.start < at && at < range.end).then_some(range.end)
    });
    ends.max().unwrap_or(at)
}

/// The text of a claim on one line, without Markdown and marks. The range may begin or end inside a marked span.
pub(crate) fn claim_text(text: &str, claim: Range<usize>) -> String {
    let around = block_range(text, claim.start).start..block_range(text, claim.end).end.max(claim.end);
    let (text, claim) = (&text[around.clone()], claim.start - around.start..claim.end - around.start);
    let mut output = String::new();
    let mut link_start = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        if range.end <= claim.start || range.start >= claim.end {
            continue;
        }
        match event {
            Event::Start(Tag::Link { .. }) if only_names_address(&text[range.clone()]) => {
                link_start = Some(output.len());
            }
            Event::End(TagEnd::Link) => {
                if let Some(length) = link_start.take() {
                    output.truncate(length);
                }
            }
            Event::Text(said) if text[range.clone()] == *said => {
                output.push_str(&text[range.start.max(claim.start)..range.end.min(claim.end)]);
            }
            Event::Text(said) | Event::Code(said) => output.push_str(&said),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item) => output.push(' '),
            _ => (),
        }
    }
    text::one_line(&leftovers::without_leftovers(&output)).replace(" ()", "")
}

/// The words that a claim quotes: each piece of two words or more between quotation marks.
pub fn quotations(claim: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = claim;
    while let Some((at, (open, close))) =
        rest.char_indices().find_map(|(at, char)| Some((at, *QUOTE_PAIRS.iter().find(|(open, _)| *open == char)?)))
    {
        let inside = &rest[at + open.len_utf8()..];
        let Some(end) = inside.find(close).filter(|end| *end <= MAX_QUOTATION_BYTES) else {
            rest = inside;
            continue;
        };
        let words = inside[..end].trim();
        let is_telling = words.unicode_words().nth(1).is_some();
        if is_telling && !found.iter().any(|other| other == words) {
            found.push(words.to_owned());
        }
        rest = &inside[end + close.len_utf8()..];
    }
    found
}

/// Restores the closing bracket of a link if it was trimmed.
fn with_closing_bracket(link: &str) -> String {
    if link.ends_with(')') { link.to_owned() } else { format!("{link})") }
}

/// The last sentence before a link, skipping other links and brackets.
fn sentence_before(text: &str, range: Range<usize>) -> Range<usize> {
    let mut end = range.end;
    loop {
        end = range.start
            + text[range.start..end].trim_end_matches(|c: char| c.is_whitespace() || "([（,;".contains(c)).len();
        let head = &text[range.start..end];
        let inner = head.trim_end_matches([')', '）']);
        let Some(opens) = inner.rfind("](").and_then(|at| inner[..at].rfind('[')) else { break };
        let is_link = inner.len() < head.len() && !inner[opens..].contains(char::is_whitespace);
        if !is_link {
            break;
        }
        end = range.start + opens;
    }
    let head = join_lines(&text[range.start..end]);
    let start = head.split_sentence_bound_indices().last().map_or(0, |(at, _)| at);
    range.start + start..end
}

/// The sentence that contains a link.
fn sentence_around(text: &str, block: Range<usize>, at: usize) -> Range<usize> {
    let lines = join_lines(&text[block.clone()]);
    let sentences = lines.split_sentence_bound_indices();
    let found = sentences.map(|(from, words)| block.start + from..block.start + from + words.len());
    found.take_while(|sentence| sentence.start <= at).last().unwrap_or(block)
}

/// Replaces line ends by spaces, so that a sentence goes on after them; all offsets stay.
fn join_lines(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The paragraph, list item or table cell around a position, without its marker.
fn block_range(text: &str, at: usize) -> Range<usize> {
    let floor = text.ceil_char_boundary(at.saturating_sub(MAX_REACH_BYTES));
    let ceiling = text.floor_char_boundary((at + MAX_REACH_BYTES).min(text.len()));
    let mut start = text[floor..at].rfind('\n').map_or(floor, |line| floor + line + 1);
    let line_end = text[at..ceiling].find('\n').map_or(ceiling, |line| at + line);
    if text[start..line_end].trim_start().starts_with('|') {
        let from = text[start..at].rfind('|').map_or(start, |bar| start + bar + 1);
        let to = text[at..line_end].find('|').map_or(line_end, |bar| at + bar);
        return from..to;
    }
    while start > floor && marker_len(&text[start..]).is_none() {
        let above = text[floor..start - 1].rfind('\n').map_or(floor, |line| floor + line + 1);
        if text[above..start].trim_matches(|c: char| c.is_whitespace() || c == '>').is_empty() {
            break;
        }
        start = above;
    }
    let start = start + marker_len(&text[start..]).unwrap_or(0);
    let mut end = line_end;
    while end < ceiling {
        let next = end + 1;
        let stop = text[next..ceiling].find('\n').map_or(ceiling, |line| next + line);
        let line = &text[next..stop];
        if line.trim_matches(|c: char| c.is_whitespace() || c == '>').is_empty() || marker_len(line).is_some() {
            break;
        }
        end = stop;
    }
    start.min(at)..end.max(at)
}

/// The length in bytes of the bullet, number or heading marker that a line begins with.
fn marker_len(line: &str) -> Option<usize> {
    let words = line.trim_start_matches([' ', '\t', '>']);
    let marker = words.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = match marker.len() {
        same if same == words.len() => words
            .strip_prefix(['-', '*', '+'])
            .or_else(|| words.strip_prefix('#').map(|rest| rest.trim_start_matches('#')))?,
        _ => marker.strip_prefix(['.', ')'])?,
    };
    let text = rest.strip_prefix(' ')?.trim_start_matches(' ');
    Some(line.len() - text.len())
}

fn trim_range(text: &str, range: Range<usize>) -> Range<usize> {
    let words = text[range.clone()].trim_start();
    let start = range.end - words.len();
    start..start + words.trim_end().len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::citations::annotations::CitedAnnotation;

    fn mark(range: Range<usize>, given: bool) -> CitationMark {
        CitationMark {
            insert_at: range.end,
            range,
            cited: Some(CitedAnnotation {
                number: 1,
                is_from_server: given,
                annotation_index: 0,
                key: Arc::from("k"),
                verdict: None,
            }),
        }
    }

    /// The claim of a citation of the first occurrence of these words.
    fn claim<'a>(text: &'a str, words: &str) -> &'a str {
        let start = text.find(words).expect("the words are there");
        &text[claim_range(text, &mark(start..start + words.len(), true))]
    }

    #[test]
    fn quotations_are_the_words_between_quotation_marks() {
        assert_eq!(
            quotations("It says “all on one host”, „nie im Netz“, «jamais en réseau» and \"not over NFS\"."),
            ["all on one host", "nie im Netz", "jamais en réseau", "not over NFS"]
        );
        assert_eq!(quotations("文書は「同じホスト上」と言う。"), ["同じホスト上"]);
        assert_eq!(quotations("The “fast” way, 5\" wide, “never closed"), [""; 0], "one word is hardly a quotation");
        assert_eq!(quotations("“to be” and “to be” “or not"), ["to be"]);
    }

    #[test]
    fn a_leftover_citation_is_no_claim() {
        assert_eq!(claim("One. Paris is large.【4†source】 Two.", "【4†source】"), "Paris is large.");
        let text = "Paris is large 【4†source】. Two.";
        assert_eq!(claim_text(text, 0..text.len()), "Paris is large. Two.");
    }

    #[test]
    fn a_span_of_prose_is_the_claim() {
        assert_eq!(claim("One. WAL needs shared memory. Two.", "needs shared"), "needs shared");
    }

    #[test]
    fn a_link_supports_the_sentence_before_it() {
        let link = "([a.example](https://a.example/1))";
        assert_eq!(claim(&format!("One. WAL is local. {link} Two."), link), "WAL is local.");
        assert_eq!(claim(&format!("One. WAL is local {link}. Two."), link), "WAL is local");
        let two = format!("One. It is so ([b.example](https://b.example), {}). Yes.", &link[1..link.len() - 1]);
        assert_eq!(claim(&two, "[a.example](https://a.example/1)"), "It is so");
        assert_eq!(claim("- first. Point\n- second point [1](https://a.b/)\n", "[1](https://a.b/)"), "second point");
        assert_eq!(claim("| a | b holds [1](https://a.b/) |", "[1](https://a.b/)"), "b holds");
        assert_eq!(claim("Two\nlines of it [1](https://a.b/)", "[1](https://a.b/)"), "Two\nlines of it");
        assert_eq!(claim("日本語です。二つ目の文です。[1](https://a.b/)", "[1](https://a.b/)"), "二つ目の文です。");
    }

    #[test]
    fn a_link_with_a_text_is_part_of_its_sentence() {
        let text = "One. [The manual says](https://a.b/) that it works. Two.";
        assert_eq!(claim(text, "[The manual says](https://a.b/)"), "[The manual says](https://a.b/) that it works.");
    }

    #[test]
    fn claim_text_has_no_markdown() {
        let whole = |text: &str| claim_text(text, 0..text.len());
        assert_eq!(whole("**No**, `x` is\n*not* so ([a.b](https://a.b/x)). "), "No, x is not so.");
        assert_eq!(whole("see [the manual](https://a.b) there"), "see the manual there");
    }

    #[test]
    fn a_claim_that_ends_inside_code_includes_all_of_it() {
        let text = "One. Here is `code class X` and **bold words** too.";
        let read = |words: &str| {
            let start = text.find(words).expect("the words are there");
            claim_text(text, claim_range(text, &mark(start..start + words.len(), true)))
        };
        assert_eq!(read("Here is `code cla"), "Here is code class X");
        assert_eq!(read("and **bold"), "and bold");
        assert_eq!(read("words** too"), "words too");
    }

    proptest! {
        #[test]
        fn every_mark_has_a_claim_inside_the_text(text in "[a-z.!? \\n|\\[\\]()*#>1日。🙂-]{0,80}", from in 0usize..90, size in 0usize..20, given: bool) {
            let start = text.floor_char_boundary(from.min(text.len()));
            let end = text.floor_char_boundary((start + size).min(text.len()));
            let found = claim_range(&text, &mark(start..end.max(start), given));
            let _ = claim_text(&text, found);
        }
    }
}
