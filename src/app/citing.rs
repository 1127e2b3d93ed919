//! Citations: from one to the next, the card of a source, its page in the browser, its words looked for there.

use super::{
    Action, Effect, State,
    on_action::toggle_rail,
    overlays::Overlay,
    screen::{CARD, Focus},
};
use crate::{
    chat::{Answer, ConversationId, Timestamp},
    config::{Chosen, Consent},
    widgets::{
        check::{Check, Question, Reading},
        rail::Tab,
        source_card,
        transcript::{Cited, Move, Transcript, Walk},
    },
};

/// Goes to another citation; from the composer too, for the palette has it.
pub(super) fn walk(state: &mut State, now: Timestamp, walk: Walk) {
    let Some(conversation) = state.current() else { return };
    let answers = conversation.branch.iter().filter_map(|id| conversation.messages.get(id)?.answer());
    if answers.flat_map(Answer::annotations).next().is_none() {
        state.screen.say(now, "no answer here names a source");
        return;
    }
    if state.screen.focus != Focus::Rail {
        state.screen.focus = Focus::Transcript;
    }
    state.screen.rail.show(Tab::Sources);
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.cite(walk);
    }
}

/// Puts a tab of the rail on the screen and goes there.
pub(super) fn show_tab(state: &mut State, tab: Tab) {
    state.screen.rail.show(tab);
    let floats = state.screen.overlays.iter().any(|overlay| matches!(overlay, Overlay::Rail));
    if !state.screen.rail_docked() && !floats {
        toggle_rail(state);
    }
    state.screen.focus = Focus::Rail;
}

/// A step in the list of sources: the text follows. `false` where there is none.
pub(super) fn step(state: &mut State, by: Move) -> bool {
    let Move::Rows(rows) = by else { return false };
    if state.screen.rail.tab != Tab::Sources {
        return false;
    }
    let Some(next) = state.screen.rail.source_beside(rows) else { return false };
    let Some(transcript) = state.screen.transcript_mut() else { return false };
    transcript.cite(Walk::To(next.0, next.1));
    true
}

/// Whether the card of a source stands open, in the window or out of it.
pub(super) fn has_card(state: &State) -> bool {
    state.screen.focus == Focus::Transcript && state.screen.transcript().is_some_and(Transcript::shows_source)
}

/// Whether the card of a source has the keys.
pub(super) fn is_open(state: &State) -> bool {
    has_card(state) && state.screen.transcript().is_some_and(Transcript::sees_citation)
}

/// Opens the card of the citation under the cursor, or closes it; `false` without one.
pub(super) fn open(state: &mut State) -> bool {
    let was_open = is_open(state);
    let in_rail = state.screen.focus == Focus::Rail;
    if in_rail && state.screen.rail.tab != Tab::Sources {
        return false;
    }
    let has = |transcript: &&mut Transcript| transcript.citation().is_some() && (in_rail || transcript.sees_citation());
    let Some(transcript) = state.screen.transcript_mut().filter(has) else { return false };
    transcript.open_source(!was_open);
    if in_rail {
        state.screen.overlays.retain(|overlay| !matches!(overlay, Overlay::Rail));
        state.screen.focus = Focus::Transcript;
    }
    true
}

/// Closes the question of a card, else the card.
pub(super) fn close(state: &mut State) {
    if let Some(question) = asked(state) {
        forget(state, question);
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.open_source(false);
    }
}

/// The light goes out when the reader goes back to writing.
pub(super) fn leave(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut().filter(|transcript| transcript.citation().is_some()) {
        transcript.open_source(false);
        transcript.point_at(None);
    }
}

/// What the cursor stands on, or a word about how to get there.
fn cited(state: &mut State, now: Timestamp) -> Option<Cited> {
    let in_rail = state.screen.focus == Focus::Rail;
    let transcript = state.screen.transcript().filter(|transcript| in_rail || transcript.sees_citation());
    let cited = state.current().and_then(|conversation| transcript?.cited(conversation));
    if cited.is_none() {
        let keys = state.keymap.both(Action::NextCitation, Action::PreviousCitation, "or");
        state.screen.say(now, format!("go to a citation first, with {keys} in the text"));
    }
    cited
}

pub(super) fn copy(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if let Some(cited) = cited(state, now) {
        fx.push(Effect::Copy(source_card::footnote(&cited.source)));
        state.screen.say(now, format!("source {} copied as a footnote", cited.source.number));
    }
}

