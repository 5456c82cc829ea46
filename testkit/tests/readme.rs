//! The README of the workspace says what is so: its program is the one that `checks/outside` runs, and
//! the functions and files that it names exist.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn block<'t>(text: &'t str, language: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("```\n").unwrap().0
}

#[test]
fn the_program_is_the_one_that_is_run_and_has_sixty_lines_at_most() {
    let (readme, program) = (read("README.md"), read("checks/outside/src/main.rs"));
    assert_eq!(block(&readme, "rust"), program);
    assert!(program.lines().count() <= 60);
    assert!(program.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_dependencies_of_the_program_are_those_that_are_built() {
    let name = |line: &str| line.split_once(" = ").map(|(name, _)| name.to_owned());
    let (readme, manifest) = (read("README.md"), read("checks/outside/Cargo.toml"));
    let named: Vec<_> = block(&readme, "toml").lines().filter_map(name).collect();
    let (_, built) = manifest.split_once("[dependencies]\n").unwrap();
    let built = built.split_once("\n\n").unwrap().0;
    assert_eq!(named, built.lines().filter_map(name).collect::<Vec<_>>());
}

#[test]
fn the_bot_is_the_one_that_is_built_and_bots_are_short() {
    let (readme, echo) = (read("README.md"), read("session-sdk/examples/echo.rs"));
    let start = echo.find("use session_sdk").unwrap();
    assert_eq!(Some(block(&readme, "rust,no_run")), echo.get(start..));
    for bot in fs::read_dir(root().join("session-sdk/examples")).unwrap() {
        let path = bot.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 40, "{}: {lines} lines", path.display());
    }
}

/// All sources of a crate.
fn sources(folder: &Path, text: &mut String) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Rows of the table "I want to …": `| what | crates | items |`. The last part of each item is a
/// public function or type of one of the crates.
#[test]
fn the_functions_of_the_table_exist() {
    let readme = read("README.md");
    let (_, table) = readme.split_once("## I want to …").unwrap();
    let table = table.split_once("Programs to run:").unwrap().0;
    let mut count = 0;
    for row in table.lines().filter(|line| line.contains("| session-")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut text = String::new();
        for krate in cells[2].split(", ") {
            sources(&root().join(krate).join("src"), &mut text);
        }
        for item in cells[3]
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|item| *item != "str::parse")
        {
            let name = item.rsplit("::").next().unwrap();
            let public = ["fn", "const fn", "struct", "enum", "type"]
                .map(|kind| format!("pub {kind} {name}"));
            let exists = public.iter().any(|start| text.contains(start.as_str()));
            // Types that a macro makes are found where they are exported.
            let exported =
                text.contains(&format!("    {name},")) || text.contains(&format!(" {name}, "));
            assert!(exists || exported, "{item}: {row}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

/// Relative links of all texts but the protocol's, which another test checks.
#[test]
fn links_lead_to_files() {
    let mut texts: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(PathBuf::from)
        .into();
    for folder in ["docs", "docs/decisions"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let name = file.unwrap().file_name();
            texts.push(Path::new(folder).join(name));
        }
    }
    let mut count = 0;
    for text in texts
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
    {
        for (_, rest) in read(text.to_str().unwrap())
            .split("](")
            .map(|part| ("", part))
            .skip(1)
        {
            let link = rest.split([')', '#']).next().unwrap();
            if link.is_empty() || link.starts_with("http") {
                continue;
            }
            let target = root().join(text.parent().unwrap()).join(link);
            assert!(target.exists(), "{}: no {link}", text.display());
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}
