//! A browser without JavaScript, as far as a login needs one: cookies, redirects and forms.

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE,
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::{Position, Url};

#[derive(Default)]
pub struct Agent {
    cookies: Vec<Cookie>,
    /// The ports that requests go to in turn, as behind a load balancer; none: the URL's own.
    nodes: Vec<u16>,
    sent: usize,
}

struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

pub struct Answer {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Agent {
    /// One whose every request goes to the next of these ports, whatever its URL says.
    pub fn balanced(nodes: &[u16]) -> Self {
        Self { nodes: nodes.to_vec(), ..Self::default() }
    }

    /// The same browser, whose requests go elsewhere from now on.
    pub fn moved_to(self, node: u16) -> Self {
        Self { nodes: vec![node], ..self }
    }

    /// One request, as a click on a link makes it.
    pub async fn get(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url.parse().unwrap(), None).await
    }

    /// One request, as a form on `from` makes it.
    pub async fn post(&mut self, from: &Url, url: &str, fields: &[(String, String)]) -> Answer {
        let form = (from.origin().ascii_serialization(), urlencoded(fields));
        self.send(Method::POST, url.parse().unwrap(), Some(form)).await
    }

    /// Fills in and sends the form that holds the button with this id.
    pub async fn submit(&mut self, page: &Answer, button: &str, values: &[(&str, &str)]) -> Answer {
        let form = page.form(button);
        let fields: Vec<_> = form.fields(values);
        let action = page.url.join(&form.action).unwrap();
        self.post(&page.url, action.as_str(), &fields).await
    }

    /// Follows redirects until a page answers, or until one leads to where `stop` begins.
    pub async fn follow(&mut self, mut answer: Answer, stop: &str) -> Answer {
        for _ in 0..20 {
            let Some(location) = answer.location() else { return answer };
            if location.as_str().starts_with(stop) {
                return answer;
            }
            answer = self.get(location.as_str()).await;
        }
        panic!("too many redirects, the last to {}", answer.url);
    }

    async fn send(&mut self, method: Method, url: Url, form: Option<(String, String)>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(ACCEPT, "text/html")
            .header(COOKIE, self.cookies_for(&url));
        let mut body = Full::default();
        if let Some((origin, fields)) = form {
            request = request
                .header(ORIGIN, origin)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            body = Full::from(fields);
        }
        let port = self.next_port(&url);
        let answer = exchange(port, request.body(body).unwrap(), url).await;
        self.remember(&answer);
        answer
    }

    fn next_port(&mut self, url: &Url) -> u16 {
        self.sent += 1;
        let node = self.nodes.get(self.sent % self.nodes.len().max(1));
        node.copied().or(url.port()).unwrap()
    }

    fn cookies_for(&self, url: &Url) -> String {
        let host = url.host_str().unwrap();
        let path = format!("{}/", url.path().trim_end_matches('/'));
        let sent = self.cookies.iter().filter(|cookie| {
            cookie.host == host
                && path.starts_with(&format!("{}/", cookie.path.trim_end_matches('/')))
        });
        let pairs: Vec<_> =
            sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        pairs.join("; ")
    }

    fn remember(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let mut parts = line.to_str().unwrap().split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let host = answer.url.host_str().unwrap().to_owned();
            let mut cookie =
                Cookie { host, path: "/".into(), name: name.into(), value: value.into() };
            let mut gone = false;
            for (attribute, value) in parts.filter_map(|part| part.split_once('=')) {
                match attribute.to_ascii_lowercase().as_str() {
                    "path" => cookie.path = value.into(),
                    "max-age" => gone = value.parse::<i64>().unwrap() <= 0,
                    _ => {}
                }
            }
            let same = |old: &Cookie| {
                (&old.host, &old.path, &old.name) == (&cookie.host, &cookie.path, &cookie.name)
            };
            self.cookies.retain(|old| !same(old));
            if !gone {
                self.cookies.push(cookie);
            }
        }
    }
}

/// A call of a program, not of a browser, to `port`: a form with credentials, or a bearer token.
pub async fn call(
    method: Method,
    port: u16,
    url: &str,
    authorization: &str,
    body: &[(&str, &str)],
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, authorization)
        .body(Full::from(urlencoded(body)))
        .unwrap();
    exchange(port, request, url.parse().unwrap()).await
}

