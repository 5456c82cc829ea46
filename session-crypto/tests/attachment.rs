//! Attachments and profile pictures: the values of the specification, and rejected input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs
)]

use proptest::prelude::*;
use session_crypto::attachment::{
    self, CHUNK_LENGTH, Decryptor, Encryptor, FileKey, HEAD_LENGTH, Key, KeyHasher, Kind,
    MAX_CONTENT_SIZE, SizeError, legacy, picture,
};
use session_crypto::secretstream::{SecretStream, Tag};
use session_crypto::{DecryptError, Ed25519Secret, SymmetricKey};
use sha2::{Digest, Sha256};
use testkit::{Replay, array, hex};

/// The content of the specification's examples.
fn data(length: usize) -> Vec<u8> {
    (0..length).map(|index| (7 * index % 256) as u8).collect()
}

fn sender() -> Ed25519Secret {
    Ed25519Secret::from_seed(&array(&"0123456789abcdef".repeat(4)))
}

fn counting<const N: usize>() -> [u8; N] {
    core::array::from_fn(|index| index as u8)
}

#[test]
fn secretstream_is_that_of_libsodium() {
    let messages: [(&[u8], Tag, &str); 3] = [
        (
            b"hello",
            Tag::Message,
            "7ff693f69d2dd85c8e42c045ad2ebbcfa2a7198c7b56",
        ),
        (b"", Tag::Message, "10be0c1a2d656b982d31f258e10877ae66"),
        (
            b"world!",
            Tag::Final,
            "73f2557bcd2a196d25448f18321d65b1e08023841b067d",
        ),
    ];
    let (key, header) = (SymmetricKey::from_bytes(counting()), counting());
    let mut writer = SecretStream::new(&key, &header);
    let mut reader = SecretStream::new(&key, &header);
    for (message, tag, expected) in messages {
        let mut buffer = message.to_vec();
        let (encrypted_tag, mac) = writer.push(tag, &mut buffer).unwrap();
        let chunk = [&[encrypted_tag], buffer.as_slice(), &mac].concat();
        assert_eq!(chunk, hex(expected));
        assert_eq!(reader.pull(encrypted_tag, &mut buffer, &mac), Ok(tag));
        assert_eq!(buffer, message);
    }
}

#[test]
fn a_chunk_that_does_not_open_leaves_stream_and_buffer_as_they_were() {
    let (key, header) = (SymmetricKey::from_bytes(counting()), counting());
    let mut writer = SecretStream::new(&key, &header);
    let mut reader = SecretStream::new(&key, &header);
    let mut buffer = b"hello".to_vec();
    let (encrypted_tag, mac) = writer.push(Tag::Rekey, &mut buffer).unwrap();
    let sealed = buffer.clone();
    for bit in 0..8 {
        assert_eq!(
            reader.pull(encrypted_tag ^ 1 << bit, &mut buffer, &mac),
            Err(DecryptError)
        );
        assert_eq!(buffer, sealed);
    }
    assert_eq!(
        reader.pull(encrypted_tag, &mut buffer, &mac),
        Ok(Tag::Rekey)
    );
    // The same chunk again is not the next one.
    let mut again = sealed.clone();
    assert_eq!(
        reader.pull(encrypted_tag, &mut again, &mac),
        Err(DecryptError)
    );
}

fn check_file(earlier: bool, kind: Kind, length: usize, key: &str, header: &str, digest: &str) {
    let (sender, content) = (sender(), data(length));
    let hasher = if earlier {
        KeyHasher::earlier(&sender, kind)
    } else {
        KeyHasher::new(&sender, kind)
    };
    let file_key = hasher.chain(&content).finalize();
    assert_eq!(file_key.key.expose_bytes(), hex(key).as_slice());
    assert_eq!(file_key.header, array(header));
    let file = attachment::encrypt(&file_key, &content).unwrap();
    assert_eq!(Sha256::digest(&file).as_slice(), hex(digest));
    assert_eq!(*attachment::decrypt(&file_key.key, &file).unwrap(), content);
    let sizes = attachment::sizes(length as u64).unwrap();
    assert_eq!(file.len() as u64, sizes.file);
}

