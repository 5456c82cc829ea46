//! JSON lists of nodes: of a seed's chain daemon, of `oxend_request`, of `get_swarm`, of a 421, and
//! bundled ones (protocol: swarm, sections [3.1] to [3.5]).
//!
//! One reader takes them all. It goes through the text once and keeps nothing of an entry but its
//! record; an entry that cannot be used is skipped and counted, whatever is wrong with it.
//!
//! [3.1]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-3.1
//! [3.5]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-3.5

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use session_crypto::{Ed25519Public, X25519Public};

use super::{AddressPolicy, ServiceNode, Version};
use crate::hex;
use crate::ring::SwarmId;

/// Most nodes that are kept of a list; the network has about two thousand.
pub const MAX_NODES: usize = 20_000;

/// Over what a client reaches nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// HTTPS: records need an HTTPS port.
    #[default]
    Https,
    /// OxenMQ or QUIC: records need that port.
    Omq,
}

/// What a client takes of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which addresses.
    pub addresses: AddressPolicy,
    /// Which port must be there.
    pub transport: Transport,
    /// How many nodes at most.
    pub max_nodes: usize,
}

impl Default for ReadOptions {
    /// Public addresses, HTTPS, [`MAX_NODES`].
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::Public,
            transport: Transport::Https,
            max_nodes: MAX_NODES,
        }
    }
}

/// How many entries of a list were left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Not an object, no key, or a field of a form that it cannot have.
    pub malformed: usize,
    /// No address.
    pub address: usize,
    /// An address that the caller did not allow.
    pub forbidden_address: usize,
    /// No port, or one out of range.
    pub port: usize,
    /// A key that was there already; the first entry is kept.
    pub duplicate: usize,
    /// More nodes than the caller takes.
    pub surplus: usize,
}

impl Skipped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.malformed
            .saturating_add(self.address)
            .saturating_add(self.forbidden_address)
            .saturating_add(self.port)
            .saturating_add(self.duplicate)
            .saturating_add(self.surplus)
    }
}

/// A list of nodes that cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not JSON.
    #[error("node list is not json")]
    Json,
    /// It is JSON without a list of nodes.
    #[error("no list of nodes in the answer")]
    NoList,
    /// A binary list of another length.
    #[error("expected records of 51 bytes, got {0} bytes")]
    Length(usize),
}

/// A list of nodes that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeList {
    /// The nodes, in the order of the list, each key once.
    pub nodes: Vec<ServiceNode>,
    /// Height of the chain, if the list tells it.
    pub height: Option<u64>,
    /// What was left out.
    pub skipped: Skipped,
}

impl NodeList {
    /// Reads any of the JSON forms.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if it is not JSON or has no list of nodes.
    ///
    /// ```
    /// use session_swarm::record::{NodeList, ReadOptions};
    ///
    /// let key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    /// let answer = format!(
    ///     r#"{{"result":{{"height":1,"service_node_states":[{{"pubkey_ed25519":"{key}",
    ///         "public_ip":"95.216.33.113","storage_port":22021,"storage_lmq_port":22020,"swarm":"64"}}]}}}}"#
    /// );
    /// let list = NodeList::from_json(answer.as_bytes(), &ReadOptions::default())?;
    /// assert_eq!(list.nodes[0].https_port, 22021);
    /// assert_eq!(list.skipped.total(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn from_json(json: &[u8], options: &ReadOptions) -> Result<Self, RecordError> {
        let mut input = serde_json::Deserializer::from_slice(json);
        let mut found = Found {
            nodes: Collector::new(*options),
            height: None,
            has_list: false,
        };
        let outcome = Document(&mut found).deserialize(&mut input);
        outcome
            .and_then(|()| input.end())
            .map_err(|_| RecordError::Json)?;
        if !found.has_list {
            return Err(RecordError::NoList);
        }
        let (nodes, skipped) = found.nodes.finish();
        Ok(Self {
            nodes,
            height: found.height,
            skipped,
        })
    }

    /// Drops the nodes that have left since the list was made, as a bundled list needs it
    /// (protocol: [swarm, section 4.1]). Returns how many.
    ///
    /// [swarm, section 4.1]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-4.1
    pub fn drop_departed(&mut self, seconds_since: u64) -> usize {
        let blocks = seconds_since / 120;
        let height = self.height.unwrap_or(0).saturating_add(blocks);
        let before = self.nodes.len();
        self.nodes.retain(|node| {
            node.requested_unlock_height == 0 || node.requested_unlock_height > height
        });
        before.saturating_sub(self.nodes.len())
    }
}

/// Takes records and applies the rules that all forms share.
pub(super) struct Collector {
    options: ReadOptions,
    nodes: Vec<ServiceNode>,
    seen: BTreeSet<Ed25519Public>,
    pub(super) skipped: Skipped,
}

impl Collector {
    pub(super) const fn new(options: ReadOptions) -> Self {
        Self {
            options,
            nodes: Vec::new(),
            seen: BTreeSet::new(),
            skipped: Skipped {
                malformed: 0,
                address: 0,
                forbidden_address: 0,
                port: 0,
                duplicate: 0,
                surplus: 0,
            },
        }
    }

