//! A passkey as the second step of a login.

use std::ops::ControlFlow;

use http::Response;
use http::header::SET_COOKIE;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite, methods, suspect};
use crate::account::passkey::{NamedCredential, RequestOptions, UserVerification};
use crate::account::pending::Pending;
use crate::account::sign_in::{ProvenAt, SignIn, open};
use crate::account::site::{Site, Visit};
use crate::account::{AccountError, Email};
use crate::audit::Action;
use crate::http::Body;
use crate::scope::UserId;
use crate::store::{Effects, Passkey};

impl PasskeySite {
    /// What the page asks, if the user has passkeys of this application. `Break` if their last second
    /// factor was one that may have been copied: what the login waited for is gone.
    pub(in crate::account) async fn ask_verify(
        &self,
        site: &Site,
        visit: &Visit,
        user: &UserId,
        asking: Asking,
    ) -> Result<ControlFlow<(), Option<Asked>>, AccountError> {
        let whose = Whose { user: Some(user.clone()), session: None };
        let what = (Kind::Verify, whose, asking);
        self.ask_of(site, visit, user, what, UserVerification::Preferred).await
    }

    /// What a page asks of this user, if they have passkeys of this application; `Break` as
    /// [`Self::ask_verify`].
    pub(super) async fn ask_of(
        &self,
        site: &Site,
        visit: &Visit,
        user: &UserId,
        what: (Kind, Whose, Asking),
        verification: UserVerification,
    ) -> Result<ControlFlow<(), Option<Asked>>, AccountError> {
        let mut passkeys = site.store.passkeys_of(user).await?;
        if suspect::revoke_left(site, visit, user, &passkeys).await? {
            return Ok(ControlFlow::Break(()));
        }
        passkeys
            .retain(|passkey| passkey.rp_id == self.party.id() && passkey.suspended_at.is_none());
        if passkeys.is_empty() {
            return Ok(ControlFlow::Continue(None));
        }
        let verifies = passkeys.iter().any(|passkey| passkey.user_verified);
        let allowed = named(&passkeys);
        let (challenge, cookie) =
            self.ceremonies.begin(&*site.random, &visit.headers, what, site.now());
        let party = &self.party;
        let options =
            RequestOptions { party, challenge: &challenge, verification, allowed: &allowed };
        let asked = Asked::new(site, options.to_json(), cookie).verifying(verifies);
        Ok(ControlFlow::Continue(Some(asked)))
    }

    /// Completes a login by an answer; `None` if it is refused.
    pub(in crate::account) async fn verify(
        &self,
        site: &Site,
        visit: &Visit,
        (pending, email): (&Pending, &Email),
        trust: bool,
        answer: &str,
    ) -> Result<Option<Response<Body>>, AccountError> {
        let whom = Whom::User(&pending.user, email.as_str(), pending.epoch);
        let what = (Kind::Verify, whom, Action::VERIFY);
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let who = SignIn {
            email,
            account: &proven.found.account,
            device_epoch: pending.epoch,
            methods: [pending.methods.as_slice(), &methods(&proven.found.passkey)].concat(),
            remember: pending.remember,
            must_change_password: pending.must_change_password,
            proven_at: ProvenAt::Now,
            login_path: pending.login_path.clone(),
            counted: true,
            permitted: false,
        };
        let used = async |along: Effects| use_up(site, self, visit, &proven, along).await;
        let mut response = open(site, visit, &who, trust, used).await?;
        if let Some(response) = &mut response {
            response.headers_mut().append(SET_COOKIE, self.ceremonies.end(Kind::Verify));
        }
        Ok(response)
    }
}

/// Passkeys as options name them.
pub(super) fn named(passkeys: &[Passkey]) -> Vec<NamedCredential<'_>> {
    let all = passkeys.iter();
    all.map(|passkey| NamedCredential { id: &passkey.credential, transports: &passkey.transports })
        .collect()
}
