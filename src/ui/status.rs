//! The status line: the model and its settings, the turn in progress, the cost, and the keys for commands and help.

pub mod leader_hints;

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::reading::facts::format_token_count;
use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// The content of the status line; `None` is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatusLine<'a> {
    pub model: &'a str,
    pub effort: Option<&'a str>,
    /// The features that are switched on, such as `web`.
    pub flags: &'a [&'a str],
    /// The built-in server answers.
    pub is_demo: bool,
    /// All tools run without asking.
    pub auto_approves: bool,
    pub phase: Option<PhaseStatus<'a>>,
    /// The key that ends the phase or leaves the current mode, and what it does.
    pub hint: Option<(&'a str, &'a str)>,
    pub context_percent: Option<u8>,
    /// The tokens of the conversation, as last counted by the server.
    pub context_tokens: Option<u64>,
    /// The cost of this conversation; an estimate has a `~`.
    pub cost: Option<&'a str>,
    pub cost_today: Option<&'a str>,
    /// The keys of the commands and of the help; empty if they have none.
    pub commands_key: &'a str,
    pub help_key: &'a str,
}

/// What the turn in progress is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhaseStatus<'a> {
    /// The current frame of the spinner, or the mark of how the turn ended.
    pub mark: &'a str,
    pub role: ColourRole,
    /// `streaming`, `thinking`, `waiting to retry`.
    pub label: &'a str,
    pub elapsed: Option<Duration>,
    pub tokens_per_second: Option<u32>,
}

/// Draws the status line over the whole width of its area.
pub struct StatusView<'a> {
    pub status: StatusLine<'a>,
    pub theme: &'a Theme,
}

/// What is dropped when the line is too narrow, in this order: each includes those before it. The model always stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StatusDrop {
    Nothing,
    Today,
    Gauge,
    Rate,
    KeyLabels,
    Context,
    Keys,
    Flags,
    Effort,
    Hint,
    PhaseLabel,
    Demo,
    Cost,
    Clock,
    Phase,
}

impl StatusDrop {
    const ALL: [Self; 15] = [
        Self::Nothing,
        Self::Today,
        Self::Gauge,
        Self::Rate,
        Self::KeyLabels,
        Self::Context,
        Self::Keys,
        Self::Flags,
        Self::Effort,
        Self::Hint,
        Self::PhaseLabel,
        Self::Demo,
        Self::Cost,
        Self::Clock,
        Self::Phase,
    ];
}

/// Formats a time in six cells, so that nothing moves while it runs: ` 6.1 s`, `12.3 s`, ` 102 s`, `17 min`.
pub fn format_elapsed(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    match tenths {
        0..1_000 => format!("{:>2}.{} s", tenths / 10, tenths % 10),
        1_000..10_000 => format!("{:>4} s", tenths / 10),
        _ => format!("{:>2} min", tenths / 600),
    }
}

