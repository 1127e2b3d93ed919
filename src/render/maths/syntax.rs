//! Parses LaTeX into a tree that says nothing about how it is drawn.

use super::{
    grid_syntax::{FormulaGrid, GridEnvironment},
    symbols::{self, AtomClass},
};
use crate::text;

/// The longest formula that is converted, in bytes.
const MAX_LATEX_BYTES: usize = 8192;
/// The deepest nesting of braces and arguments.
const MAX_DEPTH: usize = 24;

/// One or more symbols that belong together.
#[derive(Debug, Clone)]
pub(super) struct FormulaAtom {
    pub text: String,
    pub class: AtomClass,
}

/// A piece of a formula.
#[derive(Debug, Clone)]
pub(super) enum FormulaNode {
    Atom(FormulaAtom),
    /// `\\` outside a grid.
    LineBreak,
    /// `{…}`, which is spaced as one symbol.
    Group(Vec<FormulaNode>),
    Scripted {
        base: Option<Box<FormulaNode>>,
        scripts: Vec<FormulaScript>,
        limits: LimitPlacement,
    },
    Fraction {
        top: Vec<FormulaNode>,
        bottom: Vec<FormulaNode>,
        kind: FractionKind,
    },
    Root {
        degree: Vec<FormulaNode>,
        radicand: Vec<FormulaNode>,
    },
    /// `\left( … \middle| … \right)`: each part ends with the delimiter after it.
    Fenced {
        open: String,
        parts: Vec<(Vec<FormulaNode>, String)>,
    },
    Accented {
        mark: char,
        base: Vec<FormulaNode>,
    },
    Negated(Vec<FormulaNode>),
    /// Letters of an alphabet such as `mathbb`.
    Letters {
        alphabet: &'static str,
        body: Vec<FormulaNode>,
    },
    Function(Vec<FormulaNode>),
    /// `\pmod{n}`.
    Modulus(Vec<FormulaNode>),
    /// A brace over or under a term; its label is a script.
    Brace {
        is_over: bool,
        body: Vec<FormulaNode>,
    },
    /// Signs above and below another.
    Stacked {
        base: Vec<FormulaNode>,
        above: Vec<FormulaNode>,
        below: Vec<FormulaNode>,
    },
    /// An arrow as long as what is written above and below it.
    LongArrow {
        head: char,
        above: Vec<FormulaNode>,
        below: Vec<FormulaNode>,
    },
    Boxed(Vec<FormulaNode>),
    /// As much space as something takes.
    Phantom(Vec<FormulaNode>),
    Grid(FormulaGrid),
}

/// A script of a symbol, in the order in which it is written.
#[derive(Debug, Clone)]
pub(super) enum FormulaScript {
    Raised(Vec<FormulaNode>),
    Lowered(Vec<FormulaNode>),
    Prime,
}

/// Whether scripts are put above and below their symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitPlacement {
    /// As is usual for the symbol.
    Usual,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FractionKind {
    Bar,
    /// In parentheses, without a bar.
    Binomial,
    /// One above the other.
    Bare,
}

/// What ends a list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupEnd {
    Text,
    Brace,
    Bracket,
    /// `\right` or `\middle`.
    Delimiter,
    /// `&`, `\\`, `\end` or, at the top, the end of the formula.
    Cell,
    /// As `Cell`, but in braces.
    BracedCell,
}

/// How the last cell of a grid ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellEnd {
    Column,
    Row,
    Grid,
}

pub(super) struct LatexParser<'a> {
    pub rest: &'a str,
    pub depth: usize,
    pub cell_end: CellEnd,
    /// `\right` instead of `\middle` ended the last part.
    is_right: bool,
}

