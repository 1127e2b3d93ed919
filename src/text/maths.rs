//! LaTeX as Unicode, for formulas that can be told in one line of text.
//!
//! Fractions, roots, sums with their limits, Greek, scripts, accents and the usual operators become what a
//! reader expects; a script whose letters have no small form stands in brackets behind its mark, `e^(−x²)`, as in Unicode
//! Technical Note 28. A formula with anything else (a matrix, an unknown command) is not one for this, and all of it stays
//! LaTeX as it was written.

mod signs;

use std::borrow::Cow;

use signs::Class;

/// A formula in Unicode; `None` when it must stay LaTeX. Line breaks (`\\`) become line ends.
pub fn to_unicode(latex: &str) -> Option<String> {
    if latex.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: latex, depth: 0 };
    let atoms = reader.atoms(End::Text)?;
    let text = joined(&atoms, Spacing::Wide);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Longer ones are no formulas that anybody reads in a line.
const LONGEST: usize = 4096;
/// Braces and arguments within each other.
const DEEPEST: usize = 24;

/// One sign or more that stand together.
#[derive(Debug, Clone)]
struct Atom {
    text: String,
    class: Class,
}

/// Whether signs stand apart, as in a line, or close, as in a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    Wide,
    Close,
}

/// What ends a run of atoms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Brace,
    Bracket,
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Atom {
    fn new(text: impl Into<String>, class: Class) -> Self {
        Self { text: text.into(), class }
    }

    /// Puts brackets around a fraction, for what comes belongs to all of it.
    fn close(&mut self) {
        if self.class == Class::Fraction {
            *self = Self::new(format!("({})", self.text), Class::Ordinary);
        }
    }

    fn sign(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { class: signs::class(&text), text }
    }
}

