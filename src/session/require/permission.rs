use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::future::PermittedFuture;
use super::refusal::Refusal;
use crate::http::ResponseBody;
use crate::scope::{CurrentScope, Permissions, Resource, can};

type SubjectOf = dyn Fn(&Parts) -> Resource + Send + Sync;

/// Lets a request pass only if the host's [`Permissions`] allow an action to whoever is logged in.
/// See the [module](super) for the answers.
///
/// ```
/// use std::sync::Arc;
///
/// use donjon::scope::{MemberRole, Resource, RoleRules};
/// use donjon::session::RequirePermissionLayer;
///
/// let rules = Arc::new(RoleRules::new().allow("invoice.pay", [MemberRole::OWNER]));
/// let pay = RequirePermissionLayer::new(rules, "invoice.pay")
///     .subject(|parts| Resource::new("invoice", parts.uri.path()));
/// ```
#[derive(Clone)]
#[must_use]
pub struct RequirePermissionLayer(Arc<Question>);

/// What the rules are asked.
#[derive(Clone)]
struct Question {
    permissions: Arc<dyn Permissions>,
    action: String,
    subject: Arc<SubjectOf>,
    login: Arc<str>,
}

impl RequirePermissionLayer {
    /// Asks for this action, on the application as a whole.
    pub fn new(permissions: Arc<dyn Permissions>, action: impl Into<String>) -> Self {
        let (action, login) = (action.into(), "/login".into());
        Self(Arc::new(Question {
            permissions,
            action,
            subject: Arc::new(|_| Resource::none()),
            login,
        }))
    }

    /// Says what a request is about.
    pub fn subject(self, of: impl Fn(&Parts) -> Resource + Send + Sync + 'static) -> Self {
        let subject: Arc<SubjectOf> = Arc::new(of);
        Self(Arc::new(Question { subject, ..Question::clone(&self.0) }))
    }

    /// Sends browsers to this path to log in; `return_to` is added to its query.
    pub fn login_at(self, path: &str) -> Self {
        Self(Arc::new(Question { login: path.into(), ..Question::clone(&self.0) }))
    }
}

impl fmt::Debug for RequirePermissionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequirePermissionLayer")
            .field("action", &self.0.action)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RequirePermissionLayer {
    type Service = Permitted<S>;

    fn layer(&self, inner: S) -> Permitted<S> {
        Permitted { inner, layer: self.clone() }
    }
}

/// A service behind a [`RequirePermissionLayer`].
#[derive(Clone, Debug)]
pub struct Permitted<S> {
    inner: S,
    layer: RequirePermissionLayer,
}

impl<S, B, InnerBody> Service<Request<B>> for Permitted<S>
where
    S: Service<Request<B>, Response = Response<InnerBody>> + Clone,
{
    type Response = Response<ResponseBody<InnerBody>>;
    type Error = S::Error;
    type Future = PermittedFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let question = &self.layer.0;
        let scope = request.extensions().get::<CurrentScope>().cloned();
        let scope = match scope {
            Some(scope) if scope.account().is_some() => scope,
            Some(_) => {
                let refusal = Refusal::LoginRequired(&question.login);
                return PermittedFuture::refused(refusal.respond(&request));
            }
            None => return PermittedFuture::refused(Refusal::NoSessionLayer.respond(&request)),
        };
        let (parts, body) = request.into_parts();
        let subject = (question.subject)(&parts);
        let request = Request::from_parts(parts, body);
        let ask = ask(Arc::clone(question), subject, scope);
        // The clone takes the place of the service that `poll_ready` made ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        PermittedFuture::asking(ask, ready, request)
    }
}

fn ask(
    question: Arc<Question>,
    subject: Resource,
    scope: CurrentScope,
) -> BoxFuture<'static, bool> {
    Box::pin(async move { can(&*question.permissions, &question.action, &subject, &scope).await })
}
