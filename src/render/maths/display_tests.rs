//! How formulas are set in rows, as a table.

use super::*;

/// Formulas of the kinds that models write, each with a name.
const FORMULAS: &[(&str, &str)] = &[
    ("rotation", r"R = \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}"),
    ("cases", r"f(x) = \begin{cases} x^2 & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}"),
    ("three cases", r"\operatorname{sgn}(x) = \begin{cases} 1, & x > 0 \\ 0, & x = 0 \\ -1, & x < 0 \end{cases}"),
    ("cases in words of another script", r"f(x) = \begin{cases} 1 & \text{如果 } x > 0 \\ 0 & \text{否则} \end{cases}"),
    ("aligned", r"\begin{aligned} (a+b)^2 &= (a+b)(a+b) \\ &= a^2 + 2ab + b^2 \end{aligned}"),
    ("aligned with fractions", r"\begin{align*} x &= \frac{a}{b} \\[4pt] y &= \frac{c}{d} + 1 \end{align*}"),
    ("two pairs", r"\begin{align} a &= 1 & b &= 2 \\ aa &= 11 & bb &= 22 \end{align}"),
    ("gather", r"\begin{gather} a = b + c \\ x = 1 \end{gather}"),
    ("multline", r"\begin{multline} a + b + c \\ + d + e \\ + f \end{multline}"),
    ("split", r"\begin{equation} \begin{split} a &= b \\ &\quad + c \end{split} \end{equation}"),
    ("quadratic", r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}"),
    ("derivative", r"\frac{d}{dx}f(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}"),
    ("continued fraction", r"\phi = 1 + \cfrac{1}{1 + \cfrac{1}{1 + \cfrac{1}{1 + \cdots}}}"),
    ("simple fractions", r"\frac{1}{2} + \frac{3}{7} = \frac{13}{14}"),
    ("sum", r"\sum_{i=1}^{n} i^2 = \frac{n(n+1)(2n+1)}{6}"),
    ("product", r"\prod_{k=1}^{\infty} \left(1 - \frac{1}{k^2}\right)"),
    ("integral", r"\int_{-\infty}^{\infty} e^{-x^2} \, dx = \sqrt{\pi}"),
    ("double integral", r"\iint_D f(x,y)\,dA"),
    ("antiderivative", r"\left[ \frac{x^3}{3} \right]_0^1 = \frac13"),
    ("limits of words", r"\max_{x \in X} f(x) + \operatorname*{arg\,max}_{\theta} L(\theta)"),
    ("substack", r"\sum_{\substack{i < n \\ j < m}} a_{ij}"),
    ("tall root", r"\sigma = \sqrt{\frac{1}{N}\sum_{i=1}^{N}(x_i-\mu)^2}"),
    ("cube root", r"\sqrt[3]{\frac{a}{b}}"),
    ("binomial", r"\binom{n}{k} = \frac{n!}{k!(n-k)!}"),
    ("choose", r"{n \choose k} p^k (1-p)^{n-k}"),
    ("underbrace", r"\underbrace{a + a + \cdots + a}_{n \text{ times}} = na"),
    ("overbrace", r"\overbrace{x + y}^{k}"),
    ("boxed", r"\boxed{x = \frac{3}{7}}"),
    ("determinant", r"\det A = \begin{vmatrix} a & b \\ c & d \end{vmatrix} = ad - bc"),
    ("norm", r"\begin{Vmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \\ 7 & 8 & 9 \end{Vmatrix}"),
    ("square brackets", r"\begin{bmatrix} 1 & \cdots & n \\ \vdots & \ddots & \vdots \\ m & \cdots & mn \end{bmatrix}"),
    ("braces", r"\begin{Bmatrix} x \\ y \end{Bmatrix}"),
    ("small and bare", r"\begin{smallmatrix} 1 & 0 \\ 0 & 1 \end{smallmatrix}"),
    (
        "product of matrices",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \begin{pmatrix} x \\ y \end{pmatrix} = \begin{pmatrix} 5 \\ 6 \end{pmatrix}",
    ),
    (
        "inverse",
        r"A^{-1} = \frac{1}{ad-bc} \begin{pmatrix} d & -b \\ -c & a \end{pmatrix}, \quad \begin{bmatrix} 1 \\ 2 \end{bmatrix}^T",
    ),
    ("matrix of fractions", r"\begin{pmatrix} \frac{a}{b} & 0 \\ 0 & \frac{c}{d} \end{pmatrix}"),
    ("augmented", r"\left[\begin{array}{cc|c} 1 & 2 & 3 \\ 4 & 5 & 6 \end{array}\right]"),
    ("array with rules", r"\begin{array}{|l|r|} \hline x & f(x) \\ \hline 1 & 10 \\ 20 & 3 \\ \hline \end{array}"),
    ("array beside a brace", r"x = \left\{ \begin{array}{cc} 1 & 2 \\ 3 & 4 \end{array} \right."),
    ("row vector", r"v = \begin{bmatrix} 1 & 2 & 3 \end{bmatrix}"),
    ("columns without environment", r"a &= b \\ &= c"),
    ("scripts", r"e^{i\pi} + x_{i,j}^{2} + T^{(q)}_{\mu\nu} + {}^{14}C"),
    ("arrow", r"A \xrightarrow{f} B \overset{?}{=} C"),
    ("accents", r"\overrightarrow{AB} + \widehat{xyz} + \overline{\frac{a}{b}}"),
    ("middle bar", r"P\left( A \middle| \frac{B}{C} \right)"),
    ("evaluated", r"\left. \frac{dy}{dx} \right|_{x=0}"),
    ("set", r"\left\{ x \in \mathbb{R} \mid \frac{x}{2} < 1 \right\}"),
    ("floor and ceiling", r"\left\lfloor \frac{n}{2} \right\rfloor + \left\lceil \frac{n}{2} \right\rceil"),
    ("tag", r"E = mc^2 \tag{1}"),
    ("colour", r"\color{red} x + \textcolor{blue}{y} = {\bf z}"),
    ("Maxwell", r"\oint_{\partial S} \mathbf{B} \cdot d\mathbf{l} = \mu_0 I + \mu_0 \varepsilon_0 \frac{d\Phi_E}{dt}"),
    ("Bayes", r"P(A \mid B) = \frac{P(B \mid A)\,P(A)}{P(B)}"),
    ("softmax", r"\text{softmax}(x_i) = \frac{e^{x_i}}{\sum_{j=1}^{K} e^{x_j}}"),
    ("Attention", r"\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(\frac{QK^T}{\sqrt{d_k}}\right)V"),
];

