//! Every interleaving of a few messages, turns, crashes and cancels, for each way of being busy: breadth first over all
//! states that can be reached, with what must hold in each.

use super::{Beginning, Own, Place, Reception, Seen, Waiting};
use crate::sessions::Busy;
use flotilla_jobs::JobId;
use std::collections::{BTreeMap, HashSet, VecDeque};
use uuid::Uuid;

const QUEUE: &str = "default";
/// Messages of one exploration.
const MESSAGES: usize = 4;
/// Crashes of one exploration: each only repeats what is done already.
const CRASHES: u8 = 1;
/// Pauses of one exploration.
const PAUSES: u8 = 1;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum At {
    Line,
    /// Lost by a worker; it keeps its slot.
    Again,
    /// Gave its slot up.
    Paused,
    /// Claimed; whether it has begun its turn in this run, and whether it was asked to end.
    Runs {
        begun: bool,
        asked: bool,
    },
    Done,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    place: Option<(Option<u64>, JobId)>,
    /// The job posted with it, for a message.
    message: Option<JobId>,
}

/// A session, its entries and jobs: what a record would hold, and what its queue would do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    seen: Seen,
    entries: BTreeMap<u64, Entry>,
    jobs: Vec<At>,
    refused: usize,
    crashes: u8,
    pauses: u8,
    /// Jobs that ended without a turn of their own.
    joined: Vec<JobId>,
}

fn job(n: usize) -> JobId {
    JobId(Uuid::from_u128(n as u128 + 1))
}

impl World {
    fn new(busy: Busy) -> Self {
        let seen = Seen {
            busy,
            last: 0,
            head: None,
            turn: None,
            queue: Some(QUEUE.to_owned()),
            leaf: None,
            waiting: Vec::new(),
        };
        let (entries, jobs, joined) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { seen, entries, jobs, refused: 0, crashes: 0, pauses: 0, joined }
    }

    /// What a record would read: turns and messages of jobs that ended count no more.
    fn look(&self) -> Seen {
        let open = |id: JobId| (0..self.jobs.len()).any(|n| job(n) == id && !self.is_over(n));
        let waiting = self.entries.iter().filter_map(|(id, e)| match (e.place, e.message) {
            (None, Some(job)) if open(job) => Some(Waiting { entry: *id, job }),
            _ => None,
        });
        let turn = self.seen.turn.filter(|id| open(*id));
        Seen { turn, waiting: waiting.collect(), ..self.seen.clone() }
    }

    fn is_over(&self, n: usize) -> bool {
        matches!(self.jobs[n], At::Done | At::Cancelled)
    }

    fn runs(&self) -> Option<usize> {
        self.jobs.iter().position(|at| matches!(at, At::Runs { .. }))
    }

    fn put(&mut self, places: &[Place], turn: JobId) {
        for place in places {
            let entry = self.entries.entry(place.entry).or_insert(Entry { place: None, message: None });
            assert_eq!(entry.place, None, "an entry has one place");
            entry.place = Some((place.parent, turn));
        }
    }

    fn own(&self, n: usize) -> Own {
        let (id, entry) = self.entries.iter().find(|(_, e)| e.message == Some(job(n))).unwrap();
        let taken_by = entry.place.map(|(_, turn)| turn);
        let of_turn = |e: &Entry| e.place.is_some_and(|(_, turn)| Some(turn) == taken_by);
        let leaf = self.entries.iter().filter(|(_, e)| of_turn(e)).map(|(id, _)| *id).max();
        Own { entry: *id, taken_by, leaf: leaf.unwrap_or(*id) }
    }

    /// Every world that one operation leads to.
    fn next(&self) -> Vec<World> {
        let mut all = vec![self.post()];
        let first = |place| self.jobs.iter().position(|at| *at == place);
        if let (None, Some(n)) = (self.runs(), first(At::Again).or(first(At::Line))) {
            all.push(Some(self.with(n, At::Runs { begun: false, asked: false })));
        }
        for (n, at) in self.jobs.iter().enumerate() {
            match at {
                At::Line => all.push(Some(self.with(n, At::Cancelled))),
                At::Paused => all.extend([At::Line, At::Cancelled].map(|at| Some(self.with(n, at)))),
                _ => {}
            }
        }
        if let Some(n) = self.runs() {
            all.extend([
                self.begin(n),
                self.hear(n),
                self.end(n, false),
                self.end(n, true),
                self.crash(n),
                self.pause(n),
            ]);
        }
        all.into_iter().flatten().collect()
    }

    fn with(&self, n: usize, at: At) -> World {
        let mut world = self.clone();
        world.jobs[n] = at;
        world
    }

