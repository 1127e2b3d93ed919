//! `ibid ask`: the same state and the same effects, without a screen.

use std::{
    io::{self, IsTerminal, Read, Write},
    pin::{Pin, pin},
};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    app::{self, Effect, Msg, State},
    chat::{Answer, Conversation, End, Explanation, Item, Phase, Timestamp, answer::Part, explain},
    runtime::{Ask, Runtime},
    store::Reply,
    text::{self, Cleaner},
};

/// Messages that may wait for the loop.
const INBOX: usize = 64;

/// When the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    AsItComes,
    AtTheEnd,
}

/// How asking ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Answered,
    /// In one sentence, with what to do.
    Failed(String),
    Interrupted,
    /// Whoever read the answer has had enough.
    NobodyReads,
}

/// What is asked: the words of the command line, then what was piped in.
///
/// # Errors
/// Standard input cannot be read.
pub fn prompt(words: &[String]) -> io::Result<String> {
    let stdin = io::stdin();
    let mut piped = Vec::new();
    if !stdin.is_terminal() {
        stdin.lock().read_to_end(&mut piped)?;
    }
    Ok(joined(&words.join(" "), &String::from_utf8_lossy(&piped)))
}

fn joined(words: &str, piped: &str) -> String {
    match (words.trim(), piped.trim_end()) {
        (words, "") => words.to_owned(),
        ("", piped) => piped.to_owned(),
        (words, piped) => format!("{words}\n\n{piped}"),
    }
}

/// Sends one prompt and prints its answer; saved like any other.
///
/// # Errors
/// The runtime cannot be started.
pub async fn ask(
    state: &mut State,
    prompt: String,
    print: Print,
    out: &mut impl Write,
    connect: impl FnOnce(mpsc::Sender<Msg>) -> io::Result<Runtime>,
) -> io::Result<Ended> {
    let (send, inbox) = mpsc::channel(INBOX);
    let runtime = connect(send)?;
    let mut asking = Asking { state, inbox, runtime, prompt: Some(prompt), said: Said::new(print), waits: None };
    let mut end = pin!(told_to_end());
    let ended = asking.turn(out, end.as_mut()).await;
    // What is worth keeping goes to the database, and the program ends when it is there.
    asking.tell(Msg::Terminated);
    drop(asking.inbox);
    drop(asking.runtime);
    Ok(ended)
}

struct Asking<'a> {
    state: &'a mut State,
    inbox: mpsc::Receiver<Msg>,
    runtime: Runtime,
    /// Until it is sent.
    prompt: Option<String>,
    said: Said,
    /// The wait that was last told of.
    waits: Option<Timestamp>,
}

impl Asking<'_> {
    async fn turn(&mut self, out: &mut impl Write, mut end: Pin<&mut impl Future<Output = ()>>) -> Ended {
        loop {
            let Some(msg) = self.wake(end.as_mut()).await else { return Ended::Interrupted };
            let broken = match &msg {
                Msg::Store(Reply::Broken(error)) => Some(error.to_string()),
                _ => None,
            };
            let open = matches!(msg, Msg::Store(Reply::Opened { .. }));
            self.tell(msg);
            if let Some(why) = broken {
                return Ended::Failed(why);
            }
            if open && let Some(prompt) = self.prompt.take() {
                self.tell(Msg::Ask(prompt));
                if self.state.current().is_none() {
                    return Ended::Failed("no model was chosen; name one with --model".into());
                }
            }
            match self.progress(out) {
                Ok(None) => (),
                Ok(Some(ended)) => return ended,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ended::NobodyReads,
                Err(error) => return Ended::Failed(format!("the answer cannot be printed: {error}")),
            }
        }
    }

    /// `None`: told to end.
    async fn wake(&mut self, end: Pin<&mut impl Future<Output = ()>>) -> Option<Msg> {
        let due = app::next_wake(self.state, Timestamp::now()).map(|at| {
            let wait = std::time::Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
            Instant::now() + wait
        });
        tokio::select! {
            biased;
            () = end => None,
            msg = self.inbox.recv() => msg,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Some(Msg::Tick),
        }
    }

    fn tell(&mut self, msg: Msg) {
        let effects = app::update(self.state, Timestamp::now(), msg);
        for complaint in self.state.complaints.drain(..) {
            eprintln!("ibid: {}", text::clean(&complaint).replace('\n', " "));
        }
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// Nobody is here to whom the terminal could be given, or who could paste.
    fn carry_out(&mut self, effect: Effect) {
        match self.runtime.run(effect) {
            None
            | Some(
                Ask::Copy(_)
                | Ask::CopyPrimary(_)
                | Ask::TakeMouse(_)
                | Ask::Edit(_)
                | Ask::Suspend
                | Ask::Repaint
                | Ask::AskBackground
                | Ask::SetTitle(_)
                | Ask::Notify(_)
                | Ask::Quit
                | Ask::StartDemo,
            ) => (),
        }
    }

    fn progress(&mut self, out: &mut impl Write) -> io::Result<Option<Ended>> {
        let Some(conversation) = self.state.current() else { return Ok(None) };
        let Some(answer) = newest_answer(conversation) else { return Ok(None) };
        self.said.grow(answer, out)?;
        if let Some(turn) = conversation.turns.first() {
            match &turn.phase {
                Phase::Unsaved { why } => return Ok(Some(Ended::Failed(format!("the prompt was not saved: {why}")))),
                // Nobody is here to say that it shall go on.
                Phase::Paused(_) => {
                    let why = explain(answer, Some(turn)).map(in_one_line).unwrap_or_default();
                    return Ok(Some(Ended::Failed(why)));
                }
                Phase::Waiting { until, error } if self.waits != Some(*until) => {
                    let seconds = until.duration_since(Timestamp::now()).as_secs().max(0) + 1;
                    eprintln!("ibid: {error}; asking again in {seconds} s");
                    self.waits = Some(*until);
                }
                _ => (),
            }
            return Ok(None);
        }
        let failed = |what: String| Ok(Some(Ended::Failed(what)));
        match &answer.end {
            End::Open => Ok(None),
            End::Complete => self.said.end(answer, out).map(|()| Some(Ended::Answered)),
            End::Incomplete { reason } => {
                self.said.end(answer, out)?;
                let why = reason.as_deref().unwrap_or("the server did not say why");
                eprintln!("ibid: the answer was cut short ({why})");
                Ok(Some(Ended::Answered))
            }
            End::Stopped => Ok(Some(Ended::Interrupted)),
            End::Interrupted => {
                self.said.end(answer, out)?;
                failed("the connection ended before the answer did; ask again".into())
            }
            End::Failed(error) => {
                self.said.end(answer, out)?;
                failed(explain(answer, None).map_or_else(|| error.to_string(), in_one_line))
            }
        }
    }
}

