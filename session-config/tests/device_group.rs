//! The devices of an account: linked, removed, rotated; and what a removed device or a stranger can do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

#[path = "support/device_swarm.rs"]
mod device_swarm;

use std::sync::Arc;

use device_swarm::{HOUR, Stored, Swarm, about, registered, seeds};
use session_config::devices::account_keys::RETENTION;
use session_config::devices::device::RequestError;
use session_config::devices::group::DeviceError;
use session_config::devices::membership::Membership;
use session_config::devices::message::{GroupMessage, ReadError, WriteError};
use session_config::devices::payload::Payload;
use session_config::devices::{
    Device, DeviceEvent, DeviceId, DeviceState, FetchedMessage, Record, link, message,
};
use session_crypto::v2::{DeviceKeys, KeySeed, PublicKeys};
use session_identity::Account;
use session_identity::link_sas::Sas;
use session_message::content::Content;
use session_message::v2::Format;
use session_message::{OpenError, Opener, Sealer};
use session_types::UnixMillis;

fn sealed_to(swarm: &mut Swarm) -> Vec<u8> {
    let alice = Account::from_seed(&session_identity::Seed::from_short(&[9; 16]));
    let keys = swarm.public_keys().unwrap();
    let (to, at) = (*swarm.account.id(), swarm.at());
    let sealer = Sealer::new(&alice);
    let content = Content::text("hello");
    let format = Format::V2(&keys);
    let sealed = sealer.seal_direct_as(&mut swarm.rng, &to, &content, at, format);
    sealed.unwrap().data
}

fn opens(swarm: &Swarm, device: &Device, data: &[u8]) -> Result<(), OpenError> {
    let mut opener = Opener::new(Arc::clone(&swarm.account));
    opener.set_account_keys(device.account_keys());
    let opened = opener.open_direct(data)?;
    assert!(opened.has_forward_secrecy);
    Ok(())
}

#[test]
fn a_device_is_linked_by_its_emoji() {
    let swarm = &mut Swarm::new(1);
    let mut phone = Device::generate(&mut swarm.rng);
    let at = swarm.at();
    assert_eq!(phone.membership(at), Membership::Unknown);
    // Nothing is founded, asked or sent before a fetch.
    assert_eq!(
        phone.start(&mut swarm.rng, about("phone"), at),
        Err(DeviceError::NotFetched)
    );
    let account = Arc::clone(&swarm.account);
    assert_eq!(
        phone.request(&mut swarm.rng, &account, about("phone"), at),
        Err(RequestError::NoGroup)
    );
    assert_eq!(phone.poll(&mut swarm.rng, &account, at), Ok(None));
    swarm.fetch(&mut phone);
    assert_eq!(phone.membership(at), Membership::NoGroup);
    phone.start(&mut swarm.rng, about("phone"), at).unwrap();
    assert_eq!(swarm.send(&mut phone), 1);
    assert!(swarm.public_keys().is_some());
    assert_eq!(phone.membership(at), Membership::InGroup);

    let mut laptop = Device::generate(&mut swarm.rng);
    swarm.sync(&mut laptop);
    assert_eq!(laptop.membership(at), Membership::GroupsVisible);
    let request = laptop.request(&mut swarm.rng, &account, about("laptop"), at);
    let own = Sas::of_request(request.unwrap()).unwrap();
    swarm.sync(&mut laptop);
    assert_eq!(laptop.membership(at), Membership::Waiting);
    let id = *laptop.id();
    assert_eq!(swarm.sync(&mut phone), [DeviceEvent::Request(id)]);
    // Once is enough, also after a restart.
    assert_eq!(swarm.sync(&mut phone), []);
    let pending = &phone.pending()[&id];
    assert!(!pending.replaces);
    assert_eq!(pending.request.record.description_text(), "laptop");
    assert_eq!(Sas::of_request(&pending.request.inner).unwrap(), own);
    assert_eq!(own, Sas::of_request(laptop.own_request().unwrap()).unwrap());
    // Nobody is admitted by that alone.
    assert_eq!(swarm.sync(&mut laptop), []);
    assert_eq!(laptop.group().keyring().keys().len(), 0);
    let at = swarm.at();
    phone.admit(&mut swarm.rng, &id, at).unwrap();
    assert_eq!(
        phone.admit(&mut swarm.rng, &id, at),
        Err(DeviceError::NotPending)
    );
    swarm.sync(&mut phone);
    // The other side waits for its user, too.
    assert_eq!(swarm.sync(&mut laptop), [DeviceEvent::Admitted]);
    assert_eq!(laptop.membership(at), Membership::Waiting);
    assert_eq!(laptop.group().keyring().keys().len(), 0);
    laptop.confirm().unwrap();
    assert_eq!(swarm.sync(&mut laptop), [DeviceEvent::Joined]);
    assert_eq!(laptop.membership(at), Membership::InGroup);
    assert_eq!(laptop.own_request(), None);
    assert_eq!(seeds(&laptop), seeds(&phone));
    assert_eq!(registered(&laptop).len(), 2);
    // What is sealed to the account opens on both.
    let sealed = sealed_to(swarm);
    for device in [&phone, &laptop] {
        assert_eq!(opens(swarm, device, &sealed), Ok(()));
    }
    // In the end there is one message, and nobody has anything to say.
    for _ in 0..2 {
        swarm.sync(&mut phone);
        swarm.sync(&mut laptop);
    }
    let pushes = swarm.pushes;
    for _ in 0..2 {
        assert_eq!(swarm.sync(&mut phone), []);
        assert_eq!(swarm.sync(&mut laptop), []);
    }
    assert_eq!(swarm.pushes, pushes);
    swarm.now += 11 * 60 * 1000;
    swarm.sync(&mut phone);
    assert_eq!(swarm.stored.len(), 1);
}

