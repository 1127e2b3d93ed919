//! Sets a formula in one line of text.
//!
//! A script without a Unicode form is written in brackets after its operator, `e^(−x²)`, as in Unicode Technical Note 28.

use std::borrow::Cow;

use super::{
    grid_syntax::{FormulaGrid, GridKind},
    symbols::{self, AtomClass},
    syntax::{FormulaAtom, FormulaNode, FormulaScript, FractionKind},
};
use crate::text;

/// Whether symbols are spaced, as in a line, or close together, as in a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FormulaSpacing {
    Wide,
    Close,
}

/// Returns the text of a formula; `None` if it cannot be set in one line. A line break becomes a line end.
pub(super) fn set_in_line(nodes: &[FormulaNode], spacing: FormulaSpacing) -> Option<String> {
    Some(join(&atoms_of(nodes)?, spacing))
}

pub(super) fn atoms_of(nodes: &[FormulaNode]) -> Option<Vec<FormulaAtom>> {
    let mut atoms = Vec::new();
    nodes.iter().try_for_each(|node| push_atoms(node, &mut atoms))?;
    Some(atoms)
}

impl FormulaAtom {
    /// Puts a fraction in brackets, so that the next symbol applies to all of it.
    fn parenthesize(&mut self) {
        if self.class == AtomClass::Fraction {
            *self = Self::new(format!("({})", self.text), AtomClass::Ordinary);
        }
    }
}

pub(super) fn push_atoms(node: &FormulaNode, atoms: &mut Vec<FormulaAtom>) -> Option<()> {
    let close = |nodes: &[FormulaNode]| set_in_line(nodes, FormulaSpacing::Close);
    let atom = match node {
        FormulaNode::Atom(atom) => atom.clone(),
        FormulaNode::LineBreak => FormulaAtom::new("\n", AtomClass::Space),
        FormulaNode::Group(body) | FormulaNode::Boxed(body) => merge_atoms(&atoms_of(body)?),
        FormulaNode::Scripted { base, scripts, .. } => return push_scripted(base.as_deref(), scripts, atoms),
        FormulaNode::Fraction { top, bottom, kind } => fraction(top, bottom, *kind)?,
        FormulaNode::Root { degree, radicand } => root(degree, radicand)?,
        FormulaNode::Fenced { open, parts } => return push_fenced(open, parts, atoms),
        FormulaNode::Accented { mark, base } => FormulaAtom::new(accented(*mark, base)?, AtomClass::Ordinary),
        FormulaNode::Negated(body) => FormulaAtom::new(symbols::negate(&close(body)?), AtomClass::Relation),
        FormulaNode::Letters { alphabet, body } => styled_letters(alphabet, body)?,
        FormulaNode::Function(body) => FormulaAtom::new(close(body)?, AtomClass::Function),
        FormulaNode::Modulus(body) => {
            FormulaAtom::new(format!(" (mod {})", set_in_line(body, FormulaSpacing::Wide)?), AtomClass::Space)
        }
        FormulaNode::LongArrow { head, above, below } if below.is_empty() => {
            let label = close(above)?;
            let arrow = if *head == '→' { format!("─{label}→") } else { format!("←{label}─") };
            FormulaAtom::new(arrow, AtomClass::Relation)
        }
        FormulaNode::Phantom(body) => FormulaAtom::new(" ".repeat(text::width(&close(body)?)), AtomClass::Space),
        FormulaNode::Grid(grid) => grid_in_line(grid)?,
        FormulaNode::Brace { .. } | FormulaNode::Stacked { .. } | FormulaNode::LongArrow { .. } => return None,
    };
    atoms.push(atom);
    Some(())
}

