//! The crates that are published, and how chores run programs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The published crates.
pub(crate) const CRATES: [&str; 14] = [
    "session-client",
    "session-community",
    "session-config",
    "session-crypto",
    "session-identity",
    "session-message",
    "session-network",
    "session-onion",
    "session-proto",
    "session-sdk",
    "session-services",
    "session-storage",
    "session-swarm",
    "session-types",
];

/// The published programs. They have no interface that others build on.
pub(crate) const PROGRAMS: [&str; 1] = ["session-localnet"];

/// The published crates that need std: they do I/O.
pub(crate) const WITH_STD: [&str; 1] = ["session-sdk"];

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The target folder of the workspace.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}

/// A program that runs in the workspace. The variables of the cargo that runs the chore are not for
/// another.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(root())
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    command
}

/// Runs it, and fails if it does.
pub(crate) fn done(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("failed: {command:?}").into()),
    }
}

/// Runs it, and returns what it printed; its errors are in the error.
pub(crate) fn printed(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output()?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        return Err(format!("failed: {command:?}\n{stderr}").into());
    }
    Ok(String::from_utf8(stdout)?)
}
