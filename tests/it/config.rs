//! The config file: what is accepted, how mistakes are reported, and how changes are written back.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use ibid::{
    chat::{
        provider_prefs::{
            CutoffPercentile, DataCollection, DollarAmount, MaxPrices, PerformanceCutoff, ProviderPrefs, SortPartition,
        },
        request_options::{ContextSize, HostedToolOptions, ReasoningSummary, SearchForm, SearchOptions},
    },
    config::{
        ActionKeys, CodeOverflow, CommandTool, Config, ConfigProblem, CopyForm, DesktopNotification, DialectSetting,
        EFFORT_NAMES, EXAMPLE_CONFIG, EndpointConfig, GlyphSet, KeySetting, LineBreaks, McpServerConfig, MouseMode,
        NotifyConfig, NotifyWhen, ReasoningConfig, SettingChange, ShowMode, TimeLimits, TimeoutsConfig, ToolsConfig,
    },
    tools::PolicyVerdict,
};
use insta::assert_snapshot;

fn parse(text: &str) -> Result<(Config, Vec<ConfigProblem>), ConfigProblem> {
    Config::parse(text, Path::new("config.toml"))
}

/// Returns the error message for a config that is rejected.
fn rejection(text: &str) -> String {
    parse(text).expect_err("the config is rejected").to_string()
}

fn accepted(text: &str) -> Config {
    let (config, complaints) = parse(text).expect("the config is accepted");
    assert_eq!(complaints, []);
    config
}

#[test]
fn the_unchanged_example_is_the_default_config() {
    assert_eq!(accepted(EXAMPLE_CONFIG), Config::default());
}

