//! Draws the state: decides which widget goes where.

mod overlays;
mod status;

use crate::ui::chats::PaneContent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    chat::{Conversation, ConversationId, Timestamp, TurnPhase},
    render::theme::ColourRole,
    text::wrap::{self, WrapOptions},
    ui::{
        Action, State,
        actions::finding,
        actions::model_settings::short_name,
        areas::{GUTTER_WIDTH, MIN_SIZE, ScreenAreas},
        chats::DatabaseState,
        composer::ComposerView,
        conversations::list::{ConversationListView, ListActivity},
        key_hints, notifications,
        overlays::ScreenOverlay,
        rail::RailView,
        screen::{EditTarget, PaneFocus},
        slash::{self, SlashListView},
        title::{self, TitleView},
        toasts::ToastView,
        transcript::{FindView, ScrollbarView, TranscriptView},
    },
};

/// Sets every cell of the buffer and returns where the cursor is shown.
pub fn draw(state: &State, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let mut frame = DrawTarget { buffer, cursor: None };
    draw_screen(state, now, &mut frame);
    state.env.theme.finish_frame(frame.buffer);
    frame.cursor
}

/// The buffer being drawn, and the cursor of the topmost widget that shows one.
pub(crate) struct DrawTarget<'a> {
    pub(crate) buffer: &'a mut Buffer,
    pub(crate) cursor: Option<Position>,
}

impl DrawTarget<'_> {
    pub(crate) fn area(&self) -> Rect {
        self.buffer.area
    }

    pub(crate) fn set_cursor(&mut self, position: Option<Position>) {
        self.cursor = position.or(self.cursor);
    }
}

fn draw_screen(state: &State, now: Timestamp, frame: &mut DrawTarget) {
    let screen = frame.area();
    if screen.width < MIN_SIZE.width || screen.height < MIN_SIZE.height {
        title::draw_too_small(screen, MIN_SIZE, &state.env.theme, frame.buffer);
        return;
    }
    state.env.theme.clear_area(screen, ColourRole::Background, frame.buffer);
    if let [ScreenOverlay::Connect(connect)] = state.screen.overlays.as_slice()
        && connect.is_first_start()
    {
        overlays::draw_connect(state, connect, now, frame);
        return;
    }
    let areas = state.screen.areas;
    draw_list(state, now, areas.list, frame);
    draw_rail(state, areas.rail, frame);
    for rule in [areas.list_rule, areas.rail_rule] {
        for position in rule.positions() {
            let mark = state.env.theme.marks.vertical;
            frame.buffer.set_string(position.x, position.y, mark, state.env.theme.style(ColourRole::Faint));
        }
    }
    draw_pane(state, &areas, frame);
    if state.screen.is_status_shown(&state.chats) {
        status::draw_status(state, now, areas.status, frame);
    }
    overlays::draw_overlays(state, now, frame);
}

fn draw_list(state: &State, now: Timestamp, area: Rect, frame: &mut DrawTarget) {
    if area.is_empty() {
        return;
    }
    let activity = list_activity(state);
    let view = list_view(state, now, &activity);
    frame.set_cursor(view.cursor(area).filter(|_| view.focused));
    view.render(area, frame.buffer);
}

/// Returns what the turn in progress of a conversation does.
fn list_activity(state: &State) -> impl Fn(ConversationId) -> Option<ListActivity> {
    |id| {
        let running = state.chats.conversations.get(&id).filter(|conversation| !conversation.turns.is_empty())?;
        let is_asking = notifications::pending_decisions(running) > 0;
        Some(if is_asking { ListActivity::Asking } else { ListActivity::Running })
    }
}

fn list_view<'a>(
    state: &'a State,
    now: Timestamp,
    activity: &'a dyn Fn(ConversationId) -> Option<ListActivity>,
) -> ConversationListView<'a> {
    ConversationListView {
        list: &state.screen.list,
        summaries: &state.chats.index,
        total: state.chats.index.len() + state.chats.unlisted_count,
        open: state.chats.content.conversation_id(),
        activity,
        spinner: crate::ui::view::status::spinner_mark(state, now),
        focused: state.screen.focus == PaneFocus::List,
        keymap: &state.env.keymap,
        theme: &state.env.theme,
    }
}

