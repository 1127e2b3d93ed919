//! Opens pages in the user's browser.

use std::{env, time::Duration};

use crate::processes;

/// How long to wait for a program that opens pages. One that is still running then is opening the page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens a page. On failure, returns the command that opens it on a machine with a browser.
///
/// # Errors
/// There is no screen, as over SSH, or no program that opens pages.
pub fn open(url: &str) -> Result<(), String> {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if can_show_window(is_set) && open::commands(url).into_iter().any(opens_page) {
        Ok(())
    } else {
        Err(open_command(url))
    }
}

/// Runs one of the programs that may open pages here.
fn opens_page(command: std::process::Command) -> bool {
    processes::start_detached(command, None, PATIENCE).is_ok_and(|status| status.is_none_or(|status| status.success()))
}

/// Whether the user would see a window.
fn can_show_window(is_set: impl Fn(&str) -> bool) -> bool {
    let remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].into_iter().any(&is_set);
    let needs_display = cfg!(all(unix, not(target_os = "macos")));
    !remote && (!needs_display || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("WSL_DISTRO_NAME"))
}

/// The command that opens the page, quoted for a shell.
fn open_command(url: &str) -> String {
    let program = open::commands(url).first().map(|command| command.get_program().to_string_lossy().into_owned());
    format!("{} '{}'", program.as_deref().unwrap_or("open"), url.replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_there_is_no_browser() {
        assert!(!can_show_window(|name| name == "SSH_TTY" || name == "DISPLAY"));
        assert!(can_show_window(|name| name == "DISPLAY"));
        assert_eq!(can_show_window(|_| false), cfg!(any(target_os = "macos", windows)));
    }

    #[test]
    fn the_command_quotes_any_address() {
        let command = open_command("https://a.example/it's;rm -rf $HOME");
        assert!(command.ends_with(" 'https://a.example/it%27s;rm -rf $HOME'"), "{command}");
    }
}
