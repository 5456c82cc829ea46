//! The command line of the localnet.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::ctl::{self, Ctl};
use crate::demo;
use crate::failure::Failure;
use crate::ledger::{CERTIFICATE, LEAST, PUBLIC};
use crate::load::{self, Guards, Load};
use crate::network::{MAX_NODES, Network, Plan};
use crate::report::{Row, Table};
use crate::ui::{Steps, print_event};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use serde_json::json;

/// A whole Session network on this machine: seed node, service nodes, swarms.
///
/// Without a command it runs `demo`. Exit status: 0 success, 1 failure, 2 a command line that cannot be
/// used.
#[derive(Parser)]
#[command(name = "localnet", version, about)]
struct Arguments {
    /// Print JSON objects, one a line, instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// Put all nodes on 127.0.0.1, each on its own port. This is the default on systems without other
    /// loopback addresses.
    #[arg(long, global = true)]
    one_address: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start a temporary network, send one private message across it, and show what each node saw.
    Demo {
        /// The message.
        #[arg(long, default_value = demo::TEXT, value_parser = NonEmptyStringValueParser::new())]
        text: String,
    },
    /// Keep a network up for other clients, until it is interrupted.
    Serve(Serve),
    /// Inject or heal faults in a network that `serve` keeps up.
    Ctl {
        /// The data directory of that network.
        #[arg(long)]
        data_dir: PathBuf,
        #[command(subcommand)]
        order: Ctl,
    },
    /// Benchmark a temporary network: store messages through onion requests for a limited time.
    Bench {
        /// Number of receiving accounts.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(load::MAX_ACCOUNTS)))]
        accounts: u32,
        /// Concurrent requests.
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=i64::from(load::MAX_CLIENTS)))]
        clients: u32,
        /// Reach the guards over QUIC instead of HTTPS.
        #[arg(long)]
        quic: bool,
        /// Make a new HTTPS connection for each request instead of keeping them.
        #[arg(long, conflicts_with = "quic")]
        reconnect: bool,
        /// Duration in seconds.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=load::MAX_SECONDS))]
        seconds: u64,
    },
}

#[derive(Args)]
struct Serve {
    /// Service nodes [default: 12].
    #[arg(long, value_parser = clap::value_parser!(u8).range(LEAST as i64..=i64::from(MAX_NODES)))]
    nodes: Option<u8>,
    /// Swarms, at most as many as nodes [default: 3].
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_NODES)))]
    swarms: Option<u8>,
    /// Port of the seed node and of every service node, each on its own address; 0: any. With one
    /// address the nodes have the ports after it [default: 0].
    #[arg(long)]
    port: Option<u16>,
    /// Make the keys of the nodes, and without --port the port, of this text: the same every time.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    seed: Option<String>,
    /// Where messages, keys, `network.json`, the token for `ctl` and the seed node's certificate are
    /// kept. A network that is there already is started again. Without it, a temporary directory.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Notice a node that is down as late as the deployed network does: a member of its swarm after
    /// 5 s, one that relays to it after 30 s. Otherwise at once.
    #[arg(long)]
    real_delays: bool,
    /// A seed node over plain http too, on this port; 0: any. For clients that cannot be told its
    /// certificate.
    #[arg(long, value_name = "PORT")]
    http_seed: Option<u16>,
    /// The certificate of the seed node, in PEM, instead of one that is made.
    #[arg(long, value_name = "PEM")]
    cert: Option<PathBuf>,
    /// The key of that certificate, in PEM [default: in the same file].
    #[arg(long, value_name = "PEM", requires = "cert")]
    cert_key: Option<PathBuf>,
    /// The address under which containers, emulators or other machines reach this one: nodes are
    /// listed with it, on ports of their own. Everything listens on all addresses of this machine
    /// then, so anybody who reaches it can use the network.
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<Ipv4Addr>,
    /// Write each packet into this directory as the node opened it.
    #[arg(long, value_name = "DIR")]
    capture: Option<PathBuf>,
}

