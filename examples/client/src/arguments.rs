//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::device_arguments::DeviceCommand;
use crate::engine::{ContactCommand, Excerpt, Records};
use crate::group_arguments::GroupCommand;

/// A small real Session client.
///
/// Exit status: 0 success, 1 failure, 2 an argument, phrase, id, key or file that cannot be used,
/// 3 the network cannot be reached, 4 the network answered something that cannot be used.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
pub(crate) struct Shared {
    /// URL of a seed node; may be given more than once. Plain http is for this machine only.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) seed_url: Vec<String>,
    /// File with the certificates that seed nodes may have.
    #[arg(long, global = true, value_name = "PEM")]
    pub(crate) seed_cert: Option<PathBuf>,
    /// File with the recovery phrase of the account.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) phrase_file: Option<PathBuf>,
    /// Language of the recovery phrase, if it could be in two.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) language: Option<String>,
    /// File that remembers the profile name, what was fetched already, and the first nodes of
    /// paths. Without it, everything is fetched each time. Several clients may share it.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Print JSON objects, one a line, instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account and print its id and recovery phrase. With --phrase-file the phrase is
    /// written to that new file and is not printed.
    New,
    /// Read a recovery phrase from the standard input, in any language, show the account id that
    /// it gives and, if it is confirmed, write the phrase to --phrase-file, a new file.
    Restore {
        /// The id that must come out, instead of a question.
        #[arg(long, value_name = "ID")]
        account_id: Option<String>,
        /// Ask no question.
        #[arg(long)]
        yes: bool,
    },
    /// Print the id of the account.
    Whoami,
    /// Print the profile name in --state, or change it. An existing state needs no --phrase-file.
    Name {
        /// The new name; an empty one takes it away.
        text: Option<String>,
    },
    /// Send a text to an account, and a copy to the own other devices.
    Send {
        /// The receiver: 66 hex digits that begin with 05.
        account_id: String,
        /// The text.
        text: String,
        /// The name to send along, instead of the one in --state.
        #[arg(long)]
        name: Option<String>,
        /// The message that this one answers: its author and the time it was sent, as it is printed
        /// or in ms.
        #[arg(long, value_name = "ID:TIME")]
        reply_to: Option<String>,
        /// Store no copy for the own other devices.
        #[arg(long)]
        no_sync: bool,
    },
    /// Fetch and print what has come.
    Receive {
        /// Go on until interrupted.
        #[arg(long)]
        follow: bool,
        /// Seconds between two fetches of --follow.
        #[arg(long, value_name = "SECONDS", default_value_t = 3, requires = "follow",
            value_parser = clap::value_parser!(u64).range(1..=3600))]
        interval: u64,
    },
    /// Encrypt a file, put it on the file server, and send a message with it.
    SendFile {
        /// The receiver: 66 hex digits that begin with 05.
        account_id: String,
        /// The file, at most about 9.7 MB.
        file: PathBuf,
        /// A text to go with it.
        #[arg(long, default_value = "")]
        caption: String,
        #[command(flatten)]
        host: Host,
    },
    /// Fetch a file from a file server and decrypt it. `receive --json` prints URL and key.
    FetchFile {
        /// The URL of the file, as the message has it.
        url: String,
        /// The output, which must not exist.
        output: PathBuf,
        /// The key of the file, 64 hex digits; `-` reads it from the standard input.
        #[arg(long, value_name = "HEX")]
        key: String,
        #[command(flatten)]
        host: Host,
    },
    /// Take part in communities.
    Community {
        #[command(subcommand)]
        order: Rooms,
    },
    /// Contacts and message requests of the account, on all its devices.
    Contact {
        #[command(flatten)]
        records: Records,
        /// What to do.
        #[command(subcommand)]
        command: ContactCommand,
    },
    /// Print the history of a conversation, or search all of them.
    History(Excerpt),
    /// Closed groups; what is known of them is kept beside --state.
    Group {
        /// What to do.
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Devices of the account, as a coming version of the protocol links them; this one is kept beside
    /// --state.
    Device {
        /// What to do.
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Encrypt a file as an attachment, at most 10 MB, and print its key.
    ///
    /// With --phrase-file the key is made of the account and the content, as Session does it;
    /// without, it is random.
    EncryptFile {
        /// The file.
        input: PathBuf,
        /// Where to write it; must not be there yet.
        output: PathBuf,
    },
    /// Decrypt an attachment.
    DecryptFile {
        /// The encrypted file.
        input: PathBuf,
        /// Where to write it; must not be there yet.
        output: PathBuf,
        /// Its key, 64 hex digits; `-` reads it from the standard input.
        #[arg(long, value_name = "HEX")]
        key: String,
    },
}

/// The file server. The default is that of the main network.
#[derive(Args)]
pub(crate) struct Host {
    /// URL of the file server: scheme, host and port.
    #[arg(long, value_name = "URL", requires = "file_key")]
    pub(crate) file_server: Option<String>,
    /// Its Ed25519 key, 64 hex digits.
    #[arg(long, value_name = "HEX", requires = "file_server")]
    pub(crate) file_key: Option<String>,
}

/// A room is named by its URL or, once it was joined with --state, by the name in its URL.
#[derive(Subcommand)]
pub(crate) enum Rooms {
    /// Join a room, to be remembered in --state.
    Join { room: String },
    /// Print new posts of a room and new messages of the inbox of its server.
    Read { room: String },
    /// Post a text.
    Post {
        room: String,
        text: String,
        /// A file to be uploaded to the room, unencrypted; may be given more than once.
        #[arg(long, value_name = "FILE")]
        file: Vec<PathBuf>,
    },
    /// Fetch a file of a room.
    Fetch {
        room: String,
        /// The number of the file; `read` prints it.
        file: u64,
        /// The output, which must not exist.
        output: PathBuf,
    },
    /// React to a post.
    React {
        room: String,
        /// The number of the post.
        id: u64,
        emoji: String,
        /// Take the reaction back.
        #[arg(long)]
        remove: bool,
    },
    /// Write to the inbox of a user by the blinded id that `read` prints.
    Answer {
        room: String,
        /// 66 hex digits that begin with 15 or 25.
        id: String,
        text: String,
    },
}

impl Rooms {
    /// The room that a command is about.
    pub(crate) fn room(&self) -> &str {
        match self {
            Self::Join { room }
            | Self::Read { room }
            | Self::Post { room, .. }
            | Self::Fetch { room, .. }
            | Self::React { room, .. }
            | Self::Answer { room, .. } => room,
        }
    }
}
