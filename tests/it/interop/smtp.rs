//! Mail as a server of somebody else's receives it.

use std::path::PathBuf;
use std::time::Duration;

use donjon::crypto::{RandomExt as _, Redacted, SystemRandom};
use donjon::delivery::{MailError, Mailer as _, Message, SmtpMailer, SmtpMailerBuilder, SmtpTls};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::process::{Server, free_port};
use crate::support::tools::python_with;

const SUBJECT: &str =
    "Grüße & „Anführungszeichen“, so lang, dass sie in einer Zeile keinen Platz haben: 🦀";

/// A running mail server, with a certificate of its own.
struct Post {
    _server: Server,
    folder: tempfile::TempDir,
    root: String,
    ports: [(SmtpTls, u16); 3],
}

impl Post {
    async fn start() -> Option<Self> {
        let mut command = python_with("aiosmtpd", "smtp_server.py")?;
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let root = made.cert.pem();
        std::fs::write(file("cert.pem"), &root).unwrap();
        std::fs::write(file("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let ports =
            [SmtpTls::Implicit, SmtpTls::StartTls, SmtpTls::None].map(|tls| (tls, free_port()));
        let [implicit, starttls, plain] = ports.map(|(_, port)| port);
        let config = json!({
            "certificate": file("cert.pem"),
            "key": file("key.pem"),
            "received": file("received"),
            "ports": { "implicit": implicit, "starttls": starttls, "plain": plain },
        });
        std::fs::write(file("config.json"), config.to_string()).unwrap();
        command.arg(file("config.json"));
        let mut server = Server::start(command, &file("log"));
        for (_, port) in ports {
            server.listens(port).await;
        }
        Some(Self { _server: server, folder, root, ports })
    }

    fn builder(&self, tls: SmtpTls) -> SmtpMailerBuilder {
        let port = self.ports.iter().find(|(kind, _)| *kind == tls).unwrap().1;
        let mailer = SmtpMailer::builder("localhost", "Acme <no-reply@acme.example>");
        mailer.tls(tls).port(port).timeout(Duration::from_secs(60))
    }

    fn mailer(&self, tls: SmtpTls) -> SmtpMailer {
        let known = match tls {
            SmtpTls::None => self.builder(tls),
            _ => self.builder(tls).credentials("acme", Redacted("secret".into())),
        };
        known.extra_root(self.root.as_bytes()).build().unwrap()
    }

    /// What has arrived, in order.
    fn received(&self) -> Vec<Value> {
        let path: PathBuf = self.folder.path().join("received");
        let lines = std::fs::read_to_string(path).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn message(to: &str) -> Message {
    Message {
        id: SystemRandom.uuid_v7(OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)),
        to: to.to_owned(),
        subject: SUBJECT.to_owned(),
        text: format!(
            "Äpfel\n.\n..\n{}\nhttps://app.example/confirm?token=a%20b&c=d\n",
            "x".repeat(2000)
        ),
        html: "<!doctype html><p>Äpfel = <b>🍎</b></p>\n.\n".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_over_tls() {
    let Some(post) = Post::start().await else { return };
    for (index, (tls, _)) in post.ports.into_iter().enumerate() {
        let (mailer, sent) = (post.mailer(tls), message("jürgen@example.test"));
        let sent = Message { to: "juergen@example.test".into(), ..sent };
        // Twice: it is recognised by its id.
        for _ in 0..2 {
            mailer.send(&sent).await.unwrap();
        }
        let received = post.received();
        assert_eq!(received.len(), 2 * (index + 1));
        for got in &received[2 * index..] {
            let header = |name: &str| got["headers"][name].as_str().unwrap_or_default().to_owned();
            let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
            assert_eq!(got["tls"], tls != SmtpTls::None, "{tls:?}");
            assert_eq!(got["authenticated"], tls != SmtpTls::None, "{tls:?}");
            assert_eq!(got["mail_from"], "no-reply@acme.example");
            assert_eq!(got["rcpt_tos"], json!(["juergen@example.test"]));
            assert_eq!(got["defects"], json!([]));
            assert_eq!(got["content_type"], "multipart/alternative");
            assert_eq!(header("subject"), SUBJECT);
            assert_eq!(header("from"), "Acme <no-reply@acme.example>");
            assert_eq!(header("to"), "juergen@example.test");
            assert_eq!(header("message-id"), format!("<{}@acme.example>", sent.id));
            assert_eq!(header("auto-submitted"), "auto-generated");
            assert!(header("date").contains("04 Oct 2024"), "{}", header("date"));
            assert_eq!(lines(got["text"].as_str().unwrap()), lines(&sent.text));
            assert_eq!(lines(got["html"].as_str().unwrap()), lines(&sent.html));
        }
    }
}

#[tokio::test]
async fn what_may_go_better_later_is_told_from_what_never_will() {
    let Some(post) = Post::start().await else { return };
    let mailer = post.mailer(SmtpTls::Implicit);
    for (code, for_good) in [
        (550, true),
        (553, true),
        (554, true),
        (421, false),
        (451, false),
        (452, false),
        (500, false),
    ] {
        let refused = mailer.send(&message(&format!("refused-{code}@example.test"))).await;
        assert_eq!(matches!(refused, Err(MailError::Permanent(_))), for_good, "{code} {refused:?}");
        assert!(refused.is_err(), "{code}");
    }
    mailer.send(&message("a@example.test")).await.unwrap();

    let temporary = |sent: Result<(), MailError>| matches!(sent, Err(MailError::Temporary(_)));
    let to = message("b@example.test");
    // A server that nobody vouches for; a wrong password; TLS where there is none; nobody there.
    let unknown = post.builder(SmtpTls::Implicit).build().unwrap();
    assert!(temporary(unknown.send(&to).await));
    let wrong = post.builder(SmtpTls::StartTls).extra_root(post.root.as_bytes());
    let wrong = wrong.credentials("acme", Redacted("wrong".into())).build().unwrap();
    assert!(temporary(wrong.send(&to).await));
    let plain = post.ports[2].1;
    let stripped = post.builder(SmtpTls::StartTls).port(plain).build().unwrap();
    assert!(temporary(stripped.send(&to).await), "nothing is sent without STARTTLS");
    let nobody = post.builder(SmtpTls::None).port(free_port()).build().unwrap();
    assert!(temporary(nobody.send(&to).await));
    assert_eq!(post.received().len(), 1);
}
