//! One-to-one messages in version 2.

use core::borrow::Borrow;

use rand_core::CryptoRng;
use session_crypto::v2::{AccountKeys, PublicKeys};
use session_identity::{Account, AccountId};
use session_proto::content::{self, AnyId, Content, Kind};
use session_types::{SealedMessage, UnixMillis};

use super::layer::{self, LayerError};
use crate::compose::compose;
use crate::direct::{check_opened, check_sealed, copy_of, destination};
use crate::error::{OpenError, SealError};
use crate::lifetime::{Destination, storable, time_to_live};
use crate::opened::Opened;
use crate::opener::Opener;
use crate::read::{claim, nonzero};
use crate::rules::Place;
use crate::sealer::Sealer;

/// The format of a one-to-one message. [`KeyCache`](super::KeyCache) chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format<'a> {
    /// Version 1, which every client opens.
    V1,
    /// Version 2, to the published keys of the recipient.
    V2(&'a PublicKeys),
    /// Version 2 for an account without published keys. It looks like the other, and has no forward
    /// secrecy.
    V2WithoutKeys,
}

impl<A: Borrow<Account>> Sealer<A> {
    /// Seals a message to an account, as [`seal_direct`](Self::seal_direct), in a given format.
    ///
    /// # Errors
    ///
    /// [`SealError`] as [`seal_direct`](Self::seal_direct), also if a published key is not usable.
    pub fn seal_direct_as(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        recipient: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
        format: Format<'_>,
    ) -> Result<SealedMessage, SealError> {
        let keys = match format {
            Format::V1 => return self.seal_direct(rng, recipient, content, sent_at),
            Format::V2(keys) => Some(keys),
            Format::V2WithoutKeys => None,
        };
        let destination = destination(self.account().id(), recipient, content);
        self.seal_v2(rng, recipient, keys, content, sent_at, destination)
    }

    /// Seals a copy of a message for our own devices, as [`seal_copy`](Self::seal_copy), in a given
    /// format. With [`Format::V2`] the keys are those of our own account.
    ///
    /// # Errors
    ///
    /// [`SealError`] as [`seal_copy`](Self::seal_copy).
    pub fn seal_copy_as(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        conversation: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
        format: Format<'_>,
    ) -> Result<SealedMessage, SealError> {
        let keys = match format {
            Format::V1 => return self.seal_copy(rng, conversation, content, sent_at),
            Format::V2(keys) => Some(keys),
            Format::V2WithoutKeys => None,
        };
        let own = self.account().id();
        let (copy, destination) = copy_of(own, conversation, content);
        self.seal_v2(rng, own, keys, &copy, sent_at, destination)
    }

    fn seal_v2(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        recipient: &AccountId,
        keys: Option<&PublicKeys>,
        content: &Content,
        sent_at: UnixMillis,
        destination: Destination,
    ) -> Result<SealedMessage, SealError> {
        let account = self.account();
        check_sealed(account.id(), recipient, content, sent_at)?;
        let plain = compose(content, sent_at, Place::Direct, self.pro())?;
        let pro = self.pro().map(crate::pro::Signer::rotating);
        let data = layer::seal(rng, account.ed25519(), recipient, keys, &plain, pro)?;
        Ok(SealedMessage {
            namespace: destination.namespace(),
            ttl: time_to_live(content, destination),
            data: storable(data)?,
        })
    }
}

impl<A: Borrow<Account>> Opener<A> {
    /// Sets the key sets of the account, with which version 2 messages are opened: the current one first,
    /// then those that were replaced last.
    ///
    /// Without any, only version 2 messages without forward secrecy open.
    pub fn set_account_keys(&mut self, keys: impl IntoIterator<Item = AccountKeys>) {
        self.account_keys = keys.into_iter().collect();
    }

    /// Opens a message that begins with a zero.
    pub(crate) fn open_v2(&self, data: &[u8]) -> Result<Opened, OpenError> {
        if !data.starts_with(&session_crypto::v2::message::VERSION) {
            return Err(OpenError::Version);
        }
        let account = self.account();
        let opened =
            layer::open(account, &self.account_keys, data).map_err(|error| match error {
                LayerError::NoKey => OpenError::NoAccountKey,
                LayerError::Decrypt(error) => OpenError::Decrypt(error),
            })?;
        let decoded = content::decode(&opened.content)?;
        // Nothing outside of the content says when it was sent.
        let sent_at = decoded.sent_at.and_then(nonzero).ok_or(OpenError::NoTime)?;
        let signature = opened
            .pro_signature
            .as_ref()
            .map(|s| s.as_bytes().as_slice());
        let pro = claim(
            decoded.pro,
            signature,
            &opened.pro_signed,
            Some(sent_at),
            sent_at,
        )?;
        if let Kind::Typing(typing) = &decoded.content.kind
            && typing.sent_at != sent_at
        {
            return Err(OpenError::TypingTime);
        }
        check_opened(&decoded.content, sent_at, &opened.sender, account.id())?;
        let target = decoded.content.sync_target;
        Ok(Opened {
            sender: opened.sender,
            sender_ed25519: opened.sender_ed25519,
            conversation: target.unwrap_or_else(|| AnyId::from(opened.sender)),
            sent_at,
            is_time_signed: true,
            content: decoded.content,
            raw: opened.content,
            pro,
            has_forward_secrecy: opened.key.is_some(),
        })
    }
}
