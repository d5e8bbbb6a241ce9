//! Leaving root once the ports are bound.

use std::ffi::CString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

/// True when this process runs as root.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// Looks a user up by name.
pub(crate) fn find(name: &str) -> Result<User> {
    match User::from_name(name).with_context(|| format!("cannot look up the user {name}"))? {
        Some(user) => Ok(user),
        None => bail!("there is no user {name}"),
    }
}

/// Makes the data folder, if it is not there, and hands a new one to `user`.
///
/// A folder that is there already keeps its owner: whoever made it knows why.
pub(crate) fn prepare_folder(folder: &Path, user: &User) -> Result<()> {
    if !folder.exists() {
        crate::store::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::os::unix::fs::chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .with_context(|| format!("cannot give {} to {}", folder.display(), user.name))?;
    }
    Ok(())
}

/// Becomes `user` for good: supplementary groups, group, then user. To be called with all ports bound.
///
/// Fails if root could be had back, which would mean that nothing was dropped.
pub(crate) fn become_user(user: &User) -> Result<()> {
    let name = CString::new(user.name.as_str()).context("the user's name holds a NUL")?;
    initgroups(&name, user.gid).context("cannot set the supplementary groups")?;
    setgid(user.gid).context("cannot set the group")?;
    setuid(user.uid).context("cannot set the user")?;
    if !user.uid.is_root() && setuid(nix::unistd::Uid::from_raw(0)).is_ok() {
        bail!("root could be had back");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn finds_users() {
        assert!(find("root").unwrap().uid.is_root());
        let error = find("no-such-user-here").unwrap_err().to_string();
        assert_eq!(error, "there is no user no-such-user-here");
    }

    #[test]
    fn a_new_folder_belongs_to_the_user() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        // Only root can give files away: as anyone else give it to oneself.
        let user =
            if is_root() { find("nobody").unwrap() } else { User::from_uid(geteuid()).unwrap().unwrap() };
        prepare_folder(&folder, &user).unwrap();
        let metadata = folder.metadata().unwrap();
        assert_eq!(metadata.uid(), user.uid.as_raw());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    }
}
