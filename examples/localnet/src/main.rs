//! The command line of the localnet.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use client::http::{Http, Trust};
use localnet::admin::Order;
use localnet::demo;
use localnet::load::{self, Load};
use localnet::network::{Network, Plan};
use localnet::report::{Row, Table};
use localnet::ui::Steps;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

/// A whole Session network on this machine: seed node, service nodes, swarms.
///
/// Without a command it runs `demo`.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Print JSON objects, one a line, instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Send one private message across a network that lives as long as it takes.
    Demo {
        /// The message.
        #[arg(long, default_value = demo::TEXT)]
        text: String,
    },
    /// Keep a network up for other clients, until it is interrupted.
    Serve {
        /// Service nodes.
        #[arg(long, default_value_t = 12)]
        nodes: u8,
        /// Swarms.
        #[arg(long, default_value_t = 3)]
        swarms: u8,
        /// Port of the seed node and of every service node, each on its own address; 0: any.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Where messages, keys, `network.json` and the seed's certificate are kept. A network that
        /// is there already is started again. Without it, a temporary directory.
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
    /// Hurt or heal a network that `serve` keeps up.
    Ctl {
        /// The data directory of that network.
        #[arg(long)]
        data_dir: PathBuf,
        #[command(subcommand)]
        order: Ctl,
    },
    /// Measure a network of its own: store messages through onion requests for a bounded time.
    Bench {
        /// Accounts that are written to.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(load::MAX_ACCOUNTS)))]
        accounts: u32,
        /// Requests at a time.
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=i64::from(load::MAX_CLIENTS)))]
        clients: u32,
        /// Seconds.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=load::MAX_SECONDS))]
        seconds: u64,
    },
}

/// A node is named by its address or by the beginning of its Ed25519 key in hex.
#[derive(Subcommand)]
enum Ctl {
    /// Print the state of every node.
    Status,
    /// Take a node down: it refuses connections.
    Down { node: String },
    /// Bring a node up again.
    Up { node: String },
    /// Let a node wait before it answers.
    Slow { node: String, ms: u64 },
    /// Let a node lie: drop, wrong-swarm, garble, or honest.
    Lie { node: String, lie: String },
    /// Shift a node's clock.
    Clock {
        node: String,
        #[arg(allow_hyphen_values = true)]
        ms: i64,
    },
    /// Move a node to a swarm, which is made if need be; messages follow.
    Move { node: String, swarm: String },
    /// Dissolve a swarm; its messages move.
    Dissolve { swarm: String },
}

impl Ctl {
    /// The order, none for a question.
    fn order(&self) -> Option<Order> {
        let order = |action: &str, node: &String, value: Option<String>| {
            Some(Order {
                action: action.into(),
                node: Some(node.clone()),
                value,
                swarm: None,
            })
        };
        match self {
            Self::Status => None,
            Self::Down { node } => order("down", node, None),
            Self::Up { node } => order("up", node, None),
            Self::Slow { node, ms } => order("slow", node, Some(ms.to_string())),
            Self::Lie { node, lie } => order("lie", node, Some(lie.clone())),
            Self::Clock { node, ms } => order("clock", node, Some(ms.to_string())),
            Self::Move { node, swarm } => order("move", node, Some(swarm.clone())),
            Self::Dissolve { swarm } => Some(Order {
                action: "dissolve".into(),
                node: None,
                value: None,
                swarm: Some(swarm.clone()),
            }),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let steps = Steps::new(arguments.json);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&steps, &format!("cannot start: {error}")),
    };
    let text = demo::TEXT.to_owned();
    let outcome = match arguments.command.unwrap_or(Command::Demo { text }) {
        Command::Demo { text } => runtime.block_on(run_demo(&text, &steps, arguments.json)),
        Command::Serve {
            nodes,
            swarms,
            port,
            data_dir,
        } => runtime.block_on(run_serve(
            nodes,
            swarms,
            port,
            data_dir,
            arguments.json,
            &steps,
        )),
        Command::Ctl { data_dir, order } => {
            runtime.block_on(run_ctl(&data_dir, &order, arguments.json))
        }
        Command::Bench {
            accounts,
            clients,
            seconds,
        } => {
            let load = Load {
                accounts,
                clients,
                seconds,
            };
            runtime.block_on(run_bench(load, arguments.json, &steps))
        }
    };
    // Connections that are idle need not be waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&steps, &error),
    }
}

fn fail(steps: &Steps, error: &str) -> ExitCode {
    steps.finish();
    eprintln!("localnet: {error}");
    ExitCode::FAILURE
}

fn temporary() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new()
        .prefix("localnet-")
        .tempdir()
        .map_err(|error| format!("no temporary directory: {error}"))
}

