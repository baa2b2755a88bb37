//! How far clocks are from ours.

mod estimate;
mod printed;

pub use estimate::{Offset, Source};

pub(super) use estimate::{Estimate, Reading, seconds};
pub(super) use printed::printed;
