//! Subaccounts that are shut out.

use rusqlite::params;

use super::{Store, StoreError};

/// Maximum number of revoked tokens of an account; the oldest are evicted.
const MAX_REVOKED: usize = 50;

impl Store {
    /// Shuts out subaccounts; one that is shut out already becomes the newest. An account without a
    /// stored message has no revocations, and then this does nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn revoke(&mut self, account: &[u8; 33], tokens: &[[u8; 36]]) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        for token in tokens {
            change
                .prepare_cached(
                    "INSERT OR REPLACE INTO revocations (owner, token)
                     SELECT id, ?2 FROM owners WHERE account = ?1",
                )?
                .execute(params![account, token])?;
        }
        change
            .prepare_cached(
                "DELETE FROM revocations WHERE id IN (
                     SELECT revocations.id FROM revocations JOIN owners ON owners.id = owner
                     WHERE account = ?1 ORDER BY revocations.id DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![account, MAX_REVOKED as i64])?;
        change.commit()
    }

    /// Lets subaccounts in again; returns how many had been shut out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn unrevoke(&mut self, account: &[u8; 33], tokens: &[[u8; 36]]) -> Result<u64, StoreError> {
        let change = self.db.transaction()?;
        let mut count = 0;
        for token in tokens {
            count += change
                .prepare_cached(
                    "DELETE FROM revocations
                     WHERE owner = (SELECT id FROM owners WHERE account = ?1) AND token = ?2",
                )?
                .execute(params![account, token])? as u64;
        }
        change.commit()?;
        Ok(count)
    }

    /// The tokens of the subaccounts that are shut out, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn revoked(&self, account: &[u8; 33]) -> Result<Vec<[u8; 36]>, StoreError> {
        let mut query = self.db.prepare_cached(
            "SELECT token FROM revocations JOIN owners ON owners.id = owner
             WHERE account = ?1 ORDER BY revocations.id",
        )?;
        query.query_map([account], |row| row.get(0))?.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    const ACCOUNT: [u8; 33] = [3; 33];

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.sqlite")).unwrap();
        (folder, store)
    }

    fn keep_something(store: &mut Store) {
        let message = Message {
            hash: "a".into(),
            timestamp: 1,
            expiry: 100,
            data: vec![],
        };
        store.insert(&ACCOUNT, 0, false, &message).unwrap();
    }

    #[test]
    fn a_revocation_lives_as_long_as_a_message() {
        let (_folder, mut store) = store();
        store.revoke(&ACCOUNT, &[[1; 36]]).unwrap();
        keep_something(&mut store);
        assert!(store.revoked(&ACCOUNT).unwrap().is_empty());
        store.revoke(&ACCOUNT, &[[1; 36], [2; 36]]).unwrap();
        assert_eq!(store.revoked(&ACCOUNT).unwrap(), [[1; 36], [2; 36]]);
        assert_eq!(store.unrevoke(&ACCOUNT, &[[1; 36], [9; 36]]).unwrap(), 1);
        store.delete(&ACCOUNT, ["a"]).unwrap();
        keep_something(&mut store);
        assert!(store.revoked(&ACCOUNT).unwrap().is_empty());
    }

    #[test]
    fn the_newest_fifty_are_kept() {
        let (_folder, mut store) = store();
        keep_something(&mut store);
        for index in 0..55 {
            store.revoke(&ACCOUNT, &[[index; 36]]).unwrap();
        }
        store.revoke(&ACCOUNT, &[[5; 36]]).unwrap();
        let revoked = store.revoked(&ACCOUNT).unwrap();
        assert_eq!(revoked.len(), MAX_REVOKED);
        assert_eq!(revoked.first(), Some(&[6; 36]));
        assert_eq!(revoked.last(), Some(&[5; 36]));
    }
}
