//! Time, always with its clock rate in the type and its frame of reference in the name.
//!
//! [`WallTime`] is UTC; [`SessionTime`] counts from the start of the recording; a [`Tick`] counts output frames of a
//! [`TickRate`]; a raw media timestamp is an integer that means something only together with its [`TimeBase`].

use std::{
    fmt,
    ops::{Add, Neg, Sub},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The one sample rate inside Tessera: what Opus decodes to (RFC 7845 section 5.1) and what the recording carries.
pub const SAMPLE_RATE: u32 = 48_000;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// Nanoseconds by which a time may be late for its tick through rounding alone.
const ROUNDING: i128 = 1000;

/// A difference of two times, in nanoseconds; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeDelta(i64);

/// Nanoseconds since the recording began (wall clock of tick 0); negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionTime(i64);

/// Nanoseconds since the Unix epoch, UTC. Written as RFC 3339, for people with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(i64);

/// A position on the grid of output frames, counted from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub i64);

/// Output ticks per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TickRate(u32);

/// A position in the recording's sound, in samples at [`SAMPLE_RATE`] since the recording began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SamplePosition(pub i64);

/// Length of one unit of a media timestamp, in seconds, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeBase {
    numerator: u32,
    denominator: u32,
}

impl TimeDelta {
    pub const ZERO: TimeDelta = TimeDelta(0);

    pub const fn from_nanos(nanos: i64) -> TimeDelta {
        TimeDelta(nanos)
    }

    pub const fn from_millis(millis: i64) -> TimeDelta {
        TimeDelta(millis.saturating_mul(1_000_000))
    }

    pub const fn from_seconds(seconds: i64) -> TimeDelta {
        TimeDelta(seconds.saturating_mul(1_000_000_000))
    }

    pub fn nanos(self) -> i64 {
        self.0
    }

    /// To the nearest millisecond below.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn abs(self) -> TimeDelta {
        TimeDelta(self.0.saturating_abs())
    }

    /// For people and for cost estimates only: never fed back into a position.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl SessionTime {
    pub const START: SessionTime = SessionTime(0);

    pub const fn from_nanos(nanos: i64) -> SessionTime {
        SessionTime(nanos)
    }

    pub fn nanos(self) -> i64 {
        self.0
    }

    pub fn since_start(self) -> TimeDelta {
        TimeDelta(self.0)
    }

    /// The sample that is nearest to this time.
    pub fn sample(self) -> SamplePosition {
        SamplePosition(narrow(div_round(
            i128::from(self.0) * i128::from(SAMPLE_RATE),
            NANOS_PER_SECOND,
        )))
    }
}

impl SamplePosition {
    pub fn time(self) -> SessionTime {
        SessionTime(narrow(div_round(
            i128::from(self.0) * NANOS_PER_SECOND,
            i128::from(SAMPLE_RATE),
        )))
    }
}

impl WallTime {
    pub const fn from_unix_nanos(nanos: i64) -> WallTime {
        WallTime(nanos)
    }

    pub fn unix_nanos(self) -> i64 {
        self.0
    }

    pub fn unix_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    fn stamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).expect("i64 nanoseconds lie within jiff's years")
    }

    /// Where this instant lies on a session clock that began at `origin`.
    pub fn on_session_clock(self, origin: WallTime) -> SessionTime {
        SessionTime(self.0.saturating_sub(origin.0))
    }

    /// The instant in RFC 3339 (section 5.6), or what is wrong with it.
    pub fn parse(text: &str) -> Result<WallTime, String> {
        let stamp: jiff::Timestamp = text
            .parse()
            .map_err(|_| format!("'{text}' is not a time such as 2026-11-20T10:00:00.000Z (RFC 3339)"))?;
        let nanos = i64::try_from(stamp.as_nanosecond())
            .map_err(|_| format!("'{text}' lies outside the years 1678 to 2262"))?;
        Ok(WallTime(nanos))
    }
}

impl Tick {
    pub const ZERO: Tick = Tick(0);
}

impl TickRate {
    /// The rates that `auto` chooses from, lowest first.
    pub const CANDIDATES: [TickRate; 7] = [
        TickRate(10),
        TickRate(12),
        TickRate(15),
        TickRate(20),
        TickRate(24),
        TickRate(25),
        TickRate(30),
    ];

    /// A rate of 1 to 120 ticks a second.
    pub fn new(per_second: u32) -> Option<TickRate> {
        (1..=120).contains(&per_second).then_some(TickRate(per_second))
    }

    pub fn per_second(self) -> u32 {
        self.0
    }

    pub fn time_of(self, tick: Tick) -> SessionTime {
        SessionTime(narrow(
            (i128::from(tick.0) * NANOS_PER_SECOND).div_euclid(i128::from(self.0)),
        ))
    }

    /// The first tick at or after `time`. Times are rounded to nanoseconds, so what is less than a microsecond late is not.
    pub fn tick_at_or_after(self, time: SessionTime) -> Tick {
        Tick(narrow(
            -(-(i128::from(time.0) - ROUNDING) * i128::from(self.0)).div_euclid(NANOS_PER_SECOND),
        ))
    }

    /// The tick nearest to `time`.
    pub fn nearest_tick(self, time: SessionTime) -> Tick {
        Tick(narrow(div_round(
            i128::from(time.0) * i128::from(self.0),
            NANOS_PER_SECOND,
        )))
    }
}

