//! Migrations, in order, never edited.
