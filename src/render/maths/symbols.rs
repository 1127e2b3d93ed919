//! Mathematical symbols: commands, superscripts and subscripts, and the classes that decide the spacing.

use std::{collections::HashMap, sync::LazyLock};

/// The class of a symbol, which decides the space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtomClass {
    Ordinary,
    /// A fraction on one line: a symbol directly beside it could be read as a part of it.
    Fraction,
    /// A sum, an integral.
    LargeOperator,
    /// A named function: a space follows it, unless brackets do.
    Function,
    Binary,
    /// A sign before a term, such as a minus.
    Prefix,
    Relation,
    Open,
    Close,
    Punctuation,
    Space,
}

/// The symbol of a command without an argument; `name` has no backslash.
pub(crate) fn symbol(name: &str) -> Option<String> {
    let special = match name {
        "langle" => "⟨",
        "rangle" => "⟩",
        "cdot" => "·",
        "ast" => "∗",
        "colon" => ":",
        "lvert" | "rvert" | "vert" => "|",
        "lVert" | "rVert" | "Vert" | "|" => "‖",
        "lbrack" => "[",
        "rbrack" => "]",
        "dotsc" | "dotso" => "…",
        "dotsb" | "dotsm" | "dotsi" => "⋯",
        "lt" => "<",
        "gt" => ">",
        "{" | "lbrace" => "{",
        "}" | "rbrace" => "}",
        "%" | "$" | "#" | "&" | "_" => name,
        "dag" => "†",
        "iff" => "⟺",
        "tr" | "Tr" => return None,
        _ => "",
    };
    if !special.is_empty() {
        return Some(special.to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    Some(crate::text::clean(look_up(name)?).into_owned()).filter(|sign| !sign.is_empty())
}

/// The alphabet that a command sets letters in.
pub(crate) fn alphabet(name: &str) -> Option<&'static str> {
    Some(match name {
        "mathbb" => "mathbb",
        "mathcal" => "mathcal",
        "mathscr" => "mathscr",
        "mathfrak" => "mathfrak",
        "mathbf" | "boldsymbol" | "bm" | "pmb" => "mathbf",
        _ => return None,
    })
}

/// A letter in an alphabet such as `mathbb`.
pub(crate) fn styled_letter(alphabet: &str, letter: char) -> Option<String> {
    look_up(&format!("{alphabet}{{{letter}}}")).map(str::to_owned)
}

/// The table of unicodeit, a line for each command: its name, a tab and its symbol.
const SYMBOLS: &str = include_str!("../../../assets/symbols.tsv");

fn look_up(command: &str) -> Option<&'static str> {
    static TABLE: LazyLock<HashMap<&str, &str>> =
        LazyLock::new(|| SYMBOLS.lines().filter_map(|line| line.split_once('\t')).collect());
    TABLE.get(command).copied()
}

/// Whether a command names a function, which is set upright with a space after it.
pub(crate) fn is_function(name: &str) -> bool {
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

/// The combining character of an accent command.
pub(crate) fn accent(name: &str) -> Option<char> {
    Some(match name {
        "hat" | "widehat" => '\u{302}',
        "cancel" | "bcancel" => '\u{338}',
        "bar" => '\u{304}',
        "overline" | "overbar" => '\u{305}',
        "underline" => '\u{332}',
        "vec" | "overrightarrow" => '\u{20d7}',
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

const SUPERSCRIPTS: [(&str, &str); 2] = [
    (
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ",
    ),
    ("°∘′″‴*∗†‡", "°°′″‴**†‡"),
];
const SUBSCRIPTS: [(&str, &str); 1] =
    [("0123456789+−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")];

/// A superscript or subscript in Unicode, if every character has such a form.
pub(crate) fn unicode_script(text: &str, raised: bool) -> Option<String> {
    let table: &[(&str, &str)] = if raised { &SUPERSCRIPTS } else { &SUBSCRIPTS };
    let small_form = |wanted: char| {
        table.iter().find_map(|(plain, small)| {
            plain.chars().zip(small.chars()).find_map(|(plain, small)| (plain == wanted).then_some(small))
        })
    };
    text.chars().filter(|char| *char != ' ').map(small_form).collect()
}

/// A script that is marked by its sign, in brackets if it is longer than one character.
pub(crate) fn marked_script(text: &str, raised: bool) -> String {
    let mark = if raised { '^' } else { '_' };
    let is_one = crate::text::clusters(text).count() == 1;
    if is_one { format!("{mark}{text}") } else { format!("{mark}({text})") }
}

/// A fraction that has its own Unicode character.
pub(crate) fn unicode_fraction(numerator: &str, denominator: &str) -> Option<&'static str> {
    Some(match (numerator, denominator) {
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

/// The class of a symbol.
pub(crate) fn class_of(sign: &str) -> AtomClass {
    match sign.chars().next().unwrap_or(' ') {
        ' ' => AtomClass::Space,
        '+' | '−' | '±' | '∓' | '×' | '÷' | '·' | '∗' | '∘' | '∙' | '∩' | '∪' | '∧' | '∨' | '⊕' | '⊖' | '⊗' | '⊘'
        | '⊙' | '∖' | '⊓' | '⊔' | '⊎' | '⋆' => AtomClass::Binary,
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
        | '\u{2a7d}'..='\u{2abc}' => AtomClass::Relation,
        '∑' | '∏' | '∐' | '∫' | '∬' | '∭' | '∮' | '⋃' | '⋂' | '⋁' | '⋀' | '⨁' | '⨂' => {
            AtomClass::LargeOperator
        }
        '(' | '[' | '{' | '⟨' | '⌊' | '⌈' => AtomClass::Open,
        ')' | ']' | '}' | '⟩' | '⌋' | '⌉' | '!' => AtomClass::Close,
        ',' | ';' | ':' => AtomClass::Punctuation,
        _ => AtomClass::Ordinary,
    }
}

/// A relation with a stroke through it.
pub(crate) fn negate(sign: &str) -> String {
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
