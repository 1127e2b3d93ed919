//! Sets matrices, cases and aligned lines.

use super::{
    delimiters,
    display::{BoxItem, FormulaSetter, LimitStyle},
    formula_box::{BoxAlign, FormulaBox},
    grid_syntax::{FormulaGrid, GridAlign, GridColumn, GridKind},
    symbols::AtomClass,
};

/// One piece of a grid from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GridBand {
    Row { index: usize, ascent: usize, descent: usize },
    Gap,
    Rule,
}

/// Where a line stands in its grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEdge {
    Left,
    Inner,
    Right,
}

impl GridBand {
    fn height(self) -> usize {
        match self {
            Self::Row { ascent, descent, .. } => ascent + 1 + descent,
            Self::Gap | Self::Rule => 1,
        }
    }
}

impl From<GridAlign> for BoxAlign {
    fn from(align: GridAlign) -> Self {
        match align {
            GridAlign::Left => Self::Left,
            GridAlign::Center => Self::Center,
            GridAlign::Right => Self::Right,
        }
    }
}

impl FormulaSetter<'_> {
    /// Sets a grid; beside a brace, two rows leave room for its middle.
    pub(super) fn grid(&self, grid: &FormulaGrid, is_beside_brace: bool) -> Option<BoxItem> {
        let environment = &grid.environment;
        let cells = self.grid_cells(grid)?;
        let bands = grid_bands(grid, &cells, is_beside_brace);
        let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
        let mut boxes = Vec::new();
        for index in 0..columns {
            let column = environment.column(index);
            if index > 0 || column.has_line_before {
                boxes.extend(self.column_gap(grid, index, column, &bands)?);
            }
            boxes.push(self.grid_column(&cells, index, column.align.into(), &bands)?);
            if column.has_line_after {
                boxes.push(self.separator(1, &bands)?);
                boxes.push(self.column_line(&bands, LineEdge::Right));
            }
        }
        let body = FormulaBox::beside(&boxes)?.with_baseline(middle_row(&bands));
        if environment.open.is_empty() && environment.close.is_empty() {
            return Some(BoxItem::new(body, AtomClass::Ordinary));
        }
        between_delimiters(body, environment.open, environment.close)
    }

    fn grid_cells(&self, grid: &FormulaGrid) -> Option<Vec<Vec<FormulaBox>>> {
        let kind = grid.environment.kind;
        let style = match kind {
            GridKind::Matrix | GridKind::Cases => LimitStyle::Text,
            GridKind::Aligned | GridKind::Gathered | GridKind::Multiline => LimitStyle::Display,
        };
        let set_row = |row: &super::grid_syntax::GridRow| {
            let mut cells: Vec<FormulaBox> = Vec::new();
            let mut last = None;
            for (index, nodes) in row.cells.iter().enumerate() {
                // The second cell of a pair goes on where the first one ends.
                let goes_on = kind == GridKind::Aligned && index % 2 == 1;
                let previous = if goes_on { Some(last.unwrap_or(AtomClass::Ordinary)) } else { None };
                let cell = self.line_after(nodes, style, previous)?;
                last = (!nodes.is_empty()).then_some(cell.last);
                cells.push(cell.content);
            }
            Some(cells)
        };
        let mut rows: Vec<Vec<FormulaBox>> = grid.rows.iter().map(set_row).collect::<Option<_>>()?;
        if kind == GridKind::Multiline {
            spread_lines(&mut rows);
        }
        Some(rows)
    }

    /// Sets one column, with cells of the same width.
    fn grid_column(
        &self,
        cells: &[Vec<FormulaBox>],
        index: usize,
        align: BoxAlign,
        bands: &[GridBand],
    ) -> Option<FormulaBox> {
        let width = cells.iter().filter_map(|row| row.get(index)).map(FormulaBox::width).max().unwrap_or(0);
        let boxes = bands.iter().map(|band| match *band {
            GridBand::Row { index: row, ascent, descent } => {
                let cell = cells[row].get(index).cloned().unwrap_or_else(|| FormulaBox::blank(0));
                let (above, below) = (ascent - cell.baseline(), descent - cell.descent());
                cell.widened(width, align).with_rows_around(above, below)
            }
            GridBand::Gap => FormulaBox::blank(width),
            GridBand::Rule => FormulaBox::of_text(self.marks.rule.repeat(width)),
        });
        stacked(boxes)
    }

    /// What comes before a column.
    fn column_gap(
        &self,
        grid: &FormulaGrid,
        index: usize,
        column: GridColumn,
        bands: &[GridBand],
    ) -> Option<Vec<FormulaBox>> {
        if column.has_line_before {
            let line = self.column_line(bands, if index == 0 { LineEdge::Left } else { LineEdge::Inner });
            let before = (index > 0).then(|| self.separator(1, bands)).into_iter().collect::<Option<Vec<_>>>()?;
            return Some(before.into_iter().chain([line, self.separator(1, bands)?]).collect());
        }
        let width = match grid.environment.kind {
            GridKind::Aligned if index % 2 == 1 => 0,
            GridKind::Aligned => 4,
            GridKind::Matrix | GridKind::Cases | GridKind::Gathered | GridKind::Multiline => 2,
        };
        Some(vec![self.separator(width, bands)?])
    }

    /// The space between two columns, with the rules that cross it.
    fn separator(&self, width: usize, bands: &[GridBand]) -> Option<FormulaBox> {
        let boxes = bands.iter().map(|band| match band {
            GridBand::Rule => FormulaBox::of_text(self.marks.rule.repeat(width)),
            GridBand::Row { .. } | GridBand::Gap => FormulaBox::blank(width).with_rows_around(0, band.height() - 1),
        });
        stacked(boxes)
    }

    /// A line between two columns or at an edge, with its crossings with the rules.
    fn column_line(&self, bands: &[GridBand], edge: LineEdge) -> FormulaBox {
        let line = self.marks.vertical.chars().next().unwrap_or('|');
        let last = bands.len().saturating_sub(1);
        let signs = bands.iter().enumerate().flat_map(|(index, band)| {
            let sign = if *band != GridBand::Rule {
                line
            } else if self.marks.rule.is_ascii() {
                '+'
            } else {
                edge.crossings()[if index == 0 { 0 } else { 1 + usize::from(index == last) }]
            };
            std::iter::repeat_n(sign, band.height())
        });
        FormulaBox::column(signs, 0)
    }
}

