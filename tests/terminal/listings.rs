//! Listings in a shell: whole in a pipe, in the pager on a terminal, and what is said when there is nothing to list.

use std::process::Output;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{
    compose::catalogue,
    fake_server::{FakeReply, FakeServer, unreachable_url},
    pty::{ProgramLaunch, TestHome},
};

fn server() -> FakeServer {
    let server = FakeServer::start();
    server.set_page("/models", FakeReply::json(200, &catalogue()));
    server
}

fn run(home: &TestHome, server: &FakeServer, args: &[&str]) -> Output {
    ProgramLaunch::in_home(home).against(server).args(args.iter().copied()).output("")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn models_are_listed_with_their_prices_and_found_by_words() {
    let (home, server) = (TestHome::empty(), server());
    let all = run(&home, &server, &["models"]);
    let (listed, complaints) = texts(&all);
    assert_eq!((all.status.code(), complaints.as_str()), (Some(0), ""));
    assert_snapshot!(listed, @"
    MODEL                    $/M IN  $/M OUT  CONTEXT  CAN
    anthropic/claude-opus-5   $5.00   $25.00   200000  tools images reasoning
    openai/gpt-5.6-luna       $0.30    $2.40   200000  tools images reasoning
    openai/gpt-4.1-mini       $0.40    $1.60   200000  tools images
    ");
    let (found, _) = texts(&run(&home, &server, &["models", "opus"]));
    assert_eq!(found.lines().count(), 2, "{found}");
    let (json, _) = texts(&run(&home, &server, &["models", "--json", "4.1", "mini"]));
    let rows: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(rows[0]["id"], "openai/gpt-4.1-mini");
    assert_eq!((&rows[0]["input_usd_per_million_tokens"], rows.as_array().map(Vec::len)), (&json!("0.4"), Some(1)));
}

#[test]
fn what_cannot_be_listed_is_said_and_an_earlier_list_is_used_without_a_network() {
    let (home, server) = (TestHome::empty(), server());
    let none = run(&home, &server, &["models", "zzz"]);
    assert_eq!(none.status.code(), Some(1));
    assert_eq!(texts(&none), (String::new(), "ibid: openrouter has no model that matches “zzz”\n".to_owned()));

    let elsewhere = TestHome::empty();
    let args = ["models", "--base-url", &unreachable_url()];
    let offline = ProgramLaunch::in_home(&elsewhere).args(args).output("");
    let (listed, complaints) = texts(&offline);
    assert_eq!((offline.status.code(), listed.as_str()), (Some(1), ""));
    assert!(complaints.starts_with("ibid: the models of "), "{complaints}");
    assert_eq!(complaints.lines().count(), 1, "{complaints}");
}

#[test]
fn a_terminal_gets_the_listing_in_its_pager_and_without_one_as_it_is() {
    let (home, server) = (TestHome::empty(), server());
    let mut paged =
        ProgramLaunch::in_home(&home).against(&server).args(["models"]).env("PAGER", "sed s/^/page:/").start();
    paged.wait_for("page:openai/gpt-4.1-mini");
    assert!(paged.wait_exit().success());
    let missing = "no-such-pager-here";
    let mut plain = ProgramLaunch::in_home(&home).against(&server).args(["models"]).env("PAGER", missing).start();
    plain.wait_for("openai/gpt-4.1-mini");
    assert!(plain.wait_exit().success());
}

#[test]
fn bash_takes_the_completions_and_man_prints_a_page() {
    let (home, server) = (TestHome::empty(), server());
    let (script, complaints) = texts(&run(&home, &server, &["completions", "bash"]));
    assert_eq!(complaints, "");
    let bash = ProgramLaunch::with_program(std::path::Path::new("/bin/bash"), &home).args([
        "-c",
        &format!("{script}\nCOMP_WORDS=(ibid comp); COMP_CWORD=1; _ibid ibid comp ibid; echo \"${{COMPREPLY[@]}}\""),
    ]);
    assert_eq!(texts(&bash.output("")).0, "completions\n");
    let unknown = run(&home, &server, &["completions", "tcsh"]);
    assert_eq!(unknown.status.code(), Some(2));
    let (page, _) = texts(&run(&home, &server, &["man"]));
    assert!(page.contains(".TH ibid 1"), "{page}");
}
