//! Every error of the tables, with its text, and their order (protocol: sogs, sections 1, 2 and 5 to 9).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use session_community::auth::{self, Accepted};
use session_community::http::{Method, Request, Response};
use session_community::post::NewPost;
use session_community::request::moderation::{self, PermissionChange, Role, RoomChange, Scope};
use session_community::request::{self, Posts, inbox};
use session_community::server::{Store, User};
use session_community::{Endpoint, Refusal, Signer, reply};
use session_identity::community::Room as Token;

#[path = "support/world.rs"]
mod world;
use world::{NOW, World, account, blinded, key, token};

fn text(reply: &Response) -> (u16, &str) {
    (reply.status, std::str::from_utf8(&reply.body).unwrap())
}

fn json(method: Method, path: &str, body: &str) -> Request {
    Request::new(method, path).with_body("application/json", body.as_bytes().to_vec())
}

const NEEDS_USER: &str = "X-SOGS-* request authentication required";
const NEEDS_MODERATOR: &str = "This endpoint requires moderator room permissions";
const NEEDS_ADMIN: &str = "This endpoint requires admin room permissions";
const NEEDS_READ: &str = "This endpoint requires room message 'read' permission";

#[test]
fn every_endpoint_says_which_permission_is_missing() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let id = user.public_id();
    let mut world = World::new();
    world.make_admin(&admin);
    let post = NewPost::new(vec![1], &admin, &mut world.rng);
    let posted = world.ask(&admin, request::send(&token(), &post));
    let number = reply::posted(&posted).unwrap().id;
    let emoji = "🍕".parse().unwrap();
    let rooms = [token()];
    let scope = Scope::Rooms(&rooms);
    let name = RoomChange {
        name: Some("New"),
        ..RoomChange::default()
    };
    let none = PermissionChange::default;
    let some = PermissionChange {
        read: Some(true),
        ..none()
    };
    let minute = std::time::Duration::from_secs(60);

    // Anonymous.
    for request in [
        request::send(&token(), &post),
        request::edit(&token(), number, &post),
        request::delete(&token(), number),
        request::react(&token(), number, &emoji),
        request::unreact(&token(), number, &emoji),
        request::upload(&token(), None, vec![1]).unwrap(),
        moderation::delete_all_of(&token(), &id),
        moderation::delete_everywhere(&id),
        moderation::pin(&token(), number),
        moderation::unpin(&token(), number),
        moderation::unpin_all(&token()),
        moderation::delete_reactions(&token(), number, None),
        moderation::permissions(&token(), None),
        moderation::permissions(&token(), Some(&id)),
        moderation::set_permissions(&token(), &id, some, &[]),
        moderation::future_permissions(&token(), None),
        moderation::schedule_permissions(&token(), &id, some, minute),
        moderation::change_room(&token(), &name),
        moderation::ban(&id, scope, None),
        moderation::unban(&id, scope),
        moderation::set_role(&id, scope, Role::Moderator, None),
        inbox::received(None),
        inbox::sent(Some(1)),
        inbox::send(&admin.public_id(), b"sealed"),
        inbox::delete_all(),
    ] {
        let path = request.path.clone();
        let reply = world.anonymous(request);
        assert_eq!(text(&reply), (401, NEEDS_USER), "{path}");
    }

    // A user without a role.
    for (request, status, said) in [
        (
            moderation::permissions(&token(), None),
            403,
            NEEDS_MODERATOR,
        ),
        (
            moderation::set_permissions(&token(), &id, some, &[]),
            403,
            NEEDS_MODERATOR,
        ),
        (
            moderation::future_permissions(&token(), Some(&id)),
            403,
            NEEDS_MODERATOR,
        ),
        (
            moderation::schedule_permissions(&token(), &id, some, minute),
            403,
            NEEDS_MODERATOR,
        ),
        (
            moderation::delete_reactions(&token(), number, None),
            403,
            NEEDS_MODERATOR,
        ),
        (
            moderation::delete_all_of(&token(), &admin.public_id()),
            403,
            NEEDS_MODERATOR,
        ),
        (moderation::change_room(&token(), &name), 403, NEEDS_ADMIN),
        (moderation::pin(&token(), number), 403, "Permission denied"),
        (moderation::unpin_all(&token()), 403, "Permission denied"),
        (
            request::edit(&token(), number, &post),
            403,
            "Permission denied",
        ),
        (request::delete(&token(), number), 403, "Permission denied"),
        (
            request::send(&token(), &post.clone().whispered_to_moderators()),
            403,
            "Permission denied",
        ),
        (request::edit(&token(), 99, &post), 404, "No such post: 99"),
        (
            request::react(&token(), 99, &emoji),
            404,
            "No such post: 99",
        ),
    ] {
        let path = request.path.clone();
        let reply = world.ask(&user, request);
        assert_eq!(text(&reply), (status, said), "{path}");
    }
    for request in [
        moderation::ban(&id, scope, None),
        moderation::set_role(&id, scope, Role::Moderator, None),
        moderation::ban(&id, Scope::Global, None),
        moderation::set_role(&id, Scope::AllOwnRooms, Role::Admin, None),
    ] {
        assert_eq!(world.ask(&user, request).status, 403);
    }
    let image = RoomChange {
        image: Some(99),
        ..RoomChange::default()
    };
    let reply = world.ask(&admin, moderation::change_room(&token(), &image));
    assert_eq!(reply.status, 406);
    let pin = moderation::pin(&token(), 99);
    assert_eq!(text(&world.ask(&admin, pin)), (404, "No such post: 99"));

    // A user who may not read.
    let change = PermissionChange {
        read: Some(false),
        ..none()
    };
    let set = moderation::set_permissions(&token(), &id, change, &[]);
    assert_eq!(world.ask(&admin, set).status, 200);
    for request in [
        request::posts(&token(), Posts::Recent, None, None),
        request::posts(&token(), Posts::Since(0), None, None),
        request::posts(&token(), Posts::Before(9), None, None),
        request::post(&token(), number),
        request::reactors(&token(), number, &emoji),
        request::react(&token(), number, &emoji),
        request::download(&token(), 1),
        request::send(&token(), &post),
    ] {
        let path = request.path.clone();
        let reply = world.ask(&user, request);
        assert_eq!(text(&reply), (403, NEEDS_READ), "{path}");
    }
}