pub(super) fn browse(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(cited) = cited(state, now) else { return };
    let source = cited.source;
    match source.page() {
        Some(url) => fx.push(Effect::Browse(url.into())),
        None if source.url.is_some() => state.screen.warn(now, "only pages with http or https are opened"),
        None if source.is_file() => state.screen.say(now, "this source is a file and has no address"),
        None => state.screen.say(now, "this source has no address"),
    }
}

/// A browser was started, or not: then how to do that elsewhere.
pub(super) fn on_browsed(state: &mut State, now: Timestamp, url: String, result: Result<(), String>) {
    match result {
        Ok(()) => state.screen.say(now, "opened in the browser"),
        Err(command) => {
            state.screen.warn(now, format!("no browser here: {command}"));
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.opens_elsewhere(url, command);
            }
        }
    }
}

/// Looks for the excerpt or the claim on the page; the reader is asked first.
pub(super) fn check(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(cited) = cited(state, now) else { return };
    let Some(question) = cited.question else {
        let source = cited.source;
        let words = match source.page() {
            Some(_) => "there is nothing to look for: no excerpt came, and no words are cited",
            None if source.url.is_some() => "only pages with http or https are looked at",
            None if source.is_file() => "this source is a file and has no page to look at",
            None => "this source has no page to look at",
        };
        state.screen.say(now, words);
        return;
    };
    let may = state.config.sources.check == Consent::Always;
    let Some(transcript) = state.screen.transcript_mut() else { return };
    if !transcript.shows_source() {
        transcript.open_source(true);
    }
    match transcript.check(&question) {
        Some(Check::Asks { .. } | Check::Reading { .. }) => (),
        _ if may => fetch(state, now, question, fx),
        _ => transcript.set_check(question, Some(Check::Asks { since: now })),
    }
    if state.screen.focus == Focus::Rail {
        state.screen.overlays.retain(|overlay| !matches!(overlay, Overlay::Rail));
        state.screen.focus = Focus::Transcript;
    }
}

fn fetch(state: &mut State, now: Timestamp, question: Question, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.screen.pane.shows.conversation() else { return };
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.set_check(question.clone(), Some(Check::Reading { since: now }));
        fx.push(Effect::Check { conversation, question });
    }
}

/// The question whether a page may be fetched, if it is on the screen.
fn asked(state: &State) -> Option<Question> {
    let transcript = state.screen.transcript().filter(|_| is_open(state))?;
    let question = transcript.cited(state.current()?)?.question?;
    matches!(transcript.check(&question), Some(Check::Asks { .. })).then_some(question)
}

fn forget(state: &mut State, question: Question) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.set_check(question, None);
    }
}

/// A key on the question; `false` when it is not asked, or the key is none of its own.
pub(super) fn take_key(state: &mut State, now: Timestamp, key: char, fx: &mut Vec<Effect>) -> bool {
    if !matches!(key, 'y' | 'a' | 'n') {
        return false;
    }
    let Some(question) = asked(state) else { return false };
    let since = match state.screen.transcript().and_then(|transcript| transcript.check(&question)) {
        Some(Check::Asks { since }) => *since,
        _ => return false,
    };
    if now.duration_since(since) < CARD {
        return true; // It appeared under the finger: the key was meant for something else.
    }
    if key == 'n' {
        forget(state, question);
        return true;
    }
    state.config.sources.check = Consent::Always;
    if key == 'a' {
        fx.push(Effect::Keep(Chosen::Checks));
    }
    fetch(state, now, question, fx);
    true
}

/// What came of a check.
pub(super) fn on_checked(
    state: &mut State,
    now: Timestamp,
    conversation: ConversationId,
    question: Question,
    result: Result<Reading, String>,
) {
    let check = match result {
        Ok(page) => Check::Read { at: now, page },
        Err(why) => Check::Unread { at: now, why },
    };
    if let Some(transcript) = state.screen.pane.transcripts.get_mut(&conversation) {
        transcript.set_check(question, Some(check));
    }
}

/// When the clock of a check on the screen moves.
pub(super) fn next_wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let since = state.screen.transcript()?.reads().next()?;
    let seconds = now.duration_since(since).as_secs() + 1;
    Some(since + jiff::SignedDuration::from_secs(seconds))
}
