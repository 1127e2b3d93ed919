//! Choosing the model, effort and settings of the next message.

pub mod again_picker;
pub mod model_rows;
pub mod model_settings;