#[test]
fn a_status_means_what_the_endpoint_documents() {
    let status = |status| Refusal::Undocumented { status };
    let (id, post) = (blinded(&account(2)).public_id(), 7);
    let emoji = "🍕".parse().unwrap();
    let change = PermissionChange::default();
    let minute = std::time::Duration::from_secs(60);
    for (request, forbidden, missing) in [
        (
            request::capabilities(&["x"]),
            Refusal::Banned,
            Refusal::NoEndpoint,
        ),
        (request::room(&token()), Refusal::Banned, Refusal::NoRoom),
        (
            request::poll_info(&token(), 3),
            Refusal::Banned,
            Refusal::NoRoom,
        ),
        (
            request::posts(&token(), Posts::Since(3), None, None),
            Refusal::CannotRead,
            Refusal::NoRoom,
        ),
        (
            request::post(&token(), post),
            Refusal::CannotRead,
            Refusal::NoPost,
        ),
        (
            request::delete(&token(), post),
            Refusal::NotAuthor,
            Refusal::NoPost,
        ),
        (
            request::react(&token(), post, &emoji),
            Refusal::CannotRead,
            Refusal::NoPost,
        ),
        (
            request::upload(&token(), None, vec![1]).unwrap(),
            Refusal::CannotUpload,
            Refusal::NoRoom,
        ),
        (
            request::download(&token(), 1),
            Refusal::CannotRead,
            Refusal::NoFile,
        ),
        (
            moderation::pin(&token(), post),
            Refusal::NotAdmin,
            Refusal::NoPost,
        ),
        (
            moderation::unpin_all(&token()),
            Refusal::NotAdmin,
            Refusal::NoPost,
        ),
        (
            moderation::set_permissions(&token(), &id, change, &[]),
            Refusal::NotModerator,
            Refusal::NoUser,
        ),
        (
            moderation::schedule_permissions(&token(), &id, change, minute),
            Refusal::NotModerator,
            Refusal::NoUser,
        ),
        (
            moderation::delete_all_of(&token(), &id),
            Refusal::NotModerator,
            Refusal::NothingToDelete,
        ),
        (
            moderation::delete_everywhere(&id),
            Refusal::NotModerator,
            Refusal::NothingToDelete,
        ),
        (
            moderation::ban(&id, Scope::Global, None),
            Refusal::NotModerator,
            Refusal::NoUser,
        ),
        (
            moderation::set_role(&id, Scope::Global, Role::Admin, None),
            Refusal::NotAdmin,
            Refusal::NoUser,
        ),
        (
            inbox::received(Some(3)),
            Refusal::Banned,
            Refusal::NoEndpoint,
        ),
        (
            inbox::send(&id, b"x"),
            Refusal::Banned,
            Refusal::NoRecipient,
        ),
    ] {
        let path = request.path.clone();
        let endpoint = Endpoint::of(&request).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(endpoint.refusal(403), Some(forbidden), "{path}");
        assert_eq!(endpoint.refusal(404), Some(missing), "{path}");
        assert_eq!(endpoint.refusal(425), Some(Refusal::ClockOrNonce));
        assert_eq!(endpoint.refusal(201), None);
        assert_eq!(endpoint.refusal(502), Some(status(502)));
        let of = |one: Endpoint, meaning, code| match endpoint == one {
            true => meaning,
            false => status(code),
        };
        let expected = of(Endpoint::Upload, Refusal::TooLarge, 413);
        assert_eq!(endpoint.refusal(413), Some(expected), "{path}");
        let expected = of(Endpoint::Capabilities, Refusal::MissingCapability, 412);
        assert_eq!(endpoint.refusal(412), Some(expected), "{path}");
        assert_eq!(endpoint.refusal(406), Some(status(406)));
        let is_list = endpoint == Endpoint::Inbox;
        assert_eq!(endpoint.refusal(304).is_none(), is_list, "{path}");
        let is_inbox = matches!(endpoint, Endpoint::Inbox | Endpoint::SendInbox);
        let blinded = endpoint.refusal(401) == Some(Refusal::NotBlinded);
        assert_eq!(blinded, is_inbox, "{path}");
    }
    for path in [
        "",
        "/",
        "/room",
        "/rooms/all",
        "/nope",
        "/room/r/nope",
        "/user/x",
    ] {
        assert_eq!(Endpoint::of(&Request::get(path)), None, "{path}");
    }
}

