//! Logins that are overtaken before they are through: by a reset of the password, over a store of
//! sessions that then fails; by somebody who confirms the address.

use std::sync::Arc;

use async_trait::async_trait;
use donjon::account::AccountLayer;
use donjon::account::password::HashCost;
use donjon::crypto::{Keyring, RandomExt as _, Redacted, Sealed, SystemRandom, TokenHash};
use donjon::delivery::{Mailbox, Worker};
use donjon::scope::{Account, SessionEnd, SessionEvent, SessionId, UserId};
use donjon::session::SessionLayer;
use donjon::store::*;
use http::StatusCode;
use time::{Duration, OffsetDateTime};
use tower::{Layer as _, service_fn};
use uuid::Uuid;

use super::world::{ALICE, ORIGIN, PASSWORD, hello, log_in};
use crate::support::browser::Browser;
use crate::support::database::databases;

const LIMIT: RateLimit = RateLimit { times: 9, window: Duration::HOUR };

#[tokio::test]
async fn a_login_that_a_reset_overtakes_leaves_no_cookie_even_if_the_store_fails() {
    for database in databases().await {
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let accounts = AccountLayer::builder(&store, &keyring, ORIGIN)
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .build()
            .unwrap();
        let user = accounts.accounts();
        user.create(ALICE, Some(PASSWORD), Default::default(), true).await.unwrap();

        let overtaken = Overtaken::by(Meanwhile::Reset, &store);
        let sessions = SessionLayer::new(overtaken, &keyring).base_url(ORIGIN).unwrap();
        let app = sessions.layer(accounts.layer(service_fn(hello)));
        let mut browser = Browser::new(app, ORIGIN);
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", database.name);
        assert!(browser.cookies.is_empty(), "{}: {:?}", database.name, browser.cookies);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
    }
}

/// Whoever set the account up with her address, and a second factor, confirms it while she follows her
/// link: what she would have got for being the first is not hers any more.
#[tokio::test]
async fn nobody_takes_an_account_over_that_is_confirmed_meanwhile() {
    for database in databases().await {
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let accounts = AccountLayer::builder(&store, &keyring, ORIGIN).build().unwrap();
        let user = accounts.accounts();
        user.create(ALICE, None, Default::default(), false).await.unwrap();
        let overtaken = Overtaken::by(Meanwhile::Confirm, &store);
        let sessions = SessionLayer::new(overtaken, &keyring).base_url(ORIGIN).unwrap();
        let mut browser = Browser::new(sessions.layer(accounts.layer(service_fn(hello))), ORIGIN);

        browser.post("/login/link", &[("email", ALICE)]).await;
        let mailbox = Mailbox::default();
        Worker::new(&store, &keyring, mailbox.clone()).run_once().await;
        let text = mailbox.messages().pop().unwrap().text;
        let link = text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
        let page = browser.get(&link).await;
        let answer = browser.submit(&page, &[]).await;
        assert_eq!(answer.status, StatusCode::GONE, "{}: {}", database.name, answer.body);
        assert_eq!(browser.get("/").await.body, "hello stranger at /", "{}", database.name);
        let account = user.find_by_email(ALICE).await.unwrap().unwrap();
        let known = store.load_login_user(account.id()).await.unwrap().unwrap();
        assert!(known.account.email_verified() && known.device_epoch == 0, "{known:?}");
        let filter = AuditFilter { action: Some("session.log_in".into()), ..Default::default() };
        assert!(store.audit_entries(&filter, 10).await.unwrap().is_empty());

        // The link is good still, for a login as any other.
        let page = browser.get(&link).await;
        let page = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(page).await.body, "hello alice@example.test at /");
    }
}

/// What happens when a session is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// The password is reset, and no session can be ended.
    Reset,
    /// The address is confirmed.
    Confirm,
}

#[derive(Debug)]
struct Overtaken {
    sessions: Arc<dyn SessionStore>,
    accounts: Arc<dyn UserStore>,
    by: Meanwhile,
}

