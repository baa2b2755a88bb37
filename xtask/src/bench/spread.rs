//! The least, the first quartile and the middle of some numbers: on a noisy machine, noise only adds.

/// Of what was measured several times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) least: f64,
    pub(super) quartile: f64,
    pub(super) middle: f64,
}

impl Spread {
    /// Nothing of nothing: the numbers are NaN then.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            quartile: at(values.len() / 4),
            middle: at(values.len() / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_has_the_least_the_quartile_and_the_middle() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0, 5.0, 4.0]);
        assert_eq!(
            (spread.least, spread.quartile, spread.middle),
            (1.0, 2.0, 3.0)
        );
        assert!(Spread::of(Vec::new()).middle.is_nan());
    }
}
