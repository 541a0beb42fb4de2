import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parsePeriod } from '../common/period';
import { ExportsService } from '../exports/exports.service';
import { withApplication } from './application-context';
import type { Command } from './command';

/** `tollbridge export usage` */
export const exportUsage: Command = {
  options: {
    from: { value: 'DATE', about: 'From here on, UTC', required: true },
    to: { value: 'DATE', about: 'Up to here and not further, UTC', required: true },
    customer: { value: 'ID', about: "Only this customer's" },
    out: { value: 'FILE', about: 'Where to; the standard output when left out' },
    bom: { about: 'A byte order mark first, for Excel' },
  },
  notes: ['The file appears when it is complete: an export that fails leaves none.'],
  run: async (given) => {
    const period = parsePeriod({ from: given.required('from'), to: given.required('to') }, new Date());
    const query = { period, customerId: given.text('customer'), bom: given.flag('bom') };
    await withApplication(async (app) => {
      const usage = await app.get(ExportsService, { strict: false }).usage(query);
      const file = given.text('out');
      if (file === undefined) await pipeline(usage.stream(), process.stdout, { end: false });
      else await writeWhole(file, usage.stream());
    });
  },
};

async function writeWhole(file: string, stream: NodeJS.ReadableStream): Promise<void> {
  const part = `${file}.part`;
  try {
    await pipeline(stream, createWriteStream(part));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
