use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use uuid::Uuid;

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
/// A refusal of the address or the mail (550 to 554, 556) is for good. Everything else may go better
/// later: no connection, no TLS, a wrong password, a full mailbox.
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
    builder: AsyncSmtpTransportBuilder,
    /// Opened by the first mail.
    pool: Arc<OnceLock<Pool>>,
    from: Mailbox,
    server: String,
}

/// Connections to the server, which begin and end tasks: outside a runtime that is a panic.
struct Pool(Option<AsyncSmtpTransport<Tokio1Executor>>);

impl Drop for Pool {
    fn drop(&mut self) {
        if tokio::runtime::Handle::try_current().is_err() {
            std::mem::forget(self.0.take());
        }
    }
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

    /// How long the server may take for each step; 10 seconds. More than the worker allows makes
    /// no difference.
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
        let (tls, usual) = match self.tls {
            SmtpTls::Implicit => (Tls::Wrapper(self.parameters()?), 465),
            SmtpTls::StartTls => (Tls::Required(self.parameters()?), 587),
            SmtpTls::None => (Tls::None, 25),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(self.timeout))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some((user, password)) = self.credentials {
            transport = transport.credentials(Credentials::new(user, password.0));
        }
        Ok(SmtpMailer { builder: transport, pool: Arc::default(), from, server: self.host })
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
        let pool = self.pool.get_or_init(|| Pool(Some(self.builder.clone().build())));
        let Some(transport) = &pool.0 else {
            return Err(MailError::Temporary("the connections are closed".into()));
        };
        match transport.send(letter).await {
            Ok(_) => Ok(()),
            Err(error) if is_for_good(&error) => Err(MailError::Permanent(error.into())),
            Err(error) => Err(MailError::Temporary(error.into())),
        }
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Whether the server refuses this address or this mail: RFC 5321, section 4.2.3. That it does not
/// know us, or what we say, is not the mail's fault.
fn is_for_good(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 550..=554 | 556))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn build(host: &str, tls: SmtpTls) -> Result<SmtpMailer, SmtpError> {
        SmtpMailer::builder(host, "Acme <no-reply@acme.example>").tls(tls).build()
    }

    #[test]
    fn a_mail_is_never_sent_without_tls_to_another_machine() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(build(host, SmtpTls::None).is_ok(), "{host}");
        }
        for host in ["smtp.example.com", "192.0.2.1", "localhost.example.com", "0.0.0.0", ""] {
            let refused = build(host, SmtpTls::None);
            assert!(matches!(refused, Err(SmtpError::NotLoopback(_))), "{host}");
        }
        assert!(build("smtp.example.com", SmtpTls::StartTls).is_ok());
    }

    #[test]
    fn a_mail_cannot_smuggle_headers_or_recipients() {
        let mailer = build("smtp.example.com", SmtpTls::Implicit).unwrap();
        let message = |to: &str, subject: &str| Message {
            id: Uuid::nil(),
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: String::new(),
            html: String::new(),
        };
        assert!(mailer.letter(&message("a@example.test", "Grüße")).is_ok());
        for (to, subject) in [
            ("a@example.test\r\nBcc: b@example.test", "s"),
            ("a@example.test, b@example.test", "s"),
            ("Alice <a@example.test>", "s"),
            ("", "s"),
            ("a@example.test", "s\r\nBcc: b@example.test"),
            ("a@example.test", "s\nX"),
        ] {
            let refused = mailer.letter(&message(to, subject));
            assert!(matches!(refused, Err(MailError::Permanent(_))), "{to:?} {subject:?}");
        }
        for from in ["", "acme", "Acme <>", "a@example.test\r\nX: y"] {
            let refused = SmtpMailer::builder("smtp.example.com", from).build();
            assert!(matches!(refused, Err(SmtpError::From(_))), "{from:?}");
        }
    }
}