#[test]
fn every_device_tells_of_a_new_one() {
    let swarm = &mut Swarm::new(2);
    let mut first = swarm.founder();
    let mut second = swarm.link(&mut first, "second");
    swarm.sync(&mut second);
    let third = swarm.link(&mut first, "third");
    assert_eq!(
        swarm.sync(&mut second),
        [DeviceEvent::NewDevice(*third.id())]
    );
    assert_eq!(swarm.sync(&mut second), []);
    let name = &second.group().rows()[third.id()].record;
    assert_eq!(name.as_ref().unwrap().description_text(), "third");
    // A device renames itself, and nobody else.
    let at = swarm.at();
    second.describe(about("renamed"), at).unwrap();
    swarm.sync(&mut second);
    swarm.sync(&mut first);
    let row = &first.group().rows()[second.id()];
    assert_eq!(row.record.as_ref().unwrap().description_text(), "renamed");
}

#[test]
fn a_removed_device_opens_nothing_after_the_rotation() {
    let swarm = &mut Swarm::new(3);
    let mut phone = swarm.founder();
    let mut laptop = swarm.link(&mut phone, "laptop");
    swarm.sync(&mut phone);
    let before = sealed_to(swarm);
    assert_eq!(opens(swarm, &laptop, &before), Ok(()));
    let (id, at) = (*laptop.id(), swarm.at());
    assert_eq!(
        laptop.remove(&mut swarm.rng, &id, at),
        Err(DeviceError::NotRemovable)
    );
    phone.remove(&mut swarm.rng, &id, at).unwrap();
    swarm.send(&mut phone);
    let after = sealed_to(swarm);
    assert_eq!(opens(swarm, &phone, &after), Ok(()));
    // All that the removed device has, and all that it can fetch.
    assert_eq!(swarm.sync(&mut laptop), [DeviceEvent::Removed]);
    assert_eq!(laptop.membership(at), Membership::Removed);
    assert_eq!(opens(swarm, &laptop, &after), Err(OpenError::NoAccountKey));
    let message = swarm.stored.last().unwrap().data.clone();
    let read = GroupMessage::read(swarm.account.ed25519(), &message).unwrap();
    assert!(read.has_kicked(swarm.account.ed25519(), &id));
    let pushes = swarm.pushes;
    swarm.sync(&mut laptop);
    assert_eq!(swarm.pushes, pushes, "a removed device says nothing");
    assert_eq!(
        laptop.start(&mut swarm.rng, about("laptop"), at),
        Err(DeviceError::NotAMember)
    );
    let account = Arc::clone(&swarm.account);
    assert_eq!(
        laptop.request(&mut swarm.rng, &account, about("laptop"), at),
        Err(RequestError::Removed)
    );
    // It comes back as another device.
    laptop.start_anew(&mut swarm.rng).unwrap();
    assert_ne!(*laptop.id(), id);
    assert_eq!(laptop.start_anew(&mut swarm.rng), Err(DeviceError::Member));
    assert_eq!(laptop.group().keyring().keys().len(), 0);
    assert_eq!(registered(&phone).len(), 1);
    assert_eq!(phone.group().rows()[&id].state, DeviceState::Kicked);
}

