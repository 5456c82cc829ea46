//! A UDP socket on which datagrams can be dropped, as a network does that lets no UDP pass.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use session_sdk::quic::quinn::udp::{RecvMeta, Transmit};
use session_sdk::quic::quinn::{AsyncUdpSocket, UdpPoller};

/// Whether datagrams of this address pass.
type Passes = dyn Fn(SocketAddr) -> bool + Send + Sync;

/// A socket with a filter.
pub(crate) struct Firewall {
    socket: Arc<dyn AsyncUdpSocket>,
    passes: Box<Passes>,
}

impl fmt::Debug for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firewall").finish_non_exhaustive()
    }
}

impl Firewall {
    pub(crate) fn new(
        socket: Arc<dyn AsyncUdpSocket>,
        passes: impl Fn(SocketAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        let passes = Box::new(passes);
        Self { socket, passes }
    }
}

impl AsyncUdpSocket for Firewall {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match (self.passes)(transmit.destination) {
            true => self.socket.try_send(transmit),
            false => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = &received {
            let dropped = meta.iter_mut().take(*count);
            for meta in dropped.filter(|meta| !(self.passes)(meta.addr)) {
                // One without bytes is none.
                meta.len = 0;
            }
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
