//! Transitions that end several sessions: two of them wait for each other, and not in a circle; what
//! the database undoes all the same is done again.

use donjon::crypto::{RandomExt as _, Redacted, SystemRandom};
use donjon::scope::{Account, OrganizationId, SessionEnd, UserId};
use donjon::store::*;
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{connection, is_waited_for, postgres, run};
use crate::support::statements::{Statements, counted};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LATER: i64 = 3_600_000_000;
const SESSIONS: i64 = 1500;
const ROUNDS: usize = 6;
const LIMIT: RateLimit = RateLimit { times: 1000, window: Duration::HOUR };

/// Writes sessions whose ids fall while their rows follow each other.
async fn write_sessions(connection: &mut PgConnection, user: &UserId, organization: Uuid) {
    sqlx::query(
        "INSERT INTO donjon_sessions (id, token_hash, user_id, data_id, remembered, created_at,
             last_active_at, expires_at, organization_id)
         SELECT CAST(lpad(to_hex($3 - n), 32, '0') AS UUID), decode(md5($1 || n), 'hex'), $1,
             CAST(md5($1 || n) AS UUID), TRUE, 0, n, $4, $2
         FROM generate_series(1, $3) AS n",
    )
    .bind(user.as_str())
    .bind(organization)
    .bind(SESSIONS)
    .bind(LATER)
    .execute(connection)
    .await
    .unwrap();
}

fn email_of(user: &UserId) -> String {
    format!("{user}@example.test")
}

/// A user whose address nobody has confirmed.
async fn write_user(store: &SqlStore) -> UserId {
    let id = UserId::from(SystemRandom.uuid_v7(NOW));
    let account = Account::new(id.clone()).with_email(email_of(&id), false);
    let user = NewUser { account, password: None, created_at: NOW };
    store.create_user(&user, &Effects::none()).await.unwrap();
    id
}

async fn write_organization(store: &SqlStore, owner: &UserId) -> OrganizationId {
    let id = OrganizationId(SystemRandom.uuid_v7(NOW));
    let slug = format!("o{}", id.0.simple());
    let name = "Initech".to_owned();
    let new = NewOrganization { id, slug, name, owner: owner.clone(), created_at: NOW };
    store.create_organization(&new, None, &Effects::none()).await.unwrap();
    id
}

async fn mail_link(store: &SqlStore, user: &UserId, purpose: LinkPurpose) -> FollowedLink {
    let token = SystemRandom.token().hash();
    let expires_at = NOW + Duration::HOUR;
    let (key, effects) = (LinkKey::from_bytes([0; 32]), Effects::none());
    let link = NewLink { purpose, token, key, code: None, expires_at, effects };
    let email = email_of(user);
    store.request_link(&email, &link, LIMIT, NOW).await.unwrap();
    FollowedLink { token, user: user.clone(), email }
}

/// What ends sessions, or changes all of them.
#[derive(Clone, Copy, Debug)]
enum Ending {
    MustChangePassword,
    Reset,
    LinkTakesOver,
    IdentityTakesOver,
    Disable,
    OrganizationGoes,
}

const ENDINGS: [Ending; 6] = [
    Ending::MustChangePassword,
    Ending::Reset,
    Ending::LinkTakesOver,
    Ending::IdentityTakesOver,
    Ending::Disable,
    Ending::OrganizationGoes,
];

impl Ending {
    /// Makes it ready; it begins when it is waited for.
    async fn of<'s>(
        self,
        store: &'s SqlStore,
        user: &'s UserId,
        organization: OrganizationId,
    ) -> BoxFuture<'s, Result<bool>> {
        match self {
            Self::MustChangePassword => {
                Box::pin(
                    async move { store.require_password_change(user, &Effects::none(), NOW).await },
                )
            }
            Self::Reset => {
                let token = mail_link(store, user, LinkPurpose::Reset).await;
                Box::pin(async move {
                    let password = Redacted("$argon2id$new".to_owned());
                    let none = Effects::none();
                    let told = store.reset_password(&token, &password, &none, NOW).await?;
                    Ok(told != PasswordReset::Invalid)
                })
            }
            Self::LinkTakesOver => {
                let token = mail_link(store, user, LinkPurpose::Login).await;
                Box::pin(async move {
                    let login = LinkLogin { epoch: 0, session: None, takes_over: true };
                    let none = Effects::none();
                    let told = store.complete_link_login(&token, login, &none, NOW).await?;
                    Ok(told != LinkUse::Invalid)
                })
            }
            Self::IdentityTakesOver => Box::pin(async move {
                let identity = NewIdentity {
                    provider: "acme".to_owned(),
                    subject: user.to_string(),
                    email: None,
                    name: None,
                    tokens: None,
                    at: NOW,
                };
                let (email, none) = (email_of(user), Effects::none());
                let told = store.take_over_with_identity(user, &email, &identity, &none).await?;
                Ok(told == IdentityRegistration::Registered)
            }),
            Self::Disable => {
                Box::pin(async move { store.disable_account(user, &Effects::none(), NOW).await })
            }
            Self::OrganizationGoes => Box::pin(async move {
                let none = Effects::none();
                let told = store.delete_organization(organization, None, &none, NOW).await?;
                Ok(told == OrganizationChange::Done)
            }),
        }
    }
}

