//! What the rows of a tree show. Only those in the window are laid out, each from the beginning of its text.

use jiff::tz::TimeZone;

use super::{
    tree_index::{self, NodeKind, TreeIndex},
    tree_rows::{self, TreeFilter, TreeRow, TreeRowKind},
};
use crate::{
    chat::{Answer, AnswerEnd, Conversation, ItemKind, Message, MessageBody, Timestamp, explain},
    render::{
        markdown::MarkdownText,
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
    ui::reading::{facts, limited_text, tool_text},
};

/// One row, as it is drawn.
#[derive(Debug, Clone, Default)]
pub(super) struct TreeLine {
    /// The lines of the forks to its left.
    pub guides: String,
    /// Marks before the name, each with its colour.
    pub marks: Vec<(&'static str, ColourRole)>,
    pub name: String,
    pub words: String,
    pub versions: String,
    pub time: String,
    pub cost: String,
    pub is_prompt: bool,
    /// It is on the branch that is shown.
    pub is_active: bool,
    pub is_selected: bool,
}

/// What lines are made from.
pub(super) struct LineSource<'a> {
    pub conversation: &'a Conversation,
    pub index: &'a TreeIndex,
    pub rows: &'a [TreeRow],
    pub filter: TreeFilter,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub marks: &'a ThemeMarks,
    /// The cells of a row.
    pub width: usize,
}

/// How much of a text is read for its first words, and for the detail.
const FIRST_BYTES: usize = 400;
const DETAIL_BYTES: usize = 2_000;

impl LineSource<'_> {
    pub(super) fn line(&self, index: usize, is_selected: bool) -> TreeLine {
        let row = &self.rows[index];
        let node = &self.index.nodes[row.node];
        let guides = tree_rows::guides(self.rows, index, self.width / 6, self.marks);
        let line = TreeLine { guides, is_active: node.is_active, is_selected, ..TreeLine::default() };
        let Some(message) = self.conversation.messages.get(&node.id) else { return line };
        match row.kind {
            TreeRowKind::Message => self.message_line(message, line),
            TreeRowKind::Calls => TreeLine { words: self.calls(message), ..line },
            TreeRowKind::Fold(count) => self.fold_line(row.node, count, line),
        }
    }

    fn message_line(&self, message: &Message, line: TreeLine) -> TreeLine {
        let (nth, of) = self.conversation.siblings(message.id);
        let has_versions = of > 1 && self.filter != TreeFilter::Pruned;
        let versions = format!("{}{nth}/{of}{}", self.marks.sibling_left, self.marks.sibling_right);
        TreeLine {
            marks: self.marks_of(message),
            name: Self::name(message),
            words: self.words(message),
            versions: if has_versions { versions } else { String::new() },
            time: facts::time_of_day(message.created_at, self.now, self.zone),
            cost: message.as_answer().map_or_else(String::new, |answer| self.cost(answer)),
            is_prompt: message.as_answer().is_none(),
            ..line
        }
    }

    fn fold_line(&self, node: usize, count: usize, line: TreeLine) -> TreeLine {
        let newest = self.conversation.messages.get(&self.index.nodes[node].newest);
        TreeLine {
            name: format!("{} {}", self.marks.folded, count_messages(count)),
            time: newest
                .map_or_else(String::new, |message| facts::time_of_day(message.created_at, self.now, self.zone)),
            cost: self.index.cost_below(node).to_column(),
            is_active: line.is_active && self.index.nodes[node + 1].is_active,
            ..line
        }
    }

    fn marks_of(&self, message: &Message) -> Vec<(&'static str, ColourRole)> {
        let mut all = Vec::new();
        let turn = self.conversation.turn_of(message.id);
        let milliseconds = u64::try_from(self.now.as_millisecond()).unwrap_or_default();
        match message.as_answer().map(|answer| &answer.end) {
            _ if turn.is_some_and(|turn| facts::is_asking(self.conversation, turn)) => {
                all.push((self.marks.asking, ColourRole::Warning));
            }
            _ if turn.is_some() => all.push((self.marks.spinner_at(milliseconds), ColourRole::Accent)),
            Some(AnswerEnd::Failed(_)) => all.push((self.marks.failed, ColourRole::Error)),
            Some(AnswerEnd::Interrupted) => all.push((self.marks.failed, ColourRole::Warning)),
            Some(AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Incomplete { .. } | AnswerEnd::Stopped) | None => {}
        }
        all.extend(self.conversation.is_bookmarked(message.id).then_some((self.marks.bookmark, ColourRole::Accent)));
        all
    }

    fn name(message: &Message) -> String {
        let Some(answer) = message.as_answer() else { return "you".into() };
        let served = answer.answered_by.as_deref().map(facts::short_model_name).filter(|name| !name.is_empty());
        served.unwrap_or_else(|| facts::short_model_name(&answer.model))
    }

    /// The phase of a running answer, then the first words.
    fn words(&self, message: &Message) -> String {
        let words = first_words(message, FIRST_BYTES);
        let phase = self.conversation.turn_of(message.id).map(|turn| facts::phase_label(self.conversation, turn));
        match (phase, message.as_answer()) {
            (Some(phase), _) if words.is_empty() => phase.to_owned(),
            (Some(phase), _) => format!("{phase} {} {words}", self.marks.dot),
            (None, Some(answer)) if words.is_empty() => outcome_words(answer),
            (None, _) => words,
        }
    }

    fn cost(&self, answer: &Answer) -> String {
        let (known, is_all) = answer.cost();
        match answer.is_over() {
            _ if answer.is_copy() => String::new(),
            true if is_all || !known.is_zero() => known.to_column(),
            true => self.marks.range_dash.to_owned(),
            false => String::new(),
        }
    }

    /// The tools that an answer called, each once.
    fn calls(&self, message: &Message) -> String {
        let Some(answer) = message.as_answer() else { return String::new() };
        let mut names: Vec<(String, usize)> = Vec::new();
        for (slot, item) in &answer.items {
            let name = match &*item.kind {
                ItemKind::Call(call) => tool_text::tool_name(call, answer.call_runs.get(slot)),
                ItemKind::Search(_) => "search".to_owned(),
                ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Other { .. } => continue,
            };
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => names.push((name, 1)),
            }
        }
        let words = names.into_iter().map(|(name, count)| if count > 1 { format!("{name} ({count})") } else { name });
        format!("{} {}", self.marks.tools, words.collect::<Vec<_>>().join(", "))
    }

    /// The message of a row in more detail: its facts, and the beginning of its text in at most so many rows.
    pub(super) fn detail(&self, row: &TreeRow, height: usize) -> Vec<StyledRow> {
        let node = &self.index.nodes[row.node];
        let Some(message) = self.conversation.messages.get(&node.id) else { return Vec::new() };
        let role = if node.kind == NodeKind::Prompt { ColourRole::You } else { ColourRole::Text };
        let facts = self.facts(row.node, message).join(&format!(" {} ", self.marks.dot));
        let head = vec![
            StyledSpan::new(Self::name(message), TextStyle::of(role).bold()),
            StyledSpan::new(format!("  {facts}"), TextStyle::of(ColourRole::Muted)),
        ];
        let head = StyledRow::new(RowKind::Text, head).truncated(self.width);
        let mut words = first_words(message, DETAIL_BYTES);
        if words.is_empty() {
            words = message.as_answer().map_or_else(String::new, outcome_words);
        }
        let words = [StyledSpan::new(words, TextStyle::of(ColourRole::Text))];
        let rows = limited_text::wrap_limited(&words, self.width.max(1), height.saturating_sub(1), self.marks);
        std::iter::once(head).chain(rows.into_iter().map(|spans| StyledRow::new(RowKind::Text, spans))).collect()
    }

    /// When it was, what hangs below it and what that cost, and what the branch cost up to it.
    fn facts(&self, node: usize, message: &Message) -> Vec<String> {
        let mut facts = vec![facts::time_of_day(message.created_at, self.now, self.zone)];
        let below = self.index.nodes[node].below;
        let answers = self.conversation.children_of(Some(message.id)).len();
        if self.index.nodes[node].kind == NodeKind::Prompt && answers > 0 {
            facts.push(format!("{answers} answer{}", if answers == 1 { "" } else { "s" }));
        }
        if below > 0 {
            facts.push(format!("{} below", count_messages(below)));
        }
        let (from, to) = (self.index.cost_from(node), self.index.cost_to(node));
        if message.as_answer().is_some_and(Answer::is_copy) {
            facts.push("copied; it was paid for where it was asked".into());
        } else if below > 0 && !from.is_zero() {
            facts.push(format!("{} from here", from.to_column()));
        }
        if !to.is_zero() {
            facts.push(format!("{} up to here", to.to_column()));
        }
        facts
    }
}

