//! Draws a tree: as an overlay with details, or as the body of the rail.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{MessageTree, tree_lines::TreeLine, tree_rows::TreeFilter};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame, text_column},
            list_browser,
        },
    },
};

/// Where a tree is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreePane {
    /// In a frame over this screen.
    Overlay(Rect),
    /// In this area of the rail.
    Rail(Rect),
}

/// Draws a tree that was laid out for the same pane.
pub struct TreeView<'a> {
    pub tree: &'a MessageTree,
    pub pane: TreePane,
    /// The title of the conversation.
    pub title: &'a str,
    pub has_focus: bool,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const WIDTH: u16 = 100;
/// The head of the detail and three rows of its text.
const DETAIL_ROWS: u16 = 4;
/// The rows around the list: the frame, a blank row, another one, the rule, the detail.
const OTHER_ROWS: u16 = 2 + 1 + 1 + 1 + DETAIL_ROWS;
/// The fewest rows of the list.
const MIN_ROWS: usize = 5;
/// The narrowest row with a time and a cost.
const WIDE: u16 = 60;
/// The blank cells between the columns.
const COLUMN_GAP: usize = 3;

/// The areas of the overlay's parts; empty ones are not drawn.
struct TreeAreas {
    frame: Rect,
    rows: Rect,
    rule: Rect,
    detail: Rect,
}

fn overlay_areas(screen: Rect, rows: usize) -> TreeAreas {
    let max_height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let wanted = u16::try_from(rows.max(MIN_ROWS)).unwrap_or(u16::MAX).saturating_add(OTHER_ROWS);
    let frame = frame::overlay_area(screen, WIDTH, wanted.min(max_height));
    let inner = frame.inner(Margin::new(1, 1));
    let above = u16::from(inner.height > 6);
    let below = if inner.height > DETAIL_ROWS + 8 { DETAIL_ROWS + 2 } else { 0 };
    let rows = Rect { y: inner.y + above, height: inner.height.saturating_sub(above + below), ..inner };
    let rule = Rect { y: rows.bottom() + 1, height: below.min(1), ..inner };
    let detail = Rect { y: rule.bottom(), height: below.saturating_sub(2), ..inner };
    TreeAreas { frame, rows, rule, detail }
}

/// Returns the area of the rows of a tree that lists so many.
pub(super) fn row_area(pane: TreePane, rows: usize) -> Rect {
    match pane {
        TreePane::Overlay(screen) => overlay_areas(screen, rows).rows,
        // Below them are a blank row and the costs.
        TreePane::Rail(body) => {
            Rect { height: body.height.saturating_sub(if body.height > 6 { 2 } else { 0 }), ..body }
        }
    }
}

/// Returns the columns of the text in the area of the rows.
pub(super) fn text_area(pane: TreePane, rows: Rect) -> Rect {
    match pane {
        TreePane::Overlay(_) => text_column(rows),
        TreePane::Rail(_) => rows,
    }
}

/// Returns the height of the detail, which the rail does not have.
pub(super) fn detail_height(pane: TreePane, rows: usize) -> usize {
    match pane {
        TreePane::Overlay(screen) => overlay_areas(screen, rows).detail.height.into(),
        TreePane::Rail(_) => 0,
    }
}

impl MessageTree {
    /// Returns what the keys do on the selected row, the most important first.
    pub fn key_labels(&self) -> Vec<(&'static [Action], &'static str)> {
        let mut labels: Vec<(&'static [Action], &'static str)> = Vec::new();
        let is_pruned = self.filter == TreeFilter::Pruned;
        if self.selected_message().is_some() {
            labels.push(match () {
                () if self.is_on_fold() => (&[Action::Accept], "open"),
                () if is_pruned => (&[Action::Accept], "restore"),
                () if self.is_on_prompt() => (&[Action::Accept], "edit from here"),
                () => (&[Action::Accept], "go there"),
            });
            labels.extend([(&[Action::CompareVersions][..], "compare"), (&[Action::Copy], "copy")]);
            if !is_pruned {
                labels.push((&[Action::PruneBranch], "prune"));
            }
        }
        labels.push((&[Action::NextTreeFilter], "filter"));
        if self.selected_message().is_some() {
            labels.push((&[Action::ToggleBookmark], "bookmark"));
        }
        labels
    }

    /// Returns the keys for the frame around the tree.
    pub fn key_hints(&self, context: KeyContext, keymap: &Keymap) -> Vec<KeyHint<'static>> {
        let mut labels = self.key_labels();
        labels.push((&[Action::Back], "close"));
        keymap.hints(context, &labels)
    }
}

