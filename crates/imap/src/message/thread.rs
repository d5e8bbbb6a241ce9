//! THREAD (RFC 5256 section 3). No thread is a tree in memory: messages and their parents are indices, and nothing recurses.

use super::search::fold;
use crate::response::{ThreadMember, ThreadResponse};
use crate::types::DateTime;
use postroad_message as mail;
use std::collections::HashMap;

/// What THREAD has to know of a message. It can be made once and kept: it needs the message no more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadEntry {
    /// What the response calls it: its message number, or for UID THREAD its UID. Messages of the same date are ordered by it.
    pub number: u32,
    /// The sent date, or the internal date if there is none that can be read, in seconds since 1970.
    pub date: i64,
    /// Its normalized Message-ID, if it has one.
    pub id: Option<Box<str>>,
    /// The normalized Message-IDs of its ancestors, the oldest first.
    pub references: Vec<Box<str>>,
    /// Its base subject, folded.
    pub subject: Box<str>,
    /// Whether its subject says that it is a reply or was forwarded.
    pub is_reply: bool,
}

impl ThreadEntry {
    /// Takes from a message what both algorithms need.
    pub fn new(number: u32, internal_date: DateTime, message: &mail::Message<'_>) -> Self {
        let header = message.header();
        let subject = header.base_subject();
        Self {
            number,
            date: header.sent_date().map_or_else(|| internal_date.unix_timestamp(), |date| date.timestamp()),
            id: header.thread_id().map(|id| id.as_str().into()),
            references: header.thread_references().iter().map(|id| id.as_str().into()).collect(),
            subject: fold(subject.text()).into(),
            is_reply: subject.is_reply(),
        }
    }
}

/// ORDEREDSUBJECT: messages of the same base subject are a thread, the first its parent, the others its answers; by sent date.
///
/// ```
/// use postroad_imap::message::{ThreadEntry, ordered_subject};
///
/// let entry = |number, date, subject: &str| ThreadEntry { number, date, subject: subject.into(), ..Default::default() };
/// let threads = ordered_subject(vec![entry(1, 30, "a"), entry(2, 20, "b"), entry(3, 10, "a")]);
/// let members: Vec<_> = threads.members.iter().map(|member| (member.number.unwrap(), member.depth)).collect();
/// assert_eq!(members, [(3, 0), (1, 1), (2, 0)]);
/// ```
pub fn ordered_subject(mut entries: Vec<ThreadEntry>) -> ThreadResponse {
    entries.sort_unstable_by_key(|entry| (entry.date, entry.number));
    let mut threads: HashMap<Box<str>, usize> = HashMap::new();
    let mut members: Vec<Vec<ThreadMember>> = Vec::new();
    // By date: the first of each subject is the parent, and threads come in the order of their first.
    for entry in entries {
        let thread = *threads.entry(entry.subject).or_insert_with(|| {
            members.push(Vec::new());
            members.len() - 1
        });
        if let Some(members) = members.get_mut(thread) {
            let depth = u32::from(!members.is_empty());
            members.push(ThreadMember { number: Some(entry.number), depth });
        }
    }
    ThreadResponse { members: members.into_iter().flatten().collect() }
}

const NONE: usize = usize::MAX;

/// A message, or one that is only referred to.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Which entry; none for one that is only referred to.
    entry: usize,
    parent: usize,
    /// The set in which all are that have an ancestor in common; for the check for loops.
    set: usize,
}

/// REFERENCES: who answers whom is what `References` and `In-Reply-To` say; threads of the same base subject are joined (RFC 5256
/// section 3).
///
/// Takes time in proportion to the messages and their references, but for sorting.
///
/// ```
/// use postroad_imap::message::{ThreadEntry, references};
///
/// let entry = |number, id: &str, answers: &[&str]| ThreadEntry {
///     number,
///     date: number.into(),
///     id: Some(id.into()),
///     references: answers.iter().map(|id| (*id).into()).collect(),
///     subject: id.into(),
///     is_reply: false,
/// };
/// let threads = references(&[entry(1, "a", &[]), entry(2, "b", &["a"]), entry(3, "c", &["a", "b"]), entry(4, "d", &["gone"])]);
/// let members: Vec<_> = threads.members.iter().map(|member| (member.number.unwrap(), member.depth)).collect();
/// assert_eq!(members, [(1, 0), (2, 1), (3, 2), (4, 0)]);
/// ```
pub fn references(entries: &[ThreadEntry]) -> ThreadResponse {
    let mut forest = Forest { nodes: Vec::with_capacity(entries.len()) };
    forest.link(entries);
    let children = forest.children();
    forest.threads(entries, &children)
}

