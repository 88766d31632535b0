use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::UserId;
use donjon::store::*;
use donjon::testing::contract;
use time::OffsetDateTime;

use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells everybody that they confirmed the address.
    ConfirmsTwice,
    /// Confirms whatever address there is.
    ConfirmsAnother,
    /// Tells everybody that they unlocked the account.
    UnlocksTwice,
    /// Says yes, and forgets nothing.
    ForgetsNothing,
    /// Tells everybody that they took the password away.
    RemovesTwice,
    /// Says so, and leaves it.
    RemovesNothing,
    /// Writes nothing of it.
    WritesNothing,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn SupportStore>,
    users: Arc<dyn UserStore>,
    fault: Fault,
}

impl Broken {
    fn along<'a>(&self, along: &'a Effects, none: &'a Effects) -> &'a Effects {
        if self.fault == Fault::WritesNothing { none } else { along }
    }
}

#[async_trait]
impl SupportStore for Broken {
    async fn vouch_for_email(&self, user: &UserId, email: &str, along: &Effects) -> Result<bool> {
        let none = Effects::none();
        let along = self.along(along, &none);
        let mut email = email.to_owned();
        if self.fault == Fault::ConfirmsAnother {
            let account = self.users.find_account(user).await?.unwrap();
            email = account.email().unwrap().to_owned();
        }
        let told = self.good.vouch_for_email(user, &email, along).await?;
        Ok(told || self.fault == Fault::ConfirmsTwice)
    }

    async fn unlock(&self, user: &UserId, along: &Effects) -> Result<bool> {
        if self.fault == Fault::ForgetsNothing {
            static FIRST: std::sync::Once = std::sync::Once::new();
            let mut is_first = false;
            FIRST.call_once(|| is_first = true);
            return Ok(is_first);
        }
        let none = Effects::none();
        let told = self.good.unlock(user, self.along(along, &none)).await?;
        Ok(told || self.fault == Fault::UnlocksTwice)
    }

    async fn remove_password(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordRemoval> {
        if self.fault == Fault::RemovesNothing {
            static FIRST: std::sync::Once = std::sync::Once::new();
            let mut told = PasswordRemoval::None;
            FIRST.call_once(|| told = PasswordRemoval::Removed);
            return Ok(told);
        }
        let none = Effects::none();
        let told = self.good.remove_password(user, self.along(along, &none), now).await?;
        Ok(if self.fault == Fault::RemovesTwice { PasswordRemoval::Removed } else { told })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_breaks_that_the_host_does_things_in() {
    const CONFIRMED: &str = "an address is confirmed once by the word of the host";
    const FORGOTTEN: &str = "attempts are forgotten once, and of one user";
    const REMOVED: &str = "a password is taken away once, and what it opened ends";
    for (fault, rule) in [
        (Fault::ConfirmsTwice, CONFIRMED),
        (Fault::ConfirmsAnother, "only the address that the host vouches for is confirmed"),
        (Fault::UnlocksTwice, FORGOTTEN),
        (Fault::ForgetsNothing, FORGOTTEN),
        (Fault::RemovesTwice, REMOVED),
        (Fault::RemovesNothing, REMOVED),
        (
            Fault::WritesNothing,
            "what goes along with what the host does is written with it, and once",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken { good: (&store).into(), users: (&store).into(), fault });
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::support(broken, users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
