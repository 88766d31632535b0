//! Connections to a mail server, and what is said over them. Every step has a limit.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::{Instant, timeout};

use super::refusal::{Step, Verdict, verdict};
use crate::delivery::MailError;

/// How long a server may look at a whole mail (RFC 5321, section 4.5.3.2.6).
const ACCEPT: Duration = Duration::from_secs(600);
/// How long a connection is kept that nobody uses, and how many are.
const IDLE: Duration = Duration::from_secs(60);
const KEPT: usize = 8;

/// Whether the way is encrypted.
#[derive(Clone)]
pub(super) enum Way {
    Implicit(TlsParameters),
    StartTls(TlsParameters),
    Plain,
}

/// A server, and who we are to it.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) way: Way,
    pub(super) hello: ClientId,
    pub(super) credentials: Option<Credentials>,
    pub(super) timeout: Duration,
    pub(super) idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl Server {
    /// Hands a mail over.
    pub(super) async fn hand_over(
        &self,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(), MailError> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        self.say(&mut connection, envelope, mail).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push((Instant::now(), connection));
        }
        Ok(())
    }

    /// One that is still there.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (since, mut connection) =
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let is_there = since.elapsed() < IDLE
                && timeout(self.timeout, connection.test_connected()).await.unwrap_or(false);
            if is_there {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let implicit = match &self.way {
            Way::Implicit(parameters) => Some(parameters.clone()),
            Way::StartTls(_) | Way::Plain => None,
        };
        let (server, limit) = ((self.host.as_str(), self.port), self.timeout);
        let opening =
            AsyncSmtpConnection::connect_tokio1(server, Some(limit), &self.hello, implicit, None);
        let mut connection = within(limit, Step::Server, opening).await?;
        if let Way::StartTls(parameters) = &self.way {
            let upgrade = connection.starttls(parameters.clone(), &self.hello);
            within(limit, Step::Server, upgrade).await?;
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(DEFAULT_MECHANISMS, credentials);
            within(limit, Step::Server, login).await?;
        }
        Ok(connection)
    }

    async fn say(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(), MailError> {
        let addresses = || envelope.to().iter().chain(envelope.from());
        let mut parameters = Vec::new();
        for (is_needed, extension, parameter) in [
            (
                !addresses().all(|address| AsRef::<str>::as_ref(address).is_ascii()),
                Extension::SmtpUtfEight,
                MailParameter::SmtpUtfEight,
            ),
            (
                !mail.is_ascii(),
                Extension::EightBitMime,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ),
        ] {
            if !is_needed {
                continue;
            }
            if !connection.server_info().supports_feature(extension) {
                return Err(MailError::Temporary(format!("no {extension} at the server").into()));
            }
            parameters.push(parameter);
        }
        let limit = self.timeout;
        let from = Mail::new(envelope.from().cloned(), parameters);
        within(limit, Step::Sender, connection.command(from)).await?;
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            within(limit, Step::Recipient, connection.command(to)).await?;
        }
        within(limit, Step::Content, connection.command(Data)).await?;
        within(ACCEPT, Step::Content, connection.message(mail)).await?;
        Ok(())
    }
}

/// A step of a conversation, which must not take longer.
async fn within<T>(
    limit: Duration,
    step: Step,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, MailError> {
    let error = match timeout(limit, work).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(elapsed) => return Err(MailError::Temporary(elapsed.into())),
    };
    let code = error.status().map_or(0, u16::from);
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    Err(match verdict(step, code, &said) {
        Verdict::Passing => MailError::Temporary(error.into()),
        Verdict::Policy => MailError::Refused(error.into()),
        Verdict::ForGood => MailError::Permanent(error.into()),
    })
}
