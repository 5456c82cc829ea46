//! Lengths of the keys inside contents.

use super::ContentError;
use crate::Secret;

impl Secret {
    /// Fails unless the secret has `expected` bytes.
    pub(super) fn check_length(
        &self,
        expected: usize,
        field: &'static str,
    ) -> Result<(), ContentError> {
        if self.len() != expected {
            return Err(ContentError::Length {
                field,
                expected,
                got: self.len(),
            });
        }
        Ok(())
    }

    /// Takes a secret of `expected` bytes.
    pub(super) fn of_length(
        secret: Self,
        expected: usize,
        field: &'static str,
    ) -> Result<Self, ContentError> {
        secret.check_length(expected, field)?;
        Ok(secret)
    }
}
