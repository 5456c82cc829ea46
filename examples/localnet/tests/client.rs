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
    typed(arguments, "").await
}

/// A command, and what is typed into it.
async fn typed(arguments: &[&str], input: &str) -> Output {
    use tokio::io::AsyncWriteExt;
    let binary = tokio::task::spawn_blocking(binary).await.unwrap();
    let mut child = tokio::process::Command::new(binary)
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // A command that reads nothing may have closed it already.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .await;
    child.wait_with_output().await.unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A command that must fail with one sentence that contains a text.
async fn refused(arguments: &[&str], status: i32, sentence: &str) {
    refused_typed(arguments, "", status, sentence).await;
}

async fn refused_typed(arguments: &[&str], input: &str, status: i32, sentence: &str) {
    let output = typed(arguments, input).await;
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
        Self::planned(|_| {}).await
    }

    async fn planned(change: impl FnOnce(&mut Plan)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("net");
        let mut plan = Plan::new(data_dir);
        change(&mut plan);
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

    // Alice's other devices see what she sent, each once.
    let copies = world.run("alice", &["receive"]).await;
    let copies = lines(&copies);
    assert_eq!(copies.len(), 4);
    for copy in &copies {
        assert_eq!(copy["own"], true);
        assert_eq!(copy["from"], alice.as_str());
        assert_eq!(copy["conversation"], bob.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_replies_notes_and_copies() {
    let world = World::new().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let (alice_state, bob_state) = (world.path("alice.state"), world.path("bob.state"));

    // A name that is kept goes with every message.
    let named = world
        .run("alice", &["name", "Alice", "--state", &alice_state])
        .await;
    assert_eq!(lines(&named)[0]["name"], "Alice");
    let sent = world
        .run(
            "alice",
            &["send", &bob, "question", "--state", &alice_state],
        )
        .await;
    let sent = &lines(&sent)[0];
    assert_eq!(
        (&sent["stored_on"], &sent["copied_to"]),
        (&4.into(), &4.into())
    );
    let got = world.run("bob", &["receive", "--state", &bob_state]).await;
    let question = &lines(&got)[0];
    assert_eq!(question["name"], "Alice");
    assert_eq!(question["own"], false);
    assert_eq!(question["sent_ms"], sent["sent_ms"]);
    assert_eq!(question["reply_to"], Value::Null);

    // The answer says what it answers; without a copy when none is wanted.
    let reply_to = format!("{alice}:{}", sent["sent_ms"]);
    let arguments = [
        "send",
        &alice,
        "answer",
        "--reply-to",
        &reply_to,
        "--no-sync",
    ];
    let answer = world.run("bob", &arguments).await;
    assert_eq!(lines(&answer)[0]["copied_to"], 0);
    let got = world
        .run("alice", &["receive", "--state", &alice_state])
        .await;
    let got = lines(&got);
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(
        (&got[0]["own"], &got[0]["text"]),
        (&true.into(), &"question".into())
    );
    assert_eq!(
        (&got[1]["own"], &got[1]["text"]),
        (&false.into(), &"answer".into())
    );
    assert_eq!(got[1]["reply_to"]["author"], alice.as_str());
    assert_eq!(got[1]["reply_to"]["sent_ms"], sent["sent_ms"]);

    // A note to oneself is there once, whoever is asked.
    assert!(
        world
            .run("bob", &["send", &bob, "note"])
            .await
            .status
            .success()
    );
    for expected in [1, 0, 0] {
        let got = world.run("bob", &["receive", "--state", &bob_state]).await;
        assert_eq!(lines(&got).len(), expected);
    }
    // The guards of one run are those of the next, which may need one more.
    let guards = || -> Vec<String> {
        let state = std::fs::read_to_string(&bob_state).unwrap();
        let state: Value = serde_json::from_str(&state).unwrap();
        let network = const_hex::decode(state["network"].as_str().unwrap()).unwrap();
        let network = session_network::SavedState::from_bytes(&network).unwrap();
        let guards = network.guards.iter();
        guards.map(|guard| guard.node.ed25519.to_string()).collect()
    };
    let before = guards();
    assert!(!before.is_empty());
    assert!(
        world
            .run("bob", &["receive", "--state", &bob_state])
            .await
            .status
            .success()
    );
    assert!(guards().starts_with(&before));

    let none = world
        .run("alice", &["name", "", "--state", &alice_state])
        .await;
    assert_eq!(lines(&none)[0]["name"], Value::Null);
    let long = "n".repeat(101);
    let phrase = world.path("alice");
    let shared = ["--phrase-file", &phrase, "--state", &alice_state];
    refused(
        &[&["name", &long], shared.as_slice()].concat(),
        2,
        "101 bytes",
    )
    .await;
    refused(&["name", "x", "--phrase-file", &phrase], 2, "--state").await;
    // A name that would forge a message of somebody else is not sent.
    for bad in [
        "Al\nice",
        "Al\u{1b}[1mice",
        "Al\u{202e}ice",
        "Al\u{200b}ice",
    ] {
        let name = [&["name", bad], shared.as_slice()].concat();
        refused(&name, 2, "line breaks").await;
        refused(
            &[&["send", &bob, "text", "--name", bad], shared.as_slice()].concat(),
            2,
            "line breaks",
        )
        .await;
    }
    // A state is enough for its name; one that is not there yet is not.
    let named = client(&["name", "Alice", "--state", &alice_state]).await;
    assert!(named.status.success());
    let named = client(&["name", "--json", "--state", &alice_state]).await;
    assert_eq!(lines(&named)[0]["name"], "Alice");
    let absent = world.path("absent.state");
    refused(&["name", "--state", &absent], 2, "--phrase-file").await;
    for bad in [
        "",
        "05",
        &alice,
        &format!("{alice}:x"),
        &format!("{alice}:0"),
    ] {
        refused(&["send", &bob, "text", "--reply-to", bad], 2, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_share_a_state_lose_nothing_and_show_nothing_twice() {
    let world = World::new().await;
    world.account("alice").await;
    let bob = world.account("bob").await;
    let (state, own) = (world.path("bob.state"), world.path("alice.state"));
    for round in 0..3 {
        // Two that send with one state, then two that receive with another.
        let texts = [format!("one {round}"), format!("two {round}")];
        let send = async |text: &str| {
            let arguments = ["send", &bob, text, "--no-sync", "--state", &own];
            world.run("alice", &arguments).await
        };
        let sent = tokio::join!(send(&texts[0]), send(&texts[1]));
        assert!(sent.0.status.success() && sent.1.status.success());
        let receive = async || world.run("bob", &["receive", "--state", &state]).await;
        let got = tokio::join!(receive(), receive(), async {
            let arguments = ["name", "Bob", "--state", &state];
            let named = world.run("bob", &arguments).await;
            let said = String::from_utf8_lossy(&named.stderr);
            assert!(named.status.success(), "{said}");
        });
        let mut got: Vec<Value> = [lines(&got.0), lines(&got.1)].concat();
        got.sort_by_key(|line| line["text"].to_string());
        let got: Vec<&Value> = got.iter().map(|line| &line["text"]).collect();
        assert_eq!(got, [&texts[0], &texts[1]]);
    }
    let name = world.run("bob", &["name", "--state", &state]).await;
    assert_eq!(lines(&name)[0]["name"], "Bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_in_a_network_on_one_address() {
    let world = World::planned(|plan| plan.one_address = true).await;
    assert!(world.network.one_address);
    let localhost: std::net::IpAddr = "127.0.0.1".parse().unwrap();
    let mut ports = std::collections::BTreeSet::new();
    for node in &world.network.nodes {
        assert_eq!(node.address().ip(), localhost);
        assert!(ports.insert(node.address().port()));
    }
    world.account("alice").await;
    let bob = world.account("bob").await;
    let sent = world.run("alice", &["send", &bob, "hello Bob"]).await;
    let said = String::from_utf8_lossy(&sent.stderr);
    assert!(said.contains("share a subnet"), "it is said: {said}");
    assert_eq!(lines(&sent)[0]["stored_on"], 4, "{said}");
    let got = world.run("bob", &["receive"]).await;
    assert_eq!(lines(&got)[0]["text"], "hello Bob");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn following_brings_every_message_once_and_ends_cleanly() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let world = World::new().await;
    world.account("alice").await;
    let bob = world.account("bob").await;
    let (phrase, state) = (world.path("bob"), world.path("bob.state"));
    let online = world.online();
    let binary = tokio::task::spawn_blocking(binary).await.unwrap();
    let mut following = tokio::process::Command::new(binary)
        .args(["receive", "--follow", "--interval", "1", "--json"])
        .args(["--phrase-file", &phrase, "--state", &state])
        .args(&online)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = async || -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(60), said.next_line());
        serde_json::from_str(&line.await.unwrap().unwrap().unwrap()).unwrap()
    };
    assert_eq!(next().await["event"], "following");
    for text in ["one", "two", "three"] {
        assert!(
            world
                .run("alice", &["send", &bob, text])
                .await
                .status
                .success()
        );
        let message = next().await;
        assert_eq!(
            (&message["event"], &message["text"]),
            (&"message".into(), &text.into())
        );
    }
    // Long enough for every member to have had its turn: nothing comes twice.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let id = following.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill").arg(&id).status().await;
    assert!(killed.unwrap().success());
    assert_eq!(next().await["event"], "stopped");
    assert!(following.wait().await.unwrap().success());
    let got = world.run("bob", &["receive", "--state", &state]).await;
    assert!(got.status.success() && lines(&got).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_encrypted_and_decrypted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (plain, sealed, back) = (path("plain"), path("sealed"), path("back"));
    std::fs::write(&plain, vec![7; 100_000]).unwrap();
    let made = client(&["encrypt-file", &plain, &sealed, "--json"]).await;
    let made = &lines(&made)[0];
    assert_eq!(made["size"], 100_000);
    assert_eq!(made["file_size"], std::fs::metadata(&sealed).unwrap().len());
    let key = made["key"].as_str().unwrap();
    let done = client(&["decrypt-file", &sealed, &back, "--key", key, "--json"]).await;
    assert_eq!(lines(&done)[0]["size"], 100_000);
    assert_eq!(
        std::fs::read(&plain).unwrap(),
        std::fs::read(&back).unwrap()
    );
    let again = path("again");
    let done = typed(&["decrypt-file", &sealed, &again, "--key", "-"], key).await;
    assert!(done.status.success());

    let (wrong, out) = ("0".repeat(64), path("out"));
    refused(
        &["decrypt-file", &sealed, &out, "--key", &wrong],
        2,
        "cannot be decrypted",
    )
    .await;
    for bad in ["", "xyz", &wrong[1..]] {
        refused(
            &["decrypt-file", &sealed, &out, "--key", bad],
            2,
            "64 hex digits",
        )
        .await;
    }
    refused(&["decrypt-file", &sealed, &back, "--key", key], 2, "exists").await;
    refused(&["encrypt-file", &plain, &sealed], 2, "exists").await;
    refused(&["encrypt-file", &path("absent"), &out], 2, "cannot read").await;
    refused(
        &["encrypt-file", folder.path().to_str().unwrap(), &out],
        2,
        "not a file",
    )
    .await;
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        4,
        "nothing left behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_in_any_language_restores_the_account() {
    use session_identity::phrase::Language;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let seed = session_identity::Seed::from_short(b"a seed of a test");
    let id = session_identity::Account::from_seed(&seed).id().to_string();
    for language in Language::ALL {
        let file = path(&language.to_string());
        let input = format!("{}\nyes\n", seed.to_phrase(*language).as_str());
        let restored = typed(&["restore", "--json", "--phrase-file", &file], &input).await;
        assert!(
            restored.status.success(),
            "{language}: {}",
            String::from_utf8_lossy(&restored.stderr)
        );
        let event = &lines(&restored)[0];
        assert_eq!(event["id"], id.as_str());
        assert_eq!(event["language"], language.to_string());
        let said = String::from_utf8(restored.stderr).unwrap();
        assert!(said.contains(&id), "shown before it is confirmed: {said}");
        let whoami = client(&["whoami", "--phrase-file", &file]).await;
        assert_eq!(String::from_utf8(whoami.stdout).unwrap().trim(), id);
    }
    let phrase = seed.to_phrase(Language::ALL[0]);
    let (file, other) = (path("new"), format!("{}0", &id[..65]));
    let restore = ["restore", "--phrase-file", &file];
    let expecting = ["restore", "--phrase-file", &file, "--account-id", &id];
    refused_typed(
        &restore,
        &format!("{}\nno\n", phrase.as_str()),
        2,
        "not confirmed",
    )
    .await;
    refused_typed(&restore, &phrase, 2, "not confirmed").await;
    refused_typed(&restore, "", 2, "expected 13 or 25 words").await;
    refused_typed(&restore, "a b c\nyes\n", 2, "got 3").await;
    let (_, rest) = phrase.split_once(' ').unwrap();
    let unknown = format!("qqq {rest}");
    refused_typed(&restore, &unknown, 2, "word 1, \"qqq\"").await;
    refused_typed(&["restore"], &phrase, 2, "--phrase-file").await;
    refused_typed(
        &[&restore, ["--language", "Klingon"].as_slice()].concat(),
        &phrase,
        2,
        "Klingon",
    )
    .await;
    let unexpected = ["restore", "--phrase-file", &file, "--account-id", &other];
    refused_typed(&unexpected, &phrase, 2, "").await;
    assert!(!Path::new(&file).exists());
    assert!(typed(&expecting, &phrase).await.status.success());
    refused_typed(&expecting, &phrase, 2, "exists").await;
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
    // A phrase that is in a file is not shown.
    let words = std::fs::read_to_string(&phrase).unwrap();
    for (name, json) in [("plain", None), ("json", Some("--json"))] {
        let arguments = ["new", "--phrase-file", &path(name)];
        let made = client(&[arguments.as_slice(), json.as_slice()].concat()).await;
        let word = std::fs::read_to_string(path(name)).unwrap();
        let said = String::from_utf8([made.stdout, made.stderr].concat()).unwrap();
        assert!(
            !said.contains(word.trim()) && said.contains(&path(name)),
            "{said}"
        );
    }
    let shown = client(&["new", "--json"]).await;
    let shown = lines(&shown)[0]["phrase"].as_str().unwrap().to_owned();
    assert_eq!(shown.split(' ').count(), words.split_whitespace().count());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |mode| std::fs::set_permissions(&phrase, PermissionsExt::from_mode(mode)).unwrap();
        let mine = std::fs::metadata(&phrase).unwrap().permissions().mode();
        assert_eq!(mine & 0o777, 0o600);
        for (open, is_said) in [(0o644, true), (0o600, false)] {
            mode(open);
            let said = client(&["whoami", "--phrase-file", &phrase]).await;
            let said = String::from_utf8(said.stderr).unwrap();
            assert_eq!(said.contains("other users"), is_said, "{said}");
        }
    }
    let version = client(&["--version"]).await;
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(version.trim(), "client 0.1.0");
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
    // What cannot be sent is refused before anybody is asked.
    for (text, sentence) in [
        ("", "content is empty"),
        (&"x".repeat(2001), "at most 2000 characters, got 2001"),
    ] {
        let arguments = ["send", &id, text, "--phrase-file", &phrase];
        refused(&arguments, 2, sentence).await;
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
    refused(&arguments, 3, "--seed-cert").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_an_event_with_a_reason() {
    use session_storage::Call as _;
    use session_storage::Store;
    use session_types::{Namespace, SealedMessage, UnixMillis};
    let world = World::new().await;
    let bob = world.account("bob").await;
    let id: session_identity::AccountId = bob.parse().unwrap();
    let account = session_types::AnyId::from(id);
    let now = localnet::fault::now_ms(0);
    let message = SealedMessage {
        namespace: Namespace::DEFAULT,
        ttl: std::time::Duration::from_secs(24 * 60 * 60),
        data: b"no message".to_vec(),
    };
    let store = Store::new(account, message, UnixMillis::new(now)).unwrap();
    let keeper = world.network.admin.keepers(&account)[0].address();
    let http = client::http::Http::new(client::http::Trust::Any, None);
    let url = format!("https://{keeper}/storage_rpc/v1");
    let limit = std::time::Duration::from_secs(60);
    let body = store.to_json();
    let stored = http
        .post(&url, "application/json", body.into(), limit)
        .await
        .unwrap();
    assert!(stored.is_ok());
    let state = world.path("bob.state");
    let got = world.run("bob", &["receive", "--state", &state]).await;
    let got = lines(&got);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(got[0]["event"], "unreadable");
    assert_eq!(got[0]["hash"].as_str().unwrap().len(), 43);
    assert!(!got[0]["reason"].as_str().unwrap().is_empty());
    let again = world.run("bob", &["receive", "--state", &state]).await;
    assert!(lines(&again).is_empty(), "it is said once");
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
        // JSON is read whatever its type says.
        (Reply::text(200, "{}"), "nonsense"),
        (Reply::text(200, "{"), "nonsense"),
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
    // Nobody vouches for what cannot be opened: it is the path that failed.
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(lines(&output)[0]["event"], "error");
    assert!(said.contains("all attempts failed on the way"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