impl LineEdge {
    /// The signs where a rule meets the line: at its top, within it, at its bottom.
    fn crossings(self) -> [char; 3] {
        match self {
            Self::Left => ['┌', '├', '└'],
            Self::Inner => ['┬', '┼', '┴'],
            Self::Right => ['┐', '┤', '┘'],
        }
    }
}

/// Sets the pieces of a column; all columns of a grid meet at their first row.
fn stacked(pieces: impl Iterator<Item = FormulaBox>) -> Option<FormulaBox> {
    Some(FormulaBox::stacked(&pieces.collect::<Vec<_>>(), BoxAlign::Left, 0)?.with_baseline(0))
}

/// The rows of a grid, and what comes between them.
fn grid_bands(grid: &FormulaGrid, cells: &[Vec<FormulaBox>], is_beside_brace: bool) -> Vec<GridBand> {
    let mut bands = Vec::new();
    let extent = |row: &[FormulaBox]| {
        let ascent = row.iter().map(FormulaBox::baseline).max().unwrap_or(0);
        (ascent, row.iter().map(FormulaBox::descent).max().unwrap_or(0))
    };
    let environment = &grid.environment;
    let has_brace =
        is_beside_brace || delimiters::has_middle(environment.open) || delimiters::has_middle(environment.close);
    let mut above = None;
    for (index, row) in cells.iter().enumerate() {
        let (ascent, descent) = extent(row);
        let is_tall = ascent + descent > 0;
        if grid.rows[index].has_rule_above {
            bands.push(GridBand::Rule);
        } else if above.is_some_and(|is_above_tall| is_above_tall || is_tall || has_brace && cells.len() == 2) {
            bands.push(GridBand::Gap);
        }
        bands.push(GridBand::Row { index, ascent, descent });
        above = Some(is_tall);
    }
    if grid.ends_with_rule {
        bands.push(GridBand::Rule);
    }
    bands
}

/// The row at which a grid meets its neighbours.
fn middle_row(bands: &[GridBand]) -> usize {
    let height: usize = bands.iter().map(|band| band.height()).sum();
    let rows = bands.iter().filter(|band| matches!(band, GridBand::Row { .. })).count();
    let mut top = 0;
    for band in bands {
        if let GridBand::Row { index, ascent, .. } = *band
            && rows % 2 == 1
            && index == rows / 2
        {
            return top + ascent;
        }
        top += band.height();
    }
    height.saturating_sub(1) / 2
}

/// Moves the last line to the right, and those between to the middle.
fn spread_lines(rows: &mut [Vec<FormulaBox>]) {
    const INDENT: usize = 4;
    let width = rows.iter().flatten().map(FormulaBox::width).max().unwrap_or(0) + INDENT;
    let last = rows.len().saturating_sub(1);
    for (index, line) in rows.iter_mut().enumerate() {
        let align = match index {
            0 => BoxAlign::Left,
            _ if index == last => BoxAlign::Right,
            _ => BoxAlign::Center,
        };
        for cell in line {
            *cell = std::mem::take(cell).widened(width, align);
        }
    }
}

fn between_delimiters(body: FormulaBox, open: &'static str, close: &'static str) -> Option<BoxItem> {
    let (height, baseline) = (body.height(), body.baseline());
    let blank = FormulaBox::blank(usize::from(height > 1));
    let sign = |sign: &str| delimiters::delimiter(sign, height, baseline);
    let mut boxes = vec![body];
    if !open.is_empty() {
        boxes.splice(0..0, [sign(open), blank.clone()]);
    }
    if !close.is_empty() {
        boxes.extend([blank, sign(close)]);
    }
    Some(BoxItem { content: FormulaBox::beside(&boxes)?, first: AtomClass::Open, last: AtomClass::Close })
}