impl StatusView<'_> {
    fn left_spans(&self, dropped: StatusDrop) -> Vec<Span<'_>> {
        let StatusLine { model, effort, flags, is_demo: demo, phase, hint, .. } = self.status;
        let muted = self.theme.style(ColourRole::Muted);
        let mut spans = vec![Span::styled(text::clean(model), self.theme.style(ColourRole::Text).bold())];
        let mut push_fact = |word, role| {
            spans.push(Span::styled(format!(" {} ", self.theme.marks.dot), muted));
            spans.push(Span::styled(word, self.theme.style(role)));
        };
        if let Some(effort) = effort.filter(|_| dropped < StatusDrop::Effort) {
            push_fact(effort, ColourRole::Reasoning);
        }
        for flag in flags.iter().filter(|_| dropped < StatusDrop::Flags) {
            push_fact(flag, ColourRole::Link);
        }
        if demo && dropped < StatusDrop::Demo {
            push_fact("demo", ColourRole::Warning);
        }
        if self.status.auto_approves && dropped < StatusDrop::Demo {
            push_fact("auto-approve", ColourRole::Warning);
        }
        if let Some(phase) = phase.filter(|_| dropped < StatusDrop::Phase) {
            spans.push(blank_span(if dropped < StatusDrop::Hint { 4 } else { 2 }));
            self.push_phase(phase, dropped, &mut spans);
        }
        if let Some((key, word)) = hint.filter(|_| dropped < StatusDrop::Hint) {
            spans.push(blank_span(3));
            spans.push(Span::styled(format!("{key} {word}"), muted));
        }
        spans
    }

    fn push_phase<'a>(&'a self, phase: PhaseStatus<'a>, dropped: StatusDrop, spans: &mut Vec<Span<'a>>) {
        let words = self.theme.style(ColourRole::Text);
        spans.push(Span::styled(phase.mark, self.theme.style(phase.role)));
        if dropped < StatusDrop::PhaseLabel {
            spans.push(Span::styled(format!(" {}", phase.label), words));
        }
        if let Some(time) = phase.elapsed.filter(|_| dropped < StatusDrop::Clock) {
            spans.push(Span::styled(format!(" {}", format_elapsed(time)), words));
        }
        if let Some(rate) = phase.tokens_per_second.filter(|_| dropped < StatusDrop::Rate) {
            spans.push(Span::styled(format!(" {} {:>3} t/s", self.theme.marks.dot, rate.min(9_999)), words));
        }
    }

    fn right_spans(&self, dropped: StatusDrop) -> Vec<Span<'_>> {
        let StatusLine { context_percent, context_tokens: tokens, cost, cost_today: today, .. } = self.status;
        let (words, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let mut groups: Vec<Vec<Span>> = Vec::new();
        if let Some(percent) = context_percent.filter(|_| dropped < StatusDrop::Context) {
            let mut group = vec![Span::styled("ctx ", muted)];
            if dropped < StatusDrop::Gauge {
                group.extend(self.gauge_spans(percent));
            }
            group.push(Span::styled(format!("{}%", percent.min(100)), words));
            groups.push(group);
        }
        if let Some(tokens) = tokens.filter(|_| dropped < StatusDrop::Gauge) {
            groups.push(vec![Span::styled(format_token_count(tokens), words), Span::styled(" tokens", muted)]);
        }
        let cost = cost.filter(|_| dropped < StatusDrop::Cost).map(|cost| Span::styled(cost, words));
        let today = today.filter(|_| dropped < StatusDrop::Today);
        let today = today.map(|today| Span::styled(format!("today {today}"), muted));
        if let (Some(_), Some(_)) = (&cost, &today) {
            let dot = Span::styled(format!(" {} ", self.theme.marks.dot), muted);
            groups.push(cost.into_iter().chain([dot]).chain(today).collect());
        } else if let Some(only) = cost.or(today) {
            groups.push(vec![only]);
        }
        if dropped < StatusDrop::Keys {
            groups.push(self.key_spans(dropped));
        }
        let mut spans = Vec::new();
        for group in groups {
            if !spans.is_empty() {
                spans.push(blank_span(3));
            }
            spans.extend(group);
        }
        spans
    }

    fn key_spans(&self, dropped: StatusDrop) -> Vec<Span<'_>> {
        let (accent, muted) = (self.theme.style(ColourRole::Accent), self.theme.style(ColourRole::Muted));
        let word = |word| if dropped < StatusDrop::KeyLabels { word } else { "" };
        let mut spans = Vec::new();
        for (key, words) in [(self.status.commands_key, " commands"), (self.status.help_key, " keys")] {
            if key.is_empty() {
                continue;
            }
            if !spans.is_empty() {
                spans.push(blank_span(2));
            }
            spans.extend([Span::styled(key, accent), Span::styled(word(words), muted)]);
        }
        spans
    }

    /// Returns eight cells and a space; the number beside it shows the same.
    fn gauge_spans(&self, percent: u8) -> [Span<'_>; 3] {
        let marks = &self.theme.marks;
        let full = (usize::from(percent.min(100)) * 8).div_ceil(100);
        let role = match percent {
            0..75 => ColourRole::Ok,
            75..90 => ColourRole::Warning,
            _ => ColourRole::Error,
        };
        [
            Span::styled(marks.gauge_full.repeat(full), self.theme.style(role)),
            Span::styled(marks.gauge_empty.repeat(8 - full), self.theme.style(ColourRole::Faint)),
            blank_span(1),
        ]
    }
}

impl Widget for StatusView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        buf.set_style(area, self.theme.ground_style(ColourRole::Surface));
        let edge = u16::from(area.width > 2);
        let row = Rect { x: area.x + edge, width: area.width - 2 * edge, ..area };
        let room = usize::from(row.width);
        let fits = |without: &StatusDrop| {
            let (left, right) = (spans_width(&self.left_spans(*without)), spans_width(&self.right_spans(*without)));
            left + right + if right > 0 { 2 } else { 0 } <= room
        };
        let without = StatusDrop::ALL.into_iter().find(fits);
        let Some(without) = without else {
            let model = text::clean(self.status.model);
            let model = text::truncate(&model, room).into_owned();
            Line::from(Span::styled(model, self.theme.style(ColourRole::Text).bold())).render(row, buf);
            return;
        };
        Line::from(self.left_spans(without)).render(row, buf);
        Line::from(self.right_spans(without)).right_aligned().render(row, buf);
    }
}

