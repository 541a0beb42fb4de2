import { preferredType, prefersHtml } from './accepted-type';

it.each([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['text/html', true],
  ['text/html;q=0', false],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['application/json, text/html', false],
  ['text/html, application/json', true],
  ['text/html;q=0.5, application/json', false],
  ['application/json;q=0.2, TEXT/HTML; charset=utf-8; q=0.3', true],
])('Accept: %s is a page: %s', (accept, expected) => {
  expect(prefersHtml(accept)).toBe(expected);
});

it.each([
  [undefined, 'application/json'],
  ['text/csv', 'text/csv'],
  ['text/csv;q=0.5, text/html', 'text/html'],
  ['text/html;q=0, text/csv;q=0', 'application/json'],
])('Accept: %s is %s', (accept, expected) => {
  expect(preferredType(accept, ['application/json', 'text/html', 'text/csv'])).toBe(expected);
});