#[test]
fn files_are_those_of_the_specification() {
    use Kind::{Attachment, ProfilePicture};
    for (earlier, kind, length, key, header, digest) in [
        (
            false,
            Attachment,
            0,
            "c811e82fa9a353e0e9814faaa362e3563af2ba3300d31d6e7ea8319b4b17b8d5",
            "57aaa43118daae1b068b7b2cfea7fbf2bc32ca4d99003ec0",
            "28ca9a9e248a6bb759a44e4a9921d46313fa8a7ff4887120af8f15c1fcc803b9",
        ),
        (
            false,
            Attachment,
            100,
            "6bc2549f32011221c4c9f3efc94c296e03da1b3a2c765ee10ee2fbe8bee4922d",
            "399eb75287599f19e44625aa7d62558d41b273acb4757ce8",
            "f70622a96fa99f0bcd9b9a1768f2f19d5a09ce89129432800edaccbf03e457dc",
        ),
        (
            false,
            Attachment,
            33333,
            "4ce68ba1f085312eae658f147058210a9c05771ece2c8ced686d54544be1e945",
            "740be05f9db883402f152f8dca311c6797ac3a1fbd16e67b",
            "672f3bc44b2b1915b527d6429c86dd0b462a958aa1cad9afae0ad971e660002b",
        ),
        (
            false,
            ProfilePicture,
            100,
            "09d26213504543523bcdf5c65d4071866e0ba9ee0f164808b271ce399a11171b",
            "fd37a3d9da8227941146968598611a1bc05ca260da9367b1",
            "3bb2e0ae495c1ee06e9735bfd9d0cde05ee6fc7ffad9f428dfd4cccea0bb336b",
        ),
        (
            false,
            ProfilePicture,
            33333,
            "d68641129afaf961feee7fa03119ed7a3377138f736f75e6e968a1ef264c0f8a",
            "04786db7762796a9e8069179ba21ea28c8bbe97073af3feb",
            "9bea468928f14aeab48b360ef106bc9b29425185fd3365301c0547532c20aaa0",
        ),
        (
            true,
            Attachment,
            100,
            "b19a5d8b692231f2bf117f37c25542165f7f9879f1c45eff538e0af31d893b15",
            "60b247d5d865bdafc76bda14d1e3e986e35872af15609505",
            "8a3f5fbafc6f6d6d36544621b041388f0632fd4ddf57549f2cff6f80bff5433e",
        ),
        (
            true,
            Attachment,
            33333,
            "4bae803f6d71666a799f1e6a090d85e7c74db42934806775384c0f6d94452347",
            "3c045062382648eaac1a6c0ce04c1e33042c8b2163b6c016",
            "abeacdb0c89d15706e44f5b8fe476b8dbbc8f70f7a8dc8d9b43f0e6f957cb510",
        ),
        (
            true,
            ProfilePicture,
            100,
            "3c012ede7836ead86dddc0eb352f75725eca04d0c5443712913364c02d871e70",
            "2a697048001942d19a130954486576608ac5ea8ffde4af79",
            "666dc5fe6fd094f5aa3e4c8db710dcca21d6974bd7343ae104bf5c5501d31b9b",
        ),
    ] {
        check_file(earlier, kind, length, key, header, digest);
    }
}

#[test]
fn a_file_is_written_into_room_of_its_own_size() {
    for length in [0, 1, 4_000, 5_000, 100_000] {
        let content = data(length);
        let file_key = FileKey::derive(&sender(), Kind::Attachment, &content);
        let file = attachment::encrypt(&file_key, &content).unwrap();
        assert_eq!(file.capacity(), file.len(), "{length}");
    }
}

#[test]
fn whole_keys_are_hashes_of_the_whole_content() {
    let content = data(1000);
    let whole = FileKey::derive(&sender(), Kind::Attachment, &content);
    let mut pieces = KeyHasher::new(&sender(), Kind::Attachment);
    for piece in content.chunks(77) {
        pieces.update(piece);
    }
    assert_eq!(
        pieces.finalize().key.expose_bytes(),
        whole.key.expose_bytes()
    );

    let other_seed = Ed25519Secret::from_seed(&[1; 32]);
    let mut changed = content.clone();
    changed[999] ^= 1;
    for other in [
        FileKey::derive(&other_seed, Kind::Attachment, &content),
        FileKey::derive(&sender(), Kind::ProfilePicture, &content),
        FileKey::derive(&sender(), Kind::Attachment, &changed),
    ] {
        assert_ne!(other.key.expose_bytes(), whole.key.expose_bytes());
        assert_ne!(other.header, whole.header);
        let file = attachment::encrypt(&other, &content).unwrap();
        assert!(attachment::decrypt(&whole.key, &file).is_err());
    }
}