fn draw_rail(state: &State, area: Rect, frame: &mut DrawTarget) {
    if area.is_empty() {
        return;
    }
    let focused = state.screen.focus == PaneFocus::Rail;
    RailView { rail: &state.screen.rail, focused, theme: &state.env.theme }.render(area, frame.buffer);
}

/// Draws the column of title, transcript, rule and composer.
fn draw_pane(state: &State, areas: &ScreenAreas, frame: &mut DrawTarget) {
    let theme = &state.env.theme;
    let buf = &mut *frame.buffer;
    let conversation = state.chats.current_conversation();
    let title = match state.chats.content {
        PaneContent::New => "",
        PaneContent::Loading(_) => "Opening the conversation",
        PaneContent::Conversation(_) => conversation.map_or("", |conversation| &conversation.title),
    };
    TitleView { title, theme }.render(areas.title, buf);
    let mut caret = None;
    match state.screen.transcript(&state.chats) {
        Some(transcript) => {
            let focus = state.screen.focus;
            let focused = focus == PaneFocus::Transcript;
            let end_key = &state.env.keymap.keys_of(Action::ScrollEnd).unwrap_or_default();
            let pill_row = Some(areas.pill_row());
            let code_keys_of = state.screen.current_answer(&state.chats);
            let view = TranscriptView { transcript, theme, code_keys_of, focused, pill_row, end_key };
            caret = view.cursor(areas.transcript).filter(|_| state.screen.overlays.is_empty());
            view.render(areas.transcript, buf);
            ScrollbarView { transcript, theme }.render(areas.scrollbar(), buf);
        }
        None => draw_empty(state, areas.transcript, buf),
    }
    if !state.screen.is_zen {
        let rule = theme.marks.rule.repeat(areas.composer_rule.width.into());
        buf.set_string(areas.composer_rule.x, areas.composer_rule.y, rule, theme.style(ColourRole::Faint));
    }
    draw_rule_label(state, areas.composer_rule, buf);
    if state.screen.overlays.iter().all(ScreenOverlay::is_question) {
        let above = Rect {
            y: areas.composer_rule.y.saturating_sub(1),
            height: areas.composer_rule.height,
            ..areas.composer_rule
        };
        ToastView { toasts: &state.toasts, theme }.render(above, buf);
    }
    let slash = &state.screen.slash;
    SlashListView { list: slash, keymap: &state.env.keymap, theme }.draw(areas.composer_rule, buf);
    frame.set_cursor(caret);
    draw_composer(state, areas.composer, frame);
}

/// Marks the composer's rule while the composer edits something that is not a new prompt.
fn draw_rule_label(state: &State, rule: Rect, buf: &mut Buffer) {
    let (label, sends) = match state.screen.pane.editing {
        Some(EditTarget::Prompt(_)) => ("editing an earlier prompt ", "send as a branch"),
        Some(EditTarget::Arguments(_)) => ("editing the arguments of a call ", "change them"),
        Some(EditTarget::Reason(_)) => ("saying why a call is denied ", "deny"),
        None if state.chats.is_temporary() => return draw_temporary_label(state, rule, buf),
        None => return,
    };
    let theme = &state.env.theme;
    buf.set_stringn(rule.x, rule.y, label, rule.width.into(), theme.style(ColourRole::You));
    let labels: [(&[Action], &str); 2] = [(&[Action::Send], sends), (&[Action::Back], "cancel")];
    let room = usize::from(rule.width).saturating_sub(crate::text::width(label) + 4);
    let hints = state.env.keymap.hints(crate::ui::keymap::KeyContext::Composer, &labels);
    let line = key_hints::hint_line(&hints, room, theme);
    let width = u16::try_from(line.width() + 1).unwrap_or(u16::MAX).min(rule.width);
    let area = Rect { x: rule.right() - width, width, ..rule };
    theme.clear_area(area, ColourRole::Background, buf);
    let mut spans = vec![Span::raw(" ")];
    spans.extend(line.spans);
    Line::from(spans).render(area, buf);
}

/// Marks the composer's rule of a temporary conversation.
fn draw_temporary_label(state: &State, rule: Rect, buf: &mut Buffer) {
    let theme = &state.env.theme;
    let label = format!("{} temporary: only its cost is kept ", theme.marks.temporary);
    buf.set_stringn(rule.x, rule.y, label, rule.width.into(), theme.style(ColourRole::Warning));
}

