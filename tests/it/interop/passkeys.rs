//! Passkeys and codes in Debian's Chromium, with a virtual authenticator; PyPI `fido2` as
//! authenticator, and as the other relying party.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use donjon::account::AccountLayerBuilder;
use donjon::account::passkey::*;
use donjon::crypto::{Clock as _, SystemRandom};
use donjon::scope::UserId;
use donjon::testing::SoftPasskey;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::service_fn;

use crate::account::world::{ALICE, PASSWORD, World, each_world_at};
use crate::support::browser::Browser;
use crate::support::serve::Listener;
use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(300);

/// Where the pictures are left.
const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots-passkeys");
/// Whoever opens it comes back after six minutes.
const LATER: &str = "/later";

/// The application, with a page that moves its clock.
fn with_later(world: &World, origin: &str) -> Browser {
    let (app, clock) = (world.browser(), world.clock.clone());
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        let (app, clock) = (app.clone(), clock.clone());
        async move {
            if request.uri().path() == LATER {
                clock.advance(time::Duration::minutes(6));
                return Ok::<_, Infallible>(Response::default());
            }
            Ok(app.send(request).await.map(Full::from))
        }
    });
    Browser::new(service, origin)
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_logs_in_by_passkeys_and_codes() {
    let Some(chromium) = tools::chromium() else { return };
    if tools::node("passkeys.mjs").is_none() {
        return;
    }
    let change = |builder: AccountLayerBuilder| builder.passkeys(Passkeys::default());
    let listener = Listener::bind().await;
    let origin = format!("http://localhost:{}", listener.port());
    let listener = std::cell::RefCell::new(Some(listener));
    each_world_at(&origin, change, async |world| {
        // One database will do: what differs is proven elsewhere.
        let Some(listener) = listener.borrow_mut().take() else { return };
        let _serving = listener.serve(with_later(&world, &origin));
        world.user(ALICE).await;
        let request = json!({
            "chromium": chromium,
            "origin": origin,
            "user": {"email": ALICE, "password": PASSWORD},
            "now": world.clock.now().unix_timestamp(),
            "later": LATER,
            "screenshots": SCREENSHOTS,
        });
        let node = tools::node("passkeys.mjs").unwrap();
        let report: Value = process::run(node, &request, LIMIT).await;

        let greeting = format!("hello {ALICE} at /");
        for how in ["without_a_passkey", "second_step", "usernameless", "autofill", "by_code"] {
            assert_eq!(report[how], greeting, "{how}: {report:#}");
        }
        assert_eq!(report["added"], json!(["Chromium’s own"]), "{report:#}");
        for again in ["proven_again", "by_password_again"] {
            assert_eq!(report[again], json!(["Chromium’s own"]), "{again}: {report:#}");
        }
        let held = json!([{"isResidentCredential": true, "rpId": "localhost"}]);
        assert_eq!(report["held"], held, "{report:#}");
        assert_eq!(report["codes"], 10, "{report:#}");
        let refused = report["refused"].as_str().unwrap();
        assert!(refused.starts_with("No passkey was used."), "{report:#}");
        assert_eq!(report["complaints"], json!([]), "{report:#}");

        let account = world.account(ALICE).await;
        let now = world.clock.now();
        let passkeys = world.store.passkeys_of(account.id()).await.unwrap();
        assert_eq!(passkeys[0].last_used_at, Some(now - time::Duration::minutes(6)));
        let sessions = world.store.sessions_of(account.id(), now).await.unwrap();
        assert!(sessions.is_empty(), "every login was logged out");
    })
    .await;
}

const ORIGIN: &str = "https://app.example.com";

/// What PyPI `fido2` made, and what it says of ours.
#[derive(serde::Deserialize)]
struct Report {
    made: Vec<Made>,
    verified: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Made {
    algorithm: i64,
    registration: Value,
    assertion: Value,
}

#[tokio::test]
async fn another_implementation_makes_what_we_verify_and_verifies_what_we_make() {
    let Some(python) = tools::python_with("fido2", "passkeys.py") else { return };
    let party = RelyingParty::at(ORIGIN).unwrap();
    let user = UserHandle::of(&UserId::new("alice").unwrap(), &party);
    let [registered, used] = [(); 2].map(|()| Challenge::generate(&SystemRandom));
    let creation = CreationOptions {
        party: &party,
        product: "Example",
        user: &user,
        name: "alice@example.com",
        challenge: &registered,
        existing: &[],
    };
    let request = RequestOptions {
        party: &party,
        challenge: &used,
        verification: UserVerification::Required,
        allowed: &[],
    };
    let (creation, request) = (creation.to_json(), request.to_json());
    let ours = PasskeyAlgorithm::ALL.map(|algorithm| {
        let mut passkey = SoftPasskey::at(ORIGIN).with_algorithm(algorithm);
        let registration: Value =
            serde_json::from_str(&passkey.create(&creation).unwrap()).unwrap();
        let assertion: Value = serde_json::from_str(&passkey.get(&request).unwrap()).unwrap();
        json!({"registration": registration, "assertion": assertion})
    });
    let question = json!({
        "origin": ORIGIN,
        "creation": serde_json::from_str::<Value>(&creation).unwrap(),
        "request": serde_json::from_str::<Value>(&request).unwrap(),
        "ours": ours,
    });
    let report: Report = process::run(python, &question, LIMIT).await;

    let algorithms = PasskeyAlgorithm::ALL.map(PasskeyAlgorithm::number);
    assert_eq!(report.verified, ["ES256", "EdDSA", "RS256"]);
    assert_eq!(report.made.iter().map(|made| made.algorithm).collect::<Vec<_>>(), algorithms);
    for Made { algorithm, registration, assertion } in report.made {
        let answer = RegistrationResponse::parse(&registration.to_string()).unwrap();
        let (asked, other) = (UserVerification::Required, OtherAttestation::Refused);
        let made = verify_registration(answer, &registered, &party, asked, other).unwrap();
        assert_eq!(made.public_key().algorithm().number(), algorithm);
        let answer = AssertionResponse::parse(&assertion.to_string()).unwrap();
        let known = KnownCredential {
            id: made.id(),
            key: made.public_key(),
            user: &user,
            backup_eligible: made.backup_eligible(),
        };
        let asked = (UserVerification::Required, Naming::Required);
        let proof = verify_assertion(&answer, known, &used, &party, asked).unwrap();
        assert_eq!(proof.sign_count(), 8);
        let other = verify_assertion(&answer, known, &registered, &party, asked);
        assert_eq!(other.unwrap_err(), PasskeyFault::Challenge);
    }
}
