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
use session_proto::schema::session::shared_config_message::Kind;
use session_proto::shared_config::{self, SharedConfigError};
use session_types::Namespace;

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
        let account = self.account();
        let own = account.x25519_public();
        let plain = shared_config::encode(config.kind(), seqno, data);
        let sealed = direct::seal_deterministic(account.ed25519(), &own, &plain)?;
        storable(shared_config::enclose(&sealed))
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
        let sealed = read_envelope(data)?.content.ok_or(OpenError::NoContent)?;
        let account = self.account();
        let opened = direct::open(account.x25519(), &account.x25519_public(), sealed)?;
        if opened.sender != account.ed25519_public() {
            return Err(OpenError::NotOurs);
        }
        let decoded = shared_config::decode(config.kind(), &opened.message);
        let (seqno, data) = decoded.map_err(|error| match error {
            SharedConfigError::Content(error) => error.into(),
            _ => OpenError::NotThisConfig,
        })?;
        Ok(UnwrappedConfig { data, seqno })
    }
}
