//! The field of a search, in the composer's place.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::Span,
    widgets::Widget,
};

use super::{Find, Round};
use crate::{
    text,
    widgets::{
        field::Shows,
        theme::{Role, Theme},
        transcript::GUTTER,
        words,
    },
};

/// What is looked for, how much was found, and the keys; `area` includes the gutter.
pub struct FindView<'a> {
    pub find: &'a Find,
    pub theme: &'a Theme,
}

/// The field keeps this many cells before the keys are shown.
const FIELD: usize = 20;

impl FindView<'_> {
    /// Where the terminal's cursor stands while the query is typed.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.find.typing.then(|| self.find.field.cursor(self.parts(area).0, Shows::Text))?
    }

    /// The field, and what is said at its right.
    fn parts(&self, area: Rect) -> (Rect, Vec<Span<'static>>) {
        let gutter = GUTTER.min(area.width);
        let line = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height.min(1), ..area };
        let room = usize::from(line.width);
        let count = self.count();
        let hints: &[(&str, &str)] = if self.find.typing {
            &[(self.theme.marks.up_down, "walk"), (self.theme.marks.enter, "keep"), ("esc", "ends")]
        } else {
            &[("n N", "walk"), ("/", "change"), ("esc", "ends")]
        };
        let left = room.saturating_sub(FIELD + text::width(&count) + 3);
        let mut said = vec![Span::styled(count, self.theme.style(self.role()))];
        let keys = words::keys(hints, left, self.theme).spans;
        if !keys.is_empty() {
            said.push(Span::raw("   "));
            said.extend(keys.into_iter().map(|span| Span::styled(span.content.into_owned(), span.style)));
        }
        let cells: usize = said.iter().map(|span| text::width(&span.content)).sum();
        let field = Rect { width: line.width.saturating_sub(cells as u16 + 2), ..line };
        (field, said)
    }

    fn role(&self) -> Role {
        if self.find.count == 0 && self.find.hits.complete() { Role::Warning } else { Role::Muted }
    }

    fn count(&self) -> String {
        let find = self.find;
        let dot = self.theme.marks.dot;
        match (find.needle.is_empty(), find.hits.complete(), find.count) {
            (true, _, _) => String::new(),
            (false, true, 0) => "no match".into(),
            (false, false, count) => format!("{count}{}", self.theme.marks.ellipsis),
            (false, true, count) => match find.round {
                None => format!("{} of {count}", find.number),
                Some(Round::Top) => format!("{} of {count} {dot} from the top", find.number),
                Some(Round::End) => format!("{} of {count} {dot} from the end", find.number),
            },
        }
    }
}

impl Widget for FindView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.theme.clear(area, Role::Background, buf);
        let sign = self.theme.style(if self.find.typing { Role::Accent } else { Role::Muted });
        buf.set_stringn(area.x, area.y, self.theme.marks.search, 1, sign);
        let (field, said) = self.parts(area);
        let style = self.theme.style(Role::Text);
        if self.find.field.is_empty() {
            let muted = self.theme.style(Role::Muted).remove_modifier(Modifier::BOLD);
            buf.set_stringn(field.x, field.y, "find in this conversation", field.width.into(), muted);
        } else {
            self.find.field.draw(field, Shows::Text, style, self.theme, buf);
        }
        let cells: usize = said.iter().map(|span| text::width(&span.content)).sum();
        let mut x = area.right().saturating_sub(cells as u16).max(field.x);
        for span in said {
            let room = usize::from(area.right().saturating_sub(x));
            (x, _) = buf.set_stringn(x, area.y, &span.content, room, span.style);
        }
    }
}
