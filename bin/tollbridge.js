#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

// NestJS 12 is published as ES modules, and Node 20 announces with every start that loading them here is new.
const listeners = process.listeners('warning');
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') for (const listener of listeners) listener(warning);
});

const cli = path.join(__dirname, '..', 'dist', 'src', 'cli.js');
if (!existsSync(cli)) {
  process.stderr.write('Tollbridge is not built yet. Run: npm run build\n');
  process.exit(1);
}
void require(cli).main();
