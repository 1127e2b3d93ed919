//! The theme picker: the screen behind it and its sample preview the theme under the cursor.

use crate::ui::overlays::{PickerItem, PickerKind, ScreenOverlay, open_overlays::push_picker};
use crate::ui::{cx::Cx, environment::Environment, screen::Screen};
use crate::{
    render::theme::{ColourRole, Theme, ThemeShade},
    ui::{
        Action, Effect,
        overlay::picker::{ColumnAlign, DetailStyle, FuzzyPicker, PickerColumn, PickerRow},
        themes::theme_selection::{AUTO, UserTheme},
    },
};

/// A mark for the theme in the config, the name, the kind.
const THEME_COLUMNS: &[PickerColumn] = &[
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Accent, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Grow, role: ColourRole::Text, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 1 },
];

/// Opens all themes: those that follow the terminal, then the dark and the light ones, the user's own first in each
/// group.
pub(crate) fn open_themes(screen: &mut Screen, cx: &mut Cx<'_>) {
    let mut picker = FuzzyPicker::new("Theme", THEME_COLUMNS);
    picker.width = 72;
    picker.detail_rows = 3;
    picker.notice = cx.env.theme_selection.has_no_colour().then(|| "NO_COLOR is set: no colours are shown".to_owned());
    picker.set_rows(theme_rows(cx.env));
    picker.select(&PickerItem::Theme(cx.env.config.theme.clone()));
    cx.effects.push(Effect::ReadThemes);
    push_picker(
        &mut screen.overlays,
        PickerKind::Theme,
        picker,
        &[(&[Action::Accept], "save"), (&[Action::Back], "cancel")],
    );
}

/// Updates the open theme picker after the user's own themes were read again.
pub(crate) fn refresh_themes(overlays: &mut [ScreenOverlay], env: &mut Environment) {
    let new = theme_rows(env);
    if let Some(ScreenOverlay::Picker { of: PickerKind::Theme, picker }) = overlays.last_mut() {
        picker.set_rows(new);
    }
}

fn theme_rows(env: &Environment) -> Vec<PickerRow<PickerItem>> {
    let own = env.theme_selection.user_themes();
    let is_own = |name: &str| own.iter().any(|own| own.name == name);
    let bundled: Vec<Theme> = Theme::bundled_names().filter(|name| !is_own(name)).filter_map(Theme::bundled).collect();
    let row = |name: &str, kind: &str| theme_row(env, name, kind, theme_sample(env));
    let group = |shade: Option<ThemeShade>| {
        let own = own.iter().filter(move |own| own.theme.as_ref().is_ok_and(|theme| theme.shade == shade));
        let own = own.map(move |own| row(&own.name, &format!("{}, yours", kind_label(shade))));
        let bundled = bundled.iter().filter(move |theme| theme.shade == shade);
        own.chain(bundled.map(move |theme| row(&theme.name, kind_label(shade))))
    };
    let auto = row(AUTO, "follow the terminal's background");
    let unreadable = own.iter().filter_map(|own: &UserTheme| {
        let why = own.theme.as_ref().err()?;
        Some(self::theme_row(
            env,
            &own.name,
            "yours, cannot be read",
            vec![vec![(DetailStyle::Role(ColourRole::Error), why.clone())]],
        ))
    });
    [auto]
        .into_iter()
        .chain(group(None))
        .chain(group(Some(ThemeShade::Dark)))
        .chain(group(Some(ThemeShade::Light)))
        .chain(unreadable)
        .collect()
}

fn kind_label(shade: Option<ThemeShade>) -> &'static str {
    shade.map_or("its own colours", ThemeShade::name)
}

fn theme_row(
    env: &Environment,
    name: &str,
    kind: &str,
    detail: Vec<Vec<(DetailStyle, String)>>,
) -> PickerRow<PickerItem> {
    let mark = env.theme.marks.check(env.config.theme == name);
    PickerRow {
        cells: vec![mark, name.to_owned(), kind.to_owned()],
        extra_terms: kind.to_owned(),
        detail_lines: detail,
        payload: PickerItem::Theme(name.to_owned()),
    }
}

/// Returns a short sample of a conversation, drawn in the active theme, which is the one under the cursor.
fn theme_sample(env: &Environment) -> Vec<Vec<(DetailStyle, String)>> {
    let marks = &env.theme.marks;
    let line =
        |pieces: &[(DetailStyle, &str)]| pieces.iter().map(|(tone, words)| (*tone, (*words).to_owned())).collect();
    vec![
        line(&[
            (DetailStyle::Role(ColourRole::You), "You ask, "),
            (DetailStyle::Bold, "somebody"),
            (DetailStyle::Text, " answers"),
            (DetailStyle::Role(ColourRole::Accent), " [1]"),
            (DetailStyle::Text, ", see "),
            (DetailStyle::Role(ColourRole::Link), "source"),
            (DetailStyle::Muted, "  12:00"),
        ]),
        line(&[
            (DetailStyle::Role(ColourRole::Reasoning), "thought for 3 s   "),
            (DetailStyle::Role(ColourRole::Ok), &format!("{} done   ", marks.done)),
            (DetailStyle::Role(ColourRole::Warning), &format!("{} asks   ", marks.asking)),
            (DetailStyle::Role(ColourRole::Error), &format!("{} failed", marks.failed)),
        ]),
        line(&[
            (DetailStyle::Role(ColourRole::Keyword), "let"),
            (DetailStyle::Text, " n = "),
            (DetailStyle::Role(ColourRole::Function), "parse"),
            (DetailStyle::Text, "("),
            (DetailStyle::Role(ColourRole::String), "\"41\""),
            (DetailStyle::Text, ") + "),
            (DetailStyle::Role(ColourRole::Number), "1"),
            (DetailStyle::Text, ";  "),
            (DetailStyle::Role(ColourRole::Comment), "// a comment"),
        ]),
    ]
}