impl<'a> Reader<'a> {
    fn atoms(&mut self, end: End) -> Option<Vec<Atom>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut atoms: Vec<Atom> = Vec::new();
        loop {
            let Some(char) = self.next() else {
                return (end == End::Text).then_some(atoms);
            };
            match char {
                '}' if end == End::Brace => break,
                ']' if end == End::Bracket => break,
                '}' | '&' | '%' | '#' | '$' => return None,
                '{' => {
                    let group = self.atoms(End::Brace)?;
                    atoms.push(grouped(&group));
                }
                '^' | '_' => {
                    let script = self.script(char == '^')?;
                    let base = atoms.last_mut().filter(|atom| !matches!(atom.class, Class::Space));
                    match base {
                        Some(base) => {
                            base.close();
                            base.text.push_str(&script);
                        }
                        None => atoms.push(Atom::new(script, Class::Ordinary)),
                    }
                }
                '\'' => match atoms.last_mut() {
                    Some(base) => {
                        base.close();
                        base.text.push('′');
                    }
                    None => return None,
                },
                '\\' => self.command(&mut atoms)?,
                '~' => atoms.push(Atom::new(" ", Class::Space)),
                '-' => atoms.push(Atom::sign("−")),
                _ if char.is_whitespace() => (),
                _ if char.is_ascii_digit() || char == '.' => match atoms.last_mut() {
                    Some(number) if is_number(&number.text) => number.text.push(char),
                    _ => atoms.push(Atom::new(char, Class::Ordinary)),
                },
                _ => match atoms.last_mut() {
                    Some(mark) if super::width(char.encode_utf8(&mut [0; 4])) == 0 => mark.text.push(char),
                    _ => atoms.push(Atom::sign(char)),
                },
            }
        }
        self.depth -= 1;
        Some(atoms)
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    /// The name of a command: letters, or one other character.
    fn name(&mut self) -> &'a str {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { self.rest.chars().next().map_or(0, char::len_utf8) };
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name
    }

    /// What a command or a script takes: a group, a command, or one character.
    fn argument(&mut self) -> Option<Vec<Atom>> {
        self.rest = self.rest.trim_start();
        match self.next()? {
            '{' => {
                let group = self.atoms(End::Brace)?;
                Some(group)
            }
            '\\' => {
                let mut atoms = Vec::new();
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                self.command(&mut atoms)?;
                self.depth -= 1;
                Some(atoms)
            }
            '-' => Some(vec![Atom::sign("−")]),
            '}' | ']' | '^' | '_' | '&' | '$' | '%' | '#' => None,
            char => Some(vec![Atom::sign(char)]),
        }
    }

    /// The words of `\text{…}`, as they stand.
    fn words(&mut self) -> Option<&'a str> {
        let body = self.rest.trim_start().strip_prefix('{')?;
        let end = body.find(['}', '{', '$', '\\'])?;
        let rest = body[end..].strip_prefix('}')?;
        self.rest = rest;
        Some(&body[..end])
    }

    fn script(&mut self, raised: bool) -> Option<String> {
        let text = joined(&self.argument()?, Spacing::Close);
        if let Some(small) = signs::script(&text, raised) {
            return Some(small);
        }
        let mark = if raised { '^' } else { '_' };
        let is_one = super::clusters(&text).count() == 1;
        Some(if is_one { format!("{mark}{text}") } else { format!("{mark}({text})") })
    }

    fn command(&mut self, atoms: &mut Vec<Atom>) -> Option<()> {
        let name = self.name();
        let atom = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => self.fraction()?,
            "sqrt" => self.root()?,
            "left" | "right" | "middle" => match self.delimiter()? {
                sign if sign.is_empty() => return Some(()),
                sign => Atom::sign(sign),
            },
            "big" | "Big" | "bigg" | "Bigg" | "bigl" | "Bigl" | "biggl" | "Biggl" | "bigr" | "Bigr" | "biggr"
            | "Biggr" | "bigm" | "Bigm" => Atom::sign(self.delimiter()?),
            "limits" | "nolimits" | "displaystyle" | "textstyle" | "scriptstyle" | "!" => return Some(()),
            "," | ";" | ":" | ">" | " " | "\n" | "enspace" | "thinspace" => Atom::new(" ", Class::Space),
            "quad" => Atom::new("  ", Class::Space),
            "qquad" => Atom::new("    ", Class::Space),
            "\\" => Atom::new("\n", Class::Space),
            "text" | "textrm" | "textit" | "textnormal" | "mbox" | "textbf" | "texttt" | "textsf" => {
                Atom::new(self.words()?, Class::Ordinary)
            }
            "operatorname" => {
                self.rest = self.rest.strip_prefix('*').unwrap_or(self.rest);
                Atom::new(joined(&self.argument()?, Spacing::Close), Class::Named)
            }
            "mathrm" | "mathit" | "mathsf" | "mathtt" | "boxed" => grouped(&self.argument()?),
            "mathbb" | "mathcal" | "mathscr" | "mathfrak" | "mathbf" | "boldsymbol" | "bm" => self.alphabet(name)?,
            "not" => Atom::new(signs::negated(&joined(&self.argument()?, Spacing::Close)), Class::Relation),
            "pmod" => Atom::new(format!(" (mod {})", joined(&self.argument()?, Spacing::Wide)), Class::Space),
            "bmod" | "mod" => Atom::new("mod", Class::Relation),
            "tag" => Atom::new(format!("    ({})", self.words()?), Class::Space),
            "label" => {
                self.words()?;
                return Some(());
            }
            "limsup" => Atom::new("lim sup", Class::Named),
            "liminf" => Atom::new("lim inf", Class::Named),
            _ if signs::is_function(name) => Atom::new(name, Class::Named),
            _ => match signs::accent(name) {
                Some(mark) => self.accented(mark)?,
                None => Atom::sign(signs::symbol(name)?),
            },
        };
        atoms.push(atom);
        Some(())
    }

    fn fraction(&mut self) -> Option<Atom> {
        let (over, under) = (self.argument()?, self.argument()?);
        let (top, bottom) = (joined(&over, Spacing::Wide), joined(&under, Spacing::Wide));
        if let Some(sign) = signs::fraction(&top, &bottom) {
            return Some(Atom::new(sign, Class::Ordinary));
        }
        let top = if top.contains([' ', '/']) && !is_one(&over) { format!("({top})") } else { top };
        let bottom = if is_one(&under) { bottom } else { format!("({bottom})") };
        Some(Atom::new(format!("{top}/{bottom}"), Class::Fraction))
    }

    fn root(&mut self) -> Option<Atom> {
        let degree = match self.rest.trim_start().strip_prefix('[') {
            Some(rest) => {
                self.rest = rest;
                joined(&self.atoms(End::Bracket)?, Spacing::Close)
            }
            None => String::new(),
        };
        let sign = match degree.as_str() {
            "" | "2" => "√".to_owned(),
            "3" => "∛".to_owned(),
            "4" => "∜".to_owned(),
            _ => format!("{}√", signs::script(&degree, true)?),
        };
        let under = self.argument()?;
        let text = joined(&under, Spacing::Wide);
        let is_bare = is_one(&under) && !has_written_script(&text);
        Some(Atom::new(if is_bare { sign + &text } else { format!("{sign}({text})") }, Class::Ordinary))
    }

    fn delimiter(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.next()? {
            '\\' => signs::symbol(self.name()),
            '.' => Some(String::new()),
            '<' => Some("⟨".into()),
            '>' => Some("⟩".into()),
            sign @ ('(' | ')' | '[' | ']' | '|' | '/') => Some(sign.into()),
            _ => None,
        }
    }

    fn alphabet(&mut self, name: &str) -> Option<Atom> {
        let name = if name == "bm" { "boldsymbol" } else { name };
        let plain = joined(&self.argument()?, Spacing::Close);
        let letters: Option<String> = plain
            .chars()
            .map(|char| match (name, char.is_ascii_alphanumeric()) {
                ("boldsymbol", true) => signs::letter("mathbf", char),
                (_, true) => signs::letter(name, char),
                (_, false) => Some(char.into()),
            })
            .collect();
        Some(Atom::new(letters?, Class::Ordinary))
    }

    /// A mark on one letter; a line over or under on each.
    fn accented(&mut self, mark: char) -> Option<Atom> {
        let base = joined(&self.argument()?, Spacing::Close);
        let letters = super::clusters(&base).count();
        if letters == 0 || letters > 1 && !matches!(mark, '\u{305}' | '\u{332}') {
            return None;
        }
        let text: String = super::clusters(&base).flat_map(|cluster| cluster.chars().chain([mark])).collect();
        Some(Atom::new(text, Class::Ordinary))
    }
}

