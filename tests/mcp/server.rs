//! The MCP servers of the tests: this test binary, started again with `IBID_TEST_SERVER` in its environment.

// The protocol deprecates its logging and its server-to-client requests, but they are in wide use.
#![allow(deprecated)]

use std::{
    borrow::Cow,
    fs::File,
    io::{BufRead, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rmcp::{
    ErrorData, Peer, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CreateMessageRequestParams,
        CustomRequest, ElicitRequestParams, Implementation, InputRequiredResult, ListToolsResult, LoggingLevel,
        LoggingMessageNotificationParam, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion, Resource,
        SamplingMessage, ServerCapabilities, ServerConfig, ServerRequest, SetLevelRequestParams, SubscriptionFilter,
        Tool, ToolAnnotations,
    },
    service::{RequestContext, ServiceError, SubscriptionContext},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The environment variable that selects the kind of server.
pub const SERVER_KIND: &str = "IBID_TEST_SERVER";

/// The command that runs this binary as a server. The harness's own output is discarded; the server writes to the
/// original standard output through file descriptor 3.
pub fn server_command() -> (String, Vec<String>) {
    let exe = std::env::current_exe().expect("the executable is known").display().to_string();
    let script = "exec 3>&1 >/dev/null; exec \"$0\" --exact this_process_is_a_server --nocapture";
    ("sh".into(), vec!["-c".into(), script.into(), exe])
}

/// Runs a server of this kind, in a process that was started as one.
#[expect(clippy::disallowed_methods, reason = "the server of a test has nothing to give back")]
pub fn run_as(kind: &str) {
    let out = File::options().write(true).open("/dev/fd/3").expect("the harness was started by `arguments`");
    match kind {
        "crash" => {
            eprintln!("\u{1b}[31mno configuration\u{1b}[0m");
            std::process::exit(7);
        }
        "mute" => for_each_line(|_| ()),
        "flood" => flood(out),
        "endless" => endless(out),
        "picky" => picky(out),
        "scripted" => scripted(out),
        kind => run_sdk_server(kind, out),
    }
}

fn for_each_line(mut on_line: impl FnMut(&str)) {
    for line in std::io::stdin().lock().lines() {
        on_line(&line.expect("the input is UTF-8"));
    }
}

/// Floods its output with notifications and nonsense.
fn flood(mut out: File) {
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x".repeat(1000)}});
    let lines = format!("{notification}\nnonsense\n").repeat(100);
    while out.write_all(lines.as_bytes()).is_ok() {}
}

/// Sends one message that never ends.
fn endless(mut out: File) {
    let _ = out.write_all(b"{\"jsonrpc\": \"2.0\", \"x\": [");
    while out.write_all(&b"1,".repeat(10_000)).is_ok() {}
}

/// Exits on any request before `initialize`, as some old servers do.
#[expect(clippy::disallowed_methods, reason = "the server of a test has nothing to give back")]
fn picky(mut out: File) {
    for_each_line(|line| {
        let message: Value = serde_json::from_str(line).expect("the message is valid JSON");
        let result = match message["method"].as_str() {
            Some("initialize") => {
                json!({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {"name": "picky", "version": "0"}})
            }
            Some("tools/list") => json!({"tools": [{"name": "only", "inputSchema": {"type": "object"}}]}),
            Some("notifications/initialized") => return,
            _ => std::process::exit(1),
        };
        writeln!(out, "{}", json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
            .expect("the client is listening");
    });
}

/// The environment variable with the script of a scripted server.
pub const SCRIPT: &str = "IBID_TEST_SCRIPT";

/// Says what a script says: `before` at first, and of each method in `say` the text, in which `$ID` is the request's id.
/// Without one, it answers as a plain server with the tools `one` and `two` does.
#[expect(clippy::disallowed_methods, reason = "the server of a test has nothing to give back")]
fn scripted(mut out: File) {
    let script = std::env::var(SCRIPT).expect("there is a script");
    let script: Value = serde_json::from_str(&script).expect("the script is JSON");
    let mut say = |text: &str| out.write_all(text.as_bytes()).expect("the client is listening");
    say(script["before"].as_str().unwrap_or_default());
    for_each_line(|line| {
        let message: Value = serde_json::from_str(line).expect("the message is valid JSON");
        let (method, id) = (message["method"].as_str().unwrap_or_default(), &message["id"]);
        if let Some(words) = script["dies"][method].as_str() {
            eprint!("{words}");
            std::process::exit(4);
        }
        match script["say"][method].as_str() {
            Some(text) => say(&text.replace("$ID", &id.to_string())),
            None if id.is_null() => (),
            None => say(&(plain_reply(&message).to_string() + "\n")),
        }
    });
}

/// The reply of a plain server.
pub fn plain_reply(message: &Value) -> Value {
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": { "name": "s", "version": "1" },
        }),
        "tools/list" => {
            let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
            json!({ "tools": [tool("one"), tool("two")] })
        }
        "tools/call" => json!({ "content": [{ "type": "text", "text": "fine" }] }),
        method => {
            let error = json!({ "code": -32601, "message": format!("no {method}") });
            return json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
        }
    };
    json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })
}

