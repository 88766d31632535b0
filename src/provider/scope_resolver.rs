use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use serde_json::Map;

use super::policy::SCOPE_CLAIMS;
use super::{AccountResolver, ResolverError};
use crate::scope::{Account, Claims, Context, CurrentAccount, CurrentScope, UserId, UserSource};

/// The ready [`AccountResolver`]: whoever the request's [`CurrentScope`] shows is logged in, and a
/// [`UserSource`] knows who is behind a stored subject.
///
/// Of an account it tells what OpenID Connect Core, section 5.4, has a scope for, and nothing else:
/// the address, and those attributes that have the name of a standard claim (`name`, `locale`, …),
/// each with its scope only. What else the host keeps in the attributes stays with the host. To tell
/// more, write a resolver.
///
/// ```
/// use std::sync::Arc;
///
/// use donjon::provider::ScopeResolver;
/// use donjon::scope::UserSource;
///
/// fn resolver(users: Arc<dyn UserSource>) -> Arc<ScopeResolver> {
///     Arc::new(ScopeResolver::new(users, "/login"))
/// }
/// ```
pub struct ScopeResolver {
    users: Arc<dyn UserSource>,
    login: String,
}

impl ScopeResolver {
    /// Asks `users`, and sends whoever has to log in to this local path.
    pub fn new(users: Arc<dyn UserSource>, login: impl Into<String>) -> Self {
        Self { users, login: login.into() }
    }
}

#[async_trait]
impl AccountResolver for ScopeResolver {
    async fn resolve_current_account(
        &self,
        request: &Parts,
        _: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError> {
        Ok(request.extensions.get::<CurrentScope>().and_then(CurrentScope::current_account))
    }

    async fn resolve_account(
        &self,
        subject: &str,
        _: &Context,
    ) -> Result<Option<Account>, ResolverError> {
        match UserId::new(subject) {
            Ok(id) => self.users.load_user(&id).await,
            Err(_) => Ok(None),
        }
    }

    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let mut userinfo = Map::new();
        for name in SCOPE_CLAIMS.iter().flat_map(|(_, claims)| *claims) {
            if let Some(value) = account.attributes().get(*name) {
                userinfo.insert((*name).to_owned(), value.clone());
            }
        }
        // Of the address the account itself is the judge, whatever the attributes say.
        let verified = account.email().map(|_| account.email_verified());
        userinfo.insert("email".to_owned(), account.email().into());
        userinfo.insert("email_verified".to_owned(), verified.into());
        Ok(Claims { subject: account.id().clone(), id_token: Map::new(), userinfo })
    }

    async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
        Ok(self.login.clone())
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::scope::{
        Attributes, Authentication, Interaction, Method, SessionId, UserSourceError,
    };

    struct One(Account);

    #[async_trait]
    impl UserSource for One {
        async fn load_user(&self, id: &UserId) -> Result<Option<Account>, UserSourceError> {
            Ok((self.0.id() == id).then(|| self.0.clone()))
        }
    }

    fn account() -> Account {
        let attributes = Attributes::from_iter([
            ("name".to_owned(), json!("Ada")),
            ("email".to_owned(), json!("root@example.test")),
            ("phone_number_verified".to_owned(), json!(true)),
            ("role".to_owned(), json!("admin")),
            ("sub".to_owned(), json!("root")),
            ("iss".to_owned(), json!("https://evil.example")),
        ]);
        Account::new(UserId::new("u1").unwrap()).with_attributes(attributes)
    }

    fn resolver() -> ScopeResolver {
        ScopeResolver::new(Arc::new(One(account())), "/login")
    }

    #[tokio::test]
    async fn only_what_has_a_scope_is_told() {
        let context = Context::new(Interaction::Userinfo);
        let told = resolver().build_claims(&account(), &context).await.unwrap();
        assert_eq!((told.subject.as_str(), told.id_token.len()), ("u1", 0));
        let without = json!({
            "name": "Ada", "phone_number_verified": true, "email": null, "email_verified": null,
        });
        assert_eq!(Value::Object(told.userinfo), without, "an attribute is no address");

        let known = account().with_email("ada@example.test", false);
        let told = resolver().build_claims(&known, &context).await.unwrap();
        assert_eq!(told.userinfo["email"], "ada@example.test");
        assert_eq!(told.userinfo["email_verified"], false);
    }

    #[tokio::test]
    async fn the_scope_knows_who_is_there_and_the_source_who_is_meant() {
        let (context, resolver) = (Context::new(Interaction::Token), resolver());
        let (mut parts, ()) = Request::new(()).into_parts();
        let nobody = resolver.resolve_current_account(&parts, &context).await.unwrap();
        assert!(nobody.is_none());
        let authentication = Authentication {
            ends_at: None,
            at: time::OffsetDateTime::UNIX_EPOCH,
            methods: vec![Method::PASSWORD],
            context_class: None,
            session_id: SessionId(uuid::Uuid::nil()),
            login_path: None,
            fresh_until: None,
        };
        parts.extensions.insert(CurrentScope::user(account(), authentication));
        let current = resolver.resolve_current_account(&parts, &context).await.unwrap();
        assert_eq!(current.unwrap().account, account());
        let administrator = UserId::new("root").unwrap();
        let scope = parts.extensions.get::<CurrentScope>().unwrap().clone();
        parts.extensions.insert(scope.impersonated_by(administrator));
        let nobody = resolver.resolve_current_account(&parts, &context).await.unwrap();
        assert!(nobody.is_none(), "no application gets anything from who is not the user");

        assert_eq!(resolver.resolve_account("u1", &context).await.unwrap(), Some(account()));
        assert_eq!(resolver.resolve_account("u2", &context).await.unwrap(), None);
        assert_eq!(resolver.resolve_account("no id", &context).await.unwrap(), None);
        assert_eq!(resolver.redirect_for_login(&parts, &context).await.unwrap(), "/login");
    }
}
