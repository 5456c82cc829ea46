//! What `cargo package` puts into each published crate: listed, small, and nothing that is not
//! meant for its users.

use std::error::Error;
use std::fs;

use crate::published::{CRATES, PROGRAMS, done, printed, program, target};

/// Packed bytes that a crate may have.
const LIMIT: u64 = 200 << 10;

/// Files that every package has.
const REQUIRED: [&str; 5] = [
    "Cargo.toml",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// Files that cargo adds.
const ADDED: [&str; 3] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];

/// Folders of a crate that belong to its users: code, examples, and what the code is made of.
const FOLDERS: [&str; 4] = ["src/", "examples/", "proto/", "wordlists/"];

/// A fault in a list of files.
fn faults(files: &[&str]) -> Vec<String> {
    let missing = REQUIRED
        .iter()
        .filter(|name| !files.contains(name))
        .map(|name| format!("{name} is missing"));
    let unexpected = files
        .iter()
        .filter(|file| !REQUIRED.contains(file) && !ADDED.contains(file))
        .filter(|file| !FOLDERS.iter().any(|folder| file.starts_with(folder)))
        .map(|file| format!("{file} is not for users"));
    missing.chain(unexpected).collect()
}

/// Packs all crates and programs without building them, and prints a row for each. Cargo refuses one that
/// depends on a package that is not published.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let all = || CRATES.into_iter().chain(PROGRAMS);
    let mut pack = program("cargo");
    pack.args(["package", "--quiet", "--no-verify", "--allow-dirty"]);
    for name in all() {
        pack.args(["--package", name]);
    }
    done(&mut pack)?;
    let mut found_in_all = Vec::new();
    println!("| crate | files | packed |");
    println!("|---|---|---|");
    for name in all() {
        let list = ["package", "--list", "--allow-dirty", "--package", name];
        let list = printed(program("cargo").args(list))?;
        let files: Vec<&str> = list.lines().collect();
        let packed = fs::metadata(target().join("package").join(file_name(name)?))?.len();
        println!(
            "| `{name}` | {} | {} KiB |",
            files.len(),
            packed.div_ceil(1024)
        );
        let mut found = faults(&files);
        if packed > LIMIT {
            found.push(format!("{packed} bytes are more than {LIMIT}"));
        }
        found_in_all.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    match found_in_all.is_empty() {
        true => Ok(()),
        false => Err(found_in_all.join("\n").into()),
    }
}

/// `name-version.crate`, with the version that the manifest states.
fn file_name(name: &str) -> Result<String, Box<dyn Error>> {
    let id = printed(program("cargo").args(["pkgid", "--package", name]))?;
    let (_, version) = id
        .trim()
        .rsplit_once(['#', '@'])
        .ok_or("cargo pkgid has another form")?;
    Ok(format!("{name}-{version}.crate"))
}

#[cfg(test)]
mod tests {
    use super::{REQUIRED, faults};

    #[test]
    fn only_what_users_need_is_packed() {
        let mut files = REQUIRED.to_vec();
        files.extend(["Cargo.lock", "src/lib.rs", "src/a/b.rs", "proto/a.proto"]);
        assert_eq!(faults(&files), [""; 0]);
        files.extend(["tests/vectors.rs", "notes.txt"]);
        assert_eq!(faults(&files).len(), 2);
    }

    #[test]
    fn a_package_without_its_licence_is_refused() {
        assert_eq!(faults(&REQUIRED[1..]), ["Cargo.toml is missing"]);
    }
}
