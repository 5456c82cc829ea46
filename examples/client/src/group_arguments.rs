//! The commands about closed groups.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a group and invite its first members.
    Create {
        /// The name of the group.
        name: String,
        /// An account to invite; may be given more than once.
        #[arg(long, value_name = "ID")]
        member: Vec<String>,
    },
    /// Invite an account.
    Invite {
        /// The group: 66 hex digits that begin with 03.
        group: String,
        /// The account.
        account_id: String,
        /// Let it read earlier messages.
        #[arg(long)]
        history: bool,
    },
    /// Accept the invitations that have come, or the one to a group.
    Accept {
        /// The group; all of them if none is given.
        group: Option<String>,
    },
    /// Send a text to a group.
    Send {
        /// The group.
        group: String,
        /// The text.
        text: String,
    },
    /// Fetch and print the messages of a group.
    Receive {
        /// The group.
        group: String,
    },
    /// Print the members of a group. As every command does, it also continues what was interrupted.
    Members {
        /// The group.
        group: String,
    },
    /// Make a member an admin, for good.
    Promote {
        /// The group.
        group: String,
        /// The member.
        account_id: String,
    },
    /// Remove a member.
    Remove {
        /// The group.
        group: String,
        /// The member.
        account_id: String,
        /// Delete all messages of the member, too.
        #[arg(long)]
        messages: bool,
    },
    /// Leave a group.
    Leave {
        /// The group.
        group: String,
    },
}