fn blank_span(cells: usize) -> Span<'static> {
    Span::styled(" ".repeat(cells), Style::new())
}

fn spans_width(spans: &[Span]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::ui::test_buffer;

    const STREAMING: StatusLine = StatusLine {
        model: "opus-5",
        effort: Some("high"),
        flags: &["web"],
        is_demo: true,
        auto_approves: false,
        phase: Some(PhaseStatus {
            mark: "◐",
            role: ColourRole::Accent,
            label: "streaming",
            elapsed: Some(Duration::from_millis(6_140)),
            tokens_per_second: Some(58),
        }),
        hint: Some(("Esc", "stops")),
        context_percent: Some(2),
        context_tokens: None,
        cost: Some("$0.021"),
        cost_today: Some("$0.36"),
        commands_key: "^P",
        help_key: "?",
    };

    fn drawn(status: StatusLine, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        StatusView { status, theme: &Theme::default() }.render(area, &mut buf);
        test_buffer::buffer_text(&buf).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn a_narrower_line_drops_more_parts() {
        let rows: Vec<String> =
            [160, 124, 110, 100, 80, 60, 40, 30, 20, 10].map(|width| drawn(STREAMING, width)).into();
        assert_snapshot!(rows.join("\n"), @"
        opus-5 · high · web · demo    ◐ streaming  6.1 s ·  58 t/s   Esc stops                            ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s ·  58 t/s   Esc stops      ctx ▰▱▱▱▱▱▱▱ 2%   $0.021   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s   Esc stops           ctx 2%   $0.021   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s   Esc stops               ctx 2%   $0.021   ^P  ?
        opus-5 · high · web · demo    ◐ streaming  6.1 s   Esc stops    $0.021   ^P  ?
        opus-5 · demo    ◐ streaming  6.1 s   Esc stops     $0.021
        opus-5 · demo  ◐  6.1 s         $0.021
        opus-5  ◐  6.1 s      $0.021
        opus-5  ◐  6.1 s
        opus-5
        ");
    }

    #[test]
    fn at_rest_it_shows_the_model_and_the_cost() {
        let status = StatusLine { phase: None, hint: None, is_demo: false, ..STREAMING };
        assert_snapshot!(format!("{}\n{}", drawn(status, 120), drawn(status, 80)), @"
        opus-5 · high · web                                       ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P commands  ? keys
        opus-5 · high · web             ctx ▰▱▱▱▱▱▱▱ 2%   $0.021   ^P commands  ? keys
        ");
        let bare =
            StatusLine { effort: None, flags: &[], context_percent: None, cost: None, cost_today: None, ..status };
        assert_eq!(drawn(bare, 40), " opus-5             ^P commands  ? keys");
    }

    #[test]
    fn a_running_clock_never_changes_its_width() {
        let told = [0, 940, 9_960, 61_300, 99_999, 100_000, 999_900, 1_020_000, 5_940_000]
            .map(|milliseconds| format_elapsed(Duration::from_millis(milliseconds)));
        assert_eq!(told, [" 0.0 s", " 0.9 s", " 9.9 s", "61.3 s", "99.9 s", " 100 s", " 999 s", "17 min", "99 min"]);
    }

    #[test]
    fn it_draws_at_every_size() {
        test_buffer::draw_at_every_size(|area, buf| {
            StatusView { status: STREAMING, theme: &Theme::default() }.render(area, buf);
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_line_always_fits_and_drops_its_parts_in_order(
            model in "[a-z0-9日-]{1,30}", rate in proptest::option::of(0u32..20_000), percent in 0u8..=120, width in 1u16..140,
        ) {
            let phase = PhaseStatus { tokens_per_second: rate, ..STREAMING.phase.expect("it streams") };
            let status = StatusLine { model: &model, phase: Some(phase), context_percent: Some(percent), ..STREAMING };
            let row = drawn(status, width);
            prop_assert!(text::width(&row) <= usize::from(width), "{row}");
            // An item that is dropped early is only present if all later ones are.
            let order = ["today", " t/s", "commands", "ctx", "^P", "web", "high", "Esc stops", "streaming", "demo", "$0.021", "6.1 s", "◐"];
            let there: Vec<bool> = order.iter().filter(|word| rate.is_some() || **word != " t/s").map(|word| row.contains(word)).collect();
            prop_assert!(there.is_sorted(), "{row}: {there:?}");
            prop_assert!(row.contains(&model) || !there.contains(&true), "{row}");
        }
    }
}
