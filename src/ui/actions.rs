//! What the actions do that concern the whole screen or several features.

pub(crate) mod again_picker;
pub(crate) mod branching;
pub(crate) mod call_results;
pub(crate) mod card_actions;
pub(crate) mod citation_actions;
pub(crate) mod claim_judge;
pub(crate) mod code_blocks;
pub(crate) mod copying;
pub(crate) mod finding;
pub(crate) mod list_actions;
pub(crate) mod list_changes;
pub(crate) mod model_settings;
pub(crate) mod setting_choices;
pub(crate) mod slash_commands;
pub(crate) mod source_checks;
pub(crate) mod switching;
pub(crate) mod theme_actions;
pub(crate) mod theme_picker;
pub(crate) mod tool_actions;
pub(crate) mod tool_overlay;
pub(crate) mod tree_actions;
pub(crate) mod xray_actions;
