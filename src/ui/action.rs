//! User actions: one table with their names, titles and default keys.

use super::keymap::KeyContext;

/// One row of the table of actions.
#[derive(Debug, Clone, Copy)]
pub struct ActionEntry {
    pub action: Action,
    /// The name in the config, and nearly always after a slash in the composer.
    pub name: &'static str,
    /// The title in the commands and the help.
    pub title: &'static str,
    /// A label of one or two words for the hints of a pending key sequence.
    pub hint: &'static str,
    /// Key sequences by context; empty if the action is only in the commands.
    pub keys: &'static [(KeyContext, &'static str)],
    /// Whether the commands list it; cursor movements are not listed.
    pub listing: ActionListing,
}

impl ActionEntry {
    /// Returns the name after a slash in the composer.
    pub fn slash_name(&self) -> &'static str {
        match self.action {
            Action::CopyAnswer => "copy", // In the config that is the copy of the selection, as ever.
            _ => self.name,
        }
    }
}

/// Where an action is offered besides its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionListing {
    /// In the commands, and as a slash command.
    Commands,
    /// By its keys only: it is meaningless without them.
    KeysOnly,
}

/// What may follow the name of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandArgument {
    Model,
    Slot,
    Effort,
    OnOff,
    Theme,
    Mouse,
    /// A width.
    Cells,
    LineBreaks,
    CopyForm,
    /// Tags, separated by blanks.
    Tags,
    /// Any text.
    Text,
}

impl CommandArgument {
    /// Returns its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "MODEL",
            Self::Slot => "1–9",
            Self::Effort => "EFFORT",
            Self::OnOff => "on|off",
            Self::Theme => "THEME",
            Self::Mouse => "on|wheel|off",
            Self::Cells => "CELLS",
            Self::LineBreaks => "auto|keep|markdown",
            Self::CopyForm => "auto|markdown|plain|rich",
            Self::Tags => "TAGS",
            Self::Text => "TEXT",
        }
    }
}

/// Names that actions had in earlier versions, which a config may still use.
const FORMER_NAMES: &[(&str, &str)] = &[
    ("palette", "commands"),
    ("models", "model"),
    ("allow-all", "auto-approve"),
    ("parameters", "system"),
    ("answer-again", "again"),
    ("answer-again-with", "again-with"),
    ("put-back", "include-dropped"),
    ("previous-answer", "previous-version"),
    ("next-answer", "next-version"),
    ("rename", "title"),
    ("undo-trash", "undo"),
];

macro_rules! actions {
    ($($action:ident, $name:literal, $title:literal, $short:literal, $listed:ident, [$(($context:ident, $keys:literal)),* $(,)?];)*) => {
        /// Everything a user can do. Keys, commands and slash commands name actions; an action has no payload.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($action,)*
        }

        /// The table from which keys, commands, hints, slash commands, help and the README's tables are made.
        pub const ACTIONS: &[ActionEntry] = &[
            $(ActionEntry {
                action: Action::$action,
                name: $name,
                title: $title,
                hint: $short,
                keys: &[$((KeyContext::$context, $keys)),*],
                listing: ActionListing::$listed,
            },)*
        ];
    };
}

