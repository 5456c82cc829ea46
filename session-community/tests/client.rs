//! How a client chooses its id, reads the answers to moderators, and refuses those to other requests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::time::Duration;

use serde_json::{Value, json};
use session_community::auth::Accepted;
use session_community::http::{Request, Response};
use session_community::poll::State;
use session_community::rate::RateLimit;
use session_community::reply::{self, Capabilities, Permissions};
use session_community::request::moderation::{self, PermissionChange, Role, Scope};
use session_community::request::{self, inbox};
use session_community::server::Room;
use session_community::{IdChoice, ReplyError, Signer};
use session_crypto::Blinding;
use session_types::AnyId;

#[path = "support/world.rs"]
mod world;
use world::{NOW, World, account, blinded, key, ok, token};

const UNBLINDED: IdChoice = IdChoice::Unblinded;
const BLINDED_15: IdChoice = IdChoice::Blinded(Blinding::Blind15);
const BLINDED_25: IdChoice = IdChoice::Blinded(Blinding::Blind25);

/// The id with which a server of this kind first takes a request.
fn settled(accepted: Accepted, is_hidden: bool) -> IdChoice {
    let account = account(1);
    let mut world = World::new();
    world.config.accepted = accepted;
    let capabilities =
        Capabilities::from_reply(&world.anonymous(request::capabilities(&[]))).unwrap();
    let mut choice = IdChoice::first(&capabilities, is_hidden);
    loop {
        let signer = choice.signer(&account, &key()).unwrap();
        let reply = world.ask(&signer, request::room(&token()));
        match choice.after(&reply, &capabilities) {
            Some(next) => choice = next,
            None => {
                assert_eq!(reply.status, 200);
                return choice;
            }
        }
    }
}

#[test]
fn the_id_follows_from_the_capabilities_and_the_refusals() {
    for (accepted, open, hidden) in [
        (Accepted::Any15, UNBLINDED, BLINDED_15),
        (Accepted::Blinded15, BLINDED_15, BLINDED_15),
        (Accepted::Any25, UNBLINDED, BLINDED_15),
        (Accepted::Blinded25, BLINDED_25, BLINDED_25),
    ] {
        assert_eq!(settled(accepted, false), open, "{accepted:?}");
        assert_eq!(settled(accepted, true), hidden, "{accepted:?}");
    }
}

#[test]
fn the_id_does_not_change_for_other_refusals() {
    let capabilities = |list: Value| {
        Capabilities::from_reply(&ok(&json!({ "capabilities": list }).to_string())).unwrap()
    };
    let newest = capabilities(json!(["blind", "blind25", "sogs"]));
    let older = capabilities(json!(["blind", "sogs"]));
    let text = "Invalid authentication: this server requires the use of blinded ids";
    let about_ids = Response::new(400, "text/plain", text);
    assert_eq!(BLINDED_15.after(&about_ids, &newest), Some(BLINDED_25));
    assert_eq!(BLINDED_15.after(&about_ids, &older), None);
    assert_eq!(BLINDED_25.after(&about_ids, &newest), None);
    assert_eq!(UNBLINDED.after(&about_ids, &older), Some(BLINDED_15));
    for (status, text) in [(400, "X-SOGS-Nonce"), (403, text), (200, text), (400, "")] {
        let reply = Response::new(status, "text/plain", text);
        assert_eq!(BLINDED_15.after(&reply, &newest), None, "{status} {text}");
    }
}

