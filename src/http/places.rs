//! How many requests are served at once: beyond that, they wait a moment and are turned away
//! (SECURITY.md R-05).
//!
//! Each class has places of its own: a flood of readers keeps nobody from signing in, and a flood of
//! sign-ins does not stop those who have.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Code, Error, Result};

/// How long a request waits for a place.
const WAIT: Duration = Duration::from_millis(100);
/// Routes that always have a place: they answer from memory, and tell whether the service lives.
const ALWAYS: [&str; 3] = ["/livez", "/readyz", "/openapi.json"];
/// Where signing in begins.
const SIGN_IN: &str = "/v1/auth/";
/// Where the service is administered.
const ADMINISTRATION: [&str; 6] =
    ["/v1/me", "/v1/keys", "/v1/users", "/v1/sessions", "/v1/audit", "/v1/jobs"];

/// What requests have their places together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Reading and writing content.
    Content,
    /// Keys, accounts, jobs and the audit trail.
    Administration,
    /// Passwords, refresh tokens, one-time links.
    SignIn,
    /// Many changes, or a whole collection, in one request.
    Bulk,
}

/// The places of one process.
#[derive(Debug)]
pub struct Places {
    content: Arc<Semaphore>,
    administration: Arc<Semaphore>,
    sign_in: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Default for Places {
    fn default() -> Self {
        let places = |class: Class| Arc::new(Semaphore::new(class.places()));
        Self {
            content: places(Class::Content),
            administration: places(Class::Administration),
            sign_in: places(Class::SignIn),
            bulk: places(Class::Bulk),
        }
    }
}

impl Class {
    /// Its name, for whoever watches the service.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Administration => "administration",
            Self::SignIn => "sign_in",
            Self::Bulk => "bulk",
        }
    }

    /// How many places it has.
    #[must_use]
    pub const fn places(self) -> usize {
        match self {
            Self::Content => 256,
            Self::Administration | Self::SignIn => 32,
            Self::Bulk => 2,
        }
    }

    /// The class of the requests that match the template `route`; `None`: they always have a place.
    #[must_use]
    pub fn of(route: Option<&str>) -> Option<Self> {
        let Some(route) = route else { return Some(Self::Content) };
        let is_within = |prefix: &str| {
            route.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if ALWAYS.contains(&route) {
            None
        } else if route.starts_with(SIGN_IN) {
            Some(Self::SignIn)
        } else if ADMINISTRATION.iter().any(|prefix| is_within(prefix)) {
            Some(Self::Administration)
        } else if route.ends_with(":bulk") {
            Some(Self::Bulk)
        } else {
            Some(Self::Content)
        }
    }
}

/// Whether the route is about many entries at once.
#[must_use]
pub fn is_bulk(route: &str) -> bool {
    [":bulk", ":export"].iter().any(|verb| route.ends_with(verb))
}

impl Places {
    /// A place for a request of this class; `None` needs none.
    ///
    /// # Errors
    /// 503 when none becomes free in 100 milliseconds.
    pub async fn take(&self, class: Option<Class>) -> Result<Place> {
        let Some(class) = class else { return Ok(Place { _permit: None }) };
        let places = match class {
            Class::Content => &self.content,
            Class::Administration => &self.administration,
            Class::SignIn => &self.sign_in,
            Class::Bulk => &self.bulk,
        };
        let taken = tokio::time::timeout(WAIT, Arc::clone(places).acquire_owned()).await;
        if let Ok(Ok(permit)) = taken {
            return Ok(Place { _permit: Some(permit) });
        }
        let detail = "the service is overloaded and does not take this request now";
        Err(Error::Problem(Code::Overloaded, detail.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_needs_no_place_and_administration_has_its_own() {
        for (route, expected) in [
            (Some("/livez"), None),
            (Some("/openapi.json"), None),
            (Some("/v1/auth/login"), Some(Class::SignIn)),
            (Some("/v1/keys/{id}"), Some(Class::Administration)),
            (Some("/v1/me"), Some(Class::Administration)),
            (Some("/v1/jobs/{id}/retry"), Some(Class::Administration)),
            (Some("/v1/media"), Some(Class::Content)),
            (Some("/v1/publications/{id}"), Some(Class::Content)),
            (Some("/v1/publications:bulk"), Some(Class::Bulk)),
            (None, Some(Class::Content)),
        ] {
            assert_eq!(Class::of(route), expected, "{route:?}");
        }
    }
}
