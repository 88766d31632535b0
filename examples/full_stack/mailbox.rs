//! `/dev/mailbox`: the mails that would have been sent, newest first; as JSON to programs. Whoever
//! sees it can take over any account, so it is there for demos on one's own machine only.

mod names;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use donjon::delivery::{Mailbox, Message, Worker};
use donjon::http::{Reader, respond};
use donjon::page::{ErrorPage, explain};

use self::names::Names;
use crate::config::Config;
use crate::page::{Fault, page, theme};

#[derive(Clone)]
struct Post {
    mailbox: Mailbox,
    worker: Worker,
    names: Names,
    address: String,
}

/// `worker` delivers into `mailbox`.
pub(crate) fn routes(mailbox: Mailbox, worker: Worker, config: &Config) -> Router {
    let address = format!("{}/dev/mailbox", config.issuer.trim_end_matches('/'));
    let post = Post { mailbox, worker, names: Names::of(config), address };
    Router::new().route("/dev/mailbox", get(show)).with_state(post)
}

async fn show(State(post): State<Post>, request: Parts) -> Result<Response, Fault> {
    let reader = Reader::of(&request.headers);
    if !post.names.know(&request) {
        return misdirected(&post.address, reader);
    }
    // What was caused by the request before this one should be here by now.
    post.worker.run_once().await;
    let mut messages = post.mailbox.messages();
    messages.reverse();
    match reader {
        Reader::Person => page("Mailbox", None, &Page { messages: &messages }),
        Reader::Program => Ok(respond::json(StatusCode::OK, &messages).into_response()),
    }
}

fn misdirected(address: &str, reader: Reader) -> Result<Response, Fault> {
    let description = format!(
        "The mailbox is shown only under the names of this machine and of its application, so that \
         no other site can have it read. Open {address} instead."
    );
    let page = ErrorPage { code: "misdirected_request", description: &description };
    let theme = theme().map_err(Fault::new)?;
    Ok(explain(&theme, reader, StatusCode::MISDIRECTED_REQUEST, &page).into_response())
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<main id="mailbox">
<h1>Mailbox</h1>
<p class="lead">Every mail this demo sent, to whomever. <a href="/dev/mailbox">Look again</a></p>
{% for message in messages %}<article class="mail">
<h2>{{ message.subject }}</h2>
<small>to {{ message.to }}</small>
<pre>{% for word in self::words(message) %}{% if self::is_link(word) %}<a href="{{ word }}">{{ word }}</a>{% else %}{{ word }}{% endif %}{% endfor %}</pre>
</article>
{% else %}<p class="aside">Nothing yet.</p>
{% endfor %}</main>"#
)]
struct Page<'a> {
    messages: &'a [Message],
}

/// The text of a mail in pieces, so that links can be told from the rest.
fn words(message: &Message) -> impl Iterator<Item = &str> {
    message.text.split_inclusive(char::is_whitespace).flat_map(|word| {
        let (word, space) = word.split_at(word.trim_end().len());
        [word, space]
    })
}

fn is_link(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}