impl TreeView<'_> {
    fn draw_overlay(&self, screen: Rect, buf: &mut Buffer) {
        let areas = overlay_areas(screen, self.tree.tallest);
        let dot = self.theme.marks.dot;
        // The title keeps at least its first word.
        let counts = self.tree.counts_in(usize::from(areas.frame.width).saturating_sub(16), dot);
        let room = usize::from(areas.frame.width).saturating_sub(text::width(&counts) + 12);
        let title = format!("Tree {dot} {}", text::one_line(self.title));
        let title = if room < 12 { "Tree".into() } else { text::truncate(&title, room) };
        let keys = self.tree.key_hints(KeyContext::Tree, self.keymap);
        let more = frame::more_notice(self.tree.rows.rows_below(areas.rows.height), self.theme);
        let overlay = OverlayFrame { title: &title, keys: &keys, notice: more.as_deref(), theme: self.theme };
        if overlay.draw(areas.frame, buf).is_empty() {
            return;
        }
        overlay.draw_count(&counts, areas.frame, buf);
        self.draw_rows(areas.rows, buf);
        let rule = text_column(areas.rule);
        let faint = self.theme.style(ColourRole::Faint);
        key_hints::styled_line(self.theme.marks.rule.repeat(rule.width.into()), faint).render(rule, buf);
        let detail = text_column(areas.detail);
        for (area, row) in detail.rows().zip(&self.tree.detail) {
            row.draw(area, self.theme, buf);
        }
    }

    fn draw_rail(&self, body: Rect, buf: &mut Buffer) {
        let rows = row_area(self.pane, self.tree.tallest);
        self.draw_rows(rows, buf);
        if rows.height < body.height {
            let foot = Rect { y: body.bottom() - 1, height: 1, ..body };
            let counts = self.tree.counts_in(foot.width.into(), self.theme.marks.dot);
            key_hints::styled_line(counts, self.theme.style(ColourRole::Muted)).render(foot, buf);
        }
    }

    fn draw_rows(&self, area: Rect, buf: &mut Buffer) {
        let column = text_area(self.pane, area);
        if self.tree.lines.is_empty() {
            let words = self.empty_words();
            key_hints::styled_line(words, self.theme.style(ColourRole::Muted))
                .render(Rect { height: area.height.min(1), ..column }, buf);
            return;
        }
        let is_wide = column.width >= WIDE;
        let widest = |of: fn(&TreeLine) -> &str| self.tree.lines.iter().map(|line| text::width(of(line))).max();
        let widths = TreeColumns {
            versions: widest(|line| &line.versions).unwrap_or(0),
            time: widest(|line| &line.time).filter(|_| is_wide).unwrap_or(0),
            cost: widest(|line| &line.cost).filter(|_| is_wide).unwrap_or(0),
        };
        for (row, line) in area.rows().zip(&self.tree.lines) {
            if line.is_selected {
                self.draw_cursor(row, buf);
            }
            self.draw_line(line, widths, text_area(self.pane, row), buf);
        }
    }

    fn draw_cursor(&self, row: Rect, buf: &mut Buffer) {
        match self.pane {
            TreePane::Overlay(_) => list_browser::draw_cursor_row(row, self.theme, buf),
            TreePane::Rail(_) => {
                // The gutter is the blank column before the rail.
                let row = Rect { x: row.x.saturating_sub(1), width: row.width + 1, ..row }.intersection(buf.area);
                if self.has_focus {
                    list_browser::draw_cursor_row(row, self.theme, buf);
                } else {
                    self.theme.clear_area(row, ColourRole::Raised, buf);
                }
            }
        }
    }

    /// Says why nothing is listed.
    fn empty_words(&self) -> String {
        let keys = self.keymap.keys_for(KeyContext::Tree, Action::ToggleBookmark).unwrap_or_default();
        match self.tree.filter {
            TreeFilter::Bookmarked => format!("No bookmarks yet: {keys} sets one."),
            TreeFilter::Pruned => "Nothing was pruned.".into(),
            TreeFilter::All | TreeFilter::NoTools | TreeFilter::Prompts => "There are no messages yet.".into(),
        }
    }

    fn draw_line(&self, line: &TreeLine, widths: TreeColumns, area: Rect, buf: &mut Buffer) {
        let style = |role: ColourRole| self.theme.style(role);
        let right = [(&line.versions, widths.versions), (&line.time, widths.time), (&line.cost, widths.cost)];
        let right: Vec<(&String, usize)> = right.into_iter().filter(|(_, width)| *width > 0).collect();
        let gap = if widths.time > 0 { COLUMN_GAP } else { 1 };
        let right_width: usize = right.iter().map(|(_, width)| width + gap).sum();
        let mut room = usize::from(area.width).saturating_sub(right_width);
        let (name, words) = line_styles(line, &style);
        let mut spans = Vec::new();
        let mut push = |text: &str, style: Style| {
            let text = text::truncate(text, room);
            room -= text::width(&text);
            spans.push(Span::styled(text.into_owned(), style));
        };
        push(&line.guides, style(ColourRole::Faint));
        for (mark, role) in &line.marks {
            push(mark, style(*role));
            push(" ", Style::default());
        }
        push(&line.name, name);
        if !line.name.is_empty() && !line.words.is_empty() {
            push("  ", Style::default());
        }
        push(&line.words, words);
        Line::from(spans).render(area, buf);
        let mut x = area.right().saturating_sub(u16::try_from(right_width).unwrap_or(area.width));
        for (text, width) in right {
            let cells = u16::try_from(width + gap).unwrap_or(0);
            let column = Rect { x, width: cells, height: 1, ..area }.intersection(area);
            x = x.saturating_add(cells);
            key_hints::styled_line(text.as_str(), words_style(line, &style)).right_aligned().render(column, buf);
        }
    }
}

/// The widths of the columns at the right; those of 0 are not drawn.
#[derive(Debug, Clone, Copy)]
struct TreeColumns {
    versions: usize,
    time: usize,
    cost: usize,
}

/// Returns the styles of the name and the words: the branch that is shown stands out.
fn line_styles(line: &TreeLine, style: &dyn Fn(ColourRole) -> Style) -> (Style, Style) {
    let words = words_style(line, style);
    let name = match (line.is_prompt, line.is_active) {
        (true, true) => style(ColourRole::You).bold(),
        (false, true) => words.bold(),
        (_, false) => words,
    };
    (name, words)
}

fn words_style(line: &TreeLine, style: &dyn Fn(ColourRole) -> Style) -> Style {
    style(if line.is_active && !line.name.is_empty() { ColourRole::Text } else { ColourRole::Muted })
}

impl Widget for TreeView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        match self.pane {
            TreePane::Overlay(screen) => self.draw_overlay(screen.intersection(area), buf),
            TreePane::Rail(body) => self.draw_rail(body.intersection(area), buf),
        }
    }
}
