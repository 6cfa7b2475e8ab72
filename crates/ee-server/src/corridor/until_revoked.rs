//! Streams that end when their caller may not have them any more.

use std::time::Duration;

use ee_core::{Error, ErrorKind};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tokio::{
    select,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    asked_again::{Judged, Kept, is_doubt},
    record::record_revoked,
};
use crate::{AuthMode, Cx};

/// How often a stream looks whether anything has changed: a comparison of numbers.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// At how many looks of those the caller is judged again where nobody tells of changes.
const LOOKS_BETWEEN: u32 = 3;
/// How long a stream waits for a store that cannot be asked.
///
/// Nothing is passed on meanwhile, so nobody gets what he may not have; a store that is back within this time has cut
/// no answer off.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cx {
    /// Passes a stream on for as long as the request would still be admitted, and asks that within a second of every
    /// change. When it would not be any more, what makes the stream is dropped, an error is the last item, and the
    /// record says so.
    ///
    /// For routes that are [declared to stream](crate::Route::streams); behind another one the stream is an error of
    /// kind [`ErrorKind::Internal`] and nothing else.
    pub fn until_revoked<T: Send + 'static>(
        &self,
        items: BoxStream<'static, T>,
    ) -> BoxStream<'static, Result<T, Error>> {
        match Watch::new(self) {
            Ok(Some(watch)) => stream::unfold(Some((watch, items)), next).boxed(),
            Ok(None) => items.map(Ok).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    /// Waits for something for as long as the request would still be admitted; what is waited for is dropped then.
    ///
    /// Fails as [`admit`](crate::admit) does.
    pub async fn unless_revoked<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let Some(mut watch) = Watch::new(self)? else {
            return Ok(work.await);
        };
        let mut work = std::pin::pin!(work);
        loop {
            select! {
                biased;
                () = watch.due() => watch.ask().await?,
                done = &mut work => return Ok(done),
            }
        }
    }
}

type Watched<T> = (Watch, BoxStream<'static, T>);

async fn next<T>(watched: Option<Watched<T>>) -> Option<(Result<T, Error>, Option<Watched<T>>)> {
    let (mut watch, mut items) = watched?;
    loop {
        select! {
            biased;
            () = watch.due() => {
                if let Err(error) = watch.ask().await {
                    drop(items);
                    watch.record(&error).await;
                    return Some((Err(error), None));
                }
            }
            item = items.next() => return item.map(|item| (Ok(item), Some((watch, items)))),
        }
    }
}

/// Watches whether a request would still be admitted.
#[derive(Debug)]
struct Watch {
    cx: Cx,
    judged: Judged,
    looks: Interval,
    looks_since: u32,
}

impl Watch {
    /// Watches from the moment that the request was admitted. `None` where everybody may do everything.
    fn new(cx: &Cx) -> Result<Option<Self>, Error> {
        if matches!(cx.server().auth, AuthMode::Off) {
            return Ok(None);
        }
        let judged = Judged::first(cx, kept(cx)?);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Some(Self {
            cx: cx.clone(),
            judged,
            looks,
            looks_since: 0,
        }))
    }

    /// Comes when the caller has to be judged again.
    async fn due(&mut self) {
        loop {
            self.looks.tick().await;
            self.looks_since += 1;
            let is_due = self.judged.is_overtaken(&self.cx)
                || self.looks_since >= LOOKS_BETWEEN
                    && kept(&self.cx).is_ok_and(|kept| self.judged.is_stale(&self.cx, kept));
            if is_due {
                return;
            }
        }
    }

    /// Judges the caller again. A store that does not answer is asked until it does, while nothing is passed on.
    async fn ask(&mut self) -> Result<(), Error> {
        let asked = async {
            loop {
                match self.judged.again(&self.cx, kept(&self.cx)?).await {
                    Err(error) if is_doubt(&error) => self.looks.tick().await,
                    judged => return judged,
                };
            }
        };
        let judged = timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            let message = "nobody can tell any more whether you may have this";
            Err(Error::new(ErrorKind::Unavailable, message))
        });
        self.looks_since = 0;
        self.judged = judged.map_err(ended)?;
        Ok(())
    }

    async fn record(&self, error: &Error) {
        if let Ok(kept) = kept(&self.cx) {
            record_revoked(&self.cx, kept.route(), kept.resource_param(), error).await;
        }
    }
}

fn kept(cx: &Cx) -> Result<&Kept, Error> {
    let message = "a stream behind a route that is not declared to stream";
    let kept = cx.0.kept.as_deref();
    kept.ok_or_else(|| Error::new(ErrorKind::Internal, message))
}

/// Says to whoever listens why it ends here.
fn ended(error: Error) -> Error {
    if error.kind() == ErrorKind::Unauthenticated {
        let message = "your sign-in or key is over";
        return Error::new(ErrorKind::Unauthenticated, message);
    }
    error
}
