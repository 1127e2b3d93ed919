//! Queued prompts and two running instances: each prompt is sent once, whoever is killed when.

use rustix::process::Signal;

use crate::{
    Stage, input_messages, newest_prompt, quit, safety::wait_on_disk, start_ready, support::pty::Pty, take_choice,
    text_reply, wait_idle,
};

/// Starts an instance whose first answer is still streaming, with a prompt behind it.
fn start_with_queue(stage: &Stage, prompt: &str) -> Pty {
    let mut ibid = stage.open();
    stage.server.queue_reply(text_reply(&["An answer ", "that goes on."]).gated());
    ibid.type_keys("one<enter>");
    let request = stage.server.next_request();
    request.release_many(7);
    ibid.wait_for("An answer");
    ibid.type_keys(&format!("{prompt}<enter>"));
    ibid.wait_for("queued");
    wait_on_disk(&stage.home, prompt);
    wait_on_disk(&stage.home, "An answer");
    ibid
}

/// Stops the answer, so that the queue waits for a key, and kills the program.
fn stop_and_kill(stage: &Stage, ibid: &mut Pty) {
    ibid.type_keys("<esc>");
    ibid.wait_for("stopped by you");
    wait_on_disk(&stage.home, "\"stopped\"");
    ibid.send_signal(Signal::KILL);
    ibid.wait_exit();
}

#[test]
fn a_queue_of_another_running_instance_is_marked_and_cannot_be_sent_until_that_ends() {
    let stage = Stage::set_up();
    let mut owner = start_with_queue(&stage, "patience");
    let mut other = stage.reopen();
    other.wait_for("queued in another running ibid");
    other.wait_for("patience");
    other.type_keys("<enter>");
    other.wait_for("another running ibid holds this prompt");
    other.type_keys("<up>");
    assert_eq!(stage.request_count(), 1, "nothing was sent");

    owner.send_signal(Signal::KILL);
    owner.wait_exit();
    other.type_keys("<ctrl-c><enter>");
    other.wait_until_gone("in another running ibid");
    stage.server.queue_reply(text_reply(&["One again."]));
    stage.server.queue_reply(text_reply(&["Patience it is."]));
    take_choice(&mut other, "<enter>", "continue");
    stage.server.next_request();
    assert_eq!(newest_prompt(&stage.server.next_request()), "patience");
    other.wait_for("Patience it is.");
    wait_idle(&other);
    quit(&mut other);
    let again = stage.reopen();
    again.wait_for("Patience it is.");
    assert!(!again.screen().contains("queued"), "it waits no longer");
    assert_eq!(stage.request_count(), 3);
}

#[test]
fn two_instances_that_both_see_a_left_prompt_send_it_once() {
    let stage = Stage::set_up();
    let mut dead = start_with_queue(&stage, "only once");
    stop_and_kill(&stage, &mut dead);

    let (mut one, mut two) = (stage.reopen(), stage.reopen());
    for ibid in [&one, &two] {
        ibid.wait_for("send now");
    }
    stage.server.queue_reply(text_reply(&["Answered here."]));
    one.type_keys("<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "only once");
    one.wait_for("Answered here.");
    wait_idle(&one);
    wait_on_disk(&stage.home, "Answered here.");
    two.wait_for("Answered here.");
    two.type_keys("<enter>");
    two.type_keys("<ctrl-x>l");
    two.wait_for("Conversations");
    assert!(!two.screen().contains("send now"));
    assert_eq!(stage.request_count(), 2);
    quit(&mut one);
    quit(&mut two);
}

/// Kills the program when the prompt has left the queue on disk, and before its request has left the program.
#[test]
fn a_prompt_whose_instance_is_killed_before_its_request_leaves_stands_there_with_its_key() {
    let stage = Stage::set_up();
    let mut dead = start_with_queue(&stage, "left waiting");
    stop_and_kill(&stage, &mut dead);

    // Its tools never come, and its request waits for them.
    let usual = std::fs::read_to_string(stage.home.config_file()).expect("the config");
    stage
        .home
        .configure(&format!("{usual}\n[mcp.slow]\ncommand = \"/bin/sleep\"\nargs = [\"600\"]\n[tools]\nwait = 600\n"));
    let mut waiting = stage.reopen();
    waiting.wait_for("send now");
    waiting.type_keys("<enter>");
    waiting.wait_for("waiting for tools");
    waiting.send_signal(Signal::KILL);
    waiting.wait_exit();
    assert_eq!(stage.request_count(), 1);

    stage.home.configure(&usual);
    let mut ibid = stage.reopen();
    ibid.wait_for("left waiting");
    ibid.wait_for("The prompt was not answered.");
    assert!(!ibid.screen().contains("queued"), "it is a message now");
    stage.server.queue_reply(text_reply(&["At last."]));
    take_choice(&mut ibid, "<enter>", "try again");
    assert_eq!(newest_prompt(&stage.server.next_request()), "left waiting");
    ibid.wait_for("At last.");
    wait_idle(&ibid);
    assert_eq!(stage.request_count(), 2);
    quit(&mut start_ready(stage.launch()));
}

#[test]
fn what_another_instance_did_is_listed_and_can_be_opened() {
    let stage = Stage::set_up();
    let mut first = stage.open();
    let mut second = stage.open();
    second.type_keys("<ctrl-x>l");
    second.wait_for("None yet");
    stage.exchange(&mut first, "Asked in the first window", "Answered there.");
    second.wait_for("Asked in the first");
    wait_on_disk(&stage.home, "Answered there.");
    second.type_keys("g<enter>");
    second.wait_for("Answered there.");
}

#[test]
fn a_conversation_open_in_two_windows_is_read_again_and_goes_on_from_its_end() {
    let stage = Stage::set_up();
    let mut first = stage.open();
    stage.exchange(&mut first, "Asked first", "Answered first.");
    wait_on_disk(&stage.home, "Answered first.");
    let mut second = stage.reopen();
    second.wait_for("Answered first.");
    stage.exchange(&mut first, "Asked next", "Answered next.");
    quit(&mut first); // Now all of it is on disk.
    second.send(b"\x1b[I");
    second.wait_for("Answered next.");
    let request = stage.exchange(&mut second, "Asked last", "Answered last.");
    assert_eq!(input_messages(&request).len(), 5, "it is no branch beside the other window's");
}
