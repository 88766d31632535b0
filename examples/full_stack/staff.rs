use async_trait::async_trait;
use donjon::account::{AdminAct, AdminAuthorizer};
use donjon::scope::{Account, CurrentScope};
use donjon::store::Organization;

/// The attribute that makes an administrator; in the configuration, `claims = { staff = true }`.
pub(crate) const ATTRIBUTE: &str = "staff";

/// Says who may see `/admin`, and what they may do there: the staff may everything, but act as each
/// other.
#[derive(Debug)]
pub(crate) struct Staff;

pub(crate) fn is_staff(account: &Account) -> bool {
    account.attributes().get(ATTRIBUTE).and_then(|value| value.as_bool()) == Some(true)
}

#[async_trait]
impl AdminAuthorizer for Staff {
    async fn may(&self, who: &CurrentScope, act: AdminAct, _: Option<&Account>) -> bool {
        who.account().is_some_and(is_staff) && act != AdminAct::ImpersonateAdministrator
    }

    async fn may_in(&self, who: &CurrentScope, _: AdminAct, _: &Organization) -> bool {
        who.account().is_some_and(is_staff)
    }

    async fn is_administrator(&self, account: &Account) -> bool {
        is_staff(account)
    }
}
