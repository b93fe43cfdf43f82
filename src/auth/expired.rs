//! Deleting what is good no more: it is of no use, and tells who was here (SECURITY.md P-05).

use chrono::TimeDelta;
use sea_orm::{Condition, entity::prelude::*};

use super::{attempt, once};
use crate::{
    app::App,
    entity::{known_device, one_time_token, refresh_token, session, sign_in_failure},
    http::Result,
};

/// How long a session is kept after it has ended, for whoever looks into what happened.
const SESSIONS_KEPT: TimeDelta = TimeDelta::days(30);

/// Deletes expired tokens, devices, sessions, counts of failures and kept answers.
///
/// # Errors
/// When the database fails; the next time does it.
pub async fn delete_expired(app: App) -> Result<()> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    one_time_token::Entity::delete_many()
        .filter(one_time_token::Column::ExpiresAt.lte(now))
        .exec(&tx)
        .await?;
    known_device::Entity::delete_many().filter(known_device::Column::ExpiresAt.lte(now)).exec(&tx).await?;
    sign_in_failure::Entity::delete_many()
        .filter(sign_in_failure::Column::LastAt.lt(now - attempt::REMEMBERED))
        .exec(&tx)
        .await?;
    refresh_token::Entity::delete_many()
        .filter(refresh_token::Column::ExpiresAt.lt(now - SESSIONS_KEPT))
        .exec(&tx)
        .await?;
    // Refresh tokens go with their session.
    let over = Condition::any()
        .add(session::Column::EndedAt.lt(now - SESSIONS_KEPT))
        .add(session::Column::ExpiresAt.lt(now - SESSIONS_KEPT));
    session::Entity::delete_many().filter(over).exec(&tx).await?;
    tx.commit().await?;
    once::delete_expired(&app).await
}
