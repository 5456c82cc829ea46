//! Messages of closed groups.
//!
//! ```text
//! Content           what the message says, with the time in it          protobuf
//!   v
//! Envelope          { type = 7, sourceDevice = 1, timestamp, content, proSig }
//!   v
//! layer             signed by the sender, encrypted with the key of the group
//!   v
//! data              stored in the swarm of the group, namespace 11
//! ```
//!
//! There is no padding of the content and no WebSocketMessage here; the [`layer`] pads. Protocol:
//! messages, sections 4.2 and 4.7; groups, section 6.

pub mod layer;
mod zstd;

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_identity::{Account, GroupId};
use session_proto::content::{Content, Id, Kind};
use session_proto::envelope::{Envelope, EnvelopeKind};
use zeroize::Zeroizing;

pub use layer::Key;

use crate::admin::verify_update;
use crate::compose::compose;
use crate::direct::check_source;
use crate::error::{OpenError, SealError};
use crate::opened::{Opened, Outer, Place, check_author, read_content};
use crate::pro::Signer;
use crate::sealed::{Destination, Sealed, namespace, storable, ttl_ms};

/// Seals a message to a group, with its newest key.
///
/// `sent_ms` is the time of sending in Unix milliseconds. A group update of an admin must be signed
/// for this time; the functions of [`admin`](crate::admin) make one.
///
/// # Errors
///
/// [`SealError`] if the members would refuse the message, or it is too long to be stored.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Group, Seed};
/// use session_message::content::Content;
/// use session_message::group::{self, Key};
///
/// let alice = Account::from_seed(&Seed::generate(rng));
/// let (id, key) = (*Group::generate(rng).id(), Key::from_bytes(&[7; 32]));
/// let content = Content::text("hello, all");
/// let message = group::seal(rng, &alice, &id, &key, &content, 1_754_971_101_000)?;
/// let opened = group::open(&id, [&key], &message.data)?;
/// assert_eq!(opened.sender, *alice.id());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    group: &GroupId,
    key: &Key,
    content: &Content,
    sent_ms: u64,
) -> Result<Sealed, SealError> {
    seal_for(rng, sender, group, key, (content, sent_ms), None)
}

/// As [`seal`], with Session Pro.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_with_pro(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    group: &GroupId,
    key: &Key,
    content: &Content,
    sent_ms: u64,
    pro: &Signer<'_>,
) -> Result<Sealed, SealError> {
    seal_for(rng, sender, group, key, (content, sent_ms), Some(pro))
}

fn seal_for(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    group: &GroupId,
    key: &Key,
    (content, sent_ms): (&Content, u64),
    pro: Option<&Signer<'_>>,
) -> Result<Sealed, SealError> {
    if let Kind::Group(update) = &content.kind {
        verify_update(update, group, sent_ms).map_err(|_| SealError::AdminSignature)?;
    }
    let plain = compose(content, sent_ms, Place::Group, pro)?;
    let signature = match pro {
        Some(signer) => signer.sign(&plain),
        None => session_crypto::ed25519::decoy_signature(rng),
    };
    let kind = EnvelopeKind::ClosedGroup;
    let envelope = Envelope::new(kind, sent_ms, &plain, signature.as_bytes());
    let envelope = Zeroizing::new(envelope.encode());
    let options = layer::Options::default();
    let data = layer::seal(rng, sender.ed25519(), group, key, &envelope, options)?;
    Ok(Sealed {
        namespace: namespace::GROUP_MESSAGES,
        ttl_ms: ttl_ms(content, Destination::Group),
        data: storable(data)?,
    })
}

/// Opens a message from the swarm of a group, namespace 11, with any of the keys of the group.
///
/// A program that reads a group: [`examples/group.rs`](https://github.com/session-crates/session-crates/blob/main/session-message/examples/group.rs).
///
/// Give a pending key first, then the others. The admin signatures of group updates have been
/// verified, where they must be there; a deletion without one reaches only messages of its sender.
/// Whether the sender is a member is not known here.
///
/// # Errors
///
/// [`OpenError`] for whatever must be dropped. [`OpenError::Decrypt`] if none of the keys opens it:
/// keep it for when a new key comes.
pub fn open<'k>(
    group: &GroupId,
    keys: impl IntoIterator<Item = &'k Key>,
    data: &[u8],
) -> Result<Opened, OpenError> {
    let layer = layer::open(group, keys, data)?;
    let envelope = Envelope::parse(&layer.plain).map_err(OpenError::Envelope)?;
    check_source(&envelope)?;
    let raw: Zeroizing<Vec<u8>> =
        Zeroizing::new(envelope.content.ok_or(OpenError::NoContent)?.to_vec());
    let outer = Outer {
        sent_ms: envelope.timestamp_ms,
        pro_signature: envelope.pro_signature,
        signed: &raw,
    };
    let checked = read_content(&raw, &outer)?;
    if !Place::Group.allows(&checked.content.kind) {
        let kind = checked.content.kind.name();
        return Err(OpenError::NotHere { kind });
    }
    // Everybody reads the group itself: there are no copies of its messages.
    check_author(&checked.content, &[layer.sender.as_bytes()], false)?;
    if let Kind::Group(update) = &checked.content.kind {
        verify_update(update, group, checked.sent_ms).map_err(|_| OpenError::AdminSignature)?;
    }
    Ok(Opened {
        sender: layer.sender,
        conversation: Id::from_bytes(group.to_bytes()),
        sender_ed25519: layer.sender_ed25519,
        sent_ms: checked.sent_ms,
        is_time_signed: checked.is_time_signed,
        content: checked.content,
        raw,
        pro: checked.pro,
    })
}
