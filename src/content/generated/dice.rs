//! Numbers that look random and are the same for the same seed, on every machine.

/// A sequence of numbers (`SplitMix64`).
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence for line `number` of collection `collection`: each line has its own, so that it does
    /// not depend on the lines before it.
    pub fn new(seed: u64, collection: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        for part in [collection, number] {
            dice.0 = dice.next() ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `all`, each as often as the others; the default when there is none.
    pub fn one<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or_default()
    }

    /// `count` different numbers, chosen as `ranks` weighs them; fewer when it has fewer.
    pub fn some(&mut self, ranks: &Ranks, count: usize) -> Vec<u64> {
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count.min(ranks.0.len()) {
            let number = self.ranked(ranks);
            if !chosen.contains(&number) {
                chosen.push(number);
            }
        }
        chosen
    }

    /// A number, chosen as `ranks` weighs them.
    pub fn ranked(&mut self, ranks: &Ranks) -> u64 {
        let point = self.below(ranks.0.last().copied().unwrap_or(0));
        ranks.0.partition_point(|end| *end <= point) as u64
    }
}

/// Weights of the numbers from 0 on, the first the heaviest, as Zipf's law has it; in whole numbers, for
/// those are the same on every machine.
#[derive(Clone, Debug)]
pub struct Ranks(Vec<u64>);

impl Ranks {
    /// `count` numbers; the larger `flatness`, the less the first of them stand out.
    pub fn new(count: u64, flatness: u64) -> Self {
        let mut total = 0;
        let end = |rank| {
            total += 1_000_000_000 / (rank + 1 + flatness);
            total
        };
        Self((0..count).map(end).collect())
    }
}
