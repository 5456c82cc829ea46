//! The commands about the devices of the own account.

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum DeviceCommand {
    /// Print the devices of the account, what is new about them, and who asks to be admitted.
    List,
    /// Ask the other devices of the account to admit this one, and print the emoji to compare.
    Link {
        /// What the others see of this device.
        #[arg(long, default_value = "command line")]
        name: String,
        /// Begin with this device alone instead of asking: for an account without other devices.
        #[arg(long, conflicts_with = "confirm")]
        start: bool,
        /// Join, after this device was approved: its emoji are the same as those on the other device.
        #[arg(long)]
        confirm: bool,
    },
    /// Admit a device whose emoji were compared.
    Approve {
        /// The device, or the first digits of its id.
        device: String,
        /// The seven emoji as the new device shows them, with spaces between.
        #[arg(long)]
        emoji: String,
    },
    /// Admit a device not: the same request is not shown again.
    Deny {
        /// The device, or the first digits of its id.
        device: String,
    },
    /// Remove a device: it opens nothing that comes from now on.
    Remove {
        /// The device, or the first digits of its id.
        device: String,
    },
}
