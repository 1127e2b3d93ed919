use std::io::Write;

use super::*;

const OPENROUTER: &str = r#"{"data":[
  {"id":"anthropic/claude-opus-5","name":"Anthropic: Claude Opus 5","created":1788134400,"description":"Thinks.","context_length":1000000,
   "architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},
   "pricing":{"prompt":"0.000005","completion":"0.000025","overrides":[{"min_prompt_tokens":200000,"prompt":"0.00001"}],"discount":0},
   "top_provider":{"context_length":200000},"supported_parameters":["reasoning","tools"],
   "reasoning":{"mandatory":true,"supported_efforts":["max","high",null,"low","colossal"]}},
  {"id":"openai/gpt-5.6-luna","name":"OpenAI: GPT-5.6 Luna","created":1790000000,"context_length":null,"top_provider":{"context_length":400000},
   "pricing":{"prompt":"0.0000003","completion":"0.00000240"},"supported_parameters":["reasoning"],"reasoning":{"mandatory":false,"supported_efforts":null}},
  {"id":"anthropic/claude-sonnet-4","name":"Anthropic: Claude Sonnet 4","pricing":{},"supported_parameters":["reasoning"],"reasoning":{"mandatory":false}},
  {"id":"openai/gpt-4.1-mini","name":"OpenAI: GPT-4.1 Mini","pricing":{"prompt":"0","completion":0.0000016},"supported_parameters":["tools"]},
  {"id":"~openai/gpt-latest","name":"OpenAI: GPT (latest)","pricing":{"prompt":"-1","completion":"-1"},"supported_parameters":[]},
  {"id":"openrouter/auto","name":"Auto Router","pricing":{"prompt":"-1","completion":"-1"},"supported_parameters":[],"benchmarks":{"design_arena":[]}},
  {"name":null,"id":""}, 7, {"id":"x/odd","architecture":"text","created":-1,"reasoning":{"mandatory":null,"supported_efforts":["none","xhigh"]}}
],"total_count":6,"links":{"next":null}}"#;

fn openrouter_catalogue() -> Catalogue {
    Catalogue::parse(OPENROUTER).expect("a list")
}

fn model_of(catalogue: &Catalogue, id: &str) -> Model {
    catalogue.model(id).unwrap_or_else(|| panic!("{id} is listed")).clone()
}

#[test]
fn openrouter_models_are_parsed_with_exact_prices() {
    let catalogue = openrouter_catalogue();
    assert_eq!(catalogue.models.len(), 7);
    let opus = model_of(&catalogue, "anthropic/claude-opus-5");
    assert_eq!((opus.name.as_str(), opus.vendor.as_str()), ("Claude Opus 5", "anthropic"));
    assert_eq!((opus.released.as_deref(), opus.context_tokens), (Some("2026-08"), Some(1_000_000)));
    assert_eq!((opus.supports_tools, opus.supports_images), (true, true));
    let shown = |price: Option<Usd>| price.map(|price| price.to_string());
    assert_eq!((shown(opus.input_price), shown(opus.output_price)), (Some("$5.00".into()), Some("$25.00".into())));
    let luna = model_of(&catalogue, "openai/gpt-5.6-luna");
    assert_eq!(
        (luna.context_tokens, shown(luna.input_price), shown(luna.output_price)),
        (Some(400_000), Some("$0.30".into()), Some("$2.40".into()))
    );
    let mini = model_of(&catalogue, "openai/gpt-4.1-mini");
    assert_eq!((shown(mini.input_price), shown(mini.output_price)), (Some("$0".into()), Some("$1.60".into())));
}

#[test]
fn a_variable_price_is_unknown() {
    let auto = model_of(&openrouter_catalogue(), "openrouter/auto");
    assert_eq!((auto.input_price, auto.output_price, auto.name.as_str()), (None, None, "Auto Router"));
    assert_eq!(model_of(&openrouter_catalogue(), "~openai/gpt-latest").vendor, "openai");
}

#[test]
fn efforts_are_those_of_the_model() {
    let catalogue = openrouter_catalogue();
    let names = |id: &str| {
        let efforts = catalogue.model(id)?.reasoning.as_ref()?;
        Some(efforts.offered.iter().map(|effort| effort.name()).collect::<Vec<_>>().join(" "))
    };
    let all = "none minimal low medium high xhigh max";
    assert_eq!(names("anthropic/claude-opus-5").as_deref(), Some("low high max"));
    assert_eq!(names("openai/gpt-5.6-luna").as_deref(), Some(all));
    assert_eq!(names("anthropic/claude-sonnet-4").as_deref(), Some(all));
    assert_eq!(names("openai/gpt-5.6-luna:online").as_deref(), Some(all));
    assert_eq!(names("x/odd").as_deref(), Some("none xhigh"));
    assert_eq!(names("openai/gpt-4.1-mini"), None);
    assert_eq!(names("nobody/knows"), None);
}

