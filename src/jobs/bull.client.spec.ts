import { connectionOf } from './bull.client';

describe('connectionOf', () => {
  it.each([
    ['redis://127.0.0.1', { host: '127.0.0.1', port: 6379, db: 0 }],
    ['redis://redis.example:6380/3', { host: 'redis.example', port: 6380, db: 3 }],
    ['redis://:p%40ss%3Aword@redis.example', { password: 'p@ss:word' }],
    ['redis://worker:secret@redis.example', { username: 'worker', password: 'secret' }],
    ['rediss://redis.example', { port: 6379, tls: { servername: 'redis.example' } }],
    ['redis://[::1]:6379', { host: '::1' }],
  ])('reads %s', (url, expected) => {
    expect(connectionOf(url)).toMatchObject(expected);
  });

  it('asks for TLS and names a user only when the URL does', () => {
    const options = connectionOf('redis://redis.example');
    for (const name of ['tls', 'username', 'password']) expect(options).not.toHaveProperty(name);
  });
});
