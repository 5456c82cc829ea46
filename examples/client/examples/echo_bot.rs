//! A bot that answers every text with the same text.
//!
//! ```text
//! cargo run --release -p localnet -- serve --data-dir net
//! cargo run -p client --example echo_bot -- https://127.0.0.1:<port> net/seed.pem
//! ```
//!
//! It makes a new account and prints its id: write to it with the client, and receive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use client::message::Incoming;
use client::network::Options;
use client::session::{Client, Draft};
use getrandom::{SysRng, rand_core::UnwrapErr};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use session_identity::{Account, Seed};
use session_message::content::{Quote, UnixMillis};

/// The answer to a message: a quote of it, and its text.
fn answer(message: &Incoming) -> Option<Draft> {
    let text = message.text.as_ref()?;
    let quote = Quote {
        author: message.from.into(),
        sent_at: UnixMillis::new(message.sent_ms),
    };
    let draft = Draft::text(&message.from, &format!("You wrote: {text}"));
    Some(draft.named("Echo").in_reply_to(quote))
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed_url, seed_cert] = arguments.as_slice() else {
        return Err("usage: echo_bot SEED-URL SEED-CERTIFICATE".into());
    };
    let options = Options {
        seeds: vec![seed_url.clone()],
        pins: vec![CertificateDer::from_pem_file(seed_cert)?],
        from: None,
    };
    // A bot that shall keep its name keeps the recovery phrase of this seed.
    let account = Account::from_seed(&Seed::generate(&mut UnwrapErr(SysRng)));
    println!("{}", account.id());
    let client = Client::connect(account, &options, |_| {}).await?;

    // Where the last fetch from each node ended, and what was answered: each member of the swarm
    // has every message, and a message is known by its key.
    let mut last_hashes = BTreeMap::new();
    let mut answered = BTreeSet::new();
    loop {
        match client.receive(&mut last_hashes).await {
            Ok(fetched) => {
                // What it wrote itself would come back as copies: a bot that answers those never ends.
                for message in fetched.messages.iter().filter(|message| !message.own) {
                    let is_new = answered.insert(message.key);
                    if let Some(draft) = answer(message).filter(|_| is_new) {
                        let sent = client.deliver(&draft).await?;
                        println!(
                            "answered {}, on {} nodes",
                            message.from,
                            sent.stored_on.len()
                        );
                    }
                }
            }
            Err(error) => eprintln!("{error}; trying again"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
