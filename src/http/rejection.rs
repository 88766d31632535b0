use http::{HeaderMap, StatusCode};

use super::{wants_html, wants_json};

/// Why a request was answered without a word on what it asks: the faults that every path of an
/// application has in common. Whoever reads the answer is told by
/// [`Pages::rejected`](crate::page::Pages::rejected), or in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// 400, or any other fault of the caller that has no variant of its own.
    Invalid,
    /// 401: nobody is logged in.
    LoginRequired,
    /// 403: a form of ours was posted from another site.
    CrossOrigin,
    /// 403.
    Forbidden,
    /// 404 or 410.
    NotFound,
    /// 405: the path is not used with this method.
    Method,
    /// 408: the body did not come in time.
    TooSlow,
    /// 413: the body is longer than what is accepted.
    TooLarge,
    /// 421: the request was meant for another host.
    Misdirected,
    /// 429.
    TooMany,
    /// 500, or any other fault of ours that has no variant of its own.
    Failed,
    /// 502, 503 or 504: it may work in a moment.
    Unavailable,
}

/// Who reads an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A person, at a browser: wants a page.
    Person,
    /// A program: wants JSON.
    Program,
}

impl Rejection {
    /// What a response with this status says; `None` unless it is an error.
    pub fn of(status: StatusCode) -> Option<Self> {
        Some(match status {
            StatusCode::UNAUTHORIZED => Self::LoginRequired,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::REQUEST_TIMEOUT => Self::TooSlow,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::MISDIRECTED_REQUEST => Self::Misdirected,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany,
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::Unavailable,
            status if status.is_client_error() => Self::Invalid,
            status if status.is_server_error() => Self::Failed,
            _ => return None,
        })
    }

    /// The status to answer with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::LoginRequired => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable name, for tools and support.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_request",
            Self::LoginRequired => "authentication_required",
            Self::CrossOrigin => "cross_origin",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::TooSlow => "request_timeout",
            Self::TooLarge => "request_too_large",
            Self::Misdirected => "misdirected_request",
            Self::TooMany => "too_many_requests",
            Self::Failed => "server_error",
            Self::Unavailable => "temporarily_unavailable",
        }
    }
}

impl Reader {
    /// Who waits for the answer to a request: a person if it says so
    /// ([`wants_html`](super::wants_html)).
    pub fn of(headers: &HeaderMap) -> Self {
        if wants_html(headers) { Self::Person } else { Self::Program }
    }

    /// Who waits for the answer of a path that is for people: a program only if it says so
    /// ([`wants_json`](super::wants_json)).
    pub fn of_page(headers: &HeaderMap) -> Self {
        if wants_json(headers) { Self::Program } else { Self::Person }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_told_and_nothing_else() {
        for number in 100..=599 {
            let status = StatusCode::from_u16(number).unwrap();
            let told = Rejection::of(status);
            assert_eq!(told.is_some(), number >= 400, "{number}");
            let same_side =
                told.is_none_or(|rejection| rejection.status().as_u16() / 100 == number / 100);
            assert!(same_side, "{number} is told as {told:?}");
        }
    }

    #[test]
    fn a_status_is_told_by_its_own_name() {
        for rejection in [
            Rejection::Invalid,
            Rejection::LoginRequired,
            Rejection::Forbidden,
            Rejection::NotFound,
            Rejection::Method,
            Rejection::TooSlow,
            Rejection::TooLarge,
            Rejection::Misdirected,
            Rejection::TooMany,
            Rejection::Failed,
            Rejection::Unavailable,
        ] {
            assert_eq!(Rejection::of(rejection.status()), Some(rejection));
        }
    }
}
