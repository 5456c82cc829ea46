//! Keys that travel inside messages.

use core::fmt;

use session_types::ParseError;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::ContentError;
use crate::Secret;

/// Returns whether two keys are equal, in constant time.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let pairs = a.iter().zip(b);
    let difference = pairs.fold(0, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
    a.len() == b.len() && difference == 0
}

/// Defines a key inside a message: a secret of fixed length.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        ///
        /// Zeroized when dropped, never printed, compared in constant time. It can be cloned with
        /// the message that contains it.
        #[derive(Clone)]
        pub struct $name(Zeroizing<[u8; $length]>);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// Copies the bytes.
            #[must_use]
            pub fn from_bytes(bytes: &[u8; $length]) -> Self {
                Self(Zeroizing::new(*bytes))
            }

            /// Returns the secret bytes.
            #[must_use]
            pub fn expose_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Copies the bytes of a field.
            pub(super) fn from_field(
                field: &Secret,
                name: &'static str,
            ) -> Result<Self, ContentError> {
                Self::try_from(field.expose_bytes()).map_err(|_| ContentError::Length {
                    field: name,
                    expected: $length,
                    got: field.len(),
                })
            }

            /// Copies the bytes for a field.
            pub(super) fn to_field(&self) -> Secret {
                Secret::new(self.0.as_slice())
            }
        }

        impl ZeroizeOnDrop for $name {}

        impl TryFrom<&[u8]> for $name {
            type Error = ParseError;

            fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
                match bytes.try_into() {
                    Ok(bytes) => Ok(Self::from_bytes(bytes)),
                    Err(_) => Err(ParseError::Length {
                        expected: $length,
                        got: bytes.len(),
                    }),
                }
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                is_equal(self.0.as_slice(), other.0.as_slice())
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret! {
    /// The key of an encrypted profile picture, 32 bytes.
    PictureKey, 32
}

secret! {
    /// The Ed25519 seed of a closed group, 32 bytes. Its holder is an admin of the group.
    GroupSeed, 32
}

secret! {
    /// A member's access to the swarm of a group, 100 bytes (protocol: groups, section 8.3).
    ///
    /// Not validated: `session_identity::subaccount::AuthData` does that.
    MemberAuthData, 100
}

secret! {
    /// The key of an encrypted file, 32 bytes.
    FileKey, 32
}

secret! {
    /// The key of an encrypted file in the older form, 64 bytes: AES-256 key and HMAC-SHA-256 key.
    LegacyFileKey, 64
}

/// The key of an attachment, which says how the file is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentKey {
    /// The current form.
    Current(FileKey),
    /// The older form, which needs the digest of the encrypted file too.
    Legacy(LegacyFileKey),
}

impl AttachmentKey {
    /// Returns the secret bytes, 32 or 64.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        match self {
            Self::Current(key) => key.expose_bytes(),
            Self::Legacy(key) => key.expose_bytes(),
        }
    }

    /// Copies the bytes of a field.
    pub(super) fn from_field(field: &Secret, name: &'static str) -> Result<Self, ContentError> {
        if field.len() == LegacyFileKey::LENGTH {
            LegacyFileKey::from_field(field, name).map(Self::Legacy)
        } else {
            FileKey::from_field(field, name).map(Self::Current)
        }
    }

    pub(super) fn to_field(&self) -> Secret {
        match self {
            Self::Current(key) => key.to_field(),
            Self::Legacy(key) => key.to_field(),
        }
    }
}

impl From<FileKey> for AttachmentKey {
    fn from(key: FileKey) -> Self {
        Self::Current(key)
    }
}

impl From<LegacyFileKey> for AttachmentKey {
    fn from(key: LegacyFileKey) -> Self {
        Self::Legacy(key)
    }
}
