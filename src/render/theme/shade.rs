//! The shade of a background: dark or light.

use ratatui::style::Color;

/// The shade of a background, which decides the themes that suit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThemeShade {
    Dark,
    Light,
}

impl ThemeShade {
    /// Returns the shade of a background: dark if white text is more readable on it than black text.
    #[must_use]
    pub fn of_background(red: u8, green: u8, blue: u8) -> Self {
        let background = luminance(red, green, blue);
        if contrast(background, 1.0) >= contrast(background, 0.0) { Self::Dark } else { Self::Light }
    }

    /// Returns the shade of a painted colour; the terminal's own colours are unknown.
    pub(crate) fn of_colour(colour: Option<Color>) -> Option<Self> {
        match colour {
            Some(Color::Rgb(red, green, blue)) => Some(Self::of_background(red, green, blue)),
            _ => None,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

/// The relative luminance of a colour, as defined by WCAG.
pub(crate) fn luminance(red: u8, green: u8, blue: u8) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The contrast ratio of two luminances, from 1 to 21.
pub(crate) fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_dark_when_white_reads_better_on_it() {
        let shades =
            [(0, 0, 0), (0x15, 0x17, 0x1c), (0, 0x2b, 0x36), (0x70, 0x70, 0x70), (0x80, 0x80, 0x80), (255, 255, 255)];
        let dark: Vec<bool> = shades.map(|(r, g, b)| ThemeShade::of_background(r, g, b) == ThemeShade::Dark).to_vec();
        assert_eq!(dark, [true, true, true, true, false, false]);
    }
}
