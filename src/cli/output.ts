import Table from 'cli-table3';
import type { Given, Option } from './command';

/** For list commands. */
export const JSON_OPTION: Option = { about: 'Print JSON, for scripts' };

export type Cell = string | number | bigint | boolean | Date | null | undefined | readonly string[];

/** Prints rows as a table, or with `--json` as an array of objects. */
export function printRows(given: Given, head: readonly string[], rows: readonly Cell[][], objects: readonly unknown[]) {
  if (given.flag('json')) printJson(objects);
  else if (rows.length === 0) printLine('None yet.');
  else printLine(tableOf(head, rows));
}

/** `bigint` as decimal strings, as everywhere in the product's JSON. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part), 2));
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A table without lines between its rows, so that it can be read and copied. */
export function tableOf(head: readonly string[], rows: readonly Cell[][]): string {
  const table = new Table({ head: [...head], chars: PLAIN, style: { head: [], border: [], 'padding-left': 0 } });
  table.push(...rows.map((row) => row.map(show)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return '–';
  if (cell instanceof Date) return cell.toISOString().replace('.000Z', 'Z');
  return Array.isArray(cell) ? cell.join(', ') : String(cell);
}

const PLAIN = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' },
};
