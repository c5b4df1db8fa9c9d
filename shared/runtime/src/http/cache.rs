//! A page rendered at most once in its lifetime, whoever requests it: what
//! strangers request costs the engine the same as one client's requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::Render;

type Text = Shared<BoxFuture<'static, Option<Bytes>>>;

/// A page and its last text.
pub(super) struct Cached {
    render: Render,
    lifetime: Duration,
    last: Mutex<Option<(Instant, Text)>>,
}

impl Cached {
    pub(super) fn new(render: Render, lifetime: Duration) -> Self {
        Self {
            render,
            lifetime,
            last: Mutex::default(),
        }
    }

    /// The text: the last one, or the one being rendered, or a new one. All
    /// requests share its bytes.
    pub(super) async fn get(&self) -> Option<Bytes> {
        self.text().await
    }

    fn text(&self) -> Text {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, text)) = &*last
            && (text.peek().is_none() || now.duration_since(*since) < self.lifetime)
        {
            return text.clone();
        }
        // A task of its own: a client that leaves must not stop what others wait for,
        // nor have it begun again.
        let rendered = tokio::spawn((self.render)());
        let text = async move { Some(Bytes::from(rendered.await.ok()??)) };
        let text = text.boxed().shared();
        *last = Some((now, text.clone()));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures::FutureExt;
    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::{Cached, Render};

    const LIFETIME: Duration = Duration::from_secs(1);

    /// Shows how often it was rendered; rendering takes this long.
    fn counting(takes: Duration) -> (Arc<AtomicU32>, Cached) {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let render: Render = Arc::new(move || {
            let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                sleep(takes).await;
                Some(number.to_string())
            }
            .boxed()
        });
        (count, Cached::new(render, LIFETIME))
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_requests_in_a_second_render_once() {
        let (count, page) = counting(Duration::from_millis(200));
        let texts = join_all((0..1000).map(|_| page.get())).await;
        assert!(texts.iter().all(|text| text.as_deref() == Some(b"1")));
        assert_eq!(page.get().await.as_deref(), Some(&b"1"[..]));
        advance(LIFETIME).await;
        assert_eq!(page.get().await.as_deref(), Some(&b"2"[..]));
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_does_not_start_the_rendering_again() {
        let (count, page) = counting(LIFETIME * 3);
        for _ in 0..100 {
            assert!(page.get().now_or_never().is_none());
            advance(Duration::from_millis(20)).await;
        }
        assert_eq!(page.get().await.as_deref(), Some(&b"1"[..]));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
