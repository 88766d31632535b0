use async_trait::async_trait;
use sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;

use super::audit::{along, effects};
use super::close::close;
use super::ending::ended_in_order;
use super::password::ending_sessions;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::scope::{OrganizationId, SessionEnd, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::email_change::{
    CodeRow, MANAGES, PENDING, PendingRow, address_key, code, is_managed, keeps_address, pending,
    proof, proven, tries_key, user_key,
};
use crate::store::sql::mail_link::code_key;
use crate::store::sql::single_sign_on::Closing;
use crate::store::{
    Effects, EmailChange, EmailChangeCode, EmailChangeRequest, EmailChangeStore, EmailChangeTries,
    EmailChanged, LinkPurpose, NewEmailChange, PendingEmailChange, RateLimit, Result,
};

/// How often a change is tried whose address somebody else gets at the same moment: the next time
/// they are seen.
const TRIES: u32 = 5;

/// The user, and whoever has the address, always in this order, so that two who change places do not
/// wait for each other.
const LOCK: &str = concat!(
    "WITH proven AS (",
    proven!(to "$6"),
    ") SELECT u.id FROM donjon_users u JOIN proven ON u.id = proven.user_id \
       OR u.email = proven.email ORDER BY u.id FOR UPDATE OF u"
);

/// The domains of both addresses, so that who enforces something for one comes before or after.
const LOCK_DOMAINS: &str = concat!(
    "WITH proven AS (",
    proven!(to "$6"),
    ") SELECT d.domain FROM donjon_sso_domains d WHERE d.domain IN
         (SELECT u.email_domain FROM proven JOIN donjon_users u ON u.id = proven.user_id
          UNION ALL SELECT split_part(email, '@', 2) FROM proven)
       ORDER BY d.domain FOR SHARE OF d"
);

/// Whether the change is proven, whether somebody manages the address, whether somebody lost it, and
/// the epoch if it is done.
type Changed = (bool, bool, bool, Option<i64>);

const CHANGE: &str = concat!(
    "WITH proven AS MATERIALIZED (",
    proven!(to "$10"),
    "), managed AS MATERIALIZED (
         SELECT 1 FROM proven WHERE $4::text IS NULL AND ",
    is_managed!("proven.user_id", "split_part(proven.email, '@', 2)"),
    "), holder AS MATERIALIZED (
         SELECT u.id, ",
    keeps_address!(),
    " AS keeps FROM donjon_users u JOIN proven
             ON u.email = proven.email AND u.id <> proven.user_id
         WHERE NOT EXISTS (SELECT 1 FROM managed) FOR UPDATE OF u
     ), free AS MATERIALIZED (
         SELECT user_id, email FROM proven WHERE NOT EXISTS (SELECT 1 FROM holder WHERE keeps)
             AND NOT EXISTS (SELECT 1 FROM managed)
     ), released AS (
         UPDATE donjon_users u SET email = NULL, email_verified = FALSE
         FROM holder WHERE u.id = holder.id AND NOT holder.keeps
         RETURNING u.id AS user_id
     ), released_links AS (
         DELETE FROM donjon_links l USING released, proven
         WHERE l.user_id = released.user_id AND l.email = proven.email
     ), links AS (
         DELETE FROM donjon_links l USING proven WHERE l.user_id = proven.user_id
             AND (l.token_hash = $2 OR EXISTS (SELECT 1 FROM free))
             AND NOT EXISTS (SELECT 1 FROM managed)
     ), changed AS (
         UPDATE donjon_users u
         SET email = free.email, email_verified = TRUE, device_epoch = u.device_epoch + 1
         FROM free, (SELECT count(*) AS users FROM released) AS before
         WHERE u.id = free.user_id AND before.users >= 0
         RETURNING u.id AS user_id, u.email, u.device_epoch
     ), forgotten AS (
         DELETE FROM donjon_login_attempts a USING changed
         WHERE a.key = 'address:' || changed.email
     ), ",
    ending_sessions!("changed", keep "$5", reason "$6", at "$3", lock "$7"),
    ", ",
    along!("changed", "$8"),
    ", ",
    along!("released", "$9"),
    " SELECT EXISTS (SELECT 1 FROM proven), EXISTS (SELECT 1 FROM managed),
       EXISTS (SELECT 1 FROM released), (SELECT device_epoch FROM changed)",
);

