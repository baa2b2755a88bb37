//! Clocks that are off, where it matters.

use jiff::fmt::rfc2822;

use crate::exchange::Field;
use crate::history::active::Beginning;
use crate::history::clock::{Reading, Source, printed, seconds};
use crate::history::condition::Condition;
use crate::history::memory::Place;
use crate::history::scene::Scene;
use crate::history::sighting::Why;

use super::Find;

/// A contradiction of less than this is two clocks and whole seconds.
const CLEAR: f64 = 5.0;
/// The same for `nbf` and `iat`, which are of the same moment as the request.
const SLACK: f64 = 2.0;
/// So many refusals, of so many tokens, are wanted.
const WANTED: u32 = 3;
const TOKENS_WANTED: u32 = 2;

/// Reads the clock of whoever answered.
pub(in crate::history) fn read(scene: &Scene<'_>, why: Option<Why>, place: &mut Place) {
    date(scene, place);
    let is_of_time = matches!(why, Some(Why::Expired | Why::Early));
    let Some(response) = scene
        .sighting
        .exchange
        .response
        .as_ref()
        .filter(|_| is_of_time)
    else {
        return;
    };
    let claims = scene
        .sighting
        .credential()
        .and_then(|one| one.claims.as_ref());
    let expires = claims.and_then(|claims| claims.expires);
    let mut said = response.values(Field::WwwAuthenticate).map(str::as_bytes);
    let time = said
        .find_map(|text| printed(text, expires))
        .or_else(|| printed(response.excerpt.bytes(), expires));
    let Some(ahead) = time.and_then(|time| scene.sighting.ahead(time)) else {
        return;
    };
    // Some print whole seconds, cut off; and it was some time between the request and the answer.
    let asked = scene.sighting.time();
    let took = millis(response.started.since(asked).as_nanos());
    let ahead = whole_millis(ahead);
    let reading = Reading {
        low: Some(ahead.saturating_sub(took)),
        high: Some(ahead.saturating_add(1000)),
        source: Source::Printed,
    };
    place.own.take(reading, scene.clock);
}

fn date(scene: &Scene<'_>, place: &mut Place) {
    let response = scene.sighting.exchange.response.as_ref();
    let Some((response, text)) = response.and_then(|one| Some((one, one.field(Field::Date)?)))
    else {
        return;
    };
    let Ok(date) = rfc2822::parse(text) else {
        return;
    };
    let date = date.timestamp().as_millisecond();
    let request = scene.sighting.exchange.request.as_ref();
    // It was written between the request and the answer, with its fraction cut off, and servers write the
    // same for up to a second.
    let answered = response.started.nanos() / 1_000_000;
    let asked = request.map(|request| request.finished.nanos() / 1_000_000);
    let reading = Reading {
        low: Some(date.saturating_sub(answered)),
        high: asked.map(|asked| date.saturating_add(2000).saturating_sub(asked)),
        source: Source::Date,
    };
    place.date.take(reading, scene.clock);
}

