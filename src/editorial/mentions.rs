//! The other entries that a draft names: found, forgotten, and kept where a writer could not see them.

use std::collections::HashSet;

use super::{
    draft::{Credit, Draft},
    kind::Kind,
};
use crate::entity::vocabulary;

/// A place in a draft where another entry is named.
#[derive(Debug)]
pub struct Reference<'a> {
    /// Where it stands.
    pub pointer: String,
    /// The kind that must be there.
    pub kind: vocabulary::Kind,
    /// The id or slug.
    pub name: &'a mut String,
}

impl<K: Kind> Draft<K> {
    /// Every place where another entry is named.
    pub fn references(&mut self) -> Vec<Reference<'_>> {
        let mut all = Vec::new();
        let mut add = |pointer, kind, name| all.push(Reference { pointer, kind, name });
        if let Some(owner) = &mut self.common.owner {
            add("/owner".to_owned(), vocabulary::Kind::Partner, owner);
        }
        for (index, topic) in self.common.topics.iter_mut().enumerate() {
            add(format!("/topics/{index}"), vocabulary::Kind::Topic, topic);
        }
        let mut place = Place::default();
        for credit in &mut self.credits {
            let index = place.next(credit.field);
            if let Some(person) = &mut credit.person {
                add(format!("/{}/{index}/person", credit.field), vocabulary::Kind::Person, person);
            }
            if let Some(partner) = &mut credit.partner {
                add(format!("/{}/{index}/partner", credit.field), vocabulary::Kind::Partner, partner);
            }
        }
        for link in &mut self.links {
            let index = place.next(link.field);
            let Some(field) = K::LINKS.iter().find(|field| field.name == link.field) else { continue };
            let pointer =
                if field.many { format!("/{}/{index}", link.field) } else { format!("/{}", link.field) };
            add(pointer, field.target, &mut link.target);
        }
        all
    }

    /// Forgets the entries that are named `gone`. Of a credit only a publication keeps the printed name;
    /// elsewhere it would come to light by this.
    pub fn forget(&mut self, gone: &HashSet<String>) {
        let common = &mut self.common;
        common.owner = common.owner.take().filter(|name| !gone.contains(name));
        common.topics.retain(|name| !gone.contains(name));
        self.links.retain(|link| !gone.contains(&link.target));
        let keeps_name = K::KIND == vocabulary::Kind::Publication;
        self.credits.retain_mut(|credit| {
            let is_gone = |name: &Option<String>| name.as_ref().is_some_and(|name| gone.contains(name));
            if !is_gone(&credit.person) && !is_gone(&credit.partner) {
                return true;
            }
            (credit.person, credit.partner) = (None, None);
            keeps_name && credit.name.is_some()
        });
    }

    /// Puts back what `before` names of the entries `unseen`, which whoever wrote this did not know of.
    pub fn keep_unseen(&mut self, before: &Self, unseen: &HashSet<String>) {
        let mut shown = before.clone();
        shown.forget(unseen);
        if *self == shown {
            self.clone_from(before);
            return;
        }
        let is_unseen = |name: &Option<String>| name.as_ref().is_some_and(|name| unseen.contains(name));
        if self.common.owner.is_none() && is_unseen(&before.common.owner) {
            self.common.owner.clone_from(&before.common.owner);
        }
        for topic in before.common.topics.iter().filter(|name| unseen.contains(*name)) {
            if !self.common.topics.contains(topic) {
                self.common.topics.push(topic.clone());
            }
        }
        for link in before.links.iter().filter(|link| unseen.contains(&link.target)) {
            let is_many = K::LINKS.iter().any(|field| field.name == link.field && field.many);
            let is_free = is_many || self.targets(link.field).next().is_none();
            if is_free && !self.links.contains(link) {
                self.links.push(link.clone());
            }
        }
        self.links.sort_by_key(|link| K::LINKS.iter().position(|field| field.name == link.field));
        for credit in &before.credits {
            if !is_unseen(&credit.person) && !is_unseen(&credit.partner) {
                continue;
            }
            let printed = Credit { person: None, partner: None, ..credit.clone() };
            match self.credits.iter_mut().find(|known| **known == printed) {
                Some(known) => known.clone_from(credit),
                None => self.credits.push(credit.clone()),
            }
        }
        self.credits.sort_by_key(|credit| K::CREDITS.iter().position(|field| field.name == credit.field));
    }
}

/// Counts the places within each property.
#[derive(Default)]
struct Place {
    field: &'static str,
    index: usize,
}

impl Place {
    fn next(&mut self, field: &'static str) -> usize {
        self.index = if self.field == field { self.index + 1 } else { 0 };
        self.field = field;
        self.index
    }
}
