//! Where a user, logged in with the browser, lets an app of the host's own log in.

use http::{Response, StatusCode};
use url::form_urlencoded::Serializer;

use super::profile::Profile;
use super::redirect::identifies;
use super::{AppSessions, count};
use crate::account::AccountError;
use crate::account::hook::{LoginDoor, refuse_login};
use crate::account::site::{Answer, Site, Visit};
use crate::account::trip::Trip;
use crate::http::redirect::{form_action, with_query};
use crate::http::{Body, Form, respond};
use crate::page::AppLogin;
use crate::scope::Account;

/// The longest state, in bytes.
const STATE: usize = 512;
/// The length of a base64url SHA-256 (RFC 7636, section 4.2).
const S256: usize = 43;
/// The field that says to whom the page was shown.
const SHOWN_TO: &str = "shown_to";

/// What an app asks for, held against what the host says of it. Only [`Ask::of`] makes one, so that
/// nothing is sent to an address that was not compared first.
pub(super) struct Ask<'a> {
    apps: &'a AppSessions,
    pub(super) app: &'a Profile,
    pub(super) redirect_uri: String,
    pub(super) code_challenge: String,
    state: Option<String>,
}

impl<'a> Ask<'a> {
    fn of(site: &'a Site, form: &Form) -> Result<Self, AccountError> {
        let apps = site.apps.as_ref().ok_or(AccountError::Method)?;
        let app = apps.find(form.require("app")?).ok_or(AccountError::App("app"))?;
        let redirect_uri = form.require("redirect_uri")?;
        if !app.admits(redirect_uri) {
            return Err(AccountError::App("redirect_uri"));
        }
        // Without a method the challenge would be the verifier itself (`plain`).
        if form.require("code_challenge_method")? != "S256" {
            return Err(AccountError::App("code_challenge_method"));
        }
        let code_challenge = form.require("code_challenge")?;
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if code_challenge.len() != S256 || !code_challenge.bytes().all(base64url) {
            return Err(AccountError::App("code_challenge"));
        }
        let state = form.get("state")?;
        let printable = |b: u8| (b' '..=b'~').contains(&b);
        if state.is_some_and(|state| state.len() > STATE || !state.bytes().all(printable)) {
            return Err(AccountError::App("state"));
        }
        Ok(Self {
            apps,
            app,
            redirect_uri: redirect_uri.to_owned(),
            code_challenge: code_challenge.to_owned(),
            state: state.map(str::to_owned),
        })
    }

    fn fields(&self) -> Vec<(&str, &str)> {
        let mut fields = vec![
            ("app", self.app.id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", "S256"),
        ];
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        fields
    }

    /// The page that asks for this.
    fn page(&self, site: &Site) -> String {
        let query = Serializer::new(String::new()).extend_pairs(self.fields()).finish();
        format!("{}?{query}", site.paths.app_login)
    }

    /// Back to the app.
    fn answer(&self, name: &str, value: &str) -> Response<Body> {
        let mut fields = vec![(name, value)];
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        respond::see_other(&with_query(&self.redirect_uri, &fields))
    }
}

pub(in crate::account) async fn show(site: &Site, visit: &Visit) -> Answer {
    let ask = Ask::of(site, &visit.query)?;
    let account = visit.account_in_person()?;
    if ask.app.asks_once && identifies(&ask.redirect_uri) && knows(&ask, &account).await? {
        return let_in(site, visit, &ask, &account).await;
    }
    Ok(page(site, &ask, &account))
}

pub(in crate::account) async fn decide(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let ask = Ask::of(site, &form)?;
    let account = visit.account_in_person()?;
    if form.get(SHOWN_TO)? != Some(account.id().as_str()) {
        // Somebody else has logged in meanwhile.
        return Ok(respond::see_other(&ask.page(site)));
    }
    match form.require("decision")? {
        "approve" => let_in(site, visit, &ask, &account).await,
        "deny" => Ok(ask.answer("error", "access_denied")),
        _ => Err(AccountError::App("decision")),
    }
}

/// Whether the user has a session of this app.
async fn knows(ask: &Ask<'_>, account: &Account) -> Result<bool, AccountError> {
    let sessions = ask.apps.store.app_sessions_of(account.id()).await?;
    Ok(sessions.iter().any(|(_, app)| *app == ask.app.id))
}

async fn let_in(site: &Site, visit: &Visit, ask: &Ask<'_>, account: &Account) -> Answer {
    count::code(site, visit, account.id()).await?;
    let made_in = visit.session.id().ok_or(AccountError::LoginRequired)?;
    let scope = visit.session.scope();
    let methods = scope.authentication().map(|login| login.methods.as_slice()).unwrap_or_default();
    let door = LoginDoor::App(&ask.app.id);
    if let Some(answer) = refuse_login(site, visit, (account, methods), door).await? {
        return Ok(answer);
    }
    let code = ask.apps.issue(ask, account.id(), made_in).await?;
    let code = code.ok_or(AccountError::LoginRequired)?;
    Ok(ask.answer("code", &code.expose()))
}

fn page(site: &Site, ask: &Ask<'_>, account: &Account) -> Response<Body> {
    let here = ask.page(site);
    let other = Trip::to(&here).via(&site.paths.logout);
    let mut fields = ask.fields();
    fields.push((SHOWN_TO, account.id().as_str()));
    let name = account.email().unwrap_or(account.id().as_str());
    let page = AppLogin::new(
        [&site.paths.app_login, &other],
        &ask.app.name,
        name,
        &ask.app.scopes,
        &fields,
    );
    let page = site.pages.app_login(&page);
    respond::html_with_form_action(StatusCode::OK, page, &form_action(&ask.redirect_uri))
}