    pub(super) fn push(&mut self, node: ServiceNode) {
        let port = match self.options.transport {
            Transport::Https => node.https_port,
            Transport::Omq => node.omq_port,
        };
        let skipped = &mut self.skipped;
        let count = if node.ip.is_unspecified() {
            &mut skipped.address
        } else if !self.options.addresses.allows(node.ip) {
            &mut skipped.forbidden_address
        } else if port == 0 {
            &mut skipped.port
        } else if self.nodes.len() >= self.options.max_nodes {
            &mut skipped.surplus
        } else if !self.seen.insert(node.ed25519) {
            &mut skipped.duplicate
        } else {
            self.nodes.push(node);
            return;
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn finish(self) -> (Vec<ServiceNode>, Skipped) {
        (self.nodes, self.skipped)
    }
}

struct Found {
    nodes: Collector,
    height: Option<u64>,
    has_list: bool,
}

/// The object that holds the list, or an object or answer around it.
struct Document<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

macro_rules! ignore_scalars {
    ($output:ty, $ignored:expr) => {
        fn visit_unit<E>(self) -> Result<$output, E> {
            Ok($ignored)
        }

        fn visit_bool<E>(self, _: bool) -> Result<$output, E> {
            Ok($ignored)
        }

        fn visit_i64<E>(self, _: i64) -> Result<$output, E> {
            Ok($ignored)
        }

        fn visit_f64<E>(self, _: f64) -> Result<$output, E> {
            Ok($ignored)
        }
    };
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    ignore_scalars!((), ());

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<(), A::Error> {
        while input.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<(), A::Error> {
        while let Some(key) = input.next_key::<Text<'de>>()? {
            match &*key.0 {
                "result" => input.next_value_seed(Document(&mut *self.0))?,
                "service_node_states" | "snodes" => input.next_value_seed(List(&mut *self.0))?,
                "height" => {
                    if let Field::Uint(height) = input.next_value()? {
                        self.0.height = Some(height);
                    }
                }
                _ => {
                    input.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The list.
struct List<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    ignore_scalars!((), ());

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<(), A::Error> {
        while input.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<(), A::Error> {
        self.0.has_list = true;
        while let Some(entry) = input.next_element::<Item>()? {
            match entry.0 {
                Some(node) => self.0.nodes.push(node),
                None => {
                    let malformed = &mut self.0.nodes.skipped.malformed;
                    *malformed = malformed.saturating_add(1);
                }
            }
        }
        Ok(())
    }
}

/// One entry; none if it cannot be used.
struct Item(Option<ServiceNode>);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    ignore_scalars!(Item, Item(None));

    fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
        Ok(Item(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Item, E> {
        Ok(Item(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Item, A::Error> {
        while input.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Item(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Item, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = input.next_key::<Text<'de>>()? {
            let slot = match &*key.0 {
                "pubkey_ed25519" => &mut fields.ed25519,
                "pubkey_x25519" => &mut fields.x25519,
                "service_node_pubkey" | "pubkey_legacy" => &mut fields.legacy,
                "public_ip" => &mut fields.public_ip,
                "ip" => &mut fields.ip,
                "storage_lmq_port" => &mut fields.storage_lmq_port,
                "port_omq" => &mut fields.port_omq,
                "storage_https_port" => &mut fields.storage_https_port,
                "storage_port" => &mut fields.storage_port,
                "port_https" => &mut fields.port_https,
                "storage_server_version" => &mut fields.version,
                "swarm_id" => &mut fields.swarm_id,
                "swarm" => &mut fields.swarm,
                "requested_unlock_height" => &mut fields.unlock,
                _ => {
                    input.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = input.next_value()?;
        }
        Ok(Item(fields.node()))
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Field::deserialize(input)? {
            Field::Text(text) => Ok(Self(text)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

/// The value of a field, as far as any field can use it.
#[derive(Default)]
enum Field<'de> {
    /// Not there, or `null`.
    #[default]
    Absent,
    Text(Cow<'de, str>),
    Uint(u64),
    /// The first numbers of a list, of which a version needs three.
    Numbers([u64; 3]),
    /// Anything else.
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

/// A number that is not negative, or anything else.
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

/// The fields of an entry under all names that they have.
#[derive(Default)]
struct Fields<'de> {
    ed25519: Field<'de>,
    x25519: Field<'de>,
    legacy: Field<'de>,
    public_ip: Field<'de>,
    ip: Field<'de>,
    storage_lmq_port: Field<'de>,
    port_omq: Field<'de>,
    storage_https_port: Field<'de>,
    storage_port: Field<'de>,
    port_https: Field<'de>,
    version: Field<'de>,
    swarm_id: Field<'de>,
    swarm: Field<'de>,
    unlock: Field<'de>,
}

impl Fields<'_> {
    /// The record; none if a field has a form that it cannot have.
    fn node(self) -> Option<ServiceNode> {
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
    /// This one, or the other if this one is not there.
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) {
            other
        } else {
            self
        }
    }

    /// A key of 64 hex digits; inner none if it is not there or empty.
    #[expect(clippy::option_option, reason = "malformed, absent and present differ")]
    fn key(&self) -> Option<Option<[u8; 32]>> {
        match self {
            Self::Absent => Some(None),
            Self::Text(text) if text.is_empty() => Some(None),
            Self::Text(text) => hex::decode(text).map(Some),
            _ => None,
        }
    }

    /// A port; 0 if it is not there or out of range.
    fn port(&self) -> Option<u16> {
        match self {
            Self::Absent => Some(0),
            Self::Uint(port) => Some(u16::try_from(*port).unwrap_or(0)),
            _ => None,
        }
    }
}
