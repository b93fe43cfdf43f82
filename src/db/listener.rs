//! Being told of changes by PostgreSQL.

use sqlx::{Pool, Postgres, postgres::PgListener};

/// The channel that the trigger on the audit trail tells of (migration 9).
const CHANNEL: &str = "sogep_changes";

/// A connection that PostgreSQL wakes when something has changed.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// Listens on a connection of `pool`, if there is one.
    pub(super) async fn open(pool: &Pool<Postgres>) -> Option<Self> {
        let listens = async {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match listens.await {
            Ok(listener) => Some(Self(listener)),
            Err(error) => {
                // Looking goes on without.
                tracing::warn!(%error, "changes of other processes are heard of only by looking");
                None
            }
        }
    }

    /// Waits until something has changed. `false`: the connection is broken.
    pub async fn woken(&mut self) -> bool {
        matches!(self.0.try_recv().await, Ok(Some(_)))
    }
}
