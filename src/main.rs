//! The `sogep` program: see `sogep --help`, and the crate for how it is made.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use sogep::command::{Arguments, run};

/// The work here is many small values that live for one request; this gives them out faster than the
/// system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What this program writes is for its user alone: the database, exports, messages.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let done = runtime.block_on(run(arguments));
    sogep::telemetry::end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure.to_string()),
    }
}

/// One clear line, and a code that says no.
fn failed(reason: &str) -> ExitCode {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "sogep: {reason}");
    ExitCode::FAILURE
}
