//! Draws the welcome screen.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Stylize,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Choice, Welcome};
use crate::{
    text::{self, wrap::Measure},
    widgets::{
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// The welcome over the whole screen, with its own row of keys at the bottom.
pub struct WelcomeView<'a> {
    pub welcome: &'a Welcome,
    /// The step of the spinner, while what was typed is tried.
    pub spinner: &'a str,
    pub theme: &'a Theme,
    /// Empty where no key leaves the program.
    pub quit_key: &'a str,
}

const LOGO: [&str; 4] = ["▗▖ ▗▖    ▗▖   ▗▖", "▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌", "▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌", "▐▌ ▐▙▄▛  ▐▌▝▙▄█▌"];
const TAGLINE: &str = "Every model in your terminal, every answer with its sources.";
const QUESTION: &str = "How shall ibid reach a model?";
/// From the gutter to the end of the longest row.
const WIDTH: u16 = 84;
const GUTTER: u16 = 2;
/// Where the hints of the choices begin.
const HINTS: usize = 29;

/// What may be left out where there are not rows enough, the first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Without {
    Nothing,
    Footnote,
    Air,
    Logo,
    Tagline,
    Question,
}

enum Row<'a> {
    Line(Line<'a>),
    Choice(Choice),
    Field,
}

impl WelcomeView<'_> {
    /// Where the terminal's cursor stands while something is typed.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let field = self.welcome.field.as_ref().filter(|_| !self.welcome.trying)?;
        let body = body(screen);
        let rows = self.rows(body);
        let at = rows.iter().position(|row| matches!(row, Row::Field))?;
        let row = placed(body, rows.len()).rows().nth(at)?;
        field.cursor(behind_gutter(row), self.welcome.choice.shows())
    }

    /// The fullest rows that fit.
    fn rows(&self, body: Rect) -> Vec<Row<'_>> {
        let all =
            [Without::Nothing, Without::Footnote, Without::Air, Without::Logo, Without::Tagline, Without::Question];
        let width = usize::from(body.width.min(WIDTH).saturating_sub(GUTTER + 1)).max(1);
        let mut rows = Vec::new();
        for without in all {
            rows = self.rows_without(without, width);
            if rows.len() <= usize::from(body.height) {
                break;
            }
        }
        rows
    }

    fn rows_without(&self, without: Without, width: usize) -> Vec<Row<'_>> {
        let (text, muted) = (self.theme.style(Role::Text), self.theme.style(Role::Muted));
        let mut rows = Vec::new();
        let wrapped = |rows: &mut Vec<Row>, words: &str, style| {
            for piece in text::wrap::wrap(words, Measure { first: width, rest: width, glued: &[] }) {
                rows.push(Row::Line(words::run(words[piece.start..piece.end].to_owned(), style)));
            }
        };
        let blank = || Row::Line(Line::default());
        if without < Without::Logo {
            rows.extend(self.logo().map(Row::Line));
            rows.push(blank());
        }
        if without < Without::Tagline {
            wrapped(&mut rows, TAGLINE, text.bold());
            rows.push(blank());
        }
        if self.welcome.field.is_some() {
            self.typing(&mut rows, &wrapped);
        } else {
            if without < Without::Question {
                wrapped(&mut rows, QUESTION, text);
                rows.push(blank());
            }
            for choice in Choice::ALL {
                if without < Without::Air && choice != Choice::Key {
                    rows.push(blank());
                }
                rows.push(Row::Choice(choice));
            }
            if let Some(error) = &self.welcome.error {
                rows.push(blank());
                wrapped(&mut rows, &self.complaint(error), self.theme.style(Role::Error));
            }
        }
        if without < Without::Footnote && width >= 79 {
            rows.extend([blank(), blank()]);
            rows.push(Row::Line(Line::from(vec![
                Span::styled(format!("{} ibid., ", self.theme.marks.footnote), muted),
                Span::styled("in the same place", muted).italic(),
                Span::styled(": what a footnote says when the source is the one above.", muted),
            ])));
        }
        rows
    }

    fn typing(&self, rows: &mut Vec<Row<'_>>, wrapped: &impl Fn(&mut Vec<Row>, &str, ratatui::style::Style)) {
        let (title, example) = match self.welcome.choice {
            Choice::Server => {
                ("The address of the server", "Ollama: http://localhost:11434/v1   llama.cpp: http://localhost:8080/v1")
            }
            Choice::Key | Choice::Demo => (
                "Paste your OpenRouter key",
                "It is made at openrouter.ai/keys and kept in a file that only you can read.",
            ),
        };
        wrapped(rows, title, self.theme.style(Role::Text));
        rows.push(Row::Line(Line::default()));
        rows.push(Row::Field);
        rows.push(Row::Line(Line::default()));
        if self.welcome.trying {
            wrapped(rows, &format!("{} trying it", self.spinner), self.theme.style(Role::Muted));
        } else if let Some(error) = &self.welcome.error {
            wrapped(rows, &self.complaint(error), self.theme.style(Role::Error));
        } else {
            wrapped(rows, example, self.theme.style(Role::Muted));
        }
    }

    fn complaint(&self, error: &str) -> String {
        format!("{} {}", self.theme.marks.failed, text::clean(error))
    }

    /// In blocks; in ASCII it is a word.
    fn logo(&self) -> [Line<'_>; 4] {
        let accent = self.theme.style(Role::Accent);
        if self.theme.marks.bar.is_ascii() {
            return [Line::default(), words::run("i b i d", accent.bold()), Line::default(), Line::default()];
        }
        let mut lines = LOGO.map(|row| words::run(row, accent));
        lines[1].spans.push(Span::styled(format!("  {}", self.theme.marks.footnote), accent));
        lines
    }

    fn choice(&self, choice: Choice, row: Rect, buf: &mut Buffer) {
        let current = self.welcome.choice == choice;
        if current {
            buf.set_style(row, self.theme.style(Role::Raised));
            words::run(self.theme.marks.bar, self.theme.style(Role::Accent)).render(row, buf);
        }
        let style = self.theme.style(Role::Text);
        let row = behind_gutter(row);
        let title = format!("{:<width$}", choice.title(), width = HINTS - 3);
        let mut spans = vec![
            Span::styled(format!("{}  ", choice as usize + 1), self.theme.style(Role::Accent).bold()),
            Span::styled(title, if current { style.bold() } else { style }),
        ];
        // A hint is there whole, to its colon, or not at all.
        let room = usize::from(row.width).saturating_sub(HINTS);
        let hint = choice.hint();
        let parts = [hint, hint.split_once(": ").map_or("", |(first, _)| first)];
        if let Some(hint) = parts.into_iter().find(|part| text::width(part) <= room) {
            spans.push(Span::styled(hint, self.theme.style(Role::Muted)));
        }
        Line::from(spans).render(row, buf);
    }

    fn keys(&self, row: Rect, buf: &mut Buffer) {
        buf.set_style(row, self.theme.ground(Role::Surface));
        let marks = &self.theme.marks;
        let hints: &[Hint] = if self.welcome.field.is_some() {
            &[(marks.enter, "try it"), ("esc", "back"), (self.quit_key, "quit")]
        } else {
            &[(marks.up_down, "choose"), (marks.enter, "go"), (self.quit_key, "quit")]
        };
        let edge = 1.min(row.width / 2);
        let row = Rect { x: row.x + edge, width: row.width - 2 * edge, ..row };
        let version = concat!("ibid ", env!("CARGO_PKG_VERSION"));
        let room = usize::from(row.width);
        words::keys(hints, room, self.theme).right_aligned().render(row, buf);
        if room > 50 {
            words::run(version, self.theme.style(Role::Muted)).render(row, buf);
        }
    }
}

