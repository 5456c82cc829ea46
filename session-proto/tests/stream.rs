//! Request streams: both sides against each other, and everything that a hostile peer can write.

#![allow(clippy::panic)]

use core::time::Duration;

use proptest::prelude::*;
use session_proto::stream::tls::{self, NotEd25519};
use session_proto::stream::{
    self, Limits, MAX_LENGTH, Message, Received, RequestStream, StreamError,
};
use session_types::{Ed25519Public, MonotonicTime};

const FAR: MonotonicTime = MonotonicTime::MAX;

fn at(seconds: u64) -> MonotonicTime {
    MonotonicTime::new(Duration::from_secs(seconds))
}

/// Feeds the bytes at once, and returns everything up to the first error.
fn run(side: &mut RequestStream, bytes: &[u8]) -> (Vec<Received>, Option<StreamError>) {
    let mut all = Vec::new();
    if let Err(error) = side.feed(bytes) {
        return (all, Some(error));
    }
    loop {
        match side.receive() {
            Ok(Some(received)) => all.push(received),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

fn fails(bytes: &[u8]) -> StreamError {
    let (_, error) = run(&mut RequestStream::default(), bytes);
    error.unwrap_or_else(|| panic!("accepted: {}", String::from_utf8_lossy(bytes)))
}

fn command(id: i64, endpoint: &str, body: &str) -> Received {
    Received::Command {
        id,
        endpoint: endpoint.into(),
        body: body.into(),
    }
}

#[test]
fn the_example_of_the_protocol_is_written_and_read() {
    let mut client = RequestStream::default();
    let (id, bytes) = client.command(b"info", b"{}", FAR).unwrap();
    assert_eq!((id, bytes.as_slice()), (0, &b"18:l1:Ci0e4:info2:{}e"[..]));
    let mut node = RequestStream::default();
    assert_eq!(
        run(&mut node, &bytes),
        (vec![command(0, "info", "{}")], None)
    );
    let reply = node.reply(0, br#"[200,{"t":1}]"#).unwrap();
    assert_eq!(reply, br#"24:l1:Ri0e13:[200,{"t":1}]e"#);
    let body = br#"[200,{"t":1}]"#.to_vec();
    assert_eq!(
        run(&mut client, &reply),
        (vec![Received::Reply { id, body }], None)
    );
    assert_eq!((client.open(), node.serving()), (0, 0));
    // Identifiers count from 0 on each stream.
    assert_eq!(client.command(b"info", b"", FAR).unwrap().0, 1);
    assert_eq!(
        stream::invalid_endpoint(b"nope"),
        b"Invalid endpoint 'nope'"
    );
}

#[test]
fn both_sides_send_commands_and_answers_come_in_any_order() {
    let (mut one, mut other) = (RequestStream::default(), RequestStream::default());
    let mut bytes = Vec::new();
    for number in 0..3 {
        bytes.extend(one.command(b"a", &[number], FAR).unwrap().1);
    }
    let (received, None) = run(&mut other, &bytes) else {
        panic!();
    };
    assert_eq!((received.len(), one.open(), other.serving()), (3, 3, 3));
    let mut answers = other.reply(2, b"two").unwrap();
    // Its own command has the same identifier as one of the peer.
    answers.extend(other.notify(b"notify", b"n").unwrap());
    answers.extend(other.error(0, b"no").unwrap());
    let (two, no) = (b"two".to_vec(), b"no".to_vec());
    let expected = vec![
        Received::Reply { id: 2, body: two },
        command(0, "notify", "n"),
        Received::Error { id: 0, body: no },
    ];
    assert_eq!(run(&mut one, &answers), (expected, None));
    assert_eq!((one.open(), one.serving(), other.serving()), (1, 1, 1));
    // A notice is not answered.
    assert!(one.forget(0) && !one.forget(0));
    assert_eq!(one.reply(0, b""), Err(StreamError::UnknownId(0)));
    assert_eq!(other.open(), 0);
}

#[test]
fn byte_by_byte_is_the_same_as_at_once() {
    let (mut maker, mut bytes) = (RequestStream::default(), Vec::new());
    for body in [&b""[..], b"x", &[7; 300]] {
        bytes.extend(maker.command(b"store", body, FAR).unwrap().1);
    }
    let whole = run(&mut RequestStream::default(), &bytes);
    assert_eq!(whole.0.len(), 3);
    let mut slow = RequestStream::default();
    let mut all = Vec::new();
    for byte in &bytes {
        let (received, error) = run(&mut slow, &[*byte]);
        assert_eq!(error, None);
        all.extend(received);
    }
    assert_eq!((all, None), whole);
}

#[test]
fn a_message_that_is_cut_anywhere_is_waited_for() {
    let mut client = RequestStream::default();
    let (id, _) = client.command(b"info", b"", FAR).unwrap();
    let reply = Message::Reply { id, body: b"body" }.encode().unwrap();
    for end in 0..reply.len() {
        let mut side = RequestStream::default();
        side.command(b"info", b"", FAR).unwrap();
        assert_eq!(run(&mut side, &reply[..end]), (vec![], None), "{end}");
        assert_eq!(run(&mut side, &reply[end..]).0.len(), 1, "{end}");
    }
}

#[test]
fn every_bit_flip_breaks_the_stream_or_is_another_message() {
    let original = command(3, "store", "body");
    let bytes = Message::Command {
        id: 3,
        endpoint: b"store",
        body: b"body",
    };
    let bytes = bytes.encode().unwrap();
    let next = Message::Command {
        id: 4,
        endpoint: b"info",
        body: b"",
    };
    let next = next.encode().unwrap();
    let mut broken = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped.extend_from_slice(&next);
        let mut side = RequestStream::default();
        let (received, error) = run(&mut side, &flipped);
        assert_ne!(received.first(), Some(&original), "bit {bit}");
        if error.is_some() {
            broken += 1;
            assert_eq!(side.receive(), Err(StreamError::Closed));
            assert_eq!(side.feed(b"1"), Err(StreamError::Closed));
        }
    }
    // Most bits are framing; the others are those of names, the number and the body.
    assert!(broken > bytes.len() * 4, "{broken} of {}", bytes.len() * 8);
}

#[test]
fn lengths_have_one_form() {
    assert_eq!(fails(b"0:"), StreamError::Zero);
    assert_eq!(fails(b"00:"), StreamError::Zero);
    assert_eq!(fails(b"018:l1:Ci0e4:info2:{}e"), StreamError::Zero);
    // A zero is refused before the rest of the digits is there.
    assert_eq!(fails(b"0"), StreamError::Zero);
    assert_eq!(fails(b":"), StreamError::NoLength);
    assert_eq!(fails(b"-1:"), StreamError::NoLength);
    assert_eq!(fails(b"+18:l1:Ci0e4:info2:{}e"), StreamError::NoLength);
    assert_eq!(fails(b"18;l1:Ci0e4:info2:{}e"), StreamError::NoLength);
    assert_eq!(fails(b"1000000000:"), StreamError::NoLength);
    assert_eq!(fails(b"123456789"), StreamError::NoLength);
    assert_eq!(fails(b"10000001:"), StreamError::TooLong(10_000_001));
    assert_eq!(fails(b"99999999:"), StreamError::TooLong(99_999_999));
    let mut side = RequestStream::default();
    assert_eq!(run(&mut side, b"10000000:"), (vec![], None));
}

#[test]
fn only_the_three_lists_are_messages() {
    for bad in [
        "2:le",
        "2:de",
        "3:1:x",
        "3:i0e",
        "5:l1:Ce",
        "8:l1:Ci0ee",
        "11:l1:Ci0e1:xe",
        "14:l1:Ri0e1:x1:ye",
        "17:l1:Ci0e1:x1:y1:ze",
        "11:l1:Xi0e1:xe",
        "11:l1:R1:01:xe",
        "12:l1:Ri00e1:xe",
        "12:l1:Ri-0e1:xe",
        "28:l1:Ri9223372036854775808e1:xe",
        "11:l1:Ri0ei1ee",
        "10:l1:Ri0elee",
        "11:l1:Ri0e2:xe",
        "12:l1:Ri0e1:xee",
    ] {
        let error = fails(bad.as_bytes());
        assert!(
            matches!(error, StreamError::Kind | StreamError::Encoding(_)),
            "{bad}: {error}"
        );
    }
}

#[test]
fn an_id_is_used_once_at_a_time() {
    let bytes = Message::Command {
        id: 9,
        endpoint: b"a",
        body: b"",
    };
    let bytes = bytes.encode().unwrap();
    let mut node = RequestStream::default();
    assert_eq!(run(&mut node, &bytes).1, None);
    node.reply(9, b"").unwrap();
    // It is free again.
    assert_eq!(run(&mut node, &bytes), (vec![command(9, "a", "")], None));
    assert_eq!(
        run(&mut node, &bytes),
        (vec![], Some(StreamError::IdInUse(9)))
    );
    assert_eq!(node.reply(9, b""), Err(StreamError::Closed));
    assert_eq!(node.notify(b"n", b""), Err(StreamError::Closed));
}

#[test]
fn answers_to_nothing_are_dropped() {
    let mut client = RequestStream::default();
    let (id, _) = client.command(b"a", b"", FAR).unwrap();
    let mut bytes = Vec::new();
    for stranger in [-1, id + 1, i64::MAX, i64::MIN] {
        bytes.extend(
            Message::Reply {
                id: stranger,
                body: b"x",
            }
            .encode()
            .unwrap(),
        );
        bytes.extend(
            Message::Error {
                id: stranger,
                body: b"x",
            }
            .encode()
            .unwrap(),
        );
    }
    assert_eq!(run(&mut client, &bytes), (vec![], None));
    assert_eq!(client.open(), 1);
    let reply = Message::Reply { id, body: b"y" }.encode().unwrap();
    assert_eq!(run(&mut client, &reply).0.len(), 1);
    // The second one is late.
    assert_eq!(run(&mut client, &reply), (vec![], None));
    // So is the answer to a notice.
    client.notify(b"n", b"").unwrap();
    let reply = Message::Reply {
        id: id + 1,
        body: b"y",
    }
    .encode()
    .unwrap();
    assert_eq!(run(&mut client, &reply), (vec![], None));
}

#[test]
fn requests_time_out_by_the_monotonic_clock() {
    let mut client = RequestStream::default();
    let (late, _) = client.command(b"a", b"", at(20)).unwrap();
    let (soon, _) = client.command(b"a", b"", at(10)).unwrap();
    assert_eq!(client.next_deadline(), Some(at(10)));
    assert!(client.expire(at(9)).is_empty());
    assert_eq!(client.expire(at(10)), [soon]);
    assert_eq!(client.next_deadline(), Some(at(20)));
    let reply = Message::Reply {
        id: soon,
        body: b"",
    }
    .encode()
    .unwrap();
    assert_eq!(run(&mut client, &reply), (vec![], None), "it is late");
    assert!(!client.cancel(soon) && client.cancel(late));
    assert_eq!(client.next_deadline(), None);
    let (third, _) = client.command(b"a", b"", at(30)).unwrap();
    assert_eq!(client.close(), [third]);
    assert!(client.close().is_empty());
    assert_eq!(client.command(b"a", b"", at(30)), Err(StreamError::Closed));
}

#[test]
fn what_is_open_is_bounded_on_both_sides() {
    let limits = Limits {
        own: 2,
        theirs: 3,
        message: 100,
    };
    let mut side = RequestStream::new(limits);
    for _ in 0..2 {
        side.command(b"a", b"", FAR).unwrap();
    }
    assert_eq!(
        side.command(b"a", b"", FAR),
        Err(StreamError::TooManyOpen(2))
    );
    // The refused one has changed nothing, and notices are not open.
    assert_eq!(side.notify(b"a", b"").unwrap(), b"13:l1:Ci2e1:a0:e");
    let mut bytes = Vec::new();
    for id in 0..4 {
        bytes.extend(
            Message::Command {
                id,
                endpoint: b"a",
                body: b"",
            }
            .encode()
            .unwrap(),
        );
    }
    let (received, error) = run(&mut side, &bytes);
    assert_eq!(
        (received.len(), error),
        (3, Some(StreamError::TooManyOpen(3)))
    );
    let mut side = RequestStream::new(limits);
    assert_eq!(run(&mut side, b"101:").1, Some(StreamError::TooLong(101)));
}

#[test]
fn a_hundred_thousand_commands_without_answers_take_bounded_memory() {
    let mut node = RequestStream::default();
    let mut refused = None;
    for id in 0..100_000 {
        let bytes = Message::Command {
            id,
            endpoint: b"monitor",
            body: b"",
        };
        let (_, error) = run(&mut node, &bytes.encode().unwrap());
        if error.is_some() {
            refused = error;
            break;
        }
    }
    assert_eq!(
        refused,
        Some(StreamError::TooManyOpen(Limits::DEFAULT.theirs))
    );
}

#[test]
fn a_prefix_reserves_nothing_and_unread_messages_are_not_piled_up() {
    let mut side = RequestStream::new(Limits {
        message: 50,
        ..Limits::DEFAULT
    });
    let one = Message::Command {
        id: 0,
        endpoint: b"a",
        body: &[0; 30],
    }
    .encode()
    .unwrap();
    let mut fed = 0;
    let error = loop {
        match side.feed(&one) {
            Ok(()) => fed += one.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error, StreamError::Backlog);
    assert!(fed <= 2 * 50 + one.len(), "{fed}");
}

#[test]
fn the_longest_message_goes_through_and_a_longer_one_is_not_made() {
    // Beside the body stand "l1:Ci0e1:a", its length in 7 digits, ":" and "e".
    let fits = vec![5; MAX_LENGTH - 19];
    let (mut client, mut node) = (RequestStream::default(), RequestStream::default());
    let mut long = fits.clone();
    long.push(5);
    let error = StreamError::TooLong(MAX_LENGTH + 1);
    assert_eq!(client.command(b"a", &long, FAR), Err(error));
    let (id, bytes) = client.command(b"a", &fits, FAR).unwrap();
    assert_eq!((id, bytes.len()), (0, MAX_LENGTH + 9));
    let mut got = Vec::new();
    for chunk in bytes.chunks(65_536) {
        got.extend(run(&mut node, chunk).0);
    }
    assert!(matches!(got.as_slice(), [Received::Command { body, .. }] if *body == fits));
    // A reply that is too long leaves the command open, so that it can be refused.
    let longer = node.reply(0, &vec![5; MAX_LENGTH]);
    assert!(matches!(longer, Err(StreamError::TooLong(_))));
    assert_eq!(
        node.error(0, stream::FAILED).unwrap().len(),
        3 + 7 + 3 + 46 + 1
    );
}

#[test]
fn keys_are_shown_as_ed25519_alone() {
    let key = Ed25519Public::from_bytes([7; 32]);
    let spki = tls::spki(&key);
    assert_eq!(
        spki[..12],
        *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
    );
    assert_eq!(tls::key_of(&spki), Ok(key));
    for end in 0..spki.len() {
        assert_eq!(tls::key_of(&spki[..end]), Err(NotEd25519), "{end}");
    }
    assert_eq!(tls::key_of(&[&spki[..], &[0]].concat()), Err(NotEd25519));
    for bit in 0..12 * 8 {
        let mut other = spki;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(tls::key_of(&other), Err(NotEd25519), "bit {bit}");
    }
    // X25519 has another object identifier, and P-256 another length too.
    let mut x25519 = spki;
    x25519[8] = 0x6e;
    assert_eq!(tls::key_of(&x25519), Err(NotEd25519));
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_mean_the_same(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        messages in prop::collection::vec((0i64..4, 0u8..3, prop::collection::vec(any::<u8>(), 0..40)), 0..6),
        piece in 1usize..50,
    ) {
        let mut stream = Vec::new();
        for (id, kind, body) in &messages {
            let (id, body) = (*id, body.as_slice());
            let message = match kind {
                0 => Message::Command { id, endpoint: b"e", body },
                1 => Message::Reply { id, body },
                _ => Message::Error { id, body },
            };
            stream.extend(message.encode().unwrap());
        }
        stream.extend(bytes);
        let mut whole = RequestStream::default();
        whole.command(b"a", b"", FAR).unwrap();
        let expected = run(&mut whole, &stream);
        let mut side = RequestStream::default();
        side.command(b"a", b"", FAR).unwrap();
        let (mut all, mut failed) = (Vec::new(), None);
        for piece in stream.chunks(piece) {
            let (received, error) = run(&mut side, piece);
            all.extend(received);
            if error.is_some() {
                failed = error;
                break;
            }
        }
        prop_assert_eq!(&all, &expected.0);
        prop_assert_eq!(failed.is_some(), expected.1.is_some());
    }
}
