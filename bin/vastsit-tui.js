#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < 20) throw new Error(`vastsit-tui needs Node 20.12 or later; this is ${process.version}`);
process.env.NODE_ENV = 'production'; // before React loads: its development build leaks
await import('../dist/main.js');
