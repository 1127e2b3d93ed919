//! Citations: moving between them, source cards, opening a source in the browser.

use super::source_checks::withdraw_question;
use crate::{
    chat::Answer,
    ui::{
        Action, Effect,
        chats::Chats,
        cx::Cx,
        dispatch::toggle_rail,
        overlays::{ScreenOverlay, connecting},
        rail::RailTab,
        reading::ScrollMove,
        screen::{PaneFocus, Screen},
        transcript::{CitationStep, CitedSource, Transcript, source_card},
    },
};

/// Moves to another citation. This also works from the composer, because the commands list it.
pub(crate) fn walk_citations(screen: &mut Screen, cx: &mut Cx<'_>, walk: CitationStep) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let answers = conversation.branch.iter().filter_map(|id| conversation.messages.get(id)?.as_answer());
    if answers.flat_map(Answer::annotations).next().is_none() {
        cx.show_message("no answer here cites a source");
        return;
    }
    if screen.focus != PaneFocus::Rail {
        screen.lend_focus();
    }
    screen.rail.select_tab(RailTab::Sources);
    if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.go_to_citation(walk);
    }
}

/// Shows a tab of the rail and moves the focus there.
pub(crate) fn show_rail_tab(screen: &mut Screen, tab: RailTab) {
    screen.rail.select_tab(tab);
    let is_floating = screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Rail));
    if !screen.is_rail_docked() && !is_floating {
        toggle_rail(screen);
    }
    screen.focus = PaneFocus::Rail;
}

/// Steps through the list of sources, and the text follows; returns `false` if there is no such source.
pub(crate) fn step_source(screen: &mut Screen, chats: &mut Chats, movement: ScrollMove) -> bool {
    let ScrollMove::Rows(rows) = movement else { return false };
    if screen.rail.tab != RailTab::Sources {
        return false;
    }
    let Some(next) = screen.rail.source_at_offset(rows) else { return false };
    let Some(transcript) = screen.transcript_mut(chats) else { return false };
    transcript.go_to_citation(CitationStep::ToSource(next.0, next.1));
    true
}

/// Returns whether a source card is open, even if it is scrolled out of view.
pub(crate) fn has_source_card(screen: &Screen, chats: &Chats) -> bool {
    screen.focus == PaneFocus::Transcript && screen.transcript(chats).is_some_and(Transcript::is_source_open)
}

/// Returns whether the source card has the keys.
pub(crate) fn is_source_card_active(screen: &Screen, chats: &Chats) -> bool {
    has_source_card(screen, chats) && screen.transcript(chats).is_some_and(Transcript::is_citation_visible)
}

/// Opens or closes the card of the citation under the cursor; returns `false` if there is no citation.
pub(crate) fn toggle_source_card(screen: &mut Screen, chats: &mut Chats) -> bool {
    let was_open = is_source_card_active(screen, chats);
    let in_rail = screen.focus == PaneFocus::Rail;
    if in_rail && screen.rail.tab != RailTab::Sources {
        return false;
    }
    let can_open = |transcript: &&mut Transcript| {
        transcript.selected_citation().is_some() && (in_rail || transcript.is_citation_visible())
    };
    let Some(transcript) = screen.transcript_mut(chats).filter(can_open) else { return false };
    transcript.set_source_open(!was_open);
    if in_rail {
        leave_rail(screen);
    } else if was_open {
        screen.return_focus();
    }
    true
}

/// Closes the question on a source card, else the card.
pub(crate) fn close_source_card(screen: &mut Screen, chats: &mut Chats) {
    if withdraw_question(screen, chats) {
        return;
    }
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.set_source_open(false);
        screen.return_focus();
    }
}

/// Lends the focus of the rail to the card that it opened in the text.
pub(super) fn leave_rail(screen: &mut Screen) {
    screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::Rail));
    screen.lend_focus();
}

/// Removes the citation highlight when the user returns to the composer.
pub(crate) fn clear_highlight(screen: &mut Screen, chats: &mut Chats) {
    if let Some(transcript) = screen.transcript_mut(chats).filter(|transcript| transcript.selected_citation().is_some())
    {
        transcript.set_source_open(false);
        transcript.set_cursor(None);
    }
}

/// Returns the citation under the cursor, or shows how to get to one.
pub(super) fn citation_under_cursor(screen: &mut Screen, cx: &mut Cx<'_>) -> Option<CitedSource> {
    let in_rail = screen.focus == PaneFocus::Rail;
    let transcript = screen.transcript(cx.chats).filter(|transcript| in_rail || transcript.is_citation_visible());
    let cited = cx.chats.current_conversation().and_then(|conversation| transcript?.selected_source(conversation));
    if cited.is_none() {
        let keys = cx.env.keymap.both_keys_of(Action::NextCitation, Action::PreviousCitation, "or");
        cx.show_message(format!("go to a citation first, with {keys} in the text"));
    }
    cited
}

pub(crate) fn copy_footnote(screen: &mut Screen, cx: &mut Cx<'_>) {
    if let Some(cited) = citation_under_cursor(screen, cx) {
        cx.effects.push(Effect::CopyToClipboard(source_card::footnote(&cited.source)));
        cx.show_message(format!("source {} copied as a footnote", cited.source.number));
    }
}

pub(crate) fn open_in_browser(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(cited) = citation_under_cursor(screen, cx) else { return };
    let source = cited.source;
    match source.page_url() {
        Some(url) => cx.effects.push(Effect::OpenPage(url.into())),
        None if source.url.is_some() => cx.warn("only http and https pages can be opened"),
        None if source.is_file() => cx.show_message("this source is a file and has no address"),
        None => cx.show_message("this source has no address"),
    }
}

/// Reports that the page was opened, or shows the command that opens it on another machine.
pub(crate) fn on_browsed(screen: &mut Screen, cx: &mut Cx<'_>, url: String, result: Result<(), String>) {
    match result {
        Ok(()) => cx.show_message("opened in the browser"),
        Err(_) if connecting::on_page_not_opened(screen, &url) => (),
        Err(command) => {
            cx.warn(format!("no browser here: {command}"));
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.set_unopened_page(url, command);
            }
        }
    }
}
