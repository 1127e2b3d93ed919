//! Reads the conversations of a file one after another.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    aichat,
    archive::ZipSource,
    assemble::{ImportDefaults, assemble, content_hash, hex},
    chatgpt, claude_ai,
    claude_code::ClaudeCodeSession,
    codex::CodexSession,
    databases::ForeignDatabase,
    elia,
    findings::Findings,
    foreign::ForeignConversation,
    form::ImportForm,
    json_values::{JsonFault, JsonValues},
    llm, open_router, open_webui, opencode,
    pi::PiSession,
    sources::{SourceFile, SourcePlace, read_whole, stem},
};
use crate::{
    chat::WholeConversation,
    exchange::portable::{PortableConversation, PortableError},
    files, text,
};

/// A conversation that was read.
pub(super) struct ReadConversation {
    pub whole: WholeConversation,
    /// The hash of what was said in it.
    pub hash: String,
}

/// What a conversation is handed to; it says whether to go on.
pub(super) type EachConversation<'a> = &'a mut dyn FnMut(Result<ReadConversation, String>, u64) -> bool;

/// What is known of a file after it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFacts {
    /// SHA-256 of its content; empty for a database, which is never read as a whole.
    pub checksum: String,
    /// The most bytes of it that were held at once.
    pub peak: usize,
}

/// What reading a file needs.
pub(super) struct FileReader<'a> {
    pub defaults: &'a ImportDefaults,
    pub findings: &'a mut Findings,
}

