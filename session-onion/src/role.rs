//! The role that the routing JSON of an opened layer gives to its node.

use session_crypto::{Ed25519Public, X25519Public};

use crate::cipher::Cipher;
use crate::json::fields;
use crate::key;
use crate::packet::{PacketError, read_cipher};
use crate::routing::ServerUrl;

/// The task of a node.
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
    /// Parses the JSON. `headers` takes precedence over `host`, and both over a relay; the fields of
    /// the other roles are ignored.
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
