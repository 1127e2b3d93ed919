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

/// Texts of answers that ask for many rows, or for many pieces of rows, by kind.
pub const PIECES: [(&str, HeavyInput); 18] = [
    ("short lines", |size| repeat("a\n", size)),
    ("blank lines", |size| repeat("\n", size)),
    ("short paragraphs", |size| repeat("a\n\n", size)),
    ("short items", |size| repeat("- a\n", size)),
    ("short headings", |size| repeat("# a\n", size)),
    ("rules", |size| repeat("---\n", size)),
    ("short quotations", |size| repeat("> a\n\n", size)),
    ("lines of code", |size| format!("```\n{}```\n", repeat("x\n", size))),
    ("short fences", |size| repeat("```\na\n```\n", size)),
    ("rows of a table", |size| format!("|a|b|\n|-|-|\n{}", repeat("|c|d|\n", size))),
    ("bold letters", |size| repeat("**中**`a`", size)),
    ("bold words", |size| repeat("**a** ", size)),
    ("short links", |size| repeat("[a](http://b) ", size)),
    ("entities", |size| repeat("&lt;a", size)),
    ("tabs", |size| repeat("a\tb\t", size)),
    ("carriage returns", |size| repeat("a\r\n", size)),
    ("controls", |size| repeat("a\u{1b}[1mb", size)),
    ("hard breaks", |size| repeat("a\\\n", size)),
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
