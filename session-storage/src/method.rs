//! The names of the methods.

use core::fmt;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A method of the storage server.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[$doc])* $variant,)*
        }

        impl Method {
            /// All methods.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

methods! {
    /// Store a message.
    Store = "store",
    /// Fetch messages.
    Retrieve = "retrieve",
    /// Delete messages by hash.
    Delete = "delete",
    /// Delete all messages.
    DeleteAll = "delete_all",
    /// Delete messages up to a time.
    DeleteBefore = "delete_before",
    /// Change expiries by hash.
    Expire = "expire",
    /// Shorten all expiries.
    ExpireAll = "expire_all",
    /// Ask for expiries by hash.
    GetExpiries = "get_expiries",
    /// Revoke subaccounts.
    RevokeSubaccount = "revoke_subaccount",
    /// Undo the revocation of subaccounts.
    UnrevokeSubaccount = "unrevoke_subaccount",
    /// Ask for the revoked subaccounts.
    RevokedSubaccounts = "revoked_subaccounts",
    /// Ask for the swarm of an account.
    GetSwarm = "get_swarm",
    /// Ask for version and clock.
    Info = "info",
    /// Ask the chain daemon.
    OxendRequest = "oxend_request",
    /// Ask for all active nodes in binary form.
    ActiveNodesBin = "active_nodes_bin",
    /// Several requests at once.
    Batch = "batch",
    /// Several requests, up to the first that fails.
    Sequence = "sequence",
    /// One of two requests.
    IfElse = "ifelse",
}

impl Method {
    /// Returns the method with this name. Old names are known too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "get_snodes_for_pubkey" {
            return Some(Self::GetSwarm);
        }
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.name() == name)
    }

    /// Returns whether the asked node forwards the request to all members of its swarm.
    #[must_use]
    pub const fn is_recursive(self) -> bool {
        matches!(
            self,
            Self::Store
                | Self::Delete
                | Self::DeleteAll
                | Self::DeleteBefore
                | Self::Expire
                | Self::ExpireAll
                | Self::RevokeSubaccount
                | Self::UnrevokeSubaccount
        )
    }

    /// Returns whether the request contains other requests.
    #[must_use]
    pub const fn is_meta(self) -> bool {
        matches!(self, Self::Batch | Self::Sequence | Self::IfElse)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_methods() {
        for method in Method::ALL {
            assert_eq!(Method::from_name(method.name()), Some(*method));
        }
        assert_eq!(
            Method::from_name("get_snodes_for_pubkey"),
            Some(Method::GetSwarm)
        );
        for unknown in ["", "Store", "monitor", "expire_before"] {
            assert_eq!(Method::from_name(unknown), None);
        }
    }
}
