//! A passkey of somebody who is logged in, and proves it again. It is all that is asked for, so that
//! its authenticator must have verified its user: a key that was left in a borrowed computer is not
//! enough.

use http::HeaderValue;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite};
use crate::account::AccountError;
use crate::account::passkey::UserVerification;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::scope::Account;

impl PasskeySite {
    /// What the page asks, if the user has passkeys of this application: in this session, and no
    /// other.
    pub(in crate::account) async fn ask_again(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<Asked>, AccountError> {
        let whose = Whose { user: Some(account.id().clone()), session: visit.session.id() };
        let what = (Kind::Again, whose, asking);
        self.ask_of(site, visit, account.id(), what, UserVerification::Required).await
    }

    /// Uses the passkey that answers. Gives the `Set-Cookie` value that ends what was asked; `None`
    /// if the answer is refused.
    pub(in crate::account) async fn prove_again(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        answer: &str,
    ) -> Result<Option<HeaderValue>, AccountError> {
        let whom = Whom::Present(account, visit.session.id());
        let what = (Kind::Again, whom, Action::REAUTHENTICATE);
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let along = site.effects(visit.entry(Action::REAUTHENTICATE));
        let used = use_up(site, self, visit, &proven, along).await?;
        Ok(used.then(|| self.ceremonies.end(Kind::Again)))
    }
}
