//! What the user wants: one table of actions with their names, words and default keys.

use super::keymap::Context;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub action: Action,
    /// The name in the config, and behind a slash in the composer.
    pub name: &'static str,
    /// What the palette and the help say.
    pub title: &'static str,
    /// One word or two for the hints of a waiting leader.
    pub short: &'static str,
    /// Key sequences by context; empty where an action is in the palette only.
    pub keys: &'static [(Context, &'static str)],
    /// Whether the palette lists it: no for the steps of a cursor.
    pub listed: Listed,
}

/// Where an action is offered beside its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// In the palette, and as a slash command.
    Palette,
    /// By its keys only: it means nothing away from them.
    Keys,
}

macro_rules! actions {
    ($($action:ident, $name:literal, $title:literal, $short:literal, $listed:ident, [$(($context:ident, $keys:literal)),* $(,)?];)*) => {
        /// Everything a user can do. Keys, palette and slash commands name actions; an action has no payload.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($action,)*
        }

        /// The table that gives keys, palette, hints, slash commands, help and the README's list.
        pub const TABLE: &[Entry] = &[
            $(Entry {
                action: Action::$action,
                name: $name,
                title: $title,
                short: $short,
                keys: &[$((Context::$context, $keys)),*],
                listed: Listed::$listed,
            },)*
        ];
    };
}

