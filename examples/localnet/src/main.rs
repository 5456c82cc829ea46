//! The command line of the localnet.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use localnet::demo;
use localnet::network::{Network, Plan};
use localnet::report::{Row, Table};
use localnet::ui::Steps;

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
             swarm, Bob's account;\nwhat it saw at the two times has nothing in common that could \
             be compared."
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
        "\n  seed URL     {}\n  certificate  {}\n  all nodes    {}\n\nStop it with Ctrl-C.",
        network.seed_url(),
        certificate.display(),
        data_dir.join("network.json").display()
    ));
    interrupted().await?;
    network.stop();
    steps.say("Stopped.");
    Ok(())
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
