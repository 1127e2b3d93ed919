//! Tests of a picker of models as it is drawn.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Color,
    widgets::Widget,
};

use super::model_rows::{MODEL_COLUMNS, model_row};
use crate::{
    api::{
        Effort, Usd,
        catalogue::{Model, ReasoningEfforts},
    },
    chat::Timestamp,
    render::theme::{ColourRole, Theme},
    ui::{
        Action,
        keymap::Keymap,
        overlay::picker::{FuzzyPicker, LoadState, PickerRow, PickerView},
        test_buffer,
    },
};

fn model(id: &str, price: Option<(&str, &str)>, context: u64) -> Model {
    let (vendor, name) = id.split_once('/').unwrap_or(("", id));
    let usd = |price: &str| Usd::parse(price).expect("a number");
    Model {
        id: id.to_owned(),
        name: name.to_owned(),
        vendor: vendor.to_owned(),
        released: Some("2026-09".to_owned()),
        description: "For long, careful work: code, research, agents. It takes its time and says so.".to_owned(),
        context_tokens: Some(context),
        input_price: price.map(|(input, _)| usd(input)),
        output_price: price.map(|(_, output)| usd(output)),
        supports_tools: true,
        supports_images: vendor == "anthropic",
        supports_files: false,
        reasoning: (vendor == "anthropic")
            .then(|| ReasoningEfforts { offered: vec![Effort::Low, Effort::High, Effort::Max], mandatory: true }),
    }
}

fn models() -> FuzzyPicker<String> {
    let mut picker = FuzzyPicker::new("Model for the next message", MODEL_COLUMNS);
    picker.hint_labels = vec![(&[Action::Accept], "use".into()), (&[Action::Back], "keep opus-5".into())];
    picker.width = 92;
    picker.detail_rows = 3;
    let models = [
        (model("anthropic/claude-opus-5", Some(("5", "25")), 1_000_000), Some(1)),
        (model("anthropic/claude-opus-4.8", Some(("5", "25")), 1_000_000), Some(2)),
        (model("openai/gpt-5.6", Some(("1.25", "10")), 400_000), None),
        (model("example/opus-mini-chat", Some(("0", "0")), 32_768), None),
        (model("openrouter/auto", None, 2_000_000), None),
    ];
    picker.set_rows(models.iter().map(|(model, slot)| model_row(model, *slot, " ", model.id.clone())).collect());
    picker
}

fn type_in(picker: &mut FuzzyPicker<String>, text: &str) {
    for letter in text.chars() {
        picker.edit(KeyCode::Char(letter).into());
    }
}

fn buffer(picker: &mut FuzzyPicker<String>, width: u16, height: u16, theme: &Theme) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    picker.scroll_to_cursor(area);
    let now = "2026-03-10T08:00:07Z".parse().expect("a timestamp");
    PickerView { picker, now, keymap: &Keymap::default(), theme }.render(area, &mut buf);
    buf
}

fn drawn(picker: &mut FuzzyPicker<String>, width: u16, height: u16) -> String {
    test_buffer::buffer_text(&buffer(picker, width, height, &Theme::default()))
}

