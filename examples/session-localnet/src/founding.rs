//! How nodes come into being: where they listen, where they are reached, and what they share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use session_crypto::Ed25519Secret;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::node::{Node, Place, Shared, StartError, address_of, listen_both};

/// Interval at which a node retries deliveries.
const RETRY: Duration = Duration::from_millis(500);

/// Makes the nodes of a network.
#[derive(Debug)]
pub(crate) struct Founder {
    pub(crate) shared: Shared,
    /// Whether all nodes share one address, each with a port of its own.
    pub(crate) one_address: bool,
    /// Listed address of the nodes, if it differs from the one on which they listen.
    pub(crate) advertise: Option<Ipv4Addr>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Founder {
    /// Listens for the node with this number, in a network with this port.
    pub(crate) async fn listen(
        &self,
        number: u8,
        port: u16,
    ) -> Result<((TcpListener, UdpSocket), Place), StartError> {
        let own = if self.advertise.is_some() {
            Ipv4Addr::UNSPECIFIED
        } else if self.one_address {
            Ipv4Addr::LOCALHOST
        } else {
            address_of(number)
        };
        let port = match port {
            port @ 1.. if self.one_address => port.saturating_add(1).saturating_add(number.into()),
            port => port,
        };
        let wanted = SocketAddrV4::new(own, port);
        let sockets = listen_both(wanted.into()).await?;
        let port = sockets
            .0
            .local_addr()
            .map_or(wanted.port(), |address| address.port());
        let place = Place {
            listen: SocketAddr::from((own, port)),
            public: SocketAddrV4::new(self.advertise.unwrap_or(own), port),
        };
        Ok((sockets, place))
    }

    /// Makes a node, which serves at once.
    pub(crate) fn start(
        &self,
        ledger: &Ledger,
        number: u8,
        secret: Ed25519Secret,
        (sockets, place): ((TcpListener, UdpSocket), Place),
    ) -> Result<Arc<Node>, StartError> {
        let file = ledger.store_of(number.into());
        let node = Node::new(secret, place, &file, self.shared.clone())?;
        node.serve_on(sockets)?;
        Ok(node)
    }

    /// Makes a new node, which serves and is in no list yet.
    pub(crate) async fn found(&self, ledger: &Ledger) -> Result<Arc<Node>, StartError> {
        let (number, secret) = ledger.add()?;
        let place = self.listen(number, ledger.port()).await?;
        let node = self.start(ledger, number, secret, place)?;
        self.keep_retrying(&node);
        Ok(node)
    }

    /// Lets a node try again what others did not take, until the network stops.
    pub(crate) fn keep_retrying(&self, node: &Arc<Node>) {
        let (node, mut stop) = (Arc::clone(node), self.stop.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => node.retry().await,
                    () = crate::server::stopped(&mut stop) => return,
                }
            }
        });
    }
}

/// Whether this system has more loopback addresses than one, as Linux does.
pub(crate) async fn has_many_addresses() -> bool {
    TcpListener::bind((address_of(0), 0)).await.is_ok()
}

/// The address at which nodes of one network reach each other when they are not where they say.
pub(crate) const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
