//! Nothing lives in a process: another one goes on, and the store is asked little.

use donjon::provider::Client;

use super::world::{World, client, clients, each_world};
use crate::support::statements::counted;

/// Another process over the same store, with these clients in its configuration.
async fn another(world: &World, clients: Vec<Client>) -> World {
    World::new(world.store.clone(), clients, |builder| builder).await
}

#[tokio::test]
async fn another_process_goes_on_where_the_first_one_was() {
    each_world(async |first| {
        let second = another(&first, clients()).await;
        let mut browser = first.browser();
        let return_to = browser.authorize(&[]).await.return_to();
        second.log_in(&mut browser, "alice");
        browser.served_by(&second);
        let page = browser.consent_page(&return_to).await;
        browser.served_by(&first);
        let code = browser.press(&page, "approve").await.code();
        browser.served_by(&second);
        assert_eq!(browser.press(&page, "approve").await.code(), code);
        browser.authorize(&[("prompt", "none")]).await.code();
    })
    .await;
}

#[tokio::test]
async fn what_the_client_lost_meanwhile_is_not_redirected_to() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;

        let gone = another(&world, vec![client("web", |_| {})]).await;
        browser.served_by(&gone);
        assert_eq!(browser.get(&page.path).await.page_error(), "invalid_client");
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_client");

        let elsewhere = vec![client("spa", |client| {
            client.redirect_uris = vec!["https://client.example/new".into()];
        })];
        browser.served_by(&another(&world, elsewhere).await);
        assert_eq!(browser.get(&page.path).await.page_error(), "invalid_request");
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_request");
        assert_eq!(browser.press(&page, "deny").await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn an_authorization_is_one_read_and_one_write() {
    each_world(async |world| {
        // The first write opens a connection.
        let mut warm = world.browser_of("bob");
        let page = warm.authorize_to_consent(&[]).await;
        warm.press(&page, "approve").await.code();

        let mut browser = world.browser();
        let (answer, asked) = counted(browser.authorize(&[])).await;
        assert_eq!((asked.reads(), asked.transitions()), (0, 0), "{asked:?}");
        world.log_in(&mut browser, "alice");
        let (page, shown) = counted(browser.consent_page(&answer.return_to())).await;
        assert_eq!((shown.reads(), shown.transitions()), (1, 0), "{shown:?}");
        let (answer, approved) = counted(browser.press(&page, "approve")).await;
        answer.code();
        assert_eq!((approved.reads(), approved.transitions()), (0, 1), "{approved:?}");

        let (answer, silent) = counted(browser.authorize(&[("prompt", "none")])).await;
        answer.code();
        assert_eq!((silent.reads(), silent.transitions()), (1, 1), "{silent:?}");
    })
    .await;
}