/// Draws an empty conversation: the model that will answer, and hints for first steps.
fn draw_empty(state: &State, area: Rect, buf: &mut Buffer) {
    let text =
        Rect { x: area.x + GUTTER_WIDTH.min(area.width), width: area.width.saturating_sub(GUTTER_WIDTH), ..area };
    let (muted, accent) = (state.env.theme.style(ColourRole::Muted), state.env.theme.style(ColourRole::Accent));
    let model = short_name(&state.chats.settings().model);
    let mut lines = vec![if model.is_empty() {
        key_hints::styled_line("No model chosen yet.", muted)
    } else {
        let rest = match (model, state.env.is_demo) {
            ("auto", _) => ": OpenRouter picks a model for each message",
            (_, true) => ": type anything, or /tour for the tour",
            (_, false) => "",
        };
        Line::from(vec![
            Span::styled("Talking to ", muted),
            Span::styled(model.to_owned(), state.env.theme.style(ColourRole::Text).bold()),
            Span::styled(rest, muted),
        ])
    }];
    let trouble = match &state.chats.database {
        DatabaseState::Broken(error) => Some(format!("Nothing will be saved: {error}")),
        DatabaseState::ReadOnly(error) => Some(format!("Nothing can be sent: {error}")),
        DatabaseState::Opening(_) | DatabaseState::Ready => None,
    };
    if let Some(words) = trouble {
        let width = usize::from(text.width).max(1);
        let limits = WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let rows = wrap::wrap(&words, limits);
        let style = state.env.theme.style(ColourRole::Error);
        lines.extend(rows.into_iter().map(|row| key_hints::styled_line(words[row.start..row.end].to_owned(), style)));
    }
    lines.push(Line::default());
    let hints = [
        (Action::ChooseModel, if model.is_empty() { "choose one" } else { "another model" }),
        (Action::NextEffort, "reasoning effort"),
        (Action::ToggleWeb, "search the web"),
        (Action::FocusList, "conversations"),
        (Action::ShowCommands, "all commands"),
    ];
    for (action, words) in hints {
        if let Some(keys) = state.env.keymap.keys_of(action) {
            lines.push(Line::from(vec![Span::styled(format!("{keys:<11}"), accent), Span::styled(words, muted)]));
        }
    }
    for (line, row) in lines.into_iter().zip(text.rows()) {
        line.render(row, buf);
    }
}

fn draw_composer(state: &State, area: Rect, frame: &mut DrawTarget) {
    if let Some(find) = finding::active_find(&state.screen, &state.chats) {
        let view = FindView { find, keymap: &state.env.keymap, theme: &state.env.theme };
        frame.set_cursor(view.cursor(area).filter(|_| state.screen.overlays.is_empty()));
        view.render(area, frame.buffer);
        return;
    }
    // The caret after a full row is drawn in the margin.
    let area = Rect { width: area.width + 1, ..area }.intersection(frame.area());
    let composer = &state.screen.pane.composer;
    let focused = state.screen.focus == PaneFocus::Composer;
    let placeholder = composer_placeholder(state);
    let is_command = focused && composer.is_single_line() && slash::is_known(&composer.text());
    let view = ComposerView { composer, placeholder, focused, is_command, theme: &state.env.theme };
    frame.set_cursor(view.cursor(area).filter(|_| focused && state.screen.overlays.is_empty()));
    view.render(area, frame.buffer);
}

/// Returns what the empty composer is for, and what Enter would do.
fn composer_placeholder(state: &State) -> &'static str {
    match state.screen.pane.editing {
        Some(EditTarget::Prompt(_)) => return "the edited prompt",
        Some(EditTarget::Arguments(_)) => return "the arguments, as JSON",
        Some(EditTarget::Reason(_)) => return "why not? the model will read this",
        None => (),
    }
    match state.chats.current_conversation().and_then(|conversation| conversation.active_turn()) {
        Some(turn) if turn.step > 0 || matches!(turn.phase, TurnPhase::Calling | TurnPhase::Paused(_)) => {
            "add a note for the next step"
        }
        Some(_) => "type the next message; it is sent when this answer is done",
        None if state.env.is_demo && state.chats.current_conversation().is_none_or(Conversation::is_new) => {
            "type a message, or /tour for the tour"
        }
        None if matches!(state.chats.database, DatabaseState::ReadOnly(_)) => {
            "for reading only: the database was made by a newer ibid"
        }
        None => "type a message",
    }
}
