//! Forms of citations that a server left in the text instead of turning them into annotations: `【4†source】`,
//! `citeturn0search1` with or without its private characters, `:contentReference[oaicite:0]{index=0}`.

mod leftover_filter;

use std::{borrow::Cow, ops::Range};

pub use leftover_filter::{FilterStage, LeftoverFilter};

/// A leftover form in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftoverForm {
    /// The form alone, in bytes.
    pub range: Range<usize>,
    /// What the form calls its source, if it says more than `source`.
    pub title: Option<Range<usize>>,
    /// Whether it has ended; otherwise the text ends within it.
    pub is_complete: bool,
}

/// How a form ends.
enum FormEnd {
    /// Its length, and what it calls its source.
    Complete(usize, Option<Range<usize>>),
    /// The text ends before it does.
    Cut,
}

/// The longest form, in bytes; what is longer is text.
const MAX_FORM_BYTES: usize = 400;
/// Encloses a citation, and separates its parts.
const PRIVATE_START: char = '\u{e200}';
const PRIVATE_END: char = '\u{e201}';
const PRIVATE_SEPARATOR: char = '\u{e202}';
/// The words before a reference without private characters.
const CITE_WORDS: [&str; 2] = ["filecite", "cite"];
const CONTENT_REFERENCE: &str = ":contentReference[oaicite:";
const OAI_CITATION: &str = "oai_citation:";

/// Finds the forms in a text that begin at `from` or later. Each is found once, whatever it contains.
pub(crate) fn find_leftovers(text: &str, from: usize) -> Vec<LeftoverForm> {
    let mut forms = Vec::new();
    let mut end_of_last = from;
    let mut previous = text[..from].chars().next_back();
    for (at, char) in text[from..].char_indices().map(|(at, char)| (from + at, char)) {
        let before = previous.replace(char);
        let is_behind_form = at == end_of_last && !forms.is_empty();
        if at < end_of_last || !can_begin_form(char, before.filter(|_| !is_behind_form)) {
            continue;
        }
        let longest = text.floor_char_boundary((at + MAX_FORM_BYTES).min(text.len()));
        let Some(end) = form_at(&text[at..longest]) else { continue };
        let (range, title, is_complete) = match end {
            FormEnd::Complete(length, title) => {
                (at..at + length, title.map(|title| at + title.start..at + title.end), true)
            }
            FormEnd::Cut if longest == text.len() => (at..text.len(), None, false),
            FormEnd::Cut => continue,
        };
        end_of_last = range.end;
        forms.push(LeftoverForm { range, title, is_complete });
    }
    forms
}

/// Returns where to begin to look again after more text has come.
pub(crate) fn undecided_from(text: &str, forms: &[LeftoverForm]) -> usize {
    let longest_opening = CONTENT_REFERENCE.len();
    let tail = text.floor_char_boundary(text.len().saturating_sub(longest_opening));
    let undecided = forms.iter().rev().take_while(|form| !form.is_complete || form.range.end > tail);
    undecided.last().map_or(tail, |form| form.range.start.min(tail))
}

/// The range to hide: the form with the blanks that belong to it.
pub(crate) fn range_with_blanks(text: &str, form: &Range<usize>) -> Range<usize> {
    let line = text[..form.start].rfind('\n').map_or(0, |end| end + 1);
    let before = text[line..form.start].trim_end_matches(' ');
    let after = &text[form.end..];
    let is_first = before.chars().all(|char| " \t>-*+#.0123456789".contains(char));
    if is_first {
        let blanks = after.len() - after.trim_start_matches(' ').len();
        return form.start..form.end + blanks;
    }
    let goes_on = after.chars().next().is_some_and(char::is_alphanumeric);
    if goes_on { form.clone() } else { line + before.len()..form.end }
}

/// Removes the forms from a text, except in code.
pub fn without_leftovers(text: &str) -> Cow<'_, str> {
    if find_leftovers(text, 0).iter().all(|form| !form.is_complete) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    LeftoverFilter::default().push(text, FilterStage::Complete, &mut out);
    Cow::Owned(out)
}