/// A card of the screen as a complaint: what happened, in whose words, what to do.
fn in_one_line(card: Explanation) -> String {
    let happened = match card.fact {
        Some(fact) => format!("{}: {}.", card.headline.trim_end_matches('.'), fact.trim_end_matches('.')),
        None => card.headline,
    };
    text::clean(&format!("{happened} {}", card.advice)).into_owned()
}

fn newest_answer(conversation: &Conversation) -> Option<&Answer> {
    conversation.messages.get(conversation.branch.last()?)?.answer()
}

async fn told_to_end() {
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

/// What was printed of an answer.
struct Said {
    print: Print,
    /// Bytes of its text, as they came.
    taken: usize,
    cleaner: Cleaner,
    /// The last character that was printed ended a line, or there was none.
    at_line_start: bool,
}

impl Said {
    fn new(print: Print) -> Self {
        Self { print, taken: 0, cleaner: Cleaner::default(), at_line_start: true }
    }

    fn grow(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        match self.print {
            Print::AsItComes => self.take(answer, out),
            Print::AtTheEnd => Ok(()),
        }
    }

    /// The rest, and the sources.
    fn end(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        self.take(answer, out)?;
        if !self.at_line_start {
            writeln!(out)?;
        }
        let sources = sources(answer);
        if !sources.is_empty() {
            writeln!(out)?;
        }
        for (number, (title, url)) in (1..).zip(sources) {
            writeln!(
                out,
                "[{number}] {}",
                crate::text::clean(&format!("{title}  {url}")).trim_start().replace('\n', " ")
            )?;
        }
        out.flush()
    }

    /// Prints what came since the last time.
    fn take(&mut self, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        let mut clean = String::new();
        let mut before = 0;
        for text in texts(answer) {
            let new = self.taken.saturating_sub(before).min(text.len());
            // A server may replace a text by a longer one that differs.
            let new = (new..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
            self.cleaner.push(&text[new..], &mut clean);
            before += text.len();
        }
        self.taken = self.taken.max(before);
        if let Some(last) = clean.chars().next_back() {
            self.at_line_start = last == '\n';
            out.write_all(clean.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    }
}

/// `Answer::text` in its pieces.
fn texts(answer: &Answer) -> impl Iterator<Item = &str> {
    let messages = answer.items.values().filter_map(Item::parts);
    let messages = messages.filter(|parts| parts.iter().any(|part| !part.text().is_empty()));
    messages.enumerate().flat_map(|(number, parts)| {
        let gap = (number > 0).then_some("\n\n");
        gap.into_iter().chain(parts.iter().map(Part::text))
    })
}

/// Titles and addresses in the order in which they are first cited, each address once.
fn sources(answer: &Answer) -> Vec<(&str, &str)> {
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
    fn what_is_piped_in_stands_behind_the_words() {
        assert_eq!(joined("say it in French", "hello\n"), "say it in French\n\nhello");
        assert_eq!(joined(" ", "  indented\nlines\n"), "  indented\nlines");
        assert_eq!(joined("only words", ""), "only words");
        assert_eq!(joined("", ""), "");
    }
}
