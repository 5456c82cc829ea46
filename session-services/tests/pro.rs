//! The Session Pro backend, both sides.
#![cfg(feature = "pro-backend")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use core::convert::Infallible;
use core::time::Duration;

use serde_json::{Value, json};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_services::ReplyError;
use session_services::http::{Method, Request, Response};
use session_services::pro::client::{self, Granted};
use session_services::pro::server::{Store, handle};
use session_services::pro::{
    AccountStatus, Code, Payment, PaymentPage, PaymentState, ProError, Provider, Revocation,
    Revocations, Revoked, UserStatus,
};
use session_types::UnixMillis;

const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn key(byte: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[byte; 32])
}

fn payment() -> Payment {
    Payment {
        state: PaymentState::Redeemed,
        plan: "12m".parse().unwrap(),
        provider: Provider::AppStore,
        is_renewing: true,
        purchased: UnixMillis::new(1_699_999_000_500),
        expires: NOW.saturating_add(DAY),
        grace: Duration::from_secs(3600),
        refundable_until: NOW.saturating_add(DAY),
        revoked: None,
        id: "GPA.1".to_owned(),
    }
}

struct Backend {
    expires: UnixMillis,
    user: UserStatus,
}

impl Store for Backend {
    type Error = Infallible;

    fn status(&self, _: &Ed25519Public, _: UnixMillis) -> Result<AccountStatus, Infallible> {
        Ok(AccountStatus {
            user: self.user,
            is_renewing: true,
            expires: self.expires,
            grace: Duration::from_secs(60),
            latest: (self.user != UserStatus::Never).then(payment),
        })
    }

    fn tag(&mut self, _: &Ed25519Public) -> Result<[u8; 32], Infallible> {
        Ok([0xab; 32])
    }

    fn payments(
        &self,
        _: &Ed25519Public,
        limit: u32,
        before: &str,
    ) -> Result<Option<PaymentPage>, Infallible> {
        let page = |items: Vec<Payment>, next: Option<&str>| {
            Some(PaymentPage {
                total: 3,
                items,
                next: next.map(str::to_owned),
            })
        };
        Ok(match before {
            "" => page(vec![payment(); limit as usize], Some("sealed")),
            "sealed" => page(vec![payment()], None),
            _ => None,
        })
    }

    fn revocations(&self) -> Result<Revocations, Infallible> {
        Ok(Revocations {
            ticket: 7,
            retry_in: Duration::from_secs(1),
            retain_for: Duration::from_secs(1),
            items: vec![Revocation {
                tag: [0xab; 32],
                effective: NOW.saturating_add(DAY),
            }],
        })
    }
}

fn active() -> Backend {
    Backend {
        expires: NOW.saturating_add(400 * DAY),
        user: UserStatus::Active,
    }
}

