//! The command line: its exit statuses, and what `serve` keeps and gives away.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_localnet");

fn localnet(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

/// A command that must fail with this status, and say all of these texts.
fn refused(arguments: &[&str], status: i32, texts: &[&str]) {
    let output = localnet(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    for text in texts {
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
}

struct Serving {
    process: Child,
    event: Value,
}

impl Serving {
    fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(BINARY)
            .args([
                "--json",
                "serve",
                "--nodes",
                "4",
                "--swarms",
                "1",
                "--data-dir",
            ])
            .arg(data_dir)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["event"], "serving", "{event}");
        Self { process, event }
    }

    fn text(&self, name: &str) -> String {
        self.event[name].as_str().unwrap().to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn published(data_dir: &Path) -> Value {
    let text = std::fs::read(data_dir.join("network.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Where everything listens.
fn ports(data_dir: &Path) -> Vec<String> {
    let network = published(data_dir);
    let nodes = network["service_nodes"].as_array().unwrap();
    let nodes = nodes.iter().map(|node| {
        let key = node["pubkey_ed25519"].as_str().unwrap();
        format!("{key} {} {}", node["public_ip"], node["storage_port"])
    });
    nodes.chain([network["seed_url"].to_string()]).collect()
}

#[test]
fn what_cannot_be_used_is_status_2_and_names_the_choices() {
    refused(&["serve", "--nodes", "0"], 2, &["4..=200"]);
    refused(&["serve", "--nodes", "3"], 2, &["4..=200"]);
    refused(&["serve", "--nodes", "201"], 2, &["4..=200"]);
    refused(&["serve", "--swarms", "0"], 2, &["1..=200"]);
    refused(
        &["serve", "--nodes", "4", "--swarms", "5"],
        2,
        &["1 to 4 swarms"],
    );
    refused(&["serve", "--seed", ""], 2, &["--seed"]);
    refused(&["serve", "--cert-key", "x"], 2, &["--cert"]);
    refused(&["demo", "--text", ""], 2, &["--text"]);
    refused(
        &["demo", "--text", &"x".repeat(2001)],
        2,
        &["at most 2000 characters, got 2001"],
    );
    let ctl = |rest: &[&'static str]| [&["ctl", "--data-dir", "absent"], rest].concat();
    let lies = ["drop", "wrong-swarm", "garble", "honest"];
    refused(&ctl(&["lie", "127.0.1.1", "fnord"]), 2, &lies);
    refused(&ctl(&["slow", "127.0.1.1", "60001"]), 2, &["60000"]);
    refused(&ctl(&["status"]), 1, &["cannot read", "network.json"]);
    let version = localnet(&["--version"]);
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(version.trim(), "localnet 0.1.0");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_a_failure() {
    for arguments in [&["demo"][..], &["demo", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let output = Command::new(BINARY)
            .args(arguments)
            .stdout(full.unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot be written"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_the_owners_alone_and_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("a/net");
    let serving = Serving::start(&data_dir, &["--http-seed", "0"]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data_dir)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
    assert!(
        serving
            .text("http_seed_url")
            .starts_with("http://127.0.0.1:")
    );
    let token = std::fs::read_to_string(data_dir.join("ctl.token")).unwrap();
    assert!(
        serving
            .text("status_page")
            .ends_with(&format!("/#{}", token.trim()))
    );
    let pem = std::fs::read(data_dir.join("seed.pem")).unwrap();
    drop(serving);
    let serving = Serving::start(&data_dir, &[]);
    assert_eq!(serving.event["http_seed_url"], Value::Null);
    assert_eq!(std::fs::read(data_dir.join("seed.pem")).unwrap(), pem);
    assert_eq!(
        std::fs::read_to_string(data_dir.join("ctl.token")).unwrap(),
        token
    );
}

#[test]
fn a_directory_that_holds_a_network_keeps_its_ports() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    // With a port at first and none later.
    let seed = format!("ports of {}", std::process::id());
    let serving = Serving::start(&one, &["--seed", &seed]);
    let before = ports(&one);
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), 5);
    drop(serving);
    let serving = Serving::start(&one, &[]);
    assert_eq!(ports(&one), before);
    drop(serving);
    // And with another one, which is for new networks.
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = probe.local_addr().unwrap().port();
    let serving = Serving::start(&one, &["--port", &other.to_string()]);
    assert_eq!(ports(&one), before);
    drop(serving);
    // The same text is the same network, another one is another.
    let serving = Serving::start(&two, &["--seed", &seed]);
    assert_eq!(ports(&two), before);
    drop(serving);
    let _serving = Serving::start(&folder.path().join("three"), &["--seed", "another"]);
    let another: BTreeSet<String> = ports(&folder.path().join("three")).into_iter().collect();
    assert!(before.iter().all(|one| !another.contains(one)));
}

#[test]
fn a_node_that_is_not_there_is_answered_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let _serving = Serving::start(folder.path(), &[]);
    refused(
        &["ctl", "--data-dir", data_dir, "down", "nobody"],
        2,
        &["127.0.1.1"],
    );
    refused(
        &["ctl", "--data-dir", data_dir, "leave", "127.0.1.1"],
        2,
        &["at least 4"],
    );
    let joined = localnet(&["--json", "ctl", "--data-dir", data_dir, "join"]);
    assert!(joined.status.success(), "{joined:?}");
    assert_eq!(
        published(folder.path())["service_nodes"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let left = localnet(&["ctl", "--data-dir", data_dir, "leave", "127.0.1.1"]);
    assert!(left.status.success(), "{left:?}");
    assert_eq!(
        published(folder.path())["service_nodes"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    // Orders need the token.
    std::fs::write(folder.path().join("ctl.token"), "0".repeat(64)).unwrap();
    refused(
        &["ctl", "--data-dir", data_dir, "up", "127.0.1.1"],
        1,
        &["token"],
    );
}