#[test]
fn keys_rotate_in_their_time_and_old_ones_go() {
    let swarm = &mut Swarm::new(4);
    let mut devices = [swarm.founder()].into_iter().collect::<Vec<_>>();
    for name in ["second", "third"] {
        let new = swarm.link(&mut devices[0], name);
        devices.push(new);
    }
    for _ in 0..2 {
        devices.iter_mut().for_each(|device| {
            swarm.sync(device);
        });
    }
    let before = sealed_to(swarm);
    let first = seeds(&devices[0]);
    let times: Vec<_> = devices
        .iter()
        .map(|one| one.group().rotation_time().unwrap())
        .collect();
    let created = devices[0].group().keyring().current().unwrap().created;
    for time in &times {
        assert!((11 * 3600..=13 * 3600).contains(&(time - created)));
    }
    // Nobody is early.
    swarm.now += 10 * HOUR;
    devices.iter_mut().for_each(|device| {
        swarm.sync(device);
    });
    assert_eq!(seeds(&devices[0]), first);
    // The first whose time has come does it, and all others follow.
    let earliest = times.iter().min().unwrap();
    let due = times.iter().position(|time| time == earliest).unwrap();
    swarm.now = (*earliest as u64) * 1000;
    swarm.sync(&mut devices[due]);
    assert_eq!(devices[due].group().keyring().keys().len(), 2);
    for _ in 0..2 {
        devices.iter_mut().for_each(|device| {
            swarm.sync(device);
        });
    }
    for device in &devices {
        assert_eq!(seeds(device), seeds(&devices[due]));
        assert_eq!(device.group().keyring().keys().len(), 2);
    }
    let after = sealed_to(swarm);
    assert_ne!(before, after);
    // Messages on their way open for sixteen days; after that the old key is gone, and with all keys of
    // that day yesterday's message does not open.
    for device in &devices {
        assert_eq!(opens(swarm, device, &before), Ok(()));
        assert_eq!(opens(swarm, device, &after), Ok(()));
    }
    swarm.now += (RETENTION as u64) * 1000 + 14 * HOUR;
    for _ in 0..2 {
        devices.iter_mut().for_each(|device| {
            swarm.sync(device);
        });
    }
    for device in &devices {
        assert!(!seeds(device).iter().any(|seed| first.contains(seed)));
        assert_eq!(opens(swarm, device, &before), Err(OpenError::NoAccountKey));
    }
}

#[test]
fn publications_are_repeated_until_they_show_the_current_keys() {
    let swarm = &mut Swarm::new(5);
    let mut phone = swarm.founder();
    let shown = swarm.public_keys().unwrap();
    swarm.sync(&mut phone);
    // Lost, or replaced by an older one.
    let stale = swarm.published.clone();
    swarm.published.clear();
    swarm.sync(&mut phone);
    assert_eq!(swarm.public_keys(), Some(shown));
    swarm.now += 13 * HOUR;
    swarm.sync(&mut phone);
    let rotated = swarm.public_keys().unwrap();
    swarm.published = stale;
    swarm.sync(&mut phone);
    assert_eq!(swarm.public_keys(), Some(rotated));
    // Malformed ones are ignored.
    swarm.published.push(vec![7; 1300]);
    let pushes = swarm.pushes;
    swarm.sync(&mut phone);
    assert_eq!((swarm.pushes, swarm.published.len()), (pushes, 2));
}

