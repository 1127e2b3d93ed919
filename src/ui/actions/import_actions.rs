//! Importing conversations from the app.

use crate::{
    exchange::import::{ImportProgress, ImportReport},
    store::StoreJob,
    ui::{Effect, cx::Cx, imports::ImportOverlay, overlays::ScreenOverlay, screen::Screen},
};

/// Starts an import of what is at a path, unless one runs already.
pub(crate) fn start_import(screen: &mut Screen, cx: &mut Cx<'_>, path: &str) {
    if find_import(&mut screen.overlays).is_some_and(|overlay| !overlay.is_over()) {
        cx.warn("an import is running already");
        return;
    }
    screen.overlays.push(ScreenOverlay::Import(Box::new(ImportOverlay::new(path))));
    let settings = Box::new(cx.chats.new_settings.for_new_conversation());
    cx.effects.push(Effect::StartImport { path: path.to_owned(), settings });
}

/// Stops an import that runs; its report follows. Returns whether one ran.
pub(crate) fn stop_import(overlay: &mut ImportOverlay, cx: &mut Cx<'_>) -> bool {
    if overlay.is_running() {
        overlay.on_stop();
        cx.effects.push(Effect::StopImport);
    }
    !overlay.is_over()
}

pub(crate) fn on_progress(screen: &mut Screen, progress: ImportProgress) {
    if let Some(overlay) = find_import(&mut screen.overlays) {
        overlay.on_progress(progress);
    }
}

/// Shows the report, and the new conversations in the list.
pub(crate) fn on_ended(screen: &mut Screen, cx: &mut Cx<'_>, result: &Result<Box<ImportReport>, String>) {
    if let Some(overlay) = find_import(&mut screen.overlays) {
        overlay.on_ended(result);
    }
    cx.effects.push(Effect::RunStoreJob(StoreJob::ListConversations));
}

fn find_import(overlays: &mut [ScreenOverlay]) -> Option<&mut ImportOverlay> {
    overlays
        .iter_mut()
        .rev()
        .find_map(|overlay| if let ScreenOverlay::Import(import) = overlay { Some(&mut **import) } else { None })
}
