//! A passkey of somebody who is logged in.

use http::HeaderValue;

use super::ceremony::{Asking, Kind, Whose};
use super::prove::{Whom, prove, use_up};
use super::{Asked, PasskeySite, methods};
use crate::account::AccountError;
use crate::account::passkey::UserVerification;
use crate::account::site::{Site, Visit};
use crate::audit::Action;
use crate::scope::{Account, Method};

/// What somebody who is logged in is asked for a passkey for.
#[derive(Clone, Copy, Debug)]
pub(in crate::account) enum Occasion {
    /// To prove who they are again. It is all that is asked for, so that its authenticator must have
    /// verified its user: a key that was left in a borrowed computer is not enough.
    Again,
    /// As the second factor of a session that was opened without. The session is the first factor, so
    /// that a key that did not verify its user will do.
    StepUp,
    /// For new backup codes, if there is no app. The session is the first factor here, too.
    Codes,
}

impl Occasion {
    fn kind(self) -> Kind {
        match self {
            Self::Again => Kind::Again,
            Self::StepUp => Kind::StepUp,
            Self::Codes => Kind::Codes,
        }
    }

    fn verification(self) -> UserVerification {
        match self {
            Self::Again => UserVerification::Required,
            Self::StepUp | Self::Codes => UserVerification::Preferred,
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Again => Action::REAUTHENTICATE,
            Self::StepUp | Self::Codes => Action::VERIFY,
        }
    }

    fn whom<'a>(self, visit: &Visit, account: &'a Account) -> Whom<'a> {
        match self {
            Self::Again => Whom::Present(account, visit.session.id()),
            Self::StepUp | Self::Codes => Whom::Beside(account, visit.session.id()),
        }
    }
}

impl PasskeySite {
    /// What the page asks, if the user has passkeys of this application: in this session, and no
    /// other.
    pub(in crate::account) async fn ask_present(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        (occasion, asking): (Occasion, Asking),
    ) -> Result<Option<Asked>, AccountError> {
        let whose = Whose { user: Some(account.id().clone()), session: visit.session.id() };
        let what = (occasion.kind(), whose, asking);
        let asked = self.ask_of(site, visit, account.id(), what, occasion.verification()).await?;
        Ok(asked.continue_value().flatten())
    }

    /// Uses the passkey that answers. Gives what is to be said of it, in which epoch of the user, and
    /// the `Set-Cookie` value that ends what was asked; `None` if the answer is refused.
    pub(in crate::account) async fn prove_present(
        &self,
        site: &Site,
        visit: &Visit,
        account: &Account,
        (occasion, answer): (Occasion, &str),
    ) -> Result<Option<([Method; 3], i64, HeaderValue)>, AccountError> {
        let kind = occasion.kind();
        let what = (kind, occasion.whom(visit, account), occasion.action());
        let Some(proven) = prove(site, self, visit, what, answer).await? else { return Ok(None) };
        let along = site.effects(visit.entry(occasion.action()));
        let used = use_up(site, self, visit, &proven, along).await?;
        let found = proven.found;
        Ok(used.then(|| (methods(&found.passkey), found.device_epoch, self.ceremonies.end(kind))))
    }
}
