//! The packets that arrive at a node.

use crate::MAX_PACKET_LENGTH;
use crate::node::answer::Answer;
use crate::node::refused::{Reason, Refused};
use crate::packet::Layer;

/// The transport of a packet, which determines some errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Https,
    Quic,
    Node,
}

/// A layer that has arrived at a node.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub(crate) layer: Layer<'a>,
    pub(crate) origin: Origin,
}

impl<'a> Arrival<'a> {
    /// Parses a packet from a client, the body of `POST /onion_req/v2`.
    ///
    /// # Errors
    ///
    /// [`Refused`] with status 413 if it exceeds [`MAX_PACKET_LENGTH`], 400 if it is malformed.
    pub fn https(body: &'a [u8]) -> Result<Self, Refused> {
        Self::client(body, Origin::Https)
    }

    /// Parses a packet from a client, the body of the QUIC command `onion_req`.
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

    /// Returns the layer.
    #[must_use]
    pub const fn layer(&self) -> &Layer<'a> {
        &self.layer
    }

    /// Parses a layer from another node, the one part of its message.
    ///
    /// # Errors
    ///
    /// [`Refused`] with status 413 if it exceeds [`MAX_PACKET_LENGTH`], 400 if it is malformed. An
    /// honest node forwards fewer bytes than it received.
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

/// Checks the length for every transport: some have no limit of their own.
fn check_length(packet: &[u8]) -> Result<(), Refused> {
    if packet.len() > MAX_PACKET_LENGTH {
        return Err(Refused {
            reason: Reason::TooLarge,
            answer: Answer::plain(413, "Request body too large"),
        });
    }
    Ok(())
}
