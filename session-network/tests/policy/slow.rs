//! What is slow: another attempt beside it.

use session_types::GroupId;

use crate::world::*;

fn patient() -> Config {
    let mut config = config();
    config.path.paths = 2;
    config.patience = Duration::from_secs(2);
    config.attempts = 4;
    config
}

#[test]
fn a_slow_attempt_gets_one_other_beside_it_and_the_first_answer_counts() {
    let mut world = World::new(30, patient());
    let id = world.client.request(Target::AnyNode, Info, world.now);
    let first = world.attempts().pop().unwrap();
    world.pass(Duration::from_millis(1_999));
    assert!(world.posts().is_empty());
    world.pass(Duration::from_millis(1));
    let second = world.attempts();
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].hops[0], first.hops[0], "on another path");
    assert_ne!(second[0].destination, first.destination, "to another node");
    world.pass(Duration::from_secs(2));
    assert!(world.attempts().is_empty(), "two at once are enough");
    world.succeed(&first);
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert!(events[0].request == id && events[0].result.is_ok());
    // The late one counts for its path and is no second event.
    world.succeed(&second[0]);
    assert!(world.events().is_empty());
}

#[test]
fn a_member_that_does_not_answer_is_asked_last_by_the_next_request() {
    let mut world = World::new(30, patient());
    let account = AnyId::from(GroupId::from_ed25519(&secret(77).public()));
    let request = |world: &mut World| {
        let retrieve = Retrieve::new(account, Namespace::GROUP_INFO);
        let retrieve = retrieve.sign(UnixMillis::new(START), &Signer::group(&secret(77)));
        world
            .client
            .request(Target::SwarmOf(account), retrieve, world.now)
    };
    request(&mut world);
    let dead = world.attempts().pop().unwrap();
    world.pass(Duration::from_secs(2));
    // Its path works, as the test of it shows.
    for sent in world.sends() {
        if matches!(sent.purpose, PostPurpose::Upkeep { .. }) {
            world.succeed(&sent);
        }
    }
    let key = dead.destination.ed25519;
    assert!(world.is_avoided(&key) && !world.is_out(&key));
    for _ in 0..40 {
        request(&mut world);
        let asked = world.attempts();
        assert!(asked.iter().all(|sent| sent.destination.ed25519 != key));
    }
    let last = world.members(&account).pop().unwrap();
    assert_eq!(last.ed25519, key);
    // For an hour.
    world.pass(MINUTE * 60);
    assert!(!world.is_avoided(&key));
}
