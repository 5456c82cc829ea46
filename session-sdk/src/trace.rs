//! What is traced: kinds of events, counts and times. Never ids, names, texts, addresses or paths.

use session_client::Event;

/// The name of the kind of an event.
pub(crate) const fn name(event: &Event) -> &'static str {
    match event {
        Event::Message(_) => "message",
        Event::Delivered { .. } => "delivered",
        Event::Failed { .. } => "failed",
        Event::Uploading { .. } => "uploading",
        Event::Uploaded { .. } => "uploaded",
        Event::Downloading { .. } => "downloading",
        Event::Downloaded { .. } => "downloaded",
        Event::PictureSet => "picture set",
        Event::PictureFailed { .. } | Event::PictureNotWritten { .. } => "picture failed",
        Event::Reaction { .. } => "reaction",
        Event::Deleted { .. } | Event::ContentDeleted { .. } => "deleted",
        Event::Read { .. } => "read",
        Event::Typing { .. } => "typing",
        Event::RequestAccepted { .. } => "request accepted",
        Event::Extraction { .. } => "extraction",
        Event::Timer { .. } => "timer",
        Event::Disappeared { .. } => "disappeared",
        Event::Call { .. } => "call",
        Event::Config(_) => "config",
        Event::Synced => "synced",
        Event::Invited { .. } => "invited",
        Event::Promoted { .. } => "promoted",
        Event::Group { .. } | Event::GroupUpdate { .. } => "group",
        Event::GroupLeft { .. } => "group left",
        Event::GroupStuck { .. } => "group stuck",
        Event::UnreadableInGroup { .. } | Event::Unreadable { .. } => "unreadable",
        _ => "other",
    }
}
