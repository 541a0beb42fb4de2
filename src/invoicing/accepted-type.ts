/**
 * Whether a reader would rather have a page than JSON (RFC 9110, 12.5.1): browsers name `text/html`, programs name
 * JSON or nothing. JSON unless HTML is named and weighs more, or as much and comes first.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(readRange);
  const weightOf = (type: string) => ranges.find((range) => range.type === type);
  const page = weightOf('text/html');
  const json = weightOf('application/json');
  if (!page || page.weight === 0) return false;
  if (!json || page.weight > json.weight) return true;
  return page.weight === json.weight && ranges.indexOf(page) < ranges.indexOf(json);
}

function readRange(text: string): { type: string; weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}
