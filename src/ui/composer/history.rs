//! Walks through the earlier prompts; the draft is saved and comes back.

use std::collections::BTreeMap;

/// The position in the history. Edits of earlier prompts are saved until the walk ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct HistoryWalk {
    /// `None` at the draft.
    index: Option<usize>,
    edited: BTreeMap<Option<usize>, String>,
}

impl HistoryWalk {
    /// Goes one prompt back; `shown` is the current text of the composer.
    pub(super) fn older(&mut self, prompts: &[String], shown: &str) -> Option<String> {
        let next = self.index.map_or(0, |at| at + 1);
        (next < prompts.len()).then(|| self.go_to(Some(next), prompts, shown))
    }

    /// Goes one prompt forward, and finally to the draft.
    pub(super) fn newer(&mut self, prompts: &[String], shown: &str) -> Option<String> {
        let at = self.index?;
        Some(self.go_to(at.checked_sub(1), prompts, shown))
    }

    fn go_to(&mut self, to: Option<usize>, prompts: &[String], shown: &str) -> String {
        let original = self.index.and_then(|at| prompts.get(at));
        if original.is_none_or(|original| original != shown) {
            self.edited.insert(self.index, shown.to_owned());
        }
        self.index = to;
        self.edited.get(&to).or_else(|| prompts.get(to?)).cloned().unwrap_or_default()
    }
}
