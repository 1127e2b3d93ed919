//! The status line: what will be asked, what happens now, what it cost, and the keys that lead on.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    theme::{Role, Theme},
    transcript::facts::count,
};
use crate::text;

/// What the status line says; what is `None` is not said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status<'a> {
    pub model: &'a str,
    pub effort: Option<&'a str>,
    /// What is switched on, such as `web`.
    pub flags: &'a [&'a str],
    /// Against the built-in server.
    pub demo: bool,
    pub phase: Option<Phase<'a>>,
    /// The key that ends the phase or leaves where one is, and what it does.
    pub hint: Option<(&'a str, &'a str)>,
    pub context_percent: Option<u8>,
    /// That the conversation takes, as the server counted them last.
    pub tokens: Option<u64>,
    /// Of this conversation; an estimate carries its `~`.
    pub cost: Option<&'a str>,
    pub today: Option<&'a str>,
    /// The keys of the palette and of the help; empty where they have none.
    pub menu: &'a str,
    pub help: &'a str,
}

/// What the turn in progress is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase<'a> {
    /// The step of the spinner, or the mark of how it ended.
    pub mark: &'a str,
    pub role: Role,
    /// `streaming`, `thinking`, `waiting to retry`.
    pub word: &'a str,
    pub clock: Option<Duration>,
    pub tokens_per_second: Option<u32>,
}

/// Draws the status line over the whole width of its area.
pub struct StatusView<'a> {
    pub status: Status<'a>,
    pub theme: &'a Theme,
}

/// What goes when the line is too narrow, the first first. Model, phase and cost go last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Without {
    Nothing,
    Today,
    Gauge,
    Rate,
    KeyWords,
    Context,
    Keys,
    Flags,
    Effort,
    Hint,
    PhaseWord,
    Demo,
    Cost,
    Clock,
    Phase,
}

impl Without {
    const ALL: [Self; 15] = [
        Self::Nothing,
        Self::Today,
        Self::Gauge,
        Self::Rate,
        Self::KeyWords,
        Self::Context,
        Self::Keys,
        Self::Flags,
        Self::Effort,
        Self::Hint,
        Self::PhaseWord,
        Self::Demo,
        Self::Cost,
        Self::Clock,
        Self::Phase,
    ];
}

/// A time in six cells, so that nothing moves while it runs: ` 6.1 s`, `12.3 s`, ` 102 s`, `17 min`.
pub fn clock(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    match tenths {
        0..1_000 => format!("{:>2}.{} s", tenths / 10, tenths % 10),
        1_000..10_000 => format!("{:>4} s", tenths / 10),
        _ => format!("{:>2} min", tenths / 600),
    }
}

