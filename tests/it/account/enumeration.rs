//! Nothing that a stranger can see tells whether an address has an account.

use std::sync::Arc;

use donjon::account::password::{HashCost, ImportLimits, PasswordPool, PoolSize, StoredHash};
use donjon::account::{AccountLayerBuilder, Policy};
use donjon::crypto::{Clock as _, Redacted, SystemRandom};
use donjon::store::{Effects, LinkPurpose, SqlStore};
use http::{HeaderMap, StatusCode};
use time::Duration;

use super::imported::imported;
use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::{Browser, Page};
use crate::support::statements::{Statements, counted};

const NOBODY: &str = "nobody@example.test";
/// What verifying a password costs here, where nothing else is stored.
const VERIFIED: &str = "verify $argon2id$v=19$m=64,t=1,p=1";

/// What a stranger sees of an answer, with the address and sealed bytes blotted out.
pub(super) fn seen(page: &Page, email: &str) -> (StatusCode, HeaderMap, String) {
    let mut headers = page.headers.clone();
    for (name, value) in &mut headers {
        let (pair, attributes) = match value.to_str().unwrap().split_once("; ") {
            Some(parts) if name == "set-cookie" => parts,
            _ => continue,
        };
        let (name, sealed) = pair.split_once('=').unwrap();
        *value = format!("{name}={} bytes; {attributes}", sealed.len()).parse().unwrap();
    }
    let body = page.body.replace(email, "ADDRESS").replace(&email.replace('@', "%40"), "ADDRESS");
    (page.status, headers, body)
}

/// What an answer cost: the statements at the driver and the hashes, in order.
pub(super) async fn cost(
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
) -> (Page, Statements) {
    counted(browser.post(path, fields)).await
}

/// Opens the connections that are opened at first use.
pub(super) async fn warm(world: &World, store: &SqlStore) {
    let mut browser = world.browser();
    log_in(&mut browser, "warm@example.test", "whatever").await;
    let token = donjon::crypto::TokenHash::of(b"warm");
    store.load_link(LinkPurpose::Reset, &token, time::OffsetDateTime::UNIX_EPOCH).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_looks_and_costs_the_same_for_every_reason() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user("locked@example.test").await;
        world
            .accounts
            .accounts()
            .create("federated@example.test", None, Default::default(), true)
            .await
            .unwrap();
        let waiting = "waiting@example.test";
        let accounts = world.accounts.accounts();
        accounts.create(waiting, Some(PASSWORD), Default::default(), false).await.unwrap();
        warm(&world, &world.store).await;
        let mut browser = world.browser();
        for _ in 0..7 {
            log_in(&mut browser, "locked@example.test", "wrong password").await;
        }
        let mut answers = Vec::new();
        for (email, password) in [
            (NOBODY, PASSWORD),
            (ALICE, "wrong password"),
            ("locked@example.test", "wrong password"),
            ("locked@example.test", PASSWORD),
            ("federated@example.test", PASSWORD),
            (waiting, PASSWORD),
            (waiting, "wrong password"),
            (waiting, PASSWORD),
        ] {
            let fields = [("email", email), ("password", password)];
            let (page, cost) = cost(&mut browser, "/login", &fields).await;
            answers.push((email, seen(&page, email), cost));
        }
        let (_, first_seen, first_cost) = &answers[0];
        assert_eq!(first_seen.0, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(first_cost.hashes(), [VERIFIED]);
        assert_eq!(first_cost.transitions(), 2);
        for (email, seen, cost) in &answers {
            assert_eq!(seen, first_seen, "{email}");
            assert_eq!(cost, first_cost, "{email}");
        }
        let mails = world.mails_to(waiting).await;
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["Confirm your email address"; 2], "whose password was right is told");
    })
    .await;
}

/// A hash of [`PASSWORD`] of before the cost was changed.
async fn hash_of_old() -> String {
    let cost = HashCost { memory: 128, passes: 2, lanes: 1 };
    let pool = PasswordPool::new(cost, PoolSize::default(), Arc::new(SystemRandom)).unwrap();
    pool.hash(Redacted(PASSWORD.to_owned())).await.unwrap().0
}

