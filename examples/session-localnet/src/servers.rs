//! The servers outside the network of nodes: files, communities, notifications. Exit nodes post onion
//! requests to them, and tests reach the same paths by plain HTTP.

mod community;
mod door;
mod engine;
mod file;
mod hive;
mod keys;
mod order;
mod pieces;
mod push;
mod transfer;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};
use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public};
use session_onion::server::ServerKeys;
use session_sdk::quic::Listener;
use session_services::push::REQUEST_MAX;
use session_types::UnixMillis;
use session_types::http::{Request, Response};
use tokio::net::TcpListener;

use crate::chain::Chain;
use crate::fault::now_ms;
use crate::network::Plan;
use crate::node::{StartError, listen};
use crate::server::{Call, Gate, Reply, serve_outside, stopped};
use engine::{Engine, Failure};
use hive::Hive;
use keys::Keys;

/// Interval at which the servers delete expired data, as deployed ones do.
const TICK: Duration = Duration::from_secs(10);
/// In a network with a fixed port the servers have the ports after those that nodes may have.
const PORT_OFFSET: u16 = 201;
/// Time for which a server that comes up again waits for its address.
const PATIENCE: Duration = Duration::from_secs(2);
/// `Server` header of the servers.
const NAME: &str = "localnet";

/// Kind of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Opaque files under ids.
    File,
    /// Rooms with posts.
    Community,
    /// Notifications of new messages.
    Push,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::File, Self::Community, Self::Push];

    /// The name in orders and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Community => "community",
            Self::Push => "push",
        }
    }
}

/// Faults of a server. A server that is down does not listen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fault {
    /// Delay before each answer.
    pub slow: Duration,
    /// Its disk is full: it stores nothing new.
    pub full: bool,
    /// Shift of its clock in ms; ahead if positive.
    pub clock_ms: i64,
}

/// Logic of a server.
#[derive(Clone)]
enum Logic {
    File(Arc<session_services::file::server::Config>),
    Community(Arc<session_community::server::Config>),
    Push(Hive),
}

/// A server.
pub struct Server {
    kind: Kind,
    listen: SocketAddr,
    url: String,
    ed25519: Ed25519Public,
    secret: Ed25519Secret,
    /// Onion requests are opened with the first key that fits.
    keys: Vec<ServerKeys>,
    engine: Engine,
    logic: Logic,
    fault: Mutex<Fault>,
    requests: AtomicU64,
    running: Mutex<Option<(tokio::sync::watch::Sender<bool>, Option<Listener>)>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("kind", &self.kind)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A server in `network.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicServer {
    /// Scheme, host and port.
    pub url: String,
    /// The key to which onion requests are sealed, in hex.
    pub pubkey_x25519: String,
    /// The Ed25519 key of which it is made, in hex.
    pub pubkey_ed25519: String,
    /// Another key that the server takes, in hex: an X25519 key alone, as the deployed file server has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_pubkey_x25519: Option<String>,
    /// The UDP port of the QUIC file protocol, for which the server shows its Ed25519 key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quic_port: Option<u16>,
}

/// The servers in `network.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicServers {
    /// The file server.
    pub file: PublicServer,
    /// The community server.
    pub community: PublicServer,
    /// The push server.
    pub push: PublicServer,
}

/// All servers.
#[derive(Debug)]
pub struct Servers {
    file: Arc<Server>,
    community: Arc<Server>,
    push: Arc<Server>,
}

/// A time as SQLite keeps it: it has no unsigned integers, and no time of the protocol needs the last bit.
fn time(at: UnixMillis) -> i64 {
    i64::try_from(at.get()).unwrap_or(i64::MAX)
}

impl Server {
    /// Opens the database in a data directory and binds the address. The server does not serve yet.
    async fn open(
        kind: Kind,
        data_dir: &Path,
        keys: &Keys,
        (own, public, port): (Ipv4Addr, Ipv4Addr, u16),
    ) -> Result<(Arc<Self>, TcpListener), StartError> {
        let failed = |reason| StartError::File {
            path: data_dir.display().to_string(),
            reason,
        };
        let (secret, older, kept) = keys.of(kind).map_err(failed)?;
        let (ed25519, x25519) = (secret.public(), secret.x25519_public());
        let mut opens = vec![ServerKeys::new(secret.to_x25519())];
        let (schema, logic) = match kind {
            Kind::File => {
                opens.push(ServerKeys::new(older.to_x25519()));
                let config = session_services::file::server::Config::default();
                (file::SCHEMA, Logic::File(Arc::new(config)))
            }
            Kind::Community => {
                let config = session_community::server::Config::new(x25519);
                (community::SCHEMA, Logic::Community(Arc::new(config)))
            }
            Kind::Push => (push::SCHEMA, Logic::Push(Hive::new())),
        };
        let listener = match port {
            // At the port that it had, which is in URLs; another one if that is taken.
            0 => match listen((own, kept).into()).await {
                Err(_) if kept != 0 => listen((own, 0).into()).await?,
                bound => bound?,
            },
            port => listen((own, port).into()).await?,
        };
        let bound = listener.local_addr().map_err(failed)?;
        let schema = format!("{schema}{}", pieces::SCHEMA);
        let database = data_dir.join(format!("{}.sqlite", kind.name()));
        let server = Self {
            kind,
            listen: bound,
            url: format!("http://{public}:{}", bound.port()),
            ed25519,
            secret,
            keys: opens,
            engine: Engine::open(&database, &schema)?,
            logic,
            fault: Mutex::default(),
            requests: AtomicU64::new(0),
            running: Mutex::new(None),
        };
        Ok((Arc::new(server), listener))
    }