/// The example with every `# key = value` and `# [table]` uncommented.
fn uncommented_example() -> String {
    let uncomment = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let key = rest.split(" =").next().unwrap_or_default();
        let is_setting = rest.contains(" = ") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_setting || rest.starts_with('[')).then(|| rest.to_owned())
    };
    EXAMPLE_CONFIG.lines().map(|line| uncomment(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_uncommented_example_is_accepted_in_full() {
    let config = accepted(&uncommented_example());
    let slots = [(1, "anthropic/claude-opus-5".to_owned()), (2, "openai/gpt-5.6".to_owned())];
    let local = EndpointConfig { base_url: "http://localhost:11434/v1".into(), ..EndpointConfig::default() };
    let work = EndpointConfig {
        base_url: "https://llm.example.com/v1".into(),
        key_env: Some("WORK_LLM_KEY".into()),
        key_command: ["pass", "show", "work/llm"].map(str::to_owned).into(),
        dialect: Some(DialectSetting::Other),
        stream: true,
        timeouts: TimeoutsConfig {
            connect: Some(10.0),
            first_byte: Some(600.0),
            silence_warn: Some(60.0),
            silence_stop: Some(180.0),
        },
    };
    let openrouter = EndpointConfig {
        key_command: ["pass", "show", "openrouter"].map(str::to_owned).into(),
        ..EndpointConfig::default()
    };
    let files = McpServerConfig {
        command: Some("npx".into()),
        args: ["-y", "@modelcontextprotocol/server-filesystem", "."].map(str::to_owned).into(),
        inherit: ["PATH", "HOME"].map(str::to_owned).into(),
        env: [("LANG".into(), "C.UTF-8".into())].into(),
        cwd: Some("/home/me/project".into()),
        ..McpServerConfig::default()
    };
    let tools = McpServerConfig {
        url: Some("https://mcp.example.com/mcp".into()),
        bearer_env: Some("WORK_MCP_TOKEN".into()),
        headers: [("X-Team".into(), "docs".into())].into(),
        transport: Some("http".into()),
        ..McpServerConfig::default()
    };
    let key = |keys: &[&str], line| {
        KeySetting::Action(ActionKeys { keys: keys.iter().map(ToString::to_string).collect(), line: line as u32 })
    };
    let line = |start: &str| {
        1 + EXAMPLE_CONFIG.lines().position(|line| line.starts_with(start)).expect("the example has this line")
    };
    let weather = CommandTool {
        name: "weather".into(),
        description: "The weather of a city now".into(),
        parameters: serde_json::json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }),
        argv: ["weather-cli", "--", "{city}"].map(str::to_owned).into(),
        folder: Some("~/weather".into()),
        env: vec!["WEATHER_KEY".into()],
        policy: Some(PolicyVerdict::Allow),
        read_only: Some(true),
        destructive: Some(false),
        ..CommandTool::default()
    };
    let hosted = HostedToolOptions { on: vec!["datetime".into()], max_calls: Some(10), ..HostedToolOptions::default() };
    let expected = Config {
        tools: ToolsConfig { hosted, ..ToolsConfig::default() },
        tool: vec![weather],
        model: Some("anthropic/claude-opus-5".into()),
        endpoint: Some("openrouter".into()),
        effort: Some("medium".into()),
        system: Some("Answer in plain words.".into()),
        temperature: Some(1.0),
        top_p: Some(1.0),
        max_output_tokens: Some(8000),
        search: SearchOptions {
            form: SearchForm::Tool,
            engine: Some("auto".into()),
            max_results: Some(5),
            max_total_results: Some(20),
            context_size: Some(ContextSize::Medium),
            allowed_domains: vec!["doc.rust-lang.org".into()],
            excluded_domains: vec![],
        },
        timeouts: TimeoutsConfig {
            connect: Some(10.0),
            first_byte: Some(120.0),
            silence_warn: Some(60.0),
            silence_stop: Some(180.0),
        },
        provider: ProviderPrefs {
            order: vec!["anthropic".into(), "google-vertex".into()],
            only: vec!["anthropic".into()],
            ignore: vec!["deepinfra".into()],
            allow_fallbacks: Some(true),
            require_parameters: Some(false),
            data_collection: Some(DataCollection::Allow),
            zdr: Some(false),
            quantizations: vec!["fp8".into(), "bf16".into()],
            sort: Some("price".into()),
            partition: Some(SortPartition::Model),
            enforce_distillable_text: Some(false),
            max_price: MaxPrices {
                prompt: Some(DollarAmount("1.5".into())),
                completion: Some(DollarAmount("10".into())),
                request: Some(DollarAmount("0.01".into())),
                image: Some(DollarAmount("0.01".into())),
                audio: Some(DollarAmount("20".into())),
            },
            preferred_max_latency: Some(PerformanceCutoff::All(3.0)),
            preferred_min_throughput: Some(PerformanceCutoff::All(20.0)),
            options: BTreeMap::from([(
                "anthropic".into(),
                serde_json::Map::from_iter([("service_tier".into(), "auto".into())]),
            )]),
        },
        slots: slots.into(),
        endpoints: [("local", local), ("work", work), ("openrouter", openrouter)]
            .map(|(name, endpoint)| (name.to_owned(), endpoint))
            .into(),
        mcp: [("files", files), ("work", tools)].map(|(name, server)| (name.to_owned(), server)).into(),
        keys: BTreeMap::from([
            ("send".into(), key(&["enter"], line("# send"))),
            ("newline".into(), key(&["ctrl-j", "alt-enter"], line("# newline"))),
        ]),
        title_model: Some("openai/gpt-5.6-luna".into()),
        ..Config::default()
    };
    assert_eq!(config, expected);
    assert_eq!(config.time_limits("work"), TimeLimits { first_byte: Duration::from_mins(10), ..TimeLimits::default() });
    assert_eq!(config.time_limits("local"), TimeLimits::default());
}

#[test]
fn enum_values_are_spelled_as_in_the_example() {
    let config = accepted(
        "glyphs = 'ascii'\nlist = 'hide'\nreasoning = { show = 'show', summary = 'none' }\n[search]\nform = 'plugin'\ncontext_size = 'high'",
    );
    assert_eq!((config.glyphs, config.list), (GlyphSet::Ascii, ShowMode::Hide));
    assert_eq!(config.reasoning, ReasoningConfig { show: ShowMode::Show, summary: ReasoningSummary::None });
    assert_eq!((config.search.form, config.search.context_size), (SearchForm::Plugin, Some(ContextSize::High)));
}

