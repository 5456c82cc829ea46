//! Connecting.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use session_client::{FileHost, Settings};
use session_identity::Account;
use session_network::{Config, Seed};

use crate::driver::{Driver, Origins, Start};
use crate::error::{Error, StoreError};
use crate::handle::Client;
use crate::hub::SharedNetwork;
use crate::proxy::Proxy;
use crate::store::{MemoryStore, Store};

/// The seed nodes of the deployed network (protocol: swarm, section 4.1).
pub const DEPLOYED_SEEDS: [&str; 3] = [
    "https://seed1.getsession.org:4443",
    "https://seed2.getsession.org:4443",
    "https://seed3.getsession.org:4443",
];

/// How the account came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Created,
    Linked,
}

/// A client that is being connected.
pub struct Builder {
    account: Account,
    origin: Origin,
    seeds: Vec<Seed>,
    config: Config,
    settings: Settings,
    quic: bool,
    proxy: Option<Proxy>,
    files: Option<FileHost>,
    network: Option<SharedNetwork>,
    store: Result<Box<dyn Store>, StoreError>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("account", self.account.id())
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account,
            origin: Origin::Linked,
            seeds: Vec::new(),
            config: Config::default(),
            settings: Settings::default(),
            quic: cfg!(feature = "quic"),
            proxy: None,
            files: None,
            network: None,
            store: Ok(Box::new(MemoryStore::default())),
        }
    }

    /// Says that the account is new: nothing is in its swarm, so that it need not be fetched before the
    /// first change.
    #[must_use]
    pub const fn created(mut self) -> Self {
        self.origin = Origin::Created;
        self
    }

    /// Adds a seed node, which names the service nodes, with its certificates in PEM form.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if there is no certificate in the text.
    pub fn seed(mut self, url: &str, pem: &[u8]) -> Result<Self, Error> {
        let mut pins = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            pins.push(certificate.map_err(|_| Error::Certificate)?.to_vec());
        }
        if pins.is_empty() {
            return Err(Error::Certificate);
        }
        self.seeds.push(Seed::new(url, pins));
        Ok(self)
    }

    /// Connects to the deployed network, through [`DEPLOYED_SEEDS`]. Their certificates are self-signed,
    /// and this crate does not contain them: take them from a source that you trust. They decide who the
    /// service nodes are.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if there is no certificate in one of the texts, in PEM form.
    pub fn deployed_network(self, certificates: [&[u8]; 3]) -> Result<Self, Error> {
        let seeds = DEPLOYED_SEEDS.into_iter().zip(certificates);
        seeds
            .into_iter()
            .try_fold(self, |builder, (url, pem)| builder.seed(url, pem))
    }

    /// Sets the seed nodes and their certificates.
    #[must_use]
    pub fn seeds(mut self, seeds: impl IntoIterator<Item = Seed>) -> Self {
        self.seeds = seeds.into_iter().collect();
        self
    }

    /// Takes the rules for a network on one machine: few nodes, with any address.
    ///
    /// Not for the real network, where each of these is a sign of an attack.
    #[must_use]
    pub fn test_network(mut self) -> Self {
        self.config = Config::test_network();
        self
    }

    /// Sets the rules of the network.
    #[must_use]
    pub const fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the rhythm.
    #[must_use]
    pub const fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Reaches nodes over HTTPS alone. Otherwise QUIC is taken wherever UDP passes.
    #[must_use]
    pub const fn without_quic(mut self) -> Self {
        self.quic = false;
        self
    }

    /// Reaches everything through a proxy: `socks5://[user:password@]host:port`, as Tor has one, or
    /// `http://[user:password@]host:port` with CONNECT. Names are resolved by the proxy. QUIC is off, because neither
    /// carries UDP. Special characters of user and password are written as `%xx`.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`] if the address is another one.
    pub fn proxy(mut self, url: &str) -> Result<Self, Error> {
        self.proxy = Some(Proxy::parse(url)?);
        Ok(self)
    }

    /// Takes the network of another client: its guards, paths, connections and knowledge of nodes. Seed nodes, rules
    /// and proxy are those of that client.
    ///
    /// Fewer guards see this machine. But the accounts share paths, so a swarm member that serves several of them can
    /// see that their requests come over the same path.
    #[must_use]
    pub fn network(mut self, network: &SharedNetwork) -> Self {
        self.network = Some(network.clone());
        self
    }

    /// Uploads files to another file server than that of the main network: its base URL, and its Ed25519 key in hex.
    ///
    /// # Errors
    ///
    /// [`Error::FileServer`] if one of them cannot be used.
    pub fn file_server(mut self, base: &str, ed25519: &str) -> Result<Self, Error> {
        let key = ed25519.parse().map_err(|_| Error::FileServer)?;
        let host = FileHost::new(base, key).map_err(|_| Error::FileServer)?;
        self.files = Some(host);
        Ok(self)
    }

    /// Tells contacts which of their messages were read, when [`Conversation::mark_read`] is called.
    ///
    /// [`Conversation::mark_read`]: crate::Conversation::mark_read
    #[must_use]
    pub const fn read_receipts(mut self) -> Self {
        self.settings.read_receipts = true;
        self
    }

    /// Asks a member of our swarm to tell of new messages, over QUIC, so that they are here within milliseconds. They are
    /// fetched from time to time all the same.
    ///
    /// **The node is asked directly, and learns our address together with the account.** For bots, whose addresses are
    /// no secret; not for people, whom onion requests protect from that.
    #[must_use]
    pub const fn told_by_nodes(mut self) -> Self {
        self.settings.notices = true;
        self
    }

    /// Keeps records and history in a SQLite file, which is made if there is none. Without a store they
    /// are gone when the program ends.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn store(mut self, path: impl AsRef<std::path::Path>) -> Self {
        let store = crate::SqliteStore::open(path);
        self.store = store.map(|store| Box::new(store) as Box<dyn Store>);
        self
    }

    /// Keeps records and history in a SQLite file whose values are encrypted with a key of 32 bytes
    /// ([`SqliteStore::open_encrypted`](crate::SqliteStore::open_encrypted)).
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn encrypted_store(mut self, path: impl AsRef<std::path::Path>, key: [u8; 32]) -> Self {
        let key = session_crypto::SymmetricKey::from_bytes(key);
        let store = crate::SqliteStore::open_encrypted(path, key);
        self.store = store.map(|store| Box::new(store) as Box<dyn Store>);
        self
    }

    /// Keeps records and history in another store.
    #[must_use]
    pub fn store_in(mut self, store: impl Store) -> Self {
        self.store = Ok(Box::new(store));
        self
    }

    /// Starts the client. It connects in the background; what is sent before waits in the outbox.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no seed node, or the store cannot be used.
    pub async fn connect(self) -> Result<Client, Error> {
        let (mut config, seeds, proxy) = (self.config, self.seeds, self.proxy);
        config.transport.quic = self.quic && proxy.is_none();
        let network = match self.network {
            Some(network) => Origins::Shared(network),
            None if seeds.is_empty() => return Err(Error::NoSeeds),
            None => Origins::Own(Box::new(config), seeds, proxy),
        };
        let start = Start {
            account: Arc::new(self.account),
            is_new: self.origin == Origin::Created,
            network,
            settings: self.settings,
            files: self.files,
        };
        Driver::start(start, self.store?).await
    }
}
