//! Draws the rows of the connect screen: choices, keys, and servers on this machine.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{ConnectView, lines::ConnectLine};
use crate::{
    api::ProbeResult,
    keys::{KeyListing, KeyPlace},
    render::theme::{ColourRole, ThemeMarks},
    text,
    ui::{
        connect::{ConnectChoice, ConnectRow, LocalSearch},
        key_hints::styled_line,
    },
};

/// The columns of the servers on this machine.
const ADDRESS_COLUMN: usize = 12;
const STATE_COLUMN: usize = 36;
const MODELS_COLUMN: usize = 50;
/// The narrowest row that shows the addresses.
const MIN_WIDTH_FOR_ADDRESS: usize = 48;

/// The column at which the hints of the choices and the places of the keys begin.
pub(super) fn hint_column(width: usize) -> usize {
    if width >= 70 { 31 } else { 28 }
}

/// Returns whether there is room for where the keys are stored.
pub(super) fn has_places(width: usize) -> bool {
    width >= MIN_WIDTH_FOR_ADDRESS
}

/// Returns a server with the end of its key, such as `OpenRouter …3f9a`.
pub(super) fn key_name(listing: &KeyListing, marks: &ThemeMarks) -> String {
    let (name, ending) = key_name_parts(listing, marks);
    if ending.is_empty() { name } else { format!("{name} {ending}") }
}

fn key_name_parts(listing: &KeyListing, marks: &ThemeMarks) -> (String, String) {
    let name = match (listing.server.as_str(), &listing.host) {
        ("openrouter", None) => "OpenRouter".to_owned(),
        ("openrouter", Some(host)) => format!("OpenRouter, {host}"),
        (server, Some(host)) if !server.contains("://") => format!("{server}, {host}"),
        (server, _) => server.to_owned(),
    };
    let ending = listing.key.as_ref().and_then(|key| key.ending.as_deref());
    let ending = ending.map(|ending| format!("{}{ending}", marks.ellipsis)).unwrap_or_default();
    (text::clean(&name).into_owned(), ending)
}

fn place_text(listing: &KeyListing) -> String {
    match listing.key.as_ref().map(|key| &key.place) {
        Some(KeyPlace::Variable(name)) => name.clone(),
        Some(KeyPlace::Command(program)) => format!("key command {program}"),
        Some(KeyPlace::File) => "private file".into(),
        None => "no key".into(),
    }
}