/// Parses a formula; `None` if it is too long, too deep or not understood as a whole.
pub(super) fn parse(latex: &str) -> Option<Vec<FormulaNode>> {
    if latex.len() > MAX_LATEX_BYTES {
        return None;
    }
    let mut parser = LatexParser { rest: latex, depth: 0, cell_end: CellEnd::Grid, is_right: false };
    if let Some(nodes) = parser.nodes(GroupEnd::Text) {
        return Some(nodes);
    }
    // Columns without an environment are aligned, as they would be in one.
    if !latex.contains('&') {
        return None;
    }
    let mut parser = LatexParser { rest: latex, depth: 0, cell_end: CellEnd::Grid, is_right: false };
    let grid = parser.grid(GridEnvironment::aligned(), GroupEnd::Cell)?;
    parser.rest.is_empty().then(|| vec![FormulaNode::Grid(grid)])
}

impl FormulaAtom {
    pub(super) fn new(text: impl Into<String>, class: AtomClass) -> Self {
        Self { text: text.into(), class }
    }

    pub(super) fn from_symbol(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { class: symbols::class_of(&text), text }
    }
}

impl FormulaNode {
    fn new(text: impl Into<String>, class: AtomClass) -> Self {
        Self::Atom(FormulaAtom::new(text, class))
    }

    fn from_symbol(text: impl Into<String>) -> Self {
        Self::Atom(FormulaAtom::from_symbol(text))
    }

    fn is_space(&self) -> bool {
        matches!(self, Self::LineBreak | Self::Atom(FormulaAtom { class: AtomClass::Space, .. }))
    }
}

