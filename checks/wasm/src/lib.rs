//! A module without imports: one function that sends a message to itself.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PAGE: usize = 65_536;

/// Hands out the memory of the module, and never takes any back.
struct Bump {
    next: AtomicUsize,
}

// SAFETY: pieces lie in pages that were grown for them, are aligned, and none is handed out twice;
// a module has one thread.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let end = core::arch::wasm32::memory_size(0) * PAGE;
        let next = match self.next.load(Relaxed) {
            0 => end,
            next => next,
        };
        let start = next.next_multiple_of(layout.align());
        let Some(new) = start.checked_add(layout.size()) else {
            return core::ptr::null_mut();
        };
        let missing = new.saturating_sub(end).div_ceil(PAGE);
        if missing > 0 && core::arch::wasm32::memory_grow(0, missing) == usize::MAX {
            return core::ptr::null_mut();
        }
        self.next.store(new, Relaxed);
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump {
    next: AtomicUsize::new(0),
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// 0, or the number of the step that failed.
#[unsafe(no_mangle)]
pub extern "C" fn send_to_self() -> u32 {
    match message::send_to_self() {
        Ok(()) => 0,
        Err(step) => step as u32,
    }
}
