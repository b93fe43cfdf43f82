//! Hashing passwords: a few at once, and in memory that is kept.
//!
//! A hash takes 19 MiB. Given back after each, they stay with the allocator in as many arenas as there
//! have been threads, and a flood of sign-ins leaves half a gigabyte behind. So each of the few that
//! may hash at once takes its memory from here and returns it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::Semaphore;

use super::random;
use crate::http::{Code, Error, Result};

/// How many are hashed at once at most, on a machine of many cores.
const MOST_PLACES: usize = 4;
/// How long one waits for a place.
const WAIT: Duration = Duration::from_secs(5);
/// The most memory that a stored hash may ask for, in KiB.
const MOST_MEMORY: u32 = 64 * 1024;

/// The places and their memory. Cloning it is cheap.
#[derive(Clone)]
pub struct PasswordHashing {
    places: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
}

/// How many are hashed at once: half of the cores, so that the other half goes on answering.
fn places() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores / 2).clamp(1, MOST_PLACES)
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(places())), memory: Arc::default() }
    }
}

impl PasswordHashing {
    /// The PHC string to keep of `password`: Argon2id with m = 19 MiB, t = 2, p = 1.
    ///
    /// # Errors
    /// 503 when too many wait for a place; when the system has no randomness.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move |memory| hash(password.as_bytes(), memory)).await?
    }

    /// Whether `password` is the one that the PHC string `stored` was made of.
    ///
    /// # Errors
    /// 503 when too many wait for a place.
    pub async fn verify(&self, password: String, stored: String) -> Result<bool> {
        self.in_turn(move |memory| is_made_of(&stored, password.as_bytes(), memory).unwrap_or(false)).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let busy = || Error::Problem(Code::Unavailable, "too many are signing in at the moment".to_owned());
        let place = tokio::time::timeout(WAIT, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_elapsed| busy())?
            .map_err(|_closed| busy())?;
        let kept = Arc::clone(&self.memory);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut memory = kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let done = work(&mut memory);
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            done
        });
        done.await.map_err(Error::internal)
    }
}

impl fmt::Debug for PasswordHashing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHashing")
    }
}

/// The PHC string to keep of `password`, made at once.
///
/// # Errors
/// When the system has no randomness.
pub fn hash_at_once(password: &str) -> Result<String> {
    hash(password.as_bytes(), &mut Vec::new())
}

fn hash(password: &[u8], memory: &mut Vec<Block>) -> Result<String> {
    let failed = |error: argon2::Error| Error::internal(error.to_string());
    let unwritten = |error: argon2::password_hash::phc::Error| Error::internal(error.to_string());
    let salt = random::<16>()?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    into(&mut output, &Params::DEFAULT, password, &salt, memory).map_err(failed)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::DEFAULT)
            .map_err(|error| Error::internal(error.to_string()))?,
        salt: Some(Salt::new(&salt).map_err(unwritten)?),
        hash: Some(Output::new(&output).map_err(unwritten)?),
    };
    Ok(hash.to_string())
}

/// `None` when `stored` is no hash that we make.
fn is_made_of(stored: &str, password: &[u8], memory: &mut Vec<Block>) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&stored).ok()?;
    let is_ours = stored.algorithm == ARGON2ID_IDENT && stored.version == Some(Version::V0x13.into());
    let (salt, expected) = (stored.salt?, stored.hash?);
    if !is_ours || params.m_cost() > MOST_MEMORY {
        return None;
    }
    let mut output = vec![0; expected.len()];
    into(&mut output, &params, password, &salt, memory).ok()?;
    Some(aws_lc_rs::constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok())
}

fn into(
    output: &mut [u8],
    params: &Params,
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> std::result::Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon2.hash_password_into_with_memory(
        password,
        salt,
        output,
        memory.get_mut(..blocks).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[tokio::test]
    async fn memory_is_kept_and_used_again() {
        let hashing = PasswordHashing::default();
        let stored = hashing.hash("one".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let all = (0..12).map(|_| hashing.verify("one".to_owned(), stored.clone()));
        assert!(futures_util::future::try_join_all(all).await.unwrap().into_iter().all(|same| same));
        assert!(!hashing.verify("two".to_owned(), stored.clone()).await.unwrap());
        // Memory that is larger than needed makes no difference.
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let weak: PasswordHash = weak.hash_password(b"one").unwrap();
        for _ in 0..8 {
            assert!(hashing.verify("one".to_owned(), weak.to_string()).await.unwrap());
        }
        assert!(hashing.memory.lock().unwrap().len() <= places());
        let stronger = stored.replace("m=19456", "m=4194304");
        for bad in
            ["", "x", &stronger, &stored.replace("argon2id", "argon2i"), &stored.replace("v=19", "v=16")]
        {
            assert!(!hashing.verify("one".to_owned(), bad.to_owned()).await.unwrap(), "{bad}");
        }
    }

    /// The library, going its own way, agrees with us.
    #[test]
    fn the_library_verifies_what_we_hash() {
        let stored = hash_at_once("parola").unwrap();
        let parsed = PasswordHash::new(&stored).unwrap();
        assert!(Argon2::default().verify_password(b"parola", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"porola", &parsed).is_err());
    }
}