async fn run_demo(text: &str, steps: &Steps, json: bool) -> Result<(), String> {
    let folder = temporary()?;
    let plan = Plan {
        nodes: 12,
        swarms: 3,
        port: 0,
        data_dir: folder.path().to_owned(),
        notes: true,
    };
    let emit = |event| {
        if json {
            println!("{event}");
        }
    };
    let delivered = demo::run(&plan, text, steps, emit)
        .await
        .map_err(|error| error.to_string())?;
    steps.finish();
    steps.say("\nWhat each node on the way wrote down of what it could see:\n");
    steps.say(delivered.table.to_string());
    steps.say(summary(&delivered.table));
    steps.say(format!(
        "Delivered in {:.2} s.",
        steps.elapsed().as_secs_f64()
    ));
    if json {
        println!("{}", delivered.event);
    }
    Ok(())
}

/// What the table says, in words.
fn summary(table: &Table) -> String {
    let all = table.0.len();
    let count = |has: &dyn Fn(&Row) -> bool| table.0.iter().filter(|row| has(row)).count();
    let text = count(&|row| row.text);
    let sender = count(&|row| row.sender_account);
    let both = count(&|row| row.sender_address && row.receiver_account);
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
    nodes: u8,
    swarms: u8,
    port: u16,
    data_dir: Option<PathBuf>,
    json: bool,
    steps: &Steps,
) -> Result<(), String> {
    let mut folder = None;
    let data_dir = match data_dir {
        Some(data_dir) => data_dir,
        None => folder.insert(temporary()?).path().to_owned(),
    };
    steps.doing("starting the network");
    let plan = Plan {
        nodes,
        swarms,
        port,
        data_dir: data_dir.clone(),
        notes: false,
    };
    let network = Network::start(&plan)
        .await
        .map_err(|error| error.to_string())?;
    let certificate = data_dir.join("seed.pem");
    if json {
        let event = serde_json::json!({"event": "serving", "seed_url": network.seed_url(),
            "seed_cert": certificate, "data_dir": data_dir, "nodes": network.nodes.len(),
            "swarms": network.chain.swarms().len()});
        println!("{event}");
    }
    steps.done(format!(
        "{} service nodes in {} swarms are up.",
        network.nodes.len(),
        network.chain.swarms().len()
    ));
    steps.finish();
    steps.say(format!(
        "\n  seed URL     {}\n  certificate  {}\n  all nodes    {}\n  status page  {}/\n\nStop it with Ctrl-C.",
        network.seed_url(),
        certificate.display(),
        data_dir.join("network.json").display(),
        network.seed_url()
    ));
    interrupted().await?;
    network.stop();
    steps.say("Stopped.");
    Ok(())
}

async fn run_ctl(data_dir: &Path, order: &Ctl, json: bool) -> Result<(), String> {
    let read = |name: &str| {
        let file = data_dir.join(name);
        std::fs::read(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let network: Value =
        serde_json::from_slice(&read("network.json")?).map_err(|error| error.to_string())?;
    let url = network["seed_url"]
        .as_str()
        .ok_or("network.json names no seed node")?;
    let pem = read("seed.pem")?;
    let pins: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let http = Http::new(
        Trust::Pinned(pins.map_err(|_| "seed.pem is no certificate")?),
        None,
    );
    let (path, body) = match order.order() {
        Some(order) => (
            "ctl",
            serde_json::to_vec(&order).map_err(|error| error.to_string())?,
        ),
        None => ("status", Vec::new()),
    };
    let url = format!("{url}/{path}");
    let limit = std::time::Duration::from_secs(60);
    let answer = http
        .post(&url, "application/json", body.into(), limit)
        .await;
    let answer = answer.map_err(|error| error.to_string())?;
    let said: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    if !answer.is_ok() {
        return Err(said["said"].as_str().unwrap_or("refused").to_owned());
    }
    if json {
        println!("{said}");
    } else if let Some(said) = said["said"].as_str() {
        println!("{said}");
    } else {
        for node in said["nodes"].as_array().into_iter().flatten() {
            let text = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
            let state = if node["up"] == true { "up" } else { "down" };
            println!(
                "{}  {:21}  swarm {:16}  {:4}  {:6} messages  slow {} ms  clock {} ms  lie {}",
                text("ed25519").chars().take(12).collect::<String>(),
                text("address"),
                text("swarm"),
                state,
                node["stored"],
                node["slow_ms"],
                node["clock_ms"],
                text("lie"),
            );
        }
    }
    Ok(())
}

async fn run_bench(load: Load, json: bool, steps: &Steps) -> Result<(), String> {
    let folder = temporary()?;
    let plan = Plan {
        nodes: 12,
        swarms: 3,
        port: 0,
        data_dir: folder.path().to_owned(),
        notes: false,
    };
    steps.doing("starting the network");
    let network = Network::start(&plan)
        .await
        .map_err(|error| error.to_string())?;
    let result = load::run(&network, load, |stored| {
        steps.doing(format!("{stored} messages stored"));
    })
    .await;
    steps.finish();
    if json {
        println!(
            "{}",
            serde_json::to_string(&result).map_err(|error| error.to_string())?
        );
    }
    let [median, nine, ninety_nine, longest] = result.latency_ms;
    steps.say(format!(
        "{} messages stored through three hops in {:.1} s: {:.0} a second, {} errors\n\
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
        Some(error) => Err(format!(
            "{} requests failed, the first: {error}",
            result.errors
        )),
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
