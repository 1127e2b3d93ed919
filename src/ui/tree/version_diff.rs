//! Two versions of a message, word by word.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
    widgets::Widget,
};

use crate::{
    chat::{Conversation, Message, MessageBody, MessageId},
    render::{
        row::StyledRow,
        theme::{ColourRole, Theme},
        word_diff::{WordDiffJob, WordDiffRows},
    },
    text,
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame, text_column},
            list_browser,
        },
        reading::facts,
    },
};

/// An overlay that compares two versions.
#[derive(Debug, Clone)]
pub struct VersionDiff {
    /// All versions of the message, the oldest first.
    versions: Vec<MessageId>,
    /// The positions of the two that are compared.
    before: usize,
    after: usize,
    titles: [String; 2],
    /// The width that the last comparison was begun for.
    width: Option<usize>,
    /// The number of that comparison.
    ticket: u64,
    found: Option<WordDiffRows>,
    /// The change that was gone to last.
    change: Option<usize>,
    top: usize,
    size: Size,
}

/// A comparison to carry out on another thread.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    pub ticket: u64,
    pub job: WordDiffJob,
}

/// The areas of the overlay's parts.
struct DiffAreas {
    frame: Rect,
    head: Rect,
    rows: Rect,
}

const WIDTH: u16 = 100;

/// The rows around the text: the frame, the two versions, a blank row above and below.
const OTHER_ROWS: u16 = 2 + 2 + 2;
/// The fewest rows of the text.
const MIN_ROWS: usize = 8;

/// Divides the screen, for this many rows if there is room.
fn areas(screen: Rect, rows: usize) -> DiffAreas {
    let max_height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let wanted = u16::try_from(rows.max(MIN_ROWS)).unwrap_or(u16::MAX).saturating_add(OTHER_ROWS);
    let frame = frame::overlay_area(screen, WIDTH, wanted.min(max_height));
    let inner = frame::inside_frame(frame);
    let head = Rect { height: inner.height.min(2), ..inner };
    let above = (if inner.height > 8 { 3 } else { 2 }).min(inner.height);
    let rows = Rect { y: inner.y + above, height: inner.height - above - u16::from(inner.height > 8), ..inner };
    DiffAreas { frame, head, rows }
}

impl VersionDiff {
    /// Compares a message with the version before it, else with the one after it, but rather with one that has a text; a
    /// prompt without versions compares its newest answers. Returns `None` if there is nothing to compare.
    pub fn new(conversation: &Conversation, message: MessageId) -> Option<Self> {
        let parent = conversation.messages.get(&message)?.parent;
        let siblings = conversation.children_of(parent);
        let answers = conversation.children_of(Some(message));
        let (versions, position) = match siblings.iter().position(|id| *id == message).filter(|_| siblings.len() > 1) {
            Some(position) => (siblings, position),
            None => (answers, answers.len().checked_sub(1)?),
        };
        let others = || (0..position).rev().chain(position + 1..versions.len());
        let has_text = |other: &usize| {
            conversation.messages.get(&versions[*other]).is_some_and(|message| !message_text(message).trim().is_empty())
        };
        let other = others().find(has_text).or_else(|| others().next())?;
        Some(Self {
            versions: versions.to_vec(),
            before: position.min(other),
            after: position.max(other),
            titles: Default::default(),
            width: None,
            ticket: 0,
            found: None,
            change: None,
            top: 0,
            size: Size::default(),
        })
    }

    /// Begins a comparison if the width or the versions have changed; called before each frame.
    pub fn lay_out(&mut self, conversation: &Conversation, size: Size) -> Option<DiffRequest> {
        self.size = size;
        self.scroll(0);
        let width = text_column(self.areas().rows).width.into();
        if self.width.replace(width) == Some(width) {
            return None;
        }
        let text = |position: usize| conversation.messages.get(self.versions.get(position)?);
        let (before, after) = (text(self.before)?, text(self.after)?);
        self.titles = [self.title(before, self.before), self.title(after, self.after)];
        self.ticket += 1;
        let job = WordDiffJob { before: message_text(before), after: message_text(after), width };
        Some(DiffRequest { ticket: self.ticket, job })
    }

    /// Takes what a comparison found, unless a newer one was begun.
    pub fn on_compared(&mut self, ticket: u64, found: WordDiffRows) {
        if ticket == self.ticket {
            self.found = Some(found);
            self.change = None;
        }
    }

    /// Whether the next key waits for a layout.
    pub fn is_unsettled(&self) -> bool {
        self.width.is_none()
    }

    fn title(&self, message: &Message, position: usize) -> String {
        let name = match &message.body {
            MessageBody::Prompt(_) => "you".to_owned(),
            MessageBody::Answer(answer) => {
                facts::short_model_name(answer.answered_by.as_deref().unwrap_or(&answer.model))
            }
        };
        format!("{}/{}  {name}", position + 1, self.versions.len())
    }

    fn areas(&self) -> DiffAreas {
        areas(Rect::from((Position::ORIGIN, self.size)), self.rows().len())
    }

    fn height(&self) -> usize {
        self.areas().rows.height.max(1).into()
    }

    fn rows(&self) -> &[StyledRow] {
        self.found.as_ref().map_or(&[], |found| &found.rows)
    }

