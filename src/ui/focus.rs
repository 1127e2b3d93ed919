//! The focus: typing goes through to the composer where a key is no command, and one-line questions end by typing.

use super::{
    Action,
    actions::{citation_actions, switching},
    cx::Cx,
    keymap::{KeyContext, KeyPress},
    overlays,
    screen::{PaneFocus, Screen},
    transcript::SelectionInput,
};

/// Returns whether a printable key that is no command goes to the composer.
fn types_through(screen: &Screen, cx: &Cx<'_>) -> bool {
    screen.overlays.is_empty()
        && screen.focus != PaneFocus::Composer
        && !matches!(screen.key_context(cx.chats), KeyContext::Find | KeyContext::ListField)
}

/// Types the keys of an unfinished command, or of none, into the composer; returns `false` if they belong elsewhere.
pub(crate) fn type_through(screen: &mut Screen, cx: &mut Cx<'_>, keys: &[KeyPress]) -> bool {
    let Some(text) = keys.iter().map(|key| key.typed_char()).collect::<Option<String>>() else { return false };
    if overlays::is_question(&screen.overlays) {
        let letter = screen.question_letter;
        overlays::close_top(screen, cx);
        type_into_composer(screen, cx, &letter.into_iter().chain(text.chars()).collect::<String>());
        return true;
    }
    if types_through(screen, cx) {
        type_into_composer(screen, cx, &text);
        return true;
    }
    false
}

/// Gives the composer the focus and types into it.
fn type_into_composer(screen: &mut Screen, cx: &mut Cx<'_>, text: &str) {
    to_composer(screen, cx);
    screen.pane.composer.insert_str(text);
    switching::schedule_draft_save(&mut screen.pane, cx);
}

/// Gives the composer the focus; what the keys selected or lit in the text ends.
pub(crate) fn to_composer(screen: &mut Screen, cx: &mut Cx<'_>) {
    citation_actions::clear_highlight(screen, cx.chats);
    if screen.selected_by(cx.chats) == Some(SelectionInput::Keys)
        && let Some(transcript) = screen.transcript_mut(cx.chats)
    {
        transcript.clear_selection();
    }
    screen.quit_until = None;
    screen.focus = PaneFocus::Composer;
}

/// Remembers the letter that opened a one-line question.
pub(crate) fn note_question(screen: &mut Screen, action: Action, key: KeyPress) {
    let asks = matches!(action, Action::AnswerAgain | Action::EditPrompt | Action::CheckAnswer | Action::JudgeClaims);
    screen.question_letter = key.typed_char().filter(|_| asks);
}

/// Closes a question and pastes into the composer; returns `false` if there is none.
pub(crate) fn paste_through(screen: &mut Screen, cx: &mut Cx<'_>, text: &str) -> bool {
    let is_asking = overlays::is_question(&screen.overlays);
    if is_asking {
        overlays::close_top(screen, cx);
        type_into_composer(screen, cx, text);
    }
    is_asking
}
