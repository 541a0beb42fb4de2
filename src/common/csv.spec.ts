import { encodeCsv, neutralise } from './csv';

describe('CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '\nx', '＝1'])('neutralises %j', (text) => {
    expect(neutralise(text)).toBe(`'${text}`);
  });

  it.each(['gpt-4o', 'a=b', "'quoted", '', ' =1'])('leaves %j alone', (text) => {
    expect(neutralise(text)).toBe(text);
  });

  it('quotes what would be misread, and nothing else', () => {
    expect(encodeCsv([['a', 'b,c', 'd"e', 'f\rg', '-1', '']])).toBe('a,"b,c","d""e","f\rg",-1,\r\n');
  });
});
