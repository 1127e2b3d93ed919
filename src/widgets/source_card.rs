//! A source opened in the text: what it is, what it supports, whether its words stand on the page.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    card::wrapped,
    check::{Check, Question},
    citation::{Claim, Place, Source},
    row::{Ink, Row, RowKind, Span},
    theme::{Marks, Role},
    transcript::facts,
};
use crate::{
    chat::Timestamp,
    text::{
        self,
        quote::{self, Found, How},
    },
};

/// Everything that a card shows.
pub struct SourceCard<'a> {
    pub source: &'a Source,
    /// What it supports.
    pub claims: &'a [Claim],
    /// The mark that the card was opened from.
    pub from: Option<(Place, usize)>,
    /// What a check would look for, where one can be made.
    pub question: Option<&'a Question>,
    pub check: Option<&'a Check>,
    /// How to open the page where there is no browser.
    pub elsewhere: Option<&'a str>,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub marks: &'a Marks,
}

/// Rows of an excerpt, of one claim and of an address.
const EXCERPT: usize = 8;
const CLAIM: usize = 2;
const ADDRESS: usize = 3;
/// Claims that are told.
const CLAIMS: usize = 4;

impl SourceCard<'_> {
    /// The rows of the card in its frame.
    pub fn rows(&self, width: usize) -> Vec<Row> {
        let inner = width.saturating_sub(4).max(1);
        let muted = Ink::of(Role::Muted);
        let mut body = self.place(inner);
        if let Some(excerpt) = &self.source.excerpt {
            body.push(Vec::new());
            body.extend(few(&[Span::new(format!("“{excerpt}”"), Ink::of(Role::Text))], inner, EXCERPT, self.marks));
        } else if self.source.url.is_some() {
            body.push(Vec::new());
            body.extend(spans(wrapped(&[Span::new("no excerpt came with the answer", muted)], inner, RowKind::Text)));
        }
        body.push(Vec::new());
        body.extend(self.claims(inner));
        let told = self.told(inner);
        if !told.is_empty() {
            body.push(Vec::new());
            body.extend(told);
        }
        let mut rows = vec![self.top(width)];
        rows.extend(body.into_iter().map(|spans| self.framed(spans, inner)));
        rows.push(self.bottom(width));
        rows.into_iter().map(|row| Row { fill: Some(Role::Surface), ..row }.cut(width)).collect()
    }

    /// `sqlite.org › wal.html      supports 2 claims`
    fn place(&self, width: usize) -> Vec<Vec<Span>> {
        let muted = Ink::of(Role::Muted);
        let claims = match self.claims.len() {
            0 => String::new(),
            1 => "supports 1 claim".into(),
            count => format!("supports {count} claims"),
        };
        let address = match &self.source.url {
            Some(url) => address(url, self.marks),
            None => vec![Span::new(format!("{}, without an address", self.source.what()), muted)],
        };
        let cells: usize = address.iter().map(Span::width).sum();
        if cells + 2 + claims.len() <= width {
            return vec![pushed_apart(address, &claims, width)];
        }
        let mut rows = few(&address, width, ADDRESS, self.marks);
        if !claims.is_empty() {
            rows.push(vec![Span::new(claims, muted)]);
        }
        rows
    }

    fn claims(&self, width: usize) -> Vec<Vec<Span>> {
        let muted = Ink::of(Role::Muted);
        if self.claims.is_empty() {
            let words = "The answer lists it without saying what for.";
            return spans(wrapped(&[Span::new(words, muted)], width, RowKind::Text));
        }
        let mut rows = Vec::new();
        // The claim that one came from is told, whatever else has no room.
        let here = |claim: &Claim| self.from == Some((claim.place, claim.annotation));
        let at = self.claims.iter().position(here).unwrap_or(0);
        let first = at.saturating_sub(CLAIMS - 1);
        for claim in self.claims.iter().skip(first).take(CLAIMS) {
            let ink = if here(claim) { Ink::of(Role::Text) } else { muted };
            let words = if claim.words.is_empty() { "(nothing stands before it)" } else { &claim.words };
            let hang = width.saturating_sub(2).max(1);
            for (nth, row) in few(&[Span::new(words, ink)], hang, CLAIM, self.marks).into_iter().enumerate() {
                let lead = if nth == 0 { format!("{} ", self.marks.bullets[0]) } else { "  ".into() };
                rows.push([vec![Span::new(lead, Ink::of(Role::Accent))], row].concat());
            }
        }
        if self.claims.len() > CLAIMS {
            rows.push(vec![Span::new(format!("  and {} more", self.claims.len() - CLAIMS), muted)]);
        }
        rows
    }

    /// How far the check is, what it found, and where else the page can be opened.
    fn told(&self, width: usize) -> Vec<Vec<Span>> {
        let (muted, plain) = (Ink::of(Role::Muted), Ink::of(Role::Text));
        let mut rows = Vec::new();
        let mut tell = |spans_: &[Span]| rows.extend(spans(wrapped(spans_, width, RowKind::Text)));
        match self.question.zip(self.check) {
            None => (),
            Some((question, Check::Asks { .. })) => {
                tell(&[
                    Span::new(format!("{} ", self.marks.asking), Ink::of(Role::Warning)),
                    Span::new("May ibid fetch ", plain),
                    Span::new(&*text::clean(&question.url), Ink::of(Role::Link)),
                    Span::new(format!(" and look for {} there?", question.words.name()), plain),
                ]);
                tell(&[Span::new("The site sees this computer's address; no key and no cookie goes along.", muted)]);
            }
            Some((question, Check::Reading { since })) => {
                let spent = facts::whole_seconds(facts::millis(*since, self.now) / 1000 * 1000);
                let words = format!("reading {}  {spent}", text::clean(host(&question.url)));
                tell(&[Span::new(format!("{} ", self.marks.running), Ink::of(Role::Accent)), Span::new(words, muted)]);
            }
            Some((_, Check::Unread { at, why })) => {
                let time = facts::clock(*at, self.now, self.zone);
                tell(&[
                    Span::new(format!("{} could not be checked", self.marks.failed), Ink::of(Role::Warning)),
                    Span::new(format!(" {time}: {}", text::clean(why)), plain),
                ]);
            }
            Some((question, Check::Read { at, page })) => {
                let time = facts::clock(*at, self.now, self.zone);
                let (mark, role, verdict) = verdict(question, &page.found, self.marks);
                tell(&[
                    Span::new(format!("{mark} checked {time}"), Ink::of(role)),
                    Span::new(format!(": {verdict}"), plain),
                ]);
                if let Some(place) =
                    page.found.iter().max_by_key(|found| weight(found)).and_then(|it| it.place.as_ref())
                {
                    tell(&[
                        Span::new(&*text::clean(&place.before), muted),
                        Span::new(&*text::clean(&place.words), plain.on(Role::Mark)),
                        Span::new(&*text::clean(&place.after), muted),
                    ]);
                }
                if super::citation::key(&page.url) != super::citation::key(&question.url) {
                    tell(&[Span::new(format!("The address led to {}", text::clean(&page.url)), muted)]);
                }
                if let Some(megabytes) = page.cut {
                    tell(&[Span::new(format!("Only the first {megabytes} MB of the page were read."), muted)]);
                }
            }
        }
        if let Some(command) = self.elsewhere {
            tell(&[Span::new("There is no browser here. Where there is one: ", muted)]);
            tell(&[Span::new(&*text::clean(command), plain)]);
        }
        rows
    }

    fn top(&self, width: usize) -> Row {
        let frame = Ink::of(Role::Accent);
        let mark = format!("[{}] ", self.source.number);
        let title = text::truncate(&self.source.title, width.saturating_sub(mark.len() + 6)).into_owned();
        let used = 3 + mark.len() + text::width(&title) + 2;
        let spans = vec![
            Span::new(format!("{}{} ", self.marks.top_left, self.marks.rule), frame),
            Span::new(mark, frame),
            Span::new(title, Ink::of(Role::Text).bold()),
            Span::new(
                format!(" {}{}", self.marks.rule.repeat(width.saturating_sub(used)), self.marks.top_right),
                frame,
            ),
        ];
        Row::new(RowKind::SourceCard, spans)
    }

    fn framed(&self, content: Vec<Span>, inner: usize) -> Row {
        let frame = Ink::of(Role::Accent);
        let used: usize = content.iter().map(Span::width).sum();
        let mut spans = vec![Span::new(format!("{} ", self.marks.vertical), frame)];
        spans.extend(content);
        spans.push(Span::new(" ".repeat(inner.saturating_sub(used)), Ink::of(Role::Text)));
        spans.push(Span::new(format!(" {}", self.marks.vertical), frame));
        Row { lead: 1, ..Row::new(RowKind::SourceCard, spans) }
    }

    fn bottom(&self, width: usize) -> Row {
        let mut keys = match self.check {
            Some(Check::Asks { .. }) => vec![("y", "yes"), ("a", "always"), ("n", "no")],
            Some(Check::Reading { .. } | Check::Read { .. } | Check::Unread { .. }) | None => {
                let open = self.source.page().map(|_| ("o", "open"));
                let check = self.question.map(|_| ("c", "check"));
                open.into_iter().chain(check).chain([("y", "copy"), ("[ ]", "walk")]).collect()
            }
        };
        let cells = |keys: &[(&str, &str)]| {
            keys.iter().map(|(key, word)| key.len() + 1 + word.len()).sum::<usize>() + 2 * keys.len().saturating_sub(1)
        };
        while cells(&keys) + 6 > width && keys.pop().is_some() {}
        let frame = Ink::of(Role::Accent);
        let rule = width.saturating_sub(cells(&keys) + 5);
        let mut spans = vec![Span::new(format!("{}{} ", self.marks.bottom_left, self.marks.rule.repeat(rule)), frame)];
        for (nth, (key, word)) in keys.into_iter().enumerate() {
            spans.push(Span::new(if nth > 0 { "  " } else { "" }, frame));
            spans.push(Span::new(key, frame));
            spans.push(Span::new(format!(" {word}"), Ink::of(Role::Text)));
        }
        spans.push(Span::new(format!(" {}{}", self.marks.rule, self.marks.bottom_right), frame));
        Row::new(RowKind::SourceCard, spans)
    }
}

