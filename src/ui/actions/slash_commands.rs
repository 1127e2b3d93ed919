//! Running slash commands: what each takes as its argument, and what it does with it.

use super::{
    finding, list_actions, list_changes,
    model_settings::{self, available_efforts},
    searching,
    setting_choices::{change_setting, setting_choices, setting_named},
    switching, title_actions,
};
use crate::{
    chat::Effort,
    config::TEXT_WIDTHS,
    render::theme::Theme,
    text::ranking::{self, NamedChoice, RankCandidate},
    ui::{
        Action,
        action::CommandArgument,
        chats::Chats,
        cx::Cx,
        dispatch::on_action,
        environment::Environment,
        overlays,
        screen::{EditTarget, PaneFocus, Screen},
        slash::{self, NextEnter, SlashChoice, SlashCommand, SlashInput, SlashRow},
    },
};

/// What Enter does with the draft in the composer.
pub(crate) enum DraftUse {
    Run(SlashCommand),
    /// It is no command, or one that lacks a choice: the reason is shown, and it is not sent.
    Refuse(String, NextEnter),
    Send,
}

/// Updates the list of commands from the draft, before a key and before a frame.
pub(crate) fn refresh(screen: &mut Screen, chats: &Chats, env: &Environment) {
    let is_command_line = screen.focus == PaneFocus::Composer && is_for_commands(screen);
    let draft = is_command_line.then(|| screen.pane.composer.text());
    let is_hidden = !screen.overlays.is_empty();
    screen.slash.refresh(draft.as_deref(), |draft| if is_hidden { Vec::new() } else { rows(draft, chats, env) });
}

/// Returns whether a command can be typed: the composer does not hold the arguments of a call, or a reason.
fn is_for_commands(screen: &Screen) -> bool {
    !matches!(screen.pane.editing, Some(EditTarget::Arguments(_) | EditTarget::Reason(_)))
}

fn rows(draft: &str, chats: &Chats, env: &Environment) -> Vec<SlashRow> {
    match SlashInput::parse(draft) {
        SlashInput::Text | SlashInput::NoName(_) => Vec::new(),
        SlashInput::Name(name) => slash::name_rows(name, &env.keymap, |action| env.use_count(action)),
        SlashInput::Argument { name, argument } => slash::command_named(name).map_or_else(Vec::new, |action| {
            let mut choices = choices(action, chats, env).unwrap_or_default();
            if action.argument() == Some(CommandArgument::Cells) && !argument.is_empty() {
                choices.retain(|choice| choice.argument == argument); // A number is not the beginning of another.
            }
            if action.argument() == Some(CommandArgument::Tags) {
                choices = tag_choices(argument, chats);
            }
            slash::argument_rows(action, argument, &choices)
        }),
    }
}

/// Returns the arguments that a command offers; `None` if it takes none, or any text.
fn choices(action: Action, chats: &Chats, env: &Environment) -> Option<Vec<SlashChoice>> {
    let choice = |argument: &str, about: &str| SlashChoice { argument: argument.to_owned(), about: about.to_owned() };
    let dot = env.theme.marks.dot;
    Some(match action.argument()? {
        CommandArgument::Text | CommandArgument::Tags => return None,
        CommandArgument::OnOff => vec![choice("on", ""), choice("off", "")],
        CommandArgument::Mouse | CommandArgument::Cells | CommandArgument::LineBreaks | CommandArgument::CopyForm => {
            let values = setting_choices(action)?.into_iter();
            values.map(|value| choice(&value.name, value.about)).collect()
        }
        CommandArgument::Effort => {
            let offered = available_efforts(chats, env).map(|efforts| efforts.offered).unwrap_or_default();
            offered.into_iter().map(|effort| choice(effort.name(), "")).collect()
        }
        CommandArgument::Slot => {
            let filled = (1..).zip(&env.slots).filter_map(|(slot, model)| Some((slot, model.as_ref()?)));
            filled.map(|(slot, model): (u8, _)| choice(&slot.to_string(), model)).collect()
        }
        CommandArgument::Theme => theme_names(env).into_iter().map(|name| choice(&name, "")).collect(),
        CommandArgument::Model => {
            let models = env.catalogue(&chats.settings().endpoint)?.models.iter();
            models.map(|model| choice(&model.id, &format!("{dot} {}", model.name))).collect()
        }
    })
}

