//! The kinds of configs, and the differences between them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::Ed25519Secret;
use session_crypto::VerifyingKey;
use session_crypto::config::Domain;
use session_identity::Account;
use session_proto::bt;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::{Namespace, UnixMillis};

use crate::data::Dict;
use crate::error::LoadError;
use crate::rules::Rules;

/// A kind of config: one of the types of this crate.
///
/// The trait is sealed.
pub trait Kind: private::Kind {
    /// A change that a merge reports.
    type Change: fmt::Debug + Clone + PartialEq + Eq;

    /// Reports what differs between two states.
    #[doc(hidden)]
    fn changes(before: &Dict, after: &Dict) -> Vec<Self::Change>;
}

pub(crate) mod private {
    use super::*;

    /// The properties of a kind that the engine needs.
    pub trait Kind {
        /// The namespace of the config. `None` if it stays on the device.
        const NAMESPACE: Option<Namespace>;
        /// Name of the kind in the encryption.
        const DOMAIN: Domain<'static>;
        /// Kind in the wrapper of user configs.
        const WRAPPER: Option<WrapperKind> = None;

        /// Local data in a dump, beside the config.
        type Extra: Default + Clone + Extra;

        /// Removes entries that are too old to be stored.
        fn prune(_data: &mut Dict, _rules: Rules, _now: UnixMillis) {}
    }

    /// Local data in a dump.
    pub trait Extra: Sized {
        /// Reads the data.
        fn read(dict: bt::Dict<'_>) -> Result<Self, LoadError>;
        /// Writes the data.
        fn write(&self, dict: &mut bt::DictWriter<'_>);
    }

    impl Extra for () {
        fn read(_: bt::Dict<'_>) -> Result<Self, LoadError> {
            Ok(())
        }

        fn write(&self, _: &mut bt::DictWriter<'_>) {}
    }
}

/// The domain of a name of 1 to 24 bytes.
#[expect(
    clippy::panic,
    reason = "only called for constants, when the code is compiled"
)]
pub(crate) const fn domain(name: &'static str) -> Domain<'static> {
    match Domain::new(name) {
        Ok(domain) => domain,
        Err(_) => panic!("a domain has 1 to 24 bytes"),
    }
}

/// The owner of a config, with the keys that wrap or sign it.
pub(crate) enum Owner {
    /// An account: configs are wrapped, not signed.
    Account(Arc<Account>),
    /// A closed group: configs are signed, not wrapped.
    Group(Box<GroupOwner>),
    /// This device: the config is never stored.
    Device,
}

impl Owner {
    pub(crate) const fn signer(&self) -> Option<&Ed25519Secret> {
        match self {
            Self::Group(group) => group.signer.as_ref(),
            _ => None,
        }
    }

    pub(crate) const fn is_read_only(&self) -> bool {
        match self {
            Self::Group(group) => group.signer.is_none(),
            Self::Account(_) | Self::Device => false,
        }
    }
}

/// The keys that sign the configs of a closed group.
pub(crate) struct GroupOwner {
    pub(crate) verifier: VerifyingKey,
    /// `None` if we are not an admin.
    pub(crate) signer: Option<Ed25519Secret>,
}
