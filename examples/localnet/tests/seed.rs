//! The seed node: its list over https and plain http, its certificate, and who may give it orders.
#![allow(missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use client::http::{Http, Trust};
use http_body_util::Full;
use hyper::Request;
use localnet::network::{Network, Plan};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(60);

async fn start(change: impl FnOnce(&mut Plan)) -> (tempfile::TempDir, Network) {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::new(folder.path());
    (plan.nodes, plan.swarms) = (4, 1);
    change(&mut plan);
    let network = Network::start(&plan).await.unwrap();
    (folder, network)
}

async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.to_owned().into())).unwrap();
    let answer = Http::new(Trust::Any, None)
        .send(request, LIMIT)
        .await
        .unwrap();
    (
        answer.status,
        String::from_utf8(answer.body.to_vec()).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_comes_over_plain_http_too_and_nothing_else_does() {
    let (_folder, network) = start(|plan| plan.http_seed = Some(0)).await;
    let http = network.urls().http_seed_url.clone().unwrap();
    let ask = r#"{"jsonrpc":"2.0","id":"x","method":"get_n_service_nodes","params":{}}"#;
    for url in [&http, &network.seed_url()] {
        let (status, body) = post(&format!("{url}/json_rpc"), &[], ask).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &answer["id"]), (200, &json!("x")));
        let nodes = answer["result"]["service_node_states"].as_array().unwrap();
        assert_eq!(nodes.len(), 4);
    }
    let header = network.admin.access().token().header();
    let order = [
        ("authorization", &*header),
        ("content-type", "application/json"),
    ];
    for path in ["ctl", "status", ""] {
        assert_eq!(post(&format!("{http}/{path}"), &order, "{}").await.0, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_need_the_type_the_host_the_origin_and_the_token() {
    let (_folder, network) = start(|_| {}).await;
    let url = format!("{}/ctl", network.seed_url());
    let host = network.seed_url().replace("https://", "");
    let token = network.admin.access().token().header();
    let node = network.nodes[0].name();
    let order = json!({"action": "slow", "node": node, "value": "1000"}).to_string();
    let json = ("content-type", "application/json");
    let token = ("authorization", &*token);
    let evil = ("origin", "https://evil.example");
    let wrong = format!("Bearer {}", "0".repeat(64));
    for (headers, expected) in [
        (vec![json], 403),
        (vec![json, ("authorization", &*wrong)], 403),
        (vec![token], 415),
        (vec![token, ("content-type", "text/plain")], 415),
        (
            vec![token, ("content-type", "application/x-www-form-urlencoded")],
            415,
        ),
        (vec![json, token, evil], 403),
        (vec![json, token, ("host", "evil.example")], 421),
    ] {
        let (status, said) = post(&url, &headers, &order).await;
        assert_eq!(status, expected, "{headers:?}: {said}");
        assert!(network.nodes[0].faults.now().slow.is_zero(), "{headers:?}");
    }
    let own = format!("https://{host}");
    let good = [json, token, ("origin", &*own)];
    assert_eq!(post(&url, &good, &order).await.0, 200);
    assert!(!network.nodes[0].faults.now().slow.is_zero());
    // What a page of another name shows is not shown to it either.
    for path in ["", "status"] {
        let url = format!("{}/{path}", network.seed_url());
        assert_eq!(post(&url, &[("host", "evil.example")], "").await.0, 421);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_one_that_clients_can_verify() {
    let (_folder, network) = start(|_| {}).await;
    let mut roots = RootCertStore::empty();
    roots.add(network.seed_certificate()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let address = network.seed_url().replace("https://", "");
    for (name, is_good) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("evil.example", false),
    ] {
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let name = ServerName::try_from(name).unwrap();
        let connected = connector.connect(name, stream).await;
        assert_eq!(connected.is_ok(), is_good, "{connected:?}");
        let Ok(mut stream) = connected else { continue };
        let request =
            format!("GET /status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 200");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_certificate_is_served_and_published() {
    let (other, given) = start(|_| {}).await;
    given.stop();
    let (pem, key) = (other.path().join("seed.pem"), other.path().join("seed.key"));
    let (folder, network) = start(|plan| plan.certificate = Some((pem.clone(), key))).await;
    assert_eq!(network.seed_certificate(), given.seed_certificate());
    let published = std::fs::read(folder.path().join("seed.pem")).unwrap();
    assert_eq!(published, std::fs::read(pem).unwrap());
    let http = Http::new(Trust::Pinned(vec![given.seed_certificate()]), None);
    let url = format!("{}/status", network.seed_url());
    let answer = http.post(&url, "text/plain", "".into(), LIMIT).await;
    assert!(answer.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advertised_address_is_in_the_list_and_in_the_certificate() {
    // Another address of this machine stands for the one that a container has.
    let address = "127.99.0.1".parse().unwrap();
    let (folder, network) = start(|plan| plan.advertise = Some(address)).await;
    let nodes = network.chain.nodes();
    assert!(nodes.iter().all(|node| node.ip == address));
    let ports = nodes.iter().map(|node| node.https_port);
    assert_eq!(ports.collect::<std::collections::BTreeSet<_>>().len(), 4);
    assert!(network.seed_url().starts_with("https://127.99.0.1:"));
    let text = std::fs::read(folder.path().join("network.json")).unwrap();
    let text: Value = serde_json::from_slice(&text).unwrap();
    assert!(
        text["ctl_url"]
            .as_str()
            .unwrap()
            .starts_with("https://127.0.0.1:")
    );
    // A message goes through nodes that reach each other elsewhere than they say.
    let options = client::network::Options {
        seeds: vec![network.seed_url()],
        pins: vec![network.seed_certificate()],
        ..Default::default()
    };
    let seed = session_identity::Seed::from_short(&[1; 16]);
    let account = session_identity::Account::from_seed(&seed);
    let id = *account.id();
    let client = client::session::Client::connect(account, &options, |_| {})
        .await
        .unwrap();
    let sent = client.send(&id, "hello", None).await.unwrap();
    assert_eq!(sent.stored_on.len(), 4);
    let der = network.seed_certificate();
    assert!(der.windows(4).any(|bytes| bytes == [127, 99, 0, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_handshake_of_many_at_once_is_dropped() {
    let (_folder, network) = start(|_| {}).await;
    let address = network.seed_url().replace("https://", "");
    let mut roots = RootCertStore::empty();
    roots.add(network.seed_certificate()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (connector, address) = (connector.clone(), address.clone());
        all.spawn(async move {
            for _ in 0..20 {
                let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let mut stream = connector.connect(name, stream).await.unwrap();
                let request = format!("POST /json_rpc HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}");
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut said = [0; 12];
                stream.read_exact(&mut said).await.unwrap();
                assert_eq!(&said, b"HTTP/1.1 200");
            }
        });
    }
    let count = all.len();
    assert_eq!((all.join_all().await.len(), count), (64, 64));
}
