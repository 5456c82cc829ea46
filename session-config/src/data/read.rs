//! From bt values to a tree.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_proto::bt;

use super::dict::{Dict, Entries, Key, Set};
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
        Self::read_within(dict, &mut Budget::new())
    }

    fn read_within(dict: bt::Dict<'_>, budget: &mut Budget) -> Result<Self, DataError> {
        budget.take()?;
        let mut entries = Vec::with_capacity(USUAL_ENTRIES);
        for entry in dict {
            entries.push((Key::new(entry.key), read_value(entry.value, budget)?));
        }
        Ok(Self::from_entries(entries.into_iter().collect::<Entries>()))
    }
}

fn read_value(value: bt::Value<'_>, budget: &mut Budget) -> Result<Value, DataError> {
    match value {
        bt::Value::List(list) if list.is_empty() => Err(DataError::Empty),
        bt::Value::Dict(dict) if dict.is_empty() => Err(DataError::Empty),
        bt::Value::List(list) => {
            budget.take()?;
            let items = read_scalars(list).collect::<Result<BTreeSet<_>, _>>()?;
            Ok(Value::Set(Set::from_items(items)))
        }
        // The parser bounds the depth.
        bt::Value::Dict(dict) => Dict::read_within(dict, budget).map(Value::Dict),
        scalar => read_scalar(scalar).map(Value::Scalar),
    }
}

fn read_scalar(value: bt::Value<'_>) -> Result<Scalar, DataError> {
    match value {
        bt::Value::Int(int) => int.as_i64().map(Scalar::Int).ok_or(DataError::Integer),
        bt::Value::Bytes(bytes) => Ok(Scalar::Bytes(bytes.into())),
        bt::Value::List(_) | bt::Value::Dict(_) => Err(DataError::Element),
    }
}

/// Reads the elements of a list, which must be scalars in strictly ascending order.
pub(crate) fn read_scalars(
    list: bt::List<'_>,
) -> impl Iterator<Item = Result<Scalar, DataError>> + '_ {
    let mut last: Option<bt::Value<'_>> = None;
    list.iter().map(move |value| {
        let scalar = read_scalar(value)?;
        let ascends = match (last, value) {
            (None, _) | (Some(bt::Value::Int(_)), bt::Value::Bytes(_)) => true,
            (Some(bt::Value::Int(last)), bt::Value::Int(next)) => last < next,
            (Some(bt::Value::Bytes(last)), bt::Value::Bytes(next)) => last < next,
            _ => false,
        };
        last = Some(value);
        ascends.then_some(scalar).ok_or(DataError::Order)
    })
}
