//! Compiles the published crates with the oldest compiler that they promise to support.

use std::error::Error;
use std::fs;

use crate::published::{CRATES, done, printed, program, root, target};

/// Each choice of features that a crate must compile with.
const FEATURES: [&[&str]; 3] = [&["--no-default-features"], &[], &["--all-features"]];

/// Fails if a crate does not compile, or if the compiler cannot be had: `or_skip` makes the second a
/// line of text, for machines that cannot install a toolchain.
pub(crate) fn run(or_skip: bool) -> Result<(), Box<dyn Error>> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let version = declared(&manifest).ok_or("no rust-version in Cargo.toml")?;
    let compiler = match compiler(version) {
        Ok(compiler) => compiler,
        Err(error) if or_skip => {
            println!("not checked with Rust {version}, which cannot be had here: {error}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for features in FEATURES {
        let mut check = program("cargo");
        check.env("RUSTUP_TOOLCHAIN", version);
        // The lints are those of the current compiler; an older one's judgement of them differs.
        check.env("RUSTFLAGS", "--cap-lints allow");
        check.args(["check", "--quiet", "--locked", "--target-dir"]);
        check.arg(target().join("msrv")).args(features);
        for name in CRATES {
            check.args(["--package", name]);
        }
        done(&mut check)?;
    }
    println!(
        "{compiler}: {} crates compile without, with default and with all features",
        CRATES.len()
    );
    Ok(())
}

/// Returns the version that the workspace declares.
fn declared(manifest: &str) -> Option<&str> {
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
}

/// The version that the compiler names, after installing it where it is missing.
fn compiler(version: &str) -> Result<String, Box<dyn Error>> {
    let ask = || {
        let mut rustc = program("rustc");
        printed(rustc.env("RUSTUP_TOOLCHAIN", version).arg("--version"))
    };
    let found = match ask() {
        Ok(found) => found,
        Err(_) => {
            let mut install = program("rustup");
            install.args(["toolchain", "install", version, "--profile", "minimal"]);
            printed(install.arg("--no-self-update"))?;
            ask()?
        }
    };
    Ok(found.trim().into())
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn the_version_is_the_declared_one() {
        let manifest = "[workspace.package]\nedition = \"2024\"\nrust-version = \"1.88\"\n";
        assert_eq!(declared(manifest), Some("1.88"));
        assert_eq!(declared("[package]\n"), None);
    }
}
