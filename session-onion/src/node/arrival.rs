//! What comes to a node, and from where.

use crate::MAX_PACKET_LENGTH;
use crate::node::answer::Answer;
use crate::node::peel::{Reason, Refused};
use crate::packet::Layer;

/// The way a packet came, which decides about some errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Https,
    Quic,
    Node,
}

/// A layer that has come to a node.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub(crate) layer: Layer<'a>,
    pub(crate) origin: Origin,
}

impl<'a> Arrival<'a> {
    /// A packet from a client, the body of `POST /onion_req/v2`.
    ///
    /// # Errors
    ///
    /// [`Refused`] with status 413 if it is longer than [`MAX_PACKET_LENGTH`], 400 if it is not a
    /// packet.
    pub fn https(body: &'a [u8]) -> Result<Self, Refused> {
        Self::client(body, Origin::Https)
    }

    /// A packet from a client, the body of the QUIC command `onion_req`.
    ///
    /// # Errors
    ///
    /// [`Refused`], as [`https`](Self::https).
    pub fn quic(body: &'a [u8]) -> Result<Self, Refused> {
        Self::client(body, Origin::Quic)
    }

    fn client(body: &'a [u8], origin: Origin) -> Result<Self, Refused> {
        check_length(body)?;
        match Layer::from_packet(body) {
            Ok(layer) => Ok(Self { layer, origin }),
            Err(error) => Err(Refused {
                answer: Answer::plain(400, format_args!("Error parsing onion request: {error}")),
                reason: Reason::Packet(error),
            }),
        }
    }

    /// The layer that has come.
    #[must_use]
    pub const fn layer(&self) -> &Layer<'a> {
        &self.layer
    }

    /// A layer from another node, the one part of its message.
    ///
    /// # Errors
    ///
    /// [`Refused`] with status 413 if it is longer than [`MAX_PACKET_LENGTH`], 400 if it is not such
    /// a message. What an honest node passes on is shorter than what came to it.
    pub fn node(message: &'a [u8]) -> Result<Self, Refused> {
        check_length(message)?;
        match Layer::from_message(message) {
            Ok(layer) => Ok(Self {
                layer,
                origin: Origin::Node,
            }),
            Err(error) => Err(Refused {
                answer: Answer::plain(400, format_args!("Invalid internal onion request: {error}")),
                reason: Reason::Packet(error),
            }),
        }
    }
}

/// Whatever brought it: a transport may have a limit of its own, or none.
fn check_length(packet: &[u8]) -> Result<(), Refused> {
    if packet.len() > MAX_PACKET_LENGTH {
        return Err(Refused {
            reason: Reason::TooLarge,
            answer: Answer::plain(413, "Request body too large"),
        });
    }
    Ok(())
}
