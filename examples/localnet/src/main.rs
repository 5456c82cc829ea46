//! The command line of the localnet.

mod ctl;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use localnet::demo;
use localnet::ledger::CERTIFICATE;
use localnet::load::{self, Load};
use localnet::network::{Network, Plan};
use localnet::report::{Row, Table};
use localnet::ui::{Steps, print};
use serde_json::json;

use crate::ctl::Ctl;

/// A whole Session network on this machine: seed node, service nodes, swarms.
///
/// Without a command it runs `demo`. Exit status: 0 success, 1 failure, 2 a command line that cannot be
/// used.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Print JSON objects, one a line, instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// Put all nodes on 127.0.0.1, each on a port of its own, as happens by itself on systems that
    /// have no other loopback addresses.
    #[arg(long, global = true)]
    one_address: bool,
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
        /// Service nodes [default: 12].
        #[arg(long)]
        nodes: Option<u8>,
        /// Swarms [default: 3].
        #[arg(long)]
        swarms: Option<u8>,
        /// Port of the seed node and of every service node, each on its own address; 0: any. With
        /// one address the nodes have the ports after it [default: 0].
        #[arg(long)]
        port: Option<u16>,
        /// Where messages, keys, `network.json` and the seed's certificate are kept. A network that
        /// is there already is started again. Without it, a temporary directory.
        #[arg(long)]
        data_dir: Option<PathBuf>,
        /// Notice a node that is down as late as the deployed network does: a member of its swarm
        /// after 5 s, one that relays to it after 30 s. Otherwise at once.
        #[arg(long)]
        real_delays: bool,
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let steps = Steps::new(arguments.json);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&steps, arguments.json, &format!("cannot start: {error}")),
    };
    let text = demo::TEXT.to_owned();
    let (json, one_address) = (arguments.json, arguments.one_address);
    let outcome = match arguments.command.unwrap_or(Command::Demo { text }) {
        Command::Demo { text } => runtime.block_on(run_demo(&text, one_address, json, &steps)),
        Command::Serve {
            nodes,
            swarms,
            port,
            data_dir,
            real_delays,
        } => {
            let plan = |data_dir| {
                let usual = Plan::new(data_dir);
                Plan {
                    nodes: nodes.unwrap_or(usual.nodes),
                    swarms: swarms.unwrap_or(usual.swarms),
                    port: port.unwrap_or(usual.port),
                    one_address,
                    real_delays,
                    ..usual
                }
            };
            let is_shaped = nodes.is_some() || swarms.is_some() || port.is_some();
            runtime.block_on(run_serve(data_dir, plan, is_shaped, json, &steps))
        }
        Command::Ctl { data_dir, order } => {
            runtime.block_on(ctl::run(&data_dir, &order, json, &steps))
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
            runtime.block_on(run_bench(load, one_address, json, &steps))
        }
    };
    // Connections that are idle need not be waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&steps, json, &error),
    }
}

fn fail(steps: &Steps, json: bool, error: &str) -> ExitCode {
    steps.finish();
    if json {
        // The exit status says it too.
        let _ = print(json!({"event": "error", "error": error}));
    }
    eprintln!("localnet: {error}");
    ExitCode::FAILURE
}

fn temporary() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new()
        .prefix("localnet-")
        .tempdir()
        .map_err(|error| format!("no temporary directory: {error}"))
}

async fn run_demo(text: &str, one_address: bool, json: bool, steps: &Steps) -> Result<(), String> {
    let folder = temporary()?;
    let plan = Plan {
        notes: true,
        one_address,
        ..Plan::new(folder.path())
    };
    let emit = |event| {
        if json {
            // The last event says whether they can be written.
            let _ = print(event);
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
        print(delivered.event)?;
    }
    Ok(())
}

/// What the table says, in words.
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
    data_dir: Option<PathBuf>,
    plan: impl Fn(PathBuf) -> Plan,
    is_shaped: bool,
    json: bool,
    steps: &Steps,
) -> Result<(), String> {
    let mut folder = None;
    let data_dir = match data_dir {
        Some(data_dir) => data_dir,
        None => folder.insert(temporary()?).path().to_owned(),
    };
    steps.doing("starting the network");
    let plan = plan(data_dir.clone());
    let network = Network::start(&plan)
        .await
        .map_err(|error| error.to_string())?;
    if is_shaped && !network.is_new {
        eprintln!(
            "localnet: {} holds a network, which is started as it is: --nodes, --swarms and --port are \
             for new ones",
            data_dir.display()
        );
    }
    let certificate = data_dir.join(CERTIFICATE);
    if json {
        let event = json!({"event": "serving", "seed_url": network.seed_url(),
            "seed_cert": certificate, "data_dir": data_dir, "nodes": network.nodes.len(),
            "swarms": network.chain.swarms().len()});
        print(event)?;
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

async fn run_bench(load: Load, one_address: bool, json: bool, steps: &Steps) -> Result<(), String> {
    let folder = temporary()?;
    let plan = Plan {
        one_address,
        ..Plan::new(folder.path())
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
        print(serde_json::to_string(&result).map_err(|error| error.to_string())?)?;
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
