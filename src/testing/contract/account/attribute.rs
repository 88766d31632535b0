use std::sync::Arc;

use super::{Kit, fresh_email, new_user};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::scope::{Attributes, UserId};
use crate::store::Effects;
use crate::testing::contract::{Violation, epoch, race, rule};

impl Kit {
    pub(super) async fn an_attribute_is_claimed_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an attribute is claimed once";
        const NAME: &str = "saml:\"a.b\"/c'd";
        let mut user = new_user(&fresh_email());
        let mut attributes = Attributes::new();
        attributes.insert("name".into(), "Zoë".into());
        user.account = user.account.with_attributes(attributes);
        self.store.create_user(&user, &Effects::none()).await?;
        let id = user.account.id().clone();
        let told = race(|index| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move { store.claim_attribute(&id, NAME, &format!("caller {index}").into()).await }
        })
        .await?;
        let account = self.store.find_account(&id).await?;
        let stored = account.as_ref().and_then(|account| account.attributes().get(NAME)).cloned();
        let agreed = stored.is_some() && told.iter().all(|told| *told == stored);
        rule(RULE, agreed, (&told, &stored))?;

        let own = self.store.claim_attribute(&id, "name", &"Mallory".into()).await?;
        rule(RULE, own == Some("Zoë".into()), own)?;
        let other = self.store.claim_attribute(&id, "more", &serde_json::json!({"a": [1]})).await?;
        rule(RULE, other == Some(serde_json::json!({"a": [1]})), other)?;
        let account = self.store.find_account(&id).await?;
        let kept = account.is_some_and(|account| {
            let attributes = account.attributes();
            attributes.len() == 3 && attributes.get(NAME) == stored.as_ref()
        });
        rule("a claimed attribute leaves the others alone", kept, stored)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let told = self.store.claim_attribute(&nobody, NAME, &"x".into()).await?;
        rule(RULE, told.is_none(), told)
    }
}
