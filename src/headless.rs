//! `ibid ask`: runs the app's state and effects without a screen.

use std::{
    io::{self, IsTerminal, Read, Write},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    chat::{Answer, AnswerEnd, CardText, Conversation, Item, Timestamp, TurnPhase, answer::ContentPart, explain},
    clock,
    runtime::EffectRuntime,
    store::StoreReply,
    text::{self, TextCleaner},
    ui::{self, Msg, State},
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

/// Builds the prompt from the words of the command line, followed by piped input.
///
/// # Errors
/// Fails if standard input cannot be read.
pub fn prompt(words: &[String]) -> io::Result<String> {
    let stdin = io::stdin();
    let mut piped = Vec::new();
    if !stdin.is_terminal() {
        stdin.lock().read_to_end(&mut piped)?;
    }
    Ok(join_prompt(&words.join(" "), &String::from_utf8_lossy(&piped)))
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
}

impl AskSession<'_> {
    async fn run(&mut self, out: &mut impl Write, termination: &mut mpsc::Receiver<()>) -> AskOutcome {
        loop {
            let Some(msg) = self.next_msg(termination).await else { return AskOutcome::Interrupted };
            let store_error = match &msg {
                Msg::StoreReply(StoreReply::OpenFailed(error)) => Some(error.to_string()),
                _ => None,
            };
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
            match self.report_progress(out) {
                Ok(None) => (),
                Ok(Some(ended)) => return ended,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return AskOutcome::OutputClosed,
                Err(error) => return AskOutcome::Failed(format!("the answer cannot be printed: {error}")),
            }
        }
    }

    /// Waits for the next message. Returns `None` when the program is asked to terminate.
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
            let _ = writeln!(io::stderr(), "ibid: {}", text::join_lines(&complaint));
        }
        for effect in effects {
            self.runtime.run(effect);
        }
    }

    fn report_progress(&mut self, out: &mut impl Write) -> io::Result<Option<AskOutcome>> {
        let Some(conversation) = self.state.chats.current_conversation() else { return Ok(None) };
        let Some(answer) = newest_answer(conversation) else { return Ok(None) };
        self.printer.print_progress(answer, out)?;
        if let Some(turn) = conversation.turns.first() {
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
                    let _ = writeln!(io::stderr(), "ibid: {error}; trying again in {seconds} s");
                    self.reported_wait = Some(*until);
                }
                _ => (),
            }
            return Ok(None);
        }
        let fail = |what: String| Ok(Some(AskOutcome::Failed(what)));
        match &answer.end {
            AnswerEnd::Open => Ok(None),
            AnswerEnd::Complete => self.printer.finish(answer, out).map(|()| Some(AskOutcome::Answered)),
            AnswerEnd::Incomplete { reason } => {
                self.printer.finish(answer, out)?;
                let why = reason.as_deref().unwrap_or("the server did not say why");
                let _ = writeln!(io::stderr(), "ibid: the answer was cut short ({why})");
                Ok(Some(AskOutcome::Answered))
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

/// Formats an error card as one line: what happened, the reported detail and what to do.
fn card_line(card: CardText) -> String {
    let summary = match card.fact {
        Some(fact) => format!("{}: {}.", card.headline.trim_end_matches('.'), fact.trim_end_matches('.')),
        None => card.headline,
    };
    text::clean(&format!("{summary} {}", card.advice)).into_owned()
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

/// Prints an answer, and records how much of it has been printed.
struct AnswerPrinter {
    mode: PrintMode,
    /// How many bytes of the answer's text have been printed, counted before cleaning.
    printed_bytes: usize,
    cleaner: TextCleaner,
    /// Whether the output is at the start of a line.
    at_line_start: bool,
}

impl AnswerPrinter {
    fn new(mode: PrintMode) -> Self {
        Self { mode, printed_bytes: 0, cleaner: TextCleaner::default(), at_line_start: true }
    }

    fn print_progress(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        match self.mode {
            PrintMode::Streaming => self.print_new_text(answer, out),
            PrintMode::WhenComplete => Ok(()),
        }
    }

    /// Prints the rest of the answer and its sources.
    fn finish(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        self.print_new_text(answer, out)?;
        if !self.at_line_start {
            writeln!(out)?;
        }
        let sources = cited_sources(answer);
        if !sources.is_empty() {
            writeln!(out)?;
        }
        for (number, (title, url)) in (1..).zip(sources) {
            writeln!(out, "[{number}] {}", text::join_lines(&format!("{title}  {url}")).trim_start())?;
        }
        out.flush()
    }

    /// Prints the text that is new since the last call.
    fn print_new_text(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        let mut cleaned = String::new();
        let mut offset = 0;
        for text in answer_texts(answer) {
            let new_start = self.printed_bytes.saturating_sub(offset).min(text.len());
            // A server may replace a text with a longer, different one.
            let new = (new_start..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
            self.cleaner.push(&text[new..], &mut cleaned);
            offset += text.len();
        }
        self.printed_bytes = self.printed_bytes.max(offset);
        if let Some(last) = cleaned.chars().next_back() {
            self.at_line_start = last == '\n';
            out.write_all(cleaned.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Returns the parts of `Answer::text`.
fn answer_texts(answer: &Answer) -> impl Iterator<Item = &str> {
    let messages = answer.items.values().filter_map(Item::parts);
    let messages = messages.filter(|parts| parts.iter().any(|part| !part.text().is_empty()));
    messages.enumerate().flat_map(|(number, parts)| {
        let gap = (number > 0).then_some("\n\n");
        gap.into_iter().chain(parts.iter().map(ContentPart::text))
    })
}

/// Returns the titles and addresses of the sources, in order of first citation, each address once.
fn cited_sources(answer: &Answer) -> Vec<(&str, &str)> {
    let mut sources: Vec<(&str, &str)> = Vec::new();
    for annotation in answer.annotations() {
        let Some(url) = annotation.url.as_deref() else { continue };
        if !sources.iter().any(|(_, known)| *known == url) {
            sources.push((annotation.title.as_deref().unwrap_or_default(), url));
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piped_input_follows_the_words() {
        assert_eq!(join_prompt("say it in French", "hello\n"), "say it in French\n\nhello");
        assert_eq!(join_prompt(" ", "  indented\nlines\n"), "  indented\nlines");
        assert_eq!(join_prompt("only words", ""), "only words");
        assert_eq!(join_prompt("", ""), "");
    }
}
