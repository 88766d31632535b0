use time::OffsetDateTime;

use super::state::MAX_LOGINS;
use super::{Interaction, UserPresent};
use crate::provider::ProviderError;
use crate::scope::{CurrentAccount, Prompt};

/// What an interaction needs next.
#[derive(Debug, PartialEq)]
pub(in crate::provider) enum Next {
    /// The user logs in, or logs in again.
    LogIn,
    /// The user is there; now for their consent.
    Consent(UserPresent),
}

/// Whether the user is there, and if not, whether to ask them to log in: OpenID Connect Core,
/// section 3.1.2.3. An error goes back to the client.
pub(in crate::provider) fn decide(
    interaction: &Interaction,
    current: Option<CurrentAccount>,
    now: OffsetDateTime,
) -> Result<Next, ProviderError> {
    let thread = &interaction.thread;
    let just_logged_in =
        current.as_ref().is_some_and(|current| current.authentication.at > thread.started_at);
    let missing = match UserPresent::prove(interaction, current, now) {
        Ok(user) => return Ok(Next::Consent(user)),
        Err(missing) => missing,
    };
    let silent = interaction.request.prompts(Prompt::None);
    // Who logged in for this interaction and is still the wrong user would be so again; and a host
    // whose login page lets everybody through unasked would send them back for ever.
    let in_vain = missing == ProviderError::OtherUserLoggedIn && just_logged_in;
    if silent || in_vain || thread.logins >= MAX_LOGINS { Err(missing) } else { Ok(Next::LogIn) }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::super::fixture::{NOW, alice, bob, interaction};
    use super::*;

    #[test]
    fn prompt_none_never_leads_to_a_page() {
        let silent = |change: fn(&mut super::super::AuthorizationRequest)| {
            interaction(|request| {
                request.prompt = vec![Prompt::None];
                change(request);
            })
        };
        assert_eq!(decide(&silent(|_| {}), None, NOW), Err(ProviderError::LoginRequired));
        let stale = silent(|request| request.max_age = Some(1));
        let old = alice(NOW - Duration::MINUTE);
        assert_eq!(decide(&stale, Some(old), NOW), Err(ProviderError::LoginNotFresh));
        let hinted =
            silent(|request| request.subject_hint = Some("bob".to_owned().try_into().unwrap()));
        assert_eq!(decide(&hinted, Some(alice(NOW)), NOW), Err(ProviderError::OtherUserLoggedIn));
        let present = decide(&silent(|_| {}), Some(alice(NOW)), NOW);
        assert!(matches!(present, Ok(Next::Consent(_))));
    }

    #[test]
    fn a_login_that_does_not_help_is_asked_for_a_bounded_number_of_times() {
        let mut interaction = interaction(|request| request.prompt = vec![Prompt::Login]);
        let stale = || Some(alice(NOW - Duration::MINUTE));
        for _ in 0..MAX_LOGINS {
            assert_eq!(decide(&interaction, stale(), NOW), Ok(Next::LogIn));
            interaction = interaction.after_login();
        }
        assert_eq!(decide(&interaction, stale(), NOW), Err(ProviderError::LoginNotFresh));
    }

    #[test]
    fn who_logs_in_as_another_than_was_meant_is_not_sent_round_again() {
        let interaction = interaction(|request| {
            request.subject_hint = Some("alice".to_owned().try_into().unwrap());
        });
        assert_eq!(decide(&interaction, Some(bob(NOW)), NOW), Ok(Next::LogIn));
        let again = decide(&interaction.after_login(), Some(bob(NOW + Duration::SECOND)), NOW);
        assert_eq!(again, Err(ProviderError::OtherUserLoggedIn));
    }
}
