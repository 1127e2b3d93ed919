//! Draws the welcome screen.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Stylize,
    text::{Line, Span},
    widgets::Widget,
};

use super::{WelcomeChoice, WelcomeScreen};
use crate::{
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
    },
};

/// Draws the welcome screen over the whole terminal, with its own row of keys at the bottom.
pub struct WelcomeView<'a> {
    pub welcome: &'a WelcomeScreen,
    /// The current frame of the spinner that runs while a key or address is tried.
    pub spinner: &'a str,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const LOGO: [&str; 4] = ["▗▖ ▗▖    ▗▖   ▗▖", "▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌", "▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌", "▐▌ ▐▙▄▛  ▐▌▝▙▄█▌"];
const TAGLINE: &str = "Every model in your terminal, every answer with its sources.";
const QUESTION: &str = "How should ibid reach a model?";
/// The width from the gutter to the end of the longest row, in cells.
const MAX_WIDTH: u16 = 84;
const GUTTER_WIDTH: u16 = 2;
/// The column at which the hints of the choices begin.
const HINT_COLUMN: usize = 29;

/// How much is left out on a small screen; each level also leaves out everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TrimLevel {
    Nothing,
    Footnote,
    /// The blank rows between the choices.
    Spacing,
    Logo,
    Tagline,
    Question,
}

enum WelcomeRow<'a> {
    Line(Line<'a>),
    Choice(WelcomeChoice),
    Field,
}

impl WelcomeView<'_> {
    /// Returns the position of the terminal's cursor while the field is open.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let field = self.welcome.field.as_ref().filter(|_| !self.welcome.is_trying)?;
        let body = body_area(screen);
        let rows = self.rows(body);
        let index = rows.iter().position(|row| matches!(row, WelcomeRow::Field))?;
        let row = rows_area(body, rows.len()).rows().nth(index)?;
        field.cursor(without_gutter(row), self.welcome.choice.field_display())
    }

    /// Returns the most complete rows that fit.
    fn rows(&self, body: Rect) -> Vec<WelcomeRow<'_>> {
        let levels = [
            TrimLevel::Nothing,
            TrimLevel::Footnote,
            TrimLevel::Spacing,
            TrimLevel::Logo,
            TrimLevel::Tagline,
            TrimLevel::Question,
        ];
        let width = usize::from(body.width.min(MAX_WIDTH).saturating_sub(GUTTER_WIDTH + 1)).max(1);
        let mut rows = Vec::new();
        for level in levels {
            rows = self.rows_at_level(level, width);
            if rows.len() <= usize::from(body.height) {
                break;
            }
        }
        rows
    }

    fn rows_at_level(&self, level: TrimLevel, width: usize) -> Vec<WelcomeRow<'_>> {
        let (text, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let mut rows = Vec::new();
        let push_wrapped = |rows: &mut Vec<WelcomeRow>, words: &str, style| {
            for piece in text::wrap::wrap(words, WrapOptions { first_width: width, rest_width: width, glued: &[] }) {
                rows.push(WelcomeRow::Line(key_hints::styled_line(words[piece.start..piece.end].to_owned(), style)));
            }
        };
        let blank = || WelcomeRow::Line(Line::default());
        if level < TrimLevel::Logo {
            rows.extend(self.logo().map(WelcomeRow::Line));
            rows.push(blank());
        }
        if level < TrimLevel::Tagline {
            push_wrapped(&mut rows, TAGLINE, text.bold());
            rows.push(blank());
        }
        if self.welcome.field.is_some() {
            self.push_input_rows(&mut rows, &push_wrapped);
        } else {
            if level < TrimLevel::Question {
                push_wrapped(&mut rows, QUESTION, text);
                rows.push(blank());
            }
            for choice in WelcomeChoice::ALL {
                if level < TrimLevel::Spacing && choice != WelcomeChoice::Key {
                    rows.push(blank());
                }
                rows.push(WelcomeRow::Choice(choice));
            }
            if let Some(error) = &self.welcome.error {
                rows.push(blank());
                push_wrapped(&mut rows, &self.error_text(error), self.theme.style(ColourRole::Error));
            }
        }
        if level < TrimLevel::Footnote && width >= 79 {
            rows.extend([blank(), blank()]);
            rows.push(WelcomeRow::Line(Line::from(vec![
                Span::styled(format!("{} ibid., ", self.theme.marks.footnote), muted),
                Span::styled("in the same place", muted).italic(),
                Span::styled(": what a footnote says when the source is the one above.", muted),
            ])));
        }
        rows
    }

    fn push_input_rows(
        &self,
        rows: &mut Vec<WelcomeRow<'_>>,
        push_wrapped: &impl Fn(&mut Vec<WelcomeRow>, &str, ratatui::style::Style),
    ) {
        let (title, example) = match self.welcome.choice {
            WelcomeChoice::Server => {
                ("The address of the server", "Ollama: http://localhost:11434/v1   llama.cpp: http://localhost:8080/v1")
            }
            WelcomeChoice::Key | WelcomeChoice::Demo => (
                "Paste your OpenRouter key",
                "Create it at openrouter.ai/keys; it is saved in a file only you can read.",
            ),
        };
        push_wrapped(rows, title, self.theme.style(ColourRole::Text));
        rows.push(WelcomeRow::Line(Line::default()));
        rows.push(WelcomeRow::Field);
        rows.push(WelcomeRow::Line(Line::default()));
        if self.welcome.is_trying {
            push_wrapped(rows, &format!("{} trying it", self.spinner), self.theme.style(ColourRole::Muted));
        } else if let Some(error) = &self.welcome.error {
            push_wrapped(rows, &self.error_text(error), self.theme.style(ColourRole::Error));
        } else {
            push_wrapped(rows, example, self.theme.style(ColourRole::Muted));
        }
    }

    fn error_text(&self, error: &str) -> String {
        format!("{} {}", self.theme.marks.failed, text::clean(error))
    }

    /// Returns the logo: block characters, or plain letters in ASCII.
    fn logo(&self) -> [Line<'_>; 4] {
        let accent = self.theme.style(ColourRole::Accent);
        if self.theme.marks.bar.is_ascii() {
            return [
                Line::default(),
                key_hints::styled_line("i b i d", accent.bold()),
                Line::default(),
                Line::default(),
            ];
        }
        let mut lines = LOGO.map(|row| key_hints::styled_line(row, accent));
        lines[1].spans.push(Span::styled(format!("  {}", self.theme.marks.footnote), accent));
        lines
    }

    fn draw_choice(&self, choice: WelcomeChoice, row: Rect, buf: &mut Buffer) {
        let is_current = self.welcome.choice == choice;
        if is_current {
            buf.set_style(row, self.theme.style(ColourRole::Raised));
            key_hints::styled_line(self.theme.marks.bar, self.theme.style(ColourRole::Accent)).render(row, buf);
        }
        let style = self.theme.style(ColourRole::Text);
        let row = without_gutter(row);
        let title = format!("{:<width$}", choice.title(), width = HINT_COLUMN - 3);
        let mut spans = vec![
            Span::styled(format!("{}  ", choice as usize + 1), self.theme.style(ColourRole::Accent).bold()),
            Span::styled(title, if is_current { style.bold() } else { style }),
        ];
        // A hint is shown in full, up to its colon, or not at all.
        let room = usize::from(row.width).saturating_sub(HINT_COLUMN);
        let hint = choice.hint();
        let parts = [hint, hint.split_once(": ").map_or("", |(first, _)| first)];
        if let Some(hint) = parts.into_iter().find(|part| text::width(part) <= room) {
            spans.push(Span::styled(hint, self.theme.style(ColourRole::Muted)));
        }
        Line::from(spans).render(row, buf);
    }

    fn draw_keys(&self, row: Rect, buf: &mut Buffer) {
        buf.set_style(row, self.theme.ground_style(ColourRole::Surface));
        let hints = if self.welcome.field.is_some() {
            let labels: [(&[Action], &str); 3] =
                [(&[Action::Accept], "try it"), (&[Action::Back], "back"), (&[Action::Cancel], "quit")];
            self.keymap.hints(KeyContext::Field, &labels)
        } else {
            let labels: [(&[Action], &str); 3] =
                [(&[Action::RowUp, Action::RowDown], "choose"), (&[Action::Accept], "go"), (&[Action::Cancel], "quit")];
            self.keymap.hints(KeyContext::Connect, &labels)
        };
        let edge = 1.min(row.width / 2);
        let row = Rect { x: row.x + edge, width: row.width - 2 * edge, ..row };
        let version = concat!("ibid ", env!("CARGO_PKG_VERSION"));
        let room = usize::from(row.width);
        key_hints::hint_line(&hints, room, self.theme).right_aligned().render(row, buf);
        if room > 50 {
            key_hints::styled_line(version, self.theme.style(ColourRole::Muted)).render(row, buf);
        }
    }
}

