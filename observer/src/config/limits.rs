//! `[limits]`: the bounds that a configuration may set.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use observer_common::window::Knobs;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Limits;
use crate::units;

/// The bounds that were set. `None`: as they are without a configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bounds {
    /// How many threads take streams apart.
    pub threads: Option<NonZeroUsize>,
    /// How many bytes the kernel may use to hand over what it saw.
    pub ring_size: Option<u32>,
    /// How many bytes the kernel copies of an answer that lets in, from its start.
    pub answer_window: Option<u32>,
    connections: Option<usize>,
    held: Option<usize>,
    held_per_direction: Option<usize>,
    exchange_timeout: Option<Duration>,
}

impl Bounds {
    /// How much is copied, with what was set.
    pub fn knobs(&self) -> Knobs {
        let usual = Knobs::DEFAULT;
        Knobs {
            answer: self.answer_window.unwrap_or(usual.answer),
            ..usual
        }
    }

    /// Those of the engine, with what was set in their place.
    pub fn over(&self, limits: Limits) -> Limits {
        Limits {
            connections: self.connections.unwrap_or(limits.connections),
            held: self.held.unwrap_or(limits.held),
            held_per_direction: self.held_per_direction.unwrap_or(limits.held_per_direction),
            exchange_timeout: self.exchange_timeout.unwrap_or(limits.exchange_timeout),
            ..limits
        }
    }
}

/// What observer may use. docs/resources.md says what each bound costs, and what happens when it is
/// reached.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub(super) struct Written {
    /// How many threads take streams apart. Else as many as there are processors.
    #[schemars(with = "Option<u32>", range(min = 1, max = 256))]
    threads: Option<Number<1, 256>>,
    /// How much memory the kernel may use to hand over what it saw: a power of two, 64KiB to 2GiB. Else
    /// 32MiB.
    #[schemars(with = "Option<String>", regex(pattern = SIZE))]
    ring_size: Option<Ring>,
    /// How many bytes the kernel copies of an answer that lets in, from its start: 1KiB to 16KiB. Else 1KiB.
    /// Of key sets and of answers of token endpoints it copies more anyway.
    #[schemars(with = "Option<String>", regex(pattern = SIZE))]
    answer_window: Option<Size<{ 1 << 10 }, { 16 << 10 }>>,
    /// Connections known at a time. Else 65,536.
    #[schemars(with = "Option<u32>", range(min = 256, max = 4_194_304))]
    connections: Option<Number<256, 4_194_304>>,
    /// Bytes held in all, of what is not complete: 1MiB to 16GiB. Else 64MiB.
    #[schemars(with = "Option<String>", regex(pattern = SIZE))]
    held: Option<Size<{ 1 << 20 }, { 16 << 30 }>>,
    /// Bytes held behind a hole of one direction of a connection: 16KiB to 64MiB. Else 256KiB.
    #[schemars(with = "Option<String>", regex(pattern = SIZE))]
    held_per_direction: Option<Size<{ 16 << 10 }, { 64 << 20 }>>,
    /// How long an answer is waited for: 1s to 1h. Else 60s.
    #[schemars(with = "Option<String>")]
    exchange_timeout: Option<Time<1, 3600>>,
}

const SIZE: &str = "^[0-9]+(KiB|MiB|GiB)?$";

impl From<Written> for Bounds {
    fn from(written: Written) -> Self {
        Self {
            threads: written.threads.and_then(|it| NonZeroUsize::new(it.0)),
            ring_size: written.ring_size.map(|it| it.0),
            answer_window: written
                .answer_window
                .and_then(|it| u32::try_from(it.0).ok()),
            connections: written.connections.map(|it| it.0),
            held: written.held.map(|it| it.0),
            held_per_direction: written.held_per_direction.map(|it| it.0),
            exchange_timeout: written.exchange_timeout.map(|it| it.0),
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct Number<const MIN: u64, const MAX: u64>(usize);

impl<const MIN: u64, const MAX: u64> TryFrom<u64> for Number<MIN, MAX> {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        within(number, MIN..=MAX)
            .map(Self)
            .ok_or_else(|| format!("{number} cannot be: from {MIN} to {MAX}"))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Size<const MIN: u64, const MAX: u64>(usize);

impl<const MIN: u64, const MAX: u64> TryFrom<String> for Size<MIN, MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        within(units::bytes(&text)?, MIN..=MAX)
            .map(Self)
            .ok_or_else(|| format!("{text:?} cannot be: from {MIN} to {MAX} bytes"))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Time<const MIN: u64, const MAX: u64>(Duration);

impl<const MIN: u64, const MAX: u64> TryFrom<String> for Time<MIN, MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = units::duration(&text)?;
        if (Duration::from_secs(MIN)..=Duration::from_secs(MAX)).contains(&time) {
            Ok(Self(time))
        } else {
            Err(format!("{text:?} cannot be: from {MIN} to {MAX} seconds"))
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Ring(u32);

impl TryFrom<String> for Ring {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        units::ring(&text).map(Self)
    }
}

fn within(number: u64, range: RangeInclusive<u64>) -> Option<usize> {
    usize::try_from(number)
        .ok()
        .filter(|_| range.contains(&number))
}
