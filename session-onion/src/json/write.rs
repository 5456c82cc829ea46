//! Writes JSON in the one canonical form.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{JsonError, Skip, text};

/// Rewrites the object in the canonical form: no white space, keys in ascending byte order.
///
/// The last value of a repeated key is kept. Numbers stay as they are written.
pub(crate) fn canonical(text: &str) -> Result<String, JsonError> {
    // Bounds the recursion below, and how often a part of the text is read again.
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| JsonError::NotAnObject)?;
    serde_json::from_str::<Skip>(raw.get()).map_err(|_| JsonError::NotAnObject)?;
    let mut out = Vec::with_capacity(text.len());
    push_canonical(&mut out, raw.get()).ok_or(JsonError::NotAnObject)?;
    String::from_utf8(out).map_err(|_| JsonError::NotAnObject)
}

/// Appends an array item by item: a list of all would take 16 bytes for each two bytes of text.
struct Items<'o>(&'o mut Vec<u8>);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut before = b'[';
        while let Some(item) = seq.next_element::<&RawValue>()? {
            self.0.push(before);
            push_canonical(self.0, item.get()).ok_or_else(|| A::Error::custom("item"))?;
            before = b',';
        }
        if before == b'[' {
            self.0.push(before);
        }
        self.0.push(b']');
        Ok(())
    }
}

fn push_canonical(out: &mut Vec<u8>, raw: &str) -> Option<()> {
    match raw.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
            let mut before = b'{';
            for (key, value) in members {
                out.push(before);
                push_text(out, &key);
                out.push(b':');
                push_canonical(out, value.get())?;
                before = b',';
            }
            if before == b'{' {
                out.push(before);
            }
            out.push(b'}');
        }
        b'[' => {
            let mut reader = serde_json::Deserializer::from_str(raw);
            reader.deserialize_seq(Items(out)).ok()?;
        }
        b'"' => push_text(out, &text(raw)?),
        _ => out.extend_from_slice(raw.as_bytes()),
    }
    Some(())
}

/// Appends a string literal with the escapes that JSON requires, and no others.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    out.push(b'"');
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        let Some((plain, [byte, after @ ..])) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(plain);
        rest = after;
        let short = match byte {
            b'"' | b'\\' => *byte,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend(HEX.get(usize::from(byte >> 4)));
                out.extend(HEX.get(usize::from(byte & 0xf)));
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_have_their_short_escapes() {
        let mut out = Vec::new();
        push_text(&mut out, "\u{8}\u{c}\n\r\t\"\\\u{1}\u{1f}/");
        assert_eq!(out, br#""\b\f\n\r\t\"\\\u0001\u001f/""#);
    }
}
