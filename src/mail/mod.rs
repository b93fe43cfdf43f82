//! Messages to people: short, plain text, out of the way of requests.
//!
//! [`Outbox::post`] puts a message on a bounded queue and returns at once; [`Outbox::run`], a task of the
//! process, delivers it. A message is at most tried three times and then forgotten: whoever waits for it
//! asks again. No address and no text ever reaches a log.

pub mod texts;
mod transport;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use lettre::{
    Address,
    message::{Body, Mailbox, header},
};
use tokio::sync::{Mutex, mpsc};

use crate::clock::Clock;
use transport::{Failure, Route};

/// How many messages wait at most.
const QUEUE: usize = 256;
/// How many are delivered at a time, so that one slow server does not hold up the rest.
const AT_A_TIME: usize = 4;
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait before each try.
const WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(5), Duration::from_mins(1)];

/// One message to one person.
#[derive(Clone)]
pub struct Message {
    /// The address, as it is stored.
    pub to: String,
    /// The subject: neutral, for it shows on locked screens.
    pub subject: String,
    /// The text.
    pub text: String,
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

/// The way out for messages. Clones share one queue.
#[derive(Clone)]
pub struct Outbox(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<Message>,
    waiting: Mutex<mpsc::Receiver<Message>>,
    route: Route,
    from: Mailbox,
    clock: Clock,
    dropped: AtomicU64,
    waits: [Duration; 3],
}

impl Outbox {
    /// An outbox; nothing is sent before [`Outbox::run`] runs.
    ///
    /// # Errors
    /// When a setting cannot be used; the message names it.
    pub fn new(settings: MailSettings) -> Result<Self, MailError> {
        Self::with_waits(settings, WAITS)
    }

    fn with_waits(settings: MailSettings, waits: [Duration; 3]) -> Result<Self, MailError> {
        let from: Mailbox = settings.from.parse().map_err(|_unread| MailError::From)?;
        if from.name.as_deref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(MailError::From);
        }
        let route = Route::new(settings.transport, from.email.domain(), TRY_TIMEOUT)?;
        let (sender, waiting) = mpsc::channel(QUEUE);
        let shared = Shared {
            sender,
            waiting: Mutex::new(waiting),
            route,
            from,
            clock: Clock::default(),
            dropped: AtomicU64::new(0),
            waits,
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Puts `message` on the queue. Never waits and never fails: when the queue is full the message is
    /// dropped, and that is logged and counted.
    pub fn post(&self, message: Message) {
        if self.0.sender.try_send(message).is_err() {
            let dropped = self.0.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(mail.dropped = dropped, "the mail queue is full: a message was dropped");
        }
    }

    /// How many messages were dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Delivers what is posted, until it is dropped; what waits then is lost. Spawn it once. Should it
    /// panic, it can be called again and goes on with the queue.
    pub async fn run(&self) {
        let mut waiting = self.0.waiting.lock().await;
        let messages = stream::poll_fn(|context| waiting.poll_recv(context));
        messages.for_each_concurrent(AT_A_TIME, |message| self.deliver(message)).await;
    }

    async fn deliver(&self, message: Message) {
        let Some(letter) = self.letter(message) else {
            tracing::error!("a message has no address that mail can be sent to");
            return;
        };
        let mut last = Failure::Temporary("not tried");
        for wait in self.0.waits {
            tokio::time::sleep(wait).await;
            let sent = tokio::time::timeout(TRY_TIMEOUT, self.0.route.send(&letter)).await;
            match sent.unwrap_or(Err(Failure::Temporary("no answer in time"))) {
                Ok(()) => return,
                Err(failure @ Failure::Permanent(_)) => {
                    last = failure;
                    break;
                }
                Err(failure) => last = failure,
            }
        }
        tracing::error!(mail.failure = %last, "a message could not be delivered");
    }

    /// The message as RFC 5322 wants it. Its parts cannot add headers: an address with a line break is
    /// none, and control characters in a subject become spaces.
    fn letter(&self, message: Message) -> Option<transport::Letter> {
        let to: Address = message.to.parse().ok()?;
        let subject = message.subject.replace(|letter: char| letter.is_control(), " ");
        // Unlike quoted-printable, this leaves links whole for whoever reads the file.
        let text = match self.0.route {
            Route::Folder(_) => {
                Body::new_with_encoding(message.text, header::ContentTransferEncoding::Binary).ok()?
            }
            Route::Smtp(_) => Body::new(message.text),
        };
        let id = self.0.clock.id();
        let letter = lettre::Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(self.0.clock.now().into())
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

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
