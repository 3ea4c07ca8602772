//! Pictures of articles: put once, read for ever. Nothing changes or deletes one.

use kizuna_domain::content::picture::{Picture, PictureName};

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::{args, sql};

sql!(
    PUT,
    "INSERT INTO media (digest, kind, bytes) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING"
);
sql!(GET, "SELECT bytes FROM media WHERE digest = $1 AND kind = $2");
sql!(HAS, "SELECT 1 FROM media WHERE digest = $1 AND kind = $2");

/// Keeps a picture; the same one again changes nothing.
pub fn put(tx: &mut WriteTx<'_>, picture: &Picture) -> Result<(), StoreError> {
    let name = picture.name();
    let args = args![name.digest(), name.kind().extension(), picture.bytes()];
    tx.exec(PUT, args).map(|_| ())
}

/// The bytes of a picture.
pub fn get(tx: &mut ReadTx<'_>, name: &PictureName) -> Result<Option<Vec<u8>>, StoreError> {
    let args = args![name.digest(), name.kind().extension()];
    tx.one(GET, args, |row| Ok(row.bytes(0)?.to_vec()))
}

/// True where the picture is kept.
pub fn has(tx: &mut ReadTx<'_>, name: &PictureName) -> Result<bool, StoreError> {
    let args = args![name.digest(), name.kind().extension()];
    Ok(tx.one(HAS, args, |_| Ok(()))?.is_some())
}
