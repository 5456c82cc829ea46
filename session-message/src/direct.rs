//! One-to-one messages, version 1.
//!
//! # The layers
//!
//! ```text
//! Content           what the message says, with the time in it          protobuf
//!   | pad           0x80, zeros, to a multiple of 160
//!   | sign          sender's Ed25519 key A over: padded || A || Y       Y: recipient's X25519 key
//!   | seal          sealed box to Y of: padded || A || signature
//!   v
//! Envelope          { type = 6, sourceDevice = 1, timestamp, content = sealed box, proSig }
//!   v
//! WebSocketMessage  { type = REQUEST, request = { verb = "", path = "", body, requestId = 0 } }
//!   v
//! data              stored in the recipient's swarm, namespace 0
//! ```
//!
//! `proSig` is the signature of the sender's Session Pro key over the sealed box, or 64 bytes that
//! look like one, so that nobody can tell who has Session Pro. Protocol: messages, sections 4.1 and
//! 4.7; crypto, section 2.
//!
//! Outside of the sealed box only the time can be read. It is written in the content too, and both
//! must be equal: so a storage server cannot change it.
//!
//! There is no forward secrecy, and no protection against replay: recognise a message that comes
//! again by its [`MessageKey`](crate::MessageKey).

use rand_core::CryptoRng;
use session_crypto::{DecryptError, X25519Public, X25519Secret, direct};
use session_identity::{Account, AccountId};
use session_proto::content::{Content, GroupUpdate, Id, Kind};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding;

use crate::admin::Action;
use crate::compose::compose;
use crate::error::{OpenError, SealError};
use crate::opened::{Opened, Outer, Place, check_author, read_content};
use crate::pro::Signer;
use crate::sealed::{Destination, Sealed, namespace, storable, ttl_ms};

pub use session_crypto::direct::Senders;

/// Seals a message to an account.
///
/// `sent_ms` is the time of sending in Unix milliseconds, by the network's clock; it is written
/// wherever it belongs. Store a copy in your own swarm with [`sync::seal`](crate::sync::seal).
///
/// # Errors
///
/// [`SealError`] if the recipient would refuse the message, or its key has small order, or the
/// message is too long to be stored.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Seed};
/// use session_message::content::Content;
/// use session_message::direct;
///
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let message = direct::seal(rng, &alice, bob.id(), &Content::text("hello"), 1_754_971_101_000)?;
/// let opened = direct::open(&bob, &message.data)?;
/// assert_eq!(opened.sender, *alice.id());
/// assert_eq!(opened.content.as_text(), Some("hello"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    recipient: &AccountId,
    content: &Content,
    sent_ms: u64,
) -> Result<Sealed, SealError> {
    seal_for(rng, sender, recipient, content, sent_ms, None)
}

/// As [`seal`], with Session Pro.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_with_pro(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    recipient: &AccountId,
    content: &Content,
    sent_ms: u64,
    pro: &Signer<'_>,
) -> Result<Sealed, SealError> {
    seal_for(rng, sender, recipient, content, sent_ms, Some(pro))
}

pub(crate) fn seal_for(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Account,
    recipient: &AccountId,
    content: &Content,
    sent_ms: u64,
    pro: Option<&Signer<'_>>,
) -> Result<Sealed, SealError> {
    let is_ours = sender.id() == recipient;
    check_author(content, &[sender.id().as_bytes()], is_ours)?;
    if let Kind::Group(GroupUpdate::Invite(invite)) = &content.kind {
        let action = Action::Invite { invitee: recipient };
        action
            .verify_id(&invite.group, sent_ms, &invite.admin_signature)
            .map_err(|_| SealError::AdminSignature)?;
    }
    let mut plain = compose(content, sent_ms, Place::Direct, pro)?;
    padding::pad(&mut plain);
    let ciphertext = direct::seal(rng, sender.ed25519(), &recipient.x25519(), &plain)?;
    let signature = match pro {
        Some(signer) => signer.sign(&ciphertext),
        None => session_crypto::ed25519::decoy_signature(rng),
    };
    let envelope = Envelope::new(
        EnvelopeKind::Session,
        sent_ms,
        &ciphertext,
        signature.as_bytes(),
    );
    let destination = if is_ours {
        let is_note = content.sync_target.is_none();
        Destination::OwnAccount { is_note }
    } else {
        Destination::Peer
    };
    Ok(Sealed {
        namespace: namespace::DEFAULT,
        ttl_ms: ttl_ms(content, destination),
        data: storable(envelope::wrap(&envelope.encode()))?,
    })
}

