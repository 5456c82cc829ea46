//! A bot with commands that survives restarts:
//! `… --example commands -- <seed-url> <seed-certificate> <state.sqlite> <phrase-file>`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::identity::{Language, Seed};
use session_sdk::{Account, Client, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, pem, state, file] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let account = match std::fs::read_to_string(&file) {
        Ok(words) => Account::from_seed(&Seed::from_phrase_in_any_language(&words)?.0),
        Err(_) => new_account(&file)?,
    };
    let builder = Client::builder(account).test_network().store(state);
    let client = builder.seed(&url, &std::fs::read(pem)?)?.connect().await?;
    println!("{}", client.id());
    client.set_name("Commands").await?;
    let mut events = client.events();
    while let Some(event) = events.next().await {
        let Event::Message(message) = event else {
            continue;
        };
        let answer = match message.text().map(str::trim) {
            Some("!help") => "!help, !time, !count".to_owned(),
            Some("!time") => format!("{} s since 1970", message.sent_at().as_secs()),
            Some("!count") => {
                let history = message.conversation().history(Default::default()).await?;
                format!("{} messages", history.len())
            }
            _ => {
                message.react("❓").await?;
                continue;
            }
        };
        message.quote(&answer).await?;
    }
    Ok(())
}

fn new_account(file: &str) -> Result<Account, Box<dyn std::error::Error>> {
    let seed = Seed::random()?;
    std::fs::write(file, seed.to_phrase(Language::English).as_bytes())?;
    Ok(Account::from_seed(&seed))
}
