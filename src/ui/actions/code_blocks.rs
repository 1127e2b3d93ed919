//! The code blocks of an answer: copying, saving to a file, piping to a command.

use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use std::sync::Arc;

use crate::ui::overlays::{
    PickerItem, PickerKind, ScreenOverlay,
    open_overlays::{CANCEL, CLOSE, CODE_COLUMNS, ONE_COLUMN, first_line, push_picker},
};
use crate::{
    chat::{MessageId, answer::ContentPart},
    render::markdown::{CodeBlock, MarkdownText},
    ui::{
        Action, Effect,
        msg::PipeResult,
        overlay::{
            field::TextField,
            picker::{DetailStyle, FuzzyPicker, PickerRow},
        },
        toasts::ToastSubject,
    },
};

/// Opens the numbered code blocks of the current answer.
pub(crate) fn open_code_blocks(screen: &mut Screen, cx: &mut Cx<'_>) {
    let blocks = screen.current_answer(cx.chats).map_or_else(Vec::new, |answer| answer_code_blocks(cx.chats, answer));
    open_code_picker(&mut screen.overlays, cx, blocks, 1);
}

/// Opens the code blocks of an answer with the cursor on one of them.
pub(crate) fn open_code(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId, block: u32) {
    let blocks = answer_code_blocks(cx.chats, answer);
    open_code_picker(&mut screen.overlays, cx, blocks, block as usize);
}

fn open_code_picker(overlays: &mut Vec<ScreenOverlay>, cx: &mut Cx<'_>, blocks: Vec<CodeBlock>, selected: usize) {
    if blocks.is_empty() {
        cx.show_message("the answer has no code block");
        return;
    }
    let mut picker = FuzzyPicker::new("Code of the answer", CODE_COLUMNS);
    picker.detail_rows = 4;
    let chosen = selected.checked_sub(1).and_then(|at| blocks.get(at)).cloned().map(|code| (selected, code));
    let row = |(number, block): (usize, CodeBlock)| PickerRow {
        cells: vec![number.to_string(), first_line(&block.text).to_owned(), block.language.clone()],
        extra_terms: format!("{number} c{number}"),
        detail_lines: block.text.lines().take(4).map(|line| vec![(DetailStyle::Muted, line.to_owned())]).collect(),
        payload: PickerItem::Code { number, code: block },
    };
    picker.set_rows((1..).zip(blocks).map(row).collect());
    if let Some((number, code)) = chosen {
        picker.select(&PickerItem::Code { number, code });
    }
    push_picker(
        overlays,
        PickerKind::Code,
        picker,
        &[(&[Action::Accept], "copy"), (&[Action::SaveShown], "save"), (&[Action::PipeCode], "to a command"), CLOSE],
    );
}

/// Returns the code blocks of an answer, in the order of their numbers.
fn answer_code_blocks(chats: &Chats, answer: MessageId) -> Vec<CodeBlock> {
    let answer = chats.current_conversation().and_then(|conversation| conversation.messages.get(&answer)?.as_answer());
    let parts = answer.into_iter().flat_map(|answer| answer.items.values()).filter_map(|item| item.parts()).flatten();
    let texts = parts.filter(|part| matches!(part, ContentPart::Text { .. }));
    texts.flat_map(|part| MarkdownText::parse(part.text()).code_blocks).collect()
}

/// Copies the code block with that number.
pub(crate) fn copy_code_block(cx: &mut Cx<'_>, answer: MessageId, block: u32) {
    let index = (block as usize).checked_sub(1);
    if let Some(code) = index.and_then(|at| answer_code_blocks(cx.chats, answer).into_iter().nth(at)) {
        crate::ui::overlays::picker_items::copy_code(cx, code.text);
    }
}

/// Copies a code block of the current answer.
pub(crate) fn copy_numbered_code(screen: &Screen, cx: &mut Cx<'_>, number: u32) {
    let blocks = screen.current_answer(cx.chats).map_or_else(Vec::new, |answer| answer_code_blocks(cx.chats, answer));
    match blocks.into_iter().nth(number as usize - 1) {
        Some(code) => crate::ui::overlays::picker_items::copy_code(cx, code.text),
        None => cx.show_message(format!("the answer has no code block {number}")),
    }
}

/// Moves the cursor of the code blocks to one of them; returns `false` if there is no such block.
pub(crate) fn select_code(picker: &mut FuzzyPicker<PickerItem>, wanted: u32) -> bool {
    let is_wanted = |item: &PickerItem| matches!(item, PickerItem::Code { number, .. } if *number == wanted as usize);
    picker.select_where(is_wanted)
}

