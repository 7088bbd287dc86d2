/** The container's log: Vast asks the host to upload it, and the client waits at the address where it will appear. */
import type { Clock } from '../core/ports.ts';
import { lost, unreadable, type Asked } from './errors.ts';
import type { Transport } from './transport.ts';
import { readLog } from './wire.ts';

const PATIENCE_MS = 60_000;
const EVERY_MS = 1_000;

/**
 * Waits up to 60 s of `wire` time for the log that `answer` announces. The address belongs to a storage service, so the
 * key stays at home; until the upload is there it answers 403 or 404. Rejects with `unavailable` when nothing came.
 */
export async function fetchLog(asked: Asked, answer: Record<string, unknown>, { fetchForeign }: Transport, wire: Clock): Promise<string> {
  const url = [answer['result_url'], answer['temp_download_url']].find((each) => typeof each === 'string');
  if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:\/\//i.test(url)) throw unreadable(asked, 'no address to fetch the log from');
  const until = wire.now() + PATIENCE_MS;
  for (;;) {
    const left = until - wire.now();
    if (left <= 0) throw lost(asked, 'the host did not send the log in 60 s');
    const { status, text } = await fetchForeign(asked, url, left).catch(() => ({ status: 0, text: '' }));
    if (status === 200) return readLog(text);
    await wire.sleep(Math.min(EVERY_MS, left));
  }
}
