//! A browser without scripts: it keeps cookies, follows redirects when told to, fills in forms by
//! the ids and names on the page, and presses their buttons.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use donjon::http::PeerAddr;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;
use tower_service::Service;
use url::Url;

/// A redirect that leads to another redirect, and so on, ends here.
const REDIRECTS: usize = 10;

type Send =
    dyn Fn(Request<Full<Bytes>>) -> BoxFuture<'static, Response<Bytes>> + std::marker::Send + Sync;

/// A browser at one application. A clone begins with the same cookies, and goes its own way.
#[derive(Clone)]
pub struct Browser {
    send: Arc<Send>,
    origin: Url,
    pub cookies: BTreeMap<String, String>,
    /// The address it comes from, as the server that accepts connections would say.
    pub peer: Option<IpAddr>,
    /// Whom the peer says it forwards for.
    pub forwarded_for: Option<&'static str>,
    /// What it calls itself.
    pub user_agent: &'static str,
    pub accept: &'static str,
}

/// What a page was answered with.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// A form on a page.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// A browser whose every request goes to `app`, which it reaches at `origin`.
    pub fn new<S, B>(app: S, origin: &str) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>
            + Clone
            + std::marker::Send
            + Sync
            + 'static,
        S::Future: std::marker::Send,
        B: http_body::Body<Data = Bytes> + std::marker::Send + 'static,
        B::Error: std::fmt::Debug,
    {
        let send = move |request| {
            let app = app.clone();
            async move {
                let Ok(response) = app.oneshot(request).await;
                let (parts, body) = response.into_parts();
                Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
            }
            .boxed()
        };
        let origin = Url::parse(origin).unwrap();
        Self {
            send: Arc::new(send),
            origin,
            cookies: BTreeMap::new(),
            peer: None,
            forwarded_for: None,
            user_agent: "",
            accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        }
    }

    /// Hands a request on to the application.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        (self.send)(request).await
    }

    /// The same application, another person's browser.
    pub fn another(&self) -> Self {
        Self { cookies: BTreeMap::new(), ..self.clone() }
    }

    /// Opens an address: absolute, or a path.
    pub async fn get(&mut self, address: &str) -> Page {
        self.request(Method::GET, address, None, None).await
    }

    /// Posts a form from a page of the application's own.
    pub async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Page {
        let origin = self.origin.origin().ascii_serialization();
        self.post_from(&origin, address, fields).await
    }

    /// Posts a form from a page of another origin.
    pub async fn post_from(
        &mut self,
        origin: &str,
        address: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.request(Method::POST, address, Some(body), Some(origin)).await
    }

    /// Posts a form as JSON from a page of the application's own.
    pub async fn post_json(&mut self, address: &str, form: &serde_json::Value) -> Page {
        let origin = self.origin.origin().ascii_serialization();
        let body = Some(("application/json", form.to_string()));
        self.request_of(Method::POST, address, body, Some(&origin)).await
    }

    /// Fills in the page's form, and presses its button. A field that is given replaces the
    /// page's, or is added.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let mut form = page.form();
        form.fields.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        let own = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = own.chain(fields.iter().copied()).collect();
        let action = page.url.join(&form.action).unwrap();
        self.post(action.as_str(), &all).await
    }

    /// Follows redirects until there is a page, or one leads away from the application.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..REDIRECTS {
            let Some(target) = page.location() else { return page };
            if target.origin() != self.origin.origin() {
                return page;
            }
            page = self.get(target.as_str()).await;
        }
        panic!("more than {REDIRECTS} redirects, the last to {}", page.url);
    }

    /// Any request. `origin` is the page that a form was posted from.
    pub async fn request(
        &mut self,
        method: Method,
        address: &str,
        form: Option<String>,
        origin: Option<&str>,
    ) -> Page {
        let body = form.map(|form| ("application/x-www-form-urlencoded", form));
        self.request_of(method, address, body, origin).await
    }

    /// Any request, with a body of a type.
    pub async fn request_of(
        &mut self,
        method: Method,
        address: &str,
        body: Option<(&str, String)>,
        origin: Option<&str>,
    ) -> Page {
        let url = self.origin.join(address).unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
            .header("host", &url[url::Position::BeforeHost..url::Position::AfterPort])
            .header("accept", self.accept);
        if let Some(peer) = self.peer {
            request = request.extension(PeerAddr(peer));
        }
        if let Some(client) = self.forwarded_for {
            request = request.header("x-forwarded-for", client);
        }
        if !self.user_agent.is_empty() {
            request = request.header("user-agent", self.user_agent);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some((kind, _)) = &body {
            request = request.header("content-type", *kind);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        let body = Full::from(body.map(|(_, body)| body).unwrap_or_default());
        let response = (self.send)(request.body(body).unwrap()).await;
        self.keep_cookies(response.headers());
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Page { url, status: parts.status, headers: parts.headers, body }
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let gone = attributes.split(';').any(|a| a.trim().eq_ignore_ascii_case("max-age=0"));
            if gone {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// What is told in JSON.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get("location")?.to_str().unwrap();
        self.status.is_redirection().then(|| self.url.join(location).unwrap())
    }

    /// The whole `Set-Cookie` value for the cookie with this name.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let set = self.headers.get_all("set-cookie").into_iter();
        let mut set = set.map(|cookie| cookie.to_str().unwrap());
        set.find(|cookie| cookie.split('=').next() == Some(name))
    }

    /// Whether an element with this id is on the page.
    pub fn has(&self, id: &str) -> bool {
        self.tags("").any(|tag| attribute(tag, "id").as_deref() == Some(id))
    }

    /// The text right inside the element with this id.
    pub fn text_of(&self, id: &str) -> String {
        let inside = self.body.split(&format!("id=\"{id}\"")).nth(1);
        let inside = inside.unwrap_or_else(|| panic!("no #{id} on {}: {}", self.url, self.body));
        let text = inside.split_once('>').unwrap().1;
        decode(text.split('<').next().unwrap())
    }

    /// The value of the input with this id.
    pub fn value_of(&self, id: &str) -> String {
        let mut inputs = self.tags("input");
        let tag = inputs.find(|tag| attribute(tag, "id").as_deref() == Some(id));
        attribute(tag.unwrap_or_else(|| panic!("no #{id} on {}", self.url)), "value").unwrap()
    }

    /// The value of the first attribute with this name.
    pub fn data(&self, name: &str) -> String {
        let value = self.tags("").find_map(|tag| attribute(tag, name));
        value.unwrap_or_else(|| panic!("no {name} on {}: {}", self.url, self.body))
    }

    /// The form on the page that is posted to this path, as the page fills it in.
    pub fn form_to(&self, path: &str) -> Form {
        let forms: Vec<_> = self.body.split("<form ").skip(1).map(read_form).collect();
        let found = forms.into_iter().find(|form| form.action.split('?').next() == Some(path));
        found.unwrap_or_else(|| panic!("no form to {path} on {}: {}", self.url, self.body))
    }

    /// The page's one form, as the page fills it in.
    pub fn form(&self) -> Form {
        let mut forms = self.body.split("<form ").skip(1);
        let form = forms.next().unwrap_or_else(|| panic!("no form on {}: {}", self.url, self.body));
        assert!(forms.next().is_none(), "more than one form on {}", self.url);
        read_form(form)
    }

    /// The link whose text is this.
    pub fn link(&self, text: &str) -> String {
        let found = self.body.split("<a ").skip(1).find_map(|link| {
            let (tag, rest) = link.split_once('>')?;
            let label = decode(rest.split("</a>").next()?);
            (label == text).then(|| attribute(tag, "href").unwrap())
        });
        found.unwrap_or_else(|| panic!("no link {text:?} on {}: {}", self.url, self.body))
    }

    fn tags<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        tags(&self.body, name)
    }
}

fn read_form(form: &str) -> Form {
    let form = form.split("</form>").next().unwrap();
    let action = attribute(form.split('>').next().unwrap(), "action").unwrap();
    let fields = tags(form, "input").filter_map(|tag| {
        let name = attribute(tag, "name")?;
        let checkbox = attribute(tag, "type").as_deref() == Some("checkbox");
        let left_out = checkbox && !tag.contains(" checked");
        (!left_out).then(|| (name, attribute(tag, "value").unwrap_or_default()))
    });
    Form { action, fields: fields.collect() }
}

/// The insides of the opening tags with this name; of all, if it is empty.
fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    html.split('<').skip(1).filter_map(move |tag| {
        let tag = tag.split('>').next()?;
        tag.starts_with(name).then_some(tag)
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1).or_else(|| {
        // The first attribute after a cut-off tag name.
        tag.strip_prefix(&format!("{name}=\""))
    })?;
    Some(decode(value.split('"').next()?))
}

fn decode(text: &str) -> String {
    let entities =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
