//! Models as rows of a picker.

use crate::ui::overlay::picker::{ColumnAlign, DetailStyle, PickerColumn, PickerRow};
use crate::{
    api::catalogue::{Model, ReasoningEfforts},
    render::{markdown::plain_text, theme::ColourRole},
};

/// The columns for models: slot, name, vendor, prices, context size, abilities.
pub const MODEL_COLUMNS: &[PickerColumn] = &[
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Grow, role: ColourRole::Text, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 3 },
    PickerColumn { heading: "$/M in", align: ColumnAlign::Right, role: ColourRole::Text, drop_priority: 1 },
    PickerColumn { heading: "$/M out", align: ColumnAlign::Right, role: ColourRole::Text, drop_priority: 1 },
    PickerColumn { heading: "context", align: ColumnAlign::Right, role: ColourRole::Text, drop_priority: 2 },
    PickerColumn { heading: "can", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 4 },
];

/// The row of a model; `slot` is the number of its key, if it has one, and `mark` says whether it is in use.
pub fn model_row<T>(model: &Model, slot: Option<u8>, mark: &str, payload: T) -> PickerRow<T> {
    let price = |price: &Option<crate::api::Usd>| match price {
        Some(price) if price.is_zero() => "free".to_owned(),
        Some(price) => price.to_price(),
        None => String::new(),
    };
    let name = model.id.rsplit_once('/').map_or(model.id.as_str(), |(_, name)| name);
    let cells = vec![
        format!("{}{mark}", slot.map_or(" ".to_owned(), |slot| slot.to_string())),
        name.to_owned(),
        model.vendor.clone(),
        price(&model.input_price),
        price(&model.output_price),
        model.context_tokens.map_or(String::new(), short_token_count),
        abilities(model),
    ];
    PickerRow {
        cells,
        extra_terms: format!("{} {}", model.vendor, model.name),
        detail_lines: detail_lines(model),
        payload,
    }
}

/// The abilities, each at a fixed position so that they can be compared down the column.
fn abilities(model: &Model) -> String {
    let words = [("tools", model.supports_tools), ("see", model.supports_images), ("think", model.reasoning.is_some())];
    let words = words.map(|(word, can)| if can { word.to_owned() } else { " ".repeat(word.len()) });
    words.join(" ").trim_end().to_owned()
}

fn detail_lines(model: &Model) -> Vec<Vec<(DetailStyle, String)>> {
    let mut facts = Vec::new();
    facts.extend(model.released.as_ref().map(|since| format!("since {since}")));
    facts.extend(model.reasoning.as_ref().and_then(effort_range));
    let first = vec![(DetailStyle::Bold, model.id.clone()), (DetailStyle::Muted, format!("   {}", facts.join(" · ")))];
    vec![first, vec![(DetailStyle::Text, plain_text(&model.description))]]
}

fn effort_range(efforts: &ReasoningEfforts) -> Option<String> {
    match efforts.offered.as_slice() {
        [] => None,
        [only] => Some(format!("effort {}", only.name())),
        [first, .., last] => Some(format!("efforts {} to {}", first.name(), last.name())),
    }
}

/// A count of tokens in three digits or fewer: `32k`, `1M`.
fn short_token_count(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..999_500 => format!("{}k", (count + 500) / 1_000),
        _ => {
            let tenths = (count + 50_000) / 100_000;
            if tenths.is_multiple_of(10) {
                format!("{}M", tenths / 10)
            } else {
                format!("{}.{}M", tenths / 10, tenths % 10)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_size_is_shown_in_at_most_three_digits() {
        let shown = [500, 32_768, 131_072, 200_000, 999_999, 1_048_576, 1_500_000, 2_000_000].map(short_token_count);
        assert_eq!(shown, ["500", "33k", "131k", "200k", "1M", "1M", "1.5M", "2M"]);
    }
}
