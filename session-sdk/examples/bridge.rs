//! Standard input and output, for programs in any language:
//! `… --example bridge -- <seed-url> <seed-certificate>`
//!
//! Each line of input is an account id, a tab and a text; each line of output likewise, of what came.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use session_sdk::{Account, Client, Event};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

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
    let (mut events, mut lines) = (client.events(), BufReader::new(stdin()).lines());
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Message(message)) => {
                    let text = message.text().unwrap_or("").replace(['\n', '\t'], " ");
                    println!("{}\t{text}", message.author());
                }
                Some(_) => {}
                None => return Ok(()),
            },
            line = lines.next_line() => match line? {
                Some(line) => {
                    let (to, text) = line.split_once('\t').ok_or("expected an id, a tab and a text")?;
                    client.conversation(to.parse()?).send(text).await?;
                }
                // What was sent is stored before the program ends.
                None => return Ok(client.flush().await?),
            },
        }
    }
}
