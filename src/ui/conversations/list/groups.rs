//! The headings of the list: what is pinned, then today, yesterday, last week and so on, then what is archived.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{chat::ConversationSummary, ui::conversation_index::ListPart};

/// Conversations under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListGroup {
    pub heading: &'static str,
    /// Its conversations, as indices in the list.
    pub first: usize,
    pub end: usize,
}

/// The days that the headings are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupDays {
    /// When each day or span of days begins, the latest first, with its heading.
    begins: [(Timestamp, &'static str); 4],
    /// When today ends.
    pub ends_at: Timestamp,
}

impl GroupDays {
    pub(crate) fn new(today: Date, zone: &TimeZone) -> Self {
        let midnight = |date: Date| date.to_zoned(zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp());
        let before = |days: i64| midnight(today.saturating_sub(days.days()));
        Self {
            begins: [
                (before(0), "Today"),
                (before(1), "Yesterday"),
                (before(7), "Last week"),
                (before(31), "Last month"),
            ],
            ends_at: midnight(today.saturating_add(1.day())),
        }
    }

    fn heading(&self, row: &ConversationSummary) -> &'static str {
        match ListPart::of(row) {
            ListPart::Temporary => "Temporary",
            ListPart::Pinned => "Pinned",
            ListPart::Archived => "Archived",
            // If the clock was set back, conversations may be in the future: they are listed under today.
            ListPart::ByDay => {
                let span = self.begins.iter().find(|(begin, _)| row.updated_at >= *begin);
                span.map_or("Older", |(_, heading)| heading)
            }
        }
    }

    /// Divides `len` conversations in the order of the list into groups. It reads only a few of them.
    pub(crate) fn divide<'a>(&self, len: usize, row: impl Fn(usize) -> &'a ConversationSummary) -> Vec<ListGroup> {
        let mut groups: Vec<ListGroup> = Vec::new();
        let mut first = 0;
        while first < len {
            let heading = self.heading(row(first));
            let end = first + 1 + count_leading(len - first - 1, |n| self.heading(row(first + 1 + n)) == heading);
            groups.push(ListGroup { heading, first, end });
            first = end;
        }
        groups
    }
}

/// Returns how many of `len` items are `inside`, given that all of these come first.
fn count_leading(len: usize, inside: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if inside(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jiff::{SignedDuration, civil::date};
    use uuid::Uuid;

    use super::*;
    use crate::chat::{ConversationFiling, ConversationId};

    fn row(updated_at: Timestamp, filing: ConversationFiling) -> ConversationSummary {
        ConversationSummary {
            id: ConversationId(Uuid::nil()),
            title: String::new(),
            updated_at,
            unread: false,
            failed: false,
            model: String::new(),
            filing,
            is_temporary: false,
        }
    }

    fn seen(rows: &[ConversationSummary], today: Date, zone: &TimeZone) -> Vec<(&'static str, std::ops::Range<usize>)> {
        let groups = GroupDays::new(today, zone).divide(rows.len(), |at| &rows[at]);
        groups.iter().map(|group| (group.heading, group.first..group.end)).collect()
    }

    #[test]
    fn conversations_are_grouped_in_the_local_time_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let times = [
            "2026-03-10T08:00:00Z", // 17:00 today
            "2026-03-09T16:00:00Z", // 01:00 today
            "2026-03-09T14:00:00Z", // 23:00 yesterday
            "2026-03-03T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-02-10T00:00:00Z",
            "2026-02-01T00:00:00Z",
            "2025-12-31T00:00:00Z",
        ];
        let at = |time: &str| time.parse().expect("a timestamp");
        let rows: Vec<_> = times.iter().map(|time| row(at(time), ConversationFiling::default())).collect();
        assert_eq!(
            seen(&rows, date(2026, 3, 10), &zone),
            [("Today", 0..2), ("Yesterday", 2..3), ("Last week", 3..4), ("Last month", 4..6), ("Older", 6..8)]
        );
        assert_eq!(GroupDays::new(date(2026, 3, 10), &zone).ends_at, at("2026-03-10T15:00:00Z"));
    }

    #[test]
    fn what_is_pinned_or_archived_has_a_group_of_its_own() {
        let now: Timestamp = "2026-03-10T08:00:00Z".parse().expect("a timestamp");
        let old = now - SignedDuration::from_hours(24 * 200);
        let pinned = ConversationFiling { pinned_at: Some(now), ..ConversationFiling::default() };
        let archived = ConversationFiling { archived_at: Some(now), ..pinned.clone() };
        let rows = [
            ConversationSummary { is_temporary: true, ..row(now, ConversationFiling::default()) },
            row(now, pinned.clone()),
            row(old, pinned),
            row(now, ConversationFiling::default()),
            row(now, archived),
        ];
        let groups = [("Temporary", 0..1), ("Pinned", 1..3), ("Today", 3..4), ("Archived", 4..5)];
        assert_eq!(seen(&rows, date(2026, 3, 10), &TimeZone::UTC), groups);
    }

    #[test]
    fn ten_thousand_conversations_are_grouped_by_reading_few() {
        let looked = Cell::new(0);
        let start: Timestamp = "2026-03-10T08:00:00Z".parse().expect("a timestamp");
        let rows: Vec<_> = (0..10_000)
            .map(|at| row(start - SignedDuration::from_mins(at * 60), ConversationFiling::default()))
            .collect();
        let groups = GroupDays::new(date(2026, 3, 10), &TimeZone::UTC).divide(rows.len(), |at| {
            looked.set(looked.get() + 1);
            &rows[at]
        });
        assert_eq!((groups.len(), groups[groups.len() - 1].end), (5, 10_000));
        assert!(looked.get() < 100, "{}", looked.get());
    }
}