/// Adds a symbol with its scripts, which belong to the last symbol of what they stand behind.
fn push_scripted(base: Option<&FormulaNode>, scripts: &[FormulaScript], atoms: &mut Vec<FormulaAtom>) -> Option<()> {
    let before = atoms.len();
    match base {
        Some(FormulaNode::Brace { .. }) => return None,
        Some(base) => push_atoms(base, atoms)?,
        None => (),
    }
    if atoms.len() == before {
        atoms.push(FormulaAtom::new("", AtomClass::Ordinary));
    }
    let symbol = atoms.last_mut()?;
    for script in scripts {
        symbol.parenthesize();
        match script {
            FormulaScript::Prime => symbol.text.push('′'),
            FormulaScript::Raised(body) => symbol.text.push_str(&script_in_line(body, true)?),
            FormulaScript::Lowered(body) => symbol.text.push_str(&script_in_line(body, false)?),
        }
    }
    Some(())
}

fn script_in_line(body: &[FormulaNode], raised: bool) -> Option<String> {
    let text = set_in_line(body, FormulaSpacing::Close)?;
    if let Some(small) = symbols::unicode_script(&text, raised) {
        return Some(small);
    }
    Some(symbols::marked_script(&text, raised))
}

fn push_fenced(open: &str, parts: &[(Vec<FormulaNode>, String)], atoms: &mut Vec<FormulaAtom>) -> Option<()> {
    let push_sign = |sign: &str, atoms: &mut Vec<FormulaAtom>| {
        if !sign.is_empty() {
            atoms.push(FormulaAtom::from_symbol(sign));
        }
    };
    push_sign(open, atoms);
    for (body, close) in parts {
        body.iter().try_for_each(|node| push_atoms(node, atoms))?;
        push_sign(close, atoms);
    }
    Some(())
}

fn fraction(top: &[FormulaNode], bottom: &[FormulaNode], kind: FractionKind) -> Option<FormulaAtom> {
    let (numerator, denominator) = (atoms_of(top)?, atoms_of(bottom)?);
    let (top, bottom) = (join(&numerator, FormulaSpacing::Wide), join(&denominator, FormulaSpacing::Wide));
    match kind {
        FractionKind::Bar => (),
        FractionKind::Binomial => {
            return Some(FormulaAtom::new(format!("({top} choose {bottom})"), AtomClass::Ordinary));
        }
        FractionKind::Bare => return None,
    }
    if let Some(sign) = symbols::unicode_fraction(&top, &bottom) {
        return Some(FormulaAtom::new(sign, AtomClass::Ordinary));
    }
    let top = if top.contains([' ', '/']) && !is_single_term(&numerator) { format!("({top})") } else { top };
    let bottom = if is_single_term(&denominator) { bottom } else { format!("({bottom})") };
    Some(FormulaAtom::new(format!("{top}/{bottom}"), AtomClass::Fraction))
}

fn root(degree: &[FormulaNode], radicand: &[FormulaNode]) -> Option<FormulaAtom> {
    let degree = set_in_line(degree, FormulaSpacing::Close)?;
    let sign = match degree.as_str() {
        "" | "2" => "√".to_owned(),
        "3" => "∛".to_owned(),
        "4" => "∜".to_owned(),
        _ => format!("{}√", symbols::unicode_script(&degree, true)?),
    };
    let radicand = atoms_of(radicand)?;
    let text = join(&radicand, FormulaSpacing::Wide);
    let is_bare = is_single_term(&radicand) && !has_inline_script(&text);
    Some(FormulaAtom::new(if is_bare { sign + &text } else { format!("{sign}({text})") }, AtomClass::Ordinary))
}

fn styled_letters(alphabet: &str, body: &[FormulaNode]) -> Option<FormulaAtom> {
    let plain = set_in_line(body, FormulaSpacing::Close)?;
    let styled = |char: char| {
        if char.is_ascii_alphanumeric() { symbols::styled_letter(alphabet, char) } else { Some(char.into()) }
    };
    Some(FormulaAtom::new(plain.chars().map(styled).collect::<Option<String>>()?, AtomClass::Ordinary))
}

