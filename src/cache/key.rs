//! Which answer it is.

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
};

use quick_cache::Equivalent;

/// Which answer it is: where, and in which of the configured languages it would be if the address names
/// none. All kept answers are for the same readers, those of what is public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    address: Box<str>,
    locale: u8,
}

/// The same, of a request.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    address: Cow<'a, str>,
    locale: u8,
}

impl<'a> Target<'a> {
    /// The answer at `path`, with the parameters `query` in whatever order they are.
    #[must_use]
    pub fn new(path_and_query: &'a str, locale: u8) -> Self {
        let Some((path, query)) = path_and_query.split_once('?') else {
            return Self { address: path_and_query.into(), locale };
        };
        // Whoever names a language gets it, whatever else they would like.
        let names_one = |pair: &str| pair.starts_with("locale=") && pair != "locale=all";
        let locale = if query.split('&').any(names_one) { 0 } else { locale };
        if query.split('&').is_sorted() {
            return Self { address: path_and_query.into(), locale };
        }
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        Self { address: format!("{path}?{}", pairs.join("&")).into(), locale }
    }

    /// It as what is kept.
    #[must_use]
    pub fn to_key(&self) -> Key {
        Key { address: self.address.as_ref().into(), locale: self.locale }
    }
}

impl Key {
    /// What it takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        (self.address.len() + size_of::<Self>()) as u64
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.address.as_ref(), self.locale).hash(state);
    }
}

impl Hash for Target<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.address.as_ref(), self.locale).hash(state);
    }
}

impl Equivalent<Key> for Target<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.locale == key.locale && *self.address == *key.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let key = |address, locale| Target::new(address, locale).to_key();
        assert_eq!(key("/a?b=1&c=2", 0), key("/a?c=2&b=1", 0));
        assert_ne!(key("/a?b=1&c=2", 0), key("/a?b=2&c=1", 0));
        assert_ne!(key("/a?b=1", 0), key("/a?b=1", 1));
        assert_eq!(key("/a?locale=tr", 0), key("/a?locale=tr", 1));
        assert_ne!(key("/a?locale=all", 0), key("/a?locale=all", 1));
        assert_ne!(key("/a", 0), key("/a?", 0));
        let target = Target::new("/a?z=1&b=2", 1);
        assert!(target.equivalent(&target.to_key()));
    }
}
