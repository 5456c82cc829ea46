//! The command line of the client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use client::error::ClientError;
use client::network::Options;
use client::session::{Client, Step};
use client::state::{Loaded, State, write_new};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use session_identity::phrase::Language;
use session_identity::{Account, AccountId, Seed};
use zeroize::Zeroizing;

/// A small real Session client.
///
/// Exit status: 0 success, 1 failure, 2 an argument, phrase, id or file that cannot be used,
/// 3 the network cannot be reached, 4 the network answered something that cannot be used.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Shared {
    /// URL of a seed node; may be given more than once. Plain http is for this machine only.
    #[arg(long, global = true, value_name = "URL")]
    seed_url: Vec<String>,
    /// File with the certificates that seed nodes may have.
    #[arg(long, global = true, value_name = "PEM")]
    seed_cert: Option<PathBuf>,
    /// File with the recovery phrase of the account.
    #[arg(long, global = true, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// File that remembers what was fetched already. Without it, everything is fetched each time.
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Print JSON objects, one a line, instead of text for people.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account and print its id and recovery phrase. With --phrase-file the phrase is also
    /// written there, to a new file.
    New,
    /// Print the id of the account.
    Whoami,
    /// Send a text to an account.
    Send {
        /// The receiver: 66 hex digits that begin with 05.
        account_id: String,
        /// The text.
        text: String,
        /// The name to send along.
        #[arg(long)]
        name: Option<String>,
    },
    /// Fetch and print what has come.
    Receive,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("client: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(&arguments.shared, &arguments.command));
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if arguments.shared.json {
                println!("{}", json!({"event": "error", "error": error.to_string()}));
            }
            eprintln!("client: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}

async fn run(shared: &Shared, command: &Command) -> Result<(), ClientError> {
    match command {
        Command::New => new(shared),
        Command::Whoami => {
            let id = account(shared)?.id().to_string();
            print(shared, &json!({"event": "account", "id": id}), &id);
            Ok(())
        }
        Command::Send {
            account_id,
            text,
            name,
        } => {
            let to: AccountId = account_id
                .parse()
                .map_err(|reason| ClientError::AccountId {
                    text: account_id.clone(),
                    reason,
                })?;
            send(shared, &to, text, name.as_deref()).await
        }
        Command::Receive => receive(shared).await,
    }
}

fn print(shared: &Shared, event: &serde_json::Value, text: &str) {
    if shared.json {
        println!("{event}");
    } else {
        println!("{text}");
    }
}

fn new(shared: &Shared) -> Result<(), ClientError> {
    let seed = Seed::generate_from_system().map_err(|_| ClientError::Random)?;
    let phrase = seed.to_phrase(Language::English);
    let id = Account::from_seed(&seed).id().to_string();
    if let Some(path) = &shared.phrase_file {
        let line = Zeroizing::new(format!("{}\n", phrase.as_str()));
        write_new(path, line.as_bytes()).map_err(|reason| ClientError::File {
            what: "cannot write the recovery phrase to",
            path: path.clone(),
            reason,
        })?;
    }
    let event = json!({"event": "account", "id": id, "phrase": phrase.as_str()});
    let text = format!(
        "account id       {id}\nrecovery phrase  {}",
        phrase.as_str()
    );
    print(shared, &event, &text);
    Ok(())
}

/// Reads a file of at most 64 KiB: a phrase or certificates.
fn read_small(what: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let failed = |reason| ClientError::File {
        what,
        path: path.to_owned(),
        reason,
    };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > 64 * 1024 {
        return Err(failed(std::io::Error::other(format!(
            "it has {length} bytes"
        ))));
    }
    fs::read(path).map(Zeroizing::new).map_err(failed)
}

fn account(shared: &Shared) -> Result<Account, ClientError> {
    let path = shared.phrase_file.as_ref().ok_or_else(|| {
        ClientError::Usage("no account: name the file with its phrase by --phrase-file".to_owned())
    })?;
    let text = read_small("cannot read the recovery phrase from", path)?;
    let text = std::str::from_utf8(&text).map_err(|_| {
        ClientError::Usage(format!(
            "{} holds no recovery phrase: it is not text",
            path.display()
        ))
    })?;
    Ok(Account::from_seed(&Seed::from_phrase(
        text.trim(),
        Language::English,
    )?))
}

async fn connect(shared: &Shared) -> Result<Client, ClientError> {
    let account = account(shared)?;
    if shared.seed_url.is_empty() {
        let text = "no seed node: name one by --seed-url".to_owned();
        return Err(ClientError::Usage(text));
    }
    let mut pins = Vec::new();
    if let Some(path) = &shared.seed_cert {
        let text = read_small("cannot read certificates from", path)?;
        for certificate in CertificateDer::pem_slice_iter(&text) {
            pins.push(certificate.map_err(|_| {
                ClientError::Usage(format!("{} holds no certificates", path.display()))
            })?);
        }
        if pins.is_empty() {
            let text = format!("{} holds no certificates", path.display());
            return Err(ClientError::Usage(text));
        }
    }
    let options = Options {
        seeds: shared.seed_url.clone(),
        pins,
        from: None,
    };
    let json = shared.json;
    Client::connect(account, &options, move |step| {
        if let Step::Retry { reason } = step
            && !json
        {
            eprintln!("client: trying another path: {reason}");
        }
    })
    .await
}

async fn send(
    shared: &Shared,
    to: &AccountId,
    text: &str,
    name: Option<&str>,
) -> Result<(), ClientError> {
    let client = connect(shared).await?;
    let sent = client.send(to, text, name).await?;
    let event = json!({
        "event": "sent",
        "to": to.to_string(),
        "hash": sent.hash.to_string(),
        "sent_ms": sent.sent_ms,
        "swarm": sent.swarm.to_string(),
        "stored_on": sent.stored_on.len(),
        "failed": sent.failed.len(),
    });
    let text = format!("sent; {} nodes of the swarm keep it", sent.stored_on.len());
    print(shared, &event, &text);
    Ok(())
}

async fn receive(shared: &Shared) -> Result<(), ClientError> {
    let client = connect(shared).await?;
    let id = client.account().id().to_string();
    let mut state = match &shared.state {
        None => State::new(&id),
        Some(path) => {
            let loaded = State::load(path, &id).map_err(|reason| ClientError::File {
                what: "cannot read the state from",
                path: path.clone(),
                reason,
            })?;
            match loaded {
                Loaded::Known(state) | Loaded::Fresh(state) => state,
                Loaded::Unusable {
                    state,
                    reason,
                    aside,
                } => {
                    eprintln!(
                        "client: {} could not be used: {reason}; it is now {}, and this is a \
                         fresh start",
                        path.display(),
                        aside.display()
                    );
                    state
                }
            }
        }
    };
    let fetched = client.receive(&mut state.last_hashes).await?;
    let mut count = 0;
    for message in &fetched.messages {
        let from = message.from.to_string();
        if !state.remember(&from, message.sent_ms) {
            continue;
        }
        count += 1;
        let event = json!({
            "event": "message",
            "from": from,
            "name": message.name,
            "sent_ms": message.sent_ms,
            "text": message.text,
        });
        let text = match (&message.name, &message.text) {
            (Some(name), Some(text)) => format!("{from} ({})\n  {}", shown(name), shown(text)),
            (None, Some(text)) => format!("{from}\n  {}", shown(text)),
            (_, None) => format!("{from}\n  (not a text)"),
        };
        print(shared, &event, &text);
    }
    for (hash, reason) in &fetched.unreadable {
        eprintln!("client: message {hash} cannot be read: {reason}");
    }
    // Only now: a message that was not shown must be fetched again.
    if let Some(path) = &shared.state {
        state.save(path).map_err(|reason| ClientError::File {
            what: "cannot write the state to",
            path: path.clone(),
            reason,
        })?;
    }
    if count == 0 && !shared.json {
        println!("nothing new");
    }
    Ok(())
}

/// A text from a stranger, without what would steer the terminal.
fn shown(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}
