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

use super::{key_hints::KeyHint, reading::facts::format_token_count};
use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// The content of the status line; `None` is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatusLine<'a> {
    /// The pane that has the focus instead of the composer: its keys stand in place of the model.
    pub pane: Option<PaneStatus<'a>>,
    pub model: &'a str,
    pub effort: Option<&'a str>,
    /// The features that are switched on, such as `web`.
    pub flags: &'a [&'a str],
    /// The built-in server answers.
    pub is_demo: bool,
    /// Nothing of the conversation is kept.
    pub is_temporary: bool,
    /// All tools run without asking.
    pub auto_approves: bool,
    pub phase: Option<PhaseStatus<'a>>,
    /// The keys that end the phase or leave the current mode, and what they do.
    pub hints: &'a [KeyHint<'a>],
    pub context_percent: Option<u8>,
    /// The tokens of the conversation, as last counted by the server.
    pub context_tokens: Option<u64>,
    /// The cost of this conversation; an estimate has a `≈`.
    pub cost: Option<&'a str>,
    pub cost_today: Option<&'a str>,
    pub news: NewsCounts,
    /// The keys of the commands and of the help; empty if they have none.
    pub commands_key: &'a str,
    pub help_key: &'a str,
}

/// The pane that has the focus, and its most useful keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaneStatus<'a> {
    /// `READING`, `LIST`, `RAIL`.
    pub word: &'a str,
    pub keys: &'a [KeyHint<'a>],
}

/// How many other conversations have an answer that runs, one that is unread, or a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewsCounts {
    pub running: usize,
    pub unread: usize,
    pub asking: usize,
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
    /// The turn waits for the user, who needs no tenths of a second.
    pub counts_seconds: bool,
    /// What is waiting besides, such as `2 queued`.
    pub note: Option<&'a str>,
    pub tokens_per_second: Option<u32>,
}

/// Draws the status line over the whole width of its area.
pub struct StatusView<'a> {
    pub status: StatusLine<'a>,
    pub theme: &'a Theme,
}

/// A part of the line that is left out when it is too narrow. The model or the name of the pane always stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatusPart {
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
    News,
    /// The fourth key of the pane, and so on.
    PaneKey(usize),
}

/// The order in which parts are left out while the composer has the focus.
const WRITING_ORDER: [StatusPart; 15] = [
    StatusPart::Today,
    StatusPart::Gauge,
    StatusPart::Rate,
    StatusPart::KeyLabels,
    StatusPart::Context,
    StatusPart::Keys,
    StatusPart::Flags,
    StatusPart::Effort,
    StatusPart::Hint,
    StatusPart::PhaseLabel,
    StatusPart::Demo,
    StatusPart::Cost,
    StatusPart::Clock,
    StatusPart::Phase,
    StatusPart::News,
];

/// The order in which parts are left out while another pane has the focus: never the key that leaves it.
const PANE_ORDER: [StatusPart; 14] = [
    StatusPart::Gauge,
    StatusPart::Today,
    StatusPart::Rate,
    StatusPart::PaneKey(2),
    StatusPart::Context,
    StatusPart::PaneKey(3),
    StatusPart::KeyLabels,
    StatusPart::PhaseLabel,
    StatusPart::PaneKey(1),
    StatusPart::Keys,
    StatusPart::Cost,
    StatusPart::PaneKey(0),
    StatusPart::Clock,
    StatusPart::Phase,
];

