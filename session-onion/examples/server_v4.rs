//! Sends a version 4 request to a server outside the network: both sides.
//!
//! ```text
//! cargo run -p session-onion --example server_v4
//! ```
#![allow(clippy::print_stdout, clippy::panic)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::client::{Hop, Request, Server, seal};
use session_onion::node::{Arrival, Node, Peeled};
use session_onion::payload::v4;
use session_onion::server::ServerKeys;

/// Answers a request: the server knows the time only.
fn answer(request: &v4::Received) -> Vec<u8> {
    println!(
        "the server is asked  {} {}",
        request.method, request.endpoint
    );
    let (code, body) = match (request.method.as_str(), request.endpoint.as_str()) {
        ("GET", "/time") => (200, br#"{"time":1754971101}"#.as_slice()),
        _ => (404, b"{}".as_slice()),
    };
    let headers = &[("content-type", "application/json")];
    v4::Response {
        code,
        headers,
        body,
    }
    .encode()
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let server = ServerKeys::new(X25519Secret::generate(rng));
    let [guard, exit] = [(); 2].map(|()| {
        let secret = Ed25519Secret::generate(rng);
        Node::new(secret.public(), secret.to_x25519())
    });

    for (endpoint, expected) in [("/time", 200), ("/room/lost", 404)] {
        // The client knows the server's key and address; a community's URL contains both.
        let path = [&guard, &exit].map(|node| Hop::new(*node.ed25519(), *node.x25519()));
        let to = Server::new(*server.public(), "https", "chat.example.org")?;
        let request = Request::server(&to, v4::Request::get(endpoint));
        let sealed = seal(rng, &path, &request)?;

        // The guard sees the client and the exit node, and the exit node sees the server.
        let Peeled::Relay(relay) = guard.peel(rng, &Arrival::https(&sealed.packet)?, &[])? else {
            panic!("the guard is not the exit node");
        };
        let message = relay.message();
        let Peeled::Exit(post) = exit.peel(rng, &Arrival::node(&message)?, &[])? else {
            panic!("this is the exit node");
        };
        println!(
            "the exit node posts  {} bytes to {}",
            post.payload.len(),
            post.url()
        );

        // The server opens it with its own key and never learns the client's identity.
        let answer = server
            .open(&post.payload)?
            .answer_v4(rng, |request| answer(&request))?;
        let passed_back = post.answered(200, answer);

        // Statuses and headers are inside the encryption; the outer status is 200.
        let reply = sealed
            .reply_key
            .open(passed_back.status, &passed_back.body)?;
        let body = reply.body.unwrap_or_default();
        println!(
            "the client reads     {} {}",
            reply.status,
            String::from_utf8_lossy(&body)
        );
        assert_eq!(reply.status, expected);
    }
    Ok(())
}
