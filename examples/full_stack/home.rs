//! The host's own pages: they read who is logged in from the request, and know nothing of how.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use donjon::account::AccountLayer;
use donjon::scope::{Method, SessionId};
use donjon::session::{RequireUserLayer, Session, UserAgent};
use donjon::store::StoredSession;
use serde::Deserialize;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;

use crate::config::Config;
use crate::neighbours::{client_app, identity_provider};
use crate::page::{Fault, page};
use crate::personas::page::Cast;
use crate::staff::is_staff;

/// What the pages show of the configuration.
struct Links {
    /// Id, name, and where it begins.
    connections: Vec<(String, String, String)>,
    mailbox: bool,
    /// Whether there are personas, and neighbours with their names and addresses.
    demo: Option<[(&'static str, String); 2]>,
    base: String,
}

pub(crate) fn routes(config: &Config, demo: bool) -> Router {
    let connections = config.saml.connections.iter();
    let connections =
        connections.map(|c| (c.id.clone(), c.name().to_owned(), c.login_path())).collect();
    let links = Links {
        connections,
        mailbox: config.has_mailbox(),
        demo: demo.then(neighbours),
        base: config.issuer.clone(),
    };
    // Only users, and only from our own pages.
    let guard = ServiceBuilder::new().layer(CsrfLayer::new()).layer(RequireUserLayer::default());
    Router::new()
        .route("/sessions/end", post(end_session))
        .route_layer(guard)
        .route("/", get(home))
        .with_state(Arc::new(links))
}

async fn home(
    State(links): State<Arc<Links>>,
    Extension(session): Extension<Session>,
    Extension(accounts): Extension<AccountLayer>,
) -> Result<Response, Fault> {
    let scope = session.scope();
    let (Some(account), Some(authentication)) = (scope.account(), scope.authentication()) else {
        let cast = links.demo.is_some().then(Cast::now);
        return page("Welcome", None, &Visitor { links: &links, cast });
    };
    let name = account.attributes().get("name").and_then(|name| name.as_str());
    let email = account.email().unwrap_or_default();
    let methods: Vec<_> = authentication.methods.iter().map(in_words).collect();
    let content = LoggedIn {
        name: name.unwrap_or(email),
        email,
        subject: account.id().as_str(),
        methods: methods.join(", "),
        this: authentication.session_id,
        sessions: session.sessions().await.map_err(Fault::new)?,
        is_staff: is_staff(account),
        team: scope.membership().map(|membership| membership.name.as_str()),
        links: &links,
    };
    page("Home", accounts.impersonation_banner(&scope), &content)
}

#[derive(Deserialize)]
struct EndSession {
    id: SessionId,
}

async fn end_session(
    Extension(session): Extension<Session>,
    Form(EndSession { id }): Form<EndSession>,
) -> Result<Redirect, Fault> {
    session.revoke(id).await.map_err(Fault::new)?;
    Ok(Redirect::to("/"))
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="visitor">
<h1>One keep, three gates</h1>
<p class="lead">An application with its whole auth stack: its own users, its customers' employees,
and other people's applications.</p>
<a class="button" id="log-in" href="/login">Log in</a>
{% for (id, name, path) in links.connections %}<a class="button quiet" id="log-in-{{ id }}" href="{{ path }}">Log in with {{ name }}</a>
{% endfor %}{% if let Some(neighbours) = links.demo %}<h2>Come from elsewhere</h2>
<ul>{% for (name, url) in neighbours %}<li><div><strong>{{ name }}</strong><small>{{ url }}</small></div><a href="{{ url }}">Open</a></li>
{% endfor %}</ul>
<p class="aside">The demo is at <a href="{{ links.base }}">{{ links.base }}</a>; under another name you cannot log in.</p>
{% endif %}<p class="aside">New here? <a href="/register">Register</a>{% if links.mailbox %}
 · <a href="/dev/mailbox">Mailbox</a>{% endif %}</p>
</main>
{% if let Some(cast) = cast %}{{ cast|safe }}{% endif %}"#
)]
struct Visitor<'a> {
    links: &'a Links,
    cast: Option<Cast>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="logged-in">
<h1>Hello, {{ name }}</h1>
<p class="lead">This is what the application knows of you.</p>
<dl>
<dt>Email</dt><dd id="email">{{ email }}</dd>
<dt>Subject</dt><dd id="subject">{{ subject }}</dd>
<dt>Proven by</dt><dd id="methods">{{ methods }}</dd>
</dl>
<h2>Where you are logged in</h2>
<ul>{% for session in sessions %}
<li><div><strong>{{ self::program(session) }}</strong>
<small>{% if let Some(address) = session.device.address %}{{ address }}{% else %}somewhere{% endif %}</small></div>
{% if self.is_this(session) %}<span class="this">this one</span>{% else %}<form method="post" action="/sessions/end"><button class="plain" name="id" value="{{ session.id }}" aria-label="End: {{ self::program(session) }}">End</button></form>{% endif %}</li>{% endfor %}
</ul>
<nav aria-label="Go on">
<a class="button" id="settings" href="/settings">Your account</a>
{% if let Some(team) = team %}<a class="button quiet" id="team" href="/team">{{ team }}</a>
{% endif %}{% if is_staff %}<a class="button quiet" id="admin" href="/admin">Administration</a>
{% endif %}<a class="button quiet" id="log-out" href="/logout">Log out</a>
</nav>
<p class="aside"><a href="/notes">Your notes</a> · <a href="/settings/organizations">Your organizations</a>{% if links.mailbox %} · <a href="/dev/mailbox">Mailbox</a>{% endif %}</p>
{% if is_staff %}<p class="aside" id="staff">As staff: <a href="/admin/organizations">all organizations</a> · <a href="/admin/webhooks">webhooks</a> · <a href="/admin/mails">mails not sent</a></p>
{% endif %}</main>"#
)]
struct LoggedIn<'a> {
    name: &'a str,
    email: &'a str,
    subject: &'a str,
    methods: String,
    this: SessionId,
    sessions: Vec<StoredSession>,
    is_staff: bool,
    team: Option<&'a str>,
    links: &'a Links,
}

/// The sites that the demo starts beside the host, and where one goes by oneself.
fn neighbours() -> [(&'static str, String); 2] {
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    [
        ("Tally, which asks for your profile", at(client_app::PORT)),
        ("Acme, a customer's single sign-on", at(identity_provider::PORT)),
    ]
}

/// The browser or program behind a session.
fn program(session: &StoredSession) -> UserAgent {
    UserAgent::read(session.device.user_agent.as_deref().unwrap_or_default())
}

/// How somebody proved who they are (RFC 8176).
fn in_words(method: &Method) -> &str {
    match method.as_str() {
        "pwd" => "password",
        "fed" => "your identity provider",
        "otp" => "one-time code",
        other => other,
    }
}

impl LoggedIn<'_> {
    fn is_this(&self, session: &StoredSession) -> bool {
        self.this == session.id
    }
}