impl Widget for WelcomeView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let body = body_area(area);
        let rows = self.rows(body);
        let place = rows_area(body, rows.len());
        for (row, row_area) in rows.into_iter().zip(place.rows()) {
            match row {
                WelcomeRow::Line(line) => line.render(without_gutter(row_area), buf),
                WelcomeRow::Choice(choice) => self.draw_choice(choice, row_area, buf),
                WelcomeRow::Field => {
                    key_hints::styled_line(self.theme.marks.prompt, self.theme.style(ColourRole::Accent))
                        .render(row_area, buf);
                    if let Some(field) = &self.welcome.field {
                        let shows = self.welcome.choice.field_display();
                        field.draw(
                            without_gutter(row_area),
                            shows,
                            self.theme.style(ColourRole::Text),
                            self.theme,
                            buf,
                        );
                    }
                }
            }
        }
        self.draw_keys(Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
    }
}

/// Returns the screen without the row of keys.
fn body_area(screen: Rect) -> Rect {
    Rect { height: screen.height.saturating_sub(1), ..screen }
}

/// Returns the area of this many rows, a little above the middle.
fn rows_area(body: Rect, rows: usize) -> Rect {
    let height = u16::try_from(rows).unwrap_or(u16::MAX).min(body.height);
    let width = MAX_WIDTH.min(body.width);
    let spare = body.height - height;
    Rect { x: body.x + (body.width - width) / 2, y: body.y + (spare / 2).saturating_sub(1), width, height }
}

fn without_gutter(row: Rect) -> Rect {
    let gutter = GUTTER_WIDTH.min(row.width);
    Rect { x: row.x + gutter, width: row.width - gutter, ..row }
}
