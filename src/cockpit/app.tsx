/** The Ink tree: one preformatted row of text a line. All thinking is done before; React only mounts what changed. */
import { memo } from 'react';
import { Box, Text, render, useInput, type Key as InkInput } from 'ink';
import { useStore } from 'zustand';
import type { StoreApi } from 'zustand/vanilla';

/** Painted rows, top to bottom. */
export type FrameStore = StoreApi<{ rows: readonly string[] }>;
/** One input event as Ink hands it on. */
export type Press = (input: string, key: InkInput) => void;

const Row = memo(function Row({ text }: { text: string }) {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>;
});

export function App({ frame, press }: { frame: FrameStore; press: Press }) {
  const rows = useStore(frame, (state) => state.rows);
  // `press` reads the newest state when a key arrives; a closure over this render's state would lose keys.
  useInput(press);
  return (
    <Box flexDirection="column">
      {rows.map((text, index) => (
        <Row key={index} text={text} />
      ))}
    </Box>
  );
}

export interface Mounted {
  unmount(): void;
  /** Resolves when the tree is gone; rejects with what a component threw. */
  gone: Promise<unknown>;
}

export function mount(frame: FrameStore, press: Press, stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Mounted {
  const app = render(<App frame={frame} press={press} />, { stdin, stdout, debug: true, patchConsole: false, exitOnCtrlC: false });
  return { unmount: () => app.unmount(), gone: app.waitUntilExit() };
}
