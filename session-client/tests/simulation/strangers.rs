//! What many strangers can do: their messages and invitations must not fill the shared configs.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_client::config::UserConfigs;
use session_client::content::{Content, Kind, MemberAuthData};
use session_client::types::{AccountId, AnyId, GroupId, Namespace, UnixMillis};
use session_crypto::Ed25519Secret;
use session_identity::subaccount::{AuthData, Permissions};
use session_identity::{Account, Seed};
use session_message::{Sealer, admin};
use session_storage::StoredMessage;

use crate::device::{Device, run};
use crate::world::World;
use crate::{MINUTE, account};

fn stranger(number: u32) -> Account {
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(number));
    Account::from_seed(&Seed::generate(&mut rng))
}

/// A stranger sends something.
fn send(world: &mut World, from: &Account, to: &AccountId, content: &Content) {
    let now = UnixMillis::new(world.now);
    send_at(world, from, to, content, now);
}

/// Somebody sent something at a time, and the swarm still has it.
pub fn send_at(
    world: &mut World,
    from: &Account,
    to: &AccountId,
    content: &Content,
    sent_at: UnixMillis,
) {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let now = UnixMillis::new(world.now);
    let sealer = Sealer::new(from);
    let sealed = sealer.seal_direct(rng, to, content, sent_at).unwrap();
    let swarm = AnyId::from(to);
    let hash = session_crypto::hash::message_hash(&swarm, Namespace::DEFAULT, &sealed.data);
    let message = StoredMessage {
        hash,
        timestamp: now,
        expiration: now.saturating_add(sealed.ttl),
        data: sealed.data,
    };
    world.inject(&swarm, Namespace::DEFAULT, &message);
}

fn strangers(configs: &UserConfigs) -> usize {
    let contacts = configs.contacts.iter();
    contacts.filter(|contact| !contact.is_approved).count()
}

#[test]
fn strangers_do_not_fill_the_shared_configs() {
    let mut world = World::new(41);
    let mut devices = [
        Device::new(account(1), true, 1),
        Device::new(account(2), true, 2),
    ];
    let [alice, bob] = [0, 1].map(|number: usize| devices[number].id());
    for number in 0..110_u32 {
        let secret = Ed25519Secret::generate(&mut ChaCha8Rng::seed_from_u64(u64::from(number)));
        let auth = AuthData::create(&secret, &bob, Permissions::MEMBER).unwrap();
        let auth = MemberAuthData::from_bytes(&auth.expose_bytes());
        let now = UnixMillis::new(world.now);
        let invite = Kind::Group(admin::invite(&secret, &bob, "Spam", &auth, now));
        send(&mut world, &stranger(0), &bob, &invite.into());
    }
    for number in 0..1_010 {
        let text = format!("spam {number}");
        send(&mut world, &stranger(number), &bob, &Content::text(text));
    }
    run(&mut world, &mut devices, MINUTE);
    let client = devices[1].client();
    assert_eq!(client.groups().count(), 100);
    assert_eq!(client.configs().groups.groups().count(), 100);
    assert_eq!(strangers(client.configs()), 1_000);
    assert_eq!(devices[1].shown.len(), 1_010, "all of them are shown");
    assert!(devices[1].is_settled(), "the configs can be stored");

    // There is room for those who are no strangers.
    assert!(devices[1].send(alice, "hello", &world));
    run(&mut world, &mut devices, MINUTE);
    let members = [session_client::config::group::Invitee::new(bob, "")];
    let new = session_client::config::group::NewGroup {
        name: "Friends",
        members: &members,
        ..Default::default()
    };
    let (created, _) = devices[0].act(&world, |client, network, now, rng| {
        client.create_group(&new, network, now, rng)
    });
    let id: GroupId = created.unwrap();
    run(&mut world, &mut devices, MINUTE);
    assert!(devices[1].client().group(&id).is_some());
}
