#![no_main]

#[path = "../../tests/support/fuzz_checks.rs"]
#[allow(dead_code, reason = "the other checks are other targets")]
mod fuzz_checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::check_input(bytes));
