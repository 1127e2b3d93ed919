//! Random conversations in six languages, and random queries for them; the same for the same seed.

use std::sync::Arc;

use ibid::{
    api::{Annotation, Usage, Usd},
    chat::{
        Answer, AnswerEnd, ChatSettings, ConversationChange, ConversationHeader, ConversationId, Item, ItemKind,
        ItemSlot, Message, MessageBody, MessageId, Prompt, Timestamp, ToolCallRun, ToolCallState,
        answer::{ContentPart, FunctionCall, ReasoningItem, StepUsage},
    },
    tools::ToolOutcome,
};
use uuid::Uuid;

/// The generator.
pub struct Corpus {
    state: u64,
    vocabularies: Vec<Vocabulary>,
}

/// The words of a language, the most frequent first.
struct Vocabulary {
    words: Vec<String>,
    /// What stands between words.
    space: &'static str,
}

/// A conversation with its messages, as it is saved.
pub struct CorpusConversation {
    pub header: ConversationHeader,
    pub messages: Vec<Message>,
}

pub const MODELS: [&str; 5] =
    ["anthropic/claude-opus-5", "openai/gpt-5.6-luna", "acme/large:online", "acme/small", "mistral/größe"];

const ENGLISH: &[&str] = &[
    "lock", "file", "ing", "the", "re", "con", "net", "work", "er", "tion", "pro", "cess", "data", "base", "in", "dex",
    "un", "able", "ver", "sion", "std", "vec", "al", "to", "str", "map", "for", "mat", "ly", "ment",
];
const GERMAN: &[&str] = &[
    "sch", "ver", "ung", "keit", "über", "straße", "ge", "zeit", "be", "lich", "werk", "zeug", "an", "ort", "größe",
    "mü", "ler", "haus", "daten", "bank", "netz", "en", "te", "auf", "gabe", "ent", "wick", "ein", "fach", "öl",
];
const RUSSIAN: &[&str] = &[
    "про", "грам", "ма", "дан", "ные", "сеть", "файл", "ов", "ать", "при", "каз", "ло", "го", "род", "сто", "ния",
    "ёлка", "ство", "пере", "нос", "ить", "бло", "ки", "ров", "ка", "за", "пись", "от", "вет", "вод",
];
const SIGNS: &str = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从锁件网络数据库文件";
const KANA: &str = "あいうえおかがきくけこさしすせそたちつてとなにのはまみもやゆよらりるれろをんアイウエオカガキクケコサシスセソタチツテトナニノハマミモヤユヨラリルレロンー日本語東京文書検索結果";
const THAI: &[&str] = &[
    "ที่",
    "นี่",
    "มา",
    "กา",
    "ร",
    "ทำ",
    "งาน",
    "ข้อ",
    "มูล",
    "ไฟล์",
    "ระ",
    "บบ",
    "เครือ",
    "ข่าย",
    "ล็อก",
    "น้ำ",
    "ใจ",
    "ดี",
    "คน",
    "ไทย",
    "ภา",
    "ษา",
    "เขียน",
    "อ่าน",
    "ค้น",
    "หา",
    "คำ",
    "ตอบ",
    "ถาม",
    "และ",
];

impl Corpus {
    pub fn new(seed: u64) -> Self {
        let mut corpus = Self { state: seed, vocabularies: Vec::new() };
        let letters =
            |text: &'static str| text.char_indices().map(|(at, sign)| &text[at..at + sign.len_utf8()]).collect();
        let languages: [(Vec<&str>, usize, &str); 6] = [
            (ENGLISH.to_vec(), 3, " "),
            (GERMAN.to_vec(), 3, " "),
            (RUSSIAN.to_vec(), 3, " "),
            (letters(SIGNS), 2, ""),
            (letters(KANA), 4, ""),
            (THAI.to_vec(), 3, ""),
        ];
        for (parts, longest, space) in languages {
            let words = (0..8000).map(|n| corpus.new_word(&parts, longest, n)).collect();
            corpus.vocabularies.push(Vocabulary { words, space });
        }
        corpus
    }

    fn new_word(&mut self, parts: &[&str], longest: usize, rank: usize) -> String {
        // Frequent words are short.
        let count = 1 + self.below(if rank < 50 { 2 } else { longest + 1 });
        (0..count).map(|_| parts[self.below(parts.len())]).collect()
    }