#[test]
fn replayed_and_late_requests_do_nothing() {
    let swarm = &mut Swarm::new(6);
    let mut phone = swarm.founder();
    let mut laptop = Device::generate(&mut swarm.rng);
    swarm.fetch(&mut laptop);
    let (account, at) = (Arc::clone(&swarm.account), swarm.at());
    laptop
        .request(&mut swarm.rng, &account, about("laptop"), at)
        .unwrap();
    swarm.send(&mut laptop);
    let request = swarm.stored.last().unwrap();
    let (data, expires) = (request.data.clone(), request.expires);
    let id = *laptop.id();
    let feed = |swarm: &mut Swarm, phone: &mut Device, hash: &str, expires: u64| {
        let one = Stored {
            hash: hash.to_owned(),
            data: data.clone(),
            at: swarm.now,
            expires,
        };
        let group: Vec<_> = swarm.stored.iter().map(Stored::fetched).collect();
        let all = [group, vec![one.fetched()]].concat();
        phone.receive(&mut swarm.rng, &account, &all, UnixMillis::new(swarm.now))
    };
    // Denied: the same request is not shown again, whatever its name is.
    swarm.sync(&mut phone);
    phone.deny(&id).unwrap();
    assert_eq!(phone.deny(&id), Err(DeviceError::NotPending));
    assert_eq!(feed(swarm, &mut phone, "again", expires), []);
    assert!(phone.pending().is_empty());
    // A newer one is, and is admitted.
    swarm.now += 2_000;
    swarm.fetch(&mut laptop);
    let at = swarm.at();
    laptop
        .request(&mut swarm.rng, &account, about("laptop"), at)
        .unwrap();
    swarm.send(&mut laptop);
    assert_eq!(swarm.sync(&mut phone), [DeviceEvent::Request(id)]);
    let at = swarm.at();
    phone.admit(&mut swarm.rng, &id, at).unwrap();
    swarm.send(&mut phone);
    // Of a member, and of one that was removed since.
    assert_eq!(feed(swarm, &mut phone, "member", expires), []);
    swarm.sync(&mut laptop);
    laptop.confirm().unwrap();
    assert_eq!(swarm.sync(&mut laptop), [DeviceEvent::Joined]);
    swarm.sync(&mut phone);
    let at = swarm.at();
    phone.remove(&mut swarm.rng, &id, at).unwrap();
    swarm.send(&mut phone);
    assert_eq!(feed(swarm, &mut phone, "removed", expires), []);
    assert!(phone.pending().is_empty());
    // Too late: neither shown, nor admitted if it was shown in time.
    let mut tablet = Device::generate(&mut swarm.rng);
    swarm.fetch(&mut tablet);
    let at = swarm.at();
    tablet
        .request(&mut swarm.rng, &account, about("tablet"), at)
        .unwrap();
    swarm.send(&mut tablet);
    swarm.sync(&mut phone);
    let late = UnixMillis::new(swarm.now + 11 * 60 * 1000);
    assert_eq!(
        phone.admit(&mut swarm.rng, tablet.id(), late),
        Err(DeviceError::NotPending)
    );
    swarm.now = late.get();
    assert_eq!(swarm.sync(&mut phone), []);
    assert!(phone.pending().is_empty());
}

