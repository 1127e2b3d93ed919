//! Exporting: what is chosen about an export, and what looks like a secret in it.

pub mod export_sheet;
pub mod suspect_list;
