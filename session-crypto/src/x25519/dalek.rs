//! Conversions from and to the types of `x25519-dalek`.

use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{X25519Public, X25519Secret};

/// Conversions of an X25519 public key as received.
///
/// ```
/// use session_crypto::x25519_dalek::{PublicKey, StaticSecret};
/// use session_crypto::{X25519DalekExt, X25519Public, X25519Secret};
///
/// let dalek = StaticSecret::from([7; 32]);
/// let secret = X25519Secret::from(&dalek);
/// let public = X25519Public::from_dalek(&PublicKey::from(&dalek));
/// assert_eq!(secret.public(), public);
/// assert_eq!(public.to_dalek(), PublicKey::from(&StaticSecret::from(&secret)));
/// ```
pub trait X25519DalekExt {
    /// Wraps the bytes of a key.
    fn from_dalek(key: &PublicKey) -> Self;

    /// Returns the same key as a type of `x25519-dalek`.
    fn to_dalek(&self) -> PublicKey;
}

impl X25519DalekExt for X25519Public {
    fn from_dalek(key: &PublicKey) -> Self {
        Self::from_bytes(key.to_bytes())
    }

    fn to_dalek(&self) -> PublicKey {
        PublicKey::from(self.to_bytes())
    }
}

impl From<&StaticSecret> for X25519Secret {
    fn from(secret: &StaticSecret) -> Self {
        Self::from_bytes(*secret.as_bytes())
    }
}

impl From<StaticSecret> for X25519Secret {
    fn from(secret: StaticSecret) -> Self {
        Self::from(&secret)
    }
}

impl From<&X25519Secret> for StaticSecret {
    fn from(secret: &X25519Secret) -> Self {
        let bytes = Zeroizing::new(*secret.expose_bytes());
        Self::from(*bytes)
    }
}
