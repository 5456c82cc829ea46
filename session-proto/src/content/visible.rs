//! Messages to show: text, attachments, quotes, previews.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::take;

use super::id::parse_id;
use super::{AnyId, Attachment, ContentError, Omitted, Part, UnixMillis, present};
use crate::limits::{MAX_ATTACHMENTS, MAX_PREVIEWS};
use crate::schema::session as wire;
use crate::schema::session::data_message as parts;

/// A message to show. It has at least one part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// The text. It may be empty if there is another part.
    pub text: String,
    /// Attached files, at most 32.
    pub attachments: Vec<Attachment>,
    /// The message that this one replies to.
    pub quote: Option<Quote>,
    /// Previews of addresses in the text.
    pub previews: Vec<Preview>,
}

/// A reference to an earlier message of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// When that message was sent.
    pub sent_at: UnixMillis,
    /// Author of that message; in communities, a blinded id.
    pub author: AnyId,
}

/// A preview of an address in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The address. It begins with `https://` and is part of the text.
    pub url: String,
    /// Title of the page.
    pub title: Option<String>,
    /// Image of the page.
    pub image: Option<Attachment>,
}

impl Quote {
    fn from_wire(quote: parts::Quote) -> Result<Self, ContentError> {
        Ok(Self {
            sent_at: UnixMillis::new(quote.id),
            author: parse_id(&quote.author, "author")?,
        })
    }
}

impl Preview {
    fn to_wire(&self) -> parts::Preview {
        parts::Preview {
            url: self.url.clone(),
            title: self.title.clone(),
            image: self.image.as_ref().map(Attachment::to_wire),
        }
    }

    fn from_wire(preview: parts::Preview, omitted: &mut Omitted) -> Self {
        let image = preview.image.map(Attachment::from_wire);
        Self {
            url: preview.url,
            title: present(preview.title),
            image: image.and_then(|image| omitted.keep(Part::PreviewImage, image)),
        }
    }

    fn belongs_to(&self, text: &str) -> bool {
        self.url.starts_with("https://") && text.contains(&self.url)
    }
}

impl Message {
    /// Returns whether a data message has something to show.
    pub(super) fn is_in(data: &wire::DataMessage) -> bool {
        data.body.as_ref().is_some_and(|body| !body.is_empty())
            || !data.attachments.is_empty()
            || data.quote.is_some()
            || !data.preview.is_empty()
    }

    pub(super) fn to_wire(&self, out: &mut wire::DataMessage) -> Result<(), ContentError> {
        let limits = [
            ("attachments", MAX_ATTACHMENTS, self.attachments.len()),
            ("preview", MAX_PREVIEWS, self.previews.len()),
        ];
        for (field, max, got) in limits {
            if got > max {
                return Err(ContentError::TooMany { field, max, got });
            }
        }
        if !self
            .previews
            .iter()
            .all(|preview| preview.belongs_to(&self.text))
        {
            return Err(ContentError::PreviewUrl);
        }
        out.body = present(Some(self.text.clone()));
        out.attachments = self.attachments.iter().map(Attachment::to_wire).collect();
        out.quote = self.quote.map(|quote| parts::Quote {
            id: quote.sent_at.get(),
            author: quote.author.to_string(),
            ..parts::Quote::default()
        });
        out.preview = self.previews.iter().map(Preview::to_wire).collect();
        if Self::is_in(out) {
            Ok(())
        } else {
            Err(ContentError::Empty)
        }
    }

    /// Leaves malformed parts out, unless nothing else is there to show.
    pub(super) fn from_wire(
        data: &mut wire::DataMessage,
        omitted: &mut Omitted,
    ) -> Result<Self, ContentError> {
        // Absent: a message of attachments alone has no text.
        let text = data.body.take().unwrap_or_default();
        let mut refused = None;
        let mut attachments = Vec::new();
        for pointer in take(&mut data.attachments) {
            match Attachment::from_wire(pointer) {
                Ok(attachment) => attachments.push(attachment),
                Err(error) => {
                    refused.get_or_insert(error);
                    omitted.insert(Part::Attachment);
                }
            }
        }
        let quote = data.quote.take().map(Quote::from_wire);
        if let Some(Err(error)) = quote {
            refused.get_or_insert(error);
            omitted.insert(Part::Quote);
        }
        let mut previews = Vec::new();
        for preview in take(&mut data.preview) {
            let preview = Preview::from_wire(preview, omitted);
            if preview.belongs_to(&text) {
                previews.push(preview);
            } else {
                omitted.insert(Part::Preview);
            }
        }
        let message = Self {
            text,
            attachments,
            quote: quote.and_then(Result::ok),
            previews,
        };
        if message == Self::default() {
            return Err(refused.unwrap_or(ContentError::Empty));
        }
        Ok(message)
    }
}