actions! {
    Send, "send", "Send the prompt; while a turn runs, queue it", "send", Keys, [(Composer, "enter")];
    Newline, "newline", "Begin a new line in the prompt", "newline", Keys,
        [(Composer, "ctrl-j"), (Composer, "alt-enter"), (Composer, "shift-enter")];
    Back, "back", "Close, leave, or stop the turn: never quits", "back", Keys, [(Global, "esc")];
    Cancel, "cancel", "Close, stop, clear, and again to quit", "cancel", Keys, [(Global, "ctrl-c")];
    DeleteOrQuit, "delete-or-quit", "Delete to the right; with nothing typed, quit", "delete", Keys, [(Composer, "ctrl-d")];
    Palette, "palette", "Menu of everything", "menu", Palette, [(Global, "ctrl-p"), (Global, "ctrl-x space")];
    NewConversation, "new", "New conversation", "new", Palette, [(Global, "ctrl-n"), (Global, "ctrl-x n")];
    Models, "models", "Choose the model for the next message", "models", Palette, [(Global, "ctrl-x m")];
    Slot1, "slot-1", "Model on slot 1", "slot", Palette, [(Global, "ctrl-x 1")];
    Slot2, "slot-2", "Model on slot 2", "slot", Palette, [(Global, "ctrl-x 2")];
    Slot3, "slot-3", "Model on slot 3", "slot", Palette, [(Global, "ctrl-x 3")];
    Slot4, "slot-4", "Model on slot 4", "slot", Palette, [(Global, "ctrl-x 4")];
    Slot5, "slot-5", "Model on slot 5", "slot", Palette, [(Global, "ctrl-x 5")];
    Slot6, "slot-6", "Model on slot 6", "slot", Palette, [(Global, "ctrl-x 6")];
    Slot7, "slot-7", "Model on slot 7", "slot", Palette, [(Global, "ctrl-x 7")];
    Slot8, "slot-8", "Model on slot 8", "slot", Palette, [(Global, "ctrl-x 8")];
    Slot9, "slot-9", "Model on slot 9", "slot", Palette, [(Global, "ctrl-x 9")];
    NextSlot, "next-slot", "Next slot that is filled", "next slot", Palette, [(Global, "f2")];
    PreviousSlot, "previous-slot", "Previous slot that is filled", "previous slot", Palette, [(Global, "shift-f2")];
    NextEffort, "next-effort", "Next effort that the model has", "next effort", Palette, [(Global, "shift-tab")];
    Efforts, "effort", "Choose how hard the model thinks", "effort", Palette, [(Global, "ctrl-x e")];
    ToggleWeb, "web", "Web search on or off", "web search", Palette, [(Global, "ctrl-x w")];
    Tools, "tools", "Tools: MCP servers, switches, what a message may use", "tools", Palette, [(Global, "ctrl-x j")];
    TrustServers, "trust-servers", "Trust the MCP servers of this project's .mcp.json", "trust", Palette, [];
    ReloadServers, "reload-servers", "Read the MCP servers again, and try those that failed", "reload", Palette, [];
    AllowAll, "allow-all", "All tools run without asking here, or ask again", "allow all", Palette, [];
    Parameters, "parameters", "Instructions and sampling of this conversation", "instructions", Palette, [(Global, "ctrl-x ,")];
    FocusList, "list", "Go to the conversations", "list", Palette, [(Global, "ctrl-x l")];
    ToggleList, "toggle-list", "Show or hide the list of conversations", "hide list", Palette, [(Global, "ctrl-x b")];
    ToggleRail, "rail", "Show or hide the rail: reasoning and sources", "rail", Palette, [(Global, "ctrl-x r")];
    ShowSources, "sources", "Sources of the current answer", "sources", Palette, [(Global, "ctrl-x s")];
    ShowDetails, "details", "Details of the current answer: times, tokens, cost", "details", Palette, [(Global, "ctrl-x i"), (Transcript, "i")];
    NextCitation, "next-citation", "To the next citation", "next citation", Palette, [(Transcript, "]"), (Rail, "]")];
    PreviousCitation, "previous-citation", "To the previous citation", "previous citation", Palette, [(Transcript, "["), (Rail, "[")];
    OpenThis, "open-this", "Open or fold what the cursor stands on", "open", Keys, [(Transcript, "enter"), (Rail, "enter")];
    Browse, "browse", "Open the source under the cursor in the browser", "browser", Palette, [(Transcript, "o"), (Rail, "o")];
    Check, "check", "Look whether the source under the cursor says so", "check", Palette, [(Transcript, "c"), (Rail, "c")];
    CopyFootnote, "copy-footnote", "Copy the source under the cursor as a footnote", "footnote", Palette, [(Rail, "y")];
    Xray, "xray", "The request and the events of the current answer", "x-ray", Palette, [(Global, "ctrl-x x")];
    Results, "results", "Calls of the answer and their results in full", "results", Palette, [];
    CopyAnswer, "copy-answer", "Copy the answer as Markdown", "copy answer", Palette, [(Global, "ctrl-x y")];
    CodeBlocks, "code", "Code blocks of the answer: copy, save, give to a command", "code blocks", Palette, [(Global, "ctrl-x c")];
    EditEarlier, "edit-earlier", "Edit an earlier prompt: a branch", "edit earlier", Palette, [(Global, "ctrl-x u")];
    EditPrompt, "edit-prompt", "Edit this prompt: a branch", "edit", Keys, [(Transcript, "e")];
    AnswerAgain, "answer-again", "Answer again: asks for the model, with its price", "again", Palette, [(Transcript, "r")];
    AnswerAgainWith, "answer-again-with", "Answer again with a model of the list", "again with", Palette, [];
    PutBack, "put-back", "Send the left-out turns again", "put back", Palette, [];
    PreviousSibling, "previous-answer", "Previous sibling", "previous", Palette, [(Transcript, "<")];
    NextSibling, "next-answer", "Next sibling", "next", Palette, [(Transcript, ">")];
    PromptHistory, "history", "Search the prompt history", "history", Palette, [(Global, "ctrl-r"), (Global, "ctrl-x h")];
    Editor, "editor", "Write the prompt in $EDITOR", "editor", Palette, [(Global, "ctrl-g"), (Global, "ctrl-x g")];
    Trash, "trash", "Move the conversation to the trash", "to the trash", Palette, [(Global, "ctrl-x d"), (List, "d")];
    UndoTrash, "undo-trash", "Take the conversation back from the trash", "undo", Palette, [(List, "u")];
    Rename, "rename", "Rename the conversation", "rename", Palette, [(List, "r")];
    Filter, "filter", "Filter the conversations", "filter", Palette, [(List, "/")];
    Open, "open", "Open the conversation", "open", Keys, [(List, "enter")];
    ListDown, "list-down", "Next conversation", "down", Keys, [(List, "j"), (List, "down")];
    ListUp, "list-up", "Previous conversation", "up", Keys, [(List, "k"), (List, "up")];
    ListTop, "list-top", "First conversation", "top", Keys, [(List, "g"), (List, "home")];
    ListEnd, "list-end", "Last conversation", "end", Keys, [(List, "G"), (List, "end")];
    FocusNext, "focus-next", "Move the focus: prompt, card, text, rail, list", "focus", Palette, [(Global, "tab")];
    FoldReasoning, "fold-reasoning", "Fold or open the reasoning", "reasoning", Palette, [(Global, "ctrl-t"), (Transcript, "space")];
    FoldDetails, "fold-details", "Fold or open the details", "details", Palette, [(Global, "ctrl-o")];
    RowDown, "row-down", "Down a row", "down", Keys, [(Transcript, "j"), (Transcript, "down"), (Rail, "j"), (Rail, "down")];
    RowUp, "row-up", "Up a row", "up", Keys, [(Transcript, "k"), (Transcript, "up"), (Rail, "k"), (Rail, "up")];
    HalfDown, "half-down", "Down half a page", "half down", Keys, [(Transcript, "d"), (Rail, "d")];
    HalfUp, "half-up", "Up half a page", "half up", Keys, [(Transcript, "u"), (Rail, "u")];
    NextMessage, "next-message", "Next message", "next", Keys, [(Transcript, "J")];
    PreviousMessage, "previous-message", "Previous message", "previous", Keys, [(Transcript, "K")];
    Find, "find", "Find in this conversation", "find here", Palette, [(Global, "ctrl-x f"), (Transcript, "/")];
    Jump, "jump", "Go to a prompt", "go to", Palette, [(Transcript, "p")];
    NextCode, "next-code", "Next code block", "next code", Keys, [(Transcript, "}")];
    PreviousCode, "previous-code", "Previous code block", "previous code", Keys, [(Transcript, "{")];
    NextFold, "next-fold", "Next reasoning, search or call", "next fold", Keys, [(Transcript, ")")];
    PreviousFold, "previous-fold", "Previous reasoning, search or call", "previous fold", Keys, [(Transcript, "(")];
    NextMatch, "next-match", "Next match", "next match", Keys, [(Transcript, "n")];
    PreviousMatch, "previous-match", "Previous match", "previous match", Keys, [(Transcript, "N")];
    Select, "select", "Select letters", "select", Keys, [(Transcript, "v"), (Selection, "v")];
    SelectLines, "select-lines", "Select whole lines", "select lines", Keys, [(Transcript, "V"), (Selection, "V")];
    SelectRight, "select-right", "A letter on", "right", Keys, [(Selection, "l"), (Selection, "right")];
    SelectLeft, "select-left", "A letter back", "left", Keys, [(Selection, "h"), (Selection, "left")];
    SelectWordRight, "select-word-right", "A word on", "word", Keys, [(Selection, "w"), (Selection, "alt-f")];
    SelectWordLeft, "select-word-left", "A word back", "word back", Keys, [(Selection, "b"), (Selection, "alt-b")];
    SelectRowStart, "select-row-start", "To the beginning of the row", "row start", Keys, [(Selection, "0"), (Selection, "home")];
    SelectRowEnd, "select-row-end", "To the end of the row", "row end", Keys, [(Selection, "$"), (Selection, "end")];
    Copy, "copy", "Copy the selection, or what the cursor stands on", "copy", Keys, [(Transcript, "y"), (Selection, "y"), (Selection, "enter")];
    Mouse, "mouse", "Mouse: on, the wheel only, or off", "mouse", Palette, [];
    NextTab, "next-tab", "Next tab of the rail", "next tab", Keys, [(Rail, "l"), (Rail, "right")];
    PreviousTab, "previous-tab", "Previous tab of the rail", "previous tab", Keys, [(Rail, "h"), (Rail, "left")];
    PageUp, "page-up", "Up a page", "page up", Palette, [(Global, "pgup")];
    PageDown, "page-down", "Down a page", "page down", Palette, [(Global, "pgdn")];
    ScrollTop, "top", "To the first message", "top", Palette, [(Global, "ctrl-home"), (Transcript, "g"), (Transcript, "home"), (Rail, "g")];
    ScrollEnd, "newest", "To the newest message", "newest", Palette, [(Global, "ctrl-end"), (Transcript, "G"), (Transcript, "end"), (Rail, "G")];
    CodeLines, "code-lines", "Long lines of code: wrap or scroll", "code lines", Palette, [];
    CodeLeft, "code-left", "Scroll code to the left", "left", Keys, [(Transcript, "h"), (Transcript, "left")];
    CodeRight, "code-right", "Scroll code to the right", "right", Keys, [(Transcript, "l"), (Transcript, "right")];
    Themes, "theme", "Choose the theme", "theme", Palette, [];
    Help, "help", "The keys of this context", "help", Palette, [(Global, "ctrl-x ?"), (Empty, "?"), (Transcript, "?"), (List, "?"), (Rail, "?")];
    Repaint, "repaint", "Paint the screen anew", "repaint", Palette, [(Global, "ctrl-l")];
    Suspend, "suspend", "Give the terminal back until fg", "suspend", Palette, [(Global, "ctrl-z")];
    Quit, "quit", "Quit", "quit", Palette, [(Global, "ctrl-x q")];
}

impl Action {
    /// The nine slots, in order.
    pub const SLOTS: [Self; 9] = [
        Self::Slot1,
        Self::Slot2,
        Self::Slot3,
        Self::Slot4,
        Self::Slot5,
        Self::Slot6,
        Self::Slot7,
        Self::Slot8,
        Self::Slot9,
    ];

    /// Its line of the table.
    pub fn entry(self) -> &'static Entry {
        // The macro writes both in one order.
        &TABLE[self as usize]
    }

    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == name).map(|entry| entry.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_finds_its_own_line() {
        for entry in TABLE {
            assert_eq!(entry.action.entry().name, entry.name);
            assert_eq!(Action::from_name(entry.name), Some(entry.action));
        }
    }
}
