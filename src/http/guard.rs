//! Who may ask.
//!
//! With a token, whoever shows it. Without one the API is on loopback, where any web page that the user has open can
//! reach it too: by its own name after DNS rebinding, or blindly with a form. So the Host must be this machine, and a
//! browser must say that the request is not from another site.

use super::{
    App,
    error::{ApiError, Code},
};
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue,
        header::{AUTHORIZATION, HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc};
use subtle::ConstantTimeEq;

/// Longest token; comparing takes the same time for every shorter one.
const MAX_TOKEN: usize = crate::config::MAX_TOKEN;

/// What is asked of a request.
pub enum Guard {
    /// This bearer token.
    Token(SecretString),
    /// To be from this machine and of no other site.
    Loopback,
}

impl Guard {
    pub fn new(token: Option<SecretString>) -> Self {
        token.map_or(Self::Loopback, Self::Token)
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match self {
            Self::Token(token) => check_token(token, headers),
            Self::Loopback => check_local(headers),
        }
    }
}

/// Lets a request through, or answers it.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // Probes come from kubelets and load balancers, which have no token, and say nothing but yes or no.
    if !matches!(request.uri().path(), "/live" | "/ready")
        && let Err(error) = app.guard.check(request.headers())
    {
        return error.into_response();
    }
    next.run(request).await
}

fn check_token(token: &SecretString, headers: &HeaderMap) -> Result<(), ApiError> {
    let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
        let (scheme, shown) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(shown)
    });
    let Some(shown) = shown else {
        return Err(ApiError::new(Code::Unauthorized, "a bearer token is needed: `authorization: Bearer …`"));
    };
    if same(shown, token.expose_secret().as_bytes()) {
        return Ok(());
    }
    Err(ApiError::new(Code::Unauthorized, "the bearer token is wrong"))
}

/// Takes the same time wherever the two differ, and however long they are.
fn same(shown: &[u8], token: &[u8]) -> bool {
    let padded = |text: &[u8]| {
        let mut padded = [0_u8; MAX_TOKEN];
        for (to, from) in padded.iter_mut().zip(text) {
            *to = *from;
        }
        padded
    };
    let equal = padded(shown).ct_eq(&padded(token)) & (shown.len() as u64).ct_eq(&(token.len() as u64));
    equal.into()
}

fn check_local(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(HOST).unwrap_or_default();
    if !is_this_machine(host) {
        let message = "without http.token only requests to localhost are answered; the Host header says otherwise";
        return Err(ApiError::new(Code::ForbiddenOrigin, message).field("host"));
    }
    let other_site = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let other_origin = text(ORIGIN).is_some_and(|origin| origin.split_once("://").is_none_or(|(_, at)| at != host));
    if other_site || other_origin {
        let message = "requests from pages of other sites are not answered";
        return Err(ApiError::new(Code::ForbiddenOrigin, message).field("origin"));
    }
    Ok(())
}

/// Whether a Host header names loopback.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let fine = [
            vec![("host", "localhost:8080")],
            vec![("host", "127.0.0.1")],
            vec![("host", "[::1]:8080"), ("origin", "http://[::1]:8080"), ("sec-fetch-site", "same-origin")],
        ];
        for pairs in fine {
            assert!(Guard::Loopback.check(&headers(&pairs)).is_ok(), "{pairs:?}");
        }
        let wrong = [
            vec![],
            vec![("host", "evil.example:8080")],
            vec![("host", "127.0.0.1.evil.example")],
            vec![("host", "localhost:8080"), ("origin", "http://evil.example")],
            vec![("host", "localhost:8080"), ("origin", "http://localhost:3000")],
            vec![("host", "localhost:8080"), ("origin", "null")],
            vec![("host", "localhost:8080"), ("sec-fetch-site", "cross-site")],
        ];
        for pairs in wrong {
            assert!(Guard::Loopback.check(&headers(&pairs)).is_err(), "{pairs:?}");
        }
    }

    #[test]
    fn only_the_very_token_counts() {
        let guard = Guard::new(Some("0123456789abcdef".to_owned().into()));
        assert!(guard.check(&headers(&[("authorization", "Bearer 0123456789abcdef")])).is_ok());
        assert!(guard.check(&headers(&[("authorization", "bearer 0123456789abcdef")])).is_ok());
        for wrong in ["Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer ", "Basic 0123456789abcdef", "x"] {
            assert!(guard.check(&headers(&[("authorization", wrong)])).is_err(), "{wrong}");
        }
        assert!(guard.check(&HeaderMap::new()).is_err());
        let long = "x".repeat(MAX_TOKEN + 1);
        assert!(!same(long.as_bytes(), &long.as_bytes()[..MAX_TOKEN]));
    }
}
