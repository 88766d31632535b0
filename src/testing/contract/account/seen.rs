//! Where users were seen.

use super::*;
use crate::audit::{Action, Entry};
use crate::store::{AuditFilter, KNOWN_NETWORKS, Sighting};

impl Kit {
    pub(super) async fn a_user_is_known_from_where_they_were_seen(&self) -> Result<(), Violation> {
        const RULE: &str = "a user is known from where they were seen, and from nowhere else";
        let email = fresh_email();
        let user = new_user(&email);
        self.store.create_user(&user, &Effects::none()).await?;
        for (network, expected) in
            [("a", (0, 0)), ("a", (1, 0)), ("b", (0, 1)), ("b", (1, 0)), ("a", (1, 0))]
        {
            let seen = self.seen(&email, network).await?;
            rule(RULE, seen == expected, (network, seen))?;
        }
        let along = || Effects::none().and_sighting(sighting("c", "kit.nothing", "kit.nothing"));
        let other = Redacted("another".to_owned());
        self.store.complete_login(&email, ADDRESS, (&other, None), None, &along()).await?;
        let seen = self.seen(&email, "c").await?;
        rule("who was not let in was not seen", seen == (0, 1), seen)?;

        let names = ["kit.raced_familiar", "kit.raced_strange"];
        race(|_| {
            let (store, email) = (Arc::clone(&self.store), email.clone());
            let along = Effects::none().and_sighting(sighting("raced", names[0], names[1]));
            async move { store.complete_login(&email, ADDRESS, (&password(), None), None, &along).await }
        })
        .await?;
        let [familiar, strange] = [self.entries(names[0]).await?, self.entries(names[1]).await?];
        let once = (familiar, strange) == (CALLERS - 1, 1);
        rule("of many logins from a new network one is the first", once, (familiar, strange))?;

        for network in 0..KNOWN_NETWORKS {
            self.seen(&email, &network.to_string()).await?;
        }
        let forgotten = self.seen(&email, "a").await?;
        rule("a user is known by so many networks", forgotten == (0, 1), forgotten)?;
        let kept = self.seen(&email, &(KNOWN_NETWORKS - 1).to_string()).await?;
        rule("a user is known by so many networks", kept == (1, 0), kept)
    }

    /// How often each of the two was written, when the user was seen there.
    async fn seen(&self, email: &str, network: &str) -> Result<(usize, usize), Violation> {
        let id = SystemRandom.uuid_v7(epoch()).simple().to_string();
        let (familiar, strange) = (format!("kit.f{id}"), format!("kit.s{id}"));
        let along = Effects::none().and_sighting(sighting(network, &familiar, &strange));
        self.store.complete_login(email, ADDRESS, (&password(), None), None, &along).await?;
        Ok((self.entries(&familiar).await?, self.entries(&strange).await?))
    }

    async fn entries(&self, name: &str) -> Result<usize, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        Ok(self.audit.audit_entries(&filter, 100).await?.len())
    }
}

fn sighting(network: &str, familiar: &str, strange: &str) -> Sighting {
    let effects = |name: &str| {
        let entry = Entry::new(Action::host(name).unwrap_or(Action::CREATE));
        Box::new(Effects::from(new_delivery()).and_entry(entry.at(epoch(), &SystemRandom)))
    };
    Sighting {
        network: network.to_owned(),
        at: epoch(),
        familiar: effects(familiar),
        strange: effects(strange),
    }
}
