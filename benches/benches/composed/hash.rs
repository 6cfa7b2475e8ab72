//! The hash alone.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use ee::auth_password::Argon2Params;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    millis: u64,
}

/// Hashes on as many threads as the server has places, with its parameters.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (cost, threads) = (Argon2Params::DEFAULT, thread::available_parallelism()?);
    let (memory, passes, lanes) = (cost.memory_kib(), cost.iterations(), cost.parallelism());
    let params = Params::new(memory, passes, lanes, None);
    let params = params.context("the parameters of the product")?;
    let (start, time) = (Instant::now(), Duration::from_millis(args.millis));
    let crowd: Vec<_> = (0..threads.get())
        .map(|_| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            thread::spawn(move || rate(&argon2, start, time))
        })
        .collect();
    let mut sum = 0.0;
    for thread in crowd {
        let rate = thread.join().ok().context("a thread has panicked")?;
        sum += rate?;
    }
    println!("{sum}");
    Ok(())
}

/// Returns how many hashes one thread finishes in a second; the last one may take longer than the time.
fn rate(argon2: &Argon2<'_>, start: Instant, time: Duration) -> Result<f64> {
    let (mut done, mut output) = (0.0, [0; 32]);
    while start.elapsed() < time {
        let hashed = argon2.hash_password_into(
            black_box(b"violet tractor sings"),
            b"a salt of 16 b..",
            &mut output,
        );
        hashed.ok().context("cannot hash")?;
        black_box(&output);
        done += 1.0;
    }
    Ok(done / start.elapsed().as_secs_f64())
}
