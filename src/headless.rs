//! `ibid ask`: runs the app's state and effects without a screen.

mod answer_printer;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Read, Write},
    mem,
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use self::answer_printer::AnswerPrinter;
pub(crate) use self::answer_printer::cited_sources;

use crate::{
    chat::{Answer, AnswerEnd, CardText, Conversation, ConversationChange, Timestamp, TurnPhase, explain},
    clock, console,
    runtime::EffectRuntime,
    store::{SaveTicket, StoreError, StoreJob, StoreReply},
    text,
    ui::{self, Effect, Msg, State},
};

/// The capacity of the loop's channel.
const INBOX_CAPACITY: usize = 64;

/// How long a request to end may wait for the loop.
const TAKEN_TIMEOUT: Duration = Duration::from_secs(1);

/// When the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrintMode {
    Streaming,
    WhenComplete,
}

/// How `ask` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskOutcome {
    Answered,
    /// The failure and what to do about it, in one line.
    Failed(String),
    Interrupted,
    /// The reader of our output closed the pipe.
    OutputClosed,
}

/// The most that is read from standard input. It is far more than any model reads.
const MAX_PIPED_BYTES: u64 = 32 * 1024 * 1024;

/// Builds the prompt from the words of the command line, followed by piped input.
///
/// # Errors
/// Fails if standard input cannot be read, or with `FileTooLarge` if it is longer than any prompt.
pub fn prompt(words: &[String]) -> io::Result<String> {
    let stdin = io::stdin();
    let piped = if stdin.is_terminal() { Vec::new() } else { read_piped(stdin.lock())? };
    Ok(join_prompt(&words.join(" "), &String::from_utf8_lossy(&piped)))
}

