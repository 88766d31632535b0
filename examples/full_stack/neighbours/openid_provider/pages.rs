use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::{PEOPLE, Person, Request};
use crate::neighbours::page::Brand;

const BRAND: Brand = Brand {
    name: "Lantern",
    mark: "L",
    tagline: "One account for everywhere",
    footer: "A demo OpenID Provider: whoever clicks a name is that person.",
    theme: "lantern",
};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="hero">
<h1>Your account, wherever you go</h1>
<p>People come here from the applications that they log in to. There is nothing to do here by itself.</p>
</section>"#
)]
struct Welcome;

pub(super) fn welcome() -> Response {
    BRAND.page("Welcome", &Welcome)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="narrow"><section>
<h1>Who are you?</h1>
<p>You are logging in to Donjon demo, which will learn your name and your address.</p>
<form method="post" action="/authorize">
<input type="hidden" name="client_id" value="{{ request.client_id }}">
<input type="hidden" name="redirect_uri" value="{{ request.redirect_uri }}">
<input type="hidden" name="state" value="{{ request.state }}">
<input type="hidden" name="nonce" value="{{ request.nonce }}">
<input type="hidden" name="code_challenge" value="{{ request.code_challenge }}">
<input type="hidden" name="code_challenge_method" value="{{ request.code_challenge_method }}">
{% for person in PEOPLE -%}
<button class="person" id="person-{{ person.id }}" name="person" value="{{ person.id }}">
<span class="mark">{{ person.initial() }}</span><span>{{ person.name }}
<small>{{ person.email }}</small></span></button>
{% endfor %}</form>
</section></div>"#
)]
struct WhoAreYou<'a> {
    request: &'a Request,
}

impl Person {
    fn initial(&self) -> &str {
        self.name.get(..1).unwrap_or_default()
    }
}

pub(super) fn who_are_you(request: &Request) -> Response {
    BRAND.page("Log in", &WhoAreYou { request })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="narrow"><section>
<h1>This cannot go on</h1>
<p id="error">The application that sent you here is none that Lantern knows.</p>
</section></div>"#
)]
struct Refused;

pub(super) fn refused() -> Response {
    (StatusCode::BAD_REQUEST, BRAND.page("Not possible", &Refused)).into_response()
}
