//! Every "protocol: onion, section 4.2" of the sources, every link to a section and every module that
//! the index of `docs/protocol` names is there.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ON_THE_WEB: &str =
    "https://github.com/session-crates/session-crates/blob/main/docs/protocol/";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The numbers of the sections of each chapter.
fn chapters() -> BTreeMap<String, BTreeSet<String>> {
    let mut chapters = BTreeMap::new();
    for file in fs::read_dir(root().join("docs/protocol")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "README" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut sections = BTreeSet::new();
        for (index, line) in lines.iter().enumerate() {
            let Some(id) = line.strip_prefix("<a id=\"section-") else {
                continue;
            };
            let number = id.strip_suffix("\"></a>").unwrap();
            let heading = lines[index + 2].trim_start_matches('#').trim_start();
            let numbered = heading
                .strip_prefix(number)
                .unwrap_or_else(|| panic!("{name}: {line}"));
            assert!(numbered.starts_with(['.', ' ']), "{name}: {heading}");
            assert!(sections.insert(number.to_owned()), "{name}: {number} twice");
        }
        assert!(!sections.is_empty(), "{name} has no sections");
        chapters.insert(name, sections);
    }
    assert!(chapters.len() >= 12, "only {} chapters", chapters.len());
    chapters
}

/// Everything that people write: sources, schemas, manifests, texts. Not what is built or fetched.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "corpus" && name != "vectors" {
                sources(&path, found);
            }
        } else if ["rs", "md", "proto", "toml"]
            .iter()
            .any(|end| name.ends_with(&format!(".{end}")))
        {
            found.push(path);
        }
    }
}

/// The words of a text, comment signs and the brackets of links left out.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || "[]()`|".contains(c))
        .filter(|word| !word.is_empty() && !["//", "///", "//!", "#"].contains(word))
        .collect()
}

/// The sections named after "protocol:", each with its chapter. More may follow: "; onion, section 9".
fn references(text: &str, chapters: &BTreeMap<String, BTreeSet<String>>) -> Vec<(String, String)> {
    let words = words(text);
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if ["protocol:", "Protocol:", "specification:"].contains(word) {
            let mut rest = &words[index + 1..];
            while let Some(after) = reference(rest, chapters, &mut found) {
                rest = after;
            }
        }
    }
    found
}

/// Reads one reference, `onion, sections 4.2 and 6.1`, and gives what follows it.
fn reference<'w>(
    words: &'w [&'w str],
    chapters: &BTreeMap<String, BTreeSet<String>>,
    found: &mut Vec<(String, String)>,
) -> Option<&'w [&'w str]> {
    let [chapter, "section" | "sections", rest @ ..] = words else {
        // Prose, or a whole chapter.
        return None;
    };
    let name = chapter.trim_end_matches(',');
    assert!(
        chapters.contains_key(name),
        "no chapter {name}: {:?}",
        &words[..3]
    );
    let before = found.len();
    let mut read = 0;
    for word in rest {
        let number = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.') {
            found.push((name.to_owned(), number.to_owned()));
        } else if !["and", "to", ",", ";"].contains(word) {
            break;
        }
        read += 1;
        if word.ends_with(['.', ';', ':']) {
            break;
        }
    }
    assert!(found.len() > before, "no number: {:?}", &words[..3]);
    Some(&rest[read..])
}

/// The targets of links to chapters: `onion.md#section-4.2`.
fn links<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.match_indices(start)
        .map(|(at, found)| &text[at + found.len()..])
        .map(|rest| rest.split([')', ' ', '\n', '"', '>']).next().unwrap())
        .collect()
}

fn check_link(link: &str, chapters: &BTreeMap<String, BTreeSet<String>>, file: &Path) -> bool {
    let Some((name, rest)) = link.split_once(".md") else {
        return false;
    };
    let Some(sections) = chapters.get(name) else {
        assert!(name == "README", "{}: no chapter {link}", file.display());
        return false;
    };
    if let Some(anchor) = rest.strip_prefix('#') {
        let number = anchor
            .strip_prefix("section-")
            .unwrap_or_else(|| panic!("{link}"));
        assert!(
            sections.contains(number),
            "{}: no section {link}",
            file.display()
        );
    }
    true
}

#[test]
fn references_and_links_name_sections_that_exist() {
    let chapters = chapters();
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let (mut counted, mut linked) = (0, 0);
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for (name, number) in references(&text, &chapters) {
            assert!(
                chapters[&name].contains(&number),
                "{}: no {name}, section {number}",
                file.display()
            );
            counted += 1;
        }
        for link in links(&text, ON_THE_WEB) {
            linked += usize::from(check_link(link, &chapters, file));
        }
        if file.parent().unwrap().ends_with("docs/protocol") {
            for link in links(&text, "](")
                .into_iter()
                .filter(|link| !link.contains('/'))
            {
                linked += usize::from(check_link(link, &chapters, file));
            }
        } else if file.extension().unwrap() == "md" {
            for link in links(&text, "protocol/") {
                linked += usize::from(check_link(link, &chapters, file));
            }
        }
    }
    println!(
        "{counted} references and {linked} links in {} files",
        files.len()
    );
    assert!(
        counted > 150 && linked > 100,
        "{counted} references, {linked} links"
    );
}

#[test]
fn references_are_found_across_lines_and_in_lists() {
    let chapters = chapters();
    let text = "(protocol: onion,
        //! sections [4.2], 4.3 and 6.1; [swarm, section 3]). Protocol: [crypto, section 2]. Two 7.";
    let found: Vec<String> = references(text, &chapters)
        .into_iter()
        .map(|(name, number)| name + " " + &number)
        .collect();
    assert_eq!(
        found,
        ["onion 4.2", "onion 4.3", "onion 6.1", "swarm 3", "crypto 2"]
    );
}

/// `session_onion::node::peel` is `session-onion/src/node/peel.rs`.
#[test]
fn the_index_names_modules_and_files_that_exist() {
    let root = root();
    let index = fs::read_to_string(root.join("docs/protocol/README.md")).unwrap();
    let mut modules = 0;
    for line in index.lines().filter(|line| line.starts_with("| [")) {
        for name in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.starts_with("session_"))
        {
            let (krate, path) = name.split_once("::").unwrap_or((name, "lib"));
            let file = format!(
                "{}/src/{}.rs",
                krate.replace('_', "-"),
                path.replace("::", "/")
            );
            assert!(root.join(&file).is_file(), "no {file}: {line}");
            modules += 1;
        }
        for link in links(line, "](../../") {
            assert!(root.join(link).exists(), "no {link}: {line}");
        }
    }
    assert!(modules > 100, "only {modules} modules");
}

#[test]
fn the_index_lists_every_chapter_and_each_of_its_main_sections() {
    let index = fs::read_to_string(root().join("docs/protocol/README.md")).unwrap();
    for (name, sections) in chapters() {
        assert!(index.contains(&format!("]({name}.md)")), "{name}");
        for number in sections.iter().filter(|number| !number.contains('.')) {
            let row = format!("| [{number}]({name}.md#section-{number}) |");
            assert!(index.contains(&row), "{name}, section {number}");
        }
    }
}
