//! Checking cited pages: one source, or all of an answer, after the reader has allowed it.

use std::collections::BTreeMap;

use super::citation_actions::{citation_under_cursor, is_source_card_active, leave_rail};
use crate::{
    chat::{ConversationChange, ConversationId, MessageId, StoredCheck, Timestamp},
    citations::check::{CheckOutcome, CheckQuestion, CheckResult, PageCheck},
    config::{FetchConsent, SettingChange},
    ui::{
        Action, Effect,
        chats::Chats,
        cx::Cx,
        overlay::picker::{DetailStyle, FuzzyPicker, PickerRow},
        overlays::{
            PickerItem, PickerKind,
            open_overlays::{ONE_COLUMN, push_picker},
        },
        rail::RailTab,
        screen::{CARD_DELAY, ConversationPane, PaneFocus, PaneVisibility, Screen},
    },
};

/// An answer to the question whether ibid may fetch pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchAnswer {
    UntilQuit,
    Always,
    No,
}

/// Checks the page of the source under the cursor, after asking the reader.
pub(crate) fn check_source(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(cited) = citation_under_cursor(screen, cx) else { return };
    let Some(question) = cited.question else {
        let source = cited.source;
        let message = match source.page_url() {
            Some(_) => "there is nothing to check: the source has no excerpt, and no text is cited",
            None if source.url.is_some() => "only http and https pages can be checked",
            None if source.is_file() => "this source is a file and has no page to check",
            None => "this source has no page to check",
        };
        cx.show_message(message);
        return;
    };
    let is_allowed = cx.env.config.sources.check == FetchConsent::Always;
    let Some(transcript) = screen.transcript_mut(cx.chats) else { return };
    if !transcript.is_source_open() {
        transcript.set_source_open(true);
    }
    match transcript.checks().get(cited.message, &question.source) {
        Some(PageCheck::Asking { .. } | PageCheck::Running { .. }) => (),
        _ if is_allowed => start_checks(screen, cx, cited.message, vec![question]),
        _ => transcript.set_check(cited.message, question.source, Some(PageCheck::Asking { since: cx.now })),
    }
    if screen.focus == PaneFocus::Rail {
        leave_rail(screen);
    }
}

/// Checks the pages of all sources of the current answer, after asking the reader in one line.
pub(crate) fn check_answer(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(answer_id) = screen.current_answer(cx.chats) else {
        cx.show_message("there is no answer to check yet");
        return;
    };
    let Some(questions) = questions_of(cx.chats, answer_id) else {
        cx.show_message("the answer is not complete yet");
        return;
    };
    if questions.is_empty() {
        cx.show_message("the answer cites no page that can be checked");
    } else if has_running_checks(screen, cx.chats, answer_id) {
        cx.show_message("its sources are being checked");
    } else if cx.env.config.sources.check == FetchConsent::Always {
        start_answer(screen, cx, answer_id);
    } else {
        ask_for_answer(screen, answer_id, &questions);
    }
}

/// Returns the questions about the sources of an answer; `None` while it still grows.
fn questions_of(chats: &Chats, message: MessageId) -> Option<Vec<CheckQuestion>> {
    let answer = chats.current_conversation()?.messages.get(&message)?.as_answer()?;
    answer.is_over().then(|| CheckQuestion::all_of(answer))
}

fn has_running_checks(screen: &Screen, chats: &Chats, answer: MessageId) -> bool {
    screen.transcript(chats).is_some_and(|transcript| transcript.checks().summary(answer).running > 0)
}

fn ask_for_answer(screen: &mut Screen, answer: MessageId, questions: &[CheckQuestion]) {
    let pages = by_page(questions.to_vec()).len();
    let noun = if pages == 1 { "page" } else { "pages" };
    let mut picker = FuzzyPicker::new("check", ONE_COLUMN);
    picker.detail_rows = 0;
    let row = |name: String, consent| PickerRow {
        cells: vec![name],
        extra_terms: String::new(),
        detail_lines: vec![vec![(DetailStyle::Muted, "sites see your IP address, no key".to_owned())]],
        payload: PickerItem::FetchConsent(consent),
    };
    picker.set_rows(vec![
        row(format!("fetch {pages} {noun}"), FetchAnswer::UntilQuit),
        row(format!("fetch {pages} {noun}, and never ask again"), FetchAnswer::Always),
    ]);
    let labels = [
        (&[Action::Accept] as &[Action], "fetch"),
        (&[Action::RowUp, Action::RowDown], "always"),
        (&[Action::Back], "cancel"),
    ];
    push_picker(&mut screen.overlays, PickerKind::CheckAnswer { answer }, picker, &labels);
}

/// Takes the reader's consent, and checks the whole answer that it was asked for.
pub(crate) fn on_answer_consent(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId, consent: FetchAnswer) {
    if take_consent(cx, consent) {
        start_answer(screen, cx, answer);
    }
}

/// Remembers what the reader allows; returns whether pages may be fetched.
fn take_consent(cx: &mut Cx<'_>, consent: FetchAnswer) -> bool {
    if consent == FetchAnswer::No {
        return false;
    }
    cx.env.config.sources.check = FetchConsent::Always;
    if consent == FetchAnswer::Always {
        cx.effects.push(Effect::SaveSetting(SettingChange::AllowPageChecks));
    }
    true
}