impl Widget for WelcomeView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let body = body(area);
        let rows = self.rows(body);
        let place = placed(body, rows.len());
        for (row, at) in rows.into_iter().zip(place.rows()) {
            match row {
                Row::Line(line) => line.render(behind_gutter(at), buf),
                Row::Choice(choice) => self.choice(choice, at, buf),
                Row::Field => {
                    words::run(self.theme.marks.prompt, self.theme.style(Role::Accent)).render(at, buf);
                    if let Some(field) = &self.welcome.field {
                        let shows = self.welcome.choice.shows();
                        field.draw(behind_gutter(at), shows, self.theme.style(Role::Text), self.theme, buf);
                    }
                }
            }
        }
        self.keys(Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
    }
}

/// The screen without the row of keys.
fn body(screen: Rect) -> Rect {
    Rect { height: screen.height.saturating_sub(1), ..screen }
}

/// In the middle, a little above it.
fn placed(body: Rect, rows: usize) -> Rect {
    let height = u16::try_from(rows).unwrap_or(u16::MAX).min(body.height);
    let width = WIDTH.min(body.width);
    let spare = body.height - height;
    Rect { x: body.x + (body.width - width) / 2, y: body.y + (spare / 2).saturating_sub(1), width, height }
}

fn behind_gutter(row: Rect) -> Rect {
    let gutter = GUTTER.min(row.width);
    Rect { x: row.x + gutter, width: row.width - gutter, ..row }
}
