//! What the schemas of tools add to every request, estimated.

use crate::tools::{ToolDefinition, ToolId, ToolSelection, Toolbox, schema};

/// The estimated tokens of every tool, the heaviest first.
#[derive(Debug, Clone, Default)]
pub(super) struct SchemaWeights {
    /// The revision of the tools that were weighed.
    rev: Option<u64>,
    tokens: Vec<(ToolId, u64)>,
}

/// A token has about four bytes.
const TOKEN_BYTES: u64 = 4;

/// The bytes around a name, a description and a schema.
const FRAME_BYTES: usize = 70;

/// How many of the heaviest tools are named.
const MAX_NAMED: usize = 3;

impl SchemaWeights {
    /// Weighs the tools again if they have changed.
    pub(super) fn update(&mut self, toolbox: &Toolbox, rev: u64) {
        if self.rev.replace(rev) == Some(rev) {
            return;
        }
        self.tokens = toolbox.tools().map(|(name, tool)| (tool.id.clone(), schema_tokens(name, tool))).collect();
        self.tokens.sort_by_key(|(_, tokens)| std::cmp::Reverse(*tokens));
    }

    /// The tokens of all tools that are on, and the heaviest of them; `None` if none is on.
    pub(super) fn of_selection(&self, selection: &ToolSelection) -> Option<(u64, Vec<(&ToolId, u64)>)> {
        let on = || self.tokens.iter().filter(|(id, _)| selection.is_on(id));
        let heaviest: Vec<_> = on().take(MAX_NAMED).map(|(id, tokens)| (id, *tokens)).collect();
        (!heaviest.is_empty()).then(|| (on().map(|(_, tokens)| tokens).sum(), heaviest))
    }
}

/// The tokens of one tool as it is sent.
pub(super) fn schema_tokens(wire_name: &str, tool: &ToolDefinition) -> u64 {
    let sent = schema::to_wire(&tool.parameters, tool.strict);
    let bytes = FRAME_BYTES + wire_name.len() + tool.description.len() + sent.parameters.to_string().len();
    (bytes as u64).div_ceil(TOKEN_BYTES)
}
