//! The code blocks of an answer: copied, saved to a file, given to a command.

use std::sync::Arc;

use super::{
    Of, Overlay, Picked,
    open::{CODE_COLUMNS, ONE_COLUMN, first_line, open},
};
use crate::{
    app::{Effect, State, msg::Piped},
    chat::{MessageId, Timestamp},
    widgets::{
        field::Field,
        markdown::{Code, code_blocks},
        picker::{Picker, PickerRow, Tone},
    },
};

/// The code blocks of the current answer by their numbers.
pub(in crate::app) fn open_code_blocks(state: &mut State, now: Timestamp) {
    let blocks = state.current_answer().map_or_else(Vec::new, |answer| code_of(state, answer));
    pick(state, now, blocks, 1);
}

/// The same with the cursor on one of them.
pub(in crate::app) fn open_code(state: &mut State, now: Timestamp, answer: MessageId, block: u32) {
    let blocks = code_of(state, answer);
    pick(state, now, blocks, block as usize);
}

fn pick(state: &mut State, now: Timestamp, blocks: Vec<Code>, chosen: usize) {
    if blocks.is_empty() {
        state.screen.say(now, "the answer has no code block");
        return;
    }
    let mut picker = Picker::new("Code of the answer", CODE_COLUMNS);
    picker.detail_rows = 4;
    let chosen = chosen.checked_sub(1).and_then(|at| blocks.get(at)).cloned().map(|code| (chosen, code));
    let row = |(number, block): (usize, Code)| PickerRow {
        cells: vec![format!("c{number}"), first_line(&block.text).to_owned(), block.language.clone()],
        also: format!("{number} c{number}"),
        detail: block.text.lines().take(4).map(|line| vec![(Tone::Muted, line.to_owned())]).collect(),
        payload: Picked::Code { number, code: block },
    };
    picker.set_rows((1..).zip(blocks).map(row).collect());
    if let Some((number, code)) = chosen {
        picker.select(&Picked::Code { number, code });
    }
    open(state, Of::Code, picker, &[("↵", "copy"), ("^S", "save"), ("^O", "to a command"), ("esc", "back")]);
}

/// The code blocks of an answer, in the order of their numbers.
fn code_of(state: &State, answer: MessageId) -> Vec<Code> {
    let answer = state.current().and_then(|conversation| conversation.messages.get(&answer)?.answer());
    let parts = answer.into_iter().flat_map(|answer| answer.items.values()).filter_map(|item| item.parts()).flatten();
    parts.flat_map(|part| code_blocks(part.text())).collect()
}

/// Copies the code block of that number.
pub(in crate::app) fn copy_code_block(
    state: &mut State,
    now: Timestamp,
    answer: MessageId,
    block: u32,
    fx: &mut Vec<Effect>,
) {
    let at = (block as usize).checked_sub(1);
    if let Some(code) = at.and_then(|at| code_of(state, answer).into_iter().nth(at)) {
        super::picked::copy_code(state, now, code.text, fx);
    }
}

/// Ctrl-S and Ctrl-O on a code block; `false` when no block is under the cursor.
pub(super) fn on_key(state: &mut State, save: bool) -> bool {
    let Some(Overlay::Picker { of: Of::Code, picker }) = state.screen.overlays.last() else { return false };
    let Some(Picked::Code { number, code }) = picker.chosen().map(|row| row.payload.clone()) else { return false };
    state.screen.overlays.pop();
    if save {
        let name = format!("c{number}.{}", extension(&code.language));
        ask_path(state, &format!("Save c{number} to a file"), &name, code.text.into());
    } else {
        ask_command(state, number, code.text.into());
    }
    true
}

fn ask_path(state: &mut State, title: &str, name: &str, text: Arc<str>) {
    let mut picker = Picker::new(title, ONE_COLUMN);
    picker.query = Field::new(name);
    picker.detail_rows = 1;
    picker.empty = "A path, ~ for your home. A file that is there already is never overwritten unasked.".into();
    open(state, Of::Path { text }, picker, &[("↵", "save"), ("esc", "back")]);
}

