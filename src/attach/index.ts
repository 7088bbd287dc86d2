/** The attach room: one owner a state directory, and everyone else who looks on or asks. */
export { AttachError, connectOwner, type Connection } from './connect.ts';
export { serveOwner, type Served } from './serve.ts';
export type { Bye, Owner } from './protocol.ts';
