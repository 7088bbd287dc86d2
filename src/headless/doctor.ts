/** `doctor`: what is missing for the real thing, each with its remedy. */
import { EXIT, json, type ExitCode, type Io } from './io.ts';

export interface Finding {
  check: string;
  ok: boolean;
  found: string;
  /** What to do next; null when nothing is. With `ok` it is advice. */
  remedy: string | null;
}

export function doctorCommand(io: Io, findings: readonly Finding[], asJson: boolean): ExitCode {
  const bad = findings.filter((finding) => !finding.ok);
  if (asJson) json(io, { type: 'doctor', ok: bad.length === 0, findings });
  else for (const { check, ok, found, remedy } of findings) io.out(`${ok ? (remedy === null ? 'ok  ' : 'note') : 'FAIL'}  ${check.padEnd(16)} ${found}${remedy === null ? '' : `\n      -> ${remedy}`}`);
  return bad.length === 0 ? EXIT.ok : bad.some(({ check }) => check === 'api key' || check === 'market') ? EXIT.credentials : EXIT.run_failed;
}
