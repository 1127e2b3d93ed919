//! Renders a terminal screen as an SVG image.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const MARGIN: f32 = 14.0;

/// The terminal's default colours, where the program sets none.
pub struct DefaultColours {
    pub text: &'static str,
    pub background: &'static str,
}

/// The colours and attributes of a run of cells.
#[derive(PartialEq, Clone)]
struct CellStyle {
    text: String,
    background: String,
    /// Further SVG attributes of the text.
    attributes: String,
}

/// Renders every cell. Each run of one style is one text element, stretched to the width of its cells in any font.
pub fn render_svg(screen: &Screen, palette: &DefaultColours) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f32::from(columns) * WIDTH + 2.0 * MARGIN;
    let height = f32::from(rows) * HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"14\" \
         font-family=\"ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace\">\n"
    );
    // The margin has the background of the page.
    let page = cell_style(screen.cell(0, columns - 1), palette).background;
    let _ = writeln!(svg, "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{page}\"/>");
    for row in 0..rows {
        for run in styled_runs(screen, row, columns, palette) {
            run.draw(row, &page, &mut svg);
        }
    }
    svg + "</svg>\n"
}

/// Adjacent cells of one style.
struct StyledRun {
    column: u16,
    cells: u16,
    text: String,
    style: CellStyle,
}

fn styled_runs(screen: &Screen, row: u16, columns: u16, palette: &DefaultColours) -> Vec<StyledRun> {
    let mut runs: Vec<StyledRun> = Vec::new();
    for column in 0..columns {
        let cell = screen.cell(row, column);
        let style = cell_style(cell, palette);
        let text = match cell {
            Some(cell) if cell.is_wide_continuation() => "",
            Some(cell) if cell.has_contents() => cell.contents(),
            _ => " ",
        };
        match runs.last_mut() {
            // Text that is not ASCII is separate, so that no font can shift its neighbours.
            Some(run) if run.style == style && (run.text.is_ascii() && text.is_ascii() || run.extends_line(text)) => {
                run.text += text;
                run.cells += 1;
            }
            Some(run) if text.is_empty() => run.cells += 1,
            _ => runs.push(StyledRun { column, cells: 1, text: text.into(), style }),
        }
    }
    runs
}

impl StyledRun {
    fn extends_line(&self, text: &str) -> bool {
        text == "─" && self.text.ends_with(text)
    }

    /// The shape to draw for lines and bars, because in most fonts they are shorter than a row: left, top, width and
    /// height in cells.
    fn shape(&self) -> Option<[f32; 4]> {
        match self.text.chars().next() {
            Some('│') => Some([0.45, 0.0, 0.1, 1.0]),
            Some('▌') => Some([0.0, 0.0, 0.5, 1.0]),
            Some('▏') => Some([0.0, 0.0, 0.125, 1.0]),
            Some('─') => Some([0.0, 0.47, f32::from(self.cells), 0.06]),
            _ => None,
        }
    }

    fn draw(&self, row: u16, page: &str, svg: &mut String) {
        let x = MARGIN + f32::from(self.column) * WIDTH;
        let y = MARGIN + f32::from(row) * HEIGHT;
        let width = f32::from(self.cells) * WIDTH;
        if self.style.background != page {
            let fill = &self.style.background;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>"
            );
        }
        if let Some([left, top, width, height]) = self.shape() {
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                x + left * WIDTH,
                y + top * HEIGHT,
                width * WIDTH,
                height * HEIGHT,
                self.style.text
            );
            return;
        }
        let text = self.text.trim_end();
        if text.trim_start().is_empty() {
            return;
        }
        let indent = cells_width(text.len() - text.trim_start().len());
        let text = text.trim_start();
        let x = x + indent;
        let length = if text.is_ascii() { cells_width(text.len()) } else { width };
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{}",
            y + HEIGHT * 0.75,
            self.style.text,
            self.style.attributes
        );
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(svg, " xml:space=\"preserve\">{escaped}</text>");
    }
}

/// The width of `count` cells.
fn cells_width(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX)) * WIDTH
}

fn cell_style(cell: Option<&Cell>, palette: &DefaultColours) -> CellStyle {
    let Some(cell) = cell else {
        return CellStyle {
            text: palette.text.into(),
            background: palette.background.into(),
            attributes: String::new(),
        };
    };
    let (mut text, mut background) =
        (colour_hex(cell.fgcolor(), palette.text), colour_hex(cell.bgcolor(), palette.background));
    if cell.inverse() {
        std::mem::swap(&mut text, &mut background);
    }
    let attributes = [
        (cell.bold(), " font-weight=\"bold\""),
        (cell.dim(), " opacity=\"0.6\""),
        (cell.italic(), " font-style=\"italic\""),
        (cell.underline(), " text-decoration=\"underline\""),
    ];
    CellStyle {
        text,
        background,
        attributes: attributes.into_iter().filter(|(on, _)| *on).map(|(_, mark)| mark).collect(),
    }
}

/// A colour in hexadecimal; the first sixteen as in xterm.
fn colour_hex(colour: Color, default: &str) -> String {
    const XTERM_COLOURS: [&str; 16] = [
        "#000000", "#cd3131", "#0dbc79", "#c9b458", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5", "#666666", "#f14c4c",
        "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
    ];
    match colour {
        Color::Default => default.into(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Idx(index @ 0..16) => XTERM_COLOURS[usize::from(index)].into(),
        Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}
