//! Devices from which somebody has signed in before: an attack on their account does not keep them out.
//!
//! Source: SECURITY.md A-06; OWASP "Slow Down Online Guessing Attacks with Device Cookies". It is no
//! cookie: the client keeps the token and sends it in the body.

use chrono::TimeDelta;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    app::App,
    crypto,
    entity::{known_device, user},
    http::Result,
};

/// How long a device is known after it was used last.
const KNOWN: TimeDelta = TimeDelta::days(90);
/// How many devices of one account are known.
const MOST: u64 = 20;

/// Whether `token` is that of a device from which the account with this address has signed in.
///
/// # Errors
/// When the database fails.
pub async fn is_known(app: &App, token: &str, email: &str) -> Result<bool> {
    let device = known_device::Entity::find_by_id(crypto::sha256(token.as_bytes()))
        .filter(known_device::Column::ExpiresAt.gt(app.clock.now()))
        .one(app.db.reader())
        .await?;
    let Some(device) = device else { return Ok(false) };
    let account = user::Entity::find_by_id(device.user_id).one(app.db.reader()).await?;
    Ok(account.is_some_and(|account| account.email == email))
}

/// Remembers the device that sent `known`; without that, gives it a token to keep.
///
/// # Errors
/// When the database fails.
pub async fn remember(
    app: &App,
    db: &impl ConnectionTrait,
    user_id: Uuid,
    known: Option<&str>,
) -> Result<Option<String>> {
    let now = app.clock.now();
    if let Some(token) = known {
        known_device::Entity::update_many()
            .col_expr(known_device::Column::ExpiresAt, Expr::value(now + KNOWN))
            .filter(known_device::Column::Hash.eq(crypto::sha256(token.as_bytes())))
            .filter(known_device::Column::UserId.eq(user_id))
            .exec(db)
            .await?;
        return Ok(None);
    }
    let surplus: Vec<String> = known_device::Entity::find()
        .select_only()
        .column(known_device::Column::Hash)
        .filter(known_device::Column::UserId.eq(user_id))
        .order_by_desc(known_device::Column::ExpiresAt)
        .order_by_desc(known_device::Column::Hash)
        .offset(MOST - 1)
        .limit(MOST)
        .into_tuple()
        .all(db)
        .await?;
    if !surplus.is_empty() {
        known_device::Entity::delete_many()
            .filter(known_device::Column::Hash.is_in(surplus))
            .exec(db)
            .await?;
    }
    let token = crypto::random_token("sogep_dt_")?;
    let row = known_device::ActiveModel {
        hash: Set(crypto::sha256(token.as_bytes())),
        user_id: Set(user_id),
        created_at: Set(now),
        expires_at: Set(now + KNOWN),
    };
    known_device::Entity::insert(row).exec_without_returning(db).await?;
    Ok(Some(token))
}
