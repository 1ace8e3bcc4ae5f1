//! When to try again: delays that double, with jitter from a seed so that a run can be repeated.

/// How delays grow.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first_ms: i64,
    pub max_ms: i64,
}

/// An item that the server had no room for, or failed on.
pub const ITEM: Backoff = Backoff { first_ms: 100, max_ms: 20_000 };
/// A cluster that does not answer. Tried with one document, so that trying often costs nothing.
pub const UNREACHABLE: Backoff = Backoff { first_ms: 100, max_ms: 5_000 };
/// An index or a cluster that somebody must repair. Long enough not to fill a server's log with refusals.
pub const HALT: Backoff = Backoff { first_ms: 500, max_ms: 10_000 };

impl Backoff {
    /// The delay before attempt number `attempts` + 1: at least half of the doubled delay, so that many replicas spread out.
    pub fn delay_ms(self, attempts: u32, random: &mut Random) -> i64 {
        let full = self.first_ms.saturating_mul(1 << attempts.min(20)).min(self.max_ms);
        full / 2 + (random.next() % (full as u64 / 2 + 1)) as i64
    }
}

/// SplitMix64: enough to spread delays.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_most_and_never_fall_below_half() {
        let mut random = Random::new(1);
        for attempts in [0, 1, 5, 30, u32::MAX] {
            let full = (100_i64 << attempts.min(20)).min(20_000);
            for _ in 0..100 {
                let delay = ITEM.delay_ms(attempts, &mut random);
                assert!((full / 2..=full).contains(&delay), "{attempts}: {delay}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let delays = |seed| {
            let mut random = Random::new(seed);
            (0..20).map(|attempts| ITEM.delay_ms(attempts, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(delays(5), delays(5));
        assert_ne!(delays(5), delays(6));
    }
}