#[test]
fn prices_and_cutoffs_are_accepted_in_several_forms() {
    let config = accepted(
        "[provider]\nmax_price = { prompt = '0.25', image = 2 }\npreferred_max_latency = { p90 = 2.5, p50 = 1 }",
    );
    let price = &config.provider.max_price;
    assert_eq!(price.set_prices().collect::<Vec<_>>(), [("prompt", "0.25"), ("image", "2")]);
    let by_percentile = BTreeMap::from([(CutoffPercentile::P50, 1.0), (CutoffPercentile::P90, 2.5)]);
    assert_eq!(config.provider.preferred_max_latency, Some(PerformanceCutoff::Of(by_percentile)));
    for (wrong, expected) in [
        ("max_price = { prompt = 'cheap' }", "cheap is not an amount in dollars"),
        ("max_price = { prompt = -1 }", "-1 is not an amount in dollars"),
        ("max_price = 3", "should be a table"),
        ("preferred_max_latency = 'soon'", "should be a number"),
        ("preferred_max_latency = { p51 = 1 }", "should be a number"),
        ("partition = 'all'", "model"),
    ] {
        let said = rejection(&format!("[provider]\n{wrong}\n"));
        assert!(said.contains(expected) && said.contains("config.toml:2"), "{wrong}: {said}");
    }
    let (_, complaints) = parse("[provider.max_price]\nprompts = 1\n").expect("the config is accepted");
    assert!(complaints[0].to_string().contains("did you mean provider.max_price.prompt?"), "{}", complaints[0]);
    for (wrong, meant) in [
        ("[sources]\nchek = 'always'", "sources.check"),
        ("[sorces]\n", "sources"),
        ("[tools]\nwiat = 3", "tools.wait"),
    ] {
        let (_, complaints) = parse(wrong).expect("the config is accepted");
        let said = complaints[0].to_string();
        assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
    }
}

#[test]
fn the_efforts_match_the_names_on_the_wire() {
    assert_eq!(EFFORT_NAMES, ibid::chat::Effort::ALL.map(ibid::chat::Effort::name));
}

#[test]
fn an_unknown_key_is_reported_with_its_line_and_the_rest_is_used() {
    let (config, complaints) =
        parse("model = 'a/b'\ntemprature = 1\n\n[search]\nengines = 'exa'\n\n[endpoints.x]\nbase_url = 'http://x/v1/'\nzzz = 1\n[colours]\n")
            .expect("unknown keys are not fatal");
    assert_eq!(config.model.as_deref(), Some("a/b"));
    assert_eq!(config.endpoints["x"].base_url, "http://x/v1");
    let messages: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_file_that_is_not_toml_is_rejected_with_line_and_column() {
    assert_snapshot!(rejection("model = 'a/b'\neffort: high\n"));
    assert_snapshot!(rejection("{\"model\": \"a/b\"}"));
    assert_snapshot!(rejection("model = 'a'\nmodel = 'b'\n"));
}

#[test]
fn an_invalid_value_is_rejected_with_its_key_line_and_a_hint() {
    let wrong = [
        "temperature = 2.5",
        "temperature = 'hot'",
        "top_p = 2",
        "max_output_tokens = 0",
        "max_output_tokens = -1",
        "max_output_tokens = 1.5",
        "web = 'yes'",
        "model = ' '",
        "effort = 'hard'",
        "glyphs = 'emoji'",
        "list_width = 3",
        "reasoning = 'show'",
        "[reasoning]\nshow = 'maybe'",
        "[search]\nengine = 'bing'",
        "[search]\nmax_results = 26",
        "[search]\nallowed_domains = 'a.org'",
        "[slots]\n0 = 'a/b'",
        "[slots]\nx = 'a/b'",
        "[slots]\n1 = 1",
        "[timeouts]\nconnect = 0",
        "[timeouts]\nsilence_warn = 5\nsilence_stop = 4",
        "endpoint = 'work'",
        "[endpoints.work]",
        "[endpoints.work]\nbase_url = 'localhost:8080'",
        "[endpoints.work]\nbase_url = 'local'",
        "[endpoints.work]\nbase_url = 'https://me:secret@host/v1'",
        "[endpoints.work]\nbase_url = 'https://host/v1/responses'",
        "[endpoints.work]\nbase_url = 'https://host/v1'\nkey_env = 'A=B'",
        "[endpoints.work]\nbase_url = 'https://host/v1'\nkey_command = 'pass show'",
        "[endpoints.work]\nbase_url = 'https://host/v1'\ndialect = 'gemini'",
        "[endpoints.openrouter]\nbase_url = 'https://host/v1'",
        "[endpoints.demo]\nbase_url = 'https://host/v1'",
        "[endpoints.'../x']\nbase_url = 'https://host/v1'",
        "[keys]\nsend = 1",
    ];
    let messages: Vec<String> =
        wrong.iter().map(|text| format!("{text}\n    {}\n", rejection(&format!("# first\n{text}\n")))).collect();
    assert_snapshot!(messages.join("\n"));
}

#[test]
fn keys_are_for_every_context_or_for_the_one_that_names_their_table() {
    let config = accepted("[keys]\nweb = 'f7'\nrail = []\n[keys.text]\nweb = ['W', 'f8']\n");
    let keys = |keys: &[&str], line| ActionKeys { keys: keys.iter().map(ToString::to_string).collect(), line };
    let expected = BTreeMap::from([
        ("rail".to_owned(), KeySetting::Action(keys(&[], 3))),
        ("text".to_owned(), KeySetting::Context(BTreeMap::from([("web".to_owned(), keys(&["W", "f8"], 5))]))),
        ("web".to_owned(), KeySetting::Action(keys(&["f7"], 2))),
    ]);
    assert_eq!(config.keys, expected);
    assert!(rejection("[keys.text]\nweb = { a = 'b' }").contains("a key or a list of keys"));
}

#[test]
fn an_unreadable_file_is_an_error_and_a_missing_file_is_the_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    assert_eq!(Config::load(&file), Ok((Config::default(), vec![])));

    let message = |path: &Path| {
        let complaint = Config::load(path).expect_err("the config cannot be loaded").to_string();
        complaint.replace(&folder.path().display().to_string(), "FOLDER")
    };
    assert_snapshot!(message(folder.path()), @"FOLDER: this is a directory, not a file; remove it, or name another file with --config");
    fs::write(&file, b"model = 'a/b'\nsystem = '\xff'\n").expect("the file can be written");
    assert_snapshot!(message(&file), @"FOLDER/config.toml:2: the file is not UTF-8 text; save it as UTF-8, or move it away");
    let below_a_file = file.join("config.toml");
    assert_snapshot!(message(&below_a_file), @"FOLDER/config.toml/config.toml: the file cannot be read (not a directory); correct that, or name another file with --config");
}