#[async_trait]
impl EmailChangeStore for PostgresStore {
    async fn request_email_change(
        &self,
        change: &NewEmailChange,
        along: &Effects,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<EmailChangeRequest> {
        let binding = change.link.key.bind(&change.user, &change.email);
        // The user's row is locked before the link's, so that what ends the links is waited for.
        let (open, written): (bool, bool) = query_as(concat!(
            "WITH asking AS MATERIALIZED (
                 SELECT id AS user_id FROM donjon_users WHERE id = $1
                   AND disabled_at IS NULL AND deletion_at IS NULL AND deleted_at IS NULL
                 FOR NO KEY UPDATE
             ), asked AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $2, 1, $4 FROM asking
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $3 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $3 THEN $4 ELSE r.expires_at END
                 RETURNING times <= $5 AS allowed
             ), mailed AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $6, 1, $4 FROM asked WHERE asked.allowed
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $3 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $3 THEN $4 ELSE r.expires_at END
                 RETURNING times <= $5 AS allowed
             ), written AS (
                 INSERT INTO donjon_links
                     (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
                 SELECT asking.user_id, 'change_email', $7, $8, $9, $13, $14 FROM asking, asked
                 WHERE asked.allowed
                 ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = excluded.token_hash,
                     email = excluded.email, expires_at = excluded.expires_at,
                     code_hash = excluded.code_hash, binding = excluded.binding, code_tries = 0
                 RETURNING user_id
             ), taken AS (
                 SELECT u.id AS user_id FROM mailed, donjon_users u
                 WHERE mailed.allowed AND u.email = $8 AND u.id <> $1 AND ",
            keeps_address!(),
            "), free AS (
                 SELECT written.user_id FROM written, mailed
                 WHERE mailed.allowed AND NOT EXISTS (SELECT 1 FROM taken)
             ), ",
            along!("written", "$10"),
            ", ",
            along!("free", "$11"),
            ", ",
            along!("taken", "$12"),
            " SELECT EXISTS (SELECT 1 FROM asking), EXISTS (SELECT 1 FROM written)",
        ))
        .bind(change.user.as_str())
        .bind(user_key(&change.user))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(address_key(&change.email))
        .bind(change.link.token.as_bytes())
        .bind(&change.email)
        .bind(micros(change.link.expires_at))
        .bind(effects(along))
        .bind(effects(&change.link.effects))
        .bind(effects(&change.taken))
        .bind(change.link.code.as_ref().map(|code| code.as_bytes().as_slice()))
        .bind(binding.as_bytes().as_slice())
        .fetch_one(self.pool())
        .await?;
        Ok(match (open, written) {
            (false, _) => EmailChangeRequest::NoAccount,
            (true, false) => EmailChangeRequest::Limited,
            (true, true) => EmailChangeRequest::Pending,
        })
    }

    async fn pending_email_change(
        &self,
        user: &UserId,
        now: OffsetDateTime,
    ) -> Result<Option<PendingEmailChange>> {
        let row: Option<PendingRow> = query_as(PENDING)
            .bind(user.as_str())
            .bind(micros(now))
            .fetch_optional(self.pool())
            .await?;
        row.map(pending).transpose()
    }

    async fn begin_email_change_code(
        &self,
        user: &UserId,
        tries: EmailChangeTries,
        now: OffsetDateTime,
    ) -> Result<Option<EmailChangeCode>> {
        // Whoever waits for the link's row looks at the count anew.
        let row: Option<CodeRow> = query_as(
            "WITH waits AS (
                 SELECT email FROM donjon_links
                 WHERE user_id = $1 AND purpose = 'change_email' AND expires_at > $2
             ), own AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $7, 1, $8 FROM waits
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $2 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $2 THEN $8 ELSE r.expires_at END
                 RETURNING times <= $9 AS allowed
             ), counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $3 || waits.email, 1, $4 FROM waits, own WHERE own.allowed
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $2 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $2 THEN $4 ELSE r.expires_at END
                 RETURNING times <= $5 AS allowed
             )
             UPDATE donjon_links l SET code_tries = l.code_tries + 1 FROM waits, counted
             WHERE counted.allowed AND l.user_id = $1 AND l.purpose = 'change_email'
               AND l.email = waits.email AND l.code_hash IS NOT NULL AND l.code_tries < $6
             RETURNING l.email, l.token_hash, l.code_hash",
        )
        .bind(user.as_str())
        .bind(micros(now))
        .bind(code_key(LinkPurpose::ChangeEmail, ""))
        .bind(micros(now + tries.address.window))
        .bind(i64::from(tries.address.times))
        .bind(i64::from(tries.each))
        .bind(tries_key(user))
        .bind(micros(now + tries.user.window))
        .bind(i64::from(tries.user.times))
        .fetch_optional(self.pool())
        .await?;
        row.map(code).transpose()
    }

    async fn cancel_email_change(&self, user: &UserId, along: &Effects) -> Result<bool> {
        let cancelled = query_scalar(concat!(
            "WITH gone AS (
                 DELETE FROM donjon_links WHERE user_id = $1 AND purpose = 'change_email'
                 RETURNING user_id
             ), ",
            along!("gone", "$2"),
            " SELECT EXISTS (SELECT 1 FROM gone)",
        ))
        .bind(user.as_str())
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(cancelled)
    }

    async fn change_email(
        &self,
        change: &EmailChange,
        along: &Effects,
        released: &Effects,
    ) -> Result<EmailChanged> {
        let work = || self.try_change_email(change, along, released);
        for _ in 1..TRIES {
            match self.pool().transition(work).await {
                // Somebody else got the address after it was looked for.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
                tried => return Ok(tried?),
            }
        }
        Ok(self.pool().transition(work).await?)
    }
}

