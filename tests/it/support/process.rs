//! Programs that a test starts: they end with it, and what they printed is in its failure.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A running server; it is killed when this is dropped.
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with everything it prints going to `log`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Waits until something listens on `port`; fails with the log if the program ended or took
    /// too long.
    pub async fn listens(&mut self, port: u16) {
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended ({status}):\n{}", self.printed());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing listens on {port} after 30 s:\n{}", self.printed());
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Waits until nothing listens on `port` any more: a server that was killed goes in its own time.
pub async fn is_free(port: u16) {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("something listens on {port}, which the demo needs");
}

/// Beside what the test says of its failure, what the server said.
impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server printed:\n{}\n---", self.printed());
        }
    }
}

/// Runs a script to its end: it reads `input` as JSON and prints JSON.
pub async fn run<Report: DeserializeOwned>(
    mut command: Command,
    input: &impl Serialize,
    limit: Duration,
) -> Report {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = serde_json::to_vec(input).unwrap();
    let written = async move { stdin.write_all(&input).await };
    let both = async { tokio::join!(written, child.wait_with_output()) };
    let Ok((_, output)) = tokio::time::timeout(limit, both).await else {
        panic!("{command:?} took longer than {limit:?}");
    };
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{printed}\n{complaint}", output.status);
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{command:?}: {error}\n{printed}\n{complaint}"))
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
