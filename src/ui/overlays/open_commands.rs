//! Opening the commands: a row for each command, conversation and model, with what is in force.

use super::{ScreenOverlay, set_theme};
use crate::{
    chat::{Conversation, ConversationSummary, Timestamp},
    citations::leftovers::without_leftovers,
    render::theme::ColourRole,
    store::StoreJob,
    ui::{
        Action, Effect,
        action::{ACTIONS, ActionEntry, ActionListing},
        actions::{
            model_settings::{self, effort_in_force, short_name},
            searching,
            setting_choices::setting_in_force,
            slash_commands, switching,
        },
        chats::Chats,
        commands::{self, CommandList, CommandRow, CommandSide, CommandTarget},
        cx::Cx,
        dispatch::on_action,
        environment::Environment,
        screen::Screen,
    },
};

/// Conversations that are listed before anything is typed.
const RECENT: usize = 3;

/// Opens the commands.
pub(crate) fn open_commands(screen: &mut Screen, cx: &mut Cx<'_>) {
    let has_used = actions_by_use(cx.env).next().is_some_and(|entry| cx.env.use_count(entry.action) > 0);
    let list = CommandList::new(command_rows(cx), RECENT, has_used);
    screen.overlays.push(ScreenOverlay::Commands(Box::new(list)));
}

/// Takes conversations that have arrived into commands that are open.
pub(crate) fn refresh_commands(screen: &mut Screen, cx: &Cx<'_>) {
    for overlay in &mut screen.overlays {
        if let ScreenOverlay::Commands(list) = overlay {
            list.replace_rows(command_rows(cx));
        }
    }
}

/// A row for each command, conversation, model and theme.
fn command_rows(cx: &Cx<'_>) -> Vec<CommandRow> {
    let actions = actions_by_use(cx.env).map(|entry| action_row(entry, cx.chats, cx.env));
    let open = cx.chats.content.conversation_id();
    let others = cx.chats.index.iter().filter(|summary| Some(summary.id) != open);
    let conversations = others.map(|summary| conversation_row(summary, cx.chats, cx.env, cx.now));
    let endpoint = &cx.chats.settings().endpoint;
    let models = cx.env.catalogue(endpoint).into_iter().flat_map(|catalogue| &catalogue.models).map(model_row);
    let themes = slash_commands::theme_names(cx.env).into_iter().map(|name| theme_row(name, cx.env));
    actions.chain(conversations).chain(models).chain(themes).collect()
}

/// The commands that are listed, the most used first.
fn actions_by_use(env: &Environment) -> impl Iterator<Item = &'static ActionEntry> {
    let is_listed =
        |entry: &&ActionEntry| entry.listing == ActionListing::Commands && entry.action != Action::ShowCommands;
    let mut actions: Vec<&ActionEntry> = ACTIONS.iter().filter(is_listed).collect();
    actions.sort_by_key(|entry| std::cmp::Reverse(env.use_count(entry.action)));
    actions.into_iter()
}

/// Closes the commands and does what the row under the cursor says.
pub(crate) fn accept_command(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(ScreenOverlay::Commands(list)) = screen.overlays.last() else { return };
    let Some(target) = list.selected().map(|row| row.target.clone()) else { return };
    screen.overlays.pop();
    match target {
        CommandTarget::Action(action) => {
            count_use(cx, action);
            on_action(screen, cx, action);
        }
        CommandTarget::Conversation(id) => switching::open_conversation(screen, cx, id),
        CommandTarget::Model(model) => model_settings::set_model(cx, model),
        CommandTarget::Theme(name) => set_theme(&mut screen.overlays, cx, name),
        CommandTarget::Search(query) => searching::open_search(screen, cx, &query),
    }
}

/// Counts that a command was run by its name.
pub(crate) fn count_use(cx: &mut Cx<'_>, action: Action) {
    let name = action.entry().name;
    *cx.env.command_uses.entry(name.to_owned()).or_default() += 1;
    cx.effects.push(Effect::RunStoreJob(StoreJob::CountUse(name.to_owned())));
}

fn action_row(entry: &ActionEntry, chats: &Chats, env: &Environment) -> CommandRow {
    let side = match env.keymap.command_keys(entry.action) {
        Some(keys) => CommandSide::Keys(keys),
        None => CommandSide::Word(format!("/{}", entry.slash_name())),
    };
    let argument = entry.action.argument().map_or_else(String::new, |argument| format!(" {}", argument.name()));
    CommandRow {
        title: entry.title.to_owned(),
        terms: entry.slash_name().to_owned(),
        value: value_in_force(entry.action, chats, env),
        side,
        about: vec![commands::describe(entry.action).to_owned()],
        composer: Some(format!("/{}{argument}", entry.slash_name())),
        shell: commands::shell_command(entry.action).map(str::to_owned),
        target: CommandTarget::Action(entry.action),
    }
}

