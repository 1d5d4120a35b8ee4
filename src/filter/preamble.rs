//! Comparisons for calls that the installed libseccomp has no name for (it is older than the kernel).
//!
//! ```text
//!     ld  [arch]
//!     jeq X86_64, 0, to the next ABI's test
//!     ld  [nr]
//!     jeq N, to trace   (for each number)
//!     ja  libseccomp's program
//! trace:
//!     ret TRACE
//! ```
//! once per ABI; libseccomp's program follows directly.

use super::{BuildError, cookie};
use crate::model::Abi;
use crate::table::Row;

const LD_ABS: u16 = 0x20;
const JEQ: u16 = 0x15;
const JA: u16 = 0x05;
const RET: u16 = 0x06;
const RET_TRACE: u32 = 0x7ff0_0000;
const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;

fn push(program: &mut Vec<u8>, code: u16, jt: u8, jf: u8, k: u32) {
    program.extend_from_slice(&code.to_ne_bytes());
    program.extend_from_slice(&[jt, jf]);
    program.extend_from_slice(&k.to_ne_bytes());
}

pub(super) fn build(rows: &[&'static Row]) -> Result<Vec<u8>, BuildError> {
    let mut program = Vec::new();
    if rows.is_empty() {
        return Ok(program);
    }
    let block = |abi: Abi| -> Vec<u32> { rows.iter().filter_map(|row| row.number(abi)).collect() };
    let abis = [(0xc000_003e, block(Abi::X86_64)), (0x4000_0003, block(Abi::I386))];
    // Instructions of a block: ld arch, jeq arch, ld nr, the comparisons, ja, ret.
    let length = |numbers: &Vec<u32>| numbers.len() + 5;
    let total: usize = abis.iter().map(|(_, numbers)| length(numbers)).sum();
    for (arch, numbers) in &abis {
        let done = program.len() / super::INSTRUCTION;
        let skip = |n: usize| {
            u8::try_from(n).map_err(|_| BuildError("too many calls that libseccomp does not know".to_owned()))
        };
        push(&mut program, LD_ABS, 0, 0, OFFSET_ARCH);
        push(&mut program, JEQ, 0, skip(length(numbers) - 2)?, *arch);
        push(&mut program, LD_ABS, 0, 0, OFFSET_NR);
        for (i, number) in numbers.iter().enumerate() {
            push(&mut program, JEQ, skip(numbers.len() - i)?, 0, *number);
        }
        let after = u32::try_from(total - done - length(numbers) + 1).unwrap_or(0);
        push(&mut program, JA, 0, 0, after);
        push(&mut program, RET, 0, 0, RET_TRACE | u32::from(cookie()));
    }
    Ok(program)
}
