import { NotFoundError } from '../common/billing-error';
import { ConfigurationError } from '../config/config';
import { CommandError } from './command';
import { explain } from './explain';

describe('explain', () => {
  it.each([
    [new CommandError('No stack runs.'), 'No stack runs.'],
    [new NotFoundError({ what: 'key', id: 'key_1', hint: 'List them.' }), 'There is no key "key_1". List them.'],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'The database cannot be reached.'],
    [Object.assign(new Error('relation'), { code: '42P01' }), 'Run tollbridge migrate first.'],
    [Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'The database cannot be reached.'],
    [new Error('odd'), 'odd'],
  ])('says what to do about %s', (error, sentence) => {
    expect(explain(error)).toContain(sentence);
  });

  it('names variables, not values', () => {
    const error = new ConfigurationError([{ variable: 'ADMIN_TOKEN', should: 'must be a secret' }]);
    expect(explain(error)).toContain('ADMIN_TOKEN must be a secret');
  });
});
