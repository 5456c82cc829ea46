//! Reads messages of a closed group: with old and new keys, from members and admins.
//!
//! ```text
//! cargo run -p session-message --example group
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_identity::{Account, Group, GroupId, Seed};
use session_message::content::{Content, GroupUpdate, InfoChange, Kind};
use session_message::{Disposition, OpenError, Opener, Sealer, SymmetricKey, UnixMillis, admin};

/// Opens a message from the group's swarm, namespace 11, as a member does.
fn read(
    opener: &Opener<&Account>,
    group: &GroupId,
    keys: &[SymmetricKey],
    members: &[&Account],
    data: &[u8],
) -> Result<(), OpenError> {
    let opened = opener.open_group(group, keys, data)?;
    // The encryption shows who wrote; who belongs to the group is known from its member list.
    if !members.iter().any(|member| *member.id() == opened.sender) {
        println!("{} is not a member: ignored", opened.sender);
        return Ok(());
    }
    match &opened.content.kind {
        Kind::Message(message) => println!("{} wrote {:?}", opened.sender, message.text),
        // The signature of an admin was verified, or there would be an error here.
        Kind::Group(GroupUpdate::InfoChange { change, .. }) => println!("an admin: {change:?}"),
        other => println!("a {}", other.name()),
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let [alice, bob, eve] = [(); 3].map(|()| Account::from_seed(&Seed::generate(rng)));
    let group = Group::generate(rng);
    let id = group.id();
    println!("group {id}");
    // Admins make keys and hand them out (session_crypto::group_keys).
    let (old, new) = (SymmetricKey::generate(rng), SymmetricKey::generate(rng));
    let now = UnixMillis::new(1_754_971_101_000);
    let [alice_writes, bob_writes, eve_writes] = [&alice, &bob, &eve].map(Sealer::new);
    let opener = Opener::new(&alice);

    let first = alice_writes.seal_group(rng, id, &old, &Content::text("with the old key"), now)?;
    let second = bob_writes.seal_group(rng, id, &new, &Content::text("with the new key"), now)?;
    let change = InfoChange::Name("Mountains".into());
    let change = Content::from(Kind::Group(admin::info_change(
        group.ed25519(),
        change,
        now,
    )));
    let third = alice_writes.seal_group(rng, id, &new, &change, now)?;
    let fourth = eve_writes.seal_group(rng, id, &new, &Content::text("let me in"), now)?;
    assert_eq!(first.namespace.number(), 11);

    let keys = [new, old];
    for message in [&first, &second, &third, &fourth] {
        read(&opener, id, &keys, &[&alice, &bob], &message.data)?;
    }

    // Without the key it was written with: keep it until new keys have come.
    let [_, only_old] = &keys;
    let later = opener.open_group(id, [only_old], &second.data).unwrap_err();
    assert_eq!(later.disposition(), Disposition::TryAgainLater);
    // A change that no admin has signed does not even get sealed.
    let forged = admin::info_change(alice.ed25519(), InfoChange::Name("Mine".into()), now);
    let forged =
        alice_writes.seal_group(rng, id, only_old, &Content::from(Kind::Group(forged)), now);
    println!("a forged change: {}", forged.unwrap_err());
    Ok(())
}
