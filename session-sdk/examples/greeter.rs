//! Greets everybody who writes into a room of a community for the first time, and survives restarts:
//! `… --example greeter -- <seed-url> <seed-certificate> <state.sqlite> <phrase-file> <room-url>`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::identity::{Language, Seed};
use session_sdk::{Account, Client, Event, Page};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pem, state, file, room] = arguments.try_into().unwrap();
    if !std::fs::exists(&file)? {
        let phrase = Seed::random()?.to_phrase(Language::English);
        std::fs::write(&file, phrase.as_bytes())?;
    }
    let words = std::fs::read_to_string(&file)?;
    let account = Account::from_seed(&Seed::from_phrase_in_any_language(&words)?.0);
    let builder = Client::builder(account).test_network().store(state);
    let client = builder.seed(&url, &std::fs::read(pem)?)?.connect().await?;
    client.set_name("Greeter").await?;
    let mut events = client.events();
    println!("in {}", client.join(&room).await?.name().await?);
    while let Some(event) = events.next().await {
        let Event::Message(message) = event else {
            continue;
        };
        let (before, limit, place) = (None, 1_000, message.conversation());
        let history = place.history(Page { before, limit }).await?.into_iter();
        let of_author = history.filter(|one| one.author == *message.author());
        if of_author.count() == 1 {
            let profile = message.record().content.profile.as_ref();
            let name = profile.and_then(|profile| profile.name.as_deref());
            let name = name.unwrap_or("stranger");
            message.quote(&format!("Welcome, {name}!")).await?;
        }
    }
    Ok(())
}