fn run_sdk_server(kind: &str, out: File) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    runtime.block_on(async {
        if kind == "rubbish" {
            (&out)
                .write_all(
                    b"Server is listening\n\x1b]0;title\x07{ not json\n\n{\"level\": \"info\", \"msg\": \"started\"}\n",
                )
                .expect("the client is listening");
        }
        let input = tokio::fs::File::open("/dev/fd/0").await.expect("standard input can be opened");
        let transport = (input, tokio::fs::File::from_std(out));
        let served = EverythingServer::new(kind).serve(transport).await;
        if let Ok(service) = served {
            let _ = service.waiting().await;
        }
    });
}

/// A server that uses every feature of the protocol, and misbehaves on request.
#[derive(Clone)]
pub struct EverythingServer {
    /// Whether it supports no protocol newer than that of 2025.
    legacy_only: bool,
    paged: bool,
    shared: Arc<EverythingState>,
}

#[derive(Default)]
struct EverythingState {
    /// Whether its list has one more tool.
    has_grown: AtomicBool,
    list_changed: Notify,
    /// Whether the client has cancelled a call.
    was_cancelled: AtomicBool,
}

impl EverythingServer {
    pub fn new(kind: &str) -> Self {
        Self { legacy_only: kind != "new", paged: kind == "paged", shared: Arc::default() }
    }

    fn tools(&self) -> Vec<Tool> {
        let object = json!({"type": "object", "properties": {"text": {"type": "string"}}});
        let schema = Arc::new(object.as_object().expect("the schema is an object").clone());
        let tool = |name: &'static str| Tool::new(name, format!("what {name} does"), schema.clone());
        let hints = ToolAnnotations::from_raw(Some("Say it again".into()), Some(true), Some(false), None, Some(false));
        let mut tools = vec![tool("echo").with_annotations(hints)];
        tools.extend(
            [
                "everything",
                "fails",
                "refuses",
                "slow",
                "waits",
                "was_cancelled",
                "big",
                "crashes",
                "asks",
                "grows",
                "environment",
                "children",
                "logs",
                "asks_back",
                "pings",
            ]
            .map(tool),
        );
        if self.shared.has_grown.load(Ordering::SeqCst) {
            tools.push(tool("newcomer"));
        }
        tools
    }
}

