//! What the help shows: the keys of each context in rows, and the sequences of the leader by subject.

use super::{KeyRow, KeySection};
use crate::{
    text,
    ui::{
        Action,
        keymap::{KeyContext, Keymap},
    },
};

/// A row of the help: groups of actions whose keys stand together, or keys that are no actions.
enum PageRow {
    Actions(&'static [&'static [Action]], &'static str),
    Fixed(&'static str, &'static str),
}

use Action as A;
use PageRow::{Actions, Fixed};

/// The rows of the contexts that one uses every day. The other contexts, and what a row here leaves out, are listed
/// from the table of actions.
fn page_rows(context: KeyContext) -> &'static [PageRow] {
    match context {
        KeyContext::Composer => &[
            Actions(&[&[A::Send]], "send; queue during an answer"),
            Actions(&[&[A::Newline]], "new line"),
            Actions(&[&[A::FocusNext]], "complete, or the next pane"),
            Actions(&[&[A::NextEffort]], "next reasoning effort"),
            Actions(&[&[A::OlderPrompt], &[A::NewerPrompt]], "earlier, later prompts"),
            Actions(&[&[A::SearchHistory]], "search earlier prompts"),
            Actions(&[&[A::OpenEditor]], "write it in $EDITOR"),
            Fixed("/", "run a command"),
            Fixed("^W  ^U  ^K", "delete word, to start, to end"),
            Fixed("^Y  ^_", "yank, undo"),
            Fixed("^A ^E ^B ^F", "move, as in the shell"),
            Actions(&[&[A::DeleteOrQuit]], "delete right; empty: quit"),
        ],
        KeyContext::Empty => &[
            Actions(&[&[A::ShowHelp]], "this page, nothing typed"),
            Actions(&[&[A::ScrollEnd]], "newest, nothing typed"),
        ],
        KeyContext::Global => &[
            Actions(&[&[A::Back]], "go back or stop; never quits"),
            Actions(&[&[A::Cancel]], "stop or clear; twice quits"),
            Actions(&[&[A::ShowCommands]], "all commands"),
            Actions(&[&[A::NewConversation]], "new conversation"),
            Actions(&[&[A::PageUp], &[A::PageDown]], "scroll a page"),
            Actions(&[&[A::ScrollTop], &[A::ScrollEnd]], "first, newest message"),
            Actions(&[&[A::FoldReasoning], &[A::FoldDetails]], "fold reasoning, details"),
            Actions(&[&[A::NextSlot], &[A::PreviousSlot]], "next, previous slot"),
            Actions(&[&[A::Redraw], &[A::Suspend]], "redraw, suspend"),
        ],
        KeyContext::Transcript => &[
            Actions(
                &[&[A::RowDown, A::RowUp], &[A::HalfDown, A::HalfUp], &[A::ScrollTop, A::ScrollEnd]],
                "row, half page, ends",
            ),
            Actions(&[&[A::NextMessage], &[A::PreviousMessage]], "next, previous message"),
            Actions(&[&[A::NextCitation], &[A::PreviousCitation]], "next, previous citation"),
            Actions(&[&[A::NextCode], &[A::PreviousCode], &[A::NextFold], &[A::PreviousFold]], "code blocks, folds"),
            Actions(&[&[A::OpenUnderCursor], &[A::FoldReasoning]], "open, fold"),
            Actions(&[&[A::OpenInBrowser]], "open the source"),
            Actions(&[&[A::CheckAnswer], &[A::JudgeClaims]], "check all sources, judge"),
            Actions(&[&[A::AnswerAgain], &[A::EditPrompt]], "answer again, edit the prompt"),
            Actions(&[&[A::PreviousVersion], &[A::NextVersion]], "other versions"),
            Actions(&[&[A::Copy], &[A::Select], &[A::SelectLines]], "copy, select text, lines"),
            Actions(&[&[A::CopyCode1]], "copy that code block"),
            Actions(&[&[A::Find], &[A::NextMatch], &[A::PreviousMatch]], "find, next, previous"),
            Actions(&[&[A::ScrollCodeLeft], &[A::ScrollCodeRight]], "scroll code sideways"),
            Actions(&[&[A::JumpToPrompt]], "go to a prompt"),
            Actions(&[&[A::ShowDetails]], "times, tokens and cost"),
        ],
        KeyContext::List => &[
            Actions(&[&[A::ListDown, A::ListUp], &[A::OpenConversation]], "move, open"),
            Actions(&[&[A::ListTop], &[A::ListEnd]], "first, last"),
            Actions(&[&[A::FilterList]], "filter"),
            Actions(&[&[A::RenameConversation]], "rename"),
            Actions(&[&[A::PinConversation], &[A::TagConversation], &[A::ArchiveConversation]], "pin, tag, archive"),
            Actions(&[&[A::TrashConversation], &[A::UndoListChange]], "trash, undo"),
        ],
        KeyContext::Approval => &[
            Actions(&[&[A::AllowOnce], &[A::AllowHere], &[A::AllowAlways]], "once, here, always"),
            Actions(&[&[A::EditCall], &[A::DenyCall], &[A::DenyWithReason]], "edit, deny, deny and say why"),
            Actions(&[&[A::Accept]], "says which keys count"),
        ],
        KeyContext::Card => &[
            Actions(&[&[A::Accept]], "the first choice"),
            Actions(&[&[A::CardRetry], &[A::CardModel]], "try again, another model"),
            Actions(&[&[A::CardContinue], &[A::CardRetryTokens]], "continue, with fewer tokens"),
            Actions(&[&[A::CardRetryNow], &[A::CardGiveUp]], "retry now, give up"),
            Actions(&[&[A::CardEnterKey], &[A::CardCredits]], "another key, buy credits"),
            Actions(&[&[A::CardEffort], &[A::CardSettings]], "effort, system prompt"),
            Actions(&[&[A::CardRelax], &[A::CardLeaveOut]], "any provider, drop old turns"),
            Actions(&[&[A::CardSave], &[A::CardSendUnsaved]], "save again, send unsaved"),
        ],
        KeyContext::Rail => &[
            Actions(
                &[&[A::RowDown, A::RowUp], &[A::HalfDown, A::HalfUp], &[A::ScrollTop, A::ScrollEnd]],
                "row, half page, ends",
            ),
            Actions(&[&[A::PreviousTab], &[A::NextTab]], "previous, next tab"),
            Actions(&[&[A::NextCitation], &[A::PreviousCitation]], "next, previous source"),
            Actions(&[&[A::OpenInBrowser], &[A::CheckSource], &[A::CopyFootnote]], "open, check, copy"),
        ],
        _ => overlay_rows(context),
    }
}