actions! {
    Send, "send", "Send the prompt; while a turn runs, queue it", "send", KeysOnly, [(Composer, "enter")];
    Complete, "complete", "Complete the command or the filter", "complete", KeysOnly, [(Slash, "tab"), (SearchAll, "tab")];
    Newline, "newline", "Begin a new line in the prompt", "newline", KeysOnly,
        [(Composer, "ctrl-j"), (Composer, "alt-enter"), (Composer, "shift-enter")];
    Back, "back", "Close, go back, or stop the answer; never quits", "back", KeysOnly, [(Global, "esc"), (Overlay, "esc")];
    Cancel, "cancel", "Close, stop or clear; twice quits", "cancel", KeysOnly, [(Global, "ctrl-c"), (Overlay, "ctrl-c")];
    DeleteOrQuit, "delete-or-quit", "Delete to the right; with nothing typed, quit", "delete", KeysOnly, [(Composer, "ctrl-d")];
    ShowCommands, "commands", "Commands", "commands", Commands, [(Global, "ctrl-p"), (Global, "ctrl-x space")];
    NewConversation, "new", "New conversation", "new", Commands, [(Global, "ctrl-n"), (Global, "ctrl-x n")];
    ChooseModel, "model", "Choose the model for the next message", "models", Commands, [(Global, "ctrl-x m")];
    Slot1, "slot-1", "Use the model in slot 1", "slot", KeysOnly, [(Global, "ctrl-x 1"), (ModelPicker, "ctrl-x 1")];
    Slot2, "slot-2", "Use the model in slot 2", "slot", KeysOnly, [(Global, "ctrl-x 2"), (ModelPicker, "ctrl-x 2")];
    Slot3, "slot-3", "Use the model in slot 3", "slot", KeysOnly, [(Global, "ctrl-x 3"), (ModelPicker, "ctrl-x 3")];
    Slot4, "slot-4", "Use the model in slot 4", "slot", KeysOnly, [(Global, "ctrl-x 4"), (ModelPicker, "ctrl-x 4")];
    Slot5, "slot-5", "Use the model in slot 5", "slot", KeysOnly, [(Global, "ctrl-x 5"), (ModelPicker, "ctrl-x 5")];
    Slot6, "slot-6", "Use the model in slot 6", "slot", KeysOnly, [(Global, "ctrl-x 6"), (ModelPicker, "ctrl-x 6")];
    Slot7, "slot-7", "Use the model in slot 7", "slot", KeysOnly, [(Global, "ctrl-x 7"), (ModelPicker, "ctrl-x 7")];
    Slot8, "slot-8", "Use the model in slot 8", "slot", KeysOnly, [(Global, "ctrl-x 8"), (ModelPicker, "ctrl-x 8")];
    Slot9, "slot-9", "Use the model in slot 9", "slot", KeysOnly, [(Global, "ctrl-x 9"), (ModelPicker, "ctrl-x 9")];
    ChooseSlot, "slot", "Model slots: use the model in slot 1 to 9", "slots", Commands, [];
    NextSlot, "next-slot", "Next filled slot", "next slot", Commands, [(Global, "f2")];
    PreviousSlot, "previous-slot", "Previous filled slot", "previous slot", Commands, [(Global, "shift-f2")];
    NextEffort, "next-effort", "Next effort level", "next effort", Commands, [(Global, "shift-tab")];
    ChooseEffort, "effort", "Reasoning effort", "effort", Commands, [(Global, "ctrl-x e")];
    ToggleWeb, "web", "Web search on or off", "web search", Commands, [(Global, "ctrl-x w")];
    ShowTools, "tools", "Tools and MCP servers", "tools", Commands, [(Global, "ctrl-x j")];
    TrustServers, "trust-servers", "Trust the MCP servers of this project's .mcp.json", "trust", Commands, [];
    ReloadServers, "reload-servers", "Reload MCP servers, retry the failed ones", "reload", Commands, [];
    ToggleAllowAll, "auto-approve", "Auto-approve all tools in this conversation", "auto-approve", Commands, [];
    EditParameters, "system", "System prompt and sampling", "system", Commands, [(Global, "ctrl-x ,")];
    FocusList, "list", "Go to the conversations", "list", Commands, [(Global, "ctrl-x l")];
    ToggleList, "toggle-list", "Show or hide the list of conversations", "hide list", Commands, [(Global, "ctrl-x b")];
    ToggleRail, "rail", "Show or hide the rail: reasoning, sources, details", "rail", Commands, [(Global, "ctrl-x r")];
    ToggleZen, "zen", "Zen: only the text and the composer", "zen", Commands, [(Global, "ctrl-x z")];
    ShowSources, "sources", "Sources of the current answer", "sources", Commands, [(Global, "ctrl-x s")];
    ShowDetails, "details", "Details of the current answer: times, tokens, cost", "details", Commands, [(Global, "ctrl-x i"), (Transcript, "i")];
    NextCitation, "next-citation", "Next citation", "next citation", Commands, [(Transcript, "]"), (Rail, "]")];
    PreviousCitation, "previous-citation", "Previous citation", "previous citation", Commands, [(Transcript, "["), (Rail, "[")];
    OpenUnderCursor, "open-this", "Open or fold the item under the cursor", "open", KeysOnly, [(Transcript, "enter"), (Rail, "enter")];
    OpenInBrowser, "browse", "Open the source under the cursor in the browser", "browser", Commands, [(Transcript, "o"), (Rail, "o")];
    CheckSource, "check", "Check the source: does the page say it?", "check", Commands, [(Source, "c"), (Rail, "c")];
    CheckAnswer, "check-answer", "Check all sources of the answer", "check all", Commands, [(Transcript, "C"), (Rail, "C")];
    JudgeClaims, "judge", "Let a model judge the unproved claims", "judge", Commands, [(Transcript, "M"), (Rail, "M")];
    CopyFootnote, "copy-footnote", "Copy the source under the cursor as a footnote", "footnote", Commands, [(Rail, "y")];
    ShowXray, "xray", "X-ray: the request and events of the answer", "x-ray", Commands, [(Global, "ctrl-x x")];
    ShowResults, "results", "Calls of the answer, with their full results", "results", Commands, [];
    CopyAnswer, "copy-answer", "Copy the answer", "copy answer", Commands, [(Global, "ctrl-x y")];
    ShowCodeBlocks, "code", "Code blocks: copy, save, or pipe to a command", "code blocks", Commands, [(Global, "ctrl-x c")];
    CopyCode1, "copy-code-1", "Copy code block 1", "copy code", KeysOnly, [(Transcript, "c 1"), (CodeNumber, "1")];
    CopyCode2, "copy-code-2", "Copy code block 2", "copy code", KeysOnly, [(Transcript, "c 2"), (CodeNumber, "2")];
    CopyCode3, "copy-code-3", "Copy code block 3", "copy code", KeysOnly, [(Transcript, "c 3"), (CodeNumber, "3")];
    CopyCode4, "copy-code-4", "Copy code block 4", "copy code", KeysOnly, [(Transcript, "c 4"), (CodeNumber, "4")];
    CopyCode5, "copy-code-5", "Copy code block 5", "copy code", KeysOnly, [(Transcript, "c 5"), (CodeNumber, "5")];
    CopyCode6, "copy-code-6", "Copy code block 6", "copy code", KeysOnly, [(Transcript, "c 6"), (CodeNumber, "6")];
    CopyCode7, "copy-code-7", "Copy code block 7", "copy code", KeysOnly, [(Transcript, "c 7"), (CodeNumber, "7")];
    CopyCode8, "copy-code-8", "Copy code block 8", "copy code", KeysOnly, [(Transcript, "c 8"), (CodeNumber, "8")];
    CopyCode9, "copy-code-9", "Copy code block 9", "copy code", KeysOnly, [(Transcript, "c 9"), (CodeNumber, "9")];
    EditEarlier, "edit-earlier", "Edit an earlier prompt (starts a branch)", "edit earlier", Commands, [(Global, "ctrl-x u")];
    EditPrompt, "edit-prompt", "Edit this prompt (starts a branch)", "edit", KeysOnly, [(Transcript, "e")];
    AnswerAgain, "again", "Answer again: pick a model, see the price", "again", Commands, [(Transcript, "r")];
    AnswerAgainWith, "again-with", "Answer again with a model from the list", "again with", Commands, [];
    RestoreLeftOut, "include-dropped", "Include the dropped turns again", "put back", Commands, [];
    PreviousVersion, "previous-version", "Previous version", "previous", Commands, [(Transcript, "<")];
    NextVersion, "next-version", "Next version", "next", Commands, [(Transcript, ">")];
    SearchHistory, "history", "Search earlier prompts", "history", Commands, [(Global, "ctrl-r"), (Global, "ctrl-x h")];
    OpenEditor, "editor", "Write the prompt in $EDITOR", "editor", Commands, [(Global, "ctrl-g"), (Global, "ctrl-x g")];
    TrashConversation, "trash", "Move the conversation to the trash", "to the trash", Commands, [(Global, "ctrl-x d"), (List, "d")];
    SuggestTitle, "auto-title", "Title from a cheap model", "title", Commands, [];
    ShowTrash, "show-trash", "Trash: restore, or delete for good", "trash", Commands, [];
    EmptyTrash, "empty-trash", "Empty the trash", "empty", Commands, [(Trash, "E")];
    DeleteForGood, "delete-for-good", "Delete it for good", "delete", KeysOnly, [(Trash, "d")];
    ToggleTemporary, "temporary", "Temporary conversation: nothing of it is kept", "temporary", Commands, [];
    UndoListChange, "undo", "Undo the last change in the list", "undo", Commands, [(List, "u")];
    PinConversation, "pin", "Pin the conversation, or unpin it", "pin", Commands, [(List, "p")];
    TagConversation, "tag", "Tag the conversation", "tag", Commands, [(List, "t")];
    ArchiveConversation, "archive", "Archive the conversation, or bring it back", "archive", Commands, [(List, "a")];
    CheckDatabase, "check-database", "Check whether the database is sound", "check", Commands, [];
    RepairDatabase, "repair-database", "Repair a damaged database", "repair", Commands, [];
    RenameConversation, "title", "Rename the conversation", "rename", Commands, [(List, "r")];
    FilterList, "filter", "Filter the conversations", "filter", Commands, [(List, "/")];
    OpenConversation, "open", "Open the conversation", "open", KeysOnly, [(List, "enter")];
    ListDown, "list-down", "Next conversation", "down", KeysOnly, [(List, "j"), (List, "down"), (ListField, "down")];
    ListUp, "list-up", "Previous conversation", "up", KeysOnly, [(List, "k"), (List, "up"), (ListField, "up")];
    ListTop, "list-top", "First conversation", "top", KeysOnly, [(List, "g"), (List, "home")];
    ListEnd, "list-end", "Last conversation", "end", KeysOnly, [(List, "G"), (List, "end")];
    NextNews, "next-news", "Next conversation with news", "next with news", Commands, [(Global, "ctrl-x .")];
    FocusNext, "focus-next", "Move the focus: prompt, card, text, rail, list", "focus", KeysOnly, [(Global, "tab")];
    FoldReasoning, "fold-reasoning", "Fold or open the reasoning", "reasoning", Commands, [(Global, "ctrl-t"), (Transcript, "space")];
    FoldDetails, "fold-details", "Fold or open the details", "details", Commands, [(Global, "ctrl-o")];
    RowDown, "row-down", "Down a row", "down", KeysOnly, [(Transcript, "j"), (Transcript, "down"), (Rail, "j"), (Rail, "down"), (ListOverlay, "j"), (ListOverlay, "down"), (Connect, "down"), (Field, "down"), (Field, "ctrl-n"), (Form, "down"), (Slash, "down")];
    RowUp, "row-up", "Up a row", "up", KeysOnly, [(Transcript, "k"), (Transcript, "up"), (Rail, "k"), (Rail, "up"), (ListOverlay, "k"), (ListOverlay, "up"), (Connect, "up"), (Field, "up"), (Field, "ctrl-p"), (Form, "up"), (Slash, "up")];
    HalfDown, "half-down", "Down half a page", "half down", KeysOnly, [(Transcript, "d"), (Rail, "d"), (Pager, "d")];
    HalfUp, "half-up", "Up half a page", "half up", KeysOnly, [(Transcript, "u"), (Rail, "u"), (Pager, "u")];
    NextMessage, "next-message", "Next message", "next", KeysOnly, [(Transcript, "J")];
    PreviousMessage, "previous-message", "Previous message", "previous", KeysOnly, [(Transcript, "K")];
    Find, "find", "Find in this conversation", "find here", Commands, [(Global, "ctrl-x f"), (Transcript, "/")];
    SearchAll, "search", "Search everything that was said", "search all", Commands, [(Global, "ctrl-x /")];
    SearchOrder, "search-order", "Order of the results: best or newest first", "order", KeysOnly, [(SearchAll, "ctrl-t")];
    JumpToPrompt, "jump", "Go to a prompt", "go to", Commands, [(Transcript, "p")];
    NextCode, "next-code", "Next code block", "next code", KeysOnly, [(Transcript, "}")];
    PreviousCode, "previous-code", "Previous code block", "previous code", KeysOnly, [(Transcript, "{")];
    NextFold, "next-fold", "Next reasoning, search, call or details", "next fold", KeysOnly, [(Transcript, ")")];
    PreviousFold, "previous-fold", "Previous reasoning, search, call or details", "previous fold", KeysOnly, [(Transcript, "(")];
    NextMatch, "next-match", "Next match", "next match", KeysOnly, [(Transcript, "n"), (Find, "down"), (Find, "ctrl-n"), (Matches, "enter"), (Xray, "n"), (Pager, "n")];
    PreviousMatch, "previous-match", "Previous match", "previous match", KeysOnly, [(Transcript, "N"), (Find, "up"), (Find, "ctrl-p"), (Find, "shift-enter"), (Matches, "shift-enter"), (Xray, "N"), (Pager, "N")];
    Select, "select", "Select text", "select", KeysOnly, [(Transcript, "v"), (Selection, "v")];
    SelectLines, "select-lines", "Select whole lines", "select lines", KeysOnly, [(Transcript, "V"), (Selection, "V")];
    SelectRight, "select-right", "One character right", "character right", KeysOnly, [(Selection, "l"), (Selection, "right")];
    SelectLeft, "select-left", "One character left", "character left", KeysOnly, [(Selection, "h"), (Selection, "left")];
    SelectWordRight, "select-word-right", "Next word", "next word", KeysOnly, [(Selection, "w"), (Selection, "alt-f")];
    SelectWordLeft, "select-word-left", "Previous word", "previous word", KeysOnly, [(Selection, "b"), (Selection, "alt-b")];
    SelectRowStart, "select-row-start", "Start of the row", "start of the row", KeysOnly, [(Selection, "0"), (Selection, "home")];
    SelectRowEnd, "select-row-end", "End of the row", "end of the row", KeysOnly, [(Selection, "$"), (Selection, "end")];
    Copy, "copy", "Copy the selection, or what is under the cursor", "copy", KeysOnly, [(Transcript, "y"), (Selection, "y"), (Selection, "enter")];
    Connect, "connect", "Connect: keys, servers, the demo", "connect", Commands, [];
    StartTour, "tour", "Start the tour of the demo", "tour", Commands, [];
    CopyMarkdown, "copy-markdown", "Copy the selection as Markdown, else the answer", "Markdown", Commands, [];
    CopyPlain, "copy-plain", "Copy the selection as plain text, else the answer", "plain text", Commands, [];
    CopyRich, "copy-rich", "Copy the selection with formatting, else the answer", "formatted", Commands, [];
    ChooseMouse, "mouse", "Mouse: on, the wheel only, or off", "mouse", Commands, [];
    ChooseTextWidth, "text-width", "Text width, in cells", "text width", Commands, [];
    ChooseLineBreaks, "line-breaks", "Line breaks: auto, keep, or as in Markdown", "line breaks", Commands, [];
    ChooseCopyForm, "copy-as", "Copy as: auto, Markdown, plain or rich text", "copy as", Commands, [];
    NextTab, "next-tab", "Next tab of the rail", "next tab", KeysOnly, [(Rail, "l"), (Rail, "right")];
    PreviousTab, "previous-tab", "Previous tab of the rail", "previous tab", KeysOnly, [(Rail, "h"), (Rail, "left")];
    PageUp, "page-up", "Up a page", "page up", Commands, [(Global, "pgup"), (Overlay, "pgup")];
    PageDown, "page-down", "Down a page", "page down", Commands, [(Global, "pgdn"), (Overlay, "pgdn"), (Xray, "space"), (ToolPage, "space"), (Pager, "space")];
    ScrollTop, "top", "To the first message", "top", Commands, [(Global, "ctrl-home"), (Transcript, "g"), (Transcript, "home"), (Rail, "g")];
    ScrollEnd, "newest", "To the newest message", "newest", Commands, [(Global, "ctrl-end"), (Transcript, "G"), (Transcript, "end"), (Rail, "G"), (Empty, "end")];
    ToggleCodeLines, "code-lines", "Long lines of code: wrap or scroll", "code lines", Commands, [];
    ScrollCodeLeft, "code-left", "Scroll code to the left", "left", KeysOnly, [(Transcript, "h"), (Transcript, "left")];
    ScrollCodeRight, "code-right", "Scroll code to the right", "right", KeysOnly, [(Transcript, "l"), (Transcript, "right")];
    ChooseTheme, "theme", "Choose the theme", "theme", Commands, [];
    ShowHelp, "help", "Keys for this screen", "keys", Commands, [(Global, "ctrl-x ?"), (Empty, "?"), (Transcript, "?"), (List, "?"), (Rail, "?")];
    Redraw, "repaint", "Redraw the screen", "redraw", Commands, [(Global, "ctrl-l"), (Overlay, "ctrl-l")];
    Suspend, "suspend", "Suspend (fg returns)", "suspend", Commands, [(Global, "ctrl-z"), (Overlay, "ctrl-z")];
    Quit, "quit", "Quit", "quit", Commands, [(Global, "ctrl-x q")];
    OlderPrompt, "older-prompt", "Up a row; from the first row, the previous prompt", "older", KeysOnly, [(Composer, "up")];
    NewerPrompt, "newer-prompt", "Down a row; from the last row, the next prompt", "newer", KeysOnly, [(Composer, "down")];
    Accept, "accept", "Accept the choice, or what was typed", "accept", KeysOnly,
        [(Card, "enter"), (Pause, "enter"), (Approval, "enter"), (Find, "enter"), (ListField, "enter"), (Slash, "enter"), (Overlay, "enter"), (Form, "enter"), (Form, "ctrl-s")];
    EntryNewline, "entry-newline", "Begin a new line in the system prompt", "newline", KeysOnly, [(Form, "ctrl-j")];
    FirstRow, "first-row", "To the first row", "top", KeysOnly,
        [(ListOverlay, "g"), (ListOverlay, "home"), (Picker, "ctrl-home")];
    LastRow, "last-row", "To the last row", "end", KeysOnly,
        [(ListOverlay, "G"), (ListOverlay, "end"), (Picker, "ctrl-end")];
    NextSection, "next-section", "Next section or entry", "next section", KeysOnly,
        [(Form, "tab"), (Xray, "tab"), (Tools, "tab"), (Pager, "tab")];
    PreviousSection, "previous-section", "Previous section or entry", "previous section", KeysOnly,
        [(Form, "shift-tab"), (Xray, "shift-tab"), (Tools, "shift-tab"), (Pager, "shift-tab")];
    SearchRows, "search-rows", "Search what is shown", "search", KeysOnly, [(Xray, "/"), (Tools, "/"), (Pager, "/"), (Trash, "/")];
    Close, "close", "Close it", "close", KeysOnly, [(Pager, "q")];
    SaveShown, "save", "Save what is shown to a file", "save", KeysOnly, [(CodePicker, "ctrl-s"), (Xray, "s"), (Pager, "s")];
    PipeCode, "pipe-code", "Pipe the code to a command", "pipe to a command", KeysOnly, [(CodePicker, "ctrl-o")];
    ShowAllModels, "all-models", "Choose from all models", "all models", KeysOnly, [(AgainPicker, "tab")];
    CopyCurl, "copy-curl", "Copy the request as a curl command", "copy as curl", KeysOnly, [(Xray, "c")];
    CopyResult, "copy-result", "Copy the result of the call", "copy", KeysOnly, [(Pager, "y")];
    NextCall, "next-call", "Next call of the answer", "next call", KeysOnly, [(Pager, ")")];
    PreviousCall, "previous-call", "Previous call of the answer", "previous call", KeysOnly, [(Pager, "(")];
    SwitchTool, "switch-tool", "Switch it on or off, or change the setting", "switch on, off", KeysOnly, [(Tools, "space")];
    ForceTool, "force-tool", "The next message must call the tool", "force the tool", KeysOnly, [(Tools, "f")];
    RestartServer, "restart-server", "Restart the MCP server", "restart the server", KeysOnly, [(Tools, "r"), (ToolPage, "r")];
    ReloadTools, "reload-tools", "Reload all MCP servers", "reload all", KeysOnly, [(Tools, "R")];
    AskTrust, "ask-trust", "Show what the server's file would run before you trust it", "trust", KeysOnly, [(Tools, "t"), (ToolPage, "t")];
    ConfirmTrust, "confirm-trust", "Trust the file that is shown", "trust it", KeysOnly, [(ToolPage, "y")];
    ForgetGrant, "forget-grant", "Make the tool ask again, whatever you allowed", "ask again", KeysOnly, [(ToolPage, "d")];
    SignIn, "login", "Sign in with OpenRouter", "sign in", Commands, [];
    SignOut, "logout", "Sign out: remove the OpenRouter key", "sign out", Commands, [];
    ConnectSignIn, "connect-sign-in", "Sign in with OpenRouter from the connect screen", "sign in", KeysOnly, [(Connect, "1")];
    TypeCode, "type-code", "Type the code of the page", "type the code", KeysOnly, [(SignIn, "tab")];
    CopyAddress, "copy-address", "Copy the address to sign in at", "copy the address", KeysOnly, [(SignIn, "c")];
    CopyCodeAddress, "copy-code-address", "Copy the address that gives a code", "copy the other address", KeysOnly, [(SignIn, "C")];
    OpenAgain, "open-again", "Open the browser window again", "open again", KeysOnly, [(SignIn, "o")];
    ConnectKey, "connect-key", "Paste an OpenRouter key", "key", KeysOnly, [(Connect, "2")];
    ConnectServer, "connect-server", "Use a server of your own", "server", KeysOnly, [(Connect, "3")];
    ConnectDemo, "connect-demo", "Look around in the demo", "demo", KeysOnly, [(Connect, "4")];
    ConfirmSafeguard, "confirm-safeguard", "Confirm: switch a safeguard off, delete for good", "confirm", KeysOnly, [(Safeguard, "y")];
    ForgetKey, "forget-key", "Forget the key under the cursor", "forget", KeysOnly, [(Connect, "d")];
    LookAgain, "look-again", "Look for servers on this machine again", "look again", KeysOnly, [(Connect, "r")];
    FetchOnce, "fetch-once", "Fetch the page, until ibid quits without asking again", "yes", KeysOnly, [(Question, "y")];
    FetchAlways, "fetch-always", "Fetch pages from now on without asking", "always", KeysOnly, [(Question, "a")];
    FetchNever, "fetch-no", "Do not fetch the page", "no", KeysOnly, [(Question, "n")];
    CardRetry, "card-retry", "Try again", "again", KeysOnly, [(Card, "r")];
    CardRetryNow, "card-retry-now", "Try again now instead of waiting", "now", KeysOnly, [(Card, "n")];
    CardRetryTokens, "card-retry-tokens", "Try again with as many tokens as the credit covers", "fewer tokens", KeysOnly, [(Card, "t")];
    CardGiveUp, "card-give-up", "Stop retrying", "give up", KeysOnly, [(Card, "g")];
    CardModel, "card-model", "Try again with another model", "model", KeysOnly, [(Card, "m")];
    CardRelax, "card-relax", "Try once without the preference that left no provider", "any provider", KeysOnly, [(Card, "w")];
    CardLeaveOut, "card-leave-out", "Leave out the oldest turns", "drop old turns", KeysOnly, [(Card, "o")];
    CardContinue, "card-continue", "Continue the answer", "continue", KeysOnly, [(Card, "c")];
    CardEnterKey, "card-key", "Enter another key", "key", KeysOnly, [(Card, "k")];
    CardCredits, "card-credits", "Buy credits in the browser", "credits", KeysOnly, [(Card, "b")];
    CardEffort, "card-effort", "Choose an effort", "effort", KeysOnly, [(Card, "e")];
    CardSettings, "card-settings", "System prompt and sampling of this conversation", "settings", KeysOnly, [(Card, "s")];
    CardSave, "card-save", "Save the prompt again", "save", KeysOnly, [(Card, "a")];
    CardSendUnsaved, "card-send-unsaved", "Send the prompt although it is not saved", "send", KeysOnly, [(Card, "u")];
    ResumeTurn, "resume-turn", "Let the turn continue", "continue", KeysOnly, [(Pause, "y")];
    EndTurn, "end-turn", "Stop the turn here", "stop here", KeysOnly, [(Pause, "n")];
    AllowOnce, "allow-once", "Allow the call once", "once", KeysOnly, [(Approval, "y")];
    AllowHere, "allow-here", "Allow the tool in this conversation", "here", KeysOnly, [(Approval, "s")];
    AllowAlways, "allow-always", "Allow the tool always", "always", KeysOnly, [(Approval, "a")];
    EditCall, "edit-call", "Edit the arguments of the call", "edit", KeysOnly, [(Approval, "e")];
    DenyCall, "deny", "Deny the call", "deny", KeysOnly, [(Approval, "n")];
    DenyWithReason, "deny-with-reason", "Deny the call and say why", "say why", KeysOnly, [(Approval, "N")];
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

    /// The first nine code blocks of an answer, in order.
    pub const CODES: [Self; 9] = [
        Self::CopyCode1,
        Self::CopyCode2,
        Self::CopyCode3,
        Self::CopyCode4,
        Self::CopyCode5,
        Self::CopyCode6,
        Self::CopyCode7,
        Self::CopyCode8,
        Self::CopyCode9,
    ];

    /// Returns the number of the code block that the action copies.
    pub fn code_number(self) -> Option<u32> {
        (1..).zip(Self::CODES).find_map(|(number, code)| (code == self).then_some(number))
    }

    /// Returns whether it is one of nine actions that differ by a digit, and share one row where they are listed.
    pub fn is_numbered(self) -> bool {
        Self::SLOTS.contains(&self) || Self::CODES.contains(&self)
    }

    /// Returns whether its row stands for all nine.
    pub fn is_first_of_nine(self) -> bool {
        matches!(self, Self::Slot1 | Self::CopyCode1)
    }

    /// Returns the action's row of the table.
    pub fn entry(self) -> &'static ActionEntry {
        // The macro writes the enum and the table in the same order.
        &ACTIONS[self as usize]
    }

    /// Finds an action by its name, or by one that it had in an earlier version.
    pub fn from_name(name: &str) -> Option<Self> {
        let former = FORMER_NAMES.iter().find(|(former, _)| *former == name);
        let name = former.map_or(name, |(_, name)| name);
        ACTIONS.iter().find(|entry| entry.name == name).map(|entry| entry.action)
    }

    /// Returns whether the action can switch a safeguard off: it is shown in the warning colour and asks once.
    pub fn switches_safeguard(self) -> bool {
        matches!(self, Self::ToggleAllowAll | Self::TrustServers | Self::EmptyTrash | Self::DeleteForGood)
    }

    /// Returns what may follow the action's name after a slash; `None` if it is run as it is.
    pub fn argument(self) -> Option<CommandArgument> {
        Some(match self {
            Self::ChooseModel => CommandArgument::Model,
            Self::ChooseSlot => CommandArgument::Slot,
            Self::ChooseEffort => CommandArgument::Effort,
            Self::ToggleWeb => CommandArgument::OnOff,
            Self::ChooseTheme => CommandArgument::Theme,
            Self::ChooseMouse => CommandArgument::Mouse,
            Self::ChooseTextWidth => CommandArgument::Cells,
            Self::ChooseLineBreaks => CommandArgument::LineBreaks,
            Self::ChooseCopyForm => CommandArgument::CopyForm,
            Self::TagConversation => CommandArgument::Tags,
            Self::EditParameters | Self::RenameConversation | Self::Find | Self::SearchAll => CommandArgument::Text,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_maps_to_its_own_entry() {
        for entry in ACTIONS {
            assert_eq!(entry.action.entry().name, entry.name);
            assert_eq!(Action::from_name(entry.name), Some(entry.action));
        }
    }

    #[test]
    fn former_names_still_name_their_action_and_no_other() {
        for (former, name) in FORMER_NAMES {
            assert_eq!(Action::from_name(former).map(|action| action.entry().name), Some(*name));
            assert!(ACTIONS.iter().all(|entry| entry.name != *former), "{former} is the name of another action now");
        }
    }
}
