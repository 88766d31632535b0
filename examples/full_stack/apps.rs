//! The host's own app, for desktops: its users log in at `/app/login`, in their browser, and it calls
//! the API with a session of its own.

use axum::BoxError;
use donjon::account::app::{App, AppSessions};
use donjon::store::SqlStore;

use crate::api;

const ID: &str = "donjon-desktop";
/// Where the app listens for the code: on any port.
const REDIRECT_URI: &str = "http://127.0.0.1/logged-in";
/// What its tokens begin with.
const TOKEN_PREFIX: &str = "demoapp";

pub(crate) fn sessions(store: &SqlStore) -> Result<AppSessions, BoxError> {
    let desktop =
        App::new(ID, "Donjon for desktops").redirect_uri(REDIRECT_URI).scopes([api::SCOPE]);
    Ok(AppSessions::new(store, TOKEN_PREFIX.parse()?).app(desktop)?)
}

#[cfg(test)]
mod tests;
