//! The fields of an entry: texts, numbers and lists of numbers, and the record that they make.

use alloc::borrow::Cow;
use core::fmt;
use core::net::Ipv4Addr;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use session_types::{Ed25519Public, SwarmId, X25519Public, hex};

use super::ignore_scalars;
use crate::record::{ServiceNode, Version};

/// A text, borrowed where it has no escapes.
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Field::deserialize(input)? {
            Field::Text(text) => Ok(Self(text)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

/// The value of a field, in the forms that some field uses.
#[derive(Default)]
pub(super) enum Field<'de> {
    /// The field is absent or `null`.
    #[default]
    Absent,
    Text(Cow<'de, str>),
    Uint(u64),
    /// The first numbers of a list, of which a version needs three.
    Numbers([u64; 3]),
    /// Any other value.
    Other,
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field<'de>, E> {
        Ok(Field::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field<'de>, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(Field::Uint(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field<'de>, E> {
        Ok(Field::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Field<'de>, A::Error> {
        let mut numbers = [0; 3];
        let mut slots = numbers.iter_mut();
        let mut is_numbers = true;
        while let Some(item) = input.next_element::<Number>()? {
            match (item.0, slots.next()) {
                (Some(number), Some(slot)) => *slot = number,
                (Some(_), None) => {}
                (None, _) => is_numbers = false,
            }
        }
        Ok(if is_numbers {
            Field::Numbers(numbers)
        } else {
            Field::Other
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Field<'de>, A::Error> {
        while input.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

/// A number that is not negative, or any other value.
struct Number(Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            ignore_scalars!(Number, Number(None));

            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }

            fn visit_str<E>(self, _: &str) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Number, A::Error> {
                while input.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Number, A::Error> {
                while input.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }

        input.deserialize_any(NumberVisitor)
    }
}

/// The fields of an entry under all of their names.
#[derive(Default)]
pub(super) struct Fields<'de> {
    pub(super) ed25519: Field<'de>,
    pub(super) x25519: Field<'de>,
    pub(super) legacy: Field<'de>,
    pub(super) public_ip: Field<'de>,
    pub(super) ip: Field<'de>,
    pub(super) storage_lmq_port: Field<'de>,
    pub(super) port_omq: Field<'de>,
    pub(super) storage_https_port: Field<'de>,
    pub(super) storage_port: Field<'de>,
    pub(super) port_https: Field<'de>,
    pub(super) version: Field<'de>,
    pub(super) swarm_id: Field<'de>,
    pub(super) swarm: Field<'de>,
    pub(super) unlock: Field<'de>,
}

impl Fields<'_> {
    /// Returns the record, or `None` if a field is malformed.
    pub(super) fn node(self) -> Option<ServiceNode> {
        let ip = self.public_ip.or(self.ip);
        let omq = self.storage_lmq_port.or(self.port_omq);
        let https = self
            .storage_https_port
            .or(self.storage_port)
            .or(self.port_https);
        Some(ServiceNode {
            ed25519: Ed25519Public::from_bytes(self.ed25519.key()??),
            x25519: self.x25519.key()?.map(X25519Public::from_bytes),
            legacy: self.legacy.key()?,
            ip: match ip {
                Field::Absent => Ipv4Addr::UNSPECIFIED,
                Field::Text(text) if text.is_empty() => Ipv4Addr::UNSPECIFIED,
                Field::Text(text) => text.parse().ok()?,
                _ => return None,
            },
            https_port: https.port()?,
            omq_port: omq.port()?,
            version: match self.version {
                Field::Absent => Version::default(),
                Field::Text(text) => text.parse().ok()?,
                Field::Numbers(parts) => {
                    Version(parts.map(|part| u16::try_from(part).unwrap_or(u16::MAX)))
                }
                _ => return None,
            },
            swarm_id: match (self.swarm_id, self.swarm) {
                (Field::Uint(id), _) => SwarmId::new(id),
                (Field::Absent, Field::Text(text)) => text.parse().ok()?,
                (Field::Absent, Field::Absent) => SwarmId::UNASSIGNED,
                _ => return None,
            },
            requested_unlock_height: match self.unlock {
                Field::Absent => 0,
                Field::Uint(height) => height,
                _ => return None,
            },
        })
    }
}

impl Field<'_> {
    /// Returns this value, or the other if this one is absent.
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) {
            other
        } else {
            self
        }
    }

    /// Returns a key of 64 hex digits; the inner `None` means absent or empty.
    #[expect(clippy::option_option, reason = "malformed, absent and present differ")]
    fn key(&self) -> Option<Option<[u8; 32]>> {
        match self {
            Self::Absent => Some(None),
            Self::Text(text) if text.is_empty() => Some(None),
            Self::Text(text) => hex::decode(text).map(Some),
            _ => None,
        }
    }

    /// Returns a port; 0 if it is absent or out of range.
    fn port(&self) -> Option<u16> {
        match self {
            Self::Absent => Some(0),
            Self::Uint(port) => Some(u16::try_from(*port).unwrap_or(0)),
            _ => None,
        }
    }
}
