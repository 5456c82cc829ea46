//! Requests to servers go the same way.

use session_network::{Server, ServerRequest};

use crate::clear::Packet;
use crate::world::*;

fn server() -> Server {
    let url = "https://chat.example.org:8443/r/hikers?public_key=\
               0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let community: session_identity::community::Community = url.parse().unwrap();
    Server::try_from(&community).unwrap()
}

#[test]
fn a_request_to_a_server_goes_through_a_path_and_comes_back() {
    let mut world = World::new(12, config());
    let request = ServerRequest::get("/room/hikers").header("X-Test", "1");
    let id = world.client.request(server(), request, world.now);
    let post = world.posts().pop().unwrap();
    let packet = Packet::read(&post.body);
    assert_eq!((packet.hops.len(), packet.node), (3, None));
    assert!(packet.body.starts_with(b"l"));
    let text = String::from_utf8_lossy(&packet.body).into_owned();
    assert!(
        text.contains("/room/hikers") && text.contains("X-Test"),
        "{text}"
    );
    let body = packet.answer(201, b"made");
    let outcome = Outcome::Answer {
        status: 200,
        body: &body,
    };
    world.report(post.ticket, outcome);
    let event = world.client.next_event().unwrap();
    assert_eq!(event.request, id);
    let Ok(Reply::Server(reply)) = event.result else {
        panic!("{event:?}");
    };
    assert_eq!(
        (reply.status, reply.body.as_deref()),
        (201, Some(b"made".as_slice()))
    );
    assert_eq!(reply.route.path.len(), 3);
}

#[test]
fn only_what_may_be_repeated_is_repeated() {
    for (request, attempts) in [
        (ServerRequest::get("/x"), 3),
        (ServerRequest::post("/x", b"{}"), 1),
        (ServerRequest::post("/x", b"{}").repeatable(true), 3),
    ] {
        let mut config = config();
        config.attempts = 3;
        let mut world = World::new(12, config);
        world.client.request(server(), request, world.now);
        let mut sent = 0;
        for _ in 0..9 {
            for post in world.posts() {
                sent += usize::from(matches!(post.purpose, PostPurpose::Request { .. }));
                let outcome = Outcome::Answer {
                    status: 504,
                    body: b"Request time out",
                };
                world.report(post.ticket, outcome);
            }
            world.pass(Duration::from_secs(2));
        }
        assert_eq!(sent, attempts);
        let event = world.client.next_event().unwrap();
        assert_eq!(event.result.err(), Some(RequestError::PathsFailed));
        // A server may be down without any node being at fault.
        assert_eq!(world.total_strikes(), 0);
    }
}

#[test]
fn a_request_of_the_wrong_kind_ends_at_once() {
    let mut world = World::new(12, config());
    world.client.request(server(), Info, world.now);
    let request = ServerRequest::get("/");
    world.client.request(Target::AnyNode, request, world.now);
    for event in world.events() {
        assert_eq!(event.result.err(), Some(RequestError::Mismatch));
    }
}
