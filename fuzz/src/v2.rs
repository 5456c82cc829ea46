//! Version 2 of the protocol. What the fuzzer gives is sealed and signed with the right keys, so that it
//! gets past them to what another device of the account, or a sender, could have written.

use session_config::devices::message::GroupId;
use session_config::devices::{About, Device, DeviceEvent, FetchedMessage};
use session_crypto::v2::device_group::Draft;
use session_crypto::v2::{AccountKeys, KeySeed, PublicKeys, link, message};
use session_crypto::xed25519;
use session_identity::Account;
use session_message::v2::publication;
use session_message::Opener;
use session_proto::bt;
use session_types::UnixMillis;

use crate::input::{account, rng};

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_000);
const LATER: UnixMillis = UnixMillis::new(1_795_377_259_000);

fn keys() -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes([3; 32]))
}

/// A dict with the signature of an account.
fn signed(account: &Account, data: &[u8]) -> Vec<u8> {
    let open = data.strip_suffix(b"e").unwrap_or(data);
    let signature = account.ed25519().sign(open);
    [open, b"1:~64:", signature.as_bytes(), b"e"].concat()
}

/// A one-to-one message: as it is, and as the dict inside, with forward secrecy and without.
pub fn message(data: &[u8]) {
    let me = account(1);
    let mut opener = Opener::new(&me);
    opener.set_account_keys([keys()]);
    let to = me.x25519_public();
    let with = message::seal(&mut rng(), &to, keys().public(), data).expect("good keys");
    let without = message::seal_without_keys(&mut rng(), &to, data).expect("a good key");
    for (sealed, secrecy) in [(data, None), (&with, Some(true)), (&without, Some(false))] {
        if let Ok(opened) = opener.open_direct(sealed) {
            assert!(secrecy.is_none_or(|secrecy| secrecy == opened.has_forward_secrecy));
        }
    }
}

/// The publication of an account's keys: as it is, and signed.
pub fn publication(data: &[u8]) {
    let me = account(1);
    let open = data.strip_suffix(b"e").unwrap_or(data);
    let signature = xed25519::sign(&mut rng(), me.x25519(), open);
    let signed = [open, b"1:~64:", signature.as_bytes(), b"e"].concat();
    for message in [data, &signed] {
        if let Ok(keys) = publication::read(me.id(), message) {
            let again = publication::write(&mut rng(), &me, &keys);
            assert_eq!(publication::read(me.id(), &again), Ok(keys));
        }
    }
}

/// A device that has founded a group.
fn member(account: &Account) -> Device {
    let rng = &mut rng();
    let mut device = Device::generate(rng);
    device.receive(rng, account, &[], NOW);
    device.start(rng, About::default(), NOW).expect("nothing is there");
    device
}

/// Feeds a message to a device, which stays whole.
fn feed(account: &Account, device: &mut Device, data: &[u8]) -> Vec<DeviceEvent> {
    let fetched = FetchedMessage {
        hash: "name",
        data,
        stored_at: LATER,
        expires_at: UnixMillis::new(LATER.get() + 60_000),
    };
    let events = device.receive(&mut rng(), account, &[fetched], LATER);
    let dump = device.dump();
    let mut again = Device::load(account, &dump).expect("what we write we read");
    assert_eq!(*again.dump(), *dump);
    again.receive(&mut rng(), account, &[], LATER);
    let _ = again.poll(&mut rng(), account, LATER);
    events
}

/// A message of the device group: as it is, signed, and as the payload for us.
pub fn device_group(data: &[u8]) {
    let me = account(1);
    let mut device = member(&me);
    feed(&me, &mut device, data);
    feed(&me, &mut device, &signed(&me, data));
    let own = device.group().rows()[device.id()].record.clone().expect("our own");
    let recipients: [&PublicKeys; 1] = [&own.keys];
    let GroupId(group_id) = device.group().group().expect("it was founded");
    let draft = Draft {
        account: me.ed25519(),
        group_id,
        devices: &recipients,
        kicked: &[],
        payload: data,
    };
    let Ok(sealed) = draft.seal(&mut rng()) else {
        return;
    };
    let message = bt::signed_dict(
        |dict| {
            dict.bytes(b"", b"G");
            dict.bytes(b"@", &sealed.group_id);
            dict.bytes(b"A", sealed.ephemeral.as_bytes());
            dict.bytes(b"C", &sealed.ciphertexts);
            dict.bytes(b"K", &sealed.keys);
            dict.bytes(b"X", keys().public().x25519.as_bytes());
            dict.bytes(b"d", &sealed.payload);
        },
        |message| me.ed25519().sign(message).to_bytes(),
    );
    feed(&me, &mut device, &message.expect("in order"));
}

/// A request to be admitted: as it is, and as the inner dict, signed by the account or not.
pub fn link_request(data: &[u8]) {
    let me = account(1);
    let mut device = member(&me);
    feed(&me, &mut device, data);
    let link_key = device.account_keys().next().expect("it was founded").public().x25519;
    for inner in [data, &signed(&me, data)] {
        let sealed = link::seal(&mut rng(), &me.x25519_public(), &link_key, inner);
        let request = sealed.expect("a good key");
        let message = bt::dict(|dict| {
            dict.bytes(b"", b"L");
            dict.bytes(b"E", request.ephemeral.as_bytes());
            dict.bytes(b"L", &request.ciphertext);
            dict.bytes(b"i", &request.indicator);
        });
        for event in feed(&me, &mut device, &message) {
            let DeviceEvent::Request(id) = event else { continue };
            // Nobody is in the group by asking.
            assert_eq!(device.group().rows().len(), device.pending().len() + 1);
            let _ = device.admit(&mut rng(), &id, LATER);
        }
    }
}
