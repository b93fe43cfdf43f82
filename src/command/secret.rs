//! `sogep signing-key` and `sogep secret`: what tokens are signed and stored values are sealed with.

use clap::Subcommand;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde_json::json;
use uuid::Uuid;

use super::{Failure, say, tell};
use crate::{
    app::App,
    auth::{Caller, factor, once},
    entity::{job, signing_key, user, vocabulary::AuditAction},
    http::Error,
    jobs, trail,
};

/// How many accounts are looked at in one transaction.
const BATCH: u64 = 100;

#[derive(Debug, Subcommand)]
pub enum SigningKey {
    /// Make a new key for access tokens: published at once, in force a minute later. The old one
    /// verifies until its tokens have expired; nobody is signed out.
    #[command(after_help = "Example: sogep signing-key rotate")]
    Rotate {
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the keys.
    #[command(after_help = "Example: sogep signing-key list")]
    List {
        /// Print each key as a line of JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Seal everything under the present master secret that is sealed under `previous_secret`. May be
    /// interrupted and run again. API keys follow by themselves when they are used.
    #[command(
        after_help = "Example: SOGEP_SECRET_FILE=new SOGEP_PREVIOUS_SECRET_FILE=old sogep secret reseal"
    )]
    Reseal,
}

pub async fn signing_key(app: &App, command: SigningKey) -> Result<(), Failure> {
    match command {
        SigningKey::Rotate { json } => {
            let tx = app.db.begin().await?;
            let rotation = app.keyring.rotate(&tx, &app.clock).await?;
            let event = Caller::SYSTEM.did(AuditAction::SigningKeyRotated).on("signing_key", &rotation.kid);
            trail::record(&tx, app.clock.now(), [event]).await?;
            tx.commit().await?;
            let text = format!(
                "{} signs from {}; the old one verifies until {}.",
                rotation.kid,
                rotation.active_from.format("%H:%M:%S"),
                rotation.retires_at.format("%H:%M:%S")
            );
            let record = json!({
                "kid": rotation.kid, "active_from": rotation.active_from, "retires_at": rotation.retires_at,
            });
            tell(json, &record, &text)
        }
        SigningKey::List { json } => {
            let rows = signing_key::Entity::find()
                .order_by_asc(signing_key::Column::CreatedAt)
                .all(app.db.reader())
                .await?;
            for row in rows {
                let until = row.retired_at.map(|at| at.to_rfc3339());
                let text = format!("{}  until {}", row.kid, until.as_deref().unwrap_or("it is replaced"));
                let record = json!({
                    "kid": row.kid, "created_at": row.created_at, "active_from": row.active_from,
                    "retired_at": row.retired_at,
                });
                tell(json, &record, &text)?;
            }
            Ok(())
        }
    }
}

pub async fn secret(app: &App, command: Secret) -> Result<(), Failure> {
    let Secret::Reseal = command;
    let resealed = reseal(app).await?;
    say(&format!("{resealed} values sealed anew."))
}

/// Seals everything under the present master secret; says how much there was. What was sealed before
/// an interruption is not touched again.
///
/// # Errors
/// When the database fails.
pub async fn reseal(app: &App) -> Result<u64, Failure> {
    let mut resealed = 0_u64;
    let tx = app.db.begin().await?;
    for row in signing_key::Entity::find().all(&tx).await? {
        let sealed = app.secrets.resealed(&row.sealed_private_key, &row.kid)?;
        let Some(sealed) = sealed else { continue };
        signing_key::Entity::update_many()
            .col_expr(signing_key::Column::SealedPrivateKey, Expr::value(sealed))
            .filter(signing_key::Column::Kid.eq(row.kid))
            .exec(&tx)
            .await?;
        resealed += 1;
    }
    tx.commit().await?;
    let mut after = Uuid::nil();
    loop {
        let tx = app.db.begin().await?;
        let rows = user::Entity::find()
            .filter(user::Column::Id.gt(after))
            .order_by_asc(user::Column::Id)
            .limit(BATCH)
            .lock_exclusive()
            .all(&tx)
            .await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            let Some(sealed) = &row.sealed_totp_secret else { continue };
            let Some(sealed) = app.secrets.resealed(sealed, &factor::purpose(row.id))? else { continue };
            user::Entity::update_many()
                .col_expr(user::Column::SealedTotpSecret, Expr::value(Some(sealed)))
                .filter(user::Column::Id.eq(row.id))
                .exec(&tx)
                .await?;
            resealed += 1;
        }
        tx.commit().await?;
    }
    resealed += once::reseal(app).await?;
    resealed += reseal_jobs(app).await?;
    let tx = app.db.begin().await?;
    trail::record(&tx, app.clock.now(), [Caller::SYSTEM.did(AuditAction::SecretsResealed)]).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(resealed)
}

/// Seals what waits to be done under the present master secret.
async fn reseal_jobs(app: &App) -> Result<u64, Failure> {
    let mut resealed = 0_u64;
    let mut after = Uuid::nil();
    loop {
        let tx = app.db.begin().await?;
        let rows = job::Entity::find()
            .filter(job::Column::Id.gt(after))
            .order_by_asc(job::Column::Id)
            .limit(BATCH)
            .all(&tx)
            .await?;
        let Some(last) = rows.last() else { return Ok(resealed) };
        after = last.id;
        for row in rows {
            let purpose = jobs::purpose(row.id, &row.kind);
            let Some(sealed) = app.secrets.resealed(&row.sealed_payload, &purpose)? else { continue };
            job::Entity::update_many()
                .col_expr(job::Column::SealedPayload, Expr::value(sealed))
                .filter(job::Column::Id.eq(row.id))
                .exec(&tx)
                .await?;
            resealed += 1;
        }
        tx.commit().await?;
    }
}
