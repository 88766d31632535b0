//! Guessing a client's secret: so many tries from one network, at whatever endpoint, in whatever
//! process.

use donjon::http::PeerAddr;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::Full;
use time::Duration;

use super::world::{
    Answer, INTROSPECT, REVOKE, SECRET, TOKEN, WEAK_SECRET, World, basic, each_world,
};
use crate::support::statements::counted;

const GUESSES: usize = 10;
const WINDOW: Duration = Duration::minutes(10);
const HERE: &str = "198.51.100.1";

/// Tells a server a secret, from this address.
async fn tell(world: &World, path: &str, client: &str, secret: &str, address: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("redirect_uri", "https://client.example/cb"),
        ("code_verifier", "x"),
        ("token", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ];
    let post = [("client_id", client), ("client_secret", secret)];
    let by_post = client.ends_with("post");
    let fields: Vec<_> = fields.iter().chain(post.iter().filter(|_| by_post)).collect();
    let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if !by_post {
        request = request.header(AUTHORIZATION, basic(client, secret));
    }
    if !address.is_empty() {
        request = request.extension(PeerAddr(address.parse().unwrap()));
    }
    let body = serde_urlencoded::to_string(fields).unwrap();
    world.send(request.body(Full::from(body)).unwrap()).await
}

/// Whether the secret was looked at and found right.
fn knows(answer: &Answer) -> bool {
    answer.json["error"] != "invalid_client"
}

fn is_blocked(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.json["error"], "invalid_client");
    let seconds: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=WINDOW.whole_seconds()).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_secret_that_could_be_guessed_is_looked_at_so_often_and_then_not_even_the_right_one() {
    each_world(async |world| {
        let paths = [TOKEN, REVOKE, INTROSPECT];
        for guess in 0..GUESSES {
            let answer = tell(&world, paths[guess % 3], "weak", &guess.to_string(), HERE).await;
            answer.is_error(401, "invalid_client");
            assert!(!answer.headers.contains_key("retry-after"));
        }
        for path in paths {
            is_blocked(&tell(&world, path, "weak", WEAK_SECRET, HERE).await);
        }
        // The client itself, elsewhere, goes on; so do others, here.
        assert!(knows(&tell(&world, TOKEN, "weak", WEAK_SECRET, "203.0.113.7").await));
        assert!(knows(&tell(&world, TOKEN, "weak-post", WEAK_SECRET, HERE).await));
        assert!(knows(&tell(&world, TOKEN, "web", SECRET, HERE).await));
        // Another process learns of it with the first guess that it sees.
        let node = world.another_node().await;
        assert!(!knows(&tell(&node, TOKEN, "weak", "wrong", HERE).await));
        is_blocked(&tell(&node, TOKEN, "weak", WEAK_SECRET, HERE).await);
        world.clock.advance(WINDOW);
        assert!(knows(&tell(&world, TOKEN, "weak", WEAK_SECRET, HERE).await));
        assert!(knows(&tell(&node, TOKEN, "weak", WEAK_SECRET, HERE).await));
    })
    .await;
}

#[tokio::test]
async fn of_guesses_that_come_at_once_no_more_are_looked_at() {
    each_world(async |world| {
        let guesses = (0..64).map(|guess| {
            let world = world.clone();
            async move {
                let secret = guess.to_string();
                tell(&world, TOKEN, "weak-post", &secret, HERE).await.status
            }
        });
        let answers = futures_util::future::join_all(guesses).await;
        let looked = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
        assert_eq!(looked, GUESSES, "{answers:?}");
        is_blocked(&tell(&world, TOKEN, "weak-post", WEAK_SECRET, HERE).await);
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_nobody_guesses_and_a_right_one_cost_nothing() {
    each_world(async |world| {
        let right = |client, secret| tell(&world, REVOKE, client, secret, HERE);
        let (answer, strong) = counted(right("web", SECRET)).await;
        assert!(knows(&answer));
        let (answer, weak) = counted(right("weak", WEAK_SECRET)).await;
        assert!(knows(&answer));
        assert_eq!((weak.reads(), weak.transitions()), (strong.reads(), strong.transitions()));
        assert_eq!(weak.transitions(), 0);
        for _ in 0..3 * GUESSES {
            let (answer, wrong) = counted(right("web", "wrong")).await;
            answer.is_error(401, "invalid_client");
            assert_eq!((wrong.reads(), wrong.transitions()), (0, 0), "{wrong:?}");
        }
        let (answer, wrong) = counted(right("weak", "wrong")).await;
        answer.is_error(401, "invalid_client");
        assert_eq!((wrong.reads(), wrong.transitions()), (0, 1), "{wrong:?}");
    })
    .await;
}

/// Or whoever guesses would keep the client out that a server forgot to name the address of.
#[tokio::test]
async fn without_an_address_nobody_is_kept_out() {
    each_world(async |world| {
        for _ in 0..2 * GUESSES {
            tell(&world, TOKEN, "weak", "wrong", "").await.is_error(401, "invalid_client");
        }
        assert!(knows(&tell(&world, TOKEN, "weak", WEAK_SECRET, "").await));
    })
    .await;
}
