//! Times as nanoseconds since 1970, the form in which the database stores them. A time outside the years 1677 to 2262
//! becomes the nearest one inside.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;

pub fn to_nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

pub fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).expect("a timestamp holds the years 1677 to 2262")
}

pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(to_nanos).serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_does_not_fit_becomes_the_nearest_that_does() {
        for (time, nanos) in [(Timestamp::MIN, i64::MIN), (Timestamp::UNIX_EPOCH, 0), (Timestamp::MAX, i64::MAX)] {
            assert_eq!(to_nanos(from_nanos(to_nanos(time))), nanos);
        }
    }
}
