//! Parses matrices, cases and aligned lines.

use super::syntax::{CellEnd, FormulaNode, GroupEnd, LatexParser};

/// Cells in rows and columns.
#[derive(Debug, Clone)]
pub(super) struct FormulaGrid {
    pub environment: GridEnvironment,
    pub rows: Vec<GridRow>,
    /// Whether a rule is drawn below the last row.
    pub ends_with_rule: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct GridRow {
    pub cells: Vec<Vec<FormulaNode>>,
    pub has_rule_above: bool,
}

/// What an environment makes of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridEnvironment {
    pub kind: GridKind,
    /// Its delimiters, or nothing.
    pub open: &'static str,
    pub close: &'static str,
    /// The columns of an array; the last one goes on for all that follow.
    pub columns: Vec<GridColumn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GridKind {
    Matrix,
    Cases,
    /// Pairs of columns that meet at a relation.
    Aligned,
    /// Lines one below the other.
    Gathered,
    /// The first line at the left, the last at the right.
    Multiline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GridColumn {
    pub align: GridAlign,
    pub has_line_before: bool,
    pub has_line_after: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GridAlign {
    Left,
    Center,
    Right,
}

/// What is read after the name of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EnvironmentArgument {
    Nothing,
    /// `[r]`.
    Alignment,
    /// `{cc|c}`.
    Columns,
    /// `{2}`, which says nothing here.
    Count,
}

/// The most columns and rows of a grid.
const MAX_COLUMNS: usize = 64;
const MAX_ROWS: usize = 128;

impl GridColumn {
    const fn of(align: GridAlign) -> Self {
        Self { align, has_line_before: false, has_line_after: false }
    }
}

impl GridEnvironment {
    fn new(kind: GridKind, open: &'static str, close: &'static str, aligns: &[GridAlign]) -> Self {
        Self { kind, open, close, columns: aligns.iter().copied().map(GridColumn::of).collect() }
    }

    pub(super) fn aligned() -> Self {
        Self::new(GridKind::Aligned, "", "", &[])
    }

    pub(super) fn gathered() -> Self {
        Self::new(GridKind::Gathered, "", "", &[GridAlign::Center])
    }

    fn matrix(open: &'static str, close: &'static str) -> Self {
        Self::new(GridKind::Matrix, open, close, &[GridAlign::Center])
    }

    /// The environment of this name, which has no star at its end.
    fn named(name: &str) -> Option<(Self, EnvironmentArgument)> {
        use EnvironmentArgument::{Alignment, Columns, Count, Nothing};
        let left = [GridAlign::Left];
        Some(match name {
            "matrix" | "smallmatrix" => (Self::matrix("", ""), Alignment),
            "pmatrix" | "psmallmatrix" => (Self::matrix("(", ")"), Alignment),
            "bmatrix" | "bsmallmatrix" => (Self::matrix("[", "]"), Alignment),
            "Bmatrix" | "Bsmallmatrix" => (Self::matrix("{", "}"), Alignment),
            "vmatrix" | "vsmallmatrix" => (Self::matrix("|", "|"), Alignment),
            "Vmatrix" | "Vsmallmatrix" => (Self::matrix("‖", "‖"), Alignment),
            "array" => (Self::matrix("", ""), Columns),
            "subarray" => (Self::gathered(), Columns),
            "cases" | "dcases" => (Self::new(GridKind::Cases, "{", "", &left), Nothing),
            "rcases" | "drcases" => (Self::new(GridKind::Cases, "", "}", &left), Nothing),
            "align" | "aligned" | "split" | "flalign" => (Self::aligned(), Alignment),
            "alignat" | "alignedat" | "xalignat" => (Self::aligned(), Count),
            "eqnarray" => {
                let columns = [GridAlign::Right, GridAlign::Center, GridAlign::Left];
                (Self::new(GridKind::Matrix, "", "", &columns), Nothing)
            }
            "gather" | "gathered" | "equation" | "displaymath" | "math" | "subequations" => {
                (Self::gathered(), Alignment)
            }
            "multline" | "multlined" => (Self::new(GridKind::Multiline, "", "", &left), Nothing),
            _ => return None,
        })
    }

    /// The column of this index.
    pub(super) fn column(&self, index: usize) -> GridColumn {
        let pair = [GridAlign::Right, GridAlign::Left][index % 2];
        match self.kind {
            GridKind::Aligned => GridColumn::of(pair),
            GridKind::Matrix | GridKind::Cases | GridKind::Gathered | GridKind::Multiline => {
                let last = self.columns.last().copied().unwrap_or(GridColumn::of(GridAlign::Left));
                let repeated = if self.columns.len() > 1 { GridColumn::of(last.align) } else { last };
                self.columns.get(index).copied().unwrap_or(repeated)
            }
        }
    }
}

/// Whether an environment of this name is known.
pub(crate) fn is_environment(name: &str) -> bool {
    GridEnvironment::named(name.trim_end_matches('*')).is_some()
}

/// Whether an environment of this name has lines of its own, also within a paragraph.
pub(crate) fn is_display_environment(name: &str) -> bool {
    matches!(
        name.trim_end_matches('*'),
        "align"
            | "alignat"
            | "flalign"
            | "gather"
            | "multline"
            | "equation"
            | "eqnarray"
            | "displaymath"
            | "subequations"
    )
}

impl LatexParser<'_> {
    /// Parses an environment after `\begin`.
    pub(super) fn environment(&mut self, nodes: &mut Vec<FormulaNode>) -> Option<()> {
        let name = self.text_argument()?;
        let (mut environment, argument) = GridEnvironment::named(name.trim_end_matches('*'))?;
        match argument {
            EnvironmentArgument::Nothing => (),
            EnvironmentArgument::Count => {
                self.text_argument()?;
            }
            EnvironmentArgument::Columns => {
                self.bracketed_word();
                environment.columns = columns_of(self.text_argument()?)?;
            }
            EnvironmentArgument::Alignment => {
                let align = self.bracketed_word().and_then(columns_of);
                if let Some(columns) = align.filter(|_| environment.kind == GridKind::Matrix) {
                    environment.columns = columns;
                }
            }
        }
        let grid = self.grid(environment, GroupEnd::Cell)?;
        if self.text_argument()? != name {
            return None;
        }
        match one_cell(grid) {
            Ok(cell) => nodes.extend(cell),
            Err(grid) => nodes.push(FormulaNode::Grid(grid)),
        }
        Some(())
    }

    /// Parses the cells of a grid up to its end.
    pub(super) fn grid(&mut self, environment: GridEnvironment, end: GroupEnd) -> Option<FormulaGrid> {
        let mut grid = FormulaGrid { environment, rows: Vec::new(), ends_with_rule: false };
        let mut row = GridRow { has_rule_above: self.skip_rules()?, cells: Vec::new() };
        loop {
            row.cells.push(self.nodes(end)?);
            match self.cell_end {
                CellEnd::Column if row.cells.len() < MAX_COLUMNS => (),
                CellEnd::Row if grid.rows.len() < MAX_ROWS => {
                    grid.rows.push(std::mem::take(&mut row));
                    row.has_rule_above = self.skip_rules()?;
                }
                CellEnd::Grid => break,
                CellEnd::Column | CellEnd::Row => return None,
            }
        }
        // `\\` may stand behind the last row.
        if row.cells.iter().all(Vec::is_empty) && !grid.rows.is_empty() {
            grid.ends_with_rule = row.has_rule_above;
        } else {
            grid.rows.push(row);
        }
        Some(grid)
    }

    /// Skips the rules before a row; returns whether there are any.
    fn skip_rules(&mut self) -> Option<bool> {
        let mut has_rule = false;
        loop {
            let rest = self.rest.trim_start();
            let Some(command) = rest.strip_prefix('\\') else { return Some(has_rule) };
            let letters = command.bytes().take_while(u8::is_ascii_alphabetic).count();
            match &command[..letters] {
                "hline" | "hdashline" | "toprule" | "midrule" | "bottomrule" => {
                    self.rest = &command[letters..];
                    has_rule = true;
                }
                "cline" => {
                    self.rest = &command[letters..];
                    self.text_argument()?;
                }
                _ => return Some(has_rule),
            }
        }
    }

    /// Skips `*` and `[4pt]` behind the end of a row.
    pub(super) fn skip_row_spacing(&mut self) {
        self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
        let Some(inside) = self.rest.trim_start().strip_prefix('[') else { return };
        let Some((size, rest)) = inside.split_once(']') else { return };
        let unit =
            size.trim().trim_start_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | '-' | ' '));
        if matches!(unit, "pt" | "em" | "ex" | "mm" | "cm" | "in" | "bp" | "mu" | r"\baselineskip" | r"\jot") {
            self.rest = rest;
        }
    }

    /// Reads a word such as `[t]` or `[r]`, if it is there.
    fn bracketed_word(&mut self) -> Option<&str> {
        let (word, rest) = self.rest.trim_start().strip_prefix('[')?.split_once(']')?;
        if word.len() > 8 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        self.rest = rest;
        Some(word)
    }
}

/// What an environment with a single cell and nothing around it contains.
fn one_cell(mut grid: FormulaGrid) -> Result<Vec<FormulaNode>, FormulaGrid> {
    let is_plain = grid.environment.kind != GridKind::Cases && grid.environment.open.is_empty();
    match &mut *grid.rows {
        [row] if is_plain && row.cells.len() == 1 && !row.has_rule_above && !grid.ends_with_rule => {
            Ok(std::mem::take(&mut row.cells[0]))
        }
        _ => Err(grid),
    }
}

/// Parses the columns of an array, such as `r|cc`; `None` if they are not understood.
fn columns_of(letters: &str) -> Option<Vec<GridColumn>> {
    let mut columns: Vec<GridColumn> = Vec::new();
    let mut has_line = false;
    for letter in letters.chars() {
        let align = match letter {
            'l' => GridAlign::Left,
            'c' => GridAlign::Center,
            'r' => GridAlign::Right,
            '|' | ':' => {
                has_line = true;
                continue;
            }
            ' ' => continue,
            _ => return None,
        };
        let has_line_before = std::mem::take(&mut has_line);
        columns.push(GridColumn { align, has_line_before, has_line_after: false });
    }
    columns.last_mut()?.has_line_after = has_line;
    Some(columns)
}
