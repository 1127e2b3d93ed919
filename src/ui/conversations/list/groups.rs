//! The headings of the list: today, yesterday, last week, then months.

use jiff::{ToSpan, civil::Date, tz::TimeZone};

use crate::chat::Timestamp;

/// Conversations under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayGroup {
    pub title: String,
    /// Its conversations, as indices in the list.
    pub first: usize,
    pub end: usize,
}

/// Divides `len` conversations, newest first, into groups. It reads only a few of them.
pub(crate) fn group_by_day(
    len: usize,
    updated: impl Fn(usize) -> Timestamp,
    today: Date,
    zone: &TimeZone,
) -> Vec<DayGroup> {
    let day = |at: usize| zone.to_datetime(updated(at)).date();
    let mut groups: Vec<DayGroup> = Vec::new();
    let mut first = 0;
    while first < len {
        let heading = GroupHeading::of(day(first), today);
        let end =
            first + 1 + count_leading(len - first - 1, |n| GroupHeading::of(day(first + 1 + n), today) == heading);
        groups.push(DayGroup { title: heading.title(today), first, end });
        first = end;
    }
    groups
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupHeading {
    Today,
    Yesterday,
    LastWeek,
    Month { year: i16, month: i8 },
}

impl GroupHeading {
    fn of(day: Date, today: Date) -> Self {
        // If the clock was set back, conversations may be in the future: list them under today.
        if day >= today {
            Self::Today
        } else if day == today.saturating_sub(1.day()) {
            Self::Yesterday
        } else if day >= today.saturating_sub(7.days()) {
            Self::LastWeek
        } else {
            Self::Month { year: day.year(), month: day.month() }
        }
    }

    fn title(self, today: Date) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let name =
            |month: i8| usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or("");
        match self {
            Self::Today => "Today".to_owned(),
            Self::Yesterday => "Yesterday".to_owned(),
            Self::LastWeek => "Last week".to_owned(),
            Self::Month { year, month } if year == today.year() => name(month).to_owned(),
            Self::Month { year, month } => format!("{} {year}", name(month)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn conversations_are_grouped_in_the_local_time_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let times = [
            "2026-03-10T08:00:00Z", // 17:00 today
            "2026-03-09T16:00:00Z", // 01:00 today
            "2026-03-09T14:00:00Z", // 23:00 yesterday
            "2026-03-03T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            "2025-12-31T00:00:00Z",
        ];
        let times: Vec<Timestamp> = times.iter().map(|time| time.parse().expect("a timestamp")).collect();
        let groups = group_by_day(times.len(), |at| times[at], date(2026, 3, 10), &zone);
        let seen: Vec<_> = groups.iter().map(|group| (group.title.as_str(), group.first..group.end)).collect();
        assert_eq!(
            seen,
            [
                ("Today", 0..2),
                ("Yesterday", 2..3),
                ("Last week", 3..4),
                ("March", 4..5),
                ("February", 5..6),
                ("December 2025", 6..7)
            ]
        );
    }

    #[test]
    fn ten_thousand_conversations_are_grouped_by_reading_few() {
        let looked = Cell::new(0);
        let start: Timestamp = "2026-03-10T08:00:00Z".parse().expect("a timestamp");
        let updated = |at: usize| {
            looked.set(looked.get() + 1);
            start - jiff::SignedDuration::from_mins(i64::try_from(at).expect("small") * 60)
        };
        let groups = group_by_day(10_000, updated, date(2026, 3, 10), &TimeZone::UTC);
        assert_eq!((groups.len(), groups[groups.len() - 1].end), (18, 10_000));
        assert!(looked.get() < 400, "{}", looked.get());
    }
}
