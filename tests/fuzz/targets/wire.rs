//! Messages: what decodes is encoded to what decodes to the same, and what is derived from a message takes any numbers in it.
#![no_main]
use framefleet_frames::times::Times;
use framefleet_frames::{Annotation, BatchInfo, Event, Item, Task, annotation, item};
use libfuzzer_sys::fuzz_target;
use prost::Message;

/// Decoded, if it is one; then what is encoded of it is the same message. (Not the same bytes: fields may come in any order. NaN is unequal to
/// itself, so bytes are compared.)
fn decoded<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let encoded = message.encode_to_vec();
    let again = M::decode(&encoded[..]).expect("what was encoded can be decoded");
    assert_eq!(again.encode_to_vec(), encoded);
    Some(message)
}

fuzz_target!(|bytes: &[u8]| {
    decoded::<Task>(bytes);
    decoded::<Event>(bytes);
    if let Some(batch) = decoded::<BatchInfo>(bytes) {
        let times = Times::new(&batch.pts_ns);
        assert!(times.iter().eq(batch.pts_ns.iter().copied()));
    }
    if let Some(known) = decoded::<Item>(bytes) {
        for frame in [0, 1, u64::MAX] {
            item::frame_size(&known, frame);
            item::frame_format(&known, frame);
            item::frame_colour(&known, frame);
        }
        item::largest_proxy(&known);
    }
    if let Some(value) = decoded::<Annotation>(bytes) {
        let _ = annotation::to_json(&value);
    }
});
