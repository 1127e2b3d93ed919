//! `ibid models`: the models of a server, with their prices.

use serde_json::{Value, json};

use super::{CliError, ProgramExit, launch::LaunchSettings, paged::PagedOutput, tokio_runtime};
use crate::{
    api::{Usd, catalogue::Model},
    console,
    runtime::catalogues,
    text::{self, ranking},
};

/// Lists the models whose names match, the best match first.
pub(super) fn list_models(settings: &LaunchSettings, query: &str, as_json: bool) -> Result<ProgramExit, CliError> {
    let servers = settings.servers()?;
    for complaint in settings.warnings(&servers) {
        console::complain(&complaint);
    }
    let server =
        servers.first().ok_or_else(|| CliError::failure("there is no server; name one in the config".into()))?;
    let listed = tokio_runtime()?.block_on(catalogues::listed_models(&server, &settings.paths));
    let (catalogue, trouble) = listed
        .map_err(|error| CliError::failure(format!("the models of {} cannot be listed: {error}", server.name)))?;
    if let Some(error) = trouble {
        console::complain(&format!("this is an earlier list of {}, which cannot be reached now: {error}", server.name));
    }
    let models = matching_models(&catalogue.models, query);
    if models.is_empty() {
        let what =
            if query.is_empty() { "no models".to_owned() } else { format!("no model that matches “{query}”") };
        return Err(CliError::failure(format!("{} has {what}", server.name)));
    }
    let mut out = PagedOutput::open();
    if as_json {
        out.json(&models.iter().map(|model| model_json(model)).collect())?;
    } else {
        for line in model_lines(&models) {
            if out.is_closed() {
                break;
            }
            out.line(&line)?;
        }
    }
    out.finish()
}

fn matching_models<'a>(models: &'a [Model], query: &str) -> Vec<&'a Model> {
    let terms: Vec<String> = models.iter().map(|model| format!("{} {}", model.vendor, model.name)).collect();
    let candidates = models.iter().zip(&terms).map(|(model, terms)| ranking::RankCandidate { title: &model.id, terms });
    ranking::rank(query, candidates).into_iter().map(|found| &models[found.index]).collect()
}

/// One line for each model, in columns, below a line of headings.
fn model_lines(models: &[&Model]) -> Vec<String> {
    let price = |price: &Option<Usd>| match price {
        Some(price) if price.is_zero() => "free".to_owned(),
        Some(price) => price.to_price(),
        None => "-".to_owned(),
    };
    let mut rows = vec![["MODEL", "$/M IN", "$/M OUT", "CONTEXT", "CAN"].map(str::to_owned)];
    rows.extend(models.iter().map(|model| {
        let context = model.context_tokens.map_or("-".to_owned(), |tokens| tokens.to_string());
        [model.id.clone(), price(&model.input_price), price(&model.output_price), context, abilities(model)]
    }));
    let width = |column: usize| rows.iter().map(|row| text::width(&row[column])).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let pad = |column: usize| " ".repeat(widths[column].saturating_sub(text::width(&row[column])));
        let right: String = (1..4).map(|column| format!("  {}{}", pad(column), row[column])).collect();
        format!("{}{}{right}  {}", row[0], pad(0), row[4]).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn abilities(model: &Model) -> String {
    let words = [
        ("tools", model.supports_tools),
        ("images", model.supports_images),
        ("files", model.supports_files),
        ("reasoning", model.reasoning.is_some()),
    ];
    words.into_iter().filter_map(|(word, can)| can.then_some(word)).collect::<Vec<_>>().join(" ")
}

fn model_json(model: &Model) -> Value {
    let efforts =
        model.reasoning.as_ref().map(|efforts| efforts.offered.iter().map(|effort| effort.name()).collect::<Vec<_>>());
    json!({
        "id": model.id,
        "name": model.name,
        "vendor": model.vendor,
        "released": model.released,
        "description": model.description,
        "context_tokens": model.context_tokens,
        "input_usd_per_million_tokens": model.input_price.as_ref().map(Usd::digits),
        "output_usd_per_million_tokens": model.output_price.as_ref().map(Usd::digits),
        "tools": model.supports_tools,
        "images": model.supports_images,
        "files": model.supports_files,
        "reasoning_efforts": efforts,
    })
}
