//! `ibid login` and `ibid logout`: a key from OpenRouter through the browser, and its removal.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::Arc,
    thread,
};

use secrecy::SecretString;
use tokio::{sync::mpsc, time::Instant};

use super::{CliError, ProgramExit, env, launch::LaunchSettings, tokio_runtime};
use crate::{
    api::sign_in::read_pasted_code,
    console,
    runtime::{
        browser,
        connect::save_checked_key,
        servers::ApiServer,
        sign_in::{APPROVAL_LIMIT, SignInAttempt, SignInStep, refusal_words},
    },
};

/// Signs in, and saves the key that the server gives.
pub(super) fn log_in(settings: &LaunchSettings, open_browser: bool) -> Result<ProgramExit, CliError> {
    let server = first_server(settings)?;
    let tokio = tokio_runtime()?;
    let saved = tokio.block_on(sign_in(&server, open_browser));
    tokio.shutdown_background();
    saved.map_err(CliError::failure)?;
    console::print_line("Signed in. The key is stored in a file only you can read.");
    Ok(ProgramExit::Done)
}

/// Removes the saved key.
pub(super) fn log_out(settings: &LaunchSettings) -> Result<ProgramExit, CliError> {
    let server = first_server(settings)?;
    let sources = server.key_places().ok_or_else(|| CliError::failure(format!("{} takes no key", server.name)))?;
    let had_key = sources.forget().map_err(|error| CliError::failure(error.to_string()))?;
    if let Some(first) = sources.overriding_source(&env) {
        return Err(CliError::failure(format!("the key of {} comes from {first}; remove it there", server.name)));
    }
    if had_key {
        console::print_line(&format!("The key of {} is removed from this machine.", server.name));
    } else {
        console::print_line(&format!("There is no saved key of {}.", server.name));
    }
    Ok(ProgramExit::Done)
}

fn first_server(settings: &LaunchSettings) -> Result<Arc<ApiServer>, CliError> {
    let servers = settings.servers()?;
    for complaint in settings.warnings(&servers) {
        console::complain(&complaint);
    }
    servers.first().ok_or_else(|| CliError::failure("there is no server; name one in the config".into()))
}

/// Returns once a key is stored, or why there is none.
async fn sign_in(server: &Arc<ApiServer>, open_browser: bool) -> Result<(), String> {
    let mut attempt = SignInAttempt::begin(server).await?;
    let has_opened = match attempt.browser_url() {
        Some(url) if open_browser => {
            console::report(&format!(
                "Open this address, if no browser window opens, and approve ibid there:\n\n  {url}\n"
            ));
            tokio::task::spawn_blocking(move || browser::open(&url)).await.is_ok_and(|opened| opened.is_ok())
        }
        _ => false,
    };
    if !has_opened {
        let url = attempt.code_url();
        console::report(&format!("In a browser on any machine, open this address; it gives you a code:\n\n  {url}\n"));
    }
    let can_paste = io::stdin().is_terminal();
    console::report(if can_paste {
        "Then wait, or paste the code here:"
    } else {
        "Then wait, or write the code to standard input."
    });
    let (sender, mut pasted) = mpsc::channel(1);
    // The end of standard input gives up only what nothing else can bring.
    let _still_waits = has_opened.then(|| sender.clone());
    read_codes(sender);
    let deadline = Some(Instant::now() + APPROVAL_LIMIT);
    loop {
        let code = match attempt.next_step(&mut pasted, deadline).await {
            SignInStep::Code(code) => code,
            SignInStep::Denied(reason) => return Err(format!("OpenRouter gave no key: {reason}")),
            SignInStep::TimedOut => return Err("nobody approved it within ten minutes; try again".into()),
            SignInStep::Abandoned => return Err("there was no code on standard input".into()),
        };
        match attempt.exchange(server, &code).await {
            Ok(key) => {
                let saved = save_checked_key(server, key).await;
                attempt.finish().await;
                return saved;
            }
            Err(error) if can_paste => console::complain(&refusal_words(&error)),
            Err(error) => return Err(refusal_words(&error)),
        }
    }
}

/// Passes on the codes that are written to standard input, in a thread of its own: a read cannot be given up.
fn read_codes(sender: mpsc::Sender<SecretString>) {
    let read = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match read_pasted_code(&line) {
                Ok(code) => {
                    if sender.blocking_send(code).is_err() {
                        return;
                    }
                }
                Err(reason) => console::complain(&reason),
            }
        }
    };
    let _ = thread::Builder::new().name("codes".into()).spawn(read); // Without it, the browser can still come back.
}
