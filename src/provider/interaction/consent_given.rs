use time::OffsetDateTime;

use super::{Interaction, UserPresent};
use crate::crypto::{Keyring, Purpose};
use crate::http::Form;
use crate::provider::policy::ConsentRule;
use crate::provider::{ProviderError, issuer::Issuer};
use crate::scope::{Prompt, UserId};
use crate::store::Consent;

const SHOWN_TO: Purpose = Purpose::new("provider/consent-shown-to");

/// The user who is present agreed to what this interaction asks for: on the page, before, or
/// through the host's policy. Only those three make one; a code is issued for nothing less.
///
/// ```compile_fail,E0451
/// use donjon::provider::proof::{ConsentGiven, UserPresent};
///
/// fn forge(user: UserPresent) -> ConsentGiven {
///     ConsentGiven { user, to_remember: None }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConsentGiven {
    user: UserPresent,
    to_remember: Option<Consent>,
}

impl ConsentGiven {
    /// Who agreed.
    pub fn user(&self) -> &UserPresent {
        &self.user
    }

    /// What is to be remembered of it; `None` when it was given before, or by policy.
    pub fn to_remember(&self) -> Option<&Consent> {
        self.to_remember.as_ref()
    }

    /// Consent without asking: by policy, or because the user agreed before to at least these
    /// scopes at exactly these resources (OpenID Connect Core, section 3.1.2.4). `None` when they must
    /// be asked.
    pub(in crate::provider) fn without_asking(
        interaction: &Interaction,
        user: &UserPresent,
        rule: ConsentRule,
        remembered: Option<&Consent>,
    ) -> Option<Self> {
        let request = &interaction.request;
        let covered = remembered.is_some_and(|consent| {
            consent.subject == *user.account().id()
                && consent.client_id == request.client_id
                && consent.resources == request.resources
                && request.scopes.iter().all(|scope| consent.scopes.contains(scope))
        });
        let given = match rule {
            ConsentRule::Never => true,
            ConsentRule::Once => covered,
            ConsentRule::EachTime => false,
        };
        let given = given && !request.prompts(Prompt::Consent);
        given.then(|| Self { user: user.clone(), to_remember: None })
    }

    /// Consent by our page: the form carries the mark of the user it was shown to, and that is the
    /// user who is present. `None` when it was shown to somebody else.
    pub(in crate::provider) fn by_form(
        interaction: &Interaction,
        user: UserPresent,
        form: &Form,
        (keyring, issuer): (&Keyring, &Issuer),
        now: OffsetDateTime,
    ) -> Result<Option<Self>, ProviderError> {
        let message = shown_message(interaction, user.account().id(), issuer);
        let mark = crate::crypto::OpaqueToken::parse(form.require("shown_to")?);
        let shown =
            mark.is_some_and(|mark| keyring.verify_mac(SHOWN_TO, &message, mark.as_bytes()));
        if !shown {
            return Ok(None);
        }
        let request = &interaction.request;
        let to_remember = Some(Consent {
            subject: user.account().id().clone(),
            client_id: request.client_id.clone(),
            resources: request.resources.clone(),
            scopes: request.scopes.clone(),
            granted_at: now,
        });
        Ok(Some(Self { user, to_remember }))
    }
}

/// The mark that a consent page carries of the user it is shown to.
pub(in crate::provider) fn shown_to(
    interaction: &Interaction,
    user: &UserPresent,
    (keyring, issuer): (&Keyring, &Issuer),
) -> String {
    let message = shown_message(interaction, user.account().id(), issuer);
    crate::crypto::OpaqueToken::from_bytes(keyring.mac(SHOWN_TO, &message)).expose()
}

/// None of the parts can hold the separator.
fn shown_message(interaction: &Interaction, subject: &UserId, issuer: &Issuer) -> Vec<u8> {
    [issuer.as_str(), interaction.id.as_str(), subject.as_str()].join("\0").into_bytes()
}
