//! Titles from a cheap model, on request.

use super::{
    list_actions::UNTITLED,
    list_changes::{rename_conversation, target},
    model_settings::{request_context, short_name},
};
use crate::{
    chat::{Answer, Conversation, ConversationChange, ConversationId, MessageBody, MessageId},
    text,
    ui::{Effect, cx::Cx, on_store::save_changes, screen::Screen},
};

const INSTRUCTIONS: &str = "Give this conversation a title of two to six words, in its own language, as for a table of \
contents. Reply with the title only: no quotes, no full stop, no formatting.";

/// How much of a prompt and of an answer the model is sent, in characters.
const MAX_TEXT: usize = 1500;
/// The widest title, in cells.
const MAX_TITLE_WIDTH: usize = 60;

/// Asks the model of the config for a title of the conversation on the screen, or under the list's cursor.
pub(crate) fn suggest_title(screen: &Screen, cx: &mut Cx<'_>) {
    let Some(model) = cx.env.config.title_model.clone() else {
        return cx.warn("name a cheap model as title_model in the config; it is sent the first messages");
    };
    let Some(id) = target(screen, cx.chats) else { return cx.show_message(UNTITLED) };
    let Some(conversation) = cx.chats.conversations.get(&id) else {
        return cx.show_message("open the conversation first: the model is sent its first messages");
    };
    let Some(message) = conversation.branch.last().copied() else { return cx.show_message(UNTITLED) };
    let context = request_context(cx.env, &conversation.settings);
    let mut request = context.side_request(&model, INSTRUCTIONS, &beginning(conversation), None);
    request.max_output_tokens = Some(200); // Enough for a model that thinks first.
    let endpoint = conversation.settings.endpoint.clone();
    cx.effects.push(Effect::SuggestTitle { conversation: id, message, endpoint, request: Box::new(request) });
    cx.show_message(format!("{} is asked for a title", short_name(&model)));
}

/// Returns the beginning of the open branch, as far as a title needs it.
fn beginning(conversation: &Conversation) -> String {
    let messages = conversation.branch.iter().filter_map(|id| conversation.messages.get(id)).take(2);
    let texts = messages.map(|message| {
        let (name, text) = match &message.body {
            MessageBody::Prompt(prompt) => ("User", prompt.text.clone()),
            MessageBody::Answer(answer) => ("Assistant", answer.text()),
        };
        format!("{name}: {}", text.chars().take(MAX_TEXT).collect::<String>())
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// Takes the title that a model has given, and says what it has cost.
pub(crate) fn on_title(
    screen: &Screen,
    cx: &mut Cx<'_>,
    conversation: ConversationId,
    message: MessageId,
    model: &str,
    result: Result<Box<Answer>, String>,
) {
    let name = short_name(model).to_owned();
    let reply = match result {
        Ok(reply) => reply,
        Err(why) => return cx.warn(format!("{name} gave no title: {why}")),
    };
    let cost = reply.usage.as_ref().and_then(|usage| usage.cost.clone());
    if let Some(cost) = cost.clone() {
        save_changes(cx, vec![ConversationChange::SideCost { message, at: cx.now, cost }]);
        cx.chats.daily_cost.mark_stale();
    }
    let title = title_from_reply(&reply.text());
    if title.is_empty() {
        return cx.warn(format!("{name} gave no title"));
    }
    rename_conversation(screen, cx, conversation, &title);
    if let Some(cost) = cost {
        cx.toasts.append_to("renamed", &format!(" {} {cost}", cx.env.theme.marks.dot));
    }
}

/// Returns the first line of a reply, without what models like to put around a title.
fn title_from_reply(reply: &str) -> String {
    let line =
        reply.lines().map(text::one_line).find(|line| line.chars().any(char::is_alphanumeric)).unwrap_or_default();
    let line = line.strip_prefix("Title:").unwrap_or(&line);
    let is_around = |sign: char| sign.is_whitespace() || "#*\"'`“”„«»".contains(sign);
    let title = line.trim_matches(is_around).trim_end_matches('.');
    text::truncate(title, MAX_TITLE_WIDTH).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_taken_without_what_stands_around_it() {
        for (reply, expected) in [
            ("Rust lifetimes", "Rust lifetimes"),
            ("\n\n**\"Rust lifetimes\"**\nIt is about...", "Rust lifetimes"),
            ("Title: Borrowing and owning.", "Borrowing and owning"),
            ("# 日本語の敬語", "日本語の敬語"),
            ("C++ vs. Rust", "C++ vs. Rust"),
            ("---\n", ""),
            ("red\u{1b}[31m", "red"),
        ] {
            assert_eq!(title_from_reply(reply), expected, "{reply:?}");
        }
        assert!(text::width(&title_from_reply(&"word ".repeat(50))) <= 60);
    }
}
