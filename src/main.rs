//! Parses arguments, runs, reports the error.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A client that some crate makes without it would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    ibid::cli::run()
}