fn read_piped(input: impl Read) -> io::Result<Vec<u8>> {
    let mut piped = Vec::new();
    input.take(MAX_PIPED_BYTES + 1).read_to_end(&mut piped)?;
    if piped.len() as u64 > MAX_PIPED_BYTES {
        let what = format!("it is longer than {} MiB, more than any model reads", MAX_PIPED_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(piped)
}

fn join_prompt(words: &str, piped: &str) -> String {
    match (words.trim(), piped.trim_end()) {
        (words, "") => words.to_owned(),
        ("", piped) => piped.to_owned(),
        (words, piped) => format!("{words}\n\n{piped}"),
    }
}

/// Sends one prompt and prints its answer. The conversation is saved like any other.
///
/// # Errors
/// Fails if the runtime cannot be started.
pub async fn ask(
    state: &mut State,
    prompt: String,
    print: PrintMode,
    out: &mut impl Write,
    connect: impl FnOnce(mpsc::Sender<Msg>) -> io::Result<EffectRuntime>,
) -> io::Result<AskOutcome> {
    let (send, inbox) = mpsc::channel(INBOX_CAPACITY);
    let runtime = connect(send)?;
    let mut session = AskSession {
        state,
        inbox,
        runtime,
        prompt: Some(prompt),
        printer: AnswerPrinter::new(print),
        reported_wait: None,
        is_awaiting_tools: false,
        saves: AnswerSaves::default(),
    };
    let mut termination = termination_requests()?;
    let outcome = session.run(out, &mut termination).await;
    // The message saves what is unsaved, and dropping the runtime waits for the database.
    session.dispatch(Msg::Terminated);
    drop(session.inbox);
    drop(session.runtime);
    Ok(outcome)
}

struct AskSession<'a> {
    state: &'a mut State,
    inbox: mpsc::Receiver<Msg>,
    runtime: EffectRuntime,
    /// The prompt, until it is sent.
    prompt: Option<String>,
    printer: AnswerPrinter,
    /// The end of the retry wait that was last reported.
    reported_wait: Option<Timestamp>,
    /// The request waits for servers that are starting.
    is_awaiting_tools: bool,
    saves: AnswerSaves,
}

/// What became of the saves of the answer.
#[derive(Debug, Default)]
struct AnswerSaves {
    /// The saves without a reply, and whether they hold the answer.
    pending: BTreeMap<SaveTicket, bool>,
    /// Why the newest save of the answer failed.
    error: Option<String>,
}

impl AnswerSaves {
    fn note_job(&mut self, job: &StoreJob) {
        if let StoreJob::Save { ticket, changes } = job {
            let is_answer = |change: &ConversationChange| matches!(change, ConversationChange::Message { message, .. } if message.as_answer().is_some());
            self.pending.insert(*ticket, changes.iter().any(is_answer));
        }
    }

    fn note_reply(&mut self, reply: &StoreReply) {
        match reply {
            StoreReply::Saved(ticket) if self.pending.remove(ticket) == Some(true) => {
                self.error = None;
            }
            StoreReply::SaveFailed { ticket, error } if self.pending.remove(ticket) == Some(true) => {
                self.error = Some(error.to_string());
            }
            _ => (),
        }
    }
}

impl AskSession<'_> {
    async fn run(&mut self, out: &mut impl Write, termination: &mut mpsc::Receiver<()>) -> AskOutcome {
        let mut arrived = None;
        loop {
            let msg = match arrived.take() {
                Some(msg) => msg,
                None => match self.next_msg(termination).await {
                    Some(msg) => msg,
                    None => return AskOutcome::Interrupted,
                },
            };
            let store_error = match &msg {
                Msg::StoreReply(StoreReply::OpenFailed(error)) => Some(error.to_string()),
                Msg::StoreReply(StoreReply::ReadOnly(error @ StoreError::Newer { .. })) => Some(error.to_string()),
                _ => None,
            };
            if let Msg::StoreReply(reply) = &msg {
                self.saves.note_reply(reply);
            }
            let is_opened = matches!(msg, Msg::StoreReply(StoreReply::Opened { .. }));
            self.dispatch(msg);
            if let Some(reason) = store_error {
                return AskOutcome::Failed(reason);
            }
            if is_opened && let Some(prompt) = self.prompt.take() {
                self.dispatch(Msg::ExternalPrompt(prompt));
                if self.state.chats.current_conversation().is_none() {
                    return AskOutcome::Failed("no model was chosen; name one with --model".into());
                }
            }
            // What has arrived meanwhile is printed together.
            arrived = self.inbox.try_recv().ok();
            if arrived.is_some() {
                continue;
            }
            match self.report_progress(out) {
                Ok(None) => (),
                Ok(Some(ended)) => return ended,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return AskOutcome::OutputClosed,
                Err(error) => {
                    return AskOutcome::Failed(format!("the answer cannot be printed: {}", text::error_words(&error)));
                }
            }
        }
    }

    /// Waits for the next message. Returns `None` when the program must end.
    async fn next_msg(&mut self, termination: &mut mpsc::Receiver<()>) -> Option<Msg> {
        let due = ui::next_wake(self.state, clock::now()).map(|at| {
            let wait = Duration::try_from(at.duration_since(clock::now())).unwrap_or_default();
            Instant::now() + wait
        });
        tokio::select! {
            biased;
            Some(()) = termination.recv() => None,
            msg = self.inbox.recv() => msg,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Some(Msg::Tick),
        }
    }

    fn dispatch(&mut self, msg: Msg) {
        let effects = ui::update(self.state, clock::now(), msg);
        for complaint in self.state.env.complaints.drain(..) {
            console::complain(&complaint);
        }
        for effect in effects {
            if let Effect::RunStoreJob(job) = &effect {
                self.saves.note_job(job);
            }
            self.runtime.run(effect);
        }
    }

    fn report_progress(&mut self, out: &mut impl Write) -> io::Result<Option<AskOutcome>> {
        let Some(conversation) = self.state.chats.current_conversation() else { return Ok(None) };
        let Some(answer) = newest_answer(conversation) else { return Ok(None) };
        self.printer.print_progress(answer, out)?;
        if let Some(turn) = conversation.turns.first() {
            let was_awaiting =
                mem::replace(&mut self.is_awaiting_tools, matches!(turn.phase, TurnPhase::AwaitingTools { .. }));
            if was_awaiting
                && !self.is_awaiting_tools
                && let Some(missing) = self.state.env.tools.awaited_servers()
            {
                console::complain(&missing.note());
            }
            match &turn.phase {
                TurnPhase::SaveFailed { reason: why } => {
                    return Ok(Some(AskOutcome::Failed(format!("the prompt was not saved: {why}"))));
                }
                // Nobody is here to resume it.
                TurnPhase::Paused(_) => {
                    let why = explain(answer, Some(turn)).map(card_line).unwrap_or_default();
                    return Ok(Some(AskOutcome::Failed(why)));
                }
                TurnPhase::AwaitingRetry { until, error } if self.reported_wait != Some(*until) => {
                    let seconds = until.duration_since(clock::now()).as_secs().max(0) + 1;
                    console::complain(&format!("{error}; trying again in {seconds} s"));
                    self.reported_wait = Some(*until);
                }
                _ => (),
            }
            return Ok(None);
        }
        let fail = |what: String| Ok(Some(AskOutcome::Failed(what)));
        if !self.saves.pending.is_empty() && answer.is_over() {
            return Ok(None); // It is not done before the answer is on disk.
        }
        let unsaved =
            self.saves.error.as_ref().map(|why| AskOutcome::Failed(format!("the answer was not saved: {why}")));
        match &answer.end {
            AnswerEnd::Open => Ok(None),
            AnswerEnd::Complete => {
                let printed = self.printer.finish(answer, out)?;
                let mute = || Some(AskOutcome::Failed(MUTE_ANSWER.into())).filter(|_| answer.text().trim().is_empty());
                Ok(Some(printed.failure().or(unsaved).or_else(mute).unwrap_or(AskOutcome::Answered)))
            }
            AnswerEnd::Incomplete { .. } => {
                let printed = self.printer.finish(answer, out)?;
                console::complain(&explain(answer, None).map(card_line).unwrap_or_default());
                Ok(Some(printed.failure().or(unsaved).unwrap_or(AskOutcome::Answered)))
            }
            AnswerEnd::Stopped => Ok(Some(AskOutcome::Interrupted)),
            AnswerEnd::Interrupted => {
                self.printer.finish(answer, out)?;
                fail("the connection ended before the answer did; ask again".into())
            }
            AnswerEnd::Failed(error) => {
                self.printer.finish(answer, out)?;
                fail(explain(answer, None).map_or_else(|| error.to_string(), card_line))
            }
        }
    }
}

