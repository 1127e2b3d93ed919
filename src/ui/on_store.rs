//! Replies of the store, and the effects of a changed conversation.

use super::{
    Effect, InitialConversation, State,
    models::model_settings::{ensure_model, fetch_models},
    notifications,
    screen::PaneContent,
    state::DatabaseState,
};
use crate::{
    chat::{ChatEffect, Conversation, ConversationChange, ConversationId, ConversationSummary, Timestamp},
    store::{StoreJob, StoreReply},
};

pub(crate) fn on_reply(state: &mut State, now: Timestamp, reply: StoreReply, fx: &mut Vec<Effect>) {
    match reply {
        StoreReply::Opened { newest, total, new_draft } => {
            on_database_opened(state, newest, total, &new_draft, fx);
            fetch_models(state, now, fx);
        }
        StoreReply::OpenFailed(error) => {
            state.screen.warn(now, format!("{error}: nothing will be saved"));
            state.database = DatabaseState::Broken(error);
            if matches!(state.screen.pane.content, PaneContent::Loading(_)) {
                state.screen.pane.content = PaneContent::New;
            }
            fetch_models(state, now, fx);
        }
        StoreReply::Saved(ticket) => {
            if let Some((id, turn)) = state.saves.on_saved(ticket)
                && let Some(conversation) = state.conversations.get_mut(&id)
            {
                let next = conversation.on_saved(turn, now);
                carry_out(state, id, next, fx);
            }
        }
        StoreReply::SaveFailed { ticket, error } => on_save_failed(state, now, ticket, &error, fx),
        StoreReply::Listed { conversations } => {
            merge_summaries(state, conversations);
            state.unlisted_count = 0;
        }
        StoreReply::Loaded(conversation) => on_conversation_loaded(state, now, *conversation, fx),
        StoreReply::LoadFailed { target: what, error } => {
            if matches!(state.screen.pane.content, PaneContent::Loading(_)) {
                state.screen.pane.content = PaneContent::New;
                ensure_model(state, now, fx);
            }
            let already_named = matches!(error, crate::store::StoreError::Missing(_));
            state.screen.warn(now, if already_named { error.to_string() } else { format!("{what}: {error}") });
        }
        StoreReply::Prompts(prompts) => {
            // Prompts of this run may have been sent before the database was read.
            for sent in std::mem::replace(&mut state.prompt_history, prompts).into_iter().rev() {
                super::conversations::switching::remember_prompt(state, sent);
            }
        }
        StoreReply::CostsSummed { since, cost } => state.daily_cost.set_cost(since, cost),
        StoreReply::Recording { message, result } => {
            super::xray::xray_actions::on_recording_loaded(state, message, result)
        }
        StoreReply::Outcome { message, slot, result } => {
            super::results::call_results::on_result_loaded(state, message, slot, result)
        }
    }
}

fn on_database_opened(
    state: &mut State,
    newest: Vec<ConversationSummary>,
    total: usize,
    new_draft: &str,
    fx: &mut Vec<Effect>,
) {
    state.unlisted_count = total.saturating_sub(newest.len());
    merge_summaries(state, newest);
    fx.push(Effect::RunStoreJob(StoreJob::LoadPrompts));
    if state.unlisted_count > 0 {
        fx.push(Effect::RunStoreJob(StoreJob::ListConversations));
    }
    let DatabaseState::Opening(open) = std::mem::replace(&mut state.database, DatabaseState::Ready) else { return };
    match open {
        InitialConversation::New => {
            let composer = &mut state.screen.pane.composer;
            if composer.is_empty() {
                composer.set_text(new_draft);
            }
        }
        InitialConversation::Latest => fx.push(Effect::RunStoreJob(StoreJob::LoadLatest)),
        InitialConversation::Named(name) => fx.push(Effect::RunStoreJob(StoreJob::LoadNamed(name))),
    }
}

/// Merges rows of the database into the index. Newer rows in memory win, and conversations that were just moved to the
/// trash are left out.
fn merge_summaries(state: &mut State, mut rows: Vec<ConversationSummary>) {
    rows.retain(|row| state.trashed.iter().all(|trashed| trashed.id != row.id));
    for summary in &state.index {
        match rows.iter_mut().find(|row| row.id == summary.id) {
            Some(row) if row.updated_at < summary.updated_at => *row = summary.clone(),
            Some(_) => (),
            None => rows.push(summary.clone()),
        }
    }
    rows.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then(b.id.cmp(&a.id)));
    state.index = rows;
}

