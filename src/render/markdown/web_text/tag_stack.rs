//! The inline elements that are open, so that whatever a text opens and closes, the page stays well-formed.

/// Open elements, the outermost first.
#[derive(Debug, Default)]
pub(super) struct TagStack {
    tags: Vec<OpenTag>,
}

#[derive(Debug)]
struct OpenTag {
    name: &'static str,
    /// It comes from HTML in the text, not from Markdown.
    is_raw: bool,
    /// Nothing was written for it.
    is_silent: bool,
}

impl TagStack {
    pub(super) fn open(&mut self, name: &'static str, out: &mut String) {
        out.extend(["<", name, ">"]);
        self.tags.push(OpenTag { name, is_raw: false, is_silent: false });
    }

    /// Opens an element that has attributes.
    pub(super) fn open_with(&mut self, name: &'static str, tag: &str, out: &mut String) {
        out.push_str(tag);
        self.tags.push(OpenTag { name, is_raw: false, is_silent: false });
    }

    /// Notes an element for which nothing is written.
    pub(super) fn open_silent(&mut self, name: &'static str) {
        self.tags.push(OpenTag { name, is_raw: false, is_silent: true });
    }

    pub(super) fn open_raw(&mut self, name: &'static str, tag: &str, out: &mut String) {
        out.push_str(tag);
        self.tags.push(OpenTag { name, is_raw: true, is_silent: tag.is_empty() });
    }

    /// Closes an element of Markdown, with the HTML that is open in it.
    pub(super) fn close(&mut self, name: &'static str, out: &mut String) {
        if let Some(at) = self.tags.iter().rposition(|tag| tag.name == name && !tag.is_raw) {
            self.close_from(at, out);
        }
    }

    /// Closes an element of HTML, unless it was opened outside of the Markdown that is open now.
    pub(super) fn close_raw_named(&mut self, name: &'static str, out: &mut String) {
        let inner = self.tags.iter().rposition(|tag| !tag.is_raw).map_or(0, |at| at + 1);
        if let Some(at) = self.tags[inner..].iter().rposition(|tag| tag.name == name) {
            self.close_from(inner + at, out);
        }
    }

    /// Closes all HTML that is open.
    pub(super) fn close_raw(&mut self, out: &mut String) {
        if let Some(at) = self.tags.iter().position(|tag| tag.is_raw) {
            self.close_from(at, out);
        }
    }

    pub(super) fn has_link(&self) -> bool {
        self.tags.iter().any(|tag| tag.name == "a" && !tag.is_silent)
    }

    fn close_from(&mut self, at: usize, out: &mut String) {
        for tag in self.tags.drain(at..).rev().filter(|tag| !tag.is_silent) {
            out.extend(["</", tag.name, ">"]);
        }
    }
}