fn urlencoded<K: AsRef<str>, V: AsRef<str>>(fields: &[(K, V)]) -> String {
    let pairs = fields.iter().map(|(name, value)| (name, value));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn exchange(port: u16, mut request: Request<Full<Bytes>>, url: Url) -> Answer {
    let fail = |error: &dyn std::fmt::Display| -> ! { panic!("{url} at {port}: {error}") };
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap_or_else(|e| fail(&e));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    request.headers_mut().insert(HOST, host.parse().unwrap());
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery].parse().unwrap();
    let response = sender.send_request(request).await.unwrap_or_else(|e| fail(&e));
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap_or_else(|e| fail(&e)).to_bytes();
    connection.abort();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { url, status: parts.status, headers: parts.headers, body }
}

impl Answer {
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().unwrap();
        Some(self.url.join(location).unwrap())
    }

    /// A parameter of where this redirects to.
    pub fn location_parameter(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        location.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    pub fn has(&self, id: &str) -> bool {
        tags(&self.body).any(|tag| attribute(tag, "id").is_some_and(|found| found == id))
    }

    /// Where the link with this text leads.
    pub fn link(&self, text: &str) -> Url {
        let found = self.body.split("<a ").skip(1).find_map(|link| {
            let (tag, rest) = link.split_once('>')?;
            (rest.split("</a>").next()?.trim() == text).then(|| attribute(tag, "href").unwrap())
        });
        let href = found.unwrap_or_else(|| panic!("no link {text:?}: {self}"));
        self.url.join(&href).unwrap()
    }

    fn form(&self, button: &str) -> Form<'_> {
        let forms = self.body.split("<form").skip(1);
        let forms = forms.map(|form| form.split("</form>").next().unwrap());
        for form in forms {
            let (opening, inside) = form.split_once('>').unwrap();
            let fields: Vec<&str> = tags(inside).filter(|tag| is_field(tag, button)).collect();
            if fields.iter().any(|tag| attribute(tag, "id").is_some_and(|id| id == button)) {
                let action = attribute(opening, "action").unwrap_or_default();
                return Form { action, tags: fields };
            }
        }
        panic!("no form with #{button}: {self}");
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} answers {} {:?}\n{}", self.url, self.status, self.headers, self.body)
    }
}

struct Form<'a> {
    action: String,
    tags: Vec<&'a str>,
}

impl Form<'_> {
    /// What the form sends, with the fields of these ids filled in.
    fn fields(&self, values: &[(&str, &str)]) -> Vec<(String, String)> {
        let filled = self.tags.iter().filter_map(|tag| {
            let name = attribute(tag, "name")?;
            let id = attribute(tag, "id").unwrap_or_default();
            let given = values.iter().find(|(field, _)| *field == id).map(|(_, v)| (*v).to_owned());
            Some((name, given.or_else(|| attribute(tag, "value")).unwrap_or_default()))
        });
        filled.collect()
    }
}

/// An input, or the button that is clicked; a box that is not ticked is not sent.
fn is_field(tag: &str, button: &str) -> bool {
    let off = attribute(tag, "type").is_some_and(|kind| kind == "checkbox" || kind == "radio")
        && attribute(tag, "checked").is_none();
    let clicked = attribute(tag, "id").is_some_and(|id| id == button);
    (tag.starts_with("input") && !off) || (tag.starts_with("button") && clicked)
}

/// The inside of every tag.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|tag| tag.split('>').next())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = tag[..*at].chars().next_back();
        let after = tag[at + name.len()..].chars().next();
        before.is_none_or(char::is_whitespace)
            && !after.is_some_and(|c| c == '-' || c.is_alphanumeric())
    })?;
    let Some(value) = tag[at + name.len()..].strip_prefix("=\"") else {
        return Some(String::new());
    };
    let value = value.split('"').next().unwrap();
    let plain = [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">")];
    let plain = plain.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
    Some(plain.replace("&#38;", "&").replace("&amp;", "&"))
}