impl ConnectView<'_> {
    pub(super) fn draw_line(&self, line: &ConnectLine, row: Rect, buf: &mut Buffer) {
        match line {
            ConnectLine::Text(line) => line.render(self.without_gutter(row), buf),
            ConnectLine::Rule => {
                let text = self.without_gutter(row);
                let rule = self.theme.marks.rule.repeat(text.width.into());
                buf.set_string(text.x, text.y, rule, self.theme.style(ColourRole::Faint));
            }
            ConnectLine::Field => self.draw_field(row, buf),
            ConnectLine::Row(target) => self.draw_row(*target, row, buf),
        }
    }

    fn draw_field(&self, row: Rect, buf: &mut Buffer) {
        let indent = (self.gutter() - 2).min(row.width);
        let prompt = Rect { x: row.x + indent, width: row.width - indent, ..row };
        styled_line(self.theme.marks.prompt, self.theme.style(ColourRole::Accent)).render(prompt, buf);
        let text = self.theme.style(ColourRole::Text);
        match &self.connect.stage {
            super::ConnectStage::Address(field) => {
                field.draw(self.without_gutter(row), super::FieldDisplay::Text, text, self.theme, buf);
            }
            super::ConnectStage::Key { field, .. } => {
                field.hidden_text().draw(self.without_gutter(row), super::FieldDisplay::Dots, text, self.theme, buf);
            }
            super::ConnectStage::SignIn(stage) if stage.field.is_empty() => {
                let words = "paste the code here";
                styled_line(words, self.theme.style(ColourRole::Muted)).render(self.without_gutter(row), buf);
            }
            super::ConnectStage::SignIn(stage) => {
                let field = stage.field.hidden_text();
                field.draw(self.without_gutter(row), super::FieldDisplay::Dots, text, self.theme, buf);
            }
            super::ConnectStage::Choosing | super::ConnectStage::ConfirmForget { .. } => (),
        }
    }

    fn draw_row(&self, target: ConnectRow, row: Rect, buf: &mut Buffer) {
        let is_current = self.connect.cursor == target;
        if is_current {
            let role = if self.is_welcome() { ColourRole::Raised } else { ColourRole::Selection };
            buf.set_style(row, self.theme.style(role));
            // The bar stays plain even where the selection is reversed.
            let bar = self.theme.style(ColourRole::Accent).remove_modifier(Modifier::REVERSED);
            styled_line(self.theme.marks.bar, bar).render(row, buf);
        }
        match target {
            ConnectRow::Choice(choice) => self.draw_choice(choice, is_current, row, buf),
            ConnectRow::Key(index) => {
                if let Some(listing) = self.connect.listed.keys.get(index) {
                    self.draw_key(listing, is_current, row, buf);
                }
            }
            ConnectRow::Local(index) => {
                if let Some(search) = self.connect.listed.local.get(index) {
                    self.draw_local(search, is_current, row, buf);
                }
            }
        }
        if is_current {
            self.theme.even_selected_row(row, buf);
        }
    }

    fn draw_choice(&self, choice: ConnectChoice, is_current: bool, row: Rect, buf: &mut Buffer) {
        let text = self.theme.style(ColourRole::Text);
        let area = self.without_gutter(row);
        let number = (choice as usize + 1).to_string();
        put(area, 0, &number, self.theme.style(ColourRole::Accent).bold(), buf);
        put(area, 3, choice.title(), if is_current { text.bold() } else { text }, buf);
        let column = hint_column(area.width.into());
        let room = usize::from(area.width).saturating_sub(column);
        if let Some(hint) = choice.hints().iter().find(|hint| text::width(hint) <= room) {
            put(area, column, hint, self.theme.style(ColourRole::Muted), buf);
        }
        if choice == ConnectChoice::Demo && self.situation.is_demo {
            self.draw_in_use(area, buf);
        }
    }

    /// Returns the column of where the keys are kept: that of the hints, or one further right for long names.
    pub(super) fn place_column(&self, width: usize) -> usize {
        /// `private file`, and behind it the mark of the key in use.
        const PLACE_CELLS: usize = 24;
        let name_width = |listing: &KeyListing| {
            let (name, ending) = key_name_parts(listing, &self.theme.marks);
            text::width(&name) + if ending.is_empty() { 0 } else { text::width(&ending) + 2 }
        };
        let widest = self.connect.listed.keys.iter().map(name_width).max().unwrap_or(0);
        hint_column(width).max((widest + 2).min(width.saturating_sub(PLACE_CELLS)))
    }

    fn draw_key(&self, listing: &KeyListing, is_current: bool, row: Rect, buf: &mut Buffer) {
        let (text, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let area = self.without_gutter(row);
        let column = self.place_column(area.width.into());
        let name_area = Rect { width: area.width.min(u16::try_from(column).unwrap_or(u16::MAX) - 1), ..area };
        let (name, ending) = key_name_parts(listing, &self.theme.marks);
        let room =
            usize::from(name_area.width).saturating_sub(if ending.is_empty() { 0 } else { text::width(&ending) + 2 });
        let name = text::truncate(&name, room).into_owned();
        put(name_area, 0, &name, if is_current { text.bold() } else { text }, buf);
        put(name_area, text::width(&name) + 2, &ending, muted, buf);
        let is_in_use = !self.situation.is_demo && listing.server == self.situation.in_use;
        let end = if is_in_use { self.in_use_text().chars().count() + 2 } else { 0 };
        let place_area = Rect { width: area.width.saturating_sub(u16::try_from(end).unwrap_or(u16::MAX)), ..area };
        if has_places(area.width.into()) {
            put(place_area, column, &place_text(listing), muted, buf);
        }
        if is_in_use {
            self.draw_in_use(area, buf);
        }
    }

    fn draw_local(&self, search: &LocalSearch, is_current: bool, row: Rect, buf: &mut Buffer) {
        let (text, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let area = self.without_gutter(row);
        let width = usize::from(area.width);
        let name = if search.port().is_none() { muted } else { text };
        put(area, 0, &search.server.name, if is_current { name.bold() } else { name }, buf);
        let has_address = width >= MIN_WIDTH_FOR_ADDRESS;
        if has_address {
            let (address, style) = match search.port() {
                Some(port) => (format!("localhost:{port}"), self.theme.style(ColourRole::Link)),
                None => (search.server.ports_text(), muted),
            };
            put(area, ADDRESS_COLUMN, &address, style, buf);
        }
        let column = if has_address { STATE_COLUMN.min(width.saturating_sub(14)) } else { ADDRESS_COLUMN };
        let marks = &self.theme.marks;
        let (mark, mark_role, state, style) = match &search.found {
            Some(ProbeResult::Models { models, .. }) => {
                let words = match models.len() {
                    1 => "1 model".to_owned(),
                    count => format!("{count} models"),
                };
                (marks.done, ColourRole::Ok, words, text)
            }
            Some(ProbeResult::WantsKey { .. }) => (marks.asking, ColourRole::Warning, "needs a key".into(), text),
            Some(ProbeResult::NotRunning) => ("", ColourRole::Muted, "not running".into(), muted),
            None => (self.situation.spinner, ColourRole::Muted, format!("looking{}", marks.ellipsis), muted),
        };
        put(area, column, mark, self.theme.style(mark_role), buf);
        put(area, column + 2, &state, style, buf);
        if let Some(ProbeResult::Models { models, .. }) = &search.found
            && width > MODELS_COLUMN + 8
        {
            let names: Vec<String> = models.iter().map(|name| text::one_line(name)).collect();
            put(area, MODELS_COLUMN, &names.join(", "), muted, buf);
        }
    }

    fn in_use_text(&self) -> String {
        format!("{} in use", self.theme.marks.done)
    }

    fn draw_in_use(&self, area: Rect, buf: &mut Buffer) {
        styled_line(self.in_use_text(), self.theme.style(ColourRole::Ok)).right_aligned().render(area, buf);
    }
}

/// Writes words at a column of a row, shortened where there is no room.
fn put(area: Rect, column: usize, words: &str, style: Style, buf: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(column);
    if room == 0 || area.height == 0 || words.is_empty() {
        return;
    }
    let x = area.x + u16::try_from(column).unwrap_or(u16::MAX);
    buf.set_string(x, area.y, text::truncate(words, room), style);
}