/// Encrypts in pieces of one length.
fn encrypt_in_steps(file_key: &FileKey, content: &[u8], step: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encryptor = Encryptor::new(file_key, content.len() as u64, &mut file).unwrap();
    for piece in content.chunks(step) {
        encryptor.update(piece, &mut file).unwrap();
    }
    encryptor.finish().unwrap();
    file
}

/// Decrypts in pieces of one length.
fn decrypt_in_steps(key: &Key, file: &[u8], step: usize) -> Result<Vec<u8>, DecryptError> {
    let mut content = Vec::new();
    let mut decryptor = Decryptor::new(key);
    for piece in file.chunks(step) {
        decryptor.update(piece, &mut content)?;
    }
    decryptor.finish(&mut content)?;
    Ok(content)
}

#[test]
fn the_length_of_the_pieces_does_not_matter() {
    for length in [0, 1, 4053, 33333, 65535, 131_072] {
        let content = data(length);
        let file_key = FileKey::derive(&sender(), Kind::Attachment, &content);
        let file = attachment::encrypt(&file_key, &content).unwrap();
        for step in [1, 2, 41, 4096, CHUNK_LENGTH, CHUNK_LENGTH + 17, usize::MAX] {
            assert_eq!(encrypt_in_steps(&file_key, &content, step), file);
            assert_eq!(
                decrypt_in_steps(&file_key.key, &file, step),
                Ok(content.clone())
            );
        }
    }
}

#[test]
fn an_exact_multiple_of_the_chunk_length_ends_with_a_full_final_chunk() {
    // The padding of small contents never makes it so; another sender's may.
    let content = data(CHUNK_LENGTH - 1);
    let file_key = FileKey::derive(&sender(), Kind::Attachment, &content);
    let mut plain = [&[0x01], content.as_slice()].concat();
    let file = seal_by_hand(&file_key, &mut plain, &[Tag::Final]);
    assert_eq!(file.len(), HEAD_LENGTH + CHUNK_LENGTH + 17);
    assert_eq!(*attachment::decrypt(&file_key.key, &file).unwrap(), content);
}

/// Creates a file whose chunks have the given tags, with any padding.
fn seal_by_hand(file_key: &FileKey, plain: &mut [u8], tags: &[Tag]) -> Vec<u8> {
    let mut stream = SecretStream::new(
        &SymmetricKey::from_bytes(*file_key.key.expose_bytes()),
        &file_key.header,
    );
    let mut file = [&[attachment::MAGIC], file_key.header.as_slice()].concat();
    let pieces: Vec<&mut [u8]> = if plain.is_empty() {
        vec![plain]
    } else {
        plain.chunks_mut(CHUNK_LENGTH).collect()
    };
    assert_eq!(pieces.len(), tags.len());
    for (piece, tag) in pieces.into_iter().zip(tags) {
        let (encrypted_tag, mac) = stream.push(*tag, piece).unwrap();
        file.push(encrypted_tag);
        file.extend_from_slice(piece);
        file.extend_from_slice(&mac);
    }
    file
}

#[test]
fn streams_that_are_authentic_but_malformed_are_refused() {
    let file_key = FileKey::derive(&sender(), Kind::Attachment, b"");
    let open = |plain: &[u8], tags: &[Tag]| {
        let file = seal_by_hand(&file_key, &mut plain.to_vec(), tags);
        attachment::decrypt(&file_key.key, &file).map(|content| content.to_vec())
    };
    let long = [vec![0; CHUNK_LENGTH - 1], vec![1], b"content".to_vec()].concat();
    assert_eq!(
        open(b"\0\0\x01content", &[Tag::Final]),
        Ok(b"content".to_vec())
    );
    assert_eq!(
        open(&long, &[Tag::Message, Tag::Final]),
        Ok(b"content".to_vec())
    );

    // No end of the padding; something else in it; no plaintext; the end missing; an end too early;
    // tags that no sender uses.
    for (plain, tags) in [
        (b"\0\0\0".as_slice(), [Tag::Final].as_slice()),
        (b"\0\x02content", &[Tag::Final]),
        (b"\x80content", &[Tag::Final]),
        (b"", &[Tag::Final]),
        (b"\x01content", &[Tag::Message]),
        (&long, &[Tag::Message, Tag::Message]),
        (&long, &[Tag::Final, Tag::Final]),
        (b"\x01content", &[Tag::Push]),
        (&long, &[Tag::Push, Tag::Final]),
        (&long, &[Tag::Rekey, Tag::Final]),
    ] {
        assert_eq!(open(plain, tags), Err(DecryptError), "{tags:?}");
    }
}

