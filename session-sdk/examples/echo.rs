//! Answers every text with one that contains it:
//! `cargo run --release -p session-sdk --example echo -- <seed-url> <seed-certificate>`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::{Account, Client, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, pem] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let builder = Client::builder(Account::random()?).created().test_network();
    let client = builder.seed(&url, &std::fs::read(pem)?)?.connect().await?;
    println!("{}", client.id());
    client.set_name("Echo").await?;
    let mut events = client.events();
    while let Some(event) = events.next().await {
        if let Event::Message(message) = event
            && let Some(text) = message.text()
        {
            message.reply(&format!("You wrote: {text}")).await?;
        }
    }
    Ok(())
}
