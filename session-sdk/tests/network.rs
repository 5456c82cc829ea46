//! How a client reaches the network: through proxies, with others, and while its calls are cancelled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_localnet::network::{Network, Plan};
use session_sdk::{Account, Builder, Client, Event, Events, Seed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A limit for everything that waits.
const LIMIT: Duration = Duration::from_secs(90);
/// A name that nobody but the proxy resolves.
const SEED: &str = "seed.invalid";

#[derive(Debug, Clone, Copy)]
enum Kind {
    Socks,
    Connect,
}

/// A proxy, and the targets that it was asked for.
#[derive(Clone, Default)]
struct Targets {
    allowed: Arc<Mutex<Vec<String>>>,
    refused: Arc<Mutex<usize>>,
}

impl Targets {
    fn all(&self) -> BTreeSet<String> {
        self.allowed.lock().unwrap().iter().cloned().collect()
    }
}

/// Reads SOCKS5 with user and password up to the target (RFC 1928, RFC 1929).
async fn socks(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes).await.ok()?;
    let mut methods = vec![0; usize::from(bytes[1])];
    stream.read_exact(&mut methods).await.ok()?;
    if !methods.contains(&2) {
        stream.write_all(&[5, 255]).await.ok()?;
        return None;
    }
    stream.write_all(&[5, 2]).await.ok()?;
    let mut login = Vec::new();
    stream.read_u8().await.ok()?;
    for _ in 0..2 {
        let mut part = vec![0; usize::from(stream.read_u8().await.ok()?)];
        stream.read_exact(&mut part).await.ok()?;
        login.push(part);
    }
    if login != [b"user".as_slice(), b"pass word"] {
        stream.write_all(&[1, 1]).await.ok()?;
        return None;
    }
    stream.write_all(&[1, 0]).await.ok()?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let host = match head[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await.ok()?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => {
            let mut name = vec![0; usize::from(stream.read_u8().await.ok()?)];
            stream.read_exact(&mut name).await.ok()?;
            String::from_utf8(name).ok()?
        }
        _ => return None,
    };
    let port = stream.read_u16().await.ok()?;
    stream
        .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
        .ok()?;
    Some(format!("{host}:{port}"))
}

/// Reads CONNECT with user and password.
async fn connect(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    // user:pass word
    let is_allowed = head.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("proxy-authorization: ") == Some("basic dxnlcjpwyxnzihdvcmq=")
    });
    if !is_allowed {
        let _ = stream.write_all(b"HTTP/1.1 407 No\r\n\r\n").await;
        return None;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    Some(target)
}

async fn proxy(kind: Kind) -> (u16, Targets) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let targets = Targets::default();
    let seen = targets.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let target = match kind {
                    Kind::Socks => socks(&mut stream).await,
                    Kind::Connect => connect(&mut stream).await,
                };
                let Some(target) = target else {
                    *seen.refused.lock().unwrap() += 1;
                    return;
                };
                seen.allowed.lock().unwrap().push(target.clone());
                let target = target.replace(SEED, "127.0.0.1");
                if let Ok(mut there) = TcpStream::connect(target).await {
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                }
            });
        }
    });
    (port, targets)
}

async fn start(folder: &tempfile::TempDir) -> Network {
    let plan = Plan::new(folder.path().join("network"));
    Network::start(&plan).await.unwrap()
}

fn builder(network: &Network) -> Builder {
    let pin = network.seed_certificate().to_vec();
    let builder = Client::builder(Account::random().unwrap()).created();
    let builder = builder.test_network();
    builder.seeds([Seed::new(network.seed_url(), [pin])])
}

