//! The file server over QUIC.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use session_localnet::servers::Kind;
use session_sdk::quic::{Answer, Connect, Link, client_endpoint, connect, quinn};
use session_services::file::quic::{Block, Head, Stored, code};
use session_types::Ed25519Public;
use support::World;

const LIMIT: Duration = Duration::from_secs(10);

async fn connected(world: &World) -> quinn::Connection {
    let file = std::fs::read(world.folder.path().join("network.json")).unwrap();
    let public: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let server = &public["servers"]["file"];
    let port = u16::try_from(server["quic_port"].as_u64().unwrap()).unwrap();
    let key = const_hex::decode_to_array(server["pubkey_ed25519"].as_str().unwrap()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let endpoint = client_endpoint(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let how = Connect::files(Ed25519Public::from_bytes(key)).within(LIMIT);
    connect(&endpoint, address, how).await.unwrap()
}

/// Sends everything and our end, and returns everything that comes back, or the code of the server.
async fn transfer(connection: &quinn::Connection, parts: &[&[u8]]) -> Result<Vec<u8>, u64> {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    for part in parts {
        // The server may have refused it already.
        if send.write_all(part).await.is_err() {
            break;
        }
    }
    let _ = send.finish();
    match recv.read_to_end(20_000_000).await {
        Ok(bytes) => Ok(bytes),
        Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(code))) => Err(code.into_inner()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_up_and_come_down_and_commands_are_on_the_first_stream() {
    let world = World::start(|_| {}).await;
    let connection = connected(&world).await;
    let (link, _) = Link::opening(connection.clone(), 1).await.unwrap();
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_be_bytes()[2])
        .collect();
    let block = Block::Put {
        size: content.len(),
        ttl: Some(Duration::from_secs(3_600)),
    };
    let reply = transfer(&connection, &[&block.encode(), &content])
        .await
        .unwrap();
    assert_eq!(reply[0], b'd', "no length in front");
    let stored = Stored::parse(&reply).unwrap();
    assert_eq!(stored.expires - stored.uploaded, 3_600);
    let reply = transfer(&connection, &[&Block::Get(stored.id.clone()).encode()])
        .await
        .unwrap();
    let (head, taken) = Head::read(&reply).unwrap().unwrap();
    assert_eq!(
        (head.size, &reply[taken..]),
        (content.len(), content.as_slice())
    );
    let ask = async |endpoint: &[u8], body: Vec<u8>| {
        link.request(0, endpoint, body, LIMIT).await.unwrap()
    };
    let body = format!("d1:#44:{}e", stored.id).into_bytes();
    let Answer::Reply(info) = ask(b"file_info", body).await else {
        panic!()
    };
    let expected = format!(
        "d1:#44:{}1:si3000000e1:ui{}e1:xi{}ee",
        stored.id, stored.uploaded, stored.expires
    );
    assert_eq!(String::from_utf8(info).unwrap(), expected);
    let nothing = ask(b"file_info", b"d1:#1:1e".to_vec()).await;
    assert_eq!(nothing, Answer::Error(b"NOT_FOUND".to_vec()));
    let unknown = ask(b"file_delete", b"de".to_vec()).await;
    assert_eq!(
        unknown,
        Answer::Error(b"Invalid endpoint 'file_delete'".to_vec())
    );
    // A server that was down is there again, with its files.
    let servers = world.network.servers.as_ref().unwrap();
    servers.get(Kind::File).down();
    connection.closed().await;
    drop((link, connection));
    servers.get(Kind::File).up().await.unwrap();
    let connection = connected(&world).await;
    let (mut first, _) = connection.open_bi().await.unwrap();
    first.write_all(b"1").await.unwrap();
    let reply = transfer(&connection, &[&Block::Get(stored.id).encode()]).await;
    assert!(reply.unwrap().ends_with(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_transfers_end_with_their_codes() {
    let world = World::start(|_| {}).await;
    let connection = connected(&world).await;
    let (_first, _commands) = Link::opening(connection.clone(), 1).await.unwrap();
    let put = Block::Put {
        size: 10,
        ttl: None,
    }
    .encode();
    for (parts, expected) in [
        (&[&b"x"[..]][..], code::BAD_REQUEST),
        (&[b"12"], code::BAD_REQUEST),
        (&[b"10:d1:!3:DELe"], code::UNKNOWN),
        (&[b"10:d1:!3:PUTe"], code::NO_SIZE),
        (&[b"16:d1:!3:PUT1:si0ee"], code::BAD_SIZE),
        (&[b"23:d1:!3:PUT1:si99999999ee"], code::BAD_SIZE),
        (&[&put, b"123456789"], code::TOO_SHORT),
        (&[&put, b"12345678901"], code::TOO_LONG),
        (&[b"16:d1:!3:GET1:#1:1e"], code::NOT_FOUND),
        (&[b"15:d1:!3:GET1:#0:e"], code::NOT_FOUND),
    ] {
        let ended = transfer(&connection, parts).await;
        assert_eq!(ended, Err(u64::from(expected)), "{parts:?}");
    }
    let unknown = Block::Get("1".parse().unwrap()).encode();
    assert_eq!(transfer(&connection, &[&unknown]).await, Err(404));
    assert_eq!(transfer(&connection, &[&unknown, b"more"]).await, Err(400));
    let servers = world.network.servers.as_ref().unwrap();
    servers.get(Kind::File).hurt(|fault| fault.full = true);
    assert_eq!(
        transfer(&connection, &[&put, b"1234567890"]).await,
        Err(480)
    );
    servers.get(Kind::File).hurt(|fault| fault.full = false);
    assert!(transfer(&connection, &[&put, b"1234567890"]).await.is_ok());
}