impl ServerHandler for EverythingServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_tool_list_changed().enable_logging().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("everything", "1.2.3"))
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest = if self.legacy_only { ProtocolVersion::V_2025_11_25 } else { ProtocolVersion::LATEST };
        Cow::Borrowed(ProtocolVersion::known_up_to(&newest))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.tools();
        if !self.paged {
            return Ok(ListToolsResult::with_all_items(tools));
        }
        let from = request
            .and_then(|request| request.cursor)
            .map_or(0, |cursor| cursor.parse().expect("the cursor is one of ours"));
        let page: Vec<Tool> = tools.iter().skip(from).take(4).cloned().collect();
        let mut result = ListToolsResult::with_all_items(page);
        result.next_cursor = (from + 4 < tools.len()).then(|| (from + 4).to_string());
        Ok(result)
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.shared.list_changed.notified() => {
                    let _ = context.sink().notify_tool_list_changed().await;
                }
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the server of a test breaks down in every way")]
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        let text = |text: String| Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into());
        match request.name.as_ref() {
            "echo" => text(arguments["text"].as_str().unwrap_or_default().into()),
            "everything" => {
                let mut result = CallToolResult::structured(json!({"sum": 3}));
                result.content.extend([
                    ContentBlock::image("aW1hZ2U=", "image/png"),
                    ContentBlock::audio("c291bmQ=", "audio/wav"),
                    ContentBlock::embedded_text("file:///a.txt", "inside"),
                    ContentBlock::resource_link(Resource::new("https://a.b/c", "a page")),
                ]);
                Ok(result.into())
            }
            "fails" => Ok(CallToolResult::error(vec![ContentBlock::text("no such file")]).into()),
            "refuses" => Err(ErrorData::invalid_params("the text is missing", None)),
            "slow" => {
                let token = context.meta.get_progress_token().expect("the client asked for progress");
                for step in [1.0, 2.0] {
                    let progress =
                        ProgressNotificationParam::new(token.clone(), step).with_total(2.0).with_message("reading");
                    context.peer.notify_progress(progress).await.expect("the client is listening");
                }
                text("done".into())
            }
            "waits" => {
                self.log(&context.peer, "waiting").await;
                context.ct.cancelled().await;
                self.shared.was_cancelled.store(true, Ordering::SeqCst);
                self.log(&context.peer, "cancelled").await;
                text("too late".into())
            }
            "was_cancelled" => text(self.shared.was_cancelled.load(Ordering::SeqCst).to_string()),
            "big" => {
                let bytes = arguments["bytes"].as_u64().unwrap_or(50_000_000) as usize;
                text(format!("begin{}end", "0123456789".repeat(bytes / 10)))
            }
            "crashes" => {
                eprintln!("out of order");
                std::process::exit(3)
            }
            "asks" => text(self.send_client_requests(&context.peer).await.join("\n")),
            "grows" => {
                self.shared.has_grown.store(true, Ordering::SeqCst);
                if self.legacy_only {
                    context.peer.notify_tool_list_changed().await.expect("the client is listening");
                } else {
                    self.shared.list_changed.notify_one();
                }
                text("grown".into())
            }
            "environment" => {
                let mut names: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
                names.sort();
                text(names.join("\n"))
            }
            "children" => {
                let child = std::process::Command::new("/bin/sh")
                    .args(["-c", "trap '' TERM HUP; sleep 1000 & wait"])
                    .stdin(std::process::Stdio::null())
                    .spawn();
                text(format!("{} {}", std::process::id(), child.expect("the child process starts").id()))
            }
            "logs" => {
                self.log(&context.peer, "\u{1b}[2Jcleared\u{202e}").await;
                text(String::new())
            }
            "asks_back" => Ok(InputRequiredResult::from_request_state("more").into()),
            "pings" => {
                let ping = ServerRequest::PingRequest(rmcp::model::PingRequest::default());
                text(format!("{:?}", context.peer.send_request(ping).await.is_ok()))
            }
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }
}

impl EverythingServer {
    async fn log(&self, peer: &Peer<RoleServer>, message: &str) {
        let param = LoggingMessageNotificationParam::new(LoggingLevel::Warning, json!(message));
        peer.notify_logging_message(param).await.expect("the client is listening");
    }

    /// Sends every kind of request a server can make and returns the client's answers.
    async fn send_client_requests(&self, peer: &Peer<RoleServer>) -> Vec<String> {
        let sampling = CreateMessageRequestParams::new(vec![SamplingMessage::user_text("hi")], 16);
        let requests = [
            ServerRequest::CreateMessageRequest(rmcp::model::CreateMessageRequest::new(sampling)),
            ServerRequest::ListRootsRequest(rmcp::model::ListRootsRequest::default()),
            ServerRequest::ElicitRequest(rmcp::model::ElicitRequest::new(ElicitRequestParams::UrlElicitationParams {
                meta: None,
                message: "say who you are".into(),
                url: "https://a.b".into(),
                elicitation_id: "1".into(),
            })),
            ServerRequest::CustomRequest(CustomRequest::new("secrets/list", None)),
        ];
        let mut got = Vec::new();
        for request in requests {
            got.push(match peer.send_request(request).await {
                Err(ServiceError::McpError(error)) => format!("{} {}", error.code.0, error.message),
                other => format!("{other:?}"),
            });
        }
        got
    }
}
