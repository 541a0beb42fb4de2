// Runs the server from its sources, for walks that need a process of its own to kill. It ends with the one that forked it.
require('./typescript.cjs');

process.once('disconnect', () => process.exit(1));
const main = require('../../src/main.ts');
if (main.serve) void main.serve();
