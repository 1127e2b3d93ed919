//! The marks of the interface in Unicode, each one cell wide, and in ASCII.

use crate::citations::check::CheckVerdict;

/// The marks of the interface, named after their use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThemeMarks {
    /// The bar beside messages, focused panes, alerts and errors.
    pub bar: &'static str,
    pub quote_bar: &'static str,
    pub reasoning_bar: &'static str,
    pub code_bar: &'static str,
    /// The mark before an input.
    pub prompt: &'static str,
    pub folded: &'static str,
    pub unfolded: &'static str,
    pub running: &'static str,
    /// The frames of the spinner; the first is `running`.
    pub spinner: [&'static str; 4],
    pub unread: &'static str,
    pub pinned: &'static str,
    /// A conversation of which nothing is kept.
    pub temporary: &'static str,
    pub failed: &'static str,
    pub asking: &'static str,
    pub done: &'static str,
    pub search: &'static str,
    pub tools: &'static str,
    pub image: &'static str,
    pub waiting: &'static str,
    pub gauge_full: &'static str,
    pub gauge_empty: &'static str,
    pub sibling_left: &'static str,
    pub sibling_right: &'static str,
    /// Bullets by depth.
    pub bullets: [&'static str; 3],
    pub task_open: &'static str,
    pub task_done: &'static str,
    /// The end of truncated text.
    pub ellipsis: &'static str,
    /// The beginning of a wrapped row of code.
    pub wrapped: &'static str,
    pub more_below: &'static str,
    /// The separator between two facts.
    pub dot: &'static str,
    /// The separator between a title and the name of the program.
    pub dash: &'static str,
    pub footnote: &'static str,
    /// What the check of a source says: found, similar, not found, not read.
    pub verdicts: [&'static str; 4],
    pub enter: &'static str,
    pub up_down: &'static str,
    /// The dash between the ends of a range of keys.
    pub range_dash: &'static str,
    /// The replacement for each character of a secret.
    pub secret: &'static str,
    pub rule: &'static str,
    pub heavy_rule: &'static str,
    /// The thumb of a scrollbar.
    pub scrollbar_thumb: &'static str,
    pub vertical: &'static str,
    /// The line to one of several branches, and to the last of them.
    pub tree_tee: &'static str,
    pub tree_corner: &'static str,
    pub bookmark: &'static str,
    pub top_left: &'static str,
    pub top_right: &'static str,
    pub bottom_left: &'static str,
    pub bottom_right: &'static str,
}

impl ThemeMarks {
    pub const UNICODE: Self = Self {
        bar: "▌",
        quote_bar: "▎",
        reasoning_bar: "┊",
        code_bar: "▏",
        prompt: "›",
        folded: "▸",
        unfolded: "▾",
        running: "◐",
        spinner: ["◐", "◓", "◑", "◒"],
        unread: "●",
        pinned: "★",
        temporary: "○",
        failed: "!",
        asking: "?",
        done: "✓",
        search: "⌕",
        tools: "⚙",
        image: "▣",
        waiting: "◔",
        gauge_full: "▰",
        gauge_empty: "▱",
        sibling_left: "‹",
        sibling_right: "›",
        bullets: ["•", "◦", "▪"],
        task_open: "☐",
        task_done: "☑",
        ellipsis: "…",
        wrapped: "↪",
        more_below: "↓",
        dot: "·",
        dash: "—",
        footnote: "¹",
        verdicts: ["✓", "~", "✗", "–"],
        enter: "↵",
        up_down: "↑↓",
        range_dash: "–",
        secret: "•",
        rule: "─",
        heavy_rule: "━",
        scrollbar_thumb: "┃",
        vertical: "│",
        tree_tee: "├",
        tree_corner: "└",
        bookmark: "◆",
        top_left: "╭",
        top_right: "╮",
        bottom_left: "╰",
        bottom_right: "╯",
    };

    pub const ASCII: Self = Self {
        bar: "|",
        quote_bar: "|",
        reasoning_bar: ":",
        code_bar: "|",
        prompt: ">",
        folded: ">",
        unfolded: "v",
        running: "*",
        spinner: ["*", "/", "-", "\\"],
        unread: "o",
        pinned: "^",
        temporary: ".",
        failed: "!",
        asking: "?",
        done: "+",
        search: "/",
        tools: "#",
        image: "#",
        waiting: "*",
        gauge_full: "#",
        gauge_empty: "-",
        sibling_left: "<",
        sibling_right: ">",
        bullets: ["*", "-", "+"],
        task_open: "[ ]",
        task_done: "[x]",
        ellipsis: "...",
        wrapped: "\\",
        more_below: "v",
        dot: "|",
        dash: "-",
        footnote: "1",
        verdicts: ["+", "=", "x", "-"],
        enter: "Enter",
        up_down: "Up Down",
        range_dash: "-",
        secret: "*",
        rule: "-",
        heavy_rule: "=",
        scrollbar_thumb: "#",
        vertical: "|",
        tree_tee: "+",
        tree_corner: "`",
        bookmark: "@",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
    };

    /// Returns the ASCII replacement of a typographic character of one cell; `None` for all others.
    pub(crate) fn to_ascii(sign: &str) -> Option<&'static str> {
        Some(match sign {
            "≈" => "~",
            "·" => Self::ASCII.dot,
            "–" | "—" | "−" => Self::ASCII.dash,
            "“" | "”" | "„" => "\"",
            "‘" | "’" => "'",
            "⟨" => "<",
            "⟩" => ">",
            "⎛" | "⎠" | "⌠" | "╱" => "/",
            "⎝" | "⎞" | "⌡" | "╲" => "\\",
            "⎜" | "⎟" | "⎢" | "⎥" | "⎪" | "⎮" | "║" => "|",
            "⎡" | "⎤" | "⎣" | "⎦" => "+",
            "⎧" | "⎫" | "⎩" | "⎭" => "+",
            "⎨" => "<",
            "⎬" => ">",
            "→" => ">",
            _ => return None,
        })
    }

    /// Returns the mark of the choice that is in force, a blank for the others.
    #[must_use]
    pub fn check(&self, is_in_force: bool) -> String {
        if is_in_force { self.done } else { " " }.to_owned()
    }

    /// Returns the mark of what the check of a source says.
    #[must_use]
    pub fn verdict(&self, verdict: CheckVerdict) -> &'static str {
        let [found, similar, not_found, unread] = self.verdicts;
        match verdict {
            CheckVerdict::Found => found,
            CheckVerdict::Similar => similar,
            CheckVerdict::NotFound => not_found,
            CheckVerdict::Unread => unread,
        }
    }

    /// Returns the frame of the spinner at a time in milliseconds; it advances eight frames a second.
    #[must_use]
    pub fn spinner_at(&self, milliseconds: u64) -> &'static str {
        self.spinner[usize::try_from(milliseconds / 125 % 4).unwrap_or_default()]
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a mark must have the same width however it is measured")]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn all(marks: &ThemeMarks) -> Vec<&'static str> {
        let ThemeMarks {
            bar,
            quote_bar: quotation,
            reasoning_bar: live_reasoning,
            code_bar: code,
            prompt,
            folded,
            unfolded: open,
            running,
            spinner,
            unread,
            pinned,
            temporary,
            failed,
            asking,
            done,
            search,
            tools,
            image,
            waiting,
            gauge_full,
            gauge_empty,
            sibling_left,
            sibling_right,
            bullets,
            task_open: _, // In ASCII it has three cells, as has `task_done`.
            task_done: _,
            ellipsis: _, // The same.
            wrapped,
            more_below,
            dot,
            dash,
            footnote,
            enter: _,   // The name of a key, not a mark.
            up_down: _, // The same.
            range_dash: to,
            secret,
            rule,
            heavy_rule,
            scrollbar_thumb: thumb,
            vertical,
            tree_tee,
            tree_corner,
            bookmark,
            top_left,
            top_right,
            bottom_left,
            bottom_right,
            verdicts,
        } = *marks;
        let mut all = vec![
            bar,
            quotation,
            live_reasoning,
            code,
            prompt,
            folded,
            open,
            running,
            unread,
            pinned,
            temporary,
            failed,
            asking,
            done,
            search,
            tools,
            image,
            waiting,
            gauge_full,
            gauge_empty,
            sibling_left,
            sibling_right,
            wrapped,
            more_below,
            dot,
            dash,
            footnote,
            to,
            secret,
            rule,
            heavy_rule,
            thumb,
            vertical,
            tree_tee,
            tree_corner,
            bookmark,
            top_left,
            top_right,
            bottom_left,
            bottom_right,
        ];
        all.extend(spinner);
        all.extend(bullets);
        all.extend(verdicts);
        all
    }

    #[test]
    fn every_mark_is_one_cell_wide() {
        for mark in all(&ThemeMarks::UNICODE).into_iter().chain(all(&ThemeMarks::ASCII)) {
            assert_eq!(mark.width(), 1, "{mark}");
        }
    }

    #[test]
    fn the_ascii_marks_are_ascii() {
        let ThemeMarks { task_open, task_done, ellipsis, .. } = ThemeMarks::ASCII;
        let all = all(&ThemeMarks::ASCII).into_iter().chain([task_open, task_done, ellipsis]);
        assert_eq!(all.into_iter().find(|mark| !mark.is_ascii()), None);
    }

    #[test]
    fn the_spinner_turns_eight_steps_a_second() {
        let turned: Vec<_> = (0..=8).map(|step| ThemeMarks::UNICODE.spinner_at(step * 125)).collect();
        assert_eq!(turned, ["◐", "◓", "◑", "◒", "◐", "◓", "◑", "◒", "◐"]);
        assert_eq!(ThemeMarks::UNICODE.spinner_at(124), "◐");
    }
}