fn millis(nanos: u128) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "far less than 2^63, or saturated"
)]
fn whole_millis(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

impl Find<'_> {
    /// Whether a clock explains it.
    pub(super) fn clocks(&mut self) -> bool {
        match self.why {
            Why::Expired => self.ahead(),
            Why::Early => self.early(),
            _ => false,
        }
    }

    /// It says expired of what is not.
    fn ahead(&mut self) -> bool {
        let scene = self.scene;
        let left = scene.sighting.left().filter(|left| *left > CLEAR);
        let Some(left) = left.filter(|_| scene.sighting.is_stated()) else {
            return false;
        };
        let place = self.memory.places.entry(scene.at.place, scene.at.shelf);
        let reading = Reading {
            low: Some(whole_millis(left)),
            high: None,
            source: Source::Refusal,
        };
        place.own.take(reading, scene.clock);
        place
            .ahead
            .add(scene.clock, self.why, scene.token, scene.client);
        let key = scene.key(Condition::ClockSkewValidatorAhead, scene.at.place);
        if self.again(key) {
            return true;
        }
        let place = self.memory.places.entry(scene.at.place, scene.at.shelf);
        let row = &place.ahead;
        if row.count < WANTED || row.tokens.count() < TOKENS_WANTED {
            return false;
        }
        let most = place.own.at_least().unwrap_or_default().unsigned_abs();
        let mut evidence = vec![format!(
            "{} calls tokens expired that have up to {} s left",
            scene.place(),
            seconds(most)
        )];
        evidence.extend(known(place, i64::try_from(most).unwrap_or(i64::MAX)));
        let beginning = Beginning::of(scene.service(), row, evidence);
        self.begin(key, beginning)
    }

    /// It says that a token is too early.
    fn early(&mut self) -> bool {
        let scene = self.scene;
        let claims = scene
            .sighting
            .credential()
            .and_then(|one| one.claims.as_ref());
        let times = claims
            .into_iter()
            .flat_map(|claims| [claims.not_before, claims.issued]);
        let ahead = times
            .flatten()
            .filter_map(|time| scene.sighting.ahead(time))
            .max_by(f64::total_cmp);
        let Some((ahead, jwt)) = ahead.zip(scene.jwt) else {
            return false;
        };
        let issuer = self.memory.issuers.refused(jwt.issuer, scene.at.shelf);
        issuer
            .early
            .add(scene.clock, self.why, scene.token, scene.client);
        issuer.early_at.add(scene.at.place, 8);
        let everywhere = issuer.early_at.count();
        if ahead > SLACK || everywhere >= 2 {
            let key = scene.key(Condition::ClockSkewIssuerAhead, jwt.issuer);
            if self.again(key) {
                return true;
            }
            let issuer = self.memory.issuers.refused(jwt.issuer, scene.at.shelf);
            let row = &issuer.early;
            if row.count < WANTED || row.tokens.count() < TOKENS_WANTED {
                return false;
            }
            let mut evidence = Vec::new();
            if ahead > SLACK {
                evidence.push(format!(
                    "the latest of them was issued {} s after it was used, by our clock",
                    seconds(whole_millis(ahead).unsigned_abs())
                ));
            }
            if everywhere >= 2 {
                evidence.push(format!("{everywhere} validators call its tokens too early"));
            }
            let beginning = Beginning::of(scene.issuer(), row, evidence);
            return self.begin(key, beginning);
        }
        let place = self.memory.places.entry(scene.at.place, scene.at.shelf);
        let reading = Reading {
            low: None,
            high: Some(whole_millis(ahead)),
            source: Source::Refusal,
        };
        place.own.take(reading, scene.clock);
        place
            .behind
            .add(scene.clock, self.why, scene.token, scene.client);
        let key = scene.key(Condition::ClockSkewValidatorBehind, scene.at.place);
        if self.again(key) {
            return true;
        }
        let place = self.memory.places.entry(scene.at.place, scene.at.shelf);
        let row = &place.behind;
        if row.count < WANTED || row.tokens.count() < TOKENS_WANTED {
            return false;
        }
        let mut evidence = vec![format!(
            "{} calls tokens too early that are {} s old",
            scene.place(),
            seconds(whole_millis(ahead).unsigned_abs())
        )];
        evidence.extend(known(place, whole_millis(ahead)));
        let beginning = Beginning::of(scene.service(), row, evidence);
        self.begin(key, beginning)
    }
}

/// What is known of the clock besides, and whether it fits what was seen: an offset in milliseconds.
fn known(place: &Place, seen: i64) -> Option<String> {
    if let Some(offset) = place.own.offset() {
        return Some(format!("its clock is {offset}"));
    }
    let offset = place.date.offset()?;
    let fits = match seen > 0 {
        true => offset.high >= seen,
        false => offset.low <= seen,
    };
    Some(if fits {
        format!("its clock is {offset}")
    } else {
        format!(
            "the clock that wrote its Date is {offset}: the validator is another host behind it, or \
             answered for another token"
        )
    })
}
