//! Screen areas: where each pane is, and which panes are docked or overlays.

use ratatui::layout::{Margin, Rect, Size};

use super::overlay::frame::{MAX_FULL_WIDTH, MAX_WIDTH, overlay_area};

/// The smallest width at which the list is docked on the left.
pub const LIST_DOCK_WIDTH: u16 = 120;
/// The smallest width at which the list and the rail are both docked.
pub const BOTH_DOCK_WIDTH: u16 = 160;
/// The smallest usable size; below it the screen shows a single line that says so.
pub const MIN_SIZE: Size = Size { width: 40, height: 10 };

/// The width of the gutter left of the text, which marks who speaks and what has the focus.
pub const GUTTER_WIDTH: u16 = 2;

/// Widths that the config can change, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaneWidths {
    pub list: u16,
    pub rail: u16,
    pub text: u16,
}

/// The panes to show beside the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidePanes {
    pub list: bool,
    pub rail: bool,
    /// The text is as wide as beside the rail although that is not shown yet, so that it need not wrap again.
    pub keeps_rail_room: bool,
}

/// The areas of one frame. Empty rectangles are not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenAreas {
    pub list: Rect,
    pub list_rule: Rect,
    pub rail: Rect,
    pub rail_rule: Rect,
    /// The first area of the text column, which runs down to the composer and includes the gutter.
    pub title: Rect,
    pub transcript: Rect,
    pub composer_rule: Rect,
    pub composer: Rect,
    pub status: Rect,
}

impl ScreenAreas {
    /// Divides `size`; the composer's text needs `composer_rows` rows.
    pub fn divide(size: Size, wanted: SidePanes, widths: PaneWidths, composer_rows: u16) -> Self {
        let mut areas = Self::default();
        let Size { width, height } = size;
        let body = height.saturating_sub(1);
        areas.status = Rect::new(0, body, width, height.min(1));

        let mut left = 0;
        let mut right = width;
        let rail_rule = width.saturating_sub(widths.rail + 2);
        if wanted.rail && width >= LIST_DOCK_WIDTH {
            // The last column of the screen stays blank.
            areas.rail = Rect::new(width - widths.rail, 0, widths.rail.saturating_sub(1), body);
            areas.rail_rule = Rect::new(rail_rule, 0, 1, body);
            right = rail_rule;
        }
        if wanted.list && (width >= BOTH_DOCK_WIDTH || (width >= LIST_DOCK_WIDTH && !wanted.rail)) {
            areas.list = Rect::new(0, 0, widths.list, body);
            areas.list_rule = Rect::new(widths.list + 1, 0, 1, body);
            left = areas.list_rule.right();
        }

        let (mut column, mut text) = text_column(left, right, widths.text, left > 0 || right < width);
        let beside_rail = text_column(left, rail_rule, widths.text, true);
        if wanted.keeps_rail_room && beside_rail.1 < widths.text {
            (column, text) = beside_rail;
        }
        let composer = composer_rows.clamp(1, (height / 3).max(1)).min(body);
        let has_rule = body >= composer + 3;
        let roomy = height >= 14;
        let mut bottom = body;
        bottom -= composer;
        areas.composer = Rect::new(column, bottom, text + GUTTER_WIDTH, composer);
        if has_rule {
            bottom -= 1;
            areas.composer_rule = Rect::new(column + GUTTER_WIDTH, bottom, text, 1);
        }
        let mut top = 0;
        if bottom >= 3 {
            areas.title = Rect::new(column, 0, text + GUTTER_WIDTH, 1);
            top = if roomy { 2 } else { 1 };
        }
        let gap = u16::from(roomy && bottom > top + 2);
        areas.transcript = Rect::new(column, top, text + GUTTER_WIDTH, bottom.saturating_sub(top + gap));
        let screen = Rect::new(0, 0, width, height);
        for area in [&mut areas.title, &mut areas.transcript, &mut areas.composer_rule, &mut areas.composer] {
            *area = area.intersection(screen);
        }
        areas
    }

    /// Gives the rows of the title to the text.
    #[must_use]
    pub fn without_title(self) -> Self {
        let transcript = Rect { y: self.title.y, height: self.transcript.bottom() - self.title.y, ..self.transcript };
        Self { title: Rect::default(), transcript, ..self }
    }

    /// Returns the row of the pill: the blank row below the text, or else the last row of the text.
    pub fn pill_row(&self) -> u16 {
        let below = self.transcript.bottom();
        if below < self.composer_rule.y { below } else { below.saturating_sub(1) }
    }

    /// Returns the column of the scrollbar: right of the text, after a blank.
    pub fn scrollbar(&self) -> Rect {
        let x = self.transcript.right() + 1;
        Rect { x, width: u16::from(!self.transcript.is_empty()), ..self.transcript }
    }

