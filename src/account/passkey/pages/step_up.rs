//! A passkey beside the session that there is: as the second factor of one that was opened without,
//! or for new backup codes. The session is the first factor, so that a key that did not verify its
//! user will do.

use http::HeaderValue;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite, methods};
use crate::account::AccountError;
use crate::account::passkey::UserVerification;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::scope::{Account, Method};
use crate::store::FoundPasskey;

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
        self.ask_beside(site, visit, account, (Kind::StepUp, asking)).await
    }

    /// Uses the passkey that answers. Gives what is to be said of it, in which epoch of the user, and
    /// the `Set-Cookie` value that ends what was asked; `None` if the answer is refused.
    pub(in crate::account) async fn step_up(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        answer: &str,
    ) -> Result<Option<([Method; 3], i64, HeaderValue)>, AccountError> {
        let used = self.prove_beside(site, visit, account, (Kind::StepUp, answer)).await?;
        Ok(used.map(|(found, over)| (methods(&found.passkey), found.device_epoch, over)))
    }

    /// What the page asks before it gives new backup codes to who has no app.
    pub(in crate::account) async fn ask_for_codes(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<Asked>, AccountError> {
        self.ask_beside(site, visit, account, (Kind::Codes, asking)).await
    }

    /// Uses the passkey that answers. Gives the `Set-Cookie` value that ends what was asked; `None` if
    /// the answer is refused.
    pub(in crate::account) async fn prove_for_codes(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        answer: &str,
    ) -> Result<Option<HeaderValue>, AccountError> {
        let used = self.prove_beside(site, visit, account, (Kind::Codes, answer)).await?;
        Ok(used.map(|(_, over)| over))
    }

    async fn ask_beside(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        (kind, asking): (Kind, Asking),
    ) -> Result<Option<Asked>, AccountError> {
        let whose = Whose { user: Some(account.id().clone()), session: visit.session.id() };
        let what = (kind, whose, asking);
        self.ask_of(site, visit, account.id(), what, UserVerification::Preferred).await
    }

    async fn prove_beside(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        (kind, answer): (Kind, &str),
    ) -> Result<Option<(FoundPasskey, HeaderValue)>, AccountError> {
        let what = (kind, Whom::Beside(account, visit.session.id()), Action::VERIFY);
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let along = site.effects(visit.entry(Action::VERIFY));
        let used = use_up(site, self, visit, &proven, along).await?;
        Ok(used.then(|| (proven.found, self.ceremonies.end(kind))))
    }
}
