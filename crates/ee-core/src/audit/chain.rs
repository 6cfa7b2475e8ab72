//! What makes a change of the record visible: a chain of hashes and a Merkle tree over each partition.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// Takes the bytes of a digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes the bytes of a digest out of a store. `None` unless there are 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the hash of an event as it is kept: a leaf of the tree (RFC 6962 §2.1).
    pub fn of_leaf(canonical: &[u8]) -> Self {
        Self::of(&[&[0], canonical])
    }

    /// Returns the hash of two subtrees side by side (RFC 6962 §2.1).
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self::of(&[&[1], &left.0, &right.0])
    }

    fn of(parts: &[&[u8]]) -> Self {
        // What is short is hashed in one go, which is quicker than piece by piece.
        let mut buffer = [0; 192];
        let mut filled = 0;
        for part in parts {
            let Some(room) = buffer.get_mut(filled..filled + part.len()) else {
                return Self::of_pieces(parts);
            };
            room.copy_from_slice(part);
            filled += part.len();
        }
        Self(Sha256::digest(buffer.get(..filled).unwrap_or_default()).into())
    }

    fn of_pieces(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AuditHash {
    /// Writes lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How many leaves a kept node covers, or how many such nodes the next higher one: proofs read few rows.
pub const AUDIT_NODE_WIDTH: u64 = 256;

/// The root of a full subtree that is kept, so that proofs need not read all leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuditNode {
    /// 1 for one over 256 leaves, 2 for one over 256 of those, and so on.
    pub level: u8,
    /// Which one of its level, from 0.
    pub index: u64,
    /// Its root.
    pub hash: AuditHash,
}

/// Where the log of a partition ends.
///
/// Events have the numbers 1, 2, 3, …; the leaf of number `n` has the index `n - 1` in the tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditHead {
    chain: AuditHash,
    /// Roots of the full subtrees that make up the tree, the largest first: one for each bit of `size`.
    frontier: Vec<AuditHash>,
    partition: String,
    size: u64,
}

/// What an event has got in its log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditLink {
    /// Its number.
    pub seq: u64,
    /// Hash of its canonical bytes.
    pub leaf: AuditHash,
    /// Hash of everything up to it.
    pub chain: AuditHash,
    /// Subtrees that are full with it.
    pub nodes: Vec<AuditNode>,
}

impl AuditHead {
    /// Begins a log.
    pub fn genesis(partition: impl Into<String>) -> Self {
        let partition = partition.into();
        Self {
            chain: AuditHash::of(&[&[2], partition.as_bytes()]),
            frontier: Vec::new(),
            partition,
            size: 0,
        }
    }

    /// Goes on with a log where a store says that it ends. `None` when the parts do not belong together.
    pub fn resume(
        partition: impl Into<String>,
        size: u64,
        chain: AuditHash,
        frontier: &[u8],
    ) -> Option<Self> {
        let (hashes, rest) = frontier.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != size.count_ones() as usize {
            return None;
        }
        Some(Self {
            chain,
            frontier: hashes.iter().copied().map(AuditHash).collect(),
            partition: partition.into(),
            size,
        })
    }

    /// Returns which log it is.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Returns how many events it has, which is the number of the last.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hash of everything in it.
    pub const fn chain(&self) -> AuditHash {
        self.chain
    }

    /// Returns the bytes that [`resume`](Self::resume) takes.
    pub fn frontier(&self) -> Vec<u8> {
        self.frontier.iter().flat_map(|hash| hash.0).collect()
    }

    /// Returns the root of the tree (RFC 6962 §2.1).
    pub fn root(&self) -> AuditHash {
        let mut roots = self.frontier.iter().rev();
        let Some(last) = roots.next() else {
            return AuditHash::of(&[]);
        };
        roots.fold(*last, |right, left| AuditHash::of_node(left, &right))
    }

    /// Adds an event.
    pub fn push(&mut self, leaf: AuditHash) -> AuditLink {
        let chain = self.chain_with(leaf);
        self.grow(leaf, chain)
    }

    /// Adds an event if this is the hash of everything then. `None` leaves the log as it is.
    pub fn push_fitting(&mut self, leaf: AuditHash, chain: AuditHash) -> Option<AuditLink> {
        (self.chain_with(leaf) == chain).then(|| self.grow(leaf, chain))
    }

