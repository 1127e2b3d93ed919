//! The picker of themes: the page behind it and a sample in it show the one under the cursor.

use super::{Of, Overlay, Picked, open::open};
use crate::{
    app::{
        Effect, State,
        looks::{AUTO, Own},
    },
    widgets::{
        picker::{Align, Column, Picker, PickerRow, Tone},
        theme::{Role, Shade, Theme},
    },
};

/// The one in the config, the name, what kind it is.
const COLUMNS: &[Column] = &[
    Column { head: "", align: Align::Left, role: Role::Accent, dispensable: 0 },
    Column { head: "", align: Align::Grows, role: Role::Text, dispensable: 0 },
    Column { head: "", align: Align::Left, role: Role::Muted, dispensable: 1 },
];

/// All themes: what leaves it to the terminal, then the dark and the light ones, the reader's own first among them.
pub(in crate::app) fn open_themes(state: &mut State, fx: &mut Vec<Effect>) {
    let mut picker = Picker::new("Theme", COLUMNS);
    picker.width = 58;
    picker.detail_rows = 3;
    picker.notice = state.looks.no_colour().then(|| "NO_COLOR is set: no colours are shown".to_owned());
    picker.set_rows(rows(state));
    picker.select(&Picked::Theme(state.config.theme.clone()));
    fx.push(Effect::ReadThemes);
    open(state, Of::Theme, picker, &[("↵", "keep"), ("esc", "as it was")]);
}

/// The reader's own themes were read again while themes are being picked.
pub(in crate::app) fn refresh_themes(state: &mut State) {
    let new = rows(state);
    if let Some(Overlay::Picker { of: Of::Theme, picker }) = state.screen.overlays.last_mut() {
        picker.set_rows(new);
    }
}

fn rows(state: &State) -> Vec<PickerRow<Picked>> {
    let own = state.looks.own();
    let is_own = |name: &str| own.iter().any(|own| own.name == name);
    let bundled: Vec<Theme> = Theme::names().filter(|name| !is_own(name)).filter_map(Theme::bundled).collect();
    let row = |name: &str, kind: &str| row(state, name, kind, sample(state));
    let of = |shade: Option<Shade>| {
        let own = own.iter().filter(move |own| own.theme.as_ref().is_ok_and(|theme| theme.shade == shade));
        let own = own.map(move |own| row(&own.name, &format!("{}, yours", kind(shade))));
        let bundled = bundled.iter().filter(move |theme| theme.shade == shade);
        own.chain(bundled.map(move |theme| row(&theme.name, kind(shade))))
    };
    let auto = row(AUTO, "as your terminal is");
    let wrong = own.iter().filter_map(|own: &Own| {
        let why = own.theme.as_ref().err()?;
        Some(self::row(state, &own.name, "yours, cannot be read", vec![vec![(Tone::Of(Role::Error), why.clone())]]))
    });
    [auto].into_iter().chain(of(None)).chain(of(Some(Shade::Dark))).chain(of(Some(Shade::Light))).chain(wrong).collect()
}

fn kind(shade: Option<Shade>) -> &'static str {
    shade.map_or("its own colours", Shade::name)
}

fn row(state: &State, name: &str, kind: &str, detail: Vec<Vec<(Tone, String)>>) -> PickerRow<Picked> {
    let mark = if state.config.theme == name { state.theme.marks.done } else { " " };
    PickerRow {
        cells: vec![mark.to_owned(), name.to_owned(), kind.to_owned()],
        also: kind.to_owned(),
        detail,
        payload: Picked::Theme(name.to_owned()),
    }
}

/// What a page consists of, in a few words; drawn in the theme in force, which is the one under the cursor.
fn sample(state: &State) -> Vec<Vec<(Tone, String)>> {
    let marks = &state.theme.marks;
    let line = |pieces: &[(Tone, &str)]| pieces.iter().map(|(tone, words)| (*tone, (*words).to_owned())).collect();
    vec![
        line(&[
            (Tone::Of(Role::You), "You ask, "),
            (Tone::Bold, "somebody"),
            (Tone::Text, " answers"),
            (Tone::Of(Role::Accent), " [1]"),
            (Tone::Text, ", see "),
            (Tone::Of(Role::Link), "source"),
            (Tone::Muted, "  12:00"),
        ]),
        line(&[
            (Tone::Of(Role::Reasoning), "thought for 3 s   "),
            (Tone::Of(Role::Ok), &format!("{} done   ", marks.done)),
            (Tone::Of(Role::Warning), &format!("{} asks   ", marks.asking)),
            (Tone::Of(Role::Error), &format!("{} failed", marks.failed)),
        ]),
        line(&[
            (Tone::Of(Role::Keyword), "let"),
            (Tone::Text, " n = "),
            (Tone::Of(Role::Function), "parse"),
            (Tone::Text, "("),
            (Tone::Of(Role::String), "\"41\""),
            (Tone::Text, ") + "),
            (Tone::Of(Role::Number), "1"),
            (Tone::Text, ";  "),
            (Tone::Of(Role::Comment), "// a comment"),
        ]),
    ]
}
