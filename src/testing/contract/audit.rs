use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::{Violation, at, epoch, race, rule};
use crate::audit::{Action, AuditEntry, Entry, Outcome};
use crate::crypto::SystemRandom;
use crate::scope::{OrganizationId, UserId};
use crate::store::{AuditFilter, AuditStore};

/// Proves all rules of an [`AuditStore`]. That entries are written with what they tell of is
/// proven where those transitions are.
///
/// # Errors
/// The first rule that is broken.
pub async fn audit(store: Arc<dyn AuditStore>) -> Result<(), Violation> {
    let kit = Kit { store };
    kit.an_entry_is_kept_as_it_was_written().await?;
    kit.entries_come_newest_first_in_pages_that_join().await?;
    kit.every_condition_holds().await?;
    kit.an_entry_is_written_once().await?;
    kit.what_is_old_enough_goes_in_bounded_batches().await
}

struct Kit {
    store: Arc<dyn AuditStore>,
}

impl Kit {
    async fn an_entry_is_kept_as_it_was_written(&self) -> Result<(), Violation> {
        const RULE: &str = "an audit entry is kept as it was written";
        let full = entry("host.full")
            .about(&user("kept"))
            .by(crate::audit::AuditActor::ServiceAccount(user("robot")))
            .to("thing", "t-1")
            .in_organization(OrganizationId(Uuid::from_u128(7)))
            .with("text", "ü\n\"")
            .with("list", serde_json::json!([1, null, {"a": true}]))
            .from(Some(std::net::IpAddr::from([192, 0, 2, 1])), Some("agent"))
            .refused()
            .at(at(1), &SystemRandom);
        let bare = entry("host.bare").at(at(2), &SystemRandom);
        for written in [&full, &bare] {
            self.store.write_audit_entry(written).await?;
        }
        let read = self.find(&AuditFilter::default()).await?;
        rule(RULE, read == [bare, full], &read)
    }

    async fn entries_come_newest_first_in_pages_that_join(&self) -> Result<(), Violation> {
        const RULE: &str = "audit entries come newest first, in pages that join";
        let mut written = Vec::new();
        for index in 0..20 {
            // Several at one moment: only their ids tell them apart.
            written.push(self.write("host.page", 100 + index / 4, |entry| entry).await?);
        }
        written.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        let action = Some("host.page".to_owned());
        let mut filter = AuditFilter { action, ..AuditFilter::default() };
        let mut read = Vec::new();
        loop {
            let page = self.store.audit_entries(&filter, 7).await?;
            rule("a page is no longer than was asked for", page.len() <= 7, page.len())?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            read.extend(page);
        }
        rule(RULE, read == written, (read.len(), written.len()))
    }

    async fn every_condition_holds(&self) -> Result<(), Violation> {
        const RULE: &str = "every condition on audit entries holds";
        let (alice, bob) = (user("alice"), user("bob"));
        let house = OrganizationId(Uuid::from_u128(11));
        let one = self.write("cond.a.x", 200, |e| e.about(&alice).in_organization(house)).await?;
        let by_bob = crate::audit::AuditActor::User(bob.clone());
        let two = self.write("cond.a.y", 201, |e| e.about(&alice).by(by_bob).refused()).await?;
        let three = self.write("cond_a.x", 202, |e| e.about(&bob)).await?;
        let all = || AuditFilter { since: Some(at(200)), ..AuditFilter::default() };
        let text = |text: &str| Some(text.to_owned());
        let expectations: [(AuditFilter, &[&AuditEntry]); 9] = [
            (all(), &[&three, &two, &one]),
            (AuditFilter { action: text("cond.a.x"), ..all() }, &[&one]),
            (AuditFilter { prefix: text("cond.a."), ..all() }, &[&two, &one]),
            (AuditFilter { prefix: text("cond_"), ..all() }, &[&three]),
            (AuditFilter { outcome: Some(Outcome::Failure), ..all() }, &[&two]),
            (AuditFilter { actor: Some(bob.clone()), ..all() }, &[&two]),
            (AuditFilter { user: Some(alice), ..all() }, &[&two, &one]),
            (AuditFilter { organization: Some(house), ..all() }, &[&one]),
            (AuditFilter { since: Some(at(201)), until: Some(at(202)), ..all() }, &[&two]),
        ];
        for (filter, expected) in expectations {
            let read = self.find(&filter).await?;
            let same = read.iter().collect::<Vec<_>>() == expected;
            rule(RULE, same, (filter, read))?;
        }
        Ok(())
    }

    async fn an_entry_is_written_once(&self) -> Result<(), Violation> {
        let written = entry("host.once").at(at(300), &SystemRandom);
        race(|_| {
            let (store, written) = (Arc::clone(&self.store), written.clone());
            async move { store.write_audit_entry(&written).await }
        })
        .await?;
        let action = Some("host.once".to_owned());
        let read = self.find(&AuditFilter { action, ..AuditFilter::default() }).await?;
        rule("an audit entry is written once", read == [written], read)
    }

    async fn what_is_old_enough_goes_in_bounded_batches(&self) -> Result<(), Violation> {
        const RULE: &str = "only audit entries that are old enough go, in bounded batches";
        let before = self.find(&AuditFilter::default()).await?.len();
        let end = epoch() + Duration::days(400);
        let late = entry("host.late").at(end, &SystemRandom);
        self.store.write_audit_entry(&late).await?;
        let first = self.store.sweep_audit(end, 3).await?;
        rule(RULE, first == 3, first)?;
        while self.store.sweep_audit(end, 3).await? > 0 {}
        let left = self.find(&AuditFilter::default()).await?;
        rule(RULE, left == [late], (before, left))
    }

    async fn write(
        &self,
        action: &str,
        second: i64,
        with: impl FnOnce(Entry) -> Entry,
    ) -> Result<AuditEntry, Violation> {
        let written = with(entry(action)).at(at(second), &SystemRandom);
        self.store.write_audit_entry(&written).await?;
        Ok(written)
    }

    async fn find(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, Violation> {
        Ok(self.store.audit_entries(filter, 1000).await?)
    }
}

fn entry(action: &str) -> Entry {
    Entry::new(Action::host(action).unwrap_or(Action::of("host.unnamed")))
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap_or_else(|_| UserId::from(Uuid::nil()))
}

/// What is to go along with a change, and the name it is found by.
#[cfg(feature = "accounts")]
pub(super) fn new_note() -> (String, crate::store::Effects) {
    use crate::crypto::RandomExt as _;

    let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
    let action = Action::host(&name).unwrap_or(Action::CREATE);
    (name, Entry::new(action).at(epoch(), &SystemRandom).into())
}

/// How often that was written, about this user.
#[cfg(feature = "accounts")]
pub(super) async fn wrote(
    audit: &dyn AuditStore,
    name: &str,
    user: &UserId,
) -> Result<usize, Violation> {
    let action = Some(name.to_owned());
    let filter = AuditFilter { action, user: Some(user.clone()), ..AuditFilter::default() };
    Ok(audit.audit_entries(&filter, 10).await?.len())
}
