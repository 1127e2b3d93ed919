//! The config file: what it may say, what is said about a wrong one, and how it is written back.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use ibid::config::{
    Chosen, Code, CommandTool, Complaint, Config, ContextSize, Cutoff, Desktop, Dialect, EFFORTS, EXAMPLE, Endpoint,
    Glyphs, Hosted, Keys, Limits, McpServer, Mouse, Notify, Percentile, Price, Reasoning, Search, SearchForm, Show,
    Summary, Timeouts, Tools, When,
};
use ibid::tools::Verdict;
use insta::assert_snapshot;

fn parse(text: &str) -> Result<(Config, Vec<Complaint>), Complaint> {
    Config::parse(text, Path::new("config.toml"))
}

/// The one sentence about a config that is refused.
fn refused(text: &str) -> String {
    parse(text).expect_err("this config is wrong").to_string()
}

fn fine(text: &str) -> Config {
    let (config, complaints) = parse(text).expect("this config is right");
    assert_eq!(complaints, []);
    config
}

#[test]
fn the_example_as_it_stands_is_the_default() {
    assert_eq!(fine(EXAMPLE), Config::default());
}

/// Every `# key = value` and `# [table]` of the example, made real.
fn uncommented() -> String {
    let real = |line: &str| {
        let bare = line.strip_prefix("# ")?;
        let key = bare.split(" =").next().unwrap_or_default();
        let setting = bare.contains(" = ") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (setting || bare.starts_with('[')).then(|| bare.to_owned())
    };
    EXAMPLE.lines().map(|line| real(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_example_with_every_setting_taken_out_of_its_comment_is_understood_whole() {
    let config = fine(&uncommented());
    let slots = [(1, "anthropic/claude-opus-5".to_owned()), (2, "openai/gpt-5.6".to_owned())];
    let local = Endpoint { base_url: "http://localhost:11434/v1".into(), ..Endpoint::default() };
    let work = Endpoint {
        base_url: "https://llm.example.com/v1".into(),
        key_env: Some("WORK_LLM_KEY".into()),
        key_command: ["pass", "show", "work/llm"].map(str::to_owned).into(),
        dialect: Some(Dialect::Other),
        stream: true,
        timeouts: Timeouts { first_byte: Some(600.0), ..Timeouts::default() },
    };
    let openrouter =
        Endpoint { key_command: ["pass", "show", "openrouter"].map(str::to_owned).into(), ..Endpoint::default() };
    let files = McpServer {
        command: Some("npx".into()),
        args: ["-y", "@modelcontextprotocol/server-filesystem", "."].map(str::to_owned).into(),
        inherit: ["PATH", "HOME"].map(str::to_owned).into(),
        env: [("LANG".into(), "C.UTF-8".into())].into(),
        cwd: Some("/home/me/project".into()),
        ..McpServer::default()
    };
    let tools = McpServer {
        url: Some("https://mcp.example.com/mcp".into()),
        bearer_env: Some("WORK_MCP_TOKEN".into()),
        headers: [("X-Team".into(), "docs".into())].into(),
        ..McpServer::default()
    };
    let key = |keys: &[&str], line| Keys { keys: keys.iter().map(ToString::to_string).collect(), line: line as u32 };
    let line =
        |start: &str| 1 + EXAMPLE.lines().position(|line| line.starts_with(start)).expect("a line of the example");
    let weather = CommandTool {
        name: "weather".into(),
        description: "The weather of a city now".into(),
        parameters: serde_json::json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }),
        argv: ["weather-cli", "--", "{city}"].map(str::to_owned).into(),
        folder: Some("~/weather".into()),
        env: vec!["WEATHER_KEY".into()],
        policy: Some(Verdict::Allow),
        read_only: Some(true),
        destructive: Some(false),
        ..CommandTool::default()
    };
    let hosted = Hosted { on: vec!["datetime".into()], max_calls: Some(10), ..Hosted::default() };
    let expected = Config {
        tools: Tools { hosted, ..Tools::default() },
        tool: vec![weather],
        model: Some("anthropic/claude-opus-5".into()),
        endpoint: Some("openrouter".into()),
        effort: Some("medium".into()),
        system: Some("Answer in plain words.".into()),
        temperature: Some(1.0),
        top_p: Some(1.0),
        max_output_tokens: Some(8000),
        search: Search {
            form: SearchForm::Tool,
            engine: Some("auto".into()),
            max_results: Some(5),
            max_total_results: Some(20),
            context_size: Some(ContextSize::Medium),
            allowed_domains: vec!["doc.rust-lang.org".into()],
            excluded_domains: vec![],
        },
        timeouts: Timeouts {
            connect: Some(10.0),
            first_byte: Some(120.0),
            silence_warn: Some(60.0),
            silence_stop: Some(180.0),
        },
        provider: ibid::config::Provider {
            order: vec!["anthropic".into(), "google-vertex".into()],
            only: vec!["anthropic".into()],
            ignore: vec!["deepinfra".into()],
            allow_fallbacks: Some(true),
            require_parameters: Some(false),
            data_collection: Some(ibid::config::DataCollection::Allow),
            zdr: Some(false),
            quantizations: vec!["fp8".into(), "bf16".into()],
            sort: Some("price".into()),
            partition: Some(ibid::config::Partition::Model),
            enforce_distillable_text: Some(false),
            max_price: ibid::config::MaxPrice {
                prompt: Some(Price("1.5".into())),
                completion: Some(Price("10".into())),
                ..ibid::config::MaxPrice::default()
            },
            preferred_max_latency: Some(Cutoff::All(3.0)),
            preferred_min_throughput: Some(Cutoff::All(20.0)),
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
        ..Config::default()
    };
    assert_eq!(config, expected);
    assert_eq!(config.limits("work"), Limits { first_byte: Duration::from_mins(10), ..Limits::default() });
    assert_eq!(config.limits("local"), Limits::default());
}

#[test]
fn the_words_of_the_enums_are_those_of_the_example() {
    let config = fine(
        "glyphs = 'ascii'\nlist = 'hide'\nreasoning = { show = 'show', summary = 'none' }\n[search]\nform = 'plugin'\ncontext_size = 'high'",
    );
    assert_eq!((config.glyphs, config.list), (Glyphs::Ascii, Show::Hide));
    assert_eq!(config.reasoning, Reasoning { show: Show::Show, summary: Summary::None });
    assert_eq!((config.search.form, config.search.context_size), (SearchForm::Plugin, Some(ContextSize::High)));
}

#[test]
fn the_highest_price_and_the_speed_are_written_in_more_than_one_way() {
    let config =
        fine("[provider]\nmax_price = { prompt = '0.25', image = 2 }\npreferred_max_latency = { p90 = 2.5, p50 = 1 }");
    let price = &config.provider.max_price;
    assert_eq!(price.named().collect::<Vec<_>>(), [("prompt", "0.25"), ("image", "2")]);
    let of = BTreeMap::from([(Percentile::P50, 1.0), (Percentile::P90, 2.5)]);
    assert_eq!(config.provider.preferred_max_latency, Some(Cutoff::Of(of)));
    for (wrong, says) in [
        ("max_price = { prompt = 'cheap' }", "cheap is no amount of dollars"),
        ("max_price = { prompt = -1 }", "-1 is no amount of dollars"),
        ("max_price = 3", "should be a table"),
        ("preferred_max_latency = 'soon'", "should be a number"),
        ("preferred_max_latency = { p51 = 1 }", "should be a number"),
        ("partition = 'all'", "model"),
    ] {
        let said = refused(&format!("[provider]\n{wrong}\n"));
        assert!(said.contains(says) && said.contains("config.toml:2"), "{wrong}: {said}");
    }
    let (_, complaints) = parse("[provider.max_price]\nprompts = 1\n").expect("it is not fatal");
    assert!(complaints[0].to_string().contains("did you mean provider.max_price.prompt?"), "{}", complaints[0]);
    for (wrong, meant) in [
        ("[sources]\nchek = 'always'", "sources.check"),
        ("[sorces]\n", "sources"),
        ("[tools]\nwiat = 3", "tools.wait"),
    ] {
        let (_, complaints) = parse(wrong).expect("it is not fatal");
        let said = complaints[0].to_string();
        assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
    }
}

#[test]
fn the_efforts_are_those_of_the_wire() {
    assert_eq!(EFFORTS, ibid::chat::Effort::ALL.map(ibid::chat::Effort::name));
}

#[test]
fn an_unknown_key_is_reported_with_its_line_and_the_rest_counts() {
    let (config, complaints) =
        parse("model = 'a/b'\ntemprature = 1\n\n[search]\nengines = 'exa'\n\n[endpoints.x]\nbase_url = 'http://x/v1/'\nzzz = 1\n[colours]\n")
            .expect("unknown keys are not fatal");
    assert_eq!(config.model.as_deref(), Some("a/b"));
    assert_eq!(config.endpoints["x"].base_url, "http://x/v1");
    let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert_snapshot!(said.join("\n"));
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_line_and_column() {
    assert_snapshot!(refused("model = 'a/b'\neffort: high\n"));
    assert_snapshot!(refused("{\"model\": \"a/b\"}"));
    assert_snapshot!(refused("model = 'a'\nmodel = 'b'\n"));
}

#[test]
fn a_value_that_cannot_be_is_refused_with_its_key_line_and_what_would_do() {
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
    let said: Vec<String> =
        wrong.iter().map(|text| format!("{text}\n    {}\n", refused(&format!("# first\n{text}\n")))).collect();
    assert_snapshot!(said.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence_and_a_missing_one_is_the_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    assert_eq!(Config::load(&file), Ok((Config::default(), vec![])));

    let said = |path: &Path| {
        let complaint = Config::load(path).expect_err("this cannot be loaded").to_string();
        complaint.replace(&folder.path().display().to_string(), "FOLDER")
    };
    assert_snapshot!(said(folder.path()), @"FOLDER: this is a directory, not a file; remove it, or name another file with --config");
    fs::write(&file, b"model = 'a/b'\nsystem = '\xff'\n").expect("a file");
    assert_snapshot!(said(&file), @"FOLDER/config.toml:2: the file is not UTF-8 text; save it as UTF-8, or move it away");
    let beneath = file.join("config.toml");
    assert_snapshot!(said(&beneath), @"FOLDER/config.toml/config.toml: the file cannot be read (Not a directory (os error 20)); correct that, or name another file with --config");
}

#[test]
fn a_slot_is_written_back_and_comments_and_order_stay() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    let before =
        "# mine\nmodel = 'a/b' # the usual\n\n[slots] # keys\n2 = 'c/d' # second\n\n[search]\nengine = 'exa'\n";
    fs::write(&file, before).expect("a file");
    Config::keep(&file, &Chosen::Slot(2, "e/f".into())).expect("a slot");
    Config::keep(&file, &Chosen::Slot(9, "g/h:online".into())).expect("a slot");
    assert_snapshot!(fs::read_to_string(&file).expect("the file"), @r#"
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
fn a_theme_is_written_back_and_comments_and_order_stay() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, "# mine\ntheme = 'ink' # at night\nweb = true\n\n[slots]\n1 = 'a/b'\n").expect("a file");
    Config::keep(&file, &Chosen::Theme("nord".into())).expect("a theme");
    let after = "# mine\ntheme = \"nord\" # at night\nweb = true\n\n[slots]\n1 = 'a/b'\n";
    assert_eq!(fs::read_to_string(&file).expect("the file"), after);

    fs::write(&file, "# mine\n[slots] # keys\n1 = 'a/b'\n").expect("a file");
    Config::keep(&file, &Chosen::Theme("auto".into())).expect("a theme");
    let (config, complaints) = Config::load(&file).expect("a config");
    assert_eq!((config.theme.as_str(), config.slots.len(), complaints), ("auto", 1, vec![]));
    assert!(fs::read_to_string(&file).expect("the file").contains("[slots] # keys"));
}

#[test]
fn every_choice_that_is_kept_is_read_again_as_it_was_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    for mouse in [Mouse::On, Mouse::Wheel, Mouse::Off] {
        Config::keep(&file, &Chosen::Mouse(mouse)).expect("a choice");
        assert_eq!(Config::load(&file).expect("a config").0.mouse, mouse);
    }
    for code in [Code::Wrap, Code::Scroll] {
        Config::keep(&file, &Chosen::Code(code)).expect("a choice");
        assert_eq!(Config::load(&file).expect("a config").0.code, code);
    }
}

#[test]
fn what_is_told_elsewhere_can_be_switched_off_bit_by_bit() {
    let notify = fine("[notify]\nwhen = 'always'\nbell = false\ndesktop = 'osc777'\ntitle = false\n").notify;
    assert_eq!(notify, Notify { when: When::Always, bell: false, desktop: Desktop::Osc777, title: false });
    let hint = refused("[notify]\ndesktop = true\n");
    assert!(hint.starts_with("config.toml:2: notify.desktop"), "{hint}");
}

#[test]
fn an_inline_table_of_slots_takes_another_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, "slots = { 1 = 'a/b' }\nmodel = 'c/d'\n").expect("a file");
    Config::keep(&file, &Chosen::Slot(2, "e/f".into())).expect("a slot");
    let (config, _) = Config::load(&file).expect("a config");
    assert_eq!(config.slots, BTreeMap::from([(1, "a/b".into()), (2, "e/f".into())]));
    assert_eq!(config.model.as_deref(), Some("c/d"));
}

