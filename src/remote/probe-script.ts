import { PROCESS_FUNCTIONS } from './process-functions.ts';

/**
 * Shell text that prints one section a source, each under a `=== name` line; what the box lacks stays empty.
 * Sections end with a nonce that log text and process names cannot know.
 */
export function probeScript(order: { run: string; attempt: number; nonce: string }): string {
  return String.raw`R=$(pwd -P); n=${order.attempt}
${PROCESS_FUNCTIONS}
section() { echo; echo "=${order.nonce} $1"; }
exec 2>/dev/null
gpu() { timeout 10 nvidia-smi --format=csv,noheader,nounits "--query-gpu=index,name,utilization.gpu,memory.used,memory.total,power.draw,power.limit,temperature.gpu,clocks.sm,$1.active,driver_version"; }
# Drivers know the slowdown mask by its old name, its new one, or both.
section gpu; gpu clocks_event_reasons || gpu clocks_throttle_reasons
section cuda; timeout 10 nvidia-smi | sed -n 's/.*CUDA Version: *\([0-9.]*\).*/\1/p' | head -n 1
m=$(members "$n")
section alive; if [ -r "$R/.vastsit/pid.$n" ]; then if [ -n "$m" ]; then echo 1; else echo 0; fi; fi
section tick; getconf CLK_TCK
section cpu; for p in $m; do cat "/proc/$p/stat"; done
section io; for p in $m; do cat "/proc/$p/io"; done
section load; cat /proc/loadavg || sysctl -n vm.loadavg
section meminfo; cat /proc/meminfo
section memory.current; cat /sys/fs/cgroup/memory.current || cat /sys/fs/cgroup/memory/memory.usage_in_bytes
section memory.max; cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes
section memory.file; sed -n 's/^\(total_\)*inactive_file //p' /sys/fs/cgroup/memory.stat || sed -n 's/^total_inactive_file //p' /sys/fs/cgroup/memory/memory.stat
section disk; df -Pk . | tail -n 1
section inodes; df -Pi . | tail -n 1
section shm; df -Pk /dev/shm | tail -n 1
section net; cat /proc/net/dev
section log; if [ -r "$R/.vastsit/log.$n" ]; then wc -c < "$R/.vastsit/log.$n"; stat -c %Y "$R/.vastsit/log.$n" || stat -f %m "$R/.vastsit/log.$n"; date +%s; fi
section oom; oom_kills
section kernel; timeout 5 dmesg | grep -E 'NVRM: Xid|oom-kill|Out of memory|Killed process' | tail -n 20
section boot; boot
section uptime; started 1; getconf CLK_TCK; cat /proc/uptime
section exit; cat "$R/.vastsit/exit.$n"
section end
`;
}
