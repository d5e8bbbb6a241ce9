//! Values that must not be seen.

use core::fmt;
use zeroize::Zeroize;

/// A password, a token, a key: hidden in `Debug`, zeroed when dropped.
///
/// ```
/// use postroad_core::Secret;
///
/// let password = Secret::new(String::from("tanstaaf"));
/// assert_eq!(format!("{password:?}"), "Secret(…)");
/// assert_eq!(password.expose(), "tanstaaf");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Whoever calls this takes care that it is neither printed nor logged.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{rc::Rc, vec, vec::Vec};
    use core::cell::RefCell;

    struct Spy(Rc<RefCell<Vec<u8>>>);
    impl Zeroize for Spy {
        fn zeroize(&mut self) {
            self.0.borrow_mut().zeroize();
        }
    }

    #[test]
    fn is_zeroed_on_drop() {
        let inside = Rc::new(RefCell::new(vec![1, 2, 3]));
        drop(Secret::new(Spy(inside.clone())));
        assert!(inside.borrow().is_empty());
    }
}
