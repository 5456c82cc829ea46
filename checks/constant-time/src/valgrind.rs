//! The four requests to valgrind's memcheck that this check needs (x86-64 only).
//!
//! A request is a sequence of instructions that does nothing on a processor and that valgrind
//! recognises: four rotations by 128 bits in all, then `xchg rbx, rbx`, with the arguments behind
//! rax and the answer in rdx.

use core::arch::asm;

const RUNNING_ON_VALGRIND: u64 = 0x1001;
const COUNT_ERRORS: u64 = 0x1201;
const MAKE_MEM_UNDEFINED: u64 = MEMCHECK + 1;
const MAKE_MEM_DEFINED: u64 = MEMCHECK + 2;
const MEMCHECK: u64 = (b'M' as u64) << 24 | (b'C' as u64) << 16;

fn request(code: u64, first: u64, second: u64) -> u64 {
    let arguments = [code, first, second, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: on a processor the instructions change nothing but flags and leave rdi as it was;
    // under valgrind they set rdx and the definedness of the memory that `second` bounds.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            inout("rdx") answer,
            in("rax") arguments.as_ptr(),
        );
    }
    answer
}

/// Returns whether valgrind runs this program.
pub fn is_running() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// Returns the number of errors that valgrind has found so far, without suppressed ones.
pub fn errors() -> u64 {
    request(COUNT_ERRORS, 0, 0)
}

/// Marks bytes as secret: a branch or an address that depends on them is an error from now on.
pub fn secret<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    request(MAKE_MEM_UNDEFINED, bytes.as_mut_ptr() as u64, N as u64);
    bytes
}

/// Marks 32 bytes inside of a value as public, those that are `public` in `twin`: a value of the same type
/// that was made of no secret.
pub fn publish<T>(value: &T, twin: &T, public: &[u8; 32]) {
    // SAFETY: the memory of a value for as long as it is borrowed.
    let bytes = unsafe {
        core::slice::from_raw_parts(core::ptr::from_ref(twin).cast::<u8>(), size_of::<T>())
    };
    let offset = bytes.windows(32).position(|window| window == public);
    let offset = offset.expect("the public key is in there");
    let start = core::ptr::from_ref(value) as u64 + offset as u64;
    request(MAKE_MEM_DEFINED, start, 32);
}

/// Marks bytes as public.
pub fn publish_bytes(bytes: &[u8]) {
    request(MAKE_MEM_DEFINED, bytes.as_ptr() as u64, bytes.len() as u64);
}