/// Puts an accent on one letter, or a line over, under or through several.
fn accented(mark: char, base: &[FormulaNode]) -> Option<String> {
    let base = set_in_line(base, FormulaSpacing::Close)?;
    let letters = text::clusters(&base).count();
    if letters == 0 || letters > 1 && !matches!(mark, '\u{305}' | '\u{332}' | '\u{338}') {
        return None;
    }
    Some(text::clusters(&base).flat_map(|cluster| cluster.chars().chain([mark])).collect())
}

/// Sets a matrix as `(a, b; c, d)` and cases as `{a if b; c otherwise`. Aligned lines need rows of their own.
fn grid_in_line(grid: &FormulaGrid) -> Option<FormulaAtom> {
    let environment = &grid.environment;
    let separator = match environment.kind {
        GridKind::Matrix => ", ",
        GridKind::Cases => " ",
        GridKind::Aligned if grid.rows.len() == 1 => return aligned_row(&grid.rows[0].cells),
        GridKind::Aligned | GridKind::Gathered | GridKind::Multiline => return None,
    };
    let row = |cells: &[Vec<FormulaNode>]| {
        let cells: Option<Vec<String>> = cells.iter().map(|cell| set_in_line(cell, FormulaSpacing::Wide)).collect();
        Some(cells?.join(separator))
    };
    let rows: Option<Vec<String>> = grid.rows.iter().map(|line| row(&line.cells)).collect();
    let text = format!("{}{}{}", environment.open, rows?.join("; "), environment.close);
    (!text.contains('\n')).then(|| FormulaAtom::new(text, AtomClass::Ordinary))
}

/// The columns of an only line meet without a gap.
fn aligned_row(cells: &[Vec<FormulaNode>]) -> Option<FormulaAtom> {
    let mut atoms = Vec::new();
    cells.iter().flatten().try_for_each(|node| push_atoms(node, &mut atoms))?;
    Some(merge_atoms(&atoms))
}

/// Makes one atom of a group, so that its parts do not affect the spacing around it.
fn merge_atoms(atoms: &[FormulaAtom]) -> FormulaAtom {
    match atoms {
        [one] => one.clone(),
        _ => FormulaAtom::new(join(atoms, FormulaSpacing::Wide), AtomClass::Ordinary),
    }
}

/// Whether a symbol separates two terms.
fn is_separator(class: AtomClass) -> bool {
    matches!(
        class,
        AtomClass::Binary | AtomClass::Relation | AtomClass::LargeOperator | AtomClass::Punctuation | AtomClass::Space
    )
}

/// Whether a term needs no brackets under a root or a fraction.
fn is_single_term(atoms: &[FormulaAtom]) -> bool {
    match atoms {
        [one] => !is_separator(one.class) && !one.text.contains([' ', '/']),
        // A derivative.
        [d, variable] => matches!(d.text.as_str(), "d" | "∂") && variable.class == AtomClass::Ordinary,
        [open, .., close] => {
            open.class == AtomClass::Open
                && close.class == AtomClass::Close
                && atoms[1..atoms.len() - 1]
                    .iter()
                    .all(|atom| !matches!(atom.class, AtomClass::Open | AtomClass::Close))
        }
        [] => false,
    }
}

