//! Onion requests: what a node does with a layer once session-onion has opened it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::host::http::HttpError;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http_body_util::Full;
use hyper::{Request, header};
use session_onion::node::{Answer, Arrival, Deliver, Exit, Peeled, Relay, ReplyBody};
use session_sdk::quic;
use session_storage::Body;
use session_storage::quic::NodeEndpoint;

use super::peers::PeerError;
use super::{Node, SERVER};
use crate::server::{Call, Reply};

impl Node {
    /// A packet from a client.
    pub(super) async fn client_onion(self: &Arc<Self>, call: &Call) -> Reply {
        self.traffic.note(None, self.name(), "onion");
        match Arrival::https(&call.body) {
            Ok(arrival) => reply(self.onion_answer(&arrival).await),
            Err(refused) => reply(refused.answer),
        }
    }

    /// Opens a layer and does what it says.
    pub(super) async fn onion_answer(self: &Arc<Self>, arrival: &Arrival<'_>) -> Answer {
        self.onions.fetch_add(1, Ordering::Relaxed);
        let peeled = self
            .onion
            .peel(&mut UnwrapErr(SysRng), arrival, &self.not_ready());
        if let Some(capture) = &self.capture
            && let Err(error) = capture.write(&self.name(), &peeled)
        {
            eprintln!("localnet: a packet could not be written: {error}");
        }
        match peeled {
            Ok(Peeled::Relay(relay)) => self.relay(relay).await,
            Ok(Peeled::Exit(exit)) => self.exit(exit).await,
            Ok(Peeled::Deliver(deliver)) => self.deliver(deliver).await,
            Err(refused) => refused.answer,
        }
    }

    async fn relay(self: &Arc<Self>, relay: Relay) -> Answer {
        // Whatever the node could read of the next layer, and where it leads.
        self.seen.bytes(relay.layer().ciphertext);
        self.seen.bytes(relay.next.as_bytes());
        let Some(next) = self.chain.node(&relay.next) else {
            return relay.not_found();
        };
        let limit = Duration::from_secs(Relay::TIMEOUT_SECONDS.into());
        let message = relay.layer().to_message();
        let endpoint = NodeEndpoint::OnionRequest;
        match self.to_peer(&next, endpoint, "relay", message, limit).await {
            Ok(quic::Answer::Reply(list)) => relay.answered_quic(Ok(&list)),
            Ok(quic::Answer::Error(text)) => relay.answered_quic(Err(&text)),
            Err(PeerError::Congested) => relay.congested(),
            // In the deployed network a node that is down is noticed by its silence.
            Err(PeerError::Silent) => relay.timed_out(),
        }
    }

    async fn exit(&self, mut exit: Exit) -> Answer {
        let payload = std::mem::take(&mut exit.payload);
        self.seen.bytes(&payload);
        self.seen.bytes(exit.url().as_bytes());
        let limit = Duration::from_secs(Exit::TIMEOUT_SECONDS.into());
        let url = self.dialled(&exit);
        let request = Request::post(&url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::USER_AGENT, SERVER)
            .header(header::ACCEPT, "*/*")
            .body(Full::new(payload.into()));
        let Ok(request) = request else {
            return exit.failed(&HttpError::Address(url.into()).to_string());
        };
        let posted = self.outside.send(request, limit).await;
        match posted {
            Ok(answer) => exit.answered(answer.status, answer.body.to_vec()),
            Err(error @ HttpError::Timeout { .. }) => exit.timed_out(&error.to_string()),
            // As the HTTP library of the deployed server says it.
            Err(HttpError::Unreachable { .. }) => exit.failed(&format!(
                "Failed to connect to {} port {} after 0 ms: Couldn't connect to server",
                exit.host, exit.port
            )),
            Err(error) => exit.failed(&error.to_string()),
        }
    }

    /// The URL of a server. The address under which other machines reach this one may be none of its own.
    fn dialled(&self, exit: &Exit) -> String {
        let url = exit.url();
        match self.dial {
            Some(inside) if exit.host == self.place.public.ip().to_string() => {
                url.replacen(&exit.host, &inside.to_string(), 1)
            }
            _ => url,
        }
    }

    async fn deliver(self: &Arc<Self>, deliver: Deliver) -> Answer {
        self.seen.bytes(&deliver.body);
        let response = self.storage(&deliver.body).await;
        let json;
        let body = match &response.body {
            Body::Structure(value) => {
                json = value.to_json_text();
                ReplyBody::Json(&json)
            }
            Body::Text(text) => ReplyBody::Text(text),
            Body::Binary(bytes) => ReplyBody::Binary(bytes),
        };
        self.seen.bytes(&response.json_body());
        deliver.reply(&mut UnwrapErr(SysRng), response.status, body)
    }
}

fn reply(answer: Answer) -> Reply {
    Reply::text(answer.status, answer.body)
}