/// The rows of the contexts that are open for a while only.
fn overlay_rows(context: KeyContext) -> &'static [PageRow] {
    match context {
        KeyContext::Slash => &[
            Actions(&[&[A::Complete]], "complete the command"),
            Actions(&[&[A::RowUp], &[A::RowDown]], "choose a command"),
            Actions(&[&[A::Accept]], "run it"),
        ],
        KeyContext::Selection => &[
            Actions(&[&[A::SelectLeft], &[A::SelectRight]], "one character"),
            Actions(&[&[A::SelectWordLeft], &[A::SelectWordRight]], "one word"),
            Actions(&[&[A::SelectRowStart], &[A::SelectRowEnd]], "start, end of the row"),
            Actions(&[&[A::Select], &[A::SelectLines]], "select text, whole lines"),
            Actions(&[&[A::Copy]], "copy the selection"),
        ],
        KeyContext::Find => &[
            Actions(&[&[A::PreviousMatch], &[A::NextMatch]], "previous, next match"),
            Actions(&[&[A::Accept]], "go to the matches"),
        ],
        KeyContext::Matches => {
            &[Actions(&[&[A::NextMatch]], "next match"), Actions(&[&[A::PreviousMatch]], "previous match")]
        }
        KeyContext::Pause => &[
            Actions(&[&[A::ResumeTurn], &[A::EndTurn]], "continue, stop here"),
            Actions(&[&[A::Accept]], "says which keys count"),
        ],
        KeyContext::Source => &[Actions(&[&[A::CheckSource]], "check the source")],
        KeyContext::Question => &[Actions(&[&[A::FetchOnce], &[A::FetchAlways], &[A::FetchNever]], "yes, always, no")],
        KeyContext::ListField => {
            &[Actions(&[&[A::ListUp], &[A::ListDown]], "move"), Actions(&[&[A::Accept]], "open it, or save the title")]
        }
        KeyContext::Field => &[Fixed("type", "filter"), Actions(&[&[A::RowUp], &[A::RowDown]], "move")],
        KeyContext::Overlay => &[
            Actions(&[&[A::Accept]], "use or save it"),
            Actions(&[&[A::Back], &[A::Cancel]], "close"),
            Actions(&[&[A::PageUp], &[A::PageDown]], "scroll a page"),
            Actions(&[&[A::Redraw], &[A::Suspend]], "redraw, suspend"),
        ],
        KeyContext::ListOverlay => &[
            Actions(&[&[A::RowDown, A::RowUp]], "a row down, up"),
            Actions(&[&[A::FirstRow], &[A::LastRow]], "first, last row"),
        ],
        KeyContext::SearchAll => {
            &[Actions(&[&[A::Complete]], "complete the filter"), Actions(&[&[A::SearchOrder]], "best or newest first")]
        }
        KeyContext::Picker => &[Actions(&[&[A::FirstRow], &[A::LastRow]], "first, last row")],
        KeyContext::ModelPicker => &[Actions(&[&[A::Slot1]], "put the model in a slot")],
        KeyContext::AgainPicker => &[Actions(&[&[A::ShowAllModels]], "choose from all models")],
        KeyContext::CodePicker => &[Actions(&[&[A::SaveShown], &[A::PipeCode]], "save, pipe to a command")],
        KeyContext::CodeNumber => &[Actions(&[&[A::CopyCode1]], "copy that code block")],
        KeyContext::Safeguard => &[Actions(&[&[A::ConfirmSafeguard]], "switch off, delete for good")],
        KeyContext::Trash => &[
            Actions(&[&[A::Accept]], "restore"),
            Actions(&[&[A::DeleteForGood], &[A::EmptyTrash]], "delete for good: one, all"),
            Actions(&[&[A::SearchRows]], "filter"),
        ],
        KeyContext::ExportSheet => &[
            Actions(&[&[A::RowDown], &[A::RowUp]], "a row down, up"),
            Actions(&[&[A::NextSection], &[A::PreviousSection]], "next, previous row"),
        ],
        KeyContext::ExportChoice => &[Actions(&[&[A::NextChoice], &[A::PreviousChoice]], "next, previous choice")],
        KeyContext::ExportPath => &[],
        KeyContext::Suspects => &[Actions(&[&[A::MaskSecrets]], "mask all")],
        KeyContext::Form => &[
            Actions(&[&[A::NextSection], &[A::PreviousSection]], "next, previous entry"),
            Actions(&[&[A::RowDown], &[A::RowUp]], "a row down, up"),
            Actions(&[&[A::EntryNewline]], "new line"),
            Actions(&[&[A::Accept]], "save"),
        ],
        KeyContext::Xray => &[
            Actions(&[&[A::NextSection], &[A::PreviousSection]], "next, previous section"),
            Actions(&[&[A::PageDown]], "a page down"),
            Actions(&[&[A::SearchRows], &[A::NextMatch], &[A::PreviousMatch]], "search, next, previous"),
            Actions(&[&[A::SaveShown], &[A::CopyCurl]], "save, copy as curl"),
        ],
        KeyContext::Pager => &[
            Actions(&[&[A::NextSection], &[A::PreviousSection]], "next, previous section"),
            Actions(&[&[A::HalfDown], &[A::HalfUp], &[A::PageDown]], "half page, a page down"),
            Actions(&[&[A::SearchRows], &[A::NextMatch], &[A::PreviousMatch]], "search, next, previous"),
            Actions(&[&[A::NextCall], &[A::PreviousCall]], "next, previous call"),
            Actions(&[&[A::SaveShown], &[A::CopyResult]], "save, copy the result"),
            Actions(&[&[A::Close]], "close"),
        ],
        KeyContext::Tools => &[
            Actions(&[&[A::NextSection], &[A::PreviousSection]], "next, previous section"),
            Actions(&[&[A::SearchRows]], "search"),
            Actions(&[&[A::SwitchTool]], "on or off, or the next value"),
            Actions(&[&[A::ForceTool]], "force it in the next message"),
            Actions(&[&[A::RestartServer], &[A::ReloadTools]], "restart the server, all"),
            Actions(&[&[A::AskTrust]], "see its file and trust it"),
        ],
        KeyContext::ToolPage => &[
            Actions(&[&[A::PageDown]], "a page down"),
            Actions(&[&[A::RestartServer]], "restart the server"),
            Actions(&[&[A::AskTrust], &[A::ConfirmTrust]], "see its file, trust it"),
            Actions(&[&[A::ForgetGrant]], "make the tool ask again"),
        ],
        KeyContext::Tree => &[
            Actions(&[&[A::CloseBranch], &[A::OpenBranch], &[A::FoldBranch]], "fold, open, either"),
            Actions(&[&[A::CompareVersions], &[A::Copy]], "compare versions, copy"),
            Actions(&[&[A::PruneBranch], &[A::UndoPrune]], "prune the branch, undo"),
            Actions(&[&[A::NextTreeFilter]], "next filter"),
            Actions(&[&[A::ToggleBookmark]], "bookmark"),
        ],
        KeyContext::VersionDiff => &[
            Actions(&[&[A::NextChange], &[A::PreviousChange]], "next, previous change"),
            Actions(&[&[A::PreviousVersion], &[A::NextVersion]], "other versions"),
            Actions(&[&[A::HalfDown], &[A::HalfUp], &[A::PageDown]], "half page, a page down"),
        ],
        KeyContext::Connect => &[
            Actions(&[&[A::RowUp], &[A::RowDown]], "move"),
            Actions(
                &[&[A::ConnectSignIn], &[A::ConnectKey], &[A::ConnectServer], &[A::ConnectDemo]],
                "sign in, key, server, demo",
            ),
            Actions(&[&[A::ForgetKey]], "forget the key"),
            Actions(&[&[A::LookAgain]], "look for servers again"),
        ],
        KeyContext::SignIn => &[
            Actions(&[&[A::CopyAddress], &[A::CopyCodeAddress]], "copy this, the other address"),
            Actions(&[&[A::OpenAgain]], "open the window again"),
            Actions(&[&[A::TypeCode]], "type the code"),
        ],
        _ => &[],
    }
}

