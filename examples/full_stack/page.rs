//! The frame of the host's own pages, in the colours of the built-in ones.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use donjon::http::respond;
use donjon::page::{InvalidAccent, Theme};

use crate::api;

/// How the library's pages look and what they call things.
pub(crate) fn theme() -> Result<Theme, InvalidAccent> {
    let theme = Theme::new("Donjon demo").with_accent("#4338ca".parse()?);
    Ok(theme.with_scope(api::SCOPE, "Read your account through the API"))
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Donjon demo</title>
<style>{{ style|safe }}</style>
</head>
<body>
{% if let Some(banner) = banner %}{{ banner|safe }}
{% endif %}<a class="brand" href="/"><span class="mark" aria-hidden="true">D</span>Donjon demo</a>
{{ content|safe }}
</body>
</html>
"#
)]
struct Frame<'a> {
    title: &'a str,
    style: &'static str,
    banner: Option<String>,
    content: String,
}

/// A whole page around `content`, which escapes what it shows; no script, no frame, no cache. The
/// banner is that of [`AccountLayer::impersonation_banner`](donjon::account::AccountLayer).
pub(crate) fn page(
    title: &str,
    banner: Option<String>,
    content: &impl Template,
) -> Result<Response, Fault> {
    let content = content.render().map_err(Fault::new)?;
    let frame = Frame { title, style: include_str!("page.css"), banner, content };
    let page = frame.render().map_err(Fault::new)?;
    Ok(respond::html(StatusCode::OK, page).into_response())
}

/// Something of ours failed; the log says what.
pub(crate) struct Fault;

impl Fault {
    pub(crate) fn new(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
