//! Walking through the prompts of before; the draft is kept and comes back.

use std::collections::BTreeMap;

/// Where the walk stands. What was changed on the way is kept until the walk ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// `None`: at the draft.
    at: Option<usize>,
    changed: BTreeMap<Option<usize>, String>,
}

impl Walk {
    /// One prompt further back; `shown` is what stands in the composer now.
    pub fn older(&mut self, prompts: &[String], shown: &str) -> Option<String> {
        let next = self.at.map_or(0, |at| at + 1);
        (next < prompts.len()).then(|| self.go(Some(next), prompts, shown))
    }

    /// One prompt forward, at last the draft.
    pub fn newer(&mut self, prompts: &[String], shown: &str) -> Option<String> {
        let at = self.at?;
        Some(self.go(at.checked_sub(1), prompts, shown))
    }

    fn go(&mut self, to: Option<usize>, prompts: &[String], shown: &str) -> String {
        let original = self.at.and_then(|at| prompts.get(at));
        if original.is_none_or(|original| original != shown) {
            self.changed.insert(self.at, shown.to_owned());
        }
        self.at = to;
        self.changed.get(&to).or_else(|| prompts.get(to?)).cloned().unwrap_or_default()
    }
}