impl<'a> LatexParser<'a> {
    pub(super) fn nodes(&mut self, end: GroupEnd) -> Option<Vec<FormulaNode>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut nodes: Vec<FormulaNode> = Vec::new();
        // What stands above an `\over`.
        let mut infix: Option<(FractionKind, Vec<FormulaNode>)> = None;
        loop {
            let Some(char) = self.next_char() else {
                if !matches!(end, GroupEnd::Text | GroupEnd::Cell) {
                    return None;
                }
                self.cell_end = CellEnd::Grid;
                break;
            };
            match char {
                '}' if end == GroupEnd::Brace => break,
                '}' if end == GroupEnd::BracedCell => {
                    self.cell_end = CellEnd::Grid;
                    break;
                }
                ']' if end == GroupEnd::Bracket => break,
                '&' if matches!(end, GroupEnd::Cell | GroupEnd::BracedCell) => {
                    self.cell_end = CellEnd::Column;
                    break;
                }
                '}' | '&' | '%' | '#' | '$' => return None,
                '\\' => {
                    let name = self.command_name();
                    if let Some(kind) = infix_kind(name) {
                        if infix.is_some() {
                            return None;
                        }
                        infix = Some((kind, std::mem::take(&mut nodes)));
                    } else if self.is_ended_by(name, end)? {
                        break;
                    } else {
                        self.command(name, &mut nodes)?;
                    }
                }
                _ => self.sign(char, &mut nodes)?,
            }
        }
        self.depth -= 1;
        Some(match infix {
            Some((kind, top)) => vec![FormulaNode::Fraction { top, bottom: nodes, kind }],
            None => nodes,
        })
    }

    /// Whether a command ends the list of nodes; `None` if it stands where it must not.
    fn is_ended_by(&mut self, name: &str, end: GroupEnd) -> Option<bool> {
        let in_cell = matches!(end, GroupEnd::Cell | GroupEnd::BracedCell);
        match name {
            "\\" | "cr" | "newline" | "tabularnewline" if in_cell => {
                self.skip_row_spacing();
                self.cell_end = CellEnd::Row;
                Some(true)
            }
            "end" => {
                self.cell_end = CellEnd::Grid;
                (end == GroupEnd::Cell).then_some(true)
            }
            "right" | "middle" => {
                self.is_right = name == "right";
                (end == GroupEnd::Delimiter).then_some(true)
            }
            _ => Some(false),
        }
    }

    fn sign(&mut self, char: char, nodes: &mut Vec<FormulaNode>) -> Option<()> {
        match char {
            '{' => {
                let group = self.nodes(GroupEnd::Brace)?;
                nodes.push(FormulaNode::Group(group));
            }
            '^' => {
                let script = FormulaScript::Raised(self.argument()?);
                push_script(nodes, script);
            }
            '_' => {
                let script = FormulaScript::Lowered(self.argument()?);
                push_script(nodes, script);
            }
            '\'' if nodes.is_empty() => return None,
            '\'' => push_script(nodes, FormulaScript::Prime),
            '~' => nodes.push(FormulaNode::new(" ", AtomClass::Space)),
            '-' => nodes.push(FormulaNode::from_symbol("−")),
            _ if char.is_whitespace() => (),
            _ if char.is_ascii_digit() || char == '.' => match nodes.last_mut() {
                Some(FormulaNode::Atom(number)) if is_number(&number.text) => number.text.push(char),
                _ => nodes.push(FormulaNode::new(char, AtomClass::Ordinary)),
            },
            _ => match nodes.last_mut() {
                Some(FormulaNode::Atom(mark)) if text::width(char.encode_utf8(&mut [0; 4])) == 0 => {
                    mark.text.push(char);
                }
                _ => nodes.push(FormulaNode::from_symbol(char)),
            },
        }
        Some(())
    }

    pub(super) fn next_char(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    /// Reads the name of a command: letters, or one other character.
    pub(super) fn command_name(&mut self) -> &'a str {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { self.rest.chars().next().map_or(0, char::len_utf8) };
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name
    }

    /// Reads the argument of a command or script: a group, a command, or one character.
    fn argument(&mut self) -> Option<Vec<FormulaNode>> {
        self.rest = self.rest.trim_start();
        match self.next_char()? {
            '{' => self.nodes(GroupEnd::Brace),
            '\\' => {
                let mut nodes = Vec::new();
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
                let name = self.command_name();
                if infix_kind(name).is_some() || self.is_ended_by(name, GroupEnd::Text)? {
                    return None;
                }
                self.command(name, &mut nodes)?;
                self.depth -= 1;
                Some(nodes)
            }
            '-' => Some(vec![FormulaNode::from_symbol("−")]),
            '}' | ']' | '^' | '_' | '&' | '$' | '%' | '#' => None,
            char => Some(vec![FormulaNode::from_symbol(char)]),
        }
    }

    /// Reads `[…]`, if it is there.
    fn optional_argument(&mut self) -> Option<Vec<FormulaNode>> {
        match self.rest.trim_start().strip_prefix('[') {
            Some(rest) => {
                self.rest = rest;
                self.nodes(GroupEnd::Bracket)
            }
            None => Some(Vec::new()),
        }
    }

    /// Reads the argument of `\text{…}` unchanged.
    pub(super) fn text_argument(&mut self) -> Option<&'a str> {
        let body = self.rest.trim_start().strip_prefix('{')?;
        let end = body.find(['}', '{', '$', '\\'])?;
        let rest = body[end..].strip_prefix('}')?;
        self.rest = rest;
        Some(&body[..end])
    }

    /// Reads `\text{… $x$ …}`, with its formulas.
    fn text_nodes(&mut self) -> Option<Vec<FormulaNode>> {
        let mut body = self.rest.trim_start().strip_prefix('{')?;
        let mut nodes = Vec::new();
        loop {
            let end = body.find(['}', '{', '$', '\\'])?;
            if end > 0 {
                nodes.push(FormulaNode::new(&body[..end], AtomClass::Ordinary));
            }
            let rest = &body[end + 1..];
            match body.as_bytes()[end] {
                b'}' => {
                    self.rest = rest;
                    return Some(nodes);
                }
                b'$' => {
                    let (formula, after) = rest.split_once('$')?;
                    self.depth += 1;
                    let mut inner =
                        LatexParser { rest: formula, depth: self.depth, cell_end: CellEnd::Grid, is_right: false };
                    nodes.push(FormulaNode::Group(inner.nodes(GroupEnd::Text)?));
                    self.depth -= 1;
                    body = after;
                }
                b'\\' if rest.starts_with(['%', '$', '#', '&', '_', '{', '}', ' ', ',']) => {
                    let sign = if rest.starts_with(',') { " " } else { &rest[..1] };
                    nodes.push(FormulaNode::new(sign, AtomClass::Ordinary));
                    body = &rest[1..];
                }
                _ => return None,
            }
        }
    }

    fn command(&mut self, name: &str, nodes: &mut Vec<FormulaNode>) -> Option<()> {
        let node = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => self.fraction(FractionKind::Bar)?,
            "binom" | "dbinom" | "tbinom" => self.fraction(FractionKind::Binomial)?,
            "sqrt" => FormulaNode::Root { degree: self.optional_argument()?, radicand: self.argument()? },
            "left" => self.fenced()?,
            "begin" => return self.environment(nodes),
            "substack" => {
                self.rest = self.rest.trim_start().strip_prefix('{')?;
                FormulaNode::Grid(self.grid(GridEnvironment::gathered(), GroupEnd::BracedCell)?)
            }
            "big" | "Big" | "bigg" | "Bigg" | "bigl" | "Bigl" | "biggl" | "Biggl" | "bigr" | "Bigr" | "biggr"
            | "Biggr" | "bigm" | "Bigm" | "biggm" | "Biggm" => FormulaNode::from_symbol(self.delimiter()?),
            "limits" | "nolimits" => {
                let placement = if name == "limits" { LimitPlacement::Always } else { LimitPlacement::Never };
                let base = nodes.pop().map(Box::new);
                nodes.push(FormulaNode::Scripted { base, scripts: Vec::new(), limits: placement });
                return Some(());
            }
            "\\" | "newline" => {
                self.skip_row_spacing();
                FormulaNode::LineBreak
            }
            "text" | "textrm" | "textit" | "textnormal" | "mbox" | "hbox" | "textbf" | "texttt" | "textsf"
            | "textsc" | "textup" | "emph" => match &mut *self.text_nodes()? {
                [one] => one.clone(),
                several => FormulaNode::Group(several.to_vec()),
            },
            "operatorname" => {
                let has_limits = self.rest.starts_with('*');
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                let name = FormulaNode::Function(self.argument()?);
                if has_limits {
                    let (base, scripts) = (Some(Box::new(name)), Vec::new());
                    FormulaNode::Scripted { base, scripts, limits: LimitPlacement::Always }
                } else {
                    name
                }
            }
            "mathrm" | "mathit" | "mathsf" | "mathtt" | "mathnormal" | "mathop" | "mathord" | "mathrel" | "mathbin"
            | "mathopen" | "mathclose" | "mathinner" | "ensuremath" | "smash" => FormulaNode::Group(self.argument()?),
            "boxed" | "fbox" => FormulaNode::Boxed(self.argument()?),
            "phantom" | "hphantom" => FormulaNode::Phantom(self.argument()?),
            "textcolor" | "colorbox" => {
                self.text_argument()?;
                FormulaNode::Group(self.argument()?)
            }
            "not" => FormulaNode::Negated(self.argument()?),
            "pmod" => FormulaNode::Modulus(self.argument()?),
            "bmod" | "mod" => FormulaNode::new("mod", AtomClass::Relation),
            "overset" | "stackrel" => {
                let above = self.argument()?;
                FormulaNode::Stacked { base: self.argument()?, above, below: Vec::new() }
            }
            "underset" => {
                let below = self.argument()?;
                FormulaNode::Stacked { base: self.argument()?, above: Vec::new(), below }
            }
            "overbrace" | "underbrace" => FormulaNode::Brace { is_over: name == "overbrace", body: self.argument()? },
            "xrightarrow" | "xleftarrow" => {
                let head = if name == "xrightarrow" { '→' } else { '←' };
                let below = self.optional_argument()?;
                FormulaNode::LongArrow { head, below, above: self.argument()? }
            }
            "tag" => {
                let is_bare = self.rest.starts_with('*');
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                let label = self.text_argument()?;
                let label = if is_bare { format!("    {label}") } else { format!("    ({label})") };
                FormulaNode::new(label, AtomClass::Space)
            }
            _ if self.is_skipped(name)? => return Some(()),
            _ => self.simple_command(name)?,
        };
        nodes.push(node);
        Some(())
    }

    /// Skips a command that shows nothing, with its argument.
    fn is_skipped(&mut self, name: &str) -> Option<bool> {
        match name {
            "displaystyle" | "textstyle" | "scriptstyle" | "scriptscriptstyle" | "!" | "nonumber" | "notag"
            | "mathstrut" | "strut" | "allowbreak" | "rm" | "bf" | "it" | "sf" | "tt" | "cal" | "relax"
            | "centering" | "noindent" | "negthinspace" | "small" | "large" | "Large" | "normalsize" => (),
            "label" | "color" | "vspace" => {
                self.text_argument()?;
            }
            "vphantom" => {
                self.argument()?;
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// A space, a function, an accent, letters of an alphabet or a symbol.
    fn simple_command(&mut self, name: &str) -> Option<FormulaNode> {
        let node = match name {
            "," | ";" | ":" | ">" | " " | "\n" | "/" | "enspace" | "thinspace" | "medspace" | "thickspace"
            | "space" => FormulaNode::new(" ", AtomClass::Space),
            "quad" => FormulaNode::new("  ", AtomClass::Space),
            "qquad" => FormulaNode::new("    ", AtomClass::Space),
            "hspace" => {
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                self.text_argument()?;
                FormulaNode::new("  ", AtomClass::Space)
            }
            "limsup" | "varlimsup" => FormulaNode::new("lim sup", AtomClass::Function),
            "liminf" | "varliminf" => FormulaNode::new("lim inf", AtomClass::Function),
            "injlim" => FormulaNode::new("inj lim", AtomClass::Function),
            "projlim" => FormulaNode::new("proj lim", AtomClass::Function),
            _ if symbols::is_function(name) => FormulaNode::new(name, AtomClass::Function),
            _ => {
                if let Some(alphabet) = symbols::alphabet(name) {
                    FormulaNode::Letters { alphabet, body: self.argument()? }
                } else if let Some(mark) = symbols::accent(name) {
                    FormulaNode::Accented { mark, base: self.argument()? }
                } else {
                    FormulaNode::from_symbol(symbols::symbol(name)?)
                }
            }
        };
        Some(node)
    }

    fn fraction(&mut self, kind: FractionKind) -> Option<FormulaNode> {
        Some(FormulaNode::Fraction { top: self.argument()?, bottom: self.argument()?, kind })
    }

    fn fenced(&mut self) -> Option<FormulaNode> {
        let open = self.delimiter()?;
        let mut parts = Vec::new();
        loop {
            let body = self.nodes(GroupEnd::Delimiter)?;
            let is_last = self.is_right;
            parts.push((body, self.delimiter()?));
            if is_last {
                return Some(FormulaNode::Fenced { open, parts });
            }
        }
    }

    fn delimiter(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.next_char()? {
            '\\' => symbols::symbol(self.command_name()),
            '.' => Some(String::new()),
            '<' => Some("⟨".into()),
            '>' => Some("⟩".into()),
            sign @ ('(' | ')' | '[' | ']' | '|' | '/') => Some(sign.into()),
            _ => None,
        }
    }
}

/// Adds a script to the last symbol, or to nothing.
fn push_script(nodes: &mut Vec<FormulaNode>, script: FormulaScript) {
    if let Some(FormulaNode::Scripted { scripts, .. }) = nodes.last_mut() {
        scripts.push(script);
        return;
    }
    let base = if nodes.last().is_some_and(|node| !node.is_space()) { nodes.pop().map(Box::new) } else { None };
    nodes.push(FormulaNode::Scripted { base, scripts: vec![script], limits: LimitPlacement::Usual });
}

/// A command that makes a fraction of what stands before and after it.
fn infix_kind(name: &str) -> Option<FractionKind> {
    Some(match name {
        "over" => FractionKind::Bar,
        "choose" => FractionKind::Binomial,
        "atop" => FractionKind::Bare,
        _ => return None,
    })
}

pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