fn can_begin_form(char: char, before: Option<char>) -> bool {
    match char {
        '【' | '[' | PRIVATE_START | ':' => true,
        'c' | 'f' | 't' | 'o' => !before.is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

/// Reads the form at the beginning of a text; `None` if there is none.
fn form_at(text: &str) -> Option<FormEnd> {
    match text.chars().next()? {
        '【' => bracket_form(text, '【', '】'),
        '[' => bracket_form(text, '[', ']'),
        PRIVATE_START => private_form(text),
        ':' => content_reference(text),
        'o' => oai_citation(text),
        _ => turn_form(text),
    }
}

/// Reads `【4†source】`, `【4:0†source】` or `【turn0search1】`.
fn bracket_form(text: &str, open: char, close: char) -> Option<FormEnd> {
    let start = open.len_utf8();
    let body = &text[start..];
    let digits = body.len() - body.trim_start_matches(|char: char| char.is_ascii_digit() || char == ':').len();
    if digits == 0 {
        if body.is_empty() {
            return (open == '【').then_some(FormEnd::Cut);
        }
        return match turn_tokens(body)? {
            None => Some(FormEnd::Cut),
            Some(length) if body[length..].starts_with(close) => {
                Some(FormEnd::Complete(start + length + close.len_utf8(), None))
            }
            Some(_) => None,
        };
    }
    if !body.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let rest = &body[digits..];
    let Some(title) = rest.strip_prefix('†') else { return rest.is_empty().then_some(FormEnd::Cut) };
    let end = title.find([close, open, '\n']);
    let Some(end) = end else { return Some(FormEnd::Cut) };
    if !title[end..].starts_with(close) {
        return None;
    }
    let from = start + digits + '†'.len_utf8();
    let is_name = !matches!(&title[..end], "" | "source") && !is_line_range(&title[..end]);
    Some(FormEnd::Complete(from + end + close.len_utf8(), is_name.then_some(from..from + end)))
}

/// Whether a title is a range of lines, as in `L8-L12`.
fn is_line_range(title: &str) -> bool {
    title.starts_with('L') && title.chars().all(|char| char.is_ascii_digit() || matches!(char, 'L' | '-' | '–'))
}

/// Reads a citation between private characters. One that cites nothing may be an icon of a font.
fn private_form(text: &str) -> Option<FormEnd> {
    let body = &text[PRIVATE_START.len_utf8()..];
    let is_opening = CITE_WORDS.iter().any(|word| body.starts_with(word) || word.starts_with(body));
    let Some(end) = body.find([PRIVATE_END, '\n']) else { return is_opening.then_some(FormEnd::Cut) };
    let mut parts = body[..end].split(PRIVATE_SEPARATOR).skip(1);
    let cites = is_opening || parts.any(|part| matches!(turn_tokens(part), Some(Some(length)) if length == part.len()));
    let whole = PRIVATE_START.len_utf8() + end + PRIVATE_END.len_utf8();
    (cites && body[end..].starts_with(PRIVATE_END)).then_some(FormEnd::Complete(whole, None))
}

/// Reads `citeturn0search1turn0news2`, or such a reference alone.
fn turn_form(text: &str) -> Option<FormEnd> {
    let word = CITE_WORDS.into_iter().find(|word| text.starts_with(word)).unwrap_or_default();
    let body = &text[word.len()..];
    if body.is_empty() {
        return Some(FormEnd::Cut);
    }
    if word.is_empty() && text.len() <= "turn".len() {
        return None; // Many words begin so.
    }
    let blank = usize::from(!word.is_empty() && body.starts_with(' '));
    Some(match turn_tokens(&body[blank..])? {
        None => FormEnd::Cut,
        Some(length) => {
            let end = word.len() + blank + length;
            let closing = if text[end..].starts_with(PRIVATE_END) { PRIVATE_END.len_utf8() } else { 0 };
            FormEnd::Complete(end + closing, None)
        }
    })
}

/// Measures references such as `turn0search1turn0view2`, perhaps with separators. `Some(None)` means that the text ends
/// before it is clear whether there is one.
#[expect(clippy::option_option, reason = "none, undecided, or a length")]
fn turn_tokens(text: &str) -> Option<Option<usize>> {
    let mut end = 0;
    loop {
        let rest = text[end..].trim_start_matches(PRIVATE_SEPARATOR);
        let start = text.len() - rest.len();
        if rest.is_empty() && (end == 0 || start > end) || "turn".starts_with(rest) && !rest.is_empty() {
            return Some(None);
        }
        let Some(body) = rest.strip_prefix("turn") else { break };
        let body = body.trim_start_matches(|char: char| char.is_ascii_digit());
        let name = body.trim_start_matches(|char: char| char.is_ascii_lowercase() || char == '_');
        let index = name.trim_start_matches(|char: char| char.is_ascii_digit());
        if index.is_empty() && name.is_empty() {
            return Some(None);
        }
        let has_all = rest.len() > body.len() + "turn".len() && body.len() > name.len() && name.len() > index.len();
        if !has_all {
            return None;
        }
        end = text.len() - index.len();
    }
    (end > 0).then_some(Some(end))
}

/// Reads `:contentReference[oaicite:3]{index=3}`.
fn content_reference(text: &str) -> Option<FormEnd> {
    let Some(rest) = text.strip_prefix(CONTENT_REFERENCE) else {
        return (text.len() > 1 && CONTENT_REFERENCE.starts_with(text)).then_some(FormEnd::Cut);
    };
    let Some(close) = rest.find(['}', '\n']) else { return Some(FormEnd::Cut) };
    rest[close..].starts_with('}').then_some(FormEnd::Complete(CONTENT_REFERENCE.len() + close + 1, None))
}

/// Reads `oai_citation:1‡` before the title of a link.
fn oai_citation(text: &str) -> Option<FormEnd> {
    let Some(rest) = text.strip_prefix(OAI_CITATION) else {
        return (text.len() > 3 && OAI_CITATION.starts_with(text)).then_some(FormEnd::Cut);
    };
    let after = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    match after.chars().next() {
        None => Some(FormEnd::Cut),
        Some(sign @ ('‡' | '†')) if after.len() < rest.len() => {
            Some(FormEnd::Complete(text.len() - after.len() + sign.len_utf8(), None))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms(text: &str) -> Vec<(&str, bool)> {
        find_leftovers(text, 0).into_iter().map(|form| (&text[form.range.clone()], form.is_complete)).collect()
    }

    #[test]
    fn every_form_is_found_whole() {
        for form in [
            "【4†source】",
            "【4:0†source】",
            "【12†L8-L14】",
            "【3†annual_report (2).pdf】",
            "【turn0search3】",
            "[7†source]",
            "[4:2†notes.md]",
            "\u{e200}cite\u{e202}turn0search1\u{e201}",
            "\u{e200}cite\u{e202}turn0search1\u{e202}turn12news0\u{e201}",
            "\u{e200}filecite\u{e202}turn0file2\u{e201}",
            "\u{e200}i\u{e202}turn0image0\u{e202}turn0image4\u{e201}",
            "citeturn0search1",
            "citeturn0search1turn1view0",
            "fileciteturn0file12",
            "turn0search4",
            ":contentReference[oaicite:3]{index=3}",
        ] {
            assert_eq!(forms(form), [(form, true)]);
            let text = format!("Paris is large {form}. So is Rome.");
            assert_eq!(without_leftovers(&text), "Paris is large. So is Rome.");
            let code = format!("Write `{form}` there.\n\n```\n{form}\n```\n");
            assert_eq!(without_leftovers(&code), code, "code says what it says");
        }
        assert_eq!(without_leftovers("A【1†source】【2†source】 and b."), "A and b.");
        assert_eq!(without_leftovers("- 【1†source】 The first"), "- The first");
        assert_eq!(without_leftovers("[oai_citation:1‡WAL](https://a.example)"), "[WAL](https://a.example)");
    }

    #[test]
    fn text_that_only_resembles_a_form_stays() {
        for text in [
            "【注】これは【重要】です。",
            "【2024年】",
            "[4] and [5](https://a.example) and [x†y]",
            "I cite turn of the century books",
            "filecites, recites, return0search1",
            "turn0 and turns and turn0search",
            "\u{e200} is an icon, \u{e201} too",
            ":content and :contentReference",
            "oai_citation:x",
            "†4 【†source】 【4†source",
        ] {
            let complete: Vec<_> = forms(text).into_iter().filter(|(_, is_complete)| *is_complete).collect();
            assert_eq!(complete, [], "{text}");
            assert_eq!(without_leftovers(text), text);
        }
    }

    #[test]
    fn a_form_that_still_arrives_is_cut_from_its_first_letters_on() {
        for form in ["【4:0†source】", "\u{e200}cite\u{e202}turn0search1\u{e201}", "citeturn0search1"] {
            let text = format!("Rome. {form}");
            let first =
                if form.starts_with('c') { "cite".len() } else { form.chars().next().map_or(0, char::len_utf8) };
            for end in (6 + first..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let found = find_leftovers(&text[..end], 0);
                assert_eq!(
                    found.iter().map(|form| (form.range.start, form.range.end)).collect::<Vec<_>>(),
                    [(6, end)],
                    "{}",
                    &text[..end]
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_in_pieces_gives_the_forms_of_the_whole(
            pieces in prop::collection::vec("【|】|4|:|†|source|cite|file|turn|0|search|1|\u{e200}|\u{e201}|\u{e202}|\\[|\\]| |日|\n|oai_citation:|‡|:contentReference\\[oaicite:|\\}", 0..24),
        ) {
            let text: String = pieces.concat();
            let (mut forms, mut grown) = (Vec::new(), String::new());
            for piece in &pieces {
                let from = undecided_from(&grown, &forms);
                grown.push_str(piece);
                forms.retain(|form: &LeftoverForm| form.range.start < from);
                forms.extend(find_leftovers(&grown, from));
            }
            prop_assert_eq!(forms, find_leftovers(&text, 0));
        }
    }
}
