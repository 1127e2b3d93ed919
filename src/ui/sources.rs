//! Walking citations, and acting on their sources.

pub mod citation_actions;
