//! Reading of config messages (protocol: config, sections 3.2 to 3.4).

use alloc::vec::Vec;

use session_crypto::Ed25519Signature;
use session_crypto::VerifyingKey;
use session_proto::bt;

use super::{Change, ConfigHash, Lag, Message, Unknown};
use crate::data::{DataError, Dict};
use crate::diff::{Diff, DiffError};
use crate::limits::LAG;

/// Why bytes are not a config message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The bytes are not a canonical dict.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A key that must be there is missing, or of another kind.
    #[error("no {key}, or not of the right kind")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key that sorts before the seqno, or after the signature.
    #[error("key before the seqno or after the signature")]
    Key,
    /// Invalid data.
    #[error("data: {0}")]
    Data(#[from] DataError),
    /// A diff that does not follow the rules.
    #[error("diff: {0}")]
    Diff(#[from] DiffError),
    /// An entry of the list of ancestors that is not a triple of seqno, hash and diff.
    #[error("ancestor is not a list of seqno, hash and diff")]
    Lag,
    /// Ancestors out of order, or not before the message.
    #[error("ancestors are out of order")]
    LagOrder,
    /// No valid signature of the group.
    #[error("message is not signed by the group")]
    Signature,
}

/// Whether the signature of a message is believed.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Of a config that is not signed: a signature is read and dropped.
    Unsigned,
    /// The message must be signed by this key.
    Verify(&'a VerifyingKey),
    /// The message was stored by ourselves: a signature was verified when it came.
    Stored,
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`MessageError`] if the bytes are not a valid message, or not signed as `trust` asks for.
    pub fn read(plain: &[u8], trust: Trust<'_>) -> Result<Self, MessageError> {
        let dict = bt::parse_dict(plain)?;
        let [mut seqno, mut data, mut lags, mut diff, mut signature] = [None; 5];
        let mut unknown = Vec::new();
        // One pass: a look-up would walk over the data for every key.
        for entry in dict {
            match entry.key {
                b"#" => seqno = Some(entry.value),
                b"&" => data = Some(entry.value),
                b"<" => lags = Some(entry.value),
                b"=" => diff = Some(entry.value),
                b"~" => signature = Some(entry.value),
                key if key < b"#".as_slice() || key > b"~".as_slice() => {
                    return Err(MessageError::Key);
                }
                key => unknown.push(Unknown {
                    key: key.into(),
                    value: entry.raw.into(),
                }),
            }
        }
        let seqno = seqno.and_then(|value| value.as_int()?.as_i64());
        let seqno = seqno.ok_or(MessageError::Missing { key: "#" })?;
        let data = data.and_then(|value| value.as_dict());
        let lags = lags.and_then(|value| value.as_list());
        let diff = diff.and_then(|value| value.as_dict());
        let diff = diff.ok_or(MessageError::Missing { key: "=" })?;
        Ok(Self {
            signature: read_signature(&dict, signature, trust)?,
            seqno,
            lags: read_lags(lags.ok_or(MessageError::Missing { key: "<" })?, seqno)?,
            change: Change::Fixed(Diff::read(diff)?),
            data: Dict::read(data.ok_or(MessageError::Missing { key: "&" })?)?,
            unknown,
            read_hash: Some(ConfigHash::of(plain)),
        })
    }
}

fn read_signature(
    dict: &bt::Dict<'_>,
    value: Option<bt::Value<'_>>,
    trust: Trust<'_>,
) -> Result<Option<[u8; 64]>, MessageError> {
    let signature = match value {
        None => None,
        Some(value) => {
            let bytes = value.as_bytes().and_then(|bytes| bytes.try_into().ok());
            Some(bytes.ok_or(MessageError::Signature)?)
        }
    };
    match trust {
        Trust::Unsigned => Ok(None),
        Trust::Stored => Ok(signature),
        Trust::Verify(verifier) => {
            let signed = dict.signed().map_err(|_| MessageError::Signature)?;
            verifier
                .verify(
                    signed.message,
                    &Ed25519Signature::from_bytes(*signed.signature),
                )
                .map_err(|_| MessageError::Signature)?;
            Ok(Some(*signed.signature))
        }
    }
}

fn read_lags(list: bt::List<'_>, seqno: i64) -> Result<Vec<Lag>, MessageError> {
    let window = seqno.saturating_sub(LAG);
    let mut lags: Vec<Lag> = Vec::new();
    for entry in list {
        let mut parts = entry.as_list().ok_or(MessageError::Lag)?.iter();
        let number = parts.next().and_then(|part| part.as_int());
        let lag = number
            .and_then(|number| number.as_i64())
            .ok_or(MessageError::Lag)?;
        if lag >= seqno {
            return Err(MessageError::LagOrder);
        }
        // Of an entry older than the window nothing else is looked at.
        if lag <= window {
            continue;
        }
        let hash = parts.next().and_then(|part| part.as_bytes());
        let hash = hash.and_then(|hash| hash.try_into().ok());
        let hash = ConfigHash(hash.ok_or(MessageError::Lag)?);
        let diff = parts.next().and_then(|part| part.as_dict());
        let diff = Diff::read(diff.ok_or(MessageError::Lag)?)?;
        if parts.next().is_some() {
            return Err(MessageError::Lag);
        }
        if lags
            .last()
            .is_some_and(|last| (last.seqno, last.hash) >= (lag, hash))
        {
            return Err(MessageError::LagOrder);
        }
        lags.push(Lag {
            seqno: lag,
            hash,
            diff,
        });
    }
    Ok(lags)
}
