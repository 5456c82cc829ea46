//! Traits of all types of fixed length.

/// Bytes or text that do not have the form of a key or signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The input has the wrong number of bytes.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Length of the type in bytes.
        expected: usize,
        /// Length of the input in bytes.
        got: usize,
    },
    /// The text has the wrong length.
    #[error("expected {expected} hex digits, got {got} bytes of text")]
    TextLength {
        /// Length of the text form in digits.
        expected: usize,
        /// Length of the input in bytes.
        got: usize,
    },
    /// The text contains a character that is not a hex digit.
    #[error("expected hex digits, got another character")]
    NotHex,
}

/// Implements the traits that every type of fixed length has: bytes, hex text, `serde`.
macro_rules! byte_traits {
    ($name:ident, $length:literal, $digits:literal) => {
        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// Wraps the bytes. They are not validated.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Returns the bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = $crate::ParseError;

            fn try_from(bytes: &[u8]) -> Result<Self, $crate::ParseError> {
                bytes
                    .try_into()
                    .map(Self)
                    .map_err(|_| $crate::ParseError::Length {
                        expected: $length,
                        got: bytes.len(),
                    })
            }
        }

        #[doc = concat!("Parses exactly ", $digits, " hex digits of either case.")]
        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;

            fn from_str(text: &str) -> Result<Self, $crate::ParseError> {
                if text.len() != $digits {
                    return Err($crate::ParseError::TextLength {
                        expected: $digits,
                        got: text.len(),
                    });
                }
                $crate::hex::decode(text)
                    .map(Self)
                    .ok_or($crate::ParseError::NotHex)
            }
        }

        $crate::bytes::byte_text_traits!($name, $digits);
    };
}

/// Implements the traits that follow from `as_bytes`.
macro_rules! byte_text_traits {
    ($name:ident, $digits:literal) => {
        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        #[doc = concat!("Writes ", $digits, " lower-case hex digits.")]
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::hex::pad(f, self.as_bytes())
            }
        }

        impl core::fmt::LowerHex for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::hex::write(f, self.as_bytes())
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                $crate::hex::write(f, self.as_bytes())?;
                f.write_str(")")
            }
        }

        #[cfg(feature = "serde")]
        $crate::serde::as_text_or_bytes!($name);
    };
}

pub(crate) use {byte_text_traits, byte_traits};
