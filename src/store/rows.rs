//! Messages to rows and back.
