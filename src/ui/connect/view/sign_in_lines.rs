//! The lines of the connect screen while one signs in.

use ratatui::{
    style::Stylize,
    text::{Line, Span},
};

use super::{
    ConnectView,
    lines::{ConnectLine, ConnectLines},
};
use crate::{
    render::theme::ColourRole,
    text,
    ui::{
        Action,
        connect::sign_in::{SignInStage, SignInWait},
        keymap::KeyContext,
    },
};

const APPROVE: &str = "Approve ibid there, and this screen continues on its own. No window? Open this address:";
const ELSEWHERE: &str = "Browser on another machine? Open this one instead; it gives you a code to paste here:";
const NO_LISTENER: &str = "Approve ibid at this address, in any browser. It gives you a code to paste here:";
const PROMISE: &str = "ibid gets its own key, which you can limit or revoke at any time at openrouter.ai/keys. It is stored in a file only you can read, and sent only to OpenRouter.";

/// Cells between an address and the key that copies it.
const HINT_GAP: usize = 3;

impl ConnectView<'_> {
    pub(super) fn push_sign_in<'a>(&'a self, stage: &'a SignInStage, list: &mut ConnectLines<'a>) {
        list.push_text(self.sign_in_head(stage));
        list.push_gap();
        let Some(addresses) = &stage.addresses else { return };
        match &addresses.browser_url {
            Some(url) => {
                list.push_wrapped(APPROVE, self.theme.style(ColourRole::Text));
                self.push_address(url, Action::CopyAddress, list);
                list.push_gap();
                list.push_wrapped(ELSEWHERE, self.theme.style(ColourRole::Text));
            }
            None => list.push_wrapped(NO_LISTENER, self.theme.style(ColourRole::Text)),
        }
        self.push_address(&addresses.code_url, Action::CopyCodeAddress, list);
        list.push_gap();
        list.lines.push(ConnectLine::Field);
        if let Some((words, style)) = self.message() {
            list.push_gap();
            list.push_wrapped(&words, style);
        }
        list.push_gap();
        if !self.is_welcome() && list.has_room_for_details() {
            list.lines.push(ConnectLine::Rule);
        }
        if list.has_room_for_details() {
            list.push_wrapped(PROMISE, self.theme.style(ColourRole::Muted));
        }
    }

    /// What is waited for, and for how long.
    fn sign_in_head(&self, stage: &SignInStage) -> Line<'_> {
        let muted = self.theme.style(ColourRole::Muted);
        let spinner = Span::styled(format!("{} ", self.situation.spinner), self.theme.style(ColourRole::Accent));
        let words = |words: &'static str| Span::styled(words, self.theme.style(ColourRole::Text)).bold();
        match stage.wait {
            SignInWait::Start => Line::from(vec![spinner, Span::styled("Preparing", muted)]),
            SignInWait::Browser { since } => {
                let seconds = self.situation.now.duration_since(since).as_secs().max(0);
                let clock = format!("  {}:{:02} of 10:00", seconds / 60, seconds % 60);
                Line::from(vec![spinner, words("Waiting for your browser"), Span::styled(clock, muted)])
            }
            SignInWait::Code => Line::from(words("Waiting for a code")),
            SignInWait::Exchange => Line::from(vec![spinner, words("Checking the code")]),
        }
    }

    /// Adds an address in full, with the key that copies it behind its first row.
    fn push_address<'a>(&'a self, url: &'a str, copy: Action, list: &mut ConnectLines<'a>) {
        let key = self.keymap.keys_for(KeyContext::SignIn, copy).unwrap_or_default();
        let hint = if key.is_empty() || self.connect.is_typing() { String::new() } else { format!("{key} copies it") };
        let room = list.width.saturating_sub(text::width(&hint) + HINT_GAP).max(10);
        let link = self.theme.style(ColourRole::Link);
        // An address is one ASCII word: it breaks anywhere.
        for (nth, start) in (0..url.len()).step_by(room).enumerate() {
            let piece = &url[start..(start + room).min(url.len())];
            let mut spans = vec![Span::styled(piece, link)];
            if nth == 0 && !hint.is_empty() {
                let gap = list.width.saturating_sub(piece.len() + text::width(&hint));
                spans.push(Span::raw(" ".repeat(gap)));
                spans.push(Span::styled(key.clone(), self.theme.style(ColourRole::Accent)));
                spans.push(Span::styled(" copies it", self.theme.style(ColourRole::Muted)));
            }
            list.push_text(Line::from(spans));
        }
    }
}
