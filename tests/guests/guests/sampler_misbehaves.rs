//! Misbehaves in the way that its configuration names.

use zenith_plugin_sdk::{Error, Population, Sampler, export, serde};

struct Guest {
    case: String,
    length: u64,
}

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Config {
    case: String,
}

impl Sampler for Guest {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        Ok(Self { case: config.case, length: 0 })
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        self.length = population.length;
        Ok(if self.case == "indices of nothing" { 1 } else { population.length })
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error> {
        match &*self.case {
            "an index outside" => run.push(self.length),
            "more than asked for" => run.extend((0..=u64::from(limit)).map(|_| 0)),
            "an early end" => {}
            "a trap" => panic!("I lost count"),
            _ => run.push(0),
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        vec![0; 2 << 20]
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), Error> {
        Err(Error::InvalidState("it is another's".into()))
    }
}

export!(sampler: Guest);