struct Forest {
    nodes: Vec<Node>,
}

impl Forest {
    fn push(&mut self, entry: usize) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node { entry, parent: NONE, set: at });
        at
    }

    /// The root of the tree of `node`, by paths that are halved on the way.
    fn root(&mut self, mut node: usize) -> usize {
        while self.nodes[node].set != node {
            let up = self.nodes[node].set;
            self.nodes[node].set = self.nodes[up].set;
            node = up;
        }
        node
    }

    /// Makes `parent` the parent, unless that would make a loop. `child` must have none.
    fn adopt(&mut self, parent: usize, child: usize) {
        // A child without a parent is the root of its tree; a loop is made if the parent is in that tree.
        let root = self.root(parent);
        if root != child {
            self.nodes[child].parent = parent;
            self.nodes[child].set = root;
        }
    }

    /// Step 1: everything that is referred to, and who is whose parent.
    fn link(&mut self, entries: &[ThreadEntry]) {
        let mut by_id: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
        let mut own = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            // A second message of the same Message-ID is one of its own.
            let id = entry.id.as_deref().filter(|id| !by_id.contains_key(id));
            let node = self.push(at);
            own.push(node);
            if let Some(id) = id {
                by_id.insert(id, node);
            }
        }
        let mut wanted: Vec<(usize, usize)> = Vec::with_capacity(entries.len());
        for (entry, node) in entries.iter().zip(own) {
            let mut before = NONE;
            for id in &entry.references {
                let reference = *by_id.entry(id).or_insert_with(|| self.push(NONE));
                // (A) What others say of who answers whom counts only where nothing is known, and the message itself knows best.
                if before != NONE
                    && reference != node
                    && self.nodes[reference].entry == NONE
                    && self.nodes[reference].parent == NONE
                {
                    self.adopt(before, reference);
                }
                before = reference;
            }
            wanted.push((node, before));
        }
        // (B) The last reference is the parent.
        for (node, parent) in wanted {
            if parent != NONE && parent != node {
                self.adopt(parent, node);
            }
        }
        // Where a message named no parent, the first that said who it is counts.
        self.link_others(entries, &by_id);
    }

    fn link_others(&mut self, entries: &[ThreadEntry], by_id: &HashMap<&str, usize>) {
        for entry in entries {
            for pair in entry.references.windows(2) {
                if let [before, id] = pair {
                    if let (Some(&parent), Some(&child)) = (by_id.get(&**before), by_id.get(&**id)) {
                        if parent != child && self.nodes[child].parent == NONE {
                            self.adopt(parent, child);
                        }
                    }
                }
            }
        }
    }

    /// Step 2 and 3: the children of each node; a node that is only referred to gives its children to its parent, unless it has none and
    /// several children. At the end, behind all nodes, those at the top.
    fn children(&mut self) -> Vec<Vec<usize>> {
        let top = self.nodes.len();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); top + 1];
        // From the leaves: how many children of a node are still to come.
        let mut pending = vec![0_usize; top + 1];
        for node in &self.nodes {
            pending[node.parent.min(top)] += 1;
        }
        let mut ready: Vec<usize> = (0..top).filter(|at| pending[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            let parent = self.nodes[at].parent.min(top);
            let is_kept = self.nodes[at].entry != NONE || parent == top && children[at].len() > 1;
            if is_kept {
                children[parent].push(at);
            } else {
                let mut orphans = core::mem::take(&mut children[at]);
                // The smaller list goes to the larger: a chain of those that are only referred to must not be copied at each step.
                if orphans.len() > children[parent].len() {
                    core::mem::swap(&mut orphans, &mut children[parent]);
                }
                children[parent].append(&mut orphans);
            }
            pending[parent] -= 1;
            if pending[parent] == 0 && parent < top {
                ready.push(parent);
            }
        }
        children
    }

    /// Steps 4 to 6: sorts by date, joins threads of the same subject, and writes them down.
    fn threads(&self, entries: &[ThreadEntry], children: &[Vec<usize>]) -> ThreadResponse {
        let mut children = children.to_vec();
        let mut roots = children.pop().unwrap_or_default();
        // What a node is sorted by, and its subject: of the first of its children if it is only referred to. Those come after their
        // parents in no order, so the dates of such roots are found once their children are sorted; they are only at the top.
        let own = |at: usize| self.nodes.get(at).and_then(|node| entries.get(node.entry));
        let key_of = |at: usize| own(at).map(|entry| (entry.date, entry.number));
        for below in &mut children {
            below.sort_unstable_by_key(|at| key_of(*at));
        }
        let first =
            |at: usize, children: &[Vec<usize>]| own(at).or_else(|| own(*children.get(at)?.first()?));
        roots.sort_unstable_by_key(|at| first(*at, &children).map(|entry| (entry.date, entry.number)));

        // Step 5: for each subject the thread that the others are joined to.
        let mut joined: Vec<Joined> = Vec::with_capacity(roots.len());
        let mut by_subject: HashMap<&str, usize> = HashMap::new();
        for root in roots {
            let Some(entry) = first(root, &children) else { continue };
            let new = Joined {
                root,
                date: (entry.date, entry.number),
                is_reply: own(root).is_some_and(|e| e.is_reply),
                with: Vec::new(),
            };
            let subject = &*entry.subject;
            let at = match by_subject.get(subject) {
                Some(at) if !subject.is_empty() => *at,
                _ => {
                    by_subject.insert(subject, joined.len());
                    joined.push(new);
                    continue;
                }
            };
            let Some(table) = joined.get_mut(at) else { continue };
            // The table has one that is only referred to if there is any, else one that is no reply.
            let is_better = own(table.root).is_some()
                && (own(root).is_none() || table.is_reply && own(root).is_some_and(|entry| !entry.is_reply));
            if is_better {
                let Joined { mut with, root, .. } = core::mem::replace(table, new);
                with.push(root);
                table.with = with;
            } else {
                table.with.push(root);
            }
        }
        let mut members = Vec::with_capacity(self.nodes.len());
        let mut threads: Vec<Placed> = joined
            .into_iter()
            .map(|thread| {
                thread.place(&mut children, &|at| {
                    own(at).map(|entry| (entry.date, entry.number, entry.is_reply))
                })
            })
            .collect();
        threads.sort_by_key(|(date, _)| *date);
        for (_, mut open) in threads {
            while let Some((at, depth)) = open.pop() {
                if at == NONE {
                    members.push(ThreadMember { number: None, depth });
                    continue;
                }
                members.push(ThreadMember { number: own(at).map(|entry| entry.number), depth });
                let below = children.get(at).map(Vec::as_slice).unwrap_or_default();
                open.extend(below.iter().rev().map(|child| (*child, depth.saturating_add(1))));
            }
        }
        ThreadResponse { members }
    }
}