/// Polls, and gives the reply to `report` as `change` makes it.
fn polled(
    world: &mut World,
    state: &mut State,
    signer: &Signer<'_>,
    change: impl FnOnce(&mut Vec<Value>),
) -> session_community::poll::Update {
    let (request, poll) = state.poll(true);
    let reply = world.ask(signer, request);
    let mut parts: Vec<Value> = serde_json::from_slice(&reply.body).unwrap();
    change(&mut parts);
    state
        .report(poll, &ok(&Value::from(parts).to_string()))
        .unwrap()
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let (alice, bob) = (account(1), account(2));
    let (alice, bob) = (blinded(&alice), blinded(&bob));
    let mut world = World::new();
    let mut state = State::default();
    state.join(token());
    state.join("quiet".parse().unwrap());
    world.ask(&bob, request::rooms());
    world.post(&alice, b"one");
    let send = |world: &mut World| {
        let sent = world.ask(&alice, inbox::send(&bob.public_id(), b"sealed"));
        assert_eq!(sent.status, 201);
    };
    send(&mut world);
    let first = polled(&mut world, &mut state, &bob, |_| {});
    assert_eq!(first.rooms[0].changes.as_ref().unwrap().len(), 1);
    let before = state.clone();

    // The parts: capabilities, two of each room, inbox, outbox. Information of the other room.
    let other = polled(&mut world, &mut state, &bob, |parts| parts.swap(1, 3));
    for room in &other.rooms {
        assert_eq!(room.info, Err(ReplyError::OtherRequest));
    }
    assert_eq!(state, before);

    // Posts and messages that were answered before, as a replayed answer has them.
    world.post(&alice, b"two");
    send(&mut world);
    let (request, poll) = state.poll(true);
    let reply = world.ask(&bob, request);
    let update = state.report(poll.clone(), &reply).unwrap();
    assert_eq!(update.rooms[0].changes.as_ref().unwrap().len(), 1);
    let now = state.clone();
    let (_, later) = state.poll(true);
    let replayed = state.report(later, &reply).unwrap();
    assert_eq!(replayed.rooms[0].changes, Err(ReplyError::OtherRequest));
    assert_eq!(replayed.inbox, Some(Err(ReplyError::OtherRequest)));
    assert_eq!(state, now);
    // An answer with more or fewer parts is of another request as a whole.
    let (_, later) = state.poll(false);
    let error = state.report(later, &reply);
    assert!(matches!(error, Err(ReplyError::Count { .. })), "{error:?}");
    assert_eq!(state, now);
}

#[test]
fn answers_to_moderators_are_read() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let id = user.public_id();
    let mut world = World::new();
    world.make_admin(&admin);
    let minute = Duration::from_secs(60);
    let change = PermissionChange {
        write: Some(false),
        ..PermissionChange::default()
    };

    let reply = world.ask(
        &admin,
        moderation::set_permissions(&token(), &id, change, &[]),
    );
    let expected = Permissions {
        write: Some(false),
        ..Permissions::default()
    };
    assert_eq!(reply::permissions(&reply), Ok(expected));
    let reply = world.ask(&admin, moderation::permissions(&token(), Some(&id)));
    assert_eq!(reply::permissions(&reply), Ok(expected));
    let all = world.ask(&admin, moderation::permissions(&token(), None));
    let all = reply::all_permissions(&all).unwrap();
    assert_eq!(all[&id], expected);
    assert!(all[&admin.public_id()].admin && !all[&admin.public_id()].moderator);
    let reset = moderation::set_permissions(&token(), &id, PermissionChange::default(), &["write"]);
    let reply = world.ask(&admin, reset);
    assert_eq!(reply::permissions(&reply), Ok(Permissions::default()));

    let schedule = moderation::schedule_permissions(&token(), &id, change, minute);
    let reply = world.ask(&admin, schedule);
    let own = reply::scheduled(&reply).unwrap();
    assert_eq!((own[0].user, own[0].write), (None, Some(false)));
    assert_eq!(own[0].at, NOW.saturating_add(minute));
    let all = world.ask(&admin, moderation::future_permissions(&token(), None));
    assert_eq!(reply::scheduled(&all).unwrap()[0].user, Some(id));

    let rooms = [token()];
    let role = moderation::set_role(&id, Scope::Rooms(&rooms), Role::Moderator, None);
    let updates = reply::room_updates(&world.ask(&admin, role)).unwrap();
    assert_eq!(updates.keys().collect::<Vec<_>>(), ["lounge"]);

    let posts = [world.post(&user, b"one"), world.post(&user, b"two")];
    for post in posts {
        world.ask(&admin, moderation::pin(&token(), post));
    }
    let one = reply::unpinned(&world.ask(&admin, moderation::unpin(&token(), posts[0])));
    let again = reply::unpinned(&world.ask(&admin, moderation::unpin(&token(), posts[0])));
    let all = reply::unpinned(&world.ask(&admin, moderation::unpin_all(&token())));
    let counts = [one, again, all].map(|reply| reply.unwrap().count);
    assert_eq!(counts, [1, 0, 1]);

    let emoji = "🍕".parse().unwrap();
    let reacted = world.ask(&user, request::react(&token(), posts[1], &emoji));
    let before = reply::reacted(&reacted).unwrap().seqno;
    let removed = moderation::delete_reactions(&token(), posts[1], None);
    let removed = reply::reactions_removed(&world.ask(&admin, removed)).unwrap();
    assert_eq!((removed.count, removed.seqno > before), (1, true));

    let deleted = world.ask(&admin, moderation::delete_everywhere(&id));
    let deleted = reply::deleted_everywhere(&deleted).unwrap();
    assert_eq!(
        deleted.into_iter().collect::<Vec<_>>(),
        [("lounge".to_owned(), 2)]
    );

    world.ask(&user, inbox::send(&admin.public_id(), b"sealed"));
    let emptied = world.ask(&admin, inbox::delete_all());
    assert_eq!(reply::inbox_deleted(&emptied), Ok(1));
}

