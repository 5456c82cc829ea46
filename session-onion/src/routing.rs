//! Encodes the routing JSON of the layers in the canonical form.
//!
//! A relay's JSON describes the forwarded layer, not the one that contains it (protocol: onion,
//! sections 4.2 to 4.4).

use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::{Ed25519Public, X25519Public};

use crate::cipher::Cipher;
use crate::json::push_text;

/// Maximum length of the JSON of [`push_outer`] in bytes, rounded up.
pub(crate) const MAX_OUTER: usize = 160;
/// Maximum length of the JSON of [`push_relay`] in bytes, rounded up.
pub(crate) const MAX_RELAY: usize = 224;

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn push_hex(out: &mut Vec<u8>, key: &[u8; 32]) {
    push(out, const_hex::Buffer::<32>::new().format(key));
}

fn push_number(out: &mut Vec<u8>, number: u32) {
    use core::fmt::Write as _;
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl core::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            push(self.0, text);
            Ok(())
        }
    }
    // Infallible: `Bytes` never returns an error.
    let _ = write!(Bytes(out), "{number}");
}

/// Appends the cipher and the ephemeral key of a layer, which are neighbours in every form.
fn push_layer(out: &mut Vec<u8>, cipher: Cipher, ephemeral: &X25519Public) {
    push(out, "\"enc_type\":\"");
    push(out, cipher.name());
    push(out, "\",\"ephemeral_key\":\"");
    push_hex(out, ephemeral.as_bytes());
    push(out, "\"");
}

/// Appends the JSON of the packet.
pub(crate) fn push_outer(out: &mut Vec<u8>, cipher: Cipher, ephemeral: &X25519Public, hop_no: u32) {
    push(out, "{");
    push_layer(out, cipher, ephemeral);
    if hop_no > 0 {
        push(out, ",\"hop_no\":");
        push_number(out, hop_no);
    }
    push(out, "}");
}

/// Appends the JSON for a node whose successor is a node.
pub(crate) fn push_relay(
    out: &mut Vec<u8>,
    next: &Ed25519Public,
    cipher: Cipher,
    ephemeral: &X25519Public,
) {
    push(out, "{\"destination\":\"");
    push_hex(out, next.as_bytes());
    push(out, "\",");
    push_layer(out, cipher, ephemeral);
    push(out, "}");
}

/// Appends the JSON for a node whose successor is a server.
pub(crate) fn push_exit(
    out: &mut Vec<u8>,
    url: &ServerUrl,
    cipher: Cipher,
    ephemeral: &X25519Public,
) {
    push(out, "{");
    push_layer(out, cipher, ephemeral);
    push(out, ",\"host\":");
    push_text(out, &url.host);
    push(out, ",\"method\":\"POST\",\"port\":");
    push_number(out, url.port.into());
    push(out, ",\"protocol\":");
    push_text(out, &url.protocol);
    push(out, ",\"target\":");
    push_text(out, &url.target);
    push(out, "}");
}

/// The URL that an exit node posts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) protocol: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) target: String,
}

impl ServerUrl {
    /// Returns an upper bound of how much the JSON of [`push_exit`] exceeds [`MAX_RELAY`]. No
    /// character of host and target takes more than two bytes.
    pub(crate) fn max_json_length(&self) -> usize {
        self.host
            .len()
            .saturating_add(self.target.len())
            .saturating_mul(2)
    }

    /// Returns whether a node may post there (protocol: onion, section 7, step 8).
    ///
    /// Host and target must also be printable ASCII without delimiters, so that no host smuggles a
    /// path, a port or a line break into the HTTP request. No client sends such URLs.
    pub(crate) fn is_allowed(&self) -> bool {
        matches!(self.protocol.as_str(), "http" | "https")
            && is_allowed_host(&self.host)
            && is_allowed_target(&self.target)
    }
}

/// A name or an IP address. Only an IPv6 address in brackets may contain colons.
fn is_allowed_host(host: &str) -> bool {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_allowed = |byte: u8| match bracketed {
        Some(_) => byte.is_ascii_hexdigit() || b":.".contains(&byte),
        None => byte.is_ascii_alphanumeric() || b".-_".contains(&byte),
    };
    let name = bracketed.unwrap_or(host);
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// `/loki/…/lsrpc` or `/oxen/…/lsrpc`, without a query.
pub(crate) fn is_allowed_target(target: &str) -> bool {
    (target.starts_with("/loki/") || target.starts_with("/oxen/"))
        && target.ends_with("/lsrpc")
        && target
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte))
}