    /// Returns the area of a list that is not docked, with its frame: all columns but a few of a wider screen.
    pub fn floating_list(size: Size) -> Rect {
        overlay_area(Rect::new(0, 0, size.width, size.height.saturating_sub(1)), MAX_WIDTH, size.height)
    }

    /// Returns the area of a rail that is not docked, with its frame: over the right of a screen that is wide enough.
    pub fn floating_rail(size: Size, widths: PaneWidths) -> Rect {
        let width = if size.width <= MAX_FULL_WIDTH { size.width } else { (widths.rail + 8).min(size.width) };
        Rect::new(size.width - width, 0, width, size.height.saturating_sub(1))
    }

    /// Returns the area of the content of a floating pane: its text is four cells inside the frame.
    pub fn floating_content(frame: Rect) -> Rect {
        frame.inner(Margin::new(4, 1))
    }
}

/// Returns where the gutter begins between two edges, and the width of the text after it.
fn text_column(left: u16, right: u16, max_width: u16, beside_a_pane: bool) -> (u16, u16) {
    let room = right.saturating_sub(left);
    let (before, after) = if beside_a_pane { (1, 3) } else { (0, 2) };
    if room >= max_width + GUTTER_WIDTH + before + after {
        (left + (room - max_width - GUTTER_WIDTH) / 2, max_width)
    } else {
        let text = room.saturating_sub(GUTTER_WIDTH + before + after);
        (left + before.min(room), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTHS: PaneWidths = PaneWidths { list: 28, rail: 44, text: 98 };

    fn divide(width: u16, height: u16, list: bool, rail: bool) -> ScreenAreas {
        ScreenAreas::divide(Size { width, height }, SidePanes { list, rail, keeps_rail_room: false }, WIDTHS, 1)
    }

    #[test]
    fn at_80_the_text_is_one_column_with_two_blank_cells_on_the_right() {
        let areas = divide(80, 24, true, true);
        assert_eq!((areas.list, areas.rail), (Rect::default(), Rect::default()));
        assert_eq!(areas.transcript, Rect::new(0, 2, 78, 18));
        assert_eq!(areas.composer_rule, Rect::new(2, 21, 76, 1));
        assert_eq!(areas.composer, Rect::new(0, 22, 78, 1));
        assert_eq!(areas.status, Rect::new(0, 23, 80, 1));
    }

    #[test]
    fn at_120_the_list_is_docked_and_the_text_begins_at_column_33() {
        let areas = divide(120, 40, true, false);
        assert_eq!(areas.list, Rect::new(0, 0, 28, 39));
        assert_eq!(areas.list_rule, Rect::new(29, 0, 1, 39));
        assert_eq!(areas.composer_rule, Rect::new(33, 37, 84, 1));
    }

    #[test]
    fn between_120_and_160_the_rail_replaces_the_list() {
        let areas = divide(140, 40, true, true);
        assert_eq!(areas.list, Rect::default());
        assert_eq!(areas.rail, Rect::new(96, 0, 43, 39));
        assert_eq!(areas.rail_rule, Rect::new(94, 0, 1, 39));
    }

    #[test]
    fn at_200_the_text_is_centred_between_list_and_rail() {
        let areas = divide(200, 60, true, true);
        assert_eq!(areas.rail.x, 156);
        assert_eq!(areas.transcript.width, 100);
        assert_eq!(areas.transcript.x, 42);
    }

    #[test]
    fn the_composer_grows_to_a_third_and_takes_its_rows_from_the_text() {
        let one = divide(80, 24, false, false);
        let size = Size { width: 80, height: 24 };
        let tall =
            ScreenAreas::divide(size, SidePanes { list: false, rail: false, keeps_rail_room: false }, WIDTHS, 50);
        assert_eq!(tall.composer.height, 8);
        assert_eq!(tall.transcript.height, one.transcript.height - 7);
    }

    #[test]
    fn all_areas_are_inside_the_screen_at_any_size() {
        for width in 0..210 {
            for height in 0..70 {
                for (list, rail) in [(false, false), (true, false), (false, true), (true, true)] {
                    let screen = Rect::new(0, 0, width, height);
                    let a = divide(width, height, list, rail);
                    for area in [
                        a.list,
                        a.list_rule,
                        a.rail,
                        a.rail_rule,
                        a.title,
                        a.transcript,
                        a.composer_rule,
                        a.composer,
                        a.status,
                    ] {
                        assert!(area.is_empty() || screen.intersection(area) == area, "{area:?} at {width}x{height}");
                    }
                }
            }
        }
    }
}
