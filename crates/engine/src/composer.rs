//! Composing with a memory: most families of a day read the same words, which are written once.

use std::collections::HashMap;
use std::sync::Arc;

use kizuna_domain::day::Day;
use kizuna_domain::ids::{CohortId, NAMESPACE, TenantId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::Follower;
use kizuna_domain::position::stage_label;
use kizuna_domain::run::compose::{Part, compose};
use kizuna_domain::run::plan::Due;
use uuid::Uuid;

use crate::programme::Loaded;

/// Drafts kept while one tenant is planned; beyond it the memory starts anew.
const DRAFTS_MAX: usize = 20_000;

/// What decides the words of a single child's message: equal keys, equal drafts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    stage: String,
    language: String,
    due: Vec<Due>,
}

/// Writes the messages of one tenant's day.
#[derive(Debug)]
pub struct Composer<'a> {
    loaded: &'a Loaded,
    day: Day,
    drafts: HashMap<Key, (CohortId, Arc<Draft>)>,
}

impl<'a> Composer<'a> {
    /// A composer for one day.
    pub fn new(loaded: &'a Loaded, day: Day) -> Composer<'a> {
        Composer {
            loaded,
            day,
            drafts: HashMap::new(),
        }
    }

    /// The message of one reader and its cohort; several children make one message of their own.
    pub fn draft(&mut self, mut parts: Vec<(&Follower, Vec<Due>)>) -> (CohortId, Arc<Draft>) {
        let one = if parts.len() == 1 { parts.pop() } else { None };
        let Some((follower, due)) = one else {
            let parts: Vec<Part<'_>> = parts.iter().map(|(follower, due)| Part { follower, due }).collect();
            return self.compose(&parts);
        };
        let programme = &self.loaded.programme;
        let key = Key {
            stage: stage_label(&follower.anchor, self.day, &programme.settings.customs),
            language: programme.language_for(&follower.language).to_owned(),
            due,
        };
        if let Some(known) = self.drafts.get(&key) {
            return known.clone();
        }
        let made = self.compose(&[Part {
            follower,
            due: &key.due,
        }]);
        if self.drafts.len() >= DRAFTS_MAX {
            self.drafts.clear();
        }
        self.drafts.insert(key, made.clone());
        made
    }

    fn compose(&self, parts: &[Part<'_>]) -> (CohortId, Arc<Draft>) {
        let draft = compose(&self.loaded.programme, &self.loaded.library, self.day, parts);
        (cohort_id(self.loaded.programme.tenant, &draft), Arc::new(draft))
    }
}

/// A hash of what a message says, within its tenant.
fn cohort_id(tenant: TenantId, draft: &Draft) -> CohortId {
    let name = [tenant.bytes().as_slice(), &draft.digest()].concat();
    CohortId::new(Uuid::new_v5(&NAMESPACE, &name))
}
