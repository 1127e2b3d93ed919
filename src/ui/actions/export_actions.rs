//! Exporting the conversation on the screen.

use crate::{
    chat::{Conversation, WholeConversation},
    exchange::export::{
        self, ExportForm, ExportOptions, ExportScope, ExportSetting, ExportedPart, ExportedText, SelectedText,
    },
    ui::{
        Effect,
        cx::Cx,
        effect::ExportJob,
        exports::{export_sheet::ExportSheet, suspect_list::SuspectList},
        msg::ExportReady,
        overlays::ScreenOverlay,
        screen::Screen,
        transcript::SelectionCopy,
    },
};

/// Opens the overlay in which an export is chosen; what is selected is offered, too.
pub(crate) fn open_export(screen: &mut Screen, cx: &mut Cx<'_>, form: ExportForm) {
    let is_selected = screen
        .transcript_mut(cx.chats)
        .is_some_and(|transcript| transcript.copy_selection(SelectionCopy::ForExport(form)));
    if !is_selected {
        open_sheet(screen, cx, form, Vec::new());
    }
}

/// Opens the overlay once it is known what is selected.
pub(crate) fn open_sheet(screen: &mut Screen, cx: &mut Cx<'_>, form: ExportForm, selected: Vec<SelectedText>) {
    let Some(conversation) = exportable(cx) else { return };
    let stem = export::file_stem(&conversation.title);
    let answer = screen.current_answer(cx.chats);
    let mut parts = vec![ExportedPart::Tree, ExportedPart::Branch];
    parts.extend(answer.map(|answer| ExportedPart::Answer(Some(answer))));
    parts.extend((!selected.is_empty()).then_some(ExportedPart::Selection(selected)));
    screen.overlays.push(ScreenOverlay::Export(Box::new(ExportSheet::new(form, parts, &stem))));
}

/// Exports as the argument of `/export` says: a form opens the overlay, a path is written at once.
pub(crate) fn export_as(screen: &mut Screen, cx: &mut Cx<'_>, argument: &str) {
    let (form, path) = parse_argument(argument);
    match path {
        None => open_export(screen, cx, form.unwrap_or_default()),
        Some(path) => {
            let form = form.or_else(|| ExportForm::of_path(path)).unwrap_or_default();
            let part = if form.usual_scope() == ExportScope::Tree { ExportedPart::Tree } else { ExportedPart::Branch };
            start_export(cx, ExportOptions { form, part, ..ExportOptions::default() }, path.to_owned());
        }
    }
}

/// Reads the argument of `/export`: a form, a path, or both.
pub(crate) fn parse_argument(argument: &str) -> (Option<ExportForm>, Option<&str>) {
    let argument = argument.trim();
    let (first, rest) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    match ExportForm::from_name(first) {
        Some(form) => (Some(form), Some(rest.trim()).filter(|path| !path.is_empty())),
        None => (None, Some(argument).filter(|path| !path.is_empty())),
    }
}

/// Exports what was chosen in the overlay.
pub(crate) fn accept_sheet(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(ScreenOverlay::Export(sheet)) = screen.overlays.last() else { return };
    match sheet.chosen() {
        Some((options, path)) => {
            screen.overlays.pop();
            start_export(cx, options, path);
        }
        None => cx.warn("name a file to write to"),
    }
}

fn start_export(cx: &mut Cx<'_>, options: ExportOptions, path: String) {
    let setting = ExportSetting { now: cx.now, zone: cx.env.time_zone.clone(), line_breaks: cx.env.config.line_breaks };
    let Some(whole) = exportable(cx).map(whole_conversation) else { return };
    cx.effects.push(Effect::ExportConversation(Box::new(ExportJob { whole, options, setting, path })));
}

/// The conversation on the screen, if anything was said in it.
fn exportable<'a>(cx: &'a mut Cx<'_>) -> Option<&'a Conversation> {
    let has_messages = cx.chats.current_conversation().is_some_and(|conversation| !conversation.messages.is_empty());
    if !has_messages {
        cx.show_message("there is nothing to export yet");
    }
    cx.chats.current_conversation().filter(|_| has_messages)
}

/// The conversation as it is in memory; what only the database has is added when it is exported.
fn whole_conversation(conversation: &Conversation) -> WholeConversation {
    let messages: Vec<_> = conversation.messages.values().cloned().collect();
    WholeConversation {
        header: conversation.header(),
        filing: conversation.filing.clone(),
        created_at: messages.first().map_or(conversation.updated_at, |message| message.created_at),
        origin: None,
        messages,
        full_results: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        side_costs: Vec::new(),
    }
}

/// Writes an export, or asks first if it has what looks like a secret.
pub(crate) fn on_export_ready(screen: &mut Screen, cx: &mut Cx<'_>, ready: ExportReady) {
    let ExportReady { path, plain, masked } = ready;
    match masked {
        Some(masked) => {
            let list = SuspectList::new(path, plain, masked);
            screen.overlays.push(ScreenOverlay::Suspects(Box::new(list)));
        }
        None => write(screen, cx, path, plain),
    }
}

/// Writes the export of the question on top, masked or as it is.
pub(crate) fn write_suspect(screen: &mut Screen, cx: &mut Cx<'_>, is_masked: bool) {
    if !matches!(screen.overlays.last(), Some(ScreenOverlay::Suspects(_))) {
        return;
    }
    if let Some(ScreenOverlay::Suspects(list)) = screen.overlays.pop() {
        let SuspectList { path, plain, masked, .. } = *list;
        write(screen, cx, path, if is_masked { masked } else { plain });
    }
}

fn write(screen: &mut Screen, cx: &mut Cx<'_>, path: String, exported: ExportedText) {
    screen.export_note = exported
        .gives_tree_back
        .map(|is_whole| if is_whole { "it gives the tree back" } else { "it does not give the tree back" });
    cx.effects.push(Effect::WriteFile { path, text: exported.text.into(), over: false });
}
