//! placeholder
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
#[derive(Debug, Default)]
pub struct Rail {
    pub tab: Tab,
}
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Reasoning,
    Sources,
}
impl Tab {
    pub fn other(self) -> Self {
        self
    }
}
impl Rail {
    pub fn scroll(&mut self, _m: super::transcript::Move) {}
}
pub struct RailView<'a> {
    pub rail: &'a Rail,
    pub answer: Option<&'a crate::chat::Answer>,
    pub now: crate::chat::Timestamp,
    pub focused: bool,
    pub theme: &'a super::theme::Theme,
}
impl Widget for RailView<'_> {
    fn render(self, _a: Rect, _b: &mut Buffer) {}
}