#[test]
fn the_inbox_is_for_blinded_users() {
    let (me, other) = (account(1), account(2));
    let mut world = World::new();
    world.config.accepted = Accepted::Any15;
    let plain = Signer::unblinded(&me, &key());
    let text_of = "This endpoint requires blinded pubkeys be used";
    for request in [
        inbox::received(None),
        inbox::sent(None),
        inbox::delete_all(),
        inbox::send(&blinded(&other).public_id(), b"sealed"),
    ] {
        assert_eq!(text(&world.ask(&plain, request)), (401, text_of));
    }
    // A 05 id is no route, also if the user is known; an unknown or banned recipient is not found.
    let me = blinded(&me);
    let to = blinded(&other).public_id();
    let send = |id: &session_types::AnyId| inbox::send(id, b"sealed");
    world.ask(&Signer::unblinded(&other, &key()), request::rooms());
    assert_eq!(world.ask(&me, send(&(*other.id()).into())).status, 404);
    assert_eq!(world.ask(&me, send(&to)).status, 404);
    world.store.put_user(&to, &User::default()).unwrap();
    assert_eq!(world.ask(&me, send(&to)).status, 201);
    let banned = User {
        banned: true,
        ..User::default()
    };
    world.store.put_user(&to, &banned).unwrap();
    assert_eq!(world.ask(&me, send(&to)).status, 404);
}