async fn text(events: &mut Events) -> String {
    let came = tokio::time::timeout(LIMIT, async {
        loop {
            if let Event::Message(message) = events.next().await.unwrap() {
                return message.text().unwrap().to_owned();
            }
        }
    });
    came.await.expect("a message comes in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_through_a_proxy_that_resolves_the_names() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    let bob = builder(&network).connect().await.unwrap();
    let mut of_bob = bob.events();
    for (kind, scheme) in [(Kind::Socks, "socks5"), (Kind::Connect, "http")] {
        let (port, targets) = proxy(kind).await;
        let url = network.seed_url().replace("127.0.0.1", SEED);
        assert!(url.contains(SEED), "{url}");
        let through = |login: &str| {
            let pin = network.seed_certificate().to_vec();
            let builder = builder(&network).seeds([Seed::new(url.clone(), [pin])]);
            let proxy = format!("{scheme}://{login}@127.0.0.1:{port}");
            builder.proxy(&proxy).unwrap()
        };
        let alice = through("user:pass%20word").connect().await.unwrap();
        alice.conversation(*bob.id()).send(scheme).await.unwrap();
        assert_eq!(text(&mut of_bob).await, scheme);
        let seen = targets.all();
        assert!(
            seen.iter().any(|target| target.starts_with(SEED)),
            "{seen:?}"
        );
        assert!(
            seen.len() > 1,
            "guards are reached through it, too: {seen:?}"
        );
        drop(alice);

        // Without the right password nothing goes out.
        let (allowed, refused) = (targets.all(), *targets.refused.lock().unwrap());
        let carol = through("user:wrong").connect().await.unwrap();
        carol.conversation(*bob.id()).send("never").await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(3), carol.flush()).await;
        assert!(ended.is_err(), "it was delivered");
        assert_eq!(targets.all(), allowed);
        assert!(*targets.refused.lock().unwrap() > refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_accounts_share_one_set_of_guards() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    // The proxy sees which nodes are reached.
    let (port, targets) = proxy(Kind::Socks).await;
    let url = format!("socks5://user:pass%20word@127.0.0.1:{port}");
    let first = builder(&network)
        .proxy(&url)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let notes = first.conversation(*first.id());
    notes.send("a note").await.unwrap();
    tokio::time::timeout(LIMIT, first.flush())
        .await
        .unwrap()
        .unwrap();
    let before = targets.all();
    let shared = first.network();
    let other = || {
        let account = Account::random().unwrap();
        Client::builder(account)
            .created()
            .network(&shared)
            .connect()
    };
    let clients = [
        first.clone(),
        other().await.unwrap(),
        other().await.unwrap(),
    ];
    let mut events = clients.each_ref().map(Client::events);
    // Everybody writes to the next one.
    for (number, client) in clients.iter().enumerate() {
        let next = *clients[(number + 1) % 3].id();
        client
            .conversation(next)
            .send(&format!("from {number}"))
            .await
            .unwrap();
    }
    for (number, events) in events.iter_mut().enumerate() {
        assert_eq!(text(events).await, format!("from {}", (number + 2) % 3));
    }
    let new: Vec<String> = targets.all().difference(&before).cloned().collect();
    assert!(new.len() <= 1, "{before:?}, then {new:?} too");

    // One that stops does not hold up the others, not even the one that began.
    let [_, second, third] = clients;
    let [gone, _, mut of_third] = events;
    drop((gone, notes, first));
    tokio::time::sleep(Duration::from_millis(300)).await;
    second
        .conversation(*third.id())
        .send("still here")
        .await
        .unwrap();
    assert_eq!(text(&mut of_third).await, "still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_is_done_once_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    let alice = builder(&network).store(folder.path().join("alice.sqlite"));
    let alice = alice.connect().await.unwrap();
    let bob = builder(&network).connect().await.unwrap();
    let with_bob = alice.conversation(*bob.id());
    let mut acknowledged = BTreeSet::new();
    for number in 0..40_u64 {
        let sent = format!("{number}");
        let send = with_bob.send(&sent);
        // Some end before they begin, some in the middle, some are done.
        let limit = Duration::from_micros(number * number * 500);
        if let Ok(result) = tokio::time::timeout(limit, send).await {
            result.unwrap();
            acknowledged.insert(sent);
        }
    }
    assert!(
        !acknowledged.is_empty() && acknowledged.len() < 40,
        "{}",
        acknowledged.len()
    );
    with_bob.send("the end").await.unwrap();
    tokio::time::timeout(LIMIT, alice.flush())
        .await
        .unwrap()
        .unwrap();
    let mut events = bob.events();
    let mut came: BTreeMap<String, usize> = BTreeMap::new();
    let waited = tokio::time::timeout(LIMIT, async {
        while !acknowledged.iter().all(|text| came.contains_key(text)) {
            // Waiting is cancelled again and again.
            let next = tokio::time::timeout(Duration::from_millis(2), events.next()).await;
            if let Ok(Some(Event::Message(message))) = next {
                *came.entry(message.text().unwrap().to_owned()).or_default() += 1;
            }
        }
    });
    waited
        .await
        .expect("everything that was acknowledged comes");
    assert!(came.values().all(|count| *count == 1), "{came:?}");
}
