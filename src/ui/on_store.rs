//! Replies of the store, and the effects of a changed conversation.

use super::{
    Effect, InitialConversation,
    actions::{
        database_care, kept_state,
        model_settings::{ensure_model, fetch_models},
        searching, switching, trash_actions,
    },
    chats::DatabaseState,
    chats::PaneContent,
    list_sync, notifications,
    overlays::open_commands::refresh_commands,
};
use crate::ui::{chats::Chats, start::OpeningExchange, toasts::ToastSubject};
use crate::ui::{cx::Cx, screen::Screen};
use crate::{
    api::Event,
    chat::{Answer, ChatEffect, Conversation, ConversationChange, ConversationId, ConversationSummary, QueuedId},
    store::{StoreError, StoreJob, StoreReply},
};

pub(crate) fn on_reply(screen: &mut Screen, cx: &mut Cx<'_>, reply: StoreReply) {
    match reply {
        StoreReply::Opened { newest, total, new_draft } => {
            on_database_opened(screen, cx, newest, total, &new_draft);
            refresh_commands(screen, cx);
            fetch_models(cx);
        }
        StoreReply::Grants { grants, unconfirmed } => {
            super::actions::tool_actions::on_grants_loaded(cx, grants, &unconfirmed);
        }
        StoreReply::Upgrading => {
            cx.show_while(ToastSubject::Event, "the database is copied and brought up to date…");
        }
        StoreReply::ReadOnly(error) => database_care::on_read_only(cx, error),
        StoreReply::Checked(result) => database_care::on_checked(screen, cx, result),
        StoreReply::Repaired(result) => database_care::on_repaired(screen, cx, result),
        StoreReply::OpenFailed(error) => {
            cx.warn(format!("{error}: nothing will be saved"));
            let opening = std::mem::replace(&mut cx.chats.database, DatabaseState::Broken(error));
            if matches!(cx.chats.content, PaneContent::Loading(_)) {
                cx.chats.content = PaneContent::New;
            }
            match opening {
                DatabaseState::Opening(InitialConversation::Exchange(exchange)) => {
                    open_exchange(screen, cx, *exchange, "");
                }
                DatabaseState::Opening(InitialConversation::Prompt(prompt)) => {
                    switching::submit_prompt(screen, cx, prompt);
                }
                DatabaseState::Opening(_)
                | DatabaseState::Ready
                | DatabaseState::ReadOnly(_)
                | DatabaseState::Broken(_) => (),
            }
            fetch_models(cx);
        }
        StoreReply::Saved(ticket) => {
            if let Some((id, turn)) = cx.chats.saves.on_saved(ticket)
                && let Some(conversation) = cx.chats.conversations.get_mut(&id)
            {
                let next = conversation.on_saved(turn, cx.now);
                carry_out(cx, id, next);
            }
        }
        StoreReply::SaveFailed { ticket, error } => on_save_failed(cx, ticket, &error),
        StoreReply::ChangedElsewhere => list_sync::on_changed_elsewhere(cx),
        StoreReply::Listed { conversations } => {
            list_sync::on_listed(cx, conversations);
            refresh_commands(screen, cx);
        }
        StoreReply::Loaded(conversation) => on_conversation_loaded(screen, cx, *conversation),
        StoreReply::Refreshed(stored) => list_sync::on_refreshed(cx, *stored),
        StoreReply::LoadFailed { target: what, error } => {
            if matches!(cx.chats.content, PaneContent::Loading(_)) {
                cx.chats.content = PaneContent::New;
                ensure_model(screen, cx);
            }
            let already_named = matches!(error, crate::store::StoreError::Missing(_));
            cx.warn(if already_named { error.to_string() } else { format!("{what}: {error}") });
        }
        StoreReply::Prompts(prompts) => {
            // Prompts of this run may have been sent before the database was read.
            for sent in std::mem::replace(&mut cx.chats.prompt_history, prompts).into_iter().rev() {
                switching::push_prompt(&mut cx.chats.prompt_history, sent);
            }
        }
        // Commands may have been run before the database was read.
        StoreReply::Uses(uses) => {
            for (command, count) in uses {
                *cx.env.command_uses.entry(command).or_default() += count;
            }
        }
        StoreReply::Hints(times) => cx.chats.taught_hints.on_loaded(times),
        StoreReply::CostsSummed { since, cost } => cx.chats.daily_cost.set_cost(since, cost),
        StoreReply::Panes(panes) => kept_state::on_panes_loaded(screen, cx, &panes),
        StoreReply::TrashListed(rows) => trash_actions::on_listed(screen, rows),
        StoreReply::TrashPurged { before, conversations, has_more } => {
            trash_actions::on_purged(screen, cx, before, &conversations, has_more);
        }
        StoreReply::ListPreview { conversation, preview } => screen.list.set_preview(conversation, preview),
        StoreReply::Checks { conversation, checks, side_costs } => {
            if let Some(chat) = cx.chats.conversations.get_mut(&conversation) {
                chat.set_side_costs(side_costs);
            }
            super::actions::source_checks::on_checks_loaded(&mut screen.pane, conversation, checks);
        }
        StoreReply::Recording { message, result } => {
            super::actions::xray_actions::on_recording_loaded(&mut screen.overlays, cx.env, message, result);
        }
        StoreReply::Found(portion) => searching::on_found(screen, cx, *portion),
        StoreReply::SearchFailed { ticket, error } => searching::on_failed(screen, ticket, &error),
        StoreReply::FilterValues(values) => searching::on_values(screen, values),
        StoreReply::Previewed(conversation) => searching::on_previewed(screen, *conversation),
        StoreReply::Indexing { waiting } => searching::on_indexing(screen, cx, waiting),
        StoreReply::Outcome { message, slot, result } => {
            super::actions::call_results::on_result_loaded(&mut screen.overlays, message, slot, result);
        }
    }
}

