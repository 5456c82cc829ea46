//! Keys of a closed group over their life, line by line of the protocol's script (protocol: groups,
//! section 11.7).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_config::group::Keys;
use session_config::members::Member;
use session_config::{EditError, GroupInfo, GroupKeyring, GroupMembers};
use session_crypto::{Ed25519Secret, SymmetricKey};
use session_identity::{Account, Seed};
use session_message::content::Content;
use session_message::{Opener, Sealer};
use session_types::{AccountId, GroupId, UnixMillis};

const NOW: u64 = 1_795_377_199_099;
const DAY: u64 = 24 * 60 * 60 * 1000;

fn array(text: &str) -> [u8; 32] {
    const_hex::decode_to_array(text).unwrap()
}

fn secret() -> Ed25519Secret {
    let seed = "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210";
    Ed25519Secret::from_seed(&array(seed))
}

fn id() -> GroupId {
    GroupId::from_ed25519(&secret().public())
}

fn copies(keys: &Keys) -> Vec<SymmetricKey> {
    let copy = |key: &SymmetricKey| SymmetricKey::from_bytes(*key.expose_bytes());
    keys.iter().map(copy).collect()
}

/// A stored message: its name and its bytes.
type Named = (&'static str, Vec<u8>);

/// Keys, info and members on the device of one account.
struct Seat {
    account: Arc<Account>,
    keys: Keys,
    info: GroupInfo,
    members: GroupMembers,
}

impl Seat {
    fn new(seed: &str, admin: Option<&Ed25519Secret>) -> Self {
        let account = Arc::new(Account::from_seed(&Seed::from_full(&array(seed))));
        let id = id();
        let ring = GroupKeyring {
            id: &id,
            admin,
            keys: &[],
        };
        Self {
            keys: Keys::new(Arc::clone(&account), id, admin).unwrap(),
            info: GroupInfo::new_group(ring).unwrap(),
            members: GroupMembers::new_group(ring).unwrap(),
            account,
        }
    }

    fn id(&self) -> AccountId {
        *self.account.id()
    }

    fn active(&self) -> Vec<&str> {
        self.keys.active_hashes().collect()
    }

    /// Loads a key message; returns whether there was a key for us.
    fn load(&mut self, name: &str, message: &[u8], at: u64) -> bool {
        let loaded = self.keys.load(name, message, UnixMillis::new(at)).unwrap();
        let keys = copies(&self.keys);
        self.info.set_keys(&keys, false).unwrap();
        self.members.set_keys(&keys, false).unwrap();
        loaded.found
    }

    /// Makes a key for all members; returns its message.
    fn rekey(&mut self) -> Vec<u8> {
        let ids: Vec<_> = self.members.iter().map(|member| member.id).collect();
        self.keys.rekey(&ids).unwrap();
        let keys = copies(&self.keys);
        self.info.set_keys(&keys, true).unwrap();
        self.members.set_keys(&keys, true).unwrap();
        self.keys.pending_message().unwrap().to_vec()
    }

    /// Stores info and members under these names.
    fn push(&mut self, info: &'static str, members: &'static str) -> [Named; 2] {
        let now = UnixMillis::new(NOW);
        let [one, two] = [self.info.push(now), self.members.push(now)].map(Result::unwrap);
        self.info.confirm_pushed(one.seqno, [info.to_owned()]);
        self.members.confirm_pushed(two.seqno, [members.to_owned()]);
        [
            (info, one.messages.concat()),
            (members, two.messages.concat()),
        ]
    }

    /// Merges info and members; returns whether both were understood.
    fn merge(&mut self, [info, members]: &[Named; 2]) -> bool {
        let now = UnixMillis::new(NOW);
        let info = self.info.merge(&[(info.0, &info.1)], now);
        let members = self.members.merge(&[(members.0, &members.1)], now);
        let [one, two] = [
            info.is_ok_and(|merged| !merged.accepted.is_empty()),
            members.is_ok_and(|merged| !merged.accepted.is_empty()),
        ];
        assert_eq!(one, two);
        one
    }

    fn add(&mut self, seat: &Self) {
        self.members.set(&Member::invited(seat.id())).unwrap();
    }
}

const MEMBERS: [&str; 6] = [
    "000111222333444555666777888999aaabbbcccdddeeefff0123456789abcdef",
    "00011122435111155566677788811263446552465222efff0123456789abcdef",
    "00011129824754185548239498168169316979583253efff0123456789abcdef",
    "0000111122223333444455556666777788889999aaaabbbbccccddddeeeeffff",
    "3333333333333333333333333333333333333333333333333333333333333333",
    "4444444444444444444444444444444444444444444444444444444444444444",
];

#[test]
#[expect(clippy::too_many_lines, reason = "one story")]
fn keys_rotate_as_in_the_script() {
    let secret = secret();
    let mut admin1 = Seat::new(
        "0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210",
        Some(&secret),
    );
    let mut admin2 = Seat::new(
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        Some(&secret),
    );
    let [mut m1, mut m2, mut m3, mut m4, mut m3b, mut m4b] =
        MEMBERS.map(|seed| Seat::new(seed, None));

    // 1. Both admins make a key at once. It is the same, and nobody else is in the group yet.
    let message1 = admin1.rekey();
    assert_eq!(admin2.rekey(), message1);
    assert!(admin1.keys.has_pending() && admin2.keys.has_pending());
    admin1.info.set_name("Before").unwrap();
    admin1.members.set(&Member::new(admin1.id())).unwrap();
    let configs1 = admin1.push("info1", "members1");
    for admin in [&mut admin1, &mut admin2] {
        assert!(admin.load("hash1", &message1, NOW));
        assert!(!admin.keys.has_pending());
        assert_eq!(admin.active(), ["hash1"]);
    }
    assert!(admin2.merge(&configs1));
    assert_eq!(admin2.info.name(), "Before");
    for member in [&mut m1, &mut m2, &mut m3, &mut m4] {
        assert!(!member.load("hash1", &message1, NOW));
        assert!(member.active().is_empty());
        assert!(member.keys.is_empty());
        assert!(!member.merge(&configs1));
        assert!(member.info.name().is_empty());
    }

    // 2. Members are added, and there is a key for all of them.
    for member in [&m1, &m2, &m3, &m4] {
        admin1.add(member);
    }
    let message2 = admin1.rekey();
    let configs2 = admin1.push("info2", "members2");
    for admin in [&mut admin1, &mut admin2] {
        assert!(admin.load("hash2", &message2, NOW + 1));
        assert_eq!(admin.active(), ["hash1", "hash2"]);
        assert_eq!(admin.keys.generation(), 1);
    }
    assert!(admin2.merge(&configs2));
    for member in [&mut m1, &mut m2, &mut m3, &mut m4] {
        assert!(member.load("hash2", &message2, NOW + 1));
        assert_eq!(member.active(), ["hash2"]);
        assert!(member.merge(&configs2));
        assert_eq!(member.info.name(), "Before");
        assert_eq!(member.members.iter().count(), 5);
    }

    // 3. Another name, a description, another key.
    admin1.info.set_name("After").unwrap();
    admin1.info.set_description("a group").unwrap();
    let message3 = admin1.rekey();
    let configs3 = admin1.push("info3", "members3");
    for admin in [&mut admin1, &mut admin2] {
        assert!(admin.load("hash3", &message3, NOW + 2));
        assert_eq!(admin.active(), ["hash1", "hash2", "hash3"]);
    }
    assert!(admin2.merge(&configs3));
    for member in [&mut m1, &mut m2, &mut m3, &mut m4] {
        assert!(member.load("hash3", &message3, NOW + 2));
        assert_eq!(member.active(), ["hash2", "hash3"]);
        assert!(member.merge(&configs3));
        assert_eq!(member.info.name(), "After");
        assert_eq!(member.info.description(), "a group");
    }

    // Two members are erased: the next key is not for them.
    for member in [&m3, &m4] {
        admin1.members.remove(&member.id()).unwrap();
    }
    let message4 = admin1.rekey();
    let configs4 = admin1.push("info4", "members4");
    for seat in [&mut admin1, &mut admin2, &mut m1, &mut m2] {
        assert!(seat.load("hash4", &message4, NOW + 3));
        assert_eq!(seat.keys.generation(), 3);
    }
    for seat in [&mut admin2, &mut m1, &mut m2] {
        assert!(seat.merge(&configs4));
        assert_eq!(seat.members.iter().count(), 3);
    }
    for member in [&mut m3, &mut m4] {
        assert!(!member.load("hash4", &message4, NOW + 3));
        assert!(!member.merge(&configs4));
    }

    // 4. A supplement, for one who is in the group and two who are new.
    let supplement = admin1.keys.supplement(&[m2.id(), m3b.id(), m4b.id()]);
    let supplement = supplement.unwrap();
    for admin in [&mut admin1, &mut admin2] {
        assert!(!admin.load("hash5", &supplement, NOW + 4));
        assert_eq!(
            admin.active(),
            ["hash1", "hash2", "hash3", "hash4", "hash5"]
        );
    }
    assert!(!m1.load("hash5", &supplement, NOW + 4));
    assert_eq!(m1.active(), ["hash2", "hash3", "hash4", "hash5"]);
    assert_eq!(m1.keys.count(), 3);
    for member in [&mut m2, &mut m3b, &mut m4b] {
        assert!(member.load("hash5", &supplement, NOW + 4));
        assert_eq!(member.keys.count(), 4);
    }
    for member in [&mut m3b, &mut m4b] {
        assert_eq!(member.active(), ["hash5"]);
        assert!(member.merge(&configs4));
    }

    // 5. Keys of ten and of seventy-one days later.
    for member in [&m3b, &m4b] {
        admin1.add(member);
    }
    let message6 = admin1.rekey();
    let configs6 = admin1.push("info6", "members6");
    let sealed_before = {
        let key = m1.keys.newest().unwrap();
        let (rng, at) = (&mut rng(), UnixMillis::new(NOW + 5));
        let sealed = Sealer::new(&*m1.account).seal_group(rng, &id(), key, &Content::text("x"), at);
        sealed.unwrap().data
    };
    let mut all = [
        &mut admin1,
        &mut admin2,
        &mut m1,
        &mut m2,
        &mut m3b,
        &mut m4b,
    ];
    for seat in &mut all {
        assert!(seat.load("hash6", &message6, NOW + 10 * DAY));
        assert!(seat.active().len() > 1, "nothing has expired yet");
    }
    for seat in &mut all[1..] {
        assert!(seat.merge(&configs6));
    }
    let message7 = all[0].rekey();
    for seat in &mut all {
        assert!(seat.load("hash7", &message7, NOW + 71 * DAY));
        assert_eq!(seat.active(), ["hash6", "hash7"]);
        assert_eq!(seat.keys.count(), 2);
    }
    // One of the old messages changes nothing any more.
    let old = admin1
        .keys
        .load("hash3", &message3, UnixMillis::new(NOW + 2));
    let old = old.unwrap();
    assert!(old.found && !old.changed);
    assert_eq!(admin1.active(), ["hash6", "hash7"]);
    let opener = Opener::new(&*m1.account).remembering(0);
    assert!(
        { opener }
            .open_group(&id(), m1.keys.iter(), &sealed_before)
            .is_err()
    );

    // 6. While a key is pending, it seals and opens.
    admin1.rekey();
    assert!(admin1.keys.has_pending());
    let key = admin1.keys.newest().unwrap();
    let content = Content::text("pending");
    let at = UnixMillis::new(NOW);
    let sealed = Sealer::new(&*admin1.account).seal_group(&mut rng(), &id(), key, &content, at);
    let sealed = sealed.unwrap().data;
    let opener = Opener::new(&*admin1.account).remembering(0);
    let opened = opener
        .open_group(&id(), admin1.keys.iter(), &sealed)
        .unwrap();
    assert_eq!(opened.content.as_text(), Some("pending"));
    let opener = Opener::new(&*m1.account).remembering(0);
    assert!(opener.open_group(&id(), m1.keys.iter(), &sealed).is_err());
    // Names and descriptions have a maximum length.
    assert_eq!(
        admin1.info.set_name(&"n".repeat(101)),
        Err(EditError::TooLong { max: 100, got: 101 })
    );
    assert_eq!(
        admin1.info.set_description(&"d".repeat(601)),
        Err(EditError::TooLong { max: 600, got: 601 })
    );
    assert_eq!(admin1.info.name(), "After");
    // What is loaded from the three dumps reads what was stored with these keys.
    let (mut keys, now) = (admin1.keys, UnixMillis::new(NOW));
    let account = Arc::clone(&admin1.account);
    let again = Keys::load_dump(account, id(), Some(&secret), &keys.dump()).unwrap();
    assert!(again.has_same_keys(&keys) && again.has_pending());
    let (id, copies) = (id(), copies(&again));
    let ring = GroupKeyring {
        id: &id,
        admin: Some(&secret),
        keys: &copies,
    };
    let mut info = GroupInfo::load_group(ring, &admin1.info.dump(now), now).unwrap();
    let mut members = GroupMembers::load_group(ring, &admin1.members.dump(now), now).unwrap();
    assert_eq!(info.data(), admin1.info.data());
    assert_eq!(members.data(), admin1.members.data());
    // Old messages open with them, and what is pushed is encrypted with the pending one.
    let [info6, members6] = &configs6;
    let merged = info.merge(&[(info6.0, &info6.1)], now).unwrap();
    assert_eq!(merged.accepted, ["info6"]);
    let merged = members.merge(&[(members6.0, &members6.1)], now).unwrap();
    assert_eq!(merged.accepted, ["members6"]);
    let pending = GroupKeyring {
        admin: None,
        keys: &copies[..1],
        ..ring
    };
    let mut reader = GroupInfo::new_group(pending).unwrap();
    let pushed = info.push(now).unwrap().messages.concat();
    assert_eq!(
        reader.merge(&[("new", &pushed)], now).unwrap().accepted,
        ["new"]
    );
    let mut reader = GroupMembers::new_group(pending).unwrap();
    let pushed = members.push(now).unwrap().messages.concat();
    assert_eq!(
        reader.merge(&[("new", &pushed)], now).unwrap().accepted,
        ["new"]
    );
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}
