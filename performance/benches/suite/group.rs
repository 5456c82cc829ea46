//! Closed groups: a new key for a hundred members, and messages of a group with ten keys.

use std::sync::Arc;

use session_config::group::Keys;
use session_crypto::Ed25519Secret;
use session_identity::{Account, GroupId, Seed};
use session_message::content::Content;
use session_message::{Opener, Sealer, UnixMillis};
use session_types::AccountId;

use crate::Suite;
use crate::crypto::rng;
use crate::floors::{Primitives, xchacha};

const NOW: UnixMillis = UnixMillis::new(1_754_971_101_000);
const DAY: u64 = 24 * 60 * 60 * 1000;

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "closed groups";
    let secret = Ed25519Secret::from_seed(&[9; 32]);
    let id = GroupId::from_ed25519(&secret.public());
    let members: Vec<AccountId> = (1..=100).map(|byte| *account(byte).id()).collect();
    let newcomers = [101, 102].map(|byte| *account(byte).id());
    let admin = Arc::new(account(1));
    let keys = |admin: Option<&Ed25519Secret>, who| Keys::new(who, id, admin).unwrap();

    let primitives = Primitives::new();
    suite
        .operation(GROUP, "new key for 100 members, the first")
        .floor("100 multiplications and ciphers, signature", &mut || {
            for _ in 0..100 {
                primitives.dh();
                xchacha(&mut [0; 32]);
            }
            primitives.sign(&[0; 7000]);
        })
        .reference(3460.0)
        .run(|| {
            keys(Some(&secret), Arc::clone(&admin))
                .rekey(&members)
                .unwrap()
        });
    // The last of the members is another one each time.
    let mut rekeyed = keys(Some(&secret), Arc::clone(&admin));
    let mut others = members.clone();
    let mut next = 101_u8;
    suite
        .operation(GROUP, "new key for 100 members, one of them new")
        .floor("multiplication, 101 ciphers, signature", &mut || {
            primitives.dh();
            for _ in 0..101 {
                xchacha(&mut [0; 32]);
            }
            primitives.sign(&[0; 7000]);
        })
        .reference(3460.0)
        .run(|| {
            next ^= 7;
            others[99] = newcomers[usize::from(next % 2)];
            rekeyed.rekey(&others).unwrap();
        });
    rekeyed.rekey(&members).unwrap();
    let message = rekeyed.pending_message().unwrap().to_vec();
    let last = Arc::new(account(100));
    suite
        .operation(GROUP, "read a new key, one of 100 members")
        .floor("verification", &mut || primitives.verify())
        .run(|| {
            let mut keys = keys(None, Arc::clone(&last));
            assert!(keys.load("name", &message, NOW).unwrap().found);
        });

    // A message sealed with each of ten keys, stored in the time of that key.
    let mut ten = keys(Some(&secret), Arc::clone(&admin));
    let (sealer, mut random) = (Sealer::new(&*admin), rng());
    let opener = Opener::new(&*admin).remembering(0);
    let content = Content::text("a text of ordinary length, as people write them");
    let mut messages = Vec::new();
    for day in 0..10 {
        ten.rekey(&members).unwrap();
        let (message, at) = (
            ten.pending_message().unwrap().to_vec(),
            NOW.get() + day * DAY,
        );
        let name = day.to_string();
        ten.load(&name, &message, UnixMillis::new(at)).unwrap();
        let (key, at) = (ten.newest().unwrap(), UnixMillis::new(at + DAY / 2));
        let sealed = sealer.seal_group(&mut random, &id, key, &content, at);
        messages.push((at, sealed.unwrap().data));
    }
    assert_eq!(ten.count(), 10);
    let alone = Opener::new(&*admin).remembering(0);
    let mut next = 0;
    let of_each: Vec<_> = messages
        .iter()
        .map(|(at, data)| (ten.iter_at(*at).next().unwrap(), data))
        .collect();
    let mut floor = || {
        let (key, data) = of_each[next];
        next = (next + 1) % 10;
        alone.open_group(&id, [key], data).unwrap();
    };
    let mut which = 0;
    suite
        .operation(GROUP, "open a text with ten keys, by its time")
        .floor("the same with its key alone", &mut floor)
        .run(|| {
            let (at, data) = &messages[which];
            which = (which + 1) % 10;
            opener.open_group(&id, ten.iter_at(*at), data).unwrap()
        });
}
