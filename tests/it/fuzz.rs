//! The fuzz targets with plain mutations of known inputs: a few hundred each, or as many as `IBID_FUZZ` says. With
//! coverage they run in `fuzz/`.

#[path = "../support/fuzz_checks.rs"]
mod fuzz_checks;

use std::{fs, panic::catch_unwind};

use ibid::chat::IdGenerator;

/// Pieces that mean something to one of the targets.
const TOKENS: &[&str] = &[
    "\n\n",
    "\r\n",
    "data: ",
    ": ",
    "event: error\n",
    "[DONE]",
    "\u{feff}",
    "{\"type\":\"response.output_text.delta\"",
    "\"delta\":",
    "null",
    "[]",
    "{}",
    "-1",
    "18446744073709551616",
    "\"output_index\":\"0\"",
    "\\ud800",
    "```\n",
    "~~~",
    "> ",
    "- ",
    "1. ",
    "| a |\n|-|\n",
    "$$",
    "\\(",
    "**",
    "__",
    "~~",
    "[^1]",
    "](https://x.example/",
    "<b>",
    "\t",
    "    ",
    "\u{200d}",
    "\u{301}",
    "\u{202e}",
    "日",
    "👩\u{200d}💻",
    "\u{1b}[",
    "\u{1b}[200~",
    "\u{1b}[201~",
    "\u{1b}]11;rgb:",
    "\u{1b}\\",
    "\u{1b}[<64;1;1M",
    "\u{1b}O",
    "\u{1b}_",
    "\u{1b}[27;5;955~",
    "\u{1b}[?1u",
    "\r",
];

/// Mutates inputs as a seed says, so that a finding can be repeated.
struct Mutator {
    random: IdGenerator,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.next_random() % limit.max(1) as u64).unwrap_or_default()
    }

    fn known_input(&mut self) -> &[u8] {
        let index = self.below(self.corpus.len());
        &self.corpus[index]
    }

    fn next_input(&mut self) -> Vec<u8> {
        let mut bytes = self.known_input().to_vec();
        for _ in 0..=self.below(6) {
            self.mutate(&mut bytes);
        }
        bytes.truncate(4096);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(24)).min(bytes.len());
        match self.below(6) {
            0 => {
                let byte = u8::try_from(self.below(256)).unwrap_or_default();
                bytes.insert(at, byte);
            }
            1 => _ = bytes.drain(at..end),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => {
                let token = TOKENS[self.below(TOKENS.len())];
                bytes.splice(at..at, token.bytes());
            }
            4 => {
                let other = self.known_input().to_vec();
                let from = self.below(other.len() + 1);
                bytes.splice(at..end, other[from..(from + 200).min(other.len())].iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}

#[track_caller]
fn run(check: fn(&[u8]), corpus: Vec<Vec<u8>>) {
    assert!(!corpus.is_empty());
    let executions = std::env::var("IBID_FUZZ").ok().and_then(|count| count.parse().ok()).unwrap_or(300_u64);
    let mut mutator = Mutator { random: IdGenerator::new(1), corpus };
    for number in 0..executions {
        let input = mutator.next_input();
        let is_fine = catch_unwind(|| check(&input)).is_ok();
        assert!(is_fine, "input {number} fails: b\"{}\"", input.escape_ascii());
    }
}

/// The files of a folder in pieces of a few kilobytes.
fn pieces_of(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/").to_owned() + folder;
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.to_string_lossy().ends_with(end));
    files
        .flat_map(|path| fs::read(path).expect("a file").chunks(2500).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect()
}

#[test]
fn any_bytes_decode_to_the_same_frames_however_they_are_split() {
    run(fuzz_checks::check_decoder, pieces_of("streams", ".sse"));
}

#[test]
fn any_stream_makes_an_answer_that_its_journal_repeats() {
    run(fuzz_checks::check_assembly, pieces_of("streams", ".sse"));
}

#[test]
fn any_text_is_laid_out_the_same_however_it_arrives_and_never_too_wide() {
    run(fuzz_checks::check_markdown, pieces_of("page", ".md"));
}

#[test]
fn any_input_of_a_terminal_is_decided_within_a_second() {
    let sequences = TOKENS.concat();
    let inputs = ["\u{1}\u{22}\u{f3}\u{4}abcdefg", "\u{f0}\u{f1}\u{12}\u{3}\u{1b}[<64;12;7Mabc\u{1b}", &sequences];
    run(fuzz_checks::check_input, inputs.iter().map(|input| input.as_bytes().to_vec()).collect());
}
