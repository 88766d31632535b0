//! What the mailer makes of what a server says.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

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

/// What a server says that was told how to answer which command, and how late.
async fn answers(script: &'static [(&'static str, &'static str)], pause: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, script, pause));
        }
    });
    port
}

async fn talk(stream: TcpStream, script: &[(&str, &str)], pause: Duration) {
    let mut stream = BufReader::new(stream);
    let said = |command: &str| {
        let known = script.iter().find(|(begins, _)| command.starts_with(begins));
        known.map_or("250 ok", |(_, answer)| *answer)
    };
    let mut line = "<connect>".to_owned();
    loop {
        let is_over = line == ".\r\n";
        if is_over {
            tokio::time::sleep(pause).await;
        }
        let answer = match line.as_str() {
            "<connect>" => "220 here",
            "DATA\r\n" => "354 go on",
            command => said(command),
        };
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
        let is_content = answer.starts_with("354");
        loop {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if !is_content || line == ".\r\n" {
                break;
            }
        }
    }
}

fn message() -> Message {
    Message {
        id: Uuid::nil(),
        to: "a@example.test".to_owned(),
        subject: "s".to_owned(),
        text: "t".to_owned(),
        html: "h".to_owned(),
    }
}

fn mailer(port: u16, timeout: Duration) -> SmtpMailer {
    let builder = SmtpMailer::builder("127.0.0.1", "Acme <no-reply@acme.example>");
    builder.tls(SmtpTls::None).port(port).timeout(timeout).build().unwrap()
}

#[tokio::test]
async fn a_refusal_for_today_is_none_for_ever_and_one_by_a_policy_in_between() {
    let patient = Duration::from_secs(30);
    for (script, expected) in [
        (&[("MAIL", "550 5.4.5 Daily user sending limit exceeded")], "passing"),
        (&[("MAIL", "554 5.7.1 listed")], "passing"),
        (&[(".", "550 5.4.5 Daily user sending limit exceeded")], "passing"),
        (&[("RCPT", "552 5.2.2 mailbox full")], "passing"),
        (&[("RCPT", "450 4.7.1 greylisted")], "passing"),
        (&[(".", "554 5.7.1 looks like spam")], "policy"),
        (&[("RCPT", "554 5.7.1 listed")], "policy"),
        (&[("RCPT", "550 5.1.1 nobody")], "for good"),
        (&[("RCPT", "550 nobody")], "for good"),
        (&[(".", "550-5.6.0 what\r\n550 5.6.0 is this")], "for good"),
    ] {
        let port = answers(script, Duration::ZERO).await;
        let refused = mailer(port, patient).send(&message()).await.unwrap_err();
        let seen = match refused {
            MailError::Temporary(_) => "passing",
            MailError::Refused(_) => "policy",
            MailError::Permanent(_) => "for good",
        };
        assert_eq!(seen, expected, "{script:?} {refused}");
    }
}

#[tokio::test]
async fn no_step_takes_longer_than_it_may() {
    let limit = Duration::from_millis(200);
    for script in [&[("EHLO", "")], &[("MAIL", "")], &[("RCPT", "")]] {
        let port = answers(script, Duration::ZERO).await;
        let sent = mailer(port, limit).send(&message()).await;
        assert!(matches!(sent, Err(MailError::Temporary(_))), "{script:?} {sent:?}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sent = mailer(silent.local_addr().unwrap().port(), limit).send(&message()).await;
    assert!(matches!(sent, Err(MailError::Temporary(_))), "{sent:?}");
}

/// It would be sent again, although it arrived.
#[tokio::test]
async fn a_server_that_looks_at_a_mail_for_longer_is_waited_for() {
    let port = answers(&[], Duration::from_millis(2_500)).await;
    let mailer = mailer(port, Duration::from_secs(1));
    mailer.send(&message()).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_kept_and_one_that_is_gone_is_made_anew() {
    let mailer = mailer(answers(&[("QUIT", "")], Duration::ZERO).await, Duration::from_secs(30));
    for _ in 0..3 {
        mailer.send(&message()).await.unwrap();
        assert_eq!(mailer.server.idle.lock().unwrap().len(), 1);
    }
}
