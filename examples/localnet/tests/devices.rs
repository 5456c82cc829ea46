//! The devices of one account on the command line, on a network that is up.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use localnet::network::{Network, Plan};
use serde_json::Value;
use tokio::process::Command;

/// The binary of the client, built if need be: Cargo builds it beside the one of the localnet.
fn binary() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_BIN_EXE_localnet")).parent().unwrap();
            let profile = folder.file_name().unwrap().to_str().unwrap();
            let profile = if profile == "debug" { "dev" } else { profile };
            let status = std::process::Command::new(env!("CARGO"))
                .args([
                    "build",
                    "--quiet",
                    "--package",
                    "client",
                    "--profile",
                    profile,
                ])
                .status()
                .unwrap();
            assert!(status.success());
            folder
                .join("client")
                .with_extension(std::env::consts::EXE_EXTENSION)
        })
        .clone()
}

struct World {
    folder: tempfile::TempDir,
    network: Network,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::new(folder.path().join("net"));
        let network = Network::start(&plan).await.unwrap();
        let world = Self { network, folder };
        let phrase = world.path("phrase");
        let arguments = ["new", "--json", "--phrase-file", &phrase];
        let made = Command::new(binary()).args(arguments).output().await;
        assert!(made.unwrap().status.success());
        world
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A `device` command on one of the account's devices.
    async fn device(&self, which: &str, arguments: &[&str]) -> (bool, Vec<Value>) {
        let output = Command::new(binary())
            .arg("device")
            .args(arguments)
            .args(["--json", "--phrase-file", &self.path("phrase")])
            .args(["--state", &self.path(which)])
            .args(["--seed-url", &self.network.seed_url()])
            .args(["--seed-cert", &self.path("net/seed.pem")])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let events = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let events: Vec<Value> = events.collect();
        println!("{which} {arguments:?}: {events:#?}");
        (output.status.success(), events)
    }

    async fn run(&self, which: &str, arguments: &[&str]) -> Vec<Value> {
        let (ok, events) = self.device(which, arguments).await;
        assert!(ok, "{which} {arguments:?}: {events:?}");
        events
    }
}

/// The first event of a kind.
fn event<'e>(events: &'e [Value], kind: &str) -> &'e Value {
    let found = events.iter().find(|event| event["event"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {events:?}"))
}

fn text<'e>(events: &'e [Value], kind: &str, field: &str) -> &'e str {
    event(events, kind)[field].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_an_account_are_linked_listed_and_removed() {
    let world = World::new().await;
    let events = world.run("phone", &["list"]).await;
    assert_eq!(text(&events, "membership", "state"), "NoGroup");
    let events = world
        .run("phone", &["link", "--start", "--name", "phone"])
        .await;
    assert_eq!(text(&events, "membership", "state"), "InGroup");
    let phone = text(&events, "membership", "device").to_owned();

    // Both show the same emoji.
    let events = world.run("laptop", &["link", "--name", "laptop"]).await;
    let (laptop, emoji) = (
        text(&events, "asked", "device"),
        text(&events, "asked", "emoji"),
    );
    let events = world.run("phone", &["list"]).await;
    assert_eq!(text(&events, "request", "device"), laptop);
    assert_eq!(text(&events, "pending", "emoji"), emoji);
    assert_eq!(text(&events, "pending", "name"), "laptop");
    // One that differs admits nobody, and nobody joins before that.
    let mut others: Vec<&str> = emoji.split(' ').collect();
    others[6] = if others[6] == "🐶" { "🐱" } else { "🐶" };
    let differ = ["approve", laptop, "--emoji", &others.join(" ")];
    assert!(!world.device("phone", &differ).await.0);
    assert!(!world.device("laptop", &["link", "--confirm"]).await.0);
    let events = world.run("phone", &["list"]).await;
    assert!(
        events
            .iter()
            .all(|one| one["device"] != laptop || one["event"] == "pending")
    );
    let events = world
        .run("phone", &["approve", &laptop[..8], "--emoji", emoji])
        .await;
    let key = text(&events, "membership", "key").to_owned();
    let events = world.run("laptop", &["link", "--confirm"]).await;
    assert_eq!(text(&events, "membership", "state"), "InGroup");
    assert_eq!(text(&events, "membership", "key"), key);

    // A third one, admitted by the second: the first tells of it.
    let events = world.run("tablet", &["link", "--name", "tablet"]).await;
    let (tablet, emoji) = (
        text(&events, "asked", "device"),
        text(&events, "asked", "emoji"),
    );
    world.run("laptop", &["list"]).await;
    world
        .run("laptop", &["approve", tablet, "--emoji", emoji])
        .await;
    world.run("tablet", &["link", "--confirm"]).await;
    let events = world.run("phone", &["list"]).await;
    assert_eq!(text(&events, "new_device", "device"), tablet);
    let listed = events.iter().filter(|one| one["event"] == "device");
    let names: Vec<_> = listed.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3);

    // The removed device has the old keys only, and the others agree on new ones.
    let events = world.run("phone", &["remove", laptop]).await;
    let new = text(&events, "membership", "key").to_owned();
    assert_ne!(new, key);
    let events = world.run("laptop", &["list"]).await;
    event(&events, "removed");
    assert_eq!(text(&events, "membership", "state"), "Removed");
    assert_eq!(text(&events, "membership", "key"), key);
    let events = world.run("tablet", &["list"]).await;
    assert_eq!(text(&events, "gone", "device"), laptop);
    assert_eq!(text(&events, "membership", "key"), new);
    assert!(!world.device("tablet", &["remove", laptop]).await.0);

    // It comes back as another device; denied this time.
    let events = world.run("laptop", &["link", "--name", "again"]).await;
    let again = text(&events, "asked", "device");
    assert!(again != laptop && again != phone);
    let events = world.run("phone", &["deny", again]).await;
    assert!(events.iter().all(|one| one["event"] != "pending"));
    let events = world.run("phone", &["list"]).await;
    assert!(events.iter().all(|one| one["event"] != "request"));
    assert!(!world.device("laptop", &["link", "--confirm"]).await.0);
}
