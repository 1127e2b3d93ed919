//! Converts LaTeX to Unicode, for formulas that fit on one line of text.
//!
//! Fractions, roots, sums with their limits, Greek, scripts, accents and the usual operators are converted. A script
//! without a Unicode form is written in brackets after its operator, `e^(−x²)`, as in Unicode Technical Note 28. A
//! formula with anything else (a matrix, an unknown command) stays LaTeX as a whole.

mod symbols;

use std::borrow::Cow;

use symbols::AtomClass;

/// Converts a formula to Unicode; `None` if it must stay LaTeX. A line break (`\\`) becomes a line end.
pub fn to_unicode(latex: &str) -> Option<String> {
    if latex.len() > MAX_LATEX_BYTES {
        return None;
    }
    let mut reader = LatexReader { rest: latex, depth: 0 };
    let atoms = reader.atoms(GroupEnd::Text)?;
    let text = join(&atoms, FormulaSpacing::Wide);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The longest formula that is converted, in bytes.
const MAX_LATEX_BYTES: usize = 4096;
/// The deepest nesting of braces and arguments.
const MAX_DEPTH: usize = 24;

/// One or more symbols that belong together.
#[derive(Debug, Clone)]
struct FormulaAtom {
    text: String,
    class: AtomClass,
}

/// Whether symbols are spaced, as in a line, or close together, as in a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FormulaSpacing {
    Wide,
    Close,
}

/// What ends a list of atoms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GroupEnd {
    Text,
    Brace,
    Bracket,
}

struct LatexReader<'a> {
    rest: &'a str,
    depth: usize,
}

impl FormulaAtom {
    fn new(text: impl Into<String>, class: AtomClass) -> Self {
        Self { text: text.into(), class }
    }

    /// Puts a fraction in brackets, so that the next symbol applies to all of it.
    fn parenthesize(&mut self) {
        if self.class == AtomClass::Fraction {
            *self = Self::new(format!("({})", self.text), AtomClass::Ordinary);
        }
    }

    fn from_symbol(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { class: symbols::class_of(&text), text }
    }
}

