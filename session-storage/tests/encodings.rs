//! Differences between the two encodings of requests, as on deployed servers.
#![allow(clippy::unwrap_used, missing_docs)]

use session_crypto::Ed25519Secret;
use session_storage::value::Value;
use session_storage::{DeleteAll, OxendEndpoint, OxendRequest, Request, Signer};
use session_types::{AnyId, Namespaces, UnixMillis};

fn delete_all(timestamp: u64) -> Request {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let account: AnyId = format!("03{}", secret.public()).parse().unwrap();
    let signer = Signer::group(&secret);
    DeleteAll::new(account, Namespaces::All)
        .sign(UnixMillis::new(timestamp), &signer)
        .into()
}

#[test]
fn a_time_too_small_for_milliseconds_is_refused_in_json_alone() {
    for (timestamp, in_json) in [(1_700_000_000_000, true), (1_700_000, false), (0, false)] {
        let request = delete_all(timestamp);
        let json = Request::from_json(&request.to_json());
        assert_eq!(json.is_ok(), in_json, "{timestamp}");
        let (bencoded, _) = Request::from_body("delete_all", &request.to_bencode()).unwrap();
        assert_eq!(bencoded, request);
    }
}

#[test]
fn parameters_that_are_no_json_are_kept_as_null() {
    let body = |params: &str| {
        let length = params.len();
        let body = format!("d8:endpoint17:get_service_nodes6:params{length}:{params}e");
        Request::from_body("oxend_request", body.as_bytes())
            .unwrap()
            .0
    };
    for (params, read) in [
        (r#"{"active_only":true}"#, r#"{"active_only":true}"#),
        ("{", "null"),
        ("", "null"),
    ] {
        let expected = OxendRequest {
            endpoint: OxendEndpoint::GetServiceNodes,
            params: Some(Value::from_json(read.as_bytes()).unwrap()),
        };
        assert_eq!(body(params), expected.into());
    }
}

#[test]
fn bencoding_has_no_fractions_and_no_null() {
    let value = Value::from_json(br#"{"a":1.5,"b":[-2,18446744073709551615],"c":true}"#).unwrap();
    assert_eq!(
        value.to_bencode(),
        b"d1:ai0e1:bli-2ei18446744073709551615ee1:ci1ee"
    );
    assert_eq!(Value::Null.to_bencode(), b"");
}

/// Nodes take a missing time for 1970, and a request is written as it was read.
#[test]
fn a_signed_retrieve_without_a_time_is_written_without_one() {
    let key = "73e13ea24f329f9587ed44aac9ecb838ede6c325862c9ead049729a1292f8ec7";
    let signature = "A".repeat(86);
    let text = format!(
        r#"{{"method":"retrieve","params":{{"pubkey":"03{key}","signature":"{}=="}}}}"#,
        signature
    );
    let request = Request::from_json(text.as_bytes()).unwrap();
    let written = request.to_json();
    assert!(
        !String::from_utf8(written.clone())
            .unwrap()
            .contains("timestamp")
    );
    assert_eq!(Request::from_json(&written), Ok(request));
}