/// Returns what was typed, and the tags that exist for its last word.
fn tag_choices(typed: &str, chats: &Chats) -> Vec<SlashChoice> {
    let (before, last) = typed.rsplit_once(char::is_whitespace).unwrap_or(("", typed));
    let begun = last.trim_start_matches(['#', '-']);
    let marks = &last[..last.len() - begun.len()];
    let known = chats.index.tags().into_iter().map(|tag| [before, &format!("{marks}{tag}")].join(" "));
    let known = known.map(|argument| argument.trim_start().to_owned()).collect::<Vec<_>>();
    let own = (!begun.is_empty() && !known.iter().any(|known| known == typed)).then(|| typed.to_owned());
    let choice = |argument: String, about: &str| SlashChoice { argument, about: about.to_owned() };
    own.into_iter()
        .map(|own| choice(own, "as it is typed"))
        .chain(known.into_iter().map(|tag| choice(tag, "")))
        .collect()
}

/// Returns the names of the themes: one that follows the terminal, the user's own, then those of the program.
pub(crate) fn theme_names(env: &Environment) -> Vec<String> {
    let own = env.theme_selection.user_themes().iter().map(|theme| theme.name.clone());
    let mut names: Vec<String> =
        ["auto".to_owned()].into_iter().chain(own).chain(Theme::bundled_names().map(str::to_owned)).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Returns what Enter does with a draft.
pub(crate) fn draft_use(screen: &Screen, chats: &Chats, env: &Environment, draft: &str) -> DraftUse {
    if !is_for_commands(screen) || screen.slash.sends(draft, chats.content.conversation_id()) {
        return DraftUse::Send;
    }
    let again = format!("{} again sends it as text.", env.theme.marks.enter);
    let (name, argument) = match SlashInput::parse(draft.trim_end()) {
        SlashInput::Text => return DraftUse::Send,
        SlashInput::Name("") | SlashInput::NoName("/") => {
            return DraftUse::Refuse(format!("No command is named. {again}"), NextEnter::Sends);
        }
        SlashInput::NoName(word) => {
            return DraftUse::Refuse(format!("No command {word}. {again}"), NextEnter::Sends);
        }
        SlashInput::Name(name) => (name, ""),
        SlashInput::Argument { name, argument } => (name, argument),
    };
    match slash::command_named(name) {
        None => DraftUse::Refuse(format!("No command /{name}. {again}"), NextEnter::Sends),
        Some(action) if argument.is_empty() => DraftUse::Run(SlashCommand { action, argument: None }),
        Some(action) => match complete_argument(action, argument, chats, env) {
            Ok(argument) => DraftUse::Run(SlashCommand { action, argument: Some(argument) }),
            Err(ArgumentFault::Unknown(why)) => DraftUse::Refuse(format!("{why} {again}"), NextEnter::Sends),
            Err(ArgumentFault::Ambiguous(why)) => DraftUse::Refuse(why, NextEnter::Asks),
        },
    }
}

/// Why a command does not take an argument.
enum ArgumentFault {
    Unknown(String),
    Ambiguous(String),
}

/// Returns the argument as the command takes it, or why it cannot.
fn complete_argument(action: Action, typed: &str, chats: &Chats, env: &Environment) -> Result<String, ArgumentFault> {
    let name = action.entry().slash_name();
    match action.argument() {
        None => return Err(ArgumentFault::Unknown(format!("/{name} takes nothing after it."))),
        Some(CommandArgument::Text | CommandArgument::Tags) => return Ok(typed.to_owned()),
        // One that is empty says how to fill it.
        Some(CommandArgument::Slot) if matches!(typed.parse::<u8>(), Ok(1..=9)) => return Ok(typed.to_owned()),
        Some(CommandArgument::Cells) => {
            let is_width = setting_named(action, typed).is_some();
            let why = || format!("/{name} takes {} to {} cells.", TEXT_WIDTHS.start(), TEXT_WIDTHS.end());
            return if is_width { Ok(typed.to_owned()) } else { Err(ArgumentFault::Unknown(why())) };
        }
        // Without a catalogue a model is taken as typed.
        Some(CommandArgument::Model) if env.catalogue(&chats.settings().endpoint).is_none() => {
            return Ok(typed.to_owned());
        }
        Some(_) => (),
    }
    let choices = choices(action, chats, env).unwrap_or_default();
    match slash::named_argument(action, typed, &choices) {
        NamedChoice::One(index) => Ok(choices[index].argument.clone()),
        NamedChoice::Several(fitting) => {
            let names = choice_names(fitting.into_iter(), &choices);
            let keys = env.theme.marks.up_down;
            Err(ArgumentFault::Ambiguous(format!("/{name} {typed} may be {names}. {keys} chooses.")))
        }
        NamedChoice::Unknown => Err(ArgumentFault::Unknown(unknown_argument(action, typed, &choices, chats, env))),
    }
}

/// Says what a command takes to someone who named something else.
fn unknown_argument(action: Action, typed: &str, choices: &[SlashChoice], chats: &Chats, env: &Environment) -> String {
    let name = action.entry().slash_name();
    match action.argument() {
        Some(CommandArgument::Effort) => model_settings::efforts_note(chats, env),
        Some(CommandArgument::Slot) => format!("/{name} takes a number from 1 to 9."),
        Some(
            CommandArgument::OnOff
            | CommandArgument::Mouse
            | CommandArgument::Cells
            | CommandArgument::LineBreaks
            | CommandArgument::CopyForm,
        ) => {
            format!("/{name} takes {}.", choice_names(0..choices.len(), choices))
        }
        Some(CommandArgument::Theme | CommandArgument::Model | CommandArgument::Text | CommandArgument::Tags)
        | None => {
            let candidates = choices.iter().map(|choice| RankCandidate { title: &choice.argument, terms: "" });
            let near = ranking::rank(typed, candidates).into_iter().map(|near| near.index).collect::<Vec<_>>();
            let near = match near.as_slice() {
                [] => String::new(),
                near => format!(" Nearest: {}.", choice_names(near.iter().copied(), choices)),
            };
            format!("/{name} does not know {typed}.{near}")
        }
    }
}

/// Names the first three of some choices, and counts the rest.
fn choice_names(indices: impl ExactSizeIterator<Item = usize>, choices: &[SlashChoice]) -> String {
    const NAMED: usize = 3;
    let rest = indices.len().saturating_sub(NAMED);
    let mut names: Vec<String> = indices.take(NAMED).map(|index| choices[index].argument.clone()).collect();
    names.extend((rest > 0).then(|| format!("{rest} more")));
    match names.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        names => names.concat(),
    }
}