/// Shows a new conversation that begins with an answer. It is listed, and not on disk until it goes on.
fn open_exchange(screen: &mut Screen, cx: &mut Cx<'_>, exchange: OpeningExchange, draft: &str) {
    let settings = cx.chats.new_settings.clone();
    let mut answer = Answer::new(&settings.endpoint, exchange.model, cx.now);
    answer.apply(0, cx.now, &Event::parse(&exchange.completed));
    answer.finish(cx.now, Ok(()));
    // It was never billed, and took no time.
    (answer.usage, answer.ended_at) = (None, None);
    let mut conversation = Conversation::begun_with(exchange.prompt, answer, settings, &mut cx.chats.ids, cx.now);
    draft.clone_into(&mut conversation.draft);
    let id = conversation.id;
    cx.chats.make_temporary_if_wanted(&mut conversation);
    on_conversation_loaded(screen, cx, conversation);
    refresh_row(cx.chats, id);
}

fn on_database_opened(
    screen: &mut Screen,
    cx: &mut Cx<'_>,
    newest: Vec<ConversationSummary>,
    total: usize,
    new_draft: &str,
) {
    let read_only = database_care::take_refusal(cx.chats);
    cx.chats.unlisted_count = total.saturating_sub(newest.len());
    list_sync::merge_summaries(cx.chats, newest);
    // First: no call of a tool may be decided without it.
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadGrants));
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadPrompts));
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadUses));
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadHints));
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadPanes));
    trash_actions::purge_expired(cx);
    if cx.chats.unlisted_count > 0 {
        cx.effects.push(Effect::RunStoreJob(StoreJob::ListConversations));
    }
    let state = read_only.map_or(DatabaseState::Ready, DatabaseState::ReadOnly);
    let DatabaseState::Opening(open) = std::mem::replace(&mut cx.chats.database, state) else { return };
    match open {
        InitialConversation::New => {
            let composer = &mut screen.pane.composer;
            if composer.is_empty() && !cx.chats.saves.temporary.is_next {
                composer.set_text(new_draft);
            }
        }
        InitialConversation::Exchange(exchange) => open_exchange(screen, cx, *exchange, new_draft),
        InitialConversation::Prompt(prompt) => {
            cx.chats.content = PaneContent::New;
            switching::submit_prompt(screen, cx, prompt);
        }
        InitialConversation::Latest => cx.effects.push(Effect::RunStoreJob(StoreJob::LoadLatest)),
        InitialConversation::Named(name) => cx.effects.push(Effect::RunStoreJob(StoreJob::LoadNamed(name))),
    }
}

fn on_save_failed(cx: &mut Cx<'_>, ticket: crate::store::SaveTicket, error: &StoreError) {
    if matches!(error, StoreError::Newer { .. }) {
        database_care::on_save_refused(cx, ticket, error);
        return;
    }
    let gate = cx.chats.saves.on_failed(ticket);
    if let StoreError::Taken(prompt) = error {
        on_prompt_taken(cx, gate.map(|(id, _)| id), *prompt);
        return;
    }
    match gate {
        Some((id, turn)) => {
            if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
                conversation.on_save_failed(turn, error.to_string(), cx.now);
                notifications::notify_decision_needed(cx, id);
            }
        }
        None => cx.warn_while(ToastSubject::Unsaved, format!("not saved: {error}")),
    }
}