/// The contexts of the first page, and how to get to each.
const MAIN: [(&[KeyContext], &str, &str); 5] = [
    (&[KeyContext::Composer, KeyContext::Empty], "Writing", ""),
    (&[KeyContext::Global], "Anywhere", ""),
    (&[KeyContext::Transcript], "Reading", "Tab goes there, Esc leaves"),
    (&[KeyContext::List], "Conversations", "^X l"),
    (&[KeyContext::Approval], "Approvals", "Tab"),
];

/// Returns the sections of the help, the one of the present context first.
pub(super) fn sections(keymap: &Keymap, here: KeyContext) -> Vec<KeySection> {
    let main = MAIN.into_iter().map(|(contexts, title, note)| (contexts.to_vec(), title, note, true));
    let is_main = |context: &KeyContext| MAIN.iter().any(|(contexts, ..)| contexts.contains(context));
    let others = KeyContext::ALL.into_iter().filter(|context| !is_main(context));
    let others = others.map(|context| (vec![context], context.title(), "", false));
    let mut sections = Vec::new();
    for (contexts, title, note, is_main) in main.chain(others) {
        let is_here = contexts.contains(&here);
        let rows: Vec<KeyRow> = contexts.iter().flat_map(|context| context_rows(keymap, *context)).collect();
        let note = if is_here { "you are here" } else { note };
        let section = KeySection { title: title.to_owned(), note: note.to_owned(), rows, is_main: is_main || is_here };
        match section.rows.is_empty() {
            true => (),
            false if is_here => sections.insert(0, section),
            false => sections.push(section),
        }
    }
    sections
}