fn table(marks: &ThemeMarks, names: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    for (name, latex) in FORMULAS.iter().filter(|(name, _)| names(name)) {
        let rows = to_rows(latex, 90, marks).map_or_else(|| format!("LaTeX: {latex}"), |rows| rows.join("\n"));
        out.extend(["--- ", name, "\n", &rows, "\n"]);
    }
    out
}

#[test]
fn formulas_are_set_in_rows() {
    insta::assert_snapshot!(table(&ThemeMarks::UNICODE, |_| true));
}

#[test]
fn formulas_in_a_line_have_one_row() {
    let mut out = String::new();
    for (name, latex) in FORMULAS {
        let line = to_unicode(latex).unwrap_or_else(|| format!("LaTeX: {latex}"));
        out.extend([name, ": ", &line, "\n"]);
    }
    insta::assert_snapshot!(out);
}

#[test]
fn rules_and_roots_are_ascii_in_an_ascii_theme() {
    let drawn = table(&ThemeMarks::ASCII, |name| matches!(name, "tall root" | "array with rules" | "boxed"));
    let is_drawing = |char: char| matches!(char, '\u{2500}'..='\u{256f}');
    assert_eq!(drawn.chars().find(|char| is_drawing(*char)), None, "{drawn}");
}

#[test]
fn a_formula_is_never_wider_than_its_room() {
    for (name, latex) in FORMULAS {
        for width in 1..100 {
            if let Some(rows) = to_rows(latex, width, &ThemeMarks::UNICODE) {
                assert!(rows.iter().all(|row| crate::text::width(row) <= width), "{name} at {width}: {rows:#?}");
            }
        }
    }
}

#[test]
fn what_is_not_understood_stays_latex() {
    for latex in [
        r"\begin{pmatrix} 1 & 2",
        r"\begin{pmatrix} 1 & 2 \end{bmatrix}",
        r"\begin{tikzcd} A \end{tikzcd}",
        r"\begin{matrix} \unknown{x} \end{matrix}",
        r"\left( x",
        r"x \right)",
        r"\begin{array}{p{3cm}} x \end{array}",
        r"\frac{1}",
        r"\end{matrix}",
        "",
    ] {
        assert_eq!(to_rows(latex, 80, &ThemeMarks::UNICODE), None, "{latex}");
    }
}

#[test]
fn deep_and_long_formulas_are_left_alone_in_linear_time() {
    let deep = |depth: usize| r"\frac{1}{1+".repeat(depth) + "x" + &"}".repeat(depth);
    assert!(to_rows(&deep(10), 200, &ThemeMarks::UNICODE).is_some());
    assert_eq!(to_rows(&deep(400), 200, &ThemeMarks::UNICODE), None);
    let rows = |rows: usize| [r"\begin{matrix}", &r"a & b \\".repeat(rows), r"\end{matrix}"].concat();
    assert_eq!(to_rows(&rows(40), 200, &ThemeMarks::UNICODE).map(|rows| rows.len()), Some(40));
    assert_eq!(to_rows(&rows(500), 200, &ThemeMarks::UNICODE), None);
    assert_eq!(to_rows(&r"\begin{matrix}".repeat(300), 200, &ThemeMarks::UNICODE), None);
    crate::text::work::assert_linear("rows of a matrix", 30, rows, |latex| {
        to_rows(latex, 200, &ThemeMarks::UNICODE);
    });
    crate::text::work::assert_linear(
        "a sum",
        60,
        |terms| "x^2 + ".repeat(terms) + "1",
        |latex| {
            to_rows(latex, 2000, &ThemeMarks::UNICODE);
        },
    );
}
