//! Library code never replaces a value that must be there by an empty one.
//!
//! `unwrap_or_default()`, and a copy that stops at the shorter of two lengths, turn a bug into a wrong
//! result. Where absent really means empty, a comment that begins with `// Absent:` says why.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// Calls that hide a missing value.
const SILENT: [&str; 4] = [
    "unwrap_or_default()",
    "copy_prefix(",
    "unwrap_or(&[0;",
    "unwrap_or([0;",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The lines with a fallback that no comment explains. Tests at the end of a file are left out.
fn silent(text: &str) -> Vec<usize> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines: Vec<&str> = code.lines().map(str::trim_start).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("//") || !SILENT.iter().any(|pattern| line.contains(pattern)) {
            continue;
        }
        // The comment may stand above the statement, which may begin some lines earlier.
        let above = &lines[index.saturating_sub(5)..index];
        if !above.iter().any(|line| line.starts_with("// Absent: ")) {
            found.push(index + 1);
        }
    }
    found
}

#[test]
fn no_value_is_replaced_by_an_empty_one_in_silence() {
    let mut files = Vec::new();
    for folder in fs::read_dir(root()).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        if name.starts_with("session-") {
            sources(&folder.join("src"), &mut files);
        }
    }
    assert!(files.len() > 200, "only {} files", files.len());
    let mut found = Vec::new();
    for file in &files {
        for line in silent(&fs::read_to_string(file).unwrap()) {
            found.push(format!("{}:{line}", file.display()));
        }
    }
    assert!(found.is_empty(), "no reason given:\n{}", found.join("\n"));
}

#[test]
fn a_fallback_without_a_reason_is_found() {
    assert_eq!(silent("fn f() {\n    x.unwrap_or_default()\n}\n"), [2]);
    let reason = "fn f() {\n    // Absent: no entries.\n    x.unwrap_or_default()\n}\n";
    assert!(silent(reason).is_empty());
    assert_eq!(
        silent("// no reason\nlet key = bytes.unwrap_or([0; 32]);\n"),
        [2]
    );
    let test = "#[cfg(test)]\nmod tests {\n    x.unwrap_or_default()\n}\n";
    assert!(silent(test).is_empty());
}