    /// Returns the kind of the server.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key to which onion requests are sealed.
    ///
    /// # Panics
    ///
    /// Never: a server has a key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.keys[0].public()
    }

    fn public(&self) -> PublicServer {
        let older = self.keys.get(1);
        PublicServer {
            url: self.url.clone(),
            pubkey_x25519: self.x25519().to_string(),
            pubkey_ed25519: self.ed25519.to_string(),
            older_pubkey_x25519: older.map(|key| key.public().to_string()),
            quic_port: (self.kind == Kind::File).then(|| self.listen.port()),
        }
    }

    /// Current faults.
    #[must_use]
    pub fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the faults.
    pub fn hurt(&self, change: impl FnOnce(&mut Fault)) {
        change(&mut self.fault.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> UnixMillis {
        UnixMillis::new(now_ms(self.fault().clock_ms))
    }

    /// Whether the server listens.
    #[must_use]
    pub fn is_up(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.is_some()
    }

    /// Listens and serves until [`down`](Self::down). Does nothing if the server is up.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] if the address is taken.
    pub async fn up(self: &Arc<Self>) -> Result<(), StartError> {
        if self.is_up() {
            return Ok(());
        }
        // A server that was taken down lets go of its address a moment later.
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match listen(self.listen).await {
                Ok(listener) => match self.serve(listener) {
                    Err(error) if tokio::time::Instant::now() > until => return Err(error),
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                    Ok(()) => return Ok(()),
                },
                Err(error) if tokio::time::Instant::now() > until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Stops listening; connections end after the request that they are serving.
    pub fn down(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stop, quic)) = running.take() {
            let _ = stop.send(true);
            if let Some(quic) = quic {
                quic.close();
            }
        }
    }

    /// Serves, the file server over QUIC too: on the UDP port with the same number.
    fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<(), StartError> {
        let quic = match &self.logic {
            Logic::File(config) => {
                let quic = transfer::listen(self.listen, &self.secret)?;
                let (server, config) = (Arc::clone(self), Arc::clone(config));
                tokio::spawn(transfer::serve(server, config, quic.clone()));
                Some(quic)
            }
            _ => None,
        };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, quic));
        let server = Arc::clone(self);
        let handler = move |call: Call| {
            let server = Arc::clone(&server);
            async move {
                server.requests.fetch_add(1, Ordering::Relaxed);
                let slow = server.fault().slow;
                if !slow.is_zero() {
                    tokio::time::sleep(slow).await;
                }
                door::answer(&server, call).await
            }
        };
        tokio::spawn(serve_outside(listener, self.gate(), NAME, handler, stopped));
        Ok(())
    }

