//! Connecting through the runtime: keys and addresses are tried against a fake server before anything is saved.

use std::fs;

use ibid::{
    api::{ApiDialect, LocalServer, ProbeResult},
    config::{AppPaths, Config},
    keys::{KeyListing, KeyPlace, LocatedKey},
    runtime::{
        EffectRuntime, RuntimeFiles,
        servers::{ApiServers, ServerChoice},
    },
    ui::{
        Effect, EndpointInfo, Msg,
        effect::{ConnectJob, UncheckedKey},
        msg::{ConnectOutcome, KeyVerdict},
    },
};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::support::fake_server::{FakeReply, FakeServer, unreachable_url};

const RIGHT_KEY: &str = "sk-or-v1-the-right-key-3f9a";
const WRONG_KEY: &str = "sk-or-v1-a-wrong-key-b00b";

/// A runtime whose OpenRouter is at an address of the test, with an empty home.
struct ConnectDesk {
    home: TempDir,
    paths: AppPaths,
    openrouter_url: String,
    config: String,
}

impl ConnectDesk {
    fn new(openrouter_url: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let folder = |name: &str| home.path().join(name);
        let paths = AppPaths {
            config_file: folder("config.toml"),
            data_dir: folder("data"),
            state_dir: folder("state"),
            cache_dir: folder("cache"),
        };
        Self { home, paths, openrouter_url: openrouter_url.to_owned(), config: String::new() }
    }

    fn with_config(mut self, config: &str) -> Self {
        fs::write(&self.paths.config_file, config).expect("the config can be written");
        config.clone_into(&mut self.config);
        self
    }

    /// Runs effects one after the other; returns the message that answers each.
    fn run_all(&self, effects: Vec<Effect>) -> Vec<Msg> {
        let config = Config::parse(&self.config, &self.paths.config_file).expect("the config is valid").0;
        let env = |name: &str| (name == "OPENROUTER_BASE_URL").then(|| self.openrouter_url.clone().into());
        let servers = ApiServers::find(&config, &self.paths, &env, &ServerChoice::Config).expect("the servers");
        let files = RuntimeFiles { database: self.home.path().join("ibid.db"), paths: self.paths.clone(), mcp: None };
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        threads.worker_threads(1).enable_all().build().expect("the runtime starts").block_on(async {
            let (sender, mut inbox) = mpsc::channel(16);
            let mut runtime = EffectRuntime::start(sender, servers, files);
            let mut answers = Vec::new();
            for effect in effects {
                runtime.run(effect);
                answers.push(loop {
                    match inbox.recv().await.expect("the runtime answers") {
                        Msg::StoreReply(_) | Msg::DatabaseTouched => (),
                        msg => break msg,
                    }
                });
            }
            inbox.close();
            answers
        })
    }

    fn connect(&self, jobs: impl IntoIterator<Item = ConnectJob>) -> Vec<ConnectOutcome> {
        let outcome = |msg| match msg {
            Msg::Connected(outcome) => outcome,
            other => panic!("{other:?}"),
        };
        self.run_all(jobs.into_iter().map(Effect::Connect).collect()).into_iter().map(outcome).collect()
    }

    fn kept_key(&self, server: &str) -> Option<String> {
        let file = ibid::keys::key_file(&self.paths.keys_dir(), server);
        fs::read_to_string(file).ok().map(|key| key.trim().to_owned())
    }

    fn config_text(&self) -> String {
        fs::read_to_string(&self.paths.config_file).unwrap_or_default()
    }
}

fn key_job(server: &str, key: &str, unchecked: UncheckedKey) -> ConnectJob {
    ConnectJob::TryKey { server: server.into(), key: key.into(), unchecked }
}

fn address_job(base_url: &str) -> ConnectJob {
    ConnectJob::TryAddress { base_url: base_url.into(), name: None }
}

fn in_use(name: &str, dialect: ApiDialect, key: KeyVerdict) -> ConnectOutcome {
    ConnectOutcome::InUse { server: EndpointInfo { name: name.into(), dialect, is_ready: true }, key, notice: None }
}

fn refusal() -> FakeReply {
    // Some servers repeat the key.
    FakeReply::json(401, &json!({"error": {"message": format!("Incorrect API key: {WRONG_KEY}"), "code": 401}}))
}

/// A server that answers on these paths only with the right key.
fn guarded_server(paths: &[&str]) -> FakeServer {
    let server = FakeServer::start();
    for path in paths {
        server.set_page(path, refusal());
        let body = json!({"data": {"label": "sk-or-v1-the...3f9a", "limit": null, "usage": 1}});
        let models = json!({"data": [{"id": "a/one"}, {"id": "b/two"}]});
        server.set_page_for_key(path, RIGHT_KEY, FakeReply::json(200, if *path == "/key" { &body } else { &models }));
    }
    server
}