impl StatusView<'_> {
    fn left(&self, without: Without) -> Vec<Span<'_>> {
        let Status { model, effort, flags, demo, phase, hint, .. } = self.status;
        let muted = self.theme.style(Role::Muted);
        let mut spans = vec![Span::styled(text::clean(model), self.theme.style(Role::Text).bold())];
        let mut fact = |word, role| {
            spans.push(Span::styled(format!(" {} ", self.theme.marks.dot), muted));
            spans.push(Span::styled(word, self.theme.style(role)));
        };
        if let Some(effort) = effort.filter(|_| without < Without::Effort) {
            fact(effort, Role::Reasoning);
        }
        for flag in flags.iter().filter(|_| without < Without::Flags) {
            fact(flag, Role::Link);
        }
        if demo && without < Without::Demo {
            fact("demo", Role::Warning);
        }
        if let Some(phase) = phase.filter(|_| without < Without::Phase) {
            spans.push(gap(if without < Without::Hint { 4 } else { 2 }));
            self.phase(phase, without, &mut spans);
        }
        if let Some((key, word)) = hint.filter(|_| without < Without::Hint) {
            spans.push(gap(3));
            spans.push(Span::styled(format!("{key} {word}"), muted));
        }
        spans
    }

    fn phase<'a>(&'a self, phase: Phase<'a>, without: Without, spans: &mut Vec<Span<'a>>) {
        let words = self.theme.style(Role::Text);
        spans.push(Span::styled(phase.mark, self.theme.style(phase.role)));
        if without < Without::PhaseWord {
            spans.push(Span::styled(format!(" {}", phase.word), words));
        }
        if let Some(time) = phase.clock.filter(|_| without < Without::Clock) {
            spans.push(Span::styled(format!(" {}", clock(time)), words));
        }
        if let Some(rate) = phase.tokens_per_second.filter(|_| without < Without::Rate) {
            spans.push(Span::styled(format!(" {} {:>3} t/s", self.theme.marks.dot, rate.min(9_999)), words));
        }
    }

    fn right(&self, without: Without) -> Vec<Span<'_>> {
        let Status { context_percent, tokens, cost, today, .. } = self.status;
        let (words, muted) = (self.theme.style(Role::Text), self.theme.style(Role::Muted));
        let mut groups: Vec<Vec<Span>> = Vec::new();
        if let Some(percent) = context_percent.filter(|_| without < Without::Context) {
            let mut group = vec![Span::styled("ctx ", muted)];
            if without < Without::Gauge {
                group.extend(self.gauge(percent));
            }
            group.push(Span::styled(format!("{}%", percent.min(100)), words));
            groups.push(group);
        }
        if let Some(tokens) = tokens.filter(|_| without < Without::Gauge) {
            groups.push(vec![Span::styled(count(tokens), words), Span::styled(" tokens", muted)]);
        }
        let cost = cost.filter(|_| without < Without::Cost).map(|cost| Span::styled(cost, words));
        let today = today.filter(|_| without < Without::Today);
        let today = today.map(|today| Span::styled(format!("today {today}"), muted));
        if let (Some(_), Some(_)) = (&cost, &today) {
            let dot = Span::styled(format!(" {} ", self.theme.marks.dot), muted);
            groups.push(cost.into_iter().chain([dot]).chain(today).collect());
        } else if let Some(only) = cost.or(today) {
            groups.push(vec![only]);
        }
        if without < Without::Keys {
            groups.push(self.keys(without));
        }
        let mut spans = Vec::new();
        for group in groups {
            if !spans.is_empty() {
                spans.push(gap(3));
            }
            spans.extend(group);
        }
        spans
    }

    fn keys(&self, without: Without) -> Vec<Span<'_>> {
        let (accent, muted) = (self.theme.style(Role::Accent), self.theme.style(Role::Muted));
        let word = |word| if without < Without::KeyWords { word } else { "" };
        let mut spans = Vec::new();
        for (key, words) in [(self.status.menu, " menu"), (self.status.help, " keys")] {
            if key.is_empty() {
                continue;
            }
            if !spans.is_empty() {
                spans.push(gap(2));
            }
            spans.extend([Span::styled(key, accent), Span::styled(word(words), muted)]);
        }
        spans
    }

    /// Eight cells and a blank; the number beside it says the same.
    fn gauge(&self, percent: u8) -> [Span<'_>; 3] {
        let marks = &self.theme.marks;
        let full = (usize::from(percent.min(100)) * 8).div_ceil(100);
        let role = match percent {
            0..75 => Role::Ok,
            75..90 => Role::Warning,
            _ => Role::Error,
        };
        [
            Span::styled(marks.gauge_full.repeat(full), self.theme.style(role)),
            Span::styled(marks.gauge_empty.repeat(8 - full), self.theme.style(Role::Faint)),
            gap(1),
        ]
    }
}

impl Widget for StatusView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        buf.set_style(area, self.theme.ground(Role::Surface));
        let edge = u16::from(area.width > 2);
        let row = Rect { x: area.x + edge, width: area.width - 2 * edge, ..area };
        let room = usize::from(row.width);
        let fits = |without: &Without| {
            let (left, right) = (cells(&self.left(*without)), cells(&self.right(*without)));
            left + right + if right > 0 { 2 } else { 0 } <= room
        };
        let without = Without::ALL.into_iter().find(fits);
        let Some(without) = without else {
            let model = text::clean(self.status.model);
            let model = text::truncate(&model, room).into_owned();
            Line::from(Span::styled(model, self.theme.style(Role::Text).bold())).render(row, buf);
            return;
        };
        Line::from(self.left(without)).render(row, buf);
        Line::from(self.right(without)).right_aligned().render(row, buf);
    }
}

