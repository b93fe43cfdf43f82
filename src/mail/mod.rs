//! Messages to people: short, plain text, out of the way of requests.
//!
//! A message is a job: it is enqueued in the transaction of what it tells of
//! ([`crate::jobs::enqueue`]), and a worker hands it to the [`Mailer`]. No address and no text ever
//! reaches a log.

pub mod texts;
mod transport;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    Address,
    message::{Body, Mailbox, header},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::Failure;
use transport::Route;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);

/// One message to one person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The address, as it is stored.
    pub to: String,
    /// The subject: neutral, for it shows on locked screens.
    pub subject: String,
    /// The text.
    pub text: String,
    /// From when on it is of no use: then it is not sent.
    pub not_after: Option<DateTime<Utc>>,
}

impl Message {
    /// The same, of no use from `end` on.
    #[must_use]
    pub fn until(self, end: DateTime<Utc>) -> Self {
        Self { not_after: Some(end), ..self }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Message(hidden)")
    }
}

/// Where messages go.
#[derive(Clone)]
pub enum Transport {
    /// Into a folder, one `.eml` file each: for development.
    Folder(PathBuf),
    /// To a server: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, which demands
    /// STARTTLS unless the host is this machine. Special characters are percent-encoded.
    Smtp(String),
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => formatter.debug_tuple("Folder").field(folder).finish(),
            Self::Smtp(_) => formatter.write_str("Smtp(hidden)"),
        }
    }
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Where messages go.
    pub transport: Transport,
    /// Who they come from: `Name <address>` or an address alone.
    pub from: String,
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// `mail_url` cannot be used. The value is not repeated: it holds a password.
    #[error("mail_url: {0}")]
    Url(&'static str),
    /// `mail_from` cannot be used.
    #[error("mail_from: this is no sender: write `Name <name@example.org>`")]
    From,
    /// The folder cannot be made.
    #[error("mail_url: the folder {} cannot be made: {}", .0.display(), .1)]
    Folder(PathBuf, #[source] std::io::Error),
}

/// The way out for messages. Cloning it is cheap.
#[derive(Clone)]
pub struct Mailer(Arc<Parts>);

struct Parts {
    route: Route,
    from: Mailbox,
}

impl Mailer {
    /// A mailer.
    ///
    /// # Errors
    /// When a setting cannot be used; the message names it.
    pub fn new(settings: MailSettings) -> Result<Self, MailError> {
        let from: Mailbox = settings.from.parse().map_err(|_unread| MailError::From)?;
        if from.name.as_deref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(MailError::From);
        }
        let route = Route::new(settings.transport, from.email.domain(), TRY_TIMEOUT)?;
        Ok(Self(Arc::new(Parts { route, from })))
    }

    /// Tries once to send `message`. `id` becomes its Message-ID: should it be sent twice, whoever gets
    /// it can tell.
    ///
    /// # Errors
    /// When it cannot be sent, or not now.
    pub async fn send(&self, id: Uuid, at: DateTime<Utc>, message: Message) -> Result<(), Failure> {
        let letter = self.letter(id, at, message).ok_or_else(|| {
            Failure::Permanent("the message has no address that mail can be sent to".to_owned())
        })?;
        let sent = tokio::time::timeout(TRY_TIMEOUT, self.0.route.send(&letter)).await;
        sent.unwrap_or_else(|_elapsed| Err(Failure::temporary("the mail server did not answer in time")))
    }

    /// The message as RFC 5322 wants it. Its parts cannot add headers: an address with a line break is
    /// none, and control characters in a subject become spaces.
    fn letter(&self, id: Uuid, at: DateTime<Utc>, message: Message) -> Option<transport::Letter> {
        let to: Address = message.to.parse().ok()?;
        let subject = message.subject.replace(|letter: char| letter.is_control(), " ");
        // Unlike quoted-printable, this leaves links whole for whoever reads the file.
        let text = match self.0.route {
            Route::Folder(_) => {
                Body::new_with_encoding(message.text, header::ContentTransferEncoding::Binary).ok()?
            }
            Route::Smtp(_) => Body::new(message.text),
        };
        let letter = lettre::Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(at.into())
            .message_id(Some(format!("<{id}@{}>", self.0.from.email.domain())))
            // RFC 3834: no out-of-office answers, please.
            .raw_header(header::HeaderValue::new(
                header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(header::ContentType::TEXT_PLAIN)
            .body(text)
            .ok()?;
        Some(transport::Letter { id, message: letter })
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mailer(hidden)")
    }
}

#[cfg(test)]
mod tests;
