/**
 * The ports: what agents may ask of the outside world. `vast/` and `remote/` implement them for real,
 * tests and the benchmark implement them over a virtual clock. Types only.
 */
import type { Body } from './events.ts';
import type { Account, Instance, Offer } from './market.ts';
import type { ProbeReading } from './probe.ts';
import type { World } from './state.ts';

/** All time comes from here. `now` is epoch milliseconds of the clock's own time (scaled in the demo). */
export interface Clock {
  now(): number;
  /** Resolves after `ms` of this clock's time, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` after `ms` of this clock's time; returns the cancel function. */
  after(ms: number, fn: () => void): () => void;
  /** Clock seconds per real second: 1 in production, 60 in the demo. */
  readonly scale: number;
}

/** Why a market call failed, as the caller must tell them apart. `unclear`: the request may have been carried out. */
export type MarketFailure =
  | 'no_key'
  | 'auth'
  | 'forbidden'
  | 'not_found'
  | 'offer_gone'
  | 'no_credit'
  | 'invalid'
  | 'rate_limited'
  | 'unavailable'
  | 'unclear'
  | 'malformed';

/** Every failed market call rejects with this. `message` says what to do next and never holds a key. */
export class MarketError extends Error {
  override readonly name = 'MarketError';
  constructor(
    readonly failure: MarketFailure,
    message: string,
    readonly detail: { status?: number; endpoint?: string; new_contract?: number; retry_after_s?: number } = {},
  ) {
    super(message);
  }
}

/** What a run asks of the market; units as in Vast's search body (MB for gpu_ram and cpu_ram, GB for disk). */
export interface OfferQuery {
  type: 'on-demand' | 'bid';
  gpu_name?: readonly string[];
  num_gpus?: number;
  gpu_ram_mb?: number;
  cpu_ram_mb?: number;
  disk_gb: number;
  reliability?: number;
  cuda_max_good?: number;
  inet_down_mbps?: number;
  geolocation?: readonly string[];
  /** Cheap server-side pre-filter on dph_total; the exact all-in cap is applied in core/offers. */
  dph_total_max?: number;
  verified?: boolean;
  limit?: number;
}

export interface CreateRequest {
  image: string;
  disk_gb: number;
  label: string;
  /** null rents on demand; a number is a bid in $/h for the slice. */
  bid_usd_per_hour: number | null;
  /** Plain environment only: secrets go to the box over stdin, never through the market. */
  env: Readonly<Record<string, string>>;
  onstart: string;
}

export interface Created {
  new_contract: number;
}

/** The rental market. Each method makes at most the calls it needs and rejects with MarketError. */
export interface Market {
  searchOffers(query: OfferQuery): Promise<Offer[]>;
  /** Never retried inside: an answer that was lost rejects with `unclear`, and the caller lists by label. */
  create(offerId: number, request: CreateRequest): Promise<Created>;
  /** Every page of the list, or a rejection: a partial list is never returned. */
  list(): Promise<Instance[]>;
  /** null: Vast says that no such instance exists (HTTP 200 with null, or 404 no_such_instance). */
  show(id: number): Promise<Instance | null>;
  /** Resolves when the request was accepted, or the instance was gone already: accepted is not gone. */
  destroy(id: number): Promise<void>;
  setState(id: number, state: 'running' | 'stopped'): Promise<void>;
  label(id: number, label: string): Promise<void>;
  changeBid(id: number, usdPerHour: number): Promise<void>;
  attachKey(id: number, publicKey: string): Promise<void>;
  account(): Promise<Account>;
  /** Container stdout as Vast keeps it: delayed, the fallback when SSH is closed. */
  logs(id: number, tail: number): Promise<string>;
}

/** Where an instance's sshd can be reached, best first. */
export interface SshTarget {
  instance: number;
  endpoints: readonly { host: string; port: number; via: 'direct' | 'proxy' }[];
  user: string;
}

export type RemoteFailure = 'refused' | 'auth' | 'timeout' | 'host_key_changed' | 'lost' | 'command' | 'integrity' | 'fenced' | 'ssh_missing';

/** Every failed remote call rejects with this. Only `fenced` and `command` prove that the box was reached. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  constructor(
    readonly failure: RemoteFailure,
    message: string,
    readonly detail: { exit_code?: number | null; stdout?: string; stderr?: string } = {},
  ) {
    super(message);
  }
}

/** Exit code of a start on a box where an older attempt is still alive: nothing is wrong with the new one. */
export const STILL_ALIVE = 75;