/// `sqlite.org › wal.html`; both lead to the page.
pub fn address(url: &str, marks: &Marks) -> Vec<Span> {
    let link: Option<Arc<str>> = Some(Arc::from(url));
    let address = text::clean(url);
    let bare = address.split_once("://").map_or(&*address, |(_, rest)| rest);
    let bare = bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/');
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let mut spans = vec![Span { link: link.clone(), ..Span::new(host, Ink::of(Role::Link)) }];
    if !path.is_empty() {
        let muted = Ink::of(Role::Muted);
        spans.push(Span::new(format!(" {} ", marks.prompt), muted));
        spans.push(Span { link, ..Span::new(path, muted) });
    }
    spans
}

/// At most so many rows; the last says that there was more.
pub fn few(words: &[Span], width: usize, most: usize, marks: &Marks) -> Vec<Vec<Span>> {
    let mut rows = spans(wrapped(words, width, RowKind::Text));
    if rows.len() > most {
        rows.truncate(most);
        let last = rows.last_mut().and_then(|row| row.last_mut());
        if let Some(span) = last {
            let end = if span.text.starts_with('“') || words[0].text.starts_with('“') { "”" } else { "" };
            let room = width.saturating_sub(2 + end.len().min(1));
            let cut = text::truncate(&span.text, room);
            let cut = cut.trim_end_matches('…').trim_end().to_owned();
            span.text = format!("{cut} {}{end}", marks.ellipsis);
        }
    }
    rows
}

