//! Draws the state: which widget goes where.

mod overlays;
mod status;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    app::{
        Action, State,
        areas::{Areas, GUTTER, SMALLEST},
        finding,
        models::short,
        overlays::Overlay,
        screen::{Editing, Focus, Shows},
        state::Database,
    },
    chat::{ConversationId, Phase, Timestamp},
    widgets::{
        composer::ComposerView,
        list::ListView,
        rail::RailView,
        theme::Role,
        title::{self, TitleView},
        toast::ToastView,
        transcript::{FindView, ScrollbarView, TranscriptView},
        words,
    },
};

/// Sets every cell of the buffer, and says where the cursor is seen; changes nothing else.
pub fn draw(state: &State, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let mut frame = Frame { buffer, cursor: None };
    draw_screen(state, now, &mut frame);
    state.theme.finish(frame.buffer);
    frame.cursor
}

/// What is drawn on. What lies above takes the cursor from what lies below.
struct Frame<'a> {
    buffer: &'a mut Buffer,
    cursor: Option<Position>,
}

impl Frame<'_> {
    fn area(&self) -> Rect {
        self.buffer.area
    }

    fn show_cursor(&mut self, at: Option<Position>) {
        self.cursor = at.or(self.cursor);
    }
}

fn draw_screen(state: &State, now: Timestamp, frame: &mut Frame) {
    let screen = frame.area();
    if screen.width < SMALLEST.width || screen.height < SMALLEST.height {
        title::too_small(screen, SMALLEST, &state.theme, frame.buffer);
        return;
    }
    state.theme.clear(screen, Role::Background, frame.buffer);
    if let [Overlay::Welcome(welcome)] = state.screen.overlays.as_slice() {
        overlays::draw_welcome(state, welcome, now, frame);
        return;
    }
    let areas = state.screen.areas;
    draw_list(state, now, areas.list, frame);
    draw_rail(state, areas.rail, frame);
    for rule in [areas.list_rule, areas.rail_rule] {
        for position in rule.positions() {
            let mark = state.theme.marks.vertical;
            frame.buffer.set_string(position.x, position.y, mark, state.theme.style(Role::Faint));
        }
    }
    draw_pane(state, &areas, frame);
    status::draw(state, now, areas.status, frame);
    overlays::draw(state, now, frame);
}

fn draw_list(state: &State, now: Timestamp, area: Rect, frame: &mut Frame) {
    if area.is_empty() {
        return;
    }
    let running = |id: ConversationId| state.open.get(&id).is_some_and(|conversation| !conversation.turns.is_empty());
    let focused = state.screen.focus == Focus::List;
    let view = ListView {
        list: &state.screen.list,
        summaries: &state.index,
        total: state.index.len() + state.unlisted,
        open: state.screen.pane.shows.conversation(),
        running: &running,
        spinner: status::spinner(state, now),
        focused,
        theme: &state.theme,
    };
    frame.show_cursor(view.cursor(area).filter(|_| focused));
    view.render(area, frame.buffer);
}

fn draw_rail(state: &State, area: Rect, frame: &mut Frame) {
    if area.is_empty() {
        return;
    }
    let focused = state.screen.focus == Focus::Rail;
    RailView { rail: &state.screen.rail, focused, theme: &state.theme }.render(area, frame.buffer);
}

