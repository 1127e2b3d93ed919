//! The clipboard of this machine's desktop, if the program was built with support for it.

use super::ClipboardTarget;

/// The connection to the desktop, opened by the first copy.
#[derive(Default)]
pub(crate) struct DesktopClipboard {
    #[cfg(feature = "clipboard")]
    clipboard: Option<arboard::Clipboard>,
}

#[cfg(feature = "clipboard")]
impl DesktopClipboard {
    pub(super) const AVAILABLE: bool = true;

    /// Copies a text and returns whether the desktop accepted it. The desktop fetches it from us on paste.
    pub(super) fn copy(&mut self, text: &str, target: ClipboardTarget) -> bool {
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        let Some(clipboard) = &mut self.clipboard else { return false };
        let copied = set_text(clipboard, text, target);
        if !copied {
            self.clipboard = None;
        }
        copied
    }
}

#[cfg(all(feature = "clipboard", target_os = "linux"))]
fn set_text(clipboard: &mut arboard::Clipboard, text: &str, target: ClipboardTarget) -> bool {
    use arboard::{LinuxClipboardKind, SetExtLinux};
    let kind = match target {
        ClipboardTarget::Clipboard => LinuxClipboardKind::Clipboard,
        ClipboardTarget::Primary => LinuxClipboardKind::Primary,
    };
    clipboard.set().clipboard(kind).text(text).is_ok()
}

#[cfg(all(feature = "clipboard", not(target_os = "linux")))]
fn set_text(clipboard: &mut arboard::Clipboard, text: &str, target: ClipboardTarget) -> bool {
    target == ClipboardTarget::Clipboard && clipboard.set_text(text).is_ok()
}

#[cfg(not(feature = "clipboard"))]
impl DesktopClipboard {
    pub const AVAILABLE: bool = false;

    pub fn copy(&mut self, _text: &str, _target: ClipboardTarget) -> bool {
        false
    }
}
