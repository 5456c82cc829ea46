//! The Session Pro backend as a server behind the network, and answers that belong to another request.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::http::{Http, Trust};
use client::network::Options;
use client::session::Client;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http_body_util::Full;
use hyper::Request as HttpRequest;
use localnet::fault::now_ms;
use localnet::server::{Call, Reply, serve_plain};
use localnet::servers::Kind;
use session_crypto::{Ed25519Public, Ed25519Secret, X25519Secret, pro as keys};
use session_identity::{Account, Seed};
use session_network::{Purpose, Server};
use session_onion::Cipher;
use session_onion::client::{ReplyError, Request as Packet, Sealed, Server as Destination, seal};
use session_onion::payload::v4;
use session_onion::server::ServerKeys;
use session_onion::status::Claim;
use session_services::pro::client::{self as pro, Granted};
use session_services::pro::server::{self as backend, Store};
use session_services::pro::{
    AccountStatus, Code, Payment, PaymentPage, PaymentState, ProError, Provider, Revocation,
    Revocations, Revoked, UserStatus,
};
use session_types::UnixMillis;
use session_types::http::{Request, Response};
use tokio::sync::watch;

mod support;
use support::{LIMIT, World, hop};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> UnixMillis {
    UnixMillis::new(now_ms(0))
}

/// Who has paid, and whose proofs were revoked.
#[derive(Default)]
struct Shop {
    paid: BTreeMap<[u8; 32], Vec<Payment>>,
    revoked: Vec<Revocation>,
}

/// The tag of an account's proofs: here its master key.
fn tag(master: &Ed25519Public) -> [u8; 32] {
    *master.as_bytes()
}

impl Shop {
    fn payments_of(&self, master: &Ed25519Public) -> &[Payment] {
        self.paid.get(master.as_bytes()).map_or(&[], Vec::as_slice)
    }
}

impl Store for Shop {
    type Error = Infallible;

    fn status(&self, master: &Ed25519Public, at: UnixMillis) -> Result<AccountStatus, Infallible> {
        let latest = self.payments_of(master).first().cloned();
        let expires = latest
            .as_ref()
            .map_or(UnixMillis::EPOCH, |latest| latest.expires);
        Ok(AccountStatus {
            user: match latest {
                None => UserStatus::Never,
                Some(_) if expires < at => UserStatus::Expired,
                Some(_) => UserStatus::Active,
            },
            is_renewing: latest.is_some(),
            expires,
            grace: Duration::ZERO,
            latest,
        })
    }

    fn tag(&mut self, master: &Ed25519Public) -> Result<[u8; 32], Infallible> {
        Ok(tag(master))
    }

    fn payments(
        &self,
        master: &Ed25519Public,
        limit: u32,
        before: &str,
    ) -> Result<Option<PaymentPage>, Infallible> {
        let all = self.payments_of(master);
        let start = match before {
            "" => 0,
            cursor => match cursor.parse() {
                Ok(start) => start,
                Err(_) => return Ok(None),
            },
        };
        let end = all.len().min(start + limit as usize);
        Ok(Some(PaymentPage {
            total: all.len() as u64,
            items: all[start..end].to_vec(),
            next: (end < all.len()).then(|| end.to_string()),
        }))
    }

    fn revocations(&self) -> Result<Revocations, Infallible> {
        Ok(Revocations {
            ticket: i64::try_from(self.revoked.len()).unwrap(),
            retry_in: Duration::from_secs(60),
            retain_for: 2 * DAY,
            items: self.revoked.clone(),
        })
    }
}

fn payment(number: u64) -> Payment {
    let purchased = UnixMillis::from_secs(now().as_secs() - number);
    Payment {
        state: PaymentState::Redeemed,
        plan: "1m".parse().unwrap(),
        provider: Provider::GooglePlay,
        is_renewing: true,
        purchased,
        expires: purchased.saturating_add(30 * DAY),
        grace: Duration::ZERO,
        refundable_until: purchased,
        revoked: None,
        id: format!("GPA.{number}"),
    }
}

/// A backend that listens, by onion request and by plain HTTP.
struct Backend {
    url: String,
    key: Ed25519Public,
    server: Server,
    shop: Arc<Mutex<Shop>>,
    _stop: watch::Sender<bool>,
}

