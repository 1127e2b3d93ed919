//! Where it stands in the messages, by their texts: no message is laid out for it.

use crate::{
    chat::{Body, Conversation, Kind, Message, MessageId, answer},
    text::Needle,
    widgets::{
        markdown::Plain,
        transcript::{
            place::Part,
            runs::{self, Piece},
            said,
        },
    },
};

/// One place: a message, a part of it, a place in that part's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub message: MessageId,
    pub part: Part,
    pub source: usize,
}

/// All places, in the order of the branch.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    messages: Vec<InMessage>,
    /// The message to look at first, and how many were looked at, going round from there.
    first: usize,
    searched: usize,
    /// Messages that may still grow.
    live: Vec<usize>,
    /// Bytes looked at so far.
    pub bytes: u64,
}

#[derive(Debug, Clone)]
struct InMessage {
    message: MessageId,
    rev: Option<u32>,
    parts: Vec<InPart>,
}

#[derive(Debug, Clone)]
struct InPart {
    part: Part,
    /// Places in the source, in order.
    places: Vec<usize>,
    /// Up to here the source stays as it is, and so do this many of the places.
    closed: usize,
    stable: usize,
    length: usize,
    /// It will not change any more.
    done: bool,
}

/// Bytes that are looked at in one frame.
const BUDGET: u64 = 512 * 1024;

impl Hits {
    /// Looks from that message on.
    pub fn from(first: usize) -> Self {
        Self { first, ..Self::default() }
    }

    /// Looks at what has come since the last frame, and at a bounded part of what was never looked at.
    pub fn sync(&mut self, conversation: &Conversation, needle: &Needle) {
        self.follow_branch(conversation);
        for at in std::mem::take(&mut self.live) {
            self.look(at, conversation, needle);
        }
        let until = self.bytes + BUDGET;
        let count = self.messages.len();
        while self.searched < count && self.bytes < until {
            let at = (self.first + self.searched) % count;
            self.searched += 1;
            self.look(at, conversation, needle);
        }
    }

    /// Whether every message was looked at.
    pub fn complete(&self) -> bool {
        self.searched >= self.messages.len()
    }

    pub fn count(&self) -> usize {
        self.messages.iter().flat_map(|message| &message.parts).map(|part| part.places.len()).sum()
    }

    /// How many stand before one of them.
    pub fn before(&self, hit: Hit) -> usize {
        let Some(index) = self.messages.iter().position(|message| message.message == hit.message) else { return 0 };
        let earlier = self.messages[..index].iter().flat_map(|message| &message.parts);
        let parts = self.messages[index].parts.iter();
        let within = parts.clone().take_while(|part| part.part != hit.part);
        let here = parts.filter(|part| part.part == hit.part).flat_map(|part| &part.places);
        let whole: usize = earlier.chain(within).map(|part| part.places.len()).sum();
        whole + here.take_while(|place| **place < hit.source).count()
    }

    /// The first at a place or behind it, else the first of all.
    pub fn behind(&self, index: usize, part: Part, source: usize) -> Option<Hit> {
        let here = self.messages.get(index).and_then(|message| {
            let from = message.parts.iter().position(|other| other.part == part).unwrap_or(0);
            message.all().find(|hit| {
                let at = message.parts.iter().position(|other| other.part == hit.part).unwrap_or(0);
                at > from || at == from && (hit.part != part || hit.source >= source)
            })
        });
        here.or_else(|| self.messages.iter().skip(index + 1).find_map(|message| message.all().next()))
            .or_else(|| self.messages.iter().find_map(|message| message.all().next()))
    }

    /// The next or the one before, and whether it went round the end.
    pub fn step(&self, from: Hit, forward: bool) -> Option<(Hit, bool)> {
        let index = self.messages.iter().position(|message| message.message == from.message)?;
        let order: Vec<Hit> = self.messages[index].all().collect();
        let at = order.iter().position(|hit| *hit == from);
        let within = match (at, forward) {
            (Some(at), true) => order.get(at + 1).copied(),
            (Some(at), false) => at.checked_sub(1).map(|at| order[at]),
            (None, _) => order.first().copied(),
        };
        let count = self.messages.len();
        let others = (1..=count).map(|by| {
            let at = if forward { (index + by) % count } else { (index + count - by) % count };
            let round = if forward { at <= index } else { at >= index };
            (&self.messages[at], round)
        });
        within.map(|hit| (hit, false)).or_else(|| {
            others.into_iter().find_map(|(message, round)| {
                let hit = if forward { message.all().next() } else { message.all().last() };
                hit.map(|hit| (hit, round))
            })
        })
    }

    /// How many places a piece of a part's source has.
    pub fn within(&self, message: MessageId, part: Part, source: std::ops::Range<usize>) -> usize {
        let message = self.messages.iter().find(|found| found.message == message);
        let parts = message.into_iter().flat_map(|message| &message.parts).filter(|found| found.part == part);
        parts.flat_map(|part| &part.places).filter(|place| source.contains(*place)).count()
    }