#[test]
fn a_server_is_added_to_a_file_and_a_folder_that_were_not_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("new").join("config.toml");
    Config::set_endpoint(&file, "localhost", "http://localhost:11434/v1").expect("an endpoint");
    Config::keep(&file, &Chosen::Slot(1, "qwen3".into())).expect("a slot");
    assert_snapshot!(fs::read_to_string(&file).expect("the file"), @r#"
    # Settings of ibid. assets/config.toml in its source explains all of them.

    endpoint = "localhost"

    [endpoints.localhost]
    base_url = "http://localhost:11434/v1"

    [slots]
    1 = "qwen3"
    "#);
    Config::choose_endpoint(&file, "openrouter").expect("the built-in endpoint");
    assert_eq!(Config::load(&file).expect("a config").0.endpoint.as_deref(), Some("openrouter"));
    let left: Vec<_> = fs::read_dir(file.parent().expect("a folder")).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "nothing but the config is left behind: {left:?}");
}

#[test]
fn a_wrong_change_or_a_change_of_a_wrong_file_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    let on_slot = |path: &Path, slot| Config::keep(path, &Chosen::Slot(slot, "a/b".into()));
    for (before, change) in [
        ("model = 'a/b'\n", (&|path: &Path| on_slot(path, 10)) as &dyn Fn(&Path) -> Result<(), Complaint>),
        ("this is not toml\n", &|path: &Path| on_slot(path, 1)),
        ("model = 'a/b'\n", &|path: &Path| Config::set_endpoint(path, "x", "no address")),
        ("model = 'a/b'\n", &|path: &Path| Config::choose_endpoint(path, "nowhere")),
    ] {
        fs::write(&file, before).expect("a file");
        change(&file).expect_err("this is wrong");
        assert_eq!(fs::read_to_string(&file).expect("the file"), before);
    }
}

