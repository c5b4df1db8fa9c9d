//! A queue with a limit on the work in flight. Work that is still queued is only
//! a value, without a future, so that a long queue stays small.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

/// Does a piece of work and returns its outcome.
type Start<W, O> = Box<dyn Fn(W) -> BoxFuture<'static, O> + Send>;

/// Work of one kind, started in the order it came, at most `limit` at a time.
pub(super) struct Queue<W, O> {
    limit: usize,
    start: Start<W, O>,
    waiting: VecDeque<W>,
    running: FuturesUnordered<BoxFuture<'static, O>>,
}

impl<W, O> Queue<W, O> {
    /// An empty queue with at most `limit` pieces of work in flight.
    pub(super) fn new(
        limit: usize,
        start: impl Fn(W) -> BoxFuture<'static, O> + Send + 'static,
    ) -> Self {
        Self {
            limit,
            start: Box::new(start),
            waiting: VecDeque::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Queues work; it starts as soon as the limit allows.
    pub(super) fn push(&mut self, work: W) {
        self.waiting.push_back(work);
        self.fill();
    }

    /// The next outcome; pending while nothing is in flight.
    pub(super) async fn next(&mut self) -> O {
        let Some(ended) = self.running.next().await else {
            return std::future::pending().await;
        };
        self.fill();
        ended
    }

    /// Whether low-priority work would delay no other: nothing is queued, and most
    /// of the limit is free for work to come.
    pub(super) fn has_spare_capacity(&self) -> bool {
        self.waiting.is_empty() && self.running.len() < (self.limit / 4).max(1)
    }

    /// Whether nothing is queued or in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Aborts everything.
    pub(super) fn abort(&mut self) {
        self.waiting.clear();
        self.running.clear();
    }

    /// Starts nothing more, and waits for the work in flight.
    pub(super) async fn finish(&mut self) {
        self.waiting.clear();
        while self.running.next().await.is_some() {}
    }

    fn fill(&mut self) {
        while self.running.len() < self.limit {
            let Some(work) = self.waiting.pop_front() else {
                return;
            };
            self.running.push((self.start)(work));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::mpsc::{self, Receiver};

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::Queue;

    /// A queue whose work is done as `how` says, and what has begun.
    fn queue(
        limit: usize,
        how: fn(u8) -> BoxFuture<'static, u8>,
        work: u8,
    ) -> (Queue<u8, u8>, Receiver<u8>) {
        let (sender, begun) = mpsc::channel();
        let mut queue = Queue::new(limit, move |work| {
            sender.send(work).unwrap();
            how(work)
        });
        (0..work).for_each(|work| queue.push(work));
        (queue, begun)
    }

    fn done(work: u8) -> BoxFuture<'static, u8> {
        ready(work).boxed()
    }

    fn endless(_: u8) -> BoxFuture<'static, u8> {
        pending().boxed()
    }

    #[test]
    fn no_more_is_in_flight_than_the_limit() {
        let (mut queue, begun) = queue(2, endless, 5);
        assert_eq!(queue.next().now_or_never(), None);
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn what_ends_makes_room_for_what_came_first() {
        let (mut queue, begun) = queue(1, done, 3);
        for work in 0..3 {
            assert_eq!(begun.try_iter().collect::<Vec<_>>(), [work]);
            assert_eq!(queue.next().now_or_never(), Some(work));
        }
        assert!(queue.is_idle());
        assert_eq!(queue.next().now_or_never(), None);
    }

    #[test]
    fn aborted_work_neither_continues_nor_starts() {
        let (mut queue, begun) = queue(2, done, 5);
        queue.abort();
        assert!(queue.is_idle());
        assert_eq!(queue.next().now_or_never(), None);
        queue.push(7);
        assert_eq!(queue.next().now_or_never(), Some(7));
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), [0, 1, 7]);
    }

    #[test]
    fn finishing_waits_for_work_in_flight_and_starts_nothing() {
        let (mut finished, begun) = queue(2, done, 5);
        assert_eq!(finished.finish().now_or_never(), Some(()));
        assert!(finished.is_idle());
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), [0, 1]);
        let (mut unfinished, _begun) = queue(2, endless, 1);
        assert_eq!(unfinished.finish().now_or_never(), None);
    }

    #[test]
    fn there_is_spare_capacity_while_most_of_the_limit_is_free_and_nothing_is_queued() {
        for (limit, busy, spare) in [(8, 1, true), (8, 2, false), (1, 0, true), (1, 1, false)] {
            let (queue, _begun) = queue(limit, endless, busy);
            assert_eq!(queue.has_spare_capacity(), spare, "{busy} of {limit}");
        }
    }
}
