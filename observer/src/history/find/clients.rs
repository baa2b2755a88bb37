//! Clients that go on with what was refused.

use std::time::Duration;

use crate::history::active::{Active, Beginning};
use crate::history::condition::Condition;
use crate::history::few::Few;
use crate::history::memory::Token;
use crate::history::scene::Scene;
use crate::history::sighting::Why;

use super::{Find, ago};

/// So many refusals of one expired token, over so many seconds: others notice.
const EXPIRED_WANTED: u32 = 5;
/// The same of one token that was refused for something else.
const SAME_WANTED: u32 = 10;
const SECONDS: u64 = 60;
/// The same of one in whose place another was seen to be issued.
const REPLACED_WANTED: u32 = 3;
const REPLACED_SECONDS: u64 = 5;
/// So many refusals of so many tokens of one client.
const FAILING_WANTED: u32 = 20;
const FAILING_TOKENS: u32 = 3;
/// So many new tokens of one subject, each refused when it was first used.
const LOOP_TOKENS: u32 = 4;
/// A token is new for so many seconds.
const NEW: f64 = 60.0;
/// A row of new tokens is broken by such a pause.
const LOOP_PAUSE: Duration = Duration::from_secs(600);
/// So many addresses use one token within this time.
const MANY: usize = 16;
const MANY_WITHIN: Duration = Duration::from_secs(600);

/// Counts the clients of a token, and says so where they are many.
pub(in crate::history) fn count_clients(scene: &Scene<'_>, token: &mut Token, active: &mut Active) {
    let key = scene.key(Condition::TokenFromManyClients, scene.token);
    if active.again(key, scene.clock, scene.token, scene.client) {
        return;
    }
    if scene.clock.since(token.clients_since) > MANY_WITHIN {
        token.clients.clear();
        token.clients_since = scene.clock;
        token.uses = 0;
    }
    token.uses = token.uses.saturating_add(1);
    token.last_client = scene.client;
    token.clients.add(scene.client, MANY);
    if token.clients.count() < MANY as u32 {
        return;
    }
    let beginning = Beginning {
        concern: scene.issuer(),
        since: token.clients_since,
        exchanges: token.uses.into(),
        tokens: Few::of(scene.token),
        clients: token.clients.clone(),
        evidence: vec![format!("{MANY} addresses used it within 10 min")],
    };
    active.begin(key, scene.clock, beginning);
}

impl Find<'_> {
    /// What clients do. `explained`: whether something else explains why they fail.
    pub(super) fn clients(&mut self, explained: bool) {
        if matches!(self.why, Why::Missing | Why::Policy) {
            return;
        }
        let others_pass = self.others_pass();
        self.stale(explained, others_pass);
        if !explained && others_pass {
            self.refresh_loop();
            self.failing();
        }
    }

    /// Whether the service accepts others, since the client was refused first.
    fn others_pass(&self) -> bool {
        let scene = self.scene;
        let service = self.memory.services.peek(scene.at.service);
        let client = self.memory.clients.peek(scene.of_client(self.memory));
        service
            .zip(client)
            .is_some_and(|(service, client)| service.last_accepted > client.streak.first)
    }

    /// The same token again and again.
    fn stale(&mut self, explained: bool, others_pass: bool) {
        let scene = self.scene;
        let Some(token) = self.memory.tokens.peek(scene.token) else {
            return;
        };
        let Some(trial) = token.at(scene.at.place) else {
            return;
        };
        let lasted = trial.last_refused.since(trial.first_refused).as_secs();
        let expired =
            self.why == Why::Expired && scene.sighting.left().is_some_and(|left| left < 0.0);
        let replaced = token.birth.as_ref().and_then(|birth| birth.replaced);
        let replaced = replaced.filter(|time| *time < trial.first_refused);
        let (wanted, seconds) = match expired {
            true if replaced.is_some() => (REPLACED_WANTED, REPLACED_SECONDS),
            true => (EXPIRED_WANTED, SECONDS),
            false if explained || !others_pass => return,
            false => (SAME_WANTED, SECONDS),
        };
        if trial.refused < wanted || lasted < seconds {
            return;
        }
        let (since, refused) = (trial.first_refused, trial.refused);
        let key = scene.key(Condition::StaleClientCache, 0);
        if self.again(key) {
            return;
        }
        let mut evidence = vec![format!(
            "one token was sent {refused} times in {lasted} s, and refused each time"
        )];
        let left = scene.sighting.left().filter(|_| expired);
        evidence.extend(left.map(|left| format!("it expired {:.0} s ago", -left)));
        evidence.extend(replaced.map(|time| {
            format!(
                "another was issued in its place {} this refusal",
                ago(scene.clock, time)
            )
        }));
        let beginning = Beginning::of_one(scene, since, refused, evidence);
        self.begin(key, beginning);
    }

    /// New tokens of one subject, each refused when it is first used.
    fn refresh_loop(&mut self) {
        let scene = self.scene;
        if matches!(self.why, Why::Form | Why::Expired) {
            return;
        }
        let Some(subject) = self.owner_of_new() else {
            return;
        };
        let key = scene.key(Condition::RefreshLoop, subject);
        if self.again(key) {
            return;
        }
        let row = &mut self.memory.clients.entry(subject, scene.at.shelf).fresh;
        if scene.clock.since(row.last) > LOOP_PAUSE {
            row.end();
        }
        row.add(scene.clock, self.why, scene.token, scene.client);
        if row.tokens.count() < LOOP_TOKENS {
            return;
        }
        let evidence = vec![format!(
            "{} tokens of one subject were new when they were refused",
            row.tokens.count()
        )];
        let beginning = Beginning::of(scene.issuer(), row, evidence);
        self.begin(key, beginning);
    }

    /// Whose the token is, where it was issued just now: by its claims, or because its issuing was seen.
    fn owner_of_new(&self) -> Option<u64> {
        let scene = self.scene;
        let seen = self
            .birth()
            .and_then(|birth| Some((birth.chain, birth.issued?)));
        if let Some((chain, issued)) = seen.filter(|(chain, _)| *chain != 0) {
            let is_new = scene.clock.since(issued).as_secs_f64() < NEW;
            return is_new.then(|| self.memory.digest((scene.at.service, "chain", chain)));
        }
        let claims = scene.sighting.credential()?.claims.as_ref()?;
        let is_new = scene.sighting.ahead(claims.issued?)? > -NEW;
        let subject = claims.subject.filter(|_| is_new)?;
        Some(self.memory.digest((scene.at.service, subject)))
    }

    /// One token after the other.
    fn failing(&mut self) {
        let scene = self.scene;
        let client = scene.of_client(self.memory);
        let key = scene.key(Condition::ClientFailing, client);
        if self.again(key) {
            return;
        }
        let Some(client) = self.memory.clients.peek(client) else {
            return;
        };
        let row = &client.streak;
        let is_long = row.count >= FAILING_WANTED && row.seconds() >= SECONDS;
        if !is_long || row.tokens.count() < FAILING_TOKENS {
            return;
        }
        let evidence = vec![
            format!(
                "none of the requests of {} was accepted",
                scene.sighting.client()
            ),
            "the service accepted others meanwhile".to_owned(),
        ];
        let beginning = Beginning::of(scene.service(), row, evidence);
        self.begin(key, beginning);
    }
}