impl TimeBase {
    pub const MILLIS: TimeBase = TimeBase {
        numerator: 1,
        denominator: 1000,
    };

    /// `None` unless both parts are positive.
    pub fn new(numerator: i32, denominator: i32) -> Option<TimeBase> {
        let (numerator, denominator) = (u32::try_from(numerator).ok()?, u32::try_from(denominator).ok()?);
        (numerator > 0 && denominator > 0).then_some(TimeBase { numerator, denominator })
    }

    pub fn numerator(self) -> u32 {
        self.numerator
    }

    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// The length of `units`; saturates at the ends of i64 nanoseconds (292 years), so that no timestamp overflows.
    pub fn delta(self, units: i64) -> TimeDelta {
        let nanos = i128::from(units) * i128::from(self.numerator) * NANOS_PER_SECOND;
        TimeDelta(narrow(div_round(nanos, i128::from(self.denominator))))
    }

    /// How many whole units are nearest to `delta`.
    pub fn units(self, delta: TimeDelta) -> i64 {
        let scaled = i128::from(delta.0) * i128::from(self.denominator);
        narrow(div_round(scaled, NANOS_PER_SECOND * i128::from(self.numerator)))
    }
}

fn div_round(numerator: i128, denominator: i128) -> i128 {
    (numerator + denominator / 2).div_euclid(denominator)
}

fn narrow(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

impl Add<TimeDelta> for SessionTime {
    type Output = SessionTime;
    fn add(self, delta: TimeDelta) -> SessionTime {
        SessionTime(self.0.saturating_add(delta.0))
    }
}

impl Sub<TimeDelta> for SessionTime {
    type Output = SessionTime;
    fn sub(self, delta: TimeDelta) -> SessionTime {
        SessionTime(self.0.saturating_sub(delta.0))
    }
}

impl Sub for SessionTime {
    type Output = TimeDelta;
    fn sub(self, other: SessionTime) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(other.0))
    }
}

impl Add<TimeDelta> for WallTime {
    type Output = WallTime;
    fn add(self, delta: TimeDelta) -> WallTime {
        WallTime(self.0.saturating_add(delta.0))
    }
}

impl Sub for WallTime {
    type Output = TimeDelta;
    fn sub(self, other: WallTime) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(other.0))
    }
}

impl Add for TimeDelta {
    type Output = TimeDelta;
    fn add(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0.saturating_add(other.0))
    }
}

impl Sub for TimeDelta {
    type Output = TimeDelta;
    fn sub(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(other.0))
    }
}

impl Neg for TimeDelta {
    type Output = TimeDelta;
    fn neg(self) -> TimeDelta {
        TimeDelta(self.0.saturating_neg())
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.stamp())
    }
}

/// Seconds with milliseconds, e.g. `12.500 s`.
impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = div_round(i128::from(self.0), 1_000_000);
        let sign = if millis < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{}.{:03} s", millis.abs() / 1000, millis.abs() % 1000))
    }
}

impl fmt::Display for SessionTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.since_start().fmt(f)
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // milliseconds suffice for most; what is finer (an NTP time, say) must not be lost
        let is_whole = self.0 % 1_000_000 == 0;
        if is_whole {
            serializer.collect_str(self)
        } else {
            serializer.collect_str(&self.stamp())
        }
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WallTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        WallTime::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for WallTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WallTime".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, e.g. 2026-11-20T10:00:00.000Z"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_tick_finds_itself_again(tick in -100_000_000i64..100_000_000, rate in 1u32..=120) {
            let rate = TickRate::new(rate).unwrap();
            let time = rate.time_of(Tick(tick));
            prop_assert_eq!(rate.tick_at_or_after(time), Tick(tick));
            prop_assert_eq!(rate.nearest_tick(time), Tick(tick));
            prop_assert_eq!(rate.tick_at_or_after(time + TimeDelta::from_nanos(1002)), Tick(tick + 1));
        }

        #[test]
        fn samples_and_times_agree(sample in -1_000_000_000i64..1_000_000_000) {
            prop_assert_eq!(SamplePosition(sample).time().sample(), SamplePosition(sample));
        }

        #[test]
        fn no_timestamp_overflows(units in any::<i64>(), num in 1i32.., den in 1i32..) {
            let base = TimeBase::new(num, den).unwrap();
            let _ = SessionTime::from_nanos(i64::MAX) + base.delta(units);
            let _ = base.units(TimeDelta::from_nanos(units));
        }

        #[test]
        fn units_survive_the_way_through_nanoseconds(units in -1_000_000_000_000i64..1_000_000_000_000) {
            let rtp = TimeBase::new(1, 90_000).unwrap();
            prop_assert_eq!(rtp.units(rtp.delta(units)), units);
        }
    }

    #[test]
    fn wall_time_is_rfc_3339() {
        let wall = WallTime::parse("2026-11-20T11:00:00.250+01:00").unwrap();
        assert_eq!(wall.to_string(), "2026-11-20T10:00:00.250Z");
        assert_eq!(wall.unix_millis(), 1_795_168_800_250);
        assert!(WallTime::parse("yesterday").unwrap_err().contains("RFC 3339"));
    }

    #[test]
    fn deltas_read_as_seconds() {
        assert_eq!(TimeDelta::from_millis(-1250).to_string(), "-1.250 s");
        assert_eq!(TimeDelta::from_millis(61_007).to_string(), "61.007 s");
    }
}
