//! Closed groups on the command line: three accounts on a network that is up.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use localnet::network::{Network, Plan};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
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
        Self {
            network: Network::start(&plan).await.unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .args(["--json", "--phrase-file", &self.path(who)])
            .args(["--state", &self.path(&format!("{who}.state"))])
            .args(["--seed-url", &self.network.seed_url()])
            .args(["--seed-cert", &self.path("net/seed.pem")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, who: &str, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(who, arguments).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{who} {arguments:?}: {said}\n{text}"
        );
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    async fn account(&self, who: &str) -> String {
        let output = Command::new(binary())
            .args(["new", "--json", "--phrase-file", &self.path(who)])
            .output()
            .await
            .unwrap();
        let event: Value = serde_json::from_slice(&output.stdout).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }

    async fn texts(&self, who: &str, group: &str) -> Vec<String> {
        let events = self.run(who, &["group", "receive", group]).await;
        let texts = events.iter().filter(|event| event["event"] == "message");
        texts
            .map(|event| event["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The status of each member, as `who` sees it.
    async fn members(&self, who: &str, group: &str) -> Vec<(String, String)> {
        let events = self.run(who, &["group", "members", group]).await;
        let members = events.iter().filter(|event| event["event"] == "member");
        let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        members
            .map(|event| (text(event, "id"), text(event, "status")))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_accounts_in_a_group() {
    let world = World::new().await;
    let (ann, bob) = (world.account("ann").await, world.account("bob").await);
    let carl = world.account("carl").await;

    let events = world
        .run("ann", &["group", "create", "Hikers", "--member", &bob])
        .await;
    let group = events.last().unwrap()["group"].as_str().unwrap().to_owned();
    let events = world.run("bob", &["group", "accept"]).await;
    assert_eq!(events.last().unwrap()["name"], "Hikers", "{events:?}");
    world
        .run("ann", &["group", "send", &group, "before Carl"])
        .await;
    world
        .run("bob", &["group", "send", &group, "hello Ann"])
        .await;
    let texts = world.texts("ann", &group).await;
    assert!(texts.contains(&"hello Ann".to_owned()), "{texts:?}");

    world
        .run("ann", &["group", "invite", &group, &carl, "--history"])
        .await;
    world.run("carl", &["group", "accept", &group]).await;
    let texts = world.texts("carl", &group).await;
    assert!(texts.contains(&"before Carl".to_owned()), "{texts:?}");
    world
        .run("carl", &["group", "send", &group, "thanks"])
        .await;

    // Promotion: Bob's next `accept` takes the seed.
    world.run("ann", &["group", "promote", &group, &bob]).await;
    let events = world.run("bob", &["group", "accept", &group]).await;
    assert_eq!(events.last().unwrap()["admin"], true, "{events:?}");
    let members = world.members("ann", &group).await;
    let status = |id: &str| {
        members
            .iter()
            .find(|one| one.0 == id)
            .map(|one| one.1.as_str())
    };
    assert_eq!(status(&ann), Some("PromotionAccepted"));
    assert_eq!(status(&bob), Some("PromotionAccepted"));
    assert_eq!(status(&carl), Some("InviteAccepted"));

    // The new admin removes Carl, and is killed in the middle of it.
    let mut child = world
        .command("bob", &["group", "remove", &group, &carl])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("\"step\"") {
            break;
        }
    }
    child.kill().await.unwrap();
    // Any command of an admin goes on with it.
    let members = world.members("bob", &group).await;
    assert!(members.iter().all(|one| one.0 != carl), "{members:?}");
    world
        .run("bob", &["group", "send", &group, "without Carl"])
        .await;
    let events = world.run("carl", &["group", "receive", &group]).await;
    assert_eq!(events.last().unwrap()["stage"], "Kicked", "{events:?}");
    let output = world.command("carl", &["group", "send", &group, "still here"]);
    let output = { output }.output().await.unwrap();
    assert!(!output.status.success());
    let texts = world.texts("ann", &group).await;
    assert!(texts.contains(&"without Carl".to_owned()), "{texts:?}");
    assert!(!texts.contains(&"still here".to_owned()), "{texts:?}");

    // An admin may leave as long as there is another one.
    world.run("bob", &["group", "leave", &group]).await;
    let members = world.members("ann", &group).await;
    assert_eq!(
        members.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(),
        [ann.as_str()]
    );
    let output = world
        .command("ann", &["group", "leave", &group])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success(), "the last admin cannot leave");
}

/// Waits until the client has made so many calls, and kills it. Returns whether it was still at work.
async fn kill_after(mut child: tokio::process::Child, calls: usize) -> (bool, Vec<String>) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut made = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "call" {
            made.push(event["call"].as_str().unwrap().to_owned());
            if made.len() == calls {
                child.kill().await.unwrap();
                return (true, made);
            }
        }
    }
    child.wait().await.unwrap();
    (false, made)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_goes_on_wherever_it_was_killed() {
    let world = World::new().await;
    let _ann = world.account("ann").await;
    let bob = world.account("bob").await;
    let events = world
        .run("ann", &["group", "create", "Hikers", "--member", &bob])
        .await;
    let group = events.last().unwrap()["group"].as_str().unwrap().to_owned();
    world.run("bob", &["group", "accept"]).await;

    // How many calls a removal makes is known after one that nobody has killed.
    let first = world.account("member0").await;
    world.run("ann", &["group", "invite", &group, &first]).await;
    world.run("member0", &["group", "accept"]).await;
    let text = ["group", "send", &group, "from the first"];
    world.run("member0", &text).await;
    world.texts("ann", &group).await;
    let arguments = ["group", "remove", &group, &first, "--messages"];
    let child = world.command("ann", &arguments).spawn().unwrap();
    let (_, names) = kill_after(child, usize::MAX).await;
    let texts = world.texts("bob", &group).await;
    assert!(!texts.contains(&"from the first".to_owned()), "{texts:?}");

    // One more is killed after each of them, and any command of an admin goes on with it.
    let mut create = vec![
        "group".to_owned(),
        "create".to_owned(),
        "Climbers".to_owned(),
    ];
    let mut ids = Vec::new();
    for point in 1..names.len() {
        let id = world.account(&format!("member{point}")).await;
        create.extend(["--member".to_owned(), id.clone()]);
        ids.push(id);
    }
    create.extend(["--member".to_owned(), bob.clone()]);
    let create: Vec<_> = create.iter().map(String::as_str).collect();
    let events = world.run("ann", &create).await;
    let group = events.last().unwrap()["group"].as_str().unwrap().to_owned();
    world.run("bob", &["group", "accept", &group]).await;
    for (point, member) in (1..).zip(&ids) {
        let name = format!("member{point}");
        world.run(&name, &["group", "accept"]).await;
        let arguments = ["group", "remove", &group, member, "--messages"];
        let child = world.command("ann", &arguments).spawn().unwrap();
        let (killed, made) = kill_after(child, point).await;
        assert!(killed, "{made:?} is less than {names:?}");
        assert_eq!(made, names[..point]);
        let members = world.members("ann", &group).await;
        assert!(members.iter().all(|one| one.0 != *member), "{members:?}");
        let events = world.run(&name, &["group", "receive", &group]).await;
        assert_eq!(events.last().unwrap()["stage"], "Kicked", "{events:?}");
        let late = world.command(&name, &["group", "send", &group, "late"]);
        assert!(!{ late }.output().await.unwrap().status.success());
    }
    world
        .run("ann", &["group", "send", &group, "just us"])
        .await;
    let texts = world.texts("bob", &group).await;
    assert_eq!(texts, ["just us"]);
    println!("killed after each of {names:?}");
    let kinds = [
        "store 14",
        "revoke",
        "store -11",
        "store 11",
        "delete",
        "store 12",
        "store 13",
    ];
    for kind in kinds {
        assert!(names.iter().any(|name| name == kind), "{kind} of {names:?}");
    }
}
