//! Builds the published crates for targets that have no std at all, and runs a message in WebAssembly.
//!
//! Toolchains installed with rustup bring `core` and `alloc` for one target only, and a build machine
//! need not be able to fetch more. Debian's `rust-web-src` is the source of both, from which its
//! `cargo-web` builds them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::published::{CRATES, WITH_STD, done, printed, program, root, target};

const WASM: &str = "wasm32-unknown-unknown";
const TARGETS: [&str; 2] = ["thumbv7em-none-eabi", WASM];
/// All features but the one that asks an operating system for random bytes.
const FEATURES: &str = "session-identity/all-languages,session-identity/legacy-names,\
    session-onion/aes-cbc,session-proto/protobuf,session-crypto/v2,session-identity/v2,\
    session-message/v2,session-config/v2";
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
/// Required files, and the packages that contain them.
const NEEDED: [(&str, &str); 5] = [
    (RUSTC, "rustc-web"),
    (CARGO, "cargo-web"),
    ("/usr/lib/rustlib/src", "rust-web-src"),
    ("/usr/bin/wasm-ld", "lld"),
    ("/usr/bin/node", "nodejs"),
];

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    install()?;
    println!("{}", printed(Command::new(RUSTC).arg("--version"))?.trim());
    for target in TARGETS {
        let mut build = cargo(&root(), target);
        let without_std = CRATES.iter().filter(|name| !WITH_STD.contains(name));
        for name in without_std.clone() {
            build.args(["--package", name]);
        }
        done(build.args(["--features", FEATURES]))?;
        println!("{target}: {} crates build", without_std.count());
    }
    let folder = root().join("checks/wasm");
    done(&mut cargo(&folder, WASM))?;
    let module = folder_of_targets()
        .join(WASM)
        .join("release/check_wasm.wasm");
    done(Command::new("node").arg(folder.join("run.mjs")).arg(module))
}

/// Installs what is missing, as Debian knows it.
fn install() -> Result<(), Box<dyn Error>> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(path, _)| !Path::new(path).exists())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    done(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]);
    done(install.args(missing))
}

fn folder_of_targets() -> PathBuf {
    target().join("targets")
}

/// A build with Debian's compiler, of `core` and `alloc` too.
fn cargo(folder: &Path, target: &str) -> Command {
    let mut cargo = program(CARGO);
    cargo
        .current_dir(folder)
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Debian has its linker under this name.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
        .args(["build", "--quiet", "--release", "-Zbuild-std=core,alloc"])
        .args(["--target", target, "--target-dir"])
        .arg(folder_of_targets());
    cargo
}
