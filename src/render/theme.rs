//! Themes: a style for each colour role, and the marks of the interface.

mod ascii_ellipsis;
mod bundled;
mod colour_depth;
mod marks;
mod parse;
mod role;
mod shade;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

pub use colour_depth::ColourDepth;
pub use marks::ThemeMarks;
pub use parse::ThemeError;
pub use role::ColourRole;
pub use shade::ThemeShade;

/// The style of every role, and the marks that are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    pub marks: ThemeMarks,
    /// The shade of the background, if the theme paints it.
    pub shade: Option<ThemeShade>,
    /// The theme has a background colour, so every cell is painted.
    pub paints_background: bool,
    /// Code has no background colour, so inline code keeps its backticks.
    pub plain_code: bool,
    pub rendering: TextRendering,
    /// One style for each role, in the order of `Role::ALL`.
    styles: Vec<Style>,
}

/// How text is rendered, whatever its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextRendering {
    /// The terminal supports links.
    pub has_links: bool,
    /// The addresses of links are written out, because the terminal has no links.
    pub writes_addresses: bool,
    /// Right-to-left text is reordered here, because the terminal does not do it.
    pub reorders_rtl: bool,
}

impl Theme {
    /// Returns the theme for `NO_COLOR`: only bold, dim, underline and reverse.
    #[must_use]
    pub fn without_colour() -> Self {
        let styles =
            Self::default().styles.into_iter().map(|style| Style { fg: Some(Color::Reset), ..style }).collect();
        Self::from_styles("without colour", styles)
    }

    /// Returns the same theme with ASCII marks.
    #[must_use]
    pub fn in_ascii(mut self) -> Self {
        self.marks = ThemeMarks::ASCII;
        self
    }

    /// Returns the style of a role, to be patched onto an existing style: a ground sets the background, every other
    /// role the text.
    #[must_use]
    pub fn style(&self, role: ColourRole) -> Style {
        self.styles[role as usize]
    }

    /// Returns the complete style of plain text on a ground.
    #[must_use]
    pub fn ground_style(&self, role: ColourRole) -> Style {
        Style::reset().patch(self.style(ColourRole::Text)).patch(self.style(role))
    }

    /// Clears an area and fills it with a ground.
    pub fn clear_area(&self, area: Rect, role: ColourRole, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let ground = self.ground_style(role);
        for row in area.rows() {
            let first = buf.index_of(row.x, row.y);
            for cell in &mut buf.content[first..first + usize::from(row.width)] {
                cell.reset();
                cell.set_style(ground);
            }
        }
    }

    /// Dims everything on a screen, so that an overlay stands out above it. Without a painted background nothing could be
    /// fainter than the overlay's own muted words: only the status line stays.
    pub fn dim_area(&self, area: Rect, buf: &mut Buffer) {
        if !self.paints_background {
            self.clear_area(Rect { height: area.height.saturating_sub(1), ..area }, ColourRole::Background, buf);
        }
        let words = self.style(ColourRole::Faint);
        for position in area.intersection(buf.area).positions() {
            let cell = &mut buf[position];
            cell.modifier = Modifier::empty();
            cell.fg = Color::Reset;
            cell.underline_color = Color::Reset;
            cell.set_style(words);
        }
    }

    /// Gives the words of a selected row its own colour where it is reversed: an accent would be a block there.
    pub fn even_selected_row(&self, area: Rect, buf: &mut Buffer) {
        if self.paints_background {
            return;
        }
        for position in area.intersection(buf.area).positions() {
            let cell = &mut buf[position];
            if cell.modifier.contains(Modifier::REVERSED) {
                cell.fg = Color::Reset;
            }
        }
    }

    /// Leaves green and yellow to marks where the background may be white, on which words in them cannot be read: the
    /// words take the text's colour, and those of a warning are bold.
    fn keep_words_readable(&self, buf: &mut Buffer) {
        let is_pale = |colour: Color| matches!(colour, Color::Indexed(2 | 3) | Color::Green | Color::Yellow);
        let warning = self.style(ColourRole::Warning).fg;
        let width = usize::from(buf.area.width).max(1);
        for row in buf.content.chunks_mut(width) {
            // A mark may begin a run of one colour; what stands behind it is words.
            let mut run_colour = Color::Reset;
            let mut is_in_words = false;
            for cell in row {
                if cell.fg != run_colour {
                    (run_colour, is_in_words) = (cell.fg, false);
                }
                let is_blank = cell.symbol().trim().is_empty();
                is_in_words |= cell.symbol().contains(|c: char| c.is_alphanumeric() || "\"'“‘".contains(c));
                if is_in_words && !is_blank && is_pale(cell.fg) {
                    if Some(cell.fg) == warning {
                        cell.modifier.insert(Modifier::BOLD);
                    }
                    cell.fg = Color::Reset;
                }
            }
        }
    }

    /// Finishes a frame: makes dim words on reversed rows readable; with ASCII marks, replaces dots, dashes and quotation marks in the text as well.
    pub fn finish_frame(&self, buf: &mut Buffer) {
        if !self.paints_background {
            // Dim words on a reversed row could hardly be read.
            for cell in &mut buf.content {
                if cell.modifier.contains(Modifier::REVERSED) {
                    cell.modifier.remove(Modifier::DIM);
                }
            }
            self.keep_words_readable(buf);
        }
        if self.marks != ThemeMarks::ASCII {
            return;
        }
        for cell in &mut buf.content {
            if let Some(plain) = ThemeMarks::to_ascii(cell.symbol()) {
                cell.set_symbol(plain);
            }
        }
        let width = usize::from(buf.area.width).max(1);
        buf.content.chunks_mut(width).for_each(ascii_ellipsis::widen_ellipses);
    }

    fn from_styles(name: &str, styles: Vec<Style>) -> Self {
        let unpainted = |role: ColourRole| matches!(styles[role as usize].bg, None | Some(Color::Reset));
        Self {
            name: name.to_owned(),
            marks: ThemeMarks::UNICODE,
            shade: ThemeShade::of_colour(styles[ColourRole::Background as usize].bg),
            paints_background: !unpainted(ColourRole::Background),
            plain_code: unpainted(ColourRole::Surface),
            rendering: TextRendering::default(),
            styles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_below_an_overlay_keeps_its_characters_and_loses_its_colours() {
        let theme = Theme::bundled("ink").expect("bundled");
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        buf.set_string(0, 0, "word", theme.style(ColourRole::Accent).add_modifier(Modifier::BOLD));
        theme.dim_area(buf.area, &mut buf);
        assert_eq!(buf[(0, 0)].symbol(), "w");
        assert_eq!(
            (Some(buf[(0, 0)].fg), buf[(0, 0)].modifier),
            (theme.style(ColourRole::Faint).fg, Modifier::empty())
        );
    }
}
