//! Commands that need the network: send and receive.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use client::clock;
use client::error::ClientError;
use client::foreign::Foreign;
use client::message::Incoming;
use client::network::Options;
use client::session::{Client, Draft, Fetched, Kept, Step};
use client::state::State;
use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use session_identity::{Account, AccountId};
use session_message::content::{Quote, UnixMillis};

use crate::account::{account, account_id, check_name, read_small};
use crate::arguments::Shared;
use crate::device;
use crate::memory::Memory;
use crate::output::Output;
use crate::show::{event, for_people};

/// Members of the own swarm that one `receive` asks: one that was down has missed messages.
const ASKED: usize = 2;
/// The longest pause after failures, in seconds.
const MAX_PAUSE: u64 = 60;
/// Failures in a row after which the client begins again with a new list of nodes.
const PATIENCE: u32 = 3;

/// What to send.
pub(crate) struct Message<'a> {
    pub(crate) to: AccountId,
    pub(crate) text: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) reply_to: Option<Quote>,
    pub(crate) sync: bool,
}

/// Reads `<author>:<sent>`, the time in ms or as it is printed.
pub(crate) fn quote(text: &str) -> Result<Quote, ClientError> {
    let unusable = || {
        ClientError::Usage(format!(
            "`{}` names no message: it takes the author's account id, a colon, and the time it was \
             sent, as it is printed or in ms",
            Foreign::from(text)
        ))
    };
    let (author, sent_ms) = text.split_once(':').ok_or_else(unusable)?;
    let sent_ms = clock::read(sent_ms).filter(|sent_ms| *sent_ms > 0);
    Ok(Quote {
        author: account_id(author)?.into(),
        sent_at: sent_ms.map(UnixMillis::new).ok_or_else(unusable)?,
    })
}

/// Connects an account, and checks the time.
pub(crate) async fn connect(
    shared: &Shared,
    account: Account,
    out: &Output,
) -> Result<(Client, Memory), ClientError> {
    let (client, memory) = open(shared, account, out).await?;
    out.doing("asking a node for the time");
    client.check_clock().await?;
    Ok((client, memory))
}

/// Reads the certificates that seed nodes may have.
pub(crate) fn pins(shared: &Shared) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let mut pins = Vec::new();
    if let Some(path) = &shared.seed_cert {
        let unusable = || ClientError::Usage(format!("{} holds no certificates", path.display()));
        let text = read_small("cannot read certificates from", path)?;
        for certificate in CertificateDer::pem_slice_iter(&text) {
            pins.push(certificate.map_err(|_| unusable())?);
        }
        if pins.is_empty() {
            return Err(unusable());
        }
    }
    Ok(pins)
}

/// Connects an account. Whatever fails later, what is learnt of the network is kept for the next run.
async fn open(
    shared: &Shared,
    account: Account,
    out: &Output,
) -> Result<(Client, Memory), ClientError> {
    if shared.seed_url.is_empty() {
        let text = "no seed node: name one by --seed-url".to_owned();
        return Err(ClientError::Usage(text));
    }
    let pins = pins(shared)?;
    let options = Options {
        seeds: shared.seed_url.clone(),
        pins,
        from: None,
    };
    let memory = Memory::open(shared, &account.id().to_string(), out)?;
    out.doing("asking a seed node for the service nodes");
    let (said, retried) = (out.clone(), AtomicBool::new(false));
    let learnt = Mutex::new(memory.clone());
    let watch = move |step: &Step| match step {
        Step::Failed { network } => {
            let mut memory = learnt.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = memory.change(|state| {
                state.keep_network(network);
                Ok(())
            });
            if let Err(error) = kept {
                said.notice(&error.to_string());
            }
        }
        // Once: a node that is down is on many ways.
        Step::Retry { reason } if !said.is_json() && !retried.swap(true, Ordering::Relaxed) => {
            said.notice(&format!("an attempt failed, and others are made: {reason}"));
        }
        Step::SubnetsShared { subnets } => {
            let all = match subnets {
                1 => "one subnet".to_owned(),
                subnets => format!("{subnets} subnets"),
            };
            said.notice(&format!(
                "the whole network is in {all}, so nodes of one path share a subnet, and who runs \
                 one may run several"
            ));
        }
        _ => {}
    };
    let keys = device::account_keys(shared, &account)?;
    let client = Client::open(account, &options, memory.state().kept(), watch).await;
    let mut client = client.map_err(|error| hinted(error, &options))?;
    client.set_account_keys(keys);
    Ok((client, memory))
}