impl PostgresStore {
    /// Several statements: a login that completes while the first waits for the user's row has written a
    /// session, and only a later snapshot sees it.
    async fn try_change_email(
        &self,
        change: &EmailChange,
        along: &Effects,
        released: &Effects,
    ) -> sqlx::Result<EmailChanged> {
        let (token, word, to) = proof(&change.proof);
        let mut transaction = self.pool().begin().await?;
        for lock in [LOCK, LOCK_DOMAINS] {
            query(lock)
                .bind(change.user.as_str())
                .bind(token)
                .bind(micros(change.at))
                .bind(word)
                .bind(change.keep.map(|id| id.0))
                .bind(to)
                .execute(&mut *transaction)
                .await?;
        }
        let (proven, managed, was_released, epoch): Changed = query_as(CHANGE)
            .bind(change.user.as_str())
            .bind(token)
            .bind(micros(change.at))
            .bind(word)
            .bind(change.keep.map(|id| id.0))
            .bind(SessionEnd::EmailChanged.as_str())
            .bind(SESSION_EVENTS_LOCK)
            .bind(effects(along))
            .bind(effects(released))
            .bind(to)
            .fetch_one(&mut *transaction)
            .await?;
        if epoch.is_some() && word.is_some() {
            let manages: Option<uuid::Uuid> = query_scalar(MANAGES)
                .bind(change.user.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
            if let Some(organization) = manages.map(OrganizationId) {
                let closing = Closing::member((organization, &change.user), change.at);
                close(&mut transaction, closing).await?;
            }
        }
        transaction.commit().await?;
        released.receipt.note(was_released);
        Ok(match (proven, managed, epoch) {
            (.., Some(device_epoch)) => EmailChanged::Done { device_epoch },
            (true, true, None) => EmailChanged::Managed,
            (true, false, None) => EmailChanged::Taken,
            (false, ..) => EmailChanged::Invalid,
        })
    }
}