#[test]
fn every_truncation_and_bit_flip_of_a_file_is_refused() {
    let content = b"a small content";
    let file_key = FileKey::derive(&sender(), Kind::Attachment, content);
    // The padding of a real file would make this test long: a file with little of it is as good.
    let mut plain = [b"\0\0\0\x01".as_slice(), content].concat();
    let file = seal_by_hand(&file_key, &mut plain, &[Tag::Final]);
    let open = |file: &[u8]| attachment::decrypt(&file_key.key, file);
    assert_eq!(**open(&file).unwrap(), *content);
    for length in 0..file.len() {
        assert_eq!(open(&file[..length]), Err(DecryptError));
    }
    for bit in 0..8 * file.len() {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&changed), Err(DecryptError));
    }
    assert_eq!(open(&[file.as_slice(), &[0]].concat()), Err(DecryptError));
}

#[test]
fn chunks_cannot_be_cut_swapped_or_repeated() {
    let content = data(100_000);
    let file_key = FileKey::derive(&sender(), Kind::Attachment, &content);
    let file = attachment::encrypt(&file_key, &content).unwrap();
    let (head, body) = file.split_at_checked(HEAD_LENGTH).unwrap();
    let chunks: Vec<&[u8]> = body.chunks(CHUNK_LENGTH + 17).collect();
    assert_eq!(chunks.len(), 4);
    let open = |order: &[usize]| {
        let body: Vec<u8> = order
            .iter()
            .flat_map(|index| chunks[*index])
            .copied()
            .collect();
        let file = [head, &body].concat();
        let whole = attachment::decrypt(&file_key.key, &file);
        let steps = decrypt_in_steps(&file_key.key, &file, 1000);
        assert_eq!(whole.is_ok(), steps.is_ok());
        whole.is_ok()
    };
    assert!(open(&[0, 1, 2, 3]));
    for order in [
        [0, 1, 2].as_slice(),
        &[0, 1],
        &[],
        &[0, 1, 3],
        &[1, 2, 3],
        &[0, 2, 1, 3],
        &[0, 1, 1, 2, 3],
        &[0, 1, 2, 3, 3],
        &[3],
    ] {
        assert!(!open(order), "{order:?}");
    }
}

#[test]
fn a_decryptor_that_failed_takes_its_output_back_and_stays_failed() {
    let content = data(100_000);
    let file_key = FileKey::derive(&sender(), Kind::Attachment, &content);
    let mut file = attachment::encrypt(&file_key, &content).unwrap();
    let second_chunk = HEAD_LENGTH + CHUNK_LENGTH + 17;
    file[second_chunk + 100] ^= 1;
    let mut out = b"before".to_vec();
    let mut decryptor = Decryptor::new(&file_key.key);
    assert_eq!(decryptor.update(&file, &mut out), Err(DecryptError));
    assert_eq!(out, b"before");
    file[second_chunk + 100] ^= 1;
    assert_eq!(decryptor.update(&[], &mut out), Err(DecryptError));
    assert_eq!(
        decryptor.update(&file[second_chunk..], &mut out),
        Err(DecryptError)
    );
    assert_eq!(decryptor.finish(&mut out), Err(DecryptError));
    assert_eq!(out, b"before");
}

#[test]
fn the_first_byte_is_the_mark_of_the_form() {
    let file_key = FileKey::derive(&sender(), Kind::Attachment, b"content");
    let mut file = attachment::encrypt(&file_key, b"content").unwrap();
    assert_eq!(file[0], b'S');
    file[0] = b's';
    assert!(attachment::decrypt(&file_key.key, &file).is_err());
    assert!(attachment::decrypt(&file_key.key, &[]).is_err());
}