/// Users with hashes of each kind that is declared: their address, password and hash.
async fn of_other_costs() -> Vec<(String, String, String)> {
    let (mut users, long) = (Vec::new(), |password: &str| password.len() > 8);
    for prefix in ["$2b$04", "pbkdf2_sha256$1000$", "scrypt$1024"] {
        let (password, hash) =
            imported(|password, hash| long(password) && hash.starts_with(prefix));
        users.push((prefix, password, hash));
    }
    users.push(("old", PASSWORD.to_owned(), hash_of_old().await));
    let address = |name: &str| format!("{}@example.test", name.replace(['$', '_'], "-"));
    users.into_iter().map(|(name, password, hash)| (address(name), password, hash)).collect()
}

fn declaring(hashes: &[String]) -> impl Fn(AccountLayerBuilder) -> AccountLayerBuilder {
    let cost = |hash: &String| StoredHash::parse(hash, &ImportLimits::default()).unwrap().cost();
    let costs: Vec<_> = hashes.iter().map(cost).collect();
    move |builder| builder.stored_as(costs.clone())
}

/// Whoever comes from elsewhere, or has not logged in since the cost was changed, is verified by the
/// very hashes that everybody is.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_costs_the_same_whatever_the_hash_that_is_stored() {
    let users = of_other_costs().await;
    let hashes: Vec<_> = users.iter().map(|(_, _, hash)| hash.clone()).collect();
    each_world_with(declaring(&hashes), async |world| {
        world.user(ALICE).await;
        let accounts = world.accounts.accounts();
        let mut asked = vec![(NOBODY.to_owned(), PASSWORD), (ALICE.to_owned(), "wrong password")];
        for (email, password, hash) in &users {
            // Whose address is not confirmed is refused with the right password, too, and no hash is
            // replaced meanwhile.
            let waiting = format!("waiting.{email}");
            for (email, verified) in [(email, true), (&waiting, false)] {
                accounts.import(email, hash, Default::default(), verified).await.unwrap();
            }
            asked.push((email.clone(), "wrong password"));
            // In two spellings it would be tried twice, whoever it is for.
            if password.is_ascii() {
                asked.push((waiting, password.as_str()));
            }
        }
        let locked = &users.last().unwrap().0;
        warm(&world, &world.store).await;
        let mut answers = Vec::new();
        let mut browser = world.browser();
        for (email, password) in &asked {
            let fields = [("email", email.as_str()), ("password", *password)];
            let (page, cost) = cost(&mut browser, "/login", &fields).await;
            answers.push((email, seen(&page, email), cost));
        }
        for _ in 0..6 {
            log_in(&mut browser, locked, "wrong password").await;
        }
        let fields = [("email", locked.as_str()), ("password", PASSWORD)];
        let (page, cost) = cost(&mut browser, "/login", &fields).await;
        answers.push((locked, seen(&page, locked), cost));

        let (_, first_seen, first_cost) = &answers[0];
        assert_eq!(first_seen.0, StatusCode::UNPROCESSABLE_ENTITY);
        let verified = [
            VERIFIED,
            "verify $2b$04",
            "verify $pbkdf2-sha256$i=1000,l=32",
            "verify $scrypt$ln=10,r=8,p=5",
            "verify $argon2id$v=19$m=128,t=2,p=1",
        ];
        assert_eq!(first_cost.hashes(), verified);
        assert!(answers.len() >= 8, "{answers:?}");
        for (email, seen, cost) in &answers {
            assert_eq!(seen, first_seen, "{email}");
            assert_eq!(cost, first_cost, "{email}");
        }
        // A login that goes through replaces the hash, and costs that much more.
        for (email, password, _) in &users {
            if email == locked {
                continue;
            }
            let fields = [("email", email.as_str()), ("password", password.as_str())];
            let (page, cost) = counted(world.browser().post("/login", &fields)).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{email}");
            assert_eq!(cost.hashes().last(), Some(&VERIFIED.replace("verify", "hash").as_str()));
        }
    })
    .await;
}

