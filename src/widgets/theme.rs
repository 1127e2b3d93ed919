//! Roles of colour and the marks of the interface; a theme names roles, never places.

mod bundled;
mod marks;
mod palette;
mod read;
mod role;
mod shade;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

pub use marks::Marks;
pub use palette::Colours;
pub use read::ThemeError;
pub use role::Role;
pub use shade::Shade;

/// How every role looks, and which marks are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    pub marks: Marks,
    /// Of the page, where the theme paints it.
    pub shade: Option<Shade>,
    /// The page has a colour of its own, so every cell is painted.
    pub paints_background: bool,
    /// Code has no ground of its own: inline code keeps its backticks.
    pub plain_code: bool,
    pub painting: Painting,
    /// One style for each role, in the order of `Role::ALL`.
    styles: Vec<Style>,
}

/// How words are painted, whatever their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Painting {
    /// The terminal has links of its own.
    pub links: bool,
    /// It has none: the addresses of links are written out.
    pub addresses: bool,
    /// What is read from right to left is turned round here, for the terminal does not.
    pub reorder: bool,
}

impl Theme {
    /// For `NO_COLOR`: only bold, dim, underline and reverse.
    #[must_use]
    pub fn without_colour() -> Self {
        let styles =
            Self::default().styles.into_iter().map(|style| Style { fg: Some(Color::Reset), ..style }).collect();
        Self::of("without colour", styles)
    }

    /// The same theme with its marks drawn in ASCII.
    #[must_use]
    pub fn in_ascii(mut self) -> Self {
        self.marks = Marks::ASCII;
        self
    }

    /// The style of a role, to be laid over what is there: a ground gives the colour behind the
    /// words, every other role the words themselves.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Plain text on a ground, with nothing left of what was there before.
    #[must_use]
    pub fn ground(&self, role: Role) -> Style {
        Style::reset().patch(self.style(Role::Text)).patch(self.style(role))
    }

    /// Empties an area and gives it a ground.
    pub fn clear(&self, area: Rect, role: Role, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let ground = self.ground(role);
        for row in area.rows() {
            let first = buf.index_of(row.x, row.y);
            for cell in &mut buf.content[first..first + usize::from(row.width)] {
                cell.reset();
                cell.set_style(ground);
            }
        }
    }

    /// Sets everything in an area back, so that what is drawn next lies above it.
    pub fn recede(&self, area: Rect, buf: &mut Buffer) {
        let words = self.style(Role::Faint);
        for position in area.intersection(buf.area).positions() {
            let cell = &mut buf[position];
            cell.modifier = Modifier::empty();
            cell.fg = Color::Reset;
            cell.underline_color = Color::Reset;
            cell.set_style(words);
        }
    }

    /// The last touch of a frame: with marks in ASCII, dots, dashes and quotation marks are plain in words as well.
    pub fn finish(&self, buf: &mut Buffer) {
        if self.marks != Marks::ASCII {
            return;
        }
        for cell in &mut buf.content {
            if let Some(plain) = Marks::plain(cell.symbol()) {
                cell.set_symbol(plain);
            }
        }
    }

    fn of(name: &str, styles: Vec<Style>) -> Self {
        let unpainted = |role: Role| matches!(styles[role as usize].bg, None | Some(Color::Reset));
        Self {
            name: name.to_owned(),
            marks: Marks::UNICODE,
            shade: Shade::of_colour(styles[Role::Background as usize].bg),
            paints_background: !unpainted(Role::Background),
            plain_code: unpainted(Role::Surface),
            painting: Painting::default(),
            styles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_an_overlay_keeps_its_words_and_loses_its_colours() {
        let theme = Theme::bundled("ink").expect("bundled");
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        buf.set_string(0, 0, "word", theme.style(Role::Accent).add_modifier(Modifier::BOLD));
        theme.recede(buf.area, &mut buf);
        assert_eq!(buf[(0, 0)].symbol(), "w");
        assert_eq!((Some(buf[(0, 0)].fg), buf[(0, 0)].modifier), (theme.style(Role::Faint).fg, Modifier::empty()));
    }
}
