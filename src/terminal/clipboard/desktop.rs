//! The clipboard of this machine's desktop, if the program was built with support for it.
//!
//! On X11 and Wayland a copied text is served by the program that copied it. A helper does that, which stays when we
//! are stopped or end, until something else is copied.

use super::{ClipboardTarget, CopiedText};

#[cfg(all(feature = "clipboard", target_os = "linux"))]
pub use holder::hold_clipboard;
#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
pub use system::hold_clipboard;

#[cfg(all(feature = "clipboard", target_os = "linux"))]
pub(crate) use holder::HeldClipboard as DesktopClipboard;
#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
pub(crate) use system::DirectClipboard as DesktopClipboard;

#[cfg(all(feature = "clipboard", target_os = "linux"))]
mod holder {
    use std::{
        io::{self, Read},
        process::Command,
        time::Duration,
    };

    use arboard::{Clipboard, LinuxClipboardKind, SetExtLinux};

    use super::{ClipboardTarget, CopiedText};
    use crate::processes;

    /// How soon a helper ends that does not reach the desktop.
    const FAILURE_TIMEOUT: Duration = Duration::from_millis(250);
    /// Stands between the text and the HTML; neither has control characters.
    const HTML_SEPARATOR: char = '\0';
    /// What the helper needs to reach the desktop; it gets no other variable.
    const VARIABLES: [&str; 6] =
        ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY", "HOME", "XDG_SESSION_TYPE"];

    /// The clipboard of the desktop, for which each copy starts a helper.
    pub(crate) struct HeldClipboard;

    impl HeldClipboard {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) const AVAILABLE: bool = true;

        /// Copies a text and returns whether the desktop accepted it.
        #[expect(clippy::unused_self, reason = "on other systems there is a connection")]
        pub(crate) fn copy(&mut self, copied: &CopiedText, target: ClipboardTarget) -> bool {
            let Ok(program) = std::env::current_exe() else { return false };
            let mut helper = Command::new(program);
            helper.arg("hold-clipboard").args((target == ClipboardTarget::Primary).then_some("--primary"));
            helper.env_clear().envs(VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
            helper.current_dir("/");
            let mut input = copied.text.clone();
            if let Some(html) = &copied.html {
                helper.arg("--html");
                input.push(HTML_SEPARATOR);
                input.push_str(html);
            }
            let ended = processes::start_detached(helper, Some(input), FAILURE_TIMEOUT);
            // One that has ended well has served its text already.
            ended.is_ok_and(|status| status.is_none_or(|status| status.success()))
        }
    }

    /// Serves the text on standard input to the desktop until something else is copied: what the helper does. With HTML,
    /// that follows the text after a separator.
    ///
    /// # Errors
    /// The desktop cannot be reached.
    pub fn hold_clipboard(target: ClipboardTarget, has_html: bool) -> io::Result<()> {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        let kind = match target {
            ClipboardTarget::Clipboard => LinuxClipboardKind::Clipboard,
            ClipboardTarget::Primary => LinuxClipboardKind::Primary,
        };
        let mut clipboard = Clipboard::new().map_err(io::Error::other)?;
        let set = clipboard.set().clipboard(kind).wait();
        let served = match text.split_once(HTML_SEPARATOR).filter(|_| has_html) {
            Some((text, html)) => set.html(html, Some(text)),
            None => set.text(text),
        };
        served.map_err(io::Error::other)
    }
}

#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
mod system {
    use std::io;

    use super::{ClipboardTarget, CopiedText};

    /// Fails: the system keeps what was copied, or the program was built without support for it.
    ///
    /// # Errors
    /// Always.
    pub fn hold_clipboard(_target: ClipboardTarget, _has_html: bool) -> io::Result<()> {
        Err(io::Error::other("the clipboard needs no helper here"))
    }

    /// The connection to the desktop, opened by the first copy.
    #[derive(Default)]
    pub(crate) struct DirectClipboard {
        #[cfg(feature = "clipboard")]
        clipboard: Option<arboard::Clipboard>,
    }

    impl DirectClipboard {
        pub(crate) fn new() -> Self {
            Self::default()
        }
    }

    #[cfg(feature = "clipboard")]
    impl DirectClipboard {
        pub(crate) const AVAILABLE: bool = true;

        /// Copies a text and returns whether the desktop accepted it.
        pub(crate) fn copy(&mut self, copied: &CopiedText, target: ClipboardTarget) -> bool {
            if self.clipboard.is_none() {
                self.clipboard = arboard::Clipboard::new().ok();
            }
            let Some(clipboard) = &mut self.clipboard else { return false };
            let set = |clipboard: &mut arboard::Clipboard| match &copied.html {
                Some(html) => clipboard.set_html(html.as_str(), Some(copied.text.as_str())),
                None => clipboard.set_text(copied.text.as_str()),
            };
            let is_copied = target == ClipboardTarget::Clipboard && set(clipboard).is_ok();
            if !is_copied {
                self.clipboard = None;
            }
            is_copied
        }
    }

    #[cfg(not(feature = "clipboard"))]
    impl DirectClipboard {
        pub(crate) const AVAILABLE: bool = false;

        pub(crate) fn copy(&mut self, _copied: &CopiedText, _target: ClipboardTarget) -> bool {
            false
        }
    }
}