/// A seed node whose certificate nobody named cannot be used over https: that may be all that is
/// missing.
fn hinted(error: ClientError, options: &Options) -> ClientError {
    let is_https = |url: &String| url.starts_with("https:");
    match error {
        ClientError::Seeds(reason)
            if options.pins.is_empty() && options.seeds.iter().any(is_https) =>
        {
            let hint = "name the certificate of the seed node by --seed-cert";
            ClientError::Seeds(format!("{}; {hint}", reason.as_untrusted()).into())
        }
        other => other,
    }
}

/// Sends a message.
pub(crate) async fn send(
    shared: &Shared,
    message: &Message<'_>,
    out: &Output,
) -> Result<(), ClientError> {
    let given = message.name.map(check_name).transpose()?;
    let mut draft = Draft::text(&message.to, message.text);
    let account = account(shared, out)?;
    draft.check(&account)?;
    let (client, mut memory) = connect(shared, account, out).await?;
    if let Some(name) = given.unwrap_or(memory.state().name.as_deref()) {
        draft = draft.named(name);
    }
    if let Some(quote) = message.reply_to {
        draft = draft.in_reply_to(quote);
    }
    out.doing("sending");
    // Chosen under the lock of the state: nobody who shares it sends at the same time.
    let choose = |kept: &mut Kept, now_ms| {
        kept.sent_ms = memory.change(|state| Ok(state.next_time(now_ms)))?;
        Ok(kept.sent_ms)
    };
    let sent = client.deliver_at(&draft, choose).await?;
    // A note to oneself is in the own swarm already.
    let copy = message.sync && message.to != *client.account().id();
    let mut copied_to = 0;
    if copy {
        out.doing("storing a copy");
        match client.store_copy(&draft, sent.sent_ms).await {
            Ok(copy) => copied_to = copy.stored_on.len(),
            // The message itself is on its way, and must not be sent again.
            Err(error) => out.notice(&format!(
                "sent, but no copy could be stored for the own other devices: {error}"
            )),
        }
    }
    let event = json!({
        "event": "sent",
        "to": message.to.to_string(),
        "hash": sent.hash.to_string(),
        "sent_ms": sent.sent_ms,
        "swarm": sent.swarm.to_string(),
        "stored_on": sent.stored_on.len(),
        "failed": sent.failed.len(),
        "copied_to": copied_to,
    });
    let stored = sent.stored_on.len();
    let text = format!(
        "sent at {}; {stored} nodes of the swarm store it",
        clock::written(sent.sent_ms)
    );
    out.print(&event, &text)?;
    let kept = client.keep().await;
    memory.change(|state| {
        state.keep(&kept);
        Ok(())
    })
}

/// Prints what is new, and remembers it.
fn show(fetched: &Fetched, state: &mut State, out: &Output) -> Result<usize, ClientError> {
    let mut count = 0;
    let mut messages: Vec<&Incoming> = fetched.messages.iter().collect();
    messages.sort_by_key(|message| message.sent_ms);
    for message in messages {
        if !state.remember(&message.key) {
            continue;
        }
        count += 1;
        out.print(&event(message), &for_people(message))?;
    }
    for (hash, reason) in &fetched.unreadable {
        let hash = hash.to_string();
        if state.remember_unreadable(&hash) {
            out.notice(&format!("message {hash} cannot be read: {reason}"));
            if out.is_json() {
                let event = json!({"event": "unreadable", "hash": hash, "reason": reason});
                out.print(&event, "")?;
            }
        }
    }
    Ok(count)
}

/// Prints what is new, and remembers it, and where the fetch ended: only now, for a message that was
/// not shown must be fetched again.
fn remember(
    memory: &mut Memory,
    fetched: &Fetched,
    last_hashes: BTreeMap<String, String>,
    kept: &Kept,
    out: &Output,
) -> Result<usize, ClientError> {
    memory.change(|state| {
        let count = show(fetched, state, out)?;
        state.last_hashes.extend(last_hashes);
        state.keep(kept);
        Ok(count)
    })
}

/// Fetches once, from more than one member of the swarm.
pub(crate) async fn receive(shared: &Shared, out: &Output) -> Result<(), ClientError> {
    let (client, mut memory) = open(shared, account(shared, out)?, out).await?;
    out.doing("fetching");
    let mut last_hashes = memory.state().last_hashes.clone();
    let fetched = client.receive_from(ASKED, &mut last_hashes).await?;
    let kept = client.keep().await;
    let count = remember(&mut memory, &fetched, last_hashes, &kept, out)?;
    if count == 0 && !out.is_json() {
        out.print(&json!(null), "nothing new")?;
    }
    Ok(())
}

