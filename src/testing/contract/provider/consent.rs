//! Consents and interactions.

use time::{Duration, OffsetDateTime};

use super::{CLIENT, Checked, Kit, any_grant, new_code, user};
use crate::crypto::Sealed;
use crate::store::{
    Consent, InteractionSave, IssuerId, RateLimit, SaveInteraction, StoreError, StoredInteraction,
};
use crate::testing::contract::{epoch, race, rule};

pub(super) async fn check(kit: &Kit) -> Checked {
    consents_add_up(kit).await?;
    no_code_no_consent(kit).await?;
    interactions_last(kit).await?;
    interactions_are_limited(kit).await
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

/// An interaction of a network that may have 5 a minute, as all together may have 8.
fn saving(interaction_id: &str, network: &str) -> SaveInteraction {
    SaveInteraction {
        interaction: StoredInteraction {
            interaction_id: interaction_id.into(),
            state: Sealed::from_bytes(vec![1; 5_000]),
            expires_at: epoch() + Duration::HOUR,
        },
        network: network.into(),
        per_network: RateLimit { times: 5, window: Duration::MINUTE },
        in_all: RateLimit { times: 8, window: Duration::MINUTE },
        now: epoch(),
    }
}

async fn interactions_are_limited(kit: &Kit) -> Checked {
    const RULE: &str = "interactions are kept as often as the limits allow, and not once more";
    let limited = InteractionSave::Limited { until: epoch() + Duration::MINUTE };
    let issuer = IssuerId::new("https://limited.example");
    let one = |id: String, network: &'static str, now: OffsetDateTime| {
        let (kit, issuer) = (kit.clone(), issuer.clone());
        async move {
            let save = SaveInteraction { now, ..saving(&id, network) };
            let saved = kit.store.save_interaction(&issuer, &save).await?;
            let found = kit.store.load_interaction(&issuer, &id, now).await?;
            Ok::<_, StoreError>((saved, found.is_some()))
        }
    };
    let many = async |network: &'static str, now: OffsetDateTime, expected: usize| {
        let name = |caller| format!("{network} {caller} {now}");
        let saves = race(|caller| one(name(caller), network, now)).await?;
        let kept = saves.iter().filter(|save| **save == (InteractionSave::Saved, true)).count();
        let refused = saves.iter().filter(|save| **save == (limited, false)).count();
        rule(RULE, kept == expected && kept + refused == saves.len(), &saves)
    };
    many("198.51.100.1/32", epoch(), 5).await?;
    // What the first was refused does not count for all.
    many("198.51.100.2/32", epoch(), 3).await?;
    many("198.51.100.3/32", epoch(), 0).await?;
    let elsewhere =
        kit.store.save_interaction(&kit.issuer, &saving("x", "198.51.100.3/32")).await?;
    rule("each issuer counts for itself", elsewhere == InteractionSave::Saved, elsewhere)?;
    let last = epoch() + Duration::MINUTE - Duration::MICROSECOND;
    let early = one("early".into(), "198.51.100.1/32", last).await?;
    rule(RULE, early == (limited, false), early)?;
    let again = one("again".into(), "198.51.100.1/32", epoch() + Duration::MINUTE).await?;
    rule("a limit's window ends", again == (InteractionSave::Saved, true), again)
}

async fn interactions_last(kit: &Kit) -> Checked {
    const RULE: &str = "an interaction is kept until it is over";
    let mut interaction = StoredInteraction {
        interaction_id: "kept".into(),
        state: Sealed::from_bytes(vec![1; 5_000]),
        expires_at: epoch() + Duration::HOUR,
    };
    let mut save = saving("kept", "198.51.100.1/32");
    save.interaction = interaction.clone();
    kit.store.save_interaction(&kit.issuer, &save).await?;
    interaction.state = Sealed::from_bytes(vec![2; 5_000]);
    save.interaction = interaction.clone();
    kit.store.save_interaction(&kit.issuer, &save).await?;
    let (end, moment) = (interaction.expires_at, Duration::MICROSECOND);
    let found = kit.store.load_interaction(&kit.issuer, "kept", end - moment).await?;
    rule(RULE, found.as_ref() == Some(&interaction), &found)?;
    let found = kit.store.load_interaction(&kit.issuer, "kept", end).await?;
    rule(RULE, found.is_none(), &found)
}
