/** Every failure in words that say what to do next, with its own exit code. Unknown ones keep their stack: they are ours. */
import { MarketError, RemoteError } from '../core/ports.ts';
import { SpecError } from '../core/spec.ts';
import { EXIT, json, type ExitCode, type Io } from './io.ts';

export function explain(io: Io, error: unknown, asJson: boolean): ExitCode {
  const { code, kind, problems } = classify(error);
  if (asJson) json(io, { type: 'error', error: kind, problems });
  for (const { field, expected } of problems) io.talk(field === null ? expected : `${field}: ${expected}`);
  return code;
}

function classify(error: unknown): { code: ExitCode; kind: string; problems: readonly { field: string | null; expected: string }[] } {
  const words = (text: string) => [{ field: null, expected: text }];
  if (error instanceof SpecError) return { code: EXIT.usage, kind: 'spec', problems: error.problems };
  if (error instanceof MarketError) return { code: error.failure === 'auth' || error.failure === 'no_key' || error.failure === 'forbidden' ? EXIT.credentials : EXIT.unreachable, kind: error.failure, problems: words(error.message) };
  if (error instanceof RemoteError) return { code: EXIT.unreachable, kind: error.failure, problems: words(error.message) };
  if (error instanceof Error) {
    // The journal's and the lock's errors are told by name: headless knows core alone.
    if (error.name === 'LockError' || error.name === 'AttachError') return { code: EXIT.locked, kind: 'locked', problems: words(error.message) };
    if (error instanceof RefusedError) return { code: EXIT.refused, kind: 'refused', problems: words(error.message) };
    if (error.name === 'JournalError' || error.name === 'SettingsError' || error.name === 'HomeError' || error.name === 'UsageError' || error.name === 'ScenarioError' || error.name === 'AgentFileError') return { code: EXIT.usage, kind: error.name, problems: words(error.message) };
    return { code: EXIT.run_failed, kind: 'defect', problems: words(error.stack ?? error.message) };
  }
  return { code: EXIT.run_failed, kind: 'defect', problems: words(String(error)) };
}

/** A wrong use that only a command can see, such as an unknown run. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An order that the agents would not carry out. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}
