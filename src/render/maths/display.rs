//! Sets a formula in rows: fractions, limits, brackets and grids in two dimensions.

use super::{
    delimiters,
    formula_box::{BoxAlign, FormulaBox},
    one_line::{self, FormulaSpacing, class_in_place, needs_space, set_in_line},
    symbols::{self, AtomClass},
    syntax::{FormulaAtom, FormulaNode, FormulaScript, FractionKind, LimitPlacement},
};
use crate::render::theme::ThemeMarks;

/// Whether limits go above and below their sign, or beside it where that saves rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitStyle {
    Display,
    Text,
}

/// A part of a formula with the classes that decide the space before and after it.
#[derive(Debug, Clone)]
pub(super) struct BoxItem {
    pub content: FormulaBox,
    pub first: AtomClass,
    pub last: AtomClass,
}

/// Sets the nodes of a formula with the marks of a theme.
pub(super) struct FormulaSetter<'a> {
    pub marks: &'a ThemeMarks,
}

impl BoxItem {
    pub(super) fn new(content: FormulaBox, class: AtomClass) -> Self {
        Self { content, first: class, last: class }
    }

    fn of_atom(atom: FormulaAtom) -> Self {
        Self::new(FormulaBox::of_text(atom.text), atom.class)
    }

    fn is_tall(&self) -> bool {
        self.content.height() > 1
    }

    fn is_blank(&self) -> bool {
        self.first == AtomClass::Space
    }
}

