/** What a person may order, from a key, a dialog or the command line. The engine turns each into events, or refuses it in words. */
export type Command =
  | { do: 'launch'; spec_path: string }
  /** Without `waive` results come home first. With it, what is not at home is lost. */
  | { do: 'destroy'; run: string; waive: boolean }
  | { do: 'hold'; run: string; minutes: number; reason: string }
  | { do: 'release'; run: string }
  | { do: 'keep'; run: string; keep: boolean }
  | { do: 'check'; run: string }
  /** A yes or no to what the model proposed and the guard would not accept unasked. */
  | { do: 'approve'; run: string }
  | { do: 'refuse'; run: string };

export type CommandAnswer = { ok: true; said: string } | { ok: false; why: string };