/// A group as one thing: what is in it does not stand to what is around it.
fn grouped(atoms: &[Atom]) -> Atom {
    match atoms {
        [one] => one.clone(),
        _ => Atom::new(joined(atoms, Spacing::Wide), Class::Ordinary),
    }
}

/// Whether a sign makes two terms of what is left and right of it.
fn parts(class: Class) -> bool {
    matches!(class, Class::Binary | Class::Relation | Class::Large | Class::Comma | Class::Space)
}

/// Whether something can stand under a root or a fraction without brackets.
fn is_one(atoms: &[Atom]) -> bool {
    match atoms {
        [one] => !parts(one.class) && !one.text.contains([' ', '/']),
        // A derivative.
        [d, variable] => matches!(d.text.as_str(), "d" | "∂") && variable.class == Class::Ordinary,
        [open, .., close] => {
            open.class == Class::Open
                && close.class == Class::Close
                && atoms[1..atoms.len() - 1].iter().all(|atom| !matches!(atom.class, Class::Open | Class::Close))
        }
        [] => false,
    }
}

/// Whether a fraction stands so close to its neighbours that they could be taken for a part of it.
fn touches(atoms: &[Atom], at: usize, spacing: Spacing) -> bool {
    let is_shown = |atom: &&Atom| spacing == Spacing::Wide || atom.class != Class::Space;
    let behind = atoms[at + 1..].iter().find(is_shown).is_some_and(|next| match next.class {
        Class::Open | Class::Named | Class::Large | Class::Fraction => true,
        Class::Ordinary => next.text.starts_with(|sign: char| sign.is_alphanumeric() || "(/√∛∜∂∇∞".contains(sign)),
        Class::Binary | Class::Relation | Class::Close | Class::Comma | Class::Space => false,
    });
    let before = |before: &Atom| match before.class {
        // Under a limit stands what is divided, however it is set.
        Class::Named => !before.text.starts_with("lim"),
        Class::Fraction => true,
        // What is done to the fraction is not done to its numerator alone.
        _ if before.text.ends_with(['/', 'd', '∂', '∇', 'δ', 'Δ']) => true,
        _ => before.text.ends_with(char::is_numeric) && atoms[at].text.starts_with(char::is_numeric),
    };
    behind || atoms[..at].iter().rfind(is_shown).is_some_and(before)
}