/// Fetches again and again until interrupted, from another member each time.
pub(crate) async fn follow(
    shared: &Shared,
    interval: u64,
    out: &Output,
) -> Result<(), ClientError> {
    let account = account(shared, out)?;
    let mut stop = pin!(interrupted());
    let connected = tokio::select! {
        stopped = &mut stop => return stopped,
        connected = open(shared, account, out) => connected,
    };
    let (client, mut memory) = connected?;
    out.finish();
    out.print(
        &json!({"event": "following"}),
        "following; stop it with Ctrl-C",
    )?;
    let mut failures = 0;
    loop {
        // A copy: what an interrupted fetch has brought was not shown.
        let mut last_hashes = memory.state().last_hashes.clone();
        let outcome = tokio::select! {
            stopped = &mut stop => break stopped?,
            outcome = attempt(&client, failures, &mut last_hashes) => outcome,
        };
        let pause = match outcome {
            Ok(fetched) => {
                failures = 0;
                let kept = client.keep().await;
                remember(&mut memory, &fetched, last_hashes, &kept, out)?;
                Duration::from_secs(interval)
            }
            Err(error) => {
                failures += 1;
                let pause = backoff(interval, failures, UnwrapErr(SysRng).next_u32());
                let seconds = pause.as_secs();
                out.notice(&format!("{error}; next attempt in {seconds} s"));
                if out.is_json() {
                    let error = error.to_string();
                    let event = json!({"event": "retry", "error": error, "seconds": seconds});
                    out.print(&event, "")?;
                }
                pause
            }
        };
        tokio::select! {
            stopped = &mut stop => break stopped?,
            () = tokio::time::sleep(pause) => {}
        }
    }
    out.print(&json!({"event": "stopped"}), "stopped")
}

/// One fetch; after some failures with a new list of nodes.
async fn attempt(
    client: &Client,
    failures: u32,
    last_hashes: &mut BTreeMap<String, String>,
) -> Result<Fetched, ClientError> {
    if failures > 0 && failures.is_multiple_of(PATIENCE) {
        client.reconnect().await?;
    }
    client.receive(last_hashes).await
}

/// The pause after so many failures: twice as long each time, and up to a quarter more by chance,
/// so that clients do not come back all at once.
fn backoff(interval: u64, failures: u32, chance: u32) -> Duration {
    let doubled = interval.saturating_mul(1 << failures.min(10));
    let pause = Duration::from_secs(doubled.min(MAX_PAUSE.max(interval)));
    pause + pause.mul_f64(f64::from(chance) / f64::from(u32::MAX) / 4.0)
}

#[cfg(unix)]
async fn interrupted() -> Result<(), ClientError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(ClientError::Output)?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.map_err(ClientError::Output),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> Result<(), ClientError> {
    tokio::signal::ctrl_c().await.map_err(ClientError::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds: Vec<u64> = (1..9)
            .map(|failures| backoff(3, failures, 0).as_secs())
            .collect();
        assert_eq!(seconds, [6, 12, 24, 48, 60, 60, 60, 60]);
        assert_eq!(backoff(3600, 40, 0).as_secs(), 3600);
        assert_eq!(backoff(4, 1, u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn a_quote_has_an_author_and_a_time() {
        let id = format!("05{}", "6a".repeat(32));
        let good =
            session_identity::Account::from_seed(&session_identity::Seed::from_short(&[1; 16]));
        let good = good.id().to_string();
        let read = quote(&format!("{good}:1700000000000")).unwrap();
        assert_eq!(
            (read.author.to_string(), read.sent_at.get()),
            (good.clone(), 1_700_000_000_000)
        );
        let printed = quote(&format!("{good}:2023-11-14T22:13:20.000Z")).unwrap();
        assert_eq!(printed.sent_at.get(), 1_700_000_000_000);
        for bad in [
            good.clone(),
            format!("{good}:"),
            format!("{good}:0"),
            format!("{good}:-1"),
            format!("{good}:now"),
            ":5".to_owned(),
            format!("15{}:5", &id[2..]),
            String::new(),
        ] {
            assert!(quote(&bad).is_err(), "{bad}");
        }
    }
}