/// Who is disabled is refused as with a wrong password, and no new hash takes its time.
#[tokio::test(flavor = "multi_thread")]
async fn the_hashes_of_a_login_do_not_tell_that_the_password_of_a_disabled_account_was_right() {
    let old = hash_of_old().await;
    each_world_with(declaring(std::slice::from_ref(&old)), async |world| {
        let accounts = world.accounts.accounts();
        let alice = accounts.import(ALICE, &old, Default::default(), true).await.unwrap();
        let (id, along) = (alice.id(), Effects::none());
        assert!(world.store.disable_account(id, &along, world.clock.now()).await.unwrap());
        warm(&world, &world.store).await;
        let mut answers = Vec::new();
        for password in ["wrong password", PASSWORD] {
            let fields = [("email", ALICE), ("password", password)];
            let (page, cost) = cost(&mut world.browser(), "/login", &fields).await;
            let hashes: Vec<_> = cost.hashes().into_iter().map(str::to_owned).collect();
            answers.push((seen(&page, ALICE), hashes));
        }
        assert_eq!(answers[0].0.0, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answers[0].1, [VERIFIED, "verify $argon2id$v=19$m=128,t=2,p=1"]);
        assert_eq!(answers[0], answers[1]);
        assert!(world.store.enable_account(id, &along).await.unwrap());
        let fields = [("email", ALICE), ("password", PASSWORD)];
        let (page, cost) = cost(&mut world.browser(), "/login", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(cost.hashes().last(), Some(&VERIFIED.replace("verify", "hash").as_str()));
    })
    .await;
}

/// Signing up makes an account with a password that the visitor knows: that it is right must not
/// show, or whoever signs up and logs in has learned whether the address was free.
#[tokio::test(flavor = "multi_thread")]
async fn signing_up_and_logging_in_does_not_tell_whether_the_address_was_free() {
    let even = Duration::milliseconds(500);
    let policy = Policy { even_answers: even, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            world.user(ALICE).await;
            warm(&world, &world.store).await;
            let (mut free, mut taken) = (world.browser(), world.browser());
            let fields = |email| [("email", email), ("password", "another password")];
            for path in ["/register", "/login", "/login", "/login/link", "/login"] {
                let begun = tokio::time::Instant::now();
                let (new, new_cost) = cost(&mut free, path, &fields(NOBODY)).await;
                let took_new = begun.elapsed();
                let (old, old_cost) = cost(&mut taken, path, &fields(ALICE)).await;
                let took_old = begun.elapsed() - took_new;
                assert_eq!(seen(&new, NOBODY), seen(&old, ALICE), "{path}");
                assert_eq!(new_cost, old_cost, "{path}");
                assert!(took_new >= even && took_old >= even, "{took_new:?} {took_old:?}");
            }
            let sizes = |browser: &Browser| -> Vec<_> {
                browser.cookies.iter().map(|(name, value)| (name.clone(), value.len())).collect()
            };
            assert_eq!(sizes(&free), sizes(&taken));
            let mails = world.mails_to(NOBODY).await;
            assert!(mails.iter().any(|mail| mail.subject == "Confirm your email address"));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_looks_and_costs_the_same_for_a_taken_address() {
    each_world(async |world| {
        world.user(ALICE).await;
        warm(&world, &world.store).await;
        let mut browser = world.browser();
        let fields = |email| [("email", email), ("password", "another password")];
        let (fresh, fresh_cost) = cost(&mut browser.another(), "/register", &fields(NOBODY)).await;
        let (taken, taken_cost) = cost(&mut browser.another(), "/register", &fields(ALICE)).await;
        assert_eq!(seen(&fresh, NOBODY), seen(&taken, ALICE));
        assert_eq!(fresh_cost, taken_cost);
        assert_eq!(fresh_cost.transitions(), 1);

        // The owner is told, though not without end, and nothing has changed.
        for _ in 0..5 {
            let (again, again_cost) =
                cost(&mut browser.another(), "/register", &fields(ALICE)).await;
            assert_eq!(seen(&again, ALICE), seen(&taken, ALICE));
            assert_eq!(again_cost, taken_cost);
        }
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 3, "{mails:?}");
        assert_eq!(mails[0].subject, "You already have an account");
        let page = log_in(&mut browser, ALICE, "another password").await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_link_looks_and_costs_the_same_for_nobody_and_too_often() {
    each_world(async |world| {
        world.user(ALICE).await;
        warm(&world, &world.store).await;
        let browser = world.browser();
        for path in ["/forgot-password", "/confirm/resend", "/login/link"] {
            // Each in a browser that has asked for nothing yet.
            let fields = [("email", NOBODY)];
            let (nobody, nobody_cost) = cost(&mut browser.another(), path, &fields).await;
            for _ in 0..5 {
                let fields = [("email", ALICE)];
                let (page, page_cost) = cost(&mut browser.another(), path, &fields).await;
                assert_eq!(seen(&page, ALICE), seen(&nobody, NOBODY), "{path}");
                assert_eq!(page_cost, nobody_cost, "{path}");
            }
        }
        // Three of each kind; a confirmed address needs none to confirm it.
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 6, "{mails:?}");
        assert!(world.mails_to(NOBODY).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_refused_looks_and_costs_the_same_for_every_reason() {
    each_world(async |world| {
        let (waiting, worn_out) = ("waiting@example.test", "worn-out@example.test");
        world.user(ALICE).await;
        let mut browser = world.browser();
        for email in [waiting, worn_out] {
            let fields = [("email", email), ("password", PASSWORD)];
            browser.another().post("/register", &fields).await;
        }
        warm(&world, &world.store).await;
        for _ in 0..6 {
            browser.post("/confirm", &[("email", worn_out), ("code", "wrong")]).await;
        }
        let mut answers = Vec::new();
        for email in [NOBODY, ALICE, waiting, worn_out] {
            let fields = [("email", email), ("code", "no code")];
            let (page, cost) = cost(&mut browser, "/confirm", &fields).await;
            answers.push((email, seen(&page, email), cost));
        }
        let (_, first_seen, first_cost) = &answers[0];
        assert_eq!((first_seen.0, first_cost.transitions()), (StatusCode::UNPROCESSABLE_ENTITY, 2));
        for (email, seen, cost) in &answers {
            assert_eq!((seen, cost), (first_seen, first_cost), "{email}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_an_address_looks_and_costs_the_same_for_a_taken_one() {
    each_world(async |world| {
        let (taken, waiting) = ("taken@example.test", "waiting@example.test");
        world.user(taken).await;
        let fields = [("email", waiting), ("password", PASSWORD)];
        world.browser().post("/register", &fields).await;
        let mut answers = Vec::new();
        for (index, wanted) in [NOBODY, taken, waiting].into_iter().enumerate() {
            let email = format!("asks-{index}@example.test");
            world.user(&email).await;
            let mut browser = world.logged_in(&email).await;
            warm(&world, &world.store).await;
            let (page, asked) = cost(&mut browser, "/settings/email", &[("email", wanted)]).await;
            let told = browser.follow(page.clone()).await;
            let blotted = |page: &Page| {
                let (status, headers, body) = seen(page, wanted);
                (status, headers, body.replace(&email, "OWN"))
            };
            answers.push((wanted, blotted(&page), blotted(&told), asked));
        }
        let (_, first_seen, first_told, first_cost) = &answers[0];
        assert_eq!(first_seen.0, StatusCode::SEE_OTHER);
        assert_eq!(first_cost.transitions(), 1, "{first_cost:?}");
        for (wanted, seen, told, cost) in &answers {
            assert_eq!((seen, told, cost), (first_seen, first_told, first_cost), "{wanted}");
        }
        // Its owner is told; a link is mailed to whoever may prove that it is theirs.
        let mails = world.all_mails().await;
        let subjects = |email: &str| {
            let own = mails.iter().filter(|mail| mail.to == email);
            let mut own: Vec<_> = own.map(|mail| mail.subject.as_str()).collect();
            own.sort_unstable();
            own
        };
        assert_eq!(subjects(taken), ["This address already has an account"]);
        assert_eq!(subjects(NOBODY), ["Confirm your new email address"]);
        let both = ["Confirm your email address", "Confirm your new email address"];
        assert_eq!(subjects(waiting), both);
    })
    .await;
}

#[tokio::test]
async fn a_counted_login_is_the_same_for_an_address_in_another_spelling() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        for email in
            ["ALICE@example.test", " alice@EXAMPLE.test", "Alice@example.test", ALICE, ALICE]
        {
            log_in(&mut browser, email, "wrong password").await;
        }
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}
