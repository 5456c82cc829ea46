//! The history as JSON lines.
//!
//! Each line is one message, an object with these members; those with a star are what an import needs,
//! the others are for other programs:
//!
//! | member | value |
//! |---|---|
//! | `id` * | name of the message in the history, hex |
//! | `record` * | the whole message as it is kept, hex |
//! | `conversation` | id of the account or group, hex |
//! | `author` | id of the author, hex |
//! | `sent_ms` | when it was sent, in Unix milliseconds |
//! | `status` | `received`, `sending`, `delivered` or `failed` |
//! | `text` | the text, or `null` |
//! | `expires_ms` | when it disappears, in Unix milliseconds, or `null` |
//!
//! Unknown members are skipped. Lines come in order of conversation and time. The lines are secret: they
//! contain messages and keys of files.

use std::io;

use serde_json::{Value, json};
use session_client::types::hex;
use session_client::{Change, Key, Message as Record, MessageId, Status};
use zeroize::Zeroizing;

use crate::driver::Command;
use crate::error::Error;
use crate::handle::Client;

/// Messages that are read or written at once.
const PIECE: u32 = 500;

impl Client {
    /// Writes the whole history as JSON lines, in the format of the [module](crate::export), without line
    /// ends. Returns how many lines it wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the history cannot be read, [`Error::Io`] if a line cannot be written.
    pub async fn export_history(
        &self,
        mut write: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<u64, Error> {
        let (mut last, mut count) = (None, 0);
        loop {
            let page = self.ask(|done| Command::All(last, PIECE, done)).await?;
            let Some(end) = page.last().map(|record| record.id) else {
                return Ok(count);
            };
            for record in &page {
                write(&line(record)).map_err(Error::Io)?;
                count += 1;
            }
            last = Some(end);
        }
    }

    /// Takes messages of an export into the history, in place of those with the same name. Returns how
    /// many it took. Nothing is sent or shown for them.
    ///
    /// # Errors
    ///
    /// [`Error::Import`] with the number of the first line that is not a message; the lines before it may
    /// have been taken. [`Error::Store`] if they cannot be written.
    pub async fn import_history<L: AsRef<str>>(
        &self,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<u64, Error> {
        let (mut changes, mut count) = (Vec::new(), 0_u64);
        for (number, text) in (1..).zip(lines) {
            let change = parse(text.as_ref()).ok_or(Error::Import { line: number })?;
            changes.push(change);
            count += 1;
            if changes.len() >= PIECE as usize {
                let piece = std::mem::take(&mut changes);
                self.ask(|done| Command::Import(piece, done)).await?;
            }
        }
        if !changes.is_empty() {
            self.ask(|done| Command::Import(changes, done)).await?;
        }
        Ok(count)
    }
}

fn line(record: &Record) -> String {
    let status = match record.status {
        Status::Received => "received",
        Status::Sending => "sending",
        Status::Delivered => "delivered",
        Status::Failed => "failed",
    };
    json!({
        "id": hex::encode(&record.id.to_bytes()),
        "record": hex::encode(&record.to_value()),
        "conversation": record.conversation().to_string(),
        "author": record.author.to_string(),
        "sent_ms": record.sent_at().get(),
        "status": status,
        "text": record.text(),
        "expires_ms": record.expires_at.map(|time| time.get()),
    })
    .to_string()
}

fn parse(line: &str) -> Option<Change> {
    let object: Value = serde_json::from_str(line).ok()?;
    let bytes = |name: &str| hex::decode_vec(object.get(name)?.as_str()?);
    let key = [b"m".as_slice(), &bytes("id")?].concat();
    let Ok(Key::Message(id)) = Key::try_from(key.as_slice()) else {
        return None;
    };
    let value = Zeroizing::new(bytes("record")?);
    // What is not a message of this name is not taken.
    checked(id, &value)?;
    let key = Key::Message(id);
    Some(Change::Put { key, value })
}

fn checked(id: MessageId, value: &[u8]) -> Option<Record> {
    Record::from_value(id, value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_are_refused() {
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"id":"05","record":"64"}"#,
            r#"{"id":7,"record":"6465"}"#,
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        let id = "05".repeat(33) + &"00".repeat(16);
        let object = json!({"id": id, "record": "6465"});
        assert!(parse(&object.to_string()).is_none(), "not a message");
    }
}
