//! Organizations: their members, what they are called in URLs, and which addresses belong to them.
//!
//! A user makes one at `/settings/organizations` and owns it; others follow a mailed invitation to
//! `/invitation`. In which organization a user acts is a fact of the session
//! ([`Session::act_in`](crate::session::Session::act_in)), shown by
//! [`CurrentScope::membership`](crate::scope::CurrentScope::membership), and asked for by a
//! [`RequireMembershipLayer`](crate::session::RequireMembershipLayer). The host's own code makes and
//! changes them by [`Organizations`]; [`OrganizationPolicy`] says who may do what.
//!
//! An organization can have domains of email addresses, whose users log in with single sign-on
//! ([`Organizations::grant_domain`]). While that is enforced, nothing else lets them in: no password,
//! no mailed link, no passkey, no other provider, no session that came by one of those. Members who
//! are named for it come in all the same, with both factors, and the owners are told each time. An
//! administrator who acts as a user does so still, and API tokens that users made stay good.
//!
//! | an invitation | what stops the attack |
//! |---|---|
//! | is stolen by somebody who can read the table | what is stored is an HMAC of 256 random bits |
//! | is turned to another address by somebody who can write to it | the address is part of the HMAC |
//! | is followed by somebody else | the account's address must be the invited one, and confirmed |
//! | is followed twice at once | it is used up in the transition that makes the member |
//! | outlives whoever sent it | it ends when they leave, are removed, disabled, about to be deleted, or may not give its role any more; and the transition that makes the member looks at them again |
//! | is sent to thousands | 20 a day by one user, 50 a day to one organization |

mod domain;
mod domains;
mod fold;
mod hook;
pub(super) mod invite;
mod link;
mod name;
mod notice;
mod organizations;
mod policy;
mod slug;

pub use domain::{EmailDomain, InvalidEmailDomain};
pub(super) use domains::{grant, withdraw, without_domains};
pub use hook::{OrganizationAct, OrganizationHook};
pub(super) use link::InvitationLink;
pub use name::{InvalidOrganizationName, OrganizationName};
pub(super) use notice::{Became, note_refusal, to_member};
pub(super) use organizations::{Made, create};
pub use organizations::{OrganizationError, Organizations};
pub use policy::OrganizationPolicy;
pub use slug::{InvalidSlug, Slug, SlugRules};
