//! Shared configs: every reader, the merge, and what a config keeps of what it has read.

use std::sync::Arc;

use session_config::message::{Message, Trust, merge};
use session_config::{
    Contacts, ConvoInfoVolatile, GroupInfo, GroupKeyring, GroupMembers, Local, UserConfigs,
    UserGroups, UserProfile,
};
use session_crypto::config::{Domain, encrypt, pad};
use session_crypto::{Ed25519Secret, SymmetricKey};
use session_identity::Account;
use session_types::GroupId;

use crate::{AT, KIB, Report, SIZES, account, as_is, bound, counter, hostile};

const MIB: usize = 1 << 20;
/// A tree of dicts takes up to so many times its encoding: a dict of 4 bytes takes about 600. There are
/// at most 131,072 dicts.
const TREE: usize = 160;

fn owner() -> Arc<Account> {
    Arc::new(account(1))
}

fn stored(domain: &str, key: [u8; 32], plain: &[u8]) -> Vec<u8> {
    let domain = Domain::new(domain).expect("it is short");
    let padded = pad(plain).expect("it is short");
    encrypt(&SymmetricKey::from_bytes(key), domain, &padded).expect("it is short")
}

/// The plaintext of a config with these data, ancestors and diff.
fn message(data: &[u8], ancestors: &[u8], diff: &[u8]) -> Vec<u8> {
    [b"d1:#i9e1:&", data, b"1:<", ancestors, b"1:=", diff, b"e"].concat()
}

/// `head`, then as many numbered items as fit `size` bytes, then `tail`.
fn numbered(head: &str, item: impl Fn(usize) -> String, tail: &str, size: usize) -> Vec<u8> {
    let mut text = head.to_owned();
    for number in 0.. {
        let item = item(number);
        if text.len() + item.len() + tail.len() > size {
            break;
        }
        text.push_str(&item);
    }
    (text + tail).into_bytes()
}

/// Plaintexts that are configs and small for what they hold.
fn plaintexts(size: usize) -> Vec<Vec<u8>> {
    let (scalars, sets, dicts, deep) = (
        numbered("d", |n| format!("8:{n:08}i0e"), "e", size),
        numbered("d", |n| format!("8:{n:08}li0ee"), "e", size),
        numbered("d", |n| format!("8:{n:08}d0:0:e"), "e", size),
        numbered(
            "d",
            |n| format!("8:{n:08}{}0:{}", "d0:".repeat(20), "e".repeat(20)),
            "e",
            size,
        ),
    );
    let set = numbered("d1:al", |n| format!("i{}e", n + 1), "ee", size);
    let marks = numbered("d", |n| format!("8:{n:08}0:"), "e", size);
    let kinds = |kind: &str, entry: &str| {
        let key = |n: usize| format!("66:05{n:064x}{entry}");
        let head = format!("d1:{kind}d");
        numbered(&head, key, "ee", size)
    };
    let mut all: Vec<Vec<u8>> = [scalars, sets, dicts, deep, set]
        .iter()
        .map(|data| message(data, b"le", b"de"))
        .collect();
    for kind in ["c", "1", "g", "C", "b", "o"] {
        for entry in ["d1:n0:e", "d1:ri1ee", "d0:0:e"] {
            all.push(message(&kinds(kind, entry), b"le", b"de"));
        }
    }
    let hash = "a".repeat(32);
    all.extend([
        message(b"de", b"le", &marks),
        // Ancestors: many old ones, many of the same seqno, and one with a long diff.
        message(
            b"de",
            &numbered("l", |n| format!("li-{}e32:{hash}dee", n + 1), "e", size),
            b"de",
        ),
        message(
            b"de",
            &numbered("l", |n| format!("li8e32:{n:032}dee"), "e", size),
            b"de",
        ),
        message(
            b"de",
            &[b"lli8e32:", hash.as_bytes(), &marks, b"ee"].concat(),
            b"de",
        ),
    ]);
    all
}

fn inputs(domain: &str, key: [u8; 32]) -> impl Iterator<Item = Vec<u8>> {
    let small = SIZES.into_iter().flat_map(|size| {
        let mut plains = plaintexts(size);
        plains.extend(hostile::shapes(size));
        plains
    });
    small.map(move |plain| stored(domain, key, &plain))
}

pub fn run(report: &mut Report) {
    let seed = *owner().ed25519().expose_seed();
    let plains = || SIZES.into_iter().flat_map(plaintexts);
    let name = "config `Message::read`";
    report.run_inputs(bound(name, TREE, 64 * KIB), plains(), |input| {
        let _ = Message::read(input, Trust::Unsigned);
    });
    let name = "config `merge` of a message and its changed copy";
    report.run_inputs(bound(name, 3 * TREE, 64 * KIB), plains(), |input| {
        let rest = input.strip_prefix(b"d1:#i9e").unwrap_or(input);
        let changed = [b"d1:#i8e", rest].concat();
        let _ = merge(&[input, &changed], None, None);
    });
    macro_rules! user {
        ($config:ty, $name:literal, $domain:literal) => {
            let bound = bound($name, TREE, 64 * KIB);
            report.run_inputs(bound, inputs($domain, seed), |input| {
                let mut config = <$config>::new(owner());
                let _ = config.merge(&[("name", input)], AT);
            });
        };
    }
    user!(
        UserProfile,
        "`UserProfile::merge`, behind the encryption",
        "UserProfile"
    );
    user!(
        Contacts,
        "`Contacts::merge`, behind the encryption",
        "Contacts"
    );
    user!(
        ConvoInfoVolatile,
        "`ConvoInfoVolatile::merge`, behind the encryption",
        "ConvoInfoVolatile"
    );
    user!(
        UserGroups,
        "`UserGroups::merge`, behind the encryption",
        "UserGroups"
    );
    group(report);
    report.run(
        bound("`Contacts::merge`, as it is", 4, 64 * KIB),
        as_is,
        |input| {
            let _ = Contacts::new(owner()).merge(&[("name", input)], AT);
        },
    );

    // Whatever a frame announces, 64 MiB are decompressed at most. The buffer of the decoder doubles.
    let bombs = SIZES.map(|size| {
        let frame = [b"z".as_slice(), &hostile::zstd_bomb(size)].concat();
        stored("Contacts", seed, &frame)
    });
    let name = "`Contacts::merge`, compressed by the sender";
    report.run_inputs(bound(name, 4, 128 * MIB), bombs.into_iter(), |input| {
        let _ = Contacts::new(owner()).merge(&[("name", input)], AT);
    });
    dumps(report);
    parts(report, seed);
}

