//! The closing table: what each node could see.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::seen::Seen;

/// What must not be known to everybody.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Where the sender's requests came from; none if from the address that everybody has.
    pub sender_address: Option<IpAddr>,
    /// Where the receiver's requests came from, likewise.
    pub receiver_address: Option<IpAddr>,
    /// Byte strings any of which gives the sender's account away: its keys and id.
    pub sender: Vec<Vec<u8>>,
    /// The same for the receiver.
    pub receiver: Vec<Vec<u8>>,
    /// The message.
    pub text: String,
}

/// One node of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The node's Ed25519 key in hex.
    pub node: String,
    /// The node's address, with its port if others have the same.
    pub address: String,
    /// What it did for the message.
    pub roles: Vec<String>,
    /// Whether it saw the sender's address, if that can be told from others.
    pub sender_address: Option<bool>,
    /// Whether it saw the sender's account.
    pub sender_account: bool,
    /// Whether it saw the receiver's address, likewise.
    pub receiver_address: Option<bool>,
    /// Whether it saw the receiver's account.
    pub receiver_account: bool,
    /// Whether it saw the text of the message.
    pub text: bool,
}

impl Row {
    /// Asks the notes of a node.
    pub fn new(
        node: String,
        address: String,
        roles: Vec<String>,
        seen: &Seen,
        secrets: &Secrets,
    ) -> Self {
        let address_of = |of: Option<IpAddr>| of.map(|of| seen.knows_address(of));
        let any = |forms: &[Vec<u8>]| forms.iter().any(|form| seen.knows(form));
        Self {
            node,
            address,
            roles,
            sender_address: address_of(secrets.sender_address),
            sender_account: any(&secrets.sender),
            receiver_address: address_of(secrets.receiver_address),
            receiver_account: any(&secrets.receiver),
            text: seen.knows(secrets.text.as_bytes()),
        }
    }
}

/// The whole table, for people.
#[derive(Debug, Clone)]
pub struct Table(pub Vec<Row>);

const HEAD: [&str; 8] = [
    "node",
    "address",
    "sender's",
    "sender's",
    "receiver's",
    "receiver's",
    "message",
    "what it did",
];
const SECOND: [&str; 8] = [
    "", "", "address", "account", "address", "account", "text", "",
];

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let saw = |yes: bool| if yes { "saw" } else { "-" }.to_owned();
        let maybe = |known: Option<bool>| known.map_or_else(|| "?".to_owned(), saw);
        let mut lines = vec![HEAD.map(str::to_owned), SECOND.map(str::to_owned)];
        for row in &self.0 {
            lines.push([
                row.node.chars().take(8).collect(),
                row.address.clone(),
                maybe(row.sender_address),
                saw(row.sender_account),
                maybe(row.receiver_address),
                saw(row.receiver_account),
                saw(row.text),
                row.roles.join(", "),
            ]);
        }
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        for (index, line) in lines.iter().enumerate() {
            let cells = line.iter().zip(&widths);
            let text: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(f, "  {}", text.join("  ").trim_end())?;
            if index == 1 {
                let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                writeln!(f, "  {}", rule.join("  "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_the_notes_say() {
        let secrets = Secrets {
            sender_address: "127.0.0.2".parse().ok(),
            receiver_address: "127.0.0.3".parse().ok(),
            sender: vec![b"sender key".to_vec(), b"sender id".to_vec()],
            receiver: vec![b"receiver id".to_vec()],
            text: "hello there".into(),
        };
        let row = |seen: &Seen| Row::new("ab".into(), "127.0.1.1".into(), vec![], seen, &secrets);
        let seen = Seen::default();
        let blank = row(&seen);
        seen.address("127.0.0.2".parse().unwrap());
        assert_eq!(
            row(&seen),
            Row {
                sender_address: Some(true),
                ..blank.clone()
            }
        );
        seen.bytes(b"...sender id...");
        seen.bytes(const_hex::encode(b"receiver id").as_bytes());
        let all = Row {
            sender_address: Some(true),
            sender_account: true,
            receiver_account: true,
            ..blank
        };
        assert_eq!(row(&seen), all);
        seen.bytes(b"well, hello there");
        assert_eq!(row(&seen), Row { text: true, ..all });
        assert!(Table(vec![row(&seen)]).to_string().contains("saw"));
    }
}
