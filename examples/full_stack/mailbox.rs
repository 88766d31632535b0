//! `/dev/mailbox`: the mails that would have been sent, newest first; as JSON to programs. Whoever
//! sees it can take over any account, so it is there for demos on one's own machine only.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use donjon::delivery::{Mailbox, Message, Worker};
use donjon::http::wants_html;

use crate::page::{Fault, page};

#[derive(Clone)]
struct Post {
    mailbox: Mailbox,
    worker: Worker,
}

/// `worker` delivers into `mailbox`.
pub(crate) fn routes(mailbox: Mailbox, worker: Worker) -> Router {
    Router::new().route("/dev/mailbox", get(show)).with_state(Post { mailbox, worker })
}

async fn show(State(post): State<Post>, headers: HeaderMap) -> Result<Response, Fault> {
    // What was caused by the request before this one should be here by now.
    post.worker.run_once().await;
    let mut messages = post.mailbox.messages();
    messages.reverse();
    if wants_html(&headers) {
        page("Mailbox", &Page { messages: &messages })
    } else {
        Ok(Json(messages).into_response())
    }
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
