//! Figures of speed and memory. The first two need no network; the others one of nodes on this machine, in a process of
//! its own (`cargo run --release -p localnet -- serve --data-dir net`).
//!
//! ```text
//! cargo bench -p session-sdk --bench figures -- …
//!         start                               start with 10,000 conversations of 100 unread messages
//!         memory                              memory of an account with 1,000 contacts
//!         queue <seed-url> <seed-cert>        1,000 messages that were queued offline
//!         idle <seed-url> <seed-cert>         processor time of ten accounts that do nothing, over 60 s
//! ```
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use session_client::types::{AccountId, UnixMillis};
use session_client::{Change, Key};
use session_proto::bt;
use session_sdk::content::Content;
use session_sdk::identity::Seed as Entropy;
use session_sdk::{Account, Builder, Client, Page, Seed, SqliteStore, Store};
use zeroize::Zeroizing;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments = arguments.iter().map(String::as_str);
    // Cargo adds it.
    let arguments: Vec<&str> = arguments.filter(|one| *one != "--bench").collect();
    match arguments.as_slice() {
        [] => {
            println!("start, memory, or queue or idle with a seed node and its certificate");
            Ok(())
        }
        ["start"] => start().await,
        ["memory"] => memory().await,
        ["queue", url, pem] => queue(url, Path::new(pem)).await,
        ["idle", url, pem] => idle(url, Path::new(pem)).await,
        _ => Err(
            "expected start, memory, or queue or idle with a seed node and its certificate".into(),
        ),
    }
}

fn contact(number: u64) -> AccountId {
    let entropy = (1 << 100) | u128::from(number);
    *Account::from_seed(&Entropy::from_short(&entropy.to_le_bytes())).id()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis() as u64
}

/// A client that reaches nobody.
fn offline(account: Account) -> Builder {
    let seeds = [Seed::new("https://127.0.0.1:1", [vec![1]])];
    Client::builder(account).created().seeds(seeds)
}

fn at(url: &str, pem: &Path) -> Result<Builder, Box<dyn std::error::Error>> {
    let builder = Client::builder(Account::random()?).created().test_network();
    Ok(builder.seed(url, &std::fs::read(pem)?)?)
}

/// A received message as a record.
fn message(from: &AccountId, number: u64, sent_ms: u64) -> Change {
    let content = Content::text(format!("message {number}"));
    let content = content.encode(UnixMillis::new(sent_ms), None).unwrap();
    let value = bt::dict(|d| {
        d.bytes(b"a", from.as_bytes());
        d.bytes(b"c", &content);
        d.int(b"r", 0_u8);
        d.int(b"s", 0_u8);
    });
    let (time, tag) = (sent_ms.to_be_bytes(), number.to_be_bytes());
    let key = [b"m".as_slice(), from.as_bytes(), &time, &tag].concat();
    Change::Put {
        key: Key::try_from(key.as_slice()).unwrap(),
        value: Zeroizing::new(value),
    }
}

async fn start() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("records.sqlite");
    let account = Account::random()?;
    let seed = account.seed();
    drop(offline(account).store(&file).connect().await?);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let mut store = SqliteStore::open(&file)?;
    let first = contact(0);
    for conversation in 0..10_000 {
        let from = contact(conversation);
        let sent = now() - 1_000_000;
        let changes: Vec<Change> = (0..100)
            .map(|number| message(&from, number, sent + number))
            .collect();
        store.apply(&changes)?;
    }
    drop(store);
    println!(
        "1,000,000 messages written in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    let client = offline(Account::from_seed(&seed))
        .store(&file)
        .connect()
        .await?;
    let page = client.conversation(first).history(Page::default()).await?;
    println!(
        "start, with the newest {} messages of a conversation: {} ms; {} MB",
        page.len(),
        begun.elapsed().as_millis(),
        resident_kb() / 1_024,
    );
    Ok(())
}

async fn memory() -> Outcome {
    let before = resident_kb();
    let folder = tempfile::tempdir()?;
    let client = offline(Account::random()?).store(folder.path().join("records.sqlite"));
    let client = client.connect().await?;
    for number in 0..1_000 {
        let id = contact(number);
        client
            .edit(move |configs| {
                configs.contacts.update(&id, |contact| {
                    contact.is_approved = true;
                    contact.set_nickname("Somebody")
                })
            })
            .await?;
    }
    println!(
        "an account of 1,000 contacts: {} MB, {} MB before",
        resident_kb() / 1_024,
        before / 1_024,
    );
    Ok(())
}

async fn queue(url: &str, pem: &Path) -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("records.sqlite");
    let account = Account::random()?;
    let seed = account.seed();
    let client = offline(account).store(&file).connect().await?;
    let begun = Instant::now();
    let notes = client.conversation(*client.id());
    for number in 0..1_000 {
        notes.send(&format!("message {number}")).await?;
    }
    println!(
        "1,000 messages queued offline in {} ms",
        begun.elapsed().as_millis()
    );
    drop((client, notes));
    tokio::time::sleep(Duration::from_secs(1)).await;

    // What the network takes for as many, without a store that waits for the disk.
    let direct = at(url, pem)?.connect().await?;
    let notes = direct.conversation(*direct.id());
    notes.send("the first finds guards").await?;
    direct.flush().await?;
    let begun = Instant::now();
    for number in 0..1_000 {
        notes.send(&format!("message {number}")).await?;
    }
    direct.flush().await?;
    println!("sent from memory: {} ms", begun.elapsed().as_millis());

    let builder = Client::builder(Account::from_seed(&seed)).test_network();
    let builder = builder.seed(url, &std::fs::read(pem)?)?.store(&file);
    let begun = Instant::now();
    let client = builder.connect().await?;
    client.flush().await?;
    println!(
        "sent from the queue, with the start: {} ms",
        begun.elapsed().as_millis()
    );
    Ok(())
}

async fn idle(url: &str, pem: &Path) -> Outcome {
    let folder = tempfile::tempdir()?;
    let first = at(url, pem)?.store(folder.path().join("0.sqlite"));
    let first = first.connect().await?;
    let network = first.network();
    let mut clients = vec![first];
    for number in 1..10 {
        let builder = Client::builder(Account::random()?)
            .created()
            .network(&network);
        let file = folder.path().join(format!("{number}.sqlite"));
        clients.push(builder.store(file).connect().await?);
    }
    for client in &clients {
        client.conversation(*client.id()).send("a note").await?;
        client.flush().await?;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = processor_ms();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let used = processor_ms() - before;
    println!(
        "ten idle accounts: {used} ms of processor time in 60 s, {:.2} %; {} MB",
        used as f64 / 600.0,
        resident_kb() / 1_024,
    );
    Ok(())
}

/// Memory of this process in KiB.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time of this process in milliseconds.
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    // In hundredths of a second.
    (ticks(11) + ticks(12)) * 10
}