/// The envelope in stored data.
pub(crate) fn read_envelope(data: &[u8]) -> Result<Envelope<'_>, OpenError> {
    // No protobuf message begins with a zero; later versions of the encryption do.
    if data.first() == Some(&0) {
        return Err(OpenError::Version);
    }
    let envelope = envelope::unwrap(data).map_err(OpenError::Wrapper)?;
    let envelope = Envelope::parse(envelope).map_err(OpenError::Envelope)?;
    check_source(&envelope)?;
    Ok(envelope)
}

/// A source means nothing, but must be empty or in the form of an id.
pub(crate) fn check_source(envelope: &Envelope<'_>) -> Result<(), OpenError> {
    match envelope.source {
        None | Some([]) => Ok(()),
        Some(source) if source.len() == 66 && source.iter().all(u8::is_ascii_hexdigit) => Ok(()),
        Some(_) => Err(OpenError::Source),
    }
}

/// Opens a message from the account's swarm, namespace 0: one that somebody sent us, or a copy of
/// one that we sent.
///
/// A program that seals and opens: [`examples/direct.rs`](https://github.com/session-crates/session-crates/blob/main/session-message/examples/direct.rs).
///
/// # Errors
///
/// [`OpenError`] for whatever must be dropped. [`OpenError::Decrypt`] does not say why.
pub fn open(account: &Account, data: &[u8]) -> Result<Opened, OpenError> {
    open_with(account, data, direct::open)
}

/// As [`open`], with keys of senders that are not checked again: see [`Senders`].
///
/// For an account that gets many messages from the same people; a message of somebody known takes
/// about a third less time.
///
/// # Errors
///
/// As [`open`].
pub fn open_remembering(
    account: &Account,
    senders: &mut Senders,
    data: &[u8],
) -> Result<Opened, OpenError> {
    open_with(account, data, |secret, public, ciphertext| {
        direct::open_remembering(senders, secret, public, ciphertext)
    })
}

fn open_with(
    account: &Account,
    data: &[u8],
    decrypt: impl FnOnce(&X25519Secret, &X25519Public, &[u8]) -> Result<direct::Opened, DecryptError>,
) -> Result<Opened, OpenError> {
    let envelope = read_envelope(data)?;
    let ciphertext = envelope.content.ok_or(OpenError::NoContent)?;
    let opened = decrypt(account.x25519(), &account.x25519_public(), ciphertext)?;
    let mut raw = opened.message;
    let length = padding::unpad(&raw)?.len();
    raw.truncate(length);

    let outer = Outer {
        sent_ms: envelope.timestamp_ms,
        pro_signature: envelope.pro_signature,
        signed: ciphertext,
    };
    let checked = read_content(&raw, &outer)?;
    let sender = AccountId::from_x25519(&opened.sender_x25519);
    check(&checked.content, checked.sent_ms, &sender, account.id())?;
    let own_target = checked.content.sync_target;
    Ok(Opened {
        sender,
        conversation: own_target.unwrap_or_else(|| Id::from_bytes(sender.to_bytes())),
        sender_ed25519: opened.sender,
        sent_ms: checked.sent_ms,
        is_time_signed: checked.is_time_signed,
        content: checked.content,
        raw,
        pro: checked.pro,
    })
}

/// The rules of one-to-one messages.
fn check(
    content: &Content,
    sent_ms: u64,
    sender: &AccountId,
    own: &AccountId,
) -> Result<(), OpenError> {
    if !Place::Direct.allows(&content.kind) {
        let kind = content.kind.name();
        return Err(OpenError::NotHere { kind });
    }
    check_author(content, &[sender.as_bytes()], sender == own)?;
    if let Kind::Group(GroupUpdate::Invite(invite)) = &content.kind {
        Action::Invite { invitee: own }
            .verify_id(&invite.group, sent_ms, &invite.admin_signature)
            .map_err(|_| OpenError::AdminSignature)?;
    }
    Ok(())
}