export interface ExecResult {
  exit_code: number;
  stdout: string;
  stderr: string;
}

/** What the sentinel pushes over the open session. `log` carries raw bytes in order, from `offset` in the log file. */
export type SentinelEvent =
  | { type: 'hello'; attempt: number; alive: boolean; boot_id: string | null }
  | { type: 'log'; offset: number; data: Uint8Array }
  | { type: 'heartbeat'; alive: boolean; lease_s: number | null }
  | { type: 'exit'; attempt: number; exit_code: number | null; signal: string | null; oom_kills: number; at: number }
  | { type: 'lost'; reason: string };

/** One file on the box or at home. */
export interface FileFact {
  /** Relative to the run's directory, `/` separated. */
  path: string;
  bytes: number;
  sha256: string;
  /** Epoch seconds on the box's clock. */
  mtime_s: number;
}

/** Everything the sentinel needs to start one attempt. */
export interface StartOrder {
  run: string;
  attempt: number;
  /** The shell command line; composed from the spec, never from log text. */
  command: string;
  /** What ends the billing when the training is over and no cockpit renews the lease. */
  lease: { seconds: number; grace_s: number; then: 'stop' | 'destroy' | 'nothing' };
}

/** An open connection to one instance. All paths are relative to the run's directory on the box. */
export interface Box {
  readonly instance: number;
  /** Writes files below the run's directory (created if absent). `secret` ones get mode 0600. Content goes over stdin. */
  put(files: readonly { path: string; content: Uint8Array | { local: string }; secret?: boolean; executable?: boolean }[]): Promise<{ bytes: number }>;
  /** Runs a command in the run's directory with a deadline on both sides. Rejects only when the outcome is unknown. */
  exec(command: string, options: { timeout_ms: number; stdin?: string }): Promise<ExecResult>;
  /** Lists and hashes regular files matching the globs (relative, `*`, `**`, `?`). Symlinks are not followed. */
  list(globs: readonly string[]): Promise<FileFact[]>;
  /** Brings one file to `localPath`: a temporary file beside it, hashed at this end, then renamed. Resumes a partial one. */
  fetch(file: FileFact, localPath: string): Promise<void>;
  /** Puts the fence (attempt number) and starts the command under the sentinel. Rejects with `fenced` if a higher one stands. */
  start(order: StartOrder): Promise<{ pid: number; started_at: number }>;
  /**
   * Ends the training's whole process group: TERM, then KILL after `grace_s`. Resolves when none is left. With `stacks` it is
   * asked first where it stands; the answer lies in `.vastsit/stacks.N`.
   */
  stopTraining(order: { run: string; attempt: number; grace_s: number; stacks?: boolean }): Promise<void>;
  /** Streams the sentinel's events from `offset` in the attempt's log, until `close`. Reconnecting is the caller's decision. */
  follow(order: { run: string; attempt: number; offset: number }, on: (event: SentinelEvent) => void): Promise<{ close(): void }>;
  /** One full reading over a fresh channel, never from a cache. */
  probe(order: { run: string; attempt: number }): Promise<ProbeReading>;
  /** Renews the sentinel's lease by `seconds`. */
  renewLease(order: { run: string; attempt: number; seconds: number }): Promise<void>;
  /** A line for people: how to open a shell on this box by hand (no secrets). */
  sshCommand(): string[];
  close(): Promise<void>;
}

export interface Remote {
  /** The public half of the key this cockpit logs in with; made on first use. */
  publicKey(): Promise<string>;
  /** Tries each endpoint once. Rejects with RemoteError; the caller owns retries and deadlines. */
  connect(target: SshTarget, run: string): Promise<Box>;
  closeAll(): Promise<void>;
}

/** What has happened so far, and the one way to add to it: journaled first, then reduced, then told. */
export interface Facts {
  world(): World;
  record(...bodies: Body[]): void;
}

/** Files at home: results and checkpoints. Implemented over the local disk. */
export interface Home {
  /** Absolute directory of one run's results. */
  runDir(run: string): string;
  /** Absolute path of one file of a run. Throws for a path that would leave the run's directory. */
  pathFor(run: string, relative: string): string;
  /** Hash and size of a file at home, null when it is not there. */
  fact(path: string): Promise<{ bytes: number; sha256: string } | null>;
}
