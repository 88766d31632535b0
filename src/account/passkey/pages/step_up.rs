//! A passkey as the second factor of a session that was opened without. The session is the first
//! one, so that a key that did not verify its user will do.

use http::HeaderValue;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite, methods};
use crate::account::AccountError;
use crate::account::passkey::UserVerification;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::scope::{Account, Method};

impl PasskeySite {
    /// What the page asks, if the user has passkeys of this application: in this session, and no
    /// other.
    pub(in crate::account) async fn ask_step_up(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<Asked>, AccountError> {
        let whose = Whose { user: Some(account.id().clone()), session: visit.session.id() };
        let what = (Kind::StepUp, whose, asking);
        self.ask_of(site, visit, account.id(), what, UserVerification::Preferred).await
    }

    /// Uses the passkey that answers. Gives what is to be said of it, and the `Set-Cookie` value that
    /// ends what was asked; `None` if the answer is refused.
    pub(in crate::account) async fn step_up(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        answer: &str,
    ) -> Result<Option<([Method; 3], HeaderValue)>, AccountError> {
        let whom = Whom::Beside(account, visit.session.id());
        let what = (Kind::StepUp, whom, Action::VERIFY);
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let along = site.effects(visit.entry(Action::VERIFY));
        let used = use_up(site, self, visit, &proven, along).await?;
        let said = methods(&proven.found.passkey);
        Ok(used.then(|| (said, self.ceremonies.end(Kind::StepUp))))
    }
}
