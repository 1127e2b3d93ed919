//! Citations: annotations become numbered sources, sources become claims, and claims are checked against their pages.

pub mod annotations;
pub mod charset;
pub mod check;
pub mod check_words;
pub mod claim;
pub mod html;
pub mod judge;
pub mod leftovers;
pub mod quote;
