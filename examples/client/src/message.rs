//! One-to-one text messages: what to store, and what came.

use getrandom::rand_core::CryptoRng;
use session_crypto::{Ed25519Signature, direct};
use session_identity::{Account, AccountId};
use session_proto::content::{Content, Profile, decode};
use session_proto::envelope::{Envelope, EnvelopeKind, unwrap, wrap};
use session_proto::padding::{pad, unpad};

use crate::error::ClientError;

/// The namespace of one-to-one messages.
pub const NAMESPACE: i16 = 0;

/// A message, ready to be stored.
#[derive(Debug)]
pub struct Outgoing {
    /// In which namespace.
    pub namespace: i16,
    /// For how long, in ms.
    pub ttl_ms: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A message that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Who wrote it, verified by the signature inside.
    pub from: AccountId,
    /// The name that goes with it.
    pub name: Option<String>,
    /// When it was sent, in ms.
    pub sent_ms: u64,
    /// The text; none if it is another kind of message.
    pub text: Option<String>,
}

/// Seals a text.
///
/// # Errors
///
/// [`ClientError::Seal`] if the text is too long or the receiver's key unusable.
pub fn seal(
    rng: &mut impl CryptoRng,
    sender: &Account,
    to: &AccountId,
    text: &str,
    name: Option<&str>,
    sent_ms: u64,
) -> Result<Outgoing, ClientError> {
    let mut content = Content::text(text);
    if let Some(name) = name {
        content = content.with_profile(Profile::named(name));
    }
    let failed = |error: &dyn std::fmt::Display| ClientError::Seal(error.to_string());
    let mut padded = content
        .encode(sent_ms, None)
        .map_err(|error| failed(&error))?;
    pad(&mut padded);
    let sealed = direct::encrypt(rng, sender.ed25519(), &to.x25519(), &padded)
        .map_err(|error| failed(&error))?;
    let decoy = Ed25519Signature::decoy(rng);
    let envelope = Envelope::new(EnvelopeKind::Session, sent_ms, &sealed, decoy.as_bytes());
    Ok(Outgoing {
        namespace: NAMESPACE,
        ttl_ms: 14 * 24 * 60 * 60 * 1000,
        data: wrap(&envelope.encode()),
    })
}

/// Opens a stored message.
///
/// # Errors
///
/// A text that says why it cannot be shown.
pub fn open(account: &Account, data: &[u8]) -> Result<Incoming, String> {
    let envelope = unwrap(data)
        .and_then(Envelope::parse)
        .map_err(|error| error.to_string())?;
    let sealed = envelope.content.ok_or("it has no content")?;
    let opened = direct::decrypt(account.x25519(), &account.x25519_public(), sealed)
        .map_err(|error| error.to_string())?;
    let content = unpad(&opened.message).map_err(|error| error.to_string())?;
    let decoded = decode(content).map_err(|error| error.to_string())?;
    let sent_ms = decoded
        .sent_ms
        .filter(|sent| *sent != 0)
        .unwrap_or(envelope.timestamp_ms);
    if envelope.timestamp_ms != 0 && sent_ms != envelope.timestamp_ms {
        return Err("its two times differ".to_owned());
    }
    Ok(Incoming {
        from: AccountId::from_x25519(&opened.sender_x25519),
        name: decoded
            .content
            .profile
            .as_ref()
            .and_then(|profile| profile.name.clone()),
        sent_ms,
        text: decoded.content.as_text().map(str::to_owned),
    })
}
