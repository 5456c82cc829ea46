//! What the servers keep besides their databases: keys and ports.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::host::durable::{write_atomically, write_new};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};
use session_crypto::{Blake2b, Ed25519Secret};

use super::Kind;

/// The file with the keys and ports of the servers.
const FILE: &str = "servers.json";

/// Stored keys and port of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    /// The Ed25519 seed in hex.
    seed: String,
    /// The seed of the older key, which is used as an X25519 key alone.
    older: String,
    /// The port. URLs of files contain it, so it stays the same.
    port: u16,
}

/// The keys and ports of all servers.
#[derive(Debug)]
pub(super) struct Keys(BTreeMap<String, Kept>);

fn file_of(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join(FILE)
}

impl Keys {
    /// What is kept in a data directory, or new keys, which are written there. A text makes the same keys
    /// every time.
    pub(super) fn kept(data_dir: &Path, seed: Option<&str>) -> io::Result<Self> {
        let file = file_of(data_dir);
        match std::fs::read(&file) {
            Ok(text) => return Ok(Self(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let secret = |kind: Kind, which: u8| match seed {
            Some(seed) => {
                let hash = Blake2b::<32>::personal(b"localnet_servkey");
                let hash = hash.chain(&[which]).chain(kind.name().as_bytes());
                const_hex::encode(hash.chain(&[0]).chain(seed.as_bytes()).finalize())
            }
            None => {
                const_hex::encode(Ed25519Secret::generate(&mut UnwrapErr(SysRng)).expose_seed())
            }
        };
        let new = |kind: Kind| {
            let kept = Kept {
                seed: secret(kind, 0),
                older: secret(kind, 1),
                port: 0,
            };
            (kind.name().to_owned(), kept)
        };
        let keys = Self(Kind::ALL.into_iter().map(new).collect());
        write_new(&file, &serde_json::to_vec_pretty(&keys.0)?)?;
        Ok(keys)
    }

    /// The key of a server, its older key, and the port that it had; 0 if it had none.
    pub(super) fn of(&self, kind: Kind) -> io::Result<(Ed25519Secret, Ed25519Secret, u16)> {
        let unusable =
            || io::Error::other(format!("{FILE} has no usable key of `{}`", kind.name()));
        let kept = self.0.get(kind.name()).ok_or_else(unusable)?;
        let read = |seed: &str| {
            let seed = const_hex::decode_to_array(seed).map_err(|_| unusable())?;
            Ok::<_, io::Error>(Ed25519Secret::from_seed(&seed))
        };
        Ok((read(&kept.seed)?, read(&kept.older)?, kept.port))
    }

    /// Writes down the ports at which the servers listen.
    pub(super) fn keep_ports(&mut self, data_dir: &Path, ports: &[(Kind, u16)]) -> io::Result<()> {
        let before: Vec<u16> = self.0.values().map(|kept| kept.port).collect();
        for (kind, port) in ports {
            if let Some(kept) = self.0.get_mut(kind.name()) {
                kept.port = *port;
            }
        }
        if self.0.values().map(|kept| kept.port).eq(before) {
            return Ok(());
        }
        write_atomically(&file_of(data_dir), &serde_json::to_vec_pretty(&self.0)?)
    }
}