    fn post(&self) -> Option<World> {
        if self.jobs.len() + self.refused == MESSAGES {
            return None;
        }
        let mut world = self.clone();
        let mut seen = self.look();
        let id = job(self.jobs.len());
        match seen.receive(id) {
            Reception::Full => unreachable!("there is room"),
            Reception::Busy(_) => {
                assert!(self.jobs.iter().enumerate().any(|(n, _)| !self.is_over(n)), "only a busy session refuses");
                world.refused += 1;
            }
            Reception::Waits { entry, interrupts } => {
                assert!(!self.entries.contains_key(&entry), "numbers are given once");
                world.seen = seen;
                world.entries.insert(entry, Entry { place: None, message: Some(id) });
                world.jobs.push(At::Line);
                if let Some(n) = (0..self.jobs.len()).find(|n| Some(job(*n)) == interrupts) {
                    // It runs, and is told; or it waits for its next run, and is over.
                    world.jobs[n] = match self.jobs[n] {
                        At::Runs { begun, .. } => At::Runs { begun, asked: true },
                        _ => At::Cancelled,
                    };
                }
            }
        }
        Some(world)
    }

    fn begin(&self, n: usize) -> Option<World> {
        let At::Runs { begun: false, asked } = self.jobs[n] else { return None };
        let mut world = self.clone();
        let mut seen = self.look();
        match seen.begin(job(n), QUEUE, self.own(n)) {
            Beginning::Begins(places) => {
                world.put(&places, job(n));
                world.seen = seen;
                world.jobs[n] = At::Runs { begun: true, asked };
            }
            Beginning::Joins(other, places) => {
                world.put(&places, other);
                world.seen = seen;
                world.jobs[n] = At::Done;
                world.joined.push(job(n));
            }
            Beginning::Joined(_) => {
                world.jobs[n] = At::Done;
                world.joined.push(job(n));
            }
            Beginning::Wait(_) => panic!("one runs at a time, and what runs holds the group's slot"),
        }
        Some(world)
    }

    fn hear(&self, n: usize) -> Option<World> {
        let At::Runs { begun: true, .. } = self.jobs[n] else { return None };
        let mut world = self.clone();
        let mut seen = self.look();
        let places = seen.hear();
        world.put(&places, job(n));
        world.seen = seen;
        (!places.is_empty()).then_some(world)
    }

    fn end(&self, n: usize, cancelled: bool) -> Option<World> {
        let At::Runs { begun: true, asked } = self.jobs[n] else { return None };
        if cancelled && !asked {
            return None;
        }
        let mut world = self.clone();
        world.jobs[n] = if cancelled { At::Cancelled } else { At::Done };
        // As a record does it: the job has its result first.
        let mut seen = Seen { turn: self.seen.turn, ..world.look() };
        let places = seen.leave(job(n), 1);
        assert_eq!(places.len(), 1, "whose turn it is leaves its answer");
        world.put(&places, job(n));
        world.seen = seen;
        Some(world)
    }

    fn crash(&self, n: usize) -> Option<World> {
        let At::Runs { asked, .. } = self.jobs[n] else { return None };
        if self.crashes == CRASHES {
            return None;
        }
        let mut world = self.with(n, if asked { At::Cancelled } else { At::Again });
        world.crashes += 1;
        Some(world)
    }

    fn pause(&self, n: usize) -> Option<World> {
        let At::Runs { asked: false, .. } = self.jobs[n] else { return None };
        let mut world = self.with(n, At::Paused);
        world.pauses += 1;
        (self.pauses < PAUSES).then_some(world)
    }

    /// The branch of the head, the newest first.
    fn branch(&self) -> Vec<u64> {
        let mut branch = Vec::new();
        let mut at = self.seen.head;
        while let Some(id) = at {
            assert!(branch.len() < 100, "a tree has no circle");
            branch.push(id);
            at = self.entries[&id].place.expect("what is on the branch has its place").0;
        }
        branch
    }

    /// What holds in every world.
    fn check(&self) {
        let branch = self.branch();
        let on_branch: HashSet<u64> = branch.iter().copied().collect();
        for (id, entry) in &self.entries {
            assert_eq!(entry.place.is_some(), on_branch.contains(id), "nothing is lost, and nothing shown too early");
        }
        let unfinished = (0..self.jobs.len()).filter(|n| !self.is_over(*n)).count();
        if self.seen.busy == Busy::Reject {
            assert!(unfinished <= 1, "a session that refuses has one message at a time");
        }
        // A turn is one piece of the branch, in the order of arrival.
        let turns: Vec<JobId> = branch.iter().rev().map(|id| self.entries[id].place.unwrap().1).collect();
        let mut seen = HashSet::new();
        for pair in turns.windows(2).filter(|pair| pair[0] != pair[1]) {
            assert!(seen.insert(pair[0]), "no turn writes into another");
        }
        for turn in turns.iter().collect::<HashSet<_>>() {
            let of_turn: Vec<u64> =
                branch.iter().rev().copied().filter(|id| self.entries[id].place.unwrap().1 == *turn).collect();
            assert!(of_turn.is_sorted(), "in the order of arrival: {of_turn:?}");
        }
        if unfinished == 0 {
            self.check_end();
        }
    }

