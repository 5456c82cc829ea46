//! Deleting messages and changing their expiries.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError, time};

/// The messages that a change is about: of an account, in one namespace or in all, with one more
/// condition on a time.
const SCOPE: &str = "owner = (SELECT id FROM owners WHERE account = ?1)
    AND (?2 IS NULL OR namespace = ?2)";

fn namespaced(
    change: &Transaction<'_>,
    statement: &str,
    account: &[u8; 33],
    namespace: Option<i16>,
    limit: u64,
) -> Result<Vec<(i16, String)>, StoreError> {
    let mut query = change.prepare_cached(statement)?;
    let rows = query.query_map(params![account, namespace, time(limit)], |row| {
        Ok((row.get::<_, i16>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut found = rows.collect::<Result<Vec<_>, _>>()?;
    found.sort();
    Ok(found)
}

impl Store {
    /// Deletes messages by hash; returns those that were there, sorted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn delete<'a>(
        &mut self,
        account: &[u8; 33],
        hashes: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<String>, StoreError> {
        let change = self.db.transaction()?;
        let mut deleted = Vec::new();
        for hash in hashes {
            let count = change
                .prepare_cached(
                    "DELETE FROM messages
                     WHERE owner = (SELECT id FROM owners WHERE account = ?1) AND hash = ?2",
                )?
                .execute(params![account, hash])?;
            if count > 0 {
                deleted.push(hash.to_owned());
            }
        }
        change.commit()?;
        deleted.sort();
        Ok(deleted)
    }

    /// Deletes the messages of a namespace, or of all, that were sent at `before` or earlier;
    /// returns their namespaces and hashes, sorted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn delete_before(
        &mut self,
        account: &[u8; 33],
        namespace: Option<i16>,
        before: u64,
    ) -> Result<Vec<(i16, String)>, StoreError> {
        let statement = format!(
            "DELETE FROM messages WHERE {SCOPE} AND timestamp <= ?3 RETURNING namespace, hash"
        );
        let change = self.db.transaction()?;
        let deleted = namespaced(&change, &statement, account, namespace, before)?;
        change.commit()?;
        Ok(deleted)
    }

    /// Gives the messages of a namespace, or of all, whose expiry is later than `expiry` this one;
    /// returns their namespaces and hashes, sorted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn expire_all(
        &mut self,
        account: &[u8; 33],
        namespace: Option<i16>,
        expiry: u64,
    ) -> Result<Vec<(i16, String)>, StoreError> {
        let statement = format!(
            "UPDATE messages SET expiry = ?3 WHERE {SCOPE} AND expiry > ?3
             RETURNING namespace, hash"
        );
        let change = self.db.transaction()?;
        let updated = namespaced(&change, &statement, account, namespace, expiry)?;
        change.commit()?;
        Ok(updated)
    }

    /// Gives single messages new expiries, in ms.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn set_expiries<'a>(
        &mut self,
        account: &[u8; 33],
        changes: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        for (hash, expiry) in changes {
            change
                .prepare_cached(
                    "UPDATE messages SET expiry = ?3
                     WHERE owner = (SELECT id FROM owners WHERE account = ?1) AND hash = ?2",
                )?
                .execute(params![account, hash, time(expiry)])?;
        }
        change.commit()
    }

    /// The expiries of the messages that are there. One that has expired is there until the node looks,
    /// and can get a later expiry as long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database fails.
    pub fn expiries<'a>(
        &self,
        account: &[u8; 33],
        hashes: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut query = self.db.prepare_cached(
            "SELECT expiry FROM messages
             WHERE owner = (SELECT id FROM owners WHERE account = ?1) AND hash = ?2",
        )?;
        let mut found = Vec::new();
        for hash in hashes {
            let expiry: Option<i64> = query
                .query_row(params![account, hash], |row| row.get(0))
                .optional()?;
            found.extend(expiry.map(|expiry| (hash.to_owned(), expiry.unsigned_abs())));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    const ACCOUNT: [u8; 33] = [5; 33];

    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("node.sqlite")).unwrap();
        for (hash, namespace, timestamp) in [("a", 0, 1), ("b", 0, 2), ("c", 2, 1), ("d", -11, 3)] {
            let message = Message {
                hash: hash.into(),
                timestamp,
                expiry: 100,
                data: vec![],
            };
            store.insert(&ACCOUNT, namespace, false, &message).unwrap();
        }
        let message = Message {
            hash: "a".into(),
            timestamp: 1,
            expiry: 100,
            data: vec![],
        };
        store.insert(&[3; 33], 0, false, &message).unwrap();
        (folder, store)
    }

    #[test]
    fn deletes_by_hash_what_is_there() {
        let (_folder, mut store) = filled();
        let deleted = store.delete(&ACCOUNT, ["c", "x", "a", "a"]).unwrap();
        assert_eq!(deleted, ["a", "c"]);
        assert_eq!(store.count().unwrap(), 3, "other accounts keep theirs");
    }

    #[test]
    fn deletes_by_time_in_one_namespace_or_all() {
        let (_folder, mut store) = filled();
        assert_eq!(
            store.delete_before(&ACCOUNT, Some(0), 1).unwrap(),
            [(0, "a".into())]
        );
        let all = store.delete_before(&ACCOUNT, None, u64::MAX).unwrap();
        assert_eq!(all, [(-11, "d".into()), (0, "b".into()), (2, "c".into())]);
        assert_eq!(store.count().unwrap(), 1);
    }

    #[test]
    fn expire_all_only_shortens() {
        let (_folder, mut store) = filled();
        assert_eq!(store.expire_all(&ACCOUNT, Some(0), 100).unwrap(), []);
        let updated = store.expire_all(&ACCOUNT, Some(0), 50).unwrap();
        assert_eq!(updated, [(0, "a".into()), (0, "b".into())]);
        assert_eq!(
            store.expiries(&ACCOUNT, ["a", "c"]).unwrap(),
            [("a".into(), 50), ("c".into(), 100)]
        );
    }

    #[test]
    fn single_expiries_are_set_where_the_message_is() {
        let (_folder, mut store) = filled();
        store
            .set_expiries(&ACCOUNT, [("b", 200), ("a", 50), ("x", 70)])
            .unwrap();
        let expiries = store.expiries(&ACCOUNT, ["a", "b", "x"]).unwrap();
        assert_eq!(expiries, [("a".into(), 50), ("b".into(), 200)]);
        assert_eq!(store.expire(60).unwrap(), 1);
        let alive = store.expiries(&ACCOUNT, ["a", "b"]).unwrap();
        assert_eq!(alive, [("b".into(), 200)]);
    }
}