impl FormulaSetter<'_> {
    pub(super) fn list(&self, nodes: &[FormulaNode], style: LimitStyle) -> Option<FormulaBox> {
        let lines = nodes.split(|node| matches!(node, FormulaNode::LineBreak));
        let lines: Option<Vec<FormulaBox>> =
            lines.map(|line| Some(self.line_after(line, style, None)?.content)).collect();
        let lines = lines?;
        if lines.len() == 1 {
            return lines.into_iter().next();
        }
        let lines: Vec<FormulaBox> = lines.into_iter().filter(|line| line.width() > 0).collect();
        let rows = FormulaBox::stacked(&lines, BoxAlign::Left, 0)?;
        let middle = rows.height().saturating_sub(1) / 2;
        Some(rows.with_baseline(middle))
    }

    /// Sets one line of a formula as it stands after a symbol of this class.
    pub(super) fn line_after(
        &self,
        nodes: &[FormulaNode],
        style: LimitStyle,
        previous: Option<AtomClass>,
    ) -> Option<BoxItem> {
        let items = self.items(nodes, style)?;
        join_items(&items, previous)
    }

    /// Sets a formula in as many lines as it needs to fit, each of which begins with a relation or an operator.
    pub(super) fn broken_list(&self, nodes: &[FormulaNode], width: usize) -> Option<FormulaBox> {
        const INDENT: usize = 1;
        let items = self.items(nodes, LimitStyle::Display)?;
        let mut lines: Vec<FormulaBox> = Vec::new();
        let mut start = 0;
        while start < items.len() {
            let room = if lines.is_empty() { width } else { width.saturating_sub(INDENT) };
            let ends = (start + 1..=items.len()).filter(|end| items.get(*end).is_none_or(can_break_before));
            let mut line = None;
            for end in ends {
                let previous = if lines.is_empty() { None } else { Some(AtomClass::Ordinary) };
                let longer = join_items(&items[start..end], previous)?;
                if longer.content.width() > room {
                    break;
                }
                line = Some((end, longer.content));
            }
            let (end, content) = line?;
            let indent = FormulaBox::blank(if lines.is_empty() { 0 } else { INDENT });
            if lines.last().is_some_and(|above| above.height() > 1) || !lines.is_empty() && content.height() > 1 {
                lines.push(FormulaBox::blank(0));
            }
            lines.push(FormulaBox::beside(&[indent, content])?);
            start = end;
        }
        FormulaBox::stacked(&lines, BoxAlign::Left, 0)
    }

    fn items(&self, nodes: &[FormulaNode], style: LimitStyle) -> Option<Vec<BoxItem>> {
        let mut items = Vec::new();
        nodes.iter().try_for_each(|node| self.push_item(node, style, &mut items))?;
        Some(items)
    }

    fn push_item(&self, node: &FormulaNode, style: LimitStyle, items: &mut Vec<BoxItem>) -> Option<()> {
        let item = match node {
            FormulaNode::Group(body) => match &**body {
                [one] => return self.push_item(one, style, items),
                several => BoxItem::new(self.list(several, style)?, AtomClass::Ordinary),
            },
            FormulaNode::Scripted { base, scripts, limits } => {
                self.scripted(base.as_deref(), scripts, *limits, style)?
            }
            FormulaNode::Fraction { top, bottom, kind } => self.fraction(top, bottom, *kind)?,
            FormulaNode::Root { degree, radicand } => {
                BoxItem::new(self.root(node, degree, radicand)?, AtomClass::Ordinary)
            }
            FormulaNode::Fenced { open, parts } => self.fenced(open, parts, style)?,
            FormulaNode::Accented { mark, base } => match set_in_line(std::slice::from_ref(node), FormulaSpacing::Wide)
            {
                Some(text) => BoxItem::new(FormulaBox::of_text(text), AtomClass::Ordinary),
                None => BoxItem::new(self.accented(*mark, base)?, AtomClass::Ordinary),
            },
            FormulaNode::Brace { is_over, body } => {
                BoxItem::new(self.brace(*is_over, body, None)?, AtomClass::Ordinary)
            }
            FormulaNode::Stacked { base, above, below } => {
                let base = self.line_after(base, style, None)?;
                let content = with_limits(base.content, self.label(above)?, self.label(below)?)?;
                BoxItem { content, ..base }
            }
            FormulaNode::LongArrow { head, above, below } => {
                BoxItem::new(self.long_arrow(*head, above, below)?, AtomClass::Relation)
            }
            FormulaNode::Boxed(body) => {
                BoxItem::new(delimiters::frame(self.list(body, style)?, self.marks)?, AtomClass::Ordinary)
            }
            FormulaNode::Phantom(body) => {
                BoxItem::new(FormulaBox::blank(self.list(body, style)?.width()), AtomClass::Space)
            }
            FormulaNode::Grid(grid) => self.grid(grid, false)?,
            FormulaNode::LineBreak => return None,
            FormulaNode::Atom(_)
            | FormulaNode::Negated(_)
            | FormulaNode::Letters { .. }
            | FormulaNode::Function(_)
            | FormulaNode::Modulus(_) => {
                let mut atoms = Vec::new();
                one_line::push_atoms(node, &mut atoms)?;
                items.extend(atoms.into_iter().map(BoxItem::of_atom));
                return Some(());
            }
        };
        items.push(item);
        Some(())
    }

    fn fraction(&self, top: &[FormulaNode], bottom: &[FormulaNode], kind: FractionKind) -> Option<BoxItem> {
        let (top, bottom) = (self.list(top, LimitStyle::Text)?, self.list(bottom, LimitStyle::Text)?);
        let width = top.width().max(bottom.width());
        match kind {
            FractionKind::Bar => {
                let known = top.as_line().zip(bottom.as_line()).and_then(|(a, b)| symbols::unicode_fraction(a, b));
                if let Some(sign) = known {
                    return Some(BoxItem::new(FormulaBox::of_text(sign), AtomClass::Ordinary));
                }
                let rule = FormulaBox::of_text(self.marks.rule.repeat(width.max(1)));
                let fraction = FormulaBox::stacked(&[top, rule, bottom], BoxAlign::Center, 1)?;
                Some(BoxItem::new(fraction, AtomClass::Fraction))
            }
            FractionKind::Bare => {
                let pile = FormulaBox::stacked(&[top, bottom], BoxAlign::Center, 0)?;
                Some(BoxItem::new(pile, AtomClass::Fraction))
            }
            FractionKind::Binomial => {
                let pile = FormulaBox::stacked(&[top, bottom], BoxAlign::Center, 0)?;
                let (height, baseline) = (pile.height(), (pile.height() - 1) / 2);
                let bracket = |sign| delimiters::delimiter(sign, height, baseline);
                let content = FormulaBox::beside(&[bracket("("), pile.with_baseline(baseline), bracket(")")])?;
                Some(BoxItem { content, first: AtomClass::Open, last: AtomClass::Close })
            }
        }
    }

    fn root(&self, node: &FormulaNode, degree: &[FormulaNode], radicand: &[FormulaNode]) -> Option<FormulaBox> {
        let inside = self.list(radicand, LimitStyle::Text)?;
        if inside.height() == 1
            && let Some(line) = set_in_line(std::slice::from_ref(node), FormulaSpacing::Wide)
        {
            return Some(FormulaBox::of_text(line));
        }
        let root = delimiters::root(inside, self.marks)?;
        if degree.is_empty() {
            return Some(root);
        }
        let degree = set_in_line(degree, FormulaSpacing::Close)?;
        let degree = FormulaBox::of_text(symbols::unicode_script(&degree, true).unwrap_or(degree));
        // It stands in the row above the hook.
        let degree = match root.descent() {
            0 => degree.with_rows_around(0, 1).with_baseline(1),
            descent => degree.with_rows_around(descent - 1, 0).with_baseline(0),
        };
        FormulaBox::beside(&[degree, root])
    }

    fn fenced(&self, open: &str, parts: &[(Vec<FormulaNode>, String)], style: LimitStyle) -> Option<BoxItem> {
        let has_brace = delimiters::has_middle(open) || parts.iter().any(|(_, sign)| delimiters::has_middle(sign));
        let set_body = |body: &[FormulaNode]| match body {
            [FormulaNode::Grid(grid)] => {
                let body = self.grid(grid, has_brace)?.content;
                let blank = FormulaBox::blank(usize::from(body.height() > 1));
                FormulaBox::beside(&[blank.clone(), body, blank])
            }
            _ => self.list(body, style),
        };
        let bodies: Option<Vec<FormulaBox>> = parts.iter().map(|(body, _)| set_body(body)).collect();
        let bodies = bodies?;
        let ascent = bodies.iter().map(FormulaBox::baseline).max().unwrap_or(0);
        let mut height = ascent + 1 + bodies.iter().map(FormulaBox::descent).max().unwrap_or(0);
        if height == 2 && has_brace {
            height += 1;
        }
        let sign = |sign: &str| (!sign.is_empty()).then(|| delimiters::delimiter(sign, height, ascent));
        let mut boxes: Vec<FormulaBox> = sign(open).into_iter().collect();
        let last = parts.len().saturating_sub(1);
        for (index, (body, (_, close))) in bodies.into_iter().zip(parts).enumerate() {
            boxes.push(body);
            let gap = FormulaBox::blank(usize::from(index < last));
            boxes.push(gap.clone());
            boxes.extend(sign(close));
            boxes.push(gap);
        }
        let content = FormulaBox::beside(&boxes)?;
        Some(BoxItem { content, first: AtomClass::Open, last: AtomClass::Close })
    }

    fn accented(&self, mark: char, base: &[FormulaNode]) -> Option<FormulaBox> {
        let base = self.list(base, LimitStyle::Text)?;
        let width = base.width();
        let rule = self.marks.rule;
        let sign = match mark {
            '\u{305}' | '\u{304}' | '\u{332}' => rule.repeat(width),
            '\u{20d7}' => rule.repeat(width.saturating_sub(1)) + "→",
            '\u{302}' => "^".into(),
            '\u{303}' => "~".into(),
            _ => return None,
        };
        let sign = FormulaBox::of_text(sign);
        match mark {
            '\u{332}' => FormulaBox::stacked(&[base, sign], BoxAlign::Center, 0),
            _ => FormulaBox::stacked(&[sign, base], BoxAlign::Center, 1),
        }
    }

    fn brace(&self, is_over: bool, body: &[FormulaNode], label: Option<FormulaBox>) -> Option<FormulaBox> {
        let body = self.list(body, LimitStyle::Display)?;
        let brace = delimiters::flat_brace(body.width(), is_over, self.marks);
        let mut boxes = vec![body, brace];
        boxes.extend(label);
        let mut base = 0;
        if is_over {
            boxes.reverse();
            base = boxes.len() - 1;
        }
        FormulaBox::stacked(&boxes, BoxAlign::Center, base)
    }

    fn long_arrow(&self, head: char, above: &[FormulaNode], below: &[FormulaNode]) -> Option<FormulaBox> {
        let (above, below) = (self.label(above)?, self.label(below)?);
        let labels = [&above, &below].into_iter().flatten().map(FormulaBox::width).max().unwrap_or(0);
        let line = self.marks.rule.repeat(labels + 1);
        let arrow = if head == '→' { format!("{line}→") } else { format!("←{line}") };
        with_limits(FormulaBox::of_text(arrow), above, below)
    }

    /// Sets what stands above or below a sign; nothing if it is empty.
    #[expect(clippy::option_option, reason = "a label may be missing, and one that is there may be too much to set")]
    fn label(&self, nodes: &[FormulaNode]) -> Option<Option<FormulaBox>> {
        if nodes.is_empty() {
            return Some(None);
        }
        let line = set_in_line(nodes, FormulaSpacing::Close).filter(|line| !line.contains('\n'));
        match line {
            Some(line) => Some(Some(FormulaBox::of_text(line))),
            None => self.list(nodes, LimitStyle::Text).map(Some),
        }
    }

    fn scripted(
        &self,
        base: Option<&FormulaNode>,
        scripts: &[FormulaScript],
        limits: LimitPlacement,
        style: LimitStyle,
    ) -> Option<BoxItem> {
        let (mut raised, mut lowered, mut primes) = (None, None, 0);
        for script in scripts {
            match script {
                FormulaScript::Prime => primes += 1,
                FormulaScript::Raised(body) if raised.is_none() => raised = Some(body),
                FormulaScript::Lowered(body) if lowered.is_none() => lowered = Some(body),
                FormulaScript::Raised(_) | FormulaScript::Lowered(_) => return None,
            }
        }
        let label = |body: Option<&Vec<FormulaNode>>| body.map_or(Some(None), |body| self.label(body));
        if let Some(FormulaNode::Brace { is_over, body }) = base {
            let (at_brace, other) = if *is_over { (raised, lowered) } else { (lowered, raised) };
            let content = self.brace(*is_over, body, label(at_brace)?)?;
            return other.is_none().then(|| BoxItem::new(content, AtomClass::Ordinary));
        }
        let sign = match base {
            Some(base) => {
                let mut items = Vec::new();
                self.push_item(base, style, &mut items)?;
                join_items(&items, None)?
            }
            None => BoxItem::new(FormulaBox::of_text(""), AtomClass::Ordinary),
        };
        let has_limits = match limits {
            LimitPlacement::Always => true,
            LimitPlacement::Never => false,
            LimitPlacement::Usual => {
                let is_small = [(raised, true), (lowered, false)]
                    .iter()
                    .all(|(body, is_raised)| body.is_none_or(|body| small_script(body, *is_raised).is_some()));
                takes_limits(&sign) && (style == LimitStyle::Display || !is_small)
            }
        };
        let primes = "′".repeat(primes);
        let content = if has_limits {
            let limits = with_limits(sign.content, label(raised)?, label(lowered)?)?;
            FormulaBox::beside(&[limits, FormulaBox::of_text(primes)])?
        } else if sign.content.as_line() == Some("∫") && style == LimitStyle::Display {
            let integral = delimiters::integral_sign();
            scripts_of_tall(integral, label(raised)?, label(lowered)?)?
        } else if sign.content.height() > 1 {
            let text = |body: &Vec<FormulaNode>, is_raised| match small_script(body, is_raised) {
                Some(small) => Some(Some(FormulaBox::of_text(small))),
                None => self.label(body),
            };
            let upper = raised.map_or(Some(None), |body| text(body, true))?;
            let upper = match upper {
                None if !primes.is_empty() => Some(FormulaBox::of_text(primes)),
                upper => upper,
            };
            let lower = lowered.map_or(Some(None), |body| text(body, false))?;
            scripts_of_tall(sign.content, upper, lower)?
        } else {
            let small_raised = raised.and_then(|body| small_script(body, true));
            let small_lowered = lowered.and_then(|body| small_script(body, false));
            let upper = if small_raised.is_some() { None } else { label(raised)? };
            let lower = if small_lowered.is_some() { None } else { label(lowered)? };
            let beside = [primes, small_lowered.unwrap_or_default(), small_raised.unwrap_or_default()].concat();
            let base = usize::from(upper.is_some());
            let column: Vec<FormulaBox> = upper.into_iter().chain([FormulaBox::of_text(beside)]).chain(lower).collect();
            FormulaBox::beside(&[sign.content, FormulaBox::stacked(&column, BoxAlign::Left, base)?])?
        };
        Some(BoxItem { content, ..sign })
    }
}

