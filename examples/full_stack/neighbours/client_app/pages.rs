use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::login::{Claims, LoggedIn, LoginError};
use super::oidc::ApiAnswer;
use crate::neighbours::page::Brand;

pub(super) const BRAND: Brand = Brand {
    name: "Tally",
    mark: "✓",
    tagline: "Hours, counted for you",
    footer: "A third-party application. It knows Donjon demo by its URL and a client id, no more.",
    theme: "tally",
};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="hero">
<h1>Know where your week went</h1>
<p>Tally reads your profile and keeps the hours. Bring the account you already have.</p>
<form method="post" action="/login"><button id="login">Log in with Donjon demo</button></form>
<p class="more"><a href="/events">What the host tells us by webhook</a></p>
</section>"#
)]
struct Welcome;

pub(super) fn welcome() -> Response {
    BRAND.page("Welcome", &Welcome)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="row">
<div><h1 id="greeting">Hello, {{ name }}</h1><p>Donjon demo says it is you.</p></div>
<form method="post" action="/logout"><button id="logout" class="quiet">Log out</button></form>
</section>
<section>
<h2>Who you are</h2>
<dl id="claims">{% for (claim, value) in userinfo %}
<dt>{{ claim }}</dt><dd id="claim-{{ claim }}">{{ value }}</dd>{% endfor %}
</dl>
</section>
<section>
<h2>How we know: your ID token</h2>
<dl id="id-token">{% for (claim, value) in id_token %}
<dt>{{ claim }}</dt><dd>{{ value }}</dd>{% endfor %}
</dl>
</section>
<section>
<h2>What the API answers in your name</h2>
<p>GET /api/me, with your access token: {{ answer.status }}</p>
{% if let Some(challenge) = answer.challenge %}<p>WWW-Authenticate: {{ challenge }}</p>{% endif %}
<pre id="api-answer">{{ answer.body }}</pre>
</section>"#
)]
struct Dashboard<'a> {
    name: String,
    userinfo: Vec<(&'a str, String)>,
    id_token: Vec<(&'a str, String)>,
    answer: &'a ApiAnswer,
}

pub(super) fn dashboard(user: &LoggedIn, answer: &ApiAnswer) -> Response {
    let name = ["name", "email", "sub"].iter().find_map(|claim| user.userinfo.get(*claim));
    let name = name.map_or_else(|| "you".to_owned(), text);
    let (userinfo, id_token) = (list(&user.userinfo), list(&user.id_token));
    BRAND.page("Your hours", &Dashboard { name, userinfo, id_token, answer })
}

fn list(claims: &Claims) -> Vec<(&str, String)> {
    claims.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="hero">
<h1>You are not logged in</h1>
<p id="login-error">{{ error }}</p>
<form method="post" action="/login"><button id="login">Try again</button></form>
</section>"#
)]
struct Failed<'a> {
    error: &'a LoginError,
}

pub(super) fn failed(error: &LoginError) -> Response {
    (StatusCode::BAD_REQUEST, BRAND.page("Not logged in", &Failed { error })).into_response()
}
