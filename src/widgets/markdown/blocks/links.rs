//! Links and the marks of citations.

use std::{ops::Range, sync::Arc};

use ratatui::style::Modifier;

use super::Layout;
use crate::{
    text,
    widgets::{
        citation,
        markdown::Mark,
        row::{Cited, Ink},
        theme::Role,
    },
};

/// A link whose words are being read.
pub(super) struct Link {
    pub target: Option<Arc<str>>,
    /// The address, shown behind the words where it is not among them and nothing else leads there.
    pub shown: Option<String>,
    pub mark: Option<(usize, bool)>,
    pub range: Range<usize>,
}

impl Layout<'_> {
    pub(super) fn link(&mut self, address: &str, range: Range<usize>) {
        self.cite_until(range.start);
        let mark = self.mark_of(address, &range);
        if let Some(at) = mark {
            self.cited[at] = true;
        }
        let replaced = mark
            .is_some_and(|at| self.page.marks[at].given || citation::says_nothing(&self.page.source[range.clone()]));
        if replaced {
            self.skip = Some(range.clone());
        }
        let target = text::clean(address);
        let opens = text::link::can_open(&target);
        let ink = if opens { Ink { role: Role::Link, ..self.ink() }.with(Modifier::UNDERLINED) } else { self.ink() };
        self.inks.push(ink);
        let words = self.page.source[range.clone()].get(1..).unwrap_or_default();
        let is_said = [address, target.trim_start_matches("mailto:")]
            .iter()
            .any(|said| words.strip_prefix(said).is_some_and(|rest| rest.starts_with(['>', ']'])));
        let shows = !is_said && (!opens || self.page.look.addresses && mark.is_none());
        let shown = shows.then(|| target.trim_start_matches("mailto:").to_owned());
        let target = opens.then(|| Arc::from(&*target));
        self.links.push(Link { target, shown, mark: mark.map(|at| (at, replaced)), range });
    }

    pub(super) fn end_link(&mut self) {
        self.inks.pop();
        let Some(link) = self.links.pop() else { return };
        if let Some(address) = link.shown.filter(|address| !address.is_empty()) {
            let muted = Ink { role: Role::Muted, is_aside: true, ..self.ink() };
            self.put(&format!(" {address}"), muted, link.range.end..link.range.end);
        }
        let Some((at, replaced)) = link.mark else { return };
        self.skip = None;
        let source = if replaced { link.range } else { link.range.end..link.range.end };
        let (cited, ink) = self.mark(at);
        self.inline.get_or_insert_default().cite(cited, ink, source);
    }

    /// What a mark says, and how it looks.
    fn mark(&self, at: usize) -> (Cited, Ink) {
        let mark = &self.page.marks[at];
        let is_lit = self.page.lit.as_ref().is_some_and(|lit| lit.annotation == mark.annotation);
        let cited = Cited { number: mark.number, annotation: Some(mark.annotation) };
        (cited, if is_lit { Ink::LIT } else { Ink::of(Role::Accent) })
    }

    /// The citation that a link belongs to.
    fn mark_of(&self, address: &str, range: &Range<usize>) -> Option<usize> {
        let key = citation::key(address);
        let near = |mark: &Mark| mark.range.start + 4 >= range.start && mark.range.end <= range.end + 4;
        self.page.marks.iter().enumerate().position(|(at, mark)| {
            !self.cited[at]
                && mark.range.start < range.end
                && range.start < mark.range.end
                && (*mark.key == *key || mark.given && near(mark))
        })
    }

    /// Where the next claim ends that is supported without a link, up to `end`.
    pub(super) fn next_mark(&self, end: usize) -> Option<usize> {
        self.open_marks().map(|(_, mark)| mark.point).find(|point| *point <= end)
    }

    fn open_marks(&self) -> impl Iterator<Item = (usize, &Mark)> {
        self.page.marks.iter().enumerate().filter(|(at, _)| !self.cited[*at])
    }

    /// Sets the marks of all claims that end by `end`; those within an image stand behind it.
    pub(super) fn cite_until(&mut self, end: usize) {
        while self.images.is_empty() {
            let due = self.open_marks().find(|(_, mark)| mark.point <= end).map(|(at, mark)| (at, mark.point));
            let Some((at, point)) = due else { return };
            self.cited[at] = true;
            let (cited, ink) = self.mark(at);
            // Never at the beginning of a paragraph, nor within a link whose words are not shown.
            if let Some(inline) = self.inline.as_mut().filter(|inline| !inline.is_empty()) {
                inline.cite(cited, ink, point..point);
            }
        }
    }

    /// Forgets the marks that would stand in code.
    pub(super) fn drop_marks(&mut self, end: usize) {
        for (at, mark) in self.page.marks.iter().enumerate() {
            self.cited[at] |= mark.point <= end;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::widgets::{
        markdown::{Look, MarkdownLayout, Stage},
        row::Row,
    };

    #[test]
    fn where_the_terminal_has_no_links_the_address_stands_behind_the_words() {
        let text = "See [the *guide*](https://x.example/guide \"t\"), <https://y.example>, [https://z.example](https://z.example), \
            [mail](mailto:a@x.example), <b@x.example>, www.w.example and [no](javascript:alert).";
        let look = Look { addresses: true, ..Look::default() };
        let mut layout = MarkdownLayout::new(look);
        layout.sync(text, 200, Stage::Complete, &[]);
        let rows: Vec<String> = layout.rows().iter().map(Row::text).collect();
        assert_eq!(
            rows,
            [
                "See the guide https://x.example/guide, https://y.example, https://z.example, mail a@x.example, b@x.example, \
                www.w.example and no javascript:alert."
            ]
        );
        for width in 1..60 {
            layout.sync(text, width, Stage::Complete, &[]);
            assert!(layout.rows().iter().all(|row| row.width() <= width));
            assert_eq!(layout.rows().last().map(|row| row.source.end), Some(text.len()));
        }
    }
}
