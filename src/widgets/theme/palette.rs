//! Themes on terminals that have 256 colours: the nearest of those that can still be read.

use ratatui::style::Color;

use super::{
    Role, Theme,
    shade::{contrast, luminance},
};

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colours {
    /// `NO_COLOR`: only attributes.
    None,
    /// The palette of xterm.
    Indexed,
    #[default]
    All,
}

type Rgb = (u8, u8, u8);

/// The first sixteen are the reader's own, whatever they are.
const FIRST: u8 = 16;

impl Theme {
    /// The same theme in the colours of xterm's palette. Words keep the contrast that they need on every ground they
    /// stand on, and a ground goes on to differ from the page.
    #[must_use]
    pub fn in_256_colours(mut self) -> Self {
        let before = self.styles.clone();
        let painted = |role: Role| rgb(before[role as usize].bg);
        let mut grounds: Vec<(Role, u8)> = Vec::new();
        let text = rgb(before[Role::Text as usize].fg);
        for role in Role::ALL.into_iter().filter(|role| role.is_ground()) {
            let Some(colour) = painted(role) else { continue };
            let differs = |index: u8| {
                let page = grounds.iter().find(|(other, _)| *other == Role::Background);
                page.is_none_or(|(_, taken)| *taken != index || painted(Role::Background) == Some(colour))
            };
            let recedes = |index: u8| text.is_none_or(|text| away(text, of_index(index)) >= KEPT * away(text, colour));
            let index = nearest(colour, |index| differs(index) && recedes(index));
            grounds.push((role, index));
            self.styles[role as usize].bg = Some(Color::Indexed(index));
        }
        for role in Role::ALL.into_iter().filter(|role| !role.is_ground()) {
            let Some(colour) = rgb(before[role as usize].fg) else { continue };
            let on = grounds.iter().filter(|(ground, _)| *ground != Role::Mark || role.is_on_marks());
            let needs: Vec<(f64, f64)> = on
                .filter_map(|(ground, index)| Some((light(of_index(*index)), enough(colour, painted(*ground)?))))
                .collect();
            let can_be_read =
                |index: u8| needs.iter().all(|(ground, least)| contrast(light(of_index(index)), *ground) >= *least);
            self.styles[role as usize].fg = Some(Color::Indexed(nearest(colour, can_be_read)));
        }
        self
    }
}

/// So much of its contrast with the text a ground keeps at least.
const KEPT: f64 = 0.88;

/// The contrast of two colours.
fn away(one: Rgb, other: Rgb) -> f64 {
    contrast(light(one), light(other))
}

/// The contrast that words of this colour need on that ground: what is asked of a theme, as far as they have it.
fn enough(words: Rgb, ground: Rgb) -> f64 {
    let has = away(words, ground);
    if has >= 7.0 { 7.0 } else { has.min(4.5) }
}

/// The nearest colour that will do, else the nearest of all.
fn nearest(colour: Rgb, will_do: impl Fn(u8) -> bool) -> u8 {
    let by_distance = |index: &u8| distance(colour, of_index(*index));
    let all = || FIRST..=u8::MAX;
    let found = all().filter(|index| will_do(*index)).min_by_key(by_distance);
    found.or_else(|| all().min_by_key(by_distance)).unwrap_or(FIRST)
}

/// How far apart two colours look: the eye is keener on green, and on red where it is bright.
fn distance(one: Rgb, other: Rgb) -> u32 {
    let by = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    let red = u32::midpoint(one.0.into(), other.0.into());
    (512 + red) * by(one.0, other.0) + 1024 * by(one.1, other.1) + (767 - red) * by(one.2, other.2)
}

/// What a colour of the palette is: a cube of six steps, then greys.
pub(super) fn of_index(index: u8) -> Rgb {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(FIRST));
    (STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
}

fn rgb(colour: Option<Color>) -> Option<Rgb> {
    match colour {
        Some(Color::Rgb(red, green, blue)) => Some((red, green, blue)),
        _ => None,
    }
}

fn light((red, green, blue): Rgb) -> f64 {
    luminance(red, green, blue)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_colour_of_the_palette_is_its_own_nearest() {
        for index in FIRST..=u8::MAX {
            assert_eq!(of_index(nearest(of_index(index), |_| true)), of_index(index));
        }
        assert_eq!(nearest((0xe2, 0xa7, 0x5c), |_| true), 179);
        assert_eq!(nearest((0, 0, 0), |index| index > 100), 232);
        assert_eq!(nearest((0, 0, 0), |_| false), 16);
    }

    #[test]
    fn what_a_theme_leaves_to_the_terminal_stays_so() {
        let terminal = Theme::default();
        assert_eq!(terminal.clone().in_256_colours(), terminal);
        let ink = Theme::bundled("ink").expect("bundled").in_256_colours();
        let has_rgb = |style: &Style| rgb(style.fg).or(rgb(style.bg)).is_some();
        assert!(!ink.styles.iter().any(has_rgb), "{:?}", ink.styles);
    }
}
