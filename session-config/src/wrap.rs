//! The layers around a user config: those of a one-to-one message to oneself.
//!
//! ```text
//! SharedConfigMessage { kind, seqno, data }    data: the encrypted config
//! Content { sharedConfigMessage }, 0x80        one byte of padding
//! sealed to ourselves                          the same bytes on every device
//! Envelope { type = 6, timestamp = 1, content }, in a WebSocketMessage
//! ```
//!
//! Protocol: [config, section 10].
//!
//! [config, section 10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-10

use alloc::vec::Vec;

use session_crypto::direct;
use session_identity::Account;
use session_proto::content::decode_wire;
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding::MARKER;
use session_proto::schema::session::shared_config_message::Kind;
use session_proto::schema::session::{Content, SharedConfigMessage};
use session_types::UnixMillis;

use crate::limits::MAX_MESSAGE;

/// Wraps an encrypted config; none if the result is too long to be stored, or the account's own key
/// cannot be used: the config is then stored bare.
pub(crate) fn wrap(account: &Account, kind: Kind, seqno: i64, data: &[u8]) -> Option<Vec<u8>> {
    let content = Content {
        shared_config_message: Some(SharedConfigMessage {
            kind: kind.into(),
            seqno,
            data: data.to_vec(),
        }),
        ..Content::default()
    };
    let mut plain = prost::Message::encode_to_vec(&content);
    plain.push(MARKER);
    let own = account.x25519_public();
    let sealed = direct::seal_deterministic(account.ed25519(), &own, &plain).ok()?;
    let envelope = Envelope {
        kind: EnvelopeKind::Session,
        source: None,
        sent_at: UnixMillis::new(1),
        source_device: None,
        content: Some(&sealed),
        pro_signature: None,
    };
    let wrapped = envelope::wrap(&envelope.encode());
    Some(wrapped).filter(|wrapped| wrapped.len() <= MAX_MESSAGE)
}

/// Takes an encrypted config out of its layers; none if `data` is not wrapped, not by us, or not this
/// kind of config.
fn unwrap_once(account: &Account, kind: Kind, data: &[u8]) -> Option<Vec<u8>> {
    let envelope = envelope::unwrap(data).ok()?;
    let envelope = Envelope::parse(envelope).ok()?;
    let sealed = envelope.content?;
    let own = account.x25519_public();
    let opened = direct::open(account.x25519(), &own, sealed).ok()?;
    if opened.sender != account.ed25519_public() {
        return None;
    }
    let last = opened.message.iter().rposition(|byte| *byte != 0)?;
    let (content, padding) = opened.message.split_at_checked(last)?;
    if padding.first() != Some(&MARKER) {
        return None;
    }
    let shared = decode_wire(content).ok()?.shared_config_message?;
    (Kind::try_from(shared.kind) == Ok(kind)).then_some(shared.data)
}

/// Takes an encrypted config out of its layers, twice if it was wrapped twice, as one release of a
/// client did. Data that are not wrapped are given back as they are.
pub(crate) fn unwrap(account: &Account, kind: Kind, data: &[u8]) -> Vec<u8> {
    let Some(once) = unwrap_once(account, kind, data) else {
        return data.to_vec();
    };
    unwrap_once(account, kind, &once).unwrap_or(once)
}
