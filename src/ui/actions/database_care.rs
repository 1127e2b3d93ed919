//! The database as a file: whether it is sound, how it is repaired, and what holds while it can only be read.

use crate::{
    chat::ConversationChange,
    store::{IntegrityReport, RepairReport, SaveTicket, StoreError, StoreJob},
    ui::{Effect, chats::Chats, cx::Cx, overlays::ScreenOverlay, safeguard::SafeguardQuestion, screen::Screen},
};

pub(crate) fn check_database(cx: &mut Cx<'_>) {
    cx.show_message("checking the database…");
    cx.effects.push(Effect::RunStoreJob(StoreJob::CheckDatabase));
}

pub(crate) fn repair_database(cx: &mut Cx<'_>) {
    cx.show_message("repairing the database…");
    cx.effects.push(Effect::RunStoreJob(StoreJob::RepairDatabase));
}

/// Remembers why nothing can be written, until the database is open.
pub(crate) fn on_read_only(cx: &mut Cx<'_>, error: StoreError) {
    cx.warn(error.to_string());
    cx.chats.write_refusal = Some(error);
}

/// Returns why nothing may be sent. On a disk that is read-only now a save may succeed later, and each that fails asks.
pub(crate) fn take_refusal(chats: &mut Chats) -> Option<StoreError> {
    chats.write_refusal.take().filter(|error| matches!(error, StoreError::Newer { .. }))
}

/// Forgets what will never be saved, and says so if the reader would miss it.
pub(crate) fn on_save_refused(cx: &mut Cx<'_>, ticket: SaveTicket, error: &StoreError) {
    let is_missed = |change: &ConversationChange| {
        !matches!(
            change,
            ConversationChange::Draft { .. }
                | ConversationChange::NewDraft(_)
                | ConversationChange::Seen(_)
                | ConversationChange::HintShown { .. }
        )
    };
    if cx.chats.saves.on_refused(ticket).iter().any(is_missed) {
        cx.warn(format!("not saved: {error}"));
    }
}

pub(crate) fn on_checked(screen: &mut Screen, cx: &mut Cx<'_>, result: Result<IntegrityReport, StoreError>) {
    let report = match result {
        Ok(report) => report,
        Err(error) => return cx.warn(format!("the database cannot be checked: {error}")),
    };
    if let Some(first) = report.problems.first() {
        let others = match report.problems.len() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        screen
            .overlays
            .push(ScreenOverlay::Safeguard(SafeguardQuestion::Repair { damage: format!("{first}{others}") }));
        return;
    }
    let (conversations, messages) = (report.conversations, report.messages);
    let megabytes = report.bytes.div_ceil(1_000_000);
    let mut words =
        format!("the database is sound: {conversations} conversations, {messages} messages, {megabytes} MB");
    if report.unreadable_rows > 0 {
        words = format!("{words}; {} rows have a part that cannot be read", report.unreadable_rows);
    }
    cx.show_message(words);
}

pub(crate) fn on_repaired(screen: &mut Screen, cx: &mut Cx<'_>, result: Result<Option<RepairReport>, StoreError>) {
    match result {
        Ok(Some(report)) => {
            screen
                .overlays
                .push(ScreenOverlay::Safeguard(SafeguardQuestion::Repaired { report: report_words(&report) }));
        }
        Ok(None) => cx.show_message("there is nothing to repair: the database is sound"),
        Err(error) => cx.warn(format!("not repaired, and nothing was changed: {error}")),
    }
}

fn report_words(report: &RepairReport) -> String {
    let counted = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let conversations = counted(report.conversations, "conversation", "conversations");
    let messages = counted(report.messages, "message", "messages");
    let rebuilt = match report.rebuilt_conversations {
        0 => String::new(),
        rebuilt => {
            let rebuilt = counted(rebuilt, "conversation", "conversations");
            format!(" Of {rebuilt} only messages were left; the first prompt is the title.")
        }
    };
    let missing = match report.missing_messages {
        0 => "No message is known to be missing.".to_owned(),
        missing => format!("At least {} could not be read.", counted(missing, "message", "messages")),
    };
    let pages = counted(report.damaged_pages as u64, "page was", "pages were");
    let kept = report.kept_file.display();
    format!(
        "{conversations} and {messages} were saved into a new file.{rebuilt} {missing} {pages} damaged. The damaged database \
         is kept as {kept}."
    )
}