    /// The next number of a `SplitMix64`.
    pub fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next_random() % limit as u64).expect("it fits")
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A word of a language; the frequency of a word falls with its rank.
    fn word(&mut self, language: usize) -> String {
        let count = self.vocabularies[language].words.len();
        // Each bit less makes the choice half as wide, so that a rank of twice the size is chosen half as often.
        let bits = usize::try_from(count.ilog2()).expect("a few bits");
        let width = count >> self.below(bits + 1);
        let rank = self.below(width.max(1));
        self.vocabularies[language].words[rank].clone()
    }

    /// A text of about that many bytes, with marks, code and line ends.
    pub fn text(&mut self, language: usize, bytes: usize) -> String {
        let space = self.vocabularies[language].space;
        let mut text = String::with_capacity(bytes + 32);
        while text.len() < bytes {
            let mut word = self.word(language);
            match self.below(40) {
                0 => word = word.to_uppercase(),
                1 => word = format!("**{word}**"),
                2 => word = format!("`{word}::{}`", self.word(0)),
                3 => word.push_str(".\n\n"),
                4 => word.push_str(", "),
                5 => word = format!("{word}_{}", self.below(1000)),
                6 => word = self.word(0),
                _ => (),
            }
            text.push_str(&word);
            text.push_str(if text.ends_with(char::is_whitespace) { "" } else { space });
        }
        if self.one_in(6) {
            text.push_str("\n```rust\nfn main() {}\n```\n");
        }
        text
    }

    /// Conversation `n` with prompts and answers in turn, its texts about `bytes` long in all.
    pub fn conversation(&mut self, n: u64, messages: u64, bytes: usize) -> CorpusConversation {
        let language = self.below(self.vocabularies.len());
        let started = 1_700_000_000 + i64::try_from(n * 8000).expect("it fits");
        let mut made = Vec::new();
        for index in 0..messages {
            let id = message_id(n * 1000 + index);
            let parent = index.checked_sub(1).map(|before| message_id(n * 1000 + before));
            let at = Timestamp::from_second(started + i64::try_from(index * 60).expect("it fits")).expect("in range");
            let share = bytes / usize::try_from(messages).expect("it fits");
            let body = if index % 2 == 0 {
                MessageBody::Prompt(Prompt { text: self.text(language, share / 4) })
            } else {
                MessageBody::Answer(self.answer(language, share * 7 / 4, at))
            };
            made.push(Message { id, parent, created_at: at, rev: 0, body });
        }
        let title = self.text(language, 24).replace(['\n', '`', '*'], " ");
        let updated_at = made.last().map_or(Timestamp::UNIX_EPOCH, |message| message.created_at);
        let model = MODELS[self.below(MODELS.len())].to_owned();
        let header = ConversationHeader {
            id: conversation_id(n),
            title: title.chars().take(60).collect(),
            renamed: false,
            settings: ChatSettings { endpoint: "openrouter".into(), model, ..ChatSettings::default() },
            branch: made.iter().map(|message| message.id).collect(),
            updated_at,
            unread: false,
            left_out: std::collections::BTreeSet::new(),
        };
        CorpusConversation { header, messages: made }
    }

    fn answer(&mut self, language: usize, bytes: usize, at: Timestamp) -> Answer {
        let text = self.text(language, bytes);
        let annotations = if self.one_in(4) { vec![self.annotation(language)] } else { Vec::new() };
        let mut kinds = vec![ItemKind::Message { parts: vec![ContentPart::Text { text, annotations }], phase: None }];
        if self.one_in(3) {
            let summary = vec![self.text(language, bytes / 8)];
            kinds.push(ItemKind::Reasoning(ReasoningItem { summary, ..ReasoningItem::default() }));
        }
        let has_call = self.one_in(5);
        let mut answer = Answer::new("openrouter", MODELS[self.below(MODELS.len())], at);
        if has_call {
            let name = self.word(0);
            let arguments = format!("{{\"query\":\"{}\"}}", self.word(language));
            kinds.push(ItemKind::Call(FunctionCall { call_id: "call".into(), name, arguments }));
            let slot = ItemSlot { step: 0, index: u32::try_from(kinds.len() - 1).expect("few items") };
            let outcome = ToolOutcome { failed: self.one_in(4), ..ToolOutcome::text(self.text(language, bytes / 8)) };
            answer.call_runs.insert(slot, finished_call(outcome));
        }
        answer.items = (0..)
            .zip(kinds)
            .map(|(index, kind)| {
                let item = Item { raw: None, opened_at: at, closed_at: Some(at), kind: Arc::new(kind) };
                (ItemSlot { step: 0, index }, item)
            })
            .collect();
        answer.end = if self.one_in(9) { AnswerEnd::Interrupted } else { AnswerEnd::Complete };
        answer.ended_at = Some(at);
        let cost = Usd::parse(&format!("0.{:03}", self.below(400)));
        let usage = Some(Usage { cost, ..Usage::default() });
        answer.usage_by_step = [(0, StepUsage { generation_id: None, usage })].into();
        answer.usage = answer.usage_by_step[&0].usage.clone();
        answer
    }

    fn annotation(&mut self, language: usize) -> Annotation {
        let site = self.word(0);
        Annotation {
            kind: "url_citation".into(),
            url: Some(format!("https://www.{site}.example/{}", self.below(100))),
            title: Some(self.text(language, 30)),
            content: Some(self.text(language, 120)),
            filename: self.one_in(3).then(|| format!("{}.pdf", self.word(0))),
            start: None,
            end: None,
        }
    }

    /// A query of words, parts of words, phrases and filters. Its words are from a text of the corpus.
    pub fn query(&mut self, text: &str) -> String {
        let mut words = Vec::new();
        for _ in 0..=self.below(3) {
            let word = self.query_word(text);
            words.push(if self.one_in(6) { format!("-{word}") } else { word });
        }
        if self.one_in(3) {
            words.push(self.query_filter());
        }
        if self.one_in(12) {
            words = vec![self.query_filter(), self.query_filter()];
        }
        words.join(" ")
    }

    fn query_word(&mut self, text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().filter(|word| !word.contains('"')).collect();
        let position = self.below(words.len().max(1));
        let word = words.get(position).copied().unwrap_or("lock");
        let letters: Vec<char> = word.chars().collect();
        let start = self.below(letters.len());
        match self.below(6) {
            0 => word.to_owned(),
            1 => letters[..letters.len().min(1 + self.below(3))].iter().collect(),
            2 => letters[start..].iter().take(3 + self.below(4)).collect(),
            3 => letters[start..].iter().take(1 + self.below(2)).collect(),
            4 => format!(
                "\"{}\"",
                words[position..].iter().take(2 + self.below(2)).copied().collect::<Vec<_>>().join(" ")
            ),
            _ => letters.iter().take(12).collect::<String>().to_uppercase(),
        }
    }

    fn query_filter(&mut self) -> String {
        let filters = [
            "model:opus",
            "model:GROSSE",
            "-model:acme",
            "has:code",
            "has:citation",
            "has:error",
            "has:file",
            "-has:code",
            "in:answer",
            "in:prompt",
            "in:title",
            "in:source in:tool",
            "-in:answer",
            "in:reasoning",
            "cost:>0.2",
            "cost:<=0.05",
            "before:2023-12",
            "after:2023-11-20",
            "in:file",
        ];
        filters[self.below(filters.len())].to_owned()
    }
}

impl CorpusConversation {
    pub fn changes(&self) -> Vec<ConversationChange> {
        let mut changes = vec![ConversationChange::Conversation(Box::new(self.header.clone()))];
        changes.extend(self.messages.iter().map(|message| ConversationChange::Message {
            conversation: self.header.id,
            message: Box::new(message.clone()),
        }));
        changes
    }
}

fn finished_call(outcome: ToolOutcome) -> ToolCallRun {
    ToolCallRun {
        tool: None,
        arguments: serde_json::Value::Null,
        edited: false,
        started_at: None,
        ended_at: None,
        state: ToolCallState::Done(outcome),
        progress: None,
        full_size: None,
    }
}

pub fn conversation_id(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u64_pair(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 + n))
}

pub fn message_id(n: u64) -> MessageId {
    MessageId(Uuid::from_u64_pair(0x0199_1111_0000_7000, 0x8000_0000_0000_0000 + n))
}
