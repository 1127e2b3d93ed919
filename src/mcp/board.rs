//! What is known of the servers: the events put together, for whoever shows it.

use std::collections::{BTreeMap, VecDeque};

use super::{Configured, Event, Line, Standing, State, Voice};
use crate::tools::Tool;

/// Lines that are kept of each server.
const LINES: usize = 200;

/// All servers by name, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    pub servers: BTreeMap<String, Known>,
    /// What is wrong in the files.
    pub complaints: Vec<String>,
}

/// One server.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub configured: Configured,
    pub state: State,
    /// What it offered last.
    pub tools: Vec<Tool>,
    /// The newest last.
    pub log: VecDeque<Line>,
}

impl Board {
    /// Takes in an event; those of calls are for others.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Servers { servers, complaints } => {
                self.complaints.clone_from(complaints);
                let mut before = std::mem::take(&mut self.servers);
                for configured in servers {
                    let known = before.remove(&configured.name).filter(|known| known.configured == *configured);
                    let known = known.unwrap_or_else(|| Known::new(configured.clone()));
                    self.servers.insert(configured.name.clone(), known);
                }
            }
            Event::State { server, state } => {
                if let Some(known) = self.servers.get_mut(server) {
                    known.state = state.clone();
                }
            }
            Event::Tools { server, tools } => self.offers(server, tools),
            Event::Log { server, lines } => {
                if let Some(known) = self.servers.get_mut(server) {
                    known.log.extend(lines.iter().cloned());
                    known.log.drain(..known.log.len().saturating_sub(LINES));
                }
            }
            Event::Progress { .. } | Event::Done { .. } => (),
        }
    }

    /// A server told its tools.
    pub fn offers(&mut self, server: &str, tools: &[Tool]) {
        if let Some(known) = self.servers.get_mut(server) {
            known.tools = tools.to_vec();
        }
    }

    /// The servers that are not there yet and may come: their tools are missing for now.
    pub fn coming(&self) -> impl Iterator<Item = &str> {
        let comes = |known: &&Known| {
            known.configured.standing == Standing::On
                && matches!(known.state, State::Idle | State::Starting | State::Waiting { .. })
        };
        self.servers.values().filter(comes).map(|known| known.configured.name.as_str())
    }
}

impl Known {
    fn new(configured: Configured) -> Self {
        Self { configured, state: State::Idle, tools: Vec::new(), log: VecDeque::new() }
    }

    /// The newest thing that went wrong, if any did.
    pub fn trouble(&self) -> Option<&str> {
        let bad = |line: &&Line| matches!(line.voice, Voice::Warning | Voice::Refused | Voice::Ibid);
        match &self.state {
            State::Waiting { why, .. } | State::Failed { why } => Some(why),
            State::Idle | State::Starting | State::Ready(_) => {
                self.log.iter().rev().find(bad).map(|line| line.text.as_str())
            }
        }
    }
}