/// Whether a script stands in a text behind its mark, so that what follows could be taken for a part of it.
fn has_written_script(text: &str) -> bool {
    text.contains(['^', '_'])
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn joined(atoms: &[Atom], spacing: Spacing) -> String {
    let mut text = String::new();
    // What stands before: a sign at the beginning of a term is not between two.
    let mut before: Option<Class> = None;
    for (at, atom) in atoms.iter().enumerate() {
        let next = atoms.get(at + 1).map(|atom| atom.class);
        let mut atom = Cow::Borrowed(atom);
        if atom.class == Class::Fraction && touches(atoms, at, spacing) {
            atom.to_mut().close();
        }
        let mut class = atom.class;
        let after_term = matches!(before, Some(Class::Ordinary | Class::Fraction | Class::Close));
        if class == Class::Binary
            && !(after_term && next.is_some_and(|next| !matches!(next, Class::Close | Class::Comma)))
        {
            class = Class::Ordinary;
        }
        if spacing == Spacing::Wide && !text.ends_with([' ', '\n']) && class != Class::Space {
            let apart = match (before, class) {
                (None | Some(Class::Space | Class::Open), _) => false,
                (Some(Class::Binary | Class::Relation | Class::Comma | Class::Large), _) => true,
                (Some(Class::Named), next) => !matches!(next, Class::Open | Class::Close | Class::Comma),
                (Some(Class::Ordinary | Class::Fraction | Class::Close), next) => {
                    matches!(next, Class::Binary | Class::Relation | Class::Named | Class::Large)
                }
            };
            if apart {
                text.push(' ');
            }
        }
        if before == Some(Class::Ordinary)
            && matches!(class, Class::Ordinary | Class::Fraction)
            && at.checked_sub(1).is_some_and(|at| has_written_script(&atoms[at].text))
        {
            text.push(' ');
        }
        if atom.class == Class::Space && atom.text == "\n" {
            text.truncate(text.trim_end().len());
        }
        if spacing == Spacing::Close && atom.class == Class::Space {
            continue;
        }
        if !(atom.class == Class::Space && text.ends_with(' ') && atom.text == " ") {
            text.push_str(&atom.text);
        }
        before = Some(class);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_formulas_read_as_they_are_spoken() {
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
    fn a_fraction_is_set_apart_from_what_touches_it() {
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
    fn what_cannot_be_told_in_a_line_stays_latex() {
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
        fn anything_has_an_answer_without_controls(latex in r"(\\[a-zA-Z]{1,8}|\\.|[\^_{}\[\]$&]|[a-z0-9+=() ]|\PC){0,40}") {
            if let Some(text) = to_unicode(&latex) {
                prop_assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{:?}", text);
            }
        }
    }
}
