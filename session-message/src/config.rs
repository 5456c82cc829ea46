//! User configs wrapped in the layers of a one-to-one message to our own account.
//!
//! ```text
//! SharedConfigMessage { kind, seqno, data }    data: the encrypted config
//!   v
//! Content { sharedConfigMessage }, 0x80        one byte of padding
//!   | seal                                     to ourselves, the same bytes on every device
//!   v
//! Envelope { type = 6, timestamp = 1, content }, in a WebSocketMessage
//! ```
//!
//! Deployed clients still write the four user configs in this form, and read them wrapped or bare.
//! Protocol: messages, section 8; config, section 10.

use alloc::vec::Vec;
use core::borrow::Borrow;

use session_crypto::direct;
use session_identity::Account;
use session_proto::content::decode_wire;
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding::MARKER;
use session_proto::schema::session::shared_config_message::Kind;
use session_proto::schema::session::{Content, SharedConfigMessage};
use session_types::{Namespace, UnixMillis};

use crate::direct::read_envelope;
use crate::error::{OpenError, SealError};
use crate::lifetime::storable;
use crate::opener::Opener;
use crate::sealer::Sealer;

/// A config that is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserConfig {
    /// The profile, namespace 2.
    UserProfile,
    /// The contacts, namespace 3.
    Contacts,
    /// The read state of conversations, namespace 4.
    ConvoInfoVolatile,
    /// The groups and communities, namespace 5.
    UserGroups,
}

impl UserConfig {
    /// Returns the namespace that the config is stored in.
    #[must_use]
    pub const fn namespace(self) -> Namespace {
        match self {
            Self::UserProfile => Namespace::USER_PROFILE,
            Self::Contacts => Namespace::CONTACTS,
            Self::ConvoInfoVolatile => Namespace::CONVO_INFO_VOLATILE,
            Self::UserGroups => Namespace::USER_GROUPS,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::UserProfile => Kind::UserProfile,
            Self::Contacts => Kind::Contacts,
            Self::ConvoInfoVolatile => Kind::ConvoInfoVolatile,
            Self::UserGroups => Kind::UserGroups,
        }
    }
}

/// A config without its wrapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrappedConfig {
    /// The encrypted config.
    pub data: Vec<u8>,
    /// Sequence number in the wrapper. Readers use the one inside the config.
    pub seqno: i64,
}

impl<A: Borrow<Account>> Sealer<A> {
    /// Wraps an encrypted config. The same input gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`SealError::TooLong`] if the result is too long to be stored: the config is then stored
    /// without a wrapper.
    ///
    /// ```
    /// use session_identity::{Account, Seed};
    /// use session_message::config::UserConfig;
    /// use session_message::{Opener, Sealer};
    ///
    /// let account = Account::from_seed(&Seed::from_short(&[1; 16]));
    /// let config = UserConfig::UserProfile;
    /// let data = Sealer::new(&account).wrap_config(config, 1, b"an encrypted config")?;
    /// let unwrapped = Opener::new(&account).unwrap_config(config, &data)?;
    /// assert_eq!(unwrapped.data, b"an encrypted config");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn wrap_config(
        &self,
        config: UserConfig,
        seqno: i64,
        data: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let content = Content {
            shared_config_message: Some(SharedConfigMessage {
                kind: config.kind().into(),
                seqno,
                data: data.to_vec(),
            }),
            ..Content::default()
        };
        let mut plain = prost::Message::encode_to_vec(&content);
        plain.push(MARKER);
        let account = self.account();
        let own = account.x25519_public();
        let sealed = direct::seal_deterministic(account.ed25519(), &own, &plain)?;
        let envelope = Envelope {
            kind: EnvelopeKind::Session,
            source: None,
            sent_at: UnixMillis::new(1),
            source_device: None,
            content: Some(&sealed),
            pro_signature: None,
        };
        storable(envelope::wrap(&envelope.encode()))
    }
}

impl<A: Borrow<Account>> Opener<A> {
    /// Takes a config out of its wrapper.
    ///
    /// If this fails, treat the data as a bare config. If it succeeds, unwrap the result once more if
    /// possible: one release of a client wrapped twice.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the data is not wrapped, was not wrapped by this account, or is another
    /// config.
    pub fn unwrap_config(
        &self,
        config: UserConfig,
        data: &[u8],
    ) -> Result<UnwrappedConfig, OpenError> {
        let envelope = read_envelope(data)?;
        let sealed = envelope.content.ok_or(OpenError::NoContent)?;
        let account = self.account();
        let opened = direct::open(account.x25519(), &account.x25519_public(), sealed)?;
        if opened.sender != account.ed25519_public() {
            return Err(OpenError::NotOurs);
        }
        // Unlike in messages, content without the marker is rejected.
        let last = opened.message.iter().rposition(|byte| *byte != 0);
        let content = last
            .and_then(|last| opened.message.split_at_checked(last))
            .filter(|(_, padding)| padding.first() == Some(&MARKER))
            .map(|(content, _)| content)
            .ok_or(OpenError::NotThisConfig)?;
        let shared = decode_wire(content)?
            .shared_config_message
            .filter(|shared| Kind::try_from(shared.kind) == Ok(config.kind()))
            .ok_or(OpenError::NotThisConfig)?;
        Ok(UnwrappedConfig {
            data: shared.data,
            seqno: shared.seqno,
        })
    }
}
