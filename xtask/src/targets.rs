//! Builds the published crates for targets that have no std at all, and runs a message in WebAssembly.
//!
//! Toolchains installed with rustup bring `core` and `alloc` for one target only, and a build machine
//! need not be able to fetch more. Debian's `rust-web-src` is the source of both, from which its
//! `cargo-web` builds them.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// What is published, and so must build anywhere.
pub const CRATES: [&str; 6] = [
    "session-crypto",
    "session-identity",
    "session-message",
    "session-onion",
    "session-proto",
    "session-swarm",
];
const TARGETS: [&str; 2] = ["thumbv7em-none-eabi", "wasm32-unknown-unknown"];
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";

pub fn run() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    install()?;
    for target in TARGETS {
        for name in CRATES {
            let mut build = cargo(&root, target);
            done(build.args(["--package", name]))?;
        }
        println!("{target}: {} crates build", CRATES.len());
    }
    let folder = root.join("checks/wasm");
    done(&mut cargo(&folder, "wasm32-unknown-unknown"))?;
    let module = target_folder(&root).join("wasm32-unknown-unknown/release/check_wasm.wasm");
    done(Command::new("node").arg(folder.join("run.mjs")).arg(module))
}

/// Installs the packages that are missing, as Debian knows them.
fn install() -> Result<(), Box<dyn Error>> {
    let source = Path::new("/usr/lib/rustlib/src");
    if Path::new(RUSTC).exists() && Path::new(CARGO).exists() && source.exists() {
        return Ok(());
    }
    done(Command::new("apt-get").arg("update"))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]);
    done(install.args(PACKAGES))
}

fn target_folder(root: &Path) -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), Into::into)
        .join("targets")
}

/// A build with Debian's compiler, of `core` and `alloc` too.
fn cargo(folder: &Path, target: &str) -> Command {
    let mut cargo = Command::new(CARGO);
    cargo
        .current_dir(folder)
        // The variables of the cargo that runs this chore are not for the other one.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Debian has its linker under this name.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
        .args(["build", "--quiet", "--release", "-Zbuild-std=core,alloc"])
        .args(["--target", target, "--target-dir"])
        .arg(target_folder(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        ));
    cargo
}

fn done(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("failed: {command:?}").into()),
    }
}
