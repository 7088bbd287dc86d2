/** What a person may order, from a key, a dialog or the command line. The engine turns each into events, or refuses it in words. */
export type Command =
  /** `offer`: the offer_id that is rented if it is still there and fits; else the first that does. */
  | { do: 'launch'; spec_path: string; offer?: number }
  /** A run of this spec on an instance of the account that is not ours yet. */
  | { do: 'adopt'; instance: number; spec_path: string }
  | RunCommand;

export type RunCommand =
  /** Without `waive` results come home first. With it, what is not at home is lost. For `grace_s` real seconds it can be called back. */
  | { do: 'destroy'; run: string; waive: boolean; grace_s?: number }
  /** Calls a destroy back that waits its grace. */
  | { do: 'recall'; run: string }
  | { do: 'hold'; run: string; minutes: number; reason: string }
  | { do: 'release'; run: string }
  | { do: 'keep'; run: string; keep: boolean }
  /** A new attempt on the same instance; `command` and `resume` replace the spec's `run` and `checkpoints.resume`. */
  | { do: 'relaunch'; run: string; command?: string; resume?: string }
  /** Newest checkpoint home, this instance ended, the run goes on on another machine. */
  | { do: 'switch'; run: string }
  /** $/h for the GPU of an interruptible instance; its disk is extra. */
  | { do: 'raise_bid'; run: string; usd_per_hour: number }
  | { do: 'check'; run: string }
  /** A yes or no to what the model proposed and the guard would not accept unasked. */
  | { do: 'approve'; run: string }
  | { do: 'refuse'; run: string };

export type CommandAnswer = { ok: true; said: string } | { ok: false; why: string };
