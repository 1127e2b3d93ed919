//! The clipboard of this machine's desktop, if the program was built with support for it.
//!
//! On X11 and Wayland a copied text is served by the program that copied it. A helper does that, which stays when we
//! are stopped or end, until something else is copied.

use super::ClipboardTarget;

#[cfg(all(feature = "clipboard", target_os = "linux"))]
pub use holder::hold_clipboard;
#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
pub use system::hold_clipboard;

#[cfg(all(feature = "clipboard", target_os = "linux"))]
pub(crate) use holder::DesktopClipboard;
#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
pub(crate) use system::DesktopClipboard;

#[cfg(all(feature = "clipboard", target_os = "linux"))]
mod holder {
    use std::{
        io::{self, BufRead, BufReader, Read, Write},
        os::unix::process::CommandExt,
        process::{Child, Command, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };

    use arboard::{Clipboard, LinuxClipboardKind, SetExtLinux};

    use super::ClipboardTarget;

    /// How long the helper may take to reach the desktop.
    const READY_TIMEOUT: Duration = Duration::from_secs(2);
    const READY: &str = "ready";
    /// What the helper needs to reach the desktop; it gets no other variable.
    const VARIABLES: [&str; 6] =
        ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY", "HOME", "XDG_SESSION_TYPE"];

    /// The helpers that were started; one ends when something else is copied.
    #[derive(Default)]
    pub(crate) struct DesktopClipboard {
        helpers: Vec<Child>,
    }

    impl DesktopClipboard {
        pub const AVAILABLE: bool = true;

        /// Copies a text and returns whether the desktop accepted it.
        pub fn copy(&mut self, text: &str, target: ClipboardTarget) -> bool {
            self.helpers.retain_mut(|helper| matches!(helper.try_wait(), Ok(None)));
            let Ok(helper) = start_helper(text, target) else { return false };
            self.helpers.push(helper);
            true
        }
    }

    fn start_helper(text: &str, target: ClipboardTarget) -> io::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("hold-clipboard").args((target == ClipboardTarget::Primary).then_some("--primary"));
        command.env_clear().envs(VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A `^C` or a stop in the terminal is not for it.
        let mut helper = command.process_group(0).spawn()?;
        let (sender, receiver) = mpsc::channel();
        let (stdin, stdout, text) = (helper.stdin.take(), helper.stdout.take(), text.to_owned());
        // On its own thread, because a helper that hangs must not block the next copy.
        thread::Builder::new().name("clipboard helper".into()).spawn(move || {
            let mut line = String::new();
            if let (Some(mut stdin), Some(stdout)) = (stdin, stdout)
                && stdin.write_all(text.as_bytes()).is_ok()
            {
                drop(stdin);
                let _ = BufReader::new(stdout).read_line(&mut line); // An empty line is a failure too.
            }
            let _ = sender.send(line.trim() == READY); // Nobody may be waiting any more.
        })?;
        if receiver.recv_timeout(READY_TIMEOUT) == Ok(true) {
            return Ok(helper);
        }
        let _ = helper.kill(); // It may have ended just now.
        let _ = helper.wait();
        Err(io::ErrorKind::NotConnected.into())
    }

    /// Serves the text on standard input to the desktop until something else is copied: what the helper does.
    ///
    /// # Errors
    /// The desktop cannot be reached.
    pub fn hold_clipboard(target: ClipboardTarget) -> io::Result<()> {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        let mut clipboard = Clipboard::new().map_err(io::Error::other)?;
        let mut stdout = io::stdout();
        writeln!(stdout, "{READY}")?;
        stdout.flush()?;
        let kind = match target {
            ClipboardTarget::Clipboard => LinuxClipboardKind::Clipboard,
            ClipboardTarget::Primary => LinuxClipboardKind::Primary,
        };
        clipboard.set().clipboard(kind).wait().text(text).map_err(io::Error::other)
    }
}

#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
mod system {
    use std::io;

    use super::ClipboardTarget;

    /// Fails: the system keeps what was copied, or the program was built without support for it.
    ///
    /// # Errors
    /// Always.
    pub fn hold_clipboard(_target: ClipboardTarget) -> io::Result<()> {
        Err(io::Error::other("the clipboard needs no helper here"))
    }

    /// The connection to the desktop, opened by the first copy.
    #[derive(Default)]
    pub(crate) struct DesktopClipboard {
        #[cfg(feature = "clipboard")]
        clipboard: Option<arboard::Clipboard>,
    }

    #[cfg(feature = "clipboard")]
    impl DesktopClipboard {
        pub const AVAILABLE: bool = true;

        /// Copies a text and returns whether the desktop accepted it.
        pub fn copy(&mut self, text: &str, target: ClipboardTarget) -> bool {
            if self.clipboard.is_none() {
                self.clipboard = arboard::Clipboard::new().ok();
            }
            let Some(clipboard) = &mut self.clipboard else { return false };
            let copied = target == ClipboardTarget::Clipboard && clipboard.set_text(text).is_ok();
            if !copied {
                self.clipboard = None;
            }
            copied
        }
    }

    #[cfg(not(feature = "clipboard"))]
    impl DesktopClipboard {
        pub const AVAILABLE: bool = false;

        pub fn copy(&mut self, _text: &str, _target: ClipboardTarget) -> bool {
            false
        }
    }
}
