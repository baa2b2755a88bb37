//! Tokens that arrive cut, again and again at the same length.

use crate::history::active::Beginning;
use crate::history::condition::Condition;
use crate::history::sighting::Why;
use crate::history::streak::Streak;
use crate::verdict::Cause;

use super::Find;

/// So many of one length are wanted.
const WANTED: u32 = 3;
/// So many lengths of a service are remembered.
const LENGTHS: usize = 8;
/// So many bytes below a power of two, a limit of that size is likely: a field's name and scheme count too.
const BELOW_LIMIT: usize = 64;

impl Find<'_> {
    /// Whether the token was cut, as others of this length.
    pub(super) fn form(&mut self) -> bool {
        let scene = self.scene;
        let verdict = scene.sighting.verdict;
        let is_cut = verdict.cause == Some(Cause::TokenTruncated)
            || verdict.candidates.first() == Some(&Cause::TokenTruncated);
        let Some(credential) = scene.sighting.credential().filter(|_| is_cut) else {
            return self.why == Why::Form;
        };
        let length = credential.length;
        let key = scene.key(Condition::TokenTruncated, length as u64);
        if self.again(key) {
            return true;
        }
        let cuts = &mut self
            .memory
            .services
            .entry(scene.at.service, scene.at.shelf)
            .cuts;
        let at = cuts.iter().position(|(one, _)| *one == length);
        let at = at.unwrap_or_else(|| {
            if cuts.len() >= LENGTHS {
                let oldest = cuts.iter().enumerate().min_by_key(|(_, (_, row))| row.last);
                if let Some(at) = oldest.map(|(at, _)| at) {
                    cuts.remove(at);
                }
            }
            cuts.push((length, Streak::default()));
            cuts.len() - 1
        });
        let Some((_, row)) = cuts.get_mut(at) else {
            return true;
        };
        row.add(scene.clock, self.why, scene.token, scene.client);
        // The same cut token again is a client that tries again.
        if row.count >= WANTED && row.tokens.count() >= 2 {
            let mut evidence = vec![format!("each of them has {length} bytes")];
            let power = (length + BELOW_LIMIT).next_power_of_two();
            let limit = [power, power / 2].into_iter().find(|limit| {
                *limit >= 256 && limit.saturating_sub(BELOW_LIMIT) <= length && length <= *limit
            });
            evidence.extend(limit.map(|limit| {
                format!("that is just below {limit}: something on the way keeps no more of a field")
            }));
            let beginning = Beginning::of(scene.service(), row, evidence);
            return self.begin(key, beginning);
        }
        true
    }
}
