//! What lists say about a conversation: when it was changed, how long it is, what it has cost, its last words.

use jiff::tz::TimeZone;
use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::facts::short_model_name;
use crate::{
    chat::{ConversationPreview, Timestamp, filing},
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
};

pub(crate) const YESTERDAY: &str = "yesterday";

/// Returns `14:20` for today, `yesterday`, or the date.
pub(crate) fn short_time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = match () {
        () if at.date() >= now.date() => "%H:%M",
        () if now.date().yesterday().is_ok_and(|before| before == at.date()) => return YESTERDAY.into(),
        () if at.year() == now.year() => "%-d %b",
        () => "%-d %b %Y",
    };
    at.strftime(form).to_string()
}

/// What stands before the facts of a preview.
pub(crate) struct PreviewHead<'a> {
    pub title: &'a str,
    /// Empty if it is shown elsewhere.
    pub model: &'a str,
    pub tags: &'a [String],
    /// What goes on in it, or nothing.
    pub state: &'a str,
}

/// Returns the title with its facts, and the last prompt, in as many lines as there is room for.
pub(crate) fn preview_lines(
    head: &PreviewHead<'_>,
    preview: &ConversationPreview,
    theme: &Theme,
    area: Rect,
) -> Vec<Line<'static>> {
    let muted = theme.style(ColourRole::Muted);
    let width = usize::from(area.width);
    let count = match preview.messages {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    let model = short_model_name(head.model);
    let cost = if preview.cost.is_zero() { String::new() } else { preview.cost.to_string() };
    let tags = text::one_line(&filing::tag_words(head.tags));
    let facts = [model, count, cost, tags, head.state.to_owned()].into_iter().filter(|fact| !fact.is_empty());
    let facts = facts.collect::<Vec<_>>().join(&format!(" {} ", theme.marks.dot));
    let facts = text::truncate(&facts, width.saturating_sub(12)).into_owned();
    let title = text::truncate(head.title, width.saturating_sub(text::width(&facts) + 2)).into_owned();
    let first = Line::from(vec![
        Span::styled(title, theme.style(ColourRole::Text).bold()),
        Span::raw("  "),
        Span::styled(facts, muted),
    ]);
    std::iter::once(first).chain(prompt_lines(&preview.last_prompt, theme, area)).take(area.height.into()).collect()
}

/// Returns the beginning of the last prompt: `you  Make it shorter.`
fn prompt_lines(prompt: &str, theme: &Theme, area: Rect) -> Vec<Line<'static>> {
    const LABEL: &str = "you  ";
    let words = text::one_line(prompt);
    let width = usize::from(area.width).saturating_sub(LABEL.len()).max(1);
    let rows = text::wrap::wrap(&words, WrapOptions { first_width: width, rest_width: width, glued: &[] });
    let rows = rows.into_iter().filter(|row| row.start < row.end).enumerate();
    let line = |(nth, row): (usize, text::wrap::WrappedLine)| {
        let text = Span::styled(words[row.start..row.end].to_owned(), theme.style(ColourRole::Text));
        match nth {
            0 => Line::from(vec![Span::styled(LABEL, theme.style(ColourRole::You).bold()), text]),
            _ => Line::from(vec![Span::raw(" ".repeat(LABEL.len())), text]),
        }
    };
    rows.map(line).collect()
}
