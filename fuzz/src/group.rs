//! Closed groups as state. What the fuzzer gives is signed or sealed with the group's key, so that it
//! gets past that to what an admin who does not keep to the rules could have stored.

use std::sync::Arc;

use session_config::group::{Group, Incoming, Invitee, Keys, NewGroup, RemoveMessages};
use session_crypto::Ed25519Secret;
use session_crypto::multi::Party;
use session_message::kicked::DOMAIN;
use session_message::{Opener, multi};
use session_types::{AccountId, Namespace, UnixMillis};

use crate::input::{Input, account, group, rng};

#[allow(missing_docs, dead_code, unreachable_pub, clippy::all)]
#[path = "../../session-config/tests/support/swarm.rs"]
mod net;

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

/// A key message, as it is and signed: read by an admin and by a member, whose state can be saved.
pub fn key_message(data: &[u8]) {
    let (secret, id) = group();
    let open = data.strip_suffix(b"e").unwrap_or(data);
    let signature = secret.sign(open);
    let signed = [open, b"1:~64:", signature.as_bytes(), b"e"].concat();
    for admin in [None, Some(&secret)] {
        let me = Arc::new(account(1));
        let mut keys = Keys::new(Arc::clone(&me), id, admin).expect("the group's own key");
        for message in [data, &signed] {
            let before = keys.dump();
            match keys.load("name", message, NOW) {
                Ok(loaded) => assert!(!loaded.found || keys.count() > 0),
                Err(_) => assert_eq!(*keys.dump(), *before),
            }
        }
        let dump = keys.dump();
        let mut again = Keys::load_dump(me, id, admin, &dump).expect("what we write we read");
        assert_eq!(*again.dump(), *dump);
        assert!(keys.has_same_keys(&again));
    }
}

/// A notice of removal: as it is, and as the entry for us of a notice that the group has sealed.
pub fn notice(data: &[u8]) {
    let (secret, id) = group();
    let me = account(1);
    let opener = Opener::new(&me);
    let _ = opener.open_removal(&id, 3, data);
    let sender = secret.to_x25519();
    let party = Party::new(&sender, DOMAIN);
    let recipients = [me.id().x25519()];
    let sealed = multi::seal(&mut rng(), &party, &[7; 24], &recipients, &[data], multi::Junk::None);
    let sealed = sealed.expect("one recipient");
    if let Ok(generation) = opener.open_removal(&id, 3, &sealed) {
        assert!(generation >= 3 && data.starts_with(me.id().key_bytes()));
    }
}

fn stranger(number: u8) -> AccountId {
    *account(100 | number).id()
}

/// Two admins of a group, who do what the fuzzer says and hear of each other when it says so, agree.
pub fn two_admins(data: &[u8]) {
    let mut input = Input::new(data);
    let net = &mut net::Net::new(7);
    let secret = Ed25519Secret::from_seed(&[9; 32]);
    let new = NewGroup { name: "Hikers", ..NewGroup::default() };
    let one = Group::create(Arc::new(account(1)), &secret, &new, net.at());
    let mut one = net::Device::with(one.expect("a name and no members"));
    one.work(net, 9);
    let seed = session_message::content::GroupSeed::from_bytes(secret.expose_seed());
    let two = Group::promoted(Arc::new(account(2)), &seed, "Hikers").expect("a valid seed");
    let mut admins = [one, net::Device::with(two)];
    admins.iter_mut().for_each(|admin| admin.sync(net));
    for _ in 0..24 {
        if input.is_empty() {
            break;
        }
        let (what, which) = (input.byte(), input.byte() % 8);
        let admin = &mut admins[usize::from(what & 1)];
        net.now += 1000;
        let id = stranger(which);
        // What cannot be done is refused, and changes nothing.
        let _ = match (what >> 1) % 8 {
            0 => admin.group().invite(&[Invitee::new(id, "")], which > 3),
            1 => admin.group().remove(&[id], RemoveMessages::No),
            2 => admin.group().remove(&[id], RemoveMessages::Yes),
            3 => admin.group().rename(&format!("Name {which}")),
            4 => admin.group().set_timer(u32::from(which)),
            5 => {
                admin.work(net, usize::from(which));
                Ok(())
            }
            6 => {
                admin.fetch(net);
                Ok(())
            }
            _ => {
                admin.restart(net);
                Ok(())
            }
        };
    }
    for _ in 0..8 {
        admins.iter_mut().for_each(|admin| admin.sync(net));
    }
    let [one, two] = admins.map(|admin| admin.group.expect("an admin has the group"));
    assert_eq!(one.info().data(), two.info().data());
    assert_eq!(one.members().data(), two.members().data());
    let ids: Vec<_> = one.members().iter().map(|member| member.id).collect();
    assert!(one.keys().is_for(&ids) && two.keys().is_for(&ids));
    let incoming = Incoming { hash: "data", data, stored_at: NOW };
    let mut one = one;
    for namespace in Group::NAMESPACES {
        one.receive(namespace, &[incoming], NOW);
    }
    let _ = one.open(&Incoming { hash: "text", data, stored_at: NOW });
    assert_eq!(one.members().namespace(), Some(Namespace::GROUP_MEMBERS));
}
