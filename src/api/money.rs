//! US dollars as exact decimals, in the server's own digits.

use std::{cmp::Ordering, fmt, hash};

use serde::{Deserialize, Serialize};

/// An amount as the server wrote it. Amounts compare by value, not by how they were written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Usd {
    digits: String,
    /// The amount in units of 10^-30 dollars.
    value: i128,
}

/// The decimal places of `value`: finer than any price, and amounts up to 170 million dollars still fit.
const DECIMAL_PLACES: usize = 30;

impl Usd {
    /// Parses a decimal number such as `0.0184`, `2e-05` or `-1`.
    pub fn parse(digits: &str) -> Option<Self> {
        Some(Self { digits: digits.to_owned(), value: parse_value(digits)? })
    }

    /// Returns the digits as received, such as `2e-05`. This is the stored form.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Returns the sum, or `None` on overflow.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.value.checked_add(other.value).map(Self::from_value)
    }

    /// Converts a price per token, as in `/models`, to dollars per million tokens.
    ///
    /// Returns `None` for `-1`, which means that the price varies.
    #[must_use]
    pub fn per_million_tokens(price: &str) -> Option<Self> {
        let value = parse_value(price).filter(|value| *value >= 0)?;
        value.checked_mul(1_000_000).map(Self::from_value)
    }

    /// Returns the cost of `tokens` at this price per million tokens.
    #[must_use]
    pub fn for_tokens(&self, tokens: u64) -> Option<Self> {
        self.value.checked_mul(tokens.into()).map(|value| Self::from_value(value / 1_000_000))
    }

    pub fn is_zero(&self) -> bool {
        self.value == 0
    }

    /// Formats a price per million tokens, which has one digit more than an amount: `$0.125`.
    #[must_use]
    pub fn to_price(&self) -> String {
        self.with_digits(3)
    }

    /// Formats the amount with this many significant digits below a dollar, and cents from there on.
    fn with_digits(&self, significant: usize) -> String {
        if self.value == 0 {
            return "$0".into();
        }
        let sign = if self.value < 0 { "-" } else { "" };
        let (whole, places) = split_decimal(self.value);
        let counting = places.bytes().position(|digit| digit != b'0').unwrap_or(DECIMAL_PLACES) + significant;
        let keep = if whole == "0" { counting.clamp(2, DECIMAL_PLACES) } else { 2 };
        let (whole, places) = split_decimal(round_to_places(self.value, keep));
        let places = places[..keep].trim_end_matches('0');
        format!("{sign}${whole}.{places:0<2}")
    }

    /// Formats the amount for a column, where all have four decimal places: `$0.0184`.
    #[must_use]
    pub fn to_column(&self) -> String {
        const PLACES: usize = 4;
        let sign = if self.value < 0 { "-" } else { "" };
        let rounded = round_to_places(self.value, PLACES);
        if rounded == 0 && self.value != 0 {
            return format!("<{sign}$0.0001");
        }
        let (whole, places) = split_decimal(rounded);
        format!("{sign}${whole}.{}", &places[..PLACES])
    }

    /// Returns the amount in units of 10^-30 dollars, for sums of many.
    pub(crate) fn units(&self) -> i128 {
        self.value
    }

    pub(crate) fn from_units(units: i128) -> Self {
        Self::from_value(units)
    }

    fn from_value(value: i128) -> Self {
        Self { digits: plain_decimal(value), value }
    }
}

impl From<Usd> for String {
    fn from(amount: Usd) -> Self {
        amount.digits
    }
}

impl TryFrom<String> for Usd {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        Self::parse(&digits).ok_or("not an amount of dollars")
    }
}

impl Default for Usd {
    fn default() -> Self {
        Self::from_value(0)
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Usd({})", self.digits)
    }
}

/// Formats an amount for people: `$12.35`, `$0.018`, `$0.50`, `$0.0000086`, `$0`.
///
/// Amounts below a dollar have two significant digits. All but zero have at least two decimal places.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_digits(2))
    }
}

