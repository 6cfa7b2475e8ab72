//! Reads the few nodes that a proof needs out of a store.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, btree_map::Entry},
};

use ee_core::{AUDIT_NODE_WIDTH, AuditHash, AuditHead, Error, storage::AuditProofStore};
use tlog_tiles::{Error as TreeError, Hash, HashReader};

use super::IntegrityError;

/// Height of what a kept node of the first level covers.
const STEP: u8 = 8;
/// How many rows are read at once.
const BLOCK: u32 = 1 << STEP;
const _: () = assert!(
    BLOCK as u64 == AUDIT_NODE_WIDTH,
    "a block is what a node is over"
);
/// More events than any log has; beyond it positions in the tree do not fit into 64 bits.
const LARGEST: u64 = 1 << 62;

pub(super) const fn to_tlog(hash: &AuditHash) -> Hash {
    Hash(*hash.as_bytes())
}

pub(super) const fn from_tlog(hash: Hash) -> AuditHash {
    AuditHash::new(hash.0)
}

/// One log of a store, seen as a tree.
#[derive(Clone, Copy)]
pub(super) struct StoredTree<'a> {
    pub(super) partition: &'a str,
    pub(super) store: &'a dyn AuditProofStore,
}

impl StoredTree<'_> {
    /// Returns the path from a leaf to the root of the tree with so many leaves.
    pub(super) async fn prove_leaf(&self, size: u64, index: u64) -> Result<Vec<AuditHash>, Error> {
        if index >= size || size > LARGEST {
            return Err(IntegrityError::ProofWrong.into());
        }
        self.run(|reader| tlog_tiles::prove_record(size, index, reader))
            .await
    }

    /// Returns what proves that the tree with `older` leaves is the beginning of the one with `newer`.
    pub(super) async fn prove_tree(&self, newer: u64, older: u64) -> Result<Vec<AuditHash>, Error> {
        if older > newer || newer > LARGEST {
            return Err(IntegrityError::ProofWrong.into());
        }
        if older == 0 {
            return Ok(Vec::new());
        }
        self.run(|reader| tlog_tiles::prove_tree(newer, older, reader))
            .await
    }

    /// Returns the log as it was with so many events.
    pub(super) async fn head_at(&self, size: u64) -> Result<AuditHead, Error> {
        let Some(last) = size.checked_sub(1) else {
            return Ok(AuditHead::genesis(self.partition));
        };
        let missing = IntegrityError::MissingNode {
            level: 0,
            index: last,
        };
        if size > LARGEST {
            return Err(missing.into());
        }
        let wanted = tlog_tiles::sub_tree_index(0, size, Vec::new());
        let found = self.read(&wanted).await?;
        let frontier: Vec<u8> = wanted
            .iter()
            .filter_map(|index| found.get(index))
            .flat_map(|hash| hash.0)
            .collect();
        let links = self.store.links(self.partition, last, 1).await?;
        links
            .first()
            .filter(|link| link.seq == size)
            .and_then(|link| AuditHead::resume(self.partition, size, link.chain, &frontier))
            .ok_or_else(|| missing.into())
    }

    /// Asks which nodes are needed, reads them, and does it.
    async fn run(
        &self,
        prove: impl Fn(&Reader) -> Result<Vec<Hash>, TreeError>,
    ) -> Result<Vec<AuditHash>, Error> {
        let asking = Reader::Asking(RefCell::default());
        if let Ok(path) = prove(&asking) {
            return Ok(path.into_iter().map(from_tlog).collect());
        }
        let answering = Reader::Answering(self.read(&asking.wanted()).await?);
        let path = prove(&answering).map_err(|_| IntegrityError::ProofWrong)?;
        Ok(path.into_iter().map(from_tlog).collect())
    }

    /// Reads nodes by their positions in the order of `tlog_tiles::stored_hash_index`. Rows of a store are read in
    /// blocks of 256, so a proof takes no more than two of them for each level.
    async fn read(&self, wanted: &[u64]) -> Result<HashMap<u64, Hash>, Error> {
        let mut blocks = BTreeMap::new();
        let mut found = HashMap::with_capacity(wanted.len());
        for position in wanted {
            let (height, index) = tlog_tiles::split_stored_hash_index(*position);
            let level = height / STEP;
            let first = index << (height % STEP);
            let block = (level, first / AUDIT_NODE_WIDTH);
            let rows = match blocks.entry(block) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(self.block(block.0, block.1).await?),
            };
            let from = usize::try_from(first % AUDIT_NODE_WIDTH).unwrap_or(usize::MAX);
            let rows = from
                .checked_add(1 << (height % STEP))
                .and_then(|to| rows.get(from..to));
            let rows = rows.ok_or(IntegrityError::MissingNode {
                level,
                index: first,
            })?;
            found.insert(*position, to_tlog(&root_of(rows)));
        }
        Ok(found)
    }

    /// Reads up to 256 nodes of a level, as far as they are there without a hole.
    async fn block(&self, level: u8, block: u64) -> Result<Vec<AuditHash>, Error> {
        let from = block * AUDIT_NODE_WIDTH;
        let rows: Vec<(u64, AuditHash)> = if level == 0 {
            let links = self.store.links(self.partition, from, BLOCK).await?;
            links
                .into_iter()
                .map(|link| (link.seq.wrapping_sub(1), link.leaf))
                .collect()
        } else {
            let nodes = self.store.nodes(self.partition, level, from, BLOCK).await?;
            nodes
                .into_iter()
                .map(|node| (node.index, node.hash))
                .collect()
        };
        let in_order = rows.into_iter().zip(from..);
        Ok(in_order
            .take_while(|((index, _), expected)| index == expected)
            .map(|((_, hash), _)| hash)
            .collect())
    }
}

/// Returns the root over a number of nodes that is a power of two.
fn root_of(nodes: &[AuditHash]) -> AuditHash {
    if let [node] = nodes {
        return *node;
    }
    let (left, right) = nodes.split_at(nodes.len() / 2);
    AuditHash::of_node(&root_of(left), &root_of(right))
}

/// The library asks for nodes where it needs them and does not wait: the first time it is told nothing.
enum Reader {
    Asking(RefCell<Vec<u64>>),
    Answering(HashMap<u64, Hash>),
}

impl Reader {
    fn wanted(self) -> Vec<u64> {
        match self {
            Self::Asking(wanted) => wanted.into_inner(),
            Self::Answering(_) => Vec::new(),
        }
    }
}

impl HashReader for Reader {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TreeError> {
        match self {
            Self::Asking(wanted) => {
                wanted.borrow_mut().extend_from_slice(indexes);
                Err(TreeError::IndexesNotInTree)
            }
            Self::Answering(found) => indexes
                .iter()
                .map(|index| found.get(index).copied())
                .collect::<Option<_>>()
                .ok_or(TreeError::IndexesNotInTree),
        }
    }
}
