//! The memory-filling step of Argon2 (RFC 9106, sections 3.4 to 3.6), which is all of its cost.
//!
//! This is our own code because a sign-in spends its time here: see `docs/decisions/argon2.md`. It
//! works on vectors of four words, with the best instructions that the processor has. The tests
//! compare it with the `argon2` crate. Every function with a `Simd` argument is inlined into the
//! one function that is compiled for those instructions.

use fearless_simd::{Level, Simd, dispatch, prelude::*, u64x4};

/// 1024 bytes: eight rows of sixteen words.
pub(in crate::hash) type Block = [u64; WORDS];

pub(super) const WORDS: usize = 128;
const ROW: usize = 16;
/// The number of words in a vector.
const STEP: usize = 4;
/// The number of slices of a lane. A segment may refer to other lanes' finished slices.
const SLICES: usize = 4;

/// The layout of the memory, and the parameters that determine which blocks are referenced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// y in the RFC: 0 is d, 1 is i, 2 is id.
    pub(super) kind: u32,
    /// Whether later passes are combined by XOR with the blocks that they replace (version 19).
    pub(super) mixes_passes: bool,
    pub(super) passes: u32,
    pub(super) lanes: usize,
    /// The number of blocks in a segment, which is the part of a lane in one slice.
    pub(super) segment: usize,
}

impl Plan {
    pub(super) const fn lane_length(&self) -> usize {
        self.segment * SLICES
    }

    pub(super) const fn blocks(&self) -> usize {
        self.lane_length() * self.lanes
    }
}

/// The segment that is being filled.
#[derive(Clone, Copy)]
struct Place {
    pass: u32,
    slice: usize,
    lane: usize,
}

/// The thread yields after this many blocks (a fifth of a millisecond), because a hash is long and
/// requests without one are short.
const BREATH: usize = 512;

/// Fills the memory. The first two blocks of each lane are already set.
pub(super) fn fill(level: Level, memory: &mut [Block], plan: &Plan) {
    dispatch!(level, simd => fill_with(simd, memory, plan));
}

#[inline(always)]
fn fill_with<S: Simd>(simd: S, memory: &mut [Block], plan: &Plan) {
    for pass in 0..plan.passes {
        for slice in 0..SLICES {
            for lane in 0..plan.lanes {
                segment(simd, memory, plan, Place { pass, slice, lane });
            }
        }
    }
}

#[inline(always)]
fn segment<S: Simd>(simd: S, memory: &mut [Block], plan: &Plan, place: Place) {
    let Place { pass, slice, lane } = place;
    let length = plan.lane_length();
    let beginning = pass == 0 && slice == 0;
    // Argon2id addresses blocks by the password only after the first half of the first pass.
    let independent = plan.kind == 1 || (plan.kind == 2 && pass == 0 && slice < SLICES / 2);
    let mut addresses = Addresses::new(plan, place);
    let mix = pass > 0 && plan.mixes_passes;
    let mut scratch = [[0; WORDS]; 2];
    let [input, rows] = &mut scratch;

    if independent && beginning {
        addresses.next(simd);
    }
    for index in (if beginning { 2 } else { 0 })..plan.segment {
        if index % BREATH == 0 {
            std::thread::yield_now();
        }
        let current = lane * length + slice * plan.segment + index;
        let previous = if slice == 0 && index == 0 {
            current + length - 1
        } else {
            current - 1
        };
        let random = if independent {
            if index.is_multiple_of(WORDS) {
                addresses.next(simd);
            }
            addresses.words[index % WORDS]
        } else {
            memory[previous][0]
        };
        let reference = reference(plan, place, index, random);
        mix_rows(simd, [&memory[previous], &memory[reference]], input, rows);
        mix_columns(simd, input, rows, &mut memory[current], mix);
    }
    wipe(&mut scratch);
}

/// The index of the block that is mixed with the previous one (RFC 9106, section 3.4.2).
#[inline(always)]
fn reference(plan: &Plan, place: Place, index: usize, random: u64) -> usize {
    let Place { pass, slice, lane } = place;
    let length = plan.lane_length();
    let other = if pass == 0 && slice == 0 {
        lane
    } else {
        small(high(random) % plan.lanes as u64)
    };
    // The number of blocks to choose from: those of the finished segments and, in the same lane,
    // those of this segment except the previous one.
    let finished = if pass == 0 {
        slice * plan.segment
    } else {
        length - plan.segment
    };
    let area = if other == lane {
        finished + index - 1
    } else {
        finished - usize::from(index == 0)
    };
    let low = low(random);
    let back = small(high(area as u64 * high(low * low)));
    let start = if pass == 0 || slice == SLICES - 1 {
        0
    } else {
        (slice + 1) * plan.segment
    };
    let place = start + area - 1 - back;
    other * length
        + if place < length {
            place
        } else {
            place - length
        }
}

const fn high(word: u64) -> u64 {
    word >> 32
}

/// Converts a number that is smaller than some `usize`.
fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

const fn low(word: u64) -> u64 {
    word & 0xffff_ffff
}

/// The addresses that do not depend on the password (RFC 9106, section 3.4.1.2).
struct Addresses {
    input: Block,
    words: Block,
}

