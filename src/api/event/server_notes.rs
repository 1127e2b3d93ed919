//! What a server did to a request or an answer besides answering it, as one line each.

use super::JsonFields;
use crate::api::Usd;

/// Describes reasoning that the server dropped and prompts that a guardrail redacted.
pub(super) fn notes(response: &JsonFields) -> Vec<String> {
    let mut notes = transformations(response);
    notes.extend(stages(response).iter().filter_map(redaction));
    notes
}

/// Describes the stages of a router's pipeline that cost something or changed the prompt.
pub(super) fn pipeline(response: &JsonFields) -> Vec<String> {
    stages(response).iter().filter_map(stage_text).collect()
}

/// Counts the items that the server changed, by type, action and reason.
fn transformations(response: &JsonFields) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for change in response.list("input_transformations") {
        let Some(change) = JsonFields::parse(change.get()) else { continue };
        let word = |key: &str| change.non_blank(key).map(|word| word.replace('_', " "));
        let verb = match word("action").as_deref() {
            None | Some("removed") => "dropped".to_owned(),
            Some(action) => action.to_owned(),
        };
        let kind = word("type").unwrap_or_default();
        let reason = word("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
        let key = format!("{verb}\0{kind}\0{reason}");
        match counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => counts.push((key, 1)),
        }
    }
    let line = |(key, count): (String, usize)| {
        let mut parts = key.split('\0');
        let (verb, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (kind, reason) = (if kind.is_empty() { "input" } else { kind }, parts.next().unwrap_or_default());
        format!("the server {verb} {count} {kind} {}{reason}", if count == 1 { "item" } else { "items" })
    };
    counts.into_iter().map(line).collect()
}

fn stages<'a>(response: &JsonFields<'a>) -> Vec<JsonFields<'a>> {
    let metadata = response.object("openrouter_metadata").unwrap_or_default();
    metadata.list("pipeline").into_iter().filter_map(|stage| JsonFields::parse(stage.get())).collect()
}

/// Describes a guardrail that replaced parts of the prompt before the model saw it.
fn redaction(stage: &JsonFields) -> Option<String> {
    let is_guardrail = stage.text("type").as_deref() == Some("guardrail");
    let data = stage.object("data").unwrap_or_default();
    let summary = stage.non_blank("summary").unwrap_or_default();
    let words = format!("{summary} {}", data.non_blank("action").unwrap_or_default()).to_lowercase();
    if !is_guardrail || !words.contains("redact") {
        return None;
    }
    let count = ["redactions", "redacted", "redaction_count", "match_count", "matches"].iter().find_map(|key| {
        data.number(key).or_else(|| u64::try_from(data.list(key).len()).ok().filter(|count| *count > 0))
    });
    Some(match count {
        Some(1) => "1 place of your prompt was redacted by a guardrail".into(),
        Some(count) => format!("{count} places of your prompt were redacted by a guardrail"),
        None => "parts of your prompt were redacted by a guardrail".into(),
    })
}

fn stage_text(stage: &JsonFields) -> Option<String> {
    let cost =
        stage.raw("cost_usd").and_then(|raw| Usd::parse(raw.get().trim_matches('"'))).filter(|cost| !cost.is_zero());
    if cost.is_none() && redaction(stage).is_none() {
        return None;
    }
    let kind = stage.non_blank("type").map(|kind| kind.replace('_', " "));
    let name = stage.non_blank("name").or_else(|| kind.clone()).unwrap_or_else(|| "a stage".into());
    let parts = [
        Some(name.clone()),
        kind.filter(|kind| *kind != name),
        stage.non_blank("summary"),
        cost.map(|cost| format!("${}", cost.digits())),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
