//! Providers that speak for nobody's domain are nowhere to send the users of one.

use donjon::account::organization::OrganizationError;
use donjon::account::social::Tenant;
use donjon::account::{AdminAct, AdminAuthorizer};
use donjon::scope::{Account, CurrentScope};
use donjon::store::{Effects, Organization, SsoDomain, SsoMode};
use http::StatusCode;

use super::*;
use crate::account::single_sign_on::{BOB, DOMAIN, OLGA, acme, with_sso};

const WHY: &str = "who belongs to a domain";

/// Bob may everything.
#[derive(Debug)]
struct Bob;

#[async_trait::async_trait]
impl AdminAuthorizer for Bob {
    async fn may(&self, who: &CurrentScope, _: AdminAct, _: Option<&Account>) -> bool {
        who.account().and_then(Account::email) == Some(BOB)
    }

    async fn may_in(&self, who: &CurrentScope, act: AdminAct, _: &Organization) -> bool {
        self.may(who, act, None).await
    }
}

/// Tells the story on each database, with providers of every kind.
async fn each_world(story: impl AsyncFn(World)) {
    let acme = |id: &str| Provider::openid(id, "Acme", "https://id.acme.example", "client");
    let tenant = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let providers = [
        Provider::github("client", "secret"),
        Provider::facebook("client", "secret"),
        Provider::microsoft(Tenant::Organizations, "client", "secret"),
        Provider::microsoft(Tenant::Only(tenant.into()), "client", "secret").called("one", "One"),
        Provider::google("client", "secret"),
        acme("unknown"),
        acme("trusted").trust_email(),
        Provider::openid("mailed", "Mailed", "https://appleid.apple.com", "client").trust_email(),
    ];
    let change = |builder: AccountLayerBuilder| {
        with_sso(builder).social(Social::new(providers.clone())).administrators(Bob)
    };
    each_world_with(change, story).await;
}

#[tokio::test]
async fn a_domain_is_not_given_to_a_login_that_speaks_for_none() {
    each_world(async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        let mut bob = world.logged_in(BOB).await;
        let at = format!("/admin/organizations/{}", id.0);
        for (provider, speaks) in [
            ("github", false),
            ("facebook", false),
            ("microsoft", false),
            ("one", true),
            ("google", true),
            ("unknown", false),
            ("trusted", true),
            ("mailed", false),
            // Not one of these.
            ("github/elsewhere", true),
        ] {
            let path = format!("/login/with/{provider}");
            let told = organizations.grant_domain(id, DOMAIN, &path).await;
            let refused = matches!(told, Err(OrganizationError::LoginWithoutDomains(_)));
            assert_eq!((told.is_ok(), refused), (speaks, !speaks), "{provider}: {told:?}");
            let fields = [("domain", DOMAIN), ("login_path", path.as_str())];
            let page = bob.post(&format!("{at}/grant-domain"), &fields).await;
            assert_eq!(page.status == StatusCode::UNPROCESSABLE_ENTITY, !speaks, "{provider}");
            assert_eq!(page.body.contains(WHY), !speaks, "{provider}: {}", page.body);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_to_a_login_that_speaks_for_no_domain_and_nowhere_else() {
    each_world(async |world| {
        let id = acme(&world).await;
        let organizations = world.accounts.organizations();
        // As it may stand in a store from before.
        let domain = SsoDomain {
            domain: DOMAIN.into(),
            organization: id,
            login_path: "/login/with/github".into(),
            mode: SsoMode::Off,
            created_at: donjon::crypto::Clock::now(&*world.clock),
        };
        world.store.grant_domain(&domain, &Effects::none()).await.unwrap();
        let told = organizations.set_single_sign_on(id, DOMAIN, SsoMode::Enforced).await;
        assert!(matches!(told, Err(OrganizationError::LoginWithoutDomains(_))), "{told:?}");
        let mut olga = world.logged_in(OLGA).await;
        let settings = "/settings/organizations/acme/single-sign-on";
        let page = olga.post(settings, &[("domain", DOMAIN), ("mode", "enforced")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(WHY), "{}", page.body);
        let found = organizations.domains(id).await.unwrap();
        assert!(found.iter().all(|found| found.mode == SsoMode::Off), "{found:?}");
        // Nobody is kept from the way back.
        let page = olga.post(settings, &[("domain", DOMAIN), ("mode", "offered")]).await;
        assert!(page.location().is_some(), "{}", page.body);
        organizations.set_single_sign_on(id, DOMAIN, SsoMode::Off).await.unwrap();
    })
    .await;
}