/// Whether a neighbour of a fraction could be read as a part of it.
fn needs_parentheses(atoms: &[FormulaAtom], index: usize, spacing: FormulaSpacing) -> bool {
    let is_shown = |atom: &&FormulaAtom| spacing == FormulaSpacing::Wide || atom.class != AtomClass::Space;
    let touches_next = atoms[index + 1..].iter().find(is_shown).is_some_and(|next| match next.class {
        AtomClass::Open | AtomClass::Function | AtomClass::LargeOperator | AtomClass::Fraction => true,
        AtomClass::Ordinary => next.text.starts_with(|sign: char| sign.is_alphanumeric() || "(/√∛∜∂∇∞".contains(sign)),
        AtomClass::Binary
        | AtomClass::Prefix
        | AtomClass::Relation
        | AtomClass::Close
        | AtomClass::Punctuation
        | AtomClass::Space => false,
    });
    let before = |before: &FormulaAtom| match before.class {
        // The fraction after a limit needs no brackets.
        AtomClass::Function => !before.text.starts_with("lim"),
        AtomClass::Fraction => true,
        // The operator applies to the fraction, not to its numerator alone.
        _ if before.text.ends_with(['/', 'd', '∂', '∇', 'δ', 'Δ']) => true,
        _ => before.text.ends_with(char::is_numeric) && atoms[index].text.starts_with(char::is_numeric),
    };
    touches_next || atoms[..index].iter().rfind(is_shown).is_some_and(before)
}

/// Whether a text has a script written with `^` or `_`, which the next symbol could be read as a part of.
fn has_inline_script(text: &str) -> bool {
    text.contains(['^', '_'])
}

/// The class of a symbol where it stands: an operator without a term before it is a sign of the term after it.
pub(super) fn class_in_place(class: AtomClass, previous: Option<AtomClass>, next: Option<AtomClass>) -> AtomClass {
    let is_after_term = matches!(previous, Some(AtomClass::Ordinary | AtomClass::Fraction | AtomClass::Close));
    let is_before_term = next.is_some_and(|next| !matches!(next, AtomClass::Close | AtomClass::Punctuation));
    match class {
        AtomClass::Binary if !is_before_term => AtomClass::Ordinary,
        AtomClass::Binary if !is_after_term => AtomClass::Prefix,
        _ => class,
    }
}

/// Whether a space comes between two symbols.
pub(super) fn needs_space(previous: Option<AtomClass>, class: AtomClass) -> bool {
    match (previous, class) {
        (None | Some(AtomClass::Space | AtomClass::Open | AtomClass::Prefix), _) | (_, AtomClass::Space) => false,
        (Some(AtomClass::Binary | AtomClass::Relation | AtomClass::Punctuation | AtomClass::LargeOperator), _) => true,
        (Some(AtomClass::Function), next) => {
            !matches!(next, AtomClass::Open | AtomClass::Close | AtomClass::Punctuation)
        }
        (Some(AtomClass::Ordinary | AtomClass::Fraction | AtomClass::Close), next) => {
            matches!(next, AtomClass::Binary | AtomClass::Relation | AtomClass::Function | AtomClass::LargeOperator)
        }
    }
}

pub(super) fn join(atoms: &[FormulaAtom], spacing: FormulaSpacing) -> String {
    let mut text = String::new();
    let mut previous: Option<AtomClass> = None;
    for (index, atom) in atoms.iter().enumerate() {
        let next = atoms.get(index + 1).map(|atom| atom.class);
        let mut atom = Cow::Borrowed(atom);
        if atom.class == AtomClass::Fraction && needs_parentheses(atoms, index, spacing) {
            atom.to_mut().parenthesize();
        }
        let class = class_in_place(atom.class, previous, next);
        if spacing == FormulaSpacing::Wide && !text.ends_with([' ', '\n']) && needs_space(previous, class) {
            text.push(' ');
        }
        if previous == Some(AtomClass::Ordinary)
            && matches!(class, AtomClass::Ordinary | AtomClass::Fraction)
            && index.checked_sub(1).is_some_and(|at| has_inline_script(&atoms[at].text))
        {
            text.push(' ');
        }
        if atom.class == AtomClass::Space && atom.text == "\n" {
            text.truncate(text.trim_end().len());
        }
        if spacing == FormulaSpacing::Close && atom.class == AtomClass::Space {
            continue;
        }
        if !(atom.class == AtomClass::Space && text.ends_with(' ') && atom.text == " ") {
            text.push_str(&atom.text);
        }
        previous = Some(class);
    }
    text
}
