//! What becomes of somebody whom a provider vouches for: a function of what is known, and nothing
//! else.

use super::fault::Fault;
use super::policy::{EmailMismatch, SocialPolicy, WithoutEmail};
use super::protocol::profile::Profile;
use crate::account::{Email, Unconfirmed};
use crate::scope::Account;
use crate::store::{IdentityOwners, LoginUser};

/// What becomes of them.
#[derive(Debug)]
pub(super) enum Outcome {
    /// They come in as this user.
    LogIn(Box<LoginUser>),
    /// They may link the identity to this account, once they have shown to be its owner: an address
    /// alone never does it.
    AskToLink(Account),
    /// They get an account with this address, which is theirs.
    Register(Email),
    /// They get this account, since the address is theirs, and nobody else could come in.
    TakeOver(Account),
    /// They are asked for an address. Whether it has an account is not looked at before it is theirs.
    AskForEmail,
}

/// Decides. An address counts only if the provider is believed that it is the user's: with any other
/// a stranger could learn what addresses have accounts, and get into them.
pub(super) fn decide(
    profile: &Profile,
    owners: IdentityOwners,
    policy: &SocialPolicy,
    unconfirmed: Unconfirmed,
) -> Result<Outcome, Fault> {
    let email = profile.trusted_email();
    let holder = owners.email.filter(|_| email.is_some());
    match (owners.identity, holder, email) {
        // Nor is who only signed up with the address anybody's rival: they would keep the owner out.
        (Some(user), Some(holder), _)
            if holder.id() != user.account.id()
                && holder.email_verified()
                && policy.email_mismatch == EmailMismatch::Refuse =>
        {
            Err(Fault::Mismatch)
        }
        (Some(user), ..) => Ok(Outcome::LogIn(Box::new(user))),
        // Whoever signed up with the address never showed that it is theirs, and was never let in.
        (None, Some(holder), _)
            if !holder.email_verified() && unconfirmed == Unconfirmed::Block && policy.sign_up =>
        {
            Ok(Outcome::TakeOver(holder))
        }
        (None, Some(holder), _) => Ok(Outcome::AskToLink(holder)),
        (None, None, Some(_)) if !policy.sign_up => Err(Fault::Closed),
        (None, None, Some(email)) => Ok(Outcome::Register(email)),
        (None, None, None) => match policy.without_email {
            WithoutEmail::Ask => Ok(Outcome::AskForEmail),
            WithoutEmail::Refuse => Err(Fault::NoEmail),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scope::UserId;

    fn account(id: &str) -> Account {
        Account::new(UserId::new(id).unwrap()).with_email(format!("{id}@example.test"), true)
    }

    fn user(id: &str) -> LoginUser {
        LoginUser {
            account: account(id),
            password: None,
            device_epoch: 0,
            has_second_factor: false,
            password_set_at: None,
            must_change_password: false,
        }
    }

    fn profile(email: Option<bool>) -> Profile {
        let mut profile = Profile::of("s".into());
        profile.email = email.map(|_| "someone@example.test".into());
        profile.email_trusted = email == Some(true);
        profile
    }

    fn outcome(
        email: Option<bool>,
        identity: Option<&str>,
        holder: Option<&str>,
        policy: SocialPolicy,
    ) -> String {
        let owners = IdentityOwners { identity: identity.map(user), email: holder.map(account) };
        match decide(&profile(email), owners, &policy, Unconfirmed::Block) {
            Ok(Outcome::LogIn(user)) => format!("log in {}", user.account.id()),
            Ok(Outcome::AskToLink(account)) => format!("link {}", account.id()),
            Ok(Outcome::Register(email)) => format!("register {email}"),
            Ok(Outcome::TakeOver(account)) => format!("take over {}", account.id()),
            Ok(Outcome::AskForEmail) => "ask".into(),
            Err(fault) => fault.reason().into(),
        }
    }

    #[test]
    fn the_five_outcomes() {
        let policy = SocialPolicy::default();
        let of = |email, identity, holder| outcome(email, identity, holder, policy);
        for email in [None, Some(false), Some(true)] {
            assert_eq!(of(email, Some("a"), None), "log in a");
            assert_eq!(of(email, Some("a"), Some("a")), "log in a");
        }
        assert_eq!(of(Some(true), None, Some("a")), "link a");
        assert_eq!(of(Some(true), None, None), "register someone@example.test");
        assert_eq!(of(None, None, None), "ask");
        assert_eq!(of(Some(true), Some("a"), Some("b")), "email_mismatch");
    }

    #[test]
    fn who_only_signed_up_with_an_address_is_nobodys_rival() {
        for unconfirmed in [Unconfirmed::Block, Unconfirmed::Allow] {
            for verified in [true, false] {
                let holder = account("b").with_email("someone@example.test", verified);
                let owners = IdentityOwners { identity: Some(user("a")), email: Some(holder) };
                let policy = SocialPolicy::default();
                let outcome = decide(&profile(Some(true)), owners, &policy, unconfirmed);
                assert_eq!(matches!(outcome, Err(Fault::Mismatch)), verified, "{unconfirmed:?}");
                assert_eq!(matches!(outcome, Ok(Outcome::LogIn(_))), !verified);
            }
        }
    }

    #[test]
    fn an_account_that_nobody_could_use_goes_to_the_owner_of_its_address() {
        let closed = SocialPolicy { sign_up: false, ..SocialPolicy::default() };
        for (policy, unconfirmed, taken) in [
            (SocialPolicy::default(), Unconfirmed::Block, true),
            (SocialPolicy::default(), Unconfirmed::Allow, false),
            (closed, Unconfirmed::Block, false),
        ] {
            for (trusted, taken) in [(true, taken), (false, false)] {
                let holder = account("a").with_email("someone@example.test", false);
                let owners = IdentityOwners { identity: None, email: Some(holder) };
                let outcome = decide(&profile(Some(trusted)), owners, &policy, unconfirmed);
                assert_eq!(matches!(outcome, Ok(Outcome::TakeOver(_))), taken, "{unconfirmed:?}");
            }
        }
    }

    #[test]
    fn the_host_decides_otherwise() {
        let policy = SocialPolicy {
            sign_up: false,
            without_email: WithoutEmail::Refuse,
            email_mismatch: EmailMismatch::LogIn,
            ..SocialPolicy::default()
        };
        let of = |email, identity, holder| outcome(email, identity, holder, policy);
        assert_eq!(of(Some(true), None, None), "sign_up_closed");
        assert_eq!(of(None, None, None), "no_email");
        assert_eq!(of(Some(true), Some("a"), Some("b")), "log in a");
        assert_eq!(of(Some(true), None, Some("a")), "link a");
    }

    proptest! {
        /// What nobody vouches for changes nothing, whoever has the address.
        #[test]
        fn an_address_that_nobody_vouches_for_is_not_looked_at(
            identity in proptest::option::of("[ab]"),
            holder in proptest::option::of("[ab]"),
            sign_up: bool,
            refuse: bool,
            log_in: bool,
        ) {
            let policy = SocialPolicy {
                sign_up,
                without_email: if refuse { WithoutEmail::Refuse } else { WithoutEmail::Ask },
                email_mismatch:
                    if log_in { EmailMismatch::LogIn } else { EmailMismatch::Refuse },
                ..SocialPolicy::default()
            };
            let of = |email, holder| outcome(email, identity.as_deref(), holder, policy);
            let without = of(None, None);
            prop_assert_eq!(&of(Some(false), holder.as_deref()), &without);
            prop_assert_eq!(&of(None, holder.as_deref()), &without);
            // Without the identity nobody comes in, whatever the address.
            let in_as = of(Some(true), holder.as_deref());
            prop_assert_eq!(in_as.starts_with("log in"), identity.is_some()
                && (log_in || holder.is_none() || holder == identity));
        }
    }
}
