//! The places in the messages that match, found in their texts without laying out any message.

use crate::{
    chat::{Conversation, Message, MessageId},
    render::{
        markdown::MarkdownText,
        source_map::{SourceMap, SourceSpan},
    },
    text::SearchNeedle,
    ui::transcript::parts::{MessageParts, PartContent, PartKey},
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
    /// The matches in the source, in order.
    hits: Vec<SourceSpan>,
    /// The source is final up to this offset, and so are this many of the matches.
    final_len: usize,
    final_count: usize,
    source_len: usize,
    /// The part will not change any more.
    is_final: bool,
}

/// The number of bytes to search in one frame.
const BYTES_PER_FRAME: u64 = 512 * 1024;

impl FindHits {
    /// Creates a search that starts at a message.
    pub(super) fn starting_at(start: usize) -> Self {
        Self { start, ..Self::default() }
    }

    /// Searches what has arrived since the last frame, and a bounded part of what has not been searched yet.
    pub(super) fn sync(&mut self, conversation: &Conversation, needle: &SearchNeedle) {
        self.follow_branch(conversation);
        for at in std::mem::take(&mut self.live_indices) {
            self.search_message(at, conversation, needle);
        }
        let until = self.bytes_searched + BYTES_PER_FRAME;
        let count = self.messages.len();
        while self.searched < count && self.bytes_searched < until {
            let at = (self.start + self.searched) % count;
            self.searched += 1;
            self.search_message(at, conversation, needle);
        }
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

    fn search_message(&mut self, index: usize, conversation: &Conversation, needle: &SearchNeedle) {
        let Some(found) = self.messages.get_mut(index) else { return };
        let Some(message) = conversation.messages.get(&found.message) else { return };
        let is_live = message.as_answer().is_some_and(|answer| !answer.is_over());
        if found.rev != Some(message.rev) {
            self.bytes_searched += found.search(message, needle, is_live);
        }
        if is_live {
            self.live_indices.push(index);
        }
    }
}

impl MessageHits {
    fn hits(&self) -> impl Iterator<Item = FindHit> + '_ {
        self.parts.iter().flat_map(move |part| {
            part.hits.iter().map(move |source| FindHit { message: self.message, part: part.part, source: *source })
        })
    }

    /// Searches a message. Returns the number of bytes searched.
    fn search(&mut self, message: &Message, needle: &SearchNeedle, is_live: bool) -> u64 {
        self.rev = Some(message.rev);
        let mut previous = std::mem::take(&mut self.parts);
        let mut bytes = 0;
        for part in MessageParts::of(message).parts {
            let known = previous.iter().position(|other| other.part == part.key).map(|at| previous.swap_remove(at));
            let known = known.filter(|_| is_live);
            if let Some(known) = known.as_ref().filter(|known| known.is_final) {
                self.parts.push(known.clone());
                continue;
            }
            let Some(source) = part.content.source() else { continue };
            let known = known.filter(|known| known.source_len <= source.len());
            let mut found = known.unwrap_or_else(|| PartHits {
                part: part.key,
                hits: Vec::new(),
                final_len: 0,
                final_count: 0,
                source_len: 0,
                is_final: false,
            });
            bytes += found.search(&source, &part.content, needle);
            found.is_final = part.is_final;
            self.parts.push(found);
        }
        bytes
    }
}

impl PartHits {
    fn search(&mut self, source: &str, content: &PartContent, needle: &SearchNeedle) -> u64 {
        if source.len() == self.source_len && self.source_len > 0 {
            return 0;
        }
        self.hits.truncate(self.final_count);
        self.source_len = source.len();
        let rest = source.get(self.final_len..).unwrap_or_default();
        if content.is_markdown() {
            let mut visible = MarkdownText::parse(rest);
            visible.source_map.shift(self.final_len);
            self.push_hits(&visible.text, &visible.source_map, needle);
            self.final_len += visible.last_block;
            self.final_count = self.hits.partition_point(|hit| hit.start.byte < self.final_len);
        } else {
            self.push_hits(rest, &SourceMap::verbatim(0..rest.len()), needle);
        }
        rest.len() as u64
    }

    fn push_hits(&mut self, text: &str, map: &SourceMap, needle: &SearchNeedle) {
        self.hits.extend(needle.find_all(text).into_iter().map(|found| map.span_of(found)));
    }
}
