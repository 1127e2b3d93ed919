//! The signs of mathematics: commands, raised and lowered letters, and what stands around them.

/// How a sign stands to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Ordinary,
    /// A fraction in one line: what stands beside it directly could be taken for a part of it.
    Fraction,
    /// A sum, an integral.
    Large,
    /// A function by its name: what follows stands apart, but for its brackets.
    Named,
    Binary,
    Relation,
    Open,
    Close,
    Comma,
    Space,
}

/// The sign of a command without an argument, named without its backslash.
pub(super) fn symbol(name: &str) -> Option<String> {
    let ours = match name {
        "langle" => "⟨",
        "rangle" => "⟩",
        "cdot" => "·",
        "ast" => "∗",
        "colon" => ":",
        "lvert" | "rvert" => "|",
        "lVert" | "rVert" | "|" => "‖",
        "{" | "lbrace" => "{",
        "}" | "rbrace" => "}",
        "%" | "$" | "#" | "&" | "_" => name,
        "dag" => "†",
        "iff" => "⟺",
        "tr" | "Tr" => return None,
        _ => "",
    };
    if !ours.is_empty() {
        return Some(ours.to_owned());
    }
    if name.len() > 40 || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let found = unicodeit::replace_optimized(&format!("\\{name}"));
    // A part of the name that is a command itself would leave the rest of it as letters.
    let whole = !found.contains(|char: char| char.is_ascii_alphabetic() || char == '\\');
    whole.then(|| super::super::clean(&found).into_owned()).filter(|sign| !sign.is_empty())
}

/// A letter of an alphabet such as `mathbb`.
pub(super) fn letter(alphabet: &str, letter: char) -> Option<String> {
    let found = unicodeit::replace_optimized(&format!("\\{alphabet}{{{letter}}}"));
    (!found.contains('\\')).then_some(found)
}

/// Functions that are set upright, with a space behind.
pub(super) fn is_function(name: &str) -> bool {
    matches!(
        name,
        "sin"
            | "cos"
            | "tan"
            | "cot"
            | "sec"
            | "csc"
            | "arcsin"
            | "arccos"
            | "arctan"
            | "sinh"
            | "cosh"
            | "tanh"
            | "coth"
            | "log"
            | "ln"
            | "lg"
            | "exp"
            | "max"
            | "min"
            | "sup"
            | "inf"
            | "lim"
            | "det"
            | "dim"
            | "ker"
            | "deg"
            | "gcd"
            | "arg"
            | "Pr"
            | "hom"
            | "argmax"
            | "argmin"
    )
}

/// The mark that is set on a letter.
pub(super) fn accent(name: &str) -> Option<char> {
    Some(match name {
        "hat" | "widehat" => '\u{302}',
        "bar" => '\u{304}',
        "overline" => '\u{305}',
        "underline" => '\u{332}',
        "vec" => '\u{20d7}',
        "tilde" | "widetilde" => '\u{303}',
        "dot" => '\u{307}',
        "ddot" => '\u{308}',
        "acute" => '\u{301}',
        "grave" => '\u{300}',
        "check" => '\u{30c}',
        "breve" => '\u{306}',
        "mathring" => '\u{30a}',
        _ => return None,
    })
}

const RAISED: [(&str, &str); 2] = [
    (
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ",
    ),
    ("°∘′″‴*∗†‡", "°°′″‴**†‡"),
];
const LOWERED: [(&str, &str); 1] = [("0123456789+−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")];

/// A script in letters of its own, if each has one.
pub(super) fn script(text: &str, raised: bool) -> Option<String> {
    let table: &[(&str, &str)] = if raised { &RAISED } else { &LOWERED };
    let one = |wanted: char| {
        table.iter().find_map(|(plain, small)| {
            plain.chars().zip(small.chars()).find_map(|(plain, small)| (plain == wanted).then_some(small))
        })
    };
    text.chars().filter(|char| *char != ' ').map(one).collect()
}

/// A fraction that has a sign of its own.
pub(super) fn fraction(over: &str, under: &str) -> Option<&'static str> {
    Some(match (over, under) {
        ("1", "2") => "½",
        ("1", "3") => "⅓",
        ("2", "3") => "⅔",
        ("1", "4") => "¼",
        ("3", "4") => "¾",
        ("1", "5") => "⅕",
        ("1", "6") => "⅙",
        ("1", "8") => "⅛",
        ("3", "8") => "⅜",
        ("5", "8") => "⅝",
        ("7", "8") => "⅞",
        _ => return None,
    })
}

/// How a sign stands to its neighbours.
pub(super) fn class(sign: &str) -> Class {
    match sign.chars().next().unwrap_or(' ') {
        ' ' => Class::Space,
        '+' | '−' | '±' | '∓' | '×' | '÷' | '·' | '∗' | '∘' | '∙' | '∩' | '∪' | '∧' | '∨' | '⊕' | '⊖' | '⊗' | '⊘'
        | '⊙' | '∖' | '⊓' | '⊔' | '⊎' | '⋆' => Class::Binary,
        '='
        | '<'
        | '>'
        | '∣'
        | '∥'
        | '∝'
        | '⟂'
        | '\u{2190}'..='\u{21ff}'
        | '\u{27f0}'..='\u{27ff}'
        | '\u{2900}'..='\u{297f}'
        | '\u{2208}'..='\u{220d}'
        | '\u{223c}'..='\u{228b}'
        | '\u{228f}'..='\u{2292}'
        | '\u{22a2}'..='\u{22b7}'
        | '\u{22d0}'..='\u{22ed}'
        | '\u{2a7d}'..='\u{2abc}' => Class::Relation,
        '∑' | '∏' | '∐' | '∫' | '∬' | '∭' | '∮' | '⋃' | '⋂' | '⋁' | '⋀' | '⨁' | '⨂' => {
            Class::Large
        }
        '(' | '[' | '{' | '⟨' | '⌊' | '⌈' => Class::Open,
        ')' | ']' | '}' | '⟩' | '⌋' | '⌉' | '!' => Class::Close,
        ',' | ';' | ':' => Class::Comma,
        _ => Class::Ordinary,
    }
}

/// A relation with a stroke through it.
pub(super) fn negated(sign: &str) -> String {
    let known = match sign {
        "=" => "≠",
        "∈" => "∉",
        "∋" => "∌",
        "⊂" => "⊄",
        "⊃" => "⊅",
        "⊆" => "⊈",
        "≡" => "≢",
        "∃" => "∄",
        "<" => "≮",
        ">" => "≯",
        _ => return format!("{sign}\u{338}"),
    };
    known.to_owned()
}
