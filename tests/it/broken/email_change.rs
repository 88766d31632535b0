use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::scope::{Account, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, EmailChangeParts, ReceiptParts};
use time::{Duration, OffsetDateTime};

use super::unsigned;
use crate::account::receipts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Remembers that a link has changed an address, and says so again.
    ChangesTwice,
    /// Takes a link from anybody.
    ForgetsWhose,
    /// Keeps to the change that was asked for first.
    KeepsTheFirst,
    /// Takes a link as long as it exists.
    IgnoresExpiry,
    /// Says that a change is cancelled, and lets it wait.
    CancelsNothing,
    /// Tells everybody who claims an address that it is theirs.
    PromisesToAll,
    /// Lets who never confirmed an address keep it.
    KeepsTheUnproven,
    /// Does not look at the domain.
    LetsAnybodyMove,
    /// Takes what the host says for a link that is none.
    DistrustsTheHost,
    /// Changes an address in a session that is over.
    ForgetsTheSession,
    /// Lets all sessions go on.
    EndsNoSession,
    /// Lets a change wait on whose links have ended.
    RemembersWhatEnded,
    /// Counts nothing.
    CountsNothing,
    /// Looks at codes without counting.
    CountsNoTries,
    /// Counts the tries of each user, and not those of an address.
    CountsEachUserAnew,
    /// Counts the tries of each address, and not those of a user.
    CountsEachAddressAnew,
    /// Mails the link to whoever has the address.
    MailsTheLinkToAll,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no address that it was taken away.
    SignsNoRelease,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn EmailChangeStore>,
    parts: EmailChangeParts,
    fault: Fault,
    asked: Mutex<HashMap<TokenHash, (UserId, String)>>,
    first: Mutex<HashMap<UserId, ()>>,
    waits: Mutex<HashMap<UserId, PendingEmailChange>>,
    done: Mutex<HashMap<TokenHash, EmailChanged>>,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn kept(&self, along: &Effects) -> Effects {
        let mut kept = along.clone();
        if self.is(Fault::ForgetsWhatGoesAlong) {
            kept.audit.clear();
        }
        kept
    }

    /// Who asked for what by this link.
    fn asked(&self, proof: &EmailProof) -> Option<(UserId, String)> {
        let EmailProof::Link(token, _) = proof else { return None };
        self.asked.lock().unwrap().get(token).cloned()
    }

    /// Whether somebody has the address who never confirmed it.
    async fn is_unproven(&self, proof: &EmailProof) -> Result<bool> {
        let Some((_, email)) = self.asked(proof) else { return Ok(false) };
        let holder = self.parts.users.find_account_by_email(&email).await?;
        Ok(holder.as_ref().is_some_and(|holder| !Account::email_verified(holder)))
    }
}