    fn changes(&self) -> &[usize] {
        self.found.as_ref().map_or(&[], |found| &found.changes)
    }

    fn scroll(&mut self, by: isize) {
        let last = self.rows().len().saturating_sub(self.height());
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    pub fn on_wheel(&mut self, rows: isize) {
        self.scroll(rows);
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action) {
        match action {
            Action::NextChange => self.go_to_change(true),
            Action::PreviousChange => self.go_to_change(false),
            Action::PreviousVersion => self.compare_other(false),
            Action::NextVersion => self.compare_other(true),
            _ => self.scroll(list_browser::row_step(action, self.height()).unwrap_or(0)),
        }
    }

    /// Goes to the next or previous change, and around the ends.
    fn go_to_change(&mut self, is_down: bool) {
        let count = self.changes().len();
        if count == 0 {
            return;
        }
        let next = match (self.change, is_down) {
            (Some(change), true) => (change + 1) % count,
            (Some(change), false) => (change + count - 1) % count,
            (None, true) => 0,
            (None, false) => count - 1,
        };
        self.change = Some(next);
        let row = self.changes()[next];
        if row < self.top || row >= self.top + self.height() {
            self.top = row.saturating_sub(self.height() / 3);
            self.scroll(0);
        }
    }

    /// Compares the later version with another earlier one; at the first, goes on to the next later one.
    fn compare_other(&mut self, is_newer: bool) {
        let pairs = (1..self.versions.len()).flat_map(|after| (0..after).map(move |before| (before, after)));
        let pairs: Vec<(usize, usize)> = pairs.collect();
        let here = pairs.iter().position(|pair| *pair == (self.before, self.after)).unwrap_or(0);
        let step = if is_newer { 1 } else { pairs.len() - 1 };
        (self.before, self.after) = pairs[(here + step) % pairs.len()];
        (self.width, self.found, self.change, self.top) = (None, None, None, 0);
    }
}

fn message_text(message: &Message) -> String {
    match &message.body {
        MessageBody::Prompt(prompt) => prompt.text.clone(),
        MessageBody::Answer(answer) => answer.text(),
    }
}

/// Draws the comparison over everything else; it is given the area of the whole screen.
pub struct VersionDiffView<'a> {
    pub diff: &'a VersionDiff,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl VersionDiffView<'_> {
    fn key_hints(&self) -> Vec<KeyHint<'static>> {
        let mut labels: Vec<(&[Action], &str)> = vec![(&[Action::NextChange, Action::PreviousChange], "change")];
        if self.diff.versions.len() > 2 {
            labels.push((&[Action::PreviousVersion, Action::NextVersion], "versions"));
        }
        labels.push((&[Action::Back], "back"));
        self.keymap.hints(KeyContext::VersionDiff, &labels)
    }

    fn count_text(&self) -> String {
        let count = self.diff.changes().len();
        let noun = if count == 1 { "change" } else { "changes" };
        match (&self.diff.found, self.diff.change) {
            (None, _) => String::new(),
            (Some(_), _) if count == 0 => "no difference".into(),
            (Some(_), Some(change)) => format!("{} of {count} {noun}", change + 1),
            (Some(_), None) => format!("{count} {noun}"),
        }
    }

    fn draw_head(&self, area: Rect, buf: &mut Buffer) {
        let rows = text_column(area).rows().zip(&self.diff.titles);
        for ((row, title), (mark, role)) in rows.zip([("-", ColourRole::Error), ("+", ColourRole::Ok)]) {
            let sign = Rect { x: row.x.saturating_sub(2), width: 1, ..row };
            key_hints::styled_line(mark, self.theme.style(role)).render(sign, buf);
            let title = text::truncate(title, row.width.into());
            key_hints::styled_line(title, self.theme.style(ColourRole::Muted)).render(row, buf);
        }
    }
}

impl Widget for VersionDiffView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let parts = areas(area, self.diff.rows().len());
        let keys = self.key_hints();
        let below = self.diff.rows().len().saturating_sub(self.diff.top + usize::from(parts.rows.height));
        let more = frame::more_notice(below, self.theme);
        let overlay =
            OverlayFrame { title: "Compare versions", keys: &keys, notice: more.as_deref(), theme: self.theme };
        if overlay.draw(parts.frame, buf).is_empty() {
            return;
        }
        overlay.draw_count(&self.count_text(), parts.frame, buf);
        self.draw_head(parts.head, buf);
        let column = text_column(parts.rows);
        let current = self.diff.change.and_then(|change| self.diff.changes().get(change).copied());
        let shown = self.diff.rows().iter().enumerate().skip(self.diff.top);
        for (area, (index, row)) in column.rows().zip(shown) {
            if current == Some(index) {
                let line = Rect { x: parts.rows.x, width: parts.rows.width, ..area };
                list_browser::draw_cursor_row(line, self.theme, buf);
            }
            if let Some(gutter) = row.gutter {
                let sign = Rect { x: area.x.saturating_sub(2), width: 1, ..area };
                key_hints::styled_line(gutter.mark, self.theme.style(gutter.role)).render(sign, buf);
            }
            row.draw(area, self.theme, buf);
        }
        if self.diff.found.is_none() {
            let words = format!("{} comparing", self.theme.marks.waiting);
            key_hints::styled_line(words, self.theme.style(ColourRole::Muted)).render(column, buf);
        }
    }
}