impl PartialEq for Usd {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Usd {}

impl PartialOrd for Usd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Usd {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl hash::Hash for Usd {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

fn parse_value(digits: &str) -> Option<i128> {
    let (number, exponent) = match digits.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, number),
    };
    let (whole, places) = number.split_once('.').unwrap_or((number, ""));
    let mut all = whole.bytes().chain(places.bytes()).peekable();
    all.peek()?;
    // How many digits are before the end of `DECIMAL_PLACES`; those after it are rounded off.
    let mut left =
        i32::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(i32::try_from(DECIMAL_PLACES).ok()?)?;
    let (mut value, mut rounding) = (0_i128, 0);
    for digit in all {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i128::from(digit - b'0');
        match left {
            1.. => value = value.checked_mul(10)?.checked_add(digit)?,
            0 => rounding = i128::from(digit >= 5),
            _ => (),
        }
        left -= 1;
    }
    while left > 0 && value != 0 {
        value = value.checked_mul(10)?;
        left -= 1;
    }
    Some(sign * value.checked_add(rounding)?)
}

fn split_decimal(value: i128) -> (String, String) {
    let all = format!("{:0>width$}", value.unsigned_abs(), width = DECIMAL_PLACES + 1);
    let (whole, places) = all.split_at(all.len() - DECIMAL_PLACES);
    (whole.to_owned(), places.to_owned())
}

/// Rounds to that many places, halves away from zero.
fn round_to_places(value: i128, places: usize) -> i128 {
    let unit = 10_i128.pow(u32::try_from(DECIMAL_PLACES - places).expect("places are at most DECIMAL_PLACES"));
    let half = unit / 2 * value.signum();
    value.saturating_add(half) / unit * unit
}

fn plain_decimal(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, places) = split_decimal(value);
    let places = places.trim_end_matches('0');
    if places.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{places}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(digits: &str) -> Usd {
        Usd::parse(digits).expect("a number")
    }

    #[test]
    fn amounts_below_a_dollar_are_shown_with_two_significant_digits() {
        let shown = |digits: &str| usd(digits).to_string();
        for (digits, words) in [
            ("0", "$0"),
            ("0.0", "$0"),
            ("2e-05", "$0.00002"),
            ("0.0000086", "$0.0000086"),
            ("8.6E-6", "$0.0000086"),
            ("0.0184", "$0.018"),
            ("0.021", "$0.021"),
            ("0.00023820000000000002", "$0.00024"),
            ("0.5", "$0.50"),
            ("0.125", "$0.13"),
            ("0.9996", "$1.00"),
            ("0.996", "$1.00"),
            ("0.0995", "$0.10"),
            ("5", "$5.00"),
            ("12.345", "$12.35"),
            ("1234.5", "$1234.50"),
            ("-1", "-$1.00"),
            ("-0.25", "-$0.25"),
        ] {
            assert_eq!(shown(digits), words, "{digits}");
        }
    }

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        let mut sum = Usd::default();
        for _ in 0..10 {
            sum = sum.checked_add(&usd("0.1")).expect("it fits");
        }
        assert_eq!((sum.digits(), &sum), ("1", &usd("1.00")));
        let small = usd("3.16e-05").checked_add(&usd("2e-05")).expect("it fits");
        assert_eq!((small.digits(), &small), ("0.0000516", &usd("5.16e-5")));
        assert_eq!(usd("170000000").checked_add(&usd("170000000")), None);
    }

    #[test]
    fn the_original_digits_are_preserved_and_equality_is_by_value() {
        assert_eq!(usd("2e-05").digits(), "2e-05");
        assert_eq!(usd("2e-05"), usd("0.00002"));
        assert!(usd("1e-6") < usd("0.00001"));
    }

    #[test]
    fn an_invalid_amount_is_none() {
        for digits in ["", "-", ".", "1.2.3", "abc", "1e", "NaN", "1e400", "0x1", "999999999999", "null"] {
            assert_eq!(Usd::parse(digits), None, "{digits}");
        }
        assert!(usd("1e-400").is_zero());
        assert!(usd("0e400").is_zero());
    }

    #[test]
    fn a_price_per_token_becomes_one_per_million() {
        let price = |per_token: &str| Usd::per_million_tokens(per_token).map(|usd| usd.to_price());
        assert_eq!(price("0.000005").as_deref(), Some("$5.00"));
        assert_eq!(price("0.0000003").as_deref(), Some("$0.30"));
        assert_eq!(price("0.00000003750").as_deref(), Some("$0.0375"));
        assert_eq!(price("0").as_deref(), Some("$0"));
        assert_eq!(price("-1"), None);
    }
}
