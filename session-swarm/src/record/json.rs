//! JSON lists of nodes: of a seed's chain daemon, of `oxend_request`, of `get_swarm`, of a 421, and
//! bundled ones (protocol: swarm, sections 3.1 to 3.5).
//!
//! One parser reads all of them. It passes over the text once and keeps only the record of an
//! entry. Unusable entries are skipped and counted.

use core::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ServiceNode;
use super::list::{Collector, NodeList, ReadOptions, RecordError};

mod field;

use field::{Field, Fields, Text};

impl NodeList {
    /// Parses any of the JSON forms.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the input is not JSON or has no list of nodes.
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
}

/// Skips every scalar.
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

/// Skips every value that is neither a list nor an object.
macro_rules! ignore_leaves {
    () => {
        ignore_scalars!((), ());

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    };
}

use ignore_scalars;

struct Found {
    nodes: Collector,
    height: Option<u64>,
    has_list: bool,
}

/// Visitor of the object that holds the list, or of an object around it.
struct Document<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    ignore_leaves!();

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

/// Visitor of the list.
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

    ignore_leaves!();

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

/// Visitor of one entry. Yields `None` if the entry is unusable.
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
