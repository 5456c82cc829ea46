//! One-to-one messages, version 1, and the copies of sent messages for our own devices.

use core::borrow::Borrow;

use rand_core::CryptoRng;
use session_crypto::direct;
use session_identity::{Account, AccountId};
use session_proto::content::{AnyId, Content, GroupUpdate, Kind};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding;
use session_types::{SealedMessage, UnixMillis};

use crate::admin::Action;
use crate::compose::compose;
use crate::error::{OpenError, SealError};
use crate::lifetime::{Destination, storable, time_to_live};
use crate::opened::Opened;
use crate::opener::Opener;
use crate::read::{Outer, read_content};
use crate::rules::{Place, check_author};
use crate::sealer::Sealer;

impl<A: Borrow<Account>> Sealer<A> {
    /// Seals a message to an account, for its swarm, namespace 0.
    ///
    /// Store a copy for our own other devices as well: [`seal_copy`](Self::seal_copy). A message to
    /// our own account is a note to ourselves.
    ///
    /// ```text
    /// Content           what the message says, with the time in it          protobuf
    ///   | pad           0x80, zeros, to a multiple of 160
    ///   | sign          sender's Ed25519 key A over: padded || A || Y       Y: recipient's X25519 key
    ///   | seal          sealed box to Y of: padded || A || signature
    ///   v
    /// Envelope          { type = 6, sourceDevice = 1, timestamp, content = sealed box, proSig }
    ///   v
    /// WebSocketMessage  { type = REQUEST, request = { verb = "", path = "", body, requestId = 0 } }
    ///   v
    /// data
    /// ```
    ///
    /// `proSig` is the signature of the Session Pro key over the sealed box, or 64 bytes that look
    /// like one, so that nobody can tell who has Session Pro. Outside the sealed box only the time
    /// is readable. The content contains it too, and both must be equal: a storage server cannot
    /// change it.
    ///
    /// There is no forward secrecy and no protection against replay: recognise a message by its
    /// [`MessageKey`](crate::MessageKey). Protocol: messages, sections 4.1 and 4.7; crypto, section 2.
    ///
    /// # Errors
    ///
    /// [`SealError`] if the recipient would drop the message, if the recipient's key has small
    /// order, or if the message is too long to be stored.
    pub fn seal_direct(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        recipient: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
    ) -> Result<SealedMessage, SealError> {
        let destination = destination(self.account().id(), recipient, content);
        self.seal_to(rng, recipient, content, sent_at, destination)
    }

    /// Seals a copy of a message that goes to `conversation`, for our own swarm, namespace 0.
    ///
    /// Use the same content and time as for the message itself. A data message (text, reaction,
    /// invitation, timer) names the conversation that it belongs to; other kinds have no place for
    /// it and are copied as they are (protocol: messages, section 6, item 12).
    /// [`open_direct`](Opener::open_direct) opens copies too, and rejects those of other accounts;
    /// [`Opened::conversation`] says where they belong.
    ///
    /// # Errors
    ///
    /// [`SealError`] as for the message itself.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_identity::{Account, Seed};
    /// use session_message::content::Content;
    /// use session_message::{Opener, Sealer, UnixMillis};
    ///
    /// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
    /// let now = UnixMillis::new(1_754_971_101_000);
    /// let copy = Sealer::new(&alice).seal_copy(rng, bob.id(), &Content::text("hello"), now)?;
    /// let opened = Opener::new(&alice).open_direct(&copy.data)?;
    /// assert_eq!(opened.sender, *alice.id());
    /// assert_eq!(opened.conversation.as_bytes(), bob.id().as_bytes());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn seal_copy(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        conversation: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
    ) -> Result<SealedMessage, SealError> {
        let own = self.account().id();
        let (copy, destination) = copy_of(own, conversation, content);
        self.seal_to(rng, own, &copy, sent_at, destination)
    }

    fn seal_to(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        recipient: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
        destination: Destination,
    ) -> Result<SealedMessage, SealError> {
        let account = self.account();
        check_sealed(account.id(), recipient, content, sent_at)?;
        let mut plain = compose(content, sent_at, Place::Direct, self.pro())?;
        padding::pad(&mut plain);
        let ciphertext = direct::seal(rng, account.ed25519(), &recipient.x25519(), &plain)?;
        let signature = match self.pro() {
            Some(signer) => signer.sign(&ciphertext),
            None => session_crypto::ed25519::decoy_signature(rng),
        };
        let kind = EnvelopeKind::Session;
        let envelope = Envelope::new(kind, sent_at, &ciphertext, &signature);
        Ok(SealedMessage {
            namespace: destination.namespace(),
            ttl: time_to_live(content, destination),
            data: storable(envelope::wrap(&envelope.encode()))?,
        })
    }
}