impl Overtaken {
    fn by(by: Meanwhile, store: &SqlStore) -> Arc<dyn SessionStore> {
        Arc::new(Self { sessions: store.into(), accounts: store.into(), by })
    }

    async fn confirm(&self, now: OffsetDateTime) -> Result<()> {
        let token = TokenHash::of(b"confirm");
        let expires_at = now + Duration::HOUR;
        let (purpose, effects) = (LinkPurpose::Confirm, Effects::none());
        let key = LinkKey::from_bytes([0; 32]);
        let link = NewLink { purpose, token, key, code: None, expires_at, effects };
        self.accounts.request_link(ALICE, &link, LIMIT, now).await?;
        let link = self.followed(token).await?;
        self.accounts.confirm_email(&link, &Effects::none(), now).await?;
        Ok(())
    }

    async fn followed(&self, token: TokenHash) -> Result<FollowedLink> {
        let alice = self.accounts.find_account_by_email(ALICE).await?.unwrap();
        Ok(FollowedLink { token, user: alice.id().clone(), email: ALICE.to_owned() })
    }

    async fn reset(&self, now: OffsetDateTime) -> Result<()> {
        let mail = || NewDelivery {
            id: SystemRandom.uuid_v7(now),
            kind: "mail",
            payload: Sealed::from_bytes(Vec::new()),
            created_at: now,
        };
        let token = TokenHash::of(b"reset");
        let expires_at = now + Duration::HOUR;
        let link = NewLink {
            purpose: LinkPurpose::Reset,
            token,
            key: LinkKey::from_bytes([0; 32]),
            code: None,
            expires_at,
            effects: mail().into(),
        };
        self.accounts.request_link(ALICE, &link, LIMIT, now).await?;
        let hash = Redacted("$argon2id$another".to_owned());
        let link = self.followed(token).await?;
        self.accounts.reset_password(&link, &hash, &mail().into(), now).await?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Overtaken {
    async fn create_session(&self, session: &NewSession) -> Result<()> {
        match self.by {
            Meanwhile::Reset => self.reset(session.created_at).await?,
            Meanwhile::Confirm => self.confirm(session.created_at).await?,
        }
        self.sessions.create_session(session).await
    }

    async fn load_session(
        &self,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>> {
        self.sessions.load_session(token, now).await
    }

    async fn rotate_session(
        &self,
        current: &TokenHash,
        next: &NewSession,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<Rotation> {
        self.sessions.rotate_session(current, next, end, now).await
    }

    async fn user_epoch(&self, user: &UserId) -> Result<Option<UserEpoch>> {
        self.sessions.user_epoch(user).await
    }

    async fn user_changed(&self, user: &UserId) -> Result<UserEpoch> {
        self.sessions.user_changed(user).await
    }

    async fn refresh_account(
        &self,
        id: SessionId,
        account: &Account,
        epoch: UserEpoch,
    ) -> Result<Refresh> {
        self.sessions.refresh_account(id, account, epoch).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()> {
        self.sessions.touch_session(id, now, idle_expires_at).await
    }

    async fn end_session_along(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        if self.by == Meanwhile::Confirm {
            return self.sessions.end_session_along(user, id, end, along, now).await;
        }
        Err(StoreError::Unavailable("the network is down".into()))
    }

    async fn discard_session(&self, token: &TokenHash) -> Result<()> {
        self.sessions.discard_session(token).await
    }

    async fn end_sessions_along(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        self.sessions.end_sessions_along(user, except, end, along, now).await
    }

    async fn end_other_sessions(
        &self,
        user: &UserId,
        kept: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OthersEnd> {
        self.sessions.end_other_sessions(user, kept, end, along, now).await
    }

    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>> {
        self.sessions.sessions_of(user, now).await
    }

    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.sessions.sweep_sessions(now, limit).await
    }

    async fn sweep_session_events(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.sessions.sweep_session_events(now, limit).await
    }

    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>> {
        self.sessions.load_session_data(data_id).await
    }

    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()> {
        self.sessions.change_session_data(data_id, change).await
    }

    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>> {
        self.sessions.session_events(after, limit).await
    }
}
