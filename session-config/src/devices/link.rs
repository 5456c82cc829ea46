//! Requests of a new device to be admitted.
//!
//! ```text
//! d 0: "L"  1:E ephemeral key (32)  1:L encrypted inner dict  1:i indicator (2) e
//! d 1:I id of the device (32)  1:i its record  1:~ signature of the account's Ed25519 key (64) e
//! ```
//!
//! The user compares the emoji of the inner dict on both devices: `session_identity::link_sas`.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::v2::{AccountKeys, link};
use session_crypto::{
    Ed25519PublicExt, Ed25519Secret, Ed25519Signature, EncryptError, X25519Public,
};
use session_identity::Account;
use session_proto::bt;

use super::account_keys::AccountKey;
use super::message::ReadError;
use super::record::{DeviceId, Digest, Record};

/// Seconds for which a request is stored.
pub const TTL: u64 = 10 * 60;

/// A request as sent: the message, and its inner dict, of which the emoji are derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRequest {
    /// The message for namespace 21.
    pub message: Vec<u8>,
    /// The inner dict as sent.
    pub inner: Vec<u8>,
}

/// Writes a request to the group whose newest message shows `link_key`.
///
/// # Errors
///
/// [`EncryptError`] if the key is not usable.
pub fn write(
    rng: &mut (impl CryptoRng + ?Sized),
    account: &Account,
    link_key: &X25519Public,
    device: &DeviceId,
    record: &Record,
) -> Result<SentRequest, EncryptError> {
    let inner = write_inner(account.ed25519(), device, record);
    let request = link::seal(rng, &account.x25519_public(), link_key, &inner)?;
    let message = bt::dict(|dict| {
        dict.bytes(b"", b"L");
        dict.bytes(b"E", request.ephemeral.as_bytes());
        dict.bytes(b"L", &request.ciphertext);
        dict.bytes(b"i", &request.indicator);
    });
    Ok(SentRequest { message, inner })
}

#[expect(
    clippy::expect_used,
    reason = "both keys sort before that of the signature"
)]
fn write_inner(account: &Ed25519Secret, device: &DeviceId, record: &Record) -> Vec<u8> {
    bt::signed_dict(
        |dict| {
            dict.bytes(b"I", device.as_bytes());
            dict.dict(b"i", |dict| record.write(dict));
        },
        |message| account.sign(message).to_bytes(),
    )
    .expect("i sorts before ~")
}

/// A request as received, decrypted and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    /// The device that asks.
    pub device: DeviceId,
    /// Its record.
    pub record: Record,
    /// The digest of the record as received.
    pub digest: Digest,
    /// The inner dict as received, of which the emoji are derived.
    pub inner: Vec<u8>,
}

/// Reads a request with the account keys that this device holds, earlier ones included.
///
/// Returns `None` if it is for a key that this device does not hold.
///
/// # Errors
///
/// [`ReadError`] if it is malformed, not signed by the account, or of another type.
pub fn read(
    account: &Account,
    keys: &[AccountKey],
    data: &[u8],
) -> Result<Option<LinkRequest>, ReadError> {
    let invalid = |_| ReadError::Invalid;
    let dict = bt::parse_dict(data).map_err(|_| ReadError::Invalid)?;
    if dict.bytes("").map_err(invalid)? != b"L" {
        return Err(ReadError::OtherType);
    }
    let ephemeral = X25519Public::from_bytes(*dict.array("E").map_err(invalid)?);
    let ciphertext = dict.bytes("L").map_err(invalid)?;
    let indicator = *dict.array("i").map_err(invalid)?;
    let (secret, public) = (account.x25519(), account.x25519_public());
    let Ok(prefix) = link::key_prefix(secret, &public, &ephemeral, indicator) else {
        return Ok(None);
    };
    let opened = keys.iter().find_map(|key| {
        let keys = AccountKeys::from_seed(&key.seed);
        let fits = keys.public().x25519.as_bytes().starts_with(&prefix);
        let open = || link::open(&keys, &ephemeral, ciphertext).ok();
        fits.then(open).flatten()
    });
    let Some(inner) = opened else {
        return Ok(None);
    };
    parse_inner(account.ed25519(), &inner).map(Some)
}

/// Reads and verifies the inner dict of a request.
///
/// # Errors
///
/// [`ReadError::Invalid`] if it is malformed or not signed by the account.
pub fn parse_inner(account: &Ed25519Secret, inner: &[u8]) -> Result<LinkRequest, ReadError> {
    let invalid = |_| ReadError::Invalid;
    let dict = bt::parse_dict(inner).map_err(|_| ReadError::Invalid)?;
    let signed = dict.signed().map_err(invalid)?;
    account
        .public()
        .verify(
            signed.message,
            &Ed25519Signature::from_bytes(*signed.signature),
        )
        .map_err(|_| ReadError::Invalid)?;
    let record = dict.dict("i").map_err(invalid)?;
    Ok(LinkRequest {
        device: DeviceId::from_bytes(*dict.array("I").map_err(invalid)?),
        record: Record::read(&record).map_err(|_| ReadError::Invalid)?,
        digest: Digest::of(record.raw()),
        inner: inner.to_vec(),
    })
}
