//! How far the times of a credential are from its request.

use std::fmt;

use crate::credential::Claims;
use crate::time::Timestamp;
use crate::verdict::validator::Leeway;

/// How far the times of a credential are from its request. A verdict knows of time no more than this.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(in crate::verdict) struct Times {
    /// `exp`.
    pub(in crate::verdict) expires: Option<Distance>,
    /// `nbf`.
    pub(in crate::verdict) not_before: Option<Distance>,
    /// `iat`.
    pub(in crate::verdict) issued: Option<Distance>,
}

/// How far a time is from another, as exactly as anybody is told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::verdict) struct Distance {
    /// It comes after the other.
    pub(in crate::verdict) after: bool,
    /// By more than two clocks and whole seconds may add.
    pub(in crate::verdict) clear: bool,
    /// By more than any validator lets pass.
    pub(in crate::verdict) beyond: bool,
    /// In whole seconds, rounded.
    seconds: u64,
}

impl Times {
    pub(super) fn of(claims: &Claims, time: Timestamp) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds do not matter to seconds"
        )]
        let now = time.nanos() as f64 / 1e9;
        // Milliseconds and nonsense tell no time.
        let distance = |claim: Option<f64>| {
            let time = claim.filter(|time| time.abs() < 9e9)?;
            Some(Distance::of(time - now))
        };
        Self {
            expires: distance(claims.expires),
            not_before: distance(claims.not_before),
            issued: distance(claims.issued),
        }
    }

    /// The same for a validator that lets times pass by this.
    pub(in crate::verdict) fn for_leeway(self, leeway: Leeway) -> Self {
        let judge = |distance: Option<Distance>, leeway: u16| {
            distance.map(|distance| Distance {
                beyond: distance.seconds > u64::from(leeway) + SLACK_SECONDS,
                ..distance
            })
        };
        Self {
            expires: judge(self.expires, leeway.expires),
            not_before: judge(self.not_before, leeway.not_before),
            issued: judge(self.issued, leeway.issued),
        }
    }
}

impl Distance {
    /// Of a time that is so many seconds ahead of the other; negative when it was before.
    fn of(ahead: f64) -> Self {
        let length = ahead.abs();
        Self {
            after: ahead > 0.0,
            clear: length > SLACK,
            beyond: length > BEYOND,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bounded to what fits, and not negative"
            )]
            seconds: length.min(9e12).round() as u64,
        }
    }

    /// A number that no other distance has.
    pub(in crate::verdict) fn number(self) -> u64 {
        let bits = [self.after, self.clear, self.beyond];
        bits.into_iter()
            .fold(self.seconds, |number, bit| number << 1 | u64::from(bit))
    }
}

/// A length of time as a person says it, whatever its direction.
impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            whole @ 0..7200 => write!(f, "{whole} s"),
            whole @ 7200..172_800 => write!(f, "{} h {} min", whole / 3600, whole % 3600 / 60),
            whole => write!(f, "{} days", whole / 86_400),
        }
    }
}

/// The widest leeway of any validator by default (Microsoft.IdentityModel), in seconds.
const WIDEST_LEEWAY: f64 = 300.0;
/// What two clocks and whole seconds may add.
const SLACK: f64 = 2.0;
/// The same in whole seconds.
const SLACK_SECONDS: u64 = 2;
/// Beyond this a time is wrong for every validator.
const BEYOND: f64 = WIDEST_LEEWAY + SLACK;
