#!/usr/bin/env node
process.env.NODE_ENV = 'production'; // before React loads: its development build leaks
await import('../dist/main.js');