/// A thread, and those of the same subject.
struct Joined {
    root: usize,
    date: (i64, u32),
    is_reply: bool,
    with: Vec<usize>,
}

/// The date by which a thread is sorted, and its nodes at the top with their depth, the first last.
type Placed = ((i64, u32), Vec<(usize, u32)>);

/// The date and number of a message, and whether it is a reply.
type Told = (i64, u32, bool);

impl Joined {
    /// Puts the threads together; gives the date by which they are sorted, and what is to be written, the first last.
    fn place(self, children: &mut [Vec<usize>], told: &dyn Fn(usize) -> Option<Told>) -> Placed {
        if self.with.is_empty() {
            return (self.date, vec![(self.root, 0)]);
        }
        let date_of = |at: usize, children: &[Vec<usize>]| {
            let first = || told(*children.get(at)?.first()?);
            told(at).or_else(first).map(|(date, number, _)| (date, number))
        };
        // In the order of the threads. Replies become answers of the root; so does everything if the root is only referred to. Once one is
        // neither, all that follow stand beside it, as answers of one that is not there.
        let mut others = self.with;
        others.sort_by_key(|at| date_of(*at, children));
        let root_is_dummy = told(self.root).is_none();
        let mut beside = Vec::new();
        for other in others {
            let is_answer = match told(other) {
                _ if !beside.is_empty() => false,
                None if root_is_dummy => {
                    let mut orphans = children.get_mut(other).map(core::mem::take).unwrap_or_default();
                    if let Some(below) = children.get_mut(self.root) {
                        below.append(&mut orphans);
                    }
                    continue;
                }
                None => false,
                Some((.., is_reply)) => root_is_dummy || is_reply && !self.is_reply,
            };
            match children.get_mut(self.root) {
                Some(below) if is_answer => below.push(other),
                _ => beside.push(other),
            }
        }
        if let Some(below) = children.get_mut(self.root) {
            below.sort_by_key(|at| told(*at).map(|(date, number, _)| (date, number)));
        }
        if beside.is_empty() {
            return (date_of(self.root, children).unwrap_or(self.date), vec![(self.root, 0)]);
        }
        beside.push(self.root);
        beside.sort_by_key(|at| date_of(*at, children));
        let date = beside.first().and_then(|at| date_of(*at, children)).unwrap_or(self.date);
        let mut open: Vec<(usize, u32)> = beside.into_iter().rev().map(|at| (at, 1)).collect();
        open.push((NONE, 0));
        (date, open)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test must begin at some time")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn entry(number: u32, id: &str, references: &[&str], subject: &str) -> ThreadEntry {
        let header = format!("Message-ID: <{id}@x>\r\nSubject: {subject}\r\n");
        let references: Vec<String> = references.iter().map(|id| format!("<{id}@x>")).collect();
        let header = format!("{header}References: {}\r\n\r\n", references.join(" "));
        let date = DateTime::from_unix(i64::from(number) * 60, 0).unwrap();
        ThreadEntry::new(number, date, &mail::Message::parse(header.as_bytes()))
    }

