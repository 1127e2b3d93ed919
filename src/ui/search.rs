//! Search everything: what is typed, what was found, and the message under the cursor.

mod preview;
mod results;
mod view;

use std::ops::Range;

use crossterm::event::KeyEvent;
use jiff::Zoned;
use ratatui::layout::{Position, Rect};

use crate::{
    chat::{Conversation, ConversationId, MessageId, Timestamp},
    search::{self, FilterValues, ParsedQuery, QueryCompletion, SearchOrder},
    store::{FoundPlace, FoundPortion, SearchRequest, SearchTicket, StoreError},
    text::{SearchTerm, collapse_spaces},
    ui::{
        Action,
        overlay::{field::TextField, list_browser::ListBrowser},
        reading::facts,
    },
};
use preview::PreviewText;
use results::{FoundList, FoundRow};
pub use view::SearchOverlayView;

/// The overlay: typing never leaves its field, and the arrows move through the places that were found.
#[derive(Debug, Clone, Default)]
pub struct SearchOverlay {
    pub query: TextField,
    parsed: ParsedQuery,
    order: SearchOrder,
    /// The text and the order that were searched for last.
    asked: Option<(String, SearchOrder)>,
    /// The search that results are awaited from, and since when.
    running: Option<(SearchTicket, Timestamp)>,
    found: FoundList,
    browser: ListBrowser<FoundRow>,
    /// How long the first results took, in milliseconds.
    millis: u64,
    failure: Option<String>,
    /// Enter was pressed before the results of what is typed were there.
    accepted: bool,
    /// How many messages are not in the index yet.
    unindexed: usize,
    values: FilterValues,
    completing: Option<CyclingCompletion>,
    preview: PreviewText,
}

/// A completion whose choices Tab goes through.
#[derive(Debug, Clone)]
struct CyclingCompletion {
    choices: Vec<String>,
    chosen: usize,
    /// The bytes of the query that the present choice takes.
    range: Range<usize>,
}

impl CyclingCompletion {
    fn next(self) -> Self {
        Self { chosen: (self.chosen + 1) % self.choices.len(), ..self }
    }
}

/// Where Enter leads.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchTarget {
    pub conversation: ConversationId,
    /// `None` for a title.
    pub message: Option<MessageId>,
    /// What is marked there, and how it is shown.
    pub terms: Vec<SearchTerm>,
    pub query: String,
}

/// A page of rows more than is shown is kept ready.
const ROWS_AHEAD: usize = 20;

impl SearchOverlay {
    pub fn new(query: &str) -> Self {
        Self { query: TextField::new(query), ..Self::default() }
    }