/// Returns the destination of a message.
pub(crate) fn destination(
    own: &AccountId,
    recipient: &AccountId,
    content: &Content,
) -> Destination {
    if own != recipient {
        Destination::Peer
    } else if content.sync_target.is_some() {
        Destination::OwnCopy
    } else {
        Destination::Note
    }
}

/// Returns the copy of a message for our own devices, and its destination.
pub(crate) fn copy_of(
    own: &AccountId,
    conversation: &AccountId,
    content: &Content,
) -> (Content, Destination) {
    let mut copy = content.clone();
    if copy.kind.is_data_message() {
        copy.sync_target = Some(AnyId::from(conversation));
    }
    let destination = if conversation == own {
        Destination::Note
    } else {
        Destination::OwnCopy
    };
    (copy, destination)
}

/// Checks that the recipient would accept the content.
pub(crate) fn check_sealed(
    own: &AccountId,
    recipient: &AccountId,
    content: &Content,
    sent_at: UnixMillis,
) -> Result<(), SealError> {
    check_author(content, &[AnyId::from(own)], own == recipient)?;
    if let Kind::Group(GroupUpdate::Invite(invite)) = &content.kind {
        Action::Invite { invitee: recipient }
            .verify_id(&invite.group, sent_at, &invite.admin_signature)
            .map_err(|_| SealError::AdminSignature)?;
    }
    Ok(())
}

/// Reads the envelope in stored data.
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

/// Checks that a source, which means nothing, is empty or has the form of an id.
pub(crate) fn check_source(envelope: &Envelope<'_>) -> Result<(), OpenError> {
    match envelope.source {
        None | Some([]) => Ok(()),
        Some(source) if source.len() == 66 && source.iter().all(u8::is_ascii_hexdigit) => Ok(()),
        Some(_) => Err(OpenError::Source),
    }
}

impl<A: Borrow<Account>> Opener<A> {
    /// Opens a message from the account's swarm, namespace 0: one that somebody sent us, or a copy
    /// of one that we sent.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::disposition`] says what to do with the message.
    /// [`OpenError::Decrypt`] does not say why.
    pub fn open_direct(&mut self, data: &[u8]) -> Result<Opened, OpenError> {
        #[cfg(feature = "v2")]
        if data.first() == Some(&0) {
            return self.open_v2(data);
        }
        let envelope = read_envelope(data)?;
        let ciphertext = envelope.content.ok_or(OpenError::NoContent)?;
        let opened = self.decrypt(ciphertext)?;
        let mut raw = opened.message;
        let length = padding::unpad(&raw)?.len();
        raw.truncate(length);

        let outer = Outer {
            sent_at: envelope.sent_at,
            pro_signature: envelope.pro_signature,
            signed: ciphertext,
        };
        let checked = read_content(&raw, &outer)?;
        let sender = AccountId::from_x25519(&opened.sender_x25519);
        check_opened(
            &checked.content,
            checked.sent_at,
            &sender,
            self.account().id(),
        )?;
        let target = checked.content.sync_target;
        Ok(Opened {
            sender,
            sender_ed25519: opened.sender,
            conversation: target.unwrap_or_else(|| AnyId::from(sender)),
            sent_at: checked.sent_at,
            is_time_signed: checked.is_time_signed,
            content: checked.content,
            raw,
            pro: checked.pro,
            has_forward_secrecy: false,
        })
    }
}

/// Checks the rules of one-to-one messages.
pub(crate) fn check_opened(
    content: &Content,
    sent_at: UnixMillis,
    sender: &AccountId,
    own: &AccountId,
) -> Result<(), OpenError> {
    if !Place::Direct.allows(&content.kind) {
        let kind = content.kind.name();
        return Err(OpenError::NotHere { kind });
    }
    let author = AnyId::from(sender);
    check_author(content, &[author], sender == own)?;
    if let Kind::Group(GroupUpdate::Invite(invite)) = &content.kind {
        Action::Invite { invitee: own }
            .verify_id(&invite.group, sent_at, &invite.admin_signature)
            .map_err(|_| OpenError::AdminSignature)?;
    }
    Ok(())
}
