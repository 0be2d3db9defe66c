//! Bytes and times as people write them: `128MiB`, `2.5GB`, `500ms`.

use std::time::Duration;

use thiserror::Error;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// No number of bytes.
    #[error("`{0}` is not a number of bytes: write 2000000000, 2GB or 2GiB")]
    Bytes(String),
    /// No time.
    #[error("`{0}` is not a time: write 2s, 500ms or 1min")]
    Time(String),
}

/// A number of bytes with an optional unit: powers of 1000 (`kB`, `MB`, `GB`, `TB`) or of 1024
/// (`KiB`, `MiB`, `GiB`, `TiB`). It is more than 0.
pub fn parse_bytes(text: &str) -> Result<u64, AmountError> {
    let wrong = || AmountError::Bytes(text.to_owned());
    let (number, unit) = split(text);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(wrong);
    }
    let value: f64 = number.parse().map_err(|_| wrong())?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a unit is approximate, and the range is checked"
    )]
    let bytes = (value * factor as f64) as u64;
    (bytes > 0 && bytes < u64::MAX).then_some(bytes).ok_or_else(wrong)
}

/// A time with its unit: `us`, `ms`, `s`, `min`. It is more than 0.
pub fn parse_time(text: &str) -> Result<Duration, AmountError> {
    let wrong = || AmountError::Time(text.to_owned());
    let (number, unit) = split(text);
    let seconds = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err(wrong()),
    };
    let value: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(value * seconds).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}

fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|symbol: char| !symbol.is_ascii_digit() && symbol != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_decimal_and_binary_units() {
        for (text, value) in [
            ("7", 7),
            ("2GB", 2_000_000_000),
            ("2 GiB", 2 << 30),
            ("1.5kB", 1500),
            ("512MiB", 512 << 20),
            ("3m", 3_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(value), "{text}");
        }
        for text in ["", "0", "GB", "-1", "2XB", "1e9", "99999999999999TB"] {
            assert_eq!(parse_bytes(text), Err(AmountError::Bytes(text.into())));
        }
    }

    #[test]
    fn times_say_their_unit() {
        for (text, milliseconds) in [("2s", 2000), ("500ms", 500), ("1.5 min", 90_000), ("2000us", 2)] {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "2", "0s", "-1s", "2h", "s", "1e400s", "99999999999999999999min"] {
            assert_eq!(parse_time(text), Err(AmountError::Time(text.into())));
        }
    }
}
