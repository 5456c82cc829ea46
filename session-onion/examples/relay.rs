//! Runs relays: four nodes on loopback TCP, a client, and a request through them.
//!
//! ```text
//! cargo run -p session-onion --example relay
//! ```
//!
//! Deployed nodes accept packets over HTTPS or QUIC and talk to each other over OxenMQ. Here every
//! message is its length and its bytes; the nodes process them in the same way.
#![allow(clippy::print_stdout, clippy::indexing_slicing)]

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_onion::client::{Hop, Request, seal};
use session_onion::node::{Answer, Arrival, Node, Peeled, Refused, Relay, ReplyBody};

/// The addresses of nodes. Deployed nodes read them from the chain.
type Directory = HashMap<Ed25519Public, SocketAddr>;

fn send(stream: &mut TcpStream, message: &[u8]) -> Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length));
    let mut message = Vec::new();
    stream.take(length).read_to_end(&mut message)?;
    Ok(message)
}

/// Abbreviates a key for display.
fn short(key: &Ed25519Public) -> String {
    const_hex::encode(&key.as_bytes()[..4])
}

/// Forwards a layer and passes back the answer.
fn pass_on(relay: &Relay, directory: &Directory) -> Answer {
    let Some(address) = directory.get(&relay.next) else {
        return relay.not_found();
    };
    let ask = || -> Result<[Vec<u8>; 2]> {
        let mut next = TcpStream::connect(address)?;
        let limit = Duration::from_secs(Relay::TIMEOUT_SECONDS.into());
        next.set_read_timeout(Some(limit))?;
        send(&mut next, &[b"n", relay.message().as_slice()].concat())?;
        Ok([receive(&mut next)?, receive(&mut next)?])
    };
    match ask() {
        Ok([status, body]) => relay.answered(&[&status, &body]),
        Err(_) => relay.timed_out(),
    }
}

/// Runs one node, which answers every message.
fn answer(node: &Node, directory: &Directory, message: &[u8]) -> Answer {
    let rng = &mut UnwrapErr(SysRng);
    let arrival = match message {
        [b'n', message @ ..] => Arrival::node(message),
        [_, packet @ ..] => Arrival::https(packet),
        [] => Arrival::https(&[]),
    };
    let name = short(node.ed25519());
    match arrival.and_then(|arrival| node.peel(rng, &arrival, &[])) {
        Ok(Peeled::Relay(relay)) => {
            let next = short(&relay.next);
            println!("{name} passes {} bytes on to {next}", message.len());
            pass_on(&relay, directory)
        }
        Ok(Peeled::Deliver(request)) => {
            println!("{name} answers {}", String::from_utf8_lossy(&request.body));
            request.reply(rng, 200, ReplyBody::Json(r#"{"t":1754971101000}"#))
        }
        Ok(Peeled::Exit(exit)) => exit.failed("this node posts nowhere"),
        Err(Refused { answer, .. }) => answer,
    }
}

fn serve(listener: &TcpListener, node: &Node, directory: &Directory) -> Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let message = receive(&mut stream)?;
        for part in answer(node, directory, &message).to_parts() {
            send(&mut stream, &part)?;
        }
    }
    Ok(())
}

fn main() -> core::result::Result<(), Box<dyn core::error::Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let secret = Ed25519Secret::generate(rng);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        nodes.push((listener, Node::new(secret.public(), secret.to_x25519())));
    }
    let address =
        |(listener, node): &(TcpListener, Node)| Ok((*node.ed25519(), listener.local_addr()?));
    let directory: &'static Directory =
        Box::leak(Box::new(nodes.iter().map(address).collect::<Result<_>>()?));
    let keys: Vec<Ed25519Public> = nodes.iter().map(|(_, node)| *node.ed25519()).collect();
    for (listener, node) in nodes {
        thread::spawn(move || serve(&listener, &node, directory));
    }

    // The client: three hops, and the fourth node as the destination.
    let hops: Vec<Hop> = keys
        .iter()
        .map(|key| Hop::from_ed25519(*key))
        .collect::<core::result::Result<_, _>>()?;
    let body = br#"{"method":"info","params":{}}"#;
    let sealed = seal(rng, &hops[..3], &Request::storage(&hops[3], body))?;
    let mut guard = TcpStream::connect(directory[&keys[0]])?;
    send(&mut guard, &[b"c", sealed.packet.as_slice()].concat())?;
    let (status, body) = (receive(&mut guard)?, receive(&mut guard)?);
    let status = String::from_utf8(status)?.parse()?;
    let reply = sealed.reply_key.open(status, &body)?;
    println!(
        "the client reads {} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body.unwrap_or_default())
    );
    assert_eq!(reply.status, 200);
    Ok(())
}
