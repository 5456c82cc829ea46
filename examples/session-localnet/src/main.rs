//! The command `session-localnet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    session_localnet::main()
}
