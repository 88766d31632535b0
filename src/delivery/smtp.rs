mod connection;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use uuid::Uuid;

use self::connection::{Server, Way};
use super::{MailError, Mailer, Message};
use crate::crypto::Redacted;

/// How long a server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether the way to the mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmtpTls {
    /// From the first byte (RFC 8314, section 3.3); port 465 by default.
    Implicit,
    /// By STARTTLS (RFC 3207) before anything else is said, or not at all; port 587 by default.
    StartTls,
    /// Not: only for a server on loopback; port 25 by default.
    None,
}

/// Why a [`SmtpMailer`] could not be built: each is the fault of the host's configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// Mail would go to another machine for anybody to read.
    #[error("{0:?} is not on loopback, so mail to it needs TLS")]
    NotLoopback(String),
    /// The sender is no address.
    #[error("the sender {0:?} is no address, such as `Acme <no-reply@acme.example>`")]
    From(String),
    /// The certificate authorities or the name of the server cannot be used.
    #[error("TLS to the mail server: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Hands mails to a mail server (RFC 5321), over a handful of connections that are kept. Cheap to
/// clone.
///
/// Each mail has a text and an HTML part; its `Message-ID` is the id of the delivery, so that one
/// which is sent twice can be recognised, and its date that of the delivery.
///
/// A refusal of the recipient or of the mail itself (550 to 554, 556) is for good, as far as its
/// enhanced status (RFC 3463) does not speak of something else. One by a policy (such as 5.7.1: it
/// looks like spam, it is not authenticated) is tried a few times
/// ([`RetryPolicy::refusals`](super::RetryPolicy::refusals)). Everything else may go better later:
/// no connection, no TLS, a wrong password, a full mailbox, a quota of the day, a sender who is told
/// to be on a list before a recipient is named.
///
/// Each step has a limit ([`SmtpMailerBuilder::timeout`]), but for the answer to a whole mail, which
/// a server that scans it may take minutes for: ten here, as RFC 5321, section 4.5.3.2.6, wants it, or
/// what the [`Worker`](super::Worker) allows, which is less by default
/// ([`Worker::patience`](super::Worker::patience)). A mail that the server takes after that is sent
/// again.
///
/// ```
/// use donjon::crypto::Redacted;
/// use donjon::delivery::{SmtpMailer, SmtpTls};
///
/// let password = Redacted("secret".to_owned());
/// let mailer = SmtpMailer::builder("smtp.example.com", "Acme <no-reply@acme.example>")
///     .tls(SmtpTls::StartTls)
///     .credentials("acme", password)
///     .build()?;
/// # drop(mailer);
/// # Ok::<(), donjon::delivery::SmtpError>(())
/// ```
#[derive(Clone)]
pub struct SmtpMailer {
    server: Arc<Server>,
    from: Mailbox,
}

/// Builds a [`SmtpMailer`].
#[derive(Debug)]
#[must_use]
pub struct SmtpMailerBuilder {
    host: String,
    from: String,
    tls: SmtpTls,
    port: Option<u16>,
    credentials: Option<(String, Redacted<String>)>,
    extra_roots: Vec<u8>,
    timeout: Duration,
}

impl SmtpMailer {
    /// A mailer to the server `host`, over TLS from the first byte. `from` is the sender of all
    /// mails: an address, with or without a name.
    pub fn builder(host: impl Into<String>, from: impl Into<String>) -> SmtpMailerBuilder {
        SmtpMailerBuilder {
            host: host.into(),
            from: from.into(),
            tls: SmtpTls::Implicit,
            port: None,
            credentials: None,
            extra_roots: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    fn letter(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let permanent =
            |error: Box<dyn std::error::Error + Send + Sync>| MailError::Permanent(error);
        if message.subject.chars().any(char::is_control) {
            return Err(permanent("the subject has a control character".into()));
        }
        let to = message
            .to
            .parse()
            .map_err(|error: lettre::address::AddressError| permanent(error.into()))?;
        lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&message.subject)
            .date(written_at(message.id))
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(
                message.text.clone(),
                message.html.clone(),
            ))
            .map_err(|error| permanent(error.into()))
    }
}

impl SmtpMailerBuilder {
    /// How the way to the server is encrypted.
    pub fn tls(mut self, tls: SmtpTls) -> Self {
        self.tls = tls;
        self
    }

    /// Another port than the usual one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Who we are to the server.
    pub fn credentials(mut self, user: impl Into<String>, password: Redacted<String>) -> Self {
        self.credentials = Some((user.into(), password));
        self
    }

    /// A certificate authority in PEM, beside the public ones.
    pub fn extra_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_roots = pem.into();
        self
    }

    /// How long the server may take for each step: to be connected to, for TLS, to know us, to answer
    /// a command; 10 seconds. It has longer for the answer to a whole mail ([`SmtpMailer`]). More than
    /// the worker allows makes no difference.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Checks everything and makes the mailer. Nothing is sent.
    ///
    /// # Errors
    /// [`SmtpError`] says what to change.
    pub fn build(self) -> Result<SmtpMailer, SmtpError> {
        if self.tls == SmtpTls::None && !is_loopback(&self.host) {
            return Err(SmtpError::NotLoopback(self.host));
        }
        let Ok(from) = self.from.parse::<Mailbox>() else { return Err(SmtpError::From(self.from)) };
        let (way, usual) = match self.tls {
            SmtpTls::Implicit => (Way::Implicit(self.parameters()?), 465),
            SmtpTls::StartTls => (Way::StartTls(self.parameters()?), 587),
            SmtpTls::None => (Way::Plain, 25),
        };
        let server = Server {
            host: self.host,
            port: self.port.unwrap_or(usual),
            way,
            hello: ClientId::Domain(from.email.domain().to_owned()),
            credentials: self.credentials.map(|(user, word)| Credentials::new(user, word.0)),
            timeout: self.timeout,
            idle: Mutex::default(),
        };
        Ok(SmtpMailer { server: Arc::new(server), from })
    }

    fn parameters(&self) -> Result<TlsParameters, SmtpError> {
        let mut parameters = TlsParameters::builder(self.host.clone());
        if !self.extra_roots.is_empty() {
            let root = Certificate::from_pem(&self.extra_roots).map_err(SmtpError::Tls)?;
            parameters = parameters.add_root_certificate(root);
        }
        parameters.build_rustls().map_err(SmtpError::Tls)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let letter = self.letter(message)?;
        self.server.hand_over(letter.envelope(), &letter.formatted()).await
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server.host).finish_non_exhaustive()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// When a delivery was written, as its id says.
fn written_at(id: Uuid) -> SystemTime {
    let (seconds, nanos) = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

/// Nobody need answer that they are away (RFC 3834, section 5).
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