/// Runs the row under the cursor of the list; without one, the draft is what it says.
pub(crate) fn run_selected(screen: &mut Screen, cx: &mut Cx<'_>) {
    match screen.slash.selected().map(|row| row.command.clone()) {
        Some(command) => run(screen, cx, command),
        None => on_action(screen, cx, Action::Send),
    }
}

/// Completes the draft with the row under the cursor of the list, else with the first.
pub(crate) fn complete_selected(screen: &mut Screen, cx: &mut Cx<'_>) {
    let row = screen.slash.selected().or(screen.slash.rows.first());
    if let Some(completion) = row.map(|row| row.completion.clone()) {
        screen.pane.composer.replace(&completion);
        switching::schedule_draft_save(&mut screen.pane, cx);
    }
}

/// Takes a command out of the composer and runs it.
pub(crate) fn run(screen: &mut Screen, cx: &mut Cx<'_>, command: SlashCommand) {
    screen.pane.composer.take();
    switching::schedule_draft_save(&mut screen.pane, cx);
    overlays::count_use(cx, command.action);
    match command.argument {
        None => on_action(screen, cx, command.action),
        Some(argument) => run_with(screen, cx, command.action, argument),
    }
}

fn run_with(screen: &mut Screen, cx: &mut Cx<'_>, action: Action, argument: String) {
    match action {
        Action::ChooseModel => model_settings::set_model(cx, argument),
        Action::ChooseSlot => {
            if let Some(slot) = argument.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
                model_settings::use_slot(cx, slot);
            }
        }
        Action::ChooseEffort => {
            model_settings::change_settings(cx, |settings| settings.effort = Effort::from_name(&argument));
        }
        Action::ToggleWeb => {
            if cx.chats.settings().web != (argument == "on") {
                model_settings::toggle_web(cx);
            }
        }
        Action::ChooseTheme => overlays::set_theme(&mut screen.overlays, cx, argument),
        Action::ChooseMouse | Action::ChooseTextWidth | Action::ChooseLineBreaks | Action::ChooseCopyForm => {
            if let Some(change) = setting_named(action, &argument) {
                change_setting(screen, cx, change);
            }
        }
        Action::EditParameters => {
            model_settings::change_settings(cx, |settings| settings.instructions = Some(argument));
            cx.show_message("the system prompt applies from the next message on");
        }
        Action::RenameConversation if argument == "auto" => title_actions::suggest_title(screen, cx),
        Action::RenameConversation => match cx.chats.content.conversation_id() {
            Some(id) => list_changes::rename_conversation(screen, cx, id, &argument),
            None => cx.show_message(list_actions::UNTITLED),
        },
        Action::SearchAll => searching::open_search(screen, cx, &argument),
        Action::TagConversation => list_changes::change_tags(screen, cx, &argument),
        Action::Find => {
            finding::open_find(screen, cx);
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.on_find_paste(&argument);
            }
            finding::accept_query(screen, cx.chats);
        }
        _ => on_action(screen, cx, action),
    }
}
