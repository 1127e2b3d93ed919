//! Text in, rows out: Markdown, formulas, highlighting and themes. It knows neither chats nor the interface.

pub mod card;
pub mod highlight;
pub mod markdown;
pub mod maths;
pub mod row;
pub mod source_map;
pub mod theme;
pub mod word_diff;
