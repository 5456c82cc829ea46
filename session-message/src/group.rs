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
//! The content is not padded and there is no WebSocketMessage; the [`layer`] pads. Protocol:
//! messages, sections 4.2 and 4.7; groups, section 6.

pub mod layer;

use alloc::vec::Vec;
use core::borrow::Borrow;

use rand_core::CryptoRng;
use session_crypto::SymmetricKey;
use session_identity::{Account, GroupId};
use session_proto::content::{AnyId, Content, Kind};
use session_proto::envelope::{Envelope, EnvelopeKind};
use session_types::{SealedMessage, UnixMillis};
use zeroize::Zeroizing;

use crate::admin::verify_update;
use crate::compose::compose;
use crate::direct::check_source;
use crate::error::{OpenError, SealError};
use crate::lifetime::{Destination, storable, time_to_live};
use crate::opened::Opened;
use crate::opener::Opener;
use crate::read::{Outer, read_content};
use crate::rules::{Place, check_author};
use crate::sealer::Sealer;

impl<A: Borrow<Account>> Sealer<A> {
    /// Seals a message to a group with its newest key, for the group's swarm, namespace 11.
    ///
    /// A group update of an admin must be signed for this time; the functions of
    /// [`admin`](crate::admin) make one.
    ///
    /// # Errors
    ///
    /// [`SealError`] if the members would drop the message, or if it is too long to be stored.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_identity::{Account, Group, Seed};
    /// use session_message::content::Content;
    /// use session_message::{Opener, Sealer, SymmetricKey, UnixMillis};
    ///
    /// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
    /// let (id, key) = (*Group::generate(rng).id(), SymmetricKey::from_bytes([7; 32]));
    /// let (content, now) = (Content::text("hello"), UnixMillis::new(1_754_971_101_000));
    /// let message = Sealer::new(&alice).seal_group(rng, &id, &key, &content, now)?;
    /// let opened = Opener::new(&bob).open_group(&id, [&key], &message.data)?;
    /// assert_eq!(opened.sender, *alice.id());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn seal_group(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        group: &GroupId,
        key: &SymmetricKey,
        content: &Content,
        sent_at: UnixMillis,
    ) -> Result<SealedMessage, SealError> {
        if let Kind::Group(update) = &content.kind {
            verify_update(update, group, sent_at).map_err(|_| SealError::AdminSignature)?;
        }
        let plain = compose(content, sent_at, Place::Group, self.pro())?;
        let signature = match self.pro() {
            Some(signer) => signer.sign(&plain),
            None => session_crypto::ed25519::decoy_signature(rng),
        };
        let kind = EnvelopeKind::ClosedGroup;
        let envelope = Envelope::new(kind, sent_at, &plain, &signature);
        let envelope = Zeroizing::new(envelope.encode());
        let options = layer::Options::default();
        let data = layer::seal(
            rng,
            self.account().ed25519(),
            group,
            key,
            &envelope,
            options,
        )?;
        let destination = Destination::Group;
        Ok(SealedMessage {
            namespace: destination.namespace(),
            ttl: time_to_live(content, destination),
            data: storable(data)?,
        })
    }
}

impl<A: Borrow<Account>> Opener<A> {
    /// Opens a message from the swarm of a group, namespace 11, with any of the keys of the group.
    ///
    /// Pass a pending key first, then the others. The admin signatures of group updates are
    /// verified where they are required; a deletion without one applies to messages of its sender
    /// only. Whether the sender is a member is for the caller to check.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::disposition`] says what to do with the message.
    /// [`OpenError::GroupDecrypt`] if none of the keys opens it: keep it until new keys have come.
    pub fn open_group<'k>(
        &self,
        group: &GroupId,
        keys: impl IntoIterator<Item = &'k SymmetricKey>,
        data: &[u8],
    ) -> Result<Opened, OpenError> {
        let layer = layer::open(group, keys, data)?;
        let envelope = Envelope::parse(&layer.plain).map_err(OpenError::Envelope)?;
        check_source(&envelope)?;
        let raw: Zeroizing<Vec<u8>> =
            Zeroizing::new(envelope.content.ok_or(OpenError::NoContent)?.to_vec());
        let outer = Outer {
            sent_at: envelope.sent_at,
            pro_signature: envelope.pro_signature,
            signed: &raw,
        };
        let checked = read_content(&raw, &outer)?;
        if !Place::Group.allows(&checked.content.kind) {
            let kind = checked.content.kind.name();
            return Err(OpenError::NotHere { kind });
        }
        // Everybody reads the group itself: there are no copies of its messages.
        let author = AnyId::from(layer.sender);
        check_author(&checked.content, &[author], false)?;
        if let Kind::Group(update) = &checked.content.kind {
            verify_update(update, group, checked.sent_at).map_err(|_| OpenError::AdminSignature)?;
        }
        Ok(Opened {
            sender: layer.sender,
            sender_ed25519: layer.sender_ed25519,
            conversation: AnyId::from(group),
            sent_at: checked.sent_at,
            is_time_signed: checked.is_time_signed,
            content: checked.content,
            raw,
            pro: checked.pro,
            has_forward_secrecy: false,
        })
    }
}
