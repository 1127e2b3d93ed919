//! The marks of the interface, each one cell wide, in Unicode and in ASCII.

/// One field a mark; the words say where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Who speaks, what has the focus, alerts, errors.
    pub bar: &'static str,
    pub quotation: &'static str,
    pub live_reasoning: &'static str,
    pub code: &'static str,
    /// Before what is typed.
    pub prompt: &'static str,
    pub folded: &'static str,
    pub open: &'static str,
    pub running: &'static str,
    /// The steps of the one spinner; the first is `running`.
    pub spinner: [&'static str; 4],
    pub unread: &'static str,
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
    /// By depth.
    pub bullets: [&'static str; 3],
    pub task_open: &'static str,
    pub task_done: &'static str,
    /// Something was cut here.
    pub ellipsis: &'static str,
    /// A row of code goes on here.
    pub wrapped: &'static str,
    pub more_below: &'static str,
    /// Between two facts.
    pub dot: &'static str,
    /// Between a title and the name of the program.
    pub dash: &'static str,
    pub footnote: &'static str,
    pub enter: &'static str,
    pub up_down: &'static str,
    /// Between the ends of a range of keys.
    pub to: &'static str,
    /// In place of each character of a secret.
    pub secret: &'static str,
    pub rule: &'static str,
    pub heavy_rule: &'static str,
    /// The part of a scrollbar that is seen.
    pub thumb: &'static str,
    pub vertical: &'static str,
    pub top_left: &'static str,
    pub top_right: &'static str,
    pub bottom_left: &'static str,
    pub bottom_right: &'static str,
}

impl Marks {
    pub const UNICODE: Self = Self {
        bar: "▌",
        quotation: "▎",
        live_reasoning: "┊",
        code: "▏",
        prompt: "›",
        folded: "▸",
        open: "▾",
        running: "◐",
        spinner: ["◐", "◓", "◑", "◒"],
        unread: "●",
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
        enter: "↵",
        up_down: "↑↓",
        to: "–",
        secret: "•",
        rule: "─",
        heavy_rule: "━",
        thumb: "┃",
        vertical: "│",
        top_left: "╭",
        top_right: "╮",
        bottom_left: "╰",
        bottom_right: "╯",
    };

    pub const ASCII: Self = Self {
        bar: "|",
        quotation: "|",
        live_reasoning: ":",
        code: "|",
        prompt: ">",
        folded: ">",
        open: "v",
        running: "*",
        spinner: ["*", "/", "-", "\\"],
        unread: "o",
        failed: "!",
        asking: "?",
        done: "+",
        search: "?",
        tools: "#",
        image: "#",
        waiting: "*",
        gauge_full: "#",
        gauge_empty: "-",
        sibling_left: "<",
        sibling_right: ">",
        bullets: ["*", "-", "+"],
        task_open: "o",
        task_done: "x",
        ellipsis: "~",
        wrapped: "\\",
        more_below: "v",
        dot: "-",
        dash: "-",
        footnote: "1",
        enter: "enter",
        up_down: "up down",
        to: "-",
        secret: "*",
        rule: "-",
        heavy_rule: "=",
        thumb: "#",
        vertical: "|",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
    };

    /// What is drawn in the place of a sign that words are set with; `None` for everything else.
    pub(super) fn plain(sign: &str) -> Option<&'static str> {
        Some(match sign {
            "…" => Self::ASCII.ellipsis,
            "·" => Self::ASCII.dot,
            "–" | "—" => Self::ASCII.dash,
            "“" | "”" | "„" => "\"",
            "‘" | "’" => "'",
            "⟨" => "<",
            "⟩" => ">",
            _ => return None,
        })
    }

    /// The step of the spinner after so many milliseconds; it turns eight steps a second.
    #[must_use]
    pub fn spinner_at(&self, milliseconds: u64) -> &'static str {
        self.spinner[usize::try_from(milliseconds / 125 % 4).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn all(marks: &Marks) -> Vec<&'static str> {
        let Marks {
            bar,
            quotation,
            live_reasoning,
            code,
            prompt,
            folded,
            open,
            running,
            spinner,
            unread,
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
            task_open,
            task_done,
            ellipsis,
            wrapped,
            more_below,
            dot,
            dash,
            footnote,
            enter: _,   // A word among keys, not a mark in a gutter.
            up_down: _, // Likewise.
            to,
            secret,
            rule,
            heavy_rule,
            thumb,
            vertical,
            top_left,
            top_right,
            bottom_left,
            bottom_right,
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
            task_open,
            task_done,
            ellipsis,
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
            top_left,
            top_right,
            bottom_left,
            bottom_right,
        ];
        all.extend(spinner);
        all.extend(bullets);
        all
    }

    #[test]
    fn every_mark_is_one_cell_wide() {
        for mark in all(&Marks::UNICODE).into_iter().chain(all(&Marks::ASCII)) {
            assert_eq!(mark.width(), 1, "{mark}");
        }
    }

    #[test]
    fn the_ascii_marks_are_ascii() {
        assert_eq!(all(&Marks::ASCII).into_iter().find(|mark| !mark.is_ascii()), None);
    }

    #[test]
    fn the_spinner_turns_eight_steps_a_second() {
        let turned: Vec<_> = (0..=8).map(|step| Marks::UNICODE.spinner_at(step * 125)).collect();
        assert_eq!(turned, ["◐", "◓", "◑", "◒", "◐", "◓", "◑", "◒", "◐"]);
        assert_eq!(Marks::UNICODE.spinner_at(124), "◐");
    }
}
