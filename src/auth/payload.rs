//! What requests to sign in and their answers carry.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's e-mail address.
    #[schema(max_length = 254, min_length = 3, example = "editor@sogep.example")]
    pub email: String,
    /// The account's password.
    #[schema(max_length = 1024, format = Password, example = "uzun ve akılda kalan bir parola")]
    pub password: String,
    /// The second factor: the six digits that an authenticator shows.
    #[serde(default)]
    #[schema(max_length = 16, example = "492039")]
    pub code: Option<String>,
    /// Instead of `code`: one of the recovery codes; each is good once.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub recovery_code: Option<String>,
    /// What an earlier sign-in from this device gave to keep: with it, an attack on the account does
    /// not keep its owner out.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub device_token: Option<String>,
}

/// What a person proves again who they are with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reauthentication {
    /// The account's password.
    #[schema(max_length = 1024, format = Password, example = "uzun ve akılda kalan bir parola")]
    pub password: String,
    /// The second factor, if there is one: the six digits that an authenticator shows.
    #[serde(default)]
    #[schema(max_length = 16, example = "492039")]
    pub code: Option<String>,
    /// Instead of `code`: one of the recovery codes; each is good once.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub recovery_code: Option<String>,
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPassword {
    /// The account's e-mail address.
    #[schema(max_length = 254, min_length = 3, example = "editor@sogep.example")]
    pub email: String,
}

/// A password that somebody chooses with the token of a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenPassword {
    /// The token of the message.
    #[schema(max_length = 200, example = "sogep_ot_5f1c0b6e4a7d9832")]
    pub token: String,
    /// The new password: at least 15 characters, of any kind.
    #[schema(max_length = 1024, format = Password, example = "uzun ve akılda kalan bir parola")]
    pub password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The refresh token, as it was given.
    #[schema(max_length = 200, example = "sogep_rt_5f1c0b6e4a7d9832")]
    pub refresh_token: String,
}

/// An access token, and the token to get the next one with.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The access token, for `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL2FwaS5zb2dlcC5leGFtcGxlIn0.c2ln"
    )]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// For how many seconds the access token is good.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// The refresh token; good once, for 14 days.
    #[schema(example = "sogep_rt_5f1c0b6e4a7d9832")]
    pub refresh_token: String,
    /// When this device was not known yet: a token for it to keep and to send the next time somebody
    /// signs in from it.
    #[schema(required, example = "sogep_dt_5f1c0b6e4a7d9832")]
    pub device_token: Option<String>,
}
