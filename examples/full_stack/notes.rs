//! What the application itself knows of its users: their notes. Users take them along in their
//! export, and they go with the account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use async_trait::async_trait;
use axum::extract::{Form, State};
use axum::response::{Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use donjon::account::{AccountLayer, DeletionHook, DeletionHookError, ExportError, ExportSource};
use donjon::scope::{Account, UserId};
use donjon::session::{RequireUserLayer, Session};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;

use crate::page::{Fault, page};

/// The longest note, in characters, and the most of one user.
const LONGEST: usize = 200;
const MOST: usize = 50;

/// Everybody's; a table of the application's database, in earnest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<UserId, Vec<String>>>>);

impl Notes {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<UserId, Vec<String>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn of(&self, user: &UserId) -> Vec<String> {
        self.with(|all| all.get(user).cloned().unwrap_or_default())
    }

    fn add(&self, user: &UserId, text: &str) {
        let text: String = text.trim().chars().take(LONGEST).collect();
        self.with(|all| {
            let own = all.entry(user.clone()).or_default();
            if !text.is_empty() && own.len() < MOST {
                own.push(text);
            }
        });
    }
}

#[async_trait]
impl ExportSource for Notes {
    fn section(&self) -> &str {
        "notes"
    }

    async fn export(&self, account: &Account) -> Result<Value, ExportError> {
        Ok(json!(self.of(account.id())))
    }
}

#[async_trait]
impl DeletionHook for Notes {
    async fn before(&self, account: &Account) -> Result<(), DeletionHookError> {
        self.with(|all| all.remove(account.id()));
        Ok(())
    }
}

pub(crate) fn routes(notes: &Notes) -> Router {
    // Only users, and only from our own pages.
    let guard = ServiceBuilder::new().layer(CsrfLayer::new()).layer(RequireUserLayer::default());
    Router::new().route("/notes", get(show).post(add)).route_layer(guard).with_state(notes.clone())
}

async fn show(
    State(notes): State<Notes>,
    Extension(session): Extension<Session>,
    Extension(accounts): Extension<AccountLayer>,
) -> Result<Response, Fault> {
    let scope = session.scope();
    let account = scope.account().ok_or_else(|| Fault::new("nobody is logged in"))?;
    let content = Page { notes: notes.of(account.id()) };
    page("Notes", accounts.impersonation_banner(&scope), &content)
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

async fn add(
    State(notes): State<Notes>,
    Extension(session): Extension<Session>,
    Form(NewNote { text }): Form<NewNote>,
) -> Result<Redirect, Fault> {
    let scope = session.scope();
    let account = scope.account().ok_or_else(|| Fault::new("nobody is logged in"))?;
    notes.add(account.id(), &text);
    Ok(Redirect::to("/notes"))
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="notes">
<h1>Notes</h1>
<p class="lead">The application's own data. It is in the file that you <a href="/settings/export">take
along</a>, and goes with your account.</p>
<form class="note" method="post" action="/notes">
<label for="text">Another note</label>
<input id="text" name="text" maxlength="200" required>
<button class="button" id="add">Add</button>
</form>
<ul>{% for note in notes %}<li>{{ note }}</li>
{% endfor %}</ul>
<p class="aside"><a href="/">Home</a></p>
</main>"#
)]
struct Page {
    notes: Vec<String>,
}

#[cfg(test)]
mod tests;
