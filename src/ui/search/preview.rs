//! The message under the cursor, with what stands around it.

use std::ops::Range;

use jiff::Zoned;
use ratatui::layout::Size;

use crate::{
    chat::{Conversation, ConversationId, Message, MessageBody, MessageId},
    render::{markdown::MarkdownText, theme::ColourRole},
    search::DocumentField,
    store::FoundPlace,
    text::{self, SearchTerm, wrap::WrapOptions},
    ui::reading::facts,
};

/// What is shown of the message under the cursor.
#[derive(Debug, Clone, Default)]
pub(super) struct PreviewText {
    /// The conversation that was asked for last.
    requested: Option<ConversationId>,
    conversation: Option<Box<Conversation>>,
    pub head: PreviewHead,
    pub rows: Vec<PreviewRow>,
    laid_out: Option<LayoutKey>,
}

/// Where the message stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PreviewHead {
    pub title: String,
    pub speaker: String,
    pub time: String,
    /// Its number on its branch, and how many there are.
    pub position: Option<(usize, usize)>,
    /// Its number among its versions, and how many there are.
    pub version: (usize, usize),
    pub is_on_other_branch: bool,
}

/// A row of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreviewRow {
    pub text: String,
    pub lit: Vec<Range<usize>>,
    pub role: ColourRole,
    pub is_bold: bool,
}

/// What the rows depend on.
#[derive(Debug, Clone, PartialEq)]
struct LayoutKey {
    conversation: ConversationId,
    message: Option<MessageId>,
    field: DocumentField,
    terms: Vec<SearchTerm>,
    size: Size,
}

/// The most bytes of a message that are looked through, and that are wrapped.
const SEARCHED_BYTES: usize = 64 * 1024;
const SHOWN_BYTES: usize = 8 * 1024;

impl PreviewText {
    /// Returns the conversation to load, if it is another one than before.
    pub(super) fn request(&mut self, wanted: ConversationId) -> Option<ConversationId> {
        (self.requested.replace(wanted) != Some(wanted)).then_some(wanted)
    }

    pub(super) fn set_conversation(&mut self, conversation: Conversation) {
        if self.requested == Some(conversation.id) {
            self.conversation = Some(Box::new(conversation));
            self.laid_out = None;
        }
    }

    /// Lays out the text around a place for an area of this size. Until its conversation is there, nothing is shown.
    pub(super) fn lay_out(&mut self, place: Option<&FoundPlace>, terms: &[SearchTerm], size: Size, now: &Zoned) {
        let place =
            place.filter(|place| self.conversation.as_ref().is_some_and(|shown| shown.id == place.conversation));
        let Some(place) = place.filter(|_| size.width > 0 && size.height > 0) else {
            (self.rows, self.head, self.laid_out) = (Vec::new(), PreviewHead::default(), None);
            return;
        };
        let key = LayoutKey {
            conversation: place.conversation,
            message: place.message,
            field: place.field,
            terms: terms.to_vec(),
            size,
        };
        if self.laid_out.as_ref() == Some(&key) {
            return;
        }
        self.laid_out = Some(key);
        let Some(conversation) = self.conversation.as_deref() else { return };
        let shown = PlaceInConversation::find(conversation, place);
        self.head = shown.head(place, now);
        let height = usize::from(size.height);
        self.rows = if height > SHORT_ROWS {
            shown.all_rows(place, terms, size, now)
        } else {
            let mut rows = shown.rows_of_place(place, terms, size.width.into());
            rows.truncate(height);
            rows
        };
    }
}

/// A preview with more rows shows the messages around it too.
const SHORT_ROWS: usize = 4;

/// A conversation on the branch of a place.
struct PlaceInConversation {
    conversation: Conversation,
    /// The index of its message on the branch.
    index: Option<usize>,
    is_on_other_branch: bool,
}

impl PlaceInConversation {
    fn find(conversation: &Conversation, place: &FoundPlace) -> Self {
        let mut conversation = conversation.clone();
        let is_on_other_branch = place.message.is_some_and(|id| !conversation.branch.contains(&id));
        if let Some(id) = place.message {
            conversation.go_to(id);
        }
        let index = place.message.and_then(|id| conversation.branch.iter().position(|other| *other == id));
        Self { conversation, index, is_on_other_branch }
    }

    fn message(&self, index: usize) -> Option<&Message> {
        self.conversation.messages.get(self.conversation.branch.get(index)?)
    }

    fn head(&self, place: &FoundPlace, now: &Zoned) -> PreviewHead {
        let message = self.index.and_then(|index| self.message(index));
        PreviewHead {
            title: text::one_line(&self.conversation.title),
            speaker: message.map_or_else(String::new, speaker),
            time: facts::time_of_day(place.at, now.timestamp(), now.time_zone()),
            position: self.index.map(|index| (index + 1, self.conversation.branch.len())),
            version: place.message.map_or((1, 1), |id| self.conversation.siblings(id)),
            is_on_other_branch: self.is_on_other_branch,
        }
    }

    /// The text of the place itself from the first match on.
    fn rows_of_place(&self, place: &FoundPlace, terms: &[SearchTerm], width: usize) -> Vec<PreviewRow> {
        let message = self.index.and_then(|index| self.message(index));
        let text = match (place.field, message) {
            (DocumentField::Prompt | DocumentField::Answer, Some(message)) => message_text(message),
            _ => place.snippet.text.clone(),
        };
        text_rows(&around_first_match(&text, terms, width), terms, width)
    }

