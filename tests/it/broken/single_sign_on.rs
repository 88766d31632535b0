use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::{Account, OrganizationId, UserId};
use donjon::store::*;
use donjon::testing::contract;
use sqlx::{Connection as _, SqliteConnection};
use time::OffsetDateTime;

use super::account::never_yielding;
use super::{mfa, organization, passkey};
use crate::account::single_sign_on::store::parts;

/// Where the users of the kit's domains log in.
const DOOR: &str = "/saml/acme/login";

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells every organization that it has the domain.
    GivesADomainTwice,
    /// Tells everybody who takes a domain that they did.
    TakesTwice,
    /// Enforces whatever comes of it.
    LocksOut,
    /// Names whoever it is told to.
    NamesTheUnfit,
    /// Does not look at who asks.
    BelievesEverybody,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Lets any provider speak for a domain.
    LinksForAnyProvider,
    /// Takes every address of a domain for confirmed.
    LinksAnyAddress,
    /// Tells everybody who links an account that they did.
    LinksTwice,
    /// Links an account, and tells nobody.
    LinksInSilence,
    /// Ends everything whenever a domain is granted.
    EndsAnew,
    /// Takes the name from the last one who has it.
    UnnamesTheLast,
    /// Asks for passwords all the same.
    AsksForPasswords,
    /// Does without the app of the last owner who comes in by it.
    LosesTheApp,
    /// Does without the passkey of the last owner who comes in with it.
    LosesThePasskey,
    /// Lets the last owner go who comes in all the same.
    LosesTheOwner,
    /// Does something wrong in the database itself.
    Sql(&'static str),
}

/// Forgets the mode when the path changes.
const FORGETS_THE_MODE: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER UPDATE OF login_path ON donjon_sso_domains
     BEGIN UPDATE donjon_sso_domains SET mode = 'off' WHERE domain = new.domain; END",
);
/// Keeps the domains of organizations that are gone.
const KEEPS_DOMAINS: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE DELETE ON donjon_sso_domains WHEN EXISTS
         (SELECT 1 FROM donjon_organizations WHERE id = old.organization_id
          AND deleted_at IS NOT NULL)
     BEGIN SELECT RAISE(IGNORE); END",
);
/// Looks only at sessions that were there before.
const TRUSTS_NEW_SESSIONS: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_sessions
     WHEN new.authentication ->> 'login_path' IS NULL AND EXISTS
         (SELECT 1 FROM donjon_sso_domains d JOIN donjon_users u ON u.email_domain = d.domain
          WHERE u.id = new.user_id AND d.mode = 'enforced')
     BEGIN UPDATE donjon_sessions SET authentication =
         json_set(authentication, '$.login_path', '/saml/acme/login') WHERE id = new.id; END",
);
/// Takes one identity provider for another.
const BELIEVES_ANY_PROVIDER: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_sessions
     WHEN new.authentication ->> 'login_path' = '/saml/other/login'
     BEGIN UPDATE donjon_sessions SET authentication =
         json_set(authentication, '$.login_path', '/saml/acme/login') WHERE id = new.id; END",
);
/// Ends sessions without writing their events.
const FORGETS_THE_ENDS: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE INSERT ON donjon_session_events
     BEGIN SELECT RAISE(IGNORE); END",
);
/// Lets whoever was named once come in for ever.
const NEVER_FORGETS_A_NAME: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER UPDATE OF break_glass ON donjon_memberships
     WHEN old.break_glass AND NOT new.break_glass
     BEGIN UPDATE donjon_memberships SET break_glass = TRUE
         WHERE organization_id = new.organization_id AND user_id = new.user_id; END",
);