fn on_save_failed(
    state: &mut State,
    now: Timestamp,
    ticket: crate::store::SaveTicket,
    error: &crate::store::StoreError,
    fx: &mut Vec<Effect>,
) {
    match state.saves.on_failed(ticket) {
        Some((id, turn)) => {
            if let Some(conversation) = state.conversations.get_mut(&id) {
                conversation.on_save_failed(turn, error.to_string(), now);
                notifications::notify_decision_needed(state, id, fx);
            }
        }
        None => state.screen.warn(now, format!("not saved: {error}")),
    }
}

fn on_conversation_loaded(state: &mut State, now: Timestamp, conversation: Conversation, fx: &mut Vec<Effect>) {
    let id = conversation.id;
    let endpoints = &state.endpoints;
    let reports_prices = |name: &str| {
        endpoints.iter().any(|known| known.name == name && known.is_ready && known.dialect.supports_openrouter_fields())
    };
    state.conversations.entry(id).or_insert(conversation).schedule_leftover_lookups(now, reports_prices);
    match state.screen.pane.content {
        PaneContent::Loading(wanted) if wanted.is_none_or(|wanted| wanted == id) => {
            let typed = state.screen.pane.composer.text();
            let send = state.screen.pane.send_when_loaded;
            super::conversations::switching::show_conversation(state, now, id, fx);
            if !typed.is_empty() {
                // Text typed while loading goes after the saved draft. That draft was not shown yet, so it is not sent.
                let draft = state.screen.pane.composer.text();
                state.screen.pane.composer.set_text(&(draft.clone() + &typed));
                super::conversations::switching::schedule_draft_save(state, now);
                if send && draft.is_empty() {
                    super::conversations::switching::send_draft(state, now, fx);
                }
            }
        }
        PaneContent::New | PaneContent::Loading(_) | PaneContent::Conversation(_) => (), // The user has moved on in the meantime.
    }
}

/// Turns the consequences of a changed conversation into effects.
pub(crate) fn carry_out(state: &mut State, id: ConversationId, next: Vec<ChatEffect>, fx: &mut Vec<Effect>) {
    for next in next {
        match next {
            ChatEffect::OpenStream { stream, endpoint, request } => {
                let record = state.config.xray.record;
                fx.push(Effect::OpenStream { stream, endpoint, request, record });
            }
            ChatEffect::RunTool { call, tool, arguments } => fx.push(match state.tools.command(&tool) {
                Some(command) => Effect::RunCommand { call, command: Box::new(command.clone()), arguments },
                None => Effect::RunTool { call, tool, arguments },
            }),
            ChatEffect::StopTool(call) => fx.push(Effect::StopTool(call)),
            ChatEffect::CloseStream(stream) => fx.push(Effect::CloseStream(stream)),
            ChatEffect::FetchPrice { answer, endpoint, generation } => {
                fx.push(Effect::FetchPrice { answer, endpoint, generation });
            }
            ChatEffect::FetchQuota { answer, endpoint } => fx.push(Effect::FetchQuota { answer, endpoint }),
            ChatEffect::Save { mut changes, gate } => {
                if let [ConversationChange::Journal { message, .. }] = changes[..] {
                    changes.extend(super::xray::xray_actions::unsaved_chunk(state, message));
                }
                fx.push(state.saves.save(changes, gate.map(|turn| (id, turn))));
            }
        }
    }
    refresh_row(state, id);
}

/// Updates the row of an open conversation in the list, and its position.
pub(crate) fn refresh_row(state: &mut State, id: ConversationId) {
    let Some(conversation) = state.conversations.get(&id) else { return };
    let summary = conversation.summary();
    if let Some(row) = state.trashed.iter_mut().find(|row| row.id == id) {
        *row = summary;
        return;
    }
    match state.index.iter().position(|row| row.id == id) {
        Some(at) if state.index[at].updated_at == summary.updated_at => state.index[at] = summary,
        Some(at) => {
            state.index.remove(at);
            insert_summary(&mut state.index, summary);
        }
        None => insert_summary(&mut state.index, summary),
    }
}

fn insert_summary(index: &mut Vec<ConversationSummary>, summary: ConversationSummary) {
    let position = index.partition_point(|row| row.updated_at > summary.updated_at);
    index.insert(position, summary);
}

/// Saves changes that no turn is waiting for.
pub(crate) fn save_changes(state: &mut State, changes: Vec<ConversationChange>, fx: &mut Vec<Effect>) {
    if !changes.is_empty() {
        fx.push(state.saves.save(changes, None));
    }
}
