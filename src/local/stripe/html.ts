import { decimalsOf } from './currencies';

/** Text made safe for HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** An amount in the smallest unit, for people: `2500`, `usd` → `$25.00`. */
export function showMoney(amount: number, currency: string): string {
  const digits = decimalsOf(currency);
  const format = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return format.format(amount / 10 ** digits);
}

/** A whole page. `title` is text, `body` and `style` are HTML and CSS. */
export function page(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${BASE_STYLE}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

const BASE_STYLE = `
*{box-sizing:border-box}
:root{--ink:#1a1f36;--soft:#5b6478;--line:#d9dee8;--accent:#4b4de0;--accent-dark:#3a3cc4;--paper:#fff;--wash:#f6f8fb;--bad:#b3093c}
body{margin:0;color:var(--ink);background:var(--wash);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
a{color:var(--accent)}
button{font:inherit;cursor:pointer}
:focus-visible{outline:3px solid #a5a6ff;outline-offset:1px}
.test{background:#ffde92;color:#5a3600;font-size:.75rem;font-weight:600;padding:.1rem .45rem;border-radius:4px;white-space:nowrap}
`;
