//! `serde`: the text forms, through `Display` and `FromStr`.

/// Implements `Serialize` and `Deserialize` of a text form.
macro_rules! as_text {
    ($($name:ty, $expected:literal;)*) => {$(
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
                    f.write_str($expected)
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
    )*};
}

as_text! {
    crate::subaccount::Token, "a subaccount token in base64 or hex";
    crate::name::Name, "a name of an account";
    crate::community::BaseUrl, "the base URL of a community server";
    crate::community::Community, "the URL of a community";
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use serde_core::Serialize;
    use serde_core::de::DeserializeOwned;

    use crate::community::{BaseUrl, Community};
    use crate::name::Name;
    use crate::subaccount::Token;

    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        assert_eq!(&serde_json::from_str::<T>(json).unwrap(), value);
    }

    #[test]
    fn json_is_the_text_form() {
        let token = Token::from_bytes([1; Token::LENGTH]);
        check(&token, &std::format!("\"{}\"", token.to_base64()));
        check(&"alice".parse::<Name>().unwrap(), "\"alice\"");
        check(
            &"https://example.com".parse::<BaseUrl>().unwrap(),
            "\"https://example.com\"",
        );
        let url = std::format!("https://example.com/Room?public_key={}", "ab".repeat(32));
        check(
            &url.parse::<Community>().unwrap(),
            &std::format!("\"{url}\""),
        );
    }

    #[test]
    fn other_text_is_rejected() {
        for json in ["\"\"", "\"a b\"", "7", "null"] {
            assert!(serde_json::from_str::<Token>(json).is_err(), "{json}");
            assert!(serde_json::from_str::<Name>(json).is_err(), "{json}");
            assert!(serde_json::from_str::<Community>(json).is_err(), "{json}");
        }
    }
}
