//! The objects of a bucket.

use std::io;

use ureq::http::Method;

use crate::answers::Element;
use crate::ask::Ask;
use crate::client::Bucket;

impl Bucket {
    /// Visits the keys of the objects with this prefix, page after page (`ListObjectsV2`).
    ///
    /// # Errors
    ///
    /// - those of the [crate](crate#errors).
    /// - any error of `visit`.
    pub fn each_object(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Vec<String>) -> io::Result<()>,
    ) -> io::Result<()> {
        let name = self.name_of(prefix);
        let query = [("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)];
        let list = Ask::new(Method::GET, "", &query);
        let markers = [("continuation-token", "NextContinuationToken")];
        let read = self.pages(&list, self.0.retry, &markers, |page| {
            let encoded = page.is_url_encoded();
            let objects = page.all("Contents");
            let key = |object: &Element| Some(object.key_in(encoded, "Key")?.0);
            let keys: Option<Vec<String>> = objects.and_then(|all| all.iter().map(key).collect());
            keys.map(&mut *visit).transpose()
        })?;
        read.map_err(|refusal| refusal.failed(&name).into_error())
    }
}