#[test]
fn forged_admissions_are_ignored() {
    let swarm = &mut Swarm::new(7);
    let mut phone = swarm.founder();
    let mut laptop = Device::generate(&mut swarm.rng);
    swarm.fetch(&mut laptop);
    let (account, at) = (Arc::clone(&swarm.account), swarm.at());
    laptop
        .request(&mut swarm.rng, &account, about("laptop"), at)
        .unwrap();
    swarm.send(&mut laptop);
    swarm.sync(&mut phone);
    let id = *laptop.id();
    let record = phone.pending()[&id].request.record.clone();
    laptop.confirm().unwrap();
    let group = phone.group().group().unwrap();
    let other = message::GroupId([9; 8]);
    let forge = |swarm: &mut Swarm, laptop: &mut Device, group, record: Record, who: &Account| {
        let mut payload = Payload::default();
        let digest = record.digest();
        let keys = record.keys.clone();
        payload.devices.insert(
            id,
            session_config::devices::payload::Entry::Live(record, digest),
        );
        payload.keys.push(session_config::devices::AccountKey {
            seed: KeySeed::from_bytes([66; 32]),
            created: 1,
            rotated: None,
            is_distributed: true,
        });
        let secret = who.ed25519();
        let data = message::write(&mut swarm.rng, secret, group, &payload, &[&keys], &[], None);
        let data = data.unwrap();
        let at = UnixMillis::new(swarm.now);
        let fetched = FetchedMessage {
            hash: "forged",
            data: &data,
            stored_at: at,
            expires_at: UnixMillis::new(swarm.now + HOUR),
        };
        laptop.receive(&mut swarm.rng, &swarm.account, &[fetched], at)
    };
    // Another time, another key, another group, another account.
    let later = Record::new(record.seqno, record.updated + 1, record.keys.clone());
    let keys = DeviceKeys::from_seed(&KeySeed::from_bytes([4; 32]));
    let other_key = PublicKeys {
        kem: record.keys.kem.clone(),
        x25519: keys.public().x25519,
    };
    let rekeyed = Record::new(record.seqno, record.updated, other_key);
    let eve = Account::from_seed(&session_identity::Seed::from_short(&[66; 16]));
    let own = Arc::clone(&swarm.account);
    for (group, record, who) in [
        (group, later, &*own),
        (group, rekeyed, &*own),
        (other, record.clone(), &*own),
        (group, record.clone(), &eve),
    ] {
        assert_eq!(forge(swarm, &mut laptop, group, record, who), []);
        assert_eq!(laptop.group().keyring().keys().len(), 0);
    }
    // The right one admits.
    assert_eq!(
        forge(swarm, &mut laptop, group, record, &own),
        [DeviceEvent::Joined]
    );
}

#[test]
fn emoji_of_a_changed_request_differ() {
    let swarm = &mut Swarm::new(8);
    let _ = swarm.founder();
    let mut laptop = Device::generate(&mut swarm.rng);
    swarm.fetch(&mut laptop);
    let (account, at) = (Arc::clone(&swarm.account), swarm.at());
    let inner = laptop.request(&mut swarm.rng, &account, about("laptop"), at);
    let inner = inner.unwrap().to_vec();
    let sas = Sas::of_request(&inner).unwrap();
    let mut other = inner.clone();
    for at in [5, 40, inner.len() - 5] {
        other[at] ^= 1;
        assert_ne!(
            Sas::of_request(&other).unwrap().emoji()[..7],
            sas.emoji()[..7]
        );
        // It is not signed either.
        assert!(link::parse_inner(account.ed25519(), &other).is_err());
        other[at] ^= 1;
    }
    assert!(link::parse_inner(account.ed25519(), &inner).is_ok());
}