#[test]
fn a_user_posts_five_times_in_sixteen_seconds_and_an_admin_as_often_as_they_like() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let mut world = World::new();
    world.make_admin(&admin);
    let mut send = |signer: &Signer<'_>| {
        let post = NewPost::new(vec![1], signer, &mut world.rng);
        let reply = world.ask(signer, request::send(&token(), &post));
        (reply.status, reply.body == b"Rate limited")
    };
    for _ in 0..5 {
        assert_eq!(send(&user), (201, false));
    }
    assert_eq!(send(&user), (429, true));
    for _ in 0..9 {
        assert_eq!(send(&admin), (201, false));
    }
}

#[test]
fn room_comes_before_authentication_before_permission_before_body() {
    let account = account(1);
    let user = blinded(&account);
    let mut world = World::new();
    let forged = |path: &str, body: &str, nonce: u8| {
        let request = json(Method::Put, path, body);
        let mut request = auth::sign(request, &user, &[nonce; 16], NOW);
        request.body.push(b' ');
        request
    };
    // Everything is wrong; then one thing less each time.
    assert_eq!(world.anonymous(forged("/room/none", "{", 1)).status, 404);
    assert_eq!(world.anonymous(forged("/room/lounge", "{", 2)).status, 401);
    let reply = world.ask(&user, json(Method::Put, "/room/lounge", "{"));
    assert_eq!(text(&reply), (403, NEEDS_ADMIN));
    world.make_admin(&user);
    let reply = world.ask(&user, json(Method::Put, "/room/lounge", "{"));
    assert_eq!(reply.status, 400);
    let reply = world.ask(
        &user,
        json(Method::Put, "/room/lounge", r#"{"name":"New"}"#),
    );
    assert_eq!(reply.status, 200);
}

#[test]
fn moderators_do_not_touch_the_posts_and_rights_of_their_betters() {
    let accounts = [1, 2, 3, 4].map(account);
    let [admin, moderator, user, global] = [0, 1, 2, 3].map(|at| blinded(&accounts[at]));
    let mut world = World::new();
    world.make_admin(&admin);
    let rooms = [token()];
    let scope = Scope::Rooms(&rooms);
    let role = moderation::set_role(&moderator.public_id(), scope, Role::Moderator, None);
    assert_eq!(world.ask(&admin, role).status, 200);
    world.post(&admin, b"of the admin");
    world.post(&user, b"of the user");
    let all_of = |signer: &Signer<'_>| moderation::delete_all_of(&token(), &signer.public_id());
    let reply = world.ask(&moderator, all_of(&admin));
    assert_eq!(text(&reply), (403, "Permission denied"));
    assert_eq!(world.ask(&moderator, all_of(&user)).status, 200);
    assert_eq!(world.ask(&moderator, all_of(&user)).status, 404);

    // Moderators of the whole server are not banned from it.
    let [moderates, administrates] = [false, true].map(|admin| User {
        moderator: true,
        admin,
        ..User::default()
    });
    world
        .store
        .put_user(&admin.public_id(), &administrates)
        .unwrap();
    world
        .store
        .put_user(&global.public_id(), &moderates)
        .unwrap();
    let ban = |signer: &Signer<'_>| moderation::ban(&signer.public_id(), Scope::Global, None);
    for better in [&admin, &global] {
        assert_eq!(world.ask(&admin, ban(better)).status, 403);
    }
    assert_eq!(world.ask(&global, ban(&user)).status, 200);
    let reply = world.ask(&user, request::rooms());
    assert_eq!(text(&reply), (403, "Banned"));
}

#[test]
fn a_whisper_is_not_pinned_and_a_tombstone_only_for_those_who_saw_the_post() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let mut world = World::new();
    world.make_admin(&admin);
    let whisper = NewPost::new(vec![1], &admin, &mut world.rng).whispered_to_moderators();
    let posted = world.ask(&admin, request::send(&token(), &whisper));
    let number = reply::posted(&posted).unwrap().id;
    let reply = world.ask(&admin, moderation::pin(&token(), number));
    assert_eq!(reply.status, 404);

    let number = world.post(&user, b"short-lived");
    let seqno = world.store.room("lounge").unwrap().unwrap().sequence;
    world.ask(&user, request::delete(&token(), number));
    let since = |seqno| request::posts(&token(), Posts::Since(seqno), None, None);
    let saw = reply::messages(&world.ask(&user, since(seqno))).unwrap();
    assert_eq!(
        saw,
        [reply::Change::Deleted {
            seqno: seqno.saturating_add(1),
            id: number
        }]
    );
    let before = seqno.saturating_sub(1);
    let never_saw = reply::messages(&world.ask(&user, since(before))).unwrap();
    assert_eq!(never_saw, []);
}