/// A user with sessions, in an organization with nobody else.
async fn write_all(store: &SqlStore, connection: &mut PgConnection) -> (UserId, OrganizationId) {
    let user = write_user(store).await;
    let organization = write_organization(store, &user).await;
    write_sessions(connection, &user, organization.0).await;
    (user, organization)
}

/// Ends them in two ways, one after the other or at once; answers how many statements it took.
async fn end_twice(
    store: &SqlStore,
    (user, organization): (UserId, OrganizationId),
    (ending, at_once): (Ending, bool),
) -> Result<usize> {
    let (none, end) = (Effects::none(), SessionEnd::SignedOutEverywhere);
    let one = ending.of(store, &user, organization).await;
    let other = store.end_sessions_along(&user, None, end, &none, NOW);
    let (done, Statements(statements)) = counted(async {
        match at_once {
            true => tokio::join!(one, other),
            false => (one.await, other.await),
        }
    })
    .await;
    // At once, either may find that there is nothing left to do.
    assert!(done.0? || at_once, "{ending:?}");
    done.1?;
    assert!(store.sessions_of(&user, NOW).await?.is_empty(), "{ending:?}");
    Ok(statements.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_end_the_same_sessions_do_not_wait_in_a_circle() {
    let Some((database, store)) = postgres().await else { return };
    let mut connection = connection(&database).await;
    for ending in ENDINGS {
        let all = write_all(&store, &mut connection).await;
        let alone = end_twice(&store, all, (ending, false)).await.unwrap();
        for round in 0..ROUNDS {
            let all = write_all(&store, &mut connection).await;
            let at_once = end_twice(&store, all, (ending, true)).await;
            // Nothing was undone, and so nothing was sent twice.
            assert_eq!(at_once.unwrap(), alone, "{ending:?}, round {round}");
        }
    }
}

/// The circle is closed by hand; the store is the one of the two that the database gives up.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_that_the_database_undoes_is_done_again() {
    let Some((database, store)) = postgres().await else { return };
    let mut other = connection(&database).await;
    for alone in [true, false] {
        let (user, _) = write_all(&store, &mut other).await;
        let token = mail_link(&store, &user, LinkPurpose::Confirm).await;
        // One statement that stands alone, and several in a transaction.
        let locks = match alone {
            true => [
                format!("SELECT 1 FROM donjon_links WHERE user_id = '{user}' FOR UPDATE"),
                format!("SELECT 1 FROM donjon_users WHERE id = '{user}' FOR UPDATE"),
            ],
            false => [SESSIONS - 1, 0].map(lock),
        };
        run(&mut other, "BEGIN; SET LOCAL deadlock_timeout = '60s'").await;
        run(&mut other, &locks[0]).await;
        let asked = tokio::spawn({
            let (store, none) = (store.clone(), Effects::none());
            async move {
                match alone {
                    true => {
                        let used = store.confirm_email(&token, &none, NOW).await?;
                        Ok(used != LinkUse::Invalid)
                    }
                    false => store.require_password_change(&user, &none, NOW).await,
                }
            }
        });
        is_waited_for(&mut other).await;
        run(&mut other, &locks[1]).await;
        run(&mut other, "COMMIT").await;
        let told: Result<bool> = asked.await.unwrap();
        assert!(told.unwrap(), "alone: {alone}");
        run(&mut other, "DELETE FROM donjon_sessions").await;
    }
}

/// Locks one of the sessions.
fn lock(number: i64) -> String {
    let id = Uuid::from_u128(u128::try_from(number).unwrap());
    format!("SELECT id FROM donjon_sessions WHERE id = '{id}' FOR UPDATE")
}
