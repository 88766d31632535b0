use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::{BoxError, Router};
use donjon::account::mfa::TotpSecret;
use donjon::account::{AccountLayer, CreateError};
use donjon::crypto::SystemRandom;
use donjon::http::PeerAddr;
use donjon::scope::{Account, Attributes, MemberRole};
use donjon::store::{SsoChange, SsoMode};
use tower::ServiceExt as _;

use super::{
    ADMIN, ALL, ENFORCED_DOMAIN, Enters, LOCKED, OWNER, PASSWORD, Persona, SSO, UNCONFIRMED,
};
use crate::staff;

/// How many wrong passwords lock an address.
const GUESSES: usize = 5;
const MEMBERS: [(&str, &str); 2] =
    [("Max Adler", "max@example.test"), ("Mia Sand", "mia@example.test")];
const GUEST: &str = "ivy@example.test";
/// Who owns Helix, and would come in if its identity provider were gone.
const GUS: (&str, &str) = ("Gus Helm", "gus@helix.example");
/// Where Helix's people log in.
const LOGIN_PATH: &str = "/saml/acme/login";

/// Makes everybody, each in their state. `app` is the whole application: what has to happen at its
/// doors happens there.
pub(crate) async fn seed(accounts: &AccountLayer, app: Router) -> Result<(), BoxError> {
    for persona in ALL.iter().filter(|persona| persona.is_there()) {
        let Some(account) = create(accounts, persona).await? else { continue };
        if let Some(key) = persona.key() {
            accounts.accounts().import_totp(account.id(), &key).await?;
        }
        if persona.email == OWNER.email {
            found_organization(accounts, &account).await?;
        }
        if persona.email == SSO.email {
            enforce_single_sign_on(accounts, &account).await?;
        }
        if persona.email == LOCKED.email {
            guess(app.clone(), persona).await?;
        }
    }
    Ok(())
}

/// `None` for one who is there already.
async fn create(accounts: &AccountLayer, who: &Persona) -> Result<Option<Account>, BoxError> {
    let mut attributes = Attributes::from_iter([("name".to_owned(), who.name.into())]);
    if who.email == ADMIN.email {
        attributes.insert(staff::ATTRIBUTE.to_owned(), true.into());
    }
    let password = (who.enters != Enters::Link).then_some(PASSWORD);
    let confirmed = who.email != UNCONFIRMED.email;
    match accounts.accounts().create(who.email, password, attributes, confirmed).await {
        Ok(account) => Ok(Some(account)),
        Err(CreateError::EmailTaken) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn found_organization(accounts: &AccountLayer, owner: &Account) -> Result<(), BoxError> {
    let organizations = accounts.organizations();
    let northwind = organizations.create(&"Northwind".parse()?, None, owner.id()).await?;
    for (name, email) in MEMBERS {
        let name = Attributes::from_iter([("name".to_owned(), name.into())]);
        let member = accounts.accounts().create(email, Some(PASSWORD), name, true).await?;
        organizations.add_member(northwind.id, member.id(), &MemberRole::MEMBER).await?;
    }
    Ok(organizations.invite(northwind.id, GUEST, &MemberRole::MEMBER).await?)
}

/// An organization that lets its people in through its identity provider alone. To enforce that takes
/// an owner who could come in all the same, by a password and a code.
async fn enforce_single_sign_on(accounts: &AccountLayer, member: &Account) -> Result<(), BoxError> {
    let (name, email) = GUS;
    let name = Attributes::from_iter([("name".to_owned(), name.into())]);
    let gus = accounts.accounts().create(email, Some(PASSWORD), name, true).await?;
    let app = TotpSecret::generate(&SystemRandom);
    accounts.accounts().import_totp(gus.id(), &app).await?;
    let organizations = accounts.organizations();
    let helix = organizations.create(&"Helix".parse()?, None, gus.id()).await?;
    organizations.add_member(helix.id, member.id(), &MemberRole::MEMBER).await?;
    organizations.grant_domain(helix.id, ENFORCED_DOMAIN, LOGIN_PATH).await?;
    organizations.name_break_glass(helix.id, gus.id(), true).await?;
    let mode = SsoMode::Enforced;
    match organizations.set_single_sign_on(helix.id, ENFORCED_DOMAIN, mode).await? {
        SsoChange::Done => Ok(()),
        other => Err(format!("single sign-on was not enforced: {other:?}").into()),
    }
}

/// Where somebody guesses from.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66));

/// What a stranger does who guesses at the login page.
async fn guess(app: Router, whose: &Persona) -> Result<(), BoxError> {
    for guess in 1..=GUESSES {
        let form = serde_urlencoded::to_string([
            ("email", whose.email),
            ("password", &format!("guess number {guess}")),
        ])?;
        let request = Request::post("/login")
            .header(ACCEPT, "text/html")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .extension(PeerAddr(STRANGER))
            .body(Body::from(form))?;
        let status = app.clone().oneshot(request).await?.status();
        if status != StatusCode::UNPROCESSABLE_ENTITY {
            return Err(format!("a wrong password was answered {status}").into());
        }
    }
    Ok(())
}
