//! The application in this process, as a browser and the third party's application see it.

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, request};
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Host {
    app: Router,
    users: Users,
    sessions: Sessions,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    fn cookies(&self) -> String {
        let set = self.headers.get_all(SET_COOKIE).iter();
        let pairs = set.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned());
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Host {
    async fn new() -> Self {
        let (app, users, sessions) = app().await.unwrap();
        Self { app, users, sessions }
    }

    async fn ask(&self, request: request::Builder, body: String) -> Answer {
        let request = request.header("host", "127.0.0.1:3000").body(Body::from(body)).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
        let body = String::from_utf8(body).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str, cookies: &str) -> Answer {
        let request = Request::get(path).header(ACCEPT, "text/html").header(COOKIE, cookies);
        self.ask(request, String::new()).await
    }

    async fn post(&self, path: &str, cookies: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(COOKIE, cookies)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(request, form).await
    }

    async fn log_in(&self) -> String {
        let login = self.post("/login", "", &ADA).await;
        assert_eq!((login.status, login.location()), (StatusCode::SEE_OTHER, "/"));
        login.cookies()
    }
}

const ADA: [(&str, &str); 2] =
    [("email", "ada@example.test"), ("password", "correct horse battery staple")];

#[tokio::test]
async fn a_login_of_the_hosts_own_leads_into_the_session() {
    let host = Host::new().await;
    assert_eq!(host.get("/", "").await.body, "Hello, stranger");
    let stranger = host.post("/", "", &[("name", "Eve")]).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    for wrong in [[ADA[0], ("password", "guess")], [("email", "eve@example.test"), ADA[1]]] {
        let refused = host.post("/login", "", &wrong).await;
        assert_eq!((refused.status, refused.cookies().as_str()), (StatusCode::FORBIDDEN, ""));
    }
    for (path, leads_to) in
        [("/login?return_to=%2Fa%3Fb", "/a?b"), ("/login?return_to=//evil", "/")]
    {
        assert_eq!(host.post(path, "", &ADA).await.location(), leads_to);
    }

    let (laptop, phone) = (host.log_in().await, host.log_in().await);
    assert_eq!(host.get("/", &phone).await.body, "Hello, Ada");
    host.post("/", &laptop, &[("name", "Ada Lovelace")]).await;
    assert_eq!(host.get("/", &phone).await.body, "Hello, Ada Lovelace");

    let disable = sqlx::query("UPDATE users SET disabled = TRUE").execute(&host.users.0).await;
    assert_eq!(disable.unwrap().rows_affected(), 1);
    host.sessions.user_changed(&UserId::new("7").unwrap()).await.unwrap();
    assert_eq!(host.get("/", &phone).await.body, "Hello, stranger");
    assert_eq!(host.post("/login", "", &ADA).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_application_is_let_in_by_the_hosts_own_user() {
    let host = Host::new().await;
    let callback = "http://127.0.0.1:3001/callback";
    let mut ask = Url::parse("http://127.0.0.1:3000/oauth/authorize").unwrap();
    ask.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "tally"),
        ("redirect_uri", callback),
        ("scope", "openid profile"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let bounced = host.get(&ask[url::Position::BeforePath..], "").await;
    let login = bounced.location().to_owned();
    assert!(login.starts_with("/login?"), "{login}");
    let session = host.post(&login, &bounced.cookies(), &ADA).await;
    let cookies = format!("{}; {}", bounced.cookies(), session.cookies());
    let resumed = session.location().to_owned();
    let consent = host.get(&resumed, &cookies).await;
    assert_eq!(consent.status, StatusCode::OK, "{resumed}: {}", consent.body);

    let field = |name: &str, after: &str| {
        let rest = consent.body.split_once(after).unwrap_or_else(|| panic!("no {name}")).1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let action = field("action", "<form method=\"post\" action=\"");
    let shown_to = field("shown_to", "name=\"shown_to\" value=\"");
    let form = [("shown_to", shown_to.as_str()), ("decision", "approve")];
    let approved = host.post(&action, &cookies, &form).await;
    let back = Url::parse(approved.location()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();

    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "tally"),
        ("redirect_uri", callback),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let tokens = host.post("/oauth/token", "", &form).await.json();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let userinfo =
        || host.ask(Request::get("/oauth/userinfo").header(AUTHORIZATION, &bearer), String::new());
    let told = userinfo().await.json();
    assert_eq!(told, serde_json::json!({ "sub": "7", "name": "Ada" }));

    sqlx::query("UPDATE users SET disabled = TRUE").execute(&host.users.0).await.unwrap();
    assert_eq!(
        userinfo().await.status,
        StatusCode::UNAUTHORIZED,
        "the provider asks the table too"
    );
}
