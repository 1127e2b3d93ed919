//! An answer with every form of citation, fed to the harness as it would come over the wire.

use ibid::chat::StreamId;
use serde_json::{Value, json};

use super::harness::Harness;

pub const TEXT: &str = "**No, not with more than one machine.** WAL keeps an index in shared memory, and processes on \
    different hosts cannot share memory over a network file system. Even with one host, advisory locks on NFS are the \
    weak point ([sqlite.org](https://sqlite.org/faq.html#q5)).\n\n## What to do instead\n\n- Put the file on a local disk.\n\
    - Or stay on the rollback journal where the mount must be remote, and copy the file out with VACUUM INTO.\n\nWAL is \
    for a local disk.";

pub const EXCERPT: &str =
    "All processes using a database must be on the same host computer; WAL does not work over a network filesystem.";

/// A citation of the first occurrence of `words`.
fn url_citation(cited_text: &str, url: &str, title: &str, excerpt: Option<&str>) -> Value {
    let byte = TEXT.find(cited_text).expect("the words occur in the text");
    let start = TEXT[..byte].chars().count();
    json!({"type": "url_citation", "url": url, "title": title, "content": excerpt,
        "start_index": start, "end_index": start + cited_text.chars().count()})
}

/// Citations of two pages, the first of which supports two claims, and of a file without a range.
pub fn annotations() -> Vec<Value> {
    let wal = "https://www.sqlite.org/wal.html";
    vec![
        url_citation(
            "processes on different hosts cannot share memory over a network file system",
            &format!("{wal}?utm_source=openai"),
            "Write-Ahead Logging",
            Some(EXCERPT),
        ),
        url_citation(
            "[sqlite.org](https://sqlite.org/faq.html#q5)",
            "https://sqlite.org/faq.html#q5",
            "Frequently Asked Questions",
            None,
        ),
        url_citation("WAL is for a local disk", wal, "Write-Ahead Logging", None),
        json!({"type": "file_citation", "file_id": "file-1", "filename": "mounts.pdf", "index": 3}),
    ]
}

/// Streams a complete answer, preceded by reasoning.
pub fn stream_cited_answer(app: &mut Harness, stream: StreamId) {
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": TEXT, "annotations": annotations()}]});
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "**Looking at locks**\n\nNFS."}]});
    let completed = json!({"type": "response.completed", "response": {"id": "gen-17", "model": "anthropic/claude-opus-5",
        "status": "completed", "output": [thought, item],
        "usage": {"input_tokens": 1204, "input_tokens_details": {"cached_tokens": 900}, "output_tokens": 356,
            "output_tokens_details": {"reasoning_tokens": 312}, "total_tokens": 1560, "cost": 0.018_400_1}}});
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}});
    app.send(ibid::ui::Msg::StreamOpened { stream, generation: Some("gen-17".into()) });
    app.receive_events(stream, &[&added.to_string()]);
    app.wait(std::time::Duration::from_secs(4));
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": thought});
    let message = json!({"type": "response.output_item.done", "output_index": 1, "item": item});
    app.receive_events(stream, &[&done.to_string(), &message.to_string()]);
    app.wait(std::time::Duration::from_secs(2));
    app.receive_events(stream, &[&completed.to_string()]);
    app.end_stream(stream, Ok(()));
}
