//! Packets as the nodes opened them, each written into a file of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::host::durable::{make_directory, write_new};
use serde_json::{Value, json};
use session_onion::node::{Peeled, Refused};

use crate::fault::now_ms;

/// A directory for opened packets.
#[derive(Debug)]
pub struct Capture {
    folder: PathBuf,
    count: AtomicU64,
}

impl Capture {
    /// Makes the directory if it is not there.
    ///
    /// # Errors
    ///
    /// An I/O error if it cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        make_directory(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            count: AtomicU64::new(0),
        })
    }

    /// Writes what a node made of a packet. The files are named by time, number, node and kind, so that
    /// they sort by time, also after a restart.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be written.
    pub fn write(&self, node: &str, opened: &Result<Peeled, Refused>) -> io::Result<()> {
        let (kind, content) = read(opened);
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let now = now_ms(0);
        let short = node.get(..12).unwrap_or(node);
        let name = format!("{now:013}-{number:06}-{short}-{kind}.json");
        let mut event = json!({"kind": kind, "node": node, "time_ms": now});
        if let (Value::Object(event), Value::Object(content)) = (&mut event, content) {
            event.extend(content);
        }
        let text = serde_json::to_vec_pretty(&event)?;
        write_new(&self.folder.join(name), &text)
    }
}

fn read(opened: &Result<Peeled, Refused>) -> (&'static str, Value) {
    match opened {
        Ok(Peeled::Relay(relay)) => {
            let layer = relay.layer();
            let content = json!({
                "next": relay.next.to_string(),
                "ephemeral_key": layer.ephemeral_key.to_string(),
                "enc_type": layer.cipher.to_string(),
                "hop_no": layer.hop_no,
                "ciphertext": const_hex::encode(layer.ciphertext),
            });
            ("relay", content)
        }
        Ok(Peeled::Exit(exit)) => {
            let payload = const_hex::encode(&exit.payload);
            ("exit", json!({"url": exit.url(), "payload": payload}))
        }
        Ok(Peeled::Deliver(deliver)) => {
            // A request is JSON, except when it is wrong.
            let body = std::str::from_utf8(&deliver.body).ok();
            let hex = const_hex::encode(&deliver.body);
            ("deliver", json!({"body": body, "body_hex": hex}))
        }
        Err(refused) => {
            let text = String::from_utf8_lossy(&refused.answer.body);
            let reason = refused.reason.to_string();
            let status = refused.answer.status;
            (
                "refused",
                json!({"reason": reason, "status": status, "answer": text}),
            )
        }
    }
}