#[test]
fn saving_a_slot_keeps_comments_and_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    let before =
        "# mine\nmodel = 'a/b' # the usual\n\n[slots] # keys\n2 = 'c/d' # second\n\n[search]\nengine = 'exa'\n";
    fs::write(&file, before).expect("the file can be written");
    Config::save_change(&file, &SettingChange::Slot(2, "e/f".into())).expect("the slot can be saved");
    Config::save_change(&file, &SettingChange::Slot(9, "g/h:online".into())).expect("the slot can be saved");
    assert_snapshot!(fs::read_to_string(&file).expect("the file can be read"), @r#"
    # mine
    model = 'a/b' # the usual

    [slots] # keys
    2 = "e/f" # second
    9 = "g/h:online"

    [search]
    engine = 'exa'
    "#);
}

#[test]
fn saving_a_theme_keeps_comments_and_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, "# mine\ntheme = 'ink' # at night\nweb = true\n\n[slots]\n1 = 'a/b'\n")
        .expect("the file can be written");
    Config::save_change(&file, &SettingChange::Theme("nord".into())).expect("the theme can be saved");
    let after = "# mine\ntheme = \"nord\" # at night\nweb = true\n\n[slots]\n1 = 'a/b'\n";
    assert_eq!(fs::read_to_string(&file).expect("the file can be read"), after);

    fs::write(&file, "# mine\n[slots] # keys\n1 = 'a/b'\n").expect("the file can be written");
    Config::save_change(&file, &SettingChange::Theme("auto".into())).expect("the theme can be saved");
    let (config, complaints) = Config::load(&file).expect("the config is valid");
    assert_eq!((config.theme.as_str(), config.slots.len(), complaints), ("auto", 1, vec![]));
    assert!(fs::read_to_string(&file).expect("the file can be read").contains("[slots] # keys"));
}

