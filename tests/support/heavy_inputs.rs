//! Inputs that make careless code quadratic, one function for each kind, in any size.

use serde_json::{Value, json};

/// Makes an input of about that many bytes.
pub type HeavyInput = fn(usize) -> String;

/// Texts of answers, by kind.
pub const TEXTS: [(&str, HeavyInput); 20] = [
    ("brackets behind an address", brackets_behind_address),
    ("addresses without an end", |size| repeat("http://", size)),
    ("addresses that are only punctuation", |size| repeat("https://?!.,", size)),
    ("opened round formulas", |size| repeat(r"\( ", size)),
    ("opened square formulas", |size| repeat(r"\[x ", size)),
    ("opened formulas before a dollar", |size| repeat(r"\(x ", size) + r"$ \)"),
    ("formulas without ink", |size| repeat(r"\[ ", size) + r"\]"),
    ("single dollars", |size| repeat("$a ", size)),
    ("pairs of dollars", |size| repeat("$$ ", size)),
    ("dollars of every length", |size| repeat("$ $$ $$$ ", size)),
    ("quotations in quotations", |size| repeat("> ", size) + "deep"),
    ("lists in lists", |size| repeat("- ", size) + "deep"),
    ("rows below deep quotations", rows_below_deep_quotations),
    ("one cluster of marks", |size| format!("a{}", repeat("\u{301}", size))),
    ("one cluster of joined emoji", |size| repeat("👩\u{200d}", size)),
    ("one cluster of syllables", |size| repeat("ᄀ", size)),
    ("opened links", |size| repeat("[a](", size)),
    ("opened emphasis", |size| repeat("*a _b ", size)),
    ("one long word", |size| repeat("x", size)),
    ("pipes", |size| repeat("|a", size)),
];

fn repeat(piece: &str, size: usize) -> String {
    piece.repeat(size.div_ceil(piece.len()))
}

/// An address whose sentence never ends.
pub fn brackets_behind_address(size: usize) -> String {
    format!("https://x.example/{}", repeat(")]}", size))
}

fn rows_below_deep_quotations(size: usize) -> String {
    repeat("> ", size / 2) + &repeat("words ", size / 2)
}

/// A schema with property names in another script.
pub fn schema_without_ascii(size: usize) -> Value {
    let letter = |nth: u32| char::from_u32(0x4e00 + nth % 5000).expect("a letter");
    let nths = 0..u32::try_from(size / 16).expect("a reasonable size");
    let names: Vec<String> = nths.map(|nth| [letter(nth), letter(nth / 5000)].iter().collect()).collect();
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}