/// Asks where to save the code block under the cursor, or which command to give it to.
pub(crate) fn take_code_block(overlays: &mut Vec<ScreenOverlay>, save: bool) {
    let Some(ScreenOverlay::Picker { of: PickerKind::Code, picker }) = overlays.last() else { return };
    let Some(PickerItem::Code { number, code }) = picker.selected().map(|row| row.payload.clone()) else { return };
    overlays.pop();
    if save {
        let name = format!("c{number}.{}", file_extension(&code.language));
        ask_path(overlays, &format!("Save c{number} to a file"), &name, code.text.into());
    } else {
        ask_command(overlays, number, code.text.into());
    }
}

fn ask_path(overlays: &mut Vec<ScreenOverlay>, title: &str, name: &str, text: Arc<str>) {
    let mut picker = FuzzyPicker::new(title, ONE_COLUMN);
    picker.query = TextField::new(name);
    picker.detail_rows = 1;
    picker.empty_text = "A path; ~ is your home. An existing file is never overwritten without asking.".into();
    push_picker(overlays, PickerKind::SavePath { text }, picker, &[(&[Action::Accept], "save"), CANCEL]);
}

fn ask_command(overlays: &mut Vec<ScreenOverlay>, number: usize, text: Arc<str>) {
    let mut picker = FuzzyPicker::new(&format!("Give c{number} to a command"), ONE_COLUMN);
    picker.detail_rows = 1;
    picker.empty_text =
        "Your shell runs it with the code as its input, for a minute at most. Its output is shown.".into();
    push_picker(overlays, PickerKind::Command { text }, picker, &[(&[Action::Accept], "run"), CANCEL]);
}

/// Asks what to do about a file that already exists.
pub(crate) fn ask_overwrite(screen: &mut Screen, path: &str, text: &Arc<str>) {
    let mut picker = FuzzyPicker::new("The file already exists", ONE_COLUMN);
    picker.detail_rows = 1;
    let detail = || vec![vec![(DetailStyle::Muted, path.to_owned())]];
    let row = |words: &str, over| PickerRow {
        cells: vec![words.to_owned()],
        extra_terms: String::new(),
        detail_lines: detail(),
        payload: PickerItem::Write { path: path.to_owned(), text: text.clone(), over },
    };
    picker.set_rows(vec![row("Save under another name", false), row("Overwrite it", true)]);
    push_picker(&mut screen.overlays, PickerKind::Overwrite, picker, &[(&[Action::Accept], "do it"), CANCEL]);
}

pub(crate) fn write_file(
    overlays: &mut Vec<ScreenOverlay>,
    effects: &mut Vec<Effect>,
    path: String,
    text: Arc<str>,
    overwrite: bool,
) {
    if overwrite {
        effects.push(Effect::WriteFile { path, text, over: overwrite });
    } else {
        ask_path(overlays, "Save to a file", &path, text);
    }
}

/// Pipes a text to the command line that was typed.
pub(crate) fn pipe_to_command(screen: &mut Screen, cx: &mut Cx<'_>, command: String, text: Arc<str>) {
    cx.show_while(ToastSubject::Command, format!("running {command}"));
    screen.running_command = Some(command.clone());
    cx.effects.push(Effect::PipeToCommand { command, text });
}

/// Shows the output of a command that has finished, in a searchable list.
pub(crate) fn on_command_ended(screen: &mut Screen, cx: &mut Cx<'_>, result: Result<PipeResult, String>) {
    let Some(command) = screen.running_command.take() else { return };
    let outcome = match result {
        Err(why) => {
            cx.warn(why);
            return;
        }
        Ok(said) => said,
    };
    if outcome.output.trim().is_empty() {
        let message = format!("{command} {}", outcome.status);
        if outcome.is_success {
            cx.show_message(message);
        } else {
            cx.warn(message);
        }
        return;
    }
    let mut picker = FuzzyPicker::new(&format!("{command} {}", outcome.status), ONE_COLUMN);
    picker.detail_rows = 3;
    picker.width = 100;
    picker.notice = outcome.is_truncated.then(|| "the rest is not shown".to_owned());
    let all: Arc<str> = outcome.output.into();
    let row = |(nth, line): (usize, &str)| PickerRow {
        cells: vec![line.to_owned()],
        extra_terms: String::new(),
        detail_lines: vec![vec![(DetailStyle::Muted, line.to_owned())]],
        payload: PickerItem::OutputLine { nth, all: all.clone() },
    };
    picker.set_rows(all.lines().enumerate().map(row).collect());
    push_picker(&mut screen.overlays, PickerKind::CommandOutput, picker, &[(&[Action::Accept], "copy all"), CLOSE]);
}

/// Returns the file extension of a language.
fn file_extension(language: &str) -> String {
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