impl FileReader<'_> {
    /// Reads all conversations of a file. Errs if the file cannot be read to its end.
    pub(super) fn read(&mut self, file: &SourceFile, each: EachConversation) -> Result<FileFacts, String> {
        match &file.place {
            SourcePlace::Disk(path) if file.form.is_database() => {
                let database = ForeignDatabase::open(path)?;
                self.read_database(&database, file.form, each)?;
                Ok(FileFacts::default())
            }
            SourcePlace::Disk(path) => {
                let disk = files::open(path).map_err(|error| text::error_words(&error))?;
                // What a running program has added since the file was found is left for the next import.
                self.read_stream(file, &mut BufReader::with_capacity(1 << 16, disk.take(file.bytes)), each)
            }
            SourcePlace::Archive { archive, index } => {
                ZipSource::open(archive)?.with_entry(*index, |reader| self.read_stream(file, reader, each))?
            }
        }
    }

    fn read_stream(
        &mut self,
        file: &SourceFile,
        reader: &mut dyn BufRead,
        each: EachConversation,
    ) -> Result<FileFacts, String> {
        let mut hashing = HashingReader { reader, hash: Sha256::new() };
        let mut stream = BufReader::with_capacity(1 << 16, &mut hashing);
        let peak = match file.form {
            ImportForm::IbidPage => {
                let page = read_whole(&mut stream)?;
                let json = PortableConversation::find_in_page(&page).ok_or("it is not a page that ibid exported")?;
                let read = self.read_portable(json);
                each(read, file.bytes);
                page.len()
            }
            ImportForm::AichatSession => {
                let session = read_whole(&mut stream)?;
                let conversation = aichat::read_session(&stem(&file.label), &session, self.findings);
                self.hand_over(conversation, file.form, file.bytes, each);
                session.len()
            }
            ImportForm::AichatMessages => {
                let mut scratch = Findings::default();
                let mut hand_over = |entry| self.hand_over(Ok(entry), file.form, file.bytes, each);
                let read = aichat::read_messages(&mut stream, &mut scratch, &mut hand_over);
                read.map_err(|error| text::error_words(&error))?;
                self.findings.merge(scratch);
                0
            }
            form if form.is_session_log() => self.read_session_log(file, &mut stream, each)?,
            _ => self.read_values(file, &mut stream, each)?,
        };
        drop(stream);
        // What is behind the last value belongs to the checksum, and an archive checks its own at the end.
        std::io::copy(&mut hashing, &mut std::io::sink()).map_err(|error| text::error_words(&error))?;
        Ok(FileFacts { checksum: hex(&hashing.hash.finalize()), peak })
    }

    fn read_values(
        &mut self,
        file: &SourceFile,
        stream: &mut dyn BufRead,
        each: EachConversation,
    ) -> Result<usize, String> {
        let mut values = JsonValues::new(stream);
        let mut done = 0;
        while let Some(json) = values.next_value().map_err(|fault| fault.to_string())? {
            done += json.len() as u64;
            if !self.read_value(file, json, done, each) {
                break;
            }
        }
        Ok(values.peak())
    }

    fn read_value(&mut self, file: &SourceFile, json: &[u8], done: u64, each: EachConversation) -> bool {
        if file.form == ImportForm::Ibid {
            let text = std::str::from_utf8(json).map_err(|_| "it is not text in UTF-8".to_owned());
            let read = text.and_then(|json| self.read_portable(json));
            return each(read, done);
        }
        let value = match serde_json::from_slice::<Value>(json) {
            Ok(value) => value,
            Err(error) => {
                return each(Err(format!("a conversation cannot be read: {}", text::error_words(&error))), done);
            }
        };
        let findings = &mut *self.findings;
        let conversation = match file.form {
            ImportForm::ChatGpt => chatgpt::read(&value, findings),
            ImportForm::ClaudeAi => claude_ai::read(&value, findings),
            ImportForm::OpenRouter => open_router::read(&value, findings),
            ImportForm::OpenWebUi => open_webui::read(&value, findings),
            ImportForm::OpencodeExport => Ok(opencode::read_export(&value, findings)),
            ImportForm::OpencodeStorage => match &file.place {
                SourcePlace::Disk(path) => opencode::read_stored(path, &value, findings),
                SourcePlace::Archive { .. } => Err("it is inside an archive; unpack it first".into()),
            },
            ImportForm::Ibid
            | ImportForm::IbidPage
            | ImportForm::AichatSession
            | ImportForm::AichatMessages
            | ImportForm::Llm
            | ImportForm::Elia
            | ImportForm::ClaudeCode
            | ImportForm::Codex
            | ImportForm::Pi
            | ImportForm::OpencodeDatabase => Err("it is not a list of conversations".into()),
        };
        self.hand_over(conversation, file.form, done, each)
    }

    fn read_session_log(
        &mut self,
        file: &SourceFile,
        stream: &mut dyn BufRead,
        each: EachConversation,
    ) -> Result<usize, String> {
        let (mut claude_code, mut codex, mut pi) =
            (ClaudeCodeSession::default(), CodexSession::default(), PiSession::default());
        let mut lines = JsonValues::new(stream);
        loop {
            let next = lines.next_value().map(|line| line.map(serde_json::from_slice::<Value>));
            let line = match next {
                Ok(Some(line)) => line.map_err(|error| text::error_words(&error)),
                Ok(None) => break,
                // A program that was killed leaves half a line, and the next run begins a new one.
                Err(JsonFault::Cut) => {
                    self.findings.add("a line that is cut off", &file.label);
                    break;
                }
                Err(JsonFault::NotJson(_)) => {
                    lines.skip_line().map_err(|fault| fault.to_string())?;
                    Err("not JSON".into())
                }
                Err(fault) => return Err(fault.to_string()),
            };
            match (line, file.form) {
                (Err(_), _) => self.findings.add("a line that cannot be read", &file.label),
                (Ok(line), ImportForm::Codex) => codex.read_line(&line, self.findings),
                (Ok(line), ImportForm::Pi) => pi.read_line(&line, self.findings),
                (Ok(line), _) => claude_code.read_line(&line, self.findings),
            }
        }
        let peak = lines.peak();
        let conversation = match file.form {
            ImportForm::Codex => codex.finish(),
            ImportForm::Pi => pi.finish(),
            _ => claude_code.finish(),
        };
        self.hand_over(Ok(conversation), file.form, file.bytes, each);
        Ok(peak)
    }

    fn read_database(
        &mut self,
        database: &ForeignDatabase,
        form: ImportForm,
        each: EachConversation,
    ) -> Result<(), String> {
        let mut scratch = Findings::default();
        let mut hand_over = |conversation| self.hand_over(Ok(conversation), form, 0, each);
        let db = &database.connection;
        let read = match form {
            ImportForm::Llm => llm::read_database(db, &mut scratch, &mut hand_over),
            ImportForm::Elia => elia::read_database(db, &mut hand_over),
            _ => opencode::read_database(db, &mut scratch, &mut hand_over),
        };
        self.findings.merge(scratch);
        read.map_err(|error| format!("the database cannot be read: {}", text::error_words(&error)))
    }

    /// Makes a conversation of ibid and hands it over. One in which nothing was said is only counted.
    fn hand_over(
        &mut self,
        conversation: Result<ForeignConversation, String>,
        form: ImportForm,
        done: u64,
        each: EachConversation,
    ) -> bool {
        let mut conversation = match conversation {
            Ok(conversation) => conversation,
            Err(why) => return each(Err(why), done),
        };
        if conversation.key.is_empty() {
            conversation.key = format!("{} {:?}", conversation.title, conversation.created_at);
        }
        let title = conversation.title.clone();
        let Some(whole) = assemble(conversation, form, self.defaults, self.findings) else {
            self.findings.add("a conversation without messages", &title);
            return true;
        };
        let hash = content_hash(&whole);
        each(Ok(ReadConversation { whole, hash }), done)
    }

    /// Reads ibid's own form.
    fn read_portable(&mut self, json: &str) -> Result<ReadConversation, String> {
        let read = PortableConversation::parse(json).map_err(|error: PortableError| error.to_string())?;
        for note in &read.notes {
            self.findings.add(note, &read.conversation.title);
        }
        if !read.conversation.extent.is_whole() {
            return Err("this export has only a part of the conversation, or masked secrets; \
                only one of the whole tree can be imported"
                .into());
        }
        let mut whole = read.conversation.into_whole();
        check_tree(&whole)?;
        whole.settle();
        let canonical = PortableConversation::new(&whole).to_json();
        Ok(ReadConversation { whole, hash: hex(&Sha256::digest(canonical)) })
    }
}

/// Refuses a tree that hangs together wrongly.
fn check_tree(whole: &WholeConversation) -> Result<(), String> {
    let mut known = std::collections::BTreeMap::new();
    for message in &whole.messages {
        if known.insert(message.id, message.parent).is_some() {
            return Err(format!("the message {} is there twice", message.id));
        }
    }
    let mut good = std::collections::BTreeSet::new();
    for message in &whole.messages {
        let mut path = Vec::new();
        let mut above = Some(message.id);
        while let Some(id) = above.filter(|id| !good.contains(id)) {
            let parent = known.get(&id).ok_or_else(|| format!("the message {id} is missing"))?;
            if path.len() > known.len() {
                return Err("its messages form a ring".into());
            }
            path.push(id);
            above = *parent;
        }
        good.extend(path);
    }
    match whole.header.branch.iter().find(|id| !known.contains_key(id)) {
        Some(id) => Err(format!("the message {id} is missing")),
        None => Ok(()),
    }
}

/// Hashes what is read through it.
struct HashingReader<'a> {
    reader: &'a mut dyn BufRead,
    hash: Sha256,
}

impl Read for HashingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