#[test]
fn lengths_other_than_announced_are_refused() {
    let file_key = FileKey::derive(&sender(), Kind::Attachment, b"");
    let mut out = Vec::new();
    let too_large = Encryptor::new(&file_key, MAX_CONTENT_SIZE + 1, &mut out).unwrap_err();
    assert!(matches!(too_large, SizeError::TooLarge { .. }));
    assert!(out.is_empty());
    let too_large = Encryptor::new_large(&file_key, u64::MAX, &mut out).unwrap_err();
    let (max, got) = (1 << 62, u64::MAX);
    assert_eq!(too_large, SizeError::TooLarge { max, got });
    assert!(out.is_empty());

    let mut encryptor = Encryptor::new(&file_key, 3, &mut out).unwrap();
    let written = out.len();
    let too_much = encryptor.update(b"four", &mut out).unwrap_err();
    assert_eq!(too_much, SizeError::TooMuch { excess: 1 });
    assert_eq!(out.len(), written);
    encryptor.update(b"ab", &mut out).unwrap();
    let too_little = encryptor.finish().unwrap_err();
    assert_eq!(too_little, SizeError::TooLittle { missing: 1 });
}

#[test]
fn random_keys_open_their_own_files_only() {
    let draws: Vec<Vec<u8>> = (0..2).map(|draw| vec![draw; 56]).collect();
    let mut rng = Replay::new(draws);
    let (first, second) = (FileKey::generate(&mut rng), FileKey::generate(&mut rng));
    let file = attachment::encrypt(&first, b"content").unwrap();
    assert!(attachment::decrypt(&first.key, &file).is_ok());
    assert!(attachment::decrypt(&second.key, &file).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn contents_come_back_whatever_their_length_and_pieces(
        length in 0_usize..150_000, write in 1_usize..70_000, read in 1_usize..70_000,
    ) {
        let content = data(length);
        let file_key = FileKey::derive(&sender(), Kind::ProfilePicture, &content);
        let file = encrypt_in_steps(&file_key, &content, write);
        prop_assert_eq!(file.len() as u64, attachment::sizes(length as u64).unwrap().file);
        prop_assert_eq!(decrypt_in_steps(&file_key.key, &file, read), Ok(content));
    }
}

#[test]
fn a_legacy_attachment_is_that_of_the_specification() {
    let keys = legacy::Keys::from_bytes(counting());
    let mut rng = Replay::new([counting::<16>().to_vec()]);
    let encrypted = legacy::encrypt(&mut rng, &keys, b"hello attachment", false).unwrap();
    let blob = "000102030405060708090a0b0c0d0e0f2c1f7d1c72525a9ec163bb8a3b8cf9b99d4d0d72e686a13cc797\
                a1ade7bbb554ea8ccae228b3b2b89993cde1d8362756441375766fffefdd09f4a4cb0227dc40";
    assert_eq!(encrypted.blob, hex(blob));
    let digest = "c1f156795ef25e8946fa8f2e6dd1545690a1a993d3f2cbe5c397e9136fb87629";
    assert_eq!(encrypted.digest, array(digest));
    let opened = legacy::decrypt(&keys, &encrypted.digest, 16, &encrypted.blob).unwrap();
    assert_eq!(*opened, b"hello attachment");
}

#[test]
fn legacy_contents_are_cut_to_the_size_that_the_message_names() {
    let keys = legacy::Keys::from_bytes(counting());
    for length in [0, 1, 15, 16, 17, 540, 541, 542, 5000] {
        let content = data(length);
        let mut rng = Replay::new([vec![9; 16]]);
        let encrypted = legacy::encrypt(&mut rng, &keys, &content, true).unwrap();
        let bucket = legacy::bucket(length).unwrap();
        let open = |size| legacy::decrypt(&keys, &encrypted.digest, size, &encrypted.blob);
        assert_eq!(*open(length).unwrap(), content);
        assert_eq!(open(bucket).unwrap().len(), bucket);
        assert_eq!(open(bucket + 1), Err(DecryptError));
        assert_eq!(open(usize::MAX), Err(DecryptError));
    }
}

#[test]
fn legacy_buckets_are_those_of_the_specification() {
    for (content, bucket) in [
        (0, 541),
        (1, 541),
        (100, 541),
        (541, 541),
        (542, 568),
        (600, 626),
        (1000, 1020),
        (4096, 4201),
        (65536, 67789),
        (1_000_000, 1_041_743),
        (9_999_999, 10_000_000),
        (10_000_000, 10_000_000),
    ] {
        assert_eq!(legacy::bucket(content), Some(bucket));
    }
    assert_eq!(legacy::bucket(10_000_001), None);
    assert_eq!(legacy::bucket(usize::MAX), None);
    for content in (0..10_000_000).step_by(9973) {
        assert!(legacy::bucket(content).unwrap() >= content);
    }
}

#[test]
fn every_truncation_and_bit_flip_of_a_legacy_attachment_is_refused() {
    let keys = legacy::Keys::from_bytes(counting());
    let mut rng = Replay::new([vec![9; 16]]);
    let legacy::Encrypted { blob, digest } =
        legacy::encrypt(&mut rng, &keys, b"hello attachment", false).unwrap();
    // With the digest of what came, so that the HMAC alone has to notice.
    let open = |blob: &[u8]| legacy::decrypt(&keys, &Sha256::digest(blob).into(), 16, blob);
    assert!(open(&blob).is_ok());
    for length in 0..blob.len() {
        assert_eq!(open(&blob[..length]), Err(DecryptError));
    }
    for bit in 0..8 * blob.len() {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&changed), Err(DecryptError));
    }
    // And the digest alone.
    for bit in 0..256 {
        let mut changed = digest;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            legacy::decrypt(&keys, &changed, 16, &blob),
            Err(DecryptError)
        );
    }
}

