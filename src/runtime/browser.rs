//! The reader's browser, where there is one.

use std::env;

/// Opens a page; fails with the command that opens it where there is a browser.
///
/// # Errors
/// There is no screen here, as over SSH, or nothing that opens pages.
pub(super) fn open(url: &str) -> Result<(), String> {
    if has_screen(|name| env::var_os(name).is_some_and(|value| !value.is_empty())) && open::that(url).is_ok() {
        return Ok(());
    }
    Err(command(url))
}

/// Whether a window would appear before the reader.
fn has_screen(is_set: impl Fn(&str) -> bool) -> bool {
    let remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].into_iter().any(&is_set);
    let needs_display = cfg!(all(unix, not(target_os = "macos")));
    !remote && (!needs_display || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("WSL_DISTRO_NAME"))
}

/// What one would type, as a shell takes it.
fn command(url: &str) -> String {
    let program = open::commands(url).first().map(|command| command.get_program().to_string_lossy().into_owned());
    format!("{} '{}'", program.as_deref().unwrap_or("open"), url.replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_there_is_no_browser() {
        assert!(!has_screen(|name| name == "SSH_TTY" || name == "DISPLAY"));
        assert!(has_screen(|name| name == "DISPLAY"));
        assert_eq!(has_screen(|_| false), cfg!(any(target_os = "macos", windows)));
    }

    #[test]
    fn the_command_holds_the_address_whatever_is_in_it() {
        let command = command("https://a.example/it's;rm -rf $HOME");
        assert!(command.ends_with(" 'https://a.example/it%27s;rm -rf $HOME'"), "{command}");
    }
}
