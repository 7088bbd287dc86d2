// Installed under an alias, whose types name the package by its real name only.
declare module 'node-pty' {
  export * from '@lydell/node-pty';
}
