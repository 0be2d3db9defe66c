//! Shards against torch's `DistributedSampler`: equal. The file comes from `golden/make.py`.

use zenith_plugin_sdk::Population;
use zenith_sampling::Cursor;

type Case = (u64, u32, bool, Vec<Vec<u64>>);

#[test]
fn shards_are_those_of_torch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/shards.json")).unwrap();
    assert_eq!(cases.len(), 130);
    for (length, world_size, drop_last, shards) in cases {
        for (rank, expected) in (0..).zip(shards) {
            let population = Population { length, epoch: 0, seed: 0, rank, world_size };
            let mut cursor = Cursor::new(length, &population, drop_last).unwrap();
            assert_eq!(cursor.remaining(), expected.len() as u64);
            let shard: Vec<u64> = cursor.take(u64::MAX).collect();
            assert_eq!(shard, expected, "length {length}, rank {rank} of {world_size}");
        }
    }
}
