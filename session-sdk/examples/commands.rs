//! A bot with commands that survives restarts:
//! `… --example commands -- <seed-url> <seed-certificate> <state.sqlite> <phrase-file>`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::identity::{Language, Seed};
use session_sdk::{Account, Client, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pem, state, file] = arguments.try_into().unwrap();
    if !std::fs::exists(&file)? {
        let phrase = Seed::random()?.to_phrase(Language::English);
        std::fs::write(&file, phrase.as_bytes())?;
    }
    let words = std::fs::read_to_string(&file)?;
    let account = Account::from_seed(&Seed::from_phrase_in_any_language(&words)?.0);
    let builder = Client::builder(account).test_network().store(state);
    let client = builder.seed(&url, &std::fs::read(pem)?)?.connect().await?;
    println!("{}", client.id());
    client.set_name("Commands").await?;
    let mut events = client.events();
    while let Some(event) = events.next().await {
        let Event::Message(message) = event else {
            continue;
        };
        match message.text().map(str::trim) {
            Some("!help") => message.quote("!help, !time, !count").await?,
            Some("!time") => message.quote(&message.sent_at().to_string()).await?,
            Some("!count") => {
                let history = message.conversation().history(Default::default()).await?;
                message
                    .quote(&format!("{} messages", history.len()))
                    .await?
            }
            _ => message.react("❓").await?,
        };
    }
    Ok(())
}
