//! The search field, shown in the composer's place.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    text::Span,
    widgets::Widget,
};

use super::{FindState, FindWrap};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::field::FieldDisplay,
        transcript::GUTTER,
    },
};

/// The query, the number of matches and the keys; the area includes the gutter.
pub struct FindView<'a> {
    pub find: &'a FindState,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The field gets at least this many cells before any keys are shown.
const MIN_FIELD_WIDTH: usize = 20;

impl FindView<'_> {
    /// The position of the terminal's cursor while the query is typed.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.find.typing.then(|| self.find.field.cursor(self.field_and_hints(area).0, FieldDisplay::Text))?
    }

    /// The area of the field, and the text to its right.
    fn field_and_hints(&self, area: Rect) -> (Rect, Vec<Span<'static>>) {
        let gutter = GUTTER.min(area.width);
        let line = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height.min(1), ..area };
        let room = usize::from(line.width);
        let count = self.count_text();
        let hints = if self.find.typing {
            let labels: [(&[Action], &str); 3] = [
                (&[Action::PreviousMatch, Action::NextMatch], "matches"),
                (&[Action::Accept], "done"),
                (&[Action::Back], "close"),
            ];
            self.keymap.hints(KeyContext::Find, &labels)
        } else {
            let labels: [(&[Action], &str); 3] = [
                (&[Action::NextMatch, Action::PreviousMatch], "matches"),
                (&[Action::Find], "edit"),
                (&[Action::Back], "close"),
            ];
            self.keymap.hints(KeyContext::Transcript, &labels)
        };
        let left = room.saturating_sub(MIN_FIELD_WIDTH + text::width(&count) + 3);
        let mut trailer = vec![Span::styled(count, self.theme.style(self.count_role()))];
        let keys = key_hints::hint_line(&hints, left, self.theme).spans;
        if !keys.is_empty() {
            trailer.push(Span::raw("   "));
            trailer.extend(keys.into_iter().map(|span| Span::styled(span.content.into_owned(), span.style)));
        }
        let cells: usize = trailer.iter().map(|span| text::width(&span.content)).sum();
        let field = Rect { width: line.width.saturating_sub(cells as u16 + 2), ..line };
        (field, trailer)
    }

    fn count_role(&self) -> ColourRole {
        if self.find.match_count == 0 && self.find.hits.is_complete() { ColourRole::Warning } else { ColourRole::Muted }
    }

    fn count_text(&self) -> String {
        let find = self.find;
        let dot = self.theme.marks.dot;
        match (find.needle.is_empty(), find.hits.is_complete(), find.match_count) {
            (true, _, _) => String::new(),
            (false, true, 0) => "no match".into(),
            (false, false, count) => format!("{count}{}", self.theme.marks.ellipsis),
            (false, true, count) => match find.wrap {
                None => format!("{} of {count}", find.current_number),
                Some(FindWrap::Top) => format!("{} of {count} {dot} from the top", find.current_number),
                Some(FindWrap::End) => format!("{} of {count} {dot} from the end", find.current_number),
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
        self.theme.clear_area(area, ColourRole::Background, buf);
        let sign = self.theme.style(if self.find.typing { ColourRole::Accent } else { ColourRole::Muted });
        buf.set_stringn(area.x, area.y, self.theme.marks.search, 1, sign);
        let (field, trailer) = self.field_and_hints(area);
        let style = self.theme.style(ColourRole::Text);
        if self.find.field.is_empty() {
            let muted = self.theme.style(ColourRole::Muted).remove_modifier(Modifier::BOLD);
            buf.set_stringn(field.x, field.y, "find in this conversation", field.width.into(), muted);
        } else {
            self.find.field.draw(field, FieldDisplay::Text, style, self.theme, buf);
        }
        let cells: usize = trailer.iter().map(|span| text::width(&span.content)).sum();
        let mut x = area.right().saturating_sub(cells as u16).max(field.x);
        for span in trailer {
            let room = usize::from(area.right().saturating_sub(x));
            (x, _) = buf.set_stringn(x, area.y, &span.content, room, span.style);
        }
    }
}
