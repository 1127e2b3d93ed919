//! A second opinion on a checked answer: a model judges the claims that the pages did not prove.

use super::{
    again_picker::fill_priced_models,
    model_settings::{fetch_models, request_context, short_name},
    source_checks::stored_check,
};
use crate::{
    api::{Usage, Usd},
    chat::{Answer, ConversationChange, ConversationId, MessageId, StoredCheck},
    citations::{
        check::{CheckResult, ModelJudgement, PageCheck},
        judge::{self, ClaimJudgement, UnprovedClaims},
    },
    ui::{
        Action, Effect,
        chats::Chats,
        cx::Cx,
        models::model_rows::MODEL_COLUMNS,
        overlay::picker::FuzzyPicker,
        overlays::{PickerItem, PickerKind, open_overlays::push_picker},
        screen::{ConversationPane, Screen},
        transcript::Transcript,
    },
};

/// About how many bytes make a token, for the estimate.
const BYTES_PER_TOKEN: usize = 4;
/// About how many tokens a model writes for each source.
const TOKENS_PER_JUDGEMENT: u64 = 60;

/// Asks in one line which model judges the unproved claims of the current answer, with the price.
pub(crate) fn open_judges(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(answer) = screen.current_answer(cx.chats) else { return };
    let has_checks = screen.transcript(cx.chats).is_some_and(|it| it.checks().of_message(answer).next().is_some());
    let claims = unproved(screen.transcript(cx.chats), cx.chats, answer);
    if claims.is_empty() {
        let keys = cx.env.keymap.keys_of(Action::CheckAnswer).unwrap_or_default();
        cx.show_message(if has_checks {
            "no claim is left to judge: the pages prove them, or could not be read".to_owned()
        } else {
            format!("check the sources first, with {keys}")
        });
        return;
    }
    fetch_models(cx);
    let noun = if claims.len() == 1 { "source" } else { "sources" };
    let mut picker = FuzzyPicker::new(&format!("judge {} {noun} with", claims.len()), MODEL_COLUMNS);
    picker.detail_rows = 0;
    let current = cx.chats.settings().model.clone();
    fill_judges(screen.transcript(cx.chats), cx, answer, &current, &mut picker);
    picker.select(&PickerItem::Model(current));
    push_picker(
        &mut screen.overlays,
        PickerKind::JudgeClaims { answer },
        picker,
        &[
            (&[Action::Accept], "send"),
            (&[Action::RowUp, Action::RowDown], "other models"),
            (&[Action::Back], "cancel"),
        ],
    );
}

/// Fills the picker with the models and their prices for these claims.
fn fill_judges(
    transcript: Option<&Transcript>,
    cx: &Cx<'_>,
    answer: MessageId,
    chosen: &str,
    picker: &mut FuzzyPicker<PickerItem>,
) {
    let claims = unproved(transcript, cx.chats, answer);
    let bytes = judge::INSTRUCTIONS.len() + judge::claims_as_json(&claims).len();
    let usage = Usage {
        input_tokens: Some((bytes / BYTES_PER_TOKEN) as u64),
        output_tokens: Some(claims.len() as u64 * TOKENS_PER_JUDGEMENT),
        ..Usage::default()
    };
    fill_priced_models(cx.chats, cx.env, chosen, Some(&usage), picker);
}

fn unproved(transcript: Option<&Transcript>, chats: &Chats, message: MessageId) -> Vec<UnprovedClaims> {
    let answer = chats.current_conversation().and_then(|chat| chat.messages.get(&message)?.as_answer());
    let both = answer.zip(transcript);
    both.map(|(answer, transcript)| judge::unproved_claims(answer, message, transcript.checks())).unwrap_or_default()
}