fn ask_command(state: &mut State, number: usize, text: Arc<str>) {
    let mut picker = Picker::new(&format!("Give c{number} to a command"), ONE_COLUMN);
    picker.detail_rows = 1;
    picker.empty =
        "It is run by your shell with the code as its input, for a minute at most. What it says is shown.".into();
    open(state, Of::Command { text }, picker, &[("↵", "run"), ("esc", "back")]);
}

/// The file was there already: what now?
pub(in crate::app) fn ask_over(state: &mut State, path: &str, text: &Arc<str>) {
    let mut picker = Picker::new("There is such a file", ONE_COLUMN);
    picker.detail_rows = 1;
    let detail = || vec![vec![(Tone::Muted, path.to_owned())]];
    let row = |words: &str, over| PickerRow {
        cells: vec![words.to_owned()],
        also: String::new(),
        detail: detail(),
        payload: Picked::Write { path: path.to_owned(), text: text.clone(), over },
    };
    picker.set_rows(vec![row("Save under another name", false), row("Overwrite it", true)]);
    open(state, Of::Over, picker, &[("↵", "do it"), ("esc", "back")]);
}

pub(super) fn write(state: &mut State, path: String, text: Arc<str>, over: bool, fx: &mut Vec<Effect>) {
    if over {
        fx.push(Effect::WriteFile { path, text, over });
    } else {
        ask_path(state, "Save to a file", &path, text);
    }
}

/// A command line was typed.
pub(super) fn pipe(state: &mut State, now: Timestamp, command: String, text: Arc<str>, fx: &mut Vec<Effect>) {
    state.screen.say(now, format!("running {command}"));
    state.screen.command = Some(command.clone());
    fx.push(Effect::Pipe { command, text });
}

/// A command has ended: what it said, in a list that can be searched.
pub(in crate::app) fn on_piped(state: &mut State, now: Timestamp, result: Result<Piped, String>) {
    let Some(command) = state.screen.command.take() else { return };
    let said = match result {
        Err(why) => {
            state.screen.warn(now, why);
            return;
        }
        Ok(said) => said,
    };
    if said.output.trim().is_empty() {
        let words = format!("{command} {}", said.ended);
        if said.fine {
            state.screen.say(now, words);
        } else {
            state.screen.warn(now, words);
        }
        return;
    }
    let mut picker = Picker::new(&format!("{command} {}", said.ended), ONE_COLUMN);
    picker.detail_rows = 3;
    picker.width = 100;
    picker.notice = said.cut.then(|| "the rest was left out".to_owned());
    let all: Arc<str> = said.output.into();
    let row = |(nth, line): (usize, &str)| PickerRow {
        cells: vec![line.to_owned()],
        also: String::new(),
        detail: vec![vec![(Tone::Muted, line.to_owned())]],
        payload: Picked::Line { nth, all: all.clone() },
    };
    picker.set_rows(all.lines().enumerate().map(row).collect());
    open(state, Of::Output, picker, &[("↵", "copy all"), ("esc", "back")]);
}

/// What files of a language end with.
fn extension(language: &str) -> String {
    let language = language.to_ascii_lowercase();
    let known = match language.as_str() {
        "rust" => "rs",
        "python" | "python3" => "py",
        "javascript" | "node" => "js",
        "typescript" => "ts",
        "bash" | "shell" | "zsh" | "console" | "shellscript" => "sh",
        "markdown" => "md",
        "golang" => "go",
        "ruby" => "rb",
        "csharp" | "c#" => "cs",
        "c++" => "cpp",
        "kotlin" => "kt",
        "haskell" => "hs",
        "perl" => "pl",
        "yaml" => "yml",
        "latex" => "tex",
        "elixir" => "ex",
        "powershell" => "ps1",
        "" | "text" | "plaintext" | "plain" | "output" => "txt",
        other => other,
    };
    let short = known.len() <= 10 && known.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if short { known.to_owned() } else { "txt".to_owned() }
}