/// Returns the rows of a context: those of its page, then the other actions that have keys there.
fn context_rows(keymap: &Keymap, context: KeyContext) -> Vec<KeyRow> {
    let page = page_rows(context);
    let mut rows: Vec<KeyRow> = page.iter().filter_map(|row| page_row(keymap, context, row)).collect();
    let has = |row: &PageRow, action: Action| matches!(row, Actions(groups, _) if groups.iter().any(|group| group.contains(&action)));
    let is_on_page = |action: Action| {
        let is_elsewhere = match context {
            // What one needs when writing stands there.
            KeyContext::Global => page_rows(KeyContext::Composer).iter().any(|row| has(row, action)),
            _ => action == A::ShowHelp,
        };
        is_elsewhere || page.iter().any(|row| has(row, action))
    };
    for (keys, action) in keymap.keys_in(context) {
        // Sequences are listed by subject.
        let is_other_number = action.is_numbered() && !action.is_first_of_nine();
        if is_on_page(action) || keys.contains(' ') || is_other_number {
            continue;
        }
        let keys = every_number(action, keys);
        let words = action.entry().hint;
        match rows.last_mut().filter(|row| row.words == words) {
            Some(row) if text::width(&row.keys) + text::width(&keys) + 2 <= super::MAX_KEYS => {
                row.keys = format!("{}  {}", row.keys, short_keys(&keys));
            }
            Some(_) => (),
            None => rows.push(KeyRow { keys: short_keys(&keys), words: words.to_owned(), short: words.to_owned() }),
        }
    }
    rows
}