    /// The message with the one before it and those after it, as far as there is room.
    fn all_rows(&self, place: &FoundPlace, terms: &[SearchTerm], size: Size, now: &Zoned) -> Vec<PreviewRow> {
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let first = self.index.unwrap_or(0);
        let begins = first.saturating_sub(1);
        let mut rows = Vec::new();
        for index in begins..self.conversation.branch.len() {
            let Some(message) = self.message(index).filter(|_| rows.len() < height) else { break };
            if index > begins {
                rows.push(PreviewRow::plain(""));
            }
            rows.push(PreviewRow::of_speaker(message, now));
            if matches!(message.body, MessageBody::Answer(_)) {
                rows.push(PreviewRow::plain(""));
            }
            if index == first
                && !matches!(place.field, DocumentField::Prompt | DocumentField::Answer | DocumentField::Title)
            {
                let label = format!("{}  {}", place.field.label(), place.snippet.text);
                rows.extend(text_rows(&label, terms, width));
                rows.push(PreviewRow::plain(""));
            }
            let text = message_text(message);
            // Of a neighbour the beginning is enough.
            let mut text_rows = if index == first {
                text_rows(&from_match_in_sight(&text, terms, width, height * 2 / 3), terms, width)
            } else {
                text_rows(&text, terms, width)
            };
            if index < first {
                text_rows.truncate(height / 4);
            }
            rows.append(&mut text_rows);
        }
        rows.truncate(height);
        rows
    }
}

impl PreviewRow {
    fn of_speaker(message: &Message, now: &Zoned) -> Self {
        let is_prompt = matches!(message.body, MessageBody::Prompt(_));
        let time = facts::time_of_day(message.created_at, now.timestamp(), now.time_zone());
        let text = if is_prompt { speaker(message) } else { format!("{}  {time}", speaker(message)) };
        let role = if is_prompt { ColourRole::You } else { ColourRole::Text };
        Self { text, lit: Vec::new(), role, is_bold: true }
    }

    fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), lit: Vec::new(), role: ColourRole::Text, is_bold: false }
    }
}

fn speaker(message: &Message) -> String {
    match message.as_answer() {
        Some(answer) => facts::short_model_name(answer.answered_by.as_deref().unwrap_or(&answer.model)),
        None => "you".into(),
    }
}

/// The visible text of a message, as far as it is looked through.
fn message_text(message: &Message) -> String {
    let source = match &message.body {
        MessageBody::Prompt(prompt) => prompt.text.clone(),
        MessageBody::Answer(answer) => answer.text(),
    };
    let source = &source[..source.floor_char_boundary(SEARCHED_BYTES)];
    MarkdownText::parse(source).text
}

/// The part of a text from the sentence or line of its first match on, which begins near the start of a row.
fn around_first_match(text: &str, terms: &[SearchTerm], width: usize) -> String {
    let first = text::places_of_terms(terms, text).first().map_or(0, |place| place.start);
    if first < width {
        return shown_part(text, 0);
    }
    let earliest = text.floor_char_boundary(first.saturating_sub(width));
    let before = &text[earliest..first];
    let line = before.rfind('\n').map(|at| earliest + at + 1);
    let start = line.unwrap_or_else(|| before.find(' ').map_or(earliest, |at| earliest + at + 1));
    shown_part(text, start)
}

/// The text, or if its first match is too far down for an area, the part from some lines before it on.
fn from_match_in_sight(text: &str, terms: &[SearchTerm], width: usize, height: usize) -> String {
    let first = text::places_of_terms(terms, text).first().map_or(0, |place| place.start);
    let before = text[..first].lines().map(|line| text::width(line) / width.max(1) + 1).sum::<usize>();
    if before <= height {
        return shown_part(text, 0);
    }
    let start = text[..first].rmatch_indices('\n').nth(height / 4).map_or(first, |(at, _)| at + 1);
    shown_part(text, start)
}

fn shown_part(text: &str, start: usize) -> String {
    let end = text.floor_char_boundary(start + SHOWN_BYTES);
    let lead = if start > 0 { "… " } else { "" };
    format!("{lead}{}", text[start..end].trim_end())
}

fn text_rows(text: &str, terms: &[SearchTerm], width: usize) -> Vec<PreviewRow> {
    let clean = text::clean(text);
    let options = WrapOptions { first_width: width, rest_width: width, glued: &[] };
    let mut rows: Vec<PreviewRow> = Vec::new();
    for line in clean.lines() {
        let lit = text::places_of_terms(terms, line);
        rows.extend(text::wrap::wrap(line, options).into_iter().map(|piece| PreviewRow {
            lit: clip(&lit, &(piece.start..piece.end)),
            ..PreviewRow::plain(&line[piece.start..piece.end])
        }));
    }
    // Two blank rows in a row tell no more than one.
    rows.dedup_by(|row, before| row.text.is_empty() && before.text.is_empty());
    rows
}

/// The parts of ranges inside another, counted from its beginning.
fn clip(ranges: &[Range<usize>], within: &Range<usize>) -> Vec<Range<usize>> {
    let inside = ranges.iter().map(|range| range.start.max(within.start)..range.end.min(within.end));
    inside.filter(|range| !range.is_empty()).map(|range| range.start - within.start..range.end - within.start).collect()
}
