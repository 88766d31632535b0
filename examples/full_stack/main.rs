//! A web application with its whole auth stack: its own users, single sign-on for its customers'
//! employees (SAML), and an OpenID Connect provider for other people's applications.
//!
//! ```text
//! cargo run --example full_stack --features passkeys,social   the demo: click through it
//! cargo run --example full_stack -- --config FILE        a host of your own configuration
//!                                   [--neighbours]       …with the demo's neighbours beside it
//! ```
//!
//! To copy from: [`app`] composes the layers, [`resolver`] answers the provider's questions about
//! users, [`saml_users`] decides whom a SAML login is, [`staff`] who is an administrator; [`team`] has
//! pages that not everybody sees. The rest is what every server has.

mod api;
mod app;
mod apps;
mod arguments;
mod config;
mod demo;
mod home;
mod keyring;
#[cfg(feature = "social")]
mod lantern;
mod mailbox;
mod names;
mod neighbours;
mod notes;
mod page;
mod personas;
mod resolver;
mod saml_users;
mod seed;
mod server;
mod staff;
mod team;
mod test_hooks;
mod tls;

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::BoxError;
use donjon::store::SqlStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::app::App;
use crate::arguments::Command;
use crate::config::Config;

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let done = match Command::read(std::env::args_os().skip(1)) {
        Ok(Command::Print(text)) => {
            say(text);
            Ok(())
        }
        Ok(Command::Run { config, neighbours }) => run(config, neighbours).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "full_stack: {}", whole(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Option<PathBuf>, neighbours: bool) -> Result<(), BoxError> {
    let directory = demo::Directory::new()?;
    let is_demo = config.is_none();
    let (file, config) = match config {
        Some(file) => (file.clone(), Config::read(&file)?),
        None => {
            let file = directory.write_config()?;
            let config = Config::read(&file)?.called("the demo's configuration");
            (file, config)
        }
    };

    // Listen before anything else starts: a port that is taken should be the first thing said.
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        let fix = "stop what listens there, or give --config a file that names another address";
        config.fault("listen", format!("cannot listen on {}: {error}; {fix}", config.listen))
    })?;
    let started = match neighbours {
        true => demo::start_neighbours(&config, is_demo).await?,
        false => demo::Neighbours::default(),
    };
    let tls = config.tls.as_ref().map(|tls| tls::acceptor(&config, tls)).transpose()?;
    let store = SqlStore::connect(&config.database_url).await.map_err(|error| {
        let fix = "check that what the URL names is there, and open to this program";
        config.fault("database_url", format!("{}; {fix}", whole(&error)))
    })?;
    let keyring = keyring::load(&config, &file)?;
    let app = App::build(&config, store, keyring, is_demo).await?;

    demo::quietly(is_demo, demo::tell(&started, &app.webhooks)).await?;

    let shutdown = shutdown()?;
    say(&demo::invitation(&config, neighbours, is_demo));
    server::serve(listener, tls, app.router.clone(), shutdown).await;
    app.stop().await;
    Ok(())
}

/// An error with its causes, in one line.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Prints, even if nobody listens any more.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
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
