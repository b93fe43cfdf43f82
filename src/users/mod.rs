//! Accounts: invited, changed, disabled and deleted by administrators.
//!
//! An administrator never sets or sees a password: whoever is invited chooses it with the link of a
//! message. Administrators look after accounts up to `editor`; owners after all.

mod handlers;
mod payload;

pub use payload::{Name, NewUser, User, UserPage, UserPatch, UserStatus, canonical_email};

use sea_orm::{ActiveValue::Set, Condition, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, one_time, session},
    entity::{
        api_key, known_device, one_time_token, recovery_code, session as session_table, user,
        vocabulary::{AccountRole, AuditAction, OneTimePurpose},
    },
    http::{Error, FieldError, Result},
    trail::Event,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list_users, handlers::create_user))
        .routes(routes!(handlers::get_user, handlers::update_user, handlers::delete_user))
        .routes(routes!(handlers::invite_user))
        .routes(routes!(handlers::end_user_sessions))
}

/// Up to `limit` accounts after the one that was made then, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    after: Option<(DateTimeUtc, Uuid)>,
    limit: u64,
) -> Result<Vec<user::Model>> {
    use user::Column::{CreatedAt, DeletedAt, Id};
    let mut select = user::Entity::find()
        .filter(DeletedAt.is_null())
        .order_by_asc(CreatedAt)
        .order_by_asc(Id)
        .limit(limit);
    if let Some((at, id)) = after {
        let tie = Condition::all().add(CreatedAt.eq(at)).add(Id.gt(id));
        select = select.filter(Condition::any().add(CreatedAt.gt(at)).add(tie));
    }
    Ok(select.all(db).await?)
}

/// The account with this e-mail address.
///
/// # Errors
/// 409 when there is none.
pub async fn by_email(db: &impl ConnectionTrait, email: &str) -> Result<user::Model> {
    let email =
        canonical_email(email).ok_or_else(|| Error::conflict("this is not an e-mail address in ASCII"))?;
    let found = user::Entity::find().filter(user::Column::Email.eq(&email)).lock_exclusive().one(db).await?;
    found.ok_or_else(|| Error::conflict(format!("there is no account {email}")))
}

/// Makes an account; without a password hash, one is to be chosen by invitation.
///
/// # Errors
/// 403 when the caller may not appoint the role, 422 for a bad address, 409 when it is taken.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    new: NewUser,
    password_hash: String,
) -> Result<(user::Model, Vec<Event>)> {
    refuse_higher(caller, new.role)?;
    let email = acceptable(&new.email)?;
    refuse_taken(db, &email).await?;
    let now = app.clock.now();
    let row = user::ActiveModel {
        id: Set(app.clock.secret_id()),
        email: Set(email),
        name: Set(new.name),
        role: Set(new.role),
        password_hash: Set(password_hash),
        created_at: Set(now),
        password_changed_at: Set(now),
        disabled_at: Set(None),
        version: Set(1),
        sealed_totp_secret: Set(None),
        totp_confirmed_at: Set(None),
        totp_last_step: Set(None),
        deleted_at: Set(None),
    };
    let row = row.insert(db).await.map_err(on_clash)?;
    let event = caller.did(AuditAction::UserCreated).on("user", row.id).because(role_word(row.role));
    Ok((row, vec![event]))
}

/// A new invitation for an account without a password; gives its token.
///
/// # Errors
/// 409 when the account has a password or is disabled.
pub async fn invite(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    row: &user::Model,
    events: &mut Vec<Event>,
) -> Result<String> {
    refuse_higher(caller, row.role)?;
    if !row.password_hash.is_empty() {
        return Err(Error::conflict("the account has a password already"));
    }
    if row.disabled_at.is_some() {
        return Err(Error::conflict("the account is disabled"));
    }
    events.push(caller.did(AuditAction::UserInvited).on("user", row.id));
    one_time::issue(app, db, row.id, OneTimePurpose::Invitation).await
}

