//! A network in a process of its own is hurt in every way there is, and killed, while several
//! clients talk all the time: nothing that was acknowledged is lost, and every message is there
//! once.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use client::http::{Http, Trust};
use client::network::Options;
use client::session::{Client, Kept, Sent};
use client::state::State;
use http_body_util::Full;
use hyper::Request;
use localnet::admin::Order;
use localnet::store::Store;
use localnet::token::Token;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use session_identity::{Account, Seed};
use session_swarm::ring::SwarmRing;
use session_types::AnyId;

/// Clients that all write to each other.
const PEOPLE: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[number; 16]))
}

/// A port from which on all that a network needs are free, as far as one can tell.
///
/// It lies below those that the system gives to connections: after a kill, a connection of somebody
/// else could hold one of ours.
fn free_port() -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let needed = |base: u16| [base, base + 201, base + 202, base + 203];
    let mut bases = (start..32_000).step_by(7);
    bases
        .find(|base| needed(*base).into_iter().all(is_free))
        .unwrap()
}

/// A network in a process of its own.
struct Serving {
    process: Child,
    data_dir: std::path::PathBuf,
    options: Options,
}

fn serve(data_dir: &Path, port: u16) -> Serving {
    let mut process = Command::new(env!("CARGO_BIN_EXE_localnet"))
        .args(["--json", "serve", "--port", &port.to_string(), "--data-dir"])
        .arg(data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = process.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["event"], "serving", "{event}");
    let pem = std::fs::read(data_dir.join("seed.pem")).unwrap();
    let pins = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap);
    Serving {
        options: Options {
            seeds: vec![event["seed_url"].as_str().unwrap().to_owned()],
            pins: pins.collect(),
            ..Options::default()
        },
        process,
        data_dir: data_dir.to_owned(),
    }
}

/// A request that shows the token in a data directory.
fn order_to(url: &str, data_dir: &Path, body: Vec<u8>) -> Request<Full<Bytes>> {
    let token = Token::read(&data_dir.join("ctl.token")).unwrap();
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", token.header());
    request.body(Full::new(body.into())).unwrap()
}

