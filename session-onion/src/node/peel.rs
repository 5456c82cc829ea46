//! Opens a node's own layer.

use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::{Ed25519Public, X25519Public, X25519Secret};

use crate::MAX_HOP_NO;
use crate::cipher::LayerKey;
use crate::frame::Frame;
use crate::node::answer::{Answer, NotReady, Replier, ReplyBody};
use crate::node::arrival::{Arrival, Origin};
use crate::node::forward::{Exit, Relay};
use crate::node::refused::{Reason, Refused};
use crate::packet::PacketError;
use crate::role::Role;

/// The task of an opened layer.
#[derive(Debug)]
pub enum Peeled {
    /// Send a layer to another node.
    Relay(Relay),
    /// Post a payload to a server.
    Exit(Exit),
    /// Run a storage request.
    Deliver(Deliver),
}

/// A storage request for this node.
#[derive(Debug)]
pub struct Deliver {
    /// The request as the client wrote it. Untrusted.
    pub body: Vec<u8>,
    /// Encrypts the answer.
    pub replier: Replier,
}

impl Deliver {
    /// Encrypts a status and a result, as [`Replier::reply`].
    #[must_use]
    pub fn reply(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        status: u16,
        body: ReplyBody<'_>,
    ) -> Answer {
        self.replier.reply(rng, status, body)
    }
}

/// The keys of a service node.
#[derive(Debug)]
pub struct Node {
    ed25519: Ed25519Public,
    public: X25519Public,
    secret: X25519Secret,
}

impl Node {
    /// Creates a node from its Ed25519 key, which identifies it, and its X25519 secret.
    #[must_use]
    pub fn new(ed25519: Ed25519Public, secret: X25519Secret) -> Self {
        Self {
            ed25519,
            public: secret.public(),
            secret,
        }
    }

    /// Returns the node's Ed25519 key.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Public {
        &self.ed25519
    }

    /// Returns the node's X25519 key.
    #[must_use]
    pub const fn x25519(&self) -> &X25519Public {
        &self.public
    }

    /// Opens a layer and returns its task. `not_ready` is empty if the node is ready.
    ///
    /// The example program `relay` of this crate is a relay on TCP. The generator is asked for a nonce
    /// if a refusal is encrypted. Repeated packets are not detected, as in the deployed network.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the answer to send back.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::Ed25519Secret;
    /// use session_onion::client::{Hop, Request, seal};
    /// use session_onion::node::{Arrival, Node, Peeled};
    ///
    /// let secret = Ed25519Secret::generate(rng);
    /// let node = Node::new(secret.public(), secret.to_x25519());
    /// # let hop = Hop::from_ed25519(secret.public())?;
    /// # let sealed = seal(rng, &[], &Request::storage(&hop, b"{}"))?;
    /// // `sealed.packet` is the body of a POST to /onion_req/v2.
    /// match Arrival::https(&sealed.packet).and_then(|arrival| node.peel(rng, &arrival, &[])) {
    ///     Ok(Peeled::Relay(relay)) => println!("pass on to {:?}", relay.next),
    ///     Ok(Peeled::Exit(exit)) => println!("post to {}", exit.url()),
    ///     Ok(Peeled::Deliver(request)) => assert_eq!(request.body, b"{}"),
    ///     Err(refused) => println!("answer {}", refused.answer.status),
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn peel(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        arrival: &Arrival<'_>,
        not_ready: &[NotReady],
    ) -> Result<Peeled, Refused> {
        self.admit(arrival, not_ready)?;
        let Arrival { layer, .. } = arrival;
        let key = LayerKey::for_server(
            layer.cipher,
            &self.secret,
            &self.public,
            &layer.ephemeral_key,
        );
        let opened = key.ok().and_then(|key| {
            let plaintext = key.open(layer.ciphertext).ok()?;
            Some((key, plaintext))
        });
        let Some((key, plaintext)) = opened else {
            return Err(Refused {
                reason: Reason::Decrypt,
                answer: Answer::plain(400, "Invalid ciphertext"),
            });
        };
        let (role, blob) = match read(&plaintext) {
            Ok(read) => read,
            Err(error) => {
                return Err(Refused {
                    reason: Reason::Content(error),
                    answer: refusal(rng, key, "Invalid json"),
                });
            }
        };
        Ok(match role {
            Role::Deliver { json, base64 } => Peeled::Deliver(Deliver {
                body: cut(plaintext, blob),
                replier: Replier::new(key, json, base64),
            }),
            Role::Exit(url) if !url.is_allowed() => {
                return Err(Refused {
                    reason: Reason::Url,
                    answer: refusal(rng, key, "Invalid url"),
                });
            }
            Role::Exit(url) => Peeled::Exit(Exit {
                protocol: url.protocol,
                host: url.host,
                port: url.port,
                target: url.target,
                payload: plaintext,
            }),
            Role::Relay {
                next,
                cipher,
                ephemeral,
            } => Peeled::Relay(Relay {
                next,
                data: cut(plaintext, blob),
                ephemeral_key: ephemeral,
                cipher,
                hop_no: layer.hop_no.saturating_add(1),
            }),
        })
    }

    /// Checks the packet before it is opened.
    fn admit(&self, arrival: &Arrival<'_>, not_ready: &[NotReady]) -> Result<(), Refused> {
        if arrival.origin == Origin::Https && !not_ready.is_empty() {
            let mut reasons = String::new();
            for reason in not_ready {
                let before = if reasons.is_empty() { "" } else { "; " };
                reasons.push_str(&alloc::format!("{before}{reason}"));
            }
            return Err(Refused {
                reason: Reason::NotReady,
                answer: Answer::plain(503, format_args!("Service node is not ready: {reasons}\n")),
            });
        }
        if arrival.origin == Origin::Node && arrival.layer.hop_no > MAX_HOP_NO {
            return Err(Refused {
                reason: Reason::TooManyHops,
                answer: Answer::plain(400, "onion request max path length exceeded"),
            });
        }
        if !not_ready.is_empty() {
            return Err(Refused {
                reason: Reason::NotReady,
                answer: Answer::plain(503, format_args!("Snode not ready: {}", self.ed25519)),
            });
        }
        Ok(())
    }
}

/// Reads the role of a plaintext and the length of its blob.
fn read(plaintext: &[u8]) -> Result<(Role, usize), PacketError> {
    let frame = Frame::parse(plaintext)?;
    Ok((Role::parse(frame.json)?, frame.blob.len()))
}

/// Cuts the blob out of a frame in place.
fn cut(mut frame: Vec<u8>, blob: usize) -> Vec<u8> {
    frame.truncate(blob.saturating_add(Frame::HEAD));
    frame.drain(..Frame::HEAD.min(frame.len()));
    frame
}

/// Encrypts a refusal with the key of the rejected layer.
fn refusal(rng: &mut (impl CryptoRng + ?Sized), key: LayerKey, text: &str) -> Answer {
    Replier::new(key, false, true).reply(rng, 400, ReplyBody::Text(text))
}