    /// The branch may have grown, or be another one from some message on. A branch is known by its leaf.
    fn follow_branch(&mut self, conversation: &Conversation) {
        let branch = &conversation.branch;
        let leaf = self.messages.last().map(|message| message.message);
        if self.messages.len() <= branch.len() && leaf == self.messages.len().checked_sub(1).map(|at| branch[at]) {
            if self.messages.len() == branch.len() {
                return;
            }
        } else {
            let same = self.messages.iter().zip(branch).take_while(|(known, id)| known.message == **id).count();
            self.messages.truncate(same);
            self.live.retain(|at| *at < same);
        }
        // What is new is at the end: all that was looked at before stays so, and the rest is looked at from the front.
        let known = self.messages.len();
        let new = branch[known..].iter().map(|id| InMessage { message: *id, rev: None, parts: Vec::new() });
        self.messages.extend(new);
        let looked = self.messages.iter().filter(|message| message.rev.is_some()).count();
        if looked > 0 {
            self.first = self.messages.iter().position(|message| message.rev.is_none()).unwrap_or(0);
            self.searched = 0;
        }
    }

    fn look(&mut self, at: usize, conversation: &Conversation, needle: &Needle) {
        let Some(found) = self.messages.get_mut(at) else { return };
        let Some(message) = conversation.messages.get(&found.message) else { return };
        let is_live = message.answer().is_some_and(|answer| !answer.is_over());
        if found.rev != Some(message.rev) {
            self.bytes += found.look(message, needle, is_live);
        }
        if is_live {
            self.live.push(at);
        }
    }
}

impl InMessage {
    fn all(&self) -> impl Iterator<Item = Hit> + '_ {
        self.parts.iter().flat_map(move |part| {
            part.places.iter().map(move |source| Hit { message: self.message, part: part.part, source: *source })
        })
    }

    /// Looks at a message; gives the bytes that were looked at.
    fn look(&mut self, message: &Message, needle: &Needle, is_live: bool) -> u64 {
        self.rev = Some(message.rev);
        let mut before = std::mem::take(&mut self.parts);
        let mut bytes = 0;
        for (part, done) in parts(message) {
            let known = before.iter().position(|other| other.part == part).map(|at| before.swap_remove(at));
            let known = known.filter(|_| is_live);
            if let Some(known) = known.as_ref().filter(|known| known.done) {
                self.parts.push(known.clone());
                continue;
            }
            let Some(source) = said::of(message, part) else { continue };
            let known = known.filter(|known| known.length <= source.len());
            let mut found =
                known.unwrap_or(InPart { part, places: Vec::new(), closed: 0, stable: 0, length: 0, done: false });
            bytes += found.look(&source, needle);
            found.done = done;
            self.parts.push(found);
        }
        bytes
    }
}

impl InPart {
    fn look(&mut self, source: &str, needle: &Needle) -> u64 {
        if source.len() == self.length && self.length > 0 {
            return 0;
        }
        self.places.truncate(self.stable);
        self.length = source.len();
        let rest = source.get(self.closed..).unwrap_or_default();
        if self.part.is_markdown() {
            let plain = Plain::of(rest);
            let begun = self.closed;
            self.places.extend(needle.places(&plain.text).into_iter().map(|range| begun + plain.source(range.start)));
            self.closed += plain.last_block;
            self.stable = self.places.partition_point(|place| *place < self.closed);
        } else {
            self.places.extend(needle.places(rest).into_iter().map(|range| range.start));
        }
        rest.len() as u64
    }
}

/// The parts of a message that say something, in the order in which they are shown, and whether each is done.
fn parts(message: &Message) -> Vec<(Part, bool)> {
    let answer = match &message.body {
        Body::Prompt(_) => return vec![(Part::Prompt, true)],
        Body::Answer(answer) => answer,
    };
    let mut found = Vec::new();
    for piece in runs::pieces(answer) {
        match piece {
            Piece::Run(run) => {
                for (slot, _, reasoning) in run.reasoning {
                    let texts = reasoning.texts().filter(|text| !text.trim().is_empty()).count();
                    found.extend((0..texts).map(|nth| (Part::Reasoning(slot, nth), false)));
                }
                found.extend(run.searches.iter().map(|(slot, item, _)| (Part::Pages(*slot), item.closed.is_some())));
                found.extend(run.failed.iter().map(|(slot, ..)| (Part::FailedSearch(*slot), true)));
                for (slot, item) in run.rest {
                    match &*item.kind {
                        Kind::Call(_) => found.extend([(Part::Call(slot), false), (Part::Result(slot), false)]),
                        _ => found.push((Part::Raw(slot), item.closed.is_some())),
                    }
                }
            }
            Piece::Message { slot, parts, .. } => {
                found.extend(parts.iter().enumerate().map(|(nth, part)| match part {
                    answer::Part::Text { .. } => (Part::Text(slot, nth), false),
                    answer::Part::Refusal(_) => (Part::Refusal(slot, nth), false),
                }));
            }
        }
    }
    found
}