impl Serve {
    fn plan(&self, data_dir: PathBuf, one_address: bool) -> Plan {
        let usual = Plan::new(data_dir);
        let key = self.cert_key.as_ref().or(self.cert.as_ref());
        Plan {
            nodes: self.nodes.unwrap_or(usual.nodes),
            swarms: self.swarms.unwrap_or(usual.swarms),
            port: self.port.unwrap_or(usual.port),
            one_address,
            real_delays: self.real_delays,
            seed: self.seed.clone(),
            http_seed: self.http_seed,
            certificate: self.cert.clone().zip(key.cloned()),
            advertise: self.advertise,
            capture: self.capture.clone(),
            ..usual
        }
    }

    /// The options that are for new networks only.
    const fn is_shaped(&self) -> bool {
        self.nodes.is_some() || self.swarms.is_some() || self.port.is_some() || self.seed.is_some()
    }
}

/// A thread that waits for the disk serves nobody, so there are more than processors.
const THREADS: usize = 16;

/// Every connection is an open file, of which systems allow few at first.
#[cfg(unix)]
fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // With fewer, connections wait.
    let _ = setrlimit(Resource::Nofile, all);
}

#[cfg(not(unix))]
fn raise_limit() {}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    raise_limit();
    let steps = Steps::new(arguments.json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(
            std::thread::available_parallelism().map_or(THREADS, |all| all.get().max(THREADS)),
        )
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::from(format!("cannot start: {error}"));
            return fail(&steps, arguments.json, &failure);
        }
    };
    let text = demo::TEXT.to_owned();
    let (json, one_address) = (arguments.json, arguments.one_address);
    let outcome = match arguments.command.unwrap_or(Command::Demo { text }) {
        Command::Demo { text } => runtime.block_on(run_demo(&text, one_address, json, &steps)),
        Command::Serve(serve) => runtime.block_on(run_serve(&serve, one_address, json, &steps)),
        Command::Ctl { data_dir, order } => {
            runtime.block_on(ctl::run(&data_dir, &order, json, &steps))
        }
        Command::Bench {
            accounts,
            clients,
            quic,
            reconnect,
            seconds,
        } => {
            let load = Load {
                accounts,
                clients,
                seconds,
                guards: match (quic, reconnect) {
                    (true, _) => Guards::Quic,
                    (false, true) => Guards::HttpsAnew,
                    (false, false) => Guards::Https,
                },
            };
            runtime.block_on(run_bench(load, one_address, json, &steps))
        }
    };
    // Connections that are idle need not be waited for.
    runtime.shutdown_background();
    match outcome.and_then(|()| steps.outcome().map_err(Failure::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&steps, json, &failure),
    }
}

fn fail(steps: &Steps, json: bool, failure: &Failure) -> ExitCode {
    steps.finish();
    if json {
        // The exit status says it too.
        let _ = print_event(json!({"event": "error", "error": failure.text}));
    }
    eprintln!("localnet: {}", crate::host::foreign::line(&failure.text));
    ExitCode::from(failure.status)
}

fn temporary() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new()
        .prefix("localnet-")
        .tempdir()
        .map_err(|error| format!("no temporary directory: {error}"))
}

async fn run_demo(text: &str, one_address: bool, json: bool, steps: &Steps) -> Result<(), Failure> {
    let folder = temporary()?;
    let plan = Plan {
        notes: true,
        servers: false,
        one_address,
        ..Plan::new(folder.path())
    };
    let emit = |event| {
        if json {
            steps.event(event);
        }
    };
    let delivered = demo::run(&plan, text, steps, emit).await?;
    steps.finish();
    steps.say("\nWhat each node on the way wrote down of what it could see:\n");
    steps.say(delivered.table.to_string());
    steps.say(summary(&delivered.table));
    steps.say(format!(
        "Delivered in {:.2} s.",
        steps.elapsed().as_secs_f64()
    ));
    if json {
        print_event(delivered.event)?;
    }
    Ok(())
}

