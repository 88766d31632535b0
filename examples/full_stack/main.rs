//! A web application with its whole auth stack: its own users, single sign-on for its customers'
//! employees (SAML), and an OpenID Connect provider for other people's applications.
//!
//! ```text
//! cargo run --example full_stack                         the demo: click through it
//! cargo run --example full_stack -- --config FILE        a host of your own configuration
//!                                   [--neighbours]       …with the demo's neighbours beside it
//! ```
//!
//! To copy from: [`app`] composes the layers, [`resolver`] answers the provider's questions about
//! users, [`saml_users`] decides whom a SAML login is. The rest is what every server has.

mod api;
mod app;
mod config;
mod demo;
mod home;
mod keyring;
mod mailbox;
mod neighbours;
mod page;
mod resolver;
mod saml_users;
mod seed;
mod server;
mod test_hooks;
mod tls;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use axum::BoxError;
use donjon::store::SqlStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::app::App;
use crate::config::Config;

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("full_stack: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let demo = demo::Directory::new()?;
    let file = arguments.config.clone().unwrap_or(demo.write_config()?);
    let config = Config::read(&file)?;

    // Listen before anything else starts: a port that is taken should be the first thing said.
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    if arguments.neighbours {
        demo::start_neighbours(&config).await?;
    }
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let store = SqlStore::connect(&config.database_url).await?;
    let keyring = keyring::load(&config, &file)?;
    let app = App::build(&config, store, keyring).await?;

    let shutdown = shutdown()?;
    demo::print_invitation(&config, arguments.neighbours);
    server::serve(listener, tls, app.router.clone(), shutdown).await;
    app.stop().await;
    Ok(())
}

/// What the command line asks for.
struct Arguments {
    config: Option<PathBuf>,
    neighbours: bool,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut config, mut neighbours) = (None, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--config" => config = Some(words.next().ok_or("--config needs a FILE")?.into()),
                "--neighbours" => neighbours = true,
                _ => return Err(format!("{word:?}? usage: [--config FILE [--neighbours]]")),
            }
        }
        neighbours |= config.is_none();
        Ok(Self { config, neighbours })
    }
}

/// Ready when the process is told to stop: Ctrl-C, or SIGTERM.
fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
}
