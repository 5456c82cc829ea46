//! Version 2: one-to-one messages, and what devices of an account have for each other.

use session_config::devices::message::GroupId;
use session_config::devices::{About, Device, FetchedMessage};
use session_crypto::v2::device_group::Draft;
use session_crypto::v2::{AccountKeys, KeySeed, PublicKeys, link, message};
use session_identity::Account;
use session_message::Opener;
use session_message::v2::{layer, publication};
use session_proto::bt;
use session_types::UnixMillis;

use crate::{AT, KIB, NOW, RECEIPTS, Report, account, as_is, bound, rng};

fn keys() -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes([3; 32]))
}

fn opener(own: &Account) -> Opener<&Account> {
    let mut opener = Opener::new(own);
    opener.set_account_keys([keys()]);
    opener
}

pub fn run(report: &mut Report) {
    let (own, other) = (account(1), account(2));
    let name = "`Opener::open_direct` of version 2, behind the encryption";
    report.run(
        bound(name, 6, RECEIPTS),
        |input| {
            let keys = keys();
            let (to, public) = (own.id(), keys.public());
            layer::seal(&mut rng(), other.ed25519(), to, Some(public), &input, None)
                .expect("good keys")
        },
        |input| {
            let _ = opener(&own).open_direct(input);
        },
    );
    let name = "`Opener::open_direct` of version 2, as the inner dict";
    report.run(
        bound(name, 4, 8 * KIB),
        |input| {
            let to = own.x25519_public();
            message::seal(&mut rng(), &to, keys().public(), &input).expect("good keys")
        },
        |input| {
            let _ = opener(&own).open_direct(input);
        },
    );
    let name = "publication of account keys, as it is";
    report.run(bound(name, 1, 4 * KIB), as_is, |input| {
        let _ = publication::read(own.id(), input);
    });
    devices(report, &own);
}

fn devices(report: &mut Report, own: &Account) {
    let mut device = Device::generate(&mut rng());
    device.receive(&mut rng(), own, &[], AT);
    device
        .start(&mut rng(), About::default(), AT)
        .expect("nothing is there");
    let dump = device.dump();
    let load = || Device::load(own, &dump).expect("what we write we read");
    let record = device.group().rows()[device.id()].record.clone();
    let record = record.expect("our own");
    let GroupId(group_id) = device.group().group().expect("it was founded");
    let link_key = device.account_keys().next().expect("it was founded");
    let link_key = link_key.public().x25519;
    let feed = |device: &mut Device, data: &[u8]| {
        let fetched = FetchedMessage {
            hash: "name",
            data,
            stored_at: AT,
            expires_at: UnixMillis::new(NOW + 60_000),
        };
        device.receive(&mut rng(), own, &[fetched], AT);
    };
    let sealed = |payload: &[u8]| {
        let recipients: [&PublicKeys; 1] = [&record.keys];
        let draft = Draft {
            account: own.ed25519(),
            group_id,
            devices: &recipients,
            kicked: &[],
            payload,
        };
        let sealed = draft.seal(&mut rng()).expect("it is short");
        let message = bt::signed_dict(
            |dict| {
                dict.bytes(b"", b"G");
                dict.bytes(b"@", &sealed.group_id);
                dict.bytes(b"A", sealed.ephemeral.as_bytes());
                dict.bytes(b"C", &sealed.ciphertexts);
                dict.bytes(b"K", &sealed.keys);
                dict.bytes(b"X", link_key.as_bytes());
                dict.bytes(b"d", &sealed.payload);
            },
            |message| own.ed25519().sign(message).to_bytes(),
        );
        message.expect("in order")
    };
    // The state of the device is loaded before: it is not counted against the message.
    let plus = 96 * KIB;
    let mut member = load();
    report.run(
        bound("device group message, behind the encryption", 12, plus),
        |input| sealed(&input),
        |input| {
            feed(&mut member, input);
        },
    );
    let mut member = load();
    report.run(
        bound("device group message and link request, as they are", 1, plus),
        as_is,
        |input| {
            feed(&mut member, input);
        },
    );
    let mut member = load();
    report.run(
        bound("link request, behind the encryption", 3, plus),
        |input| {
            let made = link::seal(&mut rng(), &own.x25519_public(), &link_key, &input);
            let made = made.expect("a good key");
            bt::dict(|dict| {
                dict.bytes(b"", b"L");
                dict.bytes(b"E", made.ephemeral.as_bytes());
                dict.bytes(b"L", &made.ciphertext);
                dict.bytes(b"i", &made.indicator);
            })
        },
        |input| {
            feed(&mut member, input);
        },
    );
}
