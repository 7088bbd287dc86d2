/** A tar stream of regular files, as GNU tar, bsdtar and busybox all read it. */
import type { Readable } from 'node:stream';

export interface TarEntry {
  path: string;
  bytes: number;
  mode: number;
  /** Must yield exactly `bytes` bytes. */
  open(): AsyncIterable<Uint8Array> | Readable;
}

/** Yields the archive piece by piece. Throws when an entry's content is not as long as announced. */
export async function* tar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const name = Buffer.from(entry.path);
    // GNU's long-name entry: the only way to pass 100 bytes that busybox knows too.
    if (name.length > 100) yield Buffer.concat([header(Buffer.from('././@LongLink'), name.length + 1, 0o644, 'L'), name, Buffer.alloc(1 + padding(name.length + 1))]);
    yield header(name.subarray(0, 100), entry.bytes, entry.mode, '0');
    let sent = 0;
    for await (const chunk of entry.open()) {
      const bytes = chunk as Uint8Array;
      sent += bytes.length;
      if (sent > entry.bytes) break;
      yield bytes;
    }
    if (sent !== entry.bytes) throw new Error(`${entry.path} changed while it was being sent; try again`);
    yield Buffer.alloc(padding(entry.bytes));
  }
  yield Buffer.alloc(1024);
}

function padding(bytes: number): number {
  return (512 - (bytes % 512)) % 512;
}

function header(name: Uint8Array, bytes: number, mode: number, kind: string): Buffer {
  const block = Buffer.alloc(512);
  block.set(name, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  if (bytes < 8 ** 11) block.write(octal(bytes, 11), 124);
  else {
    // Base 256, for files of 8 GiB and more.
    block.writeBigUInt64BE(BigInt(bytes), 128);
    block[124] = 0x80;
  }
  block.write(octal(0, 11), 136);
  block.write('        ', 148);
  block.write(kind, 156);
  block.write('ustar  \0', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width, '0');
}