    /// Returns the hash of everything with one more event.
    fn chain_with(&self, leaf: AuditHash) -> AuditHash {
        AuditHash::of(&[
            &[2],
            self.partition.as_bytes(),
            &[0],
            &(self.size + 1).to_be_bytes(),
            &self.chain.0,
            &leaf.0,
        ])
    }

    fn grow(&mut self, leaf: AuditHash, chain: AuditHash) -> AuditLink {
        let index = self.size;
        self.size += 1;
        self.chain = chain;
        let mut nodes = Vec::new();
        let mut root = leaf;
        // Each low bit of the index that is set is a full subtree as large as the one that has just been filled.
        for height in 1..=index.trailing_ones() {
            let Some(left) = self.frontier.pop() else {
                break;
            };
            root = AuditHash::of_node(&left, &root);
            let level = height / AUDIT_NODE_WIDTH.trailing_zeros();
            if height.is_multiple_of(AUDIT_NODE_WIDTH.trailing_zeros()) {
                nodes.push(AuditNode {
                    level: u8::try_from(level).unwrap_or(u8::MAX),
                    index: index >> height,
                    hash: root,
                });
            }
        }
        self.frontier.push(root);
        AuditLink {
            seq: self.size,
            leaf,
            chain: self.chain,
            nodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree of RFC 6962 §2.1, as it is written there.
    fn root(leaves: &[AuditHash]) -> AuditHash {
        match leaves {
            [] => AuditHash::of(&[]),
            [leaf] => *leaf,
            leaves => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                AuditHash::of_node(&root(left), &root(right))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_rfc_for_every_size() {
        let mut head = AuditHead::genesis("default");
        let mut leaves = Vec::new();
        for number in 0..600_u64 {
            assert_eq!(head.root(), root(&leaves), "{number}");
            let kept = head.frontier();
            let resumed = AuditHead::resume("default", head.size(), head.chain(), &kept).unwrap();
            assert_eq!(resumed, head);
            let leaf = AuditHash::of_leaf(&number.to_be_bytes());
            leaves.push(leaf);
            let link = head.push(leaf);
            assert_eq!(link.seq, number + 1);
            let full = (number + 1).is_multiple_of(AUDIT_NODE_WIDTH);
            assert_eq!(link.nodes.len(), usize::from(full));
            for node in link.nodes {
                let from = usize::try_from(node.index * AUDIT_NODE_WIDTH).unwrap();
                assert_eq!(node.hash, root(&leaves[from..]));
            }
        }
    }

    #[test]
    fn everything_before_an_event_is_in_its_hash() {
        let leaf = AuditHash::of_leaf(b"a");
        let other = AuditHash::of_leaf(b"b");
        let chain = |partition: &str, leaves: &[AuditHash]| {
            let mut head = AuditHead::genesis(partition);
            for leaf in leaves {
                head.push(*leaf);
            }
            head.chain()
        };

        let all = [
            chain("default", &[]),
            chain("other", &[]),
            chain("default", &[leaf]),
            chain("other", &[leaf]),
            chain("default", &[leaf, other]),
            chain("default", &[other, leaf]),
            chain("default", &[leaf, leaf]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_added() {
        let leaf = AuditHash::of_leaf(b"a");
        let mut head = AuditHead::genesis("default");
        let mut other = head.clone();
        let link = other.push(leaf);

        assert_eq!(head.push_fitting(leaf, head.chain()), None);
        assert_eq!(head, AuditHead::genesis("default"));
        assert_eq!(head.push_fitting(leaf, link.chain), Some(link));
        assert_eq!(head, other);
    }

    #[test]
    fn parts_that_do_not_belong_together_are_no_head() {
        let mut head = AuditHead::genesis("default");
        for number in 0..3_u8 {
            head.push(AuditHash::of_leaf(&[number]));
        }
        let (chain, frontier) = (head.chain(), head.frontier());

        assert!(AuditHead::resume("default", 3, chain, &frontier).is_some());
        assert!(AuditHead::resume("default", 4, chain, &frontier).is_none());
        assert!(AuditHead::resume("default", 3, chain, &frontier[..63]).is_none());
    }
}
