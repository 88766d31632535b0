use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts, WaysInParts};
use time::{Duration, OffsetDateTime};

use super::account::named;
use super::unsigned;
use crate::account::receipts;
use crate::account::ways_in::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Looks at codes without counting.
    CountsNothing,
    /// Counts each code by itself, and not what is tried at an address.
    CountsEachCodeAnew,
    /// Takes a code as long as its link exists.
    IgnoresExpiry,
    /// Remembers who a link belongs to, and logs in again.
    LogsInTwice,
    /// Confirms an address, and leaves what somebody else has set up for it.
    LeavesWhatWasSetUp,
    /// Logs in whoever would have taken an account over that was confirmed meanwhile.
    LetsInWhoComesLate,
    /// Uses up the link that takes nothing over any more.
    SpendsTheLink,
    /// Looks at the secret of a link, and lets in whoever its row names.
    LetsInWhoeverItNames,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn MailLinkStore>,
    users: Arc<dyn UserStore>,
    fault: Fault,
    seen: Mutex<HashMap<TokenHash, LinkUse>>,
}

#[async_trait]
impl MailLinkStore for Broken {
    async fn begin_code(
        &self,
        purpose: LinkPurpose,
        email: &str,
        mut tries: CodeTries,
        mut now: OffsetDateTime,
    ) -> Result<Option<MailedCode>> {
        match self.fault {
            Fault::CountsNothing => tries.each = u32::MAX,
            Fault::CountsEachCodeAnew => tries.address.times = u32::MAX,
            Fault::IgnoresExpiry => now -= Duration::days(1),
            _ => {}
        }
        self.good.begin_code(purpose, email, tries, now).await
    }

    async fn complete_link_login(
        &self,
        link: &FollowedLink,
        mut login: LinkLogin,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let named = match self.fault {
            Fault::LetsInWhoeverItNames => {
                let row = self.users.load_link(LinkPurpose::Login, &link.token, now).await?;
                row.map(|row| named(link, &row))
            }
            _ => None,
        };
        let link = named.as_ref().unwrap_or(link);
        let none = Effects::none();
        let kept = if self.fault == Fault::ForgetsWhatGoesAlong { &none } else { along };
        login.takes_over &= self.fault != Fault::LeavesWhatWasSetUp;
        let kept = if self.fault == Fault::SignsNoSighting { &unsigned(kept) } else { kept };
        let mut told = self.good.complete_link_login(link, login, kept, now).await?;
        if login.takes_over && told == LinkUse::Invalid {
            login.takes_over = false;
            match self.fault {
                Fault::LetsInWhoComesLate => {
                    told = self.good.complete_link_login(link, login, kept, now).await?;
                }
                Fault::SpendsTheLink => {
                    self.good.complete_link_login(link, login, kept, now).await?;
                }
                _ => {}
            }
        }
        if self.fault != Fault::LogsInTwice {
            return Ok(told);
        }
        let mut seen = self.seen.lock().unwrap();
        if told != LinkUse::Invalid {
            seen.insert(link.token, told.clone());
        }
        Ok(seen.get(&link.token).cloned().unwrap_or(told))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_mailed_links_breaks() {
    for (fault, rule) in [
        (Fault::CountsNothing, "a code is tried as often as is allowed, by any number of callers"),
        (Fault::CountsEachCodeAnew, "another code gives no more tries than the address has"),
        (Fault::IgnoresExpiry, "a code is there for its purpose, while its link is"),
        (Fault::LogsInTwice, "a link logs in once"),
        (Fault::LetsInWhoeverItNames, "a link logs in whom it is for"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let good = (&store).into();
        let broken = Broken { good, users: (&store).into(), fault, seen: Mutex::default() };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::mail_links(Arc::new(broken), users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_login_by_a_link_breaks() {
    for (fault, rule) in [
        (Fault::LeavesWhatWasSetUp, "what was set up before the owner came by a link is gone"),
        (Fault::LetsInWhoComesLate, "nobody takes an account over that was confirmed meanwhile"),
        (Fault::SpendsTheLink, "a link that took nothing over stays"),
    ] {
        let store = Database::sqlite().store().await;
        let good = (&store).into();
        let links =
            Arc::new(Broken { good, users: (&store).into(), fault, seen: Mutex::default() });
        let seen = contract::ways_in(WaysInParts { links, ..parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_mailed_links_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [(Fault::SignsNoSighting, "a store says where a login was seen")] {
        let store = Database::sqlite().store().await;
        let links = Arc::new(Broken {
            good: (&store).into(),
            users: (&store).into(),
            fault,
            seen: Mutex::default(),
        });
        let seen = contract::receipts(ReceiptParts { links, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
