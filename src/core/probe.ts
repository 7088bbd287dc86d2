/** Raw readings taken over SSH. Every field may be null: unknown is never zero. */
export interface GpuReading {
  index: number;
  name: string;
  /** Percent. */
  util: number | null;
  /** MB. */
  mem_used: number | null;
  mem_total: number | null;
  power_w: number | null;
  power_limit_w: number | null;
  temp_c: number | null;
  sm_clock_mhz: number | null;
  /** True when the driver reports a slowdown other than idle (thermal, power brake). */
  throttled: boolean | null;
}

export interface ProbeReading {
  /** Epoch ms at home, when the probe was sent. */
  at: number;
  gpus: GpuReading[] | null;
  /** Is a process of the attempt alive? null when the box could not tell. */
  alive: boolean | null;
  /** CPU seconds used so far by the attempt's process tree: idle shows as no growth between probes. */
  cpu_s: number | null;
  load1: number | null;
  /** MB. */
  mem_used: number | null;
  mem_total: number | null;
  /** Of the file system that holds the run: bytes and inodes. */
  disk: { used_bytes: number; total_bytes: number; used_inodes: number | null; total_inodes: number | null } | null;
  shm: { used_bytes: number; total_bytes: number } | null;
  /** Cumulative bytes over all interfaces but lo. */
  net: { rx_bytes: number; tx_bytes: number } | null;
  /** Cumulative bytes that the process tree read and wrote. */
  io: { read_bytes: number; write_bytes: number } | null;
  log_bytes: number | null;
  /** Seconds since the log last grew, on the box's clock. */
  log_age_s: number | null;
  /** Count of oom kills in the container's cgroup since it started. */
  oom_kills: number | null;
  /** Kernel lines that matter (Xid, oom-kill), cleaned; empty when dmesg is closed. */
  kernel: string[];
  boot_id: string | null;
  uptime_s: number | null;
  /** Exit record of the attempt, when the sentinel has written one. */
  exit: { exit_code: number | null; signal: string | null; at: number } | null;
  driver_version: string | null;
  cuda_version: string | null;
}
