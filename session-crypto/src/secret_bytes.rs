//! Types of secret bytes: made, drawn and exposed in one way.

/// Defines a type of `$length` secret bytes, which are zeroized on drop and never printed.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// Wraps the bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Draws random bytes.
            #[must_use]
            pub fn generate(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
                let mut secret = Self([0; $length]);
                rng.fill_bytes(&mut secret.0);
                secret
            }

            /// Draws random bytes from the operating system's generator. Requires the feature
            /// `getrandom`.
            ///
            /// # Errors
            ///
            /// [`getrandom::Error`] if the generator fails.
            #[cfg(feature = "getrandom")]
            pub fn random() -> Result<Self, getrandom::Error> {
                let mut secret = Self([0; $length]);
                getrandom::fill(&mut secret.0)?;
                Ok(secret)
            }

            /// Returns the secret bytes, for storage by the caller.
            #[must_use]
            pub const fn expose_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