/// Takes an app for a proof of the address.
const CONFIRMS_BY_THE_APP: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_totp
     BEGIN UPDATE donjon_users SET email_verified = TRUE WHERE id = new.user_id; END",
);
/// Takes every token for one that was made by the provider's users.
const FORGETS_WHERE_TOKENS_COME_FROM: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_api_tokens WHEN new.login_path = ''
     BEGIN UPDATE donjon_api_tokens SET login_path = '/saml/acme/login' WHERE id = new.id; END",
);
/// Refuses tokens as long as it is enforced.
const SUSPENDS_TOKENS: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE UPDATE OF revoked_at ON donjon_api_tokens
     WHEN old.login_path = '' BEGIN SELECT RAISE(IGNORE); END",
);
/// Ends what rests on sessions, and nothing else.
const FORGETS_OFFLINE_ACCESS: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE INSERT ON donjon_session_events
     WHEN new.reason = 'single_sign_on' BEGIN SELECT RAISE(IGNORE); END",
);
/// Ends what came by the provider, too.
const SPARES_NOBODY: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_session_events WHEN new.spares IS NOT NULL
     BEGIN UPDATE donjon_session_events SET spares = NULL WHERE sequence = new.sequence; END",
);
/// Takes what is granted after the enforcement for what came by the provider.
const BELIEVES_WHO_IS_LATE: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_provider_grants
     WHEN new.authenticated_at > 1728000000000000
     BEGIN UPDATE donjon_provider_grants SET document =
         json_set(document, '$.authentication.login_path', '/saml/acme/login') WHERE id = new.id; END",
);
/// Refuses what was granted after the enforcement as long as it is enforced.
const SUSPENDS_GRANTS: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE UPDATE OF revoked_at ON donjon_provider_grants
     WHEN old.authenticated_at > 1728000000000000 BEGIN SELECT RAISE(IGNORE); END",
);
/// Leaves it to the next request to see that the path is another.
const MOVES_LAZILY: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE DELETE ON donjon_sessions
     WHEN old.authentication ->> 'login_path' = '/saml/acme/login'
     BEGIN SELECT RAISE(IGNORE); END",
);
/// Leaves it to the next request to see that somebody is not named any more.
const UNNAMES_LAZILY: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE DELETE ON donjon_sessions
     WHEN old.authentication ->> 'login_path' = 'break-glass'
         AND EXISTS (SELECT 1 FROM donjon_memberships WHERE user_id = old.user_id)
     BEGIN SELECT RAISE(IGNORE); END",
);
/// Leaves it to the next request to see that somebody is no member any more.
const REMOVES_LAZILY: Fault = Fault::Sql(
    "CREATE TRIGGER broken BEFORE DELETE ON donjon_sessions
     WHEN old.authentication ->> 'login_path' = 'break-glass'
         AND NOT EXISTS (SELECT 1 FROM donjon_memberships WHERE user_id = old.user_id)
     BEGIN SELECT RAISE(IGNORE); END",
);
/// Forgets who leads an impersonation.
const FORGETS_WHO_LEADS: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER INSERT ON donjon_impersonations
     BEGIN DELETE FROM donjon_impersonations WHERE session_id = new.session_id; END",
);
/// Takes the last name with the last but one.
const UNNAMES_TWO: Fault = Fault::Sql(
    "CREATE TRIGGER broken AFTER UPDATE OF break_glass ON donjon_memberships
     WHEN old.break_glass AND NOT new.break_glass AND 4 <
         (SELECT count(*) FROM donjon_memberships WHERE organization_id = new.organization_id)
     BEGIN UPDATE donjon_memberships SET break_glass = FALSE
         WHERE organization_id = new.organization_id AND 1 =
             (SELECT count(*) FROM donjon_memberships
              WHERE organization_id = new.organization_id AND break_glass); END",
);

#[derive(Debug)]
struct Broken {
    good: Arc<dyn SsoStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn by<'a>(&self, by: Option<&'a Authority>) -> Option<&'a Authority> {
        by.filter(|_| !self.is(Fault::BelievesEverybody))
    }
}

#[async_trait]
impl SsoStore for Broken {
    async fn grant_domain(&self, domain: &SsoDomain, along: &Effects) -> Result<DomainGrant> {
        let known = self.good.sso_of(&domain.domain).await?;
        if self.is(Fault::EndsAnew) && known.is_some_and(|it| it.login_path == domain.login_path) {
            let other = SsoDomain { login_path: "/elsewhere".to_owned(), ..domain.clone() };
            self.good.grant_domain(&other, &Effects::none()).await?;
        }
        let told = self.good.grant_domain(domain, along).await?;
        let lies = self.is(Fault::GivesADomainTwice) && told == DomainGrant::Taken;
        Ok(if lies { DomainGrant::Granted } else { told })
    }

    async fn withdraw_domain(
        &self,
        organization: OrganizationId,
        domain: &str,
        along: &Effects,
    ) -> Result<bool> {
        let told = self.good.withdraw_domain(organization, domain, along).await?;
        Ok(told || self.is(Fault::TakesTwice))
    }

    async fn sso_of(&self, domain: &str) -> Result<Option<SsoDomain>> {
        self.good.sso_of(domain).await
    }

    async fn sso_domains(&self, organization: OrganizationId) -> Result<Vec<SsoDomain>> {
        self.good.sso_domains(organization).await
    }

