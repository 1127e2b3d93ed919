//! The places in the messages that match, found in their texts without laying out any message.

use crate::{
    chat::{Conversation, Message, MessageId},
    render::{
        markdown::{MAX_STEP_BYTES, SearchJob, TextHits, search_text},
        source_map::SourceSpan,
    },
    text::SearchNeedle,
    ui::transcript::parts::{MessageParts, PartKey},
};

/// One match: a message, a part of it, and a range of that part's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FindHit {
    pub message: MessageId,
    pub part: PartKey,
    pub source: SourceSpan,
}

/// All matches, in the order of the branch.
#[derive(Debug, Clone, Default)]
pub(crate) struct FindHits {
    messages: Vec<MessageHits>,
    /// The index of the message to search first, and the number of messages searched from there, wrapping around.
    start: usize,
    searched: usize,
    /// The indices of messages that may still grow.
    live_indices: Vec<usize>,
    /// The part that is searched on another thread, and what was found there.
    waiting: Option<SearchedPart>,
    found: Option<(SearchedPart, TextHits)>,
    /// The number of bytes searched so far.
    pub bytes_searched: u64,
}

#[derive(Debug, Clone)]
struct MessageHits {
    message: MessageId,
    rev: Option<u32>,
    parts: Vec<PartHits>,
}

#[derive(Debug, Clone)]
struct PartHits {
    part: PartKey,
    /// The revision of the message when the part was searched.
    rev: u32,
    /// The matches in the source, in order.
    hits: Vec<SourceSpan>,
    /// The source is final up to this offset, and so are this many of the matches.
    final_len: usize,
    final_count: usize,
    source_len: usize,
    /// The part will not change any more.
    is_final: bool,
}

/// What one frame may still search; a longer text is searched on another thread.
#[derive(Debug)]
pub(super) struct SearchBudget {
    bytes: usize,
    /// The text for the other thread, and its part.
    job: Option<(SearchedPart, SearchJob)>,
}

/// A part that is searched on another thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SearchedPart {
    message: MessageId,
    part: PartKey,
}

impl FindHits {
    /// Creates a search that starts at a message.
    pub(super) fn starting_at(start: usize) -> Self {
        Self { start, ..Self::default() }
    }

    /// Searches what has arrived since the last frame, and a bounded part of what has not been searched yet. Returns the
    /// job for what is too long.
    pub(super) fn sync(&mut self, conversation: &Conversation, needle: &SearchNeedle) -> Option<SearchJob> {
        self.follow_branch(conversation);
        let mut budget = SearchBudget { bytes: MAX_STEP_BYTES, job: None };
        for at in std::mem::take(&mut self.live_indices) {
            self.search_message(at, conversation, needle, &mut budget);
        }
        let count = self.messages.len();
        while self.searched < count {
            let at = (self.start + self.searched) % count;
            if !self.search_message(at, conversation, needle, &mut budget) {
                break;
            }
            self.searched += 1;
        }
        self.bytes_searched += (MAX_STEP_BYTES - budget.bytes) as u64;
        let (part, job) = budget.job.filter(|_| self.waiting.is_none())?;
        self.waiting = Some(part);
        Some(job)
    }

    /// Takes back what was found on the other thread.
    pub(super) fn on_searched(&mut self, found: TextHits) {
        self.bytes_searched += (found.end - found.start) as u64;
        self.found = self.waiting.take().map(|part| (part, found));
    }

    /// Whether the search waits for the other thread.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether every message has been searched.
    pub(super) fn is_complete(&self) -> bool {
        self.searched >= self.messages.len()
    }

    pub(crate) fn count(&self) -> usize {
        self.messages.iter().flat_map(|message| &message.parts).map(|part| part.hits.len()).sum()
    }

    /// The number of matches before a given one.
    pub(super) fn count_before(&self, hit: FindHit) -> usize {
        let Some(index) = self.messages.iter().position(|message| message.message == hit.message) else { return 0 };
        let earlier = self.messages[..index].iter().flat_map(|message| &message.parts);
        let parts = self.messages[index].parts.iter();
        let within = parts.clone().take_while(|part| part.part != hit.part);
        let here = parts.filter(|part| part.part == hit.part).flat_map(|part| &part.hits);
        let whole: usize = earlier.chain(within).map(|part| part.hits.len()).sum();
        whole + here.take_while(|source| source.start < hit.source.start).count()
    }

    /// The first match at or after a position, or else the first of all.
    pub(crate) fn first_from(&self, index: usize, part: PartKey, source: usize) -> Option<FindHit> {
        let in_message = self.messages.get(index).and_then(|message| {
            let from = message.parts.iter().position(|other| other.part == part).unwrap_or(0);
            message.hits().find(|hit| {
                let at = message.parts.iter().position(|other| other.part == hit.part).unwrap_or(0);
                at > from || at == from && (hit.part != part || hit.source.start.byte >= source)
            })
        });
        in_message
            .or_else(|| self.messages.iter().skip(index + 1).find_map(|message| message.hits().next()))
            .or_else(|| self.messages.iter().find_map(|message| message.hits().next()))
    }

