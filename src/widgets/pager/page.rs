//! What the pager shows, as one clean text and what its lines are.

use serde_json::Value;

use super::{Kept, Pager};
use crate::{
    chat::Stage,
    text::{self, visible},
    tools::Content,
    widgets::{
        result::{self, pretty},
        transcript::{call, size},
    },
};

/// One text, and what its pieces are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    /// Clean; each line ends with `\n`.
    pub text: String,
    /// Where each piece ends, and what it is.
    pub pieces: Vec<(usize, Kind)>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name of what follows.
    Head,
    /// Said by the program.
    Note,
    Text,
    Failure,
}

impl Page {
    fn add(&mut self, kind: Kind, words: &str) {
        self.text.push_str(words.trim_end_matches('\n'));
        self.text.push('\n');
        self.pieces.push((self.text.len(), kind));
    }

    fn head(&mut self, words: &str) {
        self.add(Kind::Text, "");
        self.add(Kind::Head, words);
    }
}

/// The page of a call: how it stands, what it was asked, what came of it.
pub fn of(pager: &Pager) -> Page {
    let (call, run) = (&pager.call, pager.run.as_ref());
    let mut page = Page { title: call::name(call, run), ..Page::default() };
    let standing = run.map(|run| result::standing(run, None, &pager.marks).0);
    page.add(Kind::Note, standing.as_deref().unwrap_or("it is not run here"));
    if let Some(run) = run.filter(|run| run.whole.is_some()) {
        let read = match &run.stage {
            Stage::Done(short) => size(short.bytes()),
            _ => String::new(),
        };
        page.add(
            Kind::Note,
            &match &pager.kept {
                Kept::Loaded(_) => format!("The model read its beginning and its end, {read}. All of it is here."),
                Kept::Here | Kept::Loading => "All of it is being read from the disk …".into(),
                Kept::Failed(why) => format!("Only what the model read is here: {}", text::clean(why)),
            },
        );
    }
    let edited = run.is_some_and(|run| run.edited);
    page.head(if edited { "Arguments, as you changed them" } else { "Arguments" });
    let arguments = match run {
        Some(run) => run.arguments.clone(),
        None => serde_json::from_str(&call.arguments).unwrap_or_else(|_| Value::String(call.arguments.clone())),
    };
    match arguments {
        Value::Object(fields) if fields.is_empty() => page.add(Kind::Note, "none"),
        Value::String(text) => page.add(Kind::Text, &visible(&text)),
        value => page.add(Kind::Text, &visible(&pretty(&value))),
    }
    if let Some(outcome) = pager.outcome() {
        page.head(if outcome.failed { "Result: the tool reports an error" } else { "Result" });
        let mut had_text = false;
        for (nth, content) in outcome.content.iter().enumerate() {
            let piece = result::piece(content);
            let mark = match content {
                Content::Image { .. } => pager.marks.image,
                _ => pager.marks.bullets[2],
            };
            if let Some(label) = &piece.label {
                if nth > 0 && (had_text || !piece.text.is_empty()) {
                    page.add(Kind::Text, "");
                }
                page.add(Kind::Head, &format!("{mark} {}", result::one_line(label)));
            }
            if !piece.text.is_empty() {
                page.add(Kind::Text, &text::clean(&piece.text));
            }
            had_text = !piece.text.is_empty();
        }
        if outcome.bytes() == 0 {
            page.add(Kind::Note, "nothing");
        }
    } else if let Some(why) = run.and_then(result::instead) {
        page.head("No result");
        page.add(Kind::Failure, &text::clean(&why));
    }
    page
}