fn page_row(keymap: &Keymap, context: KeyContext, row: &PageRow) -> Option<KeyRow> {
    let (keys, words) = match row {
        Fixed(keys, words) => ((*keys).to_owned(), *words),
        Actions(groups, words) => {
            let group_keys = |group: &&[Action]| {
                let has_row = matches!(groups, [[_]]);
                let keys: Vec<String> =
                    group.iter().filter_map(|action| own_keys(keymap, context, *action, has_row)).collect();
                (!keys.is_empty()).then(|| keys.join(" "))
            };
            (groups.iter().filter_map(group_keys).collect::<Vec<_>>().join("  "), *words)
        }
    };
    (!keys.is_empty()).then(|| KeyRow { keys, words: words.to_owned(), short: words.to_owned() })
}

/// Returns the keys of an action in a context: the first, or all that fit where it has a row to itself.
fn own_keys(keymap: &Keymap, context: KeyContext, action: Action, has_row: bool) -> Option<String> {
    let mut keys = String::new();
    let own = keymap.keys_in(context).into_iter().filter(|(keys, bound)| *bound == action && !keys.contains(' '));
    for (more, _) in own.take(if has_row { 3 } else { 1 }) {
        let more = short_keys(&more);
        if keys.is_empty() {
            keys = more;
        } else if text::width(&keys) + text::width(&more) + 2 <= SHARED_KEYS {
            keys = format!("{keys}  {more}");
        }
    }
    let keys = if keys.is_empty() { short_keys(&keymap.keys_for(context, action)?) } else { keys };
    Some(every_number(action, keys))
}

