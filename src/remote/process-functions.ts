/** Shell functions shared by the sentinel and the probe. They expect `R`, the run's directory: two boxes of a demo share one kernel, and their runs one name. */
export const PROCESS_FUNCTIONS = String.raw`
# Field 22 of a stat line is the start time; the name in parentheses may hold blanks.
started() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
# Kernel boot and start of PID 1: a restarted container keeps the first and changes the second.
boot() {
  if [ -r /proc/sys/kernel/random/boot_id ]; then echo "$(cat /proc/sys/kernel/random/boot_id).$(started 1)"; else echo -; fi
}
# A zombie that nobody reaps is not alive.
living() {
  if [ -r /proc/self/stat ]; then case "$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null)" in ''|Z*|X*) return 1 ;; esac; else kill -0 "$1" 2>/dev/null; fi
}
# Living processes of attempt $1: its session or group, and whatever carries its mark (workers open sessions of their own).
members() {
  leader=; born=
  [ -r "$R/.vastsit/pid.$1" ] && read -r leader _ born _ < "$R/.vastsit/pid.$1"
  # Numbers from before a container restart belong to strangers now.
  [ "$born" = "$(boot)" ] || leader=
  if [ -r /proc/self/stat ]; then
    {
      [ -z "$leader" ] || cat /proc/[0-9]*/stat 2>/dev/null | awk -v s="$leader" '{ p = $1; sub(/^.*\) /, ""); if ($3 == s || $4 == s) print p }'
      grep -lsF "VASTSIT_MARK=$R/$1;" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
    } | sort -un | while read -r p; do if living "$p"; then echo "$p"; fi; done
  elif [ -n "$leader" ]; then
    ps -A -o pid= -o pgid= -o stat= | awk -v s="$leader" '$2 == s && $3 !~ /^Z/ { print $1 }'
  fi
}
# Kills by the kernel's OOM killer in this container so far; nothing when the box does not tell.
oom_kills() {
  cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | sed -n 's/^oom_kill \([0-9][0-9]*\)$/\1/p' | head -n 1
}
`;
