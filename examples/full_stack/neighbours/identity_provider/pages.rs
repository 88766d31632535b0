use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::SsoQuery;
use super::directory::{EMPLOYEES, Employee};
use crate::neighbours::page::Brand;

const BRAND: Brand = Brand {
    name: "Acme",
    mark: "A",
    tagline: "Single sign-on",
    footer: "A demo SAML identity provider: whoever clicks a name is that person.",
    theme: "acme",
};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="hero">
<h1>Acme's directory</h1>
<p>Employees come here from the applications they use. There is nothing to do here by itself.</p>
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
<p>You are logging in to {{ application }}.</p>
<form method="post" action="/sso/login">
<input type="hidden" name="SAMLRequest" value="{{ query.request }}">
<input type="hidden" name="RelayState" value="{{ query.relay_state }}">
{% for employee in EMPLOYEES -%}
<button class="person" id="user-{{ employee.login }}" name="user" value="{{ employee.login }}">
<span class="mark">{{ employee.initial() }}</span><span>{{ employee.name }}
<small>{{ employee.role }} · {{ employee.email }}</small></span></button>
{% endfor %}</form>
</section></div>"#
)]
struct WhoAreYou<'a> {
    query: &'a SsoQuery,
    application: &'a str,
}

impl Employee {
    fn initial(&self) -> &str {
        self.name.get(..1).unwrap_or_default()
    }
}

pub(super) fn who_are_you(query: &SsoQuery, application: &str) -> Response {
    BRAND.page("Log in", &WhoAreYou { query, application })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="narrow"><section>
<h1>Welcome back, {{ employee.name }}</h1>
<p>Acme vouches for you as {{ employee.email }}. Your browser takes the signed answer along.</p>
<form method="post" action="{{ acs_url }}">
<input type="hidden" name="SAMLResponse" value="{{ response }}">
<input type="hidden" name="RelayState" value="{{ relay_state }}">
<button id="continue">Continue</button>
</form>
</section></div>"#
)]
struct CarryOn<'a> {
    employee: &'a Employee,
    acs_url: &'a str,
    response: &'a str,
    relay_state: &'a str,
}

/// The page that posts the answer to the application: HTTP-POST binding, without a script.
pub(super) fn carry_on(
    employee: &Employee,
    acs_url: &str,
    response: &str,
    relay_state: &str,
) -> Response {
    BRAND.page("Continue", &CarryOn { employee, acs_url, response, relay_state })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="narrow"><section>
<h1>This cannot go on</h1>
<p id="error">{{ fault }}</p>
</section></div>"#
)]
struct Refused<'a> {
    fault: &'a str,
}

pub(super) fn refused(fault: &str) -> Response {
    (StatusCode::BAD_REQUEST, BRAND.page("Not possible", &Refused { fault })).into_response()
}
