//! Loaded rows, saved rows, failed saves.

use super::{
    Effect, Open, State, attention,
    models::{know_models, need_model},
    screen::Shows,
    state::Database,
};
use crate::{
    chat::{Change, Conversation, ConversationId, Next, Summary, Timestamp},
    store::{Job, Reply},
};

pub(super) fn on_reply(state: &mut State, now: Timestamp, reply: Reply, fx: &mut Vec<Effect>) {
    match reply {
        Reply::Opened { newest, total, new_draft } => {
            on_opened(state, newest, total, &new_draft, fx);
            know_models(state, now, fx);
        }
        Reply::Broken(error) => {
            state.screen.warn(now, format!("{error}: nothing will be saved"));
            state.database = Database::Broken(error);
            if matches!(state.screen.pane.shows, Shows::Loading(_)) {
                state.screen.pane.shows = Shows::New;
            }
            know_models(state, now, fx);
        }
        Reply::Saved(ticket) => {
            if let Some((id, turn)) = state.saves.saved(ticket)
                && let Some(conversation) = state.open.get_mut(&id)
            {
                let next = conversation.saved(turn, now);
                carry_out(state, id, next, fx);
            }
        }
        Reply::NotSaved { ticket, error } => on_not_saved(state, now, ticket, &error, fx),
        Reply::Listed { conversations } => {
            merge(state, conversations);
            state.unlisted = 0;
        }
        Reply::Loaded(conversation) => on_loaded(state, now, *conversation, fx),
        Reply::NotLoaded { what, error } => {
            if matches!(state.screen.pane.shows, Shows::Loading(_)) {
                state.screen.pane.shows = Shows::New;
                need_model(state, now, fx);
            }
            let already_named = matches!(error, crate::store::Error::Missing(_));
            state.screen.warn(now, if already_named { error.to_string() } else { format!("{what}: {error}") });
        }
        Reply::Prompts(prompts) => {
            // Those of this run may have been sent before the disk was read.
            for sent in std::mem::replace(&mut state.prompts, prompts).into_iter().rev() {
                super::panes::remember(state, sent);
            }
        }
        Reply::Spent { since, cost } => state.today.told(since, cost),
        Reply::Recording { message, result } => super::xray::on_loaded(state, message, result),
        Reply::Outcome { message, slot, result } => super::results::on_loaded(state, message, slot, result),
    }
}

fn on_opened(state: &mut State, newest: Vec<Summary>, total: usize, new_draft: &str, fx: &mut Vec<Effect>) {
    state.unlisted = total.saturating_sub(newest.len());
    merge(state, newest);
    fx.push(Effect::Store(Job::Prompts));
    if state.unlisted > 0 {
        fx.push(Effect::Store(Job::List));
    }
    let Database::Opening(open) = std::mem::replace(&mut state.database, Database::Ready) else { return };
    match open {
        Open::New => {
            let composer = &mut state.screen.pane.composer;
            if composer.is_empty() {
                composer.set_text(new_draft);
            }
        }
        Open::Latest => fx.push(Effect::Store(Job::LoadLatest)),
        Open::Named(name) => fx.push(Effect::Store(Job::LoadNamed(name))),
    }
}

/// Takes the rows of the database, as far as those in memory are not newer: what was just thrown away may still be among them.
fn merge(state: &mut State, mut rows: Vec<Summary>) {
    rows.retain(|row| state.trashed.iter().all(|trashed| trashed.id != row.id));
    for summary in &state.index {
        match rows.iter_mut().find(|row| row.id == summary.id) {
            Some(row) if row.updated < summary.updated => *row = summary.clone(),
            Some(_) => (),
            None => rows.push(summary.clone()),
        }
    }
    rows.sort_by(|a, b| b.updated.cmp(&a.updated).then(b.id.cmp(&a.id)));
    state.index = rows;
}

