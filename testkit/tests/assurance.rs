//! Claims of docs/assurance.md that can be counted without running anything.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn assurance() -> String {
    fs::read_to_string(root().join("docs/assurance.md")).unwrap()
}

/// The names of the files in a folder, without their endings.
fn stems(folder: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_fuzz_target_has_a_corpus_and_a_row() {
    let targets = stems("fuzz/fuzz_targets");
    assert_eq!(stems("fuzz/corpus"), targets);
    for target in &targets {
        let folder = format!("fuzz/corpus/{target}");
        assert!(!stems(&folder).is_empty(), "{folder}");
    }
    assert!(stems("fuzz/dictionaries").is_subset(&targets));

    let text = assurance();
    let (_, section) = text.split_once("## Fuzzing").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(name.to_owned())
    });
    assert_eq!(rows.collect::<BTreeSet<_>>(), targets);
    assert!(text.contains(&format!("| {} targets,", targets.len())));
}

#[test]
fn the_length_of_the_public_interface_is_the_stated_one() {
    let lines: usize = fs::read_dir(root().join("api"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|text| text.lines().count())
        .sum();
    let stated = format!("`api/`, {},{:03} lines", lines / 1000, lines % 1000);
    assert!(assurance().contains(&stated), "{stated}");
}