#[test]
fn a_legacy_attachment_with_bad_padding_is_refused_though_authentic() {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit};
    use hmac::{Hmac, KeyInit, Mac};
    let keys = legacy::Keys::from_bytes(counting());
    let open = |plain: &[u8], size| {
        let mut blob = [[5; 16].as_slice(), plain].concat();
        let (blocks, rest) =
            aes::cipher::Block::<aes::Aes256>::slice_as_chunks_mut(&mut blob[16..]);
        assert!(rest.is_empty());
        let key: [u8; 32] = keys.expose_bytes()[..32].try_into().unwrap();
        cbc::Encryptor::<aes::Aes256>::new(&key.into(), &[5; 16].into()).encrypt_blocks(blocks);
        let mac = Hmac::<Sha256>::new_from_slice(&keys.expose_bytes()[32..]).unwrap();
        let tag = mac.chain_update(&blob).finalize().into_bytes();
        blob.extend_from_slice(&tag);
        legacy::decrypt(&keys, &Sha256::digest(&blob).into(), size, &blob).map(|plain| plain.len())
    };
    let block = |last: &[u8]| [vec![b'x'; 16 - last.len()], last.to_vec()].concat();
    assert_eq!(open(&block(&[1]), 15), Ok(15));
    assert_eq!(open(&block(&[2, 2]), 3), Ok(3));
    assert_eq!(open(&[block(&[]), vec![16; 16]].concat(), 16), Ok(16));
    for (plain, size) in [
        (Vec::new(), 0),
        (block(&[0]), 0),
        (block(&[3, 2]), 0),
        (block(&[17]), 0),
        (block(&[0xff]), 0),
        ([block(&[]), vec![17; 16]].concat(), 15),
        (block(&[2, 2]), 15),
    ] {
        assert_eq!(open(&plain, size), Err(DecryptError));
    }
}

#[test]
fn a_legacy_picture_is_that_of_the_specification() {
    let key = Key::from_bytes(counting());
    let mut rng = Replay::new([counting::<12>().to_vec()]);
    let blob = picture::encrypt(&mut rng, &key, b"profile picture").unwrap();
    let expected = "000102030405060708090a0b3770b97dac89a73bfd28f4ffc49b1d5cc7b4d1d97b1eb00f8ee56f84\
                    432942";
    assert_eq!(blob, hex(expected));
    assert_eq!(blob.len(), b"profile picture".len() + picture::OVERHEAD);
    assert_eq!(
        **picture::decrypt(&key, &blob).unwrap(),
        *b"profile picture"
    );
    for length in 0..blob.len() {
        assert_eq!(picture::decrypt(&key, &blob[..length]), Err(DecryptError));
    }
    for bit in 0..8 * blob.len() {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(picture::decrypt(&key, &changed), Err(DecryptError));
    }
    assert_eq!(
        picture::decrypt(&Key::from_bytes([0; 32]), &blob),
        Err(DecryptError)
    );
    // 28 bytes are an empty picture.
    let mut rng = Replay::new([counting::<12>().to_vec()]);
    let empty = picture::encrypt(&mut rng, &key, b"").unwrap();
    assert_eq!(picture::decrypt(&key, &empty), Err(DecryptError));
}

#[test]
fn tags_of_chunks_are_four() {
    use session_crypto::secretstream::Tag;
    for byte in 0..=255 {
        let tag = Tag::from_byte(byte);
        assert_eq!(tag.map(Tag::to_byte), (byte < 4).then_some(byte));
    }
}
