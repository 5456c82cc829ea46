//! `serde`: text where the format is meant for people, bytes where it is not.

/// Text through `Display` and `FromStr` in readable formats, bytes in the others.
macro_rules! as_text_or_bytes {
    ($name:ident) => {
        const _: () = {
            use core::fmt;
            use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de};

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if serializer.is_human_readable() {
                        serializer.collect_str(self)
                    } else {
                        serializer.serialize_bytes(self.as_bytes())
                    }
                }
            }

            struct Visitor;
            impl de::Visitor<'_> for Visitor {
                type Value = $name;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{} bytes, or the same as hex", $name::LENGTH)
                }

                fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                    text.parse().map_err(E::custom)
                }

                fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<$name, E> {
                    $name::try_from(bytes).map_err(E::custom)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    if deserializer.is_human_readable() {
                        deserializer.deserialize_str(Visitor)
                    } else {
                        deserializer.deserialize_bytes(Visitor)
                    }
                }
            }
        };
    };
}

/// Text through `Display` and `FromStr`.
macro_rules! as_text {
    ($name:ident) => {
        const _: () = {
            use core::fmt;
            use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de};

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            struct Visitor;
            impl de::Visitor<'_> for Visitor {
                type Value = $name;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!("the text of a ", stringify!($name)))
                }

                fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                    text.parse().map_err(E::custom)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(Visitor)
                }
            }
        };
    };
}

/// A number.
macro_rules! as_number {
    ($name:ident, $number:ident, $get:expr, $new:expr) => {
        const _: () = {
            use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    ($get)(self).serialize(serializer)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $number::deserialize(deserializer).map($new)
                }
            }
        };
    };
}

pub(crate) use {as_number, as_text, as_text_or_bytes};

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::fmt::Debug;

    use serde_core::Serialize;
    use serde_core::de::DeserializeOwned;

    use crate::{
        AccountId, AnyId, Ed25519Public, Ed25519Signature, MessageHash, Namespace, SwarmId,
        UnixMillis,
    };

    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        assert_eq!(&serde_json::from_str::<T>(json).unwrap(), value);
    }

    #[test]
    fn json_is_the_text_form() {
        let id = AnyId::from_parts(5, &[0xab; 32]);
        let quoted = |text: &dyn ToString| ["\"", &text.to_string(), "\""].concat();
        check(&id, &quoted(&id));
        check(&AccountId::try_from(id).unwrap(), &quoted(&id));
        let key = Ed25519Public::from_bytes([1; 32]);
        check(&key, &quoted(&key));
        let signature = Ed25519Signature::from_bytes([2; 64]);
        check(&signature, &quoted(&signature));
        let hash = MessageHash::from_digest(&[3; 32]);
        check(&hash, &quoted(&hash));
        check(&SwarmId::new(255), "\"ff\"");
        check(&Namespace::new(-11), "-11");
        check(&UnixMillis::new(1_754_971_101_000), "1754971101000");
    }

    #[test]
    fn other_text_is_rejected() {
        for json in ["\"05\"", "\"zz\"", "5", "null", "[]"] {
            assert!(serde_json::from_str::<AnyId>(json).is_err(), "{json}");
            assert!(serde_json::from_str::<MessageHash>(json).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<Namespace>("40000").is_err());
        assert!(serde_json::from_str::<UnixMillis>("-1").is_err());
    }
}
