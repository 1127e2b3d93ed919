//! Server-sent events: bytes in any chunks to the `data:` payloads of whole events.
