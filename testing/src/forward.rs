//! Methods that only forward a call, for storages, files and byte streams that change a few others.

/// Defines methods within an `impl` that forward to another value.
///
/// `forward!(self => self.file; read flush)` defines the methods of `self.file`.
#[macro_export]
macro_rules! forward {
    ($self:ident => $to:expr; $($method:ident)*) => {
        $($crate::forward!(@ $method $self, $to);)*
    };

    // Storage
    (@ create $self:ident, $to:expr) => {
        fn create(&$self, path: &::std::path::Path) -> ::std::io::Result<Box<dyn StoredFile>> {
            $to.create(path)
        }
    };
    (@ exists $self:ident, $to:expr) => {
        fn exists(&$self, path: &::std::path::Path) -> bool {
            $to.exists(path)
        }
    };
    (@ rename $self:ident, $to:expr) => {
        fn rename(&$self, from: &::std::path::Path, to: &::std::path::Path) -> ::std::io::Result<()> {
            $to.rename(from, to)
        }
    };
    (@ link $self:ident, $to:expr) => {
        fn link(&$self, from: &::std::path::Path, to: &::std::path::Path) -> ::std::io::Result<()> {
            $to.link(from, to)
        }
    };
    (@ remove $self:ident, $to:expr) => {
        fn remove(&$self, path: &::std::path::Path) -> ::std::io::Result<()> {
            $to.remove(path)
        }
    };
    (@ sync_folder $self:ident, $to:expr) => {
        fn sync_folder(&$self, path: &::std::path::Path) -> ::std::io::Result<()> {
            $to.sync_folder(path)
        }
    };

    // StoredFile
    (@ size $self:ident, $to:expr) => {
        fn size(&$self) -> ::std::io::Result<u64> {
            $to.size()
        }
    };
    (@ set_len $self:ident, $to:expr) => {
        fn set_len(&mut $self, len: u64) -> ::std::io::Result<()> {
            $to.set_len(len)
        }
    };
    (@ sync $self:ident, $to:expr) => {
        fn sync(&mut $self) -> ::std::io::Result<()> {
            $to.sync()
        }
    };
    (@ lock $self:ident, $to:expr) => {
        fn lock(&mut $self) -> ::std::io::Result<()> {
            $to.lock()
        }
    };
    (@ restrict $self:ident, $to:expr) => {
        fn restrict(&mut $self) -> ::std::io::Result<()> {
            $to.restrict()
        }
    };
    (@ permit $self:ident, $to:expr) => {
        fn permit(&mut $self, target: &::std::path::Path) {
            $to.permit(target);
        }
    };
    (@ is_named $self:ident, $to:expr) => {
        fn is_named(&$self, path: &::std::path::Path) -> ::std::io::Result<bool> {
            $to.is_named(path)
        }
    };

    // Read, Write and Seek
    (@ read $self:ident, $to:expr) => {
        fn read(&mut $self, buffer: &mut [u8]) -> ::std::io::Result<usize> {
            $to.read(buffer)
        }
    };
    (@ write $self:ident, $to:expr) => {
        fn write(&mut $self, buffer: &[u8]) -> ::std::io::Result<usize> {
            $to.write(buffer)
        }
    };
    (@ flush $self:ident, $to:expr) => {
        fn flush(&mut $self) -> ::std::io::Result<()> {
            $to.flush()
        }
    };
    (@ seek $self:ident, $to:expr) => {
        fn seek(&mut $self, place: ::std::io::SeekFrom) -> ::std::io::Result<u64> {
            $to.seek(place)
        }
    };
}