    pub fn edit(&mut self, key: KeyEvent) {
        if self.query.edit_query(key) {
            self.completing = None;
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(text);
        self.completing = None;
    }

    pub fn on_action(&mut self, action: Action, screen: Rect) {
        match action {
            Action::Complete => self.complete(),
            Action::SearchOrder => {
                self.order = match self.order {
                    SearchOrder::Best => SearchOrder::Newest,
                    SearchOrder::Newest => SearchOrder::Best,
                };
            }
            _ => {
                self.browser.on_action(action, view::list_height(screen).into());
            }
        }
    }

    pub fn on_wheel(&mut self, rows: isize) {
        self.browser.move_cursor(rows);
    }

    /// Moves the cursor to the row at a position of the screen; `false` if there is none.
    pub fn on_click(&mut self, position: Position, screen: Rect) -> bool {
        self.browser.on_click(position, view::list_area(screen))
    }

    /// Returns the search that what is typed now asks for, unless it was asked for before.
    pub fn next_request(&mut self, now: &Zoned, ticket: SearchTicket) -> Option<SearchRequest> {
        let asked = (self.query.text(), self.order);
        if self.asked.as_ref() == Some(&asked) {
            return None;
        }
        self.parsed = search::parse_query(&asked.0, now);
        self.accepted = false;
        self.asked = Some(asked);
        self.failure = None;
        // What is being written stays without results of its own; those of before stay.
        if !self.parsed.problems.is_empty() {
            self.running = None;
            return None;
        }
        let query = self.parsed.query.clone();
        if query.is_empty() {
            self.running = None;
            self.show(FoundList::default());
            return None;
        }
        self.running = Some((ticket, now.timestamp()));
        Some(SearchRequest { ticket, query, order: self.order, now: now.timestamp() })
    }

    /// Takes what was found, unless another search has been asked for since.
    pub fn on_found(&mut self, portion: FoundPortion, now: Timestamp) {
        let Some((_, since)) = self.running.filter(|(ticket, _)| *ticket == portion.ticket) else { return };
        self.running = None;
        if self.found.ticket == portion.ticket {
            self.found.extend(portion);
            self.browser.set_rows(self.found.rows());
        } else {
            self.millis = facts::millis_between(since, now);
            self.unindexed = portion.unindexed;
            self.show(FoundList::new(portion, &self.parsed.query.terms));
        }
    }

    pub fn on_failed(&mut self, ticket: SearchTicket, error: &StoreError) {
        if self.running.take_if(|(running, _)| *running == ticket).is_some() {
            self.failure = Some(error.to_string());
        }
    }

    pub fn set_values(&mut self, values: FilterValues) {
        self.values = values;
    }

    /// Takes the progress of the index; at its end the search is asked for again.
    pub fn on_indexing(&mut self, waiting: usize) {
        if self.unindexed > 0 && waiting == 0 {
            self.asked = None;
        }
        self.unindexed = waiting;
    }

    /// Returns the search that must go on, because the rows that are left do not fill the list.
    pub fn next_page(&mut self, screen: Rect, now: Timestamp) -> Option<SearchTicket> {
        let wanted = self.browser.cursor() + usize::from(view::list_height(screen)) + ROWS_AHEAD;
        let lacks_rows = !self.found.is_last && self.browser.rows().len() < wanted;
        let is_idle = self.running.is_none() && self.failure.is_none() && self.found.ticket != SearchTicket::default();
        if !lacks_rows || !is_idle || !self.parsed.problems.is_empty() {
            return None;
        }
        self.running = Some((self.found.ticket, now));
        Some(self.found.ticket)
    }

    /// Returns the conversation that must be loaded to show the message under the cursor.
    pub fn next_preview(&mut self) -> Option<ConversationId> {
        let wanted = self.selected()?.conversation;
        self.preview.request(wanted)
    }

    pub fn on_previewed(&mut self, conversation: Conversation) {
        self.preview.set_conversation(conversation);
    }

    /// The place under the cursor.
    pub fn selected(&self) -> Option<&FoundPlace> {
        match self.browser.selected()? {
            FoundRow::Place { group, place } => self.found.groups.get(*group)?.places.get(*place),
            FoundRow::Heading(_) | FoundRow::More(_) | FoundRow::Blank => None,
        }
    }

    /// Whether what is listed is not what is typed yet.
    pub fn is_awaiting_results(&self) -> bool {
        self.running.is_some_and(|(ticket, _)| ticket != self.found.ticket)
    }

    /// Opens the first result as soon as it is there.
    pub fn accept_when_found(&mut self) {
        self.accepted = true;
    }

    /// Whether Enter was pressed before the results that are here now.
    pub fn is_accepted(&self) -> bool {
        self.accepted && !self.is_awaiting_results()
    }

    /// Where Enter leads; `None` while nothing is found.
    pub fn target(&self) -> Option<SearchTarget> {
        let place = self.selected()?;
        let terms = self.found.terms.clone();
        let words = terms.iter().map(|term| term.text.as_str()).collect::<Vec<_>>().join(" ");
        Some(SearchTarget {
            conversation: place.conversation,
            message: place.message,
            terms,
            query: collapse_spaces(&words),
        })
    }

    /// Lays out what is shown of the message under the cursor, and scrolls the cursor into view; called before each frame.
    pub fn sync(&mut self, screen: Rect, now: &Zoned) {
        self.browser.scroll_to_cursor(view::list_height(screen).into());
        let place = self.selected().cloned();
        self.preview.lay_out(place.as_ref(), &self.found.terms, view::preview_size(screen), now);
    }

    fn show(&mut self, found: FoundList) {
        self.found = found;
        self.browser.set_rows(self.found.rows());
        self.browser.go_to_start();
    }

    fn first_completion(&self, text: &str) -> Option<CyclingCompletion> {
        let cursor = self.query.text_before_cursor().len();
        let QueryCompletion { range, choices } = search::complete(text, cursor, &self.values)?;
        Some(CyclingCompletion { choices, chosen: 0, range })
    }

    /// Completes the filter before the cursor, or goes to the next choice.
    fn complete(&mut self) {
        let text = self.query.text();
        let cycling = self.completing.take().filter(|cycling| {
            text.get(cycling.range.clone()) == cycling.choices.get(cycling.chosen).map(String::as_str)
        });
        let next = cycling.map_or_else(|| self.first_completion(&text), |cycling| Some(cycling.next()));
        let Some(next) = next else { return };
        let choice = &next.choices[next.chosen];
        let range = next.range.start..next.range.start + choice.len();
        self.query.replace(next.range.clone(), choice);
        self.completing = (next.choices.len() > 1).then_some(CyclingCompletion { range, ..next });
    }
}
