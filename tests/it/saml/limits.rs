//! Logins that are begun, without end.

use donjon::http::PeerAddr;
use donjon::store::RateLimit;

use super::*;

/// The requests of a login that somebody begins at this address.
async fn begin_from(app: &App, address: &str) -> Response<String> {
    let mut request = Request::get("/saml/acme/login").body(Body::empty()).unwrap();
    request.extensions_mut().insert(PeerAddr(address.parse().unwrap()));
    app.service.clone().oneshot(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_are_begun_are_limited_by_network_and_in_all() {
    for database in databases().await {
        let window = Duration::minutes(10);
        let limit = |times| RateLimit { times, window };
        let limits = LoginRequests { per_network: limit(3), in_all: limit(5) };
        let app = App::limited(database.store().await, limits);
        for (address, gets_through) in [
            ("198.51.100.1", true),
            ("198.51.100.1", true),
            ("198.51.100.1", true),
            ("198.51.100.1", false),
            ("198.51.100.1", false),
            // What one network was refused is not missing for others.
            ("2001:db8::1", true),
            ("2001:db8:0:ff::2", true),
            ("203.0.113.7", false),
        ] {
            let answer = begin_from(&app, address).await;
            assert_eq!(answer.status() == StatusCode::SEE_OTHER, gets_through, "{address}");
            if !gets_through {
                assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(code(&answer), "too_many_logins");
                assert_eq!(answer.headers()["retry-after"], "600");
                assert!(!answer.headers().contains_key(SET_COOKIE));
            }
        }
        app.clock.advance(window);
        assert_eq!(begin_from(&app, "198.51.100.1").await.status(), StatusCode::SEE_OTHER);
    }
}