/// Sets items in a line, with the space between them.
fn join_items(items: &[BoxItem], previous: Option<AtomClass>) -> Option<BoxItem> {
    let mut boxes: Vec<FormulaBox> = Vec::new();
    let mut before: Option<&BoxItem> = None;
    let mut previous = previous;
    for (index, item) in items.iter().enumerate() {
        let next = items.get(index + 1).map(|next| next.first);
        let class = class_in_place(item.first, previous, next);
        let is_after_blank = before.is_some_and(BoxItem::is_blank);
        if item.is_blank() && is_after_blank && item.content.as_line() == Some(" ") {
            continue;
        }
        let is_close = before.is_some_and(|before| needs_distance(before, item));
        if !item.is_blank() && !is_after_blank && (needs_space(previous, class) || is_close) {
            boxes.push(FormulaBox::blank(1));
        }
        boxes.push(item.content.clone());
        previous = Some(if item.first == item.last { class } else { item.last });
        before = Some(item);
    }
    let first = items.first().map_or(AtomClass::Ordinary, |item| item.first);
    Some(BoxItem { content: FormulaBox::beside(&boxes)?, first, last: previous.unwrap_or(first) })
}

/// Whether two items would look like one without a space: a fraction and its neighbour, two tall brackets.
fn needs_distance(before: &BoxItem, next: &BoxItem) -> bool {
    let is_term = |class| {
        matches!(class, AtomClass::Ordinary | AtomClass::Fraction | AtomClass::Function | AtomClass::LargeOperator)
    };
    let is_fraction = |item: &BoxItem| item.first == AtomClass::Fraction;
    if next.content.as_line().is_some_and(|line| line.starts_with('.')) {
        return false;
    }
    let is_tall_bracket = |item: &BoxItem, class| item.is_tall() && class == AtomClass::Close;
    is_tall_bracket(before, before.last) && is_term(next.first)
        || is_fraction(before) && (is_term(next.first) || next.first == AtomClass::Open)
        || is_fraction(next) && (is_term(before.last) || before.last == AtomClass::Close)
        || before.is_tall() && next.is_tall() && before.last == AtomClass::Close && next.first == AtomClass::Open
}