/// Writes the keys of the first of nine numbered actions so that they stand for all.
fn every_number(action: Action, keys: String) -> String {
    match keys.strip_suffix('1').filter(|_| action.is_first_of_nine()) {
        Some(start) => format!("{start}1–9"),
        None => keys,
    }
}

/// The widest keys of one action in a narrow column.
const SHARED_KEYS: usize = 13;

/// Writes keys as short as on a keyboard's caps.
pub(super) fn short_keys(keys: &str) -> String {
    keys.replace("Down", "↓").replace("Up", "↑").replace("Pg↓", "PgDn").replace("Pg↑", "PgUp")
}

/// The sequences by subject, with what they do in a wide column.
const SUBJECTS: [(&str, &[(Action, &str)]); 5] = [
    (
        "Models",
        &[
            (A::ChooseModel, "choose the model"),
            (A::Slot1, "use the model in a slot"),
            (A::ChooseEffort, "choose the effort"),
            (A::ToggleWeb, "web search on or off"),
            (A::ShowTools, "tools and MCP servers"),
            (A::EditParameters, "system prompt and sampling"),
        ],
    ),
    ("Asking", &[(A::SearchHistory, "search earlier prompts"), (A::OpenEditor, "write it in $EDITOR")]),
    (
        "Answers",
        &[
            (A::CopyAnswer, "copy the answer"),
            (A::ShowCodeBlocks, "code: copy, save, pipe"),
            (A::ShowSources, "sources of the answer"),
            (A::EditEarlier, "edit an earlier prompt"),
            (A::ShowTree, "the tree of all branches"),
            (A::ForkConversation, "fork from the message"),
            (A::Find, "find in this conversation"),
        ],
    ),
    (
        "Panes",
        &[
            (A::FocusList, "go to the conversations"),
            (A::ToggleList, "show or hide the list"),
            (A::ToggleRail, "show or hide the rail"),
            (A::ToggleZen, "text and composer only"),
            (A::ShowDetails, "times, tokens and cost"),
            (A::ShowXray, "request and events"),
        ],
    ),
    (
        "Program",
        &[
            (A::NewConversation, "new conversation"),
            (A::ShowCommands, "all commands"),
            (A::TrashConversation, "move it to the trash"),
            (A::Quit, "quit"),
            (A::ShowHelp, "this page"),
        ],
    ),
];

/// Returns the leader key, and what follows it by subject. An action that no subject names is in the last.
pub(super) fn sequences(keymap: &Keymap) -> (String, Vec<KeySection>) {
    let bound: Vec<(String, Action)> =
        keymap.keys_in(KeyContext::Global).into_iter().filter(|(keys, _)| keys.contains(' ')).collect();
    let leader = bound.first().and_then(|(keys, _)| keys.split(' ').next()).unwrap_or("^X").to_owned();
    let row = |keys: &str, action: Action, words: &str| {
        let rest = keys.strip_prefix(&leader).map_or(keys, str::trim_start);
        let keys = if action == Action::Slot1 && rest == "1" { "1–9" } else { rest };
        KeyRow { keys: short_keys(keys), words: words.to_owned(), short: action.entry().hint.to_owned() }
    };
    let is_named = |action: Action| SUBJECTS.iter().any(|(_, rows)| rows.iter().any(|(named, _)| *named == action));
    let mut sections: Vec<KeySection> = SUBJECTS
        .iter()
        .map(|(title, actions)| {
            let of = |(action, words): &(Action, &str)| {
                bound.iter().find(|(_, bound)| bound == action).map(|(keys, _)| row(keys, *action, words))
            };
            let rows = actions.iter().filter_map(of).collect();
            KeySection { title: (*title).to_owned(), rows, is_main: true, ..KeySection::default() }
        })
        .collect();
    let others = bound.iter().filter(|(_, action)| !is_named(*action) && !Action::SLOTS.contains(action));
    let others = others.map(|(keys, action)| row(keys, *action, action.entry().hint));
    if let Some(last) = sections.last_mut() {
        last.rows.extend(others);
    }
    (leader, sections)
}