fn start_answer(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId) {
    let Some(questions) = questions_of(cx.chats, answer) else { return };
    screen.rail.select_tab(RailTab::Sources);
    if screen.rail_visibility == PaneVisibility::Auto && !screen.is_zen {
        screen.rail_visibility = PaneVisibility::Shown; // Where it can be docked; below, it is for the reader to open.
    }
    start_checks(screen, cx, answer, questions);
}

/// Fetches each page once, whatever the number of sources on it.
fn start_checks(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId, questions: Vec<CheckQuestion>) {
    let Some(conversation) = cx.chats.content.conversation_id() else { return };
    let Some(transcript) = screen.transcript_mut(cx.chats) else { return };
    for question in &questions {
        transcript.set_check(message, question.source.clone(), Some(PageCheck::Running { since: cx.now }));
    }
    for questions in by_page(questions) {
        cx.effects.push(Effect::CheckPage { conversation, message, questions });
    }
}

/// Groups questions by their page, in the order of the first of each.
fn by_page(questions: Vec<CheckQuestion>) -> Vec<Vec<CheckQuestion>> {
    let mut indices: BTreeMap<String, usize> = BTreeMap::new();
    let mut pages: Vec<Vec<CheckQuestion>> = Vec::new();
    for question in questions {
        let index = *indices.entry(question.page().to_owned()).or_insert(pages.len());
        if index == pages.len() {
            pages.push(Vec::new());
        }
        pages[index].push(question);
    }
    pages
}

/// Returns the answer and the source whose card asks for permission to fetch its page, if it is on the screen.
pub(crate) fn pending_question(screen: &Screen, chats: &Chats) -> Option<(MessageId, CheckQuestion)> {
    let transcript = screen.transcript(chats).filter(|_| is_source_card_active(screen, chats))?;
    let cited = transcript.selected_source(chats.current_conversation()?)?;
    let question = cited.question?;
    let check = transcript.checks().get(cited.message, &question.source)?;
    matches!(check, PageCheck::Asking { .. }).then_some((cited.message, question))
}

/// Withdraws the question on a source card; returns `false` if there is none.
pub(crate) fn withdraw_question(screen: &mut Screen, chats: &mut Chats) -> bool {
    let Some((message, question)) = pending_question(screen, chats) else { return false };
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.set_check(message, question.source, None);
    }
    true
}

/// Answers the question on the screen, unless it has just appeared.
pub(crate) fn answer_question(screen: &mut Screen, cx: &mut Cx<'_>, answer: FetchAnswer) {
    let Some((message, question)) = pending_question(screen, cx.chats) else { return };
    match screen.transcript(cx.chats).and_then(|transcript| transcript.checks().get(message, &question.source)) {
        Some(PageCheck::Asking { since }) if cx.now.duration_since(*since) >= CARD_DELAY => (),
        _ => return, // The key was meant for something else.
    }
    if take_consent(cx, answer) {
        start_checks(screen, cx, message, vec![question]);
    } else {
        withdraw_question(screen, cx.chats);
    }
}

/// Shows what was found on a page, and keeps it.
pub(crate) fn on_checked(
    pane: &mut ConversationPane,
    cx: &mut Cx<'_>,
    conversation: ConversationId,
    message: MessageId,
    results: Vec<(String, CheckOutcome)>,
) {
    let mut changes = Vec::new();
    for (source, outcome) in results {
        let result = CheckResult { outcome, judgement: None };
        changes.push(stored_check(message, source.clone(), cx.now, &result));
        if let Some(transcript) = pane.transcripts.get_mut(&conversation) {
            transcript.set_check(message, source, Some(PageCheck::Done { at: cx.now, result }));
        }
    }
    let changes = changes.into_iter().map(|check| ConversationChange::SourceCheck(Box::new(check))).collect();
    cx.effects.push(cx.chats.saves.save(changes, None));
}

/// The record of a check.
pub(super) fn stored_check(
    message: MessageId,
    source: String,
    checked_at: Timestamp,
    result: &CheckResult,
) -> StoredCheck {
    let page_hash = match &result.outcome {
        CheckOutcome::Read(page) => Some(page.hash.clone()),
        CheckOutcome::Unread(_) => None,
    };
    let result = serde_json::to_string(result).expect("texts and numbers are JSON");
    StoredCheck { message, source, checked_at, page_hash, result }
}

/// Shows the checks of an earlier run, unless there are newer ones.
pub(crate) fn on_checks_loaded(pane: &mut ConversationPane, conversation: ConversationId, checks: Vec<StoredCheck>) {
    let Some(transcript) = pane.transcripts.get_mut(&conversation) else { return };
    for check in checks {
        // What a newer version wrote may be unreadable; then the source counts as not checked.
        let Ok(result) = serde_json::from_str::<CheckResult>(&check.result) else { continue };
        if transcript.checks().get(check.message, &check.source).is_none() {
            let done = PageCheck::Done { at: check.checked_at, result };
            transcript.set_check(check.message, check.source, Some(done));
        }
    }
}

/// Returns when the clock of a check on the screen advances.
pub(crate) fn next_wake(screen: &Screen, chats: &Chats, now: Timestamp) -> Option<Timestamp> {
    let (_, since) = screen.transcript(chats)?.checks().running().next()?;
    let seconds = now.duration_since(since).as_secs() + 1;
    Some(since + jiff::SignedDuration::from_secs(seconds))
}