impl Addresses {
    #[inline(always)]
    fn new(plan: &Plan, place: Place) -> Self {
        let mut input = [0; WORDS];
        input[0] = u64::from(place.pass);
        input[1] = place.lane as u64;
        input[2] = place.slice as u64;
        input[3] = plan.blocks() as u64;
        input[4] = u64::from(plan.passes);
        input[5] = u64::from(plan.kind);
        Self {
            input,
            words: [0; WORDS],
        }
    }

    #[inline(always)]
    fn next<S: Simd>(&mut self, simd: S) {
        const ZERO: Block = [0; WORDS];
        self.input[6] += 1;
        let (mut input, mut rows, mut once) = (ZERO, ZERO, ZERO);
        mix_rows(simd, [&ZERO, &self.input], &mut input, &mut rows);
        mix_columns(simd, &input, &rows, &mut once, false);
        mix_rows(simd, [&ZERO, &once], &mut input, &mut rows);
        mix_columns(simd, &input, &rows, &mut self.words, false);
    }
}

/// The first half of the function G: writes the XOR of two blocks to `input`, and its permuted rows
/// to `rows`.
#[inline(always)]
fn mix_rows<S: Simd>(simd: S, from: [&Block; 2], input: &mut Block, rows: &mut Block) {
    for row in 0..WORDS / ROW {
        let at = row * ROW;
        let mut load = |part: usize| {
            let at = at + part * STEP;
            let words = vector(simd, from[0], at) ^ vector(simd, from[1], at);
            words.store_slice(&mut input[at..at + STEP]);
            words
        };
        // A row is a four-by-four matrix: first its columns, then its diagonals.
        let [a, b, c, d] = quarter([load(0), load(1), load(2), load(3)]);
        let [a, b, c, d] = quarter([a, b.slide::<1>(b), c.slide::<2>(c), d.slide::<3>(d)]);
        for (part, words) in [a, b.slide::<3>(b), c.slide::<2>(c), d.slide::<1>(d)]
            .into_iter()
            .enumerate()
        {
            let at = at + part * STEP;
            words.store_slice(&mut rows[at..at + STEP]);
        }
    }
}

/// The second half of the function G: permutes the columns and XORs the input again. A column is
/// two words wide, so a vector holds two neighbours.
#[inline(always)]
fn mix_columns<S: Simd>(simd: S, input: &Block, rows: &Block, into: &mut Block, mix: bool) {
    for column in 0..ROW / STEP {
        let load = |row: usize| vector(simd, rows, row * ROW + column * STEP);
        let [a0, b0, c0, d0] = quarter([load(0), load(2), load(4), load(6)]);
        let [a1, b1, c1, d1] = quarter([load(1), load(3), load(5), load(7)]);
        let (b, d) = ([join(b0, b1), join(b1, b0)], [join(d1, d0), join(d0, d1)]);
        let [a0, b0, c1, d1] = quarter([a0, b[0], c1, d[0]]);
        let [a1, b1, c0, d0] = quarter([a1, b[1], c0, d[1]]);
        let mixed = [
            a0,
            a1,
            join(b1, b0),
            join(b0, b1),
            c0,
            c1,
            join(d1, d0),
            join(d0, d1),
        ];
        for (row, words) in mixed.into_iter().enumerate() {
            let at = row * ROW + column * STEP;
            let mut words = words ^ vector(simd, input, at);
            if mix {
                words ^= vector(simd, into, at);
            }
            words.store_slice(&mut into[at..at + STEP]);
        }
    }
}

#[inline(always)]
fn vector<S: Simd>(simd: S, block: &Block, at: usize) -> u64x4<S> {
    u64x4::from_slice(simd, &block[at..at + STEP])
}

/// The second word of each pair in `a`, followed by the first word of the pair in `b`.
#[inline(always)]
fn join<S: Simd>(a: u64x4<S>, b: u64x4<S>) -> u64x4<S> {
    a.slide_within_blocks::<1>(b)
}

/// The function GB (RFC 9106, section 3.6) on four quadruples of words at once.
#[inline(always)]
fn quarter<S: Simd>([a, b, c, d]: [u64x4<S>; 4]) -> [u64x4<S>; 4] {
    let a = add(a, b);
    let d = rotate::<S, 32>(d ^ a);
    let c = add(c, d);
    let b = rotate::<S, 24>(b ^ c);
    let a = add(a, b);
    let d = rotate::<S, 16>(d ^ a);
    let c = add(c, d);
    let b = rotate::<S, 63>(b ^ c);
    [a, b, c, d]
}

/// a + b + 2 * low(a) * low(b).
#[inline(always)]
fn add<S: Simd>(a: u64x4<S>, b: u64x4<S>) -> u64x4<S> {
    let product = (a & low(u64::MAX)) * (b & low(u64::MAX));
    a + b + product + product
}

#[inline(always)]
fn rotate<S: Simd, const RIGHT: u32>(words: u64x4<S>) -> u64x4<S> {
    (words >> RIGHT) | (words << (u64::BITS - RIGHT))
}

/// Overwrites blocks, and keeps the compiler from optimising that away.
pub(in crate::hash) fn wipe(blocks: &mut [Block]) {
    blocks.fill([0; WORDS]);
    std::hint::black_box(blocks);
}
