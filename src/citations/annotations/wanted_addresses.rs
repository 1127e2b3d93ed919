//! Finds many addresses in a text at once.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
};

use crate::text::work;

/// The longest address that is looked for, in bytes.
pub(super) const MAX_ADDRESS_BYTES: usize = 2048;
/// The shortest, which could hardly be anything else.
const MIN_ADDRESS_BYTES: usize = 8;

/// Addresses that have not been found yet, each with the numbers under which it was added.
#[derive(Debug, Clone, Default)]
pub(super) struct WantedAddresses(BTreeMap<String, Vec<usize>>);

impl WantedAddresses {
    pub(super) fn add(&mut self, address: &str, number: usize) {
        if (MIN_ADDRESS_BYTES..=MAX_ADDRESS_BYTES).contains(&address.len()) {
            self.0.entry(address.to_owned()).or_default().push(number);
        }
    }

    /// Takes the addresses that occur in a text behind `from`, each with its first range.
    pub(super) fn take_found(&mut self, text: &str, from: usize) -> Vec<(usize, Range<usize>)> {
        let mut found = Vec::new();
        let mut is_first_byte = [false; 256];
        for address in self.0.keys() {
            is_first_byte[usize::from(address.as_bytes()[0])] = true;
        }
        work::count_steps(text.len() - from);
        for start in from..text.len() {
            if self.0.is_empty() {
                break;
            }
            if is_first_byte[usize::from(text.as_bytes()[start])] && text.is_char_boundary(start) {
                for address in self.addresses_at(text, start) {
                    let range = start..start + address.len();
                    let numbers = self.0.remove(&address).unwrap_or_default();
                    found.extend(numbers.into_iter().map(|number| (number, range.clone())));
                }
            }
        }
        found
    }

    /// Returns the addresses that stand at a position.
    fn addresses_at(&self, text: &str, start: usize) -> Vec<String> {
        let longest = text.floor_char_boundary((start + MAX_ADDRESS_BYTES).min(text.len()));
        let mut found = Vec::new();
        let mut bound = Bound::Included(&text[start..longest]);
        // The beginnings of a text sort before it; between two of them stand only addresses that part from it.
        while let Some((address, _)) = self.0.range::<str, _>((Bound::Unbounded, bound)).next_back() {
            let here = &text[start..longest];
            let shared = here.bytes().zip(address.bytes()).take_while(|(one, other)| one == other).count();
            work::count_steps(shared + 1);
            if shared < address.len() {
                bound = Bound::Included(&here[..here.floor_char_boundary(shared)]);
                continue;
            }
            if is_whole(text, start + shared) {
                found.push(address.clone());
            }
            bound = Bound::Excluded(address.as_str());
        }
        found
    }
}

/// Whether an address that ends here is not only the beginning of a longer one.
fn is_whole(text: &str, end: usize) -> bool {
    let rest = &text[end..];
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let ends = rest
        .chars()
        .next()
        .is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '/' | '-' | '_' | '%' | '=' | '~'))
        || rest.starts_with("?utm_");
    // At the end of a growing text the address may not be complete.
    ends && end < text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(addresses: &[&str], text: &str) -> Vec<(usize, usize)> {
        let mut wanted = WantedAddresses::default();
        for (number, address) in addresses.iter().enumerate() {
            wanted.add(address, number);
        }
        let mut found: Vec<_> = wanted.take_found(text, 0).into_iter().map(|(at, range)| (at, range.start)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn each_address_is_found_where_it_first_stands_whole() {
        let addresses = ["https://a.example", "https://a.example/b", "https://a.example/b/c", "https://z.example"];
        assert_eq!(
            found(&addresses, "https://a.example/b/c https://a.example/b. (https://a.example)"),
            [(0, 44), (1, 22), (2, 0)]
        );
        assert_eq!(found(&addresses, "https://a.example/b-c https://z.examples https://z.example"), []);
        assert_eq!(
            found(&["https://é.example/x", "https://é.example"], "é https://é.example/xy https://é.example/x "),
            [(0, 25)]
        );
    }

    #[test]
    fn many_addresses_are_looked_for_in_one_pass() {
        let input = |size: usize| {
            let addresses: Vec<String> = (0..size / 40).map(|nth| format!("https://x.example/{nth:08}")).collect();
            let text: String = (0..size / 40).map(|nth| format!("see https://x.example/{nth:08}x and ")).collect();
            (addresses, text)
        };
        work::assert_linear("addresses that are not there", 8000, input, |(addresses, text)| {
            let mut wanted = WantedAddresses::default();
            for (number, address) in addresses.iter().enumerate() {
                wanted.add(address, number);
            }
            assert_eq!(wanted.take_found(text, 0), []);
        });
    }
}
