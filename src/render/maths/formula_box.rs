//! Rows of text as a box with a baseline, which is set beside and above other boxes.

use crate::text::{self, work};

/// Rows of equal width. Beside another box, the rows at their baselines meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FormulaBox {
    rows: Vec<String>,
    width: usize,
    baseline: usize,
}

/// Where a narrower box stands above a wider one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxAlign {
    Left,
    Center,
    Right,
}

/// A larger box is not set: its LaTeX is easier to read.
const MAX_ROWS: usize = 160;
const MAX_WIDTH: usize = 600;

impl FormulaBox {
    pub(super) fn of_text(words: impl Into<String>) -> Self {
        let words = words.into();
        Self { width: text::width(&words), rows: vec![words], baseline: 0 }
    }

    pub(super) fn blank(width: usize) -> Self {
        Self::of_text(" ".repeat(width))
    }

    /// A column of signs of one cell.
    pub(super) fn column(signs: impl IntoIterator<Item = char>, baseline: usize) -> Self {
        let rows: Vec<String> = signs.into_iter().map(String::from).collect();
        let width = rows.first().map_or(0, |sign| text::width(sign));
        Self { rows, width, baseline }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn baseline(&self) -> usize {
        self.baseline
    }

    /// The number of rows below the baseline.
    pub(super) fn descent(&self) -> usize {
        self.height().saturating_sub(self.baseline + 1)
    }

    /// Its text, if that is a single row.
    pub(super) fn as_line(&self) -> Option<&str> {
        match &*self.rows {
            [line] => Some(line),
            _ => None,
        }
    }

    pub(super) fn into_rows(self) -> Vec<String> {
        self.rows
    }

    #[must_use]
    pub(super) fn with_baseline(self, baseline: usize) -> Self {
        Self { baseline: baseline.min(self.rows.len().saturating_sub(1)), ..self }
    }

    /// Adds empty rows at the top and the bottom.
    #[must_use]
    pub(super) fn with_rows_around(mut self, above: usize, below: usize) -> Self {
        let blank = || " ".repeat(self.width);
        let mut rows: Vec<String> = (0..above).map(|_| blank()).collect();
        let under: Vec<String> = (0..below).map(|_| blank()).collect();
        rows.append(&mut self.rows);
        rows.extend(under);
        Self { rows, width: self.width, baseline: self.baseline + above }
    }

    /// Sets boxes side by side, with their baselines in one row; `None` if that is too large.
    pub(super) fn beside(boxes: &[Self]) -> Option<Self> {
        let ascent = boxes.iter().map(|one| one.baseline).max().unwrap_or(0);
        let descent = boxes.iter().map(Self::descent).max().unwrap_or(0);
        let width = boxes.iter().map(|one| one.width).sum();
        let mut rows = vec![String::new(); ascent + 1 + descent];
        if rows.len() > MAX_ROWS || width > MAX_WIDTH {
            return None;
        }
        work::count_steps(rows.len() * width);
        for one in boxes {
            let top = ascent - one.baseline;
            for (nth, row) in rows.iter_mut().enumerate() {
                match nth.checked_sub(top).and_then(|own| one.rows.get(own)) {
                    Some(words) => row.push_str(words),
                    None => row.extend(std::iter::repeat_n(' ', one.width)),
                }
            }
        }
        Some(Self { rows, width, baseline: ascent })
    }

    /// Sets boxes one below the other; the baseline is that of the box with index `base`. `None` if that is too large.
    pub(super) fn stacked(boxes: &[Self], align: BoxAlign, base: usize) -> Option<Self> {
        let width = boxes.iter().map(|one| one.width).max().unwrap_or(0);
        let above: usize = boxes[..base.min(boxes.len())].iter().map(Self::height).sum();
        let baseline = above + boxes.get(base).map_or(0, |one| one.baseline);
        let height: usize = boxes.iter().map(Self::height).sum();
        if height > MAX_ROWS || width > MAX_WIDTH {
            return None;
        }
        work::count_steps(height * width);
        let rows = boxes.iter().flat_map(|one| one.rows.iter().map(|row| pad(row, one.width, width, align))).collect();
        Some(Self { rows, width, baseline })
    }

    /// Makes the box at least this wide.
    #[must_use]
    pub(super) fn widened(self, width: usize, align: BoxAlign) -> Self {
        if width <= self.width {
            return self;
        }
        let rows = self.rows.iter().map(|row| pad(row, self.width, width, align)).collect();
        Self { rows, width, ..self }
    }
}

fn pad(row: &str, from: usize, to: usize, align: BoxAlign) -> String {
    let blank = to.saturating_sub(from);
    let before = match align {
        BoxAlign::Left => 0,
        BoxAlign::Center => blank / 2,
        BoxAlign::Right => blank,
    };
    [&" ".repeat(before), row, &" ".repeat(blank - before)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(rows: &[&str], baseline: usize) -> FormulaBox {
        let rows: Vec<FormulaBox> = rows.iter().map(|row| FormulaBox::of_text(*row)).collect();
        FormulaBox::stacked(&rows, BoxAlign::Center, 0).expect("it is small").with_baseline(baseline)
    }

    #[test]
    fn boxes_meet_at_their_baselines() {
        let sum = FormulaBox::beside(&[FormulaBox::of_text("x = "), boxed(&["a", "───", "b"], 1)]);
        assert_eq!(sum.expect("it is small").into_rows(), ["     a ", "x = ───", "     b "]);
        let deep = FormulaBox::beside(&[boxed(&["1", "2", "3"], 2), boxed(&["a", "b"], 0)]).expect("it is small");
        assert_eq!((deep.baseline(), deep.into_rows()), (2, vec!["1 ".into(), "2 ".into(), "3a".into(), " b".into()]));
    }

    #[test]
    fn wide_characters_take_two_cells() {
        let cases = boxed(&["大于零", "a"], 0);
        assert_eq!((cases.width(), cases.into_rows()), (6, vec!["大于零".to_owned(), "  a   ".to_owned()]));
    }

    #[test]
    fn what_is_too_large_is_not_set() {
        let wide = FormulaBox::of_text("x".repeat(MAX_WIDTH / 2 + 1));
        assert_eq!(FormulaBox::beside(&[wide.clone(), wide]), None);
        let high = FormulaBox::column(std::iter::repeat_n('x', MAX_ROWS), 0);
        assert_eq!(FormulaBox::stacked(&[high.clone(), high], BoxAlign::Left, 0), None);
    }
}
