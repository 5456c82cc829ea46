//! Shared configs: the keys that encrypt them.

use std::hint::black_box;

use session_config::{GroupInfo, GroupKeyring};
use session_crypto::config::{Domain, encrypt};
use session_crypto::session_types::{GroupId, UnixMillis};
use session_crypto::SymmetricKey;

use crate::{Check, account_public, changed, cipher_key, plain_key};

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

pub fn check(check: &mut Check) {
    check.clean("config: a message that no key opens", || {
        let mut config = config(&[cipher_key(), cipher_key()]);
        let domain = Domain::new("groups::Info").unwrap();
        let sealed = changed(encrypt(&plain_key(), domain, &[1; 100]).unwrap());
        let _ = black_box(config.merge(&[("name", &sealed)], NOW));
    });
    check.clean("config: new keys", || {
        let mut config = config(&[cipher_key()]);
        config.set_keys(&[cipher_key(), cipher_key()], false).unwrap();
        black_box(&config);
    });
}
