//! PostgreSQL: one statement per transition. The loser of a race is classified by a second
//! statement, since the first one's snapshot is stale.

mod account;
mod acting;
mod admin;
mod api_token;
mod app_session;
mod audit;
mod close;
mod domain_link;
mod email_change;
mod ending;
mod identity;
mod invitation;
mod lifecycle;
mod limit;
mod link;
mod made_in;
mod mail_link;
mod mfa;
mod new_session;
mod organization;
mod outbox;
mod passkey;
mod password;
mod pool;
mod provider;
mod refused_login;
mod saml;
mod session;
mod session_data;
mod session_events;
mod single_sign_on;
mod support;
mod sweep;
mod take_over;
mod takeover;
mod transaction;
mod under_lock;
mod webhook;

use self::pool::Pool;
use super::{ConnectError, StoreOptions};

/// The advisory lock under which the log of session ends is written.
const SESSION_EVENTS_LOCK: i64 = 0x646F_6E6A_0001;

#[derive(Debug)]
pub(super) struct PostgresStore {
    pool: Pool,
}

impl PostgresStore {
    pub(super) async fn connect(url: &str, options: StoreOptions) -> Result<Self, ConnectError> {
        Ok(Self { pool: Pool::connect(url, options).await? })
    }

    /// The pool, to read and to run single-statement transitions with.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }
}
