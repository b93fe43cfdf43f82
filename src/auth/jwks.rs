//! The keys that verify access tokens, for whoever wants to verify them.
//!
//! Source: RFC 7517 (key sets), RFC 8037 (Ed25519 in JOSE).

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    http::{Json, Query, query::NoParameters},
};

/// The public keys that verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// One public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub struct PublicKey {
    /// `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// `sig`.
    #[schema(example = "sig")]
    r#use: &'static str,
    /// `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// The key's id, as in the header of a token.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    /// The public key.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

/// The keys that verify access tokens.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    security(()),
    responses((status = 200, description = "The key set", body = KeySet)),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn get_jwks(
    State(app): State<App>,
    Query(NoParameters): Query<NoParameters>,
) -> Json<KeySet> {
    let key = |(kid, x)| PublicKey { kty: "OKP", crv: "Ed25519", r#use: "sig", alg: "EdDSA", kid, x };
    Json(KeySet { keys: app.keyring.public_keys(app.clock.now()).into_iter().map(key).collect() })
}