#[test]
fn a_file_stays_with_its_room_and_its_first_post() {
    let account = account(1);
    let user = blinded(&account);
    let mut world = World::new();
    let (lounge, quiet) = (token(), "quiet".parse().unwrap());
    let hour = std::time::Duration::from_secs(60 * 60);
    let upload = |world: &mut World, room: &Token| {
        let request = request::upload(room, None, vec![1]).unwrap();
        reply::uploaded(&world.ask(&user, request)).unwrap()
    };
    let (own, foreign) = (upload(&mut world, &lounge), upload(&mut world, &quiet));
    let post = |world: &mut World, room: &Token, files: &[u64]| {
        let post = NewPost::new(vec![1], &user, &mut world.rng).with_files(files);
        assert_eq!(world.ask(&user, request::send(room, &post)).status, 201);
    };
    let expiry = |world: &mut World, room: &Token, id| {
        let file = world.ask(&user, request::download(room, id));
        reply::file(file).unwrap().expires.unwrap()
    };
    let loose = expiry(&mut world, &quiet, foreign);
    post(&mut world, &lounge, &[own, foreign]);
    let posted = expiry(&mut world, &lounge, own);
    assert!(posted > loose);
    // A file of another room is not taken, and a later post does not let the file live longer.
    assert_eq!(expiry(&mut world, &quiet, foreign), loose);
    world.now = NOW.saturating_add(hour / 2);
    post(&mut world, &lounge, &[own]);
    assert_eq!(expiry(&mut world, &lounge, own), posted);
    post(&mut world, &quiet, &[foreign]);
    assert!(expiry(&mut world, &quiet, foreign) > posted);

    let empty = Request::new(Method::Post, "/room/lounge/file");
    assert_eq!(world.ask(&user, empty).status, 400);
    let other = request::download(&quiet, own);
    assert_eq!(world.ask(&user, other).status, 404);
}

#[test]
fn an_account_is_banned_by_its_05_id_before_the_server_has_seen_it() {
    let admin_account = account(1);
    let admin = blinded(&admin_account);
    let mut signs = [0, 0];
    for number in 2..12 {
        let account = account(number);
        let user = blinded(&account);
        let own = user.public_id();
        let is_positive = own.key_bytes().last().is_some_and(|byte| *byte < 0x80);
        signs[usize::from(is_positive)] += 1;
        for is_global in [false, true] {
            let mut world = World::new();
            world.make_admin(&admin);
            let everywhere = User {
                moderator: true,
                admin: true,
                ..User::default()
            };
            world
                .store
                .put_user(&admin.public_id(), &everywhere)
                .unwrap();
            let rooms = [token()];
            let scope = match is_global {
                true => Scope::Global,
                false => Scope::Rooms(&rooms),
            };
            let id = (*account.id()).into();
            assert_eq!(
                world.ask(&admin, moderation::ban(&id, scope, None)).status,
                200
            );
            // Whoever claims the id without a signature changes nothing.
            let mut forged = auth::sign(request::rooms(), &user, &[number; 16], NOW);
            forged.path.push_str("?x=y");
            let status = if is_global { 403 } else { 401 };
            assert_eq!(world.anonymous(forged).status, status);
            let recent = || request::posts(&token(), Posts::Recent, None, None);
            assert_eq!(world.ask(&user, recent()).status, 403);
            let rest = request::posts(&"quiet".parse().unwrap(), Posts::Recent, None, None);
            assert_eq!(world.ask(&user, rest).is_success(), !is_global);

            // By now the server knows the user, by either id.
            if !is_global {
                for id in [id, own] {
                    let settings = moderation::permissions(&token(), Some(&id));
                    let settings = reply::permissions(&world.ask(&admin, settings));
                    assert!(settings.unwrap().banned);
                }
            }
            assert_eq!(world.ask(&admin, moderation::unban(&id, scope)).status, 200);
            assert_eq!(world.ask(&user, recent()).status, 200);
        }
    }
    assert!(signs.iter().all(|count| *count > 0), "{signs:?}");
    // A key that no account has.
    let mut world = World::new();
    world.make_admin(&admin);
    let nobody = session_types::AnyId::from_bytes([5; 33]);
    let asked = moderation::permissions(&token(), Some(&nobody));
    assert_eq!(world.ask(&admin, asked).status, 404);
}

