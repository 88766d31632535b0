use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::{Redacted, TokenHash};
use donjon::scope::{Account, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts, WaysInParts};
use time::OffsetDateTime;

use super::unsigned;
use crate::account::receipts;
use crate::account::ways_in::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells every caller that it registered.
    LosesARaceSilently,
    /// Remembers who a link belongs to, and confirms again.
    ConfirmsTwice,
    /// Reads the count, and writes it back later.
    CountsWithoutALock,
    /// Counts only the addresses that somebody has.
    CountsOnlyKnownAddresses,
    /// Sets the lock once and never again, as some do that ask "is it unset?".
    NeverLocksAgain,
    /// Lets every attempt push the end of the lock away.
    ProlongsTheLock,
    /// Completes a login without looking at the password again.
    CompletesBlindly,
    /// Does not mind the limit for links.
    ForgetsTheLimit,
    /// Takes a link as long as it exists.
    IgnoresExpiry,
    /// Counts under the address wherever an attempt comes from.
    CountsNoDevices,
    /// Reads who is known by a browser from its cookie, and asks no further.
    BelievesEveryDevice,
    /// Binds the links that are asked for by another key than it is given.
    BindsToNobody,
    /// Looks at the secret of a link, and uses it up for whoever its row names.
    BelievesTheRow,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Lets a login from a known browser open the address for everybody.
    ForgetsTooMuch,
    /// Counts an attempt towards the lock although a limit refuses it.
    CountsWhatItRefuses,
    /// Mails the link to confirm an address to whoever fails to log in.
    MailsWhoeverFails,
    /// Refuses a login whose address waits to be confirmed, and keeps its attempts.
    KeepsTheAttempts,
    /// Does not mind the limit for links of refused logins.
    SendsWithoutALimit,
    /// Notes no refusal that goes with a link.
    NotesNoRefusal,
    /// Sets another password, and leaves what somebody else has set up.
    LeavesWhatWasSetUp,
    /// Tells everybody who claims an attribute that they have it.
    GivesAnAttributeTwice,
    /// Asks for passwords wherever a user logs in.
    NeverYields,
    /// Says of no lock that it was told of.
    SignsNoLock,
    /// Says of no notice that it was written.
    SignsNoNotice,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

/// A store that asks for the passwords of users who log in elsewhere.
pub fn never_yielding(good: Arc<dyn UserStore>) -> Arc<dyn UserStore> {
    Arc::new(broken(good, Fault::NeverYields))
}

/// The link as that of whoever its row names.
pub fn named(link: &FollowedLink, row: &MailedLink) -> FollowedLink {
    let email = row.account.email().unwrap_or_default().to_owned();
    FollowedLink { token: link.token, user: row.account.id().clone(), email }
}

fn broken(good: Arc<dyn UserStore>, fault: Fault) -> Broken {
    let (used, counts) = (Mutex::default(), Mutex::default());
    Broken { good, fault, used, counts, first_locks: Mutex::default() }
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn UserStore>,
    fault: Fault,
    used: Mutex<HashMap<TokenHash, LinkUse>>,
    counts: Mutex<HashMap<String, u32>>,
    first_locks: Mutex<HashMap<String, OffsetDateTime>>,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn count(&self, email: &str) -> u32 {
        *self.counts.lock().unwrap().get(email).unwrap_or(&0)
    }

    fn set_count(&self, email: &str, count: u32) {
        self.counts.lock().unwrap().insert(email.to_owned(), count);
    }

    /// A link as it is used up.
    async fn named(
        &self,
        purpose: LinkPurpose,
        link: &FollowedLink,
        now: OffsetDateTime,
    ) -> Result<FollowedLink> {
        let row = match self.is(Fault::BelievesTheRow) {
            true => self.good.load_link(purpose, &link.token, now).await?,
            false => None,
        };
        Ok(row.map_or_else(|| link.clone(), |row| named(link, &row)))
    }

    fn before(&self, now: OffsetDateTime) -> OffsetDateTime {
        if self.is(Fault::IgnoresExpiry) { now - time::Duration::days(1) } else { now }
    }
}

