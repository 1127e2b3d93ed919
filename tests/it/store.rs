//! The database: saved data survives a restart, whatever happens in between.

mod damaged_rows;
mod failures;
mod golden;
mod instances;
mod queue;
mod recordings;
mod reference_model;
pub mod round_trip;
mod saved;
mod source_checks;
pub mod test_database;
mod tree_marks;