impl<'a> LatexReader<'a> {
    fn atoms(&mut self, end: GroupEnd) -> Option<Vec<FormulaAtom>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut atoms: Vec<FormulaAtom> = Vec::new();
        loop {
            let Some(char) = self.next_char() else {
                return (end == GroupEnd::Text).then_some(atoms);
            };
            match char {
                '}' if end == GroupEnd::Brace => break,
                ']' if end == GroupEnd::Bracket => break,
                '}' | '&' | '%' | '#' | '$' => return None,
                '{' => {
                    let group = self.atoms(GroupEnd::Brace)?;
                    atoms.push(merge_atoms(&group));
                }
                '^' | '_' => {
                    let script = self.script(char == '^')?;
                    let base = atoms.last_mut().filter(|atom| !matches!(atom.class, AtomClass::Space));
                    match base {
                        Some(base) => {
                            base.parenthesize();
                            base.text.push_str(&script);
                        }
                        None => atoms.push(FormulaAtom::new(script, AtomClass::Ordinary)),
                    }
                }
                '\'' => match atoms.last_mut() {
                    Some(base) => {
                        base.parenthesize();
                        base.text.push('′');
                    }
                    None => return None,
                },
                '\\' => self.command(&mut atoms)?,
                '~' => atoms.push(FormulaAtom::new(" ", AtomClass::Space)),
                '-' => atoms.push(FormulaAtom::from_symbol("−")),
                _ if char.is_whitespace() => (),
                _ if char.is_ascii_digit() || char == '.' => match atoms.last_mut() {
                    Some(number) if is_number(&number.text) => number.text.push(char),
                    _ => atoms.push(FormulaAtom::new(char, AtomClass::Ordinary)),
                },
                _ => match atoms.last_mut() {
                    Some(mark) if crate::text::width(char.encode_utf8(&mut [0; 4])) == 0 => mark.text.push(char),
                    _ => atoms.push(FormulaAtom::from_symbol(char)),
                },
            }
        }
        self.depth -= 1;
        Some(atoms)
    }

    fn next_char(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    /// Reads the name of a command: letters, or one other character.
    fn command_name(&mut self) -> &'a str {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { self.rest.chars().next().map_or(0, char::len_utf8) };
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name
    }

    /// Reads the argument of a command or script: a group, a command, or one character.
    fn argument(&mut self) -> Option<Vec<FormulaAtom>> {
        self.rest = self.rest.trim_start();
        match self.next_char()? {
            '{' => {
                let group = self.atoms(GroupEnd::Brace)?;
                Some(group)
            }
            '\\' => {
                let mut atoms = Vec::new();
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
                self.command(&mut atoms)?;
                self.depth -= 1;
                Some(atoms)
            }
            '-' => Some(vec![FormulaAtom::from_symbol("−")]),
            '}' | ']' | '^' | '_' | '&' | '$' | '%' | '#' => None,
            char => Some(vec![FormulaAtom::from_symbol(char)]),
        }
    }

    /// Reads the argument of `\text{…}` unchanged.
    fn text_argument(&mut self) -> Option<&'a str> {
        let body = self.rest.trim_start().strip_prefix('{')?;
        let end = body.find(['}', '{', '$', '\\'])?;
        let rest = body[end..].strip_prefix('}')?;
        self.rest = rest;
        Some(&body[..end])
    }

    fn script(&mut self, raised: bool) -> Option<String> {
        let text = join(&self.argument()?, FormulaSpacing::Close);
        if let Some(small) = symbols::unicode_script(&text, raised) {
            return Some(small);
        }
        let mark = if raised { '^' } else { '_' };
        let is_one = crate::text::clusters(&text).count() == 1;
        Some(if is_one { format!("{mark}{text}") } else { format!("{mark}({text})") })
    }

    fn command(&mut self, atoms: &mut Vec<FormulaAtom>) -> Option<()> {
        let name = self.command_name();
        let atom = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => self.fraction()?,
            "sqrt" => self.root()?,
            "left" | "right" | "middle" => match self.delimiter()? {
                sign if sign.is_empty() => return Some(()),
                sign => FormulaAtom::from_symbol(sign),
            },
            "big" | "Big" | "bigg" | "Bigg" | "bigl" | "Bigl" | "biggl" | "Biggl" | "bigr" | "Bigr" | "biggr"
            | "Biggr" | "bigm" | "Bigm" => FormulaAtom::from_symbol(self.delimiter()?),
            "limits" | "nolimits" | "displaystyle" | "textstyle" | "scriptstyle" | "!" => return Some(()),
            "," | ";" | ":" | ">" | " " | "\n" | "enspace" | "thinspace" => FormulaAtom::new(" ", AtomClass::Space),
            "quad" => FormulaAtom::new("  ", AtomClass::Space),
            "qquad" => FormulaAtom::new("    ", AtomClass::Space),
            "\\" => FormulaAtom::new("\n", AtomClass::Space),
            "text" | "textrm" | "textit" | "textnormal" | "mbox" | "textbf" | "texttt" | "textsf" => {
                FormulaAtom::new(self.text_argument()?, AtomClass::Ordinary)
            }
            "operatorname" => {
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                FormulaAtom::new(join(&self.argument()?, FormulaSpacing::Close), AtomClass::Function)
            }
            "mathrm" | "mathit" | "mathsf" | "mathtt" | "boxed" => merge_atoms(&self.argument()?),
            "mathbb" | "mathcal" | "mathscr" | "mathfrak" | "mathbf" | "boldsymbol" | "bm" => {
                self.styled_letters(name)?
            }
            "not" => {
                FormulaAtom::new(symbols::negate(&join(&self.argument()?, FormulaSpacing::Close)), AtomClass::Relation)
            }
            "pmod" => {
                FormulaAtom::new(format!(" (mod {})", join(&self.argument()?, FormulaSpacing::Wide)), AtomClass::Space)
            }
            "bmod" | "mod" => FormulaAtom::new("mod", AtomClass::Relation),
            "tag" => FormulaAtom::new(format!("    ({})", self.text_argument()?), AtomClass::Space),
            "label" => {
                self.text_argument()?;
                return Some(());
            }
            "limsup" => FormulaAtom::new("lim sup", AtomClass::Function),
            "liminf" => FormulaAtom::new("lim inf", AtomClass::Function),
            _ if symbols::is_function(name) => FormulaAtom::new(name, AtomClass::Function),
            _ => match symbols::accent(name) {
                Some(mark) => self.accented(mark)?,
                None => FormulaAtom::from_symbol(symbols::symbol(name)?),
            },
        };
        atoms.push(atom);
        Some(())
    }

    fn fraction(&mut self) -> Option<FormulaAtom> {
        let (numerator, denominator) = (self.argument()?, self.argument()?);
        let (top, bottom) = (join(&numerator, FormulaSpacing::Wide), join(&denominator, FormulaSpacing::Wide));
        if let Some(sign) = symbols::unicode_fraction(&top, &bottom) {
            return Some(FormulaAtom::new(sign, AtomClass::Ordinary));
        }
        let top = if top.contains([' ', '/']) && !is_single_term(&numerator) { format!("({top})") } else { top };
        let bottom = if is_single_term(&denominator) { bottom } else { format!("({bottom})") };
        Some(FormulaAtom::new(format!("{top}/{bottom}"), AtomClass::Fraction))
    }

    fn root(&mut self) -> Option<FormulaAtom> {
        let degree = match self.rest.trim_start().strip_prefix('[') {
            Some(rest) => {
                self.rest = rest;
                join(&self.atoms(GroupEnd::Bracket)?, FormulaSpacing::Close)
            }
            None => String::new(),
        };
        let sign = match degree.as_str() {
            "" | "2" => "√".to_owned(),
            "3" => "∛".to_owned(),
            "4" => "∜".to_owned(),
            _ => format!("{}√", symbols::unicode_script(&degree, true)?),
        };
        let radicand = self.argument()?;
        let text = join(&radicand, FormulaSpacing::Wide);
        let is_bare = is_single_term(&radicand) && !has_inline_script(&text);
        Some(FormulaAtom::new(if is_bare { sign + &text } else { format!("{sign}({text})") }, AtomClass::Ordinary))
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

    fn styled_letters(&mut self, name: &str) -> Option<FormulaAtom> {
        let name = if name == "bm" { "boldsymbol" } else { name };
        let plain = join(&self.argument()?, FormulaSpacing::Close);
        let letters: Option<String> = plain
            .chars()
            .map(|char| match (name, char.is_ascii_alphanumeric()) {
                ("boldsymbol", true) => symbols::styled_letter("mathbf", char),
                (_, true) => symbols::styled_letter(name, char),
                (_, false) => Some(char.into()),
            })
            .collect();
        Some(FormulaAtom::new(letters?, AtomClass::Ordinary))
    }

    /// Puts an accent on one letter, or a line over or under several.
    fn accented(&mut self, mark: char) -> Option<FormulaAtom> {
        let base = join(&self.argument()?, FormulaSpacing::Close);
        let letters = crate::text::clusters(&base).count();
        if letters == 0 || letters > 1 && !matches!(mark, '\u{305}' | '\u{332}') {
            return None;
        }
        let text: String = crate::text::clusters(&base).flat_map(|cluster| cluster.chars().chain([mark])).collect();
        Some(FormulaAtom::new(text, AtomClass::Ordinary))
    }
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
        AtomClass::Binary | AtomClass::Relation | AtomClass::Close | AtomClass::Punctuation | AtomClass::Space => false,
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

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn join(atoms: &[FormulaAtom], spacing: FormulaSpacing) -> String {
    let mut text = String::new();
    // The class of the previous atom: an operator at the beginning of a term is unary.
    let mut previous: Option<AtomClass> = None;
    for (index, atom) in atoms.iter().enumerate() {
        let next = atoms.get(index + 1).map(|atom| atom.class);
        let mut atom = Cow::Borrowed(atom);
        if atom.class == AtomClass::Fraction && needs_parentheses(atoms, index, spacing) {
            atom.to_mut().parenthesize();
        }
        let mut class = atom.class;
        let after_term = matches!(previous, Some(AtomClass::Ordinary | AtomClass::Fraction | AtomClass::Close));
        if class == AtomClass::Binary
            && !(after_term && next.is_some_and(|next| !matches!(next, AtomClass::Close | AtomClass::Punctuation)))
        {
            class = AtomClass::Ordinary;
        }
        if spacing == FormulaSpacing::Wide && !text.ends_with([' ', '\n']) && class != AtomClass::Space {
            let needs_space = match (previous, class) {
                (None | Some(AtomClass::Space | AtomClass::Open), _) => false,
                (
                    Some(AtomClass::Binary | AtomClass::Relation | AtomClass::Punctuation | AtomClass::LargeOperator),
                    _,
                ) => true,
                (Some(AtomClass::Function), next) => {
                    !matches!(next, AtomClass::Open | AtomClass::Close | AtomClass::Punctuation)
                }
                (Some(AtomClass::Ordinary | AtomClass::Fraction | AtomClass::Close), next) => {
                    matches!(
                        next,
                        AtomClass::Binary | AtomClass::Relation | AtomClass::Function | AtomClass::LargeOperator
                    )
                }
            };
            if needs_space {
                text.push(' ');
            }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_formulas_become_readable_unicode() {
        for (latex, expected) in [
            ("E=mc^2", "E = mc²"),
            (r"\alpha \to \beta", "α → β"),
            (r"\frac{1}{2}mv^2", "½mv²"),
            (r"\frac{a+b}{c}", "(a + b)/c"),
            (r"\frac{dy}{dx} = \frac{1}{2x}", "dy/dx = 1/(2x)"),
            (r"\frac12 \cdot \frac{x}{y+1}", "½ · x/(y + 1)"),
            (r"\sqrt{a^2+b^2}", "√(a² + b²)"),
            (r"\sqrt 2 + \sqrt[3]{x} + \sqrt[n]{xy}", "√2 + ∛x + ⁿ√(xy)"),
            (r"\sum_{i=1}^n x_i \leq \sqrt{a^2 + b^2}", "∑ᵢ₌₁ⁿ xᵢ ≤ √(a² + b²)"),
            (r"\int_0^1 f(x)\,dx", "∫₀¹ f(x) dx"),
            (r"\int_{-\infty}^{\infty} e^{-x^2} dx = \sqrt{\pi}", "∫_(−∞)^∞ e^(−x²) dx = √π"),
            (r"\int_0^1 e^{-x}\,dx = \sqrt{\pi}", "∫₀¹ e⁻ˣ dx = √π"),
            (r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}", "x = (−b ± √(b² − 4ac))/(2a)"),
            (r"\hat{x} + \bar y + \vec{v} + \overline{AB}", "x\u{302} + y\u{304} + v\u{20d7} + A\u{305}B\u{305}"),
            (r"x \in \mathbb{R}, \quad f: A \to B", "x ∈ ℝ,  f: A → B"),
            (r"\left( \frac{x}{2} \right)^2", "(x/2)²"),
            (r"\left\{ x \mid x > 0 \right.", "{x ∣ x > 0"),
            (r"\text{if } n \text{ is even}", "if n is even"),
            (r"n \log n + \sin(x) - \sin x", "n log n + sin(x) − sin x"),
            (r"\lim_{x \to 0} \frac{\sin x}{x} = 1", "lim_(x→0) (sin x)/x = 1"),
            (r"\lim_n \frac{a_n}{n} = 1", "limₙ aₙ/n = 1"),
            (r"x_q y + x_{i,j}^2 + f^{(q)}(x) + 2^{a_q b}", "x_q y + x_(i,j)² + f^((q))(x) + 2^(a_q b)"),
            (r"\sqrt{2^{x_i}} + \frac{a_q}{b_q}", "√(2^(xᵢ)) + a_q/b_q"),
            (r"e^{\frac{n}{2}\,k}", "e^((n/2)k)"),
            (r"90^\circ, f'(x), f''", "90°, f′(x), f′′"),
            (r"A^T B^{-1} \neq \emptyset", "AᵀB⁻¹ ≠ ∅"),
            (r"a \not\in S \not= \not\approx b", "a ∉ S ≠ ≈\u{338} b"),
            (r"\langle u, v \rangle", "⟨u, v⟩"),
            (r"O(n^{2})", "O(n²)"),
            (r"x_{max}, x^{n+1}", "xₘₐₓ, xⁿ⁺¹"),
            (r"a \equiv b \pmod{n}", "a ≡ b (mod n)"),
            (r"3.14 \times 10^{-6}", "3.14 × 10⁻⁶"),
            (r"\operatorname{rank}(A)", "rank(A)"),
            (r"a &= b", ""),
        ] {
            assert_eq!(to_unicode(latex).unwrap_or_default(), expected, "{latex}");
        }
    }

    #[test]
    fn a_fraction_that_touches_a_neighbour_gets_parentheses() {
        for (latex, expected) in [
            (r"\frac{a}{b+c}d", "(a/(b + c))d"),
            (r"\frac{d}{dx}f(x) = \frac{dy}{du}\frac{du}{dx}", "(d/dx)f(x) = (dy/du)(du/dx)"),
            (r"\frac{a}{b}(c+d) + \frac{a}{b}\sqrt{2}", "(a/b)(c + d) + (a/b)√2"),
            (r"\frac{1}{n}\sum_{i=1}^n x_i", "(1/n) ∑ᵢ₌₁ⁿ xᵢ"),
            (r"2\frac{3}{7} - \frac{1}{n}\log n", "2(3/7) − (1/n) log n"),
            (r"\frac{a}{b}^2 + {\frac{a}{b}}'", "(a/b)² + (a/b)′"),
            (r"\frac{\frac{a}{b}}{c} = c/\frac{a}{b}", "(a/b)/c = c/(a/b)"),
            (r"|\frac{a}{b}| = 2\frac{c}{d}.", "|a/b| = 2c/d."),
            (r"\ln\frac{a}{b} - \sin^2 \frac{x}{2}", "ln (a/b) − sin² (x/2)"),
            (r"\partial\frac{a}{b} + \nabla \frac{1}{r} + d\frac{u}{v}", "∂(a/b) + ∇(1/r) + d(u/v)"),
            (r"\int \frac{1}{x}\,dx, \frac{x}{2} \text{ if } x", "∫ 1/x dx, x/2 if x"),
        ] {
            assert_eq!(to_unicode(latex).unwrap_or_default(), expected, "{latex}");
        }
    }

    #[test]
    fn a_formula_that_does_not_fit_on_one_line_stays_latex() {
        for latex in [
            r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
            r"\unknowncommand{x}",
            r"\infoo",
            r"\frac{1}",
            r"x^",
            r"{x",
            r"x}",
            r"\left",
            r"\xrightarrow{f}",
            r"\hat{xyz}",
            "",
            " ",
        ] {
            assert_eq!(to_unicode(latex), None, "{latex}");
        }
        assert_eq!(to_unicode(&"{".repeat(4000)), None);
        assert_eq!(to_unicode(&r"\sqrt".repeat(700)), None);
        assert_eq!(to_unicode(&"^".repeat(4000)), None);
        assert_eq!(to_unicode(&"x".repeat(5000)), None);
    }

    proptest! {
        #[test]
        fn converted_formulas_have_no_control_characters(latex in r"(\\[a-zA-Z]{1,8}|\\.|[\^_{}\[\]$&]|[a-z0-9+=() ]|\PC){0,40}") {
            if let Some(text) = to_unicode(&latex) {
                prop_assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{:?}", text);
            }
        }
    }
}
