/** Where a hung training stood, read from the stacks that its processes gave before they were ended. */
import { cleanLine } from './text.ts';

/** Frames told of a process: the innermost and those that called it. */
const FRAMES = 3;
const PLACES = 4;

/** `  File "/x/train.py", line 5 in step` (Python's fault handler), `    step (/x/train.py:5)` (py-spy). */
const FAULTHANDLER = /^\s*File "([^"]+)", line (\d+) in (.+)$/;
const PY_SPY = /^\s{2,}(\S.*?) \(([^()]+):(\d+)\)$/;

/**
 * The places where main threads stand, most processes first, as `all_reduce (distributed_c10d.py:2806) < step (train.py:40),
 * 8 times`. Empty when no process of Python said anything. Total; `text` is foreign.
 */
export function placesOf(text: string): string[] {
  const counts = new Map<string, number>();
  let frames: string[] | null = null;
  const end = (): void => {
    if (frames && frames.length > 0) {
      const place = frames.slice(0, FRAMES).join(' < ');
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    frames = null;
  };
  for (const raw of text.split('\n')) {
    const line = raw.slice(0, 2_000);
    if (/^(?:Current thread 0x|Thread \S+ .*"MainThread")/.test(line)) {
      end();
      frames = [];
      continue;
    }
    const fault = FAULTHANDLER.exec(line);
    const spy = fault ? null : PY_SPY.exec(line);
    if (fault) frames?.push(frame(fault[3], fault[1], fault[2]));
    else if (spy) frames?.push(frame(spy[1], spy[2], spy[3]));
    else end();
  }
  end();
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, PLACES).map(([place, count]) => (count > 1 ? `${place}, ${count} times` : place));
}

const frame = (name = '', file = '', line = ''): string => cleanLine(`${name.trim()} (${file.split('/').at(-1) ?? ''}:${line})`, 120);
