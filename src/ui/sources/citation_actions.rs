//! Citations: moving between them, source cards, opening a source in the browser, checking a source.

use crate::ui::{
    Action, Effect, State,
    dispatch::toggle_rail,
    overlays::ScreenOverlay,
    screen::{CARD_DELAY, PaneFocus},
};
use crate::{
    chat::{Answer, ConversationId, Timestamp},
    citations::check::{CheckQuestion, CheckedPage, PageCheck},
    config::{FetchConsent, SettingChange},
    ui::{
        rail::RailTab,
        transcript::{CitationStep, CitedSource, ScrollMove, Transcript, source_card},
    },
};

/// Moves to another citation. This also works from the composer, because the commands list it.
pub(crate) fn walk_citations(state: &mut State, now: Timestamp, walk: CitationStep) {
    let Some(conversation) = state.current_conversation() else { return };
    let answers = conversation.branch.iter().filter_map(|id| conversation.messages.get(id)?.as_answer());
    if answers.flat_map(Answer::annotations).next().is_none() {
        state.screen.show_message(now, "no answer here cites a source");
        return;
    }
    if state.screen.focus != PaneFocus::Rail {
        state.screen.focus = PaneFocus::Transcript;
    }
    state.screen.rail.select_tab(RailTab::Sources);
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.go_to_citation(walk);
    }
}

/// Shows a tab of the rail and moves the focus there.
pub(crate) fn show_rail_tab(state: &mut State, tab: RailTab) {
    state.screen.rail.select_tab(tab);
    let is_floating = state.screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Rail));
    if !state.screen.is_rail_docked() && !is_floating {
        toggle_rail(state);
    }
    state.screen.focus = PaneFocus::Rail;
}

/// Steps through the list of sources, and the text follows; returns `false` if there is no such source.
pub(crate) fn step_source(state: &mut State, movement: ScrollMove) -> bool {
    let ScrollMove::Rows(rows) = movement else { return false };
    if state.screen.rail.tab != RailTab::Sources {
        return false;
    }
    let Some(next) = state.screen.rail.source_at_offset(rows) else { return false };
    let Some(transcript) = state.screen.transcript_mut() else { return false };
    transcript.go_to_citation(CitationStep::ToSource(next.0, next.1));
    true
}

/// Returns whether a source card is open, even if it is scrolled out of view.
pub(crate) fn has_source_card(state: &State) -> bool {
    state.screen.focus == PaneFocus::Transcript && state.screen.transcript().is_some_and(Transcript::is_source_open)
}

/// Returns whether the source card has the keys.
pub(crate) fn is_source_card_active(state: &State) -> bool {
    has_source_card(state) && state.screen.transcript().is_some_and(Transcript::is_citation_visible)
}

/// Opens or closes the card of the citation under the cursor; returns `false` if there is no citation.
pub(crate) fn toggle_source_card(state: &mut State) -> bool {
    let was_open = is_source_card_active(state);
    let in_rail = state.screen.focus == PaneFocus::Rail;
    if in_rail && state.screen.rail.tab != RailTab::Sources {
        return false;
    }
    let can_open = |transcript: &&mut Transcript| {
        transcript.selected_citation().is_some() && (in_rail || transcript.is_citation_visible())
    };
    let Some(transcript) = state.screen.transcript_mut().filter(can_open) else { return false };
    transcript.set_source_open(!was_open);
    if in_rail {
        state.screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::Rail));
        state.screen.focus = PaneFocus::Transcript;
    }
    true
}

/// Closes the question on a source card, else the card.
pub(crate) fn close_source_card(state: &mut State) {
    if let Some(question) = pending_question(state) {
        clear_check(state, question);
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.set_source_open(false);
    }
}

/// Removes the citation highlight when the user returns to the composer.
pub(crate) fn clear_highlight(state: &mut State) {
    if let Some(transcript) =
        state.screen.transcript_mut().filter(|transcript| transcript.selected_citation().is_some())
    {
        transcript.set_source_open(false);
        transcript.set_cursor(None);
    }
}

/// Returns the citation under the cursor, or shows how to get to one.
fn citation_under_cursor(state: &mut State, now: Timestamp) -> Option<CitedSource> {
    let in_rail = state.screen.focus == PaneFocus::Rail;
    let transcript = state.screen.transcript().filter(|transcript| in_rail || transcript.is_citation_visible());
    let cited = state.current_conversation().and_then(|conversation| transcript?.selected_source(conversation));
    if cited.is_none() {
        let keys = state.keymap.both_keys_of(Action::NextCitation, Action::PreviousCitation, "or");
        state.screen.show_message(now, format!("go to a citation first, with {keys} in the text"));
    }
    cited
}