/// The parts that are left out: the first ones of an order.
#[derive(Debug, Clone, Copy)]
struct LeftOut(&'static [StatusPart]);

impl LeftOut {
    fn has(self, part: StatusPart) -> bool {
        self.0.contains(&part)
    }
}

/// The cells of the longest clock, so that nothing after it moves while it runs.
const CLOCK_CELLS: usize = 6;
/// The cells of a rate of three digits.
const RATE_CELLS: usize = 10;

/// Formats a time: `6.1 s`, `12.3 s`, `102 s`, `17 min`.
pub fn format_elapsed(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    match tenths {
        0..1_000 => format!("{}.{} s", tenths / 10, tenths % 10),
        1_000..10_000 => format!("{} s", tenths / 10),
        _ => format!("{} min", tenths / 600),
    }
}

/// Formats a time without tenths: `16 s`, `17 min`.
fn format_seconds(time: Duration) -> String {
    if time < Duration::from_secs(100) { format!("{} s", time.as_secs()) } else { format_elapsed(time) }
}

impl StatusView<'_> {
    fn left_spans(&self, left_out: LeftOut) -> Vec<Span<'_>> {
        let StatusLine { pane, phase, hints, .. } = self.status;
        let mut spans = match pane {
            Some(pane) => self.pane_spans(pane, left_out),
            None => self.model_spans(left_out),
        };
        if let Some(phase) = phase.filter(|_| !left_out.has(StatusPart::Phase)) {
            spans.push(blank_span(if left_out.has(StatusPart::Hint) { 2 } else { 4 }));
            self.push_phase(phase, left_out, &mut spans);
        }
        for (nth, hint) in hints.iter().enumerate().filter(|_| !left_out.has(StatusPart::Hint)) {
            spans.push(blank_span(if nth == 0 { 3 } else { 2 }));
            self.push_hint(hint, &mut spans);
        }
        spans
    }

    fn model_spans(&self, left_out: LeftOut) -> Vec<Span<'_>> {
        let StatusLine { model, effort, flags, is_demo: demo, .. } = self.status;
        let muted = self.theme.style(ColourRole::Muted);
        let mut spans = vec![Span::styled(text::clean(model), self.theme.style(ColourRole::Text).bold())];
        let mut push_fact = |word, role| {
            spans.push(Span::styled(format!(" {} ", self.theme.marks.dot), muted));
            spans.push(Span::styled(word, self.theme.style(role)));
        };
        if let Some(effort) = effort.filter(|_| !left_out.has(StatusPart::Effort)) {
            push_fact(effort, ColourRole::Reasoning);
        }
        for flag in flags.iter().filter(|_| !left_out.has(StatusPart::Flags)) {
            push_fact(flag, ColourRole::Link);
        }
        if demo && !left_out.has(StatusPart::Demo) {
            push_fact("demo", ColourRole::Warning);
        }
        if self.status.is_temporary && !left_out.has(StatusPart::Demo) {
            push_fact("temporary", ColourRole::Warning);
        }
        if self.status.auto_approves && !left_out.has(StatusPart::Demo) {
            push_fact("auto-approve", ColourRole::Warning);
        }
        spans
    }

    fn pane_spans<'a>(&'a self, pane: PaneStatus<'a>, left_out: LeftOut) -> Vec<Span<'a>> {
        let mut spans = vec![Span::styled(pane.word, self.theme.style(ColourRole::Text).bold())];
        // What a turn is doing takes the place of the later keys.
        let shown = if self.status.phase.is_some() { 2 } else { pane.keys.len() };
        for (nth, hint) in pane.keys.iter().enumerate().take(shown) {
            if !left_out.has(StatusPart::PaneKey(nth.min(3))) {
                spans.push(blank_span(2));
                self.push_hint(hint, &mut spans);
            }
        }
        spans
    }

    fn push_hint<'a>(&self, (key, word): &'a KeyHint<'a>, spans: &mut Vec<Span<'a>>) {
        let key = if key == "Enter" { self.theme.marks.enter } else { key };
        spans.push(Span::styled(key, self.theme.style(ColourRole::Accent)));
        spans.push(Span::styled(format!(" {word}"), self.theme.style(ColourRole::Muted)));
    }

    fn push_phase<'a>(&'a self, phase: PhaseStatus<'a>, left_out: LeftOut, spans: &mut Vec<Span<'a>>) {
        let words = self.theme.style(ColourRole::Text);
        if phase.mark.is_empty() {
            spans.push(Span::styled(phase.label, self.theme.style(phase.role)));
        } else {
            spans.push(Span::styled(phase.mark, self.theme.style(phase.role)));
            if !left_out.has(StatusPart::PhaseLabel) {
                // What waits for the user stands out as a whole.
                let style = if phase.counts_seconds { self.theme.style(phase.role) } else { words };
                spans.push(Span::styled(format!(" {}", phase.label), style));
            }
        }
        if let Some(note) = phase.note.filter(|_| !left_out.has(StatusPart::Rate)) {
            let muted = self.theme.style(ColourRole::Muted);
            spans.push(Span::styled(format!(" {} {note}", self.theme.marks.dot), muted));
        }
        let mut room = 0;
        if let Some(time) = phase.elapsed.filter(|_| !left_out.has(StatusPart::Clock)) {
            let clock = if phase.counts_seconds { format_seconds(time) } else { format_elapsed(time) };
            room += CLOCK_CELLS.saturating_sub(text::width(&clock));
            spans.push(Span::styled(format!(" {clock}"), words));
        }
        if let Some(rate) = phase.tokens_per_second.filter(|_| !left_out.has(StatusPart::Rate)) {
            let rate = format!(" {} {} t/s", self.theme.marks.dot, rate.min(9_999));
            room += RATE_CELLS.saturating_sub(text::width(&rate));
            spans.push(Span::styled(rate, words));
        }
        if room > 0 {
            spans.push(blank_span(room));
        }
    }

    fn right_spans(&self, left_out: LeftOut) -> Vec<Span<'_>> {
        let StatusLine { context_percent, context_tokens: tokens, cost, cost_today: today, .. } = self.status;
        let (words, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let mut groups: Vec<Vec<Span>> = Vec::new();
        if let Some(percent) = context_percent.filter(|_| !left_out.has(StatusPart::Context)) {
            let mut group = vec![Span::styled("ctx ", muted)];
            if !left_out.has(StatusPart::Gauge) && self.status.pane.is_none() {
                group.extend(self.gauge_spans(percent));
            }
            group.push(Span::styled(format!("{}%", percent.min(100)), words));
            groups.push(group);
        }
        if let Some(tokens) = tokens.filter(|_| !left_out.has(StatusPart::Gauge)) {
            groups.push(vec![Span::styled(format_token_count(tokens), words), Span::styled(" tokens", muted)]);
        }
        let cost = cost.filter(|_| !left_out.has(StatusPart::Cost)).map(|cost| Span::styled(cost, words));
        let today = today.filter(|_| !left_out.has(StatusPart::Today));
        let today = today.map(|today| Span::styled(format!("today {today}"), muted));
        if let (Some(_), Some(_)) = (&cost, &today) {
            let dot = Span::styled(format!(" {} ", self.theme.marks.dot), muted);
            groups.push(cost.into_iter().chain([dot]).chain(today).collect());
        } else if let Some(only) = cost.or(today) {
            groups.push(vec![only]);
        }
        groups.push(if left_out.has(StatusPart::News) { Vec::new() } else { self.news_spans() });
        if !left_out.has(StatusPart::Keys) {
            groups.push(self.key_spans(left_out));
        }
        let mut spans = Vec::new();
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            if !spans.is_empty() {
                spans.push(blank_span(3));
            }
            spans.extend(group);
        }
        spans
    }

    /// `◐2 ●1 ?1`: what goes on in other conversations.
    fn news_spans(&self) -> Vec<Span<'_>> {
        let (news, marks) = (self.status.news, &self.theme.marks);
        let counts = [
            (news.running, marks.running, ColourRole::Accent),
            (news.unread, marks.unread, ColourRole::You),
            (news.asking, marks.asking, ColourRole::Warning),
        ];
        let mut spans = Vec::new();
        for (count, mark, role) in counts.into_iter().filter(|(count, ..)| *count > 0) {
            if !spans.is_empty() {
                spans.push(blank_span(1));
            }
            spans.push(Span::styled(mark, self.theme.style(role)));
            spans.push(Span::styled(count.to_string(), self.theme.style(ColourRole::Text)));
        }
        spans
    }

    fn key_spans(&self, left_out: LeftOut) -> Vec<Span<'_>> {
        let (accent, muted) = (self.theme.style(ColourRole::Accent), self.theme.style(ColourRole::Muted));
        let word = |word| if left_out.has(StatusPart::KeyLabels) { "" } else { word };
        let commands = if self.status.pane.is_some() { "" } else { self.status.commands_key };
        let mut spans = Vec::new();
        for (key, words) in [(commands, " commands"), (self.status.help_key, " keys")] {
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
        let order: &[StatusPart] = if self.status.pane.is_some() { &PANE_ORDER } else { &WRITING_ORDER };
        let fits = |left_out: &LeftOut| {
            let (left, right) = (spans_width(&self.left_spans(*left_out)), spans_width(&self.right_spans(*left_out)));
            left + right + if right > 0 { 2 } else { 0 } <= room
        };
        let left_out = (0..=order.len()).map(|count| LeftOut(&order[..count])).find(fits);
        let Some(left_out) = left_out else {
            let name = self.status.pane.map_or(self.status.model, |pane| pane.word);
            let name = text::clean(name);
            let name = text::truncate(&name, room).into_owned();
            Line::from(Span::styled(name, self.theme.style(ColourRole::Text).bold())).render(row, buf);
            return;
        };
        Line::from(self.left_spans(left_out)).render(row, buf);
        Line::from(self.right_spans(left_out)).right_aligned().render(row, buf);
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
    use std::borrow::Cow;

    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::ui::test_buffer;

    const STOPS: &[KeyHint] = &[(Cow::Borrowed("Esc"), "stops")];

    const STREAMING: StatusLine = StatusLine {
        pane: None,
        model: "opus-5",
        effort: Some("high"),
        flags: &["web"],
        is_demo: true,
        is_temporary: false,
        auto_approves: false,
        phase: Some(PhaseStatus {
            mark: "◐",
            role: ColourRole::Accent,
            label: "streaming",
            elapsed: Some(Duration::from_millis(6_140)),
            counts_seconds: false,
            note: None,
            tokens_per_second: Some(58),
        }),
        hints: STOPS,
        context_percent: Some(2),
        context_tokens: None,
        cost: Some("$0.021"),
        cost_today: Some("$0.36"),
        news: NewsCounts { running: 2, unread: 1, asking: 0 },
        commands_key: "^P",
        help_key: "?",
    };

    fn drawn(status: &StatusLine, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        StatusView { status: *status, theme: &Theme::default() }.render(area, &mut buf);
        test_buffer::buffer_text(&buf).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn a_narrower_line_drops_more_parts() {
        let rows: Vec<String> =
            [160, 124, 110, 100, 80, 60, 40, 30, 20, 10].map(|width| drawn(&STREAMING, width)).into();
        assert_snapshot!(rows.join("\n"), @"
        opus-5 · high · web · demo    ◐ streaming 6.1 s · 58 t/s     Esc stops                    ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ◐2 ●1   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming 6.1 s · 58 t/s     Esc stops       ctx 2%   $0.021   ◐2 ●1   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming 6.1 s    Esc stops   ctx 2%   $0.021   ◐2 ●1   ^P commands  ? keys
        opus-5 · high · web · demo    ◐ streaming 6.1 s    Esc stops       ctx 2%   $0.021   ◐2 ●1   ^P  ?
        opus-5 · high · web · demo    ◐ streaming 6.1 s    Esc stops    $0.021   ◐2 ●1
        opus-5 · demo  ◐ streaming 6.1 s            $0.021   ◐2 ●1
        opus-5  ◐ 6.1 s         $0.021   ◐2 ●1
        opus-5  ◐ 6.1 s        ◐2 ●1
        opus-5  ◐    ◐2 ●1
        opus-5
        ");
    }

    #[test]
    fn at_rest_it_shows_the_model_and_the_cost() {
        let status = StatusLine { phase: None, hints: &[], is_demo: false, news: NewsCounts::default(), ..STREAMING };
        assert_snapshot!(format!("{}\n{}", drawn(&status, 120), drawn(&status, 80)), @"
        opus-5 · high · web                                       ctx ▰▱▱▱▱▱▱▱ 2%   $0.021 · today $0.36   ^P commands  ? keys
        opus-5 · high · web             ctx ▰▱▱▱▱▱▱▱ 2%   $0.021   ^P commands  ? keys
        ");
        let bare =
            StatusLine { effort: None, flags: &[], context_percent: None, cost: None, cost_today: None, ..status };
        assert_eq!(drawn(&bare, 40), " opus-5             ^P commands  ? keys");
    }

    #[test]
    fn what_follows_a_running_clock_does_not_move_and_no_number_has_a_hole() {
        let times = [0, 940, 9_960, 61_300, 99_999, 100_000, 999_900, 1_020_000, 5_940_000];
        let shown = times.map(|milliseconds| format_elapsed(Duration::from_millis(milliseconds)));
        assert_eq!(shown, ["0.0 s", "0.9 s", "9.9 s", "61.3 s", "99.9 s", "100 s", "999 s", "17 min", "99 min"]);
        let rows = times.map(|milliseconds| {
            let phase = STREAMING.phase.map(|phase| PhaseStatus {
                elapsed: Some(Duration::from_millis(milliseconds)),
                tokens_per_second: u32::try_from(milliseconds / 6_000).ok(),
                ..phase
            });
            drawn(&StatusLine { phase, ..STREAMING }, 160)
        });
        let hint_column = |row: &String| row.find("Esc").map(|at| text::width(&row[..at]));
        assert!(rows.iter().all(|row| hint_column(row) == hint_column(&rows[0])), "{rows:#?}");
        assert!(rows[0].contains("streaming 0.0 s · 0 t/s"), "{}", rows[0]);
    }

    #[test]
    fn what_waits_for_the_user_counts_whole_seconds_and_stands_out_as_a_whole() {
        let elapsed = [0, 16_940, 99_999, 100_000, 1_020_000].map(Duration::from_millis);
        assert_eq!(elapsed.map(format_seconds), ["0 s", "16 s", "99 s", "100 s", "17 min"]);
        let phase = PhaseStatus {
            mark: "?",
            role: ColourRole::Warning,
            label: "needs your approval",
            elapsed: Some(elapsed[1]),
            counts_seconds: true,
            note: None,
            tokens_per_second: None,
        };
        let status = StatusLine { phase: Some(phase), ..STREAMING };
        assert!(drawn(&status, 160).contains("? needs your approval 16 s "), "{}", drawn(&status, 160));
        let theme = Theme::bundled("ink").expect("it is bundled");
        let area = Rect::new(0, 0, 160, 1);
        let mut buf = Buffer::empty(area);
        StatusView { status, theme: &theme }.render(area, &mut buf);
        let warned: String = buf
            .content
            .iter()
            .filter(|cell| Some(cell.fg) == theme.style(ColourRole::Warning).fg)
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(warned.contains("needs your approval") && !warned.contains("16"), "{warned}");
    }

    #[test]
    fn what_waits_behind_a_stopped_answer_is_muted() {
        let phase = PhaseStatus {
            mark: "",
            role: ColourRole::Warning,
            label: "stopped",
            elapsed: None,
            counts_seconds: false,
            note: Some("2 queued"),
            tokens_per_second: None,
        };
        let status = StatusLine { phase: Some(phase), ..STREAMING };
        assert!(drawn(&status, 160).contains("stopped · 2 queued"), "{}", drawn(&status, 160));
        assert!(!drawn(&status, 40).contains("queued"), "{}", drawn(&status, 40));
    }

    const READING: StatusLine = StatusLine {
        pane: Some(PaneStatus {
            word: "READING",
            keys: &[
                (Cow::Borrowed("]"), "source"),
                (Cow::Borrowed("r"), "again"),
                (Cow::Borrowed("e"), "edit"),
                (Cow::Borrowed("y"), "copy"),
            ],
        }),
        phase: None,
        hints: &[(Cow::Borrowed("Esc"), "to write")],
        ..STREAMING
    };

    #[test]
    fn a_pane_shows_its_keys_in_place_of_the_model() {
        let rows: Vec<String> = [120, 100, 80, 60, 40].map(|width| drawn(&READING, width)).into();
        assert_snapshot!(rows.join("\n"), @"
        READING  ] source  r again  e edit  y copy   Esc to write               ctx 2%   $0.021 · today $0.36   ◐2 ●1   ? keys
        READING  ] source  r again  e edit  y copy   Esc to write         ctx 2%   $0.021   ◐2 ●1   ? keys
        READING  ] source  r again  y copy   Esc to write      $0.021   ◐2 ●1   ? keys
        READING  ] source   Esc to write        $0.021   ◐2 ●1   ?
        READING   Esc to write           ◐2 ●1
        ");
        let streaming = StatusLine { phase: STREAMING.phase, ..READING };
        assert_snapshot!(drawn(&streaming, 120), @" READING  ] source  r again    ◐ streaming 6.1 s · 58 t/s     Esc to write             ctx 2%   $0.021   ◐2 ●1   ? keys");
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
            model in "[a-c0-9日-]{1,30}", rate in proptest::option::of(0u32..20_000), percent in 0u8..=120, width in 1u16..140,
        ) {
            let phase = PhaseStatus { tokens_per_second: rate, ..STREAMING.phase.expect("it streams") };
            let status = StatusLine { model: &model, phase: Some(phase), context_percent: Some(percent), ..STREAMING };
            let row = drawn(&status, width);
            prop_assert!(text::width(&row) <= usize::from(width), "{row}");
            // An item that is dropped early is only present if all later ones are.
            let order = ["today", " t/s", "commands", "ctx", "^P", "web", "high", "Esc stops", "streaming", "demo", "$0.021", "6.1 s", "◐ ", "●1"];
            let there: Vec<bool> = order.iter().filter(|word| rate.is_some() || **word != " t/s").map(|word| row.contains(word)).collect();
            prop_assert!(there.is_sorted(), "{row}: {there:?}");
            prop_assert!(row.contains(&model) || !there.contains(&true), "{row}");
        }
    }
}