#[test]
fn lists_of_other_servers_are_parsed_too() {
    for (json, ids) in [
        (
            r#"{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1715367049,"owned_by":"system"}]}"#,
            vec!["gpt-4o"],
        ),
        (
            r#"{"object":"list","data":[{"id":"llama3.2:3b","object":"model","owned_by":"library"}]}"#,
            vec!["llama3.2:3b"],
        ),
        (r#"{"models":[{"name":"llama3.2:3b","model":"llama3.2:3b"}]}"#, vec!["llama3.2:3b"]),
        (r#"[{"id":"a"},{"id":"b"}]"#, vec!["a", "b"]),
        (r#"{"data":[]}"#, vec![]),
        (r#"{"object":"list","data":[{"id":"q","max_model_len":32768}]}"#, vec!["q"]),
    ] {
        let catalogue = Catalogue::parse(json).expect(json);
        assert_eq!(catalogue.models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ids, "{json}");
    }
    let local = Catalogue::parse(r#"{"data":[{"id":"llama3.2:3b"}]}"#).expect("a list");
    assert_eq!(
        local.models[0].reasoning.as_ref(),
        Some(&ReasoningEfforts::all()),
        "a server that reports nothing is not second-guessed"
    );
}

#[test]
fn a_body_without_a_list_is_an_error() {
    for json in ["", "<html>", "{}", r#"{"data":7}"#, "null"] {
        assert_eq!(Catalogue::parse(json).map_err(|error| error.fault), Err(FaultKind::Garbage), "{json}");
    }
    let error = Catalogue::parse(r#"{"error":{"code":401,"message":"User not found."}}"#).expect_err("an error");
    assert_eq!((error.fault, error.message.as_str()), (FaultKind::Key, "User not found"));
}

#[test]
fn the_cache_is_read_back_and_becomes_stale() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deeper").join("models.json");
    let now = SystemTime::now();
    assert_eq!(Catalogue::load_cache(&path, now), None);
    Catalogue::save_cache(&path, OPENROUTER).expect("it can be written");
    Catalogue::save_cache(&path, OPENROUTER).expect("it can be overwritten");
    let fresh = Catalogue::load_cache(&path, now).expect("it is there");
    assert_eq!((fresh.catalogue.clone(), fresh.is_stale()), (openrouter_catalogue(), false));
    let stale = Catalogue::load_cache(&path, now + Duration::from_secs(301)).expect("it is still there");
    assert!(stale.is_stale());
    assert_eq!(fs::read_dir(path.parent().expect("a parent")).expect("a folder").count(), 1, "no partial file is left");
    fs::write(&path, "half a fi").expect("it can be written");
    assert_eq!(Catalogue::load_cache(&path, now), None);
}

/// Reads the recorded lists, if they are beside the project.
#[test]
fn recorded_lists_are_parsed_row_by_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/recordings");
    for name in ["or-models-2026-08-04-subset.json", "or-models-2026-01-05-full.json"] {
        let Ok(json) = fs::read_to_string(folder.join(name)) else {
            // Not with `eprintln`, which a passing test swallows.
            let _ = writeln!(io::stderr(), "SKIPPED: {name} is not beside the project");
            continue;
        };
        let catalogue = Catalogue::parse(&json).expect(name);
        let value: serde_json::Value = serde_json::from_str(&json).expect(name);
        let rows = value["data"].as_array().expect("rows");
        assert_eq!(catalogue.models.len(), rows.len(), "{name}");
        for (model, row) in catalogue.models.iter().zip(rows) {
            assert_eq!(Some(model.id.as_str()), row["id"].as_str());
            assert_eq!(
                model.context_tokens,
                row["context_length"].as_u64().filter(|tokens| *tokens > 0),
                "{}",
                model.id
            );
            let price: f64 = row["pricing"]["prompt"].as_str().expect("a price").parse().expect("a number");
            let ours = model.input_price.as_ref().map(|price| price.digits().parse::<f64>().expect("a number"));
            assert_eq!(ours.is_some(), price >= 0.0, "{}", model.id);
            assert!((ours.unwrap_or(price * 1e6) - price * 1e6).abs() < 1e-9, "{}", model.id);
            let reasons =
                row["supported_parameters"].as_array().expect("a list").iter().any(|name| name == "reasoning");
            assert_eq!(model.reasoning.is_some(), reasons, "{}", model.id);
        }
    }
}