/// Hands the claims to the model.
pub(crate) fn judge_with(screen: &Screen, cx: &mut Cx<'_>, answer: MessageId, model: &str) {
    let claims = unproved(screen.transcript(cx.chats), cx.chats, answer);
    let Some(conversation) = cx.chats.content.conversation_id().filter(|_| !claims.is_empty()) else { return };
    let settings = cx.chats.settings();
    let context = request_context(cx.env, settings);
    let input = judge::claims_as_json(&claims);
    let request = context.side_request(model, judge::INSTRUCTIONS, &input, Some(judge::reply_format()));
    let endpoint = settings.endpoint.clone();
    cx.effects.push(Effect::JudgeClaims { conversation, message: answer, endpoint, request: Box::new(request) });
    cx.show_message(format!("{} judges the claims", short_name(model)));
}

/// Shows what the model said, marked as its own, and keeps it with the checks.
pub(crate) fn on_judged(
    pane: &mut ConversationPane,
    cx: &mut Cx<'_>,
    conversation: ConversationId,
    message: MessageId,
    model: &str,
    result: Result<Box<Answer>, String>,
) {
    let name = short_name(model).to_owned();
    let Some(transcript) = pane.transcripts.get_mut(&conversation) else { return };
    let of_message =
        cx.chats.conversations.get(&conversation).and_then(|chat| chat.messages.get(&message)?.as_answer());
    let Some(cited) = of_message else { return };
    let claims = judge::unproved_claims(cited, message, transcript.checks());
    // A reply that says nothing costs as much.
    let cost = result.as_ref().ok().and_then(|reply| reply.usage.as_ref()?.cost.clone());
    let price = cost.as_ref().map(|cost| format!(" {} {cost}", cx.env.theme.marks.dot)).unwrap_or_default();
    let stored: Vec<StoredCheck> = match result.and_then(|reply| judge::parse_reply(&reply.text(), &claims)) {
        Ok(judgements) => add_judgements(transcript, message, model, &claims, &judgements),
        Err(why) => {
            cx.warn(format!("{name} judged nothing: {why}{price}"));
            Vec::new()
        }
    };
    if !stored.is_empty() {
        cx.show_message(format!("{name} has judged {} of {} sources{price}", stored.len(), claims.len()));
    }
    let checks = stored.into_iter().map(|check| ConversationChange::SourceCheck(Box::new(check)));
    let paid = cost.map(|cost| add_cost(cx, conversation, message, cost));
    let changes: Vec<ConversationChange> = checks.chain(paid).collect();
    if !changes.is_empty() {
        cx.effects.push(cx.chats.saves.save(changes, None));
        cx.chats.daily_cost.mark_stale();
    }
}

/// Counts what was paid for an answer, and returns the record of it.
fn add_cost(cx: &mut Cx<'_>, conversation: ConversationId, message: MessageId, cost: Usd) -> ConversationChange {
    if let Some(chat) = cx.chats.conversations.get_mut(&conversation) {
        chat.add_side_cost(message, &cost);
    }
    ConversationChange::SideCost { message, at: cx.now, cost }
}

/// Adds judgements to the checks of their sources, and returns the records of both.
fn add_judgements(
    transcript: &mut Transcript,
    message: MessageId,
    model: &str,
    claims: &[UnprovedClaims],
    judgements: &[ClaimJudgement],
) -> Vec<StoredCheck> {
    let stored = judgements.iter().filter_map(|judgement| add_judgement(transcript, message, model, claims, judgement));
    stored.collect()
}

/// Adds a judgement to the check of its source, and returns the record of both.
fn add_judgement(
    transcript: &mut Transcript,
    message: MessageId,
    model: &str,
    claims: &[UnprovedClaims],
    judgement: &ClaimJudgement,
) -> Option<StoredCheck> {
    let address = claims.iter().find(|claim| claim.source == judgement.source)?.address.clone();
    let PageCheck::Done { at, result } = transcript.checks().get(message, &address)?.clone() else { return None };
    let said = ModelJudgement { model: model.to_owned(), verdict: judgement.verdict, reason: judgement.reason.clone() };
    let result = CheckResult { judgement: Some(said), ..result };
    let stored = stored_check(message, address.clone(), at, &result);
    transcript.set_check(message, address, Some(PageCheck::Done { at, result }));
    Some(stored)
}
