//! The client's command line against a network that is up.
#![allow(missing_docs)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use localnet::network::{Network, Plan};
use localnet::server::{Call, Reply, serve};
use localnet::tls::self_signed;
use serde_json::Value;

/// The binary of the client. Cargo builds it beside the one of the localnet, and not before the
/// tests of another package: so it is built here if need be.
fn binary() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_BIN_EXE_localnet"))
                .parent()
                .unwrap()
                .to_owned();
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

async fn client(arguments: &[&str]) -> Output {
    let binary = tokio::task::spawn_blocking(binary).await.unwrap();
    tokio::process::Command::new(binary)
        .args(arguments)
        .output()
        .await
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A command that must fail with one sentence that contains a text.
async fn refused(arguments: &[&str], status: i32, sentence: &str) {
    let output = client(arguments).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert!(said.contains(sentence), "{arguments:?}: {said}");
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{said}"
    );
    assert_eq!(
        said.lines().last().unwrap().split(". ").count(),
        1,
        "one sentence: {said}"
    );
}

struct World {
    folder: tempfile::TempDir,
    network: Network,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("net");
        let plan = Plan {
            nodes: 12,
            swarms: 3,
            port: 0,
            data_dir,
            notes: false,
        };
        Self {
            network: Network::start(&plan).await.unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn online(&self) -> [String; 4] {
        let (url, pem) = (self.network.seed_url(), self.path("net/seed.pem"));
        ["--seed-url".into(), url, "--seed-cert".into(), pem]
    }

    async fn account(&self, name: &str) -> String {
        let output = client(&["new", "--json", "--phrase-file", &self.path(name)]).await;
        assert!(output.status.success());
        lines(&output)[0]["id"].as_str().unwrap().to_owned()
    }

    async fn run(&self, who: &str, arguments: &[&str]) -> Output {
        let (online, phrase) = (self.online(), self.path(who));
        let mut all: Vec<&str> = arguments.to_vec();
        all.extend(["--json", "--phrase-file", &phrase]);
        all.extend(online.iter().map(String::as_str));
        client(&all).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk() {
    let world = World::new().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let whoami = client(&["whoami", "--phrase-file", &world.path("bob")]).await;
    assert_eq!(String::from_utf8(whoami.stdout).unwrap().trim(), bob);

    let sent = world
        .run("alice", &["send", &bob, "hello Bob", "--name", "Alice"])
        .await;
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    assert_eq!(lines(&sent)[0]["stored_on"], 4);

    let state = world.path("bob.state");
    let got = world.run("bob", &["receive", "--state", &state]).await;
    assert!(
        got.status.success(),
        "{}",
        String::from_utf8_lossy(&got.stderr)
    );
    let messages = lines(&got);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["from"], alice.as_str());
    assert_eq!(messages[0]["text"], "hello Bob");
    assert_eq!(messages[0]["name"], "Alice");

    // Whichever node is asked next: what was shown is not shown again, what is new is.
    for round in 0..3 {
        let text = format!("more {round}");
        assert!(
            world
                .run("alice", &["send", &bob, &text])
                .await
                .status
                .success()
        );
        let got = world.run("bob", &["receive", "--state", &state]).await;
        let texts: Vec<Value> = lines(&got)
            .iter()
            .map(|line| line["text"].clone())
            .collect();
        assert_eq!(texts, [text.as_str()]);
    }
    let nothing = world.run("alice", &["receive"]).await;
    assert!(nothing.status.success() && lines(&nothing).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_gets_wrong_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let phrase = path("good");
    let made = client(&["new", "--json", "--phrase-file", &phrase]).await;
    let id = lines(&made)[0]["id"].as_str().unwrap().to_owned();
    let with = |rest: &[&'static str]| {
        let mut all = vec!["--phrase-file".to_owned(), phrase.clone()];
        all.extend(rest.iter().map(ToString::to_string));
        all
    };

    refused(&["new", "--phrase-file", &phrase], 2, "exists").await;
    refused(&["whoami"], 2, "--phrase-file").await;
    refused(
        &["whoami", "--phrase-file", &path("absent")],
        2,
        "cannot read",
    )
    .await;
    for (content, sentence) in [
        ("amaze buffet cake", "3"),
        (
            "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed amaze",
            "does not confirm",
        ),
        (
            "amaze bufet cake entrence symptoms tiger lamb maze nestle python dusted faxed faxed",
            "",
        ),
        (
            "qqq buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed",
            "qqq",
        ),
    ] {
        let file = path("bad");
        std::fs::write(&file, content).unwrap();
        if !sentence.is_empty() {
            refused(&["whoami", "--phrase-file", &file], 2, sentence).await;
        }
    }
    std::fs::write(path("binary"), [0xff, 0xfe, 0]).unwrap();
    refused(&["whoami", "--phrase-file", &path("binary")], 2, "not text").await;

    let typo = format!("{}g", &id[..65]);
    for bad in [&typo, &id[..64], &format!("15{}", &id[2..]), "", "hello"] {
        refused(&["send", bad, "text"], 2, "is not an account id").await;
    }
    let arguments = with(&["receive"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 2, "--seed-url").await;
    let arguments = with(&["receive", "--seed-url", "http://203.0.113.1:1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 2, "plain http").await;
    let arguments = with(&["receive", "--seed-url", "https://127.0.0.1:1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 3, "cannot be reached").await;
}

/// A server on loopback that answers everything in the same way.
async fn nonsense(reply: Reply) -> (SocketAddr, String, tokio::sync::watch::Sender<bool>) {
    let identity = self_signed("127.0.0.1".parse().unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let handler = move |_: Call| std::future::ready(reply.clone());
    tokio::spawn(serve(
        listener,
        identity.config,
        "nonsense",
        handler,
        stopped,
    ));
    (address, identity.pem, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_answers_nonsense_is_survived() {
    let world = World::new().await;
    let bob = world.account("bob").await;
    let (phrase, pem_file) = (world.path("bob"), world.path("nonsense.pem"));

    // A seed node that answers nonsense, and one that the pin does not know.
    for (reply, sentence) in [
        (Reply::json(200, "{"), "nonsense"),
        (
            Reply::json(
                200,
                r#"{"result":{"service_node_states":[{"public_ip":7}]}}"#,
            ),
            "no usable",
        ),
        (Reply::text(200, "hello"), "JSON"),
        (Reply::text(500, "oops"), "500"),
    ] {
        let (address, pem, _stop) = nonsense(reply).await;
        std::fs::write(&pem_file, pem).unwrap();
        let url = format!("https://{address}");
        let seed = [
            "--seed-url",
            &url,
            "--seed-cert",
            &pem_file,
            "--phrase-file",
            &phrase,
        ];
        refused(&[&["receive"], seed.as_slice()].concat(), 3, sentence).await;
        let wrong = world.path("net/seed.pem");
        let seed = [
            "--seed-url",
            &url,
            "--seed-cert",
            &wrong,
            "--phrase-file",
            &phrase,
        ];
        refused(
            &[&["receive"], seed.as_slice()].concat(),
            3,
            "cannot be reached",
        )
        .await;
    }

    // Every node garbles what it answers.
    for node in &world.network.nodes {
        node.faults
            .change(|fault| fault.lie = Some(localnet::fault::Lie::Garble));
    }
    let output = world.run("bob", &["send", &bob, "text"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("no answer that can be believed"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