fn on_not_saved(
    state: &mut State,
    now: Timestamp,
    ticket: crate::store::Ticket,
    error: &crate::store::Error,
    fx: &mut Vec<Effect>,
) {
    match state.saves.not_saved(ticket) {
        Some((id, turn)) => {
            if let Some(conversation) = state.open.get_mut(&id) {
                conversation.not_saved(turn, error.to_string(), now);
                attention::asks(state, id, fx);
            }
        }
        None => state.screen.warn(now, format!("not saved: {error}")),
    }
}

fn on_loaded(state: &mut State, now: Timestamp, conversation: Conversation, fx: &mut Vec<Effect>) {
    let id = conversation.id;
    let endpoints = &state.endpoints;
    let know =
        |name: &str| endpoints.iter().any(|known| known.name == name && known.ready && known.dialect.has_own_fields());
    state.open.entry(id).or_insert(conversation).ask_left_prices(now, know);
    match state.screen.pane.shows {
        Shows::Loading(wanted) if wanted.is_none_or(|wanted| wanted == id) => {
            let typed = state.screen.pane.composer.text();
            let send = state.screen.pane.send_when_read;
            super::panes::show(state, now, id, fx);
            if !typed.is_empty() {
                // Typed while it was being read: behind the draft, which nobody has seen yet and which is not sent.
                let draft = state.screen.pane.composer.text();
                state.screen.pane.composer.set_text(&(draft.clone() + &typed));
                super::panes::draft_changed(state, now);
                if send && draft.is_empty() {
                    super::panes::send(state, now, fx);
                }
            }
        }
        Shows::New | Shows::Loading(_) | Shows::Conversation(_) => (), // The reader went elsewhere meanwhile.
    }
}

/// Does what a change of a conversation asks for.
pub(super) fn carry_out(state: &mut State, id: ConversationId, next: Vec<Next>, fx: &mut Vec<Effect>) {
    for next in next {
        match next {
            Next::Open { stream, endpoint, request } => {
                let record = state.config.xray.record;
                fx.push(Effect::OpenStream { stream, endpoint, request, record });
            }
            Next::Run { call, tool, arguments } => fx.push(match state.tools.command(&tool) {
                Some(command) => Effect::RunCommand { call, command: Box::new(command.clone()), arguments },
                None => Effect::RunTool { call, tool, arguments },
            }),
            Next::StopRun(call) => fx.push(Effect::StopTool(call)),
            Next::Close(stream) => fx.push(Effect::CloseStream(stream)),
            Next::AskPrice { answer, endpoint, generation } => {
                fx.push(Effect::AskPrice { answer, endpoint, generation });
            }
            Next::AskQuota { answer, endpoint } => fx.push(Effect::AskQuota { answer, endpoint }),
            Next::Save { mut changes, gate } => {
                if let [Change::Growth { message, .. }] = changes[..] {
                    changes.extend(super::xray::unwritten(state, message));
                }
                fx.push(state.saves.save(changes, gate.map(|turn| (id, turn))));
            }
        }
    }
    refresh_row(state, id);
}

/// Puts the list's row of an open conversation in its place.
pub(super) fn refresh_row(state: &mut State, id: ConversationId) {
    let Some(conversation) = state.open.get(&id) else { return };
    let summary = conversation.summary();
    if let Some(row) = state.trashed.iter_mut().find(|row| row.id == id) {
        *row = summary;
        return;
    }
    match state.index.iter().position(|row| row.id == id) {
        Some(at) if state.index[at].updated == summary.updated => state.index[at] = summary,
        Some(at) => {
            state.index.remove(at);
            insert(&mut state.index, summary);
        }
        None => insert(&mut state.index, summary),
    }
}

fn insert(index: &mut Vec<Summary>, summary: Summary) {
    let at = index.partition_point(|row| row.updated > summary.updated);
    index.insert(at, summary);
}

/// Saves changes that no turn waits for.
pub(super) fn save(state: &mut State, changes: Vec<Change>, fx: &mut Vec<Effect>) {
    if !changes.is_empty() {
        fx.push(state.saves.save(changes, None));
    }
}
