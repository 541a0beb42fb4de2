/** Whether a reader would rather have a page than JSON. */
export const prefersHtml = (accept: string | undefined): boolean =>
  preferredType(accept, ['application/json', 'text/html']) === 'text/html';

/**
 * Which of the types that there are a reader would rather have (RFC 9110, 12.5.1): browsers name `text/html`, programs
 * name JSON or nothing. The first one of `offered` unless another is named and weighs more, or as much and comes before.
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type {
  const ranges = (accept ?? '').split(',').map(readRange);
  const placeOf = (type: Type) => ranges.findIndex((range) => range.type === type);
  const named = offered
    .map((type) => ({ type, place: placeOf(type), weight: ranges[placeOf(type)]?.weight ?? 0 }))
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight || a.place - b.place);
  return named[0]?.type ?? offered[0];
}

function readRange(text: string): { type: string; weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}
