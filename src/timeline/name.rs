//! A time in a dump's file name.

use crate::media::WallTime;

/// A name's time lies this close to the session, or its digits mean something else.
const NEAR: i64 = 86_400 * 1_000_000_000;

/// Recorders put the time at which they opened a file into its name, as seconds, milliseconds, microseconds or
/// nanoseconds since the Unix epoch: told apart by how many digits there are, the finest counts.
pub fn time_in_name(uri: &str, session_start: WallTime) -> Option<WallTime> {
    let name = uri.rsplit(['/', '\\']).next().unwrap_or(uri);
    let numbers = name.split(|c: char| !c.is_ascii_digit());
    let times = numbers.filter_map(|digits| Some((digits.len(), epoch(digits)?)));
    let near = times.filter(|(_, time)| (*time - session_start).abs().nanos() <= NEAR);
    near.max_by_key(|(length, _)| *length).map(|(_, time)| time)
}

fn epoch(digits: &str) -> Option<WallTime> {
    let unit = match digits.len() {
        10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let nanos = digits.parse::<i64>().ok()?.checked_mul(unit)?;
    Some(WallTime::from_unix_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<i64> {
        let session = WallTime::from_unix_nanos(1_795_330_535_919_000_000);
        time_in_name(name, session).map(WallTime::unix_nanos)
    }

    #[test]
    fn epochs_of_any_unit_are_told_by_their_digits() {
        let expected = Some(1_795_330_543_840_460_000);
        assert_eq!(
            read("raw/videoroom-1001-user-102-1795330543840460-video-1.mjr"),
            expected
        );
        assert_eq!(read("s3://b/k/1795330543840_cam.webm"), Some(1_795_330_543_840_000_000));
        assert_eq!(read("cam-1795330543.webm"), Some(1_795_330_543_000_000_000));
        assert_eq!(read("1795330543/cam.webm"), None);
    }

    #[test]
    fn other_numbers_are_no_times() {
        for name in [
            "",
            "cam.webm",
            "room-9999999999.webm",
            "99999999999999999999.mjr",
            "9223372036854775807.x",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
