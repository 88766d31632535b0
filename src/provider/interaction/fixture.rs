//! What the tests of interactions share.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{AuthorizationRequest, Interaction};
use crate::crypto::SystemRandom;
use crate::provider::check::ResponseMode;
use crate::scope::{Account, Authentication, CurrentAccount, SessionId, UserId};

/// When the interactions of the tests begin.
pub(in crate::provider) const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);

pub(in crate::provider) fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "spa".into(),
        redirect_uri: "https://client.example/cb".into(),
        response_mode: ResponseMode::Query,
        state: Some("state".into()),
        scopes: vec!["openid".into(), "email".into()],
        resources: vec![],
        nonce: None,
        code_challenge: None,
        prompt: vec![],
        max_age: None,
        subject_hint: None,
        login_hint: None,
        acr_values: vec![],
        ui_locales: vec![],
    }
}

/// An interaction that began at [`NOW`] with a changed request.
pub(in crate::provider) fn interaction(
    change: impl FnOnce(&mut AuthorizationRequest),
) -> Interaction {
    let mut request = request();
    change(&mut request);
    Interaction::start(request, &SystemRandom, NOW, Duration::HOUR)
}

pub(in crate::provider) fn alice(at: OffsetDateTime) -> CurrentAccount {
    current("alice", at)
}

pub(in crate::provider) fn bob(at: OffsetDateTime) -> CurrentAccount {
    current("bob", at)
}

fn current(id: &str, at: OffsetDateTime) -> CurrentAccount {
    CurrentAccount {
        account: Account::new(UserId::new(id).unwrap()),
        authentication: Authentication {
            ends_at: None,
            at,
            methods: vec![],
            context_class: None,
            session_id: SessionId(Uuid::from_u128(7)),
            login_path: None,
            fresh_until: None,
        },
    }
}
