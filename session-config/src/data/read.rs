//! From bt values to a tree.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_proto::bt;

use super::dict::{Dict, Key, Set};
use super::text::{Scalar, Value};

/// Why data are not those of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// An integer outside of the signed 64-bit range.
    #[error("integer does not fit 64 bits with a sign")]
    Integer,
    /// A dict or set inside another dict that is empty.
    #[error("nested dict or set is empty")]
    Empty,
    /// A set with an element that is neither an integer nor a string.
    #[error("element of a set is not a scalar")]
    Element,
    /// A set that is not in ascending order, or has an element twice.
    #[error("set is not in ascending order")]
    Order,
    /// More dicts and sets than [`MAX_CONTAINERS`](crate::limits::MAX_CONTAINERS).
    #[error("more than {limit} dicts and sets")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// The number of dicts and sets that may still be made.
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) const fn new() -> Self {
        Self(crate::limits::MAX_CONTAINERS)
    }

    fn take(&mut self) -> Result<(), DataError> {
        self.0 = self.0.checked_sub(1).ok_or(DataError::TooMany {
            limit: crate::limits::MAX_CONTAINERS,
        })?;
        Ok(())
    }
}

/// Entries of a record without its rare fields: memory for them is reserved at once.
const USUAL_ENTRIES: usize = 8;

impl Dict {
    /// Reads the data of a config. The outermost dict may be empty.
    ///
    /// # Errors
    ///
    /// [`DataError`] if the dict is not the data of a config.
    pub fn read(dict: bt::Dict<'_>) -> Result<Self, DataError> {
        read_dict(&mut dict.steps(), &mut Budget::new())
    }
}

/// Reads the dict that has just begun. The parser has checked that its keys ascend and have values, and
/// has bounded the depth.
fn read_dict(steps: &mut bt::Steps<'_>, budget: &mut Budget) -> Result<Dict, DataError> {
    budget.take()?;
    let mut entries = Vec::with_capacity(USUAL_ENTRIES);
    while let Some(bt::Step::Bytes(key)) = steps.next() {
        let value = match steps.next() {
            Some(bt::Step::Int(int)) => Value::from(read_int(int)?),
            Some(bt::Step::Bytes(bytes)) => Value::from(bytes),
            Some(bt::Step::Dict) => Value::Dict(read_dict(steps, budget)?),
            Some(bt::Step::List) => Value::Set(read_set(steps, budget)?),
            Some(bt::Step::End) | None => break,
        };
        if value.is_empty_container() {
            return Err(DataError::Empty);
        }
        entries.push((Key::new(key), value));
    }
    Ok(Dict::from_ascending(entries))
}

fn read_int(int: bt::Int) -> Result<i64, DataError> {
    int.as_i64().ok_or(DataError::Integer)
}

fn read_set(steps: &mut bt::Steps<'_>, budget: &mut Budget) -> Result<Set, DataError> {
    budget.take()?;
    let mut items = BTreeSet::new();
    each_scalar(steps, |scalar| {
        items.insert(scalar.into());
    })?;
    Ok(Set::from_items(items))
}

/// An element of a set as it was read.
#[derive(Clone, Copy)]
pub(crate) enum ScalarRef<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl From<ScalarRef<'_>> for Scalar {
    fn from(scalar: ScalarRef<'_>) -> Self {
        match scalar {
            ScalarRef::Int(int) => Self::Int(int),
            ScalarRef::Bytes(bytes) => Self::Bytes(bytes.into()),
        }
    }
}

/// Hands the elements of the list that has just begun to `each`. They must be scalars in strictly
/// ascending order.
pub(crate) fn each_scalar<'a>(
    steps: &mut bt::Steps<'a>,
    mut each: impl FnMut(ScalarRef<'a>),
) -> Result<(), DataError> {
    let mut last = None;
    for step in steps.by_ref() {
        let scalar = match step {
            bt::Step::Int(int) => ScalarRef::Int(read_int(int)?),
            bt::Step::Bytes(bytes) => ScalarRef::Bytes(bytes),
            bt::Step::List | bt::Step::Dict => return Err(DataError::Element),
            bt::Step::End => break,
        };
        let ascends = match (last, scalar) {
            (None, _) | (Some(ScalarRef::Int(_)), ScalarRef::Bytes(_)) => true,
            (Some(ScalarRef::Int(last)), ScalarRef::Int(next)) => last < next,
            (Some(ScalarRef::Bytes(last)), ScalarRef::Bytes(next)) => last < next,
            (Some(ScalarRef::Bytes(_)), ScalarRef::Int(_)) => false,
        };
        if !ascends {
            return Err(DataError::Order);
        }
        last = Some(scalar);
        each(scalar);
    }
    Ok(())
}
