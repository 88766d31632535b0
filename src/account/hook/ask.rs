//! Asks the hook, whatever it does.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::Response;

use super::{Login, LoginDoor, Refusal, SignUp, SignUpWay};
use crate::account::AccountError;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::http::{Body, Form, Reader};
use crate::scope::{Account, Attributes, Method, UserId};

/// How long a hook may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who wants an account.
#[derive(Clone, Copy)]
pub(in crate::account) struct Applied<'a> {
    pub(in crate::account) email: &'a str,
    pub(in crate::account) way: SignUpWay<'a>,
    pub(in crate::account) form: Option<&'a Form>,
}

/// What the host gives a new account, or why there is none. It is the same question whether or not the
/// address has an account: nobody has looked.
pub(in crate::account) async fn may_sign_up(
    site: &Site,
    visit: &Visit,
    who: Applied<'_>,
) -> Result<Result<Attributes, String>, AccountError> {
    let Some(hook) = &site.account_hook else { return Ok(Ok(Attributes::new())) };
    let device = visit.session.device();
    let sign_up = SignUp {
        email: who.email,
        email_verified: who.way != SignUpWay::Form,
        way: who.way,
        address: device.address,
        user_agent: device.user_agent.as_deref(),
        form: who.form,
    };
    match patiently(async { hook.permits_sign_up(&sign_up).await }).await {
        Ok(attributes) => Ok(Ok(attributes.0)),
        Err(Refusal::Because(reason)) => Ok(Err(reason)),
        Err(Refusal::Failed(error)) => Err(AccountError::Hook(error)),
    }
}

/// The answer to a user whom the host does not let in, although they are who they say; `None` for one
/// whom it does. No login waits in the browser any more.
pub(in crate::account) async fn refuse_login(
    site: &Site,
    visit: &Visit,
    proven: (&Account, &[Method]),
    door: LoginDoor<'_>,
) -> Result<Option<Response<Body>>, AccountError> {
    refuse(site, visit, proven, door, Some(proven.0.id())).await
}

/// The same of somebody who signs up and comes in by one request: nothing is written of the account yet.
pub(in crate::account) async fn refuse_newcomer(
    site: &Site,
    visit: &Visit,
    proven: (&Account, &[Method]),
) -> Result<Option<Response<Body>>, AccountError> {
    refuse(site, visit, proven, LoginDoor::Browser, None).await
}

async fn refuse(
    site: &Site,
    visit: &Visit,
    (account, methods): (&Account, &[Method]),
    door: LoginDoor<'_>,
    about: Option<&UserId>,
) -> Result<Option<Response<Body>>, AccountError> {
    let Some(hook) = &site.account_hook else { return Ok(None) };
    let device = visit.session.device();
    let login = Login {
        account,
        door,
        methods,
        address: device.address,
        user_agent: device.user_agent.as_deref(),
    };
    let (error, failed) = match patiently(async { hook.permits_login(&login).await }).await {
        Ok(()) => return Ok(None),
        Err(Refusal::Because(reason)) => (AccountError::Refused(reason), false),
        Err(Refusal::Failed(error)) => (AccountError::Hook(error), true),
    };
    let mut entry = visit.entry(Action::LOG_IN).refused();
    if let Some(user) = about {
        entry = entry.about(user);
    }
    let entry = entry.with("reason", if failed { "hook_failed" } else { "hook" });
    let entry = entry.at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    let mut response = error.into_response(&*site.pages, Reader::of_page(&visit.headers));
    for waiting in [&site.factors.pending, &site.pending, &site.keeping] {
        waiting.forget(response.headers_mut());
    }
    Ok(Some(response))
}

/// Awaits the hook; its panics are failures, and so is taking too long.
async fn patiently<T>(answer: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Refusal::Failed("the account hook panicked".into())),
        Err(elapsed) => Err(elapsed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_errs_panics_or_hangs_has_failed() {
        let failed = |answer: Result<(), Refusal>| matches!(answer, Err(Refusal::Failed(_)));
        assert!(patiently(async { Ok(()) }).await.is_ok());
        assert!(failed(patiently(async { Err("no".parse::<u8>().unwrap_err().into()) }).await));
        assert!(failed(patiently(async { panic!("in a hook") }).await));
        assert!(failed(patiently(std::future::pending()).await));
    }
}