fn spans(rows: Vec<Row>) -> Vec<Vec<Span>> {
    rows.into_iter().map(|row| row.spans).collect()
}

/// Words at the left and a fact at the right edge.
fn pushed_apart(mut left: Vec<Span>, right: &str, width: usize) -> Vec<Span> {
    let used: usize = left.iter().map(Span::width).sum();
    let pad = width.saturating_sub(used + text::width(right));
    left.push(Span::new(" ".repeat(pad), Ink::of(Role::Text)));
    left.push(Span::new(right, Ink::of(Role::Muted)));
    left
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// Which place is shown: that of the best match.
fn weight(found: &Found) -> usize {
    match found.how {
        How::Exactly => usize::MAX,
        How::Loosely => usize::MAX - 1,
        How::Partly(some, _) => some,
        How::Not => 0,
    }
}

/// What was found, in words that claim no more than that.
fn verdict(question: &Question, found: &[Found], marks: &Marks) -> (&'static str, Role, String) {
    let name = question.words.name();
    if let [only] = found {
        let place = only.place.as_ref().map(|place| format!(", {}\u{a0}% down", place.percent)).unwrap_or_default();
        return match only.how {
            How::Exactly => (marks.done, Role::Ok, format!("{name} stands on the page word for word{place}")),
            How::Loosely => {
                let words = format!("{name} stands on the page but for punctuation, case or white space{place}");
                (marks.done, Role::Ok, words)
            }
            How::Partly(some, all) => {
                let words = format!("of {name} only {some} of {all} words stand in a row on the page{place}");
                (marks.asking, Role::Warning, words)
            }
            How::Not => (marks.asking, Role::Warning, format!("{name} was not found on the page")),
        };
    }
    let count = |of: fn(&How) -> bool| found.iter().filter(|found| of(&found.how)).count();
    let kinds = [
        (count(|how| *how == How::Exactly), "word for word"),
        (count(|how| *how == How::Loosely), "but for punctuation, case or white space"),
        (count(|how| matches!(how, How::Partly(..))), "only in part"),
        (count(|how| *how == How::Not), "not at all"),
    ];
    let told: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    let all = found.iter().all(|found| matches!(found.how, How::Exactly | How::Loosely));
    let (mark, role) = if all && !found.is_empty() { (marks.done, Role::Ok) } else { (marks.asking, Role::Warning) };
    if found.is_empty() {
        return (mark, role, format!("{name} has no words to look for"));
    }
    (mark, role, format!("{name} has {} passages: on the page stand {}", found.len(), told.join(", ")))
}

/// A source as a footnote of Markdown.
pub fn footnote(source: &Source) -> String {
    let number = source.number;
    let title = source.title.replace(['[', ']'], "");
    let named = match &source.url {
        Some(url) if url.contains([' ', '(', ')']) => format!("[{title}](<{}>)", text::clean(url)),
        Some(url) => format!("[{title}]({})", text::clean(url)),
        None => title,
    };
    let excerpt = source.excerpt.as_ref().and_then(|excerpt| quote::passages(excerpt).into_iter().next());
    match excerpt {
        Some(excerpt) => format!("[^{number}]: {named} “{}”", text::clean(&excerpt)),
        None => format!("[^{number}]: {named}"),
    }
}

#[cfg(test)]
mod tests;
