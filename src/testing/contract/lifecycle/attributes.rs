//! What the host says of its users.

use serde_json::json;

use super::*;
use crate::scope::Attributes;
use crate::store::{AttributesChange, AttributesVersion};

impl Kit {
    pub(super) async fn attributes_are_changed_one_after_the_other(&self) -> Result<(), Violation> {
        const RULE: &str = "of many who change the same attributes exactly one does";
        let user = self.user().await?;
        let id = user.account.id().clone();
        let loaded = self.store.load_attributes(&id).await?;
        let expected = Some((Attributes::new(), AttributesVersion(0)));
        rule("attributes are found as they were written", loaded == expected, loaded)?;
        for version in [0, 1] {
            let outcomes = race(|caller| {
                let (store, id) = (Arc::clone(&self.store), id.clone());
                async move {
                    let (attributes, version) = (said(caller), AttributesVersion(version));
                    let along = Effects::none();
                    store.change_attributes(&id, version, &attributes, &along).await
                }
            })
            .await?;
            let written: Vec<_> = (0..CALLERS)
                .filter(|caller| outcomes.get(*caller) == Some(&AttributesChange::Written))
                .collect();
            let [winner] = written.as_slice() else { return rule(RULE, false, written) };
            let found = self.store.load_attributes(&id).await?;
            let expected = Some((said(*winner), AttributesVersion(version + 1)));
            rule(RULE, found == expected, found)?;
        }
        // A claim is a change, too.
        self.users.claim_attribute(&id, "payroll", &json!("A-17")).await?;
        let (stale, along) = (AttributesVersion(2), Effects::none());
        let late = self.store.change_attributes(&id, stale, &said(0), &along).await?;
        rule("an attribute that was claimed is not lost", late == AttributesChange::Late, late)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let none = self.store.load_attributes(&nobody).await?;
        rule("nobody has attributes", none.is_none(), none)
    }
}

fn said(what: usize) -> Attributes {
    [("said".to_owned(), what.into())].into_iter().collect()
}