/// Summary of the table in words.
fn summary(table: &Table) -> String {
    let all = table.0.len();
    let count = |has: &dyn Fn(&Row) -> bool| table.0.iter().filter(|row| has(row)).count();
    let text = count(&|row| row.text);
    let sender = count(&|row| row.sender_account);
    let both = count(&|row| row.sender_address == Some(true) && row.receiver_account);
    let mut said = format!("Of {all} nodes, {text} saw the text and {sender} saw Alice's account.");
    if both > 0 {
        said.push_str(&format!(
            "\n{both} saw Alice's address as a guard and, in another request or as a member of his \
             swarm, Bob's account."
        ));
    }
    said
}

async fn run_serve(
    serve: &Serve,
    one_address: bool,
    json: bool,
    steps: &Steps,
) -> Result<(), Failure> {
    let mut folder = None;
    let data_dir = match &serve.data_dir {
        Some(data_dir) => data_dir.clone(),
        None => folder.insert(temporary()?).path().to_owned(),
    };
    steps.doing("starting the network");
    let plan = serve.plan(data_dir.clone(), one_address);
    let network = Network::start(&plan).await?;
    if serve.is_shaped() && !network.is_new {
        eprintln!(
            "localnet: {} holds a network, which is started as it is: --nodes, --swarms, --port and \
             --seed are for new ones",
            data_dir.display()
        );
    }
    let urls = network.urls();
    let certificate = data_dir.join(CERTIFICATE);
    if json {
        let event = json!({"event": "serving", "seed_url": network.seed_url(),
            "http_seed_url": urls.http_seed_url, "status_page": network.status_page(),
            "seed_cert": certificate, "data_dir": data_dir, "nodes": network.chain.nodes().len(),
            "swarms": network.chain.swarms().len(), "servers": urls.servers});
        print_event(event)?;
    }
    steps.done(format!(
        "{} service nodes in {} swarms are up.",
        network.chain.nodes().len(),
        network.chain.swarms().len()
    ));
    steps.finish();
    steps.say(format!("\n  seed URL     {}", urls.seed_url));
    if let Some(url) = &urls.http_seed_url {
        steps.say(format!("  plain http   {url}"));
    }
    steps.say(format!(
        "  certificate  {}\n  all nodes    {}\n  status page  {}",
        certificate.display(),
        data_dir.join(PUBLIC).display(),
        network.status_page()
    ));
    for server in network.servers.iter().flat_map(|servers| servers.all()) {
        steps.say(format!(
            "  {:11}  {}, key {}",
            server.kind().name(),
            server.url(),
            server.x25519()
        ));
    }
    steps.say("\nStop it with Ctrl-C.");
    interrupted().await?;
    network.stop();
    steps.say("Stopped.");
    Ok(())
}

async fn run_bench(
    load: Load,
    one_address: bool,
    json: bool,
    steps: &Steps,
) -> Result<(), Failure> {
    let folder = temporary()?;
    let plan = Plan {
        servers: false,
        one_address,
        ..Plan::new(folder.path())
    };
    steps.doing("starting the network");
    let network = Network::start(&plan).await?;
    let result = load::run(&network, load, |stored| {
        steps.doing(format!("{stored} messages stored"));
    })
    .await;
    steps.finish();
    if json {
        print_event(serde_json::to_string(&result).map_err(|error| error.to_string())?)?;
    }
    let [median, nine, ninety_nine, longest] = result.latency_ms;
    let transport = result.transport;
    steps.say(format!(
        "{} messages stored through three hops, over {transport} to the guard, in {:.1} s: {:.0} a second, {} \
         errors\n\
         latency  median {median:.1} ms, 90 % {nine:.1} ms, 99 % {ninety_nine:.1} ms, longest \
         {longest:.1} ms",
        result.stored, result.seconds, result.per_second, result.errors
    ));
    if let Some([before, middle, after]) = result.memory_mib {
        steps.say(format!(
            "memory   {before} MiB at the start, {middle} MiB half way, {after} MiB at the end, \
             nodes and load together"
        ));
    }
    match result.first_error {
        Some(error) => Err(format!("{} requests failed, the first: {error}", result.errors).into()),
        None => Ok(()),
    }
}

#[cfg(unix)]
async fn interrupted() -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| format!("cannot wait for a signal: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.map_err(failed),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> Result<(), String> {
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| format!("cannot wait for a signal: {error}"))
}