/// Changes an account.
///
/// # Errors
/// 403 when the caller may not change it, 409 when it is the last owner, 422 for a bad address.
pub async fn change(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    before: user::Model,
    patch: UserPatch,
) -> Result<(user::Model, Vec<Event>)> {
    let only_name = patch.email.is_none() && patch.role.is_none() && patch.disabled.is_none();
    if !(only_name && caller.id() == Some(before.id)) {
        refuse_higher(caller, before.role)?;
    }
    let mut row = before.clone();
    let mut fields = Vec::new();
    let mut events = Vec::new();
    let did = |action| caller.did(action).on("user", before.id);
    if let Some(email) = patch.email {
        row.email = acceptable(&email)?;
        if row.email != before.email {
            refuse_taken(db, &row.email).await?;
            fields.push("email");
        }
    }
    row.name = match patch.name {
        Name::Keep => before.name.clone(),
        Name::Clear => None,
        Name::Set(name) => Some(name),
    };
    if row.name != before.name {
        fields.push("name");
    }
    if let Some(role) = patch.role.filter(|role| *role != before.role) {
        refuse_higher(caller, role)?;
        if caller.id() == Some(before.id) && role > before.role {
            return Err(Error::Forbidden("somebody else: nobody raises their own role"));
        }
        row.role = role;
        events.push(did(AuditAction::UserRoleChanged).because(role_word(role)).changing(["role"]));
    }
    if let Some(disabled) = patch.disabled.filter(|disabled| *disabled != before.disabled_at.is_some()) {
        row.disabled_at = disabled.then(|| app.clock.now());
        events.push(did(if disabled { AuditAction::UserDisabled } else { AuditAction::UserEnabled }));
    }
    if !fields.is_empty() {
        events.push(did(AuditAction::UserUpdated).changing(fields));
    }
    if events.is_empty() {
        return Ok((before, events));
    }
    if row.role != AccountRole::Owner || row.disabled_at.is_some() {
        keep_an_owner(db, &before).await?;
    }
    row.version += 1;
    if row.disabled_at.is_some() || row.email != before.email {
        close(app, db, row.id).await?;
    }
    let row = row.into_active_model().reset_all().update(db).await.map_err(on_clash)?;
    Ok((row, events))
}

/// Deletes an account: all that is left is its id.
///
/// # Errors
/// 403 when the caller may not delete it, 409 when it is the last owner.
pub async fn delete(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    before: user::Model,
) -> Result<Vec<Event>> {
    refuse_higher(caller, before.role)?;
    keep_an_owner(db, &before).await?;
    let now = app.clock.now();
    close(app, db, before.id).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(before.id)).exec(db).await?;
    api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, sea_orm::sea_query::Expr::value(now))
        .filter(api_key::Column::CreatedBy.eq(before.id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    let id = before.id;
    let row = user::Model {
        email: format!("{id}@deleted.invalid"),
        name: None,
        role: AccountRole::Viewer,
        password_hash: String::new(),
        disabled_at: Some(now),
        version: before.version + 1,
        sealed_totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: None,
        deleted_at: Some(now),
        ..before
    };
    row.into_active_model().reset_all().update(db).await?;
    Ok(vec![caller.did(AuditAction::UserDeleted).on("user", id)])
}

/// Ends what an account could still be entered with.
async fn close(app: &App, db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    session::end_sessions(app, db, session_table::Column::UserId.eq(id)).await?;
    one_time_token::Entity::delete_many().filter(one_time_token::Column::UserId.eq(id)).exec(db).await?;
    known_device::Entity::delete_many().filter(known_device::Column::UserId.eq(id)).exec(db).await?;
    Ok(())
}

/// Whether `caller` may look after accounts of `role`.
///
/// # Errors
/// 403 when not.
pub fn refuse_higher(caller: &Caller, role: AccountRole) -> Result<()> {
    if caller.role() == Some(AccountRole::Owner) || role <= AccountRole::Editor {
        return Ok(());
    }
    Err(Error::Forbidden("the role `owner`"))
}

/// 409 when `leaving` is the only owner there is.
async fn keep_an_owner(db: &impl ConnectionTrait, leaving: &user::Model) -> Result<()> {
    let is_one = leaving.role == AccountRole::Owner && leaving.disabled_at.is_none();
    if !is_one || leaving.password_hash.is_empty() {
        return Ok(());
    }
    // Held until the transaction ends, so that two owners do not see each other off.
    let owners = user::Entity::find()
        .filter(user::Column::Role.eq(AccountRole::Owner))
        .filter(user::Column::DisabledAt.is_null())
        // Whoever is only invited cannot stand in yet.
        .filter(user::Column::PasswordHash.ne(""))
        .order_by_asc(user::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    if owners.iter().any(|owner| owner.id != leaving.id) {
        return Ok(());
    }
    Err(Error::conflict("this is the last owner; appoint another first"))
}

async fn refuse_taken(db: &impl ConnectionTrait, email: &str) -> Result<()> {
    match user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await? {
        Some(_) => Err(Error::conflict("there is an account with this address already")),
        None => Ok(()),
    }
}

fn on_clash(error: DbErr) -> Error {
    match error.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("there is an account with this address already")
        }
        _ => error.into(),
    }
}

fn acceptable(email: &str) -> Result<String> {
    canonical_email(email).ok_or_else(|| {
        let detail = "this is not an e-mail address in ASCII";
        Error::Invalid(vec![FieldError::at("/email", "format", detail)])
    })
}

/// The role in one word, for the audit trail.
fn role_word(role: AccountRole) -> &'static str {
    match role {
        AccountRole::Viewer => "viewer",
        AccountRole::Author => "author",
        AccountRole::Editor => "editor",
        AccountRole::Admin => "admin",
        AccountRole::Owner => "owner",
    }
}
