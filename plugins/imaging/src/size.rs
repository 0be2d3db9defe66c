//! Sizes in a configuration, as torchvision takes them: `224`, `[224]` or `[height, width]`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use zenith_plugin_sdk::Error;

/// The longest side of an image that a configuration may ask for.
pub const MAX_SIDE: u32 = 65_535;

/// A size as written. Its range is checked when it is asked for, so that the error can name the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeConfig {
    /// One number, alone or in a list.
    One(i128),
    /// Height and width.
    Pair(i128, i128),
}

impl SizeConfig {
    /// Height and width, where one number stands for both.
    pub fn height_and_width(self, key: &str) -> Result<(u32, u32), Error> {
        match self {
            Self::One(side) => side_of(side, key).map(|side| (side, side)),
            Self::Pair(height, width) => Ok((side_of(height, key)?, side_of(width, key)?)),
        }
    }

    /// The one number, or `None` where there are two.
    pub fn single(self, key: &str) -> Result<Option<u32>, Error> {
        match self {
            Self::One(side) => side_of(side, key).map(Some),
            Self::Pair(..) => Ok(None),
        }
    }
}

fn side_of(side: i128, key: &str) -> Result<u32, Error> {
    u32::try_from(side)
        .ok()
        .filter(|side| (1..=MAX_SIDE).contains(side))
        .ok_or_else(|| Error::config(key, format!("must be between 1 and {MAX_SIDE} pixels, but is {side}")))
}

impl<'de> Deserialize<'de> for SizeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl<'de> Visitor<'de> for SizeVisitor {
    type Value = SizeConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of pixels or [height, width]")
    }

    fn visit_u64<E>(self, side: u64) -> Result<SizeConfig, E> {
        Ok(SizeConfig::One(side.into()))
    }

    fn visit_i64<E>(self, side: i64) -> Result<SizeConfig, E> {
        Ok(SizeConfig::One(side.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SizeConfig, A::Error> {
        let wrong_length = |length| A::Error::invalid_length(length, &self);
        let height = list.next_element::<i64>()?.ok_or_else(|| wrong_length(0))?;
        let Some(width) = list.next_element::<i64>()? else {
            return Ok(SizeConfig::One(height.into()));
        };
        if list.next_element::<i64>()?.is_some() {
            return Err(wrong_length(3));
        }
        Ok(SizeConfig::Pair(height.into(), width.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SizeConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn one_number_one_in_a_list_and_two_are_taken() {
        assert_eq!(read("224").unwrap().height_and_width("size"), Ok((224, 224)));
        assert_eq!(read("[224]").unwrap().single("size"), Ok(Some(224)));
        assert_eq!(read("[2, 3]").unwrap().height_and_width("size"), Ok((2, 3)));
        assert_eq!(read("[2, 3]").unwrap().single("size"), Ok(None));
    }

    #[test]
    fn other_forms_are_refused_with_what_is_expected() {
        for wrong in ["\"big\"", "[]", "[1, 2, 3]", "2.5", "null", "{}", "true", "[[1]]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let error = read("[1, 2, 3]").unwrap_err().to_string();
        assert!(error.contains("expected a number of pixels or [height, width]"), "{error}");
    }

    #[test]
    fn absurd_sides_are_refused_with_the_range() {
        for wrong in ["0", "-1", "65536", "18446744073709551615", "[224, 0]"] {
            let error = read(wrong).unwrap().height_and_width("size").unwrap_err().to_string();
            assert!(error.starts_with("`size` must be between 1 and 65535 pixels, but is "), "{error}");
        }
    }
}
