/**
 * Runs on the box: `patch.sh apply N FILE...` and `patch.sh revert N`. The repository lies in `.vastsit/repo`, so that a
 * project's own git settings and hooks are neither used nor touched. Doing it twice is doing it once.
 */
export const PATCH_SCRIPT = `#!/bin/sh
set -u
verb=$1 n=$2
shift 2
here=$(pwd -P)
patch=.vastsit/patches/$n.patch
[ -f "$patch" ] || { echo "patch $n is not here" >&2; exit 2; }
for file in "$@"; do
  [ ! -L "$file" ] || { echo "$file is a symbolic link" >&2; exit 3; }
  folder=$(cd "$(dirname -- "./$file")" 2>/dev/null && pwd -P) || { echo "the folder of $file is missing" >&2; exit 3; }
  case $folder/ in "$here"/*) ;; *) echo "$file leads out of the run's directory" >&2; exit 3 ;; esac
done
if command -v git >/dev/null 2>&1; then
  export GIT_DIR=$here/.vastsit/repo GIT_WORK_TREE=$here GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
  export GIT_AUTHOR_NAME=vastsit GIT_AUTHOR_EMAIL=vastsit@localhost GIT_COMMITTER_NAME=vastsit GIT_COMMITTER_EMAIL=vastsit@localhost
  [ -d "$GIT_DIR" ] || git init -q || exit 4
  check() { git apply --check "$@" "$patch"; }
  change() { git apply "$@" "$patch"; }
  note() { git add -f -- $(git apply --numstat "$patch" | cut -f3) && git commit -q --allow-empty -m "$1" || :; }
  before() { for file in "$@"; do [ ! -f "$file" ] || git add -f -- "$file"; done; git diff --cached --quiet 2>/dev/null || git commit -q -m 'as it was' || :; }
elif command -v patch >/dev/null 2>&1; then
  check() { patch -p1 --dry-run -f "$@" < "$patch" >/dev/null; }
  change() { patch -p1 -f "$@" < "$patch" >/dev/null; }
  note() { :; }
  before() { :; }
else
  echo 'there is neither git nor patch on this box' >&2
  exit 127
fi
case $verb in
  apply)
    if check 2>/dev/null; then before "$@"; change && note "patch $n" && echo "patch $n is applied"; exit $?; fi
    check -R 2>/dev/null && { echo "patch $n is applied already"; exit 0; }
    check
    exit 1 ;;
  revert)
    if check -R 2>/dev/null; then change -R && note "take back patch $n" && echo "patch $n is taken back"; exit $?; fi
    check 2>/dev/null && { echo "patch $n is taken back already"; exit 0; }
    exit 1 ;;
esac
exit 2
`;
