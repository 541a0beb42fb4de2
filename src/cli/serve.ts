import type { Command } from './command';
import { loadDotEnv } from './environment';

/** `tollbridge start` */
export const start: Command = {
  notes: ['Ends on SIGTERM or SIGINT: running calls may finish within SHUTDOWN_GRACE_MS.'],
  run: async () => {
    loadDotEnv();
    const { serve } = await import('../main.js');
    await serve();
  },
};

/** `tollbridge worker` */
export const worker: Command = {
  run: async () => {
    loadDotEnv();
    const { work } = await import('../worker.js');
    await work();
  },
};
