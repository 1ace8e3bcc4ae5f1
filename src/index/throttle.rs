//! How much is sent at once, and how often.
//!
//! [`Window`] is pure and follows the server: a refusal for want of room (429) or no answer at all halves what may be under way, each answered
//! request gives some of it back. [`Pace`] is the limit that a user sets, kept by `governor`, and waits at the client's edge: nothing
//! that decides ever sleeps.

use std::num::NonZeroU32;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// A body is never cut below this for the server's sake.
const BODY_BYTES_MIN: usize = 64 * 1024;

/// What may be under way now, between one small request and the settings' limits.
#[derive(Clone, Debug)]
pub struct Window {
    requests_max: usize,
    body_bytes_max: usize,
    requests: usize,
    body_bytes: usize,
    /// Requests answered since the last one was added: growth is by one per round, not per answer.
    answered: usize,
}

impl Window {
    pub fn new(requests_max: usize, body_bytes_max: usize) -> Window {
        let requests_max = requests_max.max(1);
        let body_bytes_max = body_bytes_max.max(BODY_BYTES_MIN);
        Window { requests_max, body_bytes_max, requests: requests_max, body_bytes: body_bytes_max, answered: 0 }
    }

    pub fn requests(&self) -> usize {
        self.requests
    }

    pub fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    pub fn answered(&mut self) {
        self.body_bytes = (self.body_bytes * 2).min(self.body_bytes_max);
        self.answered += 1;
        if self.answered >= self.requests {
            self.answered = 0;
            self.requests = (self.requests + 1).min(self.requests_max);
        }
    }

    /// The server had no room.
    pub fn yield_to_server(&mut self) {
        self.answered = 0;
        self.requests = (self.requests / 2).max(1);
    }

    /// No answer to a body: perhaps it was too much for one time-out.
    pub fn unanswered(&mut self) {
        self.yield_to_server();
        self.body_bytes = (self.body_bytes / 2).max(BODY_BYTES_MIN).min(self.body_bytes_max);
    }

    /// The server, or a proxy before it, said that a body of so many bytes is too large: none of that size is tried again.
    pub fn too_large(&mut self, bytes: usize) {
        self.body_bytes_max = self.body_bytes_max.min((bytes / 2).max(BODY_BYTES_MIN));
        self.body_bytes = self.body_bytes.min(self.body_bytes_max);
    }
}

/// The settings' limit on requests per second.
pub struct Pace(Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>);

impl Pace {
    pub fn new(requests_per_second_max: Option<NonZeroU32>) -> Pace {
        Pace(requests_per_second_max.map(|max| {
            // A burst of one: requests are large, and evenly spread ones are what the limit is set for.
            RateLimiter::direct(Quota::per_second(max).allow_burst(NonZeroU32::MIN))
        }))
    }

    /// Waits for this request's turn.
    pub async fn turn(&self) {
        if let Some(limiter) = &self.0 {
            limiter.until_ready().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_halve_and_answers_give_back() {
        let mut window = Window::new(8, 4 << 20);
        window.yield_to_server();
        assert_eq!(window.requests(), 4);
        for _ in 0..10 {
            window.yield_to_server();
        }
        assert_eq!(window.requests(), 1);
        window.answered();
        assert_eq!(window.requests(), 2);
        for _ in 0..100 {
            window.answered();
        }
        assert_eq!(window.requests(), 8);
    }

    #[test]
    fn a_body_that_was_too_large_is_not_tried_again() {
        let mut window = Window::new(1, 4 << 20);
        window.too_large(1 << 20);
        for _ in 0..100 {
            window.answered();
        }
        assert_eq!(window.body_bytes(), 512 << 10);
        window.too_large(10);
        window.unanswered();
        assert_eq!(window.body_bytes(), BODY_BYTES_MIN);
    }
}