/// What is reported of an answer without a word.
const MUTE_ANSWER: &str = "the answer has no text: the model only called tools that were not offered to it";

/// Formats an error card as one line: what happened, the reported detail and what to do.
fn card_line(card: CardText) -> String {
    let headline = card.headline.trim_end_matches('.');
    let summary = match card.fact {
        Some(fact) if fact.starts_with("after ") => format!("{headline} {}.", fact.trim_end_matches('.')),
        Some(fact) if fact.ends_with("...") => format!("{headline}: {fact}"),
        Some(fact) => format!("{headline}: {}.", fact.trim_end_matches('.')),
        None => card.headline,
    };
    let quote = card.quote.map(|quote| format!("{}.", quote.replacen("a web page", "A web page", 1)));
    // There is no key to press here.
    let advice = card.advice.replace("Enter another key", "Set another key, or enter one in `ibid`");
    text::clean(&[Some(summary), quote, Some(advice)].into_iter().flatten().collect::<Vec<_>>().join(" ")).into_owned()
}

fn newest_answer(conversation: &Conversation) -> Option<&Answer> {
    conversation.messages.get(conversation.branch.last()?)?.as_answer()
}

/// Receives requests to end, which a thread of its own forwards: while nobody reads our output, a write blocks this one.
/// A request that is not taken in time ends the program by force.
#[expect(clippy::disallowed_methods, reason = "a blocked loop can neither wait nor end the program")]
fn termination_requests() -> io::Result<mpsc::Receiver<()>> {
    let (send, requests) = mpsc::channel(1);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let forward = async move {
        termination_signal().await;
        let _ = send.try_send(()); // The program may be ending already.
        tokio::time::sleep(TAKEN_TIMEOUT).await;
        if send.capacity() == 0 {
            std::process::exit(130);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || tokio.block_on(forward))?;
    Ok(requests)
}

async fn termination_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => (),
            _ = terminate.recv() => (),
            _ = hang_up.recv() => (),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_input_is_refused_before_it_fills_the_memory() {
        let error = read_piped(io::repeat(b'y')).expect_err("it never ends");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let long = vec![b'y'; 8 << 20];
        assert_eq!(read_piped(long.as_slice()).expect("text").len(), long.len());
    }

    #[test]
    fn piped_input_follows_the_words() {
        assert_eq!(join_prompt("say it in French", "hello\n"), "say it in French\n\nhello");
        assert_eq!(join_prompt(" ", "  indented\nlines\n"), "  indented\nlines");
        assert_eq!(join_prompt("only words", ""), "only words");
        assert_eq!(join_prompt("", ""), "");
    }
}
