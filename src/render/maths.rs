//! Sets LaTeX formulas as text, in one line or in rows.
//!
//! Fractions, roots, sums with their limits, Greek, scripts, accents, matrices and the usual operators are known. A
//! formula with anything else, such as an unknown command, stays LaTeX as a whole.

mod delimiters;
mod display;
mod formula_box;
mod grid;
mod grid_syntax;
mod one_line;
mod symbols;
mod syntax;

pub(crate) use grid_syntax::{is_display_environment, is_environment};
pub(crate) use symbols::is_function;

use self::{
    display::{FormulaSetter, LimitStyle},
    formula_box::FormulaBox,
    one_line::FormulaSpacing,
};
use super::theme::ThemeMarks;

/// Sets a formula in one line; `None` if it must stay LaTeX. A line break (`\\`) becomes a line end.
pub fn to_unicode(latex: &str) -> Option<String> {
    let nodes = syntax::parse(latex)?;
    let text = one_line::set_in_line(&nodes, FormulaSpacing::Wide)?;
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Sets a superscript or subscript in Unicode, or in brackets after its sign.
pub fn script(words: &str, is_raised: bool) -> String {
    let words = words.trim();
    let plain = words.replace('-', "−");
    symbols::unicode_script(&plain, is_raised).unwrap_or_else(|| symbols::marked_script(words, is_raised))
}

/// Sets a formula in rows of at most `width` cells; `None` if it must stay LaTeX.
pub fn to_rows(latex: &str, width: usize, marks: &ThemeMarks) -> Option<Vec<String>> {
    let nodes = syntax::parse(latex)?;
    let setter = FormulaSetter { marks };
    let whole = setter.list(&nodes, LimitStyle::Display)?;
    let fitting = if whole.width() <= width { whole } else { broken(&setter, &nodes, &whole, width)? };
    let rows: Vec<String> = fitting.into_rows().iter().map(|row| row.trim_end().to_owned()).collect();
    rows.iter().any(|row| !row.is_empty()).then_some(rows)
}

/// Breaks a tall formula that is too wide; one of a single row is wrapped like text.
fn broken(
    setter: &FormulaSetter,
    nodes: &[syntax::FormulaNode],
    whole: &FormulaBox,
    width: usize,
) -> Option<FormulaBox> {
    if whole.height() == 1 { None } else { setter.broken_list(nodes, width) }
}

#[cfg(test)]
mod display_tests;
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
            (r"n \log n + \sin(x) - \sin x = -\sin -x", "n log n + sin(x) − sin x = −sin −x"),
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
            (r"a &= b", "a = b"),
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
            r"\unknowncommand{x}",
            r"\infoo",
            r"\frac{1}",
            r"x^",
            r"{x",
            r"x}",
            r"\left",
            r"\underbrace{x}_{n}",
            r"\hat{xyz}",
            "",
            " ",
        ] {
            assert_eq!(to_unicode(latex), None, "{latex}");
        }
        assert_eq!(to_unicode(&"{".repeat(4000)), None);
        assert_eq!(to_unicode(&r"\sqrt".repeat(700)), None);
        assert_eq!(to_unicode(&"^".repeat(4000)), None);
        assert_eq!(to_unicode(&"x".repeat(9000)), None);
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