/// The title, the text, the rule and the composer: one column.
fn draw_pane(state: &State, areas: &Areas, frame: &mut Frame) {
    let theme = &state.theme;
    let pane = &state.screen.pane;
    let buf = &mut *frame.buffer;
    let conversation = state.current();
    let sibling = conversation.and_then(|conversation| Some(conversation.siblings(conversation.told_in_title()?)));
    let title = match pane.shows {
        Shows::New => "",
        Shows::Loading(_) => "Opening the conversation",
        Shows::Conversation(_) => conversation.map_or("", |conversation| &conversation.title),
    };
    TitleView { title, sibling, theme }.render(areas.title, buf);
    let mut caret = None;
    match state.screen.transcript() {
        Some(transcript) => {
            let focus = state.screen.focus;
            let (focused, card_focused) = (focus == Focus::Transcript, focus == Focus::Card);
            let end_key = &state.keymap.keys_of(Action::ScrollEnd).unwrap_or_default();
            let view = TranscriptView { transcript, theme, focused, card_focused, end_key };
            caret = view.cursor(areas.transcript).filter(|_| state.screen.overlays.is_empty());
            view.render(areas.transcript, buf);
            ScrollbarView { transcript, theme }.render(areas.scrollbar(), buf);
        }
        None => draw_empty(state, areas.transcript, buf),
    }
    let rule = theme.marks.rule.repeat(areas.rule.width.into());
    buf.set_string(areas.rule.x, areas.rule.y, rule, theme.style(Role::Faint));
    let above = Rect { y: areas.rule.y.saturating_sub(1), height: areas.rule.height, ..areas.rule };
    ToastView { toasts: &state.screen.toasts, theme }.render(above, buf);
    frame.show_cursor(caret);
    draw_composer(state, areas.composer, frame);
}

/// A conversation that has not begun: what will answer, and what one may do first.
fn draw_empty(state: &State, area: Rect, buf: &mut Buffer) {
    let text = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
    let (muted, accent) = (state.theme.style(Role::Muted), state.theme.style(Role::Accent));
    let model = short(&state.settings().model);
    let mut lines = vec![if model.is_empty() {
        words::run("No model is chosen yet.", muted)
    } else {
        Line::from(vec![
            Span::styled(model.to_owned(), state.theme.style(Role::Text).bold()),
            Span::styled(" answers.", muted),
        ])
    }];
    if let Database::Broken(error) = &state.database {
        lines.push(words::run(format!("Nothing will be saved: {error}"), state.theme.style(Role::Error)));
    }
    lines.push(Line::default());
    let hints = [
        (Action::Models, "another model"),
        (Action::NextEffort, "how hard it thinks"),
        (Action::ToggleWeb, "search the web"),
        (Action::FocusList, "earlier conversations"),
        (Action::Palette, "everything else"),
    ];
    for (action, words) in hints {
        if let Some(keys) = state.keymap.keys_of(action) {
            lines.push(Line::from(vec![Span::styled(format!("{keys:<11}"), accent), Span::styled(words, muted)]));
        }
    }
    for (line, row) in lines.into_iter().zip(text.rows()) {
        line.render(row, buf);
    }
}

fn draw_composer(state: &State, area: Rect, frame: &mut Frame) {
    if let Some(find) = finding::find(state) {
        let view = FindView { find, theme: &state.theme };
        frame.show_cursor(view.cursor(area).filter(|_| state.screen.overlays.is_empty()));
        view.render(area, frame.buffer);
        return;
    }
    // The caret behind a full row stands in the margin.
    let area = Rect { width: area.width + 1, ..area }.intersection(frame.area());
    let composer = &state.screen.pane.composer;
    let focused = state.screen.focus == Focus::Composer;
    let placeholder = placeholder(state);
    let view = ComposerView { composer, placeholder, focused, theme: &state.theme };
    frame.show_cursor(view.cursor(area).filter(|_| focused && state.screen.overlays.is_empty()));
    view.render(area, frame.buffer);
}

/// What an empty composer is for, and what Enter would do.
fn placeholder(state: &State) -> &'static str {
    match state.screen.pane.editing {
        Some(Editing::Prompt(_)) => return "the edited prompt",
        Some(Editing::Arguments(_)) => return "the arguments, as JSON",
        Some(Editing::Reason(_)) => return "why not? the model reads it",
        None => (),
    }
    match state.current().and_then(|conversation| conversation.active_turn()) {
        Some(turn) if turn.step > 0 || matches!(turn.phase, Phase::Calling | Phase::Paused(_)) => {
            "type to steer: it goes in at the next step"
        }
        Some(_) => "type the next message: it is sent when this answer is done",
        None => "type a message",
    }
}
