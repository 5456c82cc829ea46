//! JSON lines for programs in any language: `… --example bridge -- <seed-url> <seed-certificate>`
//! reads `{"to": id, "text": …}` and writes `{"conversation": id, "from": id, "text": …, "sent_ms": …}`.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use serde_json::{Value, json};
use session_sdk::{Account, Client, ConversationId, Event};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pem] = arguments.try_into().unwrap();
    let builder = Client::builder(Account::random()?).created().test_network();
    let client = builder.seed(&url, &std::fs::read(pem)?)?.connect().await?;
    println!("{}", json!({"id": client.id().to_string()}));
    let (mut events, mut lines) = (client.events(), BufReader::new(stdin()).lines());
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Message(message)) => println!("{}", json!({
                    "conversation": message.conversation().with().to_string(),
                    "from": message.author().to_string(),
                    "text": message.text(),
                    "sent_ms": message.sent_at().get(),
                })),
                Some(_) => {}
                None => return Ok(()),
            },
            line = lines.next_line() => {
                // What was sent is stored before the program ends.
                let Some(line) = line? else { return Ok(client.flush().await?) };
                let line: Value = serde_json::from_str(&line)?;
                let field = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or("");
                let to: ConversationId = field("to").parse()?;
                client.conversation(to).send(field("text")).await?;
            }
        }
    }
}
