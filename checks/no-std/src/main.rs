//! The program around the message: an allocator, a panic handler and an entry, and no std. The C
//! library is linked for the entry and for `memcpy` alone.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The whole memory of the program.
const ARENA: usize = 4 << 20;

#[repr(align(64))]
struct Arena {
    bytes: UnsafeCell<[u8; ARENA]>,
    used: AtomicUsize,
}

// SAFETY: every piece is handed out once.
unsafe impl Sync for Arena {}

// SAFETY: pieces lie within the arena, are aligned, and none is handed out twice.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let take = |used: usize| {
            let start = used.checked_next_multiple_of(layout.align())?;
            start.checked_add(layout.size()).filter(|end| *end <= ARENA)
        };
        let ordering = Ordering::Relaxed;
        match self.used.fetch_update(ordering, ordering, take) {
            Ok(used) if layout.align() <= 64 => {
                let start = used.next_multiple_of(layout.align());
                // SAFETY: `start` is not beyond the end, which `take` has checked.
                unsafe { self.bytes.get().cast::<u8>().add(start) }
            }
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Arena = Arena {
    bytes: UnsafeCell::new([0; ARENA]),
    used: AtomicUsize::new(0),
};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// Exit status 0, or the number of the step that failed.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    match message::send_to_self() {
        Ok(()) => 0,
        Err(step) => step as i32,
    }
}