pub(super) fn count_messages(count: usize) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// The beginning of a message's text on one line, without Markdown's marks.
fn first_words(message: &Message, most: usize) -> String {
    let beginning = |text: &str| text[..text.floor_char_boundary(most)].trim().to_owned();
    match &message.body {
        MessageBody::Prompt(prompt) => text::one_line(&beginning(&prompt.text)),
        MessageBody::Answer(answer) => {
            let mut parts = answer.items.values().filter_map(|item| item.parts()).flatten();
            let first = parts.find(|part| !part.text().trim().is_empty());
            first.map_or_else(String::new, |part| text::one_line(&MarkdownText::parse(&beginning(part.text())).text))
        }
    }
}

/// What became of an answer without a text.
fn outcome_words(answer: &Answer) -> String {
    match &answer.end {
        AnswerEnd::Failed(error) if !error.message.trim().is_empty() => text::one_line(&error.message),
        AnswerEnd::Failed(_) => explain(answer, None).map_or_else(|| "failed".into(), |card| card.headline),
        AnswerEnd::Interrupted => "interrupted".into(),
        AnswerEnd::Stopped => "stopped".into(),
        AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Incomplete { .. } if tree_index::has_calls(answer) => {
            "only called tools".into()
        }
        AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Incomplete { .. } => "no text".into(),
    }
}
