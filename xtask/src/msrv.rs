//! Compiles the published crates with the oldest compiler that they promise to support.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use crate::published::{CRATES, done, printed, program, root, target};

/// A feature that needs a newer compiler than its crate, for a dependency that does.
const NEWER: &str = "graviola";

/// Fails if a crate does not compile, or if a compiler cannot be had: `or_skip` makes the second a line
/// of text, for machines that cannot install a toolchain.
pub(crate) fn run(or_skip: bool) -> Result<(), Box<dyn Error>> {
    let manifest = |folder: &str| fs::read_to_string(root().join(folder).join("Cargo.toml"));
    let workspace = manifest(".")?;
    let usual = declared(&workspace).ok_or("no rust-version in Cargo.toml")?;
    let mut crates: BTreeMap<String, Vec<(&str, Vec<String>)>> = BTreeMap::new();
    for name in CRATES {
        let manifest = manifest(name)?;
        let version = declared(&manifest).unwrap_or(usual);
        let features = features(&manifest).filter(|feature| version != usual || *feature != NEWER);
        let features = features.map(|feature| format!("{name}/{feature}"));
        let of_version = crates.entry(version.into()).or_default();
        of_version.push((name, features.collect()));
    }
    for (version, crates) in crates {
        match compiler(&version) {
            Ok(compiler) => check(&compiler, &version, &crates)?,
            Err(error) if or_skip => {
                println!("not checked with Rust {version}, which cannot be had here: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Compiles crates without, with default and with all features.
fn check(
    compiler: &str,
    version: &str,
    crates: &[(&str, Vec<String>)],
) -> Result<(), Box<dyn Error>> {
    let all: Vec<&str> = crates
        .iter()
        .flat_map(|(_, features)| features.iter().map(String::as_str))
        .collect();
    let all = format!("--features={}", all.join(","));
    for features in [Some("--no-default-features"), None, Some(all.as_str())] {
        let mut check = program("cargo");
        check.env("RUSTUP_TOOLCHAIN", version);
        // The lints are those of the current compiler; an older one's judgement of them differs.
        check.env("RUSTFLAGS", "--cap-lints allow");
        check.args(["check", "--quiet", "--locked", "--target-dir"]);
        check.arg(target().join("msrv")).args(features);
        for (name, _) in crates {
            check.args(["--package", name]);
        }
        done(&mut check)?;
    }
    let names: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
    println!(
        "{compiler}: {} compile without, with default and with all features",
        names.join(", ")
    );
    Ok(())
}

/// Returns the version that a manifest declares.
fn declared(manifest: &str) -> Option<&str> {
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
}

/// Returns the features that a manifest declares.
fn features(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once(" = [")?.0))
        .filter(|name| *name != "default")
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
    use super::{declared, features};

    #[test]
    fn the_version_is_the_declared_one() {
        let manifest = "[workspace.package]\nedition = \"2024\"\nrust-version = \"1.88\"\n";
        assert_eq!(declared(manifest), Some("1.88"));
        assert_eq!(declared("[package]\n"), None);
    }

    #[test]
    fn features_are_those_of_their_table() {
        let manifest = "a = [\"b\"]\n[features]\ndefault = []\n# Text\none = [\"dep:x\"]\ntwo = []\n\n[dependencies]\nthree = []\n";
        assert_eq!(features(manifest).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(features("[dependencies]\nx = []\n").count(), 0);
    }
}
