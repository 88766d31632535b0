//! Against real TLS servers on this machine.

use futures_util::future::BoxFuture;

use super::test_server::{Server, ok};
use super::*;

impl Server {
    fn url(&self) -> String {
        format!("https://op.test:{}/jwks", self.port)
    }

    /// A client to whom `op.test` is this machine, and may be.
    fn client(&self) -> Egress {
        Egress::builder()
            .danger_allow(["127.0.0.0/8".parse().unwrap()])
            .extra_roots(self.certificate.as_bytes())
            .unwrap()
            .with_resolver(Arc::new(Here))
    }
}

struct Here;

impl Resolve for Here {
    fn resolve(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
    }
}

async fn fetch(egress: &Egress, url: &str) -> Result<Bytes, EgressError> {
    egress.get(url, "application/json").await
}

#[tokio::test]
async fn a_document_is_fetched_from_a_server_that_proves_its_name() {
    let server = Server::start(ok("{}")).await;
    assert_eq!(fetch(&server.client(), &server.url()).await.unwrap(), "{}");
}

#[tokio::test]
async fn an_unknown_authority_or_another_name_is_not_believed() {
    let server = Server::start(ok("{}")).await;
    let stranger = Egress::builder()
        .danger_allow(["127.0.0.0/8".parse().unwrap()])
        .with_resolver(Arc::new(Here));
    let error = fetch(&stranger, &server.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::Connect(_)), "{error}");

    let other_name = format!("https://other.test:{}/", server.port);
    let error = fetch(&server.client(), &other_name).await.unwrap_err();
    assert!(matches!(error, EgressError::Connect(_)), "{error}");
}

#[tokio::test]
async fn this_machine_is_out_of_reach_unless_allowed() {
    let server = Server::start(ok("{}")).await;
    let guarded = Egress::builder()
        .extra_roots(server.certificate.as_bytes())
        .unwrap()
        .with_resolver(Arc::new(Here));
    let error = fetch(&guarded, &server.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::Forbidden { .. }), "{error}");

    let real_names = Egress::new();
    for host in ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::1]", "127.1"] {
        let error = fetch(&real_names, &format!("https://{host}:{}/", server.port)).await;
        assert!(matches!(error, Err(EgressError::Forbidden { .. })), "{host}: {error:?}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_never_followed() {
    let target = Server::start(ok("secret")).await;
    let redirect =
        format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url());
    let server = Server::start(redirect).await;
    let error = fetch(&server.client(), &server.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::Status(StatusCode::FOUND)), "{error}");
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn a_long_body_is_cut_off_while_it_streams() {
    let limit = "x".repeat(limits::BODY);
    let server = Server::start(ok(&limit)).await;
    assert_eq!(fetch(&server.client(), &server.url()).await.unwrap().len(), limits::BODY);

    let declared = Server::start(ok(&format!("{limit}x"))).await;
    let error = fetch(&declared.client(), &declared.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::TooLong), "{error}");

    let chunk = format!("{:x}\r\n{limit}\r\n1\r\nx\r\n0\r\n\r\n", limits::BODY);
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    let server = Server::start(chunked).await;
    let error = fetch(&server.client(), &server.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::TooLong), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let server = Server::start("").await;
    let error = fetch(&server.client(), &server.url()).await.unwrap_err();
    assert!(matches!(error, EgressError::Timeout), "{error}");

    let slow = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx").await;
    assert!(fetch(&slow.client(), &slow.url()).await.is_err());
}

#[tokio::test]
async fn only_plain_https_urls_are_fetched() {
    let server = Server::start(ok("{}")).await;
    let egress = server.client();
    for bad in [
        "http://op.test/".to_owned(),
        "ftp://op.test/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "/jwks".to_owned(),
        "op.test".to_owned(),
        String::new(),
        format!("https://user:password@op.test:{}/", server.port),
        format!("https://op.test@evil.test:{}/", server.port),
    ] {
        let error = fetch(&egress, &bad).await.unwrap_err();
        assert!(matches!(error, EgressError::Url), "{bad}: {error}");
    }
}

#[test]
fn extra_roots_must_be_certificates() {
    for bad in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(Egress::builder().extra_roots(bad.as_bytes()).is_err(), "{bad}");
    }
}
