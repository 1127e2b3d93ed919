//! Counts the work of loops in tests, which tell linear from quadratic by it. Elsewhere it costs nothing.

#[cfg(test)]
#[allow(unreachable_pub, reason = "tests outside the crate use it, too")]
#[path = "../../tests/support/heavy_inputs.rs"]
pub(crate) mod heavy_inputs;

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts steps: bytes read, entries compared.
#[inline]
pub(crate) fn count_steps(steps: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + steps);
    let _ = steps;
}

/// Returns how many steps some work took.
#[cfg(test)]
pub(crate) fn steps_of(work: impl FnOnce()) -> usize {
    STEPS.set(0);
    work();
    STEPS.get()
}

/// Fails if twice the input takes more than 2.2 times the work.
#[cfg(test)]
#[track_caller]
pub(crate) fn assert_linear<T>(what: &str, size: usize, input: impl Fn(usize) -> T, work: impl Fn(&T)) {
    let steps = |size: usize| {
        let input = input(size);
        steps_of(|| work(&input))
    };
    let (once, twice) = (steps(size), steps(2 * size));
    assert!(once > 0, "{what}: nothing was counted");
    assert!(twice * 10 <= once * 22, "{what}: {once} steps for {size} bytes, but {twice} for twice as many");
}
