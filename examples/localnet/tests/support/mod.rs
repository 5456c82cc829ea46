//! What several tests share: a running network, and requests to its nodes by both ways.
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod quic;
pub mod vectors;

use session_crypto::Ed25519PublicExt;
use std::sync::Arc;
use std::time::Duration;

use client::http::{Http, Trust};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http_body_util::Full;
use hyper::Request;
use localnet::network::{Network, Plan};
use localnet::node::Node;
use session_crypto::X25519Secret;
use session_onion::client::{Hop, Request as Packet, seal};
use session_onion::{Cipher, LayerKey};

pub const LIMIT: Duration = Duration::from_secs(40);

/// A network that is up, in a directory of its own.
pub struct World {
    pub network: Network,
    pub folder: tempfile::TempDir,
    http: Http,
}

/// Status and body of an answer.
pub type Answer = (u16, String);

impl World {
    pub async fn start(change: impl FnOnce(&mut Plan)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub async fn start_in(folder: tempfile::TempDir, change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = Plan::new(folder.path());
        change(&mut plan);
        Self {
            network: Network::start(&plan).await.unwrap(),
            folder,
            http: Http::new(Trust::Any, None),
        }
    }

    pub fn node(&self, index: usize) -> &Arc<Node> {
        &self.network.nodes[index]
    }

    /// Posts to a node.
    pub async fn post(&self, node: &Node, path: &str, body: &[u8]) -> Answer {
        self.send(node, Request::post(path), body).await
    }

    /// Sends any request to a node; its URI is a path.
    pub async fn send(
        &self,
        node: &Node,
        request: hyper::http::request::Builder,
        body: &[u8],
    ) -> Answer {
        let mut request = request.body(Full::new(body.to_vec().into())).unwrap();
        let url = format!("https://{}{}", node.address(), request.uri());
        *request.uri_mut() = url.parse().unwrap();
        let answer = self.http.send(request, LIMIT).await.unwrap();
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        let is_json = answer.content_type.as_deref() == Some("application/json");
        assert_eq!(is_json, body.starts_with('{'), "the type of {body}");
        (answer.status, body)
    }

    /// A storage request, directly.
    pub async fn direct(&self, node: &Node, body: &[u8]) -> Answer {
        self.post(node, "/storage_rpc/v1", body).await
    }

    /// A storage request through three other nodes, all layers in one cipher.
    pub async fn onion(&self, node: &Node, body: &[u8], cipher: Cipher) -> Answer {
        let path = self.path(node, cipher);
        let destination = hop(node, cipher);
        let request = Packet::storage(&destination, body);
        let (guard, hops) = &path;
        let sealed = seal(&mut UnwrapErr(SysRng), hops, &request).unwrap();
        let url = format!("https://{}/onion_req/v2", guard.address());
        let kind = "application/octet-stream";
        let answer = self.http.post(&url, kind, sealed.packet.into(), LIMIT);
        let answer = answer.await.unwrap();
        let reply = sealed.reply_key.open(answer.status, &answer.body);
        let reply = reply.unwrap_or_else(|error| panic!("{}: {error}", answer.status));
        let body = reply.body.unwrap_or_default();
        (reply.status, String::from_utf8(body).unwrap())
    }

    /// Three nodes on the way to another one, and the first of them.
    pub fn path(&self, to: &Node, cipher: Cipher) -> (Arc<Node>, Vec<Hop>) {
        let others = self.network.nodes.iter();
        let others: Vec<_> = others
            .filter(|node| node.public() != to.public() && node.is_up())
            .take(3)
            .collect();
        let hops = others.iter().map(|node| hop(node, cipher)).collect();
        (Arc::clone(others[0]), hops)
    }
}

pub fn hop(node: &Node, cipher: Cipher) -> Hop {
    let hop = Hop::from_ed25519(*node.public()).unwrap();
    hop.with_cipher(cipher)
}

/// What stands in front of another: its length, then it, then JSON (protocol: onion, section 3).
pub fn frame(blob: &[u8], json: &str) -> Vec<u8> {
    let length = u32::try_from(blob.len()).unwrap().to_le_bytes();
    [&length[..], blob, json.as_bytes()].concat()
}

/// One layer for a node: the ciphertext, the ephemeral key in hex, and the key of the layer.
pub fn layer(node: &Node, cipher: Cipher, plain: &[u8]) -> (Vec<u8>, String, LayerKey) {
    let rng = &mut UnwrapErr(SysRng);
    let ephemeral = X25519Secret::generate(rng);
    let public = ephemeral.public();
    let server = node.public().to_x25519().unwrap();
    let key = LayerKey::for_client(cipher, &ephemeral, &public, &server).unwrap();
    let sealed = key.seal(rng, plain).unwrap();
    (sealed, const_hex::encode(public.as_bytes()), key)
}

/// What a client sends, with more JSON behind the usual.
pub fn packet(sealed: &[u8], ephemeral: &str, cipher: Cipher, more: &str) -> Vec<u8> {
    let json = format!(r#"{{"ephemeral_key":"{ephemeral}","enc_type":"{cipher}"{more}}}"#);
    frame(sealed, &json)
}

/// The layers for a path, made without the builder of `session-onion`, which makes no wrong ones
/// and none of the oldest cipher: the outermost, and the key of the innermost.
pub fn sealed_through(path: &[(&Arc<Node>, Cipher)], inner: &[u8]) -> (Vec<u8>, String, LayerKey) {
    let (last, before) = path.split_last().unwrap();
    let (mut sealed, mut ephemeral, key) = layer(last.0, last.1, inner);
    let mut next = last;
    for hop in before.iter().rev() {
        let json = format!(
            r#"{{"destination":"{}","ephemeral_key":"{ephemeral}","enc_type":"{}"}}"#,
            next.0.name(),
            next.1
        );
        (sealed, ephemeral, _) = layer(hop.0, hop.1, &frame(&sealed, &json));
        next = hop;
    }
    (sealed, ephemeral, key)
}

/// The packet for a path, and the key of the innermost layer.
pub fn through(path: &[(&Arc<Node>, Cipher)], inner: &[u8]) -> (Vec<u8>, LayerKey) {
    let (sealed, ephemeral, key) = sealed_through(path, inner);
    (packet(&sealed, &ephemeral, path[0].1, ""), key)
}
