//! Themes on terminals with 256 colours: the nearest colours that are still readable.

use ratatui::style::Color;

use super::{
    ColourRole, Theme,
    shade::{contrast, luminance},
};

/// The colours that a terminal can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColourDepth {
    /// `NO_COLOR`: only attributes.
    None,
    /// The 256-colour palette of xterm.
    Indexed,
    #[default]
    TrueColour,
}

type RgbTriple = (u8, u8, u8);

/// The first colour with a fixed value; the sixteen before it are set by the user.
const FIRST_FIXED_COLOUR: u8 = 16;

impl Theme {
    /// Returns the same theme in xterm's palette. Text keeps the contrast that it needs on every ground, and every
    /// ground still differs from the background.
    #[must_use]
    pub fn in_256_colours(mut self) -> Self {
        let before = self.styles.clone();
        let painted = |role: ColourRole| as_rgb(before[role as usize].bg);
        let mut grounds: Vec<(ColourRole, u8)> = Vec::new();
        let text = as_rgb(before[ColourRole::Text as usize].fg);
        for role in ColourRole::ALL.into_iter().filter(|role| role.is_ground()) {
            let Some(colour) = painted(role) else { continue };
            let differs = |index: u8| {
                let page = grounds.iter().find(|(other, _)| *other == ColourRole::Background);
                page.is_none_or(|(_, taken)| *taken != index || painted(ColourRole::Background) == Some(colour))
            };
            let recedes = |index: u8| {
                text.is_none_or(|text| {
                    rgb_contrast(text, index_to_rgb(index)) >= MIN_KEPT_CONTRAST * rgb_contrast(text, colour)
                })
            };
            let index = nearest_index(colour, |index| differs(index) && recedes(index));
            grounds.push((role, index));
            self.styles[role as usize].bg = Some(Color::Indexed(index));
        }
        for role in ColourRole::ALL.into_iter().filter(|role| !role.is_ground()) {
            let Some(colour) = as_rgb(before[role as usize].fg) else { continue };
            let on = grounds.iter().filter(|(ground, _)| *ground != ColourRole::Mark || role.is_on_mark_ground());
            let needs: Vec<(f64, f64)> = on
                .filter_map(|(ground, index)| {
                    Some((rgb_luminance(index_to_rgb(*index)), required_contrast(colour, painted(*ground)?)))
                })
                .collect();
            let can_be_read = |index: u8| {
                needs.iter().all(|(ground, least)| contrast(rgb_luminance(index_to_rgb(index)), *ground) >= *least)
            };
            self.styles[role as usize].fg = Some(Color::Indexed(nearest_index(colour, can_be_read)));
        }
        self
    }
}

/// The share of its contrast with the text that a ground keeps at least.
const MIN_KEPT_CONTRAST: f64 = 0.88;

/// The contrast ratio of two colours.
fn rgb_contrast(one: RgbTriple, other: RgbTriple) -> f64 {
    contrast(rgb_luminance(one), rgb_luminance(other))
}

/// The contrast that text of this colour needs on a ground: the minimum for a theme, as far as the original has it.
fn required_contrast(words: RgbTriple, ground: RgbTriple) -> f64 {
    let actual = rgb_contrast(words, ground);
    if actual >= 7.0 { 7.0 } else { actual.min(4.5) }
}

/// The nearest acceptable colour, or else the nearest of all.
fn nearest_index(colour: RgbTriple, is_acceptable: impl Fn(u8) -> bool) -> u8 {
    let by_distance = |index: &u8| colour_distance(colour, index_to_rgb(*index));
    let all = || FIRST_FIXED_COLOUR..=u8::MAX;
    let found = all().filter(|index| is_acceptable(*index)).min_by_key(by_distance);
    found.or_else(|| all().min_by_key(by_distance)).unwrap_or(FIRST_FIXED_COLOUR)
}

/// The perceived distance of two colours: the eye is more sensitive to green, and to red where it is bright.
fn colour_distance(one: RgbTriple, other: RgbTriple) -> u32 {
    let by = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    let red = u32::midpoint(one.0.into(), other.0.into());
    (512 + red) * by(one.0, other.0) + 1024 * by(one.1, other.1) + (767 - red) * by(one.2, other.2)
}

/// The RGB value of a palette colour: a cube of six steps, then greys.
pub(crate) fn index_to_rgb(index: u8) -> RgbTriple {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(FIRST_FIXED_COLOUR));
    (STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
}

fn as_rgb(colour: Option<Color>) -> Option<RgbTriple> {
    match colour {
        Some(Color::Rgb(red, green, blue)) => Some((red, green, blue)),
        _ => None,
    }
}

fn rgb_luminance((red, green, blue): RgbTriple) -> f64 {
    luminance(red, green, blue)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_palette_colour_is_its_own_nearest() {
        for index in FIRST_FIXED_COLOUR..=u8::MAX {
            assert_eq!(index_to_rgb(nearest_index(index_to_rgb(index), |_| true)), index_to_rgb(index));
        }
        assert_eq!(nearest_index((0xe2, 0xa7, 0x5c), |_| true), 179);
        assert_eq!(nearest_index((0, 0, 0), |index| index > 100), 232);
        assert_eq!(nearest_index((0, 0, 0), |_| false), 16);
    }

    #[test]
    fn default_terminal_colours_stay_unchanged() {
        let terminal = Theme::default();
        assert_eq!(terminal.clone().in_256_colours(), terminal);
        let ink = Theme::bundled("ink").expect("bundled").in_256_colours();
        let has_rgb = |style: &Style| as_rgb(style.fg).or(as_rgb(style.bg)).is_some();
        assert!(!ink.styles.iter().any(has_rgb), "{:?}", ink.styles);
    }
}
