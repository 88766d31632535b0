//! Microsoft: an issuer for each tenant, and addresses that any administrator writes.

use donjon::account::social::Tenant;
use serde_json::{Value, json};

use super::single_sign_on::enforced_here;
use super::*;
use crate::account::single_sign_on::{BOB, with_sso};
use crate::account::world::each_world_with;

const ACME: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const EVIL: &str = "0f0e0d0c-0b0a-4909-8807-060504030201";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Accounts that know the fake one as Microsoft, which publishes at `path` that `id` issues.
fn microsoft(
    fake: &Fake,
    builder: AccountLayerBuilder,
    (tenant, path, id): (&Tenant, &str, &str),
) -> AccountLayerBuilder {
    let at = fake.provider.issuer();
    let document = json!({
        "issuer": format!("{at}/{id}/v2.0"),
        "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/jwks"),
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    });
    let found_at = format!("/{path}/v2.0/.well-known/openid-configuration");
    fake.provider.answer_at(&found_at, 200, document.to_string());
    let client = Provider::microsoft_at(&at, tenant.clone(), "fake-client", "fake-secret");
    fake.known_as(builder, |_| client.clone().called("fake", "Fake"))
}

/// Tokens are this tenant's from now on, and say this of whoever logs in.
fn issue(fake: &Fake, tenant: &'static str, more: Value) {
    let iss = format!("{}/{tenant}/v2.0", fake.provider.issuer());
    fake.provider.change_claims(move |claims| {
        claims.insert("iss".into(), json!(iss));
        claims.insert("tid".into(), json!(tenant));
        claims.extend(more.as_object().cloned().unwrap_or_default());
    });
}

/// A browser goes to the provider, and comes back with an answer in the name of this issuer, or none.
async fn arrive_as(fake: &Fake, world: &World, user: FakeUser, iss: Option<&str>) -> Page {
    fake.provider.log_in(user);
    let mut browser = world.browser();
    let page = browser.get(BEGIN).await;
    let answer = fake.provider.approve(page.location().unwrap().as_str()).unwrap();
    let mut callback = url::Url::parse(&answer).unwrap();
    let said: Vec<_> = callback.query_pairs().into_owned().collect();
    let rest = said.into_iter().filter(|(name, _)| name != "iss");
    callback.query_pairs_mut().clear().extend_pairs(rest);
    if let Some(iss) = iss {
        callback.query_pairs_mut().append_pair("iss", iss);
    }
    let page = browser.get(callback.as_str()).await;
    browser.follow(page).await
}

#[tokio::test]
async fn an_answer_of_microsoft_is_in_the_name_of_the_tenant_whose_token_it_brings() {
    let fake = Fake::start().await;
    let at = |id: &str| format!("{}/{id}/v2.0", fake.provider.issuer());
    let acme = Tenant::Only(ACME.to_owned());
    for (tenant, path, id, evil) in [
        (Tenant::Any, "common", "{tenantid}", "id_token"),
        (Tenant::Organizations, "organizations", "{tenantid}", "id_token"),
        (acme, ACME, ACME, "wrong_issuer"),
    ] {
        each_world_with(
            |builder| microsoft(&fake, builder, (&tenant, path, id)),
            async |world| {
                issue(&fake, ACME, json!({}));
                for own in [Some(at(ACME)), None] {
                    let user = FakeUser::new("alice-1");
                    let page = arrive_as(&fake, &world, user, own.as_deref()).await;
                    assert_eq!(page.url.path(), format!("{BEGIN}/email"), "{own:?} {}", page.url);
                }
                // The answer of one tenant with the code of another; of nobody; of somebody else.
                let mut expected = vec![evil];
                let mut others = vec![at(EVIL)];
                for other in
                    [at(path), at("{tenantid}"), at("common"), at(""), fake.provider.issuer()]
                {
                    if other != at(ACME) {
                        others.push(other);
                        expected.push("wrong_issuer");
                    }
                }
                others.push("https://evil.example".to_owned());
                expected.push("wrong_issuer");
                for other in others {
                    let user = FakeUser::new("alice-1");
                    let page = arrive_as(&fake, &world, user, Some(&other)).await;
                    assert_eq!(page.url.query(), Some("notice=provider-failed"), "{other}");
                }
                expected.sort_unstable();
                assert_eq!(refusals(&world).await, expected, "{tenant:?}");
            },
        )
        .await;
    }
}

/// Whoever runs a tenant writes any address into a user's profile ("nOAuth"); and whoever has a
/// personal account, or is a guest, has one that was mailed to.
#[tokio::test]
async fn nobody_comes_into_a_domain_from_a_tenant_that_is_not_its_own() {
    let fake = Fake::start().await;
    let acme = Tenant::Only(ACME.to_owned());
    let mailed = json!({"xms_edov": true});
    let guest = json!({"xms_edov": true, "idp": "live.com"});
    let silent = json!({});
    for (tenant, path, id, attacks) in [
        (
            Tenant::Any,
            "common",
            "{tenantid}",
            vec![(EVIL, &silent), (EVIL, &mailed), (PERSONAL, &mailed), (ACME, &guest)],
        ),
        (acme, ACME, ACME, vec![(ACME, &silent), (ACME, &guest)]),
    ] {
        each_world_with(
            |builder| with_sso(microsoft(&fake, builder, (&tenant, path, id))),
            async |world| {
                enforced_here(&world).await;
                let accounts = world.accounts.accounts();
                for &(from, claims) in &attacks {
                    issue(&fake, from, claims.clone());
                    for email in [BOB, "new@acme.example"] {
                        let user = FakeUser::new("mallory-1").with_email(email, true);
                        let page = arrive_as(&fake, &world, user, None).await;
                        let asked = page.url.path() == format!("{BEGIN}/email");
                        let told = page.body.contains("account that it gave you");
                        let vouched = claims.get("xms_edov").is_some();
                        assert_eq!((asked, told), (!vouched, vouched), "{claims} {}", page.url);
                    }
                }
                assert!(accounts.find_by_email("new@acme.example").await.unwrap().is_none());
                let bob = accounts.find_by_email(BOB).await.unwrap().unwrap();
                let ways = world.store.ways_in(bob.id(), &open_ways()).await.unwrap();
                assert!(ways.identities.is_empty());
                // The tenant's own user, where nobody else may come.
                issue(&fake, ACME, mailed.clone());
                let user = FakeUser::new("bob-1").with_email(BOB, true);
                let page = arrive_as(&fake, &world, user, None).await;
                let comes_in = page.body == greeting(BOB);
                assert_eq!(comes_in, tenant != Tenant::Any, "{}", page.body);
            },
        )
        .await;
    }
}
