//! Three processes write to each other and are killed at random moments. Another number of rounds with
//! `SESSION_KILL_ROUNDS`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use session_localnet::network::{Network, Plan};
use session_sdk::identity::Seed as Entropy;
use session_sdk::{Account, AccountId, Client, Event, Seed, SqliteStore, Store};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(120);
/// What makes this program one of the three.
const ROLE: &str = "SESSION_KILLED_ROLE";

fn account(number: usize) -> Account {
    Account::from_seed(&Entropy::from_short(&[number as u8 + 1; 16]))
}

fn store(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.sqlite"))
}

/// One of the three: sends what the standard input says, and prints what was sent and what came.
#[test]
fn one_of_three() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let role: serde_json::Value = serde_json::from_str(&role).unwrap();
    let text = |name: &str| role[name].as_str().unwrap().to_owned();
    let number = role["number"].as_u64().unwrap() as usize;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pin = std::fs::read(text("pin")).unwrap();
        let builder = Client::builder(account(number)).created().test_network();
        let builder = builder.seeds([Seed::new(text("seed"), [pin])]);
        let file = store(Path::new(&text("folder")), number);
        let client = builder.store(file).connect().await.unwrap();
        let mut events = client.events();
        println!("\nready");
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::Message(message) = event {
                    println!("\ngot {}", message.text().unwrap());
                }
            }
        });
        let (sender, mut lines) = tokio::sync::mpsc::channel(100);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                sender.blocking_send(line.unwrap()).unwrap();
            }
        });
        while let Some(line) = lines.recv().await {
            let (to, text) = line.split_once(' ').unwrap();
            let to: AccountId = to.parse().unwrap();
            client.conversation(to).send(text).await.unwrap();
            println!("\nsent {text}");
        }
    });
}

struct One {
    child: Child,
    input: ChildStdin,
}

struct Three {
    folder: tempfile::TempDir,
    seed: String,
    lines: Sender<(usize, String)>,
}

impl Three {
    fn start(&self, number: usize) -> One {
        let role = serde_json::json!({
            "number": number,
            "seed": self.seed,
            "pin": self.folder.path().join("pin"),
            "folder": self.folder.path(),
        });
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_of_three", "--nocapture"])
            .env(ROLE, role.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (output, lines) = (child.stdout.take().unwrap(), self.lines.clone());
        std::thread::spawn(move || {
            // A process that is killed may leave half a line.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send((number, line)).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        One { child, input }
    }
}

/// What the three have said.
#[derive(Default)]
struct Said {
    /// Texts that were persisted.
    sent: BTreeSet<String>,
    /// Recipient and text, with how often it was shown.
    got: BTreeMap<(usize, String), usize>,
    ready: usize,
}

impl Said {
    fn hear(&mut self, lines: &Receiver<(usize, String)>, until: Instant) {
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let Ok((number, line)) = lines.recv_timeout(left) else {
                return;
            };
            match line.split_once(' ') {
                Some(("sent", text)) => drop(self.sent.insert(text.to_owned())),
                Some(("got", text)) => {
                    *self.got.entry((number, text.to_owned())).or_default() += 1;
                }
                _ if line == "ready" => self.ready += 1,
                _ => {}
            }
        }
    }
}

/// The recipient of a text.
fn recipient(text: &str) -> usize {
    text.rsplit_once('>').unwrap().1.parse().unwrap()
}

/// The texts of a history that others have written, with how often they are there.
fn texts(file: &Path, own: &AccountId) -> BTreeMap<String, usize> {
    let mut store = SqliteStore::open(file).unwrap();
    let mut texts = BTreeMap::new();
    for message in store.messages(None, u32::MAX).unwrap() {
        if message.author != session_sdk::content::AnyId::from(own) {
            *texts.entry(message.text().unwrap().to_owned()).or_default() += 1;
        }
    }
    texts
}

#[test]
fn nothing_is_lost_and_nothing_is_shown_twice_when_processes_are_killed() {
    let rounds = std::env::var("SESSION_KILL_ROUNDS");
    let rounds = rounds.map_or(5, |rounds| rounds.parse::<usize>().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path().join("network"));
    let network = runtime.block_on(Network::start(&plan)).unwrap();
    std::fs::write(folder.path().join("pin"), network.seed_certificate()).unwrap();
    let (sender, lines) = channel();
    let three = Three {
        folder,
        seed: network.seed_url(),
        lines: sender,
    };
    let ids = [0, 1, 2].map(|number| *account(number).id());
    let mut running = [0, 1, 2].map(|number| three.start(number));
    let mut said = Said::default();
    let mut random = std::process::id() as usize;
    let mut draw = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..rounds {
        for (from, one) in running.iter_mut().enumerate() {
            for to in (0..3).filter(|to| *to != from) {
                // It may be dead by now, and is started again below.
                let _ = writeln!(one.input, "{} {round}:{from}>{to}", ids[to]);
            }
        }
        let until = Instant::now() + Duration::from_millis(draw(3_000) as u64);
        said.hear(&lines, until);
        let victim = draw(3);
        running[victim].child.kill().unwrap();
        running[victim].child.wait().unwrap();
        running[victim] = three.start(victim);
    }
    let waited = Instant::now();
    let is_there = |said: &Said| {
        let of_ready = said.ready >= rounds + 3;
        let shown = |text: &&String| said.got.contains_key(&(recipient(text), (*text).clone()));
        of_ready && said.sent.iter().filter(|text| !shown(text)).count() == 0
    };
    // What was persisted, and not shown because of the kill, is in the history.
    while !is_there(&said) && waited.elapsed() < LIMIT {
        said.hear(&lines, Instant::now() + Duration::from_secs(1));
        if waited.elapsed() > Duration::from_secs(20) && is_in_histories(&three, &said, &ids) {
            break;
        }
    }
    for one in &mut running {
        one.child.kill().unwrap();
        one.child.wait().unwrap();
    }
    assert!(!said.sent.is_empty());
    assert!(said.got.values().all(|count| *count == 1), "{:?}", said.got);
    for (number, id) in ids.iter().enumerate() {
        let texts = texts(&store(three.folder.path(), number), id);
        assert!(texts.values().all(|count| *count == 1), "{texts:?}");
        for text in said.sent.iter().filter(|text| recipient(text) == number) {
            assert!(texts.contains_key(text), "{text} is lost");
        }
    }
    println!("{rounds} rounds, {} messages acknowledged", said.sent.len());
}

fn is_in_histories(three: &Three, said: &Said, ids: &[AccountId; 3]) -> bool {
    let all = [0, 1, 2].map(|number| texts(&store(three.folder.path(), number), &ids[number]));
    said.sent
        .iter()
        .all(|text| all[recipient(text)].contains_key(text))
}