#[test]
fn cut_and_changed_messages_change_nothing() {
    let swarm = &mut Swarm::new(9);
    let mut phone = swarm.founder();
    let mut laptop = Device::generate(&mut swarm.rng);
    swarm.fetch(&mut laptop);
    let (account, at) = (Arc::clone(&swarm.account), swarm.at());
    laptop
        .request(&mut swarm.rng, &account, about("laptop"), at)
        .unwrap();
    swarm.send(&mut laptop);
    let [group, request] = [0, 1].map(|index| swarm.stored[index].data.clone());
    let mut fresh = phone.dump();
    let keys = phone.group().keyring().keys();
    let account = &*swarm.account;
    assert_eq!(link::read(account, keys, &group), Err(ReadError::OtherType));
    for length in 0..group.len() {
        assert!(GroupMessage::read(account.ed25519(), &group[..length]).is_err());
    }
    for length in 0..request.len() {
        assert!(!matches!(
            link::read(account, keys, &request[..length]),
            Ok(Some(_))
        ));
    }
    // Each byte of the long one, each bit of the short one.
    let mut changed = group;
    for bit in (0..changed.len() * 8).step_by(7) {
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            GroupMessage::read(account.ed25519(), &changed).is_err(),
            "{bit}"
        );
        changed[bit / 8] ^= 1 << (bit % 8);
    }
    let mut changed = request;
    for bit in 0..changed.len() * 8 {
        changed[bit / 8] ^= 1 << (bit % 8);
        let keys = phone.group().keyring().keys();
        let read = link::read(account, keys, &changed);
        assert!(!matches!(read, Ok(Some(_))), "{bit}");
        let fetched = FetchedMessage {
            hash: "changed",
            data: &changed,
            stored_at: at,
            expires_at: UnixMillis::new(at.get() + HOUR),
        };
        if bit % 97 == 0 {
            assert_eq!(phone.receive(&mut swarm.rng, account, &[fetched], at), []);
        }
        changed[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(*phone.dump(), *fresh);
    // Dumps that were cut are refused, and changed ones do not panic.
    for length in (0..fresh.len()).step_by(3) {
        assert!(Device::load(account, &fresh[..length]).is_err());
    }
    for bit in (0..fresh.len() * 8).step_by(31) {
        fresh[bit / 8] ^= 1 << (bit % 8);
        if let Ok(mut device) = Device::load(account, &fresh) {
            device.receive(&mut swarm.rng, account, &[], at);
            let _ = device.poll(&mut swarm.rng, account, at);
        }
        fresh[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_thousand_devices_are_too_many_to_write_and_not_to_read() {
    let swarm = &mut Swarm::new(10);
    let account = Arc::clone(&swarm.account);
    let own = DeviceKeys::from_seed(&KeySeed::from_bytes([1; 32]));
    let mut payload = Payload::default();
    payload.keys.push(session_config::devices::AccountKey {
        seed: KeySeed::from_bytes([2; 32]),
        created: 1,
        rotated: None,
        is_distributed: true,
    });
    let mut counts = Vec::new();
    for number in 0..1_000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut id = [0; 32];
        (id[0], id[1]) = (high, low);
        let record = Record::new(1, 1, own.public().clone());
        let digest = record.digest();
        payload.devices.insert(
            DeviceId::from_bytes(id),
            session_config::devices::payload::Entry::Live(record, digest),
        );
        counts.push(payload.devices.len());
    }
    // As a payload they are read, up to what a message can hold.
    let encoded = payload.encode().unwrap();
    assert!(encoded.len() > 1_000 * 1_200);
    assert!(Payload::decode(&encoded).is_err());
    let mut few = Payload {
        keys: payload.keys,
        ..Payload::default()
    };
    for (id, entry) in payload.devices {
        if few.devices.len() < 50 {
            few.devices.insert(id, entry);
        }
    }
    assert_eq!(
        Payload::decode(&few.encode().unwrap())
            .unwrap()
            .devices
            .len(),
        50
    );
    // A message to so many slots is refused when it is written, with any payload.
    let group = message::GroupId([1; 8]);
    let many: Vec<&PublicKeys> = counts.iter().map(|_| own.public()).collect();
    let small = Payload {
        keys: few.keys,
        ..Payload::default()
    };
    let write = |swarm: &mut Swarm, recipients: &[&PublicKeys]| {
        let secret = account.ed25519();
        message::write(&mut swarm.rng, secret, group, &small, recipients, &[], None)
    };
    assert!(matches!(
        write(swarm, &many),
        Err(WriteError::TooLong {
            got: 1_100_000..,
            ..
        })
    ));
    // As many as are stored are read by each of them.
    let stored = write(swarm, &many[..56]).unwrap();
    assert!(stored.len() <= session_types::limits::MESSAGE_DATA_MAX);
    let read = GroupMessage::read(account.ed25519(), &stored).unwrap();
    assert!(read.open([&own]).is_some());
}
