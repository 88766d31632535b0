//! Tokens that were kept are revoked at the provider when they are forgotten.

use super::*;
use crate::account::world::PASSWORD;

const BOB: &str = "bob@example.test";
const FAKE: [(&str, &str); 1] = [("provider", "fake")];
const KIND: &str = "provider_token";

/// Bob, who is linked to somebody at the provider.
async fn linked(fake: &Fake, world: &World) -> Browser {
    world.user(BOB).await;
    let mut browser = world.logged_in(BOB).await;
    fake.provider.log_in(FakeUser::new("bob-1"));
    let page = browser.post("/settings/connections/link", &FAKE).await;
    let page = fake.come_back(&mut browser, &page).await;
    assert_eq!(browser.follow(page).await.url.query(), Some("notice=linked"));
    browser
}

async fn unlink(browser: &mut Browser) {
    let page = browser.post("/settings/connections/unlink", &FAKE).await;
    assert!(browser.follow(page).await.has("link-fake"));
}

async fn due(world: &World) -> u64 {
    world.accounts.provider_tokens().revoke_due().await.unwrap()
}

#[tokio::test]
async fn tokens_of_an_identity_that_is_unlinked_are_revoked_and_after_a_failure_again() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let mut browser = linked(&fake, &world).await;
        let (asked, before) = (fake.provider.requests("/revoke"), fake.provider.revoked().len());
        assert_eq!(due(&world).await, 0, "they are in use");
        unlink(&mut browser).await;
        assert_eq!(fake.provider.requests("/revoke"), asked, "nobody waits for the provider");
        fake.provider.answer_at("/revoke", 503, "{}");
        assert_eq!((due(&world).await, due(&world).await), (1, 0), "not at once again");
        fake.provider.mend("/revoke");
        fake.advance(&world, Duration::MINUTE);
        assert_eq!((due(&world).await, due(&world).await), (1, 0));
        let revoked = fake.provider.revoked().split_off(before);
        assert!(matches!(&*revoked, [token] if token.starts_with("refresh-")), "{revoked:?}");
        fake.advance(&world, Duration::DAY);
        assert_eq!(due(&world).await, 0);
        assert_eq!(fake.provider.requests("/revoke"), asked + 2);
    })
    .await;
}

#[tokio::test]
async fn tokens_of_an_account_that_is_deleted_are_revoked() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let mut browser = linked(&fake, &world).await;
        let before = fake.provider.revoked().len();
        let fields = [("confirm", "1"), ("password", PASSWORD)];
        let page = browser.post("/settings/delete", &fields).await;
        assert!(page.has("leaving"), "{}", page.body);
        assert_eq!(due(&world).await, 0, "the account may be kept yet");
        fake.advance(&world, Duration::days(14));
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
        assert_eq!(due(&world).await, 1);
        assert_eq!(fake.provider.revoked().len(), before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_processes_one_asks_and_what_a_killed_one_was_asking_is_asked_again() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let mut browser = linked(&fake, &world).await;
        unlink(&mut browser).await;
        let (asked, before) = (fake.provider.requests("/revoke"), fake.provider.revoked().len());
        fake.provider.keep_silent_at("/revoke");
        let tokens = world.accounts.provider_tokens();
        let killed = tokio::spawn(async move { tokens.revoke_due().await });
        while fake.provider.requests("/revoke") == asked {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        killed.abort();
        fake.provider.mend("/revoke");
        assert_eq!(due(&world).await, 0, "it is the other's yet");
        fake.advance(&world, Duration::minutes(5));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let tokens = world.accounts.provider_tokens();
            callers.spawn(async move { tokens.revoke_due().await.unwrap() });
        }
        assert_eq!(callers.join_all().await.iter().sum::<u64>(), 1);
        assert_eq!(fake.provider.revoked().len(), before + 1);
        assert_eq!(fake.provider.requests("/revoke"), asked + 2);
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_does_not_revoke_is_asked_so_often_and_no_more() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let mut browser = linked(&fake, &world).await;
        unlink(&mut browser).await;
        let asked = fake.provider.requests("/revoke");
        fake.provider.answer_at("/revoke", 401, r#"{"error":"invalid_client"}"#);
        for attempt in 1..=12 {
            assert_eq!(due(&world).await, 1, "{attempt}");
            fake.advance(&world, Duration::hours(6));
        }
        assert_eq!((due(&world).await, fake.provider.requests("/revoke")), (0, asked + 12));
        let dead = world.store.dead_letters(KIND, 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        let payload = String::from_utf8_lossy(dead[0].payload.as_bytes()).into_owned();
        assert!(!payload.contains("refresh-"), "it is sealed");
        // A token that is none any more is what was wanted.
        fake.provider.answer_at("/revoke", 400, r#"{"error":"invalid_token"}"#);
        world
            .store
            .revive_dead_letters(KIND, dead[0].created_at, dead[0].created_at, 1)
            .await
            .unwrap();
        assert_eq!((due(&world).await, due(&world).await), (1, 0));
        assert!(world.store.dead_letters(KIND, 10).await.unwrap().is_empty());
        fake.provider.mend("/revoke");
    })
    .await;
}

#[tokio::test]
async fn where_no_tokens_are_kept_nobody_is_asked() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = linked(&fake, &world).await;
        unlink(&mut browser).await;
        assert_eq!((due(&world).await, fake.provider.requests("/revoke")), (0, 0));
    })
    .await;
}
