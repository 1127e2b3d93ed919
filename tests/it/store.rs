//! The database: saved data survives a restart, whatever happens in between.

mod damaged_rows;
mod failures;
mod full_disk;
mod golden;
mod instances;
mod queue;
mod recordings;
mod reference_model;
mod repairs;
pub mod round_trip;
mod saved;
mod schemas;
mod searching;
mod source_checks;
pub mod test_database;
mod trash;
mod upgrades;
