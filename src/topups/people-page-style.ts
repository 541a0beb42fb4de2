import { html } from '../common/html';

/** The pages' only style, inline. Colours are those of the invoice; every text has a contrast of 4.5 at least. */
// prettier-ignore
export const STYLE = html`
:root { color-scheme: light dark; --ink: #1b2430; --soft: #55606f; --line: #d5dbe3; --page: #eef1f4; --card: #fff;
  --accent: #0f5c4d; --on-accent: #fff; --tint: #f3f8f6; --bad: #9a3412; --bad-tint: #fff4ed; --good: #0f5c4d }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a3adba; --line: #3a4452; --page: #12161c;
  --card: #1b2129; --accent: #5fd0b5; --on-accent: #06231c; --tint: #16261f; --bad: #ffb08a; --bad-tint: #33211a;
  --good: #5fd0b5 } }
* { box-sizing: border-box; margin: 0 }
body { background: var(--page); color: var(--ink); padding: 24px 16px 48px;
  font: 16px/1.5 system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif }
main { max-width: 720px; margin: 0 auto; display: grid; gap: 16px }
section, .notice { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px }
header { padding: 8px 4px }
.brand { color: var(--accent); font-weight: 700 }
h1 { font-size: 28px; line-height: 1.25; font-weight: 650 }
h2 { font-size: 18px; line-height: 1.3; font-weight: 650 }
h3 { font-size: 15px; margin: 20px 0 4px }
.soft, small { color: var(--soft); font-size: 14px }
.amount { font-size: 32px; line-height: 1.3; font-weight: 650 }
.amount, .rows b { font-variant-numeric: tabular-nums }
.head { display: flex; justify-content: space-between; align-items: center; gap: 12px; margin-bottom: 8px }
.tag { border: 1px solid var(--line); border-radius: 999px; padding: 1px 10px; font-size: 13px; color: var(--soft);
  white-space: nowrap }
.tag.good { color: var(--good); border-color: currentColor }
.tag.bad { color: var(--bad); border-color: currentColor }
.notice { background: var(--tint) }
.notice.bad { background: var(--bad-tint); border-color: var(--bad) }
.rows { list-style: none; padding: 0 }
.rows li { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 4px 16px;
  padding: 10px 0; border-top: 1px solid var(--line) }
.rows li:first-child { border-top: 0 }
.rows li:last-child { padding-bottom: 0 }
.rows .what { flex: 1 1 240px; min-width: 0; overflow-wrap: anywhere }
.rows .what small { display: block }
.acts { display: flex; flex-wrap: wrap; gap: 8px; align-items: center }
.fields { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 20px; margin: 12px 0 16px }
label { display: block; font-weight: 600; font-size: 15px }
.typed { display: flex; align-items: center; border: 1px solid var(--soft); border-radius: 8px; background: var(--card);
  padding-left: 12px; margin-top: 4px }
.typed:focus-within { outline: 3px solid var(--accent); outline-offset: 1px }
.typed.wrong { border-color: var(--bad) }
input { flex: 1; min-width: 0; border: 0; background: none; color: inherit; font: inherit; padding: 9px 12px 9px 6px;
  outline: 0 }
.fault { color: var(--bad); font-size: 14px }
button, .button { display: inline-block; font: inherit; font-weight: 600; border-radius: 8px; padding: 9px 16px;
  min-height: 44px; border: 1px solid var(--soft); background: none; color: var(--ink); cursor: pointer;
  text-decoration: none }
.apart, .notice .button, section .button { margin-top: 10px }
ul + form { margin-top: 12px }
button.main, .button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
a { color: var(--accent) }
a:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 8px }
@media (max-width: 520px) { .fields { grid-template-columns: 1fr } section, .notice { padding: 16px } }
@media (forced-colors: active) { .typed { border-color: CanvasText } }
`;
