//! The command line of the client.

mod account;
mod arguments;
mod device;
mod device_arguments;
mod disk;
mod engine;
mod exchange;
mod group;
mod group_arguments;
mod memory;
mod output;
mod rooms;
mod show;
mod talk;

use std::process::ExitCode;

use clap::Parser;
use client::error::ClientError;
use serde_json::json;

use crate::arguments::{Arguments, Command, Shared};
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let out = Output::new(arguments.shared.json);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out.notice(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(&arguments.shared, &arguments.command, &out));
    runtime.shutdown_background();
    out.finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if out.is_json() {
                let event = json!({"event": "error", "error": error.to_string()});
                // The exit status says it too.
                let _ = out.print(&event, "");
            }
            out.notice(&error.to_string());
            ExitCode::from(error.exit_status())
        }
    }
}

async fn run(shared: &Shared, command: &Command, out: &Output) -> Result<(), ClientError> {
    match command {
        Command::New => account::new(shared, out),
        Command::Restore { account_id, yes } => {
            account::restore(shared, account_id.as_deref(), *yes, out)
        }
        Command::Whoami => {
            let id = account::account(shared, out)?.id().to_string();
            out.print(&json!({"event": "account", "id": id}), &id)
        }
        Command::Name { text } => account::name(shared, text.as_deref(), out),
        Command::Send {
            account_id,
            text,
            name,
            reply_to,
            no_sync,
        } => {
            let message = talk::Message {
                to: account::account_id(account_id)?,
                text,
                name: name.as_deref(),
                reply_to: reply_to.as_deref().map(talk::quote).transpose()?,
                sync: !no_sync,
            };
            talk::send(shared, &message, out).await
        }
        Command::Receive { follow: false, .. } => talk::receive(shared, out).await,
        Command::Receive { interval, .. } => talk::follow(shared, *interval, out).await,
        Command::SendFile {
            account_id,
            file,
            caption,
            host,
        } => {
            let to = account::account_id(account_id)?;
            exchange::send(shared, &to, file, caption, host, out).await
        }
        Command::FetchFile {
            url,
            output,
            key,
            host,
        } => exchange::fetch(shared, url, key, output, host, out).await,
        Command::Contact { records, command } => {
            engine::contact(shared, records, command, out).await
        }
        Command::History(excerpt) => engine::history(shared, excerpt, out).await,
        Command::Community { order } => rooms::run(shared, order, out).await,
        Command::Device { command } => device::run(shared, command, out).await,
        Command::Group { command } => group::run(shared, command, out).await,
        Command::EncryptFile { input, output } => disk::encrypt(shared, input, output, out),
        Command::DecryptFile { input, output, key } => disk::decrypt(input, output, key, out),
    }
}
