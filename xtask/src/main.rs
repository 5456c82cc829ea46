//! Chores of this workspace, run as `cargo xtask <chore>`.

mod api;
mod msrv;
mod package;
mod proto;
mod published;
mod targets;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <chore>

chores:
    proto            generate session-proto/src/schema/ from session-proto/proto/
    proto --check    fail if what is committed there is stale
    api              write the public API of the published crates to api/
    api --check      fail if what is committed there is stale
    package          list what the packages of the published crates weigh, fail on files not meant
    msrv             compile the published crates with the oldest Rust they support
    msrv --or-skip   the same, but pass where that Rust cannot be had
    targets          build the published crates for targets without std, and run one in Node.js
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["proto"] => proto::write(),
        ["proto", "--check"] => proto::check(),
        ["api"] => api::write(),
        ["api", "--check"] => api::check(),
        ["package"] => package::run(),
        ["msrv"] => msrv::run(false),
        ["msrv", "--or-skip"] => msrv::run(true),
        ["targets"] => targets::run(),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
