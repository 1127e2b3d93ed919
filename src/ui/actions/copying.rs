//! Copying the selection, or what is under the cursor.

use crate::ui::{
    Effect,
    actions::{call_results, citation_actions},
    dispatch::cursor,
    overlays,
};
use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use crate::{
    chat::{Answer, ItemKind, ItemSlot, MessageBody, MessageId},
    citations::leftovers,
    config::{Config, CopyForm, CopyOnSelect, LineBreaks},
    render::markdown::copied_text,
    ui::transcript::{CursorTarget, SelectionCopy, TranscriptCursor, folded_text},
};

/// Copies the selection at the next layout, which ends it; returns `false` if there is none.
pub(crate) fn copy_selection(screen: &mut Screen, chats: &mut Chats, copy: SelectionCopy) -> bool {
    screen.transcript_mut(chats).is_some_and(|transcript| transcript.copy_selection(copy))
}

/// Copies the selection in a form, else the answer.
pub(crate) fn copy_as(screen: &mut Screen, cx: &mut Cx<'_>, form: CopyForm) {
    if !copy_selection(screen, cx.chats, selection_copy(form)) {
        copy_answer_as(screen, cx, form);
    }
}

/// How the config wants selections to be copied.
pub(crate) fn configured_copy(config: &Config) -> SelectionCopy {
    selection_copy(config.copy_as)
}

fn selection_copy(form: CopyForm) -> SelectionCopy {
    match form {
        CopyForm::Auto => SelectionCopy::Text,
        CopyForm::Markdown | CopyForm::Plain | CopyForm::Rich => SelectionCopy::Source(form),
    }
}

/// Sends the text of a selection to the clipboard.
pub(crate) fn on_selection_copied(cx: &mut Cx<'_>, copy: SelectionCopy, text: String) {
    if text.is_empty() {
        if copy != SelectionCopy::OnRelease {
            cx.show_message("the selection has no text to copy");
        }
        return;
    }
    match copy {
        SelectionCopy::Text | SelectionCopy::OnRelease => {
            cx.show_message(copied_message(&text));
            let is_primary = copy == SelectionCopy::OnRelease && cx.env.config.copy_on_select == CopyOnSelect::Primary;
            cx.effects.push(if is_primary { Effect::CopyToPrimary(text) } else { Effect::CopyToClipboard(text) });
        }
        SelectionCopy::Source(form) => {
            cx.show_message(format!("{} {}", copied_message(&text), form_words(form)));
            cx.effects.push(markdown_copy(&text, form, cx.env.config.line_breaks));
        }
    }
}

/// Copies Markdown in a form.
fn markdown_copy(markdown: &str, form: CopyForm, line_breaks: LineBreaks) -> Effect {
    let markdown = leftovers::without_leftovers(markdown);
    match form {
        CopyForm::Auto | CopyForm::Markdown => Effect::CopyToClipboard(markdown.into_owned()),
        CopyForm::Plain => Effect::CopyToClipboard(copied_text::to_plain_text(&markdown, line_breaks)),
        CopyForm::Rich => Effect::CopyRich {
            text: copied_text::to_plain_text(&markdown, line_breaks),
            html: copied_text::to_html(&markdown, line_breaks),
        },
    }
}

/// The form as the messages name it.
fn form_words(form: CopyForm) -> &'static str {
    match form {
        CopyForm::Auto | CopyForm::Markdown => "as Markdown",
        CopyForm::Plain => "as plain text",
        CopyForm::Rich => "with formatting",
    }
}

/// Returns a message that says how much was copied.
pub(crate) fn copied_message(text: &str) -> String {
    match text.lines().count() {
        0 | 1 => format!("copied {}", count_with_noun(text.chars().count(), "character")),
        lines => format!("copied {}", count_with_noun(lines, "line")),
    }
}

fn count_with_noun(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn prompt_text(chats: &Chats, message: MessageId) -> Option<String> {
    match &chats.current_conversation()?.messages.get(&message)?.body {
        MessageBody::Prompt(prompt) => Some(prompt.text.clone()),
        MessageBody::Answer(_) => None,
    }
}

/// Copies the reasoning from this item up to the next text.
fn copy_reasoning(cx: &mut Cx<'_>, message: MessageId, slot: ItemSlot) {
    let answer =
        cx.chats.current_conversation().and_then(|conversation| conversation.messages.get(&message)?.as_answer());
    let items = answer.into_iter().flat_map(|answer| answer.items.range(slot..));
    let texts = items.map_while(|(_, item)| match &*item.kind {
        ItemKind::Message { .. } => None,
        ItemKind::Reasoning(reasoning) => Some(reasoning.texts().collect::<Vec<_>>().join("\n\n")),
        ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => Some(String::new()),
    });
    let text = texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n");
    if text.is_empty() {
        cx.show_message("there is no reasoning to copy");
    } else {
        cx.show_message("copied the reasoning");
        cx.effects.push(Effect::CopyToClipboard(leftovers::without_leftovers(&text).into_owned()));
    }
}

/// Copies the selection, else what is under the cursor.
pub(crate) fn copy_under_cursor(screen: &mut Screen, cx: &mut Cx<'_>) {
    if copy_selection(screen, cx.chats, configured_copy(&cx.env.config)) {
        return;
    }
    if citation_actions::is_source_card_active(screen, cx.chats) {
        citation_actions::copy_footnote(screen, cx);
        return;
    }
    match cursor(screen, cx.chats) {
        Some(TranscriptCursor { message, target: CursorTarget::Code(block) }) => {
            overlays::copy_code_block(cx, message, block);
        }
        Some(TranscriptCursor { message, target: CursorTarget::Reasoning(slot) }) => copy_reasoning(cx, message, slot),
        Some(TranscriptCursor { message, target: CursorTarget::Message }) => match prompt_text(cx.chats, message) {
            Some(text) => {
                cx.show_message("copied the prompt");
                cx.effects.push(Effect::CopyToClipboard(text));
            }
            None => copy_answer(screen, cx),
        },
        Some(TranscriptCursor { target: CursorTarget::Citation(_), .. }) => citation_actions::copy_footnote(screen, cx),
        Some(TranscriptCursor { message, target: CursorTarget::Call(slot) }) => {
            call_results::copy_call(cx, message, slot);
        }
        Some(TranscriptCursor { message, target: CursorTarget::OtherItem(slot) }) => {
            let message = cx.chats.current_conversation().and_then(|conversation| conversation.messages.get(&message));
            if let Some(text) = message.and_then(|message| folded_text(message, slot)) {
                cx.show_message(copied_message(&text));
                cx.effects.push(Effect::CopyToClipboard(text));
            }
        }
        Some(TranscriptCursor { target: CursorTarget::Details(..), .. }) | None => copy_answer(screen, cx),
    }
}

/// Copies the current answer in the form that the config wants.
pub(crate) fn copy_answer(screen: &mut Screen, cx: &mut Cx<'_>) {
    copy_answer_as(screen, cx, cx.env.config.copy_as);
}

fn copy_answer_as(screen: &mut Screen, cx: &mut Cx<'_>, form: CopyForm) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let text = screen
        .current_answer(cx.chats)
        .and_then(|id| conversation.messages.get(&id)?.as_answer().map(Answer::text))
        .filter(|text| !text.is_empty());
    match text {
        Some(text) => {
            cx.effects.push(markdown_copy(&text, form, cx.env.config.line_breaks));
            cx.show_message(format!("copied the answer {}", form_words(form)));
        }
        None => cx.show_message("there is no answer to copy yet"),
    }
}