fn gap(cells: usize) -> Span<'static> {
    Span::styled(" ".repeat(cells), Style::new())
}

fn cells(spans: &[Span]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::widgets::screen;

    const STREAMING: Status = Status {
        model: "opus-5",
        effort: Some("high"),
        flags: &["web"],
        demo: true,
        phase: Some(Phase {
            mark: "◐",
            role: Role::Accent,
            word: "streaming",
            clock: Some(Duration::from_millis(6_140)),
            tokens_per_second: Some(58),
        }),
        hint: Some(("esc", "stops")),
        context_percent: Some(2),
        tokens: None,
        cost: Some("$0.021"),
        today: Some("$0.36"),
        menu: "^P",
        help: "?",
    };

    fn drawn(status: Status, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        StatusView { status, theme: &Theme::default() }.render(area, &mut buf);
        screen::rows(&buf).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn the_line_drops_from_the_right_of_each_group_as_it_gets_narrower() {
        let rows: Vec<String> =
            [160, 124, 110, 100, 80, 60, 40, 30, 20, 10].map(|width| drawn(STREAMING, width)).into();
        assert_snapshot!(rows.join("\n"), @"
        opus-5 · high · web · demo    ◐ streaming  6.1 s ·  58 t/s   esc stops                                ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P menu  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s ·  58 t/s   esc stops          ctx ▰▱▱▱▱▱▱▱ 2%   $0.021   ^P menu  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s ·  58 t/s   esc stops     ctx 2%   $0.021   ^P menu  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s   esc stops     ctx 2%   $0.021   ^P menu  ? keys
        opus-5 · high · web · demo    ◐ streaming  6.1 s   esc stops    $0.021   ^P  ?
        opus-5 · demo    ◐ streaming  6.1 s   esc stops     $0.021
        opus-5 · demo  ◐  6.1 s         $0.021
        opus-5  ◐  6.1 s      $0.021
        opus-5  ◐  6.1 s
        opus-5
        ");
    }

    #[test]
    fn at_rest_it_says_what_will_be_asked_and_what_it_cost() {
        let status = Status { phase: None, hint: None, demo: false, ..STREAMING };
        assert_snapshot!(format!("{}\n{}", drawn(status, 120), drawn(status, 80)), @"
        opus-5 · high · web                                           ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P menu  ? keys
        opus-5 · high · web   ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P menu  ? keys
        ");
        let bare = Status { effort: None, flags: &[], context_percent: None, cost: None, today: None, ..status };
        assert_eq!(drawn(bare, 40), " opus-5                 ^P menu  ? keys");
    }

    #[test]
    fn a_running_clock_never_changes_its_width() {
        let told = [0, 940, 9_960, 61_300, 99_999, 100_000, 999_900, 1_020_000, 5_940_000]
            .map(|milliseconds| clock(Duration::from_millis(milliseconds)));
        assert_eq!(told, [" 0.0 s", " 0.9 s", " 9.9 s", "61.3 s", "99.9 s", " 100 s", " 999 s", "17 min", "99 min"]);
    }

    #[test]
    fn it_draws_at_every_size() {
        screen::at_every_size(|area, buf| StatusView { status: STREAMING, theme: &Theme::default() }.render(area, buf));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_said_always_fits_and_model_phase_and_cost_go_last(
            model in "[a-z0-9日-]{1,30}", rate in proptest::option::of(0u32..20_000), percent in 0u8..=120, width in 1u16..140,
        ) {
            let phase = Phase { tokens_per_second: rate, ..STREAMING.phase.expect("it streams") };
            let status = Status { model: &model, phase: Some(phase), context_percent: Some(percent), ..STREAMING };
            let row = drawn(status, width);
            prop_assert!(text::width(&row) <= usize::from(width), "{row}");
            // What goes first is only there when all that goes later is.
            let order = ["today", " t/s", "menu", "ctx", "^P", "web", "high", "esc stops", "streaming", "demo", "$0.021", "6.1 s", "◐"];
            let there: Vec<bool> = order.iter().filter(|word| rate.is_some() || **word != " t/s").map(|word| row.contains(word)).collect();
            prop_assert!(there.is_sorted(), "{row}: {there:?}");
            prop_assert!(row.contains(&model) || !there.contains(&true), "{row}");
        }
    }
}