    fn threads(entries: &[ThreadEntry]) -> String {
        let mut out = bytes::BytesMut::new();
        crate::response::Response::Thread(references(entries)).encode(&mut out, false);
        String::from_utf8(out.to_vec()).unwrap().trim_start_matches("* THREAD").trim().into()
    }

    #[test]
    fn answers_of_answers_and_of_those_that_are_not_there() {
        let chain = [entry(1, "a", &[], "A"), entry(2, "b", &["a"], "B"), entry(3, "c", &["a", "b"], "C")];
        assert_eq!(threads(&chain), "(1 2 3)");
        // The order in which they come makes no difference.
        let turned = [chain[2].clone(), chain[0].clone(), chain[1].clone()];
        assert_eq!(threads(&turned), "(1 2 3)");
        let two = [entry(1, "a", &["gone"], "A"), entry(2, "b", &["gone"], "B"), entry(3, "c", &["b"], "C")];
        assert_eq!(threads(&two), "((1)(2 3))");
        let one = [entry(1, "a", &["gone", "too"], "A")];
        assert_eq!(threads(&one), "(1)");
        let between =
            [entry(1, "a", &[], "A"), entry(2, "b", &["a", "gone"], "B"), entry(3, "c", &["gone"], "C")];
        assert_eq!(threads(&between), "(1 (2)(3))");
        // What the message says of itself counts, and then what others say of it.
        let truncated = [entry(1, "a", &[], "A"), entry(2, "b", &[], "B"), entry(3, "c", &["a", "b"], "C")];
        assert_eq!(threads(&truncated), "(1 2 3)");
        let known = [
            entry(1, "a", &[], "A"),
            entry(2, "z", &[], "Z"),
            entry(3, "b", &["z"], "B"),
            entry(4, "c", &["a", "b"], "C"),
        ];
        assert_eq!(threads(&known), "(1)(2 3 4)");
    }

