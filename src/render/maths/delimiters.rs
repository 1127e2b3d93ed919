//! Brackets, roots, rules and braces that are as large as what they surround.

use super::formula_box::{BoxAlign, FormulaBox};
use crate::render::theme::ThemeMarks;

/// The pieces of a tall bracket: its top, its middle (at the baseline), what goes between, and its bottom.
struct TallBracket {
    top: char,
    middle: char,
    between: char,
    bottom: char,
}

const fn bracket(top: char, middle: char, between: char, bottom: char) -> TallBracket {
    TallBracket { top, middle, between, bottom }
}

/// The pieces of a delimiter; `None` if it does not grow.
fn tall_bracket(sign: &str) -> Option<TallBracket> {
    Some(match sign {
        "(" => bracket('⎛', '⎜', '⎜', '⎝'),
        ")" => bracket('⎞', '⎟', '⎟', '⎠'),
        "[" => bracket('⎡', '⎢', '⎢', '⎣'),
        "]" => bracket('⎤', '⎥', '⎥', '⎦'),
        "{" => bracket('⎧', '⎨', '⎪', '⎩'),
        "}" => bracket('⎫', '⎬', '⎪', '⎭'),
        "⌈" => bracket('⎡', '⎢', '⎢', '⎢'),
        "⌉" => bracket('⎤', '⎥', '⎥', '⎥'),
        "⌊" => bracket('⎢', '⎢', '⎢', '⎣'),
        "⌋" => bracket('⎥', '⎥', '⎥', '⎦'),
        "|" | "∣" => bracket('│', '│', '│', '│'),
        "‖" | "∥" => bracket('║', '║', '║', '║'),
        _ => return None,
    })
}

/// Whether a delimiter needs a middle row of its own.
pub(super) fn has_middle(sign: &str) -> bool {
    matches!(sign, "{" | "}")
}

/// A delimiter as high as the box beside it.
pub(super) fn delimiter(sign: &str, height: usize, baseline: usize) -> FormulaBox {
    let Some(tall) = tall_bracket(sign).filter(|_| height > 1) else { return FormulaBox::of_text(sign) };
    let middle = if has_middle(sign) { (height - 1) / 2 } else { usize::MAX };
    let signs = (0..height).map(|row| match row {
        0 => tall.top,
        _ if row + 1 == height => tall.bottom,
        _ if row == middle => tall.middle,
        _ => tall.between,
    });
    FormulaBox::column(signs, baseline)
}

/// Sets a root sign of several rows before its radicand.
pub(super) fn root(radicand: FormulaBox, marks: &ThemeMarks) -> Option<FormulaBox> {
    let (height, baseline) = (radicand.height(), radicand.baseline());
    let rule = FormulaBox::of_text(marks.rule.repeat(radicand.width() + 1));
    let under = FormulaBox::beside(&[FormulaBox::blank(1).with_baseline(0), radicand])?;
    let body = FormulaBox::stacked(&[rule, under], BoxAlign::Left, 1)?;
    let corner = if marks.rule.is_ascii() { '+' } else { '┌' };
    let line = marks.vertical.chars().next().unwrap_or('|');
    let stem = FormulaBox::column(std::iter::once(corner).chain(std::iter::repeat_n(line, height)), baseline + 1);
    let hook = FormulaBox::column((0..=height).map(|row| if row == height { '╲' } else { ' ' }), baseline + 1);
    FormulaBox::beside(&[hook, stem, body])
}

/// An integral sign of three rows.
pub(super) fn integral_sign() -> FormulaBox {
    FormulaBox::column(['⌠', '⎮', '⌡'], 1)
}

/// A brace of this width, over or under a term.
pub(super) fn flat_brace(width: usize, is_over: bool, marks: &ThemeMarks) -> FormulaBox {
    if width < 3 {
        return FormulaBox::of_text(marks.rule.repeat(width.max(1)));
    }
    let (left, right) =
        if is_over { (marks.top_left, marks.top_right) } else { (marks.bottom_left, marks.bottom_right) };
    let tip = match (marks.rule.is_ascii(), is_over) {
        (true, _) => "+",
        (false, true) => "┴",
        (false, false) => "┬",
    };
    let before = (width - 3) / 2;
    let after = width - 3 - before;
    FormulaBox::of_text([left, &marks.rule.repeat(before), tip, &marks.rule.repeat(after), right].concat())
}

/// Draws a frame around a box.
pub(super) fn frame(inside: FormulaBox, marks: &ThemeMarks) -> Option<FormulaBox> {
    let (width, height, baseline) = (inside.width(), inside.height(), inside.baseline());
    let edge = |left: &str, right: &str| FormulaBox::of_text([left, &marks.rule.repeat(width + 2), right].concat());
    let line = marks.vertical.chars().next().unwrap_or('|');
    let side = FormulaBox::column(std::iter::repeat_n(line, height), baseline);
    let middle = FormulaBox::beside(&[side.clone(), FormulaBox::blank(1), inside, FormulaBox::blank(1), side])?;
    let (top, bottom) = (edge(marks.top_left, marks.top_right), edge(marks.bottom_left, marks.bottom_right));
    FormulaBox::stacked(&[top, middle, bottom], BoxAlign::Left, 1)
}
