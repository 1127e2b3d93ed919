//! Settings with a few values to choose from: the mouse, and how text is read and copied.

use crate::{
    config::{Config, CopyForm, LineBreaks, MouseMode, SettingChange, TEXT_WIDTHS},
    ui::{
        Action, Effect,
        action::CommandArgument,
        cx::Cx,
        overlay::picker::{DetailStyle, FuzzyPicker, PickerRow},
        overlays::{
            PickerItem, PickerKind,
            open_overlays::{CANCEL, CHECKED_COLUMNS, push_picker},
        },
        screen::Screen,
    },
};

/// One of the values that a setting may have.
pub(crate) struct SettingChoice {
    /// As it is typed, and as the config has it.
    pub name: String,
    pub about: &'static str,
    pub change: SettingChange,
}

/// Text widths that are offered, in cells; any other can be typed.
const OFFERED_WIDTHS: [(u16, &str); 6] = [
    (60, "narrow, as in a newspaper"),
    (72, "as in mail"),
    (80, "as a terminal of old"),
    (98, "the default"),
    (120, "wide, for code and tables"),
    (160, "very wide"),
];

/// Returns the values of the setting that a command changes; `None` if the command changes something else.
pub(crate) fn setting_choices(action: Action) -> Option<Vec<SettingChoice>> {
    let choice = |name: &str, about: &'static str, change| SettingChoice { name: name.to_owned(), about, change };
    Some(match action {
        Action::ChooseMouse => [
            (MouseMode::On, "scroll, click and select; with Shift the terminal selects"),
            (MouseMode::Wheel, "scroll only"),
            (MouseMode::Off, "leave it to the terminal"),
        ]
        .map(|(mouse, about)| choice(mouse.as_str(), about, SettingChange::Mouse(mouse)))
        .into(),
        Action::ChooseTextWidth => OFFERED_WIDTHS
            .map(|(cells, about)| choice(&cells.to_string(), about, SettingChange::TextWidth(cells)))
            .into(),
        Action::ChooseLineBreaks => [
            (LineBreaks::Auto, "a new row in lists of rows, a space in prose"),
            (LineBreaks::Keep, "always a new row"),
            (LineBreaks::Markdown, "always a space"),
        ]
        .map(|(breaks, about)| choice(breaks.as_str(), about, SettingChange::LineBreaks(breaks)))
        .into(),
        Action::ChooseCopyForm => [
            (CopyForm::Auto, "an answer as Markdown, a selection as it is shown"),
            (CopyForm::Markdown, "as the model wrote it"),
            (CopyForm::Plain, "without marks, tables as text"),
            (CopyForm::Rich, "formatted, for chat programs and mail"),
        ]
        .map(|(form, about)| choice(form.as_str(), about, SettingChange::CopyAs(form)))
        .into(),
        _ => return None,
    })
}

/// Returns the change that an argument asks for; `None` if the setting has no such value.
pub(crate) fn setting_named(action: Action, name: &str) -> Option<SettingChange> {
    if action.argument() == Some(CommandArgument::Cells) {
        return name.parse().ok().filter(|cells| TEXT_WIDTHS.contains(cells)).map(SettingChange::TextWidth);
    }
    setting_choices(action)?.into_iter().find(|choice| choice.name == name).map(|choice| choice.change)
}

/// Returns the value in force of the setting that a command changes.
pub(crate) fn setting_in_force(action: Action, config: &Config) -> Option<String> {
    Some(match action {
        Action::ChooseMouse => config.mouse.as_str().to_owned(),
        Action::ChooseTextWidth => config.text_width.to_string(),
        Action::ChooseLineBreaks => config.line_breaks.as_str().to_owned(),
        Action::ChooseCopyForm => config.copy_as.as_str().to_owned(),
        Action::ToggleCodeLines => config.code.as_str().to_owned(),
        _ => return None,
    })
}

/// Changes a setting at once, and saves it.
pub(crate) fn change_setting(screen: &mut Screen, cx: &mut Cx<'_>, change: SettingChange) {
    let config = &mut cx.env.config;
    match change {
        SettingChange::Mouse(mouse) => {
            config.mouse = mouse;
            cx.effects.push(Effect::SetMouseMode(mouse));
        }
        SettingChange::TextWidth(cells) => (config.text_width, screen.widths.text) = (cells, cells),
        SettingChange::LineBreaks(breaks) => config.line_breaks = breaks,
        SettingChange::CopyAs(form) => config.copy_as = form,
        SettingChange::Code(code) => config.code = code,
        // These have commands of their own.
        SettingChange::Theme(_) | SettingChange::Slot(..) | SettingChange::AllowPageChecks => return,
    }
    cx.effects.push(Effect::SaveSetting(change));
}

/// Opens the values of a setting.
pub(crate) fn open_setting_choices(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    let Some(choices) = setting_choices(action) else { return };
    let in_force = setting_in_force(action, &cx.env.config).unwrap_or_default();
    let title = action.entry().title.split(':').next().unwrap_or_default();
    let mut picker = FuzzyPicker::new(title, CHECKED_COLUMNS);
    picker.width = 60;
    picker.detail_rows = 1;
    let current = choices.iter().find(|choice| choice.name == in_force).map(|choice| choice.change.clone());
    let row = |choice: SettingChoice| PickerRow {
        cells: vec![cx.env.theme.marks.check(choice.name == in_force), choice.name],
        extra_terms: String::new(),
        detail_lines: vec![vec![(DetailStyle::Muted, choice.about.to_owned())]],
        payload: PickerItem::Setting(choice.change),
    };
    picker.set_rows(choices.into_iter().map(row).collect());
    if let Some(change) = current {
        picker.select(&PickerItem::Setting(change));
    }
    if action.argument() == Some(CommandArgument::Cells) {
        picker.no_match_text = format!("{} to {} cells.", TEXT_WIDTHS.start(), TEXT_WIDTHS.end());
    }
    push_picker(&mut screen.overlays, PickerKind::Setting(action), picker, &[(&[Action::Accept], "save"), CANCEL]);
}
