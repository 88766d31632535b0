use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// The frame of a neighbour's page: its name, its colours, and no script.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · {{ brand.name }}</title>
<style>{{ style|safe }}</style>
</head>
<body class="{{ brand.theme }}">
<header><a class="brand" href="/"><span class="mark">{{ brand.mark }}</span>{{ brand.name }}</a>
<span class="tagline">{{ brand.tagline }}</span></header>
<main>{{ content|safe }}</main>
<footer>{{ brand.footer }}</footer>
</body>
</html>
"#
)]
struct Frame<'a> {
    brand: &'a Brand,
    title: &'a str,
    style: &'a str,
    content: String,
}

/// Who a page is from.
pub(super) struct Brand {
    pub(super) name: &'static str,
    pub(super) mark: &'static str,
    pub(super) tagline: &'static str,
    pub(super) footer: &'static str,
    pub(super) theme: &'static str,
}

impl Brand {
    /// A whole page around `content`, which escapes what it shows.
    pub(super) fn page(&self, title: &str, content: &impl Template) -> Response {
        let page = content
            .render()
            .and_then(|content| Frame { brand: self, title, style: STYLE, content }.render());
        match page {
            Ok(page) => (HEADERS, Html(page)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

const STYLE: &str = include_str!("style.css");

const HEADERS: [(header::HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];
