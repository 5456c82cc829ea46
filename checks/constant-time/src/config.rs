//! Shared configs: the keys that encrypt them.

use std::hint::black_box;

use session_config::{GroupInfo, GroupKeyring};
use session_crypto::config::{Domain, encrypt};
use session_crypto::session_types::{GroupId, UnixMillis};
use session_crypto::{Ed25519Secret, SymmetricKey};
use session_proto::zstd::{Compressor, Encoder};

use crate::{Check, account, account_public, changed, cipher_key, plain_key, valgrind};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

fn config(keys: &[SymmetricKey]) -> GroupInfo {
    let id = GroupId::from_ed25519(&account_public());
    let group = GroupKeyring {
        id: &id,
        admin: None,
        keys,
    };
    GroupInfo::new_group(group).unwrap()
}

/// A compressor for what is public once it is signed: here only the key is secret.
struct Publishing;

impl Compressor for Publishing {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        valgrind::publish_bytes(plain);
        Encoder.compress(plain)
    }
}

pub fn check(check: &mut Check) {
    check.clean("config: a message that no key opens", || {
        let mut config = config(&[cipher_key(), cipher_key()]);
        let domain = Domain::new("groups::Info").unwrap();
        let sealed = changed(encrypt(&plain_key(), domain, &[1; 100]).unwrap());
        let _ = black_box(config.merge(&[("name", &sealed)], NOW));
    });
    check.clean("config: a change that an admin signs", || {
        let mut config = {
            let id = GroupId::from_ed25519(&account_public());
            let (admin, keys) = (account(), [plain_key()]);
            let twin = Ed25519Secret::from_seed(&[7; 32]);
            valgrind::publish(&admin, &twin, account_public().as_bytes());
            let group = GroupKeyring {
                id: &id,
                admin: Some(&admin),
                keys: &keys,
            };
            GroupInfo::new_group(group).unwrap()
        };
        config.set_name("name").unwrap();
        black_box(config.push_with(NOW, &Publishing).unwrap());
    });
    check.clean("config: new keys", || {
        let mut config = config(&[cipher_key()]);
        config.set_keys(&[cipher_key(), cipher_key()], false).unwrap();
        black_box(&config);
    });
}