/// Returns what is in force for a command that changes it.
fn value_in_force(action: Action, chats: &Chats, env: &Environment) -> String {
    let settings = chats.settings();
    let on_off = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
    match action {
        Action::ChooseModel => short_name(&settings.model).to_owned(),
        Action::ChooseEffort => {
            effort_in_force(chats, env).map_or("model default", crate::chat::Effort::name).to_owned()
        }
        Action::ToggleWeb => on_off(settings.web),
        Action::ToggleAllowAll => on_off(settings.tools.grants.all),
        Action::EditParameters if settings.instructions.is_some() => "set".to_owned(),
        Action::ChooseTheme => env.config.theme.clone(),
        _ => setting_in_force(action, &env.config).unwrap_or_default(),
    }
}

fn conversation_row(summary: &ConversationSummary, chats: &Chats, env: &Environment, now: Timestamp) -> CommandRow {
    let conversation = chats.conversations.get(&summary.id);
    let mark = conversation_mark(summary, conversation, env);
    let is_marked = mark != CommandSide::Nothing;
    CommandRow {
        title: summary.title.clone(),
        terms: "conversation".to_owned(),
        value: short_time(summary.updated_at, now, env),
        side: if is_marked { mark } else { CommandSide::Word("conversation".to_owned()) },
        about: conversation_about(summary, conversation, env),
        composer: None,
        shell: Some(format!("ibid --resume {}", &summary.id.to_string()[..13])),
        target: CommandTarget::Conversation(summary.id),
    }
}

fn conversation_mark(
    summary: &ConversationSummary,
    conversation: Option<&Conversation>,
    env: &Environment,
) -> CommandSide {
    let marks = &env.theme.marks;
    if conversation.is_some_and(|conversation| conversation.asking_call().is_some()) {
        CommandSide::Mark(marks.asking, ColourRole::Warning)
    } else if conversation.is_some_and(|conversation| !conversation.turns.is_empty()) {
        CommandSide::Mark(marks.running, ColourRole::Accent)
    } else if summary.failed {
        CommandSide::Mark(marks.failed, ColourRole::Error)
    } else if summary.unread {
        CommandSide::Mark(marks.unread, ColourRole::You)
    } else {
        CommandSide::Nothing
    }
}

fn conversation_about(
    summary: &ConversationSummary,
    conversation: Option<&Conversation>,
    env: &Environment,
) -> Vec<String> {
    let dot = env.theme.marks.dot;
    let time = summary.updated_at.to_zoned(env.time_zone.clone()).strftime("%-d %B %Y, %H:%M").to_string();
    let Some(conversation) = conversation else { return vec![time] };
    let model = short_name(&conversation.settings.model);
    let count = conversation.branch.len();
    let messages = if count == 1 { "message" } else { "messages" };
    let mut about = vec![format!("{model} {dot} {count} {messages} {dot} {time}")];
    let newest = conversation.newest_answer_text();
    about.extend(newest.map(|text| without_leftovers(super::open_overlays::first_line(&text)).into_owned()));
    about
}

/// Returns the time of day for today, and the day for what is older.
fn short_time(time: Timestamp, now: Timestamp, env: &Environment) -> String {
    let [time, now] = [time, now].map(|time| time.to_zoned(env.time_zone.clone()));
    if time.date() == now.date() {
        return time.strftime("%H:%M").to_string();
    }
    if now.date().yesterday().is_ok_and(|yesterday| yesterday == time.date()) {
        return "yesterday".to_owned();
    }
    let format = if time.date().year() == now.date().year() { "%-d %b" } else { "%-d %b %Y" };
    time.strftime(format).to_string()
}

fn model_row(model: &crate::api::Model) -> CommandRow {
    CommandRow {
        title: short_name(&model.id).to_owned(),
        terms: format!("{} {}", model.id, model.name),
        value: String::new(),
        side: CommandSide::Word("model".to_owned()),
        about: vec![model.id.clone(), model.name.clone()],
        composer: Some(format!("/model {}", model.id)),
        shell: Some(format!("ibid --model {}", model.id)),
        target: CommandTarget::Model(model.id.clone()),
    }
}

fn theme_row(name: String, env: &Environment) -> CommandRow {
    CommandRow {
        title: name.clone(),
        terms: "theme".to_owned(),
        value: if env.config.theme == name { "in use".to_owned() } else { String::new() },
        side: CommandSide::Word("theme".to_owned()),
        about: vec![match name.as_str() {
            "auto" => "Follows the background of your terminal.".to_owned(),
            name => format!("Uses the theme {name} from now on."),
        }],
        composer: Some(format!("/theme {name}")),
        shell: None,
        target: CommandTarget::Theme(name),
    }
}
