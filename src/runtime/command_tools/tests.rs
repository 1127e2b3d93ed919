#[cfg(unix)]
use serde_json::{Value, json};

#[cfg(unix)]
use super::*;

#[cfg(unix)]
mod with_programs {
    use std::{fs, os::unix::fs::MetadataExt};

    use uuid::Uuid;

    use super::*;
    use crate::{
        chat::{ItemSlot, TurnId},
        processes::tests::wait_until_gone,
        tools::ToolHints,
    };

    fn shell(script: &str) -> ToolCommand {
        ToolCommand {
            name: "test".into(),
            description: String::new(),
            parameters: json!({ "properties": { "text": {} } }),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            timeout_secs: 20,
            max_output_bytes: 1000,
            working_dir: None,
            inherited_env: Vec::new(),
            strict: false,
            hints: ToolHints::default(),
        }
    }

    fn call() -> CallId {
        CallId { turn: TurnId(Uuid::nil()), slot: ItemSlot { step: 0, index: 0 } }
    }

    async fn ended(command: ToolCommand, arguments: Value) -> Result<ToolOutcome, ToolFailure> {
        let (send, mut inbox) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        start(call(), command, arguments, &send, &mut tasks);
        loop {
            if let Msg::ToolEnded { result, .. } = inbox.recv().await.expect("it ends") {
                return result;
            }
        }
    }

    fn text(result: Result<ToolOutcome, ToolFailure>) -> (String, bool) {
        let outcome = result.expect("it ran");
        let [ToolContent::Text(text)] = &outcome.content[..] else { panic!("{outcome:?}") };
        (text.clone(), outcome.failed)
    }

    #[tokio::test]
    async fn arguments_come_on_standard_input_or_in_placeholders() {
        let arguments = json!({ "text": "$(id); ' \" \\ é" });
        assert_eq!(text(ended(shell("cat"), arguments.clone()).await), (arguments.to_string(), false));
        let mut placed = shell("printf %s \"$1\"");
        placed.argv.extend(["sh".into(), "{text}".into()]);
        assert_eq!(text(ended(placed, arguments).await).0, "$(id); ' \" \\ é");
        let deaf = shell("exec <&-; echo deaf");
        assert_eq!(text(ended(deaf, json!({ "text": "x".repeat(500_000) })).await).0, "deaf\n");
    }

    #[tokio::test]
    async fn the_result_says_how_the_program_ended() {
        assert_eq!(
            text(ended(shell("echo out; echo err >&2; exit 3"), json!({})).await),
            ("exit code 3\nout\n\nerr\n".into(), true)
        );
        assert_eq!(text(ended(shell("echo only >&2"), json!({})).await), ("only\n".into(), false));
        let killed = ended(shell("kill -9 $$"), json!({})).await.unwrap_err();
        assert!(killed.message().contains("signal: 9"), "{}", killed.message());
        let missing = ToolCommand { argv: vec!["/nowhere/at-all".into()], ..shell("") };
        let missing = ended(missing, json!({})).await.unwrap_err().message();
        assert!(missing.starts_with("it could not be started: /nowhere/at-all: "), "{missing}");
        let unplaced = ToolCommand { argv: vec!["echo".into(), "x{text}".into()], ..shell("") };
        assert_eq!(ended(unplaced, json!({})).await, Err(ToolFailure::Arguments("text is missing".into())));
    }

    #[tokio::test]
    async fn it_runs_in_its_folder_with_only_the_named_variables() {
        let folder = tempfile::tempdir().unwrap();
        let command = ToolCommand {
            working_dir: Some(folder.path().into()),
            inherited_env: vec!["CARGO_MANIFEST_DIR".into()],
            ..shell("pwd -P; env")
        };
        let (said, _) = text(ended(ToolCommand { max_output_bytes: 100_000, ..command }, json!({})).await);
        let here = folder.path().canonicalize().unwrap();
        assert_eq!(said.lines().next(), here.to_str());
        assert!(said.contains("\nCARGO_MANIFEST_DIR=") && said.contains("\nPATH="), "{said}");
        assert!(!said.contains("CARGO_PKG_NAME"), "{said}");
    }

    #[tokio::test]
    async fn output_is_bounded_and_the_time_limit_ends_an_endless_program() {
        let (said, _) = text(ended(shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end"), json!({})).await);
        assert!(said.len() < 1100 && said.contains("bytes left out") && said.ends_with("end\n"), "{said}");
        let endless = ToolCommand { timeout_secs: 1, ..shell("while :; do sleep 100; done") };
        assert_eq!(ended(endless, json!({})).await, Err(ToolFailure::TimedOut { seconds: 1 }));
    }

    #[tokio::test]
    async fn stopping_it_kills_its_child_processes() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo $! > child.half; echo $$ > own; mv child.half child; echo begun; wait";
        let command = ToolCommand { working_dir: Some(folder.path().into()), ..shell(script) };
        let (send, _inbox) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        let task = start(call(), command, json!({}), &send, &mut tasks);
        let begun = std::time::Instant::now();
        while !fs::metadata(folder.path().join("child")).is_ok_and(|file| file.size() > 0) {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not begin");
            tokio::task::yield_now().await;
        }
        task.abort();
        assert!(tasks.join_next().await.expect("there is a task").is_err_and(|error| error.is_cancelled()));
        for name in ["own", "child"] {
            wait_until_gone(&fs::read_to_string(folder.path().join(name)).unwrap());
        }
    }

    #[tokio::test]
    async fn a_background_process_does_not_delay_its_result() {
        let (said, _) = text(ended(shell("sleep 1000 & echo $!"), json!({})).await);
        wait_until_gone(&said);
    }
}
