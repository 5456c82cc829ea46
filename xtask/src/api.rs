//! The public API of each published crate as text, in `api/`: a change to it shows in review.
//!
//! The text comes from `cargo public-api`, which reads what nightly's rustdoc writes in JSON. That
//! format changes with the compiler, so the version of the tool is fixed here.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use crate::published::{CRATES, printed, program, root};

const TOOL: &str = "cargo-public-api";
const VERSION: &str = "0.52.0";
/// The first compiler whose JSON this version of the tool reads; the ones after it do until the
/// format changes.
const COMPILER: &str = "nightly-2026-05-20";

fn file(name: &str) -> PathBuf {
    root().join("api").join(format!("{name}.txt"))
}

/// Fails with advice if the tool is not there.
fn tool() -> Result<(), Box<dyn Error>> {
    let version = printed(program("cargo").args(["public-api", "--version"])).unwrap_or_default();
    if version.trim().ends_with(VERSION) {
        return Ok(());
    }
    let found = match version.trim() {
        "" => "none",
        version => version,
    };
    Err(format!(
        "this chore needs {TOOL} {VERSION} (found: {found}): \
         cargo install --locked {TOOL} --version {VERSION}"
    )
    .into())
}

/// Everything a crate with all its features offers, derived traits too: whether a secret has Clone
/// is part of what is reviewed.
fn text(name: &str) -> Result<String, Box<dyn Error>> {
    let mut command = program("cargo");
    command.env("RUSTUP_TOOLCHAIN", "nightly");
    command.args(["public-api", "--package", name, "--all-features"]);
    command.args(["--omit", "blanket-impls,auto-trait-impls"]);
    printed(&mut command).map_err(|error| {
        format!(
            "{error}\n{TOOL} {VERSION} read the output of {COMPILER}; if yours has another format, \
             say `rustup toolchain install {COMPILER}` and link it as nightly"
        )
        .into()
    })
}

/// Writes the text of all crates.
pub(crate) fn write() -> Result<(), Box<dyn Error>> {
    tool()?;
    fs::create_dir_all(root().join("api"))?;
    for name in CRATES {
        fs::write(file(name), text(name)?)?;
        println!("wrote api/{name}.txt");
    }
    Ok(())
}

/// Fails if the committed text of a crate is not its API, and prints what differs.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    tool()?;
    let mut stale = Vec::new();
    for name in CRATES {
        let committed = fs::read_to_string(file(name)).unwrap_or_default();
        let now = text(name)?;
        if committed != now {
            print!("{}", difference(&committed, &now));
            stale.push(name);
        }
    }
    if stale.is_empty() {
        println!("the API of {} crates is as committed", CRATES.len());
        return Ok(());
    }
    let stale = stale.join(", ");
    Err(format!("the API of {stale} changed: run `cargo xtask api` and commit the text").into())
}

/// The lines that are in one only; the order of the text says nothing.
fn difference(committed: &str, now: &str) -> String {
    let mut out = String::new();
    for (sign, from, other) in [('-', committed, now), ('+', now, committed)] {
        let known: std::collections::BTreeSet<&str> = other.lines().collect();
        for line in from.lines().filter(|line| !known.contains(line)) {
            out += &format!("{sign} {line}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_difference_names_what_went_and_what_came() {
        let text = super::difference("a\nb\n", "b\nc\n");
        assert_eq!(text, "- a\n+ c\n");
    }
}