#[test]
fn models_are_listed_in_columns_with_details_below() {
    assert_snapshot!(drawn(&mut models(), 100, 26), @"
    ╭── Model for the next message ────────────────────────────────────────────────────────────╮
    │ ›                                                                               5 of 5   │
    │                                                                                          │
    │                                              $/M in  $/M out  context  can               │
    │▌  1   claude-opus-5              anthropic    $5.00   $25.00       1M  tools see think   │
    │   2   claude-opus-4.8            anthropic    $5.00   $25.00       1M  tools see think   │
    │       gpt-5.6                    openai       $1.25   $10.00     400k  tools             │
    │       opus-mini-chat             example       free     free      33k  tools             │
    │       auto                       openrouter                        2M  tools             │
    │   ────────────────────────────────────────────────────────────────────────────────────   │
    │   anthropic/claude-opus-5   since 2026-09 · efforts low to max                           │
    │   For long, careful work: code, research, agents. It takes its time and says so.         │
    │                                                                                          │
    │                                                                                          │
    ╰──────────────────────────────────────────────────────────────── ↵ use  Esc keep opus-5 ──╯
    ");
}

#[test]
fn a_narrow_screen_keeps_the_names_and_drops_columns() {
    assert_snapshot!(drawn(&mut models(), 60, 14), @"
    ╭── Model for the next message ────────────────────────────╮
    │ ›                                               5 of 5   │
    │                                                          │
    │                               $/M in  $/M out  context   │
    │▌  1   claude-opus-5            $5.00   $25.00       1M   │
    │   2   claude-opus-4.8          $5.00   $25.00       1M   │
    │       gpt-5.6                  $1.25   $10.00     400k   │
    │       opus-mini-chat            free     free      33k   │
    │       auto                                          2M   │
    │                                                          │
    │                                                          │
    ╰──────────────────────────────── ↵ use  Esc keep opus-5 ──╯
    ");
    assert_snapshot!(drawn(&mut models(), 40, 10), @"
    ╭── Model for the next message ────────╮
    │ ›                           5 of 5   │
    │                                      │
    │                                      │
    │▌  1   claude-opus-5                  │
    │   2   claude-opus-4.8                │
    │       gpt-5.6                        │
    │       opus-mini-chat                 │
    │       auto                           │
    ╰──────────── ↵ use  Esc keep opus-5 ──╯
    ");
}

#[test]
fn typing_lists_the_best_match_first_and_marks_its_letters() {
    let mut picker = models();
    type_in(&mut picker, "opus5");
    assert_eq!(picker.selected().map(|row| row.payload.as_str()), Some("anthropic/claude-opus-5"));
    assert_eq!(picker.counts(), (1, 5));
    let theme = Theme::bundled("ink").expect("bundled");
    let buf = buffer(&mut picker, 80, 24, &theme);
    let accent = theme.style(ColourRole::Accent).fg.unwrap_or(Color::Reset);
    let row = (0..24).find(|y| buf[(8, *y)].symbol() == "c").expect("the row of the model");
    let marked: String = (8..32).filter(|x| buf[(*x, row)].fg == accent).map(|x| buf[(x, row)].symbol()).collect();
    assert_eq!(marked, "opus5");
}

#[test]
fn a_vendor_matches_its_models_and_an_empty_query_restores_the_order() {
    let mut picker = models();
    type_in(&mut picker, "anthropic");
    assert_eq!(picker.counts(), (2, 5));
    picker.edit(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    assert_eq!(picker.counts(), (5, 5));
    assert_eq!(picker.selected().map(|row| row.payload.as_str()), Some("anthropic/claude-opus-5"));
}

#[test]
fn new_rows_leave_the_cursor_on_the_same_payload() {
    let mut picker = models();
    picker.select(&"openai/gpt-5.6".to_owned());
    let rows = [model("new/first", None, 1), model("openai/gpt-5.6", None, 1)];
    picker.set_rows(rows.iter().map(|model| model_row(model, None, " ", model.id.clone())).collect());
    assert_eq!(picker.selected().map(|row| row.payload.as_str()), Some("openai/gpt-5.6"));
    picker.set_rows(Vec::new());
    assert!(picker.selected().is_none());
}

#[test]
fn every_load_state_is_described() {
    let mut picker = models();
    type_in(&mut picker, "zzz");
    assert_snapshot!(drawn(&mut picker, 50, 10), @"
    ╭── Model for the next message ──────────────────╮
    │ › zzz                                 0 of 5   │
    │                                                │
    │                                                │
    │   No matches.                                  │
    │                                                │
    │                                                │
    │                                                │
    │                                                │
    ╰───────────────────────────── Esc keep opus-5 ──╯
    ");

    let mut picker = FuzzyPicker::new("Models", MODEL_COLUMNS);
    picker.load_state = LoadState::Loading { since: "2026-03-10T08:00:04Z".parse().expect("a timestamp") };
    assert_snapshot!(drawn(&mut picker, 50, 8), @"
    ╭── Models ──────────────────────────────────────╮
    │ ›                                              │
    │                                                │
    │   ◔ waiting for the list   3 s                 │
    │                                                │
    │                                                │
    │                                                │
    ╰────────────────────────────────────────────────╯
    ");

    picker.load_state = LoadState::Failed {
        reason: "the server cannot be reached: connection refused".to_owned(),
        hint: "type a model's name and press ↵".to_owned(),
    };
    picker.notice = Some("offline".to_owned());
    assert_snapshot!(drawn(&mut picker, 50, 8), @"
    ╭── Models ──────────────────────────────────────╮
    │ ›                                              │
    │                                                │
    │!  the server cannot be reached: connection     │
    │   refused                                      │
    │   type a model's name and press ↵              │
    │                                                │
    ╰── offline ─────────────────────────────────────╯
    ");

    picker.load_state = LoadState::Ready;
    picker.empty_text = "No prompt was sent yet.".to_owned();
    assert_snapshot!(drawn(&mut picker, 50, 8), @"
    ╭── Models ──────────────────────────────────────╮
    │ ›                                              │
    │                                                │
    │   No prompt was sent yet.                      │
    │                                                │
    │                                                │
    │                                                │
    ╰── offline ─────────────────────────────────────╯
    ");
}

#[test]
fn pages_and_clicks_reach_every_row() {
    let mut picker: FuzzyPicker<String> = FuzzyPicker::new("Many", &MODEL_COLUMNS[1..2]);
    picker.detail_rows = 0;
    let row = |n: usize| PickerRow {
        cells: vec![format!("number {n}")],
        extra_terms: String::new(),
        detail_lines: Vec::new(),
        payload: n.to_string(),
    };
    picker.set_rows((0..100).map(row).collect());
    let area = Rect::new(0, 0, 40, 12);
    for to in [
        Action::PageDown,
        Action::PageDown,
        Action::RowUp,
        Action::LastRow,
        Action::RowDown,
        Action::PageUp,
        Action::FirstRow,
        Action::RowDown,
    ] {
        picker.on_action(to, area);
        let buf = buffer(&mut picker, area.width, area.height, &Theme::default());
        let row = (0..12).find(|y| buf[(1, *y)].symbol() == "▌").unwrap_or_else(|| panic!("{to:?}"));
        let chosen = picker.selected().expect("a row").cells[0].clone();
        assert!(test_buffer::buffer_text(&buf).lines().nth(row.into()).expect("a row").contains(&chosen), "{to:?}");
        assert!(picker.on_click(Position::new(5, row), area));
        assert_eq!(picker.selected().expect("a row").cells[0], chosen);
    }
    assert_eq!(picker.selected().map(|row| row.payload.as_str()), Some("1"));
    assert!(!picker.on_click(Position::new(5, 0), area));
}

#[test]
fn the_picker_draws_at_every_size() {
    for query in ["", "opus", "zzz"] {
        test_buffer::draw_at_every_size(|area, buf| {
            let mut picker = models();
            type_in(&mut picker, query);
            picker.scroll_to_cursor(area);
            let theme = Theme::default();
            let keymap = Keymap::default();
            let view = || PickerView { picker: &picker, now: Timestamp::UNIX_EPOCH, keymap: &keymap, theme: &theme };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)));
            view().render(area, buf);
        });
    }
}
