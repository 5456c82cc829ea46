//! Saves the files that it gets: `… --example saver -- <seed-url> <seed-certificate> <folder>`
//! A fourth and a fifth argument name another file server: its address and its Ed25519 key.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::{Account, Client, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pem, folder, server @ ..] = arguments.as_slice() else {
        return Err("expected a seed node, its certificate and a folder".into());
    };
    let builder = Client::builder(Account::random()?).created().test_network();
    let mut builder = builder.seed(url, &std::fs::read(pem)?)?;
    if let [address, key] = server {
        builder = builder.file_server(address, key)?;
    }
    let client = builder.connect().await?;
    println!("{}", client.id());
    let mut events = client.events();
    while let Some(event) = events.next().await {
        let Event::Message(message) = event else {
            continue;
        };
        for file in message.files() {
            // The name is made safe: it is never a path.
            match client.save(file, folder).await {
                Ok(path) => message.reply(&format!("Saved {}", path.display())).await?,
                Err(error) => message.reply(&format!("Not saved: {error}")).await?,
            };
        }
    }
    Ok(())
}
