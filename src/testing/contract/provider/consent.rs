//! Consents and interactions.

use time::Duration;

use super::{CLIENT, Checked, Kit, any_grant, new_code, user};
use crate::crypto::Sealed;
use crate::store::{Consent, IssuerId, StoredInteraction};
use crate::testing::contract::{epoch, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    consents_add_up(kit).await?;
    no_code_no_consent(kit).await?;
    interactions_last(kit).await
}

fn consent(
    subject: &str,
    resources: &[&str],
    scopes: &[&str],
) -> Result<Consent, super::Violation> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Ok(Consent {
        subject: user(subject)?,
        client_id: CLIENT.into(),
        resources: owned(resources),
        scopes: owned(scopes),
        granted_at: epoch(),
    })
}

async fn give(kit: &Kit, consent: Consent) -> Checked {
    let mut code = new_code(any_grant()?);
    code.grant.subject = consent.subject.clone();
    code.consent = Some(consent);
    kit.store.issue_code(&kit.issuer, &code).await?;
    Ok(())
}

async fn agreed(
    kit: &Kit,
    subject: &str,
    resources: &[&str],
) -> Result<Vec<String>, super::Violation> {
    let resources: Vec<String> = resources.iter().map(|text| (*text).to_owned()).collect();
    let found = kit.store.consent(&kit.issuer, &user(subject)?, CLIENT, &resources).await?;
    let mut scopes = found.map(|consent| consent.scopes).unwrap_or_default();
    scopes.sort();
    Ok(scopes)
}

async fn consents_add_up(kit: &Kit) -> Checked {
    const RULE: &str = "a consent adds to an older one about the same resources, and to no other";
    give(kit, consent("agrees", &[], &["openid", "read"])?).await?;
    give(kit, consent("agrees", &[], &["write", "read"])?).await?;
    give(kit, consent("agrees", &["https://a.example"], &["delete"])?).await?;
    for (subject, resources, expected) in [
        ("agrees", &[][..], &["openid", "read", "write"][..]),
        ("agrees", &["https://a.example"], &["delete"]),
        ("agrees", &["https://a.example", "https://b.example"], &[]),
        ("disagrees", &[], &[]),
    ] {
        let scopes = agreed(kit, subject, resources).await?;
        rule(RULE, scopes == expected, &scopes)?;
    }
    let elsewhere = IssuerId::new("https://other.example");
    let foreign = kit.store.consent(&elsewhere, &user("agrees")?, CLIENT, &[]).await?;
    rule("a consent is one issuer's", foreign.is_none(), foreign)
}

async fn no_code_no_consent(kit: &Kit) -> Checked {
    let code = kit.issued(any_grant()?).await?;
    let mut again = new_code(any_grant()?);
    again.interaction_id = code.interaction_id;
    again.consent = Some(consent("too-late", &[], &["openid"])?);
    kit.store.issue_code(&kit.issuer, &again).await?;
    let scopes = agreed(kit, "too-late", &[]).await?;
    rule("an interaction that yields no code leaves no consent", scopes.is_empty(), scopes)
}

async fn interactions_last(kit: &Kit) -> Checked {
    const RULE: &str = "an interaction is kept until it is over";
    let mut interaction = StoredInteraction {
        interaction_id: "kept".into(),
        state: Sealed::from_bytes(vec![1; 5_000]),
        expires_at: epoch() + Duration::HOUR,
    };
    kit.store.save_interaction(&kit.issuer, &interaction).await?;
    interaction.state = Sealed::from_bytes(vec![2; 5_000]);
    kit.store.save_interaction(&kit.issuer, &interaction).await?;
    let (end, moment) = (interaction.expires_at, Duration::MICROSECOND);
    let found = kit.store.load_interaction(&kit.issuer, "kept", end - moment).await?;
    rule(RULE, found.as_ref() == Some(&interaction), &found)?;
    let found = kit.store.load_interaction(&kit.issuer, "kept", end).await?;
    rule(RULE, found.is_none(), &found)
}