#[test]
fn every_saved_choice_is_read_back_unchanged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    for mouse in [MouseMode::On, MouseMode::Wheel, MouseMode::Off] {
        Config::save_change(&file, &SettingChange::Mouse(mouse)).expect("the choice can be saved");
        assert_eq!(Config::load(&file).expect("the config is valid").0.mouse, mouse);
    }
    for code in [CodeOverflow::Wrap, CodeOverflow::Scroll] {
        Config::save_change(&file, &SettingChange::Code(code)).expect("the choice can be saved");
        assert_eq!(Config::load(&file).expect("the config is valid").0.code, code);
    }
    for cells in [30, 72, 400] {
        Config::save_change(&file, &SettingChange::TextWidth(cells)).expect("the choice can be saved");
        assert_eq!(Config::load(&file).expect("the config is valid").0.text_width, cells);
    }
    for breaks in [LineBreaks::Keep, LineBreaks::Markdown, LineBreaks::Auto] {
        Config::save_change(&file, &SettingChange::LineBreaks(breaks)).expect("the choice can be saved");
        assert_eq!(Config::load(&file).expect("the config is valid").0.line_breaks, breaks);
    }
    for form in [CopyForm::Markdown, CopyForm::Plain, CopyForm::Rich, CopyForm::Auto] {
        Config::save_change(&file, &SettingChange::CopyAs(form)).expect("the choice can be saved");
        assert_eq!(Config::load(&file).expect("the config is valid").0.copy_as, form);
    }
}

#[test]
fn each_notification_setting_can_be_changed() {
    let notify = accepted("[notify]\nwhen = 'always'\nbell = false\ndesktop = 'osc777'\ntitle = false\n").notify;
    assert_eq!(
        notify,
        NotifyConfig { when: NotifyWhen::Always, bell: false, desktop: DesktopNotification::Osc777, title: false }
    );
    let hint = rejection("[notify]\ndesktop = true\n");
    assert!(hint.starts_with("config.toml:2: notify.desktop"), "{hint}");
}

#[test]
fn a_slot_can_be_added_to_an_inline_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, "slots = { 1 = 'a/b' }\nmodel = 'c/d'\n").expect("the file can be written");
    Config::save_change(&file, &SettingChange::Slot(2, "e/f".into())).expect("the slot can be saved");
    let (config, _) = Config::load(&file).expect("the config is valid");
    assert_eq!(config.slots, BTreeMap::from([(1, "a/b".into()), (2, "e/f".into())]));
    assert_eq!(config.model.as_deref(), Some("c/d"));
}

#[test]
fn adding_a_server_creates_the_file_and_its_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("new").join("config.toml");
    Config::set_endpoint(&file, "localhost", "http://localhost:11434/v1").expect("the endpoint can be saved");
    Config::save_change(&file, &SettingChange::Slot(1, "qwen3".into())).expect("the slot can be saved");
    assert_snapshot!(fs::read_to_string(&file).expect("the file can be read"), @r#"
    # Settings of ibid; assets/config.toml in its source code explains all of them.

    endpoint = "localhost"

    [endpoints.localhost]
    base_url = "http://localhost:11434/v1"

    [slots]
    1 = "qwen3"
    "#);
    Config::choose_endpoint(&file, "openrouter").expect("the built-in endpoint can be chosen");
    assert_eq!(Config::load(&file).expect("the config is valid").0.endpoint.as_deref(), Some("openrouter"));
    let left: Vec<_> = fs::read_dir(file.parent().expect("a folder")).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "nothing but the config is left behind: {left:?}");
}

#[test]
fn a_rejected_change_leaves_the_file_untouched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    let save_slot = |path: &Path, slot| Config::save_change(path, &SettingChange::Slot(slot, "a/b".into()));
    for (before, change) in [
        ("model = 'a/b'\n", (&|path: &Path| save_slot(path, 10)) as &dyn Fn(&Path) -> Result<(), ConfigProblem>),
        ("this is not toml\n", &|path: &Path| save_slot(path, 1)),
        ("model = 'a/b'\n", &|path: &Path| Config::set_endpoint(path, "x", "no address")),
        ("model = 'a/b'\n", &|path: &Path| Config::choose_endpoint(path, "nowhere")),
    ] {
        fs::write(&file, before).expect("the file can be written");
        change(&file).expect_err("the change is rejected");
        assert_eq!(fs::read_to_string(&file).expect("the file can be read"), before);
    }
}

