//! Runs the committed corpus, and with it every input that once failed, through the targets. It
//! needs neither a nightly compiler nor the fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use session_fuzz::TARGETS;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_target_takes_its_corpus() {
    for (name, run) in TARGETS {
        let files: Vec<_> = fs::read_dir(folder().join("corpus").join(name))
            .unwrap_or_else(|error| panic!("{name} has no corpus: {error}"))
            .map(|file| file.unwrap().path())
            .collect();
        assert!(!files.is_empty(), "{name} has an empty corpus");
        for file in &files {
            eprintln!("{}", file.display());
            run(&fs::read(file).unwrap());
        }
        run(&[]);
        println!("{name}: {} inputs", files.len());
    }
}

#[test]
fn every_target_has_its_file_and_no_corpus_is_left_over() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names.len(), TARGETS.len());
    let stems = |path: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder().join(path)).unwrap();
        let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| stem(&entry.unwrap().path())).collect()
    };
    assert_eq!(stems("fuzz_targets"), names);
    assert_eq!(stems("corpus"), names);
    assert!(stems("dictionaries").is_subset(&names));
}