    /// The next or previous match, and whether the step wrapped around.
    pub(super) fn step(&self, from: FindHit, forward: bool) -> Option<(FindHit, bool)> {
        let index = self.messages.iter().position(|message| message.message == from.message)?;
        let order: Vec<FindHit> = self.messages[index].hits().collect();
        let position = order.iter().position(|hit| *hit == from);
        let within = match (position, forward) {
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
                let hit = if forward { message.hits().next() } else { message.hits().last() };
                hit.map(|hit| (hit, round))
            })
        })
    }

    /// The matches in a part of the message at an index of the branch, in the order of the part's source.
    pub(crate) fn in_part(&self, message_index: usize, part: PartKey) -> &[SourceSpan] {
        let message = self.messages.get(message_index);
        let part = message.and_then(|message| message.parts.iter().find(|found| found.part == part));
        part.map_or(&[], |part| &part.hits)
    }

    /// Follows the branch, which may have grown or may differ from some message on. A branch is identified by its leaf.
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
            self.live_indices.retain(|at| *at < same);
        }
        // New messages are at the end: those searched before stay so, and the rest are searched from the front.
        let known = self.messages.len();
        let new = branch[known..].iter().map(|id| MessageHits { message: *id, rev: None, parts: Vec::new() });
        self.messages.extend(new);
        let looked = self.messages.iter().filter(|message| message.rev.is_some()).count();
        if looked > 0 {
            self.start = self.messages.iter().position(|message| message.rev.is_none()).unwrap_or(0);
            self.searched = 0;
        }
    }

    /// Searches a message as far as the budget allows; returns whether that is all of it.
    fn search_message(
        &mut self,
        index: usize,
        conversation: &Conversation,
        needle: &SearchNeedle,
        budget: &mut SearchBudget,
    ) -> bool {
        let Some(searched) = self.messages.get_mut(index) else { return true };
        let Some(message) = conversation.messages.get(&searched.message) else { return true };
        let is_live = message.as_answer().is_some_and(|answer| !answer.is_over());
        if is_live {
            self.live_indices.push(index);
        }
        searched.rev == Some(message.rev) || searched.search(message, needle, is_live, budget, &mut self.found)
    }
}

impl MessageHits {
    fn hits(&self) -> impl Iterator<Item = FindHit> + '_ {
        self.parts.iter().flat_map(move |part| {
            part.hits.iter().map(move |source| FindHit { message: self.message, part: part.part, source: *source })
        })
    }

    /// Searches a message as far as the budget allows; returns whether that is all of it.
    fn search(
        &mut self,
        message: &Message,
        needle: &SearchNeedle,
        is_live: bool,
        budget: &mut SearchBudget,
        found: &mut Option<(SearchedPart, TextHits)>,
    ) -> bool {
        let mut previous = std::mem::take(&mut self.parts);
        let mut is_whole = true;
        for part in MessageParts::of(message).parts {
            let known = previous.iter().position(|other| other.part == part.key).map(|at| previous.swap_remove(at));
            let known = known.filter(|known| is_live || known.rev == message.rev);
            if let Some(known) = known.as_ref().filter(|known| known.is_final) {
                self.parts.push(known.clone());
                continue;
            }
            let Some(source) = part.content.source() else { continue };
            let known = known.filter(|known| known.source_len <= source.len());
            let mut hits = known.unwrap_or_else(|| PartHits::new(part.key, message.rev));
            let searched = SearchedPart { message: message.id, part: part.key };
            if let Some((_, found)) = found.take_if(|(of, _)| *of == searched) {
                hits.take_over(found, source.len());
            }
            let is_searched = hits.search(&source, part.content.is_markdown(), needle, searched, budget);
            (hits.rev, hits.is_final) = (message.rev, is_searched && part.is_final);
            is_whole &= is_searched;
            self.parts.push(hits);
        }
        self.rev = is_whole.then_some(message.rev);
        is_whole
    }
}

impl PartHits {
    fn new(part: PartKey, rev: u32) -> Self {
        Self { part, rev, hits: Vec::new(), final_len: 0, final_count: 0, source_len: 0, is_final: false }
    }

    /// Searches what is new, as far as the budget allows; returns whether that is all of it.
    fn search(
        &mut self,
        source: &str,
        is_markdown: bool,
        needle: &SearchNeedle,
        searched: SearchedPart,
        budget: &mut SearchBudget,
    ) -> bool {
        if source.len() == self.source_len && self.source_len > 0 {
            return true;
        }
        let rest = source.get(self.final_len..).unwrap_or_default();
        let Some(bytes) = budget.bytes.checked_sub(rest.len()) else {
            if rest.len() > MAX_STEP_BYTES {
                let (source, offset, needle) = (rest.to_owned(), self.final_len, needle.clone());
                let job = SearchJob { source, offset, is_markdown, needle };
                budget.job.get_or_insert((searched, job));
            }
            return false;
        };
        budget.bytes = bytes;
        self.take_over(search_text(rest, self.final_len, is_markdown, needle), source.len());
        true
    }

    /// Takes in what was found behind the final part of the source, unless that has changed since.
    fn take_over(&mut self, found: TextHits, source_len: usize) {
        if found.start == self.final_len && found.end <= source_len {
            self.hits.truncate(self.final_count);
            self.hits.extend(found.hits);
            (self.source_len, self.final_len) = (found.end, found.final_len);
            self.final_count = self.hits.partition_point(|hit| hit.start.byte < self.final_len);
        }
    }
}
