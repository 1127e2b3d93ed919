//! A conversation in ibid's own JSON form.

use super::document::ExportDocument;
use crate::exchange::portable::PortableConversation;

/// Writes what a document shows as JSON.
pub(super) fn write(document: &ExportDocument<'_>) -> String {
    portable(document).to_json() + "\n"
}

/// The conversation in the JSON form, with what is left out of it and masked.
pub(super) fn portable(document: &ExportDocument<'_>) -> PortableConversation {
    PortableConversation { extent: document.extent, ..PortableConversation::new(document.whole) }
}
