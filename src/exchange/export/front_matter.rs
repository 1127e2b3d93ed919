//! The facts at the head of a Markdown file, as YAML.

use super::document::{AnswerEntry, DocumentEntry, ExportDocument};
use crate::chat::Timestamp;

/// Writes the facts of a document between two lines of dashes.
pub(super) fn write(document: &ExportDocument<'_>) -> String {
    let header = &document.whole.header;
    let mut out = String::from("---\n");
    field(&mut out, "title", &quoted(&document.title));
    field(&mut out, "id", &header.id.to_string());
    field(&mut out, "date", &whole_second(header.updated_at));
    field(&mut out, "exported", &whole_second(document.setting.now));
    field(&mut out, "exported_by", &format!("ibid {}", env!("CARGO_PKG_VERSION")));
    field(&mut out, "scope", document.options.part.scope().name());
    field(&mut out, "density", document.options.density.name());
    if document.masked_count > 0 {
        field(&mut out, "masked_secrets", &document.masked_count.to_string());
    }
    let distinct = |values: Vec<String>| {
        let mut unique: Vec<String> = Vec::new();
        values.into_iter().filter(|value| !value.is_empty()).for_each(|value| {
            if !unique.contains(&value) {
                unique.push(value);
            }
        });
        unique
    };
    let models = distinct(document.answers().map(|(_, answer)| answer.model()).collect());
    let providers = document.answers().filter_map(|(_, answer)| answer.answer.params.provider.clone()).collect();
    list(&mut out, "model", &models);
    list(&mut out, "provider", &distinct(providers));
    if let Some(cost) = document.cost() {
        field(&mut out, "cost_usd", cost.digits());
    }
    if document.answers().next().is_some() {
        out.push_str("answers:\n");
        document.answers().for_each(|(entry, answer)| out.push_str(&answer_facts(entry, answer)));
    }
    out.push_str("---\n");
    out
}

fn answer_facts(entry: &DocumentEntry<'_>, answer: &AnswerEntry<'_>) -> String {
    let mut fields = vec![("message", entry.number.to_string()), ("model", quoted(&answer.model()))];
    fields.extend(answer.answer.params.provider.as_deref().map(|provider| ("provider", quoted(provider))));
    fields.push(("date", whole_second(answer.answer.started_at)));
    fields.extend(answer.cost().map(|cost| ("cost_usd", cost.digits().to_owned())));
    let generations: Vec<&str> = answer.answer.generation_ids().collect();
    match generations.as_slice() {
        [] => (),
        [only] => fields.push(("generation", quoted(only))),
        all => fields.push(("generation", flow_list(all.iter().copied()))),
    }
    let lines = fields.iter().enumerate().map(|(index, (name, value))| {
        let lead = if index == 0 { "  - " } else { "    " };
        format!("{lead}{name}: {value}\n")
    });
    lines.collect()
}

fn field(out: &mut String, name: &str, value: &str) {
    out.extend([name, ": ", value, "\n"]);
}

/// Writes one value as it is, and several as a list.
fn list(out: &mut String, name: &str, values: &[String]) {
    match values {
        [] => (),
        [only] => field(out, name, &quoted(only)),
        all => field(out, name, &flow_list(all.iter().map(String::as_str))),
    }
}

fn flow_list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", values.map(quoted).collect::<Vec<_>>().join(", "))
}

/// A text in quotes: the escapes of JSON are escapes of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A moment in UTC, without fractions of a second.
pub(super) fn whole_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