pub(crate) fn copy_footnote(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if let Some(cited) = citation_under_cursor(state, now) {
        fx.push(Effect::CopyToClipboard(source_card::footnote(&cited.source)));
        state.screen.show_message(now, format!("source {} copied as a footnote", cited.source.number));
    }
}

pub(crate) fn open_in_browser(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(cited) = citation_under_cursor(state, now) else { return };
    let source = cited.source;
    match source.page_url() {
        Some(url) => fx.push(Effect::OpenPage(url.into())),
        None if source.url.is_some() => state.screen.warn(now, "only http and https pages can be opened"),
        None if source.is_file() => state.screen.show_message(now, "this source is a file and has no address"),
        None => state.screen.show_message(now, "this source has no address"),
    }
}

/// Reports that the page was opened, or shows the command that opens it on another machine.
pub(crate) fn on_browsed(state: &mut State, now: Timestamp, url: String, result: Result<(), String>) {
    match result {
        Ok(()) => state.screen.show_message(now, "opened in the browser"),
        Err(command) => {
            state.screen.warn(now, format!("no browser here: {command}"));
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.set_unopened_page(url, command);
            }
        }
    }
}

/// Checks the page for the excerpt or the claim, after asking the user.
pub(crate) fn check_source(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(cited) = citation_under_cursor(state, now) else { return };
    let Some(question) = cited.question else {
        let source = cited.source;
        let message = match source.page_url() {
            Some(_) => "there is nothing to check: the source has no excerpt, and no text is cited",
            None if source.url.is_some() => "only http and https pages can be checked",
            None if source.is_file() => "this source is a file and has no page to check",
            None => "this source has no page to check",
        };
        state.screen.show_message(now, message);
        return;
    };
    let is_allowed = state.config.sources.check == FetchConsent::Always;
    let Some(transcript) = state.screen.transcript_mut() else { return };
    if !transcript.is_source_open() {
        transcript.set_source_open(true);
    }
    match transcript.check(&question) {
        Some(PageCheck::Asking { .. } | PageCheck::Running { .. }) => (),
        _ if is_allowed => start_check(state, now, question, fx),
        _ => transcript.set_check(question, Some(PageCheck::Asking { since: now })),
    }
    if state.screen.focus == PaneFocus::Rail {
        state.screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::Rail));
        state.screen.focus = PaneFocus::Transcript;
    }
}

fn start_check(state: &mut State, now: Timestamp, question: CheckQuestion, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.screen.pane.content.conversation_id() else { return };
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.set_check(question.clone(), Some(PageCheck::Running { since: now }));
        fx.push(Effect::CheckSource { conversation, question });
    }
}

/// Returns the check that asks for permission to fetch its page, if it is on the screen.
fn pending_question(state: &State) -> Option<CheckQuestion> {
    let transcript = state.screen.transcript().filter(|_| is_source_card_active(state))?;
    let question = transcript.selected_source(state.current_conversation()?)?.question?;
    matches!(transcript.check(&question), Some(PageCheck::Asking { .. })).then_some(question)
}

fn clear_check(state: &mut State, question: CheckQuestion) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.set_check(question, None);
    }
}

/// Answers the question with a key; returns `false` if there is no question or the key is not one of its keys.
pub(crate) fn on_question_key(state: &mut State, now: Timestamp, key: char, fx: &mut Vec<Effect>) -> bool {
    if !matches!(key, 'y' | 'a' | 'n') {
        return false;
    }
    let Some(question) = pending_question(state) else { return false };
    let since = match state.screen.transcript().and_then(|transcript| transcript.check(&question)) {
        Some(PageCheck::Asking { since }) => *since,
        _ => return false,
    };
    if now.duration_since(since) < CARD_DELAY {
        return true; // The question has just appeared: the key was meant for something else.
    }
    if key == 'n' {
        clear_check(state, question);
        return true;
    }
    state.config.sources.check = FetchConsent::Always;
    if key == 'a' {
        fx.push(Effect::SaveSetting(SettingChange::AllowPageChecks));
    }
    start_check(state, now, question, fx);
    true
}

/// Shows the result of a check.
pub(crate) fn on_checked(
    state: &mut State,
    now: Timestamp,
    conversation: ConversationId,
    question: CheckQuestion,
    result: Result<CheckedPage, String>,
) {
    let check = match result {
        Ok(page) => PageCheck::Done { at: now, page },
        Err(why) => PageCheck::Failed { at: now, reason: why },
    };
    if let Some(transcript) = state.screen.pane.transcripts.get_mut(&conversation) {
        transcript.set_check(question, Some(check));
    }
}

/// Returns when the clock of a check on the screen advances.
pub(crate) fn next_wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let since = state.screen.transcript()?.running_checks().next()?;
    let seconds = now.duration_since(since).as_secs() + 1;
    Some(since + jiff::SignedDuration::from_secs(seconds))
}