#[test]
fn a_right_key_is_checked_and_kept_and_a_wrong_one_is_not() {
    let server = guarded_server(&["/key"]);
    let desk = ConnectDesk::new(&server.base_url());
    let outcomes = desk.connect([key_job("openrouter", WRONG_KEY, UncheckedKey::Ask)]);
    let refused = "OpenRouter refused this key (401). It was not kept.".to_owned();
    assert_eq!((outcomes, desk.kept_key("openrouter")), (vec![ConnectOutcome::Failed(refused)], None));
    // Neither does a second Enter keep a key that was refused.
    let outcomes = desk.connect([
        key_job("openrouter", WRONG_KEY, UncheckedKey::Keep),
        key_job("openrouter", RIGHT_KEY, UncheckedKey::Ask),
    ]);
    assert!(matches!(&outcomes[0], ConnectOutcome::Failed(_)), "{outcomes:?}");
    assert_eq!(outcomes[1], in_use("openrouter", ApiDialect::OpenRouter, KeyVerdict::Checked));
    assert_eq!(desk.kept_key("openrouter").as_deref(), Some(RIGHT_KEY));
    let paths: Vec<String> = server.request_heads().into_iter().map(|head| head.path).collect();
    assert_eq!(paths, ["/api/v1/key", "/api/v1/key", "/api/v1/key"], "nothing else was asked");
}

