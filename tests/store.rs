//! The database: what is saved is there after a restart, whatever happened in between.

mod store {
    pub mod disk;
    mod failures;
    mod instances;
    mod model;
    mod recordings;
    mod saved;
}
