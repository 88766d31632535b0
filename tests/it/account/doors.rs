//! Other ways to log in, as links on the login page.

use donjon::account::{AccountLayer, BuildError, OtherLogin};
use donjon::crypto::{Keyring, SystemRandom};

use super::world::{ORIGIN, each_world_with};
use crate::support::database::Database;

#[tokio::test]
async fn the_other_doors_keep_the_trip_and_never_lead_away() {
    let doors = [OtherLogin::new("Acme", "/saml/acme/login"), OtherLogin::new("Globex & Co", "/g")];
    each_world_with(
        |builder| builder.other_logins(doors.clone()),
        async |world| {
            let mut browser = world.browser();
            let trip = "return_to=%2Foauth%2Finteractions%2Fi-1%3Fa%3Db%26c&interaction_id=i-1";
            let page = browser.get(&format!("/login?{trip}")).await;
            assert_eq!(page.link("Log in with Acme"), format!("/saml/acme/login?{trip}"));
            assert_eq!(page.link("Log in with Globex & Co"), format!("/g?{trip}"));
            let refused = browser.submit(&page, &[("email", "a"), ("password", "b")]).await;
            assert_eq!(refused.link("Log in with Acme"), format!("/saml/acme/login?{trip}"));

            for evil in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "/%09/evil"]
            {
                let page = browser.get(&format!("/login?return_to={evil}")).await;
                assert_eq!(page.link("Log in with Acme"), "/saml/acme/login", "{evil}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_door_that_is_no_path_of_this_host_is_refused() {
    let store = Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    for bad in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "login", "/a?b", "/a b"]
    {
        let doors = [OtherLogin::new("Evil", bad)];
        let built = AccountLayer::builder(&store, &keyring, ORIGIN).other_logins(doors).build();
        assert!(matches!(built, Err(BuildError::Path(path)) if path == bad), "{bad}");
    }
}
