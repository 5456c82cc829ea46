//! Closed groups: key messages as an admin who lies could sign them, notices, dumps.

use std::sync::Arc;

use session_config::group::{Group, Incoming, Keys};
use session_crypto::multi::Party;
use session_crypto::{Ed25519Secret, group_keys};
use session_identity::Account;
use session_message::content::GroupSeed;
use session_message::{kicked, multi};
use session_types::{GroupId, Namespace, UnixMillis};

use crate::{AT, KIB, NOW, Report, SIZES, account, as_is, bound, counter, hostile, rng};

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[9; 32])
}

fn id() -> GroupId {
    GroupId::from_ed25519(&secret().public())
}

fn owner() -> Arc<Account> {
    Arc::new(account(1))
}

fn keys(admin: bool) -> Keys {
    let secret = secret();
    Keys::new(owner(), id(), admin.then_some(&secret)).expect("good keys")
}

/// Signs a dict.
fn signed(plain: &[u8]) -> Vec<u8> {
    let open = plain.strip_suffix(b"e").unwrap_or(plain);
    let signature = secret().sign(open);
    [open, b"1:~64:", signature.as_bytes(), b"e"].concat()
}

/// A rekey with as many entries for others as fit, and one with a list of keys for us: tiny ones, and of
/// the right form.
fn key_messages(size: usize) -> Vec<Vec<u8>> {
    let entry = [b"48:".as_slice(), &[7; 48]].concat();
    let count = (size / entry.len()).max(45).next_multiple_of(45);
    let rekey = [
        b"d1:#24:".as_slice(),
        &[1; 24],
        b"1:Gi1e1:K48:",
        &[2; 48],
        b"1:kl",
        &entry.repeat(count),
        b"ee",
    ]
    .concat();
    let sender = secret().to_x25519();
    let party = Party::new(&sender, group_keys::MEMBER_DOMAIN);
    let supplement = |plain: &[u8]| {
        let sealed = party.seal_to(&owner().id().x25519(), &[1; 24], plain);
        let sealed = sealed.expect("a good key");
        [
            b"d1:#24:".as_slice(),
            &[1; 24],
            b"1:+l",
            format!("{}:", sealed.len()).as_bytes(),
            &sealed,
            b"e1:Gi1ee",
        ]
        .concat()
    };
    let mut list = b"l".to_vec();
    for number in 0_u32.. {
        let mut key = [3; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        let one = [b"d1:gi1e1:k32:".as_slice(), &key, b"1:ti5ee"].concat();
        if list.len() + one.len() >= size {
            break;
        }
        list.extend(one);
    }
    list.push(b'e');
    let mut all = vec![rekey, supplement(&list)];
    all.extend(hostile::shapes(size).iter().map(|shape| supplement(shape)));
    all.iter().map(|one| signed(one)).collect()
}

pub fn run(report: &mut Report) {
    report.run(bound("`Keys::load`, as it is", 1, KIB), as_is, |input| {
        let _ = keys(false).load("name", input, AT);
    });
    let inputs = || {
        SIZES.into_iter().flat_map(|size| {
            let shapes = hostile::shapes(size).into_iter();
            let shapes = shapes.map(|shape| signed(&shape));
            key_messages(size).into_iter().chain(shapes)
        })
    };
    let name = "`Keys::load`, behind the signature";
    report.run_inputs(bound(name, 4, 4 * KIB), inputs(), |input| {
        for admin in [true, false] {
            let _ = keys(admin).load("name", input, AT);
        }
    });
    let dumps = SIZES.into_iter().flat_map(|size| {
        let numbers = || 1_000_000..1_000_000 + size / 14;
        let names: String = numbers().map(|n| format!("7:{n}")).collect();
        let names = format!("d1:Alli0e{names}ee1:Llee");
        let generations: String = numbers().map(|n| format!("li{n}e1:ae")).collect();
        let many = format!("d1:Al{generations}e1:Llee");
        [names, many].into_iter().map(String::into_bytes)
    });
    let name = "`Keys::load_dump`";
    report.run_inputs(bound(name, 64, 4 * KIB), dumps, |input| {
        let _ = Keys::load_dump(owner(), id(), None, input);
    });
    report.run(bound("`Group::load`, as it is", 1, KIB), as_is, |input| {
        let _ = Group::load(owner(), id(), input, AT);
    });
    notices(report);
    hoard(report);
}

/// Notices of removal to a device that is in the group.
fn notices(report: &mut Report) {
    let sender = secret().to_x25519();
    let seed = GroupSeed::from_bytes(secret().expose_seed());
    let mut group = Group::promoted(owner(), &seed, "Hikers").expect("a good seed");
    group.note_access_refused();
    report.run(
        bound("`Group::receive` of a notice, behind the encryption", 3, 4 * KIB),
        |input| {
            let party = Party::new(&sender, kicked::DOMAIN);
            let recipients = [owner().id().x25519()];
            multi::seal(&mut rng(), &party, &[1; 24], &recipients, &[&input], multi::Junk::None)
                .expect("one recipient")
        },
        |input| {
            let incoming = Incoming {
                hash: "name",
                data: input,
                stored_at: AT,
            };
            let received = group.receive(Namespace::REVOKED_GROUP_MESSAGES, &[incoming], AT);
            assert!(received.changes.is_empty(), "no shape is a notice");
        },
    );
}

/// What a device keeps of twenty thousand keys of an admin who never stops.
fn hoard(report: &mut Report) {
    const COUNT: u64 = 20_000;
    let plus = 6 * KIB * KIB;
    let mut lying = keys(true);
    let mut kept = keys(true);
    let members = [[5; 33], [6; 33]].map(|mut id| {
        id[0] = 5;
        session_types::AccountId::from_bytes(id).expect("a prefix of accounts")
    });
    let messages: Vec<Vec<u8>> = (0..COUNT)
        .map(|number| {
            lying
                .rekey(&members[..(number % 2) as usize])
                .expect("few members");
            let message = lying.pending_message().expect("just made").to_vec();
            if number % 2 == 1 && number / 2 < 4_000 {
                let name = number.to_string();
                let at = UnixMillis::new(NOW + number);
                lying.load(&name, &message, at).expect("its own");
            }
            message
        })
        .collect();
    let mut loaded = 0;
    let peak = counter::peak(|| {
        for (number, message) in messages.iter().enumerate() {
            let name = format!("{number:043}");
            let at = UnixMillis::new(NOW + number as u64);
            loaded += usize::from(kept.load(&name, message, at).is_ok());
        }
    });
    println!(
        "| 20,000 key messages of an admin who lies | {} KiB | | {} KiB | {COUNT} |",
        plus / KIB,
        peak.div_ceil(KIB)
    );
    report.failed |= peak > plus || kept.count() > session_config::limits::MAX_GROUP_KEYS;
    report.failed |= loaded < 4_000;
}