/// The configs of a group, as its admin signed them.
fn group(report: &mut Report) {
    let secret = Ed25519Secret::from_seed(&[9; 32]);
    let id = GroupId::from_ed25519(&secret.public());
    let keys = [SymmetricKey::from_bytes([7; 32])];
    let keyring = GroupKeyring {
        id: &id,
        admin: None,
        keys: &keys,
    };
    let signed = |domain: &'static str| {
        let secret = Ed25519Secret::from_seed(&[9; 32]);
        let plains = SIZES.into_iter().flat_map(plaintexts);
        plains.map(move |plain| {
            let open = plain.strip_suffix(b"e").expect("a dict");
            let signature = secret.sign(open);
            let signed = [open, b"1:~64:", signature.as_bytes(), b"e"].concat();
            stored(domain, [7; 32], &signed)
        })
    };
    let name = "`GroupInfo::merge`, behind the signature";
    report.run_inputs(
        bound(name, TREE, 64 * KIB),
        signed("groups::Info"),
        |input| {
            let mut config = GroupInfo::new_group(keyring).expect("good keys");
            let _ = config.merge(&[("name", input)], AT);
        },
    );
    let name = "`GroupMembers::merge`, behind the signature";
    report.run_inputs(
        bound(name, TREE, 64 * KIB),
        signed("groups::Members"),
        |input| {
            let mut config = GroupMembers::new_group(keyring).expect("good keys");
            let _ = config.merge(&[("name", input)], AT);
        },
    );
}

fn dumps(report: &mut Report) {
    let dump = |plain: Vec<u8>| {
        let head = format!("d1:!i0e1:${}:", plain.len());
        [head.as_bytes(), &plain, b"1:(le1:)le1:*de1:+dee"].concat()
    };
    let names = SIZES.map(|size| {
        let names = numbered("l", |n| format!("{}:{n}", n.to_string().len()), "e", size);
        let message = message(b"de", b"le", b"de");
        let head = format!("d1:!i0e1:${}:", message.len());
        [
            head.as_bytes(),
            &message,
            b"1:(",
            &names,
            b"1:)le1:*de1:+dee",
        ]
        .concat()
    });
    let all = SIZES
        .into_iter()
        .flat_map(plaintexts)
        .map(dump)
        .chain(names);
    report.run_inputs(bound("`Contacts::load`", TREE, 64 * KIB), all, |input| {
        let _ = Contacts::load(owner(), input, AT);
    });
    let all = SIZES.into_iter().flat_map(plaintexts).map(dump);
    report.run_inputs(bound("`Local::load`", TREE, 64 * KIB), all, |input| {
        let _ = Local::load(input, AT);
    });
    report.run(
        bound(
            "`UserConfigs::load`, `Contacts::load`, as it is",
            4,
            64 * KIB,
        ),
        as_is,
        |input| {
            let _ = UserConfigs::load(owner(), input, AT);
            let _ = Contacts::load(owner(), input, AT);
        },
    );
}

/// A thousand sets of parts of which the last one never comes.
fn parts(report: &mut Report, seed: [u8; 32]) {
    let domain = Domain::new("Contacts").expect("it is short");
    let key = SymmetricKey::from_bytes(seed);
    for (name, chunk, plus) in [
        (
            "1,000 unfinished sets of parts of 76,000 bytes",
            76_000_usize,
            21 * MIB,
        ),
        ("1,000 unfinished sets of parts of one byte", 1, 2 * MIB),
    ] {
        let messages: Vec<Vec<u8>> = (0..1_000_u32)
            .map(|number| {
                let mut set = [1; 32];
                set[..4].copy_from_slice(&number.to_be_bytes());
                let head = [b"ml32:".as_slice(), &set, b"1:\0", b"1:\x02"].concat();
                let length = format!("{chunk}:");
                let body = [&head, length.as_bytes(), &vec![7; chunk], b"e"].concat();
                encrypt(&key, domain, &body).expect("it is short")
            })
            .collect();
        let mut config = Contacts::new(owner());
        let mut count = 0;
        let peak = counter::peak(|| {
            for (number, message) in messages.iter().enumerate() {
                let name = number.to_string();
                let merged = config.merge(&[(&name, message)], AT);
                count += merged.map_or(0, |merged| merged.accepted.len());
            }
        });
        println!(
            "| {name} | {} KiB | | {} KiB | {count} |",
            plus / KIB,
            peak.div_ceil(KIB)
        );
        report.failed |= peak > plus || count != messages.len();
    }
}