#[test]
fn a_ban_from_the_whole_server_ends_when_its_time_is_over() {
    let (admin, user) = (account(1), account(2));
    let (admin, user) = (blinded(&admin), blinded(&user));
    let mut world = World::new();
    let everywhere = User {
        moderator: true,
        ..User::default()
    };
    world
        .store
        .put_user(&admin.public_id(), &everywhere)
        .unwrap();
    world.ask(&user, request::rooms());
    let minute = std::time::Duration::from_secs(60);
    let ban = moderation::ban(&user.public_id(), Scope::Global, Some(minute));
    assert_eq!(world.ask(&admin, ban).status, 200);
    world.now = NOW
        .saturating_add(minute)
        .saturating_sub(std::time::Duration::from_millis(1));
    assert_eq!(text(&world.ask(&user, request::rooms())), (403, "Banned"));
    world.now = NOW.saturating_add(minute);
    assert_eq!(world.ask(&user, request::rooms()).status, 200);
    // A ban for good, after one for a time.
    let ban = moderation::ban(&user.public_id(), Scope::Global, None);
    assert_eq!(world.ask(&admin, ban).status, 200);
    world.now = world.now.saturating_add(minute);
    assert_eq!(world.ask(&user, request::rooms()).status, 403);
}

#[test]
fn files_of_pinned_posts_do_not_expire() {
    let account = account(1);
    let admin = blinded(&account);
    let mut world = World::new();
    world.make_admin(&admin);
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let upload = request::upload(&token(), None, vec![1]).unwrap();
    let file = reply::uploaded(&world.ask(&admin, upload)).unwrap();
    let post = NewPost::new(vec![1], &admin, &mut world.rng).with_files([file]);
    let posted = world.ask(&admin, request::send(&token(), &post));
    let number = reply::posted(&posted).unwrap().id;
    let expiry = |world: &mut World| {
        let download = world.ask(&admin, request::download(&token(), file));
        reply::file(download).unwrap().expires
    };
    assert!(expiry(&mut world).is_some());
    for unpin in [
        moderation::unpin(&token(), number),
        moderation::unpin_all(&token()),
    ] {
        world.ask(&admin, moderation::pin(&token(), number));
        assert_eq!(expiry(&mut world), None);
        world.now = world.now.saturating_add(16 * day);
        assert_eq!(expiry(&mut world), None);
        world.ask(&admin, unpin);
        // The header has whole seconds.
        let end = world.now.saturating_add(15 * day).as_secs();
        assert_eq!(expiry(&mut world).unwrap().as_secs(), end);
    }
    // The image of the room stays, whatever becomes of the post.
    let image = RoomChange {
        image: Some(file),
        ..RoomChange::default()
    };
    world.ask(&admin, moderation::change_room(&token(), &image));
    world.ask(&admin, moderation::pin(&token(), number));
    world.ask(&admin, request::delete(&token(), number));
    assert_eq!(expiry(&mut world), None);
}