#[cfg(unix)]
#[test]
fn a_config_that_is_a_link_stays_a_link() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, link) = (folder.path().join("dotfile"), folder.path().join("config.toml"));
    fs::write(&file, "# mine\n").expect("a file");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    Config::keep(&link, &Chosen::Slot(1, "a/b".into())).expect("a slot");
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(fs::read_to_string(&file).expect("the file").contains("1 = \"a/b\""));
}

#[test]
fn a_tool_that_cannot_be_is_refused_with_its_line() {
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
    .map(refused);
    assert_snapshot!(complaints.join("\n"), @r##"
    config.toml:1: tool.0: name is missing; it looks like name = "weather"
    config.toml:2: tool.0.name: models cannot call it so; letters, digits, - and _ only, at most 48 of them
    config.toml:6: tool.1.argv: the program is missing; it looks like argv = ["weather", "{city}"]
    config.toml:6: tool.1.name: there is another tool called "weather"
    config.toml:4: tool.0.parameters: the string is not JSON: key must be a string at line 1 column 2; it looks like { type = "object", properties = { city = { type = "string" } } }
    config.toml:4: tool.0.parameters: this is not a JSON Schema; it looks like { type = "object", properties = { city = { type = "string" } } }
    config.toml:4: tool.0.timeout: 0 is not between 1 and 86400; it counts seconds
    config.toml:4: tool.0.env: "KEY=secret" is not the name of an environment variable; only names stand here; their values come from your environment
    config.toml:4: there is no `perhaps`, only `allow`, `ask`, `deny`
    config.toml:2: tools.policy.git: this names no tool; it looks like "git/log", "git/*" or "*"
    config.toml:2: tools.parallel: 0 is not between 1 and 64
    config.toml:2: tools.hosted.max_calls: it does not count beside stop_after_…; keep one or the other
    "##);
    let (_, odd) =
        parse(&format!("{weather}\n[[tool]]\nname = \"b\"\nargv = [\"b\"]\ntimeuot = 3")).expect("the rest counts");
    assert_snapshot!(odd[0].to_string(), @r##"config.toml:8: tool.1.timeuot: there is no such setting, it is ignored; did you mean tool.1.timeout?"##);
}

#[test]
fn a_rule_and_a_consent_are_put_into_the_file_beside_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("config.toml");
    fs::write(&path, "theme = \"ink\" # dark\n\n[tools]\nsteps = 9\n").expect("it can be written");
    Config::keep(&path, &Chosen::Checks).expect("it can be written");
    Config::keep(&path, &Chosen::Tool("git/log".into())).expect("it can be written");
    Config::keep(&path, &Chosen::Tool("command/weather".into())).expect("it can be written");
    let text = fs::read_to_string(&path).expect("it is there");
    assert_snapshot!(text, @r##"
    theme = "ink" # dark

    [tools]
    steps = 9

    [tools.policy]
    "git/log" = "allow"
    "command/weather" = "allow"

    [sources]
    check = "always"
    "##);
    assert_eq!(fine(&text).tools.policy.len(), 2);
}