    async fn change_sso(
        &self,
        new: &NewSsoMode,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<SsoChange> {
        let mut new = new.clone();
        if self.is(Fault::LocksOut) {
            new.came_by = Some(DOOR.to_owned());
        }
        let along = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        self.good.change_sso(&new, self.by(by), along).await
    }

    async fn name_break_glass(
        &self,
        whom: (OrganizationId, &UserId),
        named: bool,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<BreakGlassChange> {
        let told = self.good.name_break_glass(whom, named, self.by(by), along, now).await?;
        let lies = match told {
            BreakGlassChange::Unfit => self.is(Fault::NamesTheUnfit),
            BreakGlassChange::LastToComeIn => self.is(Fault::UnnamesTheLast),
            _ => false,
        };
        Ok(if lies { BreakGlassChange::Done } else { told })
    }

    async fn link_by_domain(
        &self,
        to: (&UserId, &str),
        login_path: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<Linking> {
        let path = if self.is(Fault::LinksForAnyProvider) { DOOR } else { login_path };
        let none = Effects::none();
        let along = if self.is(Fault::LinksInSilence) { &none } else { along };
        let told = self.good.link_by_domain(to, path, identity, along).await?;
        let domain = to.1.rsplit('@').next().unwrap_or_default();
        let enforced = self.good.sso_of(domain).await?;
        let enforced =
            enforced.is_some_and(|d| d.mode == SsoMode::Enforced && d.login_path == path);
        let lies = (self.is(Fault::LinksTwice) && told == Linking::Another)
            || (self.is(Fault::LinksAnyAddress) && told == Linking::Gone && enforced);
        Ok(if lies { Linking::Linked } else { told })
    }

    async fn break_glass_of(&self, organization: OrganizationId) -> Result<Vec<Account>> {
        self.good.break_glass_of(organization).await
    }

    async fn owners_of(&self, organization: OrganizationId) -> Result<Vec<Account>> {
        self.good.owners_of(organization).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_single_sign_on_breaks() {
    for (fault, rule) in [
        (Fault::GivesADomainTwice, "a domain belongs to one organization"),
        (FORGETS_THE_MODE, "a domain that is granted again keeps its mode"),
        (Fault::TakesTwice, "a domain is taken from its organization once"),
        (KEEPS_DOMAINS, "what an organization has enforced ends with it"),
        (TRUSTS_NEW_SESSIONS, "no session outlives the enforcement, however fast it is written"),
        (BELIEVES_ANY_PROVIDER, "where single sign-on is enforced, only its login opens anything"),
        (FORGETS_THE_ENDS, "sessions that open nothing any more end, with their events"),
        (
            Fault::AsksForPasswords,
            "a login that yields asks for no password of an enforced domain, and counts none",
        ),
        (Fault::LocksOut, "to enforce single sign-on takes somebody who comes in afterwards"),
        (Fault::NamesTheUnfit, "naming takes both factors"),
        (CONFIRMS_BY_THE_APP, "naming takes a confirmed address"),
        (
            FORGETS_WHERE_TOKENS_COME_FROM,
            "an API token counts as the session does that it was made in",
        ),
        (SUSPENDS_TOKENS, "an API token that single sign-on ended does not come back"),
        (
            FORGETS_OFFLINE_ACCESS,
            "grants end with the enforcement, but for those by the domain's login",
        ),
        (SPARES_NOBODY, "grants end with the enforcement, but for those by the domain's login"),
        (BELIEVES_WHO_IS_LATE, "what a login under way has granted ends with the enforcement"),
        (SUSPENDS_GRANTS, "what a login under way has granted ends with the enforcement"),
        (MOVES_LAZILY, "another path for an enforced domain ends what came by the old one"),
        (Fault::EndsAnew, "a domain that is granted again as it is ends nothing"),
        (UNNAMES_LAZILY, "who is named no more loses what came so, with its events"),
        (REMOVES_LAZILY, "who is removed and was named loses what came so, with its events"),
        (FORGETS_WHO_LEADS, "nobody acts as a user from a session that is let in no more"),
        (Fault::UnnamesTheLast, "the last owner who comes in all the same stays named"),
        (Fault::LosesTheApp, "the last owner who comes in all the same keeps the app"),
        (Fault::LosesThePasskey, "the last owner who comes in all the same keeps a passkey"),
        (Fault::LosesTheOwner, "the last owner who comes in all the same stays one"),
        (UNNAMES_TWO, "of the owners who come in all the same one stays, whoever is first"),
        (
            NEVER_FORGETS_A_NAME,
            "a member comes in all the same while they are named, and nobody else",
        ),
        (
            Fault::BelievesEverybody,
            "single sign-on is changed by those who may, at that very moment",
        ),
        (
            Fault::LinksAnyAddress,
            "whoever owns a domain speaks for confirmed addresses in it, and no others",
        ),
        (Fault::LinksForAnyProvider, "only a provider that is enforced speaks for a domain"),
        (Fault::LinksTwice, "of those who link an account by its domain, one does"),
        (Fault::LinksInSilence, "what goes along with a link of a domain is written"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along with single sign-on is written if it was changed",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", directory.path().join("broken.db").display());
        let store = SqlStore::connect(&file).await.unwrap();
        if let Fault::Sql(trigger) = fault {
            let mut connection = SqliteConnection::connect(&file).await.unwrap();
            sqlx::query(trigger).execute(&mut connection).await.unwrap();
        }
        let mut parts = parts(&store);
        parts.store = Arc::new(Broken { good: (&store).into(), fault });
        match fault {
            Fault::AsksForPasswords => parts.users = never_yielding((&store).into()),
            Fault::LosesTheApp => parts.factors = mfa::letting_go((&store).into()),
            Fault::LosesThePasskey => parts.passkeys = passkey::letting_go((&store).into()),
            Fault::LosesTheOwner => parts.organizations = organization::letting_go(&store),
            _ => {}
        }
        let seen = contract::single_sign_on(parts).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
