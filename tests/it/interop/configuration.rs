//! The example host, started with what people get wrong: it ends at once, and says what to mend.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::agent::Agent;
use super::host::{Host, Setting, example};
use crate::support::process::free_port;

const LIMIT: Duration = Duration::from_secs(30);

const CERTIFICATE: &str = include_str!("../../fixtures/saml/idp-rsa.crt");
const KEY: &str = include_str!("../../fixtures/saml/idp-rsa.test-key.pem");
const OTHER_KEY: &str = include_str!("../../fixtures/saml/idp-rsa-other.test-key.pem");

/// Runs the example to its end, in a folder of its own.
async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(example());
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.env_remove("DONJON_KEYRING").env("RUST_BACKTRACE", "1");
    let ended = tokio::time::timeout(LIMIT, command.output()).await;
    ended.unwrap_or_else(|_| panic!("{arguments:?} still runs")).unwrap()
}

/// A beginning that is right, on a free port.
fn beginning(https: bool) -> String {
    let port = free_port();
    let scheme = if https { "https" } else { "http" };
    format!(
        "listen = \"127.0.0.1:{port}\"\nissuer = \"{scheme}://127.0.0.1:{port}\"\n\
         database_url = \"sqlite::memory:\"\n"
    )
}

/// What the host says of this configuration, with these files beside it.
async fn complaint(text: &str, files: &[(&str, &str)]) -> String {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let file = folder.path().join("host.toml");
    std::fs::write(&file, text).unwrap();
    let output = run(folder.path(), &["--config", file.to_str().unwrap()]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}\n{said}");
    assert!(output.stdout.is_empty(), "{text}\n{}", String::from_utf8_lossy(&output.stdout));
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
    let last = said.lines().last().unwrap_or_default();
    let told = last.strip_prefix(&format!("full_stack: {}: ", file.display()));
    told.unwrap_or_else(|| panic!("{text}\n{said}")).to_owned()
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_with_its_key_and_its_mending() {
    let tls = "[tls]\ncertificate = \"cert.pem\"\nprivate_key = \"key.pem\"\n";
    let certificate = ("cert.pem", CERTIFICATE);
    let connection = "[[saml.connections]]\nid = \"acme\"\nidp_metadata = \"idp.xml\"\n";
    let client = "[[clients]]\nclient_id = \"spa\"\ntoken_endpoint_auth_method = \"none\"\n";
    let uri = "redirect_uris = [\"http://127.0.0.1:9/callback\"]\n";
    let user = "[[users]]\nemail = \"a@example.test\"\n";
    for (https, more, files, told) in [
        (false, "colour = 1\n", vec![], "line 4: colour: unknown field `colour`, expected one of"),
        (false, "[egress]\nextra_roots = \"ca.pem\"\n", vec![], "egress.extra_roots: cannot read "),
        (
            false,
            "[egress]\nextra_roots = \"ca.pem\"\n",
            vec![("ca.pem", "no PEM")],
            "egress.extra_roots: ",
        ),
        (false, connection, vec![], "saml.connections[0].idp_metadata: cannot read "),
        (false, connection, vec![("idp.xml", "<x/>")], "saml.connections[0].idp_metadata: "),
        (
            false,
            "[[saml.connections]]\nid = \"A/B\"\nidp_metadata = \"idp.xml\"\n",
            vec![("idp.xml", "<x/>")],
            "saml.connections[0].id: the connection id \"A/B\" is not 1 to 64 lower-case letters",
        ),
        (true, tls, vec![], "tls.certificate: cannot read "),
        (true, tls, vec![("cert.pem", "")], "tls.certificate: "),
        (true, tls, vec![certificate], "tls.private_key: cannot read "),
        (true, tls, vec![certificate, ("key.pem", "x")], "tls.private_key: "),
        (
            true,
            tls,
            vec![certificate, ("key.pem", OTHER_KEY)],
            "tls.private_key: does not go with tls.certificate",
        ),
        (false, &format!("{user}password = \"short\"\n"), vec![], "users[0].password: "),
        (
            false,
            &format!("{client}{uri}colour = 1\n"),
            vec![],
            "line 8: clients.colour: unknown field `colour`, expected one of",
        ),
        (false, client, vec![], "clients[0].redirect_uris: must not be empty"),
        (
            false,
            &format!("{client}{uri}client_secret = \"a\"\n"),
            vec![],
            "clients[0].client_secret: must be left out",
        ),
        (
            false,
            &format!("{client}{uri}").repeat(2),
            vec![],
            "clients: client \"spa\" is registered twice",
        ),
    ] {
        let complaint = complaint(&(beginning(https) + more), &files).await;
        assert!(complaint.starts_with(told), "{told}\n{complaint}");
        assert!(complaint.len() > told.len(), "{complaint}");
    }
    // The same files, rightly put, are no mistake: the complaint is the next one.
    let files = [certificate, ("key.pem", KEY)];
    let text = format!("{}{tls}{client}", beginning(true));
    assert!(complaint(&text, &files).await.starts_with("clients[0].redirect_uris"));
}

#[tokio::test]
async fn what_is_not_there_to_be_opened_is_told_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = format!(
        "listen = \"127.0.0.1:{port}\"\nissuer = \"http://127.0.0.1:{port}\"\n\
         database_url = \"sqlite::memory:\"\n"
    );
    let told = complaint(&text, &[]).await;
    assert!(told.starts_with(&format!("listen: cannot listen on 127.0.0.1:{port}: ")), "{told}");
    for (url, why) in [
        ("sqlite://no/such/folder/app.db", "database_url: the database cannot be opened"),
        ("sqlite://plain.txt", "database_url: "),
        ("postgres://me:hunter2@127.0.0.1:1/app", "database_url: the database cannot be opened"),
        ("mysql://me:hunter2@op.test/app", "database_url: names no database"),
    ] {
        let text = beginning(false).replace("sqlite::memory:", url);
        let told = complaint(&text, &[("plain.txt", &"no database ".repeat(1000))]).await;
        assert!(told.starts_with(why) && !told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn the_command_line_is_answered_or_named() {
    let folder = TempDir::new().unwrap();
    for (arguments, said) in [
        (["--help"], "Usage: full_stack"),
        (["-h"], "--config FILE"),
        (["--version"], concat!("full_stack ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let output = run(folder.path(), &arguments).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}");
        assert!(String::from_utf8(output.stdout).unwrap().contains(said), "{arguments:?}");
    }
    for (arguments, named) in [
        (vec!["--colour"], "unknown argument \"--colour\"; --help"),
        (vec!["--config"], "--config needs a FILE"),
        (vec!["--config", "no.toml"], "no.toml: cannot be read: No such file"),
        (vec!["--config", "."], ".: cannot be read: Is a directory"),
    ] {
        let output = run(folder.path(), &arguments).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("full_stack: {named}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_connection_without_domains_is_warned_of_at_the_start() {
    let metadata = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/saml/idp-metadata.xml");
    let host = Host::start(Setting {
        database_url: "sqlite::memory:",
        idp_metadata: Some(metadata.into()),
        ..Setting::default()
    })
    .await;
    // The host listens before it is built.
    let mut agent = Agent::default();
    assert_eq!(agent.get(&host.url("/login")).await.status, 200);
    let log = host.log();
    let warning = log.lines().find(|line| line.contains("WARN")).unwrap_or_else(|| panic!("{log}"));
    for word in ["host.toml: saml.connections[0].email_domains: is not set", "write email_domains"]
    {
        assert!(warning.contains(word), "{warning}");
    }
}