fn can_break_before(item: &BoxItem) -> bool {
    matches!(item.first, AtomClass::Relation | AtomClass::Binary)
}

/// Whether the limits of a sign stand above and below it.
fn takes_limits(sign: &BoxItem) -> bool {
    let Some(line) = sign.content.as_line() else { return sign.first == AtomClass::LargeOperator };
    match sign.first {
        AtomClass::LargeOperator => line != "∫",
        AtomClass::Function => matches!(
            line,
            "lim" | "max" | "min" | "sup" | "inf" | "lim sup" | "lim inf" | "argmax" | "argmin" | "det" | "gcd" | "Pr"
        ),
        _ => false,
    }
}

fn small_script(body: &[FormulaNode], is_raised: bool) -> Option<String> {
    symbols::unicode_script(&set_in_line(body, FormulaSpacing::Close)?, is_raised)
}

/// Sets scripts at the upper and lower right corners of something tall.
fn scripts_of_tall(base: FormulaBox, upper: Option<FormulaBox>, lower: Option<FormulaBox>) -> Option<FormulaBox> {
    let (ascent, descent) = (base.baseline(), base.descent());
    let scripts = match (upper, lower) {
        (None, None) => return Some(base),
        (Some(upper), None) => {
            let baseline = upper.height() - 1 + ascent;
            upper.with_rows_around(0, ascent).with_baseline(baseline)
        }
        (None, Some(lower)) => lower.with_rows_around(descent, 0).with_baseline(0),
        (Some(upper), Some(lower)) => {
            let baseline = upper.height() - 1 + ascent;
            let upper = upper.with_rows_around(0, (ascent + descent).saturating_sub(1));
            FormulaBox::stacked(&[upper, lower], BoxAlign::Left, 0)?.with_baseline(baseline)
        }
    };
    FormulaBox::beside(&[base, scripts])
}

/// Sets a sign with what stands above and below it.
fn with_limits(sign: FormulaBox, above: Option<FormulaBox>, below: Option<FormulaBox>) -> Option<FormulaBox> {
    let base = usize::from(above.is_some());
    let boxes: Vec<FormulaBox> = above.into_iter().chain([sign]).chain(below).collect();
    FormulaBox::stacked(&boxes, BoxAlign::Center, base)
}