impl Serving {
    async fn ask(&self, path: &str, body: Vec<u8>) -> Value {
        let http = Http::new(Trust::Pinned(self.options.pins.clone()), None);
        let url = format!("{}/{path}", self.options.seeds[0]);
        let answer = http.send(order_to(&url, &self.data_dir, body), PATIENCE);
        let answer = answer.await.unwrap();
        let said = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.is_ok(), "{said}");
        said
    }

    async fn order(&self, action: &str, node: &str, value: &str) {
        let order = Order {
            action: action.into(),
            node: (action != "dissolve").then(|| node.into()),
            value: Some(value.into()),
            swarm: None,
        };
        self.ask("ctl", serde_json::to_vec(&order).unwrap()).await;
    }

    /// The swarm of an account, its members, and the other nodes.
    async fn swarm_of(&self, account: &Account) -> (String, Vec<String>, Vec<String>) {
        let status = self.ask("status", vec![]).await;
        let nodes = status["nodes"].as_array().unwrap();
        let swarm_of = |node: &Value| node["swarm"].as_str().unwrap().to_owned();
        let ring: SwarmRing = nodes
            .iter()
            .map(|node| swarm_of(node).parse().unwrap())
            .collect();
        let storage = AnyId::from_bytes(*account.id().as_bytes());
        let swarm = ring.swarm_of(&storage).unwrap().to_string();
        let name = |node: &&Value| node["ed25519"].as_str().unwrap().to_owned();
        let is_member = |node: &&Value| swarm_of(node) == swarm;
        let members = nodes
            .iter()
            .filter(is_member)
            .map(|node| name(&node))
            .collect();
        let others = nodes.iter().filter(|node| !is_member(node));
        (
            swarm.clone(),
            members,
            others.map(|node| name(&node)).collect(),
        )
    }

    /// On Unix this is kill -9.
    fn kill(self) -> std::path::PathBuf {
        self.data_dir.clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the clients have in common.
#[derive(Default)]
struct Talk {
    options: Mutex<Options>,
    /// Nobody shall write any more.
    stopped: AtomicBool,
    /// Nobody writes any more.
    is_over: AtomicBool,
    /// What was acknowledged, by receiver.
    acknowledged: Mutex<BTreeMap<u8, BTreeMap<String, Sent>>>,
    /// What was tried, acknowledged or not.
    tried: Mutex<BTreeSet<String>>,
    count: AtomicUsize,
}

impl Talk {
    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    async fn connect(&self, number: u8, kept: &Kept) -> Client {
        loop {
            let (options, kept) = (self.options.lock().unwrap().clone(), kept.clone());
            let again = Client::connect_again(account(number), &options, kept, |_| {});
            if let Ok(client) = again.await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Writes to one after the other until it is over. A client that fails begins again, as a
    /// person would.
    async fn write(self: Arc<Self>, own: u8) {
        let mut client = self.connect(own, &Kept::default()).await;
        for next in (0..PEOPLE - 1).cycle() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let to = (own + next) % PEOPLE + 1;
            let text = format!("from {own} to {to}, number {}", self.count());
            self.tried.lock().unwrap().insert(text.clone());
            match client.send(account(to).id(), &text, None).await {
                Ok(sent) => {
                    assert!(!sent.stored_on.is_empty());
                    let mut all = self.acknowledged.lock().unwrap();
                    let before = all.entry(to).or_default().insert(text, sent);
                    assert!(before.is_none());
                    self.count.fetch_add(1, Ordering::SeqCst);
                }
                Err(_) => client = self.connect(own, &client.keep().await).await,
            }
        }
    }

    /// Fetches from one member of the swarm after the other until it is over and nothing new
    /// comes; every message once.
    async fn read(self: Arc<Self>, own: u8) -> BTreeSet<String> {
        let mut client = self.connect(own, &Kept::default()).await;
        let mut state = State::new(&account(own).id().to_string());
        let (mut texts, mut idle) = (BTreeSet::new(), 0);
        while idle < 24 {
            let is_over = self.is_over.load(Ordering::SeqCst);
            let mut last_hashes = state.last_hashes.clone();
            match client.receive(&mut last_hashes).await {
                Ok(fetched) => {
                    assert!(fetched.unreadable.is_empty());
                    idle += usize::from(is_over);
                    for message in fetched.messages {
                        let text = message.text.unwrap().as_untrusted().to_owned();
                        if state.remember(&message.key) {
                            assert!(texts.insert(text.clone()), "twice: {text}");
                            idle = 0;
                        }
                        assert!(texts.contains(&text), "another one at the time of {text}");
                    }
                    state.last_hashes = last_hashes;
                }
                Err(_) => client = self.connect(own, &client.keep().await).await,
            }
            if !is_over {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        texts
    }

    /// Waits until so many more messages were acknowledged.
    async fn more(&self, count: usize) {
        let goal = self.count() + count;
        let enough = async {
            while self.count() < goal {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "nothing gets through");
    }
}

/// The files of nodes that keep a message.
fn keepers(data_dir: &Path, hash: &str) -> Vec<String> {
    let files = std::fs::read_dir(data_dir).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let keeps = |file: &std::path::PathBuf| {
        let is_store = file.extension().is_some_and(|kind| kind == "sqlite");
        let all = is_store.then(|| Store::open(file).unwrap().all().unwrap());
        let mut all = all.into_iter().flatten();
        all.any(|item| item.hash == hash)
    };
    files
        .filter(keeps)
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_whatever_happens() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut serving = serve(folder.path(), port);
    let talk = Arc::new(Talk::default());
    *talk.options.lock().unwrap() = serving.options.clone();
    let writers: Vec<_> = (1..=PEOPLE)
        .map(|own| tokio::spawn(Arc::clone(&talk).write(own)))
        .collect();
    let readers: Vec<_> = (1..=PEOPLE)
        .map(|own| tokio::spawn(Arc::clone(&talk).read(own)))
        .collect();
    talk.more(20).await;

    // In the swarm of the first: one is dead, one lies, one is slow, one has a wrong clock.
    let (_, members, _) = serving.swarm_of(&account(1)).await;
    let [dead, liar, slow, late] = members.as_slice() else {
        panic!("{members:?}");
    };
    serving.order("down", dead, "").await;
    talk.more(10).await;
    serving.order("slow", slow, "300").await;
    serving.order("clock", late, "-120000").await;
    talk.more(10).await;
    serving.order("slow", slow, "0").await;
    serving.order("clock", late, "0").await;
    for lie in ["drop", "wrong-swarm", "garble"] {
        serving.order("lie", liar, lie).await;
        talk.more(10).await;
    }
    serving.order("lie", liar, "honest").await;
    serving.order("up", dead, "").await;
    talk.more(5).await;

    // A node joins the swarm of the second in the middle of it, and one leaves.
    let (swarm, members, others) = serving.swarm_of(&account(2)).await;
    serving.order("move", &others[0], &swarm).await;
    talk.more(10).await;
    let (elsewhere, _, _) = serving.swarm_of(&account(3)).await;
    if elsewhere != swarm {
        serving.order("move", &members[0], &elsewhere).await;
        talk.more(10).await;
    }

    // It is killed in the middle of it, and started again.
    for _ in 0..2 {
        let data_dir = serving.kill();
        serving = serve(&data_dir, port);
        *talk.options.lock().unwrap() = serving.options.clone();
        talk.more(20).await;
    }

    // The swarm of the third is dissolved, and the process killed while its messages move.
    let (swarm, _, _) = serving.swarm_of(&account(3)).await;
    let dissolve = Order {
        action: "dissolve".into(),
        node: None,
        value: Some(swarm.clone()),
        swarm: None,
    };
    let http = Http::new(Trust::Pinned(serving.options.pins.clone()), None);
    let url = format!("{}/ctl", serving.options.seeds[0]);
    let order = order_to(&url, folder.path(), serde_json::to_vec(&dissolve).unwrap());
    let moving = folder.path().join("moving.json");
    let keys = || std::fs::read(folder.path().join("keys.json")).unwrap();
    let before = keys();
    let ordered = tokio::spawn(async move {
        let _ = http.send(order, PATIENCE).await;
    });
    let began = async {
        while keys() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let data_dir = serving.kill();
    ordered.await.unwrap();
    serving = serve(&data_dir, port);
    assert!(!moving.exists(), "the change is finished after the start");
    assert_ne!(serving.swarm_of(&account(3)).await.0, swarm);
    *talk.options.lock().unwrap() = serving.options.clone();
    talk.more(20).await;

    talk.stopped.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    talk.is_over.store(true, Ordering::SeqCst);
    let mut total = 0;
    for (own, reader) in (1..=PEOPLE).zip(readers) {
        let got = reader.await.unwrap();
        let acknowledged = talk.acknowledged.lock().unwrap()[&own].clone();
        for (text, sent) in &acknowledged {
            assert!(
                got.contains(text),
                "{own} has not got `{text}`: {sent:?}\nkept by {:?}",
                keepers(folder.path(), sent.hash.as_str())
            );
        }
        let tried = talk.tried.lock().unwrap();
        let invented: Vec<_> = got.difference(&tried).collect();
        assert!(invented.is_empty(), "nobody wrote {invented:?}");
        total += acknowledged.len();
    }
    println!("{total} messages acknowledged, all of them read once");
    serving.kill();
}
