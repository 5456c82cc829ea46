//! Commands about files on the file server.

use std::path::Path;

use client::error::ClientError;
use client::session::{Draft, Kept};
use client::transfer::{self, FileHost, Progress};
use serde_json::json;
use session_crypto::Ed25519Public;
use session_crypto::attachment::Key;
use session_identity::AccountId;
use zeroize::Zeroizing;

use crate::account::{account, read_line};
use crate::arguments::{Host, Shared};
use crate::output::Output;
use crate::talk::connect;

/// Number of bytes between two events about the progress of a transfer.
const STEP: u64 = 1_000_000;

/// The file server that the command line names, or that of the main network.
fn host(host: &Host) -> Result<FileHost, ClientError> {
    let (Some(url), Some(key)) = (&host.file_server, &host.file_key) else {
        return FileHost::main();
    };
    let key = const_hex::decode_to_array(key).map_err(|_| {
        ClientError::Usage("the key of the file server is not 64 hex digits".to_owned())
    })?;
    FileHost::new(url, Ed25519Public::from_bytes(key))
}

/// Reports the progress of a transfer: on the terminal, and as an event at the beginning, at the end and
/// every megabyte.
pub(crate) fn show(out: &Output) -> impl Fn(Progress) {
    let out = out.clone();
    let last = std::cell::Cell::new(None);
    move |progress| {
        let (phase, bytes, total) = match progress {
            Progress::Encrypted(bytes, total) => ("encrypting", bytes, Some(total)),
            Progress::Sending(bytes) => ("sending", bytes, None),
            Progress::Received(bytes) => ("received", bytes, None),
            Progress::Decrypted(bytes) => ("decrypting", bytes, None),
            _ => return,
        };
        out.doing_so_far(phase, bytes, total);
        let step = Some((phase, bytes / STEP));
        let is_end = total == Some(bytes);
        if out.is_json() && (last.replace(step) != step || is_end) {
            let event = json!({"event": "progress", "phase": phase, "bytes": bytes, "of": total});
            // The result will say it too.
            let _ = out.print(&event, "");
        }
    }
}

/// Encrypts and uploads a file, and sends a message with it.
pub(crate) async fn send(
    shared: &Shared,
    to: &AccountId,
    file: &Path,
    caption: &str,
    at: &Host,
    out: &Output,
) -> Result<(), ClientError> {
    let at = host(at)?;
    let (client, mut memory) = connect(shared, account(shared, out)?, out).await?;
    let attachment = transfer::upload(&client, &at, file, show(out)).await?;
    let url = attachment.url.clone();
    let mut draft = Draft::text(to, caption).with_file(attachment);
    if let Some(name) = memory.state().name.as_deref() {
        draft = draft.named(name);
    }
    out.doing("sending the message");
    let choose = |kept: &mut Kept, now_ms| {
        kept.sent_ms = memory.change(|state| Ok(state.next_time(now_ms)))?;
        Ok(kept.sent_ms)
    };
    let sent = client.deliver_at(&draft, choose).await?;
    let mut copied_to = 0;
    if to != client.account().id() {
        match client.store_copy(&draft, sent.sent_ms).await {
            Ok(copy) => copied_to = copy.stored_on.len(),
            Err(error) => out.notice(&format!(
                "sent, but no copy could be stored for the own other devices: {error}"
            )),
        }
    }
    let event = json!({
        "event": "sent",
        "to": to.to_string(),
        "hash": sent.hash.to_string(),
        "sent_ms": sent.sent_ms,
        "url": url,
        "stored_on": sent.stored_on.len(),
        "copied_to": copied_to,
    });
    let text = format!(
        "the file is at {url}; {} nodes of the swarm store the message",
        sent.stored_on.len()
    );
    out.print(&event, &text)?;
    let kept = client.keep().await;
    memory.change(|state| {
        state.keep(&kept);
        Ok(())
    })
}

/// Downloads and decrypts a file.
pub(crate) async fn fetch(
    shared: &Shared,
    url: &str,
    key: &str,
    output: &Path,
    at: &Host,
    out: &Output,
) -> Result<(), ClientError> {
    let at = host(at)?;
    let typed = match key {
        "-" => read_line()?,
        key => Zeroizing::new(key.to_owned()),
    };
    let mut bytes = Zeroizing::new([0; Key::LENGTH]);
    const_hex::decode_to_slice(typed.trim(), bytes.as_mut_slice())
        .map_err(|_| ClientError::Usage("the key is not 64 hex digits".to_owned()))?;
    let (client, _) = connect(shared, account(shared, out)?, out).await?;
    let key = Key::from_bytes(*bytes);
    let size = transfer::download(&client, &at, url, &key, output, show(out)).await?;
    out.print(
        &json!({"event": "fetched", "size": size}),
        &format!("{size} bytes"),
    )
}
