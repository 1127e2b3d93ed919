use proptest::prelude::*;

use super::decode;

fn terminal_bytes() -> impl Strategy<Value = Vec<u8>> {
    let likely = prop::sample::select(b"\x1b\x1b\x1b[[O]P<>?;:0129~uAMRZ\r\x07\\".to_vec());
    prop::collection::vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..40)
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_events_in_any_two_reads(bytes in terminal_bytes(), cut in 0_usize..40) {
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(decode(&[head, tail]), decode(&[&bytes]));
    }
}
