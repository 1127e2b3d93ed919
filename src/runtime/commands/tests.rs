use serde_json::{Value, json};

use super::*;

#[test]
fn a_flood_is_kept_by_its_ends_whatever_its_pieces() {
    for piece in [1, 3, 7, 1000] {
        let mut kept = Kept { most: 10, ..Kept::default() };
        for chunk in b"abcdefghijklmnopqrstuvwxyz".chunks(piece) {
            kept.push(chunk);
            assert!(kept.head.len() + kept.tail.len() <= 10);
        }
        assert_eq!(kept.text(), "abcde\n[… 16 bytes were not kept …]\nvwxyz");
    }
    let mut kept = Kept { most: 10, ..Kept::default() };
    kept.push("ab日cd".as_bytes());
    assert_eq!(kept.text(), "ab日cd");
}

#[cfg(unix)]
mod with_programs {
    use std::{fs, os::unix::fs::MetadataExt};

    use rustix::process::{Pid, test_kill_process};
    use uuid::Uuid;

    use super::*;
    use crate::{
        chat::{Slot, TurnId},
        tools::Hints,
    };

    fn shell(script: &str) -> Command {
        Command {
            name: "test".into(),
            description: String::new(),
            parameters: json!({ "properties": { "text": {} } }),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            timeout: 20,
            max_output: 1000,
            folder: None,
            env: Vec::new(),
            strict: false,
            hints: Hints::default(),
        }
    }

    fn call() -> CallId {
        CallId { turn: TurnId(Uuid::nil()), slot: Slot { step: 0, index: 0 } }
    }

    async fn ended(command: Command, arguments: Value) -> Result<Outcome, Failure> {
        let (send, mut inbox) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        let _job = start(call(), command, &arguments, &send, &mut tasks);
        loop {
            if let Msg::ToolEnded { result, .. } = inbox.recv().await.expect("it ends") {
                return result;
            }
        }
    }

    fn text(result: Result<Outcome, Failure>) -> (String, bool) {
        let outcome = result.expect("it ran");
        let [Content::Text(text)] = &outcome.content[..] else { panic!("{outcome:?}") };
        (text.clone(), outcome.failed)
    }

    #[tokio::test]
    async fn arguments_come_on_standard_input_or_where_the_argv_has_a_place_for_them() {
        let arguments = json!({ "text": "$(id); ' \" \\ é" });
        assert_eq!(text(ended(shell("cat"), arguments.clone()).await), (arguments.to_string(), false));
        let mut placed = shell("printf %s \"$1\"");
        placed.argv.extend(["sh".into(), "{text}".into()]);
        assert_eq!(text(ended(placed, arguments).await).0, "$(id); ' \" \\ é");
        let deaf = shell("exec <&-; echo deaf");
        assert_eq!(text(ended(deaf, json!({ "text": "x".repeat(500_000) })).await).0, "deaf\n");
    }

    #[tokio::test]
    async fn how_it_ended_is_told_in_words() {
        assert_eq!(
            text(ended(shell("echo out; echo err >&2; exit 3"), json!({})).await),
            ("exit code 3\nout\n\nerr\n".into(), true)
        );
        assert_eq!(text(ended(shell("echo only >&2"), json!({})).await), ("only\n".into(), false));
        let killed = ended(shell("kill -9 $$"), json!({})).await.unwrap_err();
        assert!(killed.words().contains("signal: 9"), "{}", killed.words());
        let missing = Command { argv: vec!["/nowhere/at-all".into()], ..shell("") };
        let missing = ended(missing, json!({})).await.unwrap_err().words();
        assert!(missing.starts_with("it could not be started: /nowhere/at-all: "), "{missing}");
        let unplaced = Command { argv: vec!["echo".into(), "x{text}".into()], ..shell("") };
        assert_eq!(ended(unplaced, json!({})).await, Err(Failure::Arguments("text is missing".into())));
    }

    #[tokio::test]
    async fn it_gets_its_folder_and_of_the_environment_only_what_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let command = Command {
            folder: Some(folder.path().into()),
            env: vec!["CARGO_MANIFEST_DIR".into()],
            ..shell("pwd -P; env")
        };
        let (said, _) = text(ended(Command { max_output: 100_000, ..command }, json!({})).await);
        let here = folder.path().canonicalize().unwrap();
        assert_eq!(said.lines().next(), here.to_str());
        assert!(said.contains("\nCARGO_MANIFEST_DIR=") && said.contains("\nPATH="), "{said}");
        assert!(!said.contains("CARGO_PKG_NAME"), "{said}");
    }

    #[tokio::test]
    async fn a_flood_takes_bounded_room_and_the_time_limit_ends_what_does_not_end() {
        let (said, _) = text(ended(shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end"), json!({})).await);
        assert!(said.len() < 1100 && said.contains("bytes were not kept") && said.ends_with("end\n"), "{said}");
        let endless = Command { timeout: 1, ..shell("while :; do sleep 100; done") };
        assert_eq!(ended(endless, json!({})).await, Err(Failure::TimedOut { seconds: 1 }));
    }

    /// Ends when there is no such process, or only one that nobody has looked after yet.
    fn wait_until_gone(pid: i32) {
        let pid = Pid::from_raw(pid).unwrap();
        let is_gone = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
        };
        let begun = std::time::Instant::now();
        while !is_gone() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{pid:?} is left");
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn stopping_it_ends_it_with_all_that_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo $! > child.half; echo $$ > own; mv child.half child; echo begun; wait";
        let command = Command { folder: Some(folder.path().into()), ..shell(script) };
        let (send, _inbox) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        let job = start(call(), command, &json!({}), &send, &mut tasks).expect("it starts");
        let begun = std::time::Instant::now();
        while !fs::metadata(folder.path().join("child")).is_ok_and(|file| file.size() > 0) {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not begin");
            tokio::task::yield_now().await;
        }
        drop(job);
        for name in ["own", "child"] {
            let pid = fs::read_to_string(folder.path().join(name)).unwrap();
            wait_until_gone(pid.trim().parse().unwrap());
        }
    }

    #[tokio::test]
    async fn what_it_leaves_running_does_not_hold_its_answer() {
        let (said, _) = text(ended(shell("sleep 1000 & echo $!"), json!({})).await);
        wait_until_gone(said.trim().parse().unwrap());
    }
}