/// Forgets a prompt that another instance has taken from the queue, saves the rest, and looks at what is on disk.
fn on_prompt_taken(cx: &mut Cx<'_>, id: Option<ConversationId>, prompt: QueuedId) {
    let conversation = id.and_then(|id| cx.chats.conversations.get_mut(&id));
    let removed = conversation.map_or_else(Vec::new, |conversation| conversation.on_prompt_taken(prompt));
    cx.chats.saves.drop_failed(|change| match change {
        ConversationChange::SendQueued { prompt: refused, .. } => *refused == prompt,
        ConversationChange::Message { message, .. } => removed.contains(&message.id),
        // It names the removed messages.
        ConversationChange::Conversation(header) => header.branch.iter().any(|message| removed.contains(message)),
        _ => false,
    });
    if cx.chats.saves.has_failed() {
        cx.effects.push(cx.chats.saves.save(Vec::new(), None));
    }
    if let Some(id) = id {
        refresh_row(cx.chats, id);
        cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(id)));
    }
    cx.warn("not sent from here: another running ibid has taken this prompt");
}

fn on_conversation_loaded(screen: &mut Screen, cx: &mut Cx<'_>, conversation: Conversation) {
    let id = conversation.id;
    let endpoints = &cx.env.endpoints;
    let reports_prices = |name: &str| {
        endpoints.iter().any(|known| known.name == name && known.is_ready && known.dialect.supports_openrouter_fields())
    };
    cx.chats.conversations.entry(id).or_insert(conversation).schedule_leftover_lookups(cx.now, reports_prices);
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadChecks(id)));
    match cx.chats.content {
        PaneContent::Loading(wanted) if wanted.is_none_or(|wanted| wanted == id) => {
            let typed = screen.pane.composer.text();
            let send = screen.pane.send_when_loaded;
            switching::show_conversation(screen, cx, id);
            searching::jump_in_opened(screen, cx);
            if !typed.is_empty() {
                // Text typed while loading goes after the saved draft. That draft was not shown yet, so it is not sent.
                let draft = screen.pane.composer.text();
                screen.pane.composer.set_text(&(draft.clone() + &typed));
                switching::schedule_draft_save(&mut screen.pane, cx);
                if send && draft.is_empty() {
                    switching::send_draft(screen, cx);
                }
            }
        }
        PaneContent::New | PaneContent::Loading(_) | PaneContent::Conversation(_) => (), // The user has moved on in the meantime.
    }
}

/// Turns the consequences of a changed conversation into effects.
pub(crate) fn carry_out(cx: &mut Cx<'_>, id: ConversationId, next: Vec<ChatEffect>) {
    if next.is_empty() {
        return; // Nothing that the list shows changes without an effect: a delta must not rebuild its row.
    }
    for next in next {
        match next {
            ChatEffect::OpenStream { stream, endpoint, request } => {
                let record = cx.env.config.xray.record;
                cx.effects.push(Effect::OpenStream { stream, endpoint, request, record });
            }
            ChatEffect::RunTool { call, tool, arguments } => cx.effects.push(match cx.env.tools.command(&tool) {
                Some(command) => Effect::RunCommand { call, command: Box::new(command.clone()), arguments },
                None => Effect::RunTool { call, tool, arguments },
            }),
            ChatEffect::StopTool(call) => cx.effects.push(Effect::StopTool(call)),
            ChatEffect::CloseStream(stream) => cx.effects.push(Effect::CloseStream(stream)),
            ChatEffect::FetchPrice { answer, endpoint, generation } => {
                cx.effects.push(Effect::FetchPrice { answer, endpoint, generation });
            }
            ChatEffect::FetchQuota { answer, endpoint } => cx.effects.push(Effect::FetchQuota { answer, endpoint }),
            ChatEffect::Save { mut changes, gate } => {
                if let [ConversationChange::Journal { message, .. }] = changes[..] {
                    changes.extend(super::actions::xray_actions::unsaved_chunk(cx, message));
                }
                let is_answer = |change: &ConversationChange| matches!(change, ConversationChange::Message { message, .. } if message.as_answer().is_some());
                if changes.iter().any(is_answer) {
                    cx.chats.daily_cost.mark_stale();
                }
                if cx.chats.conversations.get(&id).is_some_and(Conversation::is_temporary) {
                    cx.chats.saves.temporary.add(id); // However it came about, such as by a fork.
                }
                cx.effects.push(cx.chats.saves.save(changes, gate.map(|turn| (id, turn))));
            }
        }
    }
    refresh_row(cx.chats, id);
}

/// Updates the row of an open conversation in the list, and its position.
pub(crate) fn refresh_row(chats: &mut Chats, id: ConversationId) {
    let Some(conversation) = chats.conversations.get(&id) else { return };
    let summary = conversation.summary();
    if let Some(row) = chats.trashed.iter_mut().find(|row| row.id == id) {
        *row = summary;
        return;
    }
    chats.index.put(summary);
}

/// Saves changes that no turn is waiting for.
pub(crate) fn save_changes(cx: &mut Cx<'_>, changes: Vec<ConversationChange>) {
    if !changes.is_empty() {
        cx.effects.push(cx.chats.saves.save(changes, None));
    }
}
