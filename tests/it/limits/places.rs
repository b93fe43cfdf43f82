//! How many requests are served at once.

use std::time::{Duration, Instant};

use serde_json::json;
use sogep::http::places::{Class, Place};

use crate::app::{As, TestApp};

/// Takes every place there is for content.
pub async fn fill(service: &TestApp) -> Vec<Place> {
    let mut held = Vec::new();
    for _ in 0..Class::Content.places() {
        held.push(service.app.places.take(Some(Class::Content)).await.unwrap());
    }
    held
}

#[tokio::test]
async fn overload_is_told_at_once_and_passes() {
    let service = TestApp::start().await;
    for who in [As::Viewer, As::Owner] {
        assert_eq!(service.get("/v1/topics", who).await.status, 200);
    }
    let held = fill(&service).await;
    let started = Instant::now();
    let (statements, refused) = service.statements(service.get("/v1/topics", As::Viewer)).await;
    let waited = started.elapsed();
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "temporary-reduced-capacity"));
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(statements, 0, "turning away costs no query");
    assert!(waited >= Duration::from_millis(100) && waited < Duration::from_secs(2), "{waited:?}");
    for path in ["/livez", "/readyz", "/openapi.json"] {
        assert_eq!(service.get(path, As::Nobody).await.status, 200, "{path}");
    }
    assert_eq!(service.get("/v1/me", As::Viewer).await.status, 200);
    assert_eq!(service.get("/v1/keys", As::Owner).await.status, 200);
    assert_eq!(service.post("/v1/auth/login", As::Nobody, json!({})).await.status, 422);
    // Whoever waits gets the first place that becomes free.
    let (answer, ()) = tokio::join!(service.get("/v1/topics", As::Viewer), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(held);
    });
    assert_eq!(answer.status, 200);
    assert_eq!(fill(&service).await.len(), Class::Content.places(), "an answer gives its place back");
}