#[test]
fn answers_to_moderators_of_every_wrong_shape_are_refused() {
    let id = "15".repeat(33);
    for body in [
        "".to_owned(),
        "null".to_owned(),
        "1".to_owned(),
        "[1]".to_owned(),
        "[[]]".to_owned(),
        "[{}]".to_owned(),
        r#"{"read":1}"#.to_owned(),
        r#"{"banned":[]}"#.to_owned(),
        r#"{"nobody":{}}"#.to_owned(),
        format!(r#"{{"{id}":[]}}"#),
        format!(r#"{{"{id}":{{"admin":"x"}}}}"#),
        r#"[{"at":"1"}]"#.to_owned(),
        r#"[{"at":-1}]"#.to_owned(),
        r#"[{"at":1,"session_id":"05"}]"#.to_owned(),
        r#"{"unpinned":-1,"info_updates":1}"#.to_owned(),
        r#"{"unpinned":null,"info_updates":1}"#.to_owned(),
        r#"{"removed":true,"seqno":1}"#.to_owned(),
        r#"{"rooms":[]}"#.to_owned(),
        r#"{"deleted":"1"}"#.to_owned(),
    ] {
        let reply = ok(&body);
        // Settings may all be absent, so an object that names none of them is one without any.
        let has_settings = body.contains("read") || body.contains("banned");
        let is_object = body.starts_with('{');
        assert_eq!(
            reply::permissions(&reply).is_err(),
            has_settings || !is_object,
            "{body}"
        );
        assert!(reply::all_permissions(&reply).is_err(), "{body}");
        assert!(reply::scheduled(&reply).is_err(), "{body}");
        assert!(reply::unpinned(&reply).is_err(), "{body}");
        assert!(reply::reactions_removed(&reply).is_err(), "{body}");
        assert!(reply::deleted_everywhere(&reply).is_err(), "{body}");
        assert!(reply::inbox_deleted(&reply).is_err(), "{body}");
    }
}

#[test]
fn a_client_that_counts_its_posts_meets_no_rate_limit() {
    let account = account(1);
    let signer = blinded(&account);
    let mut world = World::new();
    let mut limit = RateLimit::default();
    for _ in 0..20 {
        // One moment earlier is too early.
        let next = limit.next_at(world.now);
        if next > world.now {
            world.now = next.saturating_sub(Duration::from_millis(1));
            let post = session_community::post::NewPost::new(vec![1], &signer, &mut world.rng);
            let reply = world.ask(&signer, request::send(&token(), &post));
            assert_eq!(reply::posted(&reply), Err(ReplyError::RateLimited));
            world.now = next;
        }
        world.post(&signer, b"hello");
        limit.posted(world.now);
    }
    assert_eq!(world.now, NOW.saturating_add(Duration::from_secs(48)));
}

#[test]
fn a_known_account_is_found_behind_its_blinded_id() {
    use session_identity::blinded::AccountIdExt;

    let accounts = [1, 2, 3].map(account);
    let mut world = World::new();
    for (number, account) in accounts.iter().enumerate() {
        world.post(&blinded(account), &[number.try_into().unwrap()]);
    }
    let reader = account(9);
    let posts = request::posts(&token(), request::Posts::Recent, None, None);
    let posts = reply::messages(&world.ask(&blinded(&reader), posts)).unwrap();
    for (change, account) in posts.into_iter().rev().zip(&accounts) {
        let reply::Change::Posted { message, .. } = change else {
            panic!("{change:?}");
        };
        let found: Vec<AnyId> = accounts
            .iter()
            .filter(|known| known.id().matches(&message.author, &key()).unwrap())
            .map(|known| (*known.id()).into())
            .collect();
        assert_eq!(found, [AnyId::from(*account.id())]);
    }
}

#[test]
fn rooms_that_a_user_may_not_see_are_not_listed() {
    let account = account(1);
    let user = blinded(&account);
    let mut world = World::new();
    let mut hidden = Room::new("secret", "Secret", NOW);
    hidden.defaults.read = false;
    hidden.defaults.accessible = false;
    session_community::server::Store::put_room(&mut world.store, &hidden).unwrap();
    let listed = reply::rooms(&world.ask(&user, request::rooms())).unwrap();
    let tokens: Vec<&str> = listed.iter().map(|room| room.token.as_str()).collect();
    assert_eq!(tokens, ["lounge", "quiet"]);
    let asked: Request = request::room(&"secret".parse().unwrap());
    assert_eq!(
        reply::room(&world.ask(&user, asked)),
        Err(ReplyError::NotFound)
    );
}
