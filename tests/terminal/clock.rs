//! The system's clock is set back an hour while the program runs: what is due in a second is due in a second.

#![cfg(target_os = "linux")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Stage, newest_prompt, quit, report_skipped,
    safety::wait_on_disk,
    start_ready,
    support::{fake_server::FakeReply, pty::ProgramLaunch},
    text_reply, wait_idle,
};

/// Sets the clock of a program back an hour as soon as a file exists.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long behind(void) {
    const char *file = getenv("IBID_TEST_CLOCK");
    return file && access(file, F_OK) == 0 ? 3600 : 0;
}
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (id == CLOCK_REALTIME) at->tv_sec -= behind();
    return result;
}
"#;

/// Compiles the library; `None` without a C compiler.
#[expect(clippy::disallowed_methods, reason = "a test compiles a library")]
fn compile(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    fs::write(&source, LIBRARY).expect("a file");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").output();
    compiled.is_ok_and(|ended| ended.status.success()).then_some(library)
}

#[test]
fn checkpoints_drafts_and_retries_go_on_when_the_clock_is_set_back_an_hour() {
    let stage = Stage::set_up();
    let Some(library) = compile(stage.home.path()) else { return report_skipped(Path::new("a C compiler")) };
    let set_back = stage.home.path().join("set-back");
    let with_clock = |launch: ProgramLaunch| launch.env("LD_PRELOAD", &library).env("IBID_TEST_CLOCK", &set_back);
    let date = || {
        let output = with_clock(stage.launch_program("/bin/date", &["+%s"])).output("");
        String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().expect("seconds")
    };
    let before = date();
    let mut ibid = start_ready(with_clock(stage.launch()));
    stage.server.queue_reply(text_reply(&["Written before, ", "written behind, ", "and the end."]).gated());
    ibid.type_keys("one<enter>");
    let request = stage.server.next_request();
    request.release_many(7);
    ibid.wait_for("Written before");
    wait_on_disk(&stage.home, "Written before");

    fs::write(&set_back, "").expect("a file");
    assert!(date() < before - 3000, "the clock is set back");
    let begun = Instant::now();
    request.release();
    ibid.wait_for("written behind");
    wait_on_disk(&stage.home, "written behind");
    ibid.type_keys("half a thought");
    wait_on_disk(&stage.home, "half a thought");
    request.release_all();
    wait_idle(&ibid);

    let busy = json!({ "error": { "code": 429, "message": "Slow down" } });
    stage.server.queue_reply(FakeReply::json(429, &busy));
    stage.server.queue_reply(text_reply(&["The second time."]));
    ibid.type_keys("<enter>");
    stage.server.next_request();
    ibid.wait_for("waiting to retry");
    assert_eq!(newest_prompt(&stage.server.next_request()), "half a thought");
    ibid.wait_for("The second time.");
    wait_idle(&ibid);
    assert!(begun.elapsed() < Duration::from_mins(1), "nothing waited for the hour");
    quit(&mut ibid);
}