impl Backend {
    async fn start() -> Self {
        let secret = || Ed25519Secret::from_seed(&[0x50; 32]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        let shop = Arc::<Mutex<Shop>>::default();
        let kept = Arc::clone(&shop);
        let handler = move |call: Call| {
            let answer = |request: &Request| {
                let shop = &mut *kept.lock().unwrap();
                backend::handle(&secret(), request, now(), shop).unwrap()
            };
            let reply = match call.path.as_str() {
                "/oxen/v4/lsrpc" => onion(&secret().to_x25519(), &call, answer),
                path => {
                    let method = call.method.as_str().parse().unwrap();
                    let mut request = Request::new(method, path);
                    request.body = call.body.to_vec();
                    let response = answer(&request);
                    Reply::json(response.status, response.body)
                }
            };
            std::future::ready(reply)
        };
        tokio::spawn(serve_plain(listener, "pro", handler, stopped));
        let x25519 = secret().x25519_public();
        Self {
            server: Server::new(&url.parse().unwrap(), x25519).unwrap(),
            key: secret().public(),
            url,
            shop,
            _stop: stop,
        }
    }

    /// Takes what the shop says of a purchase; clients submit nothing.
    fn sell(&self, master: &Ed25519Public, count: u64) {
        let mut shop = self.shop.lock().unwrap();
        let payments = (0..count).map(payment).collect();
        shop.paid.insert(*master.as_bytes(), payments);
    }
}

fn onion(secret: &X25519Secret, call: &Call, answer: impl FnOnce(&Request) -> Response) -> Reply {
    let secret = X25519Secret::from_bytes(*secret.expose_bytes());
    let opened = ServerKeys::new(secret).open(&call.body).unwrap();
    let sealed = opened.answer_v4(&mut UnwrapErr(SysRng), |received| {
        let mut request = Request::new(received.method.parse().unwrap(), received.endpoint);
        request.body = received.body;
        let response = answer(&request);
        v4::Response {
            code: response.status,
            headers: &[("content-type", "application/json")],
            body: &response.body,
        }
        .encode()
    });
    Reply::text(200, sealed.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_becomes_a_proof_and_a_revocation_ends_it() {
    let world = World::start(|_| {}).await;
    let backend = Backend::start().await;
    let account = Account::from_seed(&Seed::from_short(&[1; 16]));
    let master = keys::master_key(account.ed25519());
    let rotating = keys::rotating_key(&master, now().as_secs());
    let options = Options {
        seeds: vec![world.network.seed_url()],
        pins: vec![world.network.seed_certificate()],
        from: None,
    };
    let client = Client::connect(account, &options, |_| {}).await.unwrap();
    let ask = async |request: Request| {
        let asked = client.ask_server(Purpose::Standard, &backend.server, request, true);
        asked.await.unwrap()
    };
    let proof = async || {
        let at = client.network_time().await;
        let reply = ask(pro::proof(&master, &rotating, at)).await;
        Granted::from_reply(&reply, &backend.key, &rotating.public())
    };

    let refused = ProError::Refused {
        code: Code::NotSubscribed,
        account: None,
    };
    assert_eq!(proof().await, Err(refused));
    backend.sell(&master.public(), 3);
    let granted = proof().await.unwrap();
    assert!(granted.proof.verify(&backend.key).is_ok());
    assert!(granted.renew_at() > now().saturating_add(28 * DAY));

    let at = client.network_time().await;
    let reply = ask(pro::status(&master, at)).await;
    let status = AccountStatus::from_reply(&reply).unwrap();
    assert_eq!(status.user, UserStatus::Active);
    assert_eq!(status.latest.unwrap().id, "GPA.0");
    // Page by page, and the same by plain HTTP.
    let (mut cursor, mut ids) = (None, Vec::new());
    loop {
        let request = pro::payments(&master, 2, cursor.as_deref(), at);
        let page = PaymentPage::from_reply(&ask(request).await).unwrap();
        ids.extend(page.items.into_iter().map(|item| item.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids, ["GPA.0", "GPA.1", "GPA.2"]);
    let request = pro::payments(&master, 2, None, at);
    let url = format!("{}{}", backend.url, request.path);
    let plain = HttpRequest::post(url).body(Full::new(request.body.into()));
    let answer = Http::new(Trust::Any, None)
        .send(plain.unwrap(), LIMIT)
        .await;
    let answer = answer.unwrap();
    let reply = Response::new(answer.status, "application/json", answer.body.to_vec());
    assert_eq!(PaymentPage::from_reply(&reply).unwrap().total, 3);

    // A clock that is two minutes off is told so.
    let early = at.saturating_sub(Duration::from_secs(120));
    let reply = ask(pro::status(&master, early)).await;
    let stale = ProError::Refused {
        code: Code::StaleRequest,
        account: None,
    };
    assert_eq!(AccountStatus::from_reply(&reply), Err(stale));

    let mut known = Revoked::default();
    let revoked = async |ticket| Revocations::from_reply(&ask(pro::revoked(ticket)).await);
    known.report(&revoked(known.ticket).await.unwrap(), now());
    let tag = granted.proof.revocation_tag;
    assert!(!known.is_revoked(&tag, now()));
    let item = Revocation {
        tag,
        effective: now(),
    };
    backend.shop.lock().unwrap().revoked.push(item);
    known.report(&revoked(known.ticket).await.unwrap(), now());
    assert!(known.is_revoked(&tag, now().saturating_add(Duration::from_secs(1))));
    assert_eq!(revoked(known.ticket).await.unwrap().items, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_request_cannot_be_opened() {
    let world = World::start(|_| {}).await;
    let servers = world.network.servers.as_ref().unwrap();
    let community = servers.get(Kind::Community);
    let port = community.url().rsplit(':').next().unwrap().parse().unwrap();
    let to = Destination::new(*community.x25519(), "http", "127.0.0.1");
    let to = to.unwrap().with_port(port);
    let hops: Vec<_> = (0..3)
        .map(|at| hop(world.node(at), Cipher::XChaCha20))
        .collect();
    let guard = format!("https://{}/onion_req/v2", world.node(0).address());
    let http = Http::new(Trust::Any, None);
    let ask = async |path: &str| {
        let packet = Packet::server(&to, v4::Request::get(path));
        let Sealed { packet, reply_key } = seal(&mut UnwrapErr(SysRng), &hops, &packet).unwrap();
        let kind = "application/octet-stream";
        let answer = http.post(&guard, kind, packet.into(), LIMIT).await.unwrap();
        assert_eq!(answer.status, 200);
        (reply_key, answer.body)
    };
    let (capabilities, its_answer) = ask("/capabilities").await;
    let (rooms, other_answer) = ask("/rooms").await;
    let error = capabilities.open(200, &other_answer).unwrap_err();
    let ReplyError::Hearsay(hearsay) = error else {
        panic!("{error:?}");
    };
    assert_eq!(hearsay.claim, Claim::Undecryptable);
    assert!(rooms.open(200, &its_answer).is_err());
    // In its place the answer is opened.
    let (rooms, answer) = ask("/rooms").await;
    assert_eq!(rooms.open(200, &answer).unwrap().body.unwrap(), b"[]");
}
