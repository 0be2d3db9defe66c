//! What it costs to judge a package by its signature when it is loaded, and what reading it costs
//! anyway: `cargo run --release -p zenith-registry --example signature_cost`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, run by hand")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use zenith_core::Identity;
use zenith_registry::{Policy, SecretKey, Signature, SignatureFile, Statement, Trust, package::digest};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    let path = folder.path().join("trust.toml");
    Policy::add(&path, "acme", key.public(), None).unwrap();
    let trust = Trust::read(Some(&path), None).unwrap();
    for megabytes in [0, 1, 16] {
        let bytes = vec![7; megabytes << 20];
        let taken = digest(&bytes);
        let identity =
            Identity { name: "acme:sepia".parse().unwrap(), version: "1.2.0".into(), digest: taken };
        let statement = Statement {
            name: identity.name.clone(),
            version: identity.version.parse().unwrap(),
            digest: taken,
        };
        let signature = Signature::make(&statement, &bytes, &key).unwrap();
        let file = SignatureFile { path: PathBuf::new(), text: signature.as_str().to_owned() };
        let judging = median(|| drop(trust.judge(&identity, Some(&file)).unwrap()));
        let digesting = median(|| assert_eq!(digest(&bytes), taken));
        let verifying = median(|| signature.verify(key.public(), &bytes).unwrap());
        println!(
            "{megabytes:>3} MiB: judged in {judging:?}; its digest takes {digesting:?}, all of its bytes against \
             the signature {verifying:?}"
        );
    }
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}
