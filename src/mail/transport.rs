//! The two ways a message leaves: into a folder, or over SMTP.

use std::{io::Write, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        authentication::Credentials,
        client::{CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use url::Url;
use uuid::Uuid;

use super::{MailError, Transport};
use crate::{
    crypto::{private_directory, private_file},
    jobs::Failure,
};

/// A message ready to go.
pub struct Letter {
    pub id: Uuid,
    pub message: lettre::Message,
}

/// A way out.
pub enum Route {
    Folder(Arc<PathBuf>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Route {
    /// Prepares a way out; makes the folder. `domain` is how we greet a server.
    pub fn new(transport: Transport, domain: &str, timeout: Duration) -> Result<Self, MailError> {
        match transport {
            Transport::Folder(folder) => match private_directory(&folder) {
                Ok(()) => Ok(Self::Folder(Arc::new(folder))),
                Err(error) => Err(MailError::Folder(folder, error)),
            },
            Transport::Smtp(url) => smtp(&url, domain, timeout).map(Self::Smtp),
        }
    }

    /// Tries to send once. Why that failed says nothing of what the server wrote: that may repeat the
    /// address.
    pub async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                let (folder, id, text) = (Arc::clone(folder), letter.id, letter.message.formatted());
                let written = tokio::task::spawn_blocking(move || write(&folder, id, &text)).await;
                written
                    .is_ok_and(|written| written.is_ok())
                    .then_some(())
                    .ok_or_else(|| Failure::temporary("the mail folder cannot be written"))
            }
            Self::Smtp(server) => match server.send(letter.message.clone()).await {
                Ok(_answer) => Ok(()),
                Err(error) if error.is_permanent() => {
                    let code = error.status().map_or_else(String::new, |code| format!(" with {code}"));
                    Err(Failure::Permanent(format!("the mail server refused{code}")))
                }
                Err(error) if error.is_transient() => {
                    Err(Failure::temporary("the mail server asks to try again later"))
                }
                Err(error) if error.is_tls() => Err(Failure::temporary("TLS with the mail server failed")),
                Err(_connection) => Err(Failure::temporary("the connection to the mail server failed")),
            },
        }
    }
}

/// Writes one file, whole or not at all. Ids grow with time, and so do the names.
fn write(folder: &std::path::Path, id: Uuid, text: &[u8]) -> std::io::Result<()> {
    private_directory(folder)?;
    let partial = folder.join(format!("{id}.part"));
    // What an interrupted try left.
    let _ = std::fs::remove_file(&partial);
    let mut file = private_file(&partial)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(partial, folder.join(format!("{id}.eml")))
}

/// The server that `url` names.
fn smtp(url: &str, domain: &str, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let form = MailError::Url("write `smtps://user:password@host:465` or `smtp://user:password@host:587`");
    let Ok(url) = Url::parse(url) else { return Err(form) };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|_| bare).map(|host| host.trim_matches(['[', ']']).to_owned());
    let Some(host) = host.filter(|host| !host.is_empty()) else { return Err(form) };

    let parameters = || {
        let roots = TlsParameters::builder(host.clone()).certificate_store(CertificateStore::WebpkiRoots);
        roots.build_rustls().map_err(|_refused| MailError::Url("the host cannot be spoken to over TLS"))
    };
    let (tls, port) = match url.scheme() {
        "smtps" => (Tls::Wrapper(parameters()?), 465),
        "smtp" if is_loopback(&host) => (Tls::None, 587),
        "smtp" => (Tls::Required(parameters()?), 587),
        _ => return Err(form),
    };
    let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(url.port().unwrap_or(port))
        .tls(tls)
        .timeout(Some(timeout))
        .hello_name(ClientId::Domain(domain.to_owned()));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    match (url.username(), url.password()) {
        ("", None) => Ok(server.build()),
        ("", Some(_)) | (_, None) => Err(MailError::Url("a user and a password go together")),
        (user, Some(password)) => match (decoded(user), decoded(password)) {
            (Ok(user), Ok(password)) => Ok(server.credentials(Credentials::new(user, password)).build()),
            _ => Err(MailError::Url("user and password are percent-encoded UTF-8")),
        },
    }
}

/// Whether `host` is this machine, whatever the name service says.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