#[async_trait]
impl EmailChangeStore for Broken {
    async fn request_email_change(
        &self,
        change: &NewEmailChange,
        along: &Effects,
        mut limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<EmailChangeRequest> {
        let mut change = change.clone();
        let before = self.first.lock().unwrap().insert(change.user.clone(), ());
        match self.fault {
            Fault::KeepsTheFirst if before.is_some() => return Ok(EmailChangeRequest::Pending),
            Fault::CountsNothing => limit.times = u32::MAX,
            Fault::MailsTheLinkToAll => change.taken = change.link.effects.clone(),
            _ => {}
        }
        let waits = PendingEmailChange {
            email: change.email.clone(),
            token: change.link.token,
            binding: change.link.key.bind(&change.user, &change.email),
            expires_at: change.link.expires_at,
        };
        self.waits.lock().unwrap().insert(change.user.clone(), waits);
        let what = (change.user.clone(), change.email.clone());
        self.asked.lock().unwrap().insert(change.link.token, what);
        self.good.request_email_change(&change, &self.kept(along), limit, now).await
    }

    async fn pending_email_change(
        &self,
        user: &UserId,
        now: OffsetDateTime,
    ) -> Result<Option<PendingEmailChange>> {
        let waits = self.good.pending_email_change(user, now).await?;
        if !self.is(Fault::RemembersWhatEnded) {
            return Ok(waits);
        }
        let waited = self.waits.lock().unwrap().get(user).cloned();
        Ok(waits.or(waited.filter(|waited| now < waited.expires_at)))
    }

    async fn begin_email_change_code(
        &self,
        user: &UserId,
        mut tries: EmailChangeTries,
        now: OffsetDateTime,
    ) -> Result<Option<EmailChangeCode>> {
        match self.fault {
            Fault::CountsNoTries => tries.each = u32::MAX,
            Fault::CountsEachUserAnew => tries.address.times = u32::MAX,
            Fault::CountsEachAddressAnew => tries.user.times = u32::MAX,
            _ => {}
        }
        self.good.begin_email_change_code(user, tries, now).await
    }

    async fn cancel_email_change(&self, user: &UserId, along: &Effects) -> Result<bool> {
        self.waits.lock().unwrap().remove(user);
        if self.is(Fault::CancelsNothing) {
            return Ok(self.first.lock().unwrap().remove(user).is_some());
        }
        self.good.cancel_email_change(user, &self.kept(along)).await
    }

    async fn change_email(
        &self,
        change: &EmailChange,
        along: &Effects,
        released: &Effects,
    ) -> Result<EmailChanged> {
        let mut change = change.clone();
        match (self.fault, &change.proof) {
            (Fault::DistrustsTheHost, EmailProof::Host(_)) => return Ok(EmailChanged::Invalid),
            (Fault::ForgetsWhose, proof) => {
                change.user = self.asked(proof).map_or(change.user, |(user, _)| user);
            }
            (Fault::IgnoresExpiry, _) => change.at -= Duration::days(1),
            (Fault::KeepsTheUnproven, proof) if self.is_unproven(proof).await? => {
                return Ok(EmailChanged::Taken);
            }
            (Fault::ForgetsTheSession, _) => change.keep = None,
            (Fault::EndsNoSession, _) => {
                let sessions = self.parts.sessions.sessions_of(&change.user, change.at).await?;
                let (own, others): (Vec<_>, Vec<_>) =
                    sessions.iter().partition(|session| Some(session.id) == change.keep);
                if let ([_], [another, ..]) = (own.as_slice(), others.as_slice()) {
                    change.keep = Some(another.id);
                }
            }
            _ => {}
        }
        let (along, mut released) = (self.kept(along), self.kept(released));
        if self.is(Fault::SignsNoRelease) {
            released = unsigned(&released);
        }
        let told = self.good.change_email(&change, &along, &released).await?;
        if told != EmailChanged::Invalid && matches!(change.proof, EmailProof::Link(..)) {
            self.waits.lock().unwrap().remove(&change.user);
        }
        if self.is(Fault::LetsAnybodyMove) && told == EmailChanged::Managed {
            return Ok(EmailChanged::Done { device_epoch: 1 });
        }
        if self.is(Fault::PromisesToAll) && told == EmailChanged::Taken {
            return Ok(EmailChanged::Done { device_epoch: 1 });
        }
        let EmailProof::Link(token, _) = change.proof else { return Ok(told) };
        if !self.is(Fault::ChangesTwice) {
            return Ok(told);
        }
        let mut done = self.done.lock().unwrap();
        if told != EmailChanged::Invalid {
            done.insert(token, told);
        }
        Ok(done.get(&token).copied().unwrap_or(told))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_changed_addresses_breaks() {
    for (fault, rule) in [
        (Fault::ChangesTwice, "an address is changed once"),
        (Fault::ForgetsWhose, "a change is for its user"),
        (Fault::KeepsTheFirst, "a newer change takes the place of the older"),
        (Fault::IgnoresExpiry, "a change waits until it is over, or cancelled"),
        (Fault::CancelsNothing, "a change waits until it is over, or cancelled"),
        (Fault::PromisesToAll, "an address goes to one of all who claim it"),
        (Fault::KeepsTheUnproven, "who proves an address wins over who never did"),
        (Fault::CountsNoTries, "a code of a change is tried as often as is allowed"),
        (Fault::CountsEachAddressAnew, "more addresses give no more tries than the user has"),
        (Fault::CountsEachUserAnew, "a code of a change is tried as often as is allowed"),
        (Fault::DistrustsTheHost, "the word of the host is proof"),
        (Fault::LetsAnybodyMove, "only the host changes an address of an enforced domain"),
        (Fault::ForgetsTheSession, "nothing changes in a session that is over"),
        (
            Fault::RemembersWhatEnded,
            "a change that waits ends with a reset, another password or a deletion",
        ),
        (
            Fault::EndsNoSession,
            "a change ends every session but the one it was made in, and notes it",
        ),
        (Fault::CountsNothing, "requests for changes are limited exactly, by user"),
        (
            Fault::MailsTheLinkToAll,
            "who has confirmed an address is told, and the link is not mailed",
        ),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken {
            good: (&store).into(),
            parts: parts(&store),
            fault,
            asked: Mutex::default(),
            first: Mutex::default(),
            waits: Mutex::default(),
            done: Mutex::default(),
        };
        let seen = contract::email_changes(Arc::new(broken), parts(&store)).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

/// All parts of one store.
pub fn parts(store: &SqlStore) -> EmailChangeParts {
    EmailChangeParts {
        users: store.into(),
        passwords: store.into(),
        lifecycles: store.into(),
        sessions: store.into(),
        outbox: store.into(),
        audit: store.into(),
        organizations: store.into(),
        single_sign_on: store.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_what_is_brought_into_an_enforced_domain() {
    use sqlx::{Connection as _, SqliteConnection};

    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", directory.path().join("broken.db").display());
    let store = SqlStore::connect(&file).await.unwrap();
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let forgets = "CREATE TRIGGER broken BEFORE INSERT ON donjon_session_events
         WHEN new.reason = 'single_sign_on' BEGIN SELECT RAISE(IGNORE); END";
    sqlx::query(forgets).execute(&mut connection).await.unwrap();
    let seen = contract::email_changes((&store).into(), parts(&store)).await;
    assert_eq!(seen.unwrap_err().rule, "who comes into an enforced domain brings nothing along");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_changed_addresses_that_does_not_say_what_it_wrote() {
    for (fault, rule) in
        [(Fault::SignsNoRelease, "a store says whether an address was taken from somebody")]
    {
        let store = Database::sqlite().store().await;
        let addresses = Arc::new(Broken {
            good: (&store).into(),
            parts: parts(&store),
            fault,
            asked: Mutex::default(),
            first: Mutex::default(),
            waits: Mutex::default(),
            done: Mutex::default(),
        });
        let seen = contract::receipts(ReceiptParts { addresses, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
