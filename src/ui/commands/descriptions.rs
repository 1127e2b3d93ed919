//! What each command does, in a sentence, and what does the same in a shell.

use crate::ui::Action;

/// Returns the sentence that is shown below the commands.
pub fn describe(action: Action) -> &'static str {
    match action {
        Action::Connect => "Shows the keys and servers that ibid uses, and connects to another one.",
        Action::StartTour => "Begins the tour of the demo: six short answers that show what ibid does.",
        Action::NewConversation => "Leaves this conversation as it is and begins an empty one with the same model.",
        Action::ChooseModel => {
            "Lists the models of this server with their prices. The choice applies from the next message on."
        }
        Action::ChooseSlot => "The nine slots hold your favourite models. Fill one in the list of models.",
        Action::NextSlot => "Uses the model in the next slot that holds one.",
        Action::PreviousSlot => "Uses the model in the previous slot that holds one.",
        Action::NextEffort => "Steps through the effort levels that the model offers, from low to high.",
        Action::ChooseEffort => {
            "Sets how hard the model thinks before it answers. More thinking takes longer and costs more."
        }
        Action::ToggleWeb => "Lets the model search the web and cite what it finds.",
        Action::ShowTools => "Shows the MCP servers and tools, and which of them the next message may use.",
        Action::TrustServers => "Shows what the project's .mcp.json would run, and asks before it runs.",
        Action::ReloadServers => "Reads the configuration of the MCP servers again and restarts those that failed.",
        Action::ToggleAllowAll => {
            "Every tool in this conversation runs without asking, including those that change files or send data."
        }
        Action::EditParameters => "Sets the system prompt, temperature, top-p and token limit of this conversation.",
        Action::FocusList => "Moves to the list of conversations, and opens it if it is hidden.",
        Action::ToggleList => "Shows or hides the list of conversations at the left.",
        Action::ToggleRail => "Shows or hides the pane at the right.",
        Action::ToggleZen => "Hides everything but the text and the composer, or shows it again.",
        Action::ShowSources => "Shows the cited pages of the answer: title, address and what was cited.",
        Action::ShowDetails => "Shows when the answer came, how long it took, its tokens and what it cost.",
        Action::NextCitation => "Goes to the next citation and highlights the sentence that it supports.",
        Action::PreviousCitation => "Goes to the previous citation and highlights the sentence that it supports.",
        Action::OpenInBrowser => "Opens the page of the source under the cursor in your browser.",
        Action::CheckSource => "Fetches the page of the source under the cursor and looks for the cited words on it.",
        Action::CheckAnswer => {
            "Fetches each cited page of the answer once and looks for the cited and quoted words on it."
        }
        Action::JudgeClaims => {
            "Hands the claims of a checked answer that the pages did not prove to a model. You see the price first."
        }
        Action::CopyFootnote => "Copies the source under the cursor as a footnote in Markdown.",
        Action::ShowXray => "Shows what was sent for the answer and every event that came back.",
        Action::ShowResults => "Shows the tool calls of the answer with their arguments and full results.",
        Action::CopyAnswer => "Copies the current answer in the form of /copy-as: Markdown, plain text or formatted.",
        Action::CopyMarkdown => "Copies the selected text as Markdown, or the current answer if nothing is selected.",
        Action::CopyPlain => "Copies the selected text without marks, or the current answer if nothing is selected.",
        Action::CopyRich => "Copies the selected text for chat programs and mail, or the current answer.",
        Action::ShowCodeBlocks => "Lists the code blocks of the answer, to copy, save or pipe one of them.",
        Action::EditEarlier => {
            "Puts an earlier prompt into the composer. Sending it starts a branch; the old one is kept."
        }
        Action::AnswerAgain => {
            "Asks for another answer to the same prompt. You choose the model and see the price first."
        }
        Action::AnswerAgainWith => {
            "Picks any model of the list for another answer, then shows its price. The first answer is kept."
        }
        Action::RestoreLeftOut => "Sends the turns again that were dropped when the conversation became too long.",
        Action::PreviousVersion => "Shows the previous version of the current prompt or answer.",
        Action::NextVersion => "Shows the next version of the current prompt or answer.",
        Action::SearchHistory => "Finds a prompt from any conversation and puts it into the composer.",
        Action::OpenEditor => "Opens the draft in your editor and takes it back when you close it.",
        Action::TrashConversation => "Moves this conversation to the trash, where it can be restored.",
        Action::SuggestTitle => {
            "Asks the title_model of the config for a title, and shows its price. /title auto does the same."
        }
        Action::ShowTrash => "Lists what was deleted, to restore it, or to delete it for good.",
        Action::EmptyTrash => "Deletes everything in the trash for good. It asks once.",
        Action::ToggleTemporary => "Begins a conversation of which only the cost is kept. It is gone when ibid quits.",
        Action::UndoListChange => "Takes back what was last done in the list: trash, pin, tags, archive or title.",
        Action::PinConversation => "Keeps this conversation at the top of the list, until it is unpinned.",
        Action::TagConversation => "Gives this conversation tags, such as #rust. With -rust a tag is taken away.",
        Action::ArchiveConversation => "Moves this conversation to the end of the list, where it is out of the way.",
        Action::CheckDatabase => "Checks every page and row of the database; offers a repair if something is damaged.",
        Action::RepairDatabase => "Saves what can be read of a damaged database into a new file and keeps the old one.",
        Action::RenameConversation => "Gives this conversation another title.",
        Action::FilterList => "Filters the list of conversations by title, and by tags after #.",
        Action::FoldReasoning => "Folds or opens the reasoning of the current answer.",
        Action::FoldDetails => "Folds or opens all reasoning, searches and calls of the current answer.",
        Action::Find => "Finds text in this conversation, including what is folded.",
        Action::SearchAll => {
            "Finds prompts, answers, reasoning, sources, tool calls, files and titles in all conversations, and opens them there."
        }
        Action::JumpToPrompt => "Lists the prompts of this conversation, so that you can go to one.",
        Action::ChooseMouse => "Sets how much of the mouse ibid uses, and what is left to the terminal.",
        Action::ChooseTextWidth => "Sets how wide the text may become; there is no need to restart.",
        Action::ChooseLineBreaks => "Sets whether a single newline in a paragraph begins a new row.",
        Action::ChooseCopyForm => "Sets the form in which answers and selections are copied.",
        Action::PageUp => "Scrolls the text up by a page.",
        Action::PageDown => "Scrolls the text down by a page.",
        Action::ScrollTop => "Scrolls to the first message.",
        Action::ScrollEnd => "Scrolls to the end, and follows the answer from there.",
        Action::ToggleCodeLines => "Wraps long lines of code, or lets them scroll sideways.",
        Action::ChooseTheme => "Lists the themes and previews the one under the cursor.",
        Action::ShowHelp => "Lists all keys, those of the focused pane first.",
        Action::Redraw => "Draws the whole screen again, in case another program has written on it.",
        Action::Suspend => "Gives the terminal back to the shell; fg returns.",
        Action::Quit => "Ends ibid. Answers that are still running are interrupted and kept.",
        other => other.entry().title,
    }
}

/// Returns the command line that does the same.
pub fn shell_command(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::NewConversation => "ibid",
        Action::ChooseModel => "ibid --model MODEL",
        Action::ChooseEffort => "ibid --effort high",
        Action::ToggleWeb => "ibid --web",
        Action::EditParameters => "ibid --system TEXT",
        Action::SearchAll => "ibid search QUERY",
        _ => return None,
    })
}
