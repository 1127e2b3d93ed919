//! The models of a server, as rows of a picker.

pub mod model_rows;
#[cfg(test)]
mod picker_tests;
