//! What the client refuses of replies, and what the server refuses of requests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use session_community::auth::{self, Accepted, AuthError, Claim};
use session_community::http::{LengthError, Method, Request, Response};
use session_community::poll::State;
use session_community::post::NewPost;
use session_community::reply::{self, Change};
use session_community::request::moderation::{self, PermissionChange, Role, Scope};
use session_community::request::{self, Posts, batch, inbox};
use session_community::server::{self, Store, User};
use session_community::{ReplyError, Signer};
use session_crypto::{Blinding, X25519Public};
use session_identity::{Account, Seed};
use session_types::{UnixMillis, base64};

#[path = "support/world.rs"]
mod world;
use world::{NOW, World, account, blinded, key, ok, token};

#[test]
fn replies_of_every_wrong_shape_are_refused() {
    for body in [
        "",
        "null",
        "1",
        "\"a\"",
        "{",
        "[1]",
        "[[]]",
        "[{}]",
        "{}",
        r#"{"token":1}"#,
        r#"{"id":-1}"#,
        r#"{"id":"1"}"#,
        r#"{"capabilities":1}"#,
        r#"{"info_updates":-1}"#,
        r#"{"seqno":1}"#,
        r#"[["15",1]]"#,
        r#"{"id":1,"seqno":1,"data":null}"#,
        r#"{"id":1,"seqno":1,"data":"*"}"#,
        r#"{"id":1,"seqno":1,"data":"AA==","session_id":"15","posted":1}"#,
        r#"{"id":1,"posted_at":1e300,"expires_at":1,"sender":"","recipient":""}"#,
    ] {
        let reply = ok(body);
        assert!(reply::room(&reply).is_err(), "{body}");
        assert!(reply::rooms(&reply).is_err(), "{body}");
        assert!(reply::poll_info(&reply).is_err(), "{body}");
        assert!(
            reply::message(&reply).is_err() || body.contains(r#""seqno":1}"#),
            "{body}"
        );
        assert!(reply::posted(&reply).is_err(), "{body}");
        assert!(reply::reacted(&reply).is_err(), "{body}");
        assert!(reply::reactors(&reply).is_err(), "{body}");
        assert!(reply::inbox(&reply).is_err(), "{body}");
        assert!(reply::inbox_sent(&reply).is_err(), "{body}");
        assert!(reply::batch(&reply, 1).is_err(), "{body}");
        assert!(reply::Capabilities::from_reply(&reply).is_err(), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(reply::messages(&ok(&deep)), Err(ReplyError::Json));
}

#[test]
fn large_announcements_redirects_and_statuses_are_errors() {
    let large = ok("[]").with_header("Content-Length", "100000000");
    assert!(matches!(
        reply::rooms(&large),
        Err(ReplyError::Length(LengthError::TooLong { .. }))
    ));
    assert!(matches!(reply::file(large), Err(ReplyError::Length(_))));
    let body = Response::new(200, "a/b", vec![0; 10_000_001]);
    assert!(matches!(reply::file(body), Err(ReplyError::Length(_))));
    for (status, error) in [
        (301, ReplyError::Redirect { status: 301 }),
        (400, ReplyError::BadRequest),
        (401, ReplyError::NotAuthenticated),
        (403, ReplyError::Forbidden),
        (404, ReplyError::NotFound),
        (425, ReplyError::ClockOrNonce),
        (429, ReplyError::RateLimited),
        (500, ReplyError::Status { status: 500 }),
    ] {
        assert_eq!(reply::done(&Response::new(status, "a/b", "[]")), Err(error));
    }
    assert_eq!(reply::inbox(&Response::new(304, "a/b", "")), Ok(Vec::new()));
    assert!(reply::rooms(&Response::new(304, "a/b", "")).is_err());
}

#[test]
fn a_post_with_a_wrong_signature_is_shown_as_such_and_loses_no_other() {
    let (alice, bob) = (account(1), account(2));
    let (alice, bob) = (blinded(&alice), blinded(&bob));
    let mut world = World::new();
    world.post(&alice, b"good");
    // Bob sends what Alice signed, and something that nobody signed.
    let mut stolen = NewPost::new(b"stolen".to_vec(), &alice, &mut world.rng);
    world.ask(&bob, request::send(&token(), &stolen));
    stolen.signature = [7; 64].into();
    world.ask(&bob, request::send(&token(), &stolen));
    let recent = request::posts(&token(), Posts::Recent, None, None);
    let reply = world.ask(&alice, recent);
    let verified: Vec<bool> = reply::messages(&reply)
        .unwrap()
        .into_iter()
        .map(|change| match change {
            Change::Posted { message, .. } => message.is_verified,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(verified, [false, false, true]);

    let mut list: Vec<Value> = serde_json::from_slice(&reply.body).unwrap();
    list[0]["session_id"] = json!("nobody");
    list[1]["signature"] = json!("short");
    let changes = reply::messages(&ok(&Value::from(list).to_string())).unwrap();
    assert_eq!(changes[0], Change::Malformed { seqno: Some(3) });
    assert!(matches!(&changes[1], Change::Posted { message, .. } if message.signature.is_none()));
    assert!(matches!(&changes[2], Change::Posted { message, .. } if message.is_verified));
}

#[test]
fn all_three_kinds_of_ids_sign_requests_and_posts() {
    for (accepted, number) in [
        (Accepted::Any15, 2),
        (Accepted::Any25, 3),
        (Accepted::Blinded25, 1),
    ] {
        let account = account(number + 10);
        let mut world = World::new();
        world.config.accepted = accepted;
        let signers = [
            Signer::unblinded(&account, &key()),
            Signer::blinded(Blinding::Blind15, &account, &key()).unwrap(),
            Signer::blinded(Blinding::Blind25, &account, &key()).unwrap(),
        ];
        let mut accepted = 0;
        for signer in &signers {
            let post = NewPost::new(b"data".to_vec(), signer, &mut world.rng);
            let reply = world.ask(signer, request::send(&token(), &post));
            if let Ok(message) = reply::posted(&reply) {
                assert!(message.is_verified && message.author == signer.public_id());
                accepted += 1;
            }
        }
        assert_eq!(accepted, number);
    }
}

#[test]
fn headers_are_checked_in_the_order_of_the_server() {
    let account = account(1);
    let signer = blinded(&account);
    let signed = auth::sign(request::rooms(), &signer, &[1; 16], NOW);
    let check = |request: &Request, accepted| {
        Claim::read(request, accepted, NOW).and_then(|claim| match claim {
            Some(claim) => claim.verify(request, &key()),
            None => Err(AuthError::Required),
        })
    };
    assert_eq!(check(&signed, Accepted::Blinded15), Ok(()));
    assert_eq!(
        check(&request::rooms(), Accepted::Blinded15),
        Err(AuthError::Required)
    );
    let set = |name: &str, value: &str| {
        let mut request = signed.clone();
        request.headers.retain(|(known, _)| known != name);
        request.with_header(name, value)
    };
    let id = |prefix: &str| set(auth::PUBKEY, &(prefix.to_owned() + &"02".repeat(32)));
    let unblinded = auth::sign(
        request::rooms(),
        &Signer::unblinded(&account, &key()),
        &[1; 16],
        NOW,
    );
    for (request, accepted, error) in [
        (
            set(auth::NONCE, ""),
            Accepted::Blinded15,
            AuthError::Missing { missing: 1 },
        ),
        (
            set(auth::PUBKEY, "15"),
            Accepted::Blinded15,
            AuthError::Pubkey,
        ),
        (id("25"), Accepted::Blinded15, AuthError::Prefix15),
        (id("05"), Accepted::Blinded25, AuthError::Prefix25),
        (id("15"), Accepted::Blinded15, AuthError::Key),
        (unblinded, Accepted::Blinded15, AuthError::NotBlinded),
        (signed.clone(), Accepted::Blinded25, AuthError::NotBlinded),
        (
            set(auth::NONCE, &base64::encode([1; 15])),
            Accepted::Blinded15,
            AuthError::Nonce,
        ),
        (
            set(auth::NONCE, &base64::encode([1; 17])),
            Accepted::Blinded15,
            AuthError::Nonce,
        ),
        (
            set(auth::NONCE, "AQEBAQEBAQEBAQEBAQEBAQ="),
            Accepted::Blinded15,
            AuthError::Nonce,
        ),
        (
            set(auth::SIGNATURE, "AAAA"),
            Accepted::Blinded15,
            AuthError::SignatureText,
        ),
        (
            set(auth::TIMESTAMP, "12a"),
            Accepted::Blinded15,
            AuthError::Timestamp,
        ),
        (
            set(auth::TIMESTAMP, "+1795799770"),
            Accepted::Blinded15,
            AuthError::Timestamp,
        ),
        (
            set(auth::TIMESTAMP, "1795713369"),
            Accepted::Blinded15,
            AuthError::Clock,
        ),
        (
            set(auth::TIMESTAMP, "1795886171"),
            Accepted::Blinded15,
            AuthError::Clock,
        ),
        (
            set(auth::TIMESTAMP, "1795799771"),
            Accepted::Blinded15,
            AuthError::Signature,
        ),
        (
            set(auth::NONCE, &base64::encode([2; 16])),
            Accepted::Blinded15,
            AuthError::Signature,
        ),
    ] {
        assert_eq!(check(&request, accepted), Err(error), "{request:?}");
    }
    for change in [
        |request: &mut Request| request.path.push_str("?a=b"),
        |request: &mut Request| request.method = Method::Post,
        |request: &mut Request| request.body.push(1),
    ] {
        let mut request = signed.clone();
        change(&mut request);
        assert_eq!(
            check(&request, Accepted::Blinded15),
            Err(AuthError::Signature)
        );
    }
    // Another server's key.
    let other = Claim::read(&signed, Accepted::Any15, NOW).unwrap().unwrap();
    let server = X25519Public::from_bytes([9; 32]);
    assert_eq!(other.verify(&signed, &server), Err(AuthError::Signature));
}

/// The vectors of the protocol: community, section 10, C1 and C2, with C7.
#[test]
fn requests_are_signed_as_other_clients_sign_them() {
    let hex32 = |text: &str| session_types::hex::decode::<32>(text).unwrap();
    let seed = hex32("c010d89eccbaf5d1c6d19df766c6eedf965d4a28a56f87c9fc819edb59896dd9");
    let server = hex32("c3b3c6f32f0ab5a57f853cc4f30f5da7fda5624b0c77b3fb0829de562ada081d");
    let nonce = session_types::hex::decode("09d0799f2295990182c3ab3406fbfc5b").unwrap();
    let account = Account::from_seed(&Seed::from_full(&seed));
    let server = X25519Public::from_bytes(server);
    let now = UnixMillis::from_secs(1_642_472_103);
    let signers = [
        Signer::blinded(Blinding::Blind15, &account, &server).unwrap(),
        Signer::blinded(Blinding::Blind25, &account, &server).unwrap(),
        Signer::unblinded(&account, &server),
    ];
    let ids = [
        "1598932d4bccbe595a8789d7eb1629cefc483a0eaddc7e20e8fe5c771efafd9af5",
        "25c0a17a5594f3708414f61a76517ddb02a97d07e715c4225188977990fc6283f0",
        "00bac6e71efd7dfa4a83c98ed24f254ab2c267f9ccdb172a5280a0444ad24e89cc",
    ];
    let signatures = [
        [
            "gYqpWZX6fnF4Gb2xQM3xaXs0WIYEI49+B8q4mUUEg8Rw0ObaHUWfoWjMHMArAtP9QlORfiydsKWz1o6zdPVeCQ==",
            "hZCg5pEoy9t98umaY6fNarzcLP5UKUF8chz5mIjwwrRIQLy1kinRoYcNPdFOpJu8heA0val4viymXRTp1DGeBg==",
        ],
        [
            "Kv7njiognqYT1eijGkRbthVXAVZU4Tw62XDnG1yeISyE1fbSj7QdW7F6OIuIHvlrBJ+TEPjdxpvfp24sIZtDBA==",
            "SFIJIThDYQpmwr6roqZ2yLoCoybzbOIkV+IkNZYpqDV0BfxSmtqIXpwWzLJl461ETp5CqxAPgXSsN06K/C5KCg==",
        ],
        [
            "xxLpXHbomAJMB9AtGMyqvBsXrdd2040y+Ol/IKzElWfKJa3EYZRv1GLO6CTLhrDFUwVQe8PPltyGs54Kd7O5Cg==",
            "uumZNee7NUb0lVufegjzgjjnj4pe3kAe6OYw7iVTJrcxxxdIxUCgt5/xliBWqPlgY6ReUZRAuptNa4nprv7nCA==",
        ],
    ];
    for ((signer, id), signatures) in signers.iter().zip(ids).zip(signatures) {
        for (body, signature) in [
            (&b""[..], signatures[0]),
            ("hello 🎂".as_bytes(), signatures[1]),
        ] {
            let mut request = Request::get("/room/the-best-room/messages/recent?limit=25");
            request.body = body.to_vec();
            let signed = auth::sign(request, signer, &nonce, now);
            assert_eq!(signed.header(auth::PUBKEY), Some(id));
            assert_eq!(signed.header(auth::NONCE), Some("CdB5nyKVmQGCw6s0Bvv8Ww=="));
            assert_eq!(signed.header(auth::SIGNATURE), Some(signature));
            let claim = Claim::read(&signed, Accepted::Any25, now).unwrap().unwrap();
            assert_eq!(claim.verify(&signed, &server), Ok(()));
        }
    }
}

#[test]
fn nonces_are_spent_by_wrong_signatures_too_and_banned_users_come_first() {
    let account = account(1);
    let signer = blinded(&account);
    let mut world = World::new();
    let good = auth::sign(request::rooms(), &signer, &[1; 16], NOW);
    let mut bad = good.clone();
    bad.path.push_str("?x=y");
    assert_eq!(world.anonymous(bad).status, 401);
    assert_eq!(world.anonymous(good).status, 425);

    let id = signer.public_id();
    let banned = User {
        banned: true,
        ..User::default()
    };
    world.store.put_user(&id, &banned).unwrap();
    let mut forged = auth::sign(request::rooms(), &signer, &[2; 16], NOW);
    forged.path.push_str("?x=y");
    let reply = world.anonymous(forged);
    assert_eq!((reply.status, reply.body.as_slice()), (403, &b"Banned"[..]));
}

#[test]
fn a_banned_user_of_a_room_comes_back_when_the_time_is_over() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let mut world = World::new();
    world.make_admin(&admin);
    world.post(&user, b"spam");
    let rooms = [token()];
    let scope = Scope::Rooms(&rooms);
    let minute = Duration::from_secs(60);
    let ban = moderation::ban(&user.public_id(), scope, Some(minute));
    let all = moderation::delete_all_of(&token(), &user.public_id());
    let reply = world.ask(&admin, batch::sequence(&[ban, all]));
    let replies = reply::batch(&reply, 2).unwrap();
    assert!(replies.iter().all(Response::is_success));
    let recent = || request::posts(&token(), Posts::Recent, None, None);
    assert_eq!(world.ask(&user, recent()).status, 403);
    assert_eq!(world.ask(&user, request::room(&token())).status, 404);
    // Moderators cannot be banned.
    let ban = moderation::ban(&admin.public_id(), scope, None);
    assert_eq!(world.ask(&admin, ban).status, 403);

    world.now = NOW.saturating_add(minute);
    server::apply_scheduled(&mut world.store, world.now).unwrap();
    let reply = world.ask(&user, recent());
    assert_eq!(reply::messages(&reply), Ok(Vec::new()));
}

#[test]
fn paths_and_bodies_of_every_wrong_shape_are_refused() {
    let account = account(1);
    let signer = blinded(&account);
    let mut world = World::new();
    world.make_admin(&signer);
    let user = signer.public_id();
    for path in [
        "rooms",
        "/",
        "/rooms/",
        "/room/none",
        "/room/lounge/../quiet",
        "/room/lounge/message/x",
        "/room/lounge/message/-1",
        "/room/%ff",
        "/room/lounge/file/1/../../x",
        "/inbox/since/x",
    ] {
        let status = world.ask(&signer, Request::get(path)).status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    let bodies = [
        "",
        "null",
        "1",
        "[]",
        "{",
        "{\"data\":1}",
        "{\"rooms\":1}",
        "{\"rooms\":[1]}",
        "{\"moderator\":1,\"rooms\":[\"lounge\"]}",
        "{\"global\":true,\"rooms\":[\"lounge\"],\"moderator\":true}",
    ];
    for body in bodies {
        for (method, path) in [
            (Method::Post, "/room/lounge/message".to_owned()),
            (Method::Put, "/room/lounge".to_owned()),
            (Method::Post, format!("/user/{user}/ban")),
            (Method::Post, format!("/user/{user}/moderator")),
            (
                Method::Post,
                format!("/room/lounge/futurePermissions/{user}"),
            ),
            (Method::Post, format!("/inbox/{user}")),
            (Method::Post, "/batch".to_owned()),
        ] {
            let is_ban = body.starts_with("{\"moderator\"") && path.ends_with("/ban");
            if body == "[]" && path == "/batch" || is_ban {
                continue;
            }
            let request = Request::new(method, path.as_str());
            let request = request.with_body("application/json", body.as_bytes().to_vec());
            assert_eq!(world.ask(&signer, request).status, 400, "{path} {body}");
        }
    }
    let deep = vec![b'['; 50_000];
    let request = Request::new(Method::Post, "/batch").with_body("application/json", deep);
    assert_eq!(world.ask(&signer, request).status, 400);
    // A batch inside of a batch is none.
    let inner = batch::batch(&[batch::batch(&[])]);
    let reply = world.ask(&signer, inner);
    assert_eq!(reply::batch(&reply, 1).unwrap()[0].status, 404);
}

#[test]
fn oversized_files_and_those_of_users_without_permission_are_refused() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let mut world = World::new();
    world.make_admin(&admin);
    world.config.max_file = 3;
    let upload = |size| request::upload(&token(), Some("../a b"), vec![1; size]).unwrap();
    assert_eq!(world.ask(&user, upload(4)).status, 413);
    let id = reply::uploaded(&world.ask(&user, upload(3))).unwrap();
    let reply = world.ask(&user, request::download(&token(), id));
    // A name is never a path.
    let disposition = reply.header("content-disposition").unwrap();
    assert!(disposition.ends_with("''.._a%20b"), "{disposition}");
    assert!(reply::file(reply).unwrap().expires.is_some());

    // A file that no post names is gone after an hour.
    world.now = NOW.saturating_add(Duration::from_secs(3600));
    assert_eq!(
        world.ask(&user, request::download(&token(), id)).status,
        404
    );
    let change = PermissionChange {
        upload: Some(false),
        ..PermissionChange::default()
    };
    let request = moderation::set_permissions(&token(), &user.public_id(), change, &[]);
    assert_eq!(world.ask(&admin, request).status, 200);
    assert_eq!(world.ask(&user, upload(3)).status, 403);
    assert!(request::upload(&token(), None, vec![0; 10_000_001]).is_err());
}

#[test]
fn whispers_reach_only_those_for_whom_they_are() {
    let accounts = [1, 2, 3, 4].map(account);
    let [admin, moderator, user, other] = [0, 1, 2, 3].map(|index| blinded(&accounts[index]));
    let mut world = World::new();
    world.make_admin(&admin);
    let rooms = [token()];
    let role = moderation::set_role(
        &moderator.public_id(),
        Scope::Rooms(&rooms),
        Role::Moderator,
        Some(false),
    );
    assert_eq!(world.ask(&admin, role).status, 200);
    world.ask(&user, request::rooms());
    let mut whisper = |post: NewPost| {
        let reply = world.ask(&admin, request::send(&token(), &post));
        let id = reply::posted(&reply).unwrap().id;
        [&admin, &moderator, &user, &other]
            .map(|reader| world.ask(reader, request::post(&token(), id)).is_success())
    };
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    let post = NewPost::new(b"to one".to_vec(), &admin, rng).whispered_to(user.public_id());
    assert_eq!(whisper(post), [true, false, true, false]);
    let post = NewPost::new(b"to mods".to_vec(), &admin, rng).whispered_to_moderators();
    assert_eq!(whisper(post), [true, true, false, false]);
    // A hidden moderator is seen by moderators only.
    let read = |reply: &Response| reply::room(reply).unwrap();
    let seen = read(&world.ask(&moderator, request::room(&token())));
    assert_eq!(seen.hidden_moderators, [moderator.public_id()]);
    let seen = read(&world.ask(&user, request::room(&token())));
    assert!(seen.hidden_moderators.is_empty() && seen.moderators.is_empty());
}

#[test]
fn a_poll_remembers_what_came_and_one_room_does_not_fail_the_others() {
    let (alice, bob) = (account(1), account(2));
    let (alice, bob) = (blinded(&alice), blinded(&bob));
    let mut world = World::new();
    let mut state = State::default();
    state.join(token());
    state.join("none".parse().unwrap());
    state.join(token());
    assert_eq!(state.rooms.len(), 2);
    let poll = |world: &mut World, state: &mut State| {
        let (request, poll) = state.poll(true);
        let reply = world.ask(&bob, request);
        state.report(poll, &reply).unwrap()
    };
    let first = poll(&mut world, &mut state);
    assert_eq!(first.rooms[1].info, Err(ReplyError::NotFound));
    assert_eq!(first.rooms[0].changes, Ok(Vec::new()));
    assert_eq!(state.rooms[0].seqno, Some(0));

    let id = world.post(&alice, b"hello");
    let message = inbox::send(&bob.public_id(), b"sealed");
    assert_eq!(
        reply::inbox_sent(&world.ask(&alice, message))
            .unwrap()
            .sender,
        alice.public_id()
    );
    let emoji = "🍕".parse().unwrap();
    world.ask(&alice, request::react(&token(), id, &emoji));
    let second = poll(&mut world, &mut state);
    assert_eq!(second.rooms[0].changes.as_ref().unwrap().len(), 1);
    assert_eq!(second.inbox.unwrap().unwrap()[0].message, b"sealed");
    assert_eq!(
        (state.rooms[0].seqno, state.inbox, state.outbox),
        (Some(2), Some(1), None)
    );

    // Nothing new; then a tombstone.
    let third = poll(&mut world, &mut state);
    assert_eq!(
        (third.rooms[0].changes.clone(), third.inbox),
        (Ok(Vec::new()), Some(Ok(Vec::new())))
    );
    world.ask(&alice, request::delete(&token(), id));
    let fourth = poll(&mut world, &mut state);
    assert_eq!(
        fourth.rooms[0].changes,
        Ok(vec![Change::Deleted { seqno: 3, id }])
    );

    // The answer to another request changes nothing.
    let before = state.clone();
    let (_, other) = state.poll(true);
    assert!(matches!(
        state.report(other, &ok("[]")),
        Err(ReplyError::Count { .. })
    ));
    assert_eq!(state, before);
}

#[test]
fn escaped_and_plain_paths_are_signed_alike() {
    let account = account(1);
    let signer = blinded(&account);
    let mut world = World::new();
    let id = world.post(&signer, b"hello");
    let request = request::react(&token(), id, &"🍕".parse().unwrap());
    let mut signed = auth::sign(request, &signer, &[7; 16], NOW);
    signed.path = signed.path.replace('🍕', "%F0%9F%8D%95");
    let reply = world.anonymous(signed);
    assert!(reply::reacted(&reply).unwrap().changed);
}