#[async_trait]
impl UserStore for Broken {
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        taken: &Effects,
        notices: (RateLimit, OffsetDateTime),
    ) -> Result<Registration> {
        let taken = if self.is(Fault::SignsNoNotice) { &unsigned(taken) } else { taken };
        let told = self.good.register(user, link, taken, notices).await?;
        let lies = self.is(Fault::LosesARaceSilently);
        Ok(if lies { Registration::Registered } else { told })
    }

    async fn create_user(&self, user: &NewUser, along: &Effects) -> Result<Registration> {
        self.good.create_user(user, along).await
    }

    async fn find_account(&self, id: &UserId) -> Result<Option<Account>> {
        self.good.find_account(id).await
    }

    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>> {
        self.good.find_account_by_email(email).await
    }

    async fn find_proofs(&self, id: &UserId) -> Result<Proofs> {
        self.good.find_proofs(id).await
    }

    async fn claim_attribute(
        &self,
        id: &UserId,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<Option<serde_json::Value>> {
        let told = self.good.claim_attribute(id, name, value).await?;
        let lies = self.is(Fault::GivesAnAttributeTwice);
        Ok(if lies { told.map(|_| value.clone()) } else { told })
    }

    async fn begin_login(
        &self,
        (email, yields): (&str, bool),
        device: Option<&KnownDevice>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<LoginAttempt> {
        if self.is(Fault::CountsOnlyKnownAddresses)
            && self.good.find_account_by_email(email).await?.is_none()
        {
            let counter = LoginCounter::Address;
            return Ok(LoginAttempt {
                counts: Vec::new(),
                user: None,
                counter,
                locked_until: None,
                elsewhere: None,
            });
        }
        let device = device.filter(|_| !self.is(Fault::CountsNoDevices));
        let locked = if self.is(Fault::SignsNoLock) { &unsigned(locked) } else { locked };
        let yields = yields && !self.is(Fault::NeverYields);
        if self.is(Fault::CountsWhatItRefuses) && !uses.is_empty() {
            self.good.begin_login((email, yields), device, policy, locked, &[], now).await?;
        }
        let mut attempt =
            self.good.begin_login((email, yields), device, policy, locked, uses, now).await?;
        match self.fault {
            Fault::CountsWithoutALock => {
                let count = self.count(email);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                self.set_count(email, count + 1);
                attempt.locked_until = (count >= policy.attempts).then_some(now);
            }
            Fault::NeverLocksAgain => {
                if let Some(until) = attempt.locked_until {
                    let mut first = self.first_locks.lock().unwrap();
                    let first = *first.entry(email.to_owned()).or_insert(until);
                    attempt.locked_until = (first == until).then_some(until);
                }
            }
            Fault::ProlongsTheLock => {
                attempt.locked_until = attempt.locked_until.map(|_| now + policy.lock_for);
            }
            Fault::BelievesEveryDevice => {
                let believed = device.map(|device| LoginCounter::Device(device.id));
                attempt.counter = believed.unwrap_or(LoginCounter::Address);
            }
            _ => {}
        }
        Ok(attempt)
    }

    async fn complete_login(
        &self,
        email: &str,
        counter: LoginCounter,
        (verified, epoch): (&Redacted<String>, Option<i64>),
        rehashed: Option<&Redacted<String>>,
        along: &Effects,
    ) -> Result<LoginCompletion> {
        if self.is(Fault::ForgetsTooMuch) {
            let none = Effects::none();
            let everywhere = LoginCounter::Address;
            self.good.complete_login(email, everywhere, (verified, None), None, &none).await?;
        }
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let known = (verified, epoch);
        let told = self.good.complete_login(email, counter, known, rehashed, along).await?;
        let blind = self.is(Fault::CompletesBlindly);
        Ok(if blind { LoginCompletion::Completed } else { told })
    }

    async fn refuse_login(
        &self,
        email: &str,
        refusal: &LoginRefusal,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        let mut refusal = refusal.clone();
        match self.fault {
            Fault::MailsWhoeverFails => refusal.unconfirmed = Some(LoginCounter::Address),
            Fault::KeepsTheAttempts if refusal.unconfirmed.is_some() => {
                let elsewhere = LoginCounter::Device(DeviceId(uuid::Uuid::nil()));
                refusal.unconfirmed = Some(elsewhere);
            }
            Fault::NotesNoRefusal if refusal.unconfirmed.is_some() => {
                refusal.refused = Effects::none();
            }
            Fault::SendsWithoutALimit => refusal.limit.times = u32::MAX,
            _ => {}
        }
        self.good.refuse_login(email, &refusal, now).await
    }

    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        mut limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        if self.is(Fault::ForgetsTheLimit) {
            limit.times = u32::MAX;
        }
        let mut link = link.clone();
        if self.is(Fault::BindsToNobody) {
            link.key = LinkKey::from_bytes([0; 32]);
        }
        self.good.request_link(email, &link, limit, now).await
    }

    async fn load_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<MailedLink>> {
        self.good.load_link(purpose, token, self.before(now)).await
    }

    async fn confirm_email(
        &self,
        link: &FollowedLink,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let kept = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        let named = self.named(LinkPurpose::Confirm, link, now).await?;
        let told = self.good.confirm_email(&named, kept, self.before(now)).await?;
        if !self.is(Fault::ConfirmsTwice) {
            return Ok(told);
        }
        let mut used = self.used.lock().unwrap();
        if told != LinkUse::Invalid {
            used.insert(link.token, told.clone());
        }
        Ok(used.get(&link.token).cloned().unwrap_or(told))
    }

    async fn reset_password(
        &self,
        link: &FollowedLink,
        password: &Redacted<String>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordReset> {
        if self.is(Fault::LeavesWhatWasSetUp)
            && let Some(owner) = self.good.load_link(LinkPurpose::Reset, &link.token, now).await?
        {
            let confirm = NewLink {
                purpose: LinkPurpose::Confirm,
                token: TokenHash::of(link.token.as_bytes()),
                key: LinkKey::from_bytes([0; 32]),
                code: None,
                expires_at: now + time::Duration::HOUR,
                effects: Effects::none(),
            };
            let limit = RateLimit { times: 9, window: time::Duration::HOUR };
            let email = owner.account.email().unwrap();
            self.good.request_link(email, &confirm, limit, now).await?;
            let confirm = FollowedLink { token: confirm.token, ..link.clone() };
            self.good.confirm_email(&confirm, &Effects::none(), now).await?;
        }
        let named = self.named(LinkPurpose::Reset, link, now).await?;
        self.good.reset_password(&named, password, along, self.before(now)).await
    }

    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.good.sweep_accounts(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_accounts_breaks() {
    for (fault, rule) in [
        (Fault::LosesARaceSilently, "an address is registered once"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
        (Fault::ConfirmsTwice, "a link to confirm is used once"),
        (Fault::CountsWithoutALock, "any number of callers get the allowed attempts and no more"),
        (
            Fault::CountsOnlyKnownAddresses,
            "any number of callers get the allowed attempts and no more",
        ),
        (Fault::NeverLocksAgain, "a lock comes again"),
        (Fault::ProlongsTheLock, "trying does not prolong a lock"),
        (Fault::CompletesBlindly, "a login completes only with the present password"),
        (Fault::ForgetsTheLimit, "requests for links are limited exactly"),
        (Fault::CountsWhatItRefuses, "an attempt that a limit refuses counts towards no lock"),
        (Fault::GivesAnAttributeTwice, "an attribute is claimed once"),
        (Fault::MailsWhoeverFails, "a wrong password sends no link"),
        (Fault::KeepsTheAttempts, "a right password forgets its attempts"),
        (Fault::SendsWithoutALimit, "links of refused logins are limited exactly"),
        (Fault::BindsToNobody, "a link is stored with what binds it to its user and address"),
        (Fault::BelievesTheRow, "a link is used up as what it was found to be, or not at all"),
        (Fault::NotesNoRefusal, "a refused login is noted in any case"),
        (Fault::IgnoresExpiry, "an expired link opens nothing"),
        (Fault::CountsNoDevices, "a browser that the user is known by is counted by itself"),
        (
            Fault::BelievesEveryDevice,
            "a browser counts only for its own user, and until the epoch moves",
        ),
        (Fault::ForgetsTooMuch, "a success forgets its own attempts and no others"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = broken((&store).into(), fault);
        let (outbox, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::accounts(Arc::new(broken), outbox, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_reset_that_leaves_what_was_set_up() {
    let store = Database::sqlite().store().await;
    let users = Arc::new(broken((&store).into(), Fault::LeavesWhatWasSetUp));
    let seen = contract::ways_in(WaysInParts { users, ..parts(&store) }).await;
    assert_eq!(seen.unwrap_err().rule, "what was set up before the owner's reset is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_accounts_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [
        (Fault::SignsNoLock, "a store says with which attempt it locked"),
        (Fault::SignsNoNotice, "a store says whether it told the owner of a taken address"),
        (Fault::SignsNoSighting, "a store says where a login was seen"),
    ] {
        let store = Database::sqlite().store().await;
        let users = Arc::new(broken((&store).into(), fault));
        let seen = contract::receipts(ReceiptParts { users, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
