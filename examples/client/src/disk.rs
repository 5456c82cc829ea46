//! Commands about attachments on disk.

use std::path::Path;

use client::error::ClientError;
use client::files;
use serde_json::json;
use session_crypto::attachment::Key;
use zeroize::Zeroizing;

use crate::account::{account, read_line};
use crate::arguments::Shared;
use crate::output::Output;

/// Encrypts a file and prints its key.
pub(crate) fn encrypt(
    shared: &Shared,
    input: &Path,
    output: &Path,
    out: &Output,
) -> Result<(), ClientError> {
    let sender = shared.phrase_file.as_ref().map(|_| account(shared, out));
    let sender = sender.transpose()?;
    out.doing("encrypting");
    let made = files::encrypt(
        input,
        output,
        sender.as_ref().map(|account| account.ed25519()),
    )?;
    let key = Zeroizing::new(const_hex::encode(made.key.expose_bytes()));
    let event = json!({
        "event": "encrypted",
        "key": key.as_str(),
        "size": made.size,
        "file_size": made.file_size,
    });
    out.print(&event, &format!("key  {}", key.as_str()))
}

/// Decrypts a file.
pub(crate) fn decrypt(
    input: &Path,
    output: &Path,
    key: &str,
    out: &Output,
) -> Result<(), ClientError> {
    let typed = match key {
        "-" => read_line()?,
        key => Zeroizing::new(key.to_owned()),
    };
    let mut bytes = Zeroizing::new([0; Key::LENGTH]);
    const_hex::decode_to_slice(typed.trim(), bytes.as_mut_slice())
        .map_err(|_| ClientError::Usage("the key is not 64 hex digits".to_owned()))?;
    out.doing("decrypting");
    let size = files::decrypt(input, output, &Key::from_bytes(*bytes))?;
    let event = json!({"event": "decrypted", "size": size});
    out.print(&event, &format!("{size} bytes"))
}