    /// What holds once all is over.
    fn check_end(&self) {
        for entry in self.entries.values() {
            let Some(posted) = entry.message else { continue };
            let n = (0..self.jobs.len()).find(|n| job(*n) == posted).unwrap();
            if self.jobs[n] != At::Cancelled {
                assert!(entry.place.is_some(), "a message that nobody cancelled was read");
            }
        }
        // Answers = turns: a job that is done had one, unless another one answered its message.
        for (n, at) in self.jobs.iter().enumerate() {
            let answers = self.entries.values().filter(|e| e.message.is_none());
            let answers = answers.filter(|e| e.place.is_some_and(|(_, turn)| turn == job(n))).count();
            match at {
                At::Done if self.joined.contains(&job(n)) => assert_eq!(answers, 0),
                At::Done => assert_eq!(answers, 1),
                _ => assert!(answers <= 1),
            }
        }
        if !self.seen.busy.joins() && self.pauses == 0 {
            assert!(self.joined.is_empty(), "each message has its own turn");
        }
    }
}

fn explore(busy: Busy) -> usize {
    let first = World::new(busy);
    let mut known = HashSet::from([first.clone()]);
    let mut open = VecDeque::from([first]);
    while let Some(world) = open.pop_front() {
        world.check();
        for next in world.next() {
            if known.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    known.len()
}

#[test]
fn every_interleaving_is_in_order() {
    for busy in Busy::ALL {
        let worlds = explore(busy);
        assert!(worlds > 50, "{busy:?}: {worlds} worlds are too few to say something");
    }
}

#[test]
fn a_session_has_room_for_so_many() {
    let mut seen = World::new(Busy::Enqueue).seen;
    for n in 0..crate::sessions::MAX_WAITING {
        assert!(matches!(seen.receive(job(n)), Reception::Waits { .. }));
    }
    assert_eq!(seen.receive(job(999)), Reception::Full);
}

#[test]
fn a_late_answer_is_a_branch_of_its_own() {
    // The first job failed, others went on, and an operator runs it again.
    let mut seen = World::new(Busy::Enqueue).seen;
    (seen.last, seen.head, seen.leaf) = (3, Some(3), Some(3));
    let own = Own { entry: 1, taken_by: Some(job(0)), leaf: 1 };
    assert_eq!(seen.begin(job(0), QUEUE, own), Beginning::Begins(Vec::new()));
    assert_eq!(seen.leave(job(0), 1), [Place { entry: 4, parent: Some(1) }]);
    assert_eq!((seen.head, seen.last), (Some(3), 4));
}

#[test]
fn a_turn_waits_for_one_that_is_unfinished() {
    // The first job runs in another queue.
    let mut seen = World::new(Busy::Coalesce).seen;
    (seen.last, seen.head, seen.leaf, seen.turn) = (2, Some(1), Some(1), Some(job(0)));
    seen.waiting.push(Waiting { entry: 2, job: job(1) });
    let own = Own { entry: 2, taken_by: None, leaf: 2 };
    assert_eq!(seen.begin(job(1), "other", own), Beginning::Wait(job(0)));
    assert_eq!(seen.leave(job(1), 1), []);
}

#[test]
fn a_message_joins_a_turn_that_goes_on_later() {
    let mut seen = World::new(Busy::Enqueue).seen;
    (seen.last, seen.head, seen.leaf, seen.turn) = (3, Some(1), Some(1), Some(job(0)));
    seen.waiting.extend([Waiting { entry: 2, job: job(1) }, Waiting { entry: 3, job: job(2) }]);
    let own = Own { entry: 2, taken_by: None, leaf: 2 };
    assert_eq!(seen.begin(job(1), QUEUE, own), Beginning::Joins(job(0), vec![Place { entry: 2, parent: Some(1) }]));
    // One that had its turn before does not join, and does not wait either: it has nothing to wait for.
    let own = Own { entry: 1, taken_by: Some(job(5)), leaf: 1 };
    assert_eq!(seen.begin(job(5), QUEUE, own), Beginning::Begins(Vec::new()));
}