fn ask(request: &Request, store: &mut Backend) -> Response {
    handle(&key(9), request, NOW, store).unwrap()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The vectors C6 of the chapter on communities.
#[test]
fn requests_are_signed_as_the_library_signs_them() {
    let sent = body(&client::proof(&key(1), &key(2), NOW));
    assert_eq!(
        sent["master_sig"],
        "d1357a2850e6521250e754d75f5dc0273a4eea58a98c7e32722782ba10f6917632f55ddaaeafef2c3f75e1d973f2ebc587f6b1317ef3982c8a8d64d224b9540a"
    );
    assert_eq!(
        sent["rotating_sig"],
        "f6aa9b18bb58d559db7401ba855b720cb3aec9ee764e0acae006d2c2ec04280d634a8a6c63e5331c2c1e7e8d35f81df71eda6f4b42955f075170ededabc0300b"
    );
    let sent = body(&client::status(&key(1), NOW));
    assert_eq!(
        sent["master_sig"],
        "11bd01cc522ffcef691ce9d066b1bbaafd991fe4ea63e068862cf09ef4fa11bd9d0ae6ddcf3451f584b17c3037c34cfcb6223d4254eec3579dba9a923bbc3f0b"
    );
    let sent = body(&client::payments(&key(1), 10, None, NOW));
    assert_eq!(
        sent["master_sig"],
        "a918ace141c676b19676cf0426f95e0078353b14ed0d18630541644c90297c52131ea3370395abf86155e1cfb6a0c74ee1d3c43c16a0a0f544f72162002dbc02"
    );
    let sent = body(&client::payments(&key(1), 10, Some("0a1b2c3d4e5f"), NOW));
    assert_eq!(
        sent["master_sig"],
        "81e009f71ce3937d0d3a349e5ef6d24d4305b903a836e24c61f64367ea82ef8b19c750a92d2fccc9febf8f20c835f35ebf5485ec719cd66962a1d24cf5aa5a06"
    );
}

#[test]
fn a_proof_is_granted_verified_and_renewed_an_hour_before_its_end() {
    let reply = ask(&client::proof(&key(1), &key(2), NOW), &mut active());
    let read = |reply: &Response, backend: u8, rotating: u8| {
        Granted::from_reply(reply, &key(backend).public(), &key(rotating).public())
    };
    let granted = read(&reply, 9, 2).unwrap();
    let expiry = UnixMillis::from_secs(granted.proof.expiry_seconds);
    assert!(expiry >= NOW.saturating_add(30 * DAY) && expiry <= NOW.saturating_add(31 * DAY));
    assert_eq!(
        granted.renew_at(),
        expiry.saturating_sub(Duration::from_secs(3600))
    );
    assert_eq!(granted.account.unwrap().expires, active().expires);
    // Of another backend, for another key, or changed: none.
    assert_eq!(read(&reply, 8, 2), Err(ProError::Proof));
    assert_eq!(read(&reply, 9, 3), Err(ProError::Proof));
    let mut changed: Value = serde_json::from_slice(&reply.body).unwrap();
    changed["result"]["expiry_ts"] = (granted.proof.expiry_seconds + 1).into();
    let changed = Response::new(200, "application/json", changed.to_string());
    assert_eq!(read(&changed, 9, 2), Err(ProError::Proof));
    // Two devices get the same.
    let again = ask(&client::proof(&key(1), &key(2), NOW), &mut active());
    assert_eq!(read(&again, 9, 2), Ok(granted));
}

#[test]
fn accounts_without_a_subscription_are_told_why() {
    let mut store = Backend {
        expires: NOW.saturating_sub(DAY),
        user: UserStatus::Expired,
    };
    let reply = ask(&client::proof(&key(1), &key(2), NOW), &mut store);
    let refused = Granted::from_reply(&reply, &key(9).public(), &key(2).public());
    let Err(ProError::Refused {
        code: Code::SubscriptionExpired,
        account: Some(account),
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(account.expires, store.expires);
    store.user = UserStatus::Never;
    let reply = ask(&client::proof(&key(1), &key(2), NOW), &mut store);
    let refused = Granted::from_reply(&reply, &key(9).public(), &key(2).public());
    assert_eq!(
        refused,
        Err(ProError::Refused {
            code: Code::NotSubscribed,
            account: None
        })
    );
    let status =
        AccountStatus::from_reply(&ask(&client::status(&key(1), NOW), &mut store)).unwrap();
    assert_eq!((status.user, status.latest), (UserStatus::Never, None));
}

#[test]
fn pages_of_payments_follow_the_cursor() {
    let page = |before: Option<&str>| {
        PaymentPage::from_reply(&ask(
            &client::payments(&key(1), 2, before, NOW),
            &mut active(),
        ))
    };
    let first = page(None).unwrap();
    assert_eq!((first.total, first.items.len()), (3, 2));
    assert_eq!(first.items[0], payment());
    let second = page(first.next.as_deref()).unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
    assert_eq!(
        page(Some("foreign")),
        Err(ProError::Refused {
            code: Code::InvalidRequest,
            account: None
        })
    );
}

#[test]
fn revocations_count_from_their_time_on_and_are_kept_as_long_as_asked() {
    let reply = Revocations::from_reply(&ask(&client::revoked(0), &mut active())).unwrap();
    // Bounded: a server cannot make a client ask all the time, or forget at once.
    assert_eq!((reply.retry_in.as_secs(), reply.retain_for), (60, DAY));
    let mut known = Revoked::default();
    known.report(&reply, NOW);
    assert_eq!(known.ticket, 7);
    let tag = [0xab; 32];
    let effective = NOW.saturating_add(DAY);
    assert!(!known.is_revoked(&tag, NOW) && !known.is_revoked(&[1; 32], effective));
    // Kept for a day from the first sight, after which it does not count any more.
    assert!(!known.is_revoked(&tag, effective));
    let longer = Revocations {
        retain_for: 2 * DAY,
        ..reply.clone()
    };
    let mut known = Revoked::default();
    known.report(&longer, NOW);
    assert!(known.is_revoked(&tag, effective));
    let current = Revocations::from_reply(&ask(&client::revoked(7), &mut active())).unwrap();
    assert_eq!(current.items, []);
}

#[test]
fn requests_of_every_wrong_kind_are_refused() {
    let good = client::proof(&key(1), &key(2), NOW);
    let code = |request: &Request| -> String {
        let reply: Value = serde_json::from_slice(&ask(request, &mut active()).body).unwrap();
        assert_ne!(reply["status"], "ok", "{reply}");
        reply["error_code"].as_str().unwrap().to_owned()
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = body(&good);
        change(&mut value);
        let path = good.path.as_str();
        Request::new(Method::Post, path)
            .with_body("application/json", value.to_string().into_bytes())
    };
    assert_eq!(
        code(&changed(&|v| v["master_sig"] = "00".repeat(64).into())),
        "bad_signature"
    );
    assert_eq!(
        code(&changed(&|v| v["rotating_sig"] = v["master_sig"].clone())),
        "bad_signature"
    );
    assert_eq!(
        code(&changed(&|v| v["ts"] = (NOW.as_secs() + 1).into())),
        "bad_signature"
    );
    for (name, wrong) in [
        ("master_pkey", json!("zz")),
        ("master_pkey", json!(null)),
        ("rotating_pkey", json!(1)),
        ("ts", json!("1")),
        ("ts", json!(-1)),
        ("ts", json!(1.5)),
        ("master_sig", json!([])),
    ] {
        assert_eq!(
            code(&changed(&|v| v[name] = wrong.clone())),
            "invalid_request",
            "{name}"
        );
    }
    for text in ["", "[]", "{", "null"] {
        let request = Request::new(Method::Post, good.path.as_str());
        let request = request.with_body("application/json", text.as_bytes().to_vec());
        assert_eq!(code(&request), "invalid_request", "{text}");
    }
    assert_eq!(code(&Request::get("/dev/grant")), "invalid_request");
    let seconds = Duration::from_secs;
    for (at, stale) in [
        (NOW.saturating_sub(seconds(70)), false),
        (NOW.saturating_add(seconds(70)), false),
        (NOW.saturating_sub(seconds(71)), true),
        (NOW.saturating_add(seconds(71)), true),
    ] {
        let reply = ask(&client::status(&key(1), at), &mut active());
        let read = AccountStatus::from_reply(&reply);
        let expected = Err(ProError::Refused {
            code: Code::StaleRequest,
            account: None,
        });
        assert_eq!(read == expected, stale, "{read:?}");
    }
}

#[test]
fn replies_of_every_wrong_shape_are_errors() {
    let read =
        |text: &str| AccountStatus::from_reply(&Response::new(200, "application/json", text));
    for text in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"status":"ok"}"#,
        r#"{"status":"ok","result":null}"#,
        r#"{"status":"ok","result":[]}"#,
        r#"{"status":"great","result":{}}"#,
        r#"{"status":1}"#,
        r#"{"status":"ok","result":{"user_status":"maybe"}}"#,
        r#"{"status":"ok","result":{"user_status":"active","auto_renewing":true,"expiry_ts":1.5,"grace_period_duration":0,"latest_payment":null}}"#,
        r#"{"status":"ok","result":{"user_status":"active","auto_renewing":true,"expiry_ts":1,"grace_period_duration":0,"latest_payment":[1]}}"#,
    ] {
        assert_eq!(read(text), Err(ReplyError::Json.into()), "{text}");
    }
    // A slug that is not known yet is a refusal all the same.
    let unknown = read(r#"{"status":"fail","error_code":"too_purple","error":"text"}"#);
    assert_eq!(
        unknown,
        Err(ProError::Refused {
            code: Code::Unknown,
            account: None
        })
    );
    let failed = read(r#"{"status":"error","error_code":"internal_error"}"#);
    assert_eq!(
        failed,
        Err(ProError::Failed {
            code: Code::InternalError
        })
    );
    // The three of the account come together or not at all.
    let half = r#"{"status":"fail","error_code":"subscription_expired","account_expiry_ts":1}"#;
    assert_eq!(read(half), Err(ReplyError::Json.into()));
    // A plan outside the grammar is an error of the protocol.
    let mut whole = active().status(&key(1).public(), NOW).unwrap();
    whole.latest = Some(payment());
    let reply = ask(&client::status(&key(1), NOW), &mut active());
    let text = String::from_utf8(reply.body).unwrap();
    assert_eq!(read(&text), Ok(whole));
    let bad = text.replace("12m", "12M");
    assert_eq!(read(&bad), Err(ReplyError::Value { field: "plan" }.into()));
    assert!(matches!(
        AccountStatus::from_reply(&Response::new(302, "text/html", "")),
        Err(ProError::Reply(ReplyError::Redirect { status: 302 }))
    ));
}
