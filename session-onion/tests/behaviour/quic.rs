//! The messages of QUIC streams.

use proptest::prelude::*;
use session_onion::client::{self, ReplyError, Request};
use session_onion::node::{Answer, Arrival, Peeled, ReplyBody};
use session_onion::quic::{self, Message, StreamError};
use session_onion::status::Claim;

use crate::support::{hop, node, rng};

#[test]
fn messages_have_the_form_of_the_protocol() {
    let command = Message::Command {
        id: 7,
        endpoint: quic::ONION_REQ,
        body: b"packet",
    };
    let bytes = command.encode().unwrap();
    assert_eq!(bytes, b"27:l1:Ci7e9:onion_req6:packete");
    assert_eq!(Message::read(&bytes), Ok(Some((command, bytes.len()))));
    let reply = Message::Reply { id: 7, body: b"x" };
    assert_eq!(reply.encode().unwrap(), b"11:l1:Ri7e1:xe");
    let error = Message::Error { id: -1, body: b"" };
    assert_eq!(error.encode().unwrap(), b"11:l1:Ei-1e0:e");
}

#[test]
fn a_stream_is_read_message_by_message() {
    let mut stream = Message::Reply { id: 1, body: b"a" }.encode().unwrap();
    let first = stream.len();
    stream.extend(Message::Error { id: 2, body: b"b" }.encode().unwrap());
    for end in 0..first {
        assert_eq!(Message::read(&stream[..end]), Ok(None), "{end}");
    }
    let (_, taken) = Message::read(&stream).unwrap().unwrap();
    assert_eq!(taken, first);
    let (second, taken) = Message::read(&stream[first..]).unwrap().unwrap();
    assert_eq!(second, Message::Error { id: 2, body: b"b" });
    assert_eq!(taken, stream.len() - first);
}

#[test]
fn the_longest_message_is_written() {
    // Beside the body stand "l1:Ri0e", its length in 7 digits, ":" and "e".
    let body = vec![0; quic::MAX_LENGTH];
    let fits = quic::MAX_LENGTH - 16;
    let encode = |length| {
        Message::Reply {
            id: 0,
            body: &body[..length],
        }
        .encode()
    };
    assert_eq!(encode(fits).unwrap().len(), 9 + quic::MAX_LENGTH);
    let error = encode(fits + 1).unwrap_err();
    assert_eq!(error, StreamError::TooLong(quic::MAX_LENGTH + 1));
}

#[test]
fn what_is_no_message_is_refused() {
    for (stream, expected) in [
        (&b":"[..], StreamError::NoLength),
        (b"x", StreamError::NoLength),
        (b"-1:", StreamError::NoLength),
        (b"123456789", StreamError::NoLength),
        (b"10000001:", StreamError::TooLong(10_000_001)),
        (b"99999999:", StreamError::TooLong(99_999_999)),
        (b"0:", StreamError::Zero),
        (b"011:l1:Ri7e1:xe", StreamError::Zero),
        (b"2:le", StreamError::Kind),
        (b"11:l1:Xi7e1:xe", StreamError::Kind),
        (b"13:l1:Ri7e1:x0:e", StreamError::Kind),
        (b"11:l1:R1:71:xe", StreamError::Kind),
        (b"11:l1:Ci7e1:xe", StreamError::Kind),
    ] {
        let shown = String::from_utf8_lossy(stream);
        assert_eq!(Message::read(stream), Err(expected), "{shown}");
    }
    let broken = Message::read(b"9:l1:Ri7e0:");
    assert!(
        matches!(broken, Err(StreamError::Encoding(_))),
        "{broken:?}"
    );
    let body = vec![0; quic::MAX_LENGTH];
    let message = Message::Reply { id: 1, body: &body };
    assert!(matches!(message.encode(), Err(StreamError::TooLong(_))));
}

#[test]
fn an_answer_with_another_status_becomes_an_error_with_a_status_line() {
    let answer = Answer {
        status: 502,
        body: b"Next node not found: x".to_vec(),
    };
    assert_eq!(
        quic::answer(3, &answer).unwrap(),
        b"50:l1:Ei3e39:502 Bad Gateway\n\nNext node not found: xe"
    );
    for status in [400, 403, 500, 502, 503, 504] {
        let bytes = quic::answer(
            1,
            &Answer {
                status,
                body: vec![],
            },
        )
        .unwrap();
        let Ok(Some((Message::Error { body, .. }, _))) = Message::read(&bytes) else {
            panic!("no error");
        };
        assert_eq!(quic::error_status(body), Some(status));
    }
    assert_eq!(quic::error_status(b"404 Not Found\n\n"), None);
    assert_eq!(quic::error_status(b" 400 Bad Request"), None);
    assert_eq!(quic::error_status(b"400"), None);
}

