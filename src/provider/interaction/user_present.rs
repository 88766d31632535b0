use time::{Duration, OffsetDateTime};

use super::Interaction;
use crate::provider::ProviderError;
use crate::scope::{Account, Authentication, CurrentAccount, Prompt};

/// Somebody is logged in, is the one the client means, and proved it as lately as the client asks.
/// Only the check of an interaction makes one.
///
/// ```compile_fail,E0451
/// use donjon::provider::proof::UserPresent;
/// use donjon::scope::CurrentAccount;
///
/// fn forge(current: CurrentAccount) -> UserPresent {
///     UserPresent { current }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct UserPresent {
    current: CurrentAccount,
}

impl UserPresent {
    /// Proves it, or says what is missing: each is cured by logging in.
    ///
    /// OpenID Connect Core, section 3.1.2.1: `prompt=login`, `select_account` and `max_age` are
    /// checked here, each time, against the moment the login happened; that the user was sent to
    /// log in proves nothing. A login that happened after the interaction began satisfies them
    /// all, also for a user who takes long to read the consent page. The only way to select an
    /// account is to log in with it.
    pub(in crate::provider) fn prove(
        interaction: &Interaction,
        current: Option<CurrentAccount>,
        now: OffsetDateTime,
    ) -> Result<Self, ProviderError> {
        let current = current.ok_or(ProviderError::LoginRequired)?;
        let request = &interaction.request;
        let logged_in_at = current.authentication.at;
        let since_we_began = logged_in_at > interaction.thread.started_at;
        let again = request.prompts(Prompt::Login) || request.prompts(Prompt::SelectAccount);
        let too_old = request
            .max_age
            .is_some_and(|max_age| now - logged_in_at > Duration::seconds(max_age.into()));
        if !since_we_began && (again || too_old) {
            return Err(ProviderError::LoginNotFresh);
        }
        if request.subject_hint.as_ref().is_some_and(|hint| hint != current.account.id()) {
            return Err(ProviderError::OtherUserLoggedIn);
        }
        Ok(Self { current })
    }

    /// Who it is.
    pub fn account(&self) -> &Account {
        &self.current.account
    }

    /// How, when and in which session they logged in.
    pub fn authentication(&self) -> &Authentication {
        &self.current.authentication
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, alice, bob, interaction};
    use super::*;

    fn prove(
        interaction: &Interaction,
        current: CurrentAccount,
        after: Duration,
    ) -> Result<UserPresent, ProviderError> {
        UserPresent::prove(interaction, Some(current), NOW + after)
    }

    #[test]
    fn nobody_is_not_present() {
        let nobody = UserPresent::prove(&interaction(|_| {}), None, NOW);
        assert_eq!(nobody, Err(ProviderError::LoginRequired));
    }

    #[test]
    fn a_login_from_before_is_enough_unless_the_client_says_otherwise() {
        let old = alice(NOW - Duration::DAY);
        assert!(prove(&interaction(|_| {}), old.clone(), Duration::ZERO).is_ok());
        for prompt in [Prompt::Login, Prompt::SelectAccount] {
            let interaction = interaction(|request| request.prompt = vec![prompt]);
            for at in [NOW - Duration::DAY, NOW - Duration::MICROSECOND, NOW] {
                let stale = prove(&interaction, alice(at), Duration::MINUTE);
                assert_eq!(stale, Err(ProviderError::LoginNotFresh));
            }
            let fresh = alice(NOW + Duration::SECOND);
            assert!(prove(&interaction, fresh, Duration::MINUTE).is_ok());
        }
    }

    #[test]
    fn max_age_counts_from_the_login() {
        let interaction = interaction(|request| request.max_age = Some(60));
        assert!(prove(&interaction, alice(NOW - Duration::seconds(60)), Duration::ZERO).is_ok());
        let stale = prove(&interaction, alice(NOW - Duration::seconds(60)), Duration::MICROSECOND);
        assert_eq!(stale, Err(ProviderError::LoginNotFresh));
        // Who logged in for this interaction may take an hour over the consent page.
        assert!(prove(&interaction, alice(NOW + Duration::SECOND), Duration::HOUR).is_ok());
    }

    #[test]
    fn max_age_zero_is_a_new_login() {
        let interaction = interaction(|request| request.max_age = Some(0));
        let stale = prove(&interaction, alice(NOW - Duration::SECOND), Duration::ZERO);
        assert_eq!(stale, Err(ProviderError::LoginNotFresh));
        assert!(prove(&interaction, alice(NOW + Duration::SECOND), Duration::MINUTE).is_ok());
    }

    #[test]
    fn a_hint_is_met_by_that_user_only() {
        let interaction = interaction(|request| {
            request.subject_hint = Some("alice".to_owned().try_into().unwrap())
        });
        assert!(prove(&interaction, alice(NOW), Duration::ZERO).is_ok());
        let other = prove(&interaction, bob(NOW), Duration::ZERO);
        assert_eq!(other, Err(ProviderError::OtherUserLoggedIn));
    }
}
