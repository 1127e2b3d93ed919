//! The clipboard of this machine's desktop, where the program was built with it.

use super::Target;

/// The connection to the desktop, made with the first text.
#[derive(Default)]
pub(super) struct Desktop {
    #[cfg(feature = "clipboard")]
    clipboard: Option<arboard::Clipboard>,
}

#[cfg(feature = "clipboard")]
impl Desktop {
    pub const AVAILABLE: bool = true;

    /// Whether the desktop has taken the text. It fetches it from us when somebody pastes.
    pub fn copy(&mut self, text: &str, target: Target) -> bool {
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        let Some(clipboard) = &mut self.clipboard else { return false };
        let copied = set(clipboard, text, target);
        if !copied {
            self.clipboard = None;
        }
        copied
    }
}

#[cfg(all(feature = "clipboard", target_os = "linux"))]
fn set(clipboard: &mut arboard::Clipboard, text: &str, target: Target) -> bool {
    use arboard::{LinuxClipboardKind, SetExtLinux};
    let kind = match target {
        Target::Clipboard => LinuxClipboardKind::Clipboard,
        Target::Primary => LinuxClipboardKind::Primary,
    };
    clipboard.set().clipboard(kind).text(text).is_ok()
}

#[cfg(all(feature = "clipboard", not(target_os = "linux")))]
fn set(clipboard: &mut arboard::Clipboard, text: &str, target: Target) -> bool {
    target == Target::Clipboard && clipboard.set_text(text).is_ok()
}

#[cfg(not(feature = "clipboard"))]
impl Desktop {
    pub const AVAILABLE: bool = false;

    pub fn copy(&mut self, _text: &str, _target: Target) -> bool {
        false
    }
}