#[test]
fn an_onion_request_goes_through_a_stream() {
    let (destination, guard) = (hop(2), node(1));
    let seal = || {
        client::seal(
            &mut rng(),
            &[hop(1)],
            &Request::storage(&destination, b"{}"),
        )
        .unwrap()
    };
    let sealed = seal();
    let Ok(Peeled::Relay(relay)) =
        guard.peel(&mut rng(), &Arrival::quic(&sealed.packet).unwrap(), &[])
    else {
        panic!("no relay");
    };
    let passed = |answer: Result<&[u8], &[u8]>| {
        let answer = relay.answered_quic(answer);
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(passed(Ok(b"li200e2:oke")), (200, "ok".into()));
    assert_eq!(passed(Ok(b"li418e2:oke")), (500, "ok".into()));
    assert_eq!(passed(Err(b"a text")), (502, "a text".into()));
    let unreadable = (500, "Invalid response from snode".to_owned());
    for bad in [
        &b""[..],
        b"le",
        b"li200ee",
        b"l3:2002:oke",
        b"li200e2:ok0:e",
        b"li70000e0:e",
        b"de",
    ] {
        assert_eq!(passed(Ok(bad)), unreadable, "{bad:?}");
    }
    assert_eq!(
        quic::node_answer(&relay.congested()),
        b"li503e18:Next hop congestede"
    );
    let message = relay.message();
    let arrival = Arrival::node(&message).unwrap();
    let Ok(Peeled::Deliver(deliver)) = node(2).peel(&mut rng(), &arrival, &[]) else {
        panic!("not delivered");
    };
    let answer = deliver.reply(&mut rng(), 200, ReplyBody::Text("ok"));
    let bytes = quic::answer(1, &answer).unwrap();
    let (message, _) = Message::read(&bytes).unwrap().unwrap();
    assert_eq!(
        sealed.reply_key.open_quic(&message).unwrap().body.unwrap(),
        b"ok"
    );

    let bytes = quic::answer(1, &relay.timed_out()).unwrap();
    let (message, _) = Message::read(&bytes).unwrap().unwrap();
    let ReplyError::Hearsay(hearsay) = seal().reply_key.open_quic(&message).unwrap_err() else {
        panic!("not hearsay");
    };
    assert_eq!(
        (hearsay.status, hearsay.claim),
        (Some(504), Claim::TimedOut)
    );
    let body = b"418 I'm a teapot";
    let message = Message::Error { id: 1, body };
    let ReplyError::Hearsay(hearsay) = seal().reply_key.open_quic(&message).unwrap_err() else {
        panic!("not hearsay");
    };
    assert_eq!((hearsay.status, hearsay.claim), (None, Claim::Other));
    assert_eq!(
        hearsay.to_string(),
        "path answered in plain text: 418 I'm a teapot"
    );
}

proptest! {
    #[test]
    fn reading_never_takes_more_than_there_is(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some((message, taken))) = Message::read(&bytes) {
            prop_assert!(taken <= bytes.len());
            prop_assert!(message.encode().is_ok());
        }
    }
}

#[test]
fn the_longest_message_is_waited_for_and_a_longer_one_refused() {
    let longest = quic::MAX_LENGTH;
    assert_eq!(Message::read(format!("{longest}:").as_bytes()), Ok(None));
    assert_eq!(
        Message::read(format!("{}:", longest + 1).as_bytes()),
        Err(StreamError::TooLong(longest + 1))
    );
}

#[test]
fn statuses_have_their_phrases() {
    for (status, phrase) in [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (406, "Not Acceptable"),
        (410, "Gone"),
        (413, "Payload Too Large"),
        (421, "Misdirected Request"),
        (429, "Too Many Requests"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
    ] {
        let answer = Answer {
            status,
            body: b"text".to_vec(),
        };
        let answer = quic::answer(1, &answer).unwrap();
        let text = format!("{status} {phrase}\n\ntext");
        let (message, _) = Message::read(&answer).unwrap().unwrap();
        let body = text.as_bytes();
        assert_eq!(message, Message::Error { id: 1, body });
        let is_looked_for = matches!(status, 400 | 403 | 500 | 502 | 503 | 504);
        assert_eq!(quic::error_status(body), is_looked_for.then_some(status));
    }
}