    /// Refuses bodies that are too large before they are read. An onion request has the limit of the nodes;
    /// its content is checked when it has been opened.
    fn gate(&self) -> Gate {
        let kind = self.kind;
        Arc::new(move |method: &Method, path: &str, length: u64| {
            if method != Method::POST || door::is_onion(path) {
                return None;
            }
            let above = |limit: usize| length > limit as u64;
            match kind {
                Kind::File if path == "/file" && above(session_services::file::MAX_SIZE) => {
                    Some(Reply::json(413, r#"{"status_code": 413}"#))
                }
                Kind::Community
                    if path.ends_with("/file") && above(session_community::request::FILE_MAX) =>
                {
                    Some(Reply::text(413, "Request Entity Too Large"))
                }
                Kind::Push if above(REQUEST_MAX) => {
                    let text = r#"{"error":1,"message":"Invalid request: request too large"}"#;
                    Some(Reply::json(200, text))
                }
                _ => None,
            }
        })
    }

    /// Answers a request.
    async fn answer(&self, request: Request) -> Response {
        let (now, is_full, logic) = (self.now(), self.fault().full, self.logic.clone());
        let hive = match &self.logic {
            Logic::Push(hive) => Some(hive),
            _ => None,
        };
        let answered = self.engine.run(move |db| match &logic {
            Logic::File(config) => file::answer(db, config, request, now, is_full),
            Logic::Community(config) => community::answer(db, config, &request, now, is_full),
            Logic::Push(_) => push::answer(db, &request, now, is_full),
        });
        let answered = answered.await;
        if let Some(hive) = hive {
            hive.changed().await;
        }
        answered.unwrap_or_else(|failure| match self.kind {
            Kind::File => file::failed(&failure),
            Kind::Community => community::failed(),
            Kind::Push => push::failed(),
        })
    }

    /// Deletes expired data.
    async fn tick(&self) -> Result<(), Failure> {
        let (now, logic) = (self.now(), self.logic.clone());
        let work = self.engine.run(move |db| match &logic {
            Logic::File(_) => file::tick(db, now),
            Logic::Community(_) => community::tick(db, now),
            Logic::Push(_) => push::tick(db, now),
        });
        work.await
    }

    /// State for the status page.
    async fn status(&self) -> Value {
        let kind = self.kind;
        let kept = self.engine.run(move |db| match kind {
            Kind::File => file::count(db),
            Kind::Community => community::count(db),
            Kind::Push => push::count(db),
        });
        let fault = self.fault();
        json!({
            "name": kind.name(),
            "url": self.url,
            "x25519": self.x25519().to_string(),
            "up": self.is_up(),
            "slow_ms": u64::try_from(fault.slow.as_millis()).unwrap_or(u64::MAX),
            "full": fault.full,
            "clock_ms": fault.clock_ms,
            "requests": self.requests.load(Ordering::Relaxed),
            // A database that does not answer is shown as such.
            "kept": kept.await.ok(),
        })
    }
}

impl Servers {
    /// Starts all three, with what is kept in the data directory. `place` is the address to listen on, the
    /// one to be listed with, and the port of the network.
    pub(crate) async fn start(
        plan: &Plan,
        place: (Ipv4Addr, Ipv4Addr, u16),
        (chain, dial): (Arc<Chain>, Option<IpAddr>),
        stop: &tokio::sync::watch::Receiver<bool>,
    ) -> Result<Arc<Self>, StartError> {
        let data_dir = plan.data_dir.as_path();
        let failed = |reason| StartError::File {
            path: data_dir.display().to_string(),
            reason,
        };
        let mut keys = Keys::kept(data_dir, plan.seed.as_deref()).map_err(failed)?;
        let (own, public, port) = place;
        let open = async |kind: Kind, number: u16| {
            let bound = match port {
                0 => Some(0),
                port => port
                    .checked_add(PORT_OFFSET)
                    .and_then(|port| port.checked_add(number)),
            };
            let bound = bound.ok_or_else(|| {
                StartError::Size(format!("there are no ports for the servers above {port}"))
            })?;
            Server::open(kind, data_dir, &keys, (own, public, bound)).await
        };
        let (file, at_file) = open(Kind::File, 0).await?;
        let (community, at_community) = open(Kind::Community, 1).await?;
        let (push, at_push) = open(Kind::Push, 2).await?;
        let servers = Arc::new(Self {
            file,
            community,
            push,
        });
        let ports: Vec<(Kind, u16)> = servers
            .all()
            .iter()
            .map(|server| (server.kind, server.listen.port()))
            .collect();
        keys.keep_ports(data_dir, &ports).map_err(failed)?;
        servers.tick().await;
        servers.file.serve(at_file)?;
        servers.community.serve(at_community)?;
        servers.push.serve(at_push)?;
        servers.keep_ticking(stop.clone());
        if let Logic::Push(hive) = &servers.push.logic {
            hive.start(&servers.push, chain, dial, stop.clone());
        }
        Ok(servers)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> [&Arc<Server>; 3] {
        [&self.file, &self.community, &self.push]
    }

    /// One of them.
    #[must_use]
    pub const fn get(&self, kind: Kind) -> &Arc<Server> {
        match kind {
            Kind::File => &self.file,
            Kind::Community => &self.community,
            Kind::Push => &self.push,
        }
    }

    /// Takes all down.
    pub fn stop(&self) {
        self.all().iter().for_each(|server| server.down());
    }

    /// Entries of `network.json`.
    pub(crate) fn public(&self) -> PublicServers {
        PublicServers {
            file: self.file.public(),
            community: self.community.public(),
            push: self.push.public(),
        }
    }

    pub(crate) async fn status(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for server in self.all() {
            all.push(server.status().await);
        }
        all
    }

    async fn tick(&self) {
        for server in self.all() {
            // If the disk is full now, the next tick will do it.
            let _ = server.tick().await;
        }
    }

    fn keep_ticking(self: &Arc<Self>, mut stop: tokio::sync::watch::Receiver<bool>) {
        let servers = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => servers.tick().await,
                    () = stopped(&mut stop) => return,
                }
            }
        });
    }

    /// The notifications for a device of the service `dummy`, after number `since`.
    ///
    /// # Errors
    ///
    /// A sentence if the database fails.
    pub async fn notifications(&self, token: &str, since: u64) -> Result<Value, String> {
        let token = token.to_owned();
        let found = self
            .push
            .engine
            .run(move |db| push::queue(db, &token, since));
        let found = found.await.map_err(|failure| failure.to_string())?;
        let item = |(number, payload): (u64, String)| json!({"number": number, "enc_payload": payload, "spns": "1"});
        Ok(found.into_iter().map(item).collect())
    }
}