#[cfg(unix)]
#[test]
fn a_symlinked_config_stays_a_symlink() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, link) = (folder.path().join("dotfile"), folder.path().join("config.toml"));
    fs::write(&file, "# mine\n").expect("the file can be written");
    std::os::unix::fs::symlink(&file, &link).expect("the link can be created");
    Config::save_change(&link, &SettingChange::Slot(1, "a/b".into())).expect("the slot can be saved");
    assert!(fs::symlink_metadata(&link).expect("the link exists").is_symlink());
    assert!(fs::read_to_string(&file).expect("the file can be read").contains("1 = \"a/b\""));
}

#[test]
fn an_invalid_tool_is_rejected_with_its_line() {
    let weather = "[[tool]]\nname = \"weather\"\nargv = [\"weather\"]\n";
    let complaints = [
        "[[tool]]\ndescription = \"x\"",
        "[[tool]]\nname = \"we ather\"\nargv = [\"w\"]",
        &format!("{weather}[[tool]]\nname = \"date\"\nargv = []"),
        &format!("{weather}\n{weather}"),
        &format!("{weather}parameters = \"{{not json\""),
        &format!("{weather}parameters = [1]"),
        &format!("{weather}timeout = 0"),
        &format!("{weather}env = [\"KEY=secret\"]"),
        &format!("{weather}policy = \"perhaps\""),
        "[tools.policy]\n\"git\" = \"allow\"",
        "[tools]\nparallel = 0",
        "[tools.hosted]\nmax_calls = 3\nstop_after_steps = 2",
    ]
    .map(rejection);
    assert_snapshot!(complaints.join("\n"), @r##"
    config.toml:1: tool.0: name is missing; for example name = "weather"
    config.toml:2: tool.0.name: not a valid tool name; use at most 48 letters, digits, - and _
    config.toml:6: tool.1.argv: the program is missing; for example argv = ["weather", "{city}"]
    config.toml:6: tool.1.name: there is another tool called "weather"
    config.toml:4: tool.0.parameters: the string is not JSON: key must be a string at line 1 column 2; for example { type = "object", properties = { city = { type = "string" } } }
    config.toml:4: tool.0.parameters: this is not a JSON Schema; for example { type = "object", properties = { city = { type = "string" } } }
    config.toml:4: tool.0.timeout: 0 is not between 1 and 86400; it is in seconds
    config.toml:4: tool.0.env: "KEY=secret" is not the name of an environment variable; list names only; the values come from your environment
    config.toml:4: unknown value `perhaps`; use one of `allow`, `ask`, `deny`
    config.toml:2: tools.policy.git: not the name of a tool; for example "git/log", "git/*" or "*"
    config.toml:2: tools.parallel: 0 is not between 1 and 64
    config.toml:2: tools.hosted.max_calls: it has no effect together with stop_after_…; keep one or the other
    "##);
    let (_, warnings) = parse(&format!("{weather}\n[[tool]]\nname = \"b\"\nargv = [\"b\"]\ntimeuot = 3"))
        .expect("the rest is accepted");
    assert_snapshot!(warnings[0].to_string(), @r##"config.toml:8: tool.1.timeuot: unknown setting, ignored; did you mean tool.1.timeout?"##);
}

#[test]
fn saving_a_consent_keeps_the_rest_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    fs::write(&path, "theme = \"ink\" # dark\n\n[tools]\nsteps = 9\n").expect("the file can be written");
    Config::save_change(&path, &SettingChange::AllowPageChecks).expect("the file can be written");
    let text = fs::read_to_string(&path).expect("the file can be read");
    assert_snapshot!(text, @r##"
    theme = "ink" # dark

    [tools]
    steps = 9

    [sources]
    check = "always"
    "##);
}

#[test]
fn only_rules_in_the_form_that_ibid_wrote_are_taken_for_its_own() {
    let text = r#"
[tools.policy]
"git/log" = "allow"
"git/show" = "allow" # mine
"git/diff" = "ask"
'git/status' = "allow"
"git/*" = "allow"
  "fs/read" = "allow"
"#;
    let config = accepted(text);
    assert_eq!(config.tools.written_rules, ["git/log".to_owned()].into());
    assert_eq!(config.tools.policy.len(), 6);
}
