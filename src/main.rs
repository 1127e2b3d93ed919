//! The entry point of the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A dependency that creates a TLS client without a provider would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    ibid::cli::run()
}