    #[test]
    fn loops_are_not_made() {
        assert_eq!(threads(&[entry(1, "a", &["a"], "A")]), "(1)");
        let both = [entry(1, "a", &["b"], "A"), entry(2, "b", &["a"], "B")];
        assert_eq!(threads(&both), "(2 1)");
        let twice = [entry(1, "a", &[], "A"), entry(2, "a", &[], "B"), entry(3, "b", &["a"], "C")];
        assert_eq!(threads(&twice), "(1 3)(2)");
    }

    #[test]
    fn threads_of_one_subject_are_joined() {
        let of = |subjects: &[&str]| {
            let numbers = 1..;
            let entries: Vec<_> = numbers
                .zip(subjects)
                .map(|(number, subject)| entry(number, &number.to_string(), &[], subject))
                .collect();
            threads(&entries)
        };
        assert_eq!(of(&["A", "Re: A", "B", "Fwd: a"]), "(1 (2)(4))(3)");
        assert_eq!(of(&["Re: A", "A"]), "(2 1)");
        assert_eq!(of(&["A", "A"]), "((1)(2))");
        assert_eq!(of(&["A", "A", "Re: A"]), "((1)(2)(3))");
        assert_eq!(of(&["A", "Re: A", "A", "Re: A"]), "((1 2)(3)(4))");
        assert_eq!(of(&["", "", "Re:"]), "(1)(2)(3)");
        let dummies = [
            entry(1, "a", &["x"], "S"),
            entry(2, "b", &["x"], "T"),
            entry(3, "c", &["y"], "S"),
            entry(4, "d", &["y"], "U"),
            entry(5, "e", &[], "Re: S"),
        ];
        assert_eq!(threads(&dummies), "((1)(2)(3)(4)(5))");
    }

    proptest! {
        #[test]
        fn each_message_stands_once_and_below_another(
            messages in proptest::collection::vec((0..12_u8, proptest::collection::vec(0..16_u8, 0..5), 0..4_usize), 0..25)
        ) {
            let entries: Vec<_> = messages.iter().enumerate().map(|(at, (id, references, subject))| ThreadEntry {
                number: u32::try_from(at).unwrap() + 1,
                date: i64::from(*id),
                id: Some(id.to_string().into()),
                references: references.iter().map(|id| id.to_string().into()).collect(),
                subject: ["", "a", "a", "b"][*subject].into(),
                is_reply: *subject == 2,
            }).collect();
            for threads in [references(&entries), ordered_subject(entries.clone())] {
                let mut numbers: Vec<_> = threads.members.iter().filter_map(|member| member.number).collect();
                numbers.sort_unstable();
                prop_assert_eq!(numbers, (1..=u32::try_from(entries.len()).unwrap()).collect::<Vec<_>>());
                let mut depth = 0;
                for (at, member) in threads.members.iter().enumerate() {
                    prop_assert!(member.depth <= depth, "{:?}", threads);
                    depth = member.depth + 1;
                    let answered = threads.members.get(at + 1).is_some_and(|next| next.depth == depth);
                    prop_assert!(member.number.is_some() || answered && member.depth == 0, "{:?}", threads);
                }
            }
        }
    }

    #[test]
    fn a_chain_of_those_that_are_not_there_takes_linear_time() {
        let time = |count: u32| {
            let entries: Vec<_> = (1..=count)
                .map(|number| ThreadEntry {
                    number,
                    date: number.into(),
                    id: Some(format!("m{number}").into()),
                    references: vec![format!("x{}", number - 1).into(), format!("x{number}").into()],
                    subject: format!("{number}").into(),
                    is_reply: false,
                })
                .collect();
            // The best of some, for others run beside it.
            let once = || {
                let start = Instant::now();
                assert_eq!(references(&entries).members.len(), count as usize + 1);
                start.elapsed()
            };
            [once(), once(), once()].into_iter().min().unwrap()
        };
        // Both are long enough to be interrupted alike. Sixteen times is linear, 256 times is quadratic.
        let (small, large) = (time(5_000).max(Duration::from_millis(1)), time(80_000));
        assert!(large < small * 128, "{small:?} {large:?}");
    }
}
