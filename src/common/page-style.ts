import { html } from './html';

/** The page's only style, inline. Characters that HTML escapes have no place in it. */
// prettier-ignore
export const STYLE = html`
@media screen {
  :root { color-scheme: light dark }
}
:root { --ink: #1b2430; --soft: #667085; --line: #e3e7ed; --accent: #0f5c4d; --tint: #f3f8f6; --page: #eef1f4;
  --card: #fff }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #a3adba; --line: #3a4452; --accent: #5fd0b5; --tint: #16261f; --page: #12161c;
    --card: #1b2129 }
}
* { box-sizing: border-box; margin: 0 }
body { background: var(--page); color: var(--ink); padding: 32px 16px;
  font: 15px/1.5 system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif }
main { max-width: 820px; margin: 0 auto; background: var(--card); padding: 48px 56px; border-radius: 10px;
  box-shadow: 0 1px 3px rgba(16, 24, 40, .12) }
header { display: flex; justify-content: space-between; gap: 32px; align-items: flex-start;
  border-bottom: 2px solid var(--accent); padding-bottom: 24px }
.brand { color: var(--accent); font-weight: 700; letter-spacing: .02em }
h1 { font-size: 32px; line-height: 1.2; font-weight: 650; margin: 4px 0 6px }
h2 { font-size: 13px; text-transform: uppercase; letter-spacing: .07em; color: var(--soft); margin: 36px 0 12px }
code, .id { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere }
.id { color: var(--soft) }
.total { text-align: right; background: var(--tint); border-radius: 8px; padding: 14px 20px; color: var(--soft);
  font-size: 13px; flex: none; max-width: 50% }
.amount { color: var(--ink); font-size: 24px; line-height: 1.3; font-weight: 650; font-variant-numeric: tabular-nums }
dl { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 32px }
dt { color: var(--soft); font-size: 13px }
dd { overflow-wrap: anywhere }
.wide { grid-column: 1 / -1 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600; font-size: 13px; color: var(--soft) }
th, td { padding: 9px 0 9px 16px; border-bottom: 1px solid var(--line); vertical-align: top }
th:first-child, td:first-child { padding-left: 0 }
.number { text-align: right; white-space: nowrap }
tfoot td { border-bottom: 0 }
tfoot .sum td { border-top: 2px solid var(--ink); font-weight: 650; font-size: 17px }
tfoot .note td { color: var(--soft); border-bottom: 0 }
footer { margin-top: 40px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 12px }
@media (max-width: 640px) {
  main { padding: 28px 20px }
  header { flex-direction: column; gap: 16px }
  .total { text-align: left; max-width: none; width: 100% }
  dl { grid-template-columns: 1fr }
  table { font-size: 13px }
  th, td { padding-left: 8px }
  .number { white-space: normal }
  td { overflow-wrap: anywhere }
}
@page { size: A4; margin: 16mm }
@media print {
  body { background: none; padding: 0; font-size: 12px }
  main { max-width: none; padding: 0; border-radius: 0; box-shadow: none }
  header, .total { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  h2 { margin: 22px 0 8px }
  dl { gap: 8px 24px }
  th, td { padding-top: 5px; padding-bottom: 5px }
  footer { margin-top: 20px }
  tr, dl, .total { break-inside: avoid }
}
`;
