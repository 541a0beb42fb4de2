/** The pages’ look, and the one script: it sets spaces while a card number is typed. */
export const SPACING = `
const number = document.getElementById('card-number');
number.addEventListener('input', () => {
  number.value = number.value.replace(/\\D/g, '').slice(0, 19).replace(/(\\d{4})(?=\\d)/g, '$1 ');
});
const expiry = document.getElementById('card-expiry');
expiry.addEventListener('input', (event) => {
  if (event.inputType === 'deleteContentBackward') return;
  expiry.value = expiry.value.replace(/\\D/g, '').slice(0, 4).replace(/^(\\d{2})/, '$1 / ');
});`;

export const STYLE = `
.split{display:grid;grid-template-columns:1fr 1fr;min-height:100vh}
.order,.pay{padding:3.5rem clamp(1.5rem,6vw,6rem)}
.order{background:var(--wash)}
.pay{background:var(--paper);box-shadow:-12px 0 32px rgba(26,31,54,.06)}
.order>*,.pay>*{max-width:26rem}
.order>*{margin-left:auto}
nav{display:flex;justify-content:space-between;align-items:center;margin-bottom:2.5rem;font-size:.95rem}
nav a{text-decoration:none}
.soft,.note,small,dt{color:var(--soft)}
.soft{margin-bottom:0}
.total{font-size:2.5rem;font-weight:650;letter-spacing:-.02em;line-height:1.2;margin-top:.1rem;margin-bottom:2rem}
ul{list-style:none;padding:0;margin-bottom:1rem}
li{display:flex;justify-content:space-between;gap:1rem;padding:.5rem 0}
li b{font-weight:600}
small{display:block}
dl{display:grid;grid-template-columns:1fr auto;gap:.6rem;border-top:1px solid var(--line);padding-top:1rem}
dd{margin:0;text-align:right}
.due{color:var(--ink);font-weight:650;border-top:1px solid var(--line);padding-top:.6rem}
dt.due{margin-right:-.6rem}
.note{font-size:.875rem;margin-top:1.25rem;margin-bottom:0}
h1{font-size:1.35rem;margin:0 0 1.25rem}
.field{display:flex;justify-content:space-between;gap:1rem;border:1px solid var(--line);border-radius:8px;padding:.65rem .9rem}
.field span{color:var(--soft)}
.field b{font-weight:500;overflow-wrap:anywhere}
label{display:block;font-size:.875rem;font-weight:550;margin:.9rem 0 .3rem}
input:not([type=checkbox]){width:100%;font:inherit;color:inherit;padding:.65rem .8rem;border:1px solid var(--line);border-radius:8px;background:#fff;font-variant-numeric:tabular-nums}
input:focus{outline:none;border-color:var(--accent);box-shadow:0 0 0 3px rgba(75,77,224,.2)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.9rem}
.main,.second{width:100%;padding:.8rem;border-radius:8px;font-weight:600;margin-top:1.4rem}
.main{border:0;background:var(--accent);color:#fff}
.main:hover{background:var(--accent-dark)}
.second{border:1px solid var(--line);background:#fff;color:var(--ink);margin-top:.75rem}
.second:hover{border-color:var(--soft)}
.or{display:flex;align-items:center;gap:.8rem;color:var(--soft);font-size:.875rem;margin:1.2rem 0 .3rem}
.or:before,.or:after{content:"";flex:1;border-top:1px solid var(--line)}
#error:not([hidden]){color:var(--bad);background:#fdeef2;border:1px solid #f3bccb;border-radius:8px;padding:.7rem .9rem}
.card{max-width:28rem;margin:12vh auto;background:var(--paper);padding:2.5rem;border-radius:12px;box-shadow:0 12px 40px rgba(26,31,54,.1)}
.card h1{margin:1rem 0 .5rem}
@media (max-width:820px){.split{display:block}.order,.pay{padding:2rem 1.25rem}.order>*,.pay>*{margin-left:auto;margin-right:auto}}
`;
