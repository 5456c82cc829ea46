//! The layers around a user config, and the seal to ourselves between them: see
//! [`session_proto::shared_config`].
//!
//! Protocol: [config, section 10].
//!
//! [config, section 10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-10

use alloc::vec::Vec;

use session_crypto::direct;
use session_identity::Account;
use session_proto::schema::session::shared_config_message::Kind;
use session_proto::shared_config::{decode, enclose, enclosed, encode};

use crate::limits::MAX_MESSAGE;

/// Wraps an encrypted config. Returns `None` if the result is too long to be stored, or the account's
/// own key cannot be used: the config is then stored bare.
pub(crate) fn wrap(account: &Account, kind: Kind, seqno: i64, data: &[u8]) -> Option<Vec<u8>> {
    let own = account.x25519_public();
    let plain = encode(kind, seqno, data);
    let sealed = direct::seal_deterministic(account.ed25519(), &own, &plain).ok()?;
    let wrapped = enclose(&sealed);
    Some(wrapped).filter(|wrapped| wrapped.len() <= MAX_MESSAGE)
}

/// Unwraps an encrypted config. Returns `None` if `data` is not wrapped, was wrapped by another
/// account, or is another kind of config.
fn unwrap_once(account: &Account, kind: Kind, data: &[u8]) -> Option<Vec<u8>> {
    let sealed = enclosed(data).ok()??;
    let own = account.x25519_public();
    let opened = direct::open_own(account.ed25519(), account.x25519(), &own, sealed).ok()?;
    let (_, data) = decode(kind, &opened.message).ok()?;
    Some(data)
}

/// Unwraps an encrypted config, twice if it was wrapped twice, as one release of a client did. Returns
/// data that are not wrapped as they are.
pub(crate) fn unwrap(account: &Account, kind: Kind, data: &[u8]) -> Vec<u8> {
    let Some(once) = unwrap_once(account, kind, data) else {
        return data.to_vec();
    };
    unwrap_once(account, kind, &once).unwrap_or(once)
}
