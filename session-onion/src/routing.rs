//! The routing JSON of the layers: written in the canonical form, read by role.
//!
//! A relay's JSON describes the layer that is forwarded, not the one it stands in
//! (protocol: onion, sections 4.2 to 4.4).

use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::{Ed25519Public, X25519Public};

use crate::cipher::Cipher;
use crate::json::{fields, push_text};
use crate::key;
use crate::packet::{PacketError, read_cipher};

/// Longest JSON of [`push_outer`] and [`push_relay`] in bytes, rounded up.
pub(crate) const MAX_OUTER: usize = 160;
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
    // Writing to a vector cannot fail.
    let _ = write!(Bytes(out), "{number}");
}

/// The cipher and the ephemeral key of a layer, which stand next to each other in every form.
fn push_layer(out: &mut Vec<u8>, cipher: Cipher, ephemeral: &X25519Public) {
    push(out, "\"enc_type\":\"");
    push(out, cipher.name());
    push(out, "\",\"ephemeral_key\":\"");
    push_hex(out, ephemeral.as_bytes());
    push(out, "\"");
}

/// The JSON of the packet.
pub(crate) fn push_outer(out: &mut Vec<u8>, cipher: Cipher, ephemeral: &X25519Public, hop_no: u32) {
    push(out, "{");
    push_layer(out, cipher, ephemeral);
    if hop_no > 0 {
        push(out, ",\"hop_no\":");
        push_number(out, hop_no);
    }
    push(out, "}");
}

/// The JSON for a node whose successor is a node.
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

/// The JSON for a node whose successor is a server.
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

/// Where an exit node posts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) protocol: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) target: String,
}

impl ServerUrl {
    /// How much longer than [`MAX_RELAY`] the JSON of [`push_exit`] can be. No character of host
    /// and target takes more than two bytes.
    pub(crate) fn max_json_length(&self) -> usize {
        self.host
            .len()
            .saturating_add(self.target.len())
            .saturating_mul(2)
    }

    /// Whether a node may post there (protocol: onion, section 7, step 8).
    ///
    /// Host and target must besides be printable ASCII without what would end them, so that no
    /// host can carry a path, a port of its own choice or a line break into the request. No client
    /// sends such things.
    pub(crate) fn is_allowed(&self) -> bool {
        matches!(self.protocol.as_str(), "http" | "https")
            && is_allowed_host(&self.host)
            && is_allowed_target(&self.target)
    }
}

/// A name, or an IP address; one of version 6 stands in brackets, and a colon nowhere else.
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

/// What the JSON of an opened layer asks the node for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Deliver {
        json: bool,
        base64: bool,
    },
    Exit(ServerUrl),
    Relay {
        next: Ed25519Public,
        cipher: Cipher,
        ephemeral: X25519Public,
    },
}

impl Role {
    /// Reads the JSON. `headers` comes before `host`, and that before the relay; the fields of the
    /// roles not taken are not looked at.
    pub(crate) fn parse(json: &str) -> Result<Self, PacketError> {
        let [
            headers,
            embed,
            base64,
            host,
            target,
            port,
            protocol,
            next,
            ephemeral,
            cipher,
        ] = fields(
            json,
            [
                "headers",
                "json",
                "base64",
                "host",
                "target",
                "port",
                "protocol",
                "destination",
                "ephemeral_key",
                "enc_type",
            ],
        )?;
        if headers.is_there() {
            return Ok(Self::Deliver {
                json: embed.boolean()?.unwrap_or(false),
                base64: base64.boolean()?.unwrap_or(true),
            });
        }
        if host.is_there() {
            // The default is 443 for http too.
            let number = port.integer()?.unwrap_or(443);
            return Ok(Self::Exit(ServerUrl {
                protocol: protocol.text()?.unwrap_or("https".into()).into_owned(),
                host: host.required_text()?.into_owned(),
                port: u16::try_from(number).map_err(|_| port.mistyped())?,
                target: target.required_text()?.into_owned(),
            }));
        }
        Ok(Self::Relay {
            next: Ed25519Public::from_bytes(key::from_hex(&next.required_text()?)?),
            ephemeral: X25519Public::from_bytes(key::from_hex(&ephemeral.required_text()?)?),
            cipher: read_cipher(cipher)?,
        })
    }
}
