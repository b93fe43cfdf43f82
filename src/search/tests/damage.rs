//! Files that are missing, cut, changed or of another version: an index to rebuild, never a wrong answer.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::*;
use crate::search::Error;

fn some() -> Vec<Entry> {
    (1..=40).map(|number| entry(number, &format!("Kadın emeği {number}"), "ücret")).collect()
}

/// Every file below `folder` but the lock.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for inside in fs::read_dir(folder).unwrap() {
        let path = inside.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.file_name().unwrap() != "lock" {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for inside in fs::read_dir(from).unwrap() {
        let path = inside.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

fn rebuild(index: &Index) {
    let mut rebuild = index.rebuild().unwrap();
    rebuild.put(&some()).unwrap();
    rebuild.finish(&position(3)).unwrap();
    assert_eq!(index.search(&ask("kadın")).unwrap().total, 40);
    assert!(index.is_intact());
}

#[test]
fn it_is_opened_again_as_it_was() {
    let (folder, index) = index(&some());
    let path = folder.path().join("search");
    assert!(matches!(Index::open(&path, "test"), Err(Error::Busy)));
    let before = index.search(&ask("kadın 7")).unwrap();
    drop(index);
    let index = Index::open(&path, "test").unwrap();
    assert_eq!((index.position(), index.emptied_because()), (Some(position(1)), None));
    assert_eq!(index.search(&ask("kadın 7")).unwrap(), before);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    drop(index);
    let other = Index::open(&path, "other").unwrap();
    assert_eq!(other.position(), None);
    assert!(other.emptied_because().unwrap().contains("another version"));
    rebuild(&other);
}

#[test]
fn every_cut_or_changed_file_is_noticed_when_it_is_opened() {
    let (folder, index) = index(&some());
    index.apply(&[], &[id(3)], &position(2)).unwrap();
    let before = index.search(&ask("kadın 7")).unwrap();
    drop(index);
    let original = folder.path().join("search");
    let names: Vec<PathBuf> =
        files(&original).iter().map(|path| path.strip_prefix(&original).unwrap().to_owned()).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        for damage in ["removed", "emptied", "cut", "changed", "grown"] {
            let path = folder.path().join("copy");
            copy(&original, &path);
            let file = path.join(&name);
            let mut bytes = fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            match damage {
                "removed" => fs::remove_file(&file).unwrap(),
                "emptied" => bytes.clear(),
                "cut" => bytes.truncate(middle),
                "changed" => bytes[middle] ^= 1,
                _ => bytes.push(0),
            }
            if damage != "removed" {
                fs::write(&file, bytes).unwrap();
            }
            let index = Index::open(&path, "test").unwrap();
            // The list of files is only there to tidy up; all else matters.
            if index.position().is_some() {
                assert_eq!(index.search(&ask("kadın 7")).unwrap(), before, "{} {damage}", name.display());
                index.apply(&[entry(99, "Yeni", "")], &[], &position(4)).unwrap();
                assert_eq!(found(&index, "yeni"), [99]);
            } else {
                assert!(index.emptied_because().is_some());
                assert_eq!(index.search(&ask("kadın")).unwrap().total, 0);
            }
            drop(index);
            fs::remove_dir_all(&path).unwrap();
        }
    }
}

#[test]
fn damage_while_it_runs_is_an_error_and_a_rebuild_heals_it() {
    type Damage = fn(&Path);
    let each = |path: &Path, change: fn(&Path)| files(path).iter().for_each(|file| change(file));
    let damages: [(&str, Damage); 4] = [
        ("folder removed", |path| fs::remove_dir_all(path).unwrap()),
        ("emptied", |path| {
            fs::remove_dir_all(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("files removed", |_| {}),
        ("files cut", |_| {}),
    ];
    for (name, damage) in damages {
        let (folder, index) = index(&some());
        let path = folder.path().join("search");
        let before = index.search(&ask("kadın 7")).unwrap();
        damage(&path);
        match name {
            "files removed" => each(&path, |file| fs::remove_file(file).unwrap()),
            "files cut" => {
                each(&path, |file| fs::File::options().write(true).open(file).unwrap().set_len(9).unwrap());
            }
            _ => {}
        }
        assert!(!index.is_intact(), "{name}");
        match index.search(&ask("kadın 7")) {
            Ok(found) => assert_eq!(found, before, "{name}"),
            Err(error) => assert!(matches!(error, Error::Damaged(_)), "{name}: {error}"),
        }
        let written = index.apply(&[entry(99, "Yeni", "")], &[], &position(2));
        assert!(matches!(written, Err(Error::Damaged(_))), "{name}");
        rebuild(&index);
        index.apply(&[entry(99, "Yeni", "")], &[], &position(4)).unwrap();
        assert_eq!(found(&index, "yeni"), [99]);
        drop(index);
        assert_eq!(Index::open(&path, "test").unwrap().position(), Some(position(4)), "{name}");
    }
}

#[test]
fn a_rebuild_serves_the_old_index_until_it_is_finished() {
    let (folder, index) = index(&[entry(1, "Eski", "")]);
    let mut rebuild = index.rebuild().unwrap();
    rebuild.put(&[entry(2, "Yeni", ""), entry(3, "Yeni", "")]).unwrap();
    rebuild.remove(&[id(3)]);
    assert_eq!(found(&index, ""), [1]);
    drop(rebuild);
    assert_eq!(found(&index, ""), [1], "given up");
    let mut rebuild = index.rebuild().unwrap();
    rebuild.put(&[entry(2, "Yeni", "")]).unwrap();
    rebuild.finish(&position(9)).unwrap();
    assert_eq!((found(&index, ""), index.position()), (vec![2], Some(position(9))));
    let generations = fs::read_dir(folder.path().join("search")).unwrap().count();
    assert_eq!(generations, 3, "the lock, the name of the generation, and the generation");
}