#[test]
fn a_key_that_cannot_be_checked_offline_is_kept_only_on_request() {
    let desk = ConnectDesk::new(&unreachable_url());
    let outcomes = desk.connect([key_job("openrouter", RIGHT_KEY, UncheckedKey::Ask)]);
    let [ConnectOutcome::Unchecked(question)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(question.starts_with("could not check, offline: keep it anyway? (nothing is listening"), "{question}");
    assert_eq!(desk.kept_key("openrouter"), None);
    let outcomes = desk.connect([key_job("openrouter", RIGHT_KEY, UncheckedKey::Keep)]);
    assert_eq!(outcomes, [in_use("openrouter", ApiDialect::OpenRouter, KeyVerdict::Unchecked)]);
    assert_eq!(desk.kept_key("openrouter").as_deref(), Some(RIGHT_KEY));
}

#[test]
fn a_server_that_answers_401_asks_for_its_key() {
    let server = guarded_server(&["/models"]);
    let desk = ConnectDesk::new(&unreachable_url());
    let outcomes = desk.connect([
        address_job(&server.base_url()),
        key_job("local", WRONG_KEY, UncheckedKey::Ask),
        key_job("local", RIGHT_KEY, UncheckedKey::Ask),
        address_job(&server.base_url()),
    ]);
    let host = server.address().to_string();
    assert_eq!(
        outcomes,
        [
            ConnectOutcome::NeedsKey { server: "local".into(), host: host.clone() },
            ConnectOutcome::Failed(format!("{host} refused this key (401). It was not kept.")),
            in_use("local", ApiDialect::Other, KeyVerdict::Checked),
            // The key that is there now is used again.
            in_use("local", ApiDialect::Other, KeyVerdict::Checked),
        ]
    );
    assert_eq!(desk.kept_key("local").as_deref(), Some(RIGHT_KEY));
    let config = desk.config_text();
    assert!(config.contains("endpoint = \"local\"") && config.contains(&server.base_url()), "{config}");
    let keys: Vec<bool> = server.request_heads().iter().map(|head| head.header("authorization").is_some()).collect();
    assert_eq!(keys[..3], [false, false, true], "it is asked without a key first");
}

#[test]
fn a_server_that_lists_its_models_to_everybody_cannot_check_keys() {
    let server = FakeServer::start();
    let config = format!("[endpoints.work]\nbase_url = \"{}\"\n", server.base_url());
    let desk = ConnectDesk::new(&unreachable_url()).with_config(&config);
    let outcomes = desk.connect([key_job("work", WRONG_KEY, UncheckedKey::Ask)]);
    assert_eq!(outcomes, [ConnectOutcome::Unchecked("this server cannot check keys: keep it anyway?".into())]);
    assert_eq!(desk.kept_key("work"), None);
    let outcomes = desk.connect([key_job("work", WRONG_KEY, UncheckedKey::Keep)]);
    assert_eq!(outcomes, [in_use("work", ApiDialect::Other, KeyVerdict::Unchecked)]);
    assert!(server.request_heads().iter().all(|head| head.header("authorization").is_none()), "the key was sent");
}

#[test]
fn an_address_without_a_server_of_models_is_not_kept() {
    let page = FakeServer::start();
    page.set_page("/models", FakeReply::body(200, "text/html", "<html><title>A router</title></html>"));
    let desk = ConnectDesk::new(&unreachable_url());
    let outcomes = desk.connect([address_job(&unreachable_url()), address_job(&page.base_url())]);
    let advice = ["start the server, or correct the address", "is the address complete, as in"];
    for (outcome, advice) in outcomes.iter().zip(advice) {
        assert!(matches!(outcome, ConnectOutcome::Failed(why) if why.contains(advice)), "{outcome:?}");
    }
    assert_eq!(desk.config_text(), "");
}

#[test]
fn an_unwritable_key_file_is_reported_and_the_old_key_stays() {
    let server = guarded_server(&["/key"]);
    let desk = ConnectDesk::new(&server.base_url());
    // A file where the folder of the keys should be: writing fails, even for root.
    fs::create_dir_all(&desk.paths.data_dir).expect("the data directory");
    fs::write(desk.paths.keys_dir(), "in the way").expect("a file");
    let outcomes = desk.connect([key_job("openrouter", RIGHT_KEY, UncheckedKey::Ask)]);
    let [ConnectOutcome::Failed(why)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(why.starts_with("the key file ") && why.contains("cannot be written"), "{why}");
    assert!(!why.contains(RIGHT_KEY), "{why}");
    assert_eq!(fs::read_to_string(desk.paths.keys_dir()).expect("the file is still there"), "in the way");
}

#[test]
fn keys_are_listed_by_their_ends_and_forgotten() {
    let server = guarded_server(&["/key"]);
    let config = "[endpoints.lab]\nbase_url = \"http://vllm.lab.example/v1\"\nkey_command = [\"pass\", \"lab\"]\n";
    let desk = ConnectDesk::new(&server.base_url()).with_config(config);
    let msgs = desk.run_all(vec![
        Effect::Connect(key_job("openrouter", RIGHT_KEY, UncheckedKey::Ask)),
        Effect::ListKeys,
        Effect::ForgetKey("openrouter".into()),
        Effect::ListKeys,
    ]);
    let listing = |server: &str, host: &str, key| KeyListing { server: server.into(), host: Some(host.into()), key };
    let host = server.address().to_string();
    let saved = LocatedKey { place: KeyPlace::File, ending: Some("3f9a".into()) };
    let lab =
        listing("lab", "vllm.lab.example", Some(LocatedKey { place: KeyPlace::Command("pass".into()), ending: None }));
    let Msg::KeysListed(keys) = &msgs[1] else { panic!("{msgs:?}") };
    assert_eq!(*keys, [listing("openrouter", &host, Some(saved)), lab.clone()]);
    assert!(matches!(&msgs[2], Msg::KeyForgotten(Ok(server)) if !server.is_ready), "{msgs:?}");
    let Msg::KeysListed(keys) = &msgs[3] else { panic!("{msgs:?}") };
    assert_eq!((keys.as_slice(), desk.kept_key("openrouter")), (&[lab][..], None));
    assert!(!format!("{msgs:?}").contains(RIGHT_KEY), "the key is in a message");
}

#[test]
fn servers_on_this_machine_are_asked_without_a_key_and_the_first_port_that_answers_counts() {
    let open = FakeServer::start();
    open.set_page("/v1/models", FakeReply::json(200, &json!({"data": [{"id": "qwen4:32b"}, {"id": "gemma4:12b"}]})));
    let guarded = guarded_server(&["/models"]);
    let closed: std::net::SocketAddr =
        unreachable_url().trim_start_matches("http://").trim_end_matches("/api/v1").parse().expect("an address");
    let probed = |ports: &[u16]| {
        let servers = vec![LocalServer { name: "any".into(), ports: ports.to_vec() }];
        let desk = ConnectDesk::new(&unreachable_url());
        match desk.run_all(vec![Effect::ProbeLocalServers(servers)]).pop() {
            Some(Msg::LocalServerProbed { result, .. }) => result,
            other => panic!("{other:?}"),
        }
    };
    let port = open.address().port();
    let models = vec!["qwen4:32b".to_owned(), "gemma4:12b".to_owned()];
    assert_eq!(probed(&[closed.port(), port]), ProbeResult::Models { port, models });
    assert_eq!(probed(&[guarded.address().port()]), ProbeResult::WantsKey { port: guarded.address().port() });
    assert_eq!(probed(&[closed.port()]), ProbeResult::NotRunning);
    let heads = [open.request_heads(), guarded.request_heads()].concat();
    assert!(heads.iter().all(|head| head.path == "/v1/models" && head.header("authorization").is_none()), "{heads:?}");
}
